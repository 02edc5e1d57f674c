package timers

import (
	"testing"
	"time"
)

// FuzzCalendar: what is taken elapses after now, or never, and is found out
// soon.
func FuzzCalendar(f *testing.F) {
	for _, s := range []string{"Mon..Fri *-*-* 00,12:00:00 UTC", "*-*~1 00:00:00", "*-02-30 00:00:00", "*-*-* *:*:60", "Sun..Sat *-*-1/2 0/3:5..7:2.5", "1970-*-* *:*:*", "*-*-* 5..3:00:00", "*-*-* 0/-1:*:99", "*-*-* 00:00:00 Asia/Tokyo", "Mon *-*-* 0:0:0 ../../etc/passwd"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := parseCalendar(s)
		if !ok {
			return
		}
		began := time.Now()
		if next, ever := c.next(now); ever && (!next.After(now) || next.After(now.AddDate(0, 0, horizon+2))) {
			t.Errorf("%q: %v", s, next)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q took %v", s, took)
		}
	})
}
