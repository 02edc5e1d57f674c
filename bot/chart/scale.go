package chart

import (
	"math"

	"github.com/sababan/sababan/checks"
)

// A scale is the range of values that is shown, and its even steps.
type scale struct {
	low, high, step float64
	// cut: a few values lie so far above all others that they would press the
	// rest flat; they leave the picture at its top and are told as numbers.
	cut bool

	axis            measureUnit
	decimals        int
	whole           bool // every value is a whole number of things
	atLeast, atMost float64
	hours           bool // the axis counts hours
}

const (
	// Values are cut off where they are a fiftieth of all at most and more than
	// four times the greatest of the others (own: a restart makes one answer of
	// 30 s in a week of 80 ms, and the week must still be seen).
	cutShare, cutFactor = 0.02, 4
	// Above what is not cut off there is so much room.
	cutRoom = 1.6
	// fewestToCut is how many samples tell which ones are rare.
	fewestToCut = 12

	// The axis begins at zero where the values differ by more than a third: else
	// it would make little of much, or much of little (own).
	zeroFrom = 1.0 / 3
	// A range is never narrower than a tenth of what is shown, or five points of
	// a ratio, so that noise does not look like weather (own).
	leastSpread, leastPoints = 0.1, 0.05
	// A threshold is in the picture where that leaves the curve a quarter of the
	// height; else it is named at the edge (own).
	thresholdRoom = 4

	// usualSteps and smallSteps are how many steps an axis has room for.
	usualSteps, smallSteps = 6, 4

	// hair is what even steps may be off, or 0.3/0.1 would need four steps.
	hair = 1e-9
)

// scaleFor chooses the range; the values are in order. It is not yet even.
func scaleFor(c Chart, values []float64) scale {
	s := scale{atLeast: math.Inf(-1), atMost: math.Inf(1), whole: c.Unit == checks.Count}
	low, high := math.Inf(1), math.Inf(-1)
	greatest := high
	if n := len(values); n > 0 {
		low, greatest = values[0], values[n-1]
		high = restOf(values)
	}
	for _, u := range c.Normal {
		if finite(u.Low) && finite(u.High) {
			low, high = min(low, u.Low), max(high, u.High)
		}
	}
	if high > 0 && greatest > cutFactor*high {
		high *= cutRoom
		s.cut = true
	} else {
		high = max(high, greatest)
	}
	if low > high {
		low, high = 0, 0
	}
	for _, v := range values {
		s.whole = s.whole && v == math.Trunc(v)
	}
	if low >= 0 {
		s.atLeast = 0
	}
	if c.Unit == checks.Ratio && high <= 1 {
		s.atMost = 1
	}
	if low > 0 && high-low > zeroFrom*high {
		low = 0
	}
	if least := leastSpan(c.Unit, low, high); high-low < least {
		middle := (low + high) / 2
		low, high = middle-least/2, middle+least/2
		switch {
		case low < s.atLeast:
			low, high = s.atLeast, s.atLeast+least
		case high > s.atMost:
			low, high = s.atMost-least, s.atMost
		}
	}
	span := high - low
	for _, t := range c.Thresholds {
		l, h := min(low, t.Value), max(high, t.Value)
		if finite(t.Value) && l >= s.atLeast && h <= s.atMost && h-l <= thresholdRoom*span {
			low, high = l, h
		}
	}
	s.low, s.high = low, high
	s.cut = s.cut && greatest > high
	s.axis = unitFor(c.Unit, max(math.Abs(low), math.Abs(high)))
	s.hours = c.Unit == checks.Seconds && s.axis.of == 3600
	return s
}

// restOf is the greatest of the values, which are in order, that are not rare;
// the greatest of all where there are too few to tell, or some are negative.
func restOf(values []float64) float64 {
	n := len(values)
	if n < fewestToCut || values[0] < 0 {
		return values[n-1]
	}
	return values[n-1-max(int(cutShare*float64(n)), 1)]
}

func leastSpan(unit string, low, high float64) float64 {
	far := max(math.Abs(low), math.Abs(high))
	switch {
	case unit == checks.Ratio:
		return leastPoints
	case far > 1e-9:
		return leastSpread * far
	case unit == checks.Seconds:
		return 0.001
	}
	return 1
}

// settle makes the range even, in so many steps at most: the finest that does.
func (s scale) settle(most int) scale {
	step := nice((s.high-s.low)/s.axis.of/float64(most), s.hours)
	if s.whole && s.axis.of == 1 {
		step = max(step, 1)
	}
	for {
		even := s
		even.step = step * s.axis.of
		even.low = max(math.Floor(s.low/even.step+hair)*even.step, s.atLeast)
		even.high = min(math.Ceil(s.high/even.step-hair)*even.step, s.atMost)
		even.decimals = max(0, -int(math.Floor(math.Log10(step)+hair)))
		if (even.high-even.low)/even.step <= float64(most)+hair {
			return even
		}
		step = nice(step*1.01, s.hours)
	}
}

// nice is the least even number that is not less: 1, 2 or 5 and zeros; of hours
// 1, 2, 3, 6, 12 or 24.
func nice(v float64, hours bool) float64 {
	if hours && v > 0.5 {
		for _, n := range [...]float64{1, 2, 3, 6, 12, 24} {
			if n >= v {
				return n
			}
		}
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range [...]float64{1, 2, 5} {
		if n*power >= v*(1-hair) {
			return n * power
		}
	}
	return 10 * power
}

// ticks are the values of the axis, lowest first.
func (s scale) ticks() (list []float64) {
	for i := math.Ceil(s.low/s.step - hair); i*s.step <= s.high+hair*s.step; i++ {
		list = append(list, i*s.step)
	}
	return list
}

// tick is a value of the axis in words: "6 GB". All are of one unit.
func (s scale) tick(v float64, l checks.Lang) string {
	return s.axis.write(v, s.decimals, l)
}

// finite tells whether a number can be drawn. Nothing on a server is a
// quadrillion quadrillion.
func finite(v float64) bool { return math.Abs(v) < 1e30 }
