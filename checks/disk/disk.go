// Package disk looks at the room on every real file system: bytes and inodes,
// how long the room will last, and whether the kernel has stopped writing.
package disk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/hang"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/trend"
)

// The finding codes; each subject is a mount point.
const (
	codeFull     = "full"
	codeInodes   = "inodes"
	codeForecast = "forecast"
	codeReadOnly = "read-only"
)

const (
	// statLimit is how long one file system may take to answer (own).
	statLimit = 2 * time.Second
	// volumeLimit bounds how many file systems are looked at (own).
	volumeLimit = 256
)

// dataFolders are where packages let the server keep what it cannot do
// without; where it was found to keep it is added.
var dataFolders = []struct{ folder, name string }{
	{"/var/lib/postgresql", "PostgreSQL"},
	{"/var/lib/pgsql", "PostgreSQL"},
	{"/var/lib/redis", "Redis"},
	{"/var/lib/valkey", "Valkey"},
}

// An Option puts something else in the place of the kernel.
type Option func(*options)

type options struct {
	mounts func() ([]Mount, error)
	statfs func(path string) (Stat, error)
	root   string // where the places that can be freed are looked for
	folder func(path string) (string, error)
	find   func(context.Context) site.Found
}

// WithMounts gives the mount table instead of the kernel's.
func WithMounts(f func() ([]Mount, error)) Option { return func(o *options) { o.mounts = f } }

// WithStatfs asks somebody else for the room at a mount point.
func WithStatfs(f func(path string) (Stat, error)) Option { return func(o *options) { o.statfs = f } }

// Statfs asks the kernel for the room at a path; it may never come back where
// a network mount is dead.
func Statfs(path string) (Stat, error) { return statfs(path) }

// Kind makes the check of this machine's file systems.
//
// Measures, each with the mount point as subject: available_bytes (what df
// calls avail), size_bytes, used_ratio (df's Use%), inodes_available (only
// where inodes are of a fixed number).
func Kind(s *site.Site, opts ...Option) checks.Kind {
	o := options{
		mounts: func() ([]Mount, error) { return readMounts(s.Proc) },
		statfs: statfs,
		folder: filepath.EvalSymlinks,
		find:   s.Find,
	}
	for _, opt := range opts {
		opt(&o)
	}
	rule := checks.Rule{
		Warning:  checks.Looks{Open: 2, Resolve: 3}, // defaults
		Critical: checks.Looks{Open: 1, Resolve: 2}, // defaults
	}
	return checks.Kind{
		Name:  "disk",
		Title: checks.Text{En: "disk", Ja: "ディスク"},
		Words: checks.Words{
			En: []string{"disks", "space", "storage", "inodes", "df"},
			Ja: []string{"ディスク", "容量", "空き", "空き容量", "ディスク容量", "ストレージ"},
		},
		Scope:   checks.Host,
		Cron:    "*/5 * * * *", // defaults
		Timeout: 15 * time.Second,
		Rules: map[string]checks.Rule{
			codeFull: rule, codeInodes: rule, codeForecast: rule, codeReadOnly: rule,
		},
		Graphs: []checks.Graph{
			{Measure: measureUsed, Title: checks.Text{En: "used", Ja: "使用率"}, By: measureSize},
			{Measure: measureAvailable, Title: checks.Text{En: "available", Ja: "空き容量"}, By: measureSize},
			{Measure: measureInodes, Title: checks.Text{En: "inodes left", Ja: "空きinode数"}, By: measureSize},
		},
		Settings: func() any { c := defaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := defaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.validate(); err != nil {
				return nil, err
			}
			return &check{config: c, options: o, walked: map[string]walked{}}, nil
		},
	}
}

type check struct {
	options
	config Config
	calls  hang.Calls
	walked map[string]walked
	limits checks.SeenLimits
}

// walked is what the last search for things to delete found.
type walked struct {
	at   time.Time
	free []freeable
}

// memory is what one look tells the next.
type memory struct {
	// Writable lists the file systems that could be written to, by source and
	// mount point.
	Writable []string `json:"writable"`
	// Trends by subject.
	Trends map[string]trend.Trend `json:"trends"`
}

const memoryKey = "disk"

func recall(past checks.Past) memory {
	var m memory
	if raw, ok := past.Load(memoryKey); ok {
		if json.Unmarshal(raw, &m) != nil {
			return memory{}
		}
	}
	return m
}

func writableKey(m Mount) string { return m.Source + " " + m.Point }

// Look looks at every file system once.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	now := time.Now()
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: nothingSeen(), Err: err}
	}
	all, err := c.mounts()
	if err != nil {
		return checks.Observation{}, &checks.Unseen{Why: noTable(), Err: err}
	}
	before, after := recall(past), memory{Trends: map[string]trend.Trend{}}
	writableBefore := map[string]bool{}
	for _, key := range before.Writable {
		writableBefore[key] = true
	}
	var watched []Mount
	for _, m := range all {
		how := judgeReadOnly(m, writableBefore[writableKey(m)])
		stopped := how == stoppedError || how == stoppedBefore
		if c.config.ignores(m.Point) || worthLooking(m, stopped) != reasonReal || hidden(m, all) {
			continue
		}
		watched = append(watched, m)
	}
	found := volumes(watched)
	if len(found) > volumeLimit {
		found = found[:volumeLimit]
	}
	o, list := c.ask(ctx, found)
	list = withoutLayers(list)
	holds := c.holding(ctx, all)
	illness := map[string]checks.Severity{}
	c.limits.Forget()
	// One search for all that are full: together they may not take longer.
	walkCtx, cancel := context.WithTimeout(ctx, walkLimit)
	defer cancel()
	for i := range list {
		s := &list[i]
		s.Holds = holds[s.Device]
		s.Usual, _ = past.Normal(measureUsed, s.Subject, now)
		how := judgeReadOnly(s.Mount, writableBefore[writableKey(s.Mount)])
		if how != meant {
			after.Writable = append(after.Writable, writableKey(s.Mount))
		}
		if blind := c.fitTrend(s, past, before, now); blind != nil {
			o.Blind = append(o.Blind, *blind)
		}
		after.Trends[s.Subject] = s.Trend
		o.Measures = append(o.Measures, measures(*s)...)
		c.see(s.Stat, s.Subject, s.important(), s.InMemory)
		findings := c.judge(walkCtx, s, how, now)
		for _, f := range findings {
			if !f.Holds {
				illness[s.Subject] = max(illness[s.Subject], f.Severity)
			}
		}
		o.Findings = append(o.Findings, findings...)
	}
	// What could not be seen this time could be written to as far as is known.
	for _, b := range o.Blind {
		for _, v := range found {
			if key := writableKey(v.Mount); checks.Subject(v.Point) == b.Subject && writableBefore[key] && !slices.Contains(after.Writable, key) {
				after.Writable = append(after.Writable, key)
			}
		}
	}
	if len(list) == 0 {
		if len(o.Blind) == 0 {
			return checks.Observation{}, &checks.Unseen{Why: nothingSeen()}
		}
		o.Summary = nothingSeen()
	} else {
		o.Summary = c.summarise(list, illness, unseen(o.Blind))
	}
	if raw, err := json.Marshal(after); err == nil { // strings and numbers always can be
		o.Remember = map[string][]byte{memoryKey: raw}
	}
	return o, nil
}

func unseen(blind []checks.Blind) int {
	n := 0
	for _, b := range blind {
		if b.Code == "" {
			n++
		}
	}
	return n
}

// ask asks all file systems at once, each with its own deadline.
func (c *check) ask(ctx context.Context, found []volume) (checks.Observation, []seen) {
	type answer struct {
		Stat
		err error
	}
	answers := make([]answer, len(found))
	var asked sync.WaitGroup
	for i, v := range found {
		asked.Go(func() {
			answers[i].Stat, answers[i].err = hang.Ask(ctx, &c.calls, v.Device+" "+v.Point, statLimit,
				func() (Stat, error) { return c.statfs(v.Point) })
		})
	}
	asked.Wait()
	var o checks.Observation
	var list []seen
	for i, v := range found {
		a := answers[i]
		switch {
		case errors.Is(a.err, hang.ErrSlow), errors.Is(a.err, hang.ErrPending):
			o.Blind = append(o.Blind, checks.Blind{Subject: checks.Subject(v.Point), Why: blindSlow(v.Mount, statLimit), Mend: mendSlow(v.Mount)})
		case errors.Is(a.err, fs.ErrNotExist):
			// Unmounted since the table was read.
		case a.err != nil:
			o.Blind = append(o.Blind, checks.Blind{
				Subject: checks.Subject(v.Point),
				Why:     blindError(v.Mount, a.err, errors.Is(a.err, fs.ErrPermission)), Mend: mendError(),
			})
		case a.Size == 0:
			// A helper of some program's, not a disk.
		default:
			list = append(list, seen{
				volume: v, Stat: a.Stat, Name: name(v.Point), Subject: checks.Subject(v.Point), InMemory: memoryTypes[v.Type],
			})
		}
	}
	return o, list
}

// withoutLayers leaves out what shows the same room twice: an overlay answers
// with the numbers of the file system that its upper layer lies on.
func withoutLayers(list []seen) []seen {
	gone := map[int]bool{}
	for i := range list {
		for j := range list {
			a, b := list[i], list[j]
			if i == j || gone[i] || gone[j] || a.Type != "overlay" || a.Size != b.Size || a.Inodes != b.Inodes {
				continue
			}
			// They are asked at the same time, but not at the same instant.
			apart := max(a.Stat.Free, b.Stat.Free) - min(a.Stat.Free, b.Stat.Free)
			if apart > a.Size/100 {
				continue
			}
			if better(b.Mount, a.Mount) {
				gone[i] = true
			} else {
				gone[j] = true
			}
		}
	}
	var kept []seen
	for i, s := range list {
		if !gone[i] {
			kept = append(kept, s)
		}
	}
	return kept
}

// holding returns which data the server cannot do without, by the device it
// lies on.
func (c *check) holding(ctx context.Context, all []Mount) map[string][]string {
	installed := c.find(ctx)
	found, err := hang.Ask(ctx, &c.calls, "data folders", statLimit, func() (map[string][]string, error) {
		found := map[string][]string{}
		hold := func(folder, name string) {
			path, err := c.folder(folder)
			if err != nil {
				return // not on this machine
			}
			device := holding(path, all)
			if !slices.Contains(found[device], name) {
				found[device] = append(found[device], name)
			}
		}
		for _, d := range dataFolders {
			hold(d.folder, d.name)
		}
		for _, folder := range installed.PostgresData {
			hold(folder, "PostgreSQL")
		}
		for _, folder := range installed.RedisData {
			if !strings.HasPrefix(folder, "/var/lib/valkey") { // known by its own name
				hold(folder, "Redis")
			}
		}
		return found, nil
	})
	if err != nil {
		return nil
	}
	return found
}

// important are the file systems without which the server stops (defaults).
func (s seen) important() bool { return s.Point == "/" || s.Point == "/var" || len(s.Holds) > 0 }

// fitTrend takes the trend of the last look while it is fresh, or fits it
// anew; the blind spot says that the history could not be read.
func (c *check) fitTrend(s *seen, past checks.Past, before memory, now time.Time) *checks.Blind {
	if s.InMemory {
		return nil // what lies in memory comes and goes with its programs
	}
	if t, ok := before.Trends[s.Subject]; ok && now.Sub(t.At) < trendFresh && !now.Before(t.At) {
		s.Trend = t
		return nil
	}
	since := now.Add(-trend.Window)
	samples, err := past.Series(measureAvailable, s.Subject, since)
	if err == nil && len(samples) > 0 {
		var sizes []checks.Sample
		if sizes, err = past.Series(measureSize, s.Subject, since); err == nil {
			samples = sameSize(samples, sizes)
		}
	}
	if err != nil {
		return &checks.Blind{Code: codeForecast, Subject: s.Subject, Why: blindPast(*s)}
	}
	s.Trend = trend.Fit(samples, now)
	return nil
}

func measures(s seen) []checks.Measure {
	list := []checks.Measure{
		{Name: measureAvailable, Subject: s.Subject, Value: float64(s.Available), Unit: checks.Bytes},
		{Name: measureSize, Subject: s.Subject, Value: float64(s.Size), Unit: checks.Bytes},
		{Name: measureUsed, Subject: s.Subject, Value: s.Used(), Unit: checks.Ratio},
	}
	if s.Inodes > 0 {
		list = append(list, checks.Measure{Name: measureInodes, Subject: s.Subject, Value: float64(s.InodesFree), Unit: checks.Count})
	}
	return list
}

// judge makes the findings of one file system.
func (c *check) judge(ctx context.Context, s *seen, how string, now time.Time) []checks.Finding {
	var list []checks.Finding
	bytes := judgeBytes(s.Stat, c.config, s.important(), s.InMemory)
	if bytes.found() {
		critical := bytes.Severity == checks.Critical
		if critical {
			s.Free = c.freeable(ctx, *s, now)
		}
		f := finding(codeFull, *s, bytes, fullText(*s), fullAdvice(*s, critical))
		if bytes.Why == "full" {
			f.Harm = now
		}
		list = append(list, f)
	}
	if inodes := judgeInodes(s.Stat, c.config, s.InMemory); inodes.found() {
		f := finding(codeInodes, *s, inodes, inodesText(*s), inodesAdvice(*s))
		if inodes.Severity == checks.Critical {
			f.Harm = now
		}
		list = append(list, f)
	}
	if forecast, left := judgeForecast(s.Trend, float64(s.Available)); forecast.found() {
		// What is full already need not be foretold, nor is the foretelling over.
		forecast.Holds = forecast.Holds || bytes.found() && !bytes.Holds
		f := finding(codeForecast, *s, forecast, forecastText(*s, now, left), fullAdvice(*s, false))
		f.Harm = now.Add(left)
		list = append(list, f)
	}
	if how == stoppedError || how == stoppedBefore {
		f := finding(codeReadOnly, *s, verdict{Severity: checks.Critical}, readOnlyText(*s, how), readOnlyAdvice(*s, how))
		f.Harm = now
		list = append(list, f)
	}
	return list
}

func finding(code string, s seen, v verdict, text checks.Text, advice checks.Advice) checks.Finding {
	f := checks.Finding{
		Code: code, Subject: s.Subject, Severity: v.Severity, Holds: v.Holds,
		Road: checks.Morning, Text: text, Advice: advice,
	}
	if v.Severity == checks.Critical {
		f.Road = checks.Now
	}
	return f
}

// freeable returns the three biggest things on a file system that can be freed
// at once, and Docker's images if they are there.
func (c *check) freeable(ctx context.Context, s seen, now time.Time) []freeable {
	if w, ok := c.walked[s.Subject]; ok && now.Sub(w.at) < walkFresh {
		return w.free
	}
	// The walk ends by itself soon after its context; the limit here is for a
	// folder that does not answer.
	all, err := hang.Ask(context.WithoutCancel(ctx), &c.calls, "walk", walkLimit+200*time.Millisecond, func() ([]freeable, error) {
		beIdle()
		return findFreeable(ctx, c.root, s.points), nil
	})
	if err != nil {
		return nil
	}
	var free []freeable
	for _, f := range all {
		if len(free) < 3 || f.Kind == freeDocker {
			free = append(free, f)
		}
	}
	c.walked[s.Subject] = walked{now, free}
	return free
}

// summarise puts the worst first; among equals the root, then the fullest.
func (c *check) summarise(list []seen, illness map[string]checks.Severity, unseen int) checks.Text {
	order := slices.Clone(list)
	rank := func(s seen) int {
		switch {
		case s.Point == "/" || s.Point == dataPoint:
			return 0
		case s.important():
			return 1
		case s.InMemory:
			return 3
		}
		return 2
	}
	slices.SortStableFunc(order, func(a, b seen) int {
		return cmp.Or(
			cmp.Compare(illness[b.Subject], illness[a.Subject]),
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(b.Used(), a.Used()),
			strings.Compare(a.Point, b.Point),
		)
	})
	var ill []seen
	for _, s := range order[1:] {
		if illness[s.Subject] > checks.OK {
			ill = append(ill, s)
		}
	}
	fine := len(order) - 1 - len(ill)
	return summary(order[0], ill, fine, unseen)
}

// dataPoint is where macOS keeps what can be written: its root cannot be.
const dataPoint = "/System/Volumes/Data"
