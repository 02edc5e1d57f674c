package checks

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A mark stands for an instant inside a [Text]. It begins and ends with
// characters of Unicode's private area, which [Quote] never lets in.
const (
	markBegin = '\uE000'
	markEnd   = '\uE001'
)

func mark(kind byte, t time.Time) string {
	return string(markBegin) + string(kind) + strconv.FormatInt(t.UnixMilli(), 10) + string(markEnd)
}

// At is an instant in the reader's zone: "13:20" today, else "25 Nov 13:20",
// 「11/25（水）13:20」.
func At(t time.Time) string { return mark('a', t) }

// On is a day in the reader's zone: "20 Feb", 「2/20」.
func On(t time.Time) string { return mark('d', t) }

// Left is the time from the reading until t: "3 d 4 h", 「3日4時間」.
func Left(t time.Time) string { return mark('l', t) }

// Ago is the time from t until the reading, as a length without "ago".
func Ago(t time.Time) string { return mark('p', t) }

// A Reader is who reads a text, and when.
type Reader struct {
	Lang Lang
	Zone *time.Location
	Now  time.Time
}

// Read writes the text out for one reader.
func (t Text) Read(r Reader) string { return r.Write(t.In(r.Lang)) }

// Write writes out the marks of a string.
func (r Reader) Write(s string) string {
	if !strings.ContainsRune(s, markBegin) {
		return s
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, string(markBegin))
		b.WriteString(before)
		if !found {
			return b.String()
		}
		inside, after, closed := strings.Cut(rest, string(markEnd))
		if !closed || len(inside) < 2 {
			return b.String()
		}
		if ms, err := strconv.ParseInt(inside[1:], 10, 64); err == nil {
			b.WriteString(r.instant(inside[0], time.UnixMilli(ms)))
		}
		s = after
	}
}

func (r Reader) instant(kind byte, t time.Time) string {
	switch kind {
	case 'l':
		return whole(t.Sub(r.Now)).In(r.Lang)
	case 'p':
		return whole(r.Now.Sub(t)).In(r.Lang)
	}
	zone := r.Zone
	if zone == nil {
		zone = time.UTC
	}
	t, now := t.In(zone), r.Now.In(zone)
	clock := ""
	if kind == 'a' {
		clock = t.Format("15:04")
		if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
			return clock
		}
	}
	// Within half a year the year goes without saying.
	year := t.Year() != now.Year() && (t.Sub(now).Abs() > 182*24*time.Hour)
	if r.Lang == Japanese {
		day := t.Format("1/2")
		if year {
			day = t.Format("2006/1/2")
		}
		if clock == "" {
			return day
		}
		return day + "（" + weekdayJa[t.Weekday()] + "）" + clock
	}
	day := t.Format("2 Jan")
	if year {
		day = t.Format("2 Jan 2006")
	}
	if clock == "" {
		return day
	}
	return day + " " + clock
}

// whole is a span in whole seconds, at least one: nobody counts how long
// something is known by less.
func whole(d time.Duration) Text { return Span(max(d.Round(time.Second), time.Second)) }

var weekdayJa = [...]string{"日", "月", "火", "水", "木", "金", "土"}

// Span is a length of time as people say it, two units at most: "40 s",
// "35 min", "2 h 10 min", "31 h", "3 d 4 h", "36 d".
func Span(d time.Duration) Text {
	const day = 24 * time.Hour
	d = max(d, 0)
	switch {
	case d < time.Second:
		ms := d.Milliseconds()
		return Text{fmt.Sprintf("%d ms", ms), fmt.Sprintf("%dms", ms)}
	case d < 10*time.Second:
		s := strconv.FormatFloat(float64(d.Milliseconds()/100)/10, 'f', -1, 64)
		return Text{s + " s", s + "秒"}
	case d < time.Minute:
		return spans(int(d/time.Second), "s", "秒", 0, "", "")
	case d < time.Hour:
		return spans(int(d/time.Minute), "min", "分", 0, "", "")
	case d < 10*time.Hour:
		return spans(int(d/time.Hour), "h", "時間", int(d%time.Hour/time.Minute), "min", "分")
	case d < 2*day:
		return spans(int(d/time.Hour), "h", "時間", 0, "", "")
	case d < 14*day:
		return spans(int(d/day), "d", "日", int(d%day/time.Hour), "h", "時間")
	}
	return spans(int(d/day), "d", "日", 0, "", "")
}

func spans(a int, en, ja string, b int, en2, ja2 string) Text {
	t := Text{fmt.Sprintf("%d %s", a, en), fmt.Sprintf("%d%s", a, ja)}
	if b > 0 {
		t.En += fmt.Sprintf(" %d %s", b, en2)
		t.Ja += fmt.Sprintf("%d%s", b, ja2)
	}
	return t
}

// Millis is a short time as people say it of an answer: "84 ms", "1.2 s", and
// "0.4 ms" of what was not there at once either.
func Millis(d time.Duration) Text {
	if d <= 0 || d >= time.Millisecond {
		return Span(d)
	}
	ms := strconv.FormatFloat(max(d.Seconds()*1000, 0.1), 'f', 1, 64)
	return Text{ms + " ms", ms + "ms"}
}
