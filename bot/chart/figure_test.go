package chart

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

type step = time.Duration

const hourly = time.Hour

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// after are samples at so many minutes before noon.
func before(minutes ...int) (list []checks.Sample) {
	for _, m := range minutes {
		list = append(list, checks.Sample{At: noon.Add(-time.Duration(m) * time.Minute), Value: 1})
	}
	return list
}

func TestWhereSamplesStopComingTheLineIsBroken(t *testing.T) {
	nan := before(20, 15, 10, 5, 0)
	nan[2].Value = math.NaN()
	for name, c := range map[string]struct {
		samples []checks.Sample
		want    string // how many samples each run has
	}{
		"an even rhythm":                        {before(20, 15, 10, 5, 0), "5"},
		"one look was missed":                   {before(30, 25, 20, 10, 5, 0), "6"},
		"three looks were missed":               {before(40, 35, 30, 10, 5, 0), "3 3"},
		"a lone look between two gaps":          {before(100, 95, 90, 50, 15, 10, 5, 0), "3 1 4"},
		"by the hour before, by the minute now": {before(300, 240, 180, 120, 60, 20, 15, 10, 5, 0), "10"},
		"a daily look, and three by hand":       {before(7200, 5760, 4320, 4310, 4300, 4290, 2880, 1440, 0), "9"},
		"no number between":                     {nan, "2 2"},
		"a single one":                          {before(5), "1"},
		"two":                                   {before(500, 0), "2"},
		"none":                                  {nil, ""},
		"a clock that was set back":             {before(20, 10, 15, 5, 0), "5"},
		"beyond the span":                       {before(20000, 15, 10, 5, 0, -5), "4"},
	} {
		f := read(Chart{Unit: checks.Count, Samples: c.samples, From: noon.Add(-200 * hourly), To: noon})
		var got []string
		for _, run := range f.runs {
			got = append(got, fmt.Sprint(len(run)))
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s: %s, not %s", name, g, c.want)
		}
		if len(f.runs) > 0 && len(f.gaps) != len(f.runs)-1 {
			t.Errorf("%s: %d gaps between %d runs", name, len(f.gaps), len(f.runs))
		}
	}
}

func TestTheLastValueIsThePresentOneUnlessItIsOld(t *testing.T) {
	for name, c := range map[string]struct {
		minutes []int
		over    bool
		want    bool
	}{
		"just now":                         {[]int{10, 5, 0}, false, true},
		"one look ago":                     {[]int{15, 10, 5}, false, true},
		"three hours ago":                  {[]int{190, 185, 180}, false, false},
		"yesterday, where that is usual":   {[]int{4320, 2880, 1440}, false, true},
		"a single one of today":            {[]int{600}, false, true},
		"a single one of long ago":         {[]int{6000}, false, false},
		"just now, in a span that is past": {[]int{10, 5, 0}, true, false},
	} {
		f := read(Chart{Unit: checks.Count, Samples: before(c.minutes...), From: noon.Add(-200 * hourly), To: noon, Over: c.over})
		if f.current != c.want {
			t.Errorf("%s: %v", name, f.current)
		}
	}
}

func TestAllOfAYearIsInItsPicture(t *testing.T) {
	c := Chart{Unit: checks.Count, From: noon.Add(-400 * 24 * hourly), To: noon}
	for at := c.From; !at.After(c.To); at = at.Add(hourly) {
		c.Samples = append(c.Samples, checks.Sample{At: at, Value: 100 + float64(at.Hour())})
	}
	c.Samples[3000].Value, c.Samples[7000].Value = 390, 3
	f := read(c)
	runs := f.curve(1000, time.UTC)
	low, high, n := math.Inf(1), math.Inf(-1), 0
	for _, run := range runs {
		for i, p := range run {
			low, high, n = min(low, p.low), max(high, p.high), n+1
			if p.low > p.mid || p.mid > p.high || i > 0 && !run[i-1].at.Before(p.at) {
				t.Fatalf("%+v", p)
			}
		}
	}
	if low != 3 || high != 390 {
		t.Errorf("from %v to %v", low, high)
	}
	if n < 400 || n > 402 {
		t.Errorf("%d places for 400 days", n)
	}
}

func TestAFewSamplesAreAllDrawn(t *testing.T) {
	f := read(Chart{Unit: checks.Count, Samples: before(20, 15, 10, 5, 0), From: noon.Add(-hourly), To: noon})
	if runs := f.curve(1000, time.UTC); len(runs) != 1 || len(runs[0]) != 5 {
		t.Errorf("%v", runs)
	}
}

func TestTheWordsTellWhenAThresholdWasCrossed(t *testing.T) {
	reader := checks.Reader{Lang: checks.English, Zone: time.UTC, Now: noon}
	for name, c := range map[string]struct {
		values []float64
		below  bool
		want   string
	}{
		"never":                             {[]float64{1, 1, 1, 1}, false, "never."},
		"exactly at it is not beyond":       {[]float64{1, 5, 1, 1}, false, "never."},
		"once":                              {[]float64{1, 9, 9, 1}, false, "once, from 10:00 for 2 h."},
		"now":                               {[]float64{1, 1, 9, 9}, false, "since 11:00."},
		"again and now":                     {[]float64{1, 9, 1, 9}, false, "2 times, now since 12:00."},
		"twice":                             {[]float64{9, 1, 9, 1}, false, "2 times, last from 11:00 for 1 h."},
		"from the beginning":                {[]float64{9, 9, 1, 1}, false, "until 11:00."},
		"all the time":                      {[]float64{9, 9, 9, 9}, false, "all the time."},
		"from below":                        {[]float64{9, 1, 9, 9}, true, "once, from 10:00 for 1 h."},
		"a single value beyond it":          {[]float64{9}, false, "yes."},
		"a single value that is not beyond": {[]float64{1}, false, "never."},
	} {
		f := read(Chart{
			Unit: checks.Count, Samples: samplesOf(c.values...), From: noon.Add(-3 * hourly), To: noon,
			Thresholds: []Threshold{{Label: checks.Same("limit"), Value: 5, Below: c.below}},
		})
		text := Alt(f.Chart).Read(reader)
		_, after, found := strings.Cut(text, " 5: ")
		if !found || after != c.want {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestASpellThatEndsForAMomentGoesOn(t *testing.T) {
	c := Chart{Unit: checks.Count, From: noon.Add(-30 * 24 * hourly), To: noon}
	for at := c.From; !at.After(c.To); at = at.Add(hourly) {
		v := 9.0
		if at.Hour() == 6 || at.Before(noon.Add(-10*24*hourly)) {
			v = 1
		}
		c.Samples = append(c.Samples, checks.Sample{At: at, Value: v})
	}
	f := read(c)
	if list := f.spells(Threshold{Value: 5}); len(list) != 1 || !list[0].goesOn {
		t.Errorf("%+v", list)
	}
}

func TestAYoungSeriesFillsItsPicture(t *testing.T) {
	month := 30 * 24 * hourly
	for name, c := range map[string]struct {
		samples []checks.Sample
		over    bool
		want    time.Duration
	}{
		"two days of a month":               {samplesOf(make([]float64, 49)...), false, 48 * hourly},
		"all of it":                         {samplesOf(make([]float64, 721)...), false, month},
		"a few values":                      {samplesOf(1, 2, 3), false, month},
		"a summary is of the week it is of": {samplesOf(make([]float64, 49)...), true, month},
		"all within a minute":               {before(make([]int, 20)...), false, month},
	} {
		f := read(Chart{Unit: checks.Count, Samples: c.samples, From: noon.Add(-month), To: noon, Over: c.over})
		if got := f.To.Sub(f.From); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
