// Package incident is an incident's life: a pure decision, and the book that
// remembers it. An incident is the time that a finding persists.
package incident

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Key identifies an incident while it lives. Host is "" where the kind's scope
// is the site.
type Key struct{ Host, Check, Code, Subject string }

// Phase is where an incident is in its life.
type Phase string

// The phases.
const (
	// Pending has been seen, but not often enough to be told.
	Pending Phase = "pending"
	// Open has a number and is told.
	Open Phase = "open"
	// Resolved is over.
	Resolved Phase = "resolved"
)

// An Incident is the time that a finding persists.
type Incident struct {
	ID int64
	// Number is the short one that people use; 0 while pending.
	Number int64
	Key    Key
	Phase  Phase
	// Severity is the one that holds: the last that was told.
	Severity checks.Severity
	// Finding is what was seen last.
	Finding checks.Finding
	// Bad, Critical, Calm and Good count consecutive looks: that saw it, that
	// saw it critical, that no longer saw it critical, that did not see it.
	Bad, Critical, Calm, Good int
	// Noticed is the first look of the row that led here.
	Noticed  time.Time
	Opened   time.Time
	LastSeen time.Time
	Changed  time.Time
	Resolved time.Time
	// Unsteady is since when it is known to come and go; the zero time where it
	// does not.
	Unsteady time.Time
	// Turns is how often what has its key changed lately; see [Flap]. It is
	// counted by the book, and not part of what is kept.
	Turns int
}

// Sight is how one look saw one incident.
type Sight struct {
	How     How
	Finding checks.Finding // of Present and Holding
}

// How a finding was seen.
type How int

// The ways.
const (
	// Absent means that it was looked for and is not there.
	Absent How = iota
	// Present means that it is there.
	Present
	// Holding means that it is between its two thresholds.
	Holding
	// Hidden means that it could not be looked for.
	Hidden
)

// Life is the rule that an incident lives by.
type Life struct {
	checks.Rule
	// Patience is how long it must have been seen before it opens.
	Patience time.Duration
	// Flap is when it is told as unsteady.
	Flap Flap
}

// A Flap says what comes and goes too often to be told each time: so many
// changes within so long. It is over after as long a quiet. The zero value
// calls nothing unsteady.
type Flap struct {
	Changes       int
	Within, Quiet time.Duration
}

// UsualFlap is four changes in a day, and over after a day of quiet (defaults).
func UsualFlap() Flap { return Flap{Changes: 4, Within: 24 * time.Hour, Quiet: 24 * time.Hour} }

// Change is what one look did to an incident, the named reason of a decision.
type Change string

// The changes. The first five are news; the rest change no more than counts.
const (
	OpenedNow   Change = "opened"
	Worse       Change = "worse"
	Eased       Change = "eased"
	UnsteadyNow Change = "unsteady"
	ResolvedNow Change = "resolved"

	Waits     Change = "waits: not seen often enough to open"
	Continues Change = "continues"
	Held      Change = "held: could not be looked for"
	Between   Change = "held: between its thresholds"
	Recovers  Change = "recovers: not gone often or long enough to resolve"
	Calms     Change = "calms: not calm often enough to ease"
	Forgotten Change = "forgotten: gone before it opened"
	Flaps     Change = "unsteady: there again"
	Rests     Change = "unsteady: gone, but not for long enough"
	Steady    Change = "unsteady no more: there all the time"
)

// News tells whether somebody has to hear of the change.
func (c Change) News() bool {
	switch c {
	case OpenedNow, Worse, Eased, UnsteadyNow, ResolvedNow:
		return true
	}
	return false
}

// Decide is the life of an incident: what one look makes of it.
func Decide(i Incident, s Sight, life Life, now time.Time) (Incident, Change) {
	if s.How == Hidden {
		return i, Held
	}
	if !i.Unsteady.IsZero() {
		return unsteady(i, s, life, now)
	}
	next, change := steady(i, s, life, now)
	if change.News() && life.Flap.Changes > 0 && i.Turns+1 >= life.Flap.Changes {
		return flaps(i, next, now), UnsteadyNow
	}
	return next, change
}

// steady is the life of what does not come and go.
func steady(i Incident, s Sight, life Life, now time.Time) (Incident, Change) {
	if i.Phase == Pending {
		return pending(i, s, life, now)
	}
	switch s.How {
	case Absent:
		i.Good++
		i.Critical = 0
		looks := life.Warning.Resolve
		if i.Severity == checks.Critical {
			looks = life.Critical.Resolve
		}
		if i.Good < looks || now.Sub(i.LastSeen) < life.Calm {
			return i, Recovers
		}
		i.Phase, i.Resolved, i.Changed = Resolved, now, now
		return i, ResolvedNow
	case Holding:
		i.Good, i.Bad = 0, 0
		i.Finding, i.LastSeen = s.Finding, now
		return calm(i, s, life, now, Between)
	}
	i.Good = 0
	i.Bad++
	i.Finding, i.LastSeen = s.Finding, now
	if s.Finding.Severity < checks.Critical {
		return calm(i, s, life, now, Continues)
	}
	i.Critical++
	i.Calm = 0
	if i.Severity < checks.Critical && i.Critical >= life.Critical.Open {
		i.Severity, i.Changed = checks.Critical, now
		return i, Worse
	}
	return i, Continues
}

func pending(i Incident, s Sight, life Life, now time.Time) (Incident, Change) {
	if s.How != Present {
		return i, Forgotten
	}
	if i.Bad == 0 {
		i.Noticed = now
	}
	i.Bad++
	if s.Finding.Severity == checks.Critical {
		i.Critical++
	} else {
		i.Critical = 0
	}
	i.Finding, i.LastSeen = s.Finding, now
	sure := i.Critical >= life.Critical.Open && i.Critical > 0
	if !sure && i.Bad < life.Warning.Open || now.Sub(i.Noticed) < life.Patience {
		return i, Waits
	}
	i.Severity = s.Finding.Severity
	if i.Severity == checks.Critical && !sure {
		// As a warning it is certain by now; as critical not yet.
		i.Severity = checks.Warning
	}
	i.Phase, i.Opened, i.Changed = Open, now, now
	return i, OpenedNow
}

// calm counts the looks at which a critical incident was no longer critical.
func calm(i Incident, s Sight, life Life, now time.Time, otherwise Change) (Incident, Change) {
	i.Critical = 0
	if i.Severity < checks.Critical || s.Finding.Severity == checks.Critical {
		i.Calm = 0
		return i, otherwise
	}
	i.Calm++
	if i.Calm < life.Critical.Resolve {
		return i, Calms
	}
	i.Severity, i.Calm, i.Changed = s.Finding.Severity, 0, now
	return i, Eased
}
