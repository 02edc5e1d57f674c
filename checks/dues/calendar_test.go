package dues

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestTheNextDayOfARule(t *testing.T) {
	for _, c := range []struct{ name, when, from, want string }{
		{"a monthly one later this month", "monthly on the 27th", "2026-11-22", "2026-11-27"},
		{"a monthly one today", "monthly on the 27th", "2026-11-27", "2026-11-27"},
		{"a monthly one that has passed comes next month", "monthly on the 27th", "2026-11-28", "2026-12-27"},
		{"a monthly one over the new year", "every month on the 1st", "2026-12-02", "2027-01-01"},
		{"the 31st of a month with 30 days is its last", "monthly on the 31st", "2026-11-22", "2026-11-30"},
		{"and the month after it is the 31st again", "monthly on the 31st", "2026-12-01", "2026-12-31"},
		{"the 30th of February is its last day", "monthly 30", "2027-02-01", "2027-02-28"},
		{"in a leap year too", "monthly 30", "2028-02-01", "2028-02-29"},
		{"the last day", "monthly on the last day", "2027-02-10", "2027-02-28"},
		{"the last day in Japanese", "毎月末日", "2027-04-01", "2027-04-30"},
		{"the end of the month, shorter", "月末", "2027-04-30", "2027-04-30"},
		{"monthly in Japanese, in full width", "毎月２７日", "2026-11-22", "2026-11-27"},
		{"a yearly one this year", "yearly 1 April", "2027-03-31", "2027-04-01"},
		{"a yearly one next year", "yearly on April 1st", "2026-11-22", "2027-04-01"},
		{"a yearly one in other words", "every year on the 1st of Apr", "2026-04-01", "2026-04-01"},
		{"a yearly one in Japanese", "毎年4月1日", "2026-04-02", "2027-04-01"},
		{"29 February in a common year is the 28th", "yearly 29 February", "2027-01-01", "2027-02-28"},
		{"29 February in a leap year", "yearly 29 February", "2027-03-01", "2028-02-29"},
		{"every quarter", "every 3 months from 2026-12-15", "2027-01-01", "2027-03-15"},
		{"every quarter before it begins", "every 3 months from 2026-12-15", "2026-01-01", "2026-12-15"},
		{"every quarter from a 31st", "every 3 months from 2026-08-31", "2026-11-01", "2026-11-30"},
		{"every two years", "every 2 years from 2025-06-01", "2026-01-01", "2027-06-01"},
		{"every two years in Japanese", "2年ごとに2025-06-01から", "2026-01-01", "2027-06-01"},
		{"every half year in Japanese", "６か月ごと 2026/06/30から", "2026-07-01", "2026-12-30"},
		{"a date", "2027-03-31", "2026-11-22", "2027-03-31"},
		{"a date stays when it has passed", "2026-03-31", "2026-11-22", "2026-03-31"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := parseWhen(c.when)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.from(day(t, c.from)).Format(time.DateOnly); got != c.want {
				t.Errorf("from %s: %s, want %s", c.from, got, c.want)
			}
		})
	}
}

func TestWhatComesAfterAPayment(t *testing.T) {
	for _, c := range []struct{ name, when, paid, today, want string }{
		{"paid before its day, the next month's", "monthly on the 27th", "2026-11-27", "2026-11-25", "2026-12-27"},
		{"paid on its day", "monthly on the 27th", "2026-11-27", "2026-11-27", "2026-12-27"},
		{"paid late, before the next", "monthly on the 27th", "2026-11-27", "2026-12-20", "2026-12-27"},
		{"paid on the day of the next: that one is due still", "monthly on the 27th", "2026-11-27", "2026-12-27", "2026-12-27"},
		{"paid after three months of silence, not due again at once", "monthly on the 27th", "2026-08-27", "2026-11-28", "2026-12-27"},
		{"from a short month to a long one", "monthly on the 31st", "2026-11-30", "2026-11-30", "2026-12-31"},
		{"yearly", "yearly 1 April", "2027-04-01", "2027-03-20", "2028-04-01"},
		{"yearly from 28 February to 29", "yearly 29 February", "2027-02-28", "2027-02-20", "2028-02-29"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := parseWhen(c.when)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.after(day(t, c.paid), day(t, c.today)).Format(time.DateOnly); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatIsNoRuleIsRefused(t *testing.T) {
	for _, s := range []string{
		"", "monthly", "monthly on the 0th", "monthly on the 32nd", "weekly on monday", "yearly 31 April", "yearly 30 February", "yearly 1 Foo",
		"yearly 0 April", "2027-02-30", "2027-13-01", "31-03-2027", "every 0 months from 2026-12-15", "every 3 months from tomorrow", "毎年13月1日", "毎月99日",
		"\x00", strings.Repeat("9", 1000),
	} {
		if r, err := parseWhen(s); err == nil {
			t.Errorf("%q was taken for %q", s, r.text)
		}
	}
	if _, err := parseWhen("08/27"); err == nil || !strings.Contains(err.Error(), `card = "08/27"`) {
		t.Errorf("a card's month as a day: %v", err)
	}
}

func TestACardIsGoodToTheEndOfItsMonth(t *testing.T) {
	for card, want := range map[string]string{
		"08/27": "2027-08-31", "8/27": "2027-08-31", "02/28": "2028-02-29", "02/2027": "2027-02-28", "12/26": "2026-12-31", "０８／２７": "2027-08-31",
	} {
		r, err := parseCard(card)
		if err != nil || r.from(day(t, "2026-11-22")).Format(time.DateOnly) != want {
			t.Errorf("%s: %v, %v, want %s", card, r.only, err, want)
		}
	}
	for _, bad := range []string{"13/27", "00/27", "08-27", "27", "", "08/1999"} {
		if _, err := parseCard(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestTheLadders(t *testing.T) {
	// Day by day, from the first day that is heard.
	heard := func(l ladder, from, to int) []int {
		var days []int
		last, any := 0, false
		for left := from; left >= to; left-- {
			if began, ok := l.step(left); ok && (!any || began != last) {
				days = append(days, left)
				last, any = began, true
			}
		}
		return days
	}
	for _, c := range []struct {
		name string
		l    ladder
		want []int
	}{
		{"a yearly bill: 30, 14, 7, 1, then daily", yearlyLadder(), []int{30, 14, 7, 1, 0, -1, -2}},
		{"a monthly bill: 3, 1, then daily", monthlyLadder(), []int{3, 1, 0, -1, -2}},
		{"a card: 60, 30, 14, 7, and daily only when it is over", cardLadder(), []int{60, 30, 14, 7, -1, -2}},
		{"every quarter is as monthly", ladderOf(3), []int{3, 1, 0, -1, -2}},
		{"every half year is as yearly", ladderOf(6), []int{30, 14, 7, 1, 0, -1, -2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := heard(c.l, 90, -2)
			if len(got) != len(c.want) {
				t.Fatalf("heard at %v, want %v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Fatalf("heard at %v, want %v", got, c.want)
				}
			}
			if began, ok := c.l.step(c.want[0] - 1); !ok || began != c.want[0] && c.want[0] > 1 {
				t.Errorf("the day after the first step belongs to it: %d, %v", began, ok)
			}
		})
	}
}

func TestADayIsThatOfTheZone(t *testing.T) {
	for _, c := range []struct{ name, at, zone, want string }{
		{"Tokyo is a day ahead in the evening of UTC", "2026-11-22T16:00:00Z", "Asia/Tokyo", "2026-11-23"},
		{"Los Angeles is a day behind in its morning", "2026-11-22T05:00:00Z", "America/Los_Angeles", "2026-11-21"},
		{"the hour that a summer time leaves out", "2027-03-28T01:30:00Z", "Europe/Berlin", "2027-03-28"},
		{"the hour that it has twice", "2026-10-24T22:30:00Z", "Europe/Berlin", "2026-10-25"},
		{"an island that skipped no day since", "2026-12-31T11:00:00Z", "Pacific/Apia", "2027-01-01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := dayOf(at, zone(t, c.zone)).Format(time.DateOnly); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	// A day of 23 hours and one of 25 are a day each.
	berlin := zone(t, "Europe/Berlin")
	for _, c := range [][2]string{{"2027-03-27T12:00:00+01:00", "2027-03-29T00:30:00+02:00"}, {"2026-10-24T23:59:00+02:00", "2026-10-26T00:01:00+01:00"}} {
		a, err := time.Parse(time.RFC3339, c[0])
		if err != nil {
			t.Fatal(err)
		}
		b, err := time.Parse(time.RFC3339, c[1])
		if err != nil {
			t.Fatal(err)
		}
		if n := daysUntil(dayOf(a, berlin), dayOf(b, berlin)); n != 2 {
			t.Errorf("from %s to %s: %d days", c[0], c[1], n)
		}
	}
}

func TestDaysAreSaidAsPeopleSayThem(t *testing.T) {
	today := day(t, "2026-11-22")
	for _, c := range []struct{ day, en, ja string }{
		{"2026-11-29", "Sun 29 Nov", "11/29（日）"},
		{"2027-01-05", "Tue 5 Jan", "1/5（火）"},
		{"2027-08-31", "31 Aug 2027", "2027/8/31（火）"},
	} {
		if got := textDay(day(t, c.day), today); got != (checks.Text{En: c.en, Ja: c.ja}) {
			t.Errorf("%s: %+v", c.day, got)
		}
	}
}
