package schedule_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/state"
)

func TestWhatACommandChangesIsKeptTogetherWithWhatItsCallerKeeps(t *testing.T) {
	play(t, func(t *testing.T) []schedule.Job {
		j := job(t, "dues", "0 4 * * *", func(context.Context, checks.Past) (checks.Observation, error) { return checks.Observation{}, nil })
		j.Kind.Commands = []checks.Command{{
			Name: "paid",
			Answer: func(_ context.Context, past checks.Past, rest string) (checks.Text, map[string][]byte, error) {
				if was, known := past.Load("paid"); known {
					return checks.Same("paid before: " + string(was)), nil, nil
				}
				return checks.Same("paid"), map[string][]byte{"paid": []byte(rest)}, nil
			},
		}}
		return []schedule.Job{j}
	}, func(t *testing.T, s *schedule.Schedule, _ *state.DB) {
		full := errors.New("no space left")
		for _, c := range []struct {
			name    string
			keeps   error
			want    string
			changed bool
		}{
			{"the caller cannot keep its part", full, "", false},
			{"so nothing was paid", nil, "paid", true},
			{"and then it was", nil, "paid before: server", false},
		} {
			called := false
			answer, changed, err := s.Command(t.Context(), "dues", "paid", "server", func(_ *sql.Tx, answer checks.Text) error {
				called = true
				return c.keeps
			})
			if answer.En != c.want || changed != c.changed || !errors.Is(err, c.keeps) || called != (c.changed || c.keeps != nil) {
				t.Errorf("%s: %q, %v, %v", c.name, answer.En, changed, err)
			}
		}
	})
}
