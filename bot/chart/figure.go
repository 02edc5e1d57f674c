package chart

import (
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// A figure is a chart with what its samples come down to: the picture and the
// words are made of it alike.
type figure struct {
	Chart
	late    bool              // the span was made to begin with the first sample
	samples []checks.Sample   // finite, in the span, in order
	runs    [][]checks.Sample // the same without the gaps between
	gaps    []gap
	scale   scale // not settled
	fine    int   // digits after the point of a percentage

	// Of no meaning where there are no samples.
	lowest, highest, last checks.Sample
	median                float64
	current               bool // last is the present value
}

// gap is a time without samples.
type gap struct{ from, to time.Time }

func (g gap) length() time.Duration { return g.to.Sub(g.from) }

// read makes a figure of a chart.
func read(c Chart) figure {
	f := figure{Chart: c}
	f.split()
	if n, span := len(f.samples), c.To.Sub(c.From); n >= fewestAlone && !c.Over {
		if first := f.samples[0].At; c.To.Sub(first) < span/2 && c.To.Sub(first) > span/100 {
			f.From, f.late = first, true
			c = f.Chart
		}
	}
	var values []float64
	if len(f.samples) > 0 {
		f.lowest, f.highest, f.last = f.samples[0], f.samples[0], f.samples[len(f.samples)-1]
		values = make([]float64, len(f.samples))
		for i, s := range f.samples {
			values[i] = s.Value
			if s.Value < f.lowest.Value {
				f.lowest = s
			}
			if s.Value > f.highest.Value {
				f.highest = s
			}
		}
		slices.Sort(values)
		f.median = quantile(values, 0.5)
		f.current = !c.Over && c.To.Sub(f.last.At) <= patience(f.rhythm())
	}
	f.scale = scaleFor(c, values)
	if c.Unit == checks.Ratio {
		// A picture of a few points tells their tenths.
		f.fine = f.scale.settle(usualSteps).decimals
	}
	return f
}

// fewestAlone is how many samples make a picture of their own where they fill
// less than half of the span: of a server that is two days old, two days (own).
const fewestAlone = 12

// quantile wants values in order, and one at least.
func quantile(values []float64, p float64) float64 {
	place := p * float64(len(values)-1)
	below := int(place)
	part := place - float64(below)
	return values[below]*(1-part) + values[min(below+1, len(values)-1)]*part
}

// patience is how long a series may be silent beyond its rhythm before that is
// a gap (own: a look that is late, or one that was missed, is none).
func patience(rhythm time.Duration) time.Duration { return rhythm * 5 / 2 }

// reach is how many samples on each side tell the rhythm of a place. It is
// found locally, for a series is dense of late and by the hour before (own).
const reach = 12

// split sorts the samples out and finds the gaps.
func (f *figure) split() {
	f.samples = make([]checks.Sample, 0, len(f.Samples))
	broken := map[int]bool{} // before the sample of this number
	for _, s := range f.Samples {
		switch {
		case s.At.Before(f.From) || s.At.After(f.To):
		case !finite(s.Value):
			broken[len(f.samples)] = true
		default:
			f.samples = append(f.samples, s)
		}
	}
	if !slices.IsSortedFunc(f.samples, byTime) {
		// A clock was set back; which sample a value was missing before is lost.
		slices.SortStableFunc(f.samples, byTime)
		clear(broken)
	}
	n := len(f.samples)
	if n == 0 {
		return
	}
	steps := make([]time.Duration, n-1)
	for i := range steps {
		steps[i] = f.samples[i+1].At.Sub(f.samples[i].At)
	}
	begin := 0
	for i, step := range steps {
		usual := max(middle(steps[max(i-reach, 0):i]), middle(steps[i+1:min(i+1+reach, n-1)]))
		if broken[i+1] || usual > 0 && step > patience(usual) {
			f.runs = append(f.runs, f.samples[begin:i+1])
			f.gaps = append(f.gaps, gap{f.samples[i].At, f.samples[i+1].At})
			begin = i + 1
		}
	}
	f.runs = append(f.runs, f.samples[begin:])
}

// rhythm is the usual distance of the newest samples; where there is one only,
// a day: a look that is not done daily says nothing of the present.
func (f *figure) rhythm() time.Duration {
	var steps []time.Duration
	for i := len(f.samples) - 1; i > 0 && len(steps) < reach; i-- {
		steps = append(steps, f.samples[i].At.Sub(f.samples[i-1].At))
	}
	if len(steps) == 0 {
		return 24 * time.Hour
	}
	return middle(steps)
}

func byTime(a, b checks.Sample) int { return a.At.Compare(b.At) }

// middle is the median length; 0 of none.
func middle(steps []time.Duration) time.Duration {
	if len(steps) == 0 {
		return 0
	}
	var room [reach]time.Duration
	sorted := append(room[:0], steps...)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// usualRange is what is usual at the end of the span or, where that is over,
// what was usual in the middle of all; false where that is not known.
func (c Chart) usualRange() (low, high float64, known bool) {
	var lows, highs []float64
	for i, u := range c.Normal {
		if !finite(u.Low) || !finite(u.High) || i > 0 && u.From.After(c.To) {
			continue
		}
		lows, highs = append(lows, u.Low), append(highs, u.High)
	}
	n := len(lows)
	if n == 0 {
		return 0, 0, false
	}
	if !c.Over {
		return lows[n-1], highs[n-1], true
	}
	slices.Sort(lows)
	slices.Sort(highs)
	return quantile(lows, 0.5), quantile(highs, 0.5), true
}

// A spell is a time spent beyond a threshold: from the first sample beyond it to
// the first that is not, or to the last one known.
type spell struct {
	from, to time.Time
	goesOn   bool
}

// A spell that ends for less than this part of the span has not ended, as far as
// the picture shows (own).
const blink = 200

func (t Threshold) beyond(v float64) bool {
	if t.Below {
		return v < t.Value
	}
	return v > t.Value
}

// spells are the times spent beyond a threshold, oldest first.
func (f *figure) spells(t Threshold) (list []spell) {
	inside := false
	for _, s := range f.samples {
		out := t.beyond(s.Value)
		last := len(list) - 1
		switch {
		case inside, out && last >= 0 && s.At.Sub(list[last].to) < f.To.Sub(f.From)/blink:
			list[last].to, list[last].goesOn = s.At, out
		case out:
			list = append(list, spell{from: s.At, to: s.At, goesOn: true})
		}
		inside = out
	}
	return list
}
