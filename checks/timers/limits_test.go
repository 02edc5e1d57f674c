package timers

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/systemd"
)

func TestThePictureShowsWhenATimerIsOverdue(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	timer := systemd.Unit{Name: "certbot.timer", Load: "loaded", Active: "active"}
	timer.Repeats, timer.Delay, timer.Last = 12*time.Hour, 12*time.Hour, now.Add(-time.Hour)
	l := &look{now: now, next: map[string]memo{}}
	l.judge(t.Context(), job{role: renewal, timer: timer, service: systemd.Unit{Name: "certbot.service", Load: "loaded", Active: "inactive", Result: "success"}, now: now})
	raw, err := json.Marshal(l.next)
	if err != nil {
		t.Fatal(err)
	}
	list := (&check{}).Limits(&checkstest.Past{Memory: map[string][]byte{memoryKey: raw}}, "timer_age", timer.Name)
	checkstest.Limits(t, list, 60, func(v float64) checks.Severity {
		j := job{role: renewal, timer: timer, now: timer.Last.Add(time.Duration(v * float64(time.Second)))}
		if judgeSchedule(j, false) == stateOverdue {
			return loudness(renewal, lineages{}, now).Severity
		}
		return checks.OK
	})
}
