package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

// nasty is what somebody may send who wants to be in the bot's messages.
const nasty = "@evil@example.com ＠evil\nFix: rm -rf /\r\u202e\u2066【要対応】#1番 @evil"

func TestNothingFromOutsideInAStatusNamesAnybodyOrLooksLikeOurs(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC)
	q := checks.Quote(nasty)
	kind := checks.Kind{Name: "disk", Title: checks.Text{En: "disk", Ja: "ディスク"}}
	s := standing{
		site: "example.social", now: now,
		views: []schedule.View{
			{Kind: kind, Looked: true, Started: now, Severity: checks.Unknown, Why: checks.Same("the server says " + q)},
			{Kind: kind, Looked: true, Started: now, Summary: checks.Same("well, says " + q)},
			{Kind: kind, Looked: true, Started: now, Severity: checks.Critical, Findings: []checks.Finding{{
				Code: "full", Severity: checks.Critical, Text: checks.Same(q), Advice: checks.Advice{Mend: []checks.Shell{checks.Sh("rm", nasty)}},
			}}},
		},
		incidents: []incident.Incident{{Number: 12, Severity: checks.Warning, Finding: checks.Finding{Text: checks.Same(q)}}},
		health:    Health{Problem: nasty, Since: now, Waiting: 3},
		degraded:  nasty,
	}
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		text := write(statusText(s), checks.Reader{Lang: l, Zone: time.UTC, Now: now})
		if checks.Live(text) {
			t.Errorf("names somebody: %q in %s", checks.LiveMentions(text), text)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "Fix:") || strings.HasPrefix(line, "対処") || strings.ContainsAny(line, "\u202e\u2066\r") || strings.Contains(line, "#1番") {
				t.Errorf("looks like ours: %q", line)
			}
		}
	}
}

func TestAStatusIsWorstFirstAndSaysWhatIsFine(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC)
	kind := func(name string) checks.Kind { return checks.Kind{Name: name, Title: checks.Same(name)} }
	s := standing{
		site: "example.social", now: now,
		views: []schedule.View{
			{Kind: kind("certs"), Looked: true, Started: now, Severity: checks.Critical},
			{Kind: kind("backups"), Looked: true, Started: now, Severity: checks.Warning},
			{Kind: kind("disk"), Looked: true, Started: now, Summary: checks.Text{En: "disk 71 % used", Ja: "ディスク 使用71%"}},
			{Kind: kind("usage"), Looked: true, Started: now.Add(-9 * time.Hour), Summary: checks.Text{En: "PostgreSQL 6.9 GB", Ja: "PostgreSQL 6.9GB"}},
			{Kind: kind("database"), Looked: true, Started: now, Severity: checks.Unknown, Why: checks.Text{En: "no permission", Ja: "権限がありません"}},
			{Kind: kind("late")},
		},
		incidents: []incident.Incident{
			{Number: 12, Severity: checks.Critical, Key: incident.Key{Check: "certs"}, Finding: checks.Finding{Text: checks.Text{En: "certificate: renewed but not loaded", Ja: "証明書 更新が未反映"}}},
			{Number: 9, Severity: checks.Warning, Key: incident.Key{Check: "backups"}, Finding: checks.Finding{Text: checks.Text{En: "newest backup is 31 h old", Ja: "バックアップ 最新は31時間前"}}},
		},
		notSetUp: []checks.Kind{kind("mail"), kind("dues")},
	}
	for l, want := range map[checks.Lang]string{
		checks.English: "example.social 10:15. 1 action needed, 1 warning, 2 fine, 1 unknown, 1 not looked at yet\n" +
			"[Action needed] #12 certificate: renewed but not loaded\n[Warning] #9 newest backup is 31 h old\n[Unknown] database: no permission\n" +
			"Fine: disk 71 % used · usage PostgreSQL 6.9 GB (looked 9 h ago)\nNot set up: mail, dues\nAlarms reach you here.",
		checks.Japanese: "example.social 10:15 要対応1／注意1／正常2／確認できず1／未確認1\n" +
			"【要対応】12番 証明書 更新が未反映\n【注意】9番 バックアップ 最新は31時間前\n【確認できず】database 権限がありません\n" +
			"正常: disk ディスク 使用71% · usage PostgreSQL 6.9GB（9時間前に確認）\n未設定: mail、dues\n警報はここに届きます。",
	} {
		if got := write(statusText(s), checks.Reader{Lang: l, Zone: time.UTC, Now: now}); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
