package bot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// Hears is how much an admin wants to hear unasked.
type Hears string

// The ways of hearing.
const (
	HearsAll        Hears = "all"
	HearsCritical   Hears = "critical"
	HearsEscalation Hears = "escalation"
)

// An Admin is one who is told and who may ask.
type Admin struct {
	// Account as the configuration writes it: the admin's name in the state.
	Account string
	Hears   Hears
	// Topics are names of checks, or "all".
	Topics  []string
	Lang    checks.Lang
	Zone    *time.Location
	Quiet   Quiet
	Morning Clock
}

// Cares tells whether a check is one of the admin's topics.
func (a Admin) Cares(check string) bool {
	return len(a.Topics) == 0 || slices.Contains(a.Topics, "all") || slices.Contains(a.Topics, check)
}

// Reader returns the admin as the reader of a text.
func (a Admin) Reader(lang checks.Lang, now time.Time) checks.Reader {
	if lang == "" {
		lang = a.Lang
	}
	return checks.Reader{Lang: lang, Zone: a.Zone, Now: now}
}

func (a Admin) zone() *time.Location {
	if a.Zone == nil {
		return time.UTC
	}
	return a.Zone
}

// A Clock is a time of day in minutes after midnight.
type Clock int

// ParseClock reads "08:00".
func ParseClock(s string) (Clock, error) {
	h, m, ok := strings.Cut(s, ":")
	hour, err1 := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	if !ok || err1 != nil || err2 != nil || len(m) != 2 || hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return 0, fmt.Errorf(`%q is not a time of day; write for example "08:00"`, checks.Quote(s))
	}
	return Clock(60*hour + minute), nil
}

func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// Next returns the first instant at this time of day that is not before t. A
// time that the change of the clocks leaves out is the one after the gap.
func (c Clock) Next(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	for day := 0; ; day++ {
		at := time.Date(local.Year(), local.Month(), local.Day()+day, int(c)/60, int(c)%60, 0, 0, zone)
		if !at.Before(t) {
			return at
		}
	}
}

// Quiet are the hours in which only harm that cannot wait is told. Equal ends
// mean none.
type Quiet struct{ From, To Clock }

// ParseQuiet reads "23:00-07:00"; "" and "none" mean no quiet hours.
func ParseQuiet(s string) (Quiet, error) {
	if s == "" || s == "none" {
		return Quiet{}, nil
	}
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return Quiet{}, fmt.Errorf(`%q are no quiet hours; write for example "23:00-07:00", or "none"`, checks.Quote(s))
	}
	f, err := ParseClock(strings.TrimSpace(from))
	if err != nil {
		return Quiet{}, err
	}
	t, err := ParseClock(strings.TrimSpace(to))
	return Quiet{f, t}, err
}

// Ends returns when the quiet hours that hold at t end; false when none hold.
func (q Quiet) Ends(t time.Time, zone *time.Location) (time.Time, bool) {
	if q.From == q.To {
		return time.Time{}, false
	}
	local := t.In(zone)
	now := Clock(60*local.Hour() + local.Minute())
	inside := now >= q.From && now < q.To
	if q.From > q.To {
		inside = now >= q.From || now < q.To
	}
	if !inside {
		return time.Time{}, false
	}
	return q.To.Next(t, zone), true
}
