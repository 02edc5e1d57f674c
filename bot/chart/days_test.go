package chart

import (
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/sababan/sababan/checks"
)

// narrow lets so many labels fit.
func narrow(most int) func([]tick) bool {
	return func(list []tick) bool { return len(list) <= most }
}

func TestTheTimeAxisHasWholeHoursDaysWeeksAndMonthsOfTheReader(t *testing.T) {
	const (
		hour = time.Hour
		day  = 24 * hour
	)
	for name, c := range map[string]struct {
		zone, to string
		span     time.Duration
		most     int
		lang     checks.Lang
		want     string
	}{
		"half an hour in minutes":           {"Asia/Tokyo", "2026-11-22 10:15", 30 * time.Minute, 8, checks.English, "09:45 09:50 09:55 10:00 10:05 10:10 10:15"},
		"a day in hours, midnight by name":  {"Asia/Tokyo", "2026-11-22 10:15", day, 8, checks.English, "12:00 15:00 18:00 21:00 22 Nov 03:00 06:00 09:00"},
		"half an hour off Greenwich":        {"Asia/Kolkata", "2026-11-22 10:15", 12 * hour, 5, checks.English, "22 Nov 03:00 06:00 09:00"},
		"a week in days":                    {"Asia/Tokyo", "2026-11-23 00:00", 7 * day, 8, checks.English, "Mon 16 Tue 17 Wed 18 Thu 19 Fri 20 Sat 21 Sun 22 Mon 23"},
		"a week in days, in Japanese":       {"Asia/Tokyo", "2026-11-23 00:00", 7 * day, 8, checks.Japanese, "11/16 11/17 11/18 11/19 11/20 11/21 11/22 11/23"},
		"a month in weeks, from Monday":     {"Asia/Tokyo", "2026-11-22 10:15", 30 * day, 6, checks.English, "26 Oct 2 Nov 9 Nov 16 Nov"},
		"a year in months, January by year": {"Asia/Tokyo", "2026-11-22 10:15", 400 * day, 7, checks.Japanese, "11月 2026年 3月 5月 7月 9月 11月"},
		"ten years":                         {"Asia/Tokyo", "2026-11-22 10:15", 3650 * day, 5, checks.English, "2018 2020 2022 2024 2026"},
		"the night of 23 hours":             {"Europe/Berlin", "2026-03-29 12:00", 15 * hour, 20, checks.English, "20:00 21:00 22:00 23:00 29 Mar 01:00 03:00 04:00 05:00 06:00 07:00 08:00 09:00 10:00 11:00 12:00"},
		"the night of 25 hours":             {"Europe/Berlin", "2026-10-25 09:00", 12 * hour, 20, checks.English, "22:00 23:00 25 Oct 01:00 02:00 03:00 04:00 05:00 06:00 07:00 08:00 09:00"},
		"days around the night of 25 hours": {"Europe/Berlin", "2026-10-28 00:00", 5 * day, 8, checks.English, "Fri 23 Sat 24 Sun 25 Mon 26 Tue 27 Wed 28"},
		"a day without a midnight":          {"Africa/Cairo", "2026-04-26 12:00", 4 * day, 6, checks.English, "Wed 22 Thu 23 Fri 24 Sat 25 Sun 26"},
		"hours without a midnight":          {"Africa/Cairo", "2026-04-24 06:00", 12 * hour, 5, checks.English, "18:00 21:00 24 Apr 03:00 06:00"},
		"a summer time of half an hour":     {"Australia/Lord_Howe", "2026-10-04 09:00", 11 * hour, 4, checks.English, "4 Oct 03:00 06:00 09:00"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		to, err := time.ParseInLocation("2006-01-02 15:04", c.to, zone)
		if err != nil {
			t.Fatal(err)
		}
		list := ticks(to.Add(-c.span), to, zone, c.lang, narrow(c.most))
		var labels []string
		for _, k := range list {
			labels = append(labels, k.label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
		if !slices.IsSortedFunc(list, func(a, b tick) int { return a.at.Compare(b.at) }) {
			t.Errorf("%s: out of order", name)
		}
	}
}

func TestADayOf25HoursIsWiderThanOneOf24(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 10, 24, 0, 0, 0, 0, zone)
	list := ticks(from, from.AddDate(0, 0, 4), zone, checks.English, func(l []tick) bool { return l[0].label == "Sat 24" })
	var lengths []string
	for i := range len(list) - 1 {
		lengths = append(lengths, list[i+1].at.Sub(list[i].at).String())
	}
	if got := strings.Join(lengths, " "); got != "24h0m0s 25h0m0s 24h0m0s 24h0m0s" {
		t.Errorf("the days are %s long", got)
	}
}
