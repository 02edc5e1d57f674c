package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// figures are repetitions of one measurement, in milliseconds.
type figures []float64

func (f *figures) add(d time.Duration) { *f = append(*f, millis(d)) }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile is the figure that a share of them stays within, by nearest rank.
func (f figures) quantile(share float64) float64 {
	if len(f) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(f))
	rank := int(math.Ceil(share*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

func (f figures) median() float64 { return f.quantile(0.5) }

func (f figures) p95() float64 { return f.quantile(0.95) }

func (f figures) String() string {
	return fmt.Sprintf("median %.1f, p95 %.1f, from %.1f to %.1f ms (%d times)",
		f.median(), f.p95(), f.quantile(0), f.quantile(1), len(f))
}
