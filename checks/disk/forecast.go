package disk

import (
	"math"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/trend"
)

const (
	day = 24 * time.Hour
	// trendFresh is how long a trend is used before it is fitted again: it is
	// made of days, and reading the samples costs more than the rest of a look.
	trendFresh = time.Hour

	forecastWarning  = 14 * day // defaults
	forecastCritical = 3 * day  // defaults
	forecastClear    = 18 * day // own
)

// judgeForecast decides on how long the room lasts.
func judgeForecast(t trend.Trend, available float64) (verdict, time.Duration) {
	left, shrinking := t.Left(available)
	switch {
	case t.Days < trend.Days:
		return verdict{Why: "too few days"}, 0
	case !shrinking:
		return verdict{Why: "not shrinking"}, 0
	case t.Confident && left <= forecastCritical:
		return verdict{checks.Critical, false, "within days"}, left
	case t.Confident && left <= forecastWarning:
		return verdict{checks.Warning, false, "within weeks"}, left
	case left <= forecastClear:
		return verdict{checks.Warning, true, "between"}, left
	}
	return verdict{Why: "fine"}, left
}

// sameSize returns the newest samples during which the file system kept its
// size: a disk that was enlarged begins anew. sizes and samples are oldest
// first.
func sameSize(samples, sizes []checks.Sample) []checks.Sample {
	var since time.Time
	for i := 1; i < len(sizes); i++ {
		a, b := sizes[i-1].Value, sizes[i].Value
		if math.Abs(a-b) > 0.02*max(a, b) { // own: quotas and pools drift by less
			since = sizes[i].At
		}
	}
	i, _ := slices.BinarySearchFunc(samples, since, func(s checks.Sample, t time.Time) int { return s.At.Compare(t) })
	return samples[i:]
}
