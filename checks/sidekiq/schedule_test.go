package sidekiq

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestAJobByTheClockThatIsOverdueIsFoundAndResolves(t *testing.T) {
	for _, version := range []string{"4.2", "4.3", "4.5", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			w.well(t)
			w.past.Memory = nil // what was seen a minute ago is not there a day later
			w.pushed(t, "vacuum_scheduler", 27*time.Hour)
			w.well(t)
			w.past.Memory = nil
			w.pushed(t, "vacuum_scheduler", 5*24*time.Hour)
			f := w.found(t, w.deep(t), codeSchedule, "vacuum_scheduler", checks.Warning,
				"the scheduled job vacuum_scheduler has not been started for 5 d", "定期ジョブ vacuum_scheduler が5日実行されていません")
			says(t, f.Text, "will fill the disk", "埋まっていきます")
			w.pushed(t, "vacuum_scheduler", time.Minute)
			w.well(t)
		})
	}
}

func TestManyJobsByTheClockThatAreOverdueAreOneFinding(t *testing.T) {
	w := dress(t, "4.6")
	for name := range scheduleOf("4.6") {
		w.pushed(t, name, 47*time.Hour)
	}
	o := w.deep(t)
	w.found(t, o, codeSchedule, "", checks.Warning, "scheduled jobs are no longer started", "種類、実行されていません")
	if len(open(o)) != 1 {
		t.Errorf("one cause is one finding: %+v", open(o))
	}
	for name := range scheduleOf("4.6") {
		w.pushed(t, name, time.Minute)
	}
	w.well(t)
}

func TestAJobByTheClockThatIsSwitchedOffIsFoundAndResolves(t *testing.T) {
	w := dress(t, "4.5")
	w.Do(t, "HSET", "sidekiq-scheduler:states", "vacuum_scheduler", `{"enabled":false}`, "pghero_scheduler", `{"enabled":false}`)
	o := w.deep(t)
	w.found(t, o, codeSchedule, "vacuum_scheduler", checks.Warning, "the scheduled job vacuum_scheduler is switched off", "定期ジョブ vacuum_scheduler が無効になっています")
	if f, ok := checkstest.Find(o, codeSchedule, "pghero_scheduler"); !ok || f.Road != checks.Week {
		t.Errorf("%+v", f)
	}
	w.Do(t, "HSET", "sidekiq-scheduler:states", "vacuum_scheduler", `{"enabled":true}`)
	w.Do(t, "HDEL", "sidekiq-scheduler:states", "pghero_scheduler")
	w.well(t)
}

func TestWhatWasSeenOutlivesTheSchedulersOwnMemory(t *testing.T) {
	w := dress(t, "4.6")
	w.pushed(t, "vacuum_scheduler", 20*time.Hour)
	w.well(t)
	w.Do(t, "DEL", "sidekiq-scheduler:pushed:vacuum_scheduler")
	w.Do(t, "HDEL", "sidekiq-scheduler:last_times", "vacuum_scheduler")
	w.well(t)
}

func TestWhenAJobIsLate(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name    string
		job     scheduled
		started time.Time
		want    bool
	}{
		{"in time", scheduled{name: "a", period: time.Minute, last: ago(time.Minute)}, ago(day), false},
		{"a minute's job may miss a few", scheduled{name: "a", period: time.Minute, last: ago(9 * time.Minute)}, ago(day), false},
		{"but not ten", scheduled{name: "a", period: time.Minute, last: ago(11 * time.Minute)}, ago(day), true},
		{"the process has just been started", scheduled{name: "a", period: time.Minute, last: ago(11 * time.Minute)}, ago(time.Minute), false},
		{"after an hour's pause", scheduled{name: "a", period: time.Minute, last: ago(time.Hour)}, ago(time.Minute), false},
		{"an hour's job", scheduled{name: "a", period: time.Hour, last: ago(4 * time.Hour)}, ago(day), true},
		{"never, in a day", scheduled{name: "a", period: time.Hour}, ago(day), true},
		{"never, just started", scheduled{name: "a", period: time.Hour}, ago(time.Hour), false},
		{"the daily cleaning after 27 h", scheduled{name: "vacuum_scheduler", period: day, last: ago(27 * time.Hour)}, ago(2 * day), false},
		{"and after 29 h", scheduled{name: "vacuum_scheduler", period: day, last: ago(29 * time.Hour)}, ago(2 * day), true},
		{"a process that is restarted every six hours never comes to it", scheduled{name: "vacuum_scheduler", period: day, last: ago(3 * day)}, ago(5 * time.Hour), true},
		{"switched off", scheduled{name: "a", period: time.Hour, last: ago(day), off: true}, ago(2 * day), false},
		{"a period that cannot be told", scheduled{name: "a", last: ago(300 * day)}, ago(2 * day), false},
	} {
		if got := tt.job.late(tt.started, now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestPeriods(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		`{"every":"5m"}`:                                   5 * time.Minute,
		`{"every":["5m",{"first_in":"4m"}]}`:               5 * time.Minute,
		`{"interval":"1 day"}`:                             day,
		`{"interval":["1 hour",{"first_in":"10s"}]}`:       time.Hour,
		`{"every":"1h30m"}`:                                90 * time.Minute,
		`{"every":300}`:                                    5 * time.Minute,
		`{"every":"1 week"}`:                               7 * day,
		`{"every":"6h"}`:                                   6 * time.Hour,
		`{"cron":"0 * * * *"}`:                             time.Hour,
		`{"cron":"23 4 * * *"}`:                            day,
		`{"cron":"*/10 * * * *"}`:                          10 * time.Minute,
		`{"cron":"* * * * *"}`:                             time.Minute,
		`{"cron":"0 */6 * * *"}`:                           6 * time.Hour,
		`{"cron":"0 0 4 * * *"}`:                           day,
		`{"cron":"0 4 * * 1 Asia/Tokyo"}`:                  7 * day,
		`{"cron":"0 4 1 * *"}`:                             31 * day,
		`{"cron":["0 4 * * *",{"x":1}]}`:                   day,
		`{"cron":"@daily"}`:                                day,
		`{"every":"soon"}`:                                 0,
		`{"class":"A"}`:                                    0,
		`not JSON`:                                         0,
		`{"every":"` + strings.Repeat("9", 300) + `days"}`: 0,
	} {
		if got, _ := readSchedule(text); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestTimesOfRuby(t *testing.T) {
	want := time.Date(2026, 8, 7, 10, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"2026-08-07 10:00:00 +0000", "2026-08-07 10:00:00 UTC", "2026-08-07 10:00:00", "2026-08-07 10:00:00.123456 Z",
		"2026-08-07 19:00:00 +0900", "2026-08-07 19:00:00 +0900 Asia/Tokyo", "2026-08-07T05:00:00-05:00", "2026-08-07 19:00:00.5 +09:00 (dst:false)",
	} {
		if got := rubyTime(text); !got.Equal(want) {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-13-41 10:00:00", strings.Repeat("2026-08-07 10:00:00", 9)} {
		if got := rubyTime(text); !got.IsZero() {
			t.Errorf("%s: %v", text, got)
		}
	}
}
