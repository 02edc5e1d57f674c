// Package packages asks whether the operating system is kept up to date:
// updates that wait, security ones among them, lists that are old, packages
// that are half installed, restarts that are due, and the end of support.
package packages

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/child"
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

// A round is one look.
type round struct {
	c             *check
	now           time.Time
	before, after memory
	state         state
	dnf           bool
	// Unsure is why the updates could not be asked for.
	unsure error
	// Changed is when dpkg's book was written last.
	changed time.Time
	// Auto is how updates install themselves, Last the last run of that.
	auto string
	last run
	// HiddenLog tells that its log may not be read.
	hiddenLog bool
	out       checks.Observation
}

// ask brings the state up to date.
func (r *round) ask(ctx context.Context, thorough bool) error {
	info, err := os.Stat(r.c.at("/var/lib/dpkg/status"))
	if errors.Is(err, fs.ErrNotExist) {
		return r.askDnf(ctx, thorough)
	}
	if err != nil {
		return &checks.Unseen{Why: nothingSeen(), Err: err}
	}
	r.changed = info.ModTime()
	key, err := r.c.fingerprint()
	if err != nil {
		return &checks.Unseen{Why: nothingSeen(), Err: err}
	}
	if key == r.before.Key && !thorough {
		r.state, r.after.Key = r.before.State, key
	} else {
		if r.state.Book, err = r.c.readBook(); err != nil {
			return &checks.Unseen{Why: nothingSeen(), Err: err}
		}
		r.state.Lists, r.state.Release = r.c.releaseDates(), r.c.release()
		if r.state.Updates, err = r.c.aptUpdates(ctx); err == nil {
			r.state.On, err = r.c.switchedOn(ctx)
		}
		if err != nil {
			r.unsure = err
		} else {
			r.after.Key = key
		}
		held := map[string]bool{}
		for _, name := range r.state.Book.Held {
			held[name] = true
		}
		for i := range r.state.Updates {
			r.state.Updates[i].Held = held[r.state.Updates[i].Name]
		}
	}
	r.after.State = r.state
	r.state.Lists = r.c.stamps(r.state.Lists)
	return nil
}

func (r *round) askDnf(ctx context.Context, thorough bool) error {
	r.dnf = true
	key := r.c.rpmFingerprint()
	if _, err := child.Find(r.c.path, "dnf"); err != nil || key == "" {
		return &checks.Unseen{Why: noManager(), Err: err}
	}
	if key == r.before.Key && !thorough {
		r.state, r.after.Key = r.before.State, key
	} else {
		r.state.Release = r.c.release()
		var err error
		if r.state.Updates, err = r.c.dnfUpdates(ctx); err != nil {
			r.unsure = err
		} else {
			r.after.Key = key
		}
	}
	r.after.State = r.state
	return nil
}

// processes looks at who runs with libraries that are gone: at every process
// after a change and once a day, else only at those that were found.
func (r *round) processes(ctx context.Context, thorough bool) {
	before := r.before.Scan
	age := r.now.Sub(before.At)
	if !thorough && r.after.Key != "" && r.after.Key == r.before.Key && age >= 0 && age < scanFresh {
		r.after.Scan = r.c.living(before)
		return
	}
	s, err := r.c.scanProcesses(ctx, before, r.now)
	if err != nil {
		r.after.Scan = r.c.living(before)
		r.out.Blind = append(r.out.Blind, checks.Blind{Code: codeLibraries, Why: blindProcesses()})
		return
	}
	// Where they could never be seen, that is how the machine is set up.
	if s.Hidden > 0 && r.before.SawAll {
		r.out.Blind = append(r.out.Blind, checks.Blind{Code: codeLibraries, Why: blindProcesses(), Mend: mendProcesses()})
	}
	r.after.SawAll = r.after.SawAll || s.Hidden == 0
	r.after.Scan = s
}

// automatic tells how updates install themselves.
func (r *round) automatic() {
	if r.dnf || r.unsure != nil {
		r.auto = automaticUnknown
		return
	}
	if r.state.Book.Automatic && r.state.On {
		var err error
		r.last, err = r.c.lastRun()
		r.hiddenLog = err != nil
		r.after.SawLog = r.after.SawLog || err == nil
	}
	r.auto = judgeAutomatic(r.state.Book.Automatic, r.state.On, r.last, r.now)
}

func (r *round) finding(code string, v verdict, road checks.Road, text checks.Text, advice checks.Advice) {
	if !v.found() {
		return
	}
	r.out.Findings = append(r.out.Findings, checks.Finding{
		Code: code, Severity: v.Severity, Holds: v.Holds, Road: road, Text: text, Advice: advice,
	})
}

// judge makes the findings.
func (r *round) judge() {
	r.updates()
	if !r.dnf {
		l := r.state.Lists
		if !l.Proven.IsZero() {
			r.measure("lists_age", max(r.now.Sub(l.Proven).Seconds(), 0), checks.Seconds)
		}
		if v := judgeLists(l, r.now); v.found() {
			r.finding(codeLists, v, checks.Morning, listsText(l), listsAdvice())
		}
		if n := len(r.state.Book.Broken); n > 0 {
			r.finding(codeBroken, judgeBroken(n, r.changed, r.now), checks.Morning, brokenText(r.state.Book.Broken), brokenAdvice())
		}
	}
	r.reboot()
	r.libraries()
	switch {
	case r.auto == automaticFailing || r.auto == automaticStopped:
		r.finding(codeUnattended, verdict{Severity: checks.Warning}, checks.Week, unattendedText(r.last, r.auto), unattendedAdvice())
	case r.hiddenLog && r.before.SawLog:
		r.out.Blind = append(r.out.Blind, checks.Blind{Code: codeUnattended, Why: blindLog(), Mend: mendLog()})
	}
	if rel := r.state.Release; !rel.Ends.IsZero() {
		road := checks.Week
		v := judgeSupport(rel.Ends, r.now)
		if v.Severity == checks.Critical {
			road = checks.Morning
		}
		if v.found() {
			r.finding(codeSupport, v, road, supportText(rel, v), supportAdvice(rel))
			r.out.Findings[len(r.out.Findings)-1].Harm = rel.Ends
		}
	}
}

func (r *round) measure(name string, value float64, unit string) {
	r.out.Measures = append(r.out.Measures, checks.Measure{Name: name, Value: value, Unit: unit})
}

// updates judges what waits.
func (r *round) updates() {
	if r.unsure != nil {
		// What waited goes on waiting.
		r.after.Waiting = r.before.Waiting
		for _, code := range []string{codeSecurity, codeLate, codeHeld} {
			r.out.Blind = append(r.out.Blind, checks.Blind{Code: code, Why: blindUpdates(r.unsure), Mend: mendUpdates(r.unsure, r.dnf)})
		}
		return
	}
	var security, held []update
	oldest := r.now
	for _, u := range r.state.Updates {
		if !u.Security {
			continue
		}
		since, waited := r.before.Waiting[u.Name]
		if !waited || since.After(r.now) {
			since = r.now
		}
		r.after.Waiting[u.Name] = since
		if u.Held {
			held = append(held, u)
			continue
		}
		security = append(security, u)
		if since.Before(oldest) {
			oldest = since
		}
	}
	r.measure("updates", float64(len(r.state.Updates)), checks.Count)
	r.measure("security_updates", float64(len(security)+len(held)), checks.Count)
	waits, late := judgeSecurity(len(security), oldest, r.auto, r.now)
	if waits.found() {
		r.finding(codeSecurity, waits, checks.Week, securityText(security, r.now, oldest, r.auto), securityAdvice(r.auto, r.dnf))
	}
	if late.found() {
		r.finding(codeLate, late, checks.Morning, securityText(security, r.now, oldest, r.auto), securityAdvice(r.auto, r.dnf))
	}
	if len(held) > 0 {
		r.finding(codeHeld, verdict{Severity: checks.Warning}, checks.Week, heldText(held), heldAdvice(held))
	}
}

// wanted are the files by which Debian and Ubuntu say that a reboot is wanted,
// and because of which packages.
const wanted, wantedBy = "/run/reboot-required", "/run/reboot-required.pkgs"

func (r *round) reboot() {
	info, err := os.Stat(r.c.at(wanted))
	if err != nil {
		return
	}
	// Each further package touches the file: the first time counts, of this boot.
	boot, _ := os.ReadFile(path.Join(r.c.proc, "sys/kernel/random/boot_id")) // "" is as good
	r.after.Boot, r.after.Reboot = string(boot), info.ModTime()
	if b := r.before; b.Boot == r.after.Boot && !b.Reboot.IsZero() && b.Reboot.Before(r.after.Reboot) {
		r.after.Reboot = b.Reboot
	}
	why, _ := r.c.readSmall(wantedBy) // it need not be there
	if v := judgeWaiting(r.after.Reboot, rebootPatience, r.now); v.found() {
		r.finding(codeReboot, v, checks.Week, rebootText(r.after.Reboot, why), rebootAdvice())
	}
}

func (r *round) libraries() {
	var late []user
	var oldest time.Time
	for _, u := range r.after.Scan.Users {
		if !judgeWaiting(u.Since, librariesPatience, r.now).found() {
			continue
		}
		late = append(late, u)
		if oldest.IsZero() || u.Since.Before(oldest) {
			oldest = u.Since
		}
	}
	if len(late) > 0 {
		r.finding(codeLibraries, verdict{Severity: checks.Warning}, checks.Week, librariesText(late, oldest), librariesAdvice(late))
	}
}
