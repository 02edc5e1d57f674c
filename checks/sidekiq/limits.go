package sidekiq

import "github.com/sababan/sababan/checks"

// Limits tells how long the oldest job of a queue may wait.
func (c *check) Limits(_ checks.Past, measure, queue string) []checks.Limit {
	if measure != "oldest_job" {
		return nil
	}
	b := boundsOf(queue)
	return checks.Steps(b.warning.Seconds(), b.critical.Seconds(), false)
}
