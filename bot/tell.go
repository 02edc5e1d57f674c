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
	ToldNow         Reason = "told now"
	ToldMorning     Reason = "told in the morning"
	ToldWeek        Reason = "told in the weekly digest"
	ToldInNight     Reason = "told at night: the harm does not wait"
	ToldWithCause   Reason = "told with what explains it"
	HeldQuiet       Reason = "held: quiet hours"
	HeldUpdate      Reason = "held: just updated, told with the round"
	HeldMaintenance Reason = "held: maintenance, told at its end"
	HeldSnooze      Reason = "held: snoozed, told when that ends"
	HeldCause       Reason = "held: because of another incident"
	WaitsCause      Reason = "waits a minute for what explains it, or what it explains"
	AfterCause      Reason = "told: what explained it is over"
	Follows         Reason = "told where its opening was told"
	FirstList       Reason = "told in the first list"
	Again           Reason = "told again: still there"
	NextStep        Reason = "told again: the next reminder is due"
	BackAgain       Reason = "told again: the snooze is over"
	Untaken         Reason = "told again: taken a week ago, and still there"
	Escalated       Reason = "told because nobody took it"
	ToldFallback    Reason = "told by the other channel: nobody took it"

	GivenUp       Reason = "not told: refused"
	NotTopic      Reason = "not told: not one of their topics"
	NotCritical   Reason = "not told: they hear only what is critical"
	NotEscalated  Reason = "not told: they hear only what nobody took"
	NeverTold     Reason = "not told: its opening never was"
	OverUntold    Reason = "not told: over before its opening was told"
	BackUntold    Reason = "not told: what made it differ was never told"
	NotTaken      Reason = "not told again: somebody is on it"
	NotThere      Reason = "not told again: not there at the moment"
	NotAgain      Reason = "not told again: the next reminder has not come"
	NotSnoozed    Reason = "not told: snoozed, and not worse than it was"
	NotKnown      Reason = "not told: known, listed in the weekly digest"
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
	// News is when the last news of it was told, Last when anything was: news or
	// a reminder. Fallback is whether it went by the other channel too.
	News, Last time.Time
	Fallback   bool
}

// A Hold is what an admin changed: by whom, since and until when, and the worst
// that it covers. The zero value holds nothing.
type Hold struct {
	By        string
	At, Until time.Time
	Severity  checks.Severity
	Note      string
}

// covers tells whether something so bad is held.
func (h Hold) covers(s checks.Severity) bool { return h.By != "" && s <= h.Severity }

// Standing is what bears on a decision besides the alert and the admin.
type Standing struct {
	// Update and Maintenance are until when an update under way, or a maintenance
	// that was announced, explains it; the zero time where none does.
	Update, Maintenance time.Time
	// Ack, Snooze and Known are what admins said about the incident.
	Ack, Snooze, Known Hold
	// SnoozeEnded and AckEnded are when the last of these ended by itself.
	SnoozeEnded, AckEnded time.Time
	// Because is the number of the incident that explains this one, 0 for none.
	Because int64
	// Wait is how long news waits for what explains it, or what it explains.
	Wait time.Duration
	// Since is since when the incident is as bad as it is, Others when the first of
	// the other admins was told so, and Rank the admin's place among those who
	// hear what nobody took.
	Since, Others time.Time
	Rank          int
	// Fallback is whether there is another way to the admin.
	Fallback bool
}

// A Telling is the decision about one alert and one admin.
type Telling struct {
	Tell bool
	// Due is the zero time while something that has no date holds it.
	Due time.Time
	// Reason is the named one.
	Reason Reason
	// Supersede means that what is still owed of this incident is not told any
	// more.
	Supersede bool
}

// nightMargin: harm that comes this soon after the quiet hours cannot wait for
// their end (defaults, rule 1).
const nightMargin = 2 * time.Hour

// Tell decides who hears of an alert, when, and why.
func Tell(a incident.Alert, who Admin, told Told, st Standing, now time.Time) Telling {
	if !who.Cares(a.Key.Check) {
		return Telling{Reason: NotTopic}
	}
	if who.Hears == HearsEscalation && !told.Ever {
		return Telling{Reason: NotEscalated}
	}
	t := tell(a, who, told, st, now)
	t.Supersede = told.Owed
	return t
}

func tell(a incident.Alert, who Admin, told Told, st Standing, now time.Time) Telling {
	if a.Change == incident.ResolvedNow {
		switch {
		case told.Ever:
			return follow(a, who, told, st, now)
		case told.Owed:
			return Telling{Reason: OverUntold}
		}
		return Telling{Reason: NeverTold}
	}
	if who.Hears == HearsCritical && a.Severity < checks.Critical && !told.Ever {
		return Telling{Reason: NotCritical}
	}
	if st.Known.covers(a.Severity) {
		return Telling{Reason: NotKnown}
	}
	if told.Ever {
		if a.Severity == told.Severity && a.Change != incident.UnsteadyNow {
			return Telling{Reason: BackUntold}
		}
		if st.Snooze.covers(a.Severity) {
			return Telling{Reason: NotSnoozed}
		}
		if a.Change != incident.Worse {
			return follow(a, who, told, st, now)
		}
		return open(a, who, st, now)
	}
	if st.Snooze.covers(a.Severity) {
		t := open(a, who, st, st.Snooze.Until)
		t.Reason = HeldSnooze
		return t
	}
	if st.Because != 0 && a.Road == checks.Now {
		return Telling{Tell: true, Reason: HeldCause}
	}
	return open(a, who, st, now)
}

// open decides when news is heard by its own road.
func open(a incident.Alert, who Admin, st Standing, now time.Time) Telling {
	zone := who.zone()
	var t Telling
	switch a.Road {
	case checks.Morning:
		t = Telling{Tell: true, Due: who.Morning.Next(now, zone), Reason: ToldMorning}
	case checks.Week:
		t = Telling{Tell: true, Due: monday(who, now), Reason: ToldWeek}
	default:
		return openNow(a, who, st, now)
	}
	if st.Maintenance.After(t.Due) {
		t.Due, t.Reason = st.Maintenance, HeldMaintenance
	}
	return t
}

// openNow decides when that is heard which is to be heard at once.
func openNow(a incident.Alert, who Admin, st Standing, now time.Time) Telling {
	at, reason := now, ToldNow
	if st.Wait > 0 && a.Severity == checks.Critical {
		at, reason = now.Add(st.Wait), WaitsCause
	}
	if st.Update.After(at) {
		at, reason = st.Update, HeldUpdate
	}
	if st.Maintenance.After(at) {
		at, reason = st.Maintenance, HeldMaintenance
	}
	ends, quiet := who.Quiet.Ends(at, who.zone())
	if !quiet {
		return Telling{Tell: true, Due: at, Reason: reason}
	}
	if breaksNight(a.Harm, ends) {
		return Telling{Tell: true, Due: at, Reason: ToldInNight}
	}
	return Telling{Tell: true, Due: ends, Reason: HeldQuiet}
}

// breaksNight tells whether harm comes too soon to wait for the morning.
func breaksNight(harm, ends time.Time) bool {
	return !harm.IsZero() && harm.Before(ends.Add(nightMargin))
}

// follow decides when the end or the easing of something told is heard: at
// once, but at night only where the night was broken for it already.
func follow(a incident.Alert, who Admin, told Told, st Standing, now time.Time) Telling {
	if a.Road == checks.Week {
		return Telling{Tell: true, Due: monday(who, now), Reason: ToldWeek}
	}
	if st.Maintenance.After(now) {
		ends, quiet := who.Quiet.Ends(st.Maintenance, who.zone())
		if quiet && !told.AtNight {
			return Telling{Tell: true, Due: ends, Reason: HeldQuiet}
		}
		return Telling{Tell: true, Due: st.Maintenance, Reason: HeldMaintenance}
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

// Resettle decides anew about news that is owed, before it is told: an admin may
// have changed something since, or what held it may be over. changed is false
// where it stays as it is.
func Resettle(a incident.Alert, who Admin, told Told, st Standing, was Reason, due, now time.Time) (t Telling, changed bool) {
	if a.Change == incident.ResolvedNow {
		switch {
		case st.Maintenance.After(now) && was != HeldMaintenance && !due.After(now),
			was == HeldMaintenance && !st.Maintenance.After(now) && due.After(now):
			return follow(a, who, told, st, now), true
		}
		return Telling{}, false
	}
	switch {
	case st.Known.covers(a.Severity):
		return Telling{Reason: NotKnown}, true
	case st.Snooze.covers(a.Severity) && told.Ever:
		return Telling{Reason: NotSnoozed}, true
	case st.Snooze.covers(a.Severity):
		t = open(a, who, st, st.Snooze.Until)
		t.Reason = HeldSnooze
		return t, was != HeldSnooze || !t.Due.Equal(due)
	case was == HeldSnooze && due.After(now):
		return open(a, who, st, now), true
	case was == HeldSnooze:
		return Telling{}, false
	case st.Because != 0 && a.Road == checks.Now && !told.Ever:
		return Telling{Tell: true, Reason: HeldCause}, was != HeldCause
	case was == HeldCause:
		t = openNow(a, who, Standing{Update: st.Update, Maintenance: st.Maintenance}, now.Add(causePatience))
		if t.Reason == ToldNow {
			t.Reason = AfterCause
		}
		return t, true
	case st.Maintenance.After(now) && !due.After(now),
		was == HeldMaintenance && !st.Maintenance.After(now) && due.After(now):
		return open(a, who, st, now), true
	}
	return Telling{}, false
}
