package hang

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatNeverAnswersIsAskedOnlyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls Calls
		answer := make(chan int)
		ask := func(ctx context.Context, key string) (int, error) {
			return Ask(ctx, &calls, key, 2*time.Second, func() (int, error) { return <-answer, nil })
		}
		began := time.Now()
		if _, err := ask(t.Context(), "/mnt/nas"); !errors.Is(err, ErrSlow) || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := ask(t.Context(), "/mnt/nas"); !errors.Is(err, ErrPending) || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ask(ctx, "/mnt/other"); !errors.Is(err, ErrSlow) || time.Since(began) != 3*time.Second || calls.Out() != 2 {
			t.Errorf("%v after %v, %d out", err, time.Since(began), calls.Out())
		}
		answer <- 1
		answer <- 2
		synctest.Wait()
		if calls.Out() != 0 {
			t.Errorf("%d are out", calls.Out())
		}
		go func() { answer <- 3 }()
		if n, err := ask(t.Context(), "/mnt/nas"); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}
