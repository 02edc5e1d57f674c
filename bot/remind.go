package bot

import (
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// When something critical is told again (defaults).
const (
	firstReminder  = 6 * time.Hour
	secondReminder = 12 * time.Hour
	dailyReminder  = 24 * time.Hour
	// fallbackAfter and escalateAfter are how long nobody may have taken it before
	// the same admin is told by another way, and before the next admin is.
	fallbackAfter = 30 * time.Minute
	escalateAfter = 2 * time.Hour
	// ackLife is how long an acknowledgement holds (defaults).
	ackLife = 7 * 24 * time.Hour
)

// Remind decides when an admin is told next of something that stands and is no
// news, and why. What is not to be told again has a reason too.
func Remind(i incident.Incident, who Admin, told Told, st Standing, now time.Time) Telling {
	switch {
	case !who.Cares(i.Key.Check):
		return Telling{Reason: NotTopic}
	case told.Owed:
		return Telling{Reason: ToldInsteadOf}
	case st.Known.covers(i.Severity):
		return Telling{Reason: NotKnown}
	case st.Snooze.covers(i.Severity):
		return Telling{Reason: NotSnoozed}
	case st.Because != 0:
		return Telling{Reason: HeldCause}
	case i.Good > 0, !i.Unsteady.IsZero() && now.Sub(i.Changed) < firstReminder:
		return Telling{Reason: NotThere}
	}
	taken := st.Ack.covers(i.Severity)
	if !told.Ever {
		if who.Hears != HearsEscalation || i.Severity < checks.Critical || i.Finding.Road != checks.Now || taken {
			return Telling{Reason: NeverTold}
		}
		// The next admin in turn, counted from when the first one heard of it.
		began := st.Others
		if began.IsZero() {
			began = st.Since
		}
		t := openNow(alertOf(i), who, Standing{Maintenance: st.Maintenance}, later(now, began.Add(time.Duration(st.Rank+1)*escalateAfter)))
		t.Reason = Escalated
		return t
	}
	if st.SnoozeEnded.After(told.Last) && i.Finding.Road != checks.Week && !taken {
		a := alertOf(i)
		if i.Severity == checks.Critical {
			a.Road = checks.Now
		}
		t := open(a, who, Standing{Maintenance: st.Maintenance}, later(st.SnoozeEnded, told.Last))
		t.Due, t.Reason = later(t.Due, now), BackAgain
		return awake(t, i, who)
	}
	if again := i.Finding.Again; !again.IsZero() && !taken {
		if !told.Last.Before(again) {
			return Telling{Reason: NotAgain}
		}
		// By its own road, counted from when the step began: the morning of that
		// day stays it, whenever it is asked for.
		t := open(alertOf(i), who, Standing{Maintenance: st.Maintenance}, again)
		t.Due, t.Reason = later(t.Due, now), NextStep
		return awake(t, i, who)
	}
	if i.Severity < checks.Critical {
		return Telling{Reason: NotCritical}
	}
	if taken {
		return Telling{Reason: NotTaken}
	}
	if st.Fallback && !told.Fallback {
		t := Telling{Tell: true, Due: later(later(now, told.News.Add(fallbackAfter)), st.Maintenance), Reason: ToldFallback}
		return awake(t, i, who) // another way wakes people as well
	}
	t := Telling{Tell: true, Due: nextReminder(told), Reason: Again}
	if st.AckEnded.After(told.Last) {
		t.Due, t.Reason = st.AckEnded, Untaken
	}
	t.Due = later(later(t.Due, st.Maintenance), now)
	if ends, quiet := who.Quiet.Ends(t.Due, who.zone()); quiet {
		t.Due = ends
	}
	return t
}

// awake moves what was due in quiet hours to their end, unless the harm is
// sooner.
func awake(t Telling, i incident.Incident, who Admin) Telling {
	if ends, quiet := who.Quiet.Ends(t.Due, who.zone()); quiet && !breaksNight(i.Finding.Harm, ends) {
		t.Due = ends
	}
	return t
}

// nextReminder is the first of the fixed times after the last news that comes
// after what was told last: those that were missed are one.
func nextReminder(told Told) time.Time {
	for _, after := range []time.Duration{firstReminder, secondReminder} {
		if at := told.News.Add(after); at.After(told.Last) {
			return at
		}
	}
	at := told.News.Add(secondReminder + dailyReminder)
	if missed := told.Last.Sub(at); missed >= 0 {
		at = at.Add((missed/dailyReminder + 1) * dailyReminder)
	}
	return at
}

// alertOf is an incident as it stands, as if it were news.
func alertOf(i incident.Incident) incident.Alert {
	return incident.Alert{
		Incident: i.ID, Number: i.Number, Key: i.Key, Change: incident.OpenedNow, Severity: i.Severity,
		Road: i.Finding.Road, Harm: i.Finding.Harm, At: i.Changed,
		Notice: incident.Notice{Finding: i.Finding, Noticed: i.Noticed, Unsteady: i.Unsteady},
	}
}
