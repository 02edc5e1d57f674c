// Package trend tells from many days of samples how room is being lost, and how
// long it will last: a robust fit that is silent where it is not confident.
package trend

import (
	"math"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	day = 24 * time.Hour
	// Window is how far a trend looks back: four whole weeks, so that weekly
	// jobs weigh alike (own).
	Window = 28 * day
	// Days is how many days of samples it needs (defaults).
	Days = 14
	// longest bounds what is worth saying of the future (own).
	longest = 5 * 365 * day
)

// A Trend is how the room somewhere has been going, in bytes.
type Trend struct {
	// At is when it was fitted.
	At time.Time `json:"at"`
	// Days is how many days had samples.
	Days int `json:"days"`
	// Growth is what is lost a day; negative where room is gained.
	Growth float64 `json:"growth"`
	// Confident says that the growth is steady enough to be spoken of.
	Confident bool `json:"confident"`
	// Dip is how far below the rest of the day its worst moment usually lies:
	// what a nightly dump takes and gives back.
	Dip float64 `json:"dip"`
	// Low is the least room of the last day.
	Low float64 `json:"low"`
}

// Fit makes a trend of samples of available bytes (oldest first). Each day
// counts by its worst moment, so that a dump that comes and goes is seen every
// day alike; the slope is Theil and Sen's, the median of those between all
// pairs of days, which one odd day in four cannot move.
func Fit(samples []checks.Sample, now time.Time) Trend {
	t := Trend{At: now}
	var x, low, dips []float64
	byDay := map[int][]float64{}
	for _, s := range samples {
		if age := now.Sub(s.At); age >= 0 && age < Window {
			byDay[int(age/day)] = append(byDay[int(age/day)], s.Value)
		}
	}
	for d := int(Window/day) - 1; d >= 0; d-- {
		if v := byDay[d]; len(v) > 0 {
			least := slices.Min(v)
			x, low = append(x, -float64(d)), append(low, least)
			dips = append(dips, median(v)-least)
		}
	}
	if t.Days = len(x); t.Days < Days {
		return t
	}
	t.Dip, t.Low = median(dips), low[len(low)-1]
	all := slopes(x, low)
	t.Growth = -median(all)
	// What has stopped is no trend: the newer half must go on at half the pace
	// at least, and the slower of the two is what is told.
	half := len(x) / 2
	recent := -median(slopes(x[half:], low[half:]))
	slow, fast := spread(all, len(x))
	steady := slow > 0 && fast < 4*slow && recent >= t.Growth/2
	// Days that scatter more than the whole loss say nothing about the next.
	lost := t.Growth * (x[len(x)-1] - x[0])
	t.Confident = steady && t.Growth > 0 && scatter(x, low, -t.Growth) < lost/4
	if recent > 0 {
		t.Growth = min(t.Growth, recent)
	} else if t.Growth > 0 {
		t.Growth = 0
	}
	return t
}

// slopes returns the slopes between all pairs of points, sorted.
func slopes(x, y []float64) []float64 {
	var s []float64
	for i := range x {
		for j := i + 1; j < len(x); j++ {
			s = append(s, (y[j]-y[i])/(x[j]-x[i]))
		}
	}
	slices.Sort(s)
	return s
}

// spread returns the losses a day between which the true one lies in nine
// cases of ten, by Kendall's variance for n points.
func spread(sorted []float64, n int) (slow, fast float64) {
	c := 1.645 * math.Sqrt(float64(n*(n-1)*(2*n+5))/18)
	k := len(sorted)
	lo := max(int((float64(k)-c)/2), 0)
	hi := min(int((float64(k)+c)/2)+1, k-1)
	return -sorted[hi], -sorted[lo]
}

// scatter is the median distance of the points from the line with a slope.
func scatter(x, y []float64, slope float64) float64 {
	rest := make([]float64, len(x))
	for i := range x {
		rest[i] = y[i] - slope*x[i]
	}
	mid := median(rest)
	for i := range rest {
		rest[i] = math.Abs(rest[i] - mid)
	}
	return median(rest)
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		return 0
	}
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}

// Left is how long the room lasts, given what is available now; false where it
// does not shrink.
func (t Trend) Left(available float64) (time.Duration, bool) {
	if t.Growth <= 0 || t.Days < Days {
		return 0, false
	}
	// The day's worst moment is what hits the wall first. After a clearing the
	// last day's low is history; during a dump the dip is already in.
	room := max(available-t.Dip, min(t.Low, available), 0)
	days := room / t.Growth
	if days > float64(longest/day) {
		return 0, false
	}
	return time.Duration(days * float64(day)), true
}
