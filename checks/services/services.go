// Package services looks at the units and containers that Mastodon needs: do
// they run, will they come back after a boot, how often have they ended, and
// are they what is on disk.
package services

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
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

// WithFound takes what is known of the installation from elsewhere.
func WithFound(found func(context.Context) site.Found) Option {
	return func(c *check) { c.found = found }
}

// Kind makes the check of what Mastodon runs on this machine; it reads below
// s.Proc.
//
// Measures: services_running and services_needed; service_restarts, how often
// systemd or Docker has restarted it by itself in the last hour, with the unit
// or container as subject.
func Kind(s *site.Site, opts ...Option) checks.Kind {
	looks := checks.Looks{Open: 2, Resolve: 2} // defaults
	rule := checks.Rule{Warning: looks, Critical: looks}
	ended := rule
	ended.Calm = 24 * time.Hour // as for kills of the kernel's: by the morning it must still be there to be told
	return checks.Kind{
		Name:  "services",
		Title: checks.Text{En: "services", Ja: "サービス"},
		Graphs: []checks.Graph{
			{Measure: "services_running", Title: checks.Text{En: "running", Ja: "稼働数"}},
			{Measure: "service_restarts", Title: checks.Text{En: "restarts in an hour", Ja: "1時間の再起動回数"}},
		},
		Words: checks.Words{
			En: []string{"service", "units", "processes", "systemd", "docker"},
			Ja: []string{"サービス", "プロセス", "コンテナ"},
		},
		Scope:       checks.Host,
		After:       []string{"memory", "disk"},
		Cron:        "*/2 * * * *", // defaults
		AfterUpdate: true,
		Timeout:     15 * time.Second,
		Rules: map[string]checks.Rule{
			codeDown: rule, codeBoot: rule, codeStale: rule, codeRestarts: ended, codeCrashed: ended,
		},
		Settings: func() any { c := defaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := &check{config: defaultConfig(), proc: s.Proc, found: s.Find}
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
	config Config
	host   systemd.Host
	proc   string
	found  func(context.Context) site.Found
}

const (
	memoryKey = "services"
	// journalLines is how much of a unit's journal goes into a message (own).
	journalLines = 3
)

// look is one look on its way from what was read to what is told.
type look struct {
	checks.Observation
	*check
	now      time.Time
	where    site.Found
	manager  *systemd.Manager // nil where systemd does not run
	services []service
	boxes    []box
	code     time.Time
	before   map[string]memo
	next     map[string]memo
	down     []string
}

// A box is a container, what it is for, and what is known of its past.
type box struct {
	container
	role          role
	before, after memo
}

// Look looks once.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	l := &look{check: c, now: time.Now(), where: c.found(ctx), before: recall(past), next: map[string]memo{}}
	m, err := c.host.Open(ctx)
	switch {
	case err == nil:
		defer m.Close()
		l.manager = m
		if err := l.readUnits(ctx); err != nil {
			return checks.Observation{}, systemd.Unseen(err)
		}
	case !errors.Is(err, systemd.ErrAbsent):
		return checks.Observation{}, systemd.Unseen(err)
	case c.config.Docker == "" && l.where.Compose != "":
		return checks.Observation{}, &checks.Unseen{Why: blindDocker(), Advice: mendDocker(), Err: err}
	case c.config.Docker == "":
		return checks.Observation{}, systemd.Unseen(err)
	}
	l.readContainers(ctx)
	l.judgeUnits(ctx)
	for _, b := range l.boxes {
		l.judgeBox(b)
	}
	l.measures()
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

// boxPrefix parts the memos of containers from those of units.
const boxPrefix = "docker:"

// readUnits finds the units that matter and what wants them.
func (l *look) readUnits(ctx context.Context) error {
	loaded, err := l.manager.Units(ctx, append(patterns[:len(patterns):len(patterns)], unitPatterns(l.config.Watch)...)...)
	if err != nil {
		return err
	}
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) && !listed(l.config.Ignore, name) {
			names = append(names, name)
		}
	}
	for _, u := range loaded {
		add(u.Name)
	}
	if l.where.Live != "" || slices.ContainsFunc(loaded, func(u systemd.Unit) bool { return strings.HasPrefix(u.Name, "mastodon") }) {
		// What is neither enabled nor running is not loaded; by its usual name
		// it is found nevertheless.
		add("mastodon-web.service")
		add("mastodon-sidekiq.service")
		add("mastodon-streaming.service")
		ports := l.where.Streaming
		if len(ports) == 0 {
			ports = []int{4000} // Mastodon's own units have this one
		}
		for _, port := range ports {
			add("mastodon-streaming@" + strconv.Itoa(port) + ".service")
		}
	}
	for name := range l.before {
		if !strings.HasPrefix(name, boxPrefix) {
			add(name)
		}
	}
	for _, p := range unitPatterns(l.config.Watch) {
		if named([]string{p}, p) {
			add(p)
		}
	}
	slices.Sort(names)
	units, err := l.manager.Read(ctx, names...)
	if err != nil {
		return err
	}
	wanting, err := l.wanting(ctx, units)
	if err != nil {
		return err
	}
	for _, u := range units {
		before, known := l.before[u.Name]
		r := unitRole(u, l.config.Watch)
		asked := r != none && named(l.config.Watch, u.Name)
		if r == none || (!u.Exists() && !known && !asked) {
			continue
		}
		s := service{role: r, unit: u, asked: asked, boots: boots(u, wanting), before: before, knownBefore: known}
		s.after = memo{Active: u.IsActive() || before.Active, Boots: s.boots || before.Boots && !u.IsActive(), Since: u.ActiveSince}
		s.after = s.after.seen(before, known, u.Restarts, l.now)
		l.services = append(l.services, s)
	}
	return nil
}

func unitPatterns(watch []string) []string {
	var all []string
	for _, p := range watch {
		if !strings.HasSuffix(p, ".service") {
			p += ".service"
		}
		all = append(all, p)
	}
	return all
}

// wanting reads the services that want others: a boot may start those through
// them.
func (l *look) wanting(ctx context.Context, units []systemd.Unit) (map[string]systemd.Unit, error) {
	wanting := map[string]systemd.Unit{}
	var missing []string
	for _, u := range units {
		wanting[u.Name] = u
	}
	for _, u := range units {
		for _, name := range u.WantedBy {
			if _, ok := wanting[name]; !ok && strings.HasSuffix(name, ".service") && !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
		}
	}
	more, err := l.manager.Read(ctx, missing...)
	for _, u := range more {
		wanting[u.Name] = u
	}
	return wanting, err
}

// roleRuns tells whether another unit does the work of a role.
func (l *look) roleRuns(r role, but string) bool {
	return slices.ContainsFunc(l.services, func(s service) bool {
		return s.role == r && s.unit.Name != but && s.unit.IsActive()
	})
}

// idle tells that nothing of Mastodon's runs here or would at the next boot.
func (l *look) idle() bool {
	return !slices.ContainsFunc(l.services, func(s service) bool {
		return s.role.ofMastodon() && (s.unit.IsActive() || s.boots)
	})
}

func (l *look) judgeUnits(ctx context.Context) {
	idle := l.idle()
	var keep []service
	for _, s := range l.services {
		if needed(s, l.roleRuns(s.role, s.unit.Name), idle) {
			keep = append(keep, s)
		}
	}
	l.services = keep
	live := l.where.Live
	for _, s := range keep {
		if live == "" && s.role.ofMastodon() {
			live = strings.TrimSuffix(s.unit.Directory, "/streaming")
		}
	}
	var hidden bool
	l.code, hidden = codeAt(l.host, live)
	if hidden {
		l.Blind = append(l.Blind, checks.Blind{Code: codeStale, Why: blindCode(live), Mend: mendCode(live)})
	}
	for _, s := range keep {
		l.next[s.unit.Name] = s.after
		l.judgeUnit(ctx, s)
	}
}

func (l *look) judgeUnit(ctx context.Context, s service) {
	name := s.unit.Name
	if s.knownBefore && s.unit.IsActive() && !s.unit.ActiveSince.Equal(s.before.Since) && s.before.Active {
		l.Events = append(l.Events, checks.Event{At: s.unit.ActiveSince, Code: checks.EventRestarted, Part: s.role.part(), Subject: name, Text: restartedText(s.unit)})
	}
	if t := judgeUnit(s, l.config.Starting.Std(), l.now); t != runs {
		l.down = append(l.down, name)
		f := l.finding(codeDown, name, downText(s, t, l.journal(ctx, s, t)), downAdvice(s, t))
		if s.role.vital() {
			f.Severity, f.Road, f.Harm = checks.Critical, checks.Now, l.now
		}
		l.Findings = append(l.Findings, f)
		return
	}
	l.ended(name, s.role, s.after, func(code string) (checks.Text, checks.Advice) {
		return endedText(code, unitName(name), s.role, s.after.restarts(), nil), endedAdvice(name)
	})
	if !s.unit.IsActive() {
		return
	}
	if !s.boots {
		l.Findings = append(l.Findings, l.finding(codeBoot, name, bootText(s.unit), bootAdvice(s.unit)))
	}
	if old, ok := l.oldOf(s); ok {
		l.Findings = append(l.Findings, l.finding(codeStale, name, staleText(s, old), staleAdvice(s)))
	}
}

// journal is the end of what the last run of a unit has said, where that may
// tell why it does not run.
func (l *look) journal(ctx context.Context, s service, t trouble) []string {
	if t != failed && t != looping && t != starting {
		return nil
	}
	return l.manager.Journal(ctx, s.unit.Name, s.unit.RanAt, journalLines)
}

// oldOf tells what of a unit is older than what is on disk, and has been for
// longer than an update takes.
func (l *look) oldOf(s service) (stale, bool) {
	started := s.unit.ActiveSince
	if s.unit.ChangedAt.After(started) {
		started = s.unit.ChangedAt // a reload takes the new code, too
	}
	old, ok := stale{What: "Mastodon", Code: true, Since: l.code}, s.role.ofMastodon() && l.code.After(started)
	if !ok {
		old, ok = oldProgram(l.host, l.proc, s.unit)
	}
	return old, ok && l.now.Sub(old.Since) > l.config.OldCode.Std()
}

// ended tells of what ended by itself and was started again.
func (l *look) ended(subject string, r role, m memo, words func(code string) (checks.Text, checks.Advice)) {
	n, code := m.restarts(), codeCrashed
	switch {
	case n >= manyRestarts:
		code = codeRestarts
	case n == 0 || !r.vital() || deployed(l.code, l.now):
		return
	}
	text, advice := words(code)
	l.Findings = append(l.Findings, l.finding(code, subject, text, advice))
}

// finding is a warning for the morning.
func (l *look) finding(code, subject string, text checks.Text, advice checks.Advice) checks.Finding {
	return checks.Finding{Code: code, Subject: subject, Severity: checks.Warning, Road: checks.Morning, Text: text, Advice: advice}
}

// readContainers asks Docker, where that is set up.
func (l *look) readContainers(ctx context.Context) {
	if l.config.Docker == "" {
		if l.where.Compose != "" {
			l.Blind = append(l.Blind, checks.Blind{Code: codeDown, Subject: boxPrefix + "compose", Why: blindDocker(), Mend: mendDocker()})
		}
		return
	}
	d := newDocker(l.config.Docker)
	list, err := d.containers(ctx, l.where.Compose)
	if err != nil {
		l.Blind = append(l.Blind, checks.Blind{Code: codeDown, Subject: boxPrefix + "compose", Why: refusedDocker(err), Mend: refusedAdvice(err)})
		for key, m := range l.before {
			if strings.HasPrefix(key, boxPrefix) {
				l.next[key] = m
				l.Blind = append(l.Blind, checks.Blind{Subject: key, Why: refusedDocker(err), Mend: refusedAdvice(err)})
			}
		}
		return
	}
	for _, c := range list {
		if listed(l.config.Ignore, c.Name) || listed(l.config.Ignore, c.Service) {
			continue
		}
		before, known := l.before[boxPrefix+c.Name]
		b := box{container: c, role: containerRole(c), before: before}
		b.after = memo{Active: c.Status == "running" || before.Active, Since: c.Started}.seen(before, known, c.Restarts, l.now)
		if known && before.Active && c.Status == "running" && !c.Started.Equal(before.Since) {
			l.Events = append(l.Events, checks.Event{
				At: c.Started, Code: checks.EventRestarted, Part: b.role.part(), Subject: boxPrefix + c.Name, Text: againText(c.Name),
			})
		}
		// A chore that has done its work (migrations, a build) is not down.
		if b.role == other && c.Status == "exited" && c.ExitCode == 0 {
			continue
		}
		l.boxes = append(l.boxes, b)
	}
	slices.SortFunc(l.boxes, func(a, b box) int { return cmp.Compare(a.Name, b.Name) })
}

func (l *look) judgeBox(b box) {
	subject := boxPrefix + b.Name
	l.next[subject] = b.after
	if t := judgeContainer(b.container, b.after, l.config.Starting.Std(), l.now); t != runs {
		l.down = append(l.down, b.Name)
		f := l.finding(codeDown, subject, boxText(b, t), boxAdvice(b))
		if b.role.vital() {
			f.Severity, f.Road, f.Harm = checks.Critical, checks.Now, l.now
		}
		l.Findings = append(l.Findings, f)
		return
	}
	l.ended(subject, b.role, b.after, func(code string) (checks.Text, checks.Advice) {
		return endedText(code, unitName(b.Name), b.role, b.after.restarts(), nil), writable(checks.Advice{Look: boxAdvice(b).Look})
	})
	if b.Status == "running" && (b.Policy == "no" || b.Policy == "") {
		l.Findings = append(l.Findings, l.finding(codeBoot, subject, boxBootText(b), boxBootAdvice(b)))
	}
}

func (l *look) measures() {
	add := func(name, subject string, value int) {
		l.Measures = append(l.Measures, checks.Measure{Name: name, Subject: subject, Value: float64(value), Unit: checks.Count})
	}
	all := len(l.services) + len(l.boxes)
	add("services_running", "", all-len(l.down))
	add("services_needed", "", all)
	for _, s := range l.services {
		add("service_restarts", s.unit.Name, s.after.restarts())
	}
	for _, b := range l.boxes {
		add("service_restarts", boxPrefix+b.Name, b.after.restarts())
	}
}
