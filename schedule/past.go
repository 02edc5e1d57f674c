package schedule

import (
	"context"
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

// Past returns what a check measured; false where it is not looked at.
func (s *Schedule) Past(check string) (checks.Past, bool) {
	j, ok := s.byName[check]
	if !ok {
		return checks.NoPast{}, false
	}
	return s.history.View(s.host(j.Kind), check), true
}

// Looked returns when some checks measured anything between two instants, within
// the last fortnight: one instant in five minutes and check at most, in order.
// Checks that are not looked at add none.
func (s *Schedule) Looked(ctx context.Context, names []string, from, to time.Time) ([]time.Time, error) {
	var series []int64
	for _, name := range names {
		if j, ok := s.byName[name]; ok {
			some, err := s.history.SeriesOf(ctx, s.host(j.Kind), name)
			if err != nil {
				return nil, fmt.Errorf("schedule: reading when %s looked: %w", name, err)
			}
			series = append(series, some...)
		}
	}
	at, err := s.history.Taken(ctx, series, from, to)
	if err != nil {
		return nil, fmt.Errorf("schedule: reading when checks looked: %w", err)
	}
	return at, nil
}
