// Package usage looks at what eats the disk, as an admin walks it with du: the
// database, the logs, Mastodon and what it has cached, dumps that were
// forgotten, files that were deleted and are still open. Each area is held
// against its own normal number.
package usage

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/hang"
	"github.com/sababan/sababan/checks/site"
)

// The finding codes. Each subject is a path; that of deleted-open is a
// process's name.
const (
	codeGrowth  = "growth"
	codeMedia   = "media-growth"
	codeDump    = "dump"
	codeJournal = "journal"
	codeRuby    = "ruby"
	codeCache   = "cache"
	codeWAL     = "wal"
	codeDeleted = "deleted-open"
)

// areaBytes is the measure of each area, with its path as subject.
const areaBytes = "area_bytes"

// measureLimit bounds the areas whose sizes are kept (own).
const measureLimit = 200

// An Option puts something else in the place of this machine.
type Option func(*options)

type options struct {
	root    string // where the known places are; "" is the machine itself
	found   func(context.Context) site.Found
	ask     func(context.Context) (*said, error) // PostgreSQL
	program string                               // whose lock keeps two walks from running at once
}

// Kind makes the check of what lies on this machine's disks.
//
// Measure: area_bytes, with the folder (of logs also the log) as subject, what
// du -sx says of it, or PostgreSQL of its own where it lets us ask and its
// folder is closed; none for an area that could not be read whole.
func Kind(s *site.Site, opts ...Option) checks.Kind {
	o := options{
		found: s.Find, program: ownProgram(),
		ask: func(ctx context.Context) (*said, error) { return askDatabase(ctx, s.Database()) },
	}
	for _, opt := range opts {
		opt(&o)
	}
	return checks.Kind{
		Name:  "usage",
		Title: checks.Text{En: "disk usage", Ja: "ディスクの内訳"},
		Graphs: []checks.Graph{
			{Measure: "area_bytes"},
		},
		Words: checks.Words{
			En: []string{"du", "sizes", "folders", "growth"},
			Ja: []string{"内訳", "ディスクの内訳", "使用量", "肥大", "何が大きい"},
		},
		Scope: checks.Host,
		Long:  true,
		Cron:  "40 4 * * *", // defaults
		// A million files on a cold and busy disk take minutes.
		Timeout: 20 * time.Minute,
		// That it takes two nights for what grows is decided where their times
		// are known: a look that was asked for is not a night.
		Settings: func() any { c := defaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := defaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.validate(); err != nil {
				return nil, err
			}
			return &check{options: o, config: c, proc: s.Proc}, nil
		},
	}
}

func ownProgram() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}

type check struct {
	options
	config Config
	proc   string
	calls  hang.Calls
}

// memory is what one walk tells the next look.
type memory struct {
	// At is when the last full answer was found, and Answer what it was.
	At     time.Time `json:"at"`
	Answer kept      `json:"answer"`
	// Found are the findings of the last walk.
	Found []remembered `json:"found"`
}

// kept is the part of an answer that is given again.
type kept struct {
	Summary  checks.Text      `json:"summary"`
	Findings []checks.Finding `json:"findings"`
	Blind    []checks.Blind   `json:"blind"`
}

// remembered is a finding that was there, and since when.
type remembered struct {
	Code    string    `json:"code"`
	Subject string    `json:"subject"`
	Path    string    `json:"path"`
	Since   time.Time `json:"since"`
}

const memoryKey = "usage"

func recall(past checks.Past) memory {
	var m memory
	if raw, ok := past.Load(memoryKey); ok {
		if json.Unmarshal(raw, &m) != nil {
			return memory{}
		}
	}
	return m
}

func (m memory) since(code, subject string) (time.Time, bool) {
	for _, r := range m.Found {
		if r.Code == code && r.Subject == subject {
			return r.Since, true
		}
	}
	return time.Time{}, false
}

// again is the last full answer, dated.
func (m memory) again() checks.Observation {
	return checks.Observation{
		Summary: dated(m.Answer.Summary, m.At), Findings: m.Answer.Findings, Blind: m.Answer.Blind, AsOf: m.At,
	}
}

// Look gives the last full answer again while it is fresh, and walks else: a
// walk takes minutes where there are millions of files.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	m := recall(past)
	if age := time.Since(m.At); age >= 0 && age < c.config.Keep.Std() {
		return m.again(), nil
	}
	return c.walk(ctx, past, m)
}

// LookThoroughly walks.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.walk(ctx, past, recall(past))
}

func (c *check) walk(ctx context.Context, past checks.Past, m memory) (checks.Observation, error) {
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: noTime(), Err: err}
	}
	if c.program != "" {
		end, err := onlyOne(ctx, c.program)
		switch {
		case errors.Is(err, errBusy) && !m.At.IsZero():
			return m.again(), nil
		case errors.Is(err, errBusy):
			return checks.Observation{}, &checks.Unseen{Why: busy(), Err: err}
		case err == nil:
			defer end()
		}
		// A program that cannot be opened cannot be locked; the schedule still
		// lets this check run only once at a time.
	}
	found := c.found(ctx)
	// Who cannot be asked is judged from outside; that it does not answer is told
	// elsewhere.
	told, _ := c.ask(ctx)
	place, here := told.place(&found)
	deleted, deletedErr := findDeleted(ctx, c.proc)
	list := spots(c.root, found, c.config)
	all, failed := grounds(ctx, &c.calls, list, c.config.Ignore, readMounts(c.proc))
	s := see(ctx, all)
	s.Failed = append(s.Failed, failed...)
	if here && ctx.Err() == nil {
		s.believe(place, told)
	}
	if len(s.Areas) == 0 {
		switch {
		case ctx.Err() != nil && !m.At.IsZero():
			return m.again(), nil
		case ctx.Err() != nil:
			return checks.Observation{}, &checks.Unseen{Why: noTime(), Err: ctx.Err()}
		}
		return checks.Observation{}, &checks.Unseen{Why: nothingSeen(), Advice: mendOnce(), Err: firstError(s.Failed)}
	}
	r := &report{
		survey: s, found: found, root: c.root, past: past, before: m, now: time.Now(),
		deleted: deleted, deletedErr: deletedErr, disks: map[uint64]room{}, said: told, place: place,
	}
	o := r.write(list)
	after := memory{At: m.At, Answer: m.Answer, Found: r.remember}
	if ctx.Err() == nil {
		after.At, after.Answer = r.now, kept{o.Summary, o.Findings, o.Blind}
	}
	if raw, err := json.Marshal(after); err == nil { // strings and times always can be
		o.Remember = map[string][]byte{memoryKey: raw}
	}
	return o, nil
}

func firstError(failed []failure) error {
	if len(failed) == 0 {
		return nil
	}
	return failed[0].Err
}

// room is the size of a disk and what is free on it for users, in bytes.
type room struct{ Size, Available float64 }

func roomAt(path string) room {
	var st syscall.Statfs_t
	if syscall.Statfs(path, &st) != nil {
		return room{}
	}
	unit := float64(st.Bsize)
	// What root has taken of its reserve is less than nothing.
	available := max(float64(int64(st.Bavail)), 0)
	return room{Size: float64(st.Blocks) * unit, Available: available * unit}
}

// biggest returns the areas of which all is known, the biggest first, as many
// as are measured.
func (s *survey) biggest() []sized {
	var whole []sized
	for _, a := range s.Areas {
		if a.Unread == 0 {
			whole = append(whole, a)
		}
	}
	slices.SortStableFunc(whole, func(a, b sized) int {
		switch {
		case a.Bytes > b.Bytes:
			return -1
		case a.Bytes < b.Bytes:
			return 1
		}
		return 0
	})
	return whole[:min(len(whole), measureLimit)]
}
