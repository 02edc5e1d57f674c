package schedule_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/state"
)

func TestOfManyEventsTheNewestAreTold(t *testing.T) {
	play(t, func(t *testing.T) []schedule.Job {
		return []schedule.Job{job(t, "packages", "0 4 * * *", func(context.Context, checks.Past) (checks.Observation, error) {
			var o checks.Observation
			for i := range 10 {
				o.Events = append(o.Events, checks.Event{Code: "upgraded", Subject: fmt.Sprint("p", i), At: time.Now().Add(time.Duration(i-10) * time.Minute), Text: checks.Same("upgraded")})
			}
			return o, nil
		})}
	}, func(t *testing.T, s *schedule.Schedule, _ *state.DB) {
		time.Sleep(time.Second)
		synctest.Wait()
		events, err := s.Happened(t.Context(), time.Now().Add(-time.Hour), time.Now(), 3)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range events {
			got = append(got, e.Subject)
		}
		if strings.Join(got, " ") != "p7 p8 p9" {
			t.Errorf("got %v", got)
		}
	})
}
