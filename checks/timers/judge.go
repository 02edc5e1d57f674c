package timers

import (
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/systemd"
)

const (
	// lateFactor is how many periods may pass without a run (defaults).
	lateFactor = 1.5
	// leastPeriod keeps a timer of seconds from being late at once (own).
	leastPeriod = time.Minute
	// tooFar is beyond what anybody means by a schedule (own: a year and a
	// month): its next run is as good as never.
	tooFar = 400 * 24 * time.Hour
	// lowLife is the share of a certificate's life below which a renewal that
	// does not work is urgent (defaults: a quarter).
	lowLife = 0.25
)

// failsToOpen is how many runs in a row must have failed (defaults: 2 for a
// renewal, 1 for a backup, 3 for others).
func failsToOpen(r role) int {
	switch r {
	case renewal:
		return 2
	case backup:
		return 1
	}
	return 3
}

// A job is a timer, what it starts, and what is known of its past.
type job struct {
	role           role
	timer, service systemd.Unit
	before         memo
	now            time.Time
}

// memo is what one look tells the next about a timer.
type memo struct {
	// Role is what it was for, when its service could still be read.
	Role role `json:"role,omitempty"`
	// Last is when it was last seen to have run: timers that are not persistent
	// forget it at a boot.
	Last time.Time `json:"last,omitzero"`
	// Active tells that it waited for its next run.
	Active bool `json:"active,omitempty"`
	// Run is when the last run ended that was counted, Fails how many in a row
	// have failed, How what the last of them ended with.
	Run   time.Time `json:"run,omitzero"`
	Fails int       `json:"fails,omitempty"`
	How   outcome   `json:"how,omitzero"`
	// Patience is how long after Last the next run is overdue, and Severity how
	// loudly that would be said now.
	Patience time.Duration   `json:"patience,omitempty"`
	Severity checks.Severity `json:"severity,omitempty"`
}

// outcome is how a run ended.
type outcome struct {
	Result string `json:"result,omitempty"`
	Kind   int    `json:"kind,omitempty"`
	Status int    `json:"status,omitempty"`
}

// last is when the job last ran, as far as anybody knows: by its timer, or by
// hand.
func (j job) last() time.Time {
	return latest(latest(j.timer.Last, j.service.RanAt), j.before.Last)
}

// busy tells whether a run is under way.
func (j job) busy() bool {
	return j.service.Active == "activating" || j.service.Active == "deactivating"
}

// after is the memo for the next look.
func (j job) after() memo {
	m := memo{Role: j.role, Last: j.last(), Active: j.timer.IsActive(), Run: j.before.Run, Fails: j.before.Fails, How: j.before.How}
	if j.busy() {
		return m // its result is not there yet, and the last one is no longer
	}
	ended := j.service.ExitAt
	if ended.IsZero() {
		ended = j.service.StoppedAt
	}
	switch {
	case !j.service.Exists() || j.service.Load == "bad-setting":
		m.Fails, m.How = max(m.Fails, failsToOpen(j.role)), outcome{Result: j.service.Load}
	case j.service.Result == "success" || j.service.Result == "":
		m.Fails, m.How, m.Run = 0, outcome{}, ended
	case m.Fails == 0 || !ended.Equal(m.Run):
		m.Fails++
		m.How, m.Run = outcome{j.service.Result, j.service.ExitKind, j.service.ExitStatus}, ended
	}
	return m
}

// period is how long it is from one run to the next, counted from a moment: of
// several calendars the one that comes first. Zero where nobody knows.
func (t period) of(timer systemd.Unit) time.Duration {
	shortest := timer.Repeats
	for _, expression := range timer.Calendar {
		c, ok := parseCalendar(expression)
		if !ok {
			continue
		}
		first, ok := c.next(t.from)
		if !ok {
			continue
		}
		gap := first.Sub(t.from)
		if second, ok := c.next(first); ok {
			gap = max(gap, second.Sub(first))
		}
		if shortest == 0 || gap < shortest {
			shortest = gap
		}
	}
	return shortest
}

// A period is counted from a moment, so that a timer of working hours may be
// silent at night: the next run after it, or the distance between that and the
// one behind it, whichever is longer.
type period struct{ from time.Time }

// due is when a run must have been, at the latest: one and a half periods
// after a moment, and the random delay, and what systemd allows itself to be
// inexact. The zero time where the period is not known.
func due(timer systemd.Unit, from time.Time) time.Time {
	p := period{from}.of(timer)
	if p == 0 {
		return time.Time{}
	}
	p = max(p, leastPeriod)
	return from.Add(time.Duration(lateFactor*float64(p)) + timer.Delay + timer.Accuracy)
}

// A state is what is the matter with the schedule of a job.
type state string

const (
	stateFine     state = ""
	stateOff      state = "disabled"
	stateNever    state = "never-ran"
	stateOverdue  state = "overdue"
	codeFailed          = "failed"
	codeUnplanned       = "unscheduled"
)

// judgeSchedule tells what is the matter with a timer; others tells whether
// another schedule does the same work.
func judgeSchedule(j job, others bool) state {
	if !j.timer.IsActive() {
		broken := j.timer.Active == "failed" || j.timer.File == "enabled"
		if others && !broken && (j.role == renewal || !j.before.Active) && j.role != watched {
			return stateFine // another is in its place
		}
		return stateOff
	}
	last := j.last()
	if last.IsZero() {
		if late := due(j.timer, j.timer.ActiveSince); !late.IsZero() && j.now.After(late) {
			return stateNever
		}
		if !j.timer.Next.IsZero() && j.timer.Next.Sub(j.now) > tooFar {
			return stateNever
		}
		return stateFine
	}
	if late := due(j.timer, last); !late.IsZero() && j.now.After(late) {
		return stateOverdue
	}
	return stateFine
}

// A verdict is how loudly something is said.
type verdict struct {
	Severity checks.Severity
	Road     checks.Road
	Holds    bool
	Harm     time.Time
}

// loudness is how loudly it is said that a job of this role does not run as it
// should.
func loudness(r role, l lineages, now time.Time) verdict {
	switch {
	case r == packages:
		return verdict{Severity: checks.Warning, Road: checks.Week}
	case r == renewal && l.Known && l.Share < lowLife:
		return verdict{Severity: checks.Critical, Road: checks.Now, Harm: latest(l.Ends, now)}
	case r == renewal && l.Known:
		return verdict{Severity: checks.Warning, Road: checks.Morning, Harm: l.Ends}
	}
	return verdict{Severity: checks.Warning, Road: checks.Morning}
}

// judgeFailed is the rule for runs that have failed; severity OK is no finding.
func judgeFailed(r role, fails int, l lineages, now time.Time) verdict {
	if fails == 0 {
		return verdict{}
	}
	v := loudness(r, l, now)
	if fails < failsToOpen(r) {
		return verdict{Severity: checks.Warning, Road: v.Road, Harm: v.Harm, Holds: true}
	}
	if r == backup && fails >= 2 { // defaults: twice in a row
		v.Severity, v.Road = checks.Critical, checks.Now
	}
	return v
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
