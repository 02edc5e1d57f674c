package latency

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

const allMinutes = 1<<60 - 1

// minutes are bits of an hour.
func minutes(of ...int) (bits uint64) {
	for _, m := range of {
		bits |= 1 << m
	}
	return bits
}

// hoursBefore are the whole hours before now, the newest last.
func hoursBefore(now time.Time, slow ...uint64) []hour {
	var all []hour
	for i, s := range slow {
		all = append(all, hour{number: hourOf(now) - int64(len(slow)-i), seen: allMinutes, slow: s})
	}
	return all
}

func TestWhatComesBackEveryHour(t *testing.T) {
	now := time.Unix(1795340000, 0)
	seven, eight := minutes(7, 8), minutes(8, 9)
	for _, c := range []struct {
		name  string
		hours []hour
		found bool
	}{
		{"nothing is known", nil, false},
		{"all is well", hoursBefore(now, 0, 0, 0, 0, 0, 0, 0), false},
		{"five hours are too few", hoursBefore(now, seven, seven, seven, seven, seven), false},
		{"six hours", hoursBefore(now, seven, seven, seven, seven, seven, seven), true},
		{"a minute earlier or later", hoursBefore(now, seven, eight, seven, eight, minutes(7), minutes(8)), true},
		{"eight hours of ten", hoursBefore(now, seven, 0, seven, seven, seven, 0, seven, seven, seven, seven), true},
		{"seven hours of ten", hoursBefore(now, seven, 0, seven, seven, 0, 0, seven, seven, seven, seven), false},
		{"another minute each time", hoursBefore(now, minutes(7), minutes(17), minutes(27), minutes(37), minutes(47), minutes(57)), false},
		{"slow all the time", hoursBefore(now, allMinutes, allMinutes, allMinutes, allMinutes, allMinutes, allMinutes), false},
		{"slow a quarter of the time, and at that minute", hoursBefore(now, seven|minutes(20, 25, 30, 35, 40, 45, 50), seven|minutes(21, 26, 31, 36, 41, 46, 51), seven|minutes(20, 25, 30, 35, 40, 45, 50), seven|minutes(22, 27, 32, 37, 42, 47, 52), seven|minutes(20, 25, 30, 35, 40, 45, 50), seven|minutes(23, 28, 33, 38, 43, 48, 53)), false},
		{"half of every hour", hoursBefore(now, 1<<30-1, 1<<30-1, 1<<30-1, 1<<30-1, 1<<30-1, 1<<30-1), false},
		{"at the full hour", hoursBefore(now, minutes(0), minutes(0, 1), minutes(0), minutes(0), minutes(0), minutes(1)), true},
		{"before the full hour", hoursBefore(now, minutes(59), minutes(58), minutes(59), minutes(59), minutes(59), minutes(59)), true},
		{"not in the last hour", hoursBefore(now, seven, seven, seven, seven, seven, seven, seven, seven, 0), true},
		{"not in the last two", hoursBefore(now, seven, seven, seven, seven, seven, seven, seven, seven, seven, 0, 0), false},
	} {
		p, ok := recurring(watchedHours(c.hours, now))
		if ok != c.found {
			t.Errorf("%s: %v, %+v", c.name, ok, p)
		}
	}
	p, _ := recurring(watchedHours(hoursBefore(now, seven, seven, seven, seven, seven, seven), now))
	want := pattern{hits: 6, of: 6, minutes: 2, last: time.Unix((hourOf(now)-1)*3600+7*60, 0)}
	if p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
	half := hoursBefore(now, seven, seven, seven, seven, seven, seven)
	for i := range half {
		half[i].seen = 1<<30 - 1
	}
	if n := len(watchedHours(half, now)); n != 0 {
		t.Errorf("%d hours count that were watched for half an hour", n)
	}
}

func TestMinutesAreMarkedAndForgotten(t *testing.T) {
	at := time.Unix(1795338000, 0).Truncate(time.Hour)
	var hours []hour
	for i := range 60 * 40 {
		hours = mark(hours, at.Add(time.Duration(i)*time.Minute), i%60 == 7)
	}
	if len(hours) != hoursKept+1 {
		t.Errorf("%d hours", len(hours))
	}
	for _, h := range hours {
		if h.seen != allMinutes || h.slow != minutes(7) {
			t.Errorf("%+v", h)
		}
	}
	if hours = mark(hours, at, true); len(hours) != 1 {
		t.Errorf("after the clock was set back: %+v", hours)
	}
	for usual, want := range map[time.Duration][2]bool{0: {false, false}, 80 * ms: {true, true}, 400 * ms: {false, true}} {
		if slow, known := slowMinute(900*ms, usual); slow != want[0] && known || known != want[1] {
			t.Errorf("0.9 s where %v is usual: %v, %v", usual, slow, known)
		}
	}
}

func TestTheSameMinuteOfEveryHourIsFoundHeldAndEnds(t *testing.T) {
	s := serve(t)
	s.usual(80 * time.Millisecond)
	s.look(t)
	put := func(hours []hour) {
		m, _ := remembered(s.past)
		m.Hours[page] = hours
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		s.past.Memory[memoryKey] = b
	}
	slow := minutes(7, 8, 9)
	put(hoursBefore(time.Now(), slow, slow, slow, slow, slow, slow, slow))
	o := s.look(t)
	f, ok := checkstest.Find(o, hourly, page)
	if !ok || f.Severity != checks.Warning || f.Road != checks.Morning || len(o.Findings) != 1 {
		t.Fatalf("%+v", o.Findings)
	}
	says(t, f.Text, "pages are slow once an hour, always at the same minute\nIn 7 of the last 7 hours, for about 3 min", "ページ 毎時決まった分に遅くなっています\n直近7時間のうち7時間で、約3分ずつ")

	put(hoursBefore(time.Now(), slow, slow)) // after a pause of the watch
	if o = s.look(t); len(o.Findings) > 0 || len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: hourly, Subject: page}) {
		t.Errorf("%+v, %+v", o.Findings, o.Blind)
	}

	put(hoursBefore(time.Now(), slow, slow, slow, slow, slow, 0, 0))
	if o = s.look(t); len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Errorf("%+v, %+v", o.Findings, o.Blind)
	}
}

func TestAServerThatLocksUpIsASlowMinute(t *testing.T) {
	s := serve(t)
	s.usual(80 * time.Millisecond)
	s.look(t)
	s.hang.Store(true)
	s.hangPage.Store(true)
	o := s.look(t)
	if len(o.Findings) > 0 || len(o.Blind) != 2 || len(o.Measures) > 0 {
		t.Errorf("%+v, %+v, %+v", o.Findings, o.Blind, o.Measures)
	}
	says(t, o.Summary, "neither the API nor the page answers within 2 s", "2秒以内に応答しません")
	m, _ := remembered(s.past)
	for _, side := range []string{apiSide, page} {
		if h := m.Hours[side]; len(h) == 0 || h[len(h)-1].slow == 0 {
			t.Errorf("%s: %+v", side, h)
		}
		if len(m.Samples[side]) != 1 {
			t.Errorf("%s: a lock-up is a sample: %+v", side, m.Samples[side])
		}
	}
}
