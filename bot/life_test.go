package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// harmful is a critical sight whose harm is now.
func harmful(headline string) checks.Observation {
	o := ill(checks.Critical, checks.Now, headline)
	o.Findings[0].Harm = time.Now()
	return o
}

func TestAnAckStopsTheRemindersUntilItGetsWorse(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen, bobs int
		bob := w.withBob()
		w.cron, w.poll = "*/30 * * * *", 2*time.Hour
		w.until(8, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(40 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #1 / is 96 % full")
		w.expect(bob, &bobs, "【要対応】1番 / is 96 % full")
		w.pass(6 * time.Hour)
		w.expect(w.alice, &seen, "[Action needed] #1 still there after 6 h: / is 96 % full")
		w.expect(bob, &bobs, "【要対応】1番 検知から6時間、続いています: / is 96 % full")
		w.ask(w.alice, &seen, "ack 1 ordering a disk")
		w.expect(bob, &bobs, "aliceさんが1番（/ is 96 % full）に対応中です「ordering a disk」")
		w.pass(3 * 24 * time.Hour)
		w.stop()
		w.start() // what somebody is on survives a restart
		w.pass(3*24*time.Hour + 12*time.Hour)
		w.expect(w.alice, &seen, "To do this week: 1 action needed.\n[Action needed] #1 / is 96 % full (noticed 47 h ago) (alice is on it)")
		w.heard(bob, &bobs)
		w.pass(15 * time.Hour)
		w.expect(w.alice, &seen, "[Action needed] #1 still there a week after it was taken: / is 96 % full")
		w.disk.set(well())
		w.pass(70 * time.Minute)
		w.expect(w.alice, &seen, "[Resolved] #1 disk: 71 % used")
	})
}

func TestASnoozeComesBackByItselfAndAtOnceWhenItIsWorse(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.cron = "*/5 * * * *"
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.disk.set(ill(checks.Warning, checks.Morning, "/ is 86 % full"))
		w.until(8, 2)
		w.expect(w.alice, &seen, "[Warning] #1 / is 86 % full")
		got := w.ask(w.alice, &seen, "snooze 1 until tomorrow 12:00 disk is ordered")
		if len(got) != 1 || !strings.HasPrefix(got[0], "Nothing about #1 (/ is 86 % full) until 3 Jan 12:00, unless it gets worse.") {
			t.Errorf("heard %q", got)
		}
		w.until(13, 0)
		w.until(13, 0) // Monday, 3 January 2000
		w.expect(w.alice, &seen, "To do this week: 1 warning.\n[Warning] #1 / is 86 % full (noticed 43 h ago) (snoozed until 12:00)")
		w.until(8, 2)
		w.expect(w.alice, &seen, "[Warning] #1 the snooze is over, still there: / is 86 % full")
		w.ask(w.alice, &seen, "あとで 1 3日")
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(10 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #1 worse: / is 96 % full")
		w.disk.set(well())
		w.pass(time.Hour)
		w.expect(w.alice, &seen, "[Resolved] #1")
	})
}

func TestASnoozedCheckIsSilentAndEndsByAMention(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.ask(w.alice, &seen, "snooze disk 3d")
		w.disk.set(ill(checks.Warning, checks.Now, "/ is 86 % full"))
		w.pass(time.Hour)
		w.expect(w.alice, &seen)
		got := w.ask(w.alice, &seen, "unsnooze disk")
		w.pass(time.Minute)
		got = append(got, w.heard(w.alice, &seen)...)
		if len(got) != 2 || !strings.HasPrefix(got[0], "Not snoozed any more: disk.") || !strings.HasPrefix(got[1], "[Warning] #1 / is 86 % full") {
			t.Errorf("heard %q", got)
		}
	})
}

func TestAMaintenanceIsSilentAndEndsWithOneMessage(t *testing.T) {
	for _, c := range []struct {
		name    string
		breaks  bool
		mends   bool
		earlier bool
		want    []string
	}{
		{"all is well", false, false, false, []string{"[Resolved] after the maintenance: 1 check, all fine"}},
		{"it broke something and mended it", true, true, false, []string{"[Resolved] after the maintenance: 1 check, all fine"}},
		{"it broke something", true, false, false, []string{"[Action needed] after the maintenance: 0 of 1 check fine"}},
		{"it ends before its time", true, false, true, []string{"Maintenance is over.", "[Action needed] after the maintenance: 0 of 1 check fine"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				var seen, bobs int
				w.update = true
				bob := w.withBob()
				w.until(12, 0)
				w.start()
				w.pass(time.Minute)
				w.heard(w.alice, &seen)
				w.heard(bob, &bobs)
				w.ask(w.alice, &seen, "maintenance 2h new disk")
				w.expect(bob, &bobs, "aliceさんが14:01までメンテナンスを行います「new disk」")
				if c.breaks {
					w.disk.set(harmful("the disk is gone"))
				}
				w.pass(time.Hour)
				w.expect(w.alice, &seen)
				w.expect(bob, &bobs)
				if c.mends {
					w.disk.set(well())
				}
				if c.earlier {
					if _, err := w.server.Say(w.alice, "@saba maintenance off", sandbox.SayOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				w.stop()
				w.start()
				w.pass(90 * time.Minute)
				w.expect(w.alice, &seen, c.want...)
				if got := w.heard(bob, &bobs); len(got) != 1 {
					t.Errorf("bob heard %q", got)
				}
			})
		})
	}
}

func TestWhatNobodyTookIsToldToTheNextAdmin(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen, bobs int
		bob := w.withBob()
		w.admins[1].Hears, w.admins[1].Lang = bot.HearsEscalation, checks.English
		w.until(8, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(time.Hour)
		w.expect(bob, &bobs)
		w.pass(time.Hour + 5*time.Minute)
		w.expect(bob, &bobs, "[Action needed] #1 nobody has taken it: / is 96 % full")
		w.disk.set(well())
		w.pass(10 * time.Minute)
		w.expect(bob, &bobs, "[Resolved] #1")
		// And not where somebody does.
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 97 % full"))
		w.pass(5 * time.Minute)
		w.heard(w.alice, &seen)
		w.ask(w.alice, &seen, "ack 2")
		w.pass(8 * time.Hour)
		w.expect(bob, &bobs)
		w.disk.set(well())
		w.pass(10 * time.Minute)
		w.expect(bob, &bobs)
	})
}

func TestWhatComesAndGoesIsToldAsThat(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.flap = true
		w.until(8, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		for range 12 {
			w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
			w.pass(20 * time.Minute)
			w.disk.set(well())
			w.pass(20 * time.Minute)
		}
		w.expect(w.alice, &seen, "[Action needed] #1 / is 96 % full", "[Resolved] #1", "[Action needed] #2 / is 96 % full",
			"[Action needed] #2 comes and goes: / is 96 % full\nIt changed 4 times within a day.")
		w.pass(25 * time.Hour)
		w.expect(w.alice, &seen, "[Resolved] #2 quiet for a day now: / is 96 % full")
	})
}

func TestKnownAllPutsAwayWhatIsNotUrgent(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.disk.set(ill(checks.Warning, checks.Morning, "/ is 86 % full"))
		w.cron = "*/5 * * * *"
		w.until(12, 0)
		w.start()
		w.pass(30 * time.Second)
		w.expect(w.alice, &seen, "I watch example.social from now on. First look at everything: 1 warning.\n[Warning] / is 86 % full (just noticed)")
		if got := w.ask(w.alice, &seen, "known all"); len(got) != 1 || !strings.HasPrefix(got[0], "Noted: what I have just noticed counts as known.") {
			t.Errorf("heard %q", got)
		}
		w.until(12, 0)
		w.expect(w.alice, &seen)
		w.until(12, 0) // Monday
		w.expect(w.alice, &seen, "This week: nothing to do (1 known).\nKnown: #1 / is 86 % full (44 h)")
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(10 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #1 worse: / is 96 % full")
	})
}

func TestALongLookAnswersAtOnceAndThenWithTheResult(t *testing.T) {
	for _, c := range []struct {
		name string
		long bool
		took time.Duration
		want []string
	}{
		{"a kind that is known to take long", true, 5 * time.Second, []string{"Looking at disk; this takes a while.", "disk: 71 % used"}},
		{"one that happens to", false, 40 * time.Second, []string{"Looking at disk; this takes a while.", "disk: 71 % used"}},
		{"one that does not", false, time.Second, []string{"disk: 71 % used"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				var seen int
				w.cron, w.long = "0 0 * * *", c.long
				w.until(12, 0)
				w.start()
				w.pass(3 * time.Minute)
				w.heard(w.alice, &seen)
				w.disk.mu.Lock()
				w.disk.took = c.took
				w.disk.mu.Unlock()
				st, err := w.server.Say(w.alice, "@saba check disk", sandbox.SayOptions{})
				if err != nil {
					t.Fatal(err)
				}
				w.pass(time.Minute)
				w.expect(w.alice, &seen, c.want...)
				inbox := w.server.Inbox(w.alice)
				for _, m := range inbox[len(inbox)-len(c.want):] {
					if m.InReplyTo != st.ID {
						t.Errorf("%q is not in the thread", m.Text)
					}
				}
			})
		})
	}
}

func TestALookByMentionThatEndsAnIncidentSaysSo(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen, bobs int
		bob := w.withBob()
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(130 * time.Minute)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		w.disk.set(well())
		w.pass(time.Minute) // the first good look of two
		got := w.ask(w.alice, &seen, "check disk")
		if len(got) != 1 || !strings.Contains(got[0], "\n#1 fixed, 2 h 10 min after it was noticed.") {
			t.Errorf("heard %q", got)
		}
		w.pass(10 * time.Minute)
		w.expect(w.alice, &seen, "[Resolved] #1") // in the incident's own thread
		w.expect(bob, &bobs, "【解消】1番")
	})
}

func TestOldMessagesAreDeletedGently(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		w.cron = "0 0 * * *"
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		for range 25 {
			if _, err := w.server.Say(w.alice, "@saba help", sandbox.SayOptions{}); err != nil {
				t.Fatal(err)
			}
			w.pass(10 * time.Second)
		}
		own := func() int {
			n := 0
			for _, st := range w.server.Statuses() {
				if st.Author.ID == w.bot.ID {
					n++
				}
			}
			return n
		}
		before := own()
		w.stop()
		w.pass(89 * 24 * time.Hour)
		w.start()
		w.pass(time.Hour)
		if got := own(); got != before {
			t.Errorf("%d of %d are left after 89 days", got, before)
		}
		w.stop()
		w.pass(2 * 24 * time.Hour)
		w.start()
		w.pass(time.Minute)
		if got := before - own(); got < 10 || got > 20 {
			t.Errorf("%d were deleted at once", got)
		}
		w.stop()
		w.start()
		w.pass(10 * time.Minute)
		if got := before - own(); got > 20 {
			t.Errorf("%d were deleted within half an hour, over a restart", got)
		}
		w.pass(3 * time.Hour)
		if got := own(); got != 0 {
			t.Errorf("%d are left", got)
		}
		if got := w.count("mention"); got != 0 {
			t.Errorf("%d questions are still kept", got)
		}
	})
}

// TestWhoHearsOnlyWhatIsUrgentIsNotToldOfTheRest: neither in the first list nor by
// what others say about it.
func TestWhoHearsOnlyWhatIsUrgentIsNotToldOfTheRest(t *testing.T) {
	for _, hears := range []bot.Hears{bot.HearsCritical, bot.HearsEscalation} {
		t.Run(string(hears), func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				var seen, bobs int
				bob := w.withBob()
				w.admins[1].Hears, w.admins[1].Lang = hears, checks.English
				blind := &gauge{err: &checks.Unseen{Why: checks.Same("PostgreSQL does not let me in")}}
				w.more = []beside{{checks.Kind{Name: "database", Title: checks.Same("database"), Timeout: time.Minute}, blind}}
				w.disk.set(ill(checks.Warning, checks.Now, "/ is 86 % full"))
				w.until(12, 0)
				w.start()
				w.pass(5 * time.Minute)
				w.expect(w.alice, &seen, "I watch example.social from now on. First look at everything: 1 warning, 1 unknown.\n[Warning] #1 / is 86 % full\n")
				got := w.expect(bob, &bobs, "I watch example.social from now on. First look at everything: 1 warning, 1 unknown.\nReply \"status\"")
				if len(got) == 1 && strings.Contains(got[0], "known all") {
					t.Errorf("what cannot be done is offered: %q", got[0])
				}
				for _, say := range []string{"known 1", "unsnooze 1", "known all"} {
					w.ask(w.alice, &seen, say)
				}
				w.expect(bob, &bobs)
			})
		})
	}
}
