package memory

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells below how much available memory the check speaks, from how much
// waiting for memory on, and beyond which size of a worker.
func (c *check) Limits(past checks.Past, measure, subject string) []checks.Limit {
	switch measure {
	case "available_bytes":
		total, known := past.Last("total_bytes", "")
		if !known {
			return nil
		}
		return checks.Steps(availableWarning*total.Value, max(availableCritical*total.Value, availableLeast), true)
	case "pressure_some":
		return []checks.Limit{{Severity: checks.Warning, Value: pressureWarning}}
	case "worker_bytes":
		now := time.Now()
		samples, err := past.Series(measure, subject, now.Add(-workerWindow))
		if usual := usualSize(samples, now); err == nil && usual > 0 {
			return []checks.Limit{{Severity: checks.Warning, Value: max(workerLeast, workerGrowth*usual)}}
		}
	}
	return nil
}
