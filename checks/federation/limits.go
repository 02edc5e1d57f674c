package federation

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells from which age of the newest remote post on, and from how many
// newly failing servers on, the check speaks, by what is usual at this hour.
func (c *check) Limits(past checks.Past, measure, subject string) []checks.Limit {
	usual, known := past.Normal(measure, subject, time.Now())
	switch {
	case measure == newestAge && known:
		return []checks.Limit{{Severity: checks.Critical, Value: pulseLimit(usual).Seconds()}}
	case measure == newestAge:
		return []checks.Limit{{Severity: checks.Warning, Value: pulseUnknown.Seconds()}}
	case measure == hostsFailing && subject == "new":
		if all, seen := past.Last(hostsFailing, "all"); seen && all.Value >= usHosts {
			return []checks.Limit{{Severity: checks.Critical, Value: usLimit(all.Value, usual)}}
		}
	}
	return nil
}
