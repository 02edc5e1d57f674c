package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

func TestWhatWentAnotherWayIsSaidWhenAsked(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		mail := &pigeon{name: "mail"}
		w.ways = []bot.Way{mail}
		g := &gauge{seen: checks.Observation{Summary: checks.Same("fine")}}
		w.more = []beside{{checks.Kind{Name: "certs", Title: checks.Text{En: "certificate", Ja: "証明書"}, Timeout: time.Minute}, g}}
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.carried(mail, testBegins)
		down := w.server.Misbehave(sandbox.Fault{Kind: sandbox.CutBefore})
		w.disk.set(ill(checks.Warning, checks.Now, "/ is 86 % full"))
		w.pass(10 * time.Minute)
		w.carried(mail, "[Warning] #1 / is 86 % full")
		down.Stop()
		w.pass(10 * time.Minute)
		g.set(ill(checks.Critical, checks.Now, "the certificate has expired"))
		w.pass(40 * time.Minute)
		w.carried(mail, "[Action needed] #2 still there after 30 min")
		w.heard(w.alice, &seen)
		for _, c := range []struct{ say, want string }{
			{"status", "Told by mail, because nobody had taken it: #2 (12:51)\nTold by mail, because my own server took no messages: #1 (12:04)\nNot set up:"},
			{"状態", "mailで通知済み（誰も対応に入っていなかったため）: 2番（12:51）\nmailで通知済み（自分のサーバーに送信できなかったため）: 1番（12:04）\n"},
			{"why 1", "Told: alice 12:11\nTold by mail at 12:04, because my own server took no messages.\n"},
			{"詳しく 2", "通知: aliceさん 12:21\n12:51にmailで通知（誰も対応に入っていなかったため）\n"},
			{"detail disk", "Told by mail at 12:04, because my own server took no messages.\nFix: "},
		} {
			got := strings.Join(w.ask(w.alice, &seen, c.say), "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("%q is answered\n%s\nwant in it\n%s", c.say, got, c.want)
			}
		}
		if got := strings.Join(w.ask(w.alice, &seen, "detail certs"), "\n"); strings.Count(got, "Told by mail") != 1 {
			t.Errorf("%s", got)
		}
	})
}

func TestAWayThatDoesNotReachEverybodySaysSo(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		mail := &pigeon{name: "mail"}
		mail.will = func(m bot.Message) bot.Receipt {
			return bot.Receipt{Outcome: bot.Delivered, ID: m.Key, Why: "recipient: the mail server answered 550 no such mailbox"}
		}
		w.ways = []bot.Way{mail}
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.carried(mail, testBegins)
		want := "Alarms reach you here and by mail.\nBy mail not everybody gets them (recipient: the mail server answered 550 no such mailbox)."
		if got := w.ask(w.alice, &seen, "status"); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q", got)
		}
		mail.work()
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(2 * time.Minute)
		w.carried(mail, "[Action needed] #1")
		if got := w.ask(w.alice, &seen, "status"); len(got) == 0 || !strings.Contains(got[len(got)-1], "Alarms reach you here and by mail (tested 1 Jan).") {
			t.Errorf("%q", got)
		}
	})
}
