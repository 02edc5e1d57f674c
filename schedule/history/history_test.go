package history

import (
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/state"
)

func book(t testing.TB) (*Book, *state.DB) {
	t.Helper()
	db, err := state.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return NewBook(db), db
}

func add(t testing.TB, b *Book, at time.Time, measures ...checks.Measure) {
	t.Helper()
	err := b.db.Write(t.Context(), func(tx *sql.Tx) error { return b.Append(tx, "", "latency", measures, at) })
	if err != nil {
		t.Fatal(err)
	}
}

func p90(value float64) checks.Measure {
	return checks.Measure{Name: "p90", Subject: "/", Value: value, Unit: checks.Seconds}
}

// measured fills a series from one instant up to another without a word to
// Append, which would take its time.
func measured(t testing.TB, b *Book, from, to time.Time, every time.Duration, value func(time.Time) float64) {
	t.Helper()
	add(t, b, from, p90(value(from)))
	err := b.db.Write(t.Context(), func(tx *sql.Tx) error {
		put, err := tx.Prepare("INSERT INTO sample (series, at, value) SELECT id, ?, ? FROM series WHERE name = 'p90'")
		if err != nil {
			return err
		}
		defer put.Close()
		for at := from.Add(every); at.Before(to); at = at.Add(every) {
			if _, err := put.Exec(at.UnixMilli(), value(at)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, db *state.DB, query string) (n int) {
	t.Helper()
	if err := db.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow(query).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func compact(t testing.TB, b *Book, now time.Time) {
	t.Helper()
	if err := b.Compact(t.Context(), now); err != nil {
		t.Fatal(err)
	}
}

// weather is quiet at night, busy in the day, and busiest on a weekday morning.
func weather(loc *time.Location) func(time.Time) float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	return func(at time.Time) float64 {
		local := at.In(loc)
		value := 0.100 + 0.010*rng.Float64()
		if h := local.Hour(); h >= 8 && h < 23 {
			value += 0.100
		}
		if d := local.Weekday(); d != time.Saturday && d != time.Sunday && local.Hour() == 9 {
			value += 0.300
		}
		return value
	}
}

var monday9 = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

func TestASeriesGetsOneSampleInFiveMinutes(t *testing.T) {
	b, db := book(t)
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for minute := range 30 {
		// A tick is never quite on time.
		add(t, b, start.Add(time.Duration(minute)*time.Minute+time.Duration(minute%3)*time.Millisecond), p90(float64(minute)))
	}
	if n := count(t, db, "SELECT count(*) FROM sample"); n != 6 {
		t.Fatalf("half an hour has %d samples", n)
	}
	v := b.View("", "latency")
	list, err := v.Series("p90", "/", start.Add(9*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	var values []float64
	for _, s := range list {
		values = append(values, s.Value)
	}
	if diff := cmp.Diff([]float64{10, 15, 20, 25}, values); diff != "" {
		t.Fatal(diff)
	}
	if last, ok := v.Last("p90", "/"); !ok || last.Value != 25 || !last.At.Equal(start.Add(25*time.Minute+time.Millisecond)) {
		t.Fatal(last, ok)
	}
}

func TestACheckEveryFiveMinutesThatIsEarlyByAMomentLosesNothing(t *testing.T) {
	b, db := book(t)
	at := time.Date(2026, 11, 22, 9, 2, 0, 0, time.UTC)
	for i := range 100 {
		add(t, b, at.Add(-time.Duration(i%7)*time.Second), p90(1))
		at = at.Add(5 * time.Minute)
	}
	if n := count(t, db, "SELECT count(*) FROM sample"); n != 100 {
		t.Fatalf("of 100 samples there are %d", n)
	}
}

func TestWhatIsNoNumberIsLeftOutAndTheRestIsKept(t *testing.T) {
	b, db := book(t)
	add(t, b, monday9, p90(math.NaN()),
		checks.Measure{Name: "a", Value: math.Inf(1), Unit: checks.Count},
		checks.Measure{Name: "b", Value: 7, Unit: checks.Count},
		checks.Measure{Name: "b", Value: 8, Unit: checks.Count})
	if n := count(t, db, "SELECT count(*) FROM sample"); n != 1 {
		t.Fatalf("there are %d samples", n)
	}
	if last, ok := b.View("", "latency").Last("b", ""); !ok || last.Value != 7 {
		t.Fatal(last, ok)
	}
	add(t, b, monday9.Add(time.Hour), checks.Measure{Name: "b", Value: 9, Unit: checks.Bytes})
	if n := count(t, db, "SELECT count(*) FROM series WHERE unit = 'B'"); n != 1 {
		t.Fatal("the unit did not change with its measure")
	}
}

func TestThePastOfOneCheckIsNotThatOfAnother(t *testing.T) {
	b, db := book(t)
	add(t, b, monday9, p90(1))
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO remember (host, check_name, key, value) VALUES ('', 'latency', 'seen', x'00ff')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*View{b.View("web1", "latency"), b.View("", "memory")} {
		if s, ok := v.Last("p90", "/"); ok {
			t.Error(s)
		}
		if s, err := v.Series("p90", "/", time.Time{}); len(s) > 0 || err != nil {
			t.Error(s, err)
		}
		if n, ok := v.Normal("p90", "/", monday9); ok {
			t.Error(n)
		}
		if r, ok := v.Load("seen"); ok {
			t.Error(r)
		}
	}
	if r, ok := b.View("", "latency").Load("seen"); !ok || string(r) != "\x00\xff" {
		t.Error(r, ok)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if r, ok := b.View("", "latency").Load("seen"); ok {
		t.Error("a closed state remembers", r)
	}
}

func TestAYearComesDownToAFortnightAndHours(t *testing.T) {
	t.Parallel()
	b, db := book(t)
	now := time.Date(2026, 11, 22, 9, 20, 0, 0, time.UTC)
	start := now.AddDate(0, 0, -365).Truncate(time.Hour)
	measured(t, b, start, now, 10*time.Minute, weather(time.UTC))
	all := count(t, db, "SELECT count(*) FROM sample")
	cut := now.Add(-keepRaw).Truncate(time.Hour)

	for call := 1; ; call++ {
		before := count(t, db, "SELECT count(*) FROM sample")
		compact(t, b, now)
		after := count(t, db, "SELECT count(*) FROM sample")
		if done := before - after; done > turnsPerCall*2*samplesPerTurn {
			t.Fatalf("one call took %d samples", done)
		}
		if held := count(t, db, "SELECT (SELECT count(*) FROM sample) + (SELECT sum(n) FROM hourly)"); held != all {
			t.Fatalf("%d samples have become %d after %d calls", all, held, call)
		}
		if before == after {
			break
		}
		if call > 20 {
			t.Fatal("it does not come to an end")
		}
	}
	if got, want := count(t, db, "SELECT count(*) FROM hourly"), int(cut.Sub(start).Hours()); got != want {
		t.Errorf("there are %d hours, should be %d", got, want)
	}
	if got, want := count(t, db, "SELECT count(*) FROM sample"), int(now.Sub(cut)/(10*time.Minute)); got != want {
		t.Errorf("there are %d samples, should be %d", got, want)
	}
	if n := count(t, db, "SELECT count(*) FROM hourly WHERE n <> 6 OR low > mid OR mid > high"); n != 0 {
		t.Errorf("%d hours are not right", n)
	}
	list, err := b.View("", "latency").Series("p90", "/", start)
	if err != nil {
		t.Fatal(err)
	}
	if want := count(t, db, "SELECT (SELECT count(*) FROM sample) + (SELECT count(*) FROM hourly)"); len(list) < want-1 || len(list) > want {
		t.Errorf("the series has %d samples, should be %d", len(list), want)
	}
	for i := range list[1:] {
		if !list[i].At.Before(list[i+1].At) {
			t.Fatalf("%v comes before %v", list[i].At, list[i+1].At)
		}
	}

	// Six weeks on: the hours go on, and those of 400 days ago are gone.
	later := now.AddDate(0, 0, 42)
	for range 10 {
		compact(t, b, later)
	}
	if n := count(t, db, "SELECT count(*) FROM sample"); n != 0 {
		t.Errorf("there are %d samples of six weeks ago", n)
	}
	if got, want := count(t, db, "SELECT count(*) FROM hourly"), int(now.Sub(later.Add(-keepHourly)).Hours())+1; got < want-1 || got > want+1 {
		t.Errorf("there are %d hours, should be about %d", got, want)
	}
	last, ok := b.View("", "latency").Last("p90", "/")
	if !ok || now.Sub(last.At) > time.Hour {
		t.Errorf("the last one is of %v", last.At)
	}
	// And at last nothing is left, not even the name.
	compact(t, b, now.AddDate(2, 0, 0))
	if n := count(t, db, "SELECT count(*) FROM series"); n != 0 {
		t.Errorf("%d series have nothing left", n)
	}
}

func TestHoursAreTheLeastTheMedianAndTheGreatest(t *testing.T) {
	b, db := book(t)
	start := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	for i, value := range []float64{5, 1, 900, 3, 4} { // one is far out
		add(t, b, start.Add(time.Duration(i)*10*time.Minute), p90(value))
	}
	add(t, b, start.Add(time.Hour), p90(2))
	add(t, b, start.Add(time.Hour+10*time.Minute), p90(3))
	compact(t, b, start.AddDate(0, 0, 20))
	compact(t, b, start.AddDate(0, 0, 20))
	got := ""
	if err := db.Read(t.Context(), func(tx *sql.Tx) error {
		rows, err := tx.Query("SELECT hour, n, low, mid, high FROM hourly ORDER BY hour")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var at int64
			var n int
			var low, mid, high float64
			if err := rows.Scan(&at, &n, &low, &mid, &high); err != nil {
				return err
			}
			got += fmt.Sprintln(time.UnixMilli(at).UTC().Format("15:04"), n, low, mid, high)
		}
		return rows.Err()
	}); err != nil {
		t.Fatal(err)
	}
	if want := "09:00 5 1 4 900\n10:00 2 2 2.5 3\n"; got != want {
		t.Fatalf("the hours are\n%s", got)
	}
}

func TestAClockThatWasSetBackAddsToTheHoursThatAreThere(t *testing.T) {
	b, db := book(t)
	start := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	for i := range 3 {
		add(t, b, start.Add(time.Duration(i)*10*time.Minute), p90(10))
	}
	compact(t, b, start.AddDate(0, 0, 20))
	add(t, b, start.Add(7*time.Minute), p90(1))
	compact(t, b, start.AddDate(0, 0, 20))
	if n := count(t, db, "SELECT count(*) FROM hourly WHERE n = 4 AND low = 1 AND mid = 10 AND high = 10"); n != 1 {
		t.Fatal("the hour is not what both make of it")
	}
}

func TestManySeriesAreCompactedInFewTransactions(t *testing.T) {
	b, db := book(t)
	start := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	measures := make([]checks.Measure, 500)
	for i := range measures {
		measures[i] = checks.Measure{Name: "n", Subject: fmt.Sprint(i), Value: float64(i), Unit: checks.Count}
	}
	for i := range 2 {
		add(t, b, start.Add(time.Duration(i)*15*time.Minute), measures...)
	}
	compact(t, b, start.AddDate(0, 0, 15))
	if hours, left := count(t, db, "SELECT count(*) FROM hourly WHERE n = 2"), count(t, db, "SELECT count(*) FROM sample"); hours != 500 || left != 0 {
		t.Fatalf("%d hours, and %d samples are left", hours, left)
	}
}

func TestCompactionGoesOnWhereAnotherLifeStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for life := range 3 {
		db, err := state.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := NewBook(db)
		if life == 0 {
			measured(t, b, now.AddDate(0, 0, -30), now, 5*time.Minute, weather(time.UTC))
		}
		compact(t, b, now)
		if n := count(t, db, "SELECT (SELECT count(*) FROM sample) + (SELECT sum(n) FROM hourly)"); n != 30*288 {
			t.Fatalf("in life %d there are %d of %d samples", life, n, 30*288)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
