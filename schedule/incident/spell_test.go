package incident

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
)

func TestForHowLongSomethingWasCritical(t *testing.T) {
	base := time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC)
	at := func(hour float64) time.Time { return base.Add(time.Duration(hour * float64(time.Hour))) }
	from, to := at(0), at(24)
	const warning, critical = checks.Warning, checks.Critical
	for _, c := range []struct {
		sentence string
		incident Incident
		steps    []step
		want     []Spell
	}{
		{
			"it opened and ended: from the look that noticed it",
			Incident{Noticed: at(9.9)},
			[]step{{OpenedNow, critical, at(10)}, {ResolvedNow, critical, at(11)}},
			[]Spell{{at(9.9), at(11)}},
		},
		{"it was a warning all the time", Incident{Noticed: at(9)}, []step{{OpenedNow, warning, at(10)}, {ResolvedNow, warning, at(11)}}, nil},
		{
			"it got worse, eased, and got worse again",
			Incident{Noticed: at(9)},
			[]step{{OpenedNow, warning, at(9)}, {Worse, critical, at(10)}, {Eased, warning, at(11)}, {Worse, critical, at(12)}, {ResolvedNow, critical, at(13)}},
			[]Spell{{at(10), at(11)}, {at(12), at(13)}},
		},
		{"it goes on", Incident{Noticed: at(20)}, []step{{OpenedNow, critical, at(20)}}, []Spell{{at(20), to}}},
		{
			"it began before and ended after",
			Incident{Noticed: at(-5)},
			[]step{{OpenedNow, critical, at(-5)}, {ResolvedNow, critical, at(30)}},
			[]Spell{{from, to}},
		},
		{"it was over before", Incident{Noticed: at(-5)}, []step{{OpenedNow, critical, at(-5)}, {ResolvedNow, critical, at(-1)}}, nil},
		{
			"it came and went, and was there last an hour after: the day of quiet is no part of it",
			Incident{Noticed: at(1), Unsteady: at(3), LastSeen: at(4)},
			[]step{{OpenedNow, critical, at(1)}, {UnsteadyNow, critical, at(3)}, {ResolvedNow, critical, at(28)}},
			[]Spell{{at(1), at(4)}},
		},
	} {
		got := spells(c.incident, c.steps, critical, from, to)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.sentence, diff)
		}
	}
}
