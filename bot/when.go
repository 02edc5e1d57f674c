package bot

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// period is until when something is to hold, as an admin writes it.
type period struct {
	// For is a length, Until an instant; one of them is set.
	For   time.Duration
	Until time.Time
}

func (p period) given() bool { return p.For > 0 || !p.Until.IsZero() }

// end is the instant at which the period ends.
func (p period) end(now time.Time) time.Time {
	if p.For > 0 {
		return now.Add(p.For)
	}
	return p.Until
}

// Times of day that have names (own), besides the admin's own morning.
const (
	noonClock    Clock = 12 * 60
	eveningClock Clock = 18 * 60
	nightClock   Clock = 21 * 60
)

var (
	lengthEn = regexp.MustCompile(`(?:\bfor\s+)?\b(\d{1,4}(?:\.\d)?\s?|(?:an?|one|two|three)\s+)(minutes?|mins?|months?|mo|m|hours?|hrs?|h|days?|d|weeks?|w|years?|yrs?|y)\b`)
	lengthJa = regexp.MustCompile(`(\d{1,4}|[一二三四五六七八九十半])\s?(分|時間半|時間|日間|日|週間|[かカヶケヵ]月間?|年間?)(まで)?`)
	dayJa    = `(今日|本日|今晩|今夜|明後日|あさって|明日|あした|来週|(?:[月火水木金土日]曜日?)|(?:\d{1,2}[/月]\d{1,2}日?)|(?:\d{1,2}日))?`
	untilJa  = regexp.MustCompile(dayJa + `(?:の)?(朝|昼|正午|夕方|夜|晩)?(?:の)?(?:(午前|午後)?(\d{1,2})(?::(\d{2})|時(半|\d{1,2}分)?))?まで`)
	untilEn  = regexp.MustCompile(`\b(?:until|till|til)\s+(today|tonight|tomorrow|next week|mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|\d{4}-\d{1,2}-\d{1,2}|\d{1,2} (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)?\s*(morning|noon|evening|night)?\s*(?:at\s+)?(?:(\d{1,2})(?::(\d{2}))?\s?(am|pm)?\b)?`)
)

// A month and a year, where only their length is meant.
const (
	aMonth = 30 * 24 * time.Hour
	aYear  = 365 * 24 * time.Hour
)

// findPeriod finds a period in a line that is in lower case and in half width,
// and where it stands; false where there is none.
func findPeriod(line string, who Admin, now time.Time) (p period, from, to int, found bool) {
	for _, read := range []func(string, Admin, time.Time) (period, int, int, bool){untilInEnglish, untilInJapanese, lengthIn} {
		if p, from, to, found = read(line, who, now); found {
			return p, from, to, true
		}
	}
	return period{}, 0, 0, false
}

func lengthIn(line string, _ Admin, _ time.Time) (p period, from, to int, found bool) {
	units := map[string]time.Duration{
		"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
		"mo": aMonth, "y": aYear,
		"分": time.Minute, "時間": time.Hour, "時間半": time.Hour, "日": 24 * time.Hour, "日間": 24 * time.Hour, "週間": 7 * 24 * time.Hour,
	}
	words := map[string]float64{
		"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "半": 0.5,
		"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10,
	}
	for _, form := range []*regexp.Regexp{lengthJa, lengthEn} {
		at := form.FindStringSubmatchIndex(line)
		if at == nil {
			continue
		}
		number, unit := strings.TrimSpace(line[at[2]:at[3]]), line[at[4]:at[5]]
		size, known := units[unit]
		switch {
		case known:
		case strings.HasPrefix(unit, "mo"), strings.Contains(unit, "月"):
			size = aMonth
		case strings.HasPrefix(unit, "年"):
			size = aYear
		default:
			size = units[unit[:1]]
		}
		n, spelled := words[number]
		if !spelled {
			n, _ = strconv.ParseFloat(number, 64)
		}
		length := time.Duration(n * float64(size))
		if unit == "時間半" {
			length += 30 * time.Minute
		}
		if length > 0 && length < 10*aYear { // 2026年 is a date
			return period{For: length}, at[0], at[1], true
		}
	}
	return period{}, 0, 0, false
}

// part is a part of a line that a form found; "" where it found none.
func part(line string, at []int, n int) string {
	if at[2*n] < 0 {
		return ""
	}
	return line[at[2*n]:at[2*n+1]]
}

func untilInEnglish(line string, who Admin, now time.Time) (p period, from, to int, found bool) {
	at := untilEn.FindStringSubmatchIndex(line)
	if at == nil {
		return period{}, 0, 0, false
	}
	day, time1, hour, minute, half := part(line, at, 1), part(line, at, 2), part(line, at, 3), part(line, at, 4), part(line, at, 5)
	if day == "" && time1 == "" && hour == "" {
		return period{}, 0, 0, false
	}
	clock, set := clockOf(time1, half, hour, minute, who)
	if !set && day == "tonight" {
		clock = nightClock
	}
	until := onDay(day, clock, who, now)
	return period{Until: until}, at[0], at[1], !until.IsZero()
}

func untilInJapanese(line string, who Admin, now time.Time) (p period, from, to int, found bool) {
	at := untilJa.FindStringSubmatchIndex(line)
	if at == nil {
		return period{}, 0, 0, false
	}
	day, time1, half, hour, minute := part(line, at, 1), part(line, at, 2), part(line, at, 3), part(line, at, 4), part(line, at, 5)
	switch rest := part(line, at, 6); {
	case rest == "半":
		minute = "30"
	case rest != "":
		minute = strings.TrimSuffix(rest, "分")
	}
	if day == "" && time1 == "" && hour == "" {
		return period{}, 0, 0, false
	}
	clock, set := clockOf(time1, half, hour, minute, who)
	if !set && (day == "今晩" || day == "今夜") {
		clock = nightClock
	}
	until := onDay(day, clock, who, now)
	return period{Until: until}, at[0], at[1], !until.IsZero()
}

// clockOf is a time of day by its name or by its numbers; the admin's morning
// where there is neither.
func clockOf(word, half, hour, minute string, who Admin) (clock Clock, set bool) {
	if hour != "" {
		h, _ := strconv.Atoi(hour)
		m, _ := strconv.Atoi("0" + minute)
		if (half == "pm" || half == "午後" || (word == "夜" || word == "晩" || word == "夕方" || word == "evening")) && h < 12 {
			h += 12
		}
		if half == "am" && h == 12 {
			h = 0
		}
		return Clock(60*min(h, 24) + min(m, 59)), true
	}
	switch word {
	case "noon", "昼", "正午":
		return noonClock, true
	case "evening", "夕方":
		return eveningClock, true
	case "night", "夜", "晩":
		return nightClock, true
	case "morning", "朝":
		return who.Morning, true
	}
	return who.Morning, false
}

var (
	weekdays = []string{"日月火水木金土", "sunmontuewedthufrisat"}
	months   = "janfebmaraprmayjunjulaugsepoctnovdec"
	dateJa   = regexp.MustCompile(`^(?:(\d{1,2})[/月])?(\d{1,2})日?$`)
	dateEn   = regexp.MustCompile(`^(\d{1,2}) ([a-z]{3})`)
)

// onDay is the next time of day on a day as it is written, in the admin's zone;
// the zero time where that is no day.
func onDay(day string, clock Clock, who Admin, now time.Time) time.Time {
	zone := who.zone()
	local := now.In(zone)
	at := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, int(clock)/60, int(clock)%60, 0, 0, zone)
	}
	ahead := func(days int) time.Time { return at(local.Year(), local.Month(), local.Day()+days) }
	switch day {
	case "":
		return clock.Next(now.Add(time.Second), zone)
	case "today", "tonight", "今日", "本日", "今晩", "今夜":
		return ahead(0)
	case "tomorrow", "明日", "あした":
		return ahead(1)
	case "明後日", "あさって":
		return ahead(2)
	case "next week", "来週":
		return ahead((8-int(local.Weekday())-1)%7 + 1)
	}
	if date, err := time.Parse("2006-1-2", day); err == nil {
		return at(date.Year(), date.Month(), date.Day())
	}
	if n := weekday(day); n >= 0 {
		for days := 0; ; days++ {
			if t := ahead(days); int(t.Weekday()) == n && t.After(now) {
				return t
			}
		}
	}
	month, of := 0, 0
	if m := dateJa.FindStringSubmatch(day); m != nil {
		month, _ = strconv.Atoi(m[1])
		of, _ = strconv.Atoi(m[2])
	} else if m := dateEn.FindStringSubmatch(day); m != nil {
		of, _ = strconv.Atoi(m[1])
		month = strings.Index(months, m[2])/3 + 1
	}
	if of < 1 || of > 31 || month > 12 {
		return time.Time{}
	}
	if month == 0 {
		if t := at(local.Year(), local.Month(), of); t.After(now) {
			return t
		}
		return at(local.Year(), local.Month()+1, of)
	}
	if t := at(local.Year(), time.Month(month), of); t.After(now) {
		return t
	}
	return at(local.Year()+1, time.Month(month), of)
}

// weekday is the number of a day of the week, Sunday being 0; -1 for another word.
func weekday(word string) int {
	if rest, ok := strings.CutSuffix(strings.TrimSuffix(word, "日"), "曜"); ok && rest != "" {
		return strings.Index(weekdays[0], rest) / len("日")
	}
	if len(word) >= 3 && word[0] >= 'a' && word[0] <= 'z' {
		if at := strings.Index(weekdays[1], word[:3]); at >= 0 && at%3 == 0 {
			return at / 3
		}
	}
	return -1
}
