package bot

import (
	"testing"
	"time"
)

// FuzzPeriod: a period that somebody writes stands in their words, has a length
// or an end, and no length is without end.
func FuzzPeriod(f *testing.F) {
	for _, s := range []string{"snooze 12 3d", "until 25 nov", "until 31 feb 25:99", "12番 来週の月曜の朝まで", "2/30まで", "9999日間", "until 9999-99-99 noon", "99日の24時半まで", "for a week", "till sunday 12 am", "一時間半"} {
		f.Add(s, int64(1795340422))
	}
	f.Fuzz(func(t *testing.T, line string, unix int64) {
		now := time.Unix(1795340422+unix%(400*24*3600), 0)
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 9*3600)} {
			p, from, to, found := findPeriod(line, Admin{Zone: zone, Morning: 8 * 60}, now)
			if found != p.given() || from < 0 || to > len(line) || found && from >= to {
				t.Errorf("%q: %+v at %d to %d", line, p, from, to)
			}
			if p.For < 0 || p.For > 10000*7*24*time.Hour || found && p.For > 0 && !p.Until.IsZero() {
				t.Errorf("%q: %+v", line, p)
			}
			if !p.Until.IsZero() && (p.Until.Year() < -1 || p.Until.Year() > 10000) {
				t.Errorf("%q: %+v", line, p)
			}
		}
	})
}
