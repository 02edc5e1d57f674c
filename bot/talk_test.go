package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// ask says something to the bot and returns what it answers.
func (w *world) ask(who sandbox.Account, seen *int, text string) []string {
	w.t.Helper()
	if _, err := w.server.Say(who, "@saba "+text, sandbox.SayOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.pass(12 * time.Second)
	return w.heard(who, seen)
}

// withBob adds a second admin, who reads Japanese.
func (w *world) withBob() sandbox.Account {
	bob := w.server.AddAccount(sandbox.Account{Username: "bob"})
	w.server.Follow(bob, w.bot)
	w.admins = append(w.admins, bot.Admin{
		Account: "bob", Hears: bot.HearsAll, Topics: []string{"all"}, Lang: checks.Japanese, Zone: time.UTC,
		Quiet: bot.Quiet{From: 23 * 60, To: 7 * 60}, Morning: 8 * 60,
	})
	return bob
}

func TestAConversationInBothLanguages(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen, bobs int
		bob := w.withBob()
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		o := ill(checks.Critical, checks.Now, "/ is 96 % full")
		o.Measures = []checks.Measure{{Name: "available_bytes", Subject: "/", Value: 1.1e9, Unit: checks.Bytes}}
		o.Events = []checks.Event{{At: time.Now().Add(-10 * time.Minute), Code: "upgraded", Subject: "nginx", Text: checks.Text{En: "nginx was upgraded", Ja: "nginxが更新されました"}}}
		w.disk.set(o)
		w.pass(2 * time.Minute)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		for _, c := range []struct {
			say, want string // a line in the answer that begins so
			bob       string // what bob hears of it
		}{
			{"status", "[Action needed] #1 / is 96 % full", ""},
			{"状態", "【要対応】1番 / is 96 % full", ""},
			{"1", "[Action needed] #1 / is 96 % full", ""},
			{"why 1", "Just before: 11:51 nginx was upgraded", ""},
			{"why 1", "Now: available 1.0 GB", ""},
			{"why 1", "Told: alice 12:01, bob 12:01", ""},
			{"詳しく 1", "直前の変化: 11:51 nginxが更新されました", ""},
			{"ack 1 ordering a Disk", "You are on #1 (/ is 96 % full). No reminders until 8 Jan 12:0", "aliceさんが1番（/ is 96 % full）に対応中です「ordering a Disk」"},
			{"why 1", "12:04 alice took it: \"ordering a Disk\"", ""},
			{"状態", "【要対応】1番 / is 96 % full（aliceさんが対応中）", ""},
			{"対応取消 1番", "1番（/ is 96 % full）の対応を取り消しました。催促を再開します。", "1番の対応は取り消されました（aliceさん）"},
			{"unack 1", "Nobody was on #1 (/ is 96 % full).", ""},
			{"snooze 1 3d", "It is urgent, so 24 h is the longest.", "aliceさんが1番（/ is 96 % full）を1/2（日）12:0"},
			{"ディスク あとで 2時間 部品待ち", "ディスクは、悪化しない限り14:0", "aliceさんがディスクを14:0"},
			{"unsnooze", "Which one? Snoozed are:", ""},
			{"保留解除 全部", "2件の保留を解除しました。", "aliceさんが"},
			{"known all", "Nothing was put away: what is open needs action, #1 (/ is 96 % full).", ""},
			{"history disk", "disk: 1 time since 1 Jan, ", ""},
			{"履歴 ディスク", "【要対応】1番 12:01から", ""},
			{"normal disk", "What is usual I can tell after seven days of measures.", ""},
			{"普段 ディスク", "/ 空き 1.0GB", ""},
			{"detail disk", "disk, looked at 12:", ""},
			{"why quiet", "Not set up, so never heard of: mail", ""},
			{"なぜ静か？", "最後に届いたのは12:", ""},
			{"静かに", "どうしましょうか？", ""},
			{"version", "sababan ", ""},
			{"help snooze", "At most 30 days, and a day for what is down now; it comes back by itself.", ""},
			{"ヘルプ メンテ", "メンテ 2時間［メモ］、メンテ終了 – ", ""},
			{"why 99", "There is no #99.", ""},
			{"99番 対応します", "99番は現在続いていません。", ""},
			{"history", "[Action needed] #1 since 12:01, ", ""},
			{"履歴", "最近のこと:", ""},
			{"snooze 1 until 2020-01-01", "It is urgent, so 24 h is the longest.", "aliceさんが1番"},
			{"snooze 1 until 1999-12-31", "That is past already. Nothing is snoozed.", ""},
			{"check disk\nversion\nthanks!", "sababan ", ""},
			{"recheck", "[Action needed] #1 / is 96 % full", ""},
			{"frobnicate", "I do not know \"frobnicate\".", ""},
		} {
			got := strings.Join(w.ask(w.alice, &seen, c.say), "\n")
			if !strings.Contains("\n"+got, "\n"+c.want) {
				t.Errorf("%q is answered\n%s\nwant a line\n%s", c.say, got, c.want)
			}
			told := w.heard(bob, &bobs)
			if c.bob == "" && len(told) > 0 || c.bob != "" && (len(told) == 0 || !strings.HasPrefix(told[0], c.bob)) {
				t.Errorf("%q: bob heard %q, want %q", c.say, told, c.bob)
			}
		}
	})
}

func TestNobodyElseIsAnsweredOrMayChangeAnything(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen, strange int
		mallory := w.server.AddAccount(sandbox.Account{Username: "mallory"})
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(2 * time.Minute)
		w.heard(w.alice, &seen)
		for _, text := range []string{"ack 1", "maintenance 12h", "snooze disk 30d", "known all"} {
			w.ask(mallory, &strange, text)
		}
		w.expect(mallory, &strange)
		w.expect(w.alice, &seen)
		// A question that names others is answered to the one who asks.
		w.ask(w.alice, &seen, "ack 1 @mallory is told nothing")
		for _, m := range w.server.Inbox(mallory) {
			if m.Author.ID == w.bot.ID {
				t.Errorf("mallory heard %q", m.Text)
			}
		}
		if n := w.count("deed"); n != 1 {
			t.Errorf("%d deeds are written down, want alice's one", n)
		}
	})
}

func TestAReplyToAMessageNeedsNoNumber(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.more = append(w.more, beside{checks.Kind{Name: "memory", Title: checks.Same("memory"), Timeout: time.Minute}, &gauge{seen: well()}})
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(2 * time.Minute)
		w.more[0].gauge.set(ill(checks.Critical, checks.Now, "memory is full"))
		w.pass(3 * time.Minute)
		w.expect(w.alice, &seen, "I watch", "[Action needed] #1 / is 96 % full", "[Action needed] #2 memory is full")
		inbox := w.server.Inbox(w.alice)
		second, first := inbox[len(inbox)-1].ID, inbox[0].ID
		reply := func(to, text, want string) {
			t.Helper()
			if _, err := w.server.Say(w.alice, "@saba "+text, sandbox.SayOptions{InReplyTo: to}); err != nil {
				t.Fatal(err)
			}
			w.pass(12 * time.Second)
			w.expect(w.alice, &seen, want)
		}
		reply(second, "ack", "You are on #2 (memory is full).")
		reply(second, "詳しく", "【要対応】2番 memory is full")
		reply(second, "あとで 2時間", "2番（memory is full）は、悪化しない限り14:")
		reply(second, "recheck", "[Action needed] #2 memory is full")
		reply(second, "why 1", "[Action needed] #1 / is 96 % full")
		reply(second, "status", "example.social 12:0")
		reply(first, "ack", "Which one? Open are:")
	})
}

func TestWhatIsKnownCanBeUnknownAgain(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.disk.set(ill(checks.Warning, checks.Morning, "/ is 86 % full"))
		w.until(12, 0)
		w.start()
		w.pass(3 * time.Minute)
		w.heard(w.alice, &seen)
		for _, c := range []struct{ say, want string }{
			{"known all", "Known: #1 (/ is 86 % full)."},
			{"unsnooze", "None of that is snoozed."},
			{"既知解除 1", "1番（/ is 86 % full）の保留を解除しました。"},
			{"known 1", "Known: #1 (/ is 86 % full)."},
		} {
			if got := w.ask(w.alice, &seen, c.say); len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
				t.Errorf("%q is answered %q, want %q", c.say, got, c.want)
			}
		}
	})
}
