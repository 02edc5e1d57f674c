package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// spoken is one thing that an admin says, in both languages.
type spoken struct{ en, ja string }

// talk is everything that may be said, in an order in which it makes sense. The
// disk is full; its incident is the first. "!" lines are not said, they happen.
var talk = []spoken{
	{"status", "状態"},
	{"check disk", "ディスク 確認"},
	{"why 1", "詳しく 1"},
	{"detail disk", "詳しく ディスク"},
	{"history disk", "履歴 ディスク"},
	{"normal disk", "普段 ディスク"},
	{"why quiet", "なぜ静か？"},
	{"quiet", "静かに"},
	{"ack 1 ordering a disk", "1番 対応します ディスクを注文済み"},
	{"unack 1", "対応取消 1"},
	{"unack", "対応取消"},
	{"snooze 1 3d", "あとで 1 3日"},
	{"snooze disk until tomorrow 09:00 waiting for a part", "ディスク あとで 明日の9時まで 部品待ち"},
	{"status", "調子どう？"},
	{"unsnooze", "保留解除"},
	{"unsnooze 1", "保留解除 1"},
	{"unsnooze all", "保留解除 全部"},
	{"unsnooze", "保留解除"},
	{"snooze 1 until 1999-12-31", "あとで 1 今日の9時まで"},
	{"known", "既知"},
	{"known all", "全部 既知"},
	{"maintenance 13h new disk", "メンテ 13時間 ディスク交換"},
	{"status", "状態"},
	{"maintenance off", "メンテ終了"},
	{"maintenance off", "メンテ終了"},
	{"history", "履歴"},
	{"normal", "普段"},
	{"check update", "更新 確認"},
	{"recheck", "もう一度"},
	{"!well", "!well"},
	{"recheck", "直しました"},
	{"recheck", "もう一度"},
	{"why 1", "詳しく 1"},
	{"ack 1", "対応します 1"},
	{"ack nearly done", "対応します もうすぐ終わります"},
	{"why", "なぜ"},
	{"why 99", "詳しく 99"},
	{"history certs", "履歴 証明書"},
	{"check mail", "mail 確認"},
	{"frobnicate", "ほげほげ"},
	{"check dsik", "確認 ディスコ"},
	{"thanks!", "ありがとう"},
	{"version", "バージョン"},
}

// converse plays the talk in one language and returns what is heard: by the admin
// who talks, and by the other.
func converse(t *testing.T, lang checks.Lang) (heard []string) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		w.admins[0].Lang = lang
		bob := w.withBob()
		w.admins[1].Lang = lang
		certs := checks.Kind{
			Name: "certs", Title: checks.Text{En: "certificates", Ja: "証明書"}, Timeout: time.Minute,
			Words: checks.Words{En: []string{"cert", "certificate update"}, Ja: []string{"証明書", "証明書の更新"}},
		}
		packages := checks.Kind{
			Name: "packages", Title: checks.Text{En: "OS packages", Ja: "OSのパッケージ"}, Timeout: time.Minute,
			Words: checks.Words{En: []string{"os update"}, Ja: []string{"パッケージ", "OSの更新"}},
		}
		w.more = []beside{
			{certs, &gauge{seen: checks.Observation{Summary: checks.Text{En: "valid to 22 Feb, 52 d left", Ja: "2/22まで有効、残り52日"}}}},
			{packages, &gauge{seen: checks.Observation{Findings: []checks.Finding{{
				Code: "updates", Severity: checks.Warning, Road: checks.Week, Text: checks.Text{En: "3 security updates waiting", Ja: "セキュリティ更新が3件あります"},
				Advice: checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "apt", "upgrade")}},
			}}}}},
		}
		full := well()
		full.Measures = []checks.Measure{{Name: "available_bytes", Subject: "/", Value: 1.1e9, Unit: checks.Bytes}}
		full.Findings = []checks.Finding{{
			Code: "full", Subject: "/", Severity: checks.Critical, Road: checks.Now,
			Text: checks.Text{
				En: "/ is 96 % full, 1.0 GB free\nWhen nothing is left, PostgreSQL stops and nobody can post.",
				Ja: "/ の使用率が96%、空き1.0GB\n空きがなくなるとPostgreSQLが止まり、投稿できなくなります。",
			},
			Advice: checks.Advice{Look: checks.Sh("sudo", "du", "-xhd1", "/"), Mend: []checks.Shell{checks.Sh("sudo", "apt-get", "clean")}},
		}}
		full.Events = []checks.Event{{At: time.Date(2000, 1, 1, 11, 50, 0, 0, time.UTC), Code: "upgraded", Subject: "nginx", Text: checks.Text{En: "nginx was upgraded", Ja: "nginxが更新されました"}}}
		var alices, bobs int
		hear := func() {
			for _, m := range w.heard(w.alice, &alices) {
				heard = append(heard, strings.TrimSpace(strings.TrimSuffix(m, "@alice")))
			}
			for _, m := range w.heard(bob, &bobs) {
				m = strings.TrimSpace(strings.TrimSuffix(m, "@bob"))
				heard = append(heard, "(bob) "+strings.ReplaceAll(m, "\n", "\n      "))
			}
		}
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		hear()
		w.disk.set(full)
		w.pass(2 * time.Minute)
		hear()
		for _, one := range talk {
			text := one.en
			if lang == checks.Japanese {
				text = one.ja
			}
			if text == "!well" {
				w.disk.set(well())
				continue
			}
			heard = append(heard, "> "+text)
			if _, err := w.server.Say(w.alice, "@saba "+text, sandbox.SayOptions{}); err != nil {
				t.Error(err)
			}
			w.pass(12 * time.Second)
			hear()
		}
	})
	return heard
}

// TestTextsOfAConversation keeps every command's answer to be read, as a whole
// conversation in each language.
func TestTextsOfAConversation(t *testing.T) {
	en, ja := converse(t, checks.English), converse(t, checks.Japanese)
	checkstest.Texts(t, "bot: a conversation, as alice and bob hear it",
		checkstest.Say("the disk fills up at noon", checks.Text{En: strings.Join(en, "\n\n"), Ja: strings.Join(ja, "\n\n")}))
	for _, all := range [][]string{en, ja} {
		for _, m := range all {
			if !strings.HasPrefix(m, "> ") && len([]rune(m)) > 500 {
				t.Errorf("longer than a post:\n%s", m)
			}
		}
	}
}
