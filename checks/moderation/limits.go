package moderation

import (
	"math"
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells beyond how many sign-ups in an hour there is a wave, by what is
// usual at this hour.
func (c *check) Limits(past checks.Past, measure, _ string) []checks.Limit {
	usual, known := past.Normal(signupRate, "", time.Now())
	if measure != signupRate || !known {
		return nil
	}
	return checks.Steps(beyondAll(usual, waveFew, waveTimes), beyondAll(usual, waveMany, waveGreats), false)
}

// beyondAll is the greatest whole number of sign-ups that is no wave yet.
func beyondAll(usual checks.Band, least, times float64) float64 {
	return max(least-1, math.Floor(times*usualRate(usual)))
}
