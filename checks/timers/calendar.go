package timers

import (
	"strconv"
	"strings"
	"time"
)

// A calendar is an OnCalendar= expression in the form in which systemd writes
// it out: "Mon..Fri *-*-* 00,12:00:00 UTC".
type calendar struct {
	days               [7]bool // by time.Weekday
	year, month, day   field
	hour, minute, secs field
	// fromEnd counts the days from the end of the month.
	fromEnd bool
	zone    *time.Location // nil is the machine's
}

// A field is one component: what it may be.
type field []stretch

// A stretch is every step-th number from a first to a last one.
type stretch struct{ first, last, step int }

func (f field) has(n int) bool {
	for _, s := range f {
		if n >= s.first && n <= s.last && (n-s.first)%s.step == 0 {
			return true
		}
	}
	return false
}

// horizon is how far ahead an elapse is looked for, in days; what is further
// away never comes (own).
const horizon = 5 * 366

// parseCalendar reads an expression; false where it holds what is not known
// here.
func parseCalendar(s string) (calendar, bool) {
	var c calendar
	words := strings.Fields(s)
	if len(words) > 0 && !strings.ContainsAny(words[0], ":*0123456789") {
		if !c.readWeekdays(words[0]) {
			return c, false
		}
		words = words[1:]
	} else {
		c.days = [7]bool{true, true, true, true, true, true, true}
	}
	if len(words) < 2 || len(words) > 3 {
		return c, false
	}
	if len(words) == 3 {
		zone, err := time.LoadLocation(words[2])
		if err != nil {
			return c, false
		}
		c.zone = zone
	}
	date := words[0]
	if i := strings.IndexByte(date, '~'); i >= 0 {
		c.fromEnd = true
		date = date[:i] + "-" + date[i+1:]
	}
	d, t := strings.Split(date, "-"), strings.Split(words[1], ":")
	if len(d) != 3 || len(t) != 3 {
		return c, false
	}
	ok := true
	read := func(into *field, text string, least, most int) {
		f, good := readField(text, least, most)
		*into, ok = f, ok && good
	}
	read(&c.year, d[0], 1970, 2199)
	read(&c.month, d[1], 1, 12)
	read(&c.day, d[2], 1, 31)
	read(&c.hour, t[0], 0, 23)
	read(&c.minute, t[1], 0, 59)
	read(&c.secs, t[2], 0, 59)
	return c, ok
}

var weekdays = map[string]int{"Sun": 0, "Mon": 1, "Tue": 2, "Wed": 3, "Thu": 4, "Fri": 5, "Sat": 6}

func (c *calendar) readWeekdays(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		first, last, _ := strings.Cut(part, "..")
		if last == "" {
			last = first
		}
		from, ok := weekdays[first]
		to, ok2 := weekdays[last]
		if !ok || !ok2 {
			return false
		}
		for day := from; ; day = (day + 1) % 7 {
			c.days[day] = true
			if day == to {
				break
			}
		}
	}
	return true
}

func readField(s string, least, most int) (field, bool) {
	var f field
	for part := range strings.SplitSeq(s, ",") {
		span, step, stepped := strings.Cut(part, "/")
		first, last, ranged := strings.Cut(span, "..")
		one := stretch{first: least, last: most, step: 1}
		if stepped {
			n, ok := readNumber(step)
			if !ok {
				return nil, false
			}
			one.step = max(n, 1) // parts of a second
		}
		if first != "*" {
			n, ok := readNumber(first)
			if !ok || n < 0 {
				return nil, false
			}
			one.first = n
			if !stepped {
				one.last = n
			}
		}
		if ranged {
			n, ok := readNumber(last)
			if !ok {
				return nil, false
			}
			one.last = n
		}
		// What can never be would be looked for through all the years.
		if one.first > most || one.last < least || one.first > one.last {
			return nil, false
		}
		f = append(f, one)
	}
	return f, true
}

// readNumber reads "07" and, of "2.500000", the whole seconds.
func readNumber(s string) (int, bool) {
	whole, _, _ := strings.Cut(s, ".")
	n, err := strconv.Atoi(whole)
	return n, err == nil
}

// next is the first elapse after an instant.
func (c calendar) next(after time.Time) (time.Time, bool) {
	zone := c.zone
	if zone == nil {
		zone = after.Location()
	}
	local := after.In(zone)
	for i := range horizon {
		noon := time.Date(local.Year(), local.Month(), local.Day()+i, 12, 0, 0, 0, zone)
		if !c.onDay(noon) {
			continue
		}
		for h := range 24 {
			if !c.hour.has(h) || (i == 0 && h < local.Hour()-1) { // an hour's room for clocks that are put back
				continue
			}
			for m := range 60 {
				if !c.minute.has(m) {
					continue
				}
				for s := range 60 {
					if !c.secs.has(s) {
						continue
					}
					if t := time.Date(noon.Year(), noon.Month(), noon.Day(), h, m, s, 0, zone); t.After(after) {
						return t, true
					}
				}
			}
		}
	}
	return time.Time{}, false
}

func (c calendar) onDay(t time.Time) bool {
	day := t.Day()
	if c.fromEnd {
		last := time.Date(t.Year(), t.Month()+1, 0, 12, 0, 0, 0, t.Location()).Day()
		day = last - day + 1
	}
	return c.days[t.Weekday()] && c.year.has(t.Year()) && c.month.has(int(t.Month())) && c.day.has(day)
}
