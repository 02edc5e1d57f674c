package mail

import "github.com/sababan/sababan/checks"

// Limits tells from which time on a message that arrives is late.
func (c *check) Limits(_ checks.Past, measure, _ string) []checks.Limit {
	if measure != roundTrip {
		return nil
	}
	return []checks.Limit{{Severity: checks.Warning, Value: c.pace.late.Seconds()}}
}
