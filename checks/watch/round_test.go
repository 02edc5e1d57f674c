package watch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func many(n int, every time.Duration) *check {
	c := Config{Every: checks.Duration(every)}
	for i := range n {
		c.Domains = append(c.Domains, Domain{Name: fmt.Sprintf("s%d.test", i)})
	}
	s := &site.Site{}
	return newCheck(s, c, newProber(s))
}

func TestTurnsAreSpreadOverThePeriodAndNobodyWaitsLonger(t *testing.T) {
	for _, one := range []struct {
		servers int
		every   time.Duration
	}{{10_000, 5 * time.Minute}, {2000, 2 * time.Minute}, {7, 5 * time.Minute}, {1001, 7 * time.Minute}, {500, time.Hour}} {
		t.Run(fmt.Sprintf("%d every %v", one.servers, one.every), func(t *testing.T) {
			c := many(one.servers, one.every)
			ticks := int(c.period() / tick)
			start := time.Now().Truncate(tick)
			for _, s := range c.all {
				s.minute = minuteOf(start)
			}
			longest, most := time.Duration(0), 0
			for k := range 6 * ticks {
				// A tick comes a little late, now and then.
				now := start.Add(time.Duration(k)*tick + time.Duration(k*7%6)*time.Second)
				turn := due(c.all, now, c.period(), false)
				most = max(most, len(turn))
				gap := min(window/time.Duration(max(len(turn), 1)), pace)
				for i, s := range turn {
					at := now.Add(time.Duration(i) * gap)
					if !s.looked.IsZero() {
						longest = max(longest, at.Sub(s.looked))
					}
					s.looked, s.minute = at, minuteOf(now)
				}
			}
			if slices.ContainsFunc(c.all, func(s *target) bool { return s.looked.IsZero() }) {
				t.Error("somebody was never looked at")
			}
			if limit := max(one.servers/ticks+1, firstLooks); most > limit {
				t.Errorf("%d at one tick, %d would do", most, limit)
			}
			// What has failed is told at the end of the tick that looks at it.
			if known := longest + window + probeTime; known > one.every+time.Second {
				t.Errorf("up to %v until it is known, of %v", known, one.every)
			}
			t.Logf("%d at one tick at most; %v between two looks at most", most, longest)
		})
	}
}

func TestWhatIsNotWellIsLookedAtEveryMinute(t *testing.T) {
	c := many(100, 5*time.Minute)
	now := time.Now().Truncate(c.period()).Add(2 * tick) // the turn of the servers 2, 6, 10 …
	for i, s := range c.all {
		s.looked, s.minute = now, minuteOf(now)
		if i >= 3 && i <= 5 {
			s.minute--
		}
	}
	c.all[3].streak.Bad = 1
	c.all[4].last = outcome{state: unseen, why: noResolver}
	c.all[5].last = outcome{state: unseen, why: guarded}
	if got := due(c.all, now, c.period(), false); !slices.Equal(got, []*target{c.all[3], c.all[4]}) {
		t.Errorf("%d are due", len(got))
	}
	if got := due(c.all, now, c.period(), true); len(got) != 100 {
		t.Errorf("asked for by name: %d", len(got))
	}
}

func TestAStreakOpensAtThreeAndEndsAtTwo(t *testing.T) {
	now := time.Unix(1000, 0)
	var s streak
	for i, step := range []struct {
		seen state
		open bool
	}{
		{ill, false},
		{ill, false},
		{well, false},
		{ill, false},
		{ill, false},
		{unseen, false},
		{ill, true},
		{unseen, true},
		{well, true},
		{ill, true},
		{well, true},
		{well, false},
		{ill, false},
	} {
		if s = s.next(step.seen, now, looksToOpen); s.Open != step.open {
			t.Errorf("step %d: %+v", i, s)
		}
	}
}
