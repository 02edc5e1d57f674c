package checks

import (
	"math"
	"strconv"
)

// Size is a number of bytes as `df -h` says it, in powers of 1024: "7.2 GB".
func Size(bytes float64) Text {
	n, unit := sizeIn(bytes)
	return Text{n + " " + unit, n + unit}
}

// SizeRange is a range of sizes in one unit: "0.3–0.6 GB".
func SizeRange(low, high float64) Text {
	n, unit := sizeIn(high)
	div := sizeUnit(high)
	l := short(low / div)
	if l == n {
		return Text{n + " " + unit, n + unit}
	}
	return Text{l + "–" + n + " " + unit, l + "〜" + n + unit}
}

var sizeNames = [...]string{"B", "kB", "MB", "GB", "TB", "PB"}

func sizeUnit(bytes float64) float64 {
	div := 1.0
	for i := 0; i < len(sizeNames)-1 && math.Abs(bytes)/div >= 999.5; i++ {
		div *= 1024
	}
	return div
}

func sizeIn(bytes float64) (number, unit string) {
	div, i := sizeUnit(bytes), 0
	for d := div; d > 1; d /= 1024 {
		i++
	}
	return short(bytes / div), sizeNames[i]
}

// short writes a number with two significant digits, or all the digits before
// the point.
func short(v float64) string {
	if math.Abs(v) < 9.95 && v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// Percent is a ratio as a whole percentage: "71 %", 「71%」. It never rounds up
// to 100 what is not full, nor down to 0 what is not empty.
func Percent(ratio float64) Text {
	n := percent(ratio)
	return Text{n + " %", n + "%"}
}

// PercentUp is a ratio as a whole percentage, rounded up as `df` rounds what is
// in use; but never to 100 what is not full.
func PercentUp(ratio float64) Text {
	// A hair is taken off, or 0.07*100 would count as more than seven.
	n := max(math.Ceil(ratio*100-1e-9), 0)
	if n >= 100 && ratio < 1 {
		n = 99
	}
	number := strconv.FormatFloat(n, 'f', 0, 64)
	return Text{number + " %", number + "%"}
}

// PercentRange is a range of ratios: "70–72 %".
func PercentRange(low, high float64) Text {
	l, h := percent(low), percent(high)
	if l == h {
		return Text{l + " %", l + "%"}
	}
	return Text{l + "–" + h + " %", l + "〜" + h + "%"}
}

func percent(ratio float64) string {
	v := ratio * 100
	switch n := math.Round(v); {
	case n >= 100 && v < 100:
		return "99"
	case n <= 0 && v > 0:
		return "1"
	default:
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
}

// All is how many, in English, where it is all of them: "both", "all 6".
func All(n int) string {
	if n == 2 {
		return "both"
	}
	return "all " + strconv.Itoa(n)
}

// Number is a count with separators for thousands: "4,812".
func Number(n int64) Text {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return Same(sign + digits)
}
