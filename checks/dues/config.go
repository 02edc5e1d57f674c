package dues

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
	"golang.org/x/text/unicode/norm"
)

// Config is the table [checks.dues].
type Config struct {
	// Timezone is where the days are counted, "Asia/Tokyo"; "" takes the system's.
	Timezone string `toml:"timezone"`
	Dues     []Due  `toml:"due"`
}

// Due is one table [[checks.dues.due]].
type Due struct {
	// Name is what it is called, in messages and in "paid NAME".
	Name string `toml:"name"`
	// When is a date (2027-03-31) or a rule: "monthly on the 27th", "yearly 1
	// April", "every 3 months from 2026-12-15"; 「毎月27日」「毎年4月1日」.
	When any `toml:"when"`
	// Card is what a credit card says of its end instead, "08/27": month and year.
	Card string `toml:"card"`
	// Pays is who pays.
	Pays string `toml:"pays"`
	Note string `toml:"note"`
	// Automatic: it is paid by itself, so it is recalled and never overdue.
	Automatic bool `toml:"automatic"`
}

// Bounds of what is written (own).
const (
	duesLimit = 100
	nameLimit = 40  // characters: it stands in a headline
	noteLimit = 120 // what a message shows of it
)

// check understands what was written.
func (c Config) check() (*check, error) {
	out := &check{zone: time.Local}
	var errs []error
	if c.Timezone != "" {
		zone, err := time.LoadLocation(c.Timezone)
		if err != nil || c.Timezone == "Local" {
			errs = append(errs, fmt.Errorf("timezone: %q is not a zone such as %q", checks.Quote(c.Timezone), "Asia/Tokyo"))
		} else {
			out.zone = zone
		}
	}
	if len(c.Dues) > duesLimit {
		return nil, fmt.Errorf("due: %d are too many; %d at most", len(c.Dues), duesLimit)
	}
	taken := map[string]bool{}
	for i, d := range c.Dues {
		one, err := d.understand()
		if err == nil && taken[fold(d.Name)] {
			err = errors.New("name: there are two of this name")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("due %d (%q): %w", i+1, checks.Quote(d.Name), err))
			continue
		}
		taken[fold(d.Name)] = true
		out.dues = append(out.dues, one)
	}
	return out, errors.Join(errs...)
}

func (d Due) understand() (due, error) {
	out := due{name: d.Name, pays: d.Pays, note: d.Note, automatic: d.Automatic}
	for _, t := range []struct {
		setting, text string
		limit         int
	}{{"name", d.Name, nameLimit}, {"pays", d.Pays, nameLimit}, {"note", d.Note, noteLimit}} {
		if utf8.RuneCountInString(t.text) > t.limit {
			return due{}, fmt.Errorf("%s: is longer than %d characters", t.setting, t.limit)
		}
	}
	switch {
	case strings.TrimSpace(d.Name) == "":
		return due{}, errors.New(`name: is missing; give it one such as "server"`)
	case checks.QuoteName(d.Name) != d.Name:
		return due{}, errors.New("name: has a character in it that cannot stand in a message")
	case (d.When == nil) == (d.Card == ""):
		return due{}, errors.New(`either when = "monthly on the 27th", "yearly 1 April" or a date, or card = "08/27"`)
	}
	var err error
	if d.Card != "" {
		if out.rule, err = parseCard(d.Card); err != nil {
			return due{}, fmt.Errorf("card: %w", err)
		}
		return out, nil
	}
	switch when := d.When.(type) {
	case time.Time:
		out.rule = onceOn(dayOf(when, when.Location()))
	case string:
		if out.rule, err = parseWhen(when); err != nil {
			return due{}, fmt.Errorf("when: %w", err)
		}
	default:
		return due{}, errors.New(`when: is neither a date such as 2027-03-31 nor text such as "monthly on the 27th"`)
	}
	return out, nil
}

func onceOn(day time.Time) rule {
	return rule{text: day.Format(time.DateOnly), only: day, ladder: yearlyLadder()}
}

var (
	cardForm     = regexp.MustCompile(`^(\d{1,2}) ?/ ?(?:20)?(\d{2})$`)
	dateForm     = regexp.MustCompile(`^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$`)
	monthlyForm  = regexp.MustCompile(`^(?:monthly|every month)(?: on)?(?: the)? (\d{1,2})(?:st|nd|rd|th)?$|^毎月 ?(\d{1,2}) ?日$`)
	monthEndForm = regexp.MustCompile(`^(?:monthly|every month)(?: on| at)?(?: the)? (?:last day|end)$|^毎?月末日?$`)
	dayMonthForm = regexp.MustCompile(`^(?:yearly|annually|every year)(?: on)?(?: the)? (\d{1,2})(?:st|nd|rd|th)?(?: of)? ([a-z]+)$`)
	monthDayForm = regexp.MustCompile(`^(?:yearly|annually|every year)(?: on)? ([a-z]+) (\d{1,2})(?:st|nd|rd|th)?$`)
	yearlyJaForm = regexp.MustCompile(`^毎年 ?(\d{1,2}) ?月 ?(\d{1,2}) ?日$`)
	everyForm    = regexp.MustCompile(`^every (\d{1,2}) (month|year)s? from (\S+)$`)
	everyJaForm  = regexp.MustCompile(`^(\d{1,2}) ?(か月|カ月|ヶ月|ヵ月|年)(?:ごと|毎)に? ?(\S+?) ?から$`)
)

var errWhen = errors.New(`it is neither a date such as 2027-03-31 nor a rule such as "monthly on the 27th", "yearly 1 April" or "every 3 months from 2026-12-15"`)

// parseWhen reads a date or a rule.
func parseWhen(s string) (rule, error) {
	text := fold(s)
	if cardForm.MatchString(text) {
		return rule{}, fmt.Errorf(`write card = %q for the end of a card, "yearly 27 August" for a day of every year`, checks.Quote(s))
	}
	if day, ok := parseDay(text); ok {
		return onceOn(day), nil
	}
	if m := monthlyForm.FindStringSubmatch(text); m != nil {
		return repeating(1, 0, number(m[1]+m[2]))
	}
	if monthEndForm.MatchString(text) {
		return repeating(1, 0, lastDay)
	}
	if m := dayMonthForm.FindStringSubmatch(text); m != nil {
		return yearly(monthNamed(m[2]), number(m[1]))
	}
	if m := monthDayForm.FindStringSubmatch(text); m != nil {
		return yearly(monthNamed(m[1]), number(m[2]))
	}
	if m := yearlyJaForm.FindStringSubmatch(text); m != nil {
		return yearly(number(m[1]), number(m[2]))
	}
	m := everyForm.FindStringSubmatch(text)
	if m == nil {
		m = everyJaForm.FindStringSubmatch(text)
	}
	if m == nil {
		return rule{}, errWhen
	}
	begin, ok := parseDay(m[3])
	months := number(m[1])
	if m[2] == "year" || m[2] == "年" {
		months *= 12
	}
	if !ok || months == 0 {
		return rule{}, errWhen
	}
	r, err := repeating(months, monthOf(begin), begin.Day())
	r.begin = begin
	r.text += " from " + begin.Format(time.DateOnly)
	return r, err
}

func yearly(month, day int) (rule, error) {
	// 2024 had a 29 February.
	if month < 1 || month > 12 || day < 1 || time.Date(2024, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return rule{}, errWhen
	}
	return repeating(12, month-1, day)
}

func repeating(months, start, day int) (rule, error) {
	if day < 1 || day > lastDay {
		return rule{}, errWhen
	}
	text := fmt.Sprintf("every %d months, month %d, day %d", months, start, day)
	return rule{text: text, months: months, start: start, day: day, ladder: ladderOf(months)}, nil
}

// parseCard reads what stands on a card: it is good to the end of that month.
func parseCard(s string) (rule, error) {
	m := cardForm.FindStringSubmatch(fold(s))
	if m == nil || number(m[1]) < 1 || number(m[1]) > 12 {
		return rule{}, fmt.Errorf(`%q is not month and year such as "08/27"`, checks.Quote(s))
	}
	day := time.Date(2000+number(m[2]), time.Month(number(m[1])+1), 0, 0, 0, 0, 0, time.UTC)
	return rule{text: "card " + day.Format("2006-01"), only: day, ladder: cardLadder(), card: true}, nil
}

func parseDay(s string) (time.Time, bool) {
	m := dateForm.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	day := time.Date(number(m[1]), time.Month(number(m[2])), number(m[3]), 0, 0, 0, 0, time.UTC)
	// What is no day, as 31 April, would have become another.
	return day, day.Day() == number(m[3]) && int(day.Month()) == number(m[2]) && day.Year() >= 2000
}

// monthNamed is the number of an English month, also shortened; 0 for anything
// else.
func monthNamed(s string) int {
	for m := time.January; m <= time.December; m++ {
		if len(s) >= 3 && strings.HasPrefix(strings.ToLower(m.String()), s) {
			return int(m)
		}
	}
	return 0
}

// number reads a few digits.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// fold makes texts comparable: width, case and spaces.
func fold(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(s))), " ")
}
