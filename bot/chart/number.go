package chart

import (
	"math"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
)

// A measureUnit is what a number is written in: how much of the measure's own
// unit it is, and the word after the number with the space that belongs there.
type measureUnit struct {
	of   float64
	name checks.Text
}

func latin(of float64, name string) measureUnit {
	return measureUnit{of, checks.Text{En: " " + name, Ja: name}}
}

// unitFor is the unit in which a value is best written.
func unitFor(unit string, v float64) measureUnit {
	v = math.Abs(v)
	switch unit {
	case checks.Bytes:
		of := 1.0
		for _, name := range [...]string{"B", "kB", "MB", "GB", "TB"} {
			if v < 999.5*of {
				return latin(of, name)
			}
			of *= 1024
		}
		return latin(of, "PB")
	case checks.Seconds:
		const minute, hour, day = 60, 3600, 86400
		switch {
		case v < 0.9995:
			return latin(0.001, "ms")
		case v < 99.5:
			return measureUnit{1, checks.Text{En: " s", Ja: "秒"}}
		case v < 99.5*minute:
			return measureUnit{minute, checks.Text{En: " min", Ja: "分"}}
		case v < 48*hour:
			return measureUnit{hour, checks.Text{En: " h", Ja: "時間"}}
		}
		return measureUnit{day, checks.Text{En: " d", Ja: "日"}}
	case checks.Ratio:
		return latin(0.01, "%")
	case checks.Count, "":
		if v >= 1e7 {
			return measureUnit{million, checks.Text{En: " M", Ja: "万"}}
		}
		return measureUnit{of: 1}
	}
	return latin(1, unit)
}

const million = 1e6

// write writes a value with so many digits after the point.
func (u measureUnit) write(v float64, decimals int, l checks.Lang) string {
	return u.number(v, decimals, l) + u.name.In(l)
}

func (u measureUnit) number(v float64, decimals int, l checks.Lang) string {
	n := v / u.of
	if u.of == million && l == checks.Japanese {
		// 万 is ten thousand.
		n, decimals = n*100, max(decimals-2, 0)
	}
	return decimal(n, decimals)
}

// decimal is a number with separators for thousands; zero has no sign.
func decimal(n float64, decimals int) string {
	s := strconv.FormatFloat(n, 'f', decimals, 64)
	whole, part, dotted := strings.Cut(s, ".")
	whole, negative := strings.CutPrefix(whole, "-")
	if v, err := strconv.ParseInt(whole, 10, 64); err == nil {
		whole = checks.Number(v).En
	}
	if dotted {
		whole += "." + part
	}
	if negative && strings.Trim(whole, "0.") != "" {
		return "-" + whole
	}
	return whole
}

// digits is how many digits after the point a value needs: two significant ones,
// or all before the point.
func digits(n float64) int {
	n = math.Abs(n)
	switch {
	case n == math.Trunc(n) || n >= 9.95:
		return 0
	case n >= 0.095:
		return 1
	}
	return min(-int(math.Floor(math.Log10(n))), 6)
}

// value is one value in words.
func (f *figure) value(v float64) checks.Text {
	u, d := f.written(v)
	return checks.Text{En: u.write(v, d, checks.English), Ja: u.write(v, d, checks.Japanese)}
}

// between is a range in words, with the unit once.
func (f *figure) between(low, high float64) checks.Text {
	a, da := f.written(low)
	b, db := f.written(high)
	in := func(l checks.Lang, to string) string {
		end := b.write(high, db, l)
		begin := a.number(low, da, l)
		if a != b {
			begin = a.write(low, da, l)
		}
		if begin+b.name.In(l) == end || begin == end {
			return end
		}
		return begin + to + end
	}
	to := "–"
	if low < 0 {
		to = " to "
	}
	return checks.Text{En: in(checks.English, to), Ja: in(checks.Japanese, "〜")}
}

// written is the unit of a value and its digits after the point.
func (f *figure) written(v float64) (measureUnit, int) {
	u := unitFor(f.Unit, v)
	n := v / u.of
	switch {
	case f.Unit == checks.Ratio && f.fine > 0:
		return u, f.fine
	case f.Unit == checks.Ratio:
		// Never 100 what is not full, never 0 what is not empty.
		if d := digits(n); n < 0 || n > 100 || n != math.Trunc(n) && (n >= 99.5 || n < 0.5) {
			return u, max(d, 1)
		}
		return u, 0
	case u.of == 1 && f.Unit == checks.Count && n == math.Trunc(n):
		return u, 0
	}
	return u, digits(n)
}
