package chart

import (
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
)

func samplesOf(values ...float64) []checks.Sample {
	list := make([]checks.Sample, len(values))
	for i, v := range values {
		list[i] = checks.Sample{At: noon.Add(-hourly * step(len(values)-1-i)), Value: v}
	}
	return list
}

func TestTheAxisSuitsTheNumbers(t *testing.T) {
	const gb = 1 << 30
	for name, c := range map[string]struct {
		unit   string
		values []float64
		limits []float64
		en, ja string
	}{
		"sizes in powers of 1024":               {checks.Bytes, []float64{0.5 * gb, 7.2 * gb}, nil, "0 GB, 2 GB, 4 GB, 6 GB, 8 GB", "0GB, 2GB, 4GB, 6GB, 8GB"},
		"sizes below one of a unit":             {checks.Bytes, []float64{0, 1.2 * gb}, nil, "0.0 GB, 0.2 GB, 0.4 GB, 0.6 GB, 0.8 GB, 1.0 GB, 1.2 GB", ""},
		"a steady ratio has five points":        {checks.Ratio, []float64{0.71, 0.711}, nil, "68 %, 69 %, 70 %, 71 %, 72 %, 73 %, 74 %", "68%, 69%, 70%, 71%, 72%, 73%, 74%"},
		"a ratio does not go beyond full":       {checks.Ratio, []float64{0.98, 1}, nil, "95 %, 96 %, 97 %, 98 %, 99 %, 100 %", ""},
		"nor below empty":                       {checks.Ratio, []float64{0, 0.002}, nil, "0 %, 1 %, 2 %, 3 %, 4 %, 5 %", ""},
		"milliseconds from zero":                {checks.Seconds, []float64{0.06, 0.14}, nil, "0 ms, 50 ms, 100 ms, 150 ms", ""},
		"hours by the clock":                    {checks.Seconds, []float64{0, 40 * 3600}, nil, "0 h, 12 h, 24 h, 36 h, 48 h", "0時間, 12時間, 24時間, 36時間, 48時間"},
		"days":                                  {checks.Seconds, []float64{61 * 86400, 90 * 86400}, nil, "60 d, 65 d, 70 d, 75 d, 80 d, 85 d, 90 d", ""},
		"counts are whole":                      {checks.Count, []float64{0, 1, 2}, nil, "0, 1, 2", ""},
		"but for an average":                    {checks.Count, []float64{0, 0.5, 1.5}, nil, "0.0, 0.5, 1.0, 1.5", ""},
		"great counts":                          {checks.Count, []float64{0, 61_200_000}, nil, "0 M, 20 M, 40 M, 60 M, 80 M", "0万, 2,000万, 4,000万, 6,000万, 8,000万"},
		"nothing but zero":                      {checks.Count, []float64{0, 0}, nil, "0, 1", ""},
		"no value at all":                       {checks.Ratio, nil, nil, "0 %, 1 %, 2 %, 3 %, 4 %, 5 %", ""},
		"negative ones":                         {checks.Seconds, []float64{-0.005, 0.005}, nil, "-6 ms, -4 ms, -2 ms, 0 ms, 2 ms, 4 ms, 6 ms", ""},
		"a threshold that is near is shown":     {checks.Ratio, []float64{0.7, 0.8}, []float64{0.85}, "70 %, 75 %, 80 %, 85 %", ""},
		"one that is far is not":                {checks.Ratio, []float64{0.1, 0.11}, []float64{0.85}, "8 %, 9 %, 10 %, 11 %, 12 %, 13 %", ""},
		"one of what cannot be is not":          {checks.Bytes, []float64{1, 2}, []float64{-1}, "0.0 B, 0.5 B, 1.0 B, 1.5 B, 2.0 B", ""},
		"a unit that is not known is just said": {"°C", []float64{41, 44}, nil, "40 °C, 41 °C, 42 °C, 43 °C, 44 °C, 45 °C", "40°C, 41°C, 42°C, 43°C, 44°C, 45°C"},
	} {
		chart := Chart{Unit: c.unit, Samples: samplesOf(c.values...), From: noon.Add(-100 * hourly), To: noon}
		for _, v := range c.limits {
			chart.Thresholds = append(chart.Thresholds, Threshold{Value: v})
		}
		f := read(chart)
		s := f.scale.settle(usualSteps)
		for lang, want := range map[checks.Lang]string{checks.English: c.en, checks.Japanese: c.ja} {
			var got []string
			for _, v := range s.ticks() {
				got = append(got, s.tick(v, lang))
			}
			if g := strings.Join(got, ", "); want != "" && g != want {
				t.Errorf("%s: %s, not %s", name, g, want)
			}
		}
		if s.cut {
			t.Errorf("%s: cut", name)
		}
		for _, v := range c.values {
			if v < s.low-1e-9 || v > s.high+1e-9 {
				t.Errorf("%s: %v is outside of %v to %v", name, v, s.low, s.high)
			}
		}
	}
}

func TestOnlyRareAndFarValuesAreCutOff(t *testing.T) {
	most := func(n int, with ...float64) []float64 {
		for range n {
			with = append(with, 0.08)
		}
		return with
	}
	for name, c := range map[string]struct {
		values []float64
		cut    bool
	}{
		"one of 30 s in a week":          {most(500, 30), true},
		"ten of 500":                     {most(490, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21), true},
		"twenty of 500 are the weather":  {most(480, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9), false},
		"one of three times the others":  {most(500, 0.24), false},
		"one of few":                     {most(5, 30), false},
		"where some values are negative": {most(500, 30, -1), false},
		"all zero but one":               {make([]float64, 100), false},
	} {
		f := read(Chart{Unit: checks.Seconds, Samples: samplesOf(c.values...), From: noon.Add(-1000 * hourly), To: noon})
		if f.scale.cut != c.cut {
			t.Errorf("%s: cut %v", name, f.scale.cut)
		}
	}
}

func TestNumbersAreWrittenAsPeopleSayThem(t *testing.T) {
	for _, c := range []struct {
		unit   string
		v      float64
		en, ja string
	}{
		{checks.Bytes, 7.2 * (1 << 30), "7.2 GB", "7.2GB"},
		{checks.Bytes, 0, "0 B", "0B"},
		{checks.Bytes, -1 << 20, "-1 MB", "-1MB"},
		{checks.Seconds, 0.084, "84 ms", "84ms"},
		{checks.Seconds, 0.00004, "0.04 ms", "0.04ms"},
		{checks.Seconds, 1.24, "1.2 s", "1.2秒"},
		{checks.Seconds, 31 * 3600, "31 h", "31時間"},
		{checks.Seconds, 61 * 86400, "61 d", "61日"},
		{checks.Ratio, 0.714, "71 %", "71%"},
		{checks.Ratio, 0.9996, "100.0 %", "100.0%"},
		{checks.Ratio, 1, "100 %", "100%"},
		{checks.Count, 4812, "4,812", "4,812"},
		{checks.Count, 61_230_000, "61 M", "6,123万"},
		{checks.Count, -0.001, "-0.001", "-0.001"},
	} {
		f := figure{Chart: Chart{Unit: c.unit}}
		if got := f.value(c.v); got.En != c.en || got.Ja != c.ja {
			t.Errorf("%v %s: %q, %q", c.v, c.unit, got.En, got.Ja)
		}
	}
	for _, c := range []struct {
		unit      string
		low, high float64
		en, ja    string
	}{
		{checks.Ratio, 0.7, 0.72, "70–72 %", "70〜72%"},
		{checks.Ratio, 0.711, 0.712, "71 %", "71%"},
		{checks.Bytes, 0.3 * (1 << 30), 0.6 * (1 << 30), "307–614 MB", "307〜614MB"},
		{checks.Seconds, 0.9, 1.2, "900 ms–1.2 s", "900ms〜1.2秒"},
		{checks.Seconds, -0.003, 0.003, "-3 to 3 ms", "-3〜3ms"},
	} {
		f := figure{Chart: Chart{Unit: c.unit}}
		if got := f.between(c.low, c.high); got.En != c.en || got.Ja != c.ja {
			t.Errorf("%v to %v %s: %q, %q", c.low, c.high, c.unit, got.En, got.Ja)
		}
	}
}
