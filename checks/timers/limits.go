package timers

import "github.com/sababan/sababan/checks"

// Limits tells how long after its last run a timer is overdue.
func (c *check) Limits(past checks.Past, measure, timer string) []checks.Limit {
	m := recall(past)[timer]
	if measure != "timer_age" || m.Patience <= 0 {
		return nil
	}
	return []checks.Limit{{Severity: m.Severity, Value: m.Patience.Seconds()}}
}
