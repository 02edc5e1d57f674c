package certs

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells below how much of its life a certificate is spoken of.
func (c *check) Limits(past checks.Past, measure, subject string) []checks.Limit {
	if measure != "life_left" {
		return nil
	}
	left, known := past.Last("life_left", subject)
	ratio, told := past.Last("life_left_ratio", subject)
	if !known || !told || ratio.Value <= 0 {
		return nil
	}
	warning, critical := c.limits.bounds(time.Duration(left.Value / ratio.Value * float64(time.Second)))
	return checks.Steps(warning.Seconds(), critical.Seconds(), true)
}
