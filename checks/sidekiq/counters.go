package sidekiq

import (
	"math"
	"time"

	"github.com/sababan/sababan/checks"
)

// A mark is what the counters were at an instant.
type mark struct {
	At        time.Time `json:"at"`
	Processed float64   `json:"p"`
	Failed    float64   `json:"f"`
	Retry     float64   `json:"r"`
}

const (
	// markEvery is how far apart marks are that are kept, hourLeast and hourMost
	// how old one may be that is compared with as that of an hour ago (own).
	markEvery = 5 * time.Minute
	hourLeast = 50 * time.Minute
	hourMost  = 75 * time.Minute
)

// keep adds a mark to those of the last hour. Counters that are lower than
// before were begun anew, and what was before says nothing.
func keep(marks []mark, now mark) []mark {
	var out []mark
	for _, m := range marks {
		if age := now.At.Sub(m.At); age >= 0 && age <= hourMost && m.Processed <= now.Processed && m.Failed <= now.Failed {
			out = append(out, m)
		}
	}
	if len(out) > 0 && now.At.Sub(out[len(out)-1].At) < markEvery {
		return out
	}
	return append(out, now)
}

// An hourly is what an hour came to.
type hourly struct {
	known                      bool
	processed, failed, retries float64
}

// lastHour compares with the mark of an hour ago; not known before there is one.
func lastHour(marks []mark, r reading, now time.Time) hourly {
	for i := len(marks) - 1; i >= 0; i-- {
		m := marks[i]
		age := now.Sub(m.At)
		if age < hourLeast || age > hourMost {
			continue
		}
		scale := float64(time.Hour) / float64(age)
		in := func(was, is float64) float64 { return math.Round((is - was) * scale) }
		return hourly{true, in(m.Processed, r.processed), in(m.Failed, r.failed), in(m.Retry, float64(r.retry))}
	}
	return hourly{}
}

// failedShare is how much of what was worked on failed; Sidekiq counts a job
// that failed among those processed, too.
func (h hourly) failedShare() float64 {
	if h.processed <= 0 {
		return 0
	}
	return min(h.failed/h.processed, 1)
}

// moved is when the counter of what was processed was last seen to change.
func moved(before memory, r reading, now time.Time) (float64, time.Time) {
	if before.Moved.IsZero() || before.Processed != r.processed || before.Moved.After(now) {
		return r.processed, now
	}
	return r.processed, before.Moved
}

// hour is what the last hour came to, as measures and for the summary.
func hour(marks []mark, r reading, now time.Time) ([]checks.Measure, checks.Text) {
	h := lastHour(marks, r, now)
	if !h.known {
		return nil, checks.Text{}
	}
	return []checks.Measure{
		{Name: "processed_hour", Value: h.processed, Unit: checks.Count},
		{Name: "failed_ratio", Value: h.failedShare(), Unit: checks.Ratio},
		{Name: "retry_growth", Value: h.retries, Unit: checks.Count},
	}, textHour(h)
}
