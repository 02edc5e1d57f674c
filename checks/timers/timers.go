// Package timers looks at the jobs that must run by themselves: the renewal of
// certificates, backups, the lists of packages, Mastodon's own chores.
package timers

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/systemd"
)

// An Option puts something else in the place of this machine.
type Option func(*check)

// On looks at another machine than this one.
func On(h systemd.Host) Option { return func(c *check) { c.host = h } }

// Kind makes the check of this machine's timers.
//
// Measures: timer_age, the seconds since a timer has last run, with its name as
// subject; timers, how many of those that matter wait for their next run.
func Kind(_ *site.Site, opts ...Option) checks.Kind {
	return checks.Kind{
		Name:  "timers",
		Title: checks.Text{En: "timers", Ja: "定期実行"},
		Graphs: []checks.Graph{
			{Measure: "timer_age", Title: checks.Text{En: "time since the last run", Ja: "前回の実行からの時間"}},
		},
		Words: checks.Words{
			En: []string{"timer", "cron", "schedule"},
			Ja: []string{"定期実行", "タイマー", "スケジュール", "自動実行"},
		},
		Scope:    checks.Host,
		Cron:     "*/30 * * * *", // defaults
		Timeout:  15 * time.Second,
		Settings: func() any { return &Config{} },
		New: func(t checks.Table) (checks.Check, error) {
			c := &check{}
			if err := t.Decode(&c.config); err != nil {
				return nil, err
			}
			if err := c.config.validate(); err != nil {
				return nil, err
			}
			for _, opt := range opts {
				opt(c)
			}
			return c, nil
		},
	}
}

type check struct {
	host   systemd.Host
	config Config
}

const (
	memoryKey = "timers"
	// journalLines is how much of a job's journal goes into a message (own).
	journalLines = 3
)

// look is one look on its way from what was read to what is told.
type look struct {
	checks.Observation
	now      time.Time
	manager  *systemd.Manager // nil where systemd does not run
	jobs     []job
	cron     []cronJob
	hidden   []string
	lineages lineages
	before   map[string]memo
	next     map[string]memo
}

// Look looks once.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	l := &look{now: time.Now(), before: recall(past), next: map[string]memo{}}
	m, err := c.host.Open(ctx)
	switch {
	case err == nil:
		defer m.Close()
		l.manager = m
		if err := l.read(ctx, c.host, c.config); err != nil {
			return checks.Observation{}, systemd.Unseen(err)
		}
	case !errors.Is(err, systemd.ErrAbsent):
		return checks.Observation{}, systemd.Unseen(err)
	}
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, systemd.Unseen(err)
	}
	l.cron, l.hidden = readCron(c.host)
	l.lineages = readLineages(c.host, l.now)
	for i := range l.jobs {
		l.judge(ctx, l.jobs[i])
	}
	l.unplanned(c.host)
	l.Summary = summary(l)
	if raw, err := json.Marshal(l.next); err == nil { // strings and numbers always can be
		l.Remember = map[string][]byte{memoryKey: raw}
	}
	return l.Observation, nil
}

func recall(past checks.Past) map[string]memo {
	m := map[string]memo{}
	if raw, ok := past.Load(memoryKey); ok {
		if json.Unmarshal(raw, &m) != nil {
			return map[string]memo{}
		}
	}
	return m
}

// read finds the timers that matter: those that are loaded, and those that are
// installed, by name or by what they start.
func (l *look) read(ctx context.Context, host systemd.Host, config Config) error {
	loaded, err := l.manager.Units(ctx, "*.timer")
	if err != nil {
		return err
	}
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) && !strings.HasSuffix(name, "@.timer") && !config.ignores(name) {
			names = append(names, name)
		}
	}
	for _, u := range loaded {
		add(u.Name)
	}
	for _, name := range host.Installed(".timer") {
		if guess := timerRole(systemd.Unit{Name: name}, systemd.Unit{}, config.Watch); guess != none {
			add(name)
		}
	}
	for name := range l.before {
		add(name)
	}
	for _, name := range config.named() {
		add(name)
	}
	slices.Sort(names)
	timers, err := l.manager.Read(ctx, names...)
	if err != nil {
		return err
	}
	services := make([]string, len(timers))
	for i, t := range timers {
		services[i] = t.Activates
		if services[i] == "" {
			services[i] = strings.TrimSuffix(t.Name, ".timer") + ".service"
		}
	}
	started, err := l.manager.Read(ctx, services...)
	if err != nil {
		return err
	}
	for i, t := range timers {
		r := timerRole(t, started[i], config.Watch)
		if r == none && !started[i].Exists() {
			r = l.before[t.Name].Role
		}
		if r == none || (!t.Exists() && !slices.Contains(config.named(), t.Name)) {
			continue // of one that was deleted, somebody has thought
		}
		l.jobs = append(l.jobs, job{role: r, timer: t, service: started[i], before: l.before[t.Name], now: l.now})
	}
	return nil
}

// planned tells whether another timer or cron does the work of a role.
func (l *look) planned(r role, but string) bool {
	for _, j := range l.jobs {
		if j.role == r && j.timer.Name != but && j.timer.IsActive() {
			return true
		}
	}
	return slices.ContainsFunc(l.cron, func(c cronJob) bool { return c.Role == r })
}

func (l *look) judge(ctx context.Context, j job) {
	name := j.timer.Name
	m := j.after()
	if late := due(j.timer, m.Last); !m.Last.IsZero() && !late.IsZero() && j.timer.IsActive() {
		m.Patience, m.Severity = late.Sub(m.Last), loudness(j.role, l.lineages, l.now).Severity
	}
	l.next[name] = m
	if last := j.last(); !last.IsZero() {
		l.Measures = append(l.Measures, checks.Measure{
			Name: "timer_age", Subject: name, Value: max(l.now.Sub(last).Seconds(), 0), Unit: checks.Seconds,
		})
	}
	if s := judgeSchedule(j, j.role != packages && l.planned(j.role, name)); s != stateFine {
		l.add(string(s), name, loudness(j.role, l.lineages, l.now), scheduleText(j, s), scheduleAdvice(j, s))
		if s == stateOff {
			l.next[name] = keepActive(m, j.before)
		}
	}
	if v := judgeFailed(j.role, m.Fails, l.lineages, l.now); v.Severity != checks.OK {
		l.add(codeFailed, name, v, failedText(j, m, l.manager.Journal(ctx, j.service.Name, j.service.RanAt, journalLines)), failedAdvice(j))
	}
}

// keepActive remembers that a timer once waited, until it does again: else what
// was told would end by itself at the next look.
func keepActive(m, before memo) memo {
	m.Active = m.Active || before.Active
	return m
}

func (l *look) add(code, subject string, v verdict, text checks.Text, advice checks.Advice) {
	l.Findings = append(l.Findings, checks.Finding{
		Code: code, Subject: subject, Severity: v.Severity, Road: v.Road, Harm: v.Harm, Holds: v.Holds, Text: text, Advice: advice,
	})
}

// unplanned tells that nothing renews the certificates.
func (l *look) unplanned(host systemd.Host) {
	l.Measures = append(l.Measures, checks.Measure{Name: "timers", Value: float64(l.running()), Unit: checks.Count})
	if !l.lineages.Need || l.planned(renewal, "") {
		return
	}
	// A timer that is there and does not run is told by itself.
	if slices.ContainsFunc(l.jobs, func(j job) bool { return j.role == renewal }) {
		return
	}
	if len(l.hidden) > 0 {
		l.Blind = append(l.Blind, checks.Blind{Code: codeUnplanned, Subject: string(renewal), Why: hiddenText(), Mend: hiddenAdvice()})
		return
	}
	l.add(codeUnplanned, string(renewal), loudness(renewal, l.lineages, l.now), unplannedText(l.lineages), unplannedAdvice(l.lineages, host.Running()))
}

func (l *look) running() int {
	n := 0
	for _, j := range l.jobs {
		if j.timer.IsActive() {
			n++
		}
	}
	return n
}
