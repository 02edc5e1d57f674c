package incident

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// flaps makes an incident unsteady by the change that was one too many. It stays
// open, also where that change was its end, and as bad as it was at its worst.
func flaps(before, after Incident, now time.Time) Incident {
	after.Phase, after.Resolved = Open, time.Time{}
	after.Severity = max(before.Severity, after.Severity)
	after.Unsteady, after.Changed = now, now
	after.Turns = before.Turns + 1
	return after
}

// unsteady is the life of what comes and goes: it is over when it stayed away
// for long enough, and steady when it stayed. Only worse is news meanwhile.
func unsteady(i Incident, s Sight, life Life, now time.Time) (Incident, Change) {
	if s.How == Absent {
		i.Good++
		i.Critical = 0
		if now.Sub(i.LastSeen) < life.Flap.Quiet {
			return i, Rests
		}
		i.Phase, i.Resolved, i.Changed = Resolved, now, now
		return i, ResolvedNow
	}
	if i.Good > 0 {
		i.Changed = now
	}
	i.Good, i.Calm = 0, 0
	i.Bad++
	i.Finding, i.LastSeen = s.Finding, now
	if s.Finding.Severity < checks.Critical || s.How == Holding {
		i.Critical = 0
	} else {
		i.Critical++
	}
	switch {
	case i.Severity < checks.Critical && i.Critical > 0 && i.Critical >= life.Critical.Open:
		i.Severity, i.Changed = checks.Critical, now
		return i, Worse
	case now.Sub(i.Changed) >= life.Flap.Quiet:
		i.Unsteady = time.Time{}
		return i, Steady
	}
	return i, Flaps
}
