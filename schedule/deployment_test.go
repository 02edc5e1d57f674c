package schedule

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

func TestWhatIsTakenForAnUpdate(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	restart := func(part string, at time.Time) checks.Event {
		return checks.Event{Code: checks.EventRestarted, Part: part, Subject: "mastodon-" + part + ".service", At: at}
	}
	version := func(v string) checks.Event {
		return checks.Event{Code: checks.EventUpdated, Subject: v, At: now}
	}
	web, jobs := restart(checks.PartWeb, ago(2*time.Minute)), restart(checks.PartSidekiq, ago(90*time.Second))
	running := Deployment{ID: 7, Began: ago(4 * time.Minute), Ends: ago(-6 * time.Minute)}
	over := Deployment{ID: 7, Began: ago(40 * time.Minute), Ends: ago(30 * time.Minute), Told: ago(29 * time.Minute)}
	long := Deployment{ID: 7, Began: ago(28 * time.Minute), Ends: ago(time.Second)}
	for _, c := range []struct {
		name          string
		fresh, recent []checks.Event
		last          Deployment
		want          Deployment
		changed       bool
	}{
		{
			"web and Sidekiq within a minute are an update",
			[]checks.Event{web, jobs},
			[]checks.Event{web, jobs},
			Deployment{},
			Deployment{Began: jobs.At, Ends: jobs.At.Add(10 * time.Minute)},
			true,
		},
		{
			"seen by two looks they are one too",
			[]checks.Event{jobs},
			[]checks.Event{web, jobs},
			Deployment{},
			Deployment{Began: jobs.At, Ends: jobs.At.Add(10 * time.Minute)},
			true,
		},
		{"web alone is none", []checks.Event{web}, []checks.Event{web}, Deployment{}, Deployment{}, false},
		{
			"two of Sidekiq's are none",
			[]checks.Event{jobs, restart(checks.PartSidekiq, ago(time.Minute))},
			[]checks.Event{jobs, restart(checks.PartSidekiq, ago(time.Minute))},
			Deployment{},
			Deployment{},
			false,
		},
		{
			"an hour apart is none",
			[]checks.Event{jobs},
			[]checks.Event{restart(checks.PartWeb, ago(time.Hour)), jobs},
			Deployment{},
			Deployment{},
			false,
		},
		{
			"another version is an update by itself",
			[]checks.Event{version("4.6.5")},
			[]checks.Event{version("4.6.5")},
			Deployment{},
			Deployment{Began: now, Ends: now.Add(10 * time.Minute), Version: "4.6.5"},
			true,
		},
		{
			"the version of an update under way is its name",
			[]checks.Event{version("4.6.5")},
			[]checks.Event{version("4.6.5")},
			running,
			Deployment{ID: 7, Began: running.Began, Ends: running.Ends, Version: "4.6.5"},
			true,
		},
		{
			"a second restart prolongs the silence",
			[]checks.Event{jobs},
			[]checks.Event{web, jobs},
			running,
			Deployment{ID: 7, Began: running.Began, Ends: jobs.At.Add(10 * time.Minute)},
			true,
		},
		{
			"but not for ever",
			[]checks.Event{jobs},
			[]checks.Event{web, jobs},
			long,
			Deployment{ID: 7, Began: long.Began, Ends: long.Began.Add(30 * time.Minute)},
			true,
		},
		{"the version that is noticed after its round begins no second one", []checks.Event{version("4.6.5")}, []checks.Event{version("4.6.5")}, over, over, false},
		{
			"a new restart after a round is a new update",
			[]checks.Event{jobs},
			[]checks.Event{web, jobs},
			over,
			Deployment{Began: jobs.At, Ends: jobs.At.Add(10 * time.Minute)},
			true,
		},
		{
			"restarts of before a long sleep are old news",
			[]checks.Event{restart(checks.PartWeb, ago(time.Hour)), restart(checks.PartSidekiq, ago(time.Hour))},
			[]checks.Event{restart(checks.PartWeb, ago(time.Hour)), restart(checks.PartSidekiq, ago(time.Hour))},
			Deployment{},
			Deployment{},
			false,
		},
		{"anything else is none", []checks.Event{{Code: "renewed", Subject: "example.social"}}, nil, Deployment{}, Deployment{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, changed := deployed(c.fresh, c.recent, c.last, now)
			if got != c.want || changed != c.changed {
				t.Errorf("got  %+v %v\nwant %+v %v", got, changed, c.want, c.changed)
			}
		})
	}
}
