package services

import "github.com/sababan/sababan/checks"

// Limits tells beyond how many restarts in an hour a service is said to be
// restarted again and again.
func (c *check) Limits(_ checks.Past, measure, _ string) []checks.Limit {
	if measure != "service_restarts" {
		return nil
	}
	return []checks.Limit{{Severity: checks.Warning, Value: manyRestarts - 1}}
}
