package registry

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/checks/api"
)

func TestAServerIsAskedOneQuestionAtATimeAndNotTooSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := doors{now: time.Now, gap: 2 * time.Second}
		var mu sync.Mutex
		var began []time.Time
		inside, most := 0, 0
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				leave, err := d.enter(t.Context(), "rdap.example")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				began = append(began, time.Now())
				inside++
				most = max(most, inside)
				mu.Unlock()
				<-time.After(time.Second)
				mu.Lock()
				inside--
				mu.Unlock()
				leave(nil)
			})
		}
		all.Wait()
		if most != 1 || len(began) != 5 {
			t.Errorf("%d at once, %d in all", most, len(began))
		}
		for i := range began[1:] {
			if gap := began[i+1].Sub(began[i]); gap != 3*time.Second {
				t.Errorf("%v apart", gap)
			}
		}
		// Another server is another door.
		before := time.Now()
		leave, err := d.enter(t.Context(), "whois.example")
		if err != nil || time.Since(before) > 0 {
			t.Error(err)
		}
		leave(nil)
	})
}

func TestWhoWaitsTooLongAsksLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := doors{now: time.Now, gap: 2 * time.Second}
		leave, err := d.enter(t.Context(), "rdap.example")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.enter(t.Context(), "rdap.example"); !errors.Is(err, ErrLater) {
			t.Error(err)
		}
		leave(statusError(502))
		if _, err := d.enter(t.Context(), "rdap.example"); !errors.Is(err, ErrLater) || d.open("rdap.example") {
			t.Error(err)
		}
		<-time.After(pauseFirst)
		if leave, err = d.enter(t.Context(), "rdap.example"); err != nil || !d.open("rdap.example") {
			t.Fatal(err)
		}
		leave(nil)
	})
}

func TestForHowLongAServerIsLeftAlone(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	const gap = 2 * time.Second
	for name, c := range map[string]struct {
		err     error
		strikes int
		want    time.Duration
		again   int
	}{
		"an answer":                   {nil, 3, gap, 0},
		"that it knows no such name":  {errMissing, 3, gap, 0},
		"a question that it dislikes": {statusError(400), 3, gap, 0},
		"too many":                    {statusError(429), 0, pauseFirst, 1},
		"an outage":                   {statusError(503), 1, 2 * pauseFirst, 2},
		"silence":                     {errSilent, 2, 4 * pauseFirst, 3},
		"silence for days":            {errSilent, 40, pauseLongest, 41},
		"a time that it names":        {&api.RateLimitError{Reset: now.Add(2 * time.Hour)}, 0, 2 * time.Hour, 1},
		"a shorter one than ours":     {&api.RateLimitError{Reset: now.Add(time.Second)}, 0, pauseFirst, 1},
	} {
		next, again := after(c.err, now, gap, c.strikes)
		if next.Sub(now) != c.want || again != c.again {
			t.Errorf("%s: %v, %d", name, next.Sub(now), again)
		}
	}
}
