package bot

import (
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// Reason is why somebody hears of an alert when they do, or does not.
type Reason string

// The reasons.
const (
	ToldNow     Reason = "told now"
	ToldMorning Reason = "told in the morning"
	ToldWeek    Reason = "told in the weekly digest"
	ToldInNight Reason = "told at night: the harm does not wait"
	HeldQuiet   Reason = "held: quiet hours"
	HeldUpdate  Reason = "held: just updated, told with the round"
	Follows     Reason = "told where its opening was told"
	FirstList   Reason = "told in the first list"

	NotTopic      Reason = "not told: not one of their topics"
	NotCritical   Reason = "not told: they hear only what is critical"
	NotEscalated  Reason = "not told: they hear only what nobody took"
	NeverTold     Reason = "not told: its opening never was"
	OverUntold    Reason = "not told: over before its opening was told"
	BackUntold    Reason = "not told: what made it differ was never told"
	ToldInsteadOf Reason = "dropped: told as it is by now instead"
)

// Told is what an admin was told of an incident so far.
type Told struct {
	// Ever is whether anything of it was sent or is frozen to be sent.
	Ever bool
	// Severity is the last that was sent or frozen.
	Severity checks.Severity
	// AtNight is whether its opening went out in the admin's quiet hours.
	AtNight bool
	// Owed is whether something of it is decided but not frozen yet.
	Owed bool
}

// A Telling is the decision about one alert and one admin.
type Telling struct {
	Tell bool
	Due  time.Time
	// Reason is the named one.
	Reason Reason
	// Supersede means that what is still owed of this incident is not told any
	// more.
	Supersede bool
}

// nightMargin: harm that comes this soon after the quiet hours cannot wait for
// their end (defaults, rule 1).
const nightMargin = 2 * time.Hour

// Tell decides who hears of an alert, when, and why. silence is until when an
// update under way explains it; the zero time where none does.
func Tell(a incident.Alert, who Admin, told Told, silence, now time.Time) Telling {
	if !who.Cares(a.Key.Check) {
		return Telling{Reason: NotTopic}
	}
	if who.Hears == HearsEscalation && !told.Ever {
		return Telling{Reason: NotEscalated}
	}
	switch a.Change {
	case incident.ResolvedNow:
		if !told.Ever {
			if told.Owed {
				return Telling{Reason: OverUntold, Supersede: true}
			}
			return Telling{Reason: NeverTold}
		}
		t := follow(a, who, told, now)
		t.Supersede = told.Owed
		return t
	case incident.Eased, incident.Worse:
		if told.Ever {
			if a.Severity == told.Severity {
				return Telling{Reason: BackUntold, Supersede: told.Owed}
			}
			var t Telling
			if a.Change == incident.Eased {
				t = follow(a, who, told, now)
			} else {
				t = open(a, who, silence, now)
			}
			t.Supersede = told.Owed
			return t
		}
	}
	if who.Hears == HearsCritical && a.Severity < checks.Critical {
		return Telling{Reason: NotCritical, Supersede: told.Owed}
	}
	t := open(a, who, silence, now)
	t.Supersede = told.Owed
	return t
}

// open decides when news is heard by its own road.
func open(a incident.Alert, who Admin, silence, now time.Time) Telling {
	zone := who.zone()
	switch a.Road {
	case checks.Morning:
		return Telling{Tell: true, Due: who.Morning.Next(now, zone), Reason: ToldMorning}
	case checks.Week:
		return Telling{Tell: true, Due: monday(who, now), Reason: ToldWeek}
	}
	at, reason := now, ToldNow
	if silence.After(now) {
		at, reason = silence, HeldUpdate
	}
	ends, quiet := who.Quiet.Ends(at, zone)
	if !quiet {
		return Telling{Tell: true, Due: at, Reason: reason}
	}
	if !a.Harm.IsZero() && a.Harm.Before(ends.Add(nightMargin)) {
		return Telling{Tell: true, Due: at, Reason: ToldInNight}
	}
	return Telling{Tell: true, Due: ends, Reason: HeldQuiet}
}

// follow decides when the end or the easing of something told is heard: at
// once, but at night only where the night was broken for it already.
func follow(a incident.Alert, who Admin, told Told, now time.Time) Telling {
	if a.Road == checks.Week {
		return Telling{Tell: true, Due: monday(who, now), Reason: ToldWeek}
	}
	if ends, quiet := who.Quiet.Ends(now, who.zone()); quiet && !told.AtNight {
		return Telling{Tell: true, Due: ends, Reason: HeldQuiet}
	}
	return Telling{Tell: true, Due: now, Reason: Follows}
}

// monday is the next Monday at the admin's morning hour.
func monday(who Admin, now time.Time) time.Time {
	at := who.Morning.Next(now, who.zone())
	for at.In(who.zone()).Weekday() != time.Monday {
		at = who.Morning.Next(at.Add(time.Minute), who.zone())
	}
	return at
}

// usualGrouping is how long news is collected before it becomes one message
// (defaults).
const usualGrouping = 30 * time.Second

// Owed is one telling that waits to be frozen into a post.
type Owed struct {
	Due      time.Time
	Severity checks.Severity
}

// FreezeAt says when what is owed to one admin becomes a post: the first
// critical leaves at once, what follows within the grouping (half a minute) is
// one more, and the rest waits as long for company. The zero time means not yet
// known.
func FreezeAt(owed []Owed, grouping time.Duration, last, now time.Time) time.Time {
	var at time.Time
	for _, o := range owed {
		when := o.Due
		if o.Severity < checks.Critical {
			when = when.Add(grouping)
		}
		if at.IsZero() || when.Before(at) {
			at = when
		}
	}
	if at.IsZero() {
		return at
	}
	if free := last.Add(grouping); !last.IsZero() && free.After(at) && last.Before(now.Add(time.Second)) {
		at = free
	}
	return at
}
