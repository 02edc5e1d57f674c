package bot

import (
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// The reasons why news goes another way than by the bot's home, or does not.
const (
	RelayAtOnce  Reason = "told by another way at once: what is ill may carry the bot's messages"
	RelayMuffled Reason = "told by another way at once: the bot's own server is known to be ill"
	RelayFailed  Reason = "told by another way: it did not get through for two minutes"
	RelayRefused Reason = "told by another way: the bot's own server refused it"
	RelayFollows Reason = "told by another way: its opening was told there"

	NotRelayed     Reason = "not told by another way: it got through"
	NotRelayedYet  Reason = "not told by another way yet: nobody is to hear of it now"
	NotRelayedWait Reason = "not told by another way yet: it may still get through"
	NotRelayedWeek Reason = "not told by another way: it can wait"
	NotRelayedOver Reason = "not told by another way: over before its opening was told there"
)

const (
	// relayAfter is how long a delivery may fail before another way is taken
	// (defaults).
	relayAfter = 2 * time.Minute
	// relayFresh is how long ago something may have been told for it to go another
	// way at once as well, relayOld how old what goes there may be (own: a restart
	// comes between, and nobody wants yesterday's news).
	relayFresh = 10 * time.Minute
	relayOld   = 24 * time.Hour
)

// messengers are the checks whose critical findings may mean that a message
// stays on the way (defaults; the web in three parts).
var messengers = []string{"webui", "instance", "streaming", "database", "sidekiq", "redis", "disk"}

// queues are the checks of what a message between two accounts of one server
// travels through.
var queues = []string{"sidekiq", "redis", "database"}

// A relaying is what bears on whether one alert goes another way.
type relaying struct {
	Alert incident.Alert
	// Open is whether the incident goes on, Before whether earlier news of it went
	// another way.
	Open, Before bool
	// Due is when the first of the admins is to hear of it; zero where none is. Quiet
	// is the end of the quiet hours of all, zero where somebody is awake.
	Due, Quiet time.Time
	// Waits is since when somebody waits for it; zero where nobody does any more.
	Waits time.Time
	// Arrived is whether the bot's home delivered it to anybody, Refused whether it
	// never will to some, First whether it stands in the first list.
	Arrived, Refused, First bool
	Home                    homeState
}

// homeState is how the bot's home stands.
type homeState struct {
	// Failing is since when it takes no message; zero where it does.
	Failing time.Time
	Why     string
	// Met is whether it has answered since the start; where it has not, Unmet is
	// since when it was asked.
	Met   bool
	Unmet time.Time
	// Muffled is whether it is the watched server and what carries messages there is
	// known to be ill.
	Muffled bool
	// After is how long a delivery may fail.
	After time.Duration
}

// Relay decides whether an alert goes another way, and when; the zero time is
// not, or not yet known.
func relay(r relaying, now time.Time) (at time.Time, why Reason) {
	a := r.Alert
	if a.Change == incident.ResolvedNow {
		switch {
		case !r.Before:
			return time.Time{}, NotRelayedOver
		case !r.Due.IsZero():
			return r.Due, RelayFollows
		}
		return later(now, r.Quiet), RelayFollows
	}
	switch {
	case r.Due.IsZero():
		return time.Time{}, NotRelayedYet
	case !r.Open:
		return time.Time{}, NotRelayedOver
	case a.Road == checks.Week, r.First && a.Road != checks.Now:
		return time.Time{}, NotRelayedWeek
	case r.Before:
		return r.Due, RelayFollows
	case a.Severity == checks.Critical && a.Road == checks.Now && slices.Contains(messengers, a.Key.Check):
		return r.Due, RelayAtOnce
	case a.Severity == checks.Critical && a.Road == checks.Now && r.Home.Muffled:
		return r.Due, RelayMuffled
	case r.Refused:
		return r.Due, RelayRefused
	case r.Waits.IsZero():
		return time.Time{}, NotRelayed
	case r.Home.Failing.IsZero():
		return time.Time{}, NotRelayedWait
	}
	return r.Waits.Add(r.Home.After), RelayFailed
}

// silenceDue is when a bot that has not met its home since it was started says
// so by another way; zero where it does not have to.
func silenceDue(h homeState, told bool) time.Time {
	if h.Unmet.IsZero() || told {
		return time.Time{}
	}
	return h.Unmet.Add(h.After)
}

// allQuiet is when the quiet hours end in which nobody is awake; zero where
// somebody is.
func allQuiet(admins []Admin, now time.Time) time.Time {
	var first time.Time
	for _, a := range admins {
		ends, quiet := a.Quiet.Ends(now, a.zone())
		if !quiet {
			return time.Time{}
		}
		first = soonest(first, ends)
	}
	return first
}
