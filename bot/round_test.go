package bot_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// deployed adds to a sight that web and Sidekiq were just restarted.
func deployed(o checks.Observation, at time.Time, version string) checks.Observation {
	o.Events = []checks.Event{
		{At: at, Code: checks.EventRestarted, Part: checks.PartWeb, Subject: "mastodon-web.service"},
		{At: at.Add(20 * time.Second), Code: checks.EventRestarted, Part: checks.PartSidekiq, Subject: "mastodon-sidekiq.service"},
	}
	if version != "" {
		o.Events = append(o.Events, checks.Event{At: at, Code: checks.EventUpdated, Subject: version})
	}
	return o
}

func TestAfterAnUpdateOneMessageTellsHowAllOfItStands(t *testing.T) {
	for _, c := range []struct {
		name    string
		version string
		lang    checks.Lang
		want    string
	}{
		{"updated", "4.6.5", checks.English, "[Resolved] after the update to 4.6.5: 1 check, all fine"},
		{"updated, in Japanese", "4.6.5", checks.Japanese, "【参考】更新後の確認（4.6.5）: 1項目すべて正常です。ヨシ!"},
		{"restarted", "", checks.English, "[Resolved] after the restart of 09:01: 1 check, all fine"},
		{"restarted, in Japanese", "", checks.Japanese, "【参考】再起動後の確認（09:01）: 1項目すべて正常です。ヨシ!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.update, w.admins[0].Lang = true, c.lang
				time.Sleep(9 * time.Hour) // a bubble begins at midnight
				w.start()
				w.pass(time.Minute)
				seen := 0
				w.heard(w.alice, &seen)
				w.disk.set(deployed(well(), time.Now(), c.version))
				w.pass(9 * time.Minute)
				w.expect(w.alice, &seen)
				w.pass(4 * time.Minute)
				w.expect(w.alice, &seen, c.want)
				w.pass(time.Hour)
				w.expect(w.alice, &seen)
				w.stop()
			})
		})
	}
}

func TestWhatAnUpdateBrokeIsInTheRoundAndNotToldTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.update = true
		time.Sleep(9 * time.Hour)
		w.start()
		w.pass(time.Minute)
		seen := 0
		w.heard(w.alice, &seen)
		w.disk.set(deployed(ill(checks.Critical, checks.Now, "the web page has no scripts"), time.Now(), "4.6.5"))
		w.pass(9 * time.Minute)
		w.expect(w.alice, &seen)
		w.pass(5 * time.Minute)
		got := w.expect(w.alice, &seen, "[Action needed] after the update to 4.6.5: 0 of 1 check fine")
		if len(got) == 1 && !strings.Contains(got[0], "[Action needed] #1 the web page has no scripts") {
			t.Errorf("the finding is missing:\n%s", got[0])
		}
		w.pass(time.Hour)
		w.expect(w.alice, &seen)
		w.disk.set(well())
		w.pass(5 * time.Minute)
		w.expect(w.alice, &seen, "[Resolved] #1")
		w.stop()
	})
}

func TestAnUpdateAtNightIsToldInTheMorningAndSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		w.update = true
		w.admins = append(w.admins, bot.Admin{
			Account: "bob", Hears: bot.HearsEscalation, Topics: []string{"all"}, Lang: checks.English, Zone: time.UTC,
		})
		bob := w.server.AddAccount(sandbox.Account{Username: "bob"})
		time.Sleep(12 * time.Hour)
		w.start()
		w.pass(14 * time.Hour) // two in the night
		seen, bobs := 0, 0
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		w.disk.set(deployed(well(), time.Now(), ""))
		w.pass(3 * time.Minute)
		w.stop()
		w.start()
		w.pass(30 * time.Minute)
		w.expect(w.alice, &seen)
		w.pass(5 * time.Hour)
		w.expect(w.alice, &seen, "[Resolved] after the restart of")
		w.expect(bob, &bobs)
		w.stop()
	})
}
