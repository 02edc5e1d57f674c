package packages

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/child"
)

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
		var published suites
		r.state.Lists, published = r.c.releases()
		r.state.Release = r.c.release()
		if r.state.Updates, err = r.c.aptUpdates(ctx, published); err == nil {
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
		r.out.Blind = append(r.out.Blind, checks.Blind{Code: codeLibraries, Why: blindScan(err)})
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
