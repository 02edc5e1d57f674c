package instance

import "github.com/sababan/sababan/checks"

// Limits tells from which answer time on the check speaks.
func (c *check) Limits(_ checks.Past, measure, _ string) []checks.Limit {
	if measure != answerTime {
		return nil
	}
	return []checks.Limit{{Severity: checks.Warning, Value: slowAbove.Seconds()}}
}
