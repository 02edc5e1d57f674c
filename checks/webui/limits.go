package webui

import "github.com/sababan/sababan/checks"

// Limits tells from which time of the page on the check speaks.
func (c *check) Limits(_ checks.Past, measure, _ string) []checks.Limit {
	if measure != pageTime {
		return nil
	}
	return []checks.Limit{{Severity: checks.Warning, Value: slowAbove.Seconds()}}
}
