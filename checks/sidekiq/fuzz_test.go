package sidekiq

import (
	"testing"
	"time"
)

// FuzzSchedules: what Redis keeps of the clock's jobs and of the processes gives
// periods, counts and instants that can be.
func FuzzSchedules(f *testing.F) {
	for _, s := range []string{
		`{"every":"5m"}`, `{"every":["1h30m",{"first_in":"1s"}]}`, `{"interval":"1 day","enabled":false}`, `{"cron":"*/7 3 * * 1 Asia/Tokyo"}`, `{"cron":"@weekly"}`, `{"every":999999999}`, `{"every":"999999y 999999y"}`, `{"every":{"a":[]}}`,
		`{"started_at":1795340422.1,"version":"8.0.1","concurrency":-5,"queues":["default"],"capsules":{"a":{"concurrency":9223372036854775807,"weights":{"x":1}},"b":{"concurrency":9}}}`, "2026-11-22 03:00:00 +0900", "9999-12-31T23:59:59 -9999",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, _ := readSchedule(text); p < 0 || p > longestPeriod {
			t.Errorf("period %v", p)
		}
		switchedOff(text)
		for _, at := range []time.Time{rubyTime(text), seconds(text)} {
			if !at.IsZero() && (at.Year() < -1 || at.Year() > 10001) {
				t.Errorf("%v", at)
			}
		}
		p := readProcess("x", []any{text, text, text, text, text}, time.Second)
		if p.busy < 0 || p.threads < 0 || p.there != (text != "") {
			t.Errorf("%+v", p)
		}
	})
}
