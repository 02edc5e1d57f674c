package media

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells which share of files may be missing, and how long one half of the
// trip may take beside what the other took last.
func (c *check) Limits(past checks.Past, measure, _ string) []checks.Limit {
	other := map[string]string{putTime: getTime, getTime: putTime}[measure]
	switch {
	case measure == missingShare:
		usual, known := past.Normal(missingShare, "", time.Now())
		return []checks.Limit{{Severity: checks.Warning, Value: missingLimit(usual, known)}}
	case other == "":
		return nil
	}
	rest := slowAfter.Seconds()
	if s, known := past.Last(other, ""); known {
		rest -= s.Value
	}
	if rest <= 0 {
		return nil // the other half alone is too slow
	}
	return []checks.Limit{{Severity: checks.Warning, Value: rest}}
}
