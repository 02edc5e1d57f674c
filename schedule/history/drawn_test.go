package history

import (
	"math"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

func TestWhatIsDrawnHasTheHoursOfOldWithTheirExtremes(t *testing.T) {
	b, _ := book(t)
	peak := monday9.AddDate(0, 0, -20).Truncate(time.Hour)
	measured(t, b, monday9.AddDate(0, 0, -30), monday9, 5*time.Minute, func(at time.Time) float64 {
		if at.Truncate(5 * time.Minute).Equal(peak.Add(25 * time.Minute)) {
			return 9
		}
		return 1
	})
	for range 5 {
		compact(t, b, monday9)
	}
	d, err := b.View("", "latency").Drawn("p90", "/", monday9.AddDate(0, 0, -30), monday9)
	if err != nil {
		t.Fatal(err)
	}
	highest := checks.Sample{}
	for i, s := range d.Samples {
		if s.Value > highest.Value {
			highest = s
		}
		if i > 0 && s.At.Before(d.Samples[i-1].At) {
			t.Fatalf("sample %d is out of order", i)
		}
		if gap := s.At.Sub(d.Samples[max(i-1, 0)].At); gap > 40*time.Minute {
			t.Errorf("a gap of %v at %v", gap, s.At)
		}
	}
	if highest.Value != 9 || highest.At.Sub(peak).Abs() > time.Hour {
		t.Errorf("the highest is %v at %v", highest.Value, highest.At)
	}
}

func TestTheBandOfAPictureIsWhatWasUsualThen(t *testing.T) {
	b, _ := book(t)
	measured(t, b, monday9.AddDate(0, 0, -70), monday9, 15*time.Minute, weather(time.UTC))
	for range 10 {
		compact(t, b, monday9)
	}
	v := b.View("", "latency")
	d, err := v.Drawn("p90", "/", monday9.AddDate(0, 0, -7), monday9)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Normal); n != 168 {
		t.Fatalf("%d bands of a week", n)
	}
	last := d.Normal[167]
	if want, ok := v.Normal("p90", "/", monday9); !ok || last.Band != want {
		t.Errorf("now it is %+v, and elsewhere %+v", last.Band, want)
	}
	for _, u := range d.Normal[:167] {
		// What came afterwards is no part of what was usual then, and the same
		// weather makes the same band.
		want, ok := v.Normal("p90", "/", u.From.Add(30*time.Minute))
		if !ok || !near(u.Mid, want.Mid) {
			t.Errorf("at %v it is %+v, should be %+v", u.From, u.Band, want)
		}
	}
}

func TestAPictureOfALongTimeHasABandByTheWeek(t *testing.T) {
	b, _ := book(t)
	measured(t, b, monday9.AddDate(0, 0, -50), monday9, time.Hour, func(time.Time) float64 { return 3 })
	d, err := b.View("", "latency").Drawn("p90", "/", monday9.AddDate(0, 0, -400), monday9)
	if err != nil {
		t.Fatal(err)
	}
	unknown, known := 0, 0
	for _, u := range d.Normal {
		if math.IsNaN(u.Mid) {
			unknown++
			if known > 0 {
				t.Error("it was known and is not any more")
			}
			continue
		}
		known++
		if u.Low != 3 || u.High != 3 {
			t.Errorf("the band is %+v", u.Band)
		}
	}
	if known < 5 || known > 8 || known+unknown != 58 {
		t.Errorf("%d bands known, %d not", known, unknown)
	}
}

func TestWhatWasNeverMeasuredHasNoPicture(t *testing.T) {
	b, _ := book(t)
	d, err := b.View("", "latency").Drawn("p90", "/", monday9.AddDate(0, 0, -7), monday9)
	if err != nil || len(d.Samples)+len(d.Normal) != 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	measured(t, b, monday9.AddDate(0, 0, -2), monday9, time.Hour, func(time.Time) float64 { return 3 })
	d, err = b.View("", "latency").Drawn("p90", "/", monday9.AddDate(0, 0, -7), monday9)
	if err != nil || len(d.Samples) == 0 || len(d.Normal) != 0 {
		t.Fatalf("two days: %d samples, %d bands, %v", len(d.Samples), len(d.Normal), err)
	}
}

func BenchmarkDrawn400Days(b *testing.B) {
	book, _ := book(b)
	measured(b, book, monday9.AddDate(0, 0, -400), monday9.AddDate(0, 0, -14), time.Hour, weather(time.UTC))
	for range 80 {
		compact(b, book, monday9)
	}
	measured(b, book, monday9.AddDate(0, 0, -14).Add(time.Minute), monday9, 5*time.Minute, weather(time.UTC))
	v := book.View("", "latency")
	for b.Loop() {
		if _, err := v.Drawn("p90", "/", monday9.AddDate(0, 0, -400), monday9); err != nil {
			b.Fatal(err)
		}
	}
}
