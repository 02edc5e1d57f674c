package clock

import "github.com/sababan/sababan/checks"

// Limits tells how far off the clock may be, ahead or behind.
func (c *check) Limits(_ checks.Past, measure, _ string) []checks.Limit {
	if measure != "offset_seconds" {
		return nil
	}
	warning, critical := c.config.Warning.Std().Seconds(), c.config.Critical.Std().Seconds()
	return append(checks.Steps(warning, critical, false), checks.Steps(-warning, -critical, true)...)
}
