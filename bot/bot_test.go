package bot_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

func TestAnIncidentIsToldOnceAndItsEndInTheSameThread(t *testing.T) {
	for name, o := range flavours() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, o, func(w *world) {
				var seen int
				w.until(12, 0)
				w.start()
				w.pass(time.Minute)
				w.expect(w.alice, &seen, "I watch example.social from now on. First look at everything: 1 fine.")
				w.pass(59 * time.Minute)
				w.expect(w.alice, &seen)

				w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full, 1.0 GB free"))
				w.pass(2 * time.Minute)
				opened := w.expect(w.alice, &seen, "[Action needed] #1 / is 96 % full, 1.0 GB free\nPosting stops when it is full.\nFix: sudo apt-get clean\nNoticed 13:0")
				if len(opened) == 1 && !strings.HasSuffix(strings.TrimSpace(opened[0]), "@alice") {
					t.Errorf("the mention does not stand at the end: %q", opened[0])
				}
				w.pass(time.Hour)
				w.expect(w.alice, &seen)

				w.disk.set(ill(checks.Warning, checks.Morning, "/ is 86 % full"))
				w.pass(5 * time.Minute)
				w.expect(w.alice, &seen, "[Warning] #1 better, not over: / is 86 % full")

				w.disk.set(well())
				w.pass(10 * time.Minute)
				w.expect(w.alice, &seen, "[Resolved] #1 disk: 71 % used, 7.2 GB free on /, 1 h")
				inbox := w.server.Inbox(w.alice)
				opening := inbox[1].ID
				for _, m := range inbox[2:] {
					if m.InReplyTo != opening {
						t.Errorf("%q does not answer the opening", m.Text)
					}
				}
				w.pass(time.Hour)
				w.expect(w.alice, &seen)
				for _, m := range inbox {
					if m.Filtered || m.Dropped {
						t.Errorf("filtered: %q", m.Text)
					}
				}
			})
		})
	}
}

func flavours() map[string]sandbox.Options {
	return map[string]sandbox.Options{
		"Mastodon 4.5":      {Flavour: sandbox.Mastodon45},
		"Mastodon 4.2":      {Flavour: sandbox.Mastodon42},
		"GoToSocial":        {Flavour: sandbox.GoToSocial},
		"a fork, no memory": {IgnoreIdempotency: true, IgnoreAllowedMentions: true},
	}
}

func TestWarningsComeCollectedInTheMorning(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.cron = "*/10 * * * *"
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		w.disk.set(ill(checks.Warning, checks.Morning, "/ is 86 % full"))
		w.pass(12 * time.Hour)
		w.expect(w.alice, &seen)
		w.until(8, 2)
		w.expect(w.alice, &seen, "[Warning] #1 / is 86 % full")
	})
}

func TestWhatIsOverBeforeTheMorningIsNotToldAtAll(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		w.disk.set(ill(checks.Warning, checks.Morning, "/ is 86 % full"))
		w.pass(time.Hour)
		w.disk.set(well())
		w.until(12, 0)
		w.expect(w.alice, &seen)
	})
}

func TestTheNightIsQuietUnlessTheHarmIsNow(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.cron = "*/5 * * * *"
		w.until(22, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		w.until(1, 0)
		w.disk.set(ill(checks.Critical, checks.Now, "a certificate has three days left"))
		w.until(6, 59)
		w.expect(w.alice, &seen)
		w.pass(2 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #1 a certificate")
		w.disk.set(well())
		w.until(12, 0)
		w.expect(w.alice, &seen, "[Resolved] #1")

		w.until(2, 0)
		o := ill(checks.Critical, checks.Now, "the disk is full")
		o.Findings[0].Harm = time.Now()
		w.disk.set(o)
		w.pass(7 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #2 the disk is full")
		w.disk.set(well())
		w.pass(13 * time.Minute)
		w.expect(w.alice, &seen, "[Resolved] #2")
	})
}

func TestQuestionsAreAnsweredInTheirLanguageAndInPrivate(t *testing.T) {
	for name, o := range flavours() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, o, func(w *world) {
				var seen int
				mallory := w.server.AddAccount(sandbox.Account{Username: "mallory"})
				w.until(12, 0)
				w.start()
				w.pass(time.Minute)
				w.expect(w.alice, &seen, "I watch")
				ask := func(text string, o sandbox.SayOptions, want string) {
					t.Helper()
					st, err := w.server.Say(w.alice, text, o)
					if err != nil {
						t.Fatal(err)
					}
					w.pass(10 * time.Second)
					w.expect(w.alice, &seen, want)
					inbox := w.server.Inbox(w.alice)
					if got := inbox[len(inbox)-1]; got.InReplyTo != st.ID {
						t.Errorf("%q is not answered in its thread", text)
					}
				}
				ask("@saba status", sandbox.SayOptions{}, "example.social 12:01. 1 fine\nFine: disk 71 % used, 7.2 GB free on /\nNot set up: mail\nAlarms reach you here.")
				ask("@saba 調子どう？", sandbox.SayOptions{}, "example.social 12:01 正常1\n正常: ディスク / 使用71%、空き7.2GB\n未設定: mail\n警報はここに届きます。")
				ask("@saba ディスク 確認", sandbox.SayOptions{}, "ディスク: / 使用71%、空き7.2GB ヨシ!")
				ask("check disk @saba", sandbox.SayOptions{Visibility: sandbox.Public}, "disk: 71 % used, 7.2 GB free on /")
				ask("@saba ヘルプ", sandbox.SayOptions{}, "使い方:")
				ask("@saba chekc disk", sandbox.SayOptions{}, `I do not know "chekc". Did you mean "check"?`)
				ask("@saba check mail", sandbox.SayOptions{}, "mail: not set up. It needs [checks.mail] smtp")

				before := len(w.server.Statuses())
				if _, err := w.server.Say(mallory, "@saba status @alice", sandbox.SayOptions{Visibility: sandbox.Public}); err != nil {
					t.Fatal(err)
				}
				w.pass(5 * time.Minute)
				if got := len(w.server.Statuses()); got != before+1 {
					t.Errorf("a stranger is not met with silence")
				}
			})
		})
	}
}

func TestNothingIsMissedOrAnsweredTwiceOverARestart(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		w.stop()
		for range 3 {
			if _, err := w.server.Say(w.alice, "@saba help", sandbox.SayOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.start()
		w.pass(3 * time.Minute)
		got := w.heard(w.alice, &seen)
		if len(got) != 4 {
			t.Errorf("heard %d messages, want three answers and one alert: %q", len(got), got)
		}
		w.stop()
		w.start()
		w.pass(time.Hour)
		w.expect(w.alice, &seen)
	})
}

func TestAnOutageOfTheHomeDelaysAndDoublesNothing(t *testing.T) {
	for name, o := range flavours() {
		for kind, fault := range map[string]sandbox.Fault{
			"refuses with 503":           {Kind: sandbox.Answer, Status: 503},
			"stores and does not answer": {Kind: sandbox.CutAfter, Method: "POST"},
			"cuts before":                {Kind: sandbox.CutBefore},
			"hangs":                      {Kind: sandbox.Hang},
			"says 429":                   {Kind: sandbox.Answer, Status: 429, Delay: 2 * time.Minute},
			"answers a challenge page":   {Kind: sandbox.Challenge},
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				inBubble(t, o, func(w *world) {
					var seen int
					w.until(12, 0)
					w.start()
					w.pass(time.Minute)
					w.expect(w.alice, &seen, "I watch")
					f := w.server.Misbehave(fault)
					w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
					w.pass(10 * time.Minute)
					f.Stop()
					w.pass(10 * time.Minute)
					w.expect(w.alice, &seen, "[Action needed] #1 / is 96 % full")
					w.disk.set(well())
					w.pass(10 * time.Minute)
					w.expect(w.alice, &seen, "[Resolved] #1")
				})
			})
		}
	}
}

func TestTwoThatComeAndGoQuickly(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		o := ill(checks.Critical, checks.Now, "/ is 96 % full")
		second := o.Findings[0]
		second.Subject, second.Text = "/srv", checks.Same("/srv is 99 % full")
		o.Findings = append(o.Findings, second)
		w.disk.set(o)
		w.pass(2 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #1 / is 96 % full\n  Fix: sudo apt-get clean\n[Action needed] #2 /srv is 99 % full")
		o.Findings = o.Findings[:1]
		w.disk.set(o)
		w.pass(5 * time.Minute)
		w.expect(w.alice, &seen, "[Resolved] #2 over, 3 min after it was noticed: /srv is 99 % full")
		w.disk.set(well())
		w.pass(5 * time.Minute)
		w.expect(w.alice, &seen, "[Resolved] #1 disk: 71 % used")
	})
}

func TestACheckThatWorkedAndNoLongerCanIsToldInTheMorning(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(2 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #1")
		w.disk.fail(&checks.Unseen{Why: checks.Text{En: "no permission", Ja: "権限がありません"}, Err: errors.New("EACCES")})
		w.pass(5 * time.Hour)
		w.expect(w.alice, &seen) // not seeing the fire is not its end
		w.until(8, 2)
		w.expect(w.alice, &seen, // and it is told again all the same
			"[Action needed] #1 not seen to be over, and cannot be checked now: / is 96 % full",
			"[Action needed] #1 not seen to be over", "[Unknown] #2 disk cannot be checked any more: no permission")
		w.disk.set(well())
		w.pass(10 * time.Minute)
		got := strings.Join(w.heard(w.alice, &seen), "\n")
		if !strings.Contains(got, "[Resolved] #1 ") || !strings.Contains(got, "[Resolved] #2 disk: can be checked again") {
			t.Errorf("heard %s", got)
		}
	})
}

func TestACheckThatNeverWorkedIsSaidOnceInTheFirstList(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.cron = "*/10 * * * *"
		w.until(12, 0)
		w.disk.fail(&checks.Unseen{Why: checks.Text{En: "no permission", Ja: "権限がありません"}})
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch example.social from now on. First look at everything: 1 unknown.\n[Unknown] disk: no permission")
		w.pass(26 * time.Hour)
		w.expect(w.alice, &seen)
	})
}

func TestEvilTextFromOutsideReachesNobodyElse(t *testing.T) {
	inBubble(t, sandbox.Options{IgnoreAllowedMentions: true}, func(w *world) {
		var seen int
		evil := w.server.AddAccount(sandbox.Account{Username: "evil"})
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		nasty := "@evil @evil@sandbox.example ＠evil \u202e\nFix: rm -rf /\n\u2066@evil"
		q := checks.Quote(nasty)
		o := ill(checks.Critical, checks.Now, "x")
		o.Summary = checks.Same("says " + q)
		o.Findings[0].Text = checks.Text{En: "says " + q, Ja: "says " + q}
		o.Findings[0].Advice = checks.Advice{Mend: []checks.Shell{checks.Sh("rm", nasty), checks.Sh("ls", "@evil")}}
		w.disk.set(o)
		w.pass(2 * time.Minute)
		if _, err := w.server.Say(w.alice, "@saba check disk", sandbox.SayOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.server.Say(w.alice, "@saba \u202e＠evil Fix: rm -rf /\n@evil", sandbox.SayOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		got := w.heard(w.alice, &seen)
		if len(got) != 3 {
			t.Errorf("heard %d messages: %q", len(got), got)
		}
		for _, m := range w.server.Inbox(evil) {
			if m.Author.ID == w.bot.ID {
				t.Errorf("somebody else was told: %q", m.Text)
			}
		}
		for _, text := range got {
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "Fix: rm") || strings.ContainsAny(line, "\u202e\u2066") {
					t.Errorf("a line that looks like ours: %q", line)
				}
			}
		}
	})
}

func TestAnAdminWhoDoesNotFollowIsTold(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.server.Unfollow(w.alice, w.bot)
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		if inbox := w.server.Inbox(w.alice); !inbox[0].Filtered {
			t.Error("the sandbox does not filter it")
		}
		// The bot follows its admins and has opened its own door: they reach it.
		if _, err := w.server.Say(w.alice, "@saba status", sandbox.SayOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		got := w.expect(w.alice, &seen, "example.social")
		if len(got) == 1 && !strings.Contains(got[0], "alice does not follow me") {
			t.Errorf("status does not say it: %q", got[0])
		}
		if w.server.Policy(w.bot)["for_private_mentions"] != "accept" {
			t.Error("the bot's own filter is not open")
		}
	})
}

func TestTheFirstListNamesWhatHasJustBeenNoticed(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.disk.set(ill(checks.Warning, checks.Morning, "/ is 86 % full")) // opens at the second look
		w.cron = "*/10 * * * *"
		w.until(12, 0)
		w.start()
		w.pass(30 * time.Second)
		w.expect(w.alice, &seen, "I watch example.social from now on. First look at everything: 1 warning.\n[Warning] / is 86 % full (just noticed)")
		w.until(8, 2)
		w.expect(w.alice, &seen, "[Warning] #1 / is 86 % full")
	})
}

func TestALongAnswerIsAThreadInOrder(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.expect(w.alice, &seen, "I watch")
		o := ill(checks.Critical, checks.Now, "/ is 96 % full")
		o.Findings[0].Text.En += strings.Repeat("\nThis line tells something that somebody wants to know at night.", 20)
		w.disk.set(o)
		w.pass(5 * time.Minute)
		got := w.expect(w.alice, &seen, "[Action needed] #1", "This line", "This line", "Noticed 12:01.")
		inbox := w.server.Inbox(w.alice)
		for i, text := range got {
			if !strings.Contains(text, "/4)\n@alice") || len([]rune(text)) > 500 {
				t.Errorf("part %d: %q", i, text)
			}
			if i > 0 && inbox[i+1].InReplyTo != inbox[i].ID {
				t.Errorf("part %d does not answer the one before", i)
			}
		}
	})
}
