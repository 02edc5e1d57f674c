// Package memory looks at what programs can still get, how long they wait for
// it, what goes to and comes from the swap, and whom the kernel has killed.
package memory

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The finding codes. Only worker has a subject: the title of the process.
const (
	codeAvailable = "available"
	codePressure  = "pressure"
	codeSwapping  = "swapping"
	codeKills     = "oom"
	codeWorker    = "worker"
)

// An Option puts something else in the place of the kernel.
type Option func(*check)

// WithKernelLog reads another file than /dev/kmsg.
func WithKernelLog(path string) Option { return func(c *check) { c.log = path } }

// WithControlGroups reads the container's limit below another folder than
// /sys/fs/cgroup.
func WithControlGroups(folder string) Option { return func(c *check) { c.cgroups = folder } }

// Kind makes the check of this machine's memory; it reads below s.Proc.
//
// Measures: available_bytes, total_bytes, swap_used_bytes (as `free -b` has
// them); swap_io in bytes a second, with the subjects "in" and "out";
// pressure_some, the share of the last five minutes (0 to 1) in which some
// process waited for memory; biggest_process_bytes; worker_bytes, with the
// title of one of Mastodon's processes as subject.
func Kind(s *site.Site, opts ...Option) checks.Kind {
	looks := checks.Looks{Open: 3, Resolve: 3} // defaults
	rule := checks.Rule{Warning: looks, Critical: looks}
	once := checks.Looks{Open: 1, Resolve: 1} // defaults
	return checks.Kind{
		Name:  "memory",
		Title: checks.Text{En: "memory", Ja: "メモリ"},
		Graphs: []checks.Graph{
			{Measure: "available_bytes", Title: checks.Text{En: "available", Ja: "空き容量"}},
			{Measure: "swap_used_bytes", Title: checks.Text{En: "swap used", Ja: "スワップ使用量"}},
			{Measure: "pressure_some", Title: checks.Text{En: "time spent waiting for memory", Ja: "メモリ待ちの割合"}},
			{Measure: "biggest_process_bytes", Title: checks.Text{En: "biggest process", Ja: "最大のプロセス"}},
		},
		Words: checks.Words{
			En: []string{"mem", "ram", "swap", "oom"},
			Ja: []string{"メモリ", "メモリー", "スワップ"},
		},
		Scope:   checks.Host,
		Cron:    "*/5 * * * *", // defaults
		Timeout: 10 * time.Second,
		Rules: map[string]checks.Rule{
			codeAvailable: rule, codePressure: rule, codeSwapping: rule, codeWorker: rule,
			codeKills: {Warning: once, Critical: once, Calm: day},
		},
		New: func(t checks.Table) (checks.Check, error) {
			if err := t.Decode(&struct{}{}); err != nil {
				return nil, err
			}
			c := &check{site: s, log: "/dev/kmsg", cgroups: "/sys/fs/cgroup"}
			for _, opt := range opts {
				opt(c)
			}
			return c, nil
		},
	}
}

type check struct {
	site         *site.Site
	log, cgroups string
}

// memory is what one look tells the next.
type memory struct {
	Boot string    `json:"boot"`
	At   time.Time `json:"at"`
	// SwapIn and SwapOut are the counters of At, and Rates what they came to.
	SwapIn  uint64 `json:"swap_in"`
	SwapOut uint64 `json:"swap_out"`
	Rates   rates  `json:"rates"`
	// Kills is the newest counter of killed processes, if Counted.
	Kills   uint64 `json:"kills"`
	Counted bool   `json:"counted"`
	// Seen is when the last look was, whatever At is.
	Seen time.Time `json:"seen"`
	// Recent are the kills of the last day.
	Recent []kill `json:"recent"`
	// Onset keeps, per finding, when it began and who was biggest then.
	Onset map[string]onset `json:"onset"`
}

type onset struct {
	At  time.Time `json:"at"`
	Top []group   `json:"top"`
}

const memoryKey = "memory"

func recall(past checks.Past) memory {
	var m memory
	if raw, ok := past.Load(memoryKey); ok {
		if json.Unmarshal(raw, &m) != nil {
			return memory{}
		}
	}
	return m
}

// Look looks once.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	now := time.Now()
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: nothingSeen(), Err: err}
	}
	r, err := read(ctx, c.site.Proc, c.cgroups)
	if err != nil {
		return checks.Observation{}, &checks.Unseen{Why: nothingSeen(), Err: err}
	}
	before := recall(past)
	top := biggest(r.Processes)
	if !r.All {
		top = nil // our own processes are not what anybody asks for
	}
	a := after{now: now, reading: r, top: top, before: before}
	a.next = memory{
		Boot: r.Boot, At: before.At, SwapIn: before.SwapIn, SwapOut: before.SwapOut,
		Kills: before.Kills, Counted: before.Counted, Seen: now, Onset: map[string]onset{},
	}
	a.usual, _ = past.Normal("available_bytes", "", now)
	a.judge(codeAvailable, judgeAvailable(r.numbers))
	a.judge(codePressure, judgePressure(r.Pressure))
	a.swapping()
	c.kills(ctx, &a)
	a.workers(past)
	a.blindSpots(past)
	a.measures()
	o := a.Observation
	o.Summary = summary(a)
	if raw, err := json.Marshal(a.next); err == nil { // strings and numbers always can be
		o.Remember = map[string][]byte{memoryKey: raw}
	}
	return o, nil
}

// after is one look on its way from what was read to what is told.
type after struct {
	checks.Observation
	reading
	now    time.Time
	top    []group
	before memory
	next   memory
	rates  rates
	usual  checks.Band // of available_bytes; Days is 0 where it is not known
	// older is how many were killed since boot at nobody knows what time.
	older uint64
}

// judge makes the finding of a rule that keeps who was biggest at its onset.
func (a *after) judge(code string, v verdict) {
	if !v.found() {
		return
	}
	began, ok := a.before.Onset[code]
	if !ok && !v.Holds {
		began, ok = onset{a.now, a.top}, true
	}
	if ok {
		a.next.Onset[code] = began
	} else {
		began = onset{a.now, a.top}
	}
	f := checks.Finding{Code: code, Severity: v.Severity, Holds: v.Holds, Road: checks.Morning}
	if v.Severity == checks.Critical {
		f.Road, f.Harm = checks.Now, a.now
	}
	switch code {
	case codeAvailable:
		f.Text = availableText(*a, began)
	case codePressure:
		f.Text = pressureText(*a, began)
	case codeSwapping:
		f.Text = swappingText(*a, began)
	}
	f.Advice = roomAdvice(began.Top)
	a.Findings = append(a.Findings, f)
}

func (a *after) swapping() {
	r, fresh := rate(a.before, a.Counters, a.Boot, a.now)
	a.rates, a.next.Rates = r, r
	if fresh {
		a.next.At, a.next.SwapIn, a.next.SwapOut = a.now, a.Counters.SwapIn, a.Counters.SwapOut
	}
	a.judge(codeSwapping, judgeSwapping(r, a.Pressure))
}

// kills tells of the processes that the kernel killed since the last look. At
// the first look, which has nothing to compare with, only those of the last day
// that the server needs are worth a finding, if the log knows them.
func (c *check) kills(ctx context.Context, a *after) {
	for _, k := range a.before.Recent {
		if a.now.Sub(k.At) < day {
			a.next.Recent = append(a.next.Recent, k)
		}
	}
	n, first := newKills(a.before, a.Counters, a.Boot)
	if a.Counters != nil && a.Counters.CountsKills {
		a.next.Kills, a.next.Counted = a.Counters.Kills, true
	}
	if n == 0 {
		return
	}
	log, err := readLog(ctx, c.log)
	var fresh []kill
	if first {
		for _, k := range log {
			if a.now.Sub(k.At) < day {
				fresh = append(fresh, k)
			}
		}
		if len(fresh) > killsKept {
			fresh = fresh[len(fresh)-killsKept:]
		}
		a.older = n - min(n, uint64(len(fresh)))
		if !slices.ContainsFunc(fresh, kill.isVital) {
			a.next.Recent, fresh = fresh, nil
		}
	} else {
		// A minute's grace: the kernel's clock and ours are not the same.
		fresh = attribute(log, n, a.before.Seen.Add(-time.Minute), a.now, a.before.Recent)
	}
	a.next.Recent = append(a.next.Recent, fresh...)
	if len(a.next.Recent) > killsKept {
		a.next.Recent = a.next.Recent[len(a.next.Recent)-killsKept:]
	}
	v := judgeKills(fresh, a.next.Recent)
	if !v.found() {
		return
	}
	f := checks.Finding{
		Code: codeKills, Severity: v.Severity, Road: checks.Morning,
		Text: killsText(*a, fresh, errors.Is(err, fs.ErrPermission)), Advice: killsAdvice(fresh),
	}
	if v.Severity == checks.Critical {
		f.Road, f.Harm = checks.Now, a.now
	}
	a.Findings = append(a.Findings, f)
}

// workers tells of Mastodon's processes that have outgrown themselves.
func (a *after) workers(past checks.Past) {
	for _, p := range workers(a.Processes) {
		size := float64(p.Resident)
		a.Measures = append(a.Measures, checks.Measure{Name: "worker_bytes", Subject: p.Worker, Value: size, Unit: checks.Bytes})
		if size < 0.9*workerLeast {
			continue // whatever is usual, it is no finding
		}
		samples, err := past.Series("worker_bytes", p.Worker, a.now.Add(-workerWindow))
		if err != nil {
			a.Blind = append(a.Blind, checks.Blind{Code: codeWorker, Subject: p.Worker, Why: blindPast(p.Worker)})
			continue
		}
		usual := usualSize(samples, a.now)
		v := judgeWorker(size, usual)
		if !v.found() {
			continue
		}
		a.Findings = append(a.Findings, checks.Finding{
			Code: codeWorker, Subject: p.Worker, Severity: v.Severity, Holds: v.Holds, Road: checks.Morning,
			Text: workerText(p, usual), Advice: workerAdvice(p),
		})
	}
}

func (a *after) blindSpots(past checks.Past) {
	if a.PressureErr != nil {
		a.Blind = append(a.Blind, checks.Blind{Code: codePressure, Why: blindPressure()})
	}
	if a.CountersErr != nil {
		for _, code := range []string{codeKills, codeSwapping} {
			a.Blind = append(a.Blind, checks.Blind{Code: code, Why: blindCounters()})
		}
	}
	// Where they could never be seen, that is how the machine is set up.
	if _, before := past.Last("biggest_process_bytes", ""); !a.All && before {
		a.Blind = append(a.Blind, checks.Blind{Code: codeWorker, Why: blindProcesses(), Mend: mendProcesses()})
	}
}

func (a *after) measures() {
	add := func(name, subject string, value float64, unit string) {
		a.Measures = append(a.Measures, checks.Measure{Name: name, Subject: subject, Value: value, Unit: unit})
	}
	add("available_bytes", "", float64(a.Available), checks.Bytes)
	add("total_bytes", "", float64(a.Total), checks.Bytes)
	add("swap_used_bytes", "", float64(a.SwapUsed), checks.Bytes)
	if a.rates.Known {
		add("swap_io", "in", a.rates.In, checks.Bytes)
		add("swap_io", "out", a.rates.Out, checks.Bytes)
	}
	if a.Pressure != nil {
		add("pressure_some", "", a.Pressure.Some300, checks.Ratio)
	}
	if a.All {
		var most int64
		for _, p := range a.Processes {
			most = max(most, p.Resident)
		}
		add("biggest_process_bytes", "", float64(most), checks.Bytes)
	}
}
