// Package backups asks whether the backups really run: whether there is a
// recent one, whether it has its usual size, whether it can be read to its end,
// whether what is inside is of today, and whether it can be restored.
package backups

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/systemd"
)

// The finding codes. The subject is the source's name, or "" where it is about
// all of them: same-disk, no-env, no-media, unrestored, rehearse,
// second-person. That of job is a unit's name, or a source's.
const (
	codeOld        = "old"
	codeMissing    = "missing"
	codeSmall      = "small"
	codeLarge      = "large"
	codeIncomplete = "incomplete"
	codeSameDisk   = "same-disk"
	codeNoEnv      = "no-env"
	codeNoRoom     = "no-room"
	codeNoMedia    = "no-media"
	codeUnrestored = "unrestored"

	codeContents     = "contents"
	codeUnrestorable = "unrestorable"
	codeJob          = "job"
	codeLog          = "log"
	codeRehearse     = "rehearse"
	codeSecond       = "second-person"
)

// gatherLimit is how long the files of one source may take to answer (own).
const gatherLimit = 10 * time.Second

// An Option puts something else in the place of this machine's.
type Option func(*check)

// WithTools looks for tools in these folders only.
func WithTools(path ...string) Option { return func(c *check) { c.path = path } }

// WithPlaces looks for backups in these places, patterns, instead of the usual
// ones.
func WithPlaces(places ...string) Option { return func(c *check) { c.places = places } }

// WithFound takes somebody else's word for what is installed.
func WithFound(f func(context.Context) site.Found) Option { return func(c *check) { c.find = f } }

// WithServers looks for PostgreSQL's server programs in these folders,
// patterns, whose last but one part is the version.
func WithServers(patterns ...string) Option { return func(c *check) { c.servers = patterns } }

// On asks the systemd of another machine than this one.
func On(h systemd.Host) Option { return func(c *check) { c.host = h } }

// Kind makes the check of the backups on, or reported on, this machine.
//
// Measures, each with the source's name as subject: age (seconds since the
// newest backup), size_bytes (of the newest run), free_bytes (where they lie),
// read_time and restore_time (seconds that reading the newest to its end, and
// restoring one, took), statuses_inside and accounts_inside (rows); and without
// a subject live_accounts, about how many the running server has.
func Kind(s *site.Site, opts ...Option) checks.Kind {
	once := checks.Looks{Open: 1, Resolve: 1} // defaults
	rules := map[string]checks.Rule{}
	for _, code := range []string{
		codeOld, codeMissing, codeSmall, codeLarge, codeIncomplete, codeSameDisk, codeNoEnv, codeNoRoom, codeNoMedia, codeUnrestored,
		codeContents, codeUnrestorable, codeJob, codeLog, codeRehearse, codeSecond,
	} {
		rules[code] = checks.Rule{Warning: once, Critical: once}
	}
	return checks.Kind{
		Name:  "backups",
		Title: checks.Text{En: "backups", Ja: "バックアップ"},
		Graphs: []checks.Graph{
			{Measure: "size_bytes", Title: checks.Text{En: "size", Ja: "サイズ"}},
			{Measure: "age", Title: checks.Text{En: "age", Ja: "経過時間"}},
			{Measure: "free_bytes", Title: checks.Text{En: "room where they lie", Ja: "保存先の空き容量"}},
		},
		Words: checks.Words{
			En: []string{"backup", "dump", "dumps", "restore"},
			Ja: []string{"バックアップ", "ダンプ", "復元", "リストア"},
		},
		Scope:    checks.Host,
		Cron:     "20 * * * *",     // defaults
		Timeout:  20 * time.Minute, // what reading 5 GB to the end takes, and some
		Rules:    rules,
		Reads:    reads(),
		Settings: func() any { c := defaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			config := defaultConfig()
			if err := t.Decode(&config); err != nil {
				return nil, err
			}
			if err := config.validate(time.Now()); err != nil {
				return nil, err
			}
			c := &check{config: config, find: s.Find, places: usualPlaces(), servers: usualServers(), proc: s.Proc, hung: map[string]bool{}}
			if d := s.Database(); d != nil {
				c.read = d.Read
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
	find   func(context.Context) site.Found
	places []string
	path   []string
	// servers are patterns of folders with PostgreSQL's server programs.
	servers []string
	proc    string
	host    systemd.Host
	read    reader // nil where there is no database to be asked

	mu   sync.Mutex
	hung map[string]bool // sources whose files have not answered yet
}

// memory is what one look tells the next.
type memory struct {
	Sources map[string]known `json:"sources"`
	// First is when this began to look.
	First time.Time `json:"first,omitzero"`
}

// known is what is remembered of one source.
type known struct {
	// Runs are those that were seen, oldest first, also of files that are gone.
	Runs []point `json:"runs"`
	// Tested is the newest backup that was read to its end.
	Tested tested `json:"tested"`
	// Rebuilt is the last restore that was tried.
	Rebuilt rebuilt `json:"rebuilt,omitzero"`
	// Log is what is known of the job's log.
	Log logState `json:"log,omitzero"`
	// FoundAt is the pattern of a source that nobody has set up.
	FoundAt string `json:"found_at,omitempty"`
	// Room is how much the next one needs, in bytes, and RoomSeverity how bad it
	// is where there is less.
	Room         float64         `json:"room,omitempty"`
	RoomSeverity checks.Severity `json:"room_severity,omitempty"`
}

const (
	memoryKey = "backups"
	// runsKept bounds the memory of a source (own).
	runsKept = 30
)

func recall(past checks.Past) memory {
	m := memory{Sources: map[string]known{}}
	if raw, ok := past.Load(memoryKey); ok {
		if json.Unmarshal(raw, &m) != nil || m.Sources == nil {
			return memory{Sources: map[string]known{}}
		}
	}
	return m
}

// Look looks at every source once; at night it also reads what is new to its
// end.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, false)
}

// LookThoroughly reads the newest of every source to its end, at any hour.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, named bool) (checks.Observation, error) {
	now := time.Now()
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: nothingSeen(), Err: err}
	}
	before := recall(past)
	installed := c.find(ctx)
	list, strays, err := c.sources(ctx, before, installed, now)
	if err != nil {
		return checks.Observation{}, &checks.Unseen{Why: nothingSeen(), Err: err}
	}
	r := &round{c: c, now: now, past: past, installed: installed, after: memory{Sources: map[string]known{}, First: before.First}}
	if r.after.First.IsZero() {
		r.after.First = now
	}
	c.sweepUp(ctx)
	if len(list) == 0 {
		return r.none(strays)
	}
	for _, s := range list {
		one := c.examine(ctx, s, before.Sources[s.label()], now)
		one.Here = home(installed) != ""
		r.seen = append(r.seen, one)
	}
	r.test(ctx, named)
	r.compare(ctx)
	r.restore(ctx, named)
	r.judgeJobs(c.jobs(ctx))
	for i := range r.seen {
		r.judge(ctx, &r.seen[i])
	}
	r.together()
	r.remember(strays)
	r.out.Summary = r.summarise()
	return r.out, nil
}

// seen is one source and what was seen of it.
type seen struct {
	source
	known
	Name   checks.Text
	Err    error    // nothing could be seen
	Denied []string // folders that may not be read
	Status status
	// Newest is the last one that is finished; nil where there is none.
	Newest *artefact
	// Writing tells that another is being written at this moment.
	Writing bool
	Count   int
	Rhythm  time.Duration
	How     string // how the rhythm came to be known
	Usual   int64  // 0 where it is not known
	Size    int64  // of the newest run; -1 where it is not known
	Free    uint64
	FreeErr error
	Level   level
	// Trial is how reading the newest to its end went, or would go.
	Trial tested
	// Here tells that a Mastodon is installed on this machine.
	Here bool
	// Inside is the verdict on what is inside the newest that was read.
	Inside verdict
	// Compared tells that the running server was asked for it.
	Compared bool
	// Accounts is how many the running server had when that was made; 0 where
	// it is not known.
	Accounts int64
	Illness  checks.Severity
}

// source is a Source that was set or found.
type source struct {
	Source
	Found bool
}

var errHangs = errors.New("no answer in time")

// within runs f and comes back with its answer or when the time is over: a
// question to a dead network mount can be neither ended nor waited for. While
// one is out, no second one is sent after it.
func within[T any](ctx context.Context, c *check, key string, f func(context.Context) T) (T, error) {
	var none T
	c.mu.Lock()
	out := c.hung[key]
	c.hung[key] = true
	c.mu.Unlock()
	if out {
		return none, errHangs
	}
	ctx, cancel := context.WithTimeout(ctx, gatherLimit)
	defer cancel()
	answers := make(chan T, 1)
	go func() {
		v := f(ctx)
		c.mu.Lock()
		delete(c.hung, key)
		c.mu.Unlock()
		answers <- v
	}()
	select {
	case v := <-answers:
		return v, nil
	case <-ctx.Done():
		return none, errHangs
	}
}

// examine looks at the files, or the status file, of one source.
func (c *check) examine(ctx context.Context, from source, before known, now time.Time) seen {
	s, err := within(ctx, c, from.label(), func(ctx context.Context) seen {
		s := seen{source: from, known: before}
		var list []artefact
		if from.StatusFile != "" {
			s.Status, s.Err = readStatus(from.StatusFile)
			list = s.Status.Artefacts
		} else {
			var m matched
			list, m, s.Err = gather(ctx, from.Glob, now)
			s.Denied = m.Denied
		}
		s.take(list)
		if s.Newest != nil && s.Newest.Path != "" {
			s.Free, s.FreeErr = freeAt(s.Newest.Path)
		}
		return s
	})
	if err != nil {
		s = seen{source: from, known: before, Err: err}
	}
	s.Name = nameOf(from.label())
	runs := runs(s.Runs)
	s.Rhythm, s.How = rhythm(from.Every.Std(), !from.Found, runs)
	if from.StatusFile != "" && errors.Is(s.Err, fs.ErrNotExist) {
		s.Err = nil // as if it listed nothing
	}
	if s.Newest == nil && s.Status.Exit != 0 && len(runs) > 0 {
		// A job that failed tells nothing of the backups that are there.
		last := runs[len(runs)-1]
		s.Newest = &artefact{Time: last.Time, Size: last.Size}
	}
	s.Usual, _ = usualSize(runs)
	s.Size = -1
	if len(runs) > 0 {
		s.Size = runs[len(runs)-1].Size
	}
	return s
}

// take takes what was seen into what is known.
func (s *seen) take(list []artefact) {
	s.Count = len(list)
	points := slices.Clone(s.Runs)
	for i := range list {
		a := list[i]
		if a.Growing {
			s.Writing = true
			continue
		}
		s.Newest = &list[i]
		p := point{a.Time.Truncate(time.Second), a.Size}
		// A file that was touched or copied over is the same run once more.
		if !slices.ContainsFunc(points, func(q point) bool { return q.Time.Equal(p.Time) && q.Size == p.Size }) {
			points = append(points, p)
		}
	}
	slices.SortStableFunc(points, func(a, b point) int { return a.Time.Compare(b.Time) })
	s.Runs = points[max(0, len(points)-runsKept):]
}
