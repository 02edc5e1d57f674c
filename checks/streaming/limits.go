package streaming

import "github.com/sababan/sababan/checks"

// Limits tells from which delay of an event on the check speaks, and below which
// life of a connection without traffic. The delay that is measured has the
// making of the post in it, for which the rule makes allowance.
func (c *check) Limits(_ checks.Past, measure, _ string) []checks.Limit {
	switch measure {
	case eventDelay:
		return []checks.Limit{{Severity: checks.Warning, Value: c.pace.late.Seconds()}}
	case idleLife:
		return []checks.Limit{{Severity: checks.Warning, Value: c.pace.short.Seconds(), Below: true}}
	}
	return nil
}
