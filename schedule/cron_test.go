package schedule

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func timetable(t testing.TB, expr string, loc *time.Location) Timetable {
	t.Helper()
	table, err := ParseCron(expr, loc)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWhatIsNoCronExpressionIsOneClearSentence(t *testing.T) {
	for _, c := range []struct{ name, expr, says string }{
		{"nothing at all", "", "it has 0 fields, and there should be 5: minute, hour"},
		{"four fields", "* * * *", "it has 4 fields, and there should be 5"},
		{"six fields, with seconds", "0 0 9 * * *", "it has 6 fields, and there should be 5"},
		{"a zone and nothing else", "TZ=UTC", "after the time zone"},
		{"no zone and nothing else", "TZ=", "the name of the time zone is missing"},
		{"cron's own name for it, alone", "CRON_TZ=", "the name of the time zone is missing"},
		{"a blank instead of a zone", "CRON_TZ= 0 9 * * *", "the name of the time zone is missing"},
		{"a zone that is not on this world", "CRON_TZ=Mars/Phobos 0 9 * * *", `there is no time zone "Mars/Phobos"`},
		{"a path instead of a zone", "TZ=../../etc/passwd 0 9 * * *", "there is no time zone"},
		{"30 February", "0 0 30 2 *", "it never happens"},
		{"31 April and June", "0 0 31 4,6 *", "it never happens"},
		{"a step beyond the hour", "*/70 * * * *", `minute "*/70": the step 70 is larger than the range from 0 to 59`},
		{"a step that never takes a second", "10-20/15 * * * *", "the step 15 is larger than the range from 10 to 20"},
		{"a step of zero", "*/0 * * * *", "should be a number from 1"},
		{"a step that is missing", "*/ * * * *", "should be a number from 1"},
		{"two steps", "*/5/5 * * * *", "should be a number from 1"},
		{"a minute too many", "60 * * * *", "60 is not between 0 and 59"},
		{"an hour too many", "0 24 * * *", "24 is not between 0 and 23"},
		{"a day zero", "0 0 0 * *", "0 is not between 1 and 31"},
		{"an eighth day", "0 0 * * 8", `day of the week "8"`},
		{"a month by a wrong name", "0 0 1 janvier *", `"janvier" is no number from 1 to 12`},
		{"a range backwards", "0 20-4 * * *", "runs backwards"},
		{"weekdays backwards", "0 0 * * fri-mon", "runs backwards"},
		{"a star with a tail", "*-5 * * * *", "is no number"},
		{"a plus sign", "+5 * * * *", "is no number"},
		{"a minus sign", "-5 * * * *", "is no number"},
		{"a number beyond numbers", "99999999999999999999 * * * *", "is no number"},
		{"a comma alone", ", * * * *", "nothing beside it"},
		{"two commas", "1,,2 * * * *", "nothing beside it"},
		{"the last of the month", "0 0 L * *", "is no number"},
		{"at boot", "@reboot", `"@reboot" is not known; there are @hourly, @daily`},
		{"every, without how long", "@every", "one duration"},
		{"every half second", "@every 500ms", "one minute or more"},
		{"every so often backwards", "@every -5m", "one minute or more"},
		{"every nothing", "@every 0s", "one minute or more"},
		{"every day, in a unit that is not there", "@every 1d", "is no duration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseCron(c.expr, time.UTC)
			if err == nil {
				t.Fatalf("%q was taken", c.expr)
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q: %v\nshould say %q", c.expr, err, c.says)
			}
		})
	}
}

func FuzzParseCron(f *testing.F) {
	for _, seed := range []string{"*/5 * * * *", "TZ=", "CRON_TZ=Asia/Tokyo 0 9 * * 1-7", "@every 1m", "0 0 29 2 *", "?", "0 0 * * 5-7/2"} {
		f.Add(seed)
	}
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, expr string) {
		table, err := ParseCron(expr, time.UTC)
		if err != nil {
			return
		}
		if next := table.Next(at); !next.After(at) {
			t.Fatalf("%q: next of %v is %v", expr, at, next)
		}
		if table.Period(at) <= 0 {
			t.Fatalf("%q has no period", expr)
		}
	})
}

// runs lists what a timetable does from one local time up to another.
func runs(t testing.TB, expr string, loc *time.Location, from, to string) []string {
	t.Helper()
	const minute = "2006-01-02 15:04"
	at, err := time.ParseInLocation(minute, from, loc)
	if err != nil {
		t.Fatal(err)
	}
	end, err := time.ParseInLocation(minute, to, loc)
	if err != nil {
		t.Fatal(err)
	}
	table := timetable(t, expr, loc)
	var seen []string
	for at = table.Next(at.Add(-time.Nanosecond)); !at.IsZero() && at.Before(end); at = table.Next(at) {
		if seen = append(seen, at.Format("Jan 2 15:04 -07:00")); len(seen) > 100 {
			t.Fatal("it goes on for ever")
		}
	}
	return seen
}

func TestTheFieldsMeanWhatCronMeans(t *testing.T) {
	for _, c := range []struct {
		name, expr string
		want       []string // from Monday 2 November 2026, 00:00 UTC
	}{
		{"Sunday as 0", "0 9 * * 0", []string{"Nov 8 09:00 +00:00"}},
		{"Sunday as 7", "0 9 * * 7", []string{"Nov 8 09:00 +00:00"}},
		{"Sunday by name", "0 9 * * SUN", []string{"Nov 8 09:00 +00:00"}},
		{"Sunday as 7 in a list", "0 9 * * 3,7", []string{"Nov 4 09:00 +00:00", "Nov 8 09:00 +00:00"}},
		{"Sunday as 7 at the end of a range", "0 9 * * 6-7", []string{"Nov 7 09:00 +00:00", "Nov 8 09:00 +00:00"}},
		{"Sunday by name at the end of a range", "0 9 * * sat-sun", []string{"Nov 7 09:00 +00:00", "Nov 8 09:00 +00:00"}},
		{"Sunday as 7 at the start of a range", "0 9 * * 7-1", []string{"Nov 2 09:00 +00:00", "Nov 8 09:00 +00:00"}},
		{"every other day of a week that ends on 7", "0 9 * * 3-7/2", []string{"Nov 4 09:00 +00:00", "Nov 6 09:00 +00:00", "Nov 8 09:00 +00:00"}},
		{"either day is enough where both are given", "0 9 5 * 1", []string{"Nov 2 09:00 +00:00", "Nov 5 09:00 +00:00"}},
		{"either day is enough beside a stepped star, too", "0 9 */7 * 2", []string{"Nov 3 09:00 +00:00", "Nov 8 09:00 +00:00"}},
		{"a step from a number runs to the end", "0 6/9 3 * *", []string{"Nov 3 06:00 +00:00", "Nov 3 15:00 +00:00"}},
		{"a zone of its own", "CRON_TZ=Asia/Tokyo 0 9 4 * *", []string{"Nov 4 09:00 +09:00"}},
		{"the older name of the same", "TZ=Asia/Tokyo 0 9 4 * *", []string{"Nov 4 09:00 +09:00"}},
		{"weekly is Sunday midnight", "@weekly", []string{"Nov 8 00:00 +00:00"}},
		{"blanks around it", "  0   9 4 * *  ", []string{"Nov 4 09:00 +00:00"}},
		{"a descriptor in a zone", "CRON_TZ=Asia/Tokyo @weekly", []string{"Nov 8 00:00 +09:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := runs(t, c.expr, time.UTC, "2026-11-02 00:00", "2026-11-09 00:00"); !slices.Equal(got, c.want) {
				t.Fatalf("%s runs at %v, should at %v", c.expr, got, c.want)
			}
		})
	}
}

func TestTheClocksChange(t *testing.T) {
	const (
		newYork  = "America/New_York"
		berlin   = "Europe/Berlin"
		lordHowe = "Australia/Lord_Howe"
		troll    = "Antarctica/Troll"
	)
	for _, c := range []struct {
		name, expr, zone, from, to string
		want                       []string
	}{
		{
			"a time that is jumped over runs once, after the gap", "30 2 * * *", newYork, "2026-03-07 12:00", "2026-03-09 12:00",
			[]string{"Mar 8 03:00 -04:00", "Mar 9 02:30 -04:00"},
		},
		{
			"several times that are jumped over are one run", "0,20,40 2,3 * * *", newYork, "2026-03-08 00:00", "2026-03-09 00:00",
			[]string{"Mar 8 03:00 -04:00", "Mar 8 03:20 -04:00", "Mar 8 03:40 -04:00"},
		},
		{
			"only the days that were meant are made up for", "30 2 * * 1", newYork, "2026-03-08 00:00", "2026-03-10 00:00",
			[]string{"Mar 9 02:30 -04:00"},
		},
		{
			"a time that is passed twice runs the first time", "30 1 * * *", newYork, "2026-10-31 12:00", "2026-11-02 12:00",
			[]string{"Nov 1 01:30 -04:00", "Nov 2 01:30 -05:00"},
		},
		{
			"the hour after the one that is had twice runs once", "0 2 * * *", newYork, "2026-11-01 00:00", "2026-11-02 00:00",
			[]string{"Nov 1 02:00 -05:00"},
		},
		{
			"every hour follows real time in spring", "0 * * * *", newYork, "2026-03-08 00:00", "2026-03-08 05:00",
			[]string{"Mar 8 00:00 -05:00", "Mar 8 01:00 -05:00", "Mar 8 03:00 -04:00", "Mar 8 04:00 -04:00"},
		},
		{
			"every hour at seven minutes past does not start early after the gap", "7 * * * *", newYork, "2026-03-08 01:00", "2026-03-08 05:00",
			[]string{"Mar 8 01:07 -05:00", "Mar 8 03:07 -04:00", "Mar 8 04:07 -04:00"},
		},
		{
			"every hour follows real time in autumn", "0 * * * *", newYork, "2026-11-01 00:00", "2026-11-01 04:00",
			[]string{"Nov 1 00:00 -04:00", "Nov 1 01:00 -04:00", "Nov 1 01:00 -05:00", "Nov 1 02:00 -05:00", "Nov 1 03:00 -05:00"},
		},
		{
			"all through every other hour goes on in both passes", "*/30 */2 * * *", berlin, "2026-10-25 00:00", "2026-10-25 05:00",
			[]string{
				"Oct 25 00:00 +02:00", "Oct 25 00:30 +02:00", "Oct 25 02:00 +02:00", "Oct 25 02:30 +02:00",
				"Oct 25 02:00 +01:00", "Oct 25 02:30 +01:00", "Oct 25 04:00 +01:00", "Oct 25 04:30 +01:00",
			},
		},
		{
			"all through an hour that is jumped over is one run", "*/15 */2 * * *", berlin, "2026-03-29 00:45", "2026-03-29 04:10",
			[]string{"Mar 29 00:45 +01:00", "Mar 29 03:00 +02:00", "Mar 29 04:00 +02:00"},
		},
		{
			"every other hour has its turn once", "0 */2 * * *", berlin, "2026-10-25 00:00", "2026-10-25 05:00",
			[]string{"Oct 25 00:00 +02:00", "Oct 25 02:00 +02:00", "Oct 25 04:00 +01:00"},
		},
		{
			"half an hour is jumped over", "15 2 * * *", lordHowe, "2026-10-03 12:00", "2026-10-05 12:00",
			[]string{"Oct 4 02:30 +11:00", "Oct 5 02:15 +11:00"},
		},
		{
			"half an hour is had twice", "45 1 * * *", lordHowe, "2026-04-04 12:00", "2026-04-06 12:00",
			[]string{"Apr 5 01:45 +11:00", "Apr 6 01:45 +10:30"},
		},
		{
			"two hours are jumped over", "30 1,2 * * *", troll, "2026-03-29 00:00", "2026-03-30 02:00",
			[]string{"Mar 29 03:00 +02:00", "Mar 30 01:30 +02:00"},
		},
		{
			"two hours are had twice", "30 1,2 * * *", troll, "2026-10-25 00:00", "2026-10-26 00:00",
			[]string{"Oct 25 01:30 +02:00", "Oct 25 02:30 +02:00"},
		},
		{
			"a midnight that does not exist", "0 0 * * *", "America/Santiago", "2026-09-05 12:00", "2026-09-07 12:00",
			[]string{"Sep 6 01:00 -03:00", "Sep 7 00:00 -03:00"},
		},
		{
			"a day that an island never had", "0 9 * * *", "Pacific/Apia", "2011-12-29 00:00", "2012-01-01 00:00",
			[]string{"Dec 29 09:00 -10:00", "Dec 31 00:00 +14:00", "Dec 31 09:00 +14:00"},
		},
		{
			"the last day of a year that is long", "0 */12 * * *", newYork, "2040-12-31 00:00", "2041-01-01 06:00",
			[]string{"Dec 31 00:00 -05:00", "Dec 31 12:00 -05:00", "Jan 1 00:00 -05:00"},
		},
		{
			"nothing changes where clocks never do", "30 2 * * *", "Asia/Tokyo", "2026-03-07 12:00", "2026-03-09 12:00",
			[]string{"Mar 8 02:30 +09:00", "Mar 9 02:30 +09:00"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := runs(t, c.expr, zone(t, c.zone), c.from, c.to); !slices.Equal(got, c.want) {
				t.Fatalf("%s runs at\n%v, should at\n%v", c.expr, got, c.want)
			}
		})
	}
}

func zones() []string {
	return []string{
		"UTC", "Asia/Tokyo", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
		"Antarctica/Troll", "America/Santiago", "Asia/Kolkata",
	}
}

func TestNextIsStrictlyAfterAndNeverRunsBackwards(t *testing.T) {
	exprs := []string{
		"* * * * *", "*/5 * * * *", "0 * * * *", "7 */2 * * *", "*/15 */2 * * *", "30 2 * * *", "0 0 * * *",
		"15,45 1-3 * * *", "0 9 * * 1-5", "0 0 29 2 *", "0 2 1 */3 *", "@weekly", "@every 90m",
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range zones() {
		loc := zone(t, name)
		for _, expr := range exprs {
			table := timetable(t, expr, loc)
			for range 60 {
				// Anywhere in forty years, or within two days of a change of the clocks.
				at := time.Unix(1577836800+rng.Int64N(40*365*86400), rng.Int64N(1e9)).In(loc)
				if _, end := at.ZoneBounds(); !end.IsZero() && rng.IntN(3) > 0 {
					at = end.Add(time.Duration(rng.Int64N(int64(96*time.Hour))) - 48*time.Hour)
				}
				next := table.Next(at)
				if !next.After(at) {
					t.Fatalf("%s in %s: next of %v is %v", expr, name, at, next)
				}
				if next.Second() != 0 || next.Nanosecond() != 0 {
					t.Fatalf("%s in %s: %v is no whole minute", expr, name, next)
				}
				if again := table.Next(next.Add(-time.Nanosecond)); !again.Equal(next) {
					t.Fatalf("%s in %s: next of %v is %v, but just before that it is %v", expr, name, at, next, again)
				}
				between := at.Add(time.Duration(rng.Int64N(int64(next.Sub(at)))))
				if again := table.Next(between); !again.Equal(next) {
					t.Fatalf("%s in %s: next of %v is %v, but next of %v is %v", expr, name, at, next, between, again)
				}
			}
		}
	}
}

func TestADailyTimeRunsOnEveryDateExactlyOnce(t *testing.T) {
	for _, name := range zones() {
		loc := zone(t, name)
		for _, expr := range []string{"0 0 * * *", "30 1 * * *", "59 1 * * *", "0 2 * * *", "30 2 * * *", "0 3 * * *"} {
			table := timetable(t, expr, loc)
			at := time.Date(2026, 1, 1, 12, 0, 0, 0, loc)
			for date := at.AddDate(0, 0, 1); date.Year() < 2028; date = date.AddDate(0, 0, 1) {
				at = table.Next(at)
				if got, want := at.Format(time.DateOnly), date.Format(time.DateOnly); got != want {
					t.Fatalf("%s in %s: ran on %s where it was the turn of %s", expr, name, got, want)
				}
			}
		}
	}
}

func TestEveryFiveMinutesIsEveryFiveMinutes(t *testing.T) {
	for _, name := range zones() {
		table := timetable(t, "*/5 * * * *", zone(t, name))
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 366 * 288 {
			next := table.Next(at)
			if next.Sub(at) != 5*time.Minute {
				t.Fatalf("in %s %v comes after %v", name, next, at)
			}
			at = next
		}
	}
}

func TestPeriodIsTheTypicalDistance(t *testing.T) {
	for _, c := range []struct {
		name, expr string
		at         time.Time
		want       time.Duration
	}{
		{"every five minutes", "*/5 * * * *", time.Date(2026, 3, 29, 0, 58, 0, 0, time.UTC), 5 * time.Minute},
		{"a day, on the day of 23 hours too", "30 2 * * *", time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC), 24 * time.Hour},
		{"a day, although there are weekends", "0 9 * * 1-5", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), 24 * time.Hour},
		{"a week", "0 9 * * 1", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), 7 * 24 * time.Hour},
		{"the shorter where two take turns", "0,10 * * * *", time.Date(2026, 11, 20, 12, 5, 0, 0, time.UTC), 10 * time.Minute},
		{"the shorter where two take turns, from the other side", "0,10 * * * *", time.Date(2026, 11, 20, 12, 15, 0, 0, time.UTC), 10 * time.Minute},
		{"what was asked for", "@every 90m", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), 90 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := timetable(t, c.expr, zone(t, "Europe/Berlin")).Period(c.at); got != c.want {
				t.Fatalf("period is %v, should be %v", got, c.want)
			}
		})
	}
	if got := (Timetable{}).Period(time.Unix(0, 0)); got != 0 {
		t.Fatalf("what never runs has the period %v", got)
	}
	if got := (Timetable{}).Next(time.Unix(0, 0)); !got.IsZero() {
		t.Fatalf("what never runs runs at %v", got)
	}
}

func TestMissedRunsAreOne(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, expr string
		last       time.Time
		want       bool
	}{
		{"never ran", "0 3 * * *", time.Time{}, true},
		{"ran this morning", "0 3 * * *", now.Add(-6 * time.Hour), false},
		{"slept through one", "0 3 * * *", now.Add(-7 * time.Hour), true},
		{"slept through thirty", "0 3 * * *", now.AddDate(0, 0, -30), true},
		{"is due this very moment", "0 9 * * *", now.Add(-24 * time.Hour), true},
		{"ran this very moment", "0 9 * * *", now, false},
		{"ran a moment ahead, as clocks go", "*/5 * * * *", now.Add(2 * time.Second), false},
		{"ran next year, on a clock that was wrong", "*/5 * * * *", now.AddDate(1, 0, 0), true},
		{"every ten minutes, eleven ago", "@every 10m", now.Add(-11 * time.Minute), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := timetable(t, c.expr, time.UTC).Missed(c.last, now); got != c.want {
				t.Fatalf("missed is %v, should be %v", got, c.want)
			}
		})
	}
	if !timetable(t, "@every 1h", time.UTC).Missed(now.Add(-time.Hour), now) {
		t.Fatal("an hour ago, every hour: one is due")
	}
}

func TestJitterIsTheKeysOwnAndAFifthAtMost(t *testing.T) {
	seen := map[time.Duration]bool{}
	for _, period := range []time.Duration{time.Minute, 5 * time.Minute, time.Hour, 24 * time.Hour} {
		for _, key := range strings.Fields("disk memory certs instance latency sidekiq streaming webui services") {
			got := Jitter(key, period)
			if got != Jitter(key, period) {
				t.Fatalf("%s has two jitters", key)
			}
			if got < 0 || got > period/5 || got > 10*time.Minute {
				t.Fatalf("the jitter of %s in %v is %v", key, period, got)
			}
			seen[got.Truncate(time.Second)] = true
		}
	}
	if len(seen) < 15 {
		t.Fatalf("nine checks with three kinds of room have only %d jitters", len(seen))
	}
	if got := Jitter("disk", 0); got != 0 {
		t.Fatalf("the jitter of no period is %v", got)
	}
}
