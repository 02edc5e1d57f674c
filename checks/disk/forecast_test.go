package disk

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/trend"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// history makes samples every five minutes for the last 14 days and hourly
// before, as the store keeps them; room is asked with the days until noon,
// which are negative.
func history(days int, room func(day float64) float64) []checks.Sample {
	var list []checks.Sample
	for at := noon.AddDate(0, 0, -days); !at.After(noon); {
		list = append(list, checks.Sample{At: at, Value: room(at.Sub(noon).Hours() / 24)})
		if noon.Sub(at) > 14*day {
			at = at.Add(time.Hour)
		} else {
			at = at.Add(5 * time.Minute)
		}
	}
	return list
}

func TestHowLongTheRoomLasts(t *testing.T) {
	const gb = float64(gigabyte)
	random := rand.New(rand.NewPCG(1, 2))
	steady := func(left, perDay float64) func(float64) float64 {
		return func(d float64) float64 { return (left - perDay*d) * gb }
	}
	noise := func(amount float64, f func(float64) float64) func(float64) float64 {
		return func(d float64) float64 { return f(d) + amount*gb*(random.Float64()-0.5) }
	}
	// A dump of some size is written at 03:00 and gone at 05:00.
	dumped := func(size float64, f func(float64) float64) func(float64) float64 {
		return func(d float64) float64 {
			if hour := math.Mod(d*24+12+24*100, 24); hour >= 3 && hour < 5 {
				return f(d) - size*gb
			}
			return f(d)
		}
	}
	for _, c := range []struct {
		sentence string
		samples  []checks.Sample
		severity checks.Severity
		holds    bool
		days     float64 // about
	}{
		{"a steady loss that ends in nine days is a warning", history(28, steady(9, 1)), checks.Warning, false, 9},
		{"a steady loss that ends in two days is critical", history(28, steady(4, 2)), checks.Critical, false, 2},
		{"a steady loss that ends in sixteen days only holds", history(28, steady(16, 1)), checks.Warning, true, 16},
		{"a steady loss that ends in two months is fine", history(28, steady(60, 1)), checks.OK, false, 60},
		{"thirteen days of samples are too few", history(12, steady(5, 1)), checks.OK, false, 0},
		{"a disk that stays as it is has no end", history(28, steady(5, 0)), checks.OK, false, 0},
		{"a disk that gains room has no end", history(28, steady(5, -1)), checks.OK, false, 0},
		{"a noisy loss is seen through", history(28, noise(2, steady(9, 1))), checks.Warning, false, 9},
		{"noise alone is no loss", history(28, noise(6, steady(9, 0))), checks.OK, false, 0},
		{"a dump that comes and goes each night is no loss", history(28, dumped(6, steady(8, 0))), checks.OK, false, 0},
		{"a loss under a nightly dump ends when the dump no longer fits", history(28, dumped(6, steady(16, 1))), checks.Warning, false, 10},
		{"dumps that are kept for a week and deleted together are no loss", history(28, func(d float64) float64 {
			return (20 - math.Floor(math.Mod(d+280, 7))) * gb
		}), checks.OK, false, 0},
		{"one big copy ten days ago is no loss", history(28, func(d float64) float64 {
			if d < -10 {
				return 40 * gb
			}
			return 10 * gb
		}), checks.OK, false, 0},
		{"one big copy in the middle is no loss", history(28, func(d float64) float64 {
			if d < -14 {
				return 40 * gb
			}
			return 10 * gb
		}), checks.OK, false, 0},
		{"a loss that stopped ten days ago is over", history(28, func(d float64) float64 {
			return (10 + max(0, -d-10)) * gb
		}), checks.OK, false, 0},
		{"room that was made yesterday counts", history(28, func(d float64) float64 {
			if d > -1 {
				return (60 - d) * gb
			}
			return (5 - d) * gb
		}), checks.OK, false, 0},
		{"a single bad day changes nothing", history(28, func(d float64) float64 {
			if d > -9 && d < -8 {
				return 1 * gb
			}
			return (9 - d) * gb
		}), checks.Warning, false, 9},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			now := c.samples[len(c.samples)-1].Value
			tr := trend.Fit(c.samples, noon)
			v, left := judgeForecast(tr, now)
			if v.Severity != c.severity || v.Holds != c.holds {
				t.Errorf("got %+v, %.1f days left, %+v", v, left.Hours()/24, tr)
			}
			if got := left.Hours() / 24; c.severity > checks.OK && math.Abs(got-c.days) > 0.15*c.days+0.5 {
				t.Errorf("%.1f days left, want about %v", got, c.days)
			}
		})
	}
}

func TestADiskThatWasEnlargedBeginsAnew(t *testing.T) {
	samples := history(28, func(d float64) float64 { return 5e9 - d*1e9 })
	sizes := history(28, func(d float64) float64 {
		if d < -6 {
			return 25e9
		}
		return 50e9
	})
	if tr := trend.Fit(sameSize(samples, sizes), noon); tr.Days > 8 {
		t.Errorf("%d days are used, want the six since the change", tr.Days)
	}
	if got := sameSize(samples, nil); len(got) != len(samples) {
		t.Errorf("without sizes %d of %d samples are left", len(got), len(samples))
	}
}
