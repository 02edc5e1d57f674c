package trend

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestDuringTheDumpTheForecastIsThatOfTheRestOfTheDay(t *testing.T) {
	const gb = float64(1 << 30)
	trend := Trend{Days: 28, Growth: gb, Confident: true, Dip: 6 * gb, Low: 30 * gb}
	quiet, _ := trend.Left(36 * gb)
	during, _ := trend.Left(30 * gb)
	if quiet != 30*day || during != 30*day {
		t.Errorf("%v when quiet, %v during the dump, want 30 days both times", quiet, during)
	}
	if cleared, _ := trend.Left(100 * gb); cleared != 94*day {
		t.Errorf("%v after a clearing, want 94 days", cleared)
	}
}

func TestFittingBearsWhateverComes(t *testing.T) {
	for _, s := range [][]checks.Sample{
		nil,
		{{At: noon, Value: 1}},
		{{At: noon.Add(time.Hour), Value: 1}},
		{{At: time.Time{}, Value: 1}},
	} {
		if got := Fit(s, noon); got.Confident || got.Days > 1 {
			t.Errorf("Fit(%v) = %+v", s, got)
		}
	}
}

func TestOneSampleADayIsEnough(t *testing.T) {
	var samples []checks.Sample
	for d := 27; d >= 0; d-- {
		samples = append(samples, checks.Sample{At: noon.Add(-time.Duration(d) * day), Value: float64(d) * 1e9})
	}
	got := Fit(samples, noon)
	if !got.Confident || got.Days != 28 || got.Growth != 1e9 {
		t.Errorf("Fit = %+v, want a loss of 1e9 a day", got)
	}
}
