package latency

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells from which response time on the check speaks, by what is normal
// now.
func (c *check) Limits(past checks.Past, measure, side string) []checks.Limit {
	if measure != responseTime {
		return nil
	}
	band, known := past.Normal(responseTime, side, time.Now())
	if !known || band.Mid <= 0 {
		return []checks.Limit{{Severity: checks.Warning, Value: slowAtAll.Seconds()}}
	}
	warning := max(band.Mid*warnTimes, warnAbove.Seconds())
	critical := min(max(band.Mid*criticalTimes, criticalAbove.Seconds()), unbearable.Seconds())
	return checks.Steps(warning, critical, false)
}
