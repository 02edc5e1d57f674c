package bot

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

// read are the incidents that the golden texts speak of.
type read struct {
	now                   time.Time
	cert, disk, old, page incident.Incident
}

func toRead() read {
	now := checkstest.TextsNow
	one := func(n int64, check string, severity checks.Severity, road checks.Road, ago time.Duration, text checks.Text, mend ...string) incident.Incident {
		i := incident.Incident{
			ID: n, Number: n, Key: incident.Key{Check: check, Code: "x"}, Phase: incident.Open, Severity: severity,
			Noticed: now.Add(-ago), LastSeen: now.Add(-time.Minute), Changed: now.Add(-ago),
			Finding: checks.Finding{Code: "x", Severity: severity, Road: road, Text: text},
		}
		if len(mend) > 0 {
			i.Finding.Advice.Mend = []checks.Shell{checks.Sh(mend...)}
		}
		return i
	}
	r := read{now: now}
	r.cert = one(12, "certs", checks.Critical, checks.Now, 6*time.Hour, checks.Text{
		En: "certificate of example.social expires in 3 d 4 h\nnginx is still using the old certificate.\nAfter that, browsers and other servers can no longer connect.",
		Ja: "証明書 期限まで3日4時間（example.social）\nnginxが古い証明書のまま動いています。\n期限を過ぎると、ブラウザからも他サーバーからも接続できなくなります。",
	}, "sudo", "systemctl", "reload", "nginx")
	r.disk = one(14, "disk", checks.Warning, checks.Morning, 26*time.Hour, checks.Text{
		En: "/ is 86 % full, 7.2 GB free\nUsually: 70–72 %.", Ja: "/ の使用率が86%、空き7.2GB\n普段: 70〜72%",
	}, "sudo", "apt-get", "clean")
	r.old = one(9, "usage", checks.Warning, checks.Week, 9*24*time.Hour, checks.Text{En: "old Ruby left, 115 MB", Ja: "古いRubyが残っています（115MB）"})
	r.page = one(15, "webui", checks.Critical, checks.Now, time.Minute, checks.Text{
		En: "web UI answers with an error (502)\nNobody can open the page.", Ja: "Web画面がエラーを返しています（502）\n誰もページを開けません。",
	})
	return r
}

func TestTextsOfMessages(t *testing.T) {
	r := toRead()
	now := r.now
	cert, disk, page := alertOf(r.cert), alertOf(r.disk), alertOf(r.page)
	with := func(a incident.Alert, c incident.Change) incident.Alert { a.Change = c; return a }
	over := func(a incident.Alert, title, summary checks.Text) incident.Alert {
		a.Change, a.At, a.Title, a.Summary = incident.ResolvedNow, a.Noticed.Add(130*time.Minute), title, summary
		return a
	}
	certs := checks.Text{En: "certificate", Ja: "証明書"}
	renewed := checks.Text{En: "valid to 23 Feb, 90 d left", Ja: "2/23まで有効、残り90日"}
	unsteady := with(page, incident.UnsteadyNow)
	unsteady.Turns, unsteady.Unsteady = 4, now
	calm := over(page, checks.Text{En: "web UI", Ja: "Web画面"}, checks.Text{En: "front page in 84 ms", Ja: "トップページ84ms"})
	calm.Unsteady = now
	other := over(disk, checks.Text{En: "disk", Ja: "ディスク"}, checks.Text{En: "/srv is 90 % full", Ja: "/srv 使用率90%"})
	other.Still = 1
	unseen := disk
	unseen.Key.Code, unseen.Severity = incident.UnseenCode, checks.Unknown
	unseen.Finding = checks.Finding{Severity: checks.Unknown, Road: checks.Morning, Text: checks.Text{En: "database cannot be checked any more: PostgreSQL does not let me in", Ja: "データベースを確認できなくなりました: PostgreSQLに接続を拒否されました"}}
	seen := over(unseen, checks.Text{En: "database", Ja: "データベース"}, checks.Text{})
	bob := Hold{By: "bob", At: now.Add(-7 * 24 * time.Hour), Severity: checks.Critical}
	say := func(what string, n news) checkstest.Said { return checkstest.Say(what, alertText(n)) }
	alice := Admin{Account: "alice"}
	until := now.Add(26 * time.Hour)
	checkstest.Texts(
		t, "bot: messages",
		say("an alert", news{Alert: cert, Reason: ToldNow}),
		say("a warning, in the morning", news{Alert: disk, Reason: ToldMorning}),
		say("worse", news{Alert: with(cert, incident.Worse)}),
		say("better", news{Alert: with(disk, incident.Eased)}),
		say("its end", news{Alert: over(cert, certs, renewed)}),
		say("the end of one of several", news{Alert: other}),
		say("what could not be checked", news{Alert: unseen}),
		say("and can again", news{Alert: seen}),
		say("what comes and goes", news{Alert: unsteady}),
		say("what came and went, and is quiet", news{Alert: calm}),
		say("with what it explains", news{Alert: cert, Effects: []incident.Alert{page}, Explains: []int64{11, 13}}),
		checkstest.Say("several at once", groupText([]news{{Alert: page, Reason: ToldNow}, {Alert: disk, Reason: ToldMorning}, {Alert: over(cert, certs, renewed)}})),
		say("a reminder", news{Alert: cert, Reason: Again}),
		say("a reminder while nobody can see whether it is still so", news{Alert: cert, Reason: Again, Hidden: true}),
		say("nobody took it: by the other way", news{Alert: cert, Reason: ToldFallback}),
		say("nobody took it: the next admin", news{Alert: cert, Reason: Escalated}),
		say("the snooze is over", news{Alert: disk, Reason: BackAgain}),
		say("taken a week ago", news{Alert: cert, Reason: Untaken, Ack: bob}),
		say("worse, and somebody is on it", news{Alert: with(cert, incident.Worse), Ack: bob}),
		checkstest.Say("somebody else took it", ackNote(alice, r.cert, "ordering a disk")),
		checkstest.Say("somebody else snoozed it", snoozeNote(alice, called([]incident.Incident{r.disk}), until, "the new disk comes on Friday")),
		checkstest.Say("somebody else snoozed a check", snoozeNote(alice, checks.Text{En: "disk", Ja: "ディスク"}, until, "")),
	)
}

func TestTextsOfRoundsAndTheDigest(t *testing.T) {
	r := toRead()
	now := r.now
	result := func(check string, title checks.Text, findings ...checks.Finding) checks.Result {
		return checks.Result{Check: check, Title: title, Observation: checks.Observation{Findings: findings}}
	}
	web := checks.Text{En: "web UI", Ja: "Web画面"}
	well := checks.Report{result("webui", web), result("services", checks.Text{En: "services", Ja: "サービス"}), result("sidekiq", checks.Same("Sidekiq"))}
	ill := append(checks.Report{result("webui", web, r.page.Finding)}, well[1:]...)
	blind := append(checks.Report{{Check: "database", Title: checks.Text{En: "database", Ja: "データベース"}, Err: &checks.Unseen{Why: checks.Text{En: "PostgreSQL does not let me in", Ja: "PostgreSQLに接続を拒否されました"}}}}, ill...)
	update := schedule.Deployment{ID: 1, Began: now.Add(-12 * time.Minute), Version: "4.6.5"}
	restart := schedule.Deployment{ID: 1, Began: now.Add(-12 * time.Minute)}
	maintenance := deed{ID: 1, What: deedMaintenance, Admin: "alice", Until: now}
	key := incident.Key{Check: "webui", Code: "x"}
	numbers := map[incident.Key]int64{key: 15}
	round := func(what string, s roundState) checkstest.Said { return checkstest.Say(what, roundText(s)) }

	holds := deeds{
		{What: deedAck, Admin: "alice", Incident: 12, Noticed: r.cert.Noticed, Severity: checks.Critical, At: now, Until: now.Add(ackLife)},
		{What: deedSnooze, Admin: "bob", Incident: 14, Noticed: r.disk.Noticed, Severity: checks.Warning, At: now, Until: now.Add(2 * time.Hour)},
	}
	knownOld := deeds{{What: deedKnown, Admin: "bob", Incident: 9, Noticed: r.old.Noticed, Severity: checks.Warning, At: now}}
	gone := alertOf(r.page)
	gone.Change, gone.At, gone.Title, gone.Summary = incident.ResolvedNow, now, web, checks.Text{En: "front page in 84 ms", Ja: "トップページ84ms"}
	checkstest.Texts(
		t, "bot: rounds and digests",
		round("after an update: all is well", roundState{deployment: update, results: well}),
		round("after a restart", roundState{deployment: restart, results: well}),
		round("after an update: something is wrong", roundState{deployment: update, results: ill, numbers: numbers}),
		round("after an update: and something cannot be seen", roundState{deployment: update, results: blind, numbers: numbers}),
		round("after a maintenance: all is well", roundState{maintenance: maintenance, results: well}),
		round("after a maintenance: the rest is known", roundState{maintenance: maintenance, results: ill, numbers: numbers, aside: map[incident.Key]bool{key: true}}),
		round("after a maintenance: nothing that it could break is looked at", roundState{maintenance: maintenance}),
		checkstest.Say("a digest", weeklyText(weekly{now: now, open: []incident.Incident{r.old, r.disk, r.cert}, deeds: holds, over: []incident.Alert{gone}})),
		checkstest.Say("a digest of what is known", weeklyText(weekly{now: now, open: []incident.Incident{r.old}, deeds: knownOld})),
	)
}

func TestTextsOfOtherWays(t *testing.T) {
	r := toRead()
	now := r.now
	cert, disk := alertOf(r.cert), alertOf(r.disk)
	over := cert
	over.Change, over.At, over.Title, over.Summary = incident.ResolvedNow, now, checks.Text{En: "certificate", Ja: "証明書"}, checks.Text{En: "valid to 23 Feb, 90 d left", Ja: "2/23まで有効、残り90日"}
	home := homeState{Failing: now.Add(-5 * time.Minute), Why: "no answer in time"}
	because := func(why ...Reason) checks.Text {
		all := map[Reason]bool{}
		for _, one := range why {
			all[one] = true
		}
		return failingText(homeState{}, all)
	}
	mail, second := checks.Text{En: "mail", Ja: "メール"}, checks.Text{En: "a second account", Ja: "予備アカウント"}
	all := []went{
		{12, mail, now.Add(-5 * time.Hour), RelayFailed},
		{14, mail, now.Add(-4 * time.Hour), RelayFailed},
		{15, mail, now.Add(-3 * time.Hour), RelayAtOnce},
		{16, second, now.Add(-2 * time.Hour), RelayMuffled},
		{17, second, now.Add(-time.Hour), RelayRefused},
		{18, second, now.Add(-30 * time.Minute), ToldFallback},
	}
	checkstest.Texts(
		t, "bot: other ways",
		checkstest.Say("while the home takes nothing", relayText([]news{{Alert: cert}}, failingText(home, nil))),
		checkstest.Say("several at once", relayText([]news{{Alert: cert}, {Alert: disk}}, because(RelayAtOnce))),
		checkstest.Say("what the home refused", relayText([]news{{Alert: disk}}, because(RelayRefused))),
		checkstest.Say("nobody took it", relayText([]news{{Alert: cert, Reason: ToldFallback}})),
		checkstest.Say("its end", relayText([]news{{Alert: over}})),
		checkstest.Say("started while the home is dead", silenceText(home)),
		checkstest.Say("and it is there again", metText()),
		checkstest.Say("a test", testText("example.social")),
		checkstest.Say("a maintenance", maintenanceRelay(deed{Until: now.Add(2 * time.Hour)})),
		checkstest.Say("what went there, of one: why", checks.Lines(wentTexts(all)...)),
		checkstest.Say("what went there, of all: status", checks.Lines(wentAll(all)...)),
	)
}

func TestTextsOfHelp(t *testing.T) {
	b := &Bot{kinds: []checks.Kind{
		{Name: "disk", Words: checks.Words{Ja: []string{"ディスク"}}}, {Name: "memory", Words: checks.Words{Ja: []string{"メモリ"}}}, {Name: "certs", Words: checks.Words{Ja: []string{"証明書"}}},
	}}
	said := []checkstest.Said{checkstest.Say("help", b.help(t.Context(), question{}))}
	for _, c := range b.commands() {
		said = append(said, checkstest.Say("help "+c.name, helpText(c)))
	}
	checkstest.Texts(t, "bot: help", said...)
}

func TestTheREADMENamesEveryCommand(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	b := &Bot{}
	for _, c := range b.commands() {
		if !slices.ContainsFunc(strings.Split(string(text), "\n"), func(row string) bool {
			first, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
			return strings.HasPrefix(row, "| ") && (strings.Contains(first, "`"+c.name+" ") || strings.Contains(first, "`"+c.name+"`"))
		}) {
			t.Errorf("README.md lacks a row in the table of commands: | `%s` | %s | %s |", c.usage.En, c.usage.Ja, c.help.En)
		}
	}
}
