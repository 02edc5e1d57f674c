package clock

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

const ms = time.Millisecond

func TestAMeasureAllowsForTheWayAndForWholeSeconds(t *testing.T) {
	date := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		situation      string
		sent, came     time.Duration // after the Date, by this clock
		offset, margin time.Duration
	}{
		{"no way at all, in the middle of the second", 500 * ms, 500 * ms, 0, 500 * ms},
		{"at the beginning of the second", 0, 0, -500 * ms, 500 * ms},
		{"a long way", 0, 2000 * ms, 500 * ms, 1500 * ms},
		{"a clock that is ahead", 60 * time.Second, 60*time.Second + 200*ms, 59600 * ms, 600 * ms},
	} {
		a := measure(date.Add(c.sent), date.Add(c.came), date)
		if a.offset != c.offset || a.margin != c.margin {
			t.Errorf("%s: %v ± %v, want %v ± %v", c.situation, a.offset, a.margin, c.offset, c.margin)
		}
	}
}

func offsets(all ...time.Duration) []answer {
	var list []answer
	for _, d := range all {
		list = append(list, answer{offset: d, margin: 550 * ms})
	}
	return list
}

func TestTheMedianOfTheServersDecides(t *testing.T) {
	const m = time.Minute
	for _, c := range []struct {
		situation string
		answers   []answer
		asked     int
		why       string
		offset    time.Duration
		want      checks.Severity
	}{
		{"nobody was asked", nil, 0, reasonNobody, 0, checks.Unknown},
		{"nobody answered", nil, 4, reasonFew, 0, checks.Unknown},
		{"one answer is none", offsets(9 * m), 4, reasonFew, 0, checks.Unknown},
		{"two agree", offsets(0, 900*ms), 2, reasonAgree, 450 * ms, checks.OK},
		{"two agree that it is off", offsets(3*m, 3*m+ms), 4, reasonAgree, 3*m + ms/2, checks.Critical},
		{"two disagree", offsets(0, 3*m), 2, reasonDisagree, 90 * time.Second, checks.Unknown},
		{"two against two", offsets(0, 0, 3*m, 3*m), 4, reasonDisagree, 90 * time.Second, checks.Unknown},
		{"one of three is wrong", offsets(0, -9*m, 0), 3, reasonAgree, 0, checks.OK},
		{"two of five are wrong, each in its way", offsets(-m, 40*time.Second, 40*time.Second, 41*time.Second, 9*m), 5, reasonAgree, 40 * time.Second, checks.Warning},
		{"just over the threshold, within the margin", offsets(30*time.Second+400*ms, 30*time.Second+400*ms), 2, reasonAgree, 30*time.Second + 400*ms, checks.OK},
		{"surely over the threshold", offsets(-31*time.Second, -31*time.Second), 2, reasonAgree, -31 * time.Second, checks.Warning},
	} {
		e := estimateOf(c.answers, c.asked)
		if e.why != c.why || e.offset != c.offset {
			t.Errorf("%s: %+v", c.situation, e)
		}
		if got := judgeOffset(e, DefaultConfig()); got != c.want {
			t.Errorf("%s: %v, want %v", c.situation, got, c.want)
		}
	}
}

func TestSinceWhenNothingKeepsTheClock(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	earlier := now.Add(-30 * time.Minute)
	for _, c := range []struct {
		situation string
		q         question
		want      time.Time
	}{
		{"it is kept", question{kernelKnown: true, kernel: kernel{true}, unsyncSince: earlier}, time.Time{}},
		{"the first look goes by the boot", question{kernelKnown: true, uptime: time.Hour}, now.Add(-time.Hour)},
		{"the first look knows no boot", question{kernelKnown: true}, now},
		{"it was kept at the last look", question{kernelKnown: true, remembers: true, uptime: time.Hour}, now},
		{"it was not at the last look", question{kernelKnown: true, remembers: true, unsyncSince: earlier}, earlier},
		{"it was not, in the future: the clock was set back", question{kernelKnown: true, remembers: true, unsyncSince: now.Add(time.Hour)}, now},
		{"it cannot be told", question{remembers: true, unsyncSince: earlier}, earlier},
		{"it could never be told", question{uptime: time.Hour}, time.Time{}},
	} {
		c.q.now = now
		if got := c.q.since(); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.situation, got, c.want)
		}
	}
}
