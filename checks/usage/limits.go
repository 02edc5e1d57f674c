package usage

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells from which size on an area is far above its own usual one.
func (c *check) Limits(past checks.Past, measure, area string) []checks.Limit {
	last, seen := past.Last(measure, area)
	if measure != areaBytes || !seen || last.Value < worthATrend {
		return nil
	}
	usual, known := past.Normal(areaBytes, area, time.Now())
	if !known {
		return nil
	}
	return []checks.Limit{{Severity: checks.Warning, Value: usual.Mid + growthBound(usual)}}
}
