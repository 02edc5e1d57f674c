package history

import (
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/sababan/sababan/schedule/state"
)

func near(a, b float64) bool { return math.Abs(a-b) < 0.012 }

func TestWhatIsUsualDependsOnTheHourOfTheWeek(t *testing.T) {
	b, _ := book(t)
	measured(t, b, monday9.AddDate(0, 0, -90), monday9, 15*time.Minute, weather(time.UTC))
	for range 5 {
		compact(t, b, monday9)
	}
	v := b.View("", "latency")
	for _, c := range []struct {
		name string
		at   time.Time
		want float64
		days int
	}{
		{"Monday at nine", monday9, 0.505, 8},
		{"Monday at eight", monday9.Add(-time.Hour), 0.205, 8},
		{"Sunday at four", monday9.Add(-29*time.Hour - 30*time.Minute), 0.105, 8},
		{"Saturday at nine", monday9.Add(-48 * time.Hour), 0.205, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := v.Normal("p90", "/", c.at)
			if !ok || !near(got.Mid, c.want) || got.Days != c.days {
				t.Fatalf("usual is %+v (%v), should be about %v of %d days", got, ok, c.want, c.days)
			}
			if got.Low > got.Mid || got.Mid > got.High || got.High-got.Low > 0.02 {
				t.Fatalf("the band is %+v", got)
			}
		})
	}
}

func TestLessThanSevenDaysSayNothing(t *testing.T) {
	b, _ := book(t)
	measured(t, b, monday9.AddDate(0, 0, -6).Add(-23*time.Hour), monday9, 5*time.Minute, weather(time.UTC))
	v := b.View("", "latency")
	if got, ok := v.Normal("p90", "/", monday9); ok {
		t.Fatalf("after six days and a bit it says %+v", got)
	}
	if _, ok := v.Normal("p90", "elsewhere", monday9); ok {
		t.Fatal("it says something about what it never saw")
	}
	if got, ok := v.Normal("p90", "/", monday9.Add(2*time.Hour)); !ok {
		t.Fatalf("after seven days it says %+v", got)
	}
}

func TestTheFirstWeeksRestOnTheSameHoursOfAllDays(t *testing.T) {
	b, _ := book(t)
	measured(t, b, monday9.AddDate(0, 0, -9), monday9, 5*time.Minute, weather(time.UTC))
	got, ok := b.View("", "latency").Normal("p90", "/", monday9.Add(-6*time.Hour))
	if !ok || !near(got.Mid, 0.105) || got.Days < 7 {
		t.Fatalf("usual at half past three is %+v (%v)", got, ok)
	}
}

func TestOneMeasureADayIsEnoughInTime(t *testing.T) {
	b, _ := book(t)
	night := time.Date(2026, 11, 22, 4, 40, 0, 0, time.UTC)
	for day := range 30 {
		add(t, b, night.AddDate(0, 0, -day), p90(float64(day)))
	}
	v := b.View("", "latency")
	for _, at := range []time.Time{night, night.Add(10 * time.Hour)} {
		got, ok := v.Normal("p90", "/", at)
		if !ok || got.Mid < 14 || got.Mid > 16 || got.Days < 28 {
			t.Fatalf("at %v usual is %+v (%v)", at, got, ok)
		}
	}
}

func TestOneMeasureAWeekSpeaksAfterAWhile(t *testing.T) {
	b, _ := book(t)
	for week := range 8 {
		add(t, b, monday9.AddDate(0, 0, -7*week), p90(3))
		_, ok := b.View("", "latency").Normal("p90", "/", monday9)
		if want := week >= 5; ok != want {
			t.Fatalf("with %d weeks it says %v", week+1, ok)
		}
	}
}

func TestAnOutlierMovesNothing(t *testing.T) {
	b, _ := book(t)
	calm := weather(time.UTC)
	measured(t, b, monday9.AddDate(0, 0, -60), monday9, 10*time.Minute, func(at time.Time) float64 {
		if at.Hour() == 9 && at.Minute() == 0 && at.Day()%3 == 0 {
			return 3600
		}
		return calm(at)
	})
	for _, name := range []string{"as measured", "by the hour"} {
		got, ok := b.View("", "latency").Normal("p90", "/", monday9)
		if !ok || !near(got.Mid, 0.505) || got.High > 0.52 {
			t.Fatalf("%s usual is %+v (%v)", name, got, ok)
		}
		compact(t, b, monday9)
	}
}

func TestTroubleSinceYesterdayIsNotUsual(t *testing.T) {
	b, _ := book(t)
	measured(t, b, monday9.AddDate(0, 0, -8), monday9, 5*time.Minute, func(at time.Time) float64 {
		if monday9.Sub(at) < 24*time.Hour {
			return 30
		}
		return 0.1
	})
	if got, ok := b.View("", "latency").Normal("p90", "/", monday9); !ok || got.High > 0.2 {
		t.Fatalf("usual is %+v (%v)", got, ok)
	}
}

func TestAnHourOfTheWeekIsThatOfTheClockOnTheWall(t *testing.T) {
	for _, c := range []struct {
		zone string
		days []string // Mondays after the clocks have changed
		half bool     // kept hours begin at half past, by the clock there
	}{
		{"Europe/Berlin", []string{"2026-04-06", "2026-11-09"}, false},
		{"America/New_York", []string{"2026-03-23", "2026-11-16"}, false},
		{"Australia/Lord_Howe", []string{"2026-04-20", "2026-10-19"}, true},
		{"Asia/Kolkata", []string{"2026-04-06"}, true},
	} {
		for _, day := range c.days {
			t.Run(c.zone+" "+day, func(t *testing.T) {
				t.Parallel()
				loc, err := time.LoadLocation(c.zone)
				if err != nil {
					t.Fatal(err)
				}
				at, err := time.ParseInLocation("2006-01-02 15:04", day+" 09:30", loc)
				if err != nil {
					t.Fatal(err)
				}
				b, _ := book(t)
				measured(t, b, at.AddDate(0, 0, -56), at, 30*time.Minute, weather(loc))
				for _, how := range []string{"as measured", "by the hour"} {
					got, ok := b.View("", "latency").Normal("p90", "/", at)
					if c.half && how == "by the hour" {
						if !ok || got.Mid < 0.3 || !near(got.High, 0.505) {
							t.Fatalf("%s, usual at nine is %+v (%v)", how, got, ok)
						}
						continue
					}
					if !ok || !near(got.Mid, 0.505) || got.Low < 0.4 && how == "as measured" {
						t.Fatalf("%s, usual at nine is %+v (%v)", how, got, ok)
					}
					if got, ok := b.View("", "latency").Normal("p90", "/", at.Add(-7*time.Hour)); !ok || !near(got.Mid, 0.105) {
						t.Fatalf("%s, usual at two is %+v (%v)", how, got, ok)
					}
					compact(t, b, at)
				}
			})
		}
	}
}

func TestQuantilesAreThoseOfAllThatAWeightStandsFor(t *testing.T) {
	c := crowd{n: 10, values: []weighted{{9, 1}, {1, 1}, {5, 8}}, days: map[int]bool{1: true}}
	got := c.band()
	for _, pair := range [][2]float64{{got.Low, 4.6}, {got.Mid, 5}, {got.High, 5.4}, {float64(got.Days), 1}} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Fatalf("%+v", got)
		}
	}
	c = crowd{n: 4, values: []weighted{{4, 1}, {3, 1}, {2, 1}, {1, 1}}}
	if got := c.band(); got.Mid != 2.5 {
		t.Fatalf("the median of 1, 2, 3, 4 is %v", got.Mid)
	}
}

// BenchmarkNormal asks 500 series of 400 days.
func BenchmarkNormal(b *testing.B) {
	db, err := state.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	const series = 500
	end := monday9.UnixMilli() / hour * hour
	for from := 1; from <= series; from += 50 {
		err := db.Write(b.Context(), func(tx *sql.Tx) error {
			for _, query := range []string{
				`INSERT INTO series (id, host, check_name, name, subject, unit)
				 WITH RECURSIVE s(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM s WHERE n < ?1 + 49) SELECT n, '', 'latency', 'p90', n, 's' FROM s WHERE ?2 > 0`,
				`INSERT INTO hourly WITH RECURSIVE s(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM s WHERE n < ?1 + 49),
				 h(n) AS (SELECT 14 * 24 UNION ALL SELECT n + 1 FROM h WHERE n < 400 * 24)
				 SELECT s.n, ?2 - h.n * 3600000, 12, 0.1, 0.2, 0.3 FROM s, h`,
				`INSERT INTO sample WITH RECURSIVE s(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM s WHERE n < ?1 + 49),
				 h(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM h WHERE n < 14 * 288 - 12)
				 SELECT s.n, ?2 - h.n * 300000, 0.2 FROM s, h`,
			} {
				if _, err := tx.Exec(query, from, end); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	v := NewBook(db).View("", "latency")
	b.Run("hour of the week", func(b *testing.B) {
		for i := range b.N {
			if band, ok := v.Normal("p90", fmt.Sprint(i%series+1), monday9); !ok || band.Days != 8 {
				b.Fatal(band, ok)
			}
		}
	})
	b.Run("nothing to compact", func(b *testing.B) {
		for range b.N {
			if err := NewBook(db).Compact(b.Context(), monday9); err != nil {
				b.Fatal(err)
			}
		}
	})
}
