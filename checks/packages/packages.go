// Package packages asks whether the operating system is kept up to date:
// updates that wait, security ones among them, lists that are old, packages
// that are half installed, restarts that are due, and the end of support.
package packages

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The finding codes; none has a subject.
const (
	codeSecurity   = "security"      // waits, not long
	codeLate       = "security-late" // waits too long
	codeLists      = "lists"
	codeBroken     = "half-installed"
	codeHeld       = "held"
	codeReboot     = "reboot"
	codeLibraries  = "libraries"
	codeUnattended = "unattended"
	codeSupport    = "support"
)

// An Option puts something else in the place of this machine's.
type Option func(*check)

// WithRoot looks at the package manager of another root than /.
func WithRoot(root string) Option { return func(c *check) { c.root = root } }

// WithTools looks for tools in these folders only.
func WithTools(path ...string) Option { return func(c *check) { c.path = path } }

// WithLibraryFolders takes libraries below these paths for those of packages.
func WithLibraryFolders(folders ...string) Option { return func(c *check) { c.folders = folders } }

// Kind makes the check of this machine's packages, by apt or by dnf; processes
// are read below s.Proc.
//
// Measures: updates and security_updates (how many wait), lists_age (seconds
// since the lists are known to have been those of the servers).
func Kind(s *site.Site, opts ...Option) checks.Kind {
	once := checks.Looks{Open: 1, Resolve: 1} // defaults
	rules := map[string]checks.Rule{}
	for _, code := range []string{
		codeSecurity, codeLate, codeLists, codeBroken, codeHeld, codeReboot, codeLibraries, codeUnattended, codeSupport,
	} {
		rules[code] = checks.Rule{Warning: once, Critical: once}
	}
	return checks.Kind{
		Name:  "packages",
		Title: checks.Text{En: "OS packages", Ja: "OSのパッケージ"},
		Graphs: []checks.Graph{
			{Measure: "updates", Title: checks.Text{En: "updates that wait", Ja: "未適用の更新数"}},
			{Measure: "security_updates", Title: checks.Text{En: "security updates that wait", Ja: "未適用のセキュリティ更新数"}},
		},
		Words: checks.Words{
			En: []string{"package", "apt", "dnf", "yum", "updates", "upgrades", "reboot"},
			Ja: []string{"パッケージ", "OSの更新", "OS更新", "OSのパッケージ", "再起動"},
		},
		Scope: checks.Host,
		// Once a day and whenever something has changed (defaults): while nothing
		// has, a look costs next to nothing.
		Cron:    "15 * * * *",
		Timeout: 90 * time.Second,
		Rules:   rules,
		New: func(t checks.Table) (checks.Check, error) {
			if err := t.Decode(&struct{}{}); err != nil {
				return nil, err
			}
			c := &check{root: "/", proc: s.Proc, folders: systemFolders()}
			for _, opt := range opts {
				opt(c)
			}
			return c, nil
		},
	}
}

type check struct {
	root    string
	proc    string
	path    []string
	folders []string
}

// memory is what one look tells the next.
type memory struct {
	// Key is what State is an answer to: it holds while that is the same.
	Key   string `json:"key"`
	State state  `json:"state"`
	// Waiting is since when a security update of each package has been seen
	// waiting.
	Waiting map[string]time.Time `json:"waiting,omitempty"`
	// Reboot is since when a reboot has been wanted, in the boot Boot.
	Reboot time.Time `json:"reboot,omitzero"`
	Boot   string    `json:"boot,omitempty"`
	Scan   scan      `json:"scan"`
	// Saw tells that all processes, and that the log of unattended-upgrades,
	// could be read before.
	SawAll bool `json:"saw_all,omitempty"`
	SawLog bool `json:"saw_log,omitempty"`
}

// state is what the files of the package manager come to.
type state struct {
	Updates []update `json:"updates,omitempty"`
	Book    book     `json:"book"`
	Lists   lists    `json:"lists"`
	// On tells that apt is set up to install updates by itself.
	On      bool    `json:"on,omitempty"`
	Release release `json:"release"`
}

const memoryKey = "packages"

func recall(past checks.Past) memory {
	var m memory
	if raw, ok := past.Load(memoryKey); ok {
		if json.Unmarshal(raw, &m) != nil {
			return memory{}
		}
	}
	return m
}

// Look looks at what has changed since the last look.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, false)
}

// LookThoroughly asks everything anew.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, thorough bool) (checks.Observation, error) {
	now := time.Now()
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: nothingSeen(), Err: err}
	}
	r := &round{c: c, now: now, before: recall(past)}
	r.after = memory{Waiting: map[string]time.Time{}, SawAll: r.before.SawAll, SawLog: r.before.SawLog}
	if err := r.ask(ctx, thorough); err != nil {
		return checks.Observation{}, err
	}
	r.processes(ctx, thorough)
	r.automatic()
	r.judge()
	r.out.Summary = r.summary()
	if raw, err := json.Marshal(r.after); err == nil { // strings and numbers always can be
		r.out.Remember = map[string][]byte{memoryKey: raw}
	}
	return r.out, nil
}
