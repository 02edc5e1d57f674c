package domain

import "github.com/sababan/sababan/checks"

// Limits tells how long before the end of a registration the check speaks.
func (c *check) Limits(_ checks.Past, measure, name string) []checks.Limit {
	if measure != leftSeconds {
		return nil
	}
	q := question{config: c.config}
	return checks.Steps(q.warnsAt(q.registered(name)).Seconds(), c.config.Critical.Std().Seconds(), true)
}
