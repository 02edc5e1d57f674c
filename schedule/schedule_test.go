package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/state"
)

type checkFunc func(context.Context, checks.Past) (checks.Observation, error)

func (f checkFunc) Look(ctx context.Context, p checks.Past) (checks.Observation, error) {
	return f(ctx, p)
}

func kind(name string) checks.Kind {
	return checks.Kind{Name: name, Title: checks.Same(name), Timeout: 10 * time.Second}
}

func job(t *testing.T, name, cron string, look checkFunc) schedule.Job {
	t.Helper()
	times, err := schedule.ParseCron(cron, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return schedule.Job{Kind: kind(name), Check: look, Times: times}
}

// play runs a schedule in a bubble of time over one state.
func play(t *testing.T, jobs func(t *testing.T) []schedule.Job, act func(t *testing.T, s *schedule.Schedule, db *state.DB)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db, err := state.Memory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		run(t, db, jobs(t), act)
	})
}

func run(t *testing.T, db *state.DB, jobs []schedule.Job, act func(t *testing.T, s *schedule.Schedule, db *state.DB)) {
	t.Helper()
	s := schedule.New(schedule.Options{Host: "web1", DB: db, Log: slog.New(slog.DiscardHandler), Jobs: jobs})
	ctx, stop := context.WithCancel(t.Context())
	var clock sync.WaitGroup
	clock.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	act(t, s, db)
	stop()
	clock.Wait()
}

func counting(n *atomic.Int64) checkFunc {
	return func(context.Context, checks.Past) (checks.Observation, error) {
		n.Add(1)
		return checks.Observation{Summary: checks.Same("well")}, nil
	}
}

func TestTheFirstLookIsAtOnceAndTheRestSpread(t *testing.T) {
	var times []time.Duration
	play(t, func(t *testing.T) []schedule.Job {
		start := time.Now()
		var jobs []schedule.Job
		var mu sync.Mutex
		for i := range 5 {
			jobs = append(jobs, job(t, fmt.Sprintf("c%d", i), "0 4 * * *", func(context.Context, checks.Past) (checks.Observation, error) {
				mu.Lock()
				defer mu.Unlock()
				times = append(times, time.Since(start))
				return checks.Observation{}, nil
			}))
		}
		return jobs
	}, func(t *testing.T, _ *schedule.Schedule, _ *state.DB) {
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(times) != 5 || times[0] != 0 || times[4] == 0 || times[4] > time.Minute {
			t.Errorf("looked at %v", times)
		}
	})
}

func TestEachCheckRunsAsOftenAsItsTimetableSays(t *testing.T) {
	var five, day atomic.Int64
	play(t, func(t *testing.T) []schedule.Job {
		return []schedule.Job{job(t, "five", "*/5 * * * *", counting(&five)), job(t, "day", "0 4 * * *", counting(&day))}
	}, func(t *testing.T, _ *schedule.Schedule, _ *state.DB) {
		time.Sleep(48*time.Hour + 30*time.Second)
		synctest.Wait()
		if n := five.Load(); n < 576 || n > 578 {
			t.Errorf("every five minutes: %d in two days", n)
		}
		if n := day.Load(); n != 3 {
			t.Errorf("daily: %d in two days and the first", n)
		}
	})
}

func TestAHungCheckDelaysNoOtherAndNeverRunsTwice(t *testing.T) {
	var well, hung, most atomic.Int64
	var release chan struct{} // made inside the bubble, or waiting for it would hold its clock
	play(t, func(t *testing.T) []schedule.Job {
		release = make(chan struct{})
		return []schedule.Job{
			job(t, "hung", "* * * * *", func(context.Context, checks.Past) (checks.Observation, error) {
				most.Store(max(most.Load(), hung.Add(1)))
				<-release
				hung.Add(-1)
				return checks.Observation{}, nil
			}),
			job(t, "well", "* * * * *", counting(&well)),
		}
	}, func(t *testing.T, s *schedule.Schedule, _ *state.DB) {
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := well.Load(); n < 60 {
			t.Errorf("the other looked %d times in an hour", n)
		}
		if most.Load() != 1 {
			t.Errorf("the hung one ran %d times at once", most.Load())
		}
		r, err := s.Look(t.Context(), "hung", false)
		if err != nil || !r.StillLooking {
			t.Errorf("asked for, it says %+v, %v", r, err)
		}
		close(release)
	})
}

func TestARequestSharesTheLookThatIsUnderWay(t *testing.T) {
	var n atomic.Int64
	play(t, func(t *testing.T) []schedule.Job {
		return []schedule.Job{job(t, "slow", "0 4 * * *", func(context.Context, checks.Past) (checks.Observation, error) {
			n.Add(1)
			time.Sleep(5 * time.Second)
			return checks.Observation{Summary: checks.Same("done")}, nil
		})}
	}, func(t *testing.T, s *schedule.Schedule, _ *state.DB) {
		time.Sleep(time.Second)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if r, err := s.Look(t.Context(), "slow", true); err != nil || r.Summary.En != "done" {
					t.Errorf("%+v, %v", r, err)
				}
			})
		}
		all.Wait()
		if n.Load() != 1 {
			t.Errorf("looked %d times", n.Load())
		}
	})
}

func TestAPanickingCheckLooksAgainNextTime(t *testing.T) {
	var n atomic.Int64
	play(t, func(t *testing.T) []schedule.Job {
		return []schedule.Job{job(t, "p", "* * * * *", func(context.Context, checks.Past) (checks.Observation, error) {
			n.Add(1)
			panic("boom")
		})}
	}, func(t *testing.T, s *schedule.Schedule, _ *state.DB) {
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n.Load() < 10 {
			t.Errorf("looked %d times", n.Load())
		}
		views, err := s.Views(t.Context())
		if err != nil || views[0].Severity != checks.Unknown || views[0].Why.Empty() {
			t.Errorf("%+v, %v", views, err)
		}
	})
}

func TestTicksMissedWhileStoppedAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := state.Memory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var n, daily atomic.Int64
		jobs := []schedule.Job{job(t, "five", "*/5 * * * *", counting(&n)), job(t, "daily", "0 4 * * *", counting(&daily))}
		rest := func(*testing.T, *schedule.Schedule, *state.DB) { time.Sleep(10 * time.Second); synctest.Wait() }
		run(t, db, jobs, rest)
		if n.Load() != 1 {
			t.Fatalf("looked %d times at first", n.Load())
		}
		time.Sleep(2 * time.Minute)
		run(t, db, jobs, rest)
		before := n.Load()
		time.Sleep(3 * time.Hour)
		run(t, db, jobs, rest)
		if got := n.Load() - before; got != 1 {
			t.Errorf("after three hours it looked %d times, want one", got)
		}
		if daily.Load() != 1 {
			t.Errorf("the daily one, which missed nothing, looked %d times", daily.Load())
		}
	})
}

func TestTheBeatIsThatOfTheClock(t *testing.T) {
	play(t, func(t *testing.T) []schedule.Job { return nil }, func(t *testing.T, s *schedule.Schedule, _ *state.DB) {
		<-s.Ready()
		time.Sleep(time.Hour)
		synctest.Wait()
		if age := time.Since(s.Beat()); age > 16*time.Second {
			t.Errorf("the beat is %v old", age)
		}
	})
}

func TestWhatIsRememberedComesBack(t *testing.T) {
	var said []string
	play(t, func(t *testing.T) []schedule.Job {
		return []schedule.Job{job(t, "m", "* * * * *", func(_ context.Context, past checks.Past) (checks.Observation, error) {
			b, _ := past.Load("word")
			said = append(said, string(b))
			last, _ := past.Last("n", "")
			return checks.Observation{
				Remember: map[string][]byte{"word": []byte(fmt.Sprint(len(said)))},
				Measures: []checks.Measure{{Name: "n", Value: last.Value + 1, Unit: checks.Count}},
			}, nil
		})}
	}, func(t *testing.T, s *schedule.Schedule, _ *state.DB) {
		time.Sleep(2*time.Minute + 30*time.Second)
		synctest.Wait()
		if fmt.Sprint(said[:3]) != "[ 1 2]" {
			t.Errorf("remembered %q", said)
		}
		_, err := s.Look(t.Context(), "nothing", false)
		if !errors.Is(err, schedule.ErrNoCheck) {
			t.Errorf("an unknown check: %v", err)
		}
	})
}
