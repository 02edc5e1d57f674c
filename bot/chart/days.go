package chart

import (
	"strconv"
	"time"

	"github.com/sababan/sababan/checks"
)

// A tick is a line of the time axis and what stands below it.
type tick struct {
	at    time.Time // of the line; it may lie before the span
	label string
	under time.Time // the middle of the label
	// room is what a label has that stands in the middle of its day, where the
	// span has only a part of the day; 0: it has what it needs.
	room time.Duration
}

// A stride is the distance of two ticks.
type stride struct {
	n    int
	unit strideUnit
}

type strideUnit int

const (
	minutes strideUnit = iota
	hours
	days
	months
	years
)

// strides are all distances, the finest first. Weeks begin on Monday.
func strides() []stride {
	return []stride{
		{1, minutes},
		{2, minutes},
		{5, minutes},
		{10, minutes},
		{15, minutes},
		{30, minutes},
		{1, hours},
		{2, hours},
		{3, hours},
		{6, hours},
		{12, hours},
		{1, days},
		{2, days},
		{3, days},
		{7, days},
		{14, days},
		{1, months},
		{2, months},
		{3, months},
		{6, months},
		{1, years},
		{2, years},
		{5, years},
	}
}

// about is roughly how long it is.
func (s stride) about() time.Duration {
	const day = 24 * time.Hour
	return time.Duration(s.n) * [...]time.Duration{time.Minute, time.Hour, day, 30 * day, 365 * day}[s.unit]
}

// ticks are those of the finest stride whose labels fit, which fits tells. The
// days are the reader's: one of 23 or 25 hours is a day as any other.
func ticks(from, to time.Time, zone *time.Location, lang checks.Lang, fits func([]tick) bool) []tick {
	from, to = from.In(zone), to.In(zone)
	var last []tick
	for _, s := range strides() {
		// More than this never fit, and need not be counted out.
		if to.Sub(from)/s.about() > 40 {
			continue
		}
		if last = s.between(from, to, lang); fits(last) {
			return last
		}
	}
	return last
}

// between are the ticks of one stride. Both ends are of the reader's zone.
func (s stride) between(from, to time.Time, lang checks.Lang) (list []tick) {
	zone := from.Location()
	year, month, day := from.Date()
	add := func(at time.Time, label string) {
		if !at.Before(from) && !at.After(to) {
			list = append(list, tick{at: at, label: label, under: at})
		}
	}
	switch s.unit {
	case minutes, hours:
		step := s.n
		if s.unit == hours {
			step *= 60
		}
		for d := 0; ; d++ {
			begin := dayBegin(year, month, day+d, zone)
			if begin.After(to) {
				return list
			}
			add(begin, dayLabel(begin, lang))
			for m := step; m < 24*60; m += step {
				at := time.Date(year, month, day+d, 0, m, 0, 0, zone)
				// The hour that is skipped when summer time begins is none.
				if at.Hour()*60+at.Minute() == m && at.After(begin) {
					add(at, at.Format("15:04"))
				}
			}
		}
	case days:
		for d := 0; ; d++ {
			at := dayBegin(year, month, day+d, zone)
			if at.After(to) {
				return list
			}
			switch number := dayNumber(at); {
			case s.n == 1:
				list = append(list, dayTick(at, dayBegin(year, month, day+d+1, zone), from, to, lang))
			case s.n%7 == 0 && at.Weekday() == time.Monday && (number+3)/7%(s.n/7) == 0,
				s.n%7 != 0 && number%s.n == 0:
				add(at, dayLabel(at, lang))
			}
		}
	case months:
		for m := 0; ; m++ {
			at := dayBegin(year, time.January+time.Month(m), 1, zone)
			if at.After(to) {
				return list
			}
			if m%s.n == 0 {
				add(at, monthLabel(at, lang))
			}
		}
	}
	for y := year; ; y++ {
		at := dayBegin(y, time.January, 1, zone)
		if at.After(to) {
			return list
		}
		if y%s.n == 0 {
			add(at, yearLabel(y, lang))
		}
	}
}

// dayBegin is the first instant of a day: where midnight is skipped when summer
// time begins, what comes after it.
func dayBegin(year int, month time.Month, day int, zone *time.Location) time.Time {
	of := time.Date(year, month, day, 12, 0, 0, 0, zone).Day()
	for m := 0; ; m += 15 {
		if at := time.Date(year, month, day, 0, m, 0, 0, zone); at.Day() == of || m == 12*60 {
			return at
		}
	}
}

// dayTick is that of one day, named in the middle of what the span has of it.
func dayTick(at, next, from, to time.Time, l checks.Lang) tick {
	t := tick{at: at, under: at.Add(next.Sub(at) / 2), label: at.Format("Mon 2")}
	if l == checks.Japanese {
		t.label = dayLabel(at, l)
	}
	if at.Before(from) || next.After(to) {
		begin, end := at, next
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		t.room = max(end.Sub(begin), 1)
		t.under = begin.Add(t.room / 2)
	}
	return t
}

// dayNumber counts days, whatever their length; 1 January 1970 is 0.
func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func dayLabel(t time.Time, l checks.Lang) string {
	if l == checks.Japanese {
		return t.Format("1/2")
	}
	return t.Format("2 Jan")
}

// monthLabel names January by its year.
func monthLabel(t time.Time, l checks.Lang) string {
	switch {
	case t.Month() == time.January:
		return yearLabel(t.Year(), l)
	case l == checks.Japanese:
		return t.Format("1月")
	}
	return t.Format("Jan")
}

func yearLabel(year int, l checks.Lang) string {
	if l == checks.Japanese {
		return strconv.Itoa(year) + "年"
	}
	return strconv.Itoa(year)
}
