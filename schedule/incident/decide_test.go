package incident

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

var t0 = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func warn() Sight {
	return Sight{How: Present, Finding: checks.Finding{Code: "full", Severity: checks.Warning}}
}

func crit() Sight {
	return Sight{How: Present, Finding: checks.Finding{Code: "full", Severity: checks.Critical}}
}

func holds(s checks.Severity) Sight {
	return Sight{How: Holding, Finding: checks.Finding{Code: "full", Severity: s, Holds: true}}
}

var (
	gone   = Sight{How: Absent}
	hidden = Sight{How: Hidden}
)

// disk is the life of `disk full`: warnings 2/3, critical 1/2.
var disk = Life{Rule: checks.Rule{Warning: checks.Looks{Open: 2, Resolve: 3}, Critical: checks.Looks{Open: 1, Resolve: 2}}}

func TestAnIncidentsLife(t *testing.T) {
	slow := Life{Rule: checks.Rule{Warning: checks.Looks{Open: 5, Resolve: 5}, Critical: checks.Looks{Open: 10, Resolve: 5}}}
	daily := Life{Rule: checks.Rule{Warning: checks.Looks{Open: 1, Resolve: 1}, Critical: checks.Looks{Open: 1, Resolve: 1}, Calm: 24 * time.Hour}}
	unseen := Life{Rule: checks.Rule{Warning: checks.Looks{Open: 3, Resolve: 1}, Critical: checks.Looks{Open: 3, Resolve: 1}}, Patience: time.Hour}
	repeat := func(s Sight, n int) (out []Sight) {
		for range n {
			out = append(out, s)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		life  Life
		every time.Duration
		looks []Sight
		want  []Change
	}{
		{"a warning opens at its second look", disk, time.Minute, []Sight{warn(), warn(), warn()}, []Change{Waits, OpenedNow, Continues}},
		{"a critical one opens at its first", disk, time.Minute, []Sight{crit()}, []Change{OpenedNow}},
		{"a blip is forgotten", disk, time.Minute, []Sight{warn(), gone}, []Change{Waits, Forgotten}},
		{"what merely holds opens nothing", disk, time.Minute, []Sight{warn(), holds(checks.Warning)}, []Change{Waits, Forgotten}},
		{"a warning that grows critical is worse", disk, time.Minute, []Sight{warn(), warn(), crit(), crit()}, []Change{Waits, OpenedNow, Worse, Continues}},
		{"a critical one that calms is eased after two calm looks", disk, time.Minute, []Sight{crit(), warn(), warn(), warn()}, []Change{OpenedNow, Calms, Eased, Continues}},
		{"calm looks must be consecutive", disk, time.Minute, []Sight{crit(), warn(), crit(), warn(), warn()}, []Change{OpenedNow, Calms, Continues, Calms, Eased}},
		{"a critical one is resolved after two good looks", disk, time.Minute, []Sight{crit(), gone, gone}, []Change{OpenedNow, Recovers, ResolvedNow}},
		{"a warning is resolved after three", disk, time.Minute, []Sight{warn(), warn(), gone, gone, gone}, []Change{Waits, OpenedNow, Recovers, Recovers, ResolvedNow}},
		{"good looks must be consecutive", disk, time.Minute, []Sight{warn(), warn(), gone, gone, warn(), gone, gone, gone}, []Change{Waits, OpenedNow, Recovers, Recovers, Continues, Recovers, Recovers, ResolvedNow}},
		{"between its thresholds it stays open for ever", disk, time.Minute, append([]Sight{warn(), warn()}, repeat(holds(checks.Warning), 4)...), []Change{Waits, OpenedNow, Between, Between, Between, Between}},
		{"a critical one between its thresholds stays critical", disk, time.Minute, []Sight{crit(), holds(checks.Critical), holds(checks.Critical), holds(checks.Critical)}, []Change{OpenedNow, Between, Between, Between}},
		{"a critical one that sinks between the lower thresholds is eased, not resolved", disk, time.Minute, []Sight{crit(), holds(checks.Warning), holds(checks.Warning), holds(checks.Warning)}, []Change{OpenedNow, Calms, Eased, Between}},
		{"not seeing it is not its end", disk, time.Minute, append(append([]Sight{crit()}, repeat(hidden, 5)...), gone, gone), []Change{OpenedNow, Held, Held, Held, Held, Held, Recovers, ResolvedNow}},
		{"not seeing it does not open it either", disk, time.Minute, []Sight{warn(), hidden, warn()}, []Change{Waits, Held, OpenedNow}},
		{"a blind look between good ones proves nothing", disk, time.Minute, []Sight{crit(), gone, hidden, gone}, []Change{OpenedNow, Recovers, Held, ResolvedNow}},
		{"critical from the start opens as a warning first where critical needs longer", slow, time.Minute, repeat(crit(), 10), []Change{Waits, Waits, Waits, Waits, OpenedNow, Continues, Continues, Continues, Continues, Worse}},
		{"a calm time is kept whatever the looks", daily, 8 * time.Hour, []Sight{crit(), gone, gone, gone}, []Change{OpenedNow, Recovers, Recovers, ResolvedNow}},
		{"unknown is patient for an hour", unseen, 20 * time.Minute, repeat(warn(), 4), []Change{Waits, Waits, Waits, OpenedNow}},
		{"unknown is patient for three looks", unseen, 2 * time.Hour, repeat(warn(), 3), []Change{Waits, Waits, OpenedNow}},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, now := Incident{Phase: Pending}, t0
			for n, look := range c.looks {
				var change Change
				if i, change = Decide(i, look, c.life, now); change != c.want[n] {
					t.Fatalf("look %d: %q, want %q", n+1, change, c.want[n])
				}
				now = now.Add(c.every)
			}
		})
	}
}

func TestEveryOpeningHasAtMostOneResolve(t *testing.T) {
	// Whatever the weather: opened first, resolved last, worse and eased in turn.
	weather := []Sight{warn(), crit(), gone, hidden, holds(checks.Warning), holds(checks.Critical)}
	var walk func(i Incident, depth int, opened bool, critical bool)
	walk = func(i Incident, depth int, opened, critical bool) {
		if depth == 0 {
			return
		}
		for _, s := range weather {
			next, change := Decide(i, s, disk, t0.Add(time.Duration(7-depth)*time.Minute))
			o, c := opened, critical
			switch change {
			case OpenedNow:
				if opened {
					t.Fatal("opened twice")
				}
				o, c = true, next.Severity == checks.Critical
			case Worse:
				if !opened || critical {
					t.Fatal("worse without reason")
				}
				c = true
			case Eased:
				if !opened || !critical {
					t.Fatal("eased without reason")
				}
				c = false
			case ResolvedNow:
				if !opened || s.How != Absent {
					t.Fatalf("resolved by %v, opened %v", s.How, opened)
				}
				continue
			case Forgotten:
				if opened {
					t.Fatal("an open incident was forgotten")
				}
				continue
			}
			walk(next, depth-1, o, c)
		}
	}
	walk(Incident{Phase: Pending}, 7, false, false)
}
