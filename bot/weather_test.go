package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// land is a server under weather, with four admins: alice in Berlin hears of
// all, bob in Tokyo of what needs action, carol of what nobody takes, and dave in
// New York, who rises at six and has no quiet hours, cares for the rules alone.
type land struct {
	*world
	zone       *time.Location
	bob, carol sandbox.Account
	dave       sandbox.Account
	heardBy    map[string]*int
	gauges     map[string]*gauge
}

func newLand(w *world) *land {
	w.t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		w.t.Fatal(err)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		w.t.Fatal(err)
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		w.t.Fatal(err)
	}
	l := &land{world: w, zone: zone, heardBy: map[string]*int{"alice": new(int), "bob": new(int), "carol": new(int)}, gauges: map[string]*gauge{"disk": w.disk}}
	l.bob = w.server.AddAccount(sandbox.Account{Username: "bob"})
	l.carol = w.server.AddAccount(sandbox.Account{Username: "carol"})
	w.server.Follow(l.bob, w.bot)
	w.server.Follow(l.carol, w.bot)
	l.dave = w.server.AddAccount(sandbox.Account{Username: "dave"})
	w.server.Follow(l.dave, w.bot)
	quiet := bot.Quiet{From: 23 * 60, To: 7 * 60}
	w.admins = []bot.Admin{
		{Account: "alice", Hears: bot.HearsAll, Topics: []string{"all"}, Lang: checks.English, Zone: zone, Quiet: quiet, Morning: 8 * 60},
		{Account: "bob", Hears: bot.HearsCritical, Topics: []string{"all"}, Lang: checks.Japanese, Zone: tokyo, Quiet: quiet, Morning: 8 * 60},
		{Account: "carol", Hears: bot.HearsEscalation, Topics: []string{"all"}, Lang: checks.English, Zone: zone, Quiet: quiet, Morning: 8 * 60},
		{Account: "dave", Hears: bot.HearsAll, Topics: []string{"rules"}, Lang: checks.English, Zone: newYork, Morning: 6 * 60},
	}
	w.cron, w.flap, w.poll = "*/30 * * * *", true, 4*time.Hour
	twice := map[string]checks.Rule{"full": {Warning: checks.Looks{Open: 2, Resolve: 2}, Critical: checks.Looks{Open: 1, Resolve: 2}}}
	for _, k := range []checks.Kind{
		{Name: "database", Cron: "*/10 * * * *", After: []string{"disk"}, Rules: twice, Scope: checks.Site},
		{Name: "webui", Cron: "*/10 * * * *", After: []string{"database", "services"}, AfterUpdate: true, Rules: twice, Scope: checks.Site},
		{Name: "services", Cron: "*/15 * * * *", After: []string{"disk"}, AfterUpdate: true, Rules: twice},
		{Name: "rules", Cron: "0 */6 * * *", Scope: checks.Site},
	} {
		k.Title, k.Timeout = checks.Same(k.Name), time.Minute
		g := &gauge{seen: checks.Observation{Summary: checks.Same("fine")}}
		l.gauges[k.Name] = g
		w.more = append(w.more, beside{k, g})
	}
	return l
}

// at goes on to an instant in Berlin, of the year 2000.
func (l *land) at(month, day, hour, minute int) {
	l.t.Helper()
	to := time.Date(2000, time.Month(month), day, hour, minute, 0, 0, l.zone)
	if d := time.Until(to); d >= 0 {
		l.pass(d)
		return
	}
	l.t.Fatalf("%v is over", to)
}

// is sets how a check is seen from now on; an empty headline is well.
func (l *land) is(check string, severity checks.Severity, road checks.Road, headline string) {
	o := ill(severity, road, headline)
	o.Findings[0].Subject, o.Summary = "", checks.Same("fine")
	if severity == checks.Critical {
		o.Findings[0].Harm = time.Now()
	}
	if headline == "" {
		o.Findings = nil
	}
	l.gauges[check].set(o)
}

func (l *land) well(check string) { l.is(check, checks.OK, checks.Now, "") }

// hear asserts what each of the three heard since the last time, by how the
// messages begin.
func (l *land) hear(sentence string, alice, bob, carol []string) {
	l.t.Helper()
	for who, want := range map[string][]string{"alice": alice, "bob": bob, "carol": carol} {
		account := map[string]sandbox.Account{"alice": l.alice, "bob": l.bob, "carol": l.carol}[who]
		got := l.heard(account, l.heardBy[who])
		same := len(got) == len(want)
		for n := range want {
			same = same && n < len(got) && strings.HasPrefix(got[n], want[n])
		}
		if !same {
			l.t.Errorf("%s (%s, %s): heard\n  %s\nwant\n  %s", sentence, who, time.Now().In(l.zone).Format("2 Jan 15:04"), strings.Join(got, "\n  --\n  "), strings.Join(want, "\n  --\n  "))
		}
	}
}

func (l *land) say(who sandbox.Account, text string) {
	l.t.Helper()
	if _, err := l.server.Say(who, "@saba "+text, sandbox.SayOptions{}); err != nil {
		l.t.Fatal(err)
	}
	l.pass(15 * time.Second)
}

func none() []string { return nil }

func TestFourWeeksOfWeather(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		l := newLand(w)
		l.at(3, 10, 12, 0) // a Friday; summer time begins on the 26th
		l.is("rules", checks.Warning, checks.Week, "the rules have no translation")
		l.start()
		l.at(3, 10, 12, 5)
		l.hear("the first run is one list", []string{"I watch example.social from now on."}, []string{"example.social の見守りを始めます。"}, []string{"I watch example.social from now on."})

		l.at(3, 13, 7, 59)
		l.hear("nothing happens", none(), none(), none())
		l.at(3, 13, 8, 2)
		l.hear("advice is for Monday's digest, and for who hears of all", []string{"To do this week: 1 note.\n[Note] #1 the rules have no translation"}, none(), none())

		// A flapping page, by day.
		for hour := range 5 {
			l.at(3, 14, 10+hour, 0)
			l.is("webui", checks.Critical, checks.Now, "web UI: 502")
			l.at(3, 14, 10+hour, 30)
			l.well("webui")
		}
		l.at(3, 14, 18, 0)
		l.hear("what comes and goes is told twice, then as unsteady, then no more",
			[]string{"[Action needed] #2 web UI: 502", "[Resolved] #2", "[Action needed] #3 web UI: 502", "[Action needed] #3 comes and goes"},
			[]string{"【要対応】2番 web UI: 502", "【解消】2番", "【要対応】3番 web UI: 502", "【要対応】3番 出たり消えたりしています"}, none())
		l.at(3, 15, 18, 0)
		l.hear("a day of quiet ends it", []string{"[Resolved] #3 quiet for a day now"}, []string{"【解消】3番 1日落ち着いています"}, none())

		// The database goes down at night, and the page with it.
		l.at(3, 18, 3, 0)
		l.is("database", checks.Critical, checks.Now, "PostgreSQL does not answer")
		l.is("webui", checks.Critical, checks.Now, "web UI: 500")
		l.at(3, 18, 3, 15)
		l.hear("harm that is now wakes, and what it explains is in the same message",
			[]string{"[Action needed] #5 PostgreSQL does not answer\nPosting stops when it is full.\n#4 because of #5: web UI: 500"},
			[]string{"【要対応】5番 PostgreSQL does not answer\n満杯になると投稿できなくなります。\n4番（5番の影響）: web UI: 500"}, none())
		l.at(3, 18, 3, 40)
		l.well("database")
		l.well("webui")
		l.at(3, 18, 4, 10)
		l.hear("the end of both is told, also at night, for the night was broken for them",
			[]string{"[Resolved] #4", "[Resolved] #5"}, []string{"【解消】4番", "【解消】5番"}, none())

		// A full disk; the daemon is down when it ends.
		l.at(3, 19, 10, 0)
		l.is("disk", checks.Critical, checks.Now, "/ is 97 % full")
		l.at(3, 19, 10, 50)
		l.hear("a full disk is told now", []string{"[Action needed] #6 / is 97 % full"}, []string{"【要対応】6番 / is 97 % full"}, none())
		l.stop()
		l.at(3, 19, 11, 0)
		l.well("disk")
		l.at(3, 19, 11, 30)
		l.start()
		l.at(3, 19, 12, 50)
		l.hear("its end is owed over a restart", []string{"[Resolved] #6"}, []string{"【解消】6番"}, none())

		l.at(3, 20, 8, 2)
		l.hear("another Monday", []string{"To do this week: 1 note."}, none(), none())

		// An announced maintenance that breaks what it is expected to break.
		l.at(3, 21, 14, 0)
		l.say(l.alice, "maintenance 2h moving the database")
		l.hear("a maintenance is told to everybody", []string{"Maintenance until 16:00"}, []string{"aliceさんが3/22（水）00:00までメンテナンスを行います「moving the database」"}, []string{"alice announced maintenance until 16:00: \"moving the database\""})
		l.is("services", checks.Critical, checks.Now, "mastodon-web does not run")
		l.is("webui", checks.Critical, checks.Now, "web UI: 502")
		l.at(3, 21, 15, 55)
		l.hear("and is silent", none(), none(), none())
		l.well("services")
		l.well("webui")
		l.at(3, 21, 16, 30)
		l.hear("its end is one message", []string{"[Resolved] after the maintenance: 2 checks, all fine"}, none(), []string{"[Resolved] after the maintenance: 2 checks, all fine"})
		l.at(3, 22, 0, 30)
		l.hear("who sleeps by then hears of it in the morning", none(), []string{"【参考】メンテナンス後の確認: 2項目すべて正常です。ヨシ!"}, none())

		// An update, with a page that is down for a moment.
		l.at(3, 22, 21, 0)
		l.is("webui", checks.Critical, checks.Now, "web UI: 502")
		l.gauges["services"].set(deployed(checks.Observation{Summary: checks.Same("fine")}, time.Now(), "4.6.5"))
		l.at(3, 22, 21, 5)
		l.well("webui")
		l.well("services")
		l.at(3, 22, 22, 30)
		l.hear("an update ends with one message, to who hears of all", []string{"[Resolved] after the update to 4.6.5: 2 checks, all fine"}, none(), none())

		// A disk that fills slowly, over the change of the clocks.
		l.at(3, 23, 15, 0)
		l.is("disk", checks.Warning, checks.Morning, "/ is 86 % full")
		l.at(3, 24, 7, 59)
		l.hear("a warning waits for the morning", none(), none(), none())
		l.at(3, 24, 8, 2)
		l.hear("and comes at eight", []string{"[Warning] #10 / is 86 % full"}, none(), none())
		l.at(3, 24, 12, 0)
		l.say(l.alice, "snooze 10 until tuesday 12:00 disk is ordered")
		l.hear("a snooze is answered, and told to who had heard", []string{"Nothing about #10 (/ is 86 % full) until 28 Mar 12:00, unless it gets worse."}, none(), none())
		l.at(3, 27, 7, 59)
		l.hear("it is silent", none(), none(), none())
		l.at(3, 27, 8, 2)
		l.hear("at eight by the new clock, the digest", []string{"To do this week: 1 warning, 1 note.\n[Warning] #10 / is 86 % full (noticed 3 d 15 h ago) (snoozed until 28 Mar 12:00)"}, none(), none())
		l.at(3, 29, 7, 59)
		l.hear("the snooze is over", none(), none(), none())
		l.at(3, 29, 8, 2)
		l.hear("and comes back in the morning", []string{"[Warning] #10 the snooze is over, still there: / is 86 % full"}, none(), none())
		l.at(3, 29, 10, 0)
		l.is("disk", checks.Critical, checks.Now, "/ is 95 % full")
		l.at(3, 29, 10, 50)
		l.hear("worse is told now", []string{"[Action needed] #10 worse: / is 95 % full"}, []string{"【要対応】10番 悪化: / is 95 % full"}, none())
		l.at(3, 29, 12, 50)
		l.hear("nobody takes it for two hours: the next admin", none(), none(), []string{"[Action needed] #10 nobody has taken it: / is 95 % full"})
		l.at(3, 29, 12, 55)
		l.say(l.bob, "10番 対応します")
		l.hear("bob takes it", []string{"bob is on #10 (/ is 95 % full)"}, []string{"10番（/ is 95 % full）は対応中として記録しました。"}, []string{"bob is on #10 (/ is 95 % full)"})
		l.at(3, 30, 15, 0)
		l.hear("no reminders for what is taken", none(), none(), none())
		l.well("disk")
		l.at(3, 30, 15, 50)
		l.hear("its end, to all who heard of it; in Tokyo it is not eleven at night yet", []string{"[Resolved] #10"}, []string{"【解消】10番"}, []string{"[Resolved] #10"})

		l.at(4, 3, 8, 2)
		l.hear("the last Monday", []string{"To do this week: 1 note."}, none(), none())

		// The bot's own server is down while a page is, and the daemon is started
		// anew meanwhile: nothing is lost, nothing is told twice, and in its order.
		l.at(4, 4, 10, 0)
		down := l.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Status: http.StatusBadGateway})
		l.is("webui", checks.Critical, checks.Now, "web UI: 502")
		l.at(4, 4, 10, 45)
		l.hear("nothing gets through", none(), none(), none())
		l.stop()
		l.start()
		l.at(4, 4, 11, 30)
		l.well("webui")
		l.at(4, 4, 12, 30)
		l.hear("and still not", none(), none(), none())
		down.Stop()
		l.at(4, 4, 13, 0)
		l.hear("what was owed comes when the server does, in one message",
			[]string{"While I could not reach you (since"}, []string{"送信できなかった間（"}, none())

		// Nobody is there for a day and a half.
		l.at(4, 5, 9, 0)
		l.is("services", checks.Critical, checks.Now, "mastodon-sidekiq does not run")
		l.at(4, 5, 9, 45)
		l.hear("told now", []string{"[Action needed] #12 mastodon-sidekiq does not run"}, []string{"【要対応】12番"}, none())
		l.at(4, 5, 11, 45)
		l.hear("the next admin after two hours", none(), none(), []string{"[Action needed] #12 nobody has taken it"})
		l.at(4, 5, 15, 45)
		l.hear("a reminder after six hours", []string{"[Action needed] #12 still there after"}, []string{"【要対応】12番 検知から"}, none())
		l.at(4, 5, 22, 30)
		l.hear("and after twelve, but in Tokyo it is night; carol counts from when she heard",
			[]string{"[Action needed] #12 still there after"}, none(), []string{"[Action needed] #12 still there after"})
		l.say(l.carol, "ack 12 on it")
		l.hear("carol takes it", []string{"carol is on #12"}, none(), []string{"You are on #12"})
		l.at(4, 7, 9, 0)
		l.hear("no more reminders; bob is told when his night is over", none(), []string{"carolさんが12番"}, none())
		l.say(l.alice, "check services")
		l.hear("it is still so", []string{"[Action needed] #12 mastodon-sidekiq does not run"}, none(), none())
		l.well("services")
		l.at(4, 7, 9, 45)
		l.hear("and over, for all three", []string{"[Resolved] #12"}, []string{"【解消】12番"}, []string{"[Resolved] #12"})
		l.at(4, 7, 12, 0)
		l.hear("and peace", none(), none(), none())

		daves := new(int)
		l.heardBy["dave"] = daves
		for n, want := range []string{
			"I watch example.social from now on.",
			"To do this week: 1 note.\n[Note] #1 the rules have no translation",
			"To do this week: 1 note.",
			"alice announced maintenance until 10:00",
			"[Resolved] the maintenance is over; nothing is wrong",
			"To do this week: 1 note.",
			"To do this week: 1 note.",
		} {
			inbox := l.server.Inbox(l.dave)
			if n >= len(inbox) || !strings.HasPrefix(inbox[n].Text, want) {
				t.Errorf("dave's message %d is not %q", n+1, want)
			}
			if n < len(inbox) && strings.HasPrefix(want, "To do") && inbox[n].CreatedAt.In(l.admins[3].Zone).Format("Mon 15:04") != "Mon 06:00" {
				t.Errorf("dave's digest came at %s", inbox[n].CreatedAt.In(l.admins[3].Zone).Format("Mon 15:04"))
			}
		}
		if got := l.heard(l.dave, daves); len(got) != 7 {
			t.Errorf("dave heard %d messages: %q", len(got), got)
		}
	})
}

func TestFourHealthyWeeksAreSilent(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		l := newLand(w)
		l.at(3, 10, 12, 0)
		l.start()
		l.at(3, 10, 12, 5)
		l.heard(l.alice, l.heardBy["alice"])
		l.heard(l.bob, l.heardBy["bob"])
		l.heard(l.carol, l.heardBy["carol"])
		// A look here and there goes wrong; once a warning stays for two days.
		for day := range 28 {
			at := time.Date(2000, 3, 10+day, 13, 2, 0, 0, l.zone)
			l.pass(time.Until(at))
			l.is("webui", checks.Warning, checks.Now, "web UI: slow")
			l.is("database", checks.Warning, checks.Now, "many connections")
			l.pass(10 * time.Minute)
			l.well("webui")
			l.well("database")
			switch day {
			case 8:
				l.is("disk", checks.Warning, checks.Morning, "/ is 85 % full")
			case 10:
				l.well("disk")
			}
		}
		morning, over := 0, 0
		for _, m := range l.heard(l.alice, l.heardBy["alice"]) {
			switch {
			case strings.HasPrefix(m, "[Warning] #1 / is 85 % full"):
				morning++
			case strings.HasPrefix(m, "[Resolved] #1"):
				over++
			case strings.HasPrefix(m, "To do this week: 1 warning."):
			default:
				t.Errorf("alice heard %q", m)
			}
		}
		if morning != 1 || over != 1 {
			t.Errorf("%d messages in the morning, %d ends", morning, over)
		}
		l.heardBy["dave"] = new(int)
		if got := l.heard(l.dave, l.heardBy["dave"]); len(got) != 1 {
			t.Errorf("dave heard %q", got)
		}
		for who, account := range map[string]sandbox.Account{"bob": l.bob, "carol": l.carol} {
			if got := l.heard(account, l.heardBy[who]); len(got) > 0 {
				t.Errorf("%s heard %s", who, fmt.Sprint(got))
			}
		}
	})
}
