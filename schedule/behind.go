package schedule

import (
	"context"
	"time"
)

// slack is how much later than its time and its own patience a look may be
// recorded (own).
const slack = time.Minute

// Behind returns the names of the checks that should have looked by now and have
// not: those whose next time after the last look is past by more than a look may
// take. What has never looked counts from when the clock began.
func (s *Schedule) Behind(ctx context.Context, now time.Time) ([]string, error) {
	last, err := s.lastLooks(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Unix(0, s.began.Load())
	var names []string
	for _, j := range s.jobs {
		timeout := j.Timeout
		if timeout <= 0 {
			timeout = j.Kind.Timeout
		}
		due := began.Add(s.o.Spread)
		if at, looked := last[j.Kind.Name]; looked && !at.After(now) {
			// What a restart made up for was begun then.
			due = later(s.nextTime(j, at), due)
		}
		if now.Sub(due) > timeout+slack {
			names = append(names, j.Kind.Name)
		}
	}
	return names, nil
}
