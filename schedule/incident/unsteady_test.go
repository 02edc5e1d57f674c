package incident

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

// walk leads an incident through looks at equal intervals. Like the book it
// counts the changes of the last day, over incidents that are over.
func walk(t *testing.T, every time.Duration, looks []Sight, want []Change) Incident {
	t.Helper()
	life := disk
	life.Flap = UsualFlap()
	i, now := Incident{Phase: Pending}, t0
	var changes []time.Time
	for n, look := range looks {
		if i.Phase == Resolved {
			i = Incident{Phase: Pending}
		}
		i.Turns = 0
		for _, at := range changes {
			if now.Sub(at) < life.Flap.Within {
				i.Turns++
			}
		}
		if i.Phase == Pending && look.How == Absent {
			now = now.Add(every)
			continue
		}
		var change Change
		if i, change = Decide(i, look, life, now); n < len(want) && want[n] != "" && change != want[n] {
			t.Fatalf("look %d: %q, want %q", n+1, change, want[n])
		}
		if change.News() {
			changes = append(changes, now)
		}
		now = now.Add(every)
	}
	return i
}

func TestWhatComesAndGoesBecomesOneIncident(t *testing.T) {
	twice := []Sight{crit(), gone, gone, crit(), gone, gone}
	begins := []Change{OpenedNow, Recovers, ResolvedNow, OpenedNow, Recovers, UnsteadyNow}
	day := func(s Sight, hours int) (out []Sight) {
		for range hours {
			out = append(out, s)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		every time.Duration
		looks []Sight
		want  []Change
		open  bool
	}{
		{"the fourth change in a day is told as unsteady, and nothing after it", time.Hour, append(twice, crit(), gone, gone, crit(), gone), append(begins, Flaps, Rests, Rests, Flaps, Rests), true},
		{"an opening may be the fourth", time.Hour, []Sight{warn(), warn(), crit(), gone, gone, crit()}, []Change{Waits, OpenedNow, Worse, Recovers, ResolvedNow, UnsteadyNow}, true},
		{"the same in more than a day is not unsteady", 7 * time.Hour, twice, []Change{OpenedNow, Recovers, ResolvedNow, OpenedNow, Recovers, ResolvedNow}, false},
		{"it is over after a day of quiet", time.Hour, append(twice, day(gone, 22)...), append(begins, Rests, Rests, Rests), false},
		{"a day of quiet begins anew when it comes back", time.Hour, append(append(twice, day(gone, 15)...), append([]Sight{crit()}, day(gone, 15)...)...), begins, true},
		{"not seeing it is no quiet", time.Hour, append(twice, day(hidden, 40)...), append(begins, Held, Held), true},
		{"what stays for a day is steady again", time.Hour, append(twice, day(crit(), 26)...), append(begins, Flaps, Flaps), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := walk(t, c.every, c.looks, c.want)
			if (i.Phase == Open) != c.open {
				t.Errorf("phase %s", i.Phase)
			}
		})
	}
}

func TestAnUnsteadyIncidentGetsWorseOnce(t *testing.T) {
	looks := []Sight{warn(), warn(), gone, gone, gone, warn(), warn(), gone, gone, gone, warn(), crit(), warn(), crit(), gone}
	i := walk(t, time.Minute, looks, []Change{
		Waits, OpenedNow, Recovers, Recovers, ResolvedNow, Waits, OpenedNow, Recovers, Recovers, UnsteadyNow, Flaps, Worse, Flaps, Flaps, Rests,
	})
	if i.Severity != checks.Critical || i.Unsteady.IsZero() {
		t.Errorf("%+v", i)
	}
}

func TestSteadyAgainItIsResolvedAsUsual(t *testing.T) {
	looks := []Sight{crit(), gone, gone, crit(), gone, gone}
	for range 27 {
		looks = append(looks, crit())
	}
	i := walk(t, time.Hour, append(looks, gone, gone), nil)
	if i.Phase != Resolved || !i.Unsteady.IsZero() {
		t.Errorf("%+v", i)
	}
}
