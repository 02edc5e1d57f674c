package bot

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

var both = []checks.Lang{checks.English, checks.Japanese}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// calm is a week without anything to tell.
func calm() PublicWeek {
	to := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	return PublicWeek{
		Site: "example.social", From: to.AddDate(0, 0, -7), To: to, Watched: 7 * 24 * time.Hour, Servers: 4812, New: 31,
		Answer: 84 * time.Millisecond, Usual: 80 * time.Millisecond, UsualLow: 70 * time.Millisecond, UsualHigh: 95 * time.Millisecond,
	}
}

// down adds interruptions that end so long before the week does.
func (w PublicWeek) down(long time.Duration, before ...time.Duration) PublicWeek {
	for _, b := range before {
		w.Interruptions = append(w.Interruptions, Stretch{w.To.Add(-b - long), w.To.Add(-b)})
	}
	return w
}

func TestTheWordsOfTheWeeklyPostAreThoseThatWereRead(t *testing.T) {
	day := 24 * time.Hour
	change := func(do func(w *PublicWeek)) PublicWeek {
		w := calm()
		do(&w)
		return w
	}
	var all strings.Builder
	for _, c := range []struct {
		sentence string
		week     PublicWeek
	}{
		{"nothing happened", calm()},
		{"one interruption", calm().down(42*time.Minute, 5*day)},
		{"a short one", calm().down(4*time.Minute, 5*day)},
		{"two", calm().down(42*time.Minute, 5*day, day)},
		{"many", calm().down(12*time.Minute, 5*day, 4*day, 3*day, 2*day)},
		{"down for most of it", calm().down(5*day, day)},
		{"maintenance only", change(func(w *PublicWeek) {
			w.Maintenance = []Stretch{{w.From.Add(day), w.From.Add(day + 35*time.Minute)}}
		})},
		{"both", change(func(w *PublicWeek) {
			w.Maintenance = []Stretch{{w.From.Add(day), w.From.Add(day + 35*time.Minute)}}
			*w = w.down(42*time.Minute, 2*day)
		})},
		{"slower than usual", change(func(w *PublicWeek) { w.Answer = 240 * time.Millisecond })},
		{"one page of twenty took seconds", change(func(w *PublicWeek) { w.Slow = 3200 * time.Millisecond })},
		{"and half of them longer than usual", change(func(w *PublicWeek) { w.Answer, w.Slow = 240*time.Millisecond, 3200*time.Millisecond })},
		{"all are slow alike", change(func(w *PublicWeek) { w.Answer, w.Slow = 1200*time.Millisecond, 1900*time.Millisecond })},
		{"one of twenty is slower, and nobody notices", change(func(w *PublicWeek) { w.Slow = 700 * time.Millisecond })},
		{"one of twenty took seconds, and nothing is known to be usual", change(func(w *PublicWeek) {
			w.Slow, w.Usual, w.UsualLow, w.UsualHigh = 3200*time.Millisecond, 0, 0, 0
		})},
		{"nothing is known to be usual", change(func(w *PublicWeek) { w.Usual, w.UsualLow, w.UsualHigh = 0, 0, 0 })},
		{"response times are not measured", change(func(w *PublicWeek) { w.Answer = 0 })},
		{"servers are not counted", change(func(w *PublicWeek) { w.Servers, w.New = -1, -1 })},
		{"none of them is new", change(func(w *PublicWeek) { w.New = 0 })},
		{"few of them are new", change(func(w *PublicWeek) { w.New = 9 })},
		{"a server of one person, who knows few", change(func(w *PublicWeek) { w.Servers, w.New = 9, 1 })},
		{"watched for four days", change(func(w *PublicWeek) { w.Watched = 4*day + 2*time.Hour })},
		{"not watched for three hours", change(func(w *PublicWeek) { w.Watched -= 3*time.Hour + 20*time.Minute })},
		{"watched for four days, with an interruption", change(func(w *PublicWeek) {
			w.Watched = 4 * day
			*w = w.down(time.Hour, day)
		})},
		{"posted on Monday morning", change(func(w *PublicWeek) { w.From, w.To = w.From.Add(13*time.Hour), w.To.Add(13*time.Hour) })},
		{"posted on a Wednesday", change(func(w *PublicWeek) { w.From, w.To = w.From.Add(3*day), w.To.Add(3*day) })},
		{"over the end of a month", change(func(w *PublicWeek) { w.From, w.To = w.From.Add(14*day), w.To.Add(14*day) })},
		{"over the end of a year", change(func(w *PublicWeek) { w.From, w.To = w.From.Add(42*day), w.To.Add(42*day) })},
	} {
		text := publicText(c.week, both, 500)
		fmt.Fprintf(&all, "== %s\n%s\n", c.sentence, text)
		if n := utf8.RuneCountInString(text); n > 450 {
			t.Errorf("%s: %d characters in two languages", c.sentence, n)
		}
	}
	file := filepath.Join("testdata", "summary.golden")
	if checkstest.Updating() {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("the words changed; read them, then go test ./bot -update:\n%s", diff)
	}
}

func TestAWeekIsAHundredPerCentOnlyWhereNothingHappened(t *testing.T) {
	for _, c := range []struct {
		sentence string
		week     PublicWeek
		want     string
	}{
		{"a second is not nothing", calm().down(time.Second, time.Hour), "99.99 %"},
		{"an hour is rounded down", calm().down(time.Hour, time.Hour), "99.4 %"},
		{"half a week", calm().down(84*time.Hour, time.Hour), "50 %"},
		{"what was not watched counts for nothing", func() PublicWeek {
			w := calm().down(12*time.Hour, time.Hour)
			w.Watched = 24 * time.Hour
			return w
		}(), "50 %"},
	} {
		if got := uptime(c.week).En; got != c.want {
			t.Errorf("%s: %s, should be %s", c.sentence, got, c.want)
		}
		if text := publicText(c.week, both, 500); strings.Contains(text, "100") {
			t.Errorf("%s: %s", c.sentence, text)
		}
	}
}

func TestTheWeeklyPostFitsInOne(t *testing.T) {
	w := calm().down(42*time.Minute, 5*24*time.Hour, 24*time.Hour)
	w.Watched = 4 * 24 * time.Hour
	long := 0
	for room := 40; room <= 500; room++ {
		text := publicText(w, both, room)
		n := utf8.RuneCountInString(text)
		if n > room && room >= 260 {
			t.Fatalf("%d characters in a room of %d:\n%s", n, room, text)
		}
		if n < long {
			t.Fatalf("with room for %d it says less:\n%s", room, text)
		}
		long = n
		if strings.Contains(text, "Interrupted") && !strings.Contains(text, "Watched for 4 of 7 days.") {
			t.Fatalf("with room for %d it hides what was not watched:\n%s", room, text)
		}
	}
	if !strings.Contains(publicText(w, both, 500), "サーバーから投稿が届きました") {
		t.Error("500 characters are not enough for two languages")
	}
}

func TestAPublicWeekCanHoldNothingButNumbersAndOneName(t *testing.T) {
	names := 0
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		switch {
		case typ == reflect.TypeFor[time.Time]():
		case typ.Kind() == reflect.Struct:
			for i := range typ.NumField() {
				walk(typ.Field(i).Type, path+"."+typ.Field(i).Name)
			}
		case typ.Kind() == reflect.Slice:
			walk(typ.Elem(), path)
		case typ.Kind() == reflect.String:
			if names++; path != ".Site" {
				t.Errorf("%s is a text", path)
			}
		case typ.Kind() != reflect.Int && typ.Kind() != reflect.Int64 && typ.Kind() != reflect.Float64:
			t.Errorf("%s is a %s", path, typ)
		}
	}
	walk(reflect.TypeFor[PublicWeek](), "")
	if names != 1 {
		t.Errorf("there are %d texts", names)
	}
}

func TestWhatCountsAsAnInterruption(t *testing.T) {
	at := func(hour float64) time.Time {
		return time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour * float64(time.Hour)))
	}
	span := func(hours ...float64) (out []Stretch) {
		for i := 0; i < len(hours); i += 2 {
			out = append(out, Stretch{at(hours[i]), at(hours[i+1])})
		}
		return out
	}
	for _, c := range []struct {
		sentence                          string
		down, maintenance, looked, awake  []Stretch
		watched, interruptions, scheduled []Stretch
	}{
		{"nothing was down", nil, nil, span(0, 24), nil, span(0, 24), nil, nil},
		{"it was down for an hour, and nothing else could be measured", span(10, 11), nil, span(0, 10, 11, 24), span(0, 24), span(0, 24), span(10, 11), nil},
		{"the page and the API at the same time are one", span(10, 11, 10.5, 12), nil, span(0, 24), span(0, 24), span(0, 24), span(10, 12), nil},
		{"two are two", span(10, 11, 12, 13), nil, span(0, 24), span(0, 24), span(0, 24), span(10, 11, 12, 13), nil},
		{"it was announced", span(10, 11), span(9.5, 12), span(0, 24), span(0, 24), span(0, 24), nil, span(10, 11)},
		{"it lasted longer than announced", span(10, 13), span(9.5, 12), span(0, 24), span(0, 24), span(0, 24), span(12, 13), span(10, 12)},
		{"it began before it was announced", span(10, 11), span(10.5, 12), span(0, 24), span(0, 24), span(0, 24), span(10, 10.5), span(10.5, 11)},
		{"nobody watched while it went on", span(10, 20), nil, span(0, 10, 20, 24), span(0, 12, 20, 24), span(0, 12, 20, 24), span(10, 12), nil},
		{"nobody watched at all", span(10, 20), nil, nil, nil, nil, nil, nil},
	} {
		watched, interruptions, planned := outages(c.down, c.maintenance, c.looked, c.awake)
		for what, diff := range map[string]string{
			"watched": cmp.Diff(c.watched, watched), "interruptions": cmp.Diff(c.interruptions, interruptions), "maintenance": cmp.Diff(c.scheduled, planned),
		} {
			if diff != "" {
				t.Errorf("%s: %s: %s", c.sentence, what, diff)
			}
		}
	}
}

func TestTheDaysOfAWeekOverAChangeOfTheClocks(t *testing.T) {
	zone := berlin(t)
	to := time.Date(2026, 10, 25, 20, 0, 0, 0, zone) // summer time ends on this day
	w := calm()
	w.From, w.To = to.AddDate(0, 0, -7), to
	if long := w.To.Sub(w.From); long != 7*24*time.Hour+time.Hour {
		t.Errorf("the week has %s", long)
	}
	if got := strings.Split(publicText(w, both[:1], 500), "\n")[0]; got != "example.social, 19–25 October" {
		t.Errorf("%q", got)
	}
}

func TestWordsThatSwitchTheSummary(t *testing.T) {
	for args, want := range map[string]switching{
		"": showOnly, "on": switchOn, " ON!": switchOn, "turn it on please": switchOn, "オン": switchOn, " オンにしてください": switchOn, "ｏｎ": switchOn, "を開始してください": switchOn,
		"off": switchOff, "switch off": switchOff, "オフ": switchOff, "をオフにして": switchOff, "停止": switchOff, "やめて": switchOff, "をやめてください": switchOff,
		"of what is going on": showOnly, "on monday": showOnly, "on off": showOnly, "オンライン": showOnly, "オンとオフ": showOnly, "offline": showOnly, "what's going on": showOnly,
	} {
		if got := switchingOf(args); got != want {
			t.Errorf("%q is %d, should be %d", args, got, want)
		}
	}
}

func TestAWeekInWhichOneOfTwentyIsSlowDoesNotReadFast(t *testing.T) {
	week := func(slow, of int) PublicWeek {
		var took []float64
		for i := range of {
			v := 0.084
			if i < slow {
				v = 4
			}
			took = append(took, v)
		}
		w := calm()
		w.Answer, w.Slow = seconds(half(took)), seconds(slowest(took))
		return w
	}
	for sentence, c := range map[string]struct {
		week PublicWeek
		slow bool
	}{
		"none is slow":              {week(0, 2016), false},
		"one of a hundred is slow":  {week(20, 2016), false},
		"one of twenty is slow":     {week(101, 2016), true},
		"exactly five of a hundred": {week(5, 100), true},
		"one of ten is slow":        {week(200, 2016), true},
		"too few were timed":        {week(4, 40), false},
	} {
		text := publicText(c.week, both, 500)
		if said := strings.Contains(text, "one in 20 took 4 s or longer") && strings.Contains(text, "20回に1回は4秒以上"); said != c.slow {
			t.Errorf("%s: %s", sentence, text)
		}
		if strings.Contains(text, "as usual") == c.slow || strings.Contains(text, "普段どおり") == c.slow {
			t.Errorf("%s: it reads fast: %s", sentence, text)
		}
	}
}

func TestADayOfServersIsItsLastCount(t *testing.T) {
	end := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	var all []checks.Sample
	for h := 7*24 - 1; h >= 0; h-- {
		all = append(all, checks.Sample{At: end.Add(-time.Duration(h)*time.Hour - 25*time.Minute), Value: float64(7*24 - h)})
	}
	got := daily(all, end)
	if len(got) != 7 {
		t.Fatalf("%d days", len(got))
	}
	for i, s := range got {
		if want := float64(24 * (i + 1)); s.Value != want || !s.At.Equal(end.Add(-time.Duration(6-i)*24*time.Hour-25*time.Minute)) {
			t.Errorf("day %d: %v at %v, should be %v", i, s.Value, s.At, want)
		}
	}
	if daily(nil, end) != nil {
		t.Error("of nothing there are days")
	}
}

func TestAChartOfServersIsOfManyAndOfDays(t *testing.T) {
	for sentence, c := range map[string]struct {
		servers, days int
		drawn         bool
	}{
		"a week of a server that is known":         {4812, 7, true},
		"the week in which counting began":         {4812, 3, false},
		"a few servers are a few people":           {4, 7, false},
		"nobody counts":                            {-1, 0, false},
		"the least that is drawn of a small place": {10, 4, true},
	} {
		w := calm()
		w.Servers = c.servers
		for i := range c.days {
			w.Heard = append(w.Heard, checks.Sample{At: w.From.Add(time.Duration(i+1) * 23 * time.Hour), Value: float64(c.servers)})
		}
		if _, drawn := heardChart(w); drawn != c.drawn {
			t.Errorf("%s: drawn %v", sentence, drawn)
		}
		if c.drawn {
			w.Heard[0].Value = 3
			if _, drawn := heardChart(w); drawn {
				t.Errorf("%s: a day of few is drawn", sentence)
			}
		}
	}
}
