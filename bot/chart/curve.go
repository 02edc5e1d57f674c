package chart

import (
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// A place of a curve: what was measured within a short time, which the picture
// has no room to tell apart. All of it is shown: the least and the greatest as
// an area, the median as the line.
type place struct {
	at             time.Time // the middle of what was measured
	low, mid, high float64
}

const (
	// Slices are so many pixels wide: not two on a phone (own).
	sliceWidth = 6
	// From so many days on, each slice is a day of the reader, or the hours of
	// the day would make waves that mean nothing (own).
	byDayFrom = 60
	// Up to so many samples for each slice, every one of them is a point of the
	// line (own).
	loose = 2
)

// curve is what is drawn of each run.
func (f *figure) curve(width float64, zone *time.Location) (runs [][]place) {
	span := f.To.Sub(f.From)
	byDay := span >= byDayFrom*24*time.Hour
	slices := width / sliceWidth
	if !byDay && float64(len(f.samples)) <= loose*slices {
		for _, run := range f.runs {
			line := make([]place, len(run))
			for i, s := range run {
				line[i] = place{s.At, s.Value, s.Value, s.Value}
			}
			runs = append(runs, line)
		}
		return runs
	}
	of := func(t time.Time) int { return int(float64(t.Sub(f.From)) / float64(span) * slices) }
	if byDay {
		of = func(t time.Time) int { return dayNumber(t.In(zone)) }
	}
	for _, run := range f.runs {
		var line []place
		for len(run) > 0 {
			n := 1
			for n < len(run) && of(run[n].At) == of(run[0].At) {
				n++
			}
			line = append(line, placeOf(run[:n]))
			run = run[n:]
		}
		runs = append(runs, line)
	}
	return runs
}

func placeOf(samples []checks.Sample) place {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.Value
	}
	slices.Sort(values)
	first, last := samples[0].At, samples[len(samples)-1].At
	return place{first.Add(last.Sub(first) / 2), values[0], quantile(values, 0.5), values[len(values)-1]}
}
