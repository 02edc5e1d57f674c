package timers

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/child"
)

// TestCalendarsAreReadAsSystemdReadsThem asks systemd itself what an
// expression is, written out, and when it elapses.
func TestCalendarsAreReadAsSystemdReadsThem(t *testing.T) {
	expressions := []string{
		"hourly", "daily", "weekly", "monthly", "yearly", "quarterly", "semiannually", "*-*-* 00,12:00:00", "Mon..Fri 03:00",
		"Sat,Sun *:0/15", "Fri,Sat,Mon 12:34:56", "*-*-01 06:00", "*-*~01 23:50", "*-02~03 01:00", "Mon *-*-1..7 04:00",
		"*:0/5", "8..18:0/5", "*:*:0/2", "2099-01-01", "*-1/3-1 00:00", "*-02-29 12:00", "*-*-* 04:00:00 UTC",
		"Sun 05:30 Asia/Tokyo", "*-*-* *:07:00", "2020-01-01", "*:*:1.5/10", "*-1,7-1/10 3,15:5..9/2",
	}
	const base = "2027-01-30 11:58:30 UTC"
	after, err := time.Parse("2006-01-02 15:04:05 MST", base)
	if err != nil {
		t.Fatal(err)
	}
	for _, expression := range expressions {
		out, err := child.Run(t.Context(), child.Command{
			Words: []string{"systemd-analyze", "calendar", "--iterations=6", "--base-time=" + base, expression},
			Env:   []string{"TZ=UTC"},
		})
		if err != nil {
			t.Fatalf("this test asks systemd-analyze (apt-get install systemd): %v", err)
		}
		text := string(out.Out)
		form := regexp.MustCompile(`Normalized form: (.*)`).FindStringSubmatch(text)
		if form == nil {
			t.Fatalf("%s: %s%s", expression, text, out.Err)
		}
		c, ok := parseCalendar(form[1])
		if !ok {
			t.Errorf("%s: %q is not understood", expression, form[1])
			continue
		}
		at := after.UTC()
		for _, m := range regexp.MustCompile(`(?:Next elapse|Iter. #[0-9]+|Iteration #[0-9]+): (.*)`).FindAllStringSubmatch(text, -1) {
			got, ok := c.next(at)
			if m[1] == "never" {
				if ok {
					t.Errorf("%s: elapses at %v, and should not any more", expression, got)
				}
				break
			}
			stamp := strings.TrimSpace(m[1])
			want, err := time.Parse("Mon 2006-01-02 15:04:05 MST", stamp)
			if err != nil || !strings.HasSuffix(stamp, "UTC") {
				continue // in the zone of the expression; the next line has it in UTC
			}
			if want.Sub(at) > horizon*24*time.Hour {
				if ok {
					t.Errorf("%s: elapses at %v", expression, got)
				}
				break
			}
			if !ok || !got.Equal(want) {
				t.Errorf("%s (%s): after %v comes %v, not %v", expression, form[1], at, want, got)
				break
			}
			at = got
		}
	}
}

func TestWhatIsNoCalendarIsNotGuessed(t *testing.T) {
	for _, s := range []string{"", "*", "*-*-*", "Foo *-*-* 00:00:00", "*-*-* 00:00", "*-*-* a:00:00", "*-*-* 00:00:00 No/Where", "-- ::"} {
		if _, ok := parseCalendar(s); ok {
			t.Errorf("%q was understood", s)
		}
	}
}
