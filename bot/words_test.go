package bot

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// sample are two incidents as they are at a quarter past ten.
func sample() (now time.Time, cert, old incident.Incident) {
	now = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	cert = incident.Incident{
		ID: 12, Number: 12, Key: incident.Key{Check: "certs"}, Phase: incident.Open, Severity: checks.Critical, Noticed: now.Add(-6 * time.Hour),
		Finding: checks.Finding{
			Severity: checks.Critical, Road: checks.Now, Harm: now.Add(76 * time.Hour),
			Text:   checks.Text{En: "certificate of example.social expires in 3 d 4 h\nnginx is still using the old one.", Ja: "証明書 期限まで3日4時間（example.social）\nnginxが古い証明書のまま動いています。"},
			Advice: checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "reload", "nginx")}},
		},
	}
	old = incident.Incident{
		ID: 9, Number: 9, Key: incident.Key{Check: "usage"}, Phase: incident.Open, Severity: checks.Warning, Noticed: now.Add(-9 * 24 * time.Hour),
		Finding: checks.Finding{Severity: checks.Warning, Road: checks.Week, Text: checks.Text{En: "old Ruby left, 115 MB", Ja: "古いRubyが残っています（115MB）"}},
	}
	return now, cert, old
}

func TestHowWhatIsToldAgainReads(t *testing.T) {
	now, cert, _ := sample()
	a := alertOf(cert)
	unsteady := a
	unsteady.Change, unsteady.Turns, unsteady.Unsteady = incident.UnsteadyNow, 4, now
	over := unsteady
	over.Change = incident.ResolvedNow
	page := a
	page.Number, page.Finding.Text = 13, checks.Text{En: "web UI: 502", Ja: "Web画面 502"}
	bob := Hold{By: "bob", At: now.Add(-7 * 24 * time.Hour), Severity: checks.Critical}
	fix, foot := "\nnginx is still using the old one.\nFix: sudo systemctl reload nginx\n", "Noticed 04:15. Reply: why 12 / ack 12 / snooze 12 1d"
	fixJa, footJa := "\nnginxが古い証明書のまま動いています。\n対処: sudo systemctl reload nginx\n", "04:15に検知。返信: 詳しく12／対応します12／あとで12 1日"
	for _, c := range []struct {
		name   string
		news   news
		en, ja string
	}{
		{
			"a reminder",
			news{Alert: a, Reason: Again},
			"[Action needed] #12 still there after 6 h: certificate of example.social expires in 3 d 4 h" + fix + "Nobody has taken it yet.\n" + foot,
			"【要対応】12番 検知から6時間、続いています: 証明書 期限まで3日4時間（example.social）" + fixJa + "まだ誰も対応に入っていません。\n" + footJa,
		},
		{
			"a snooze that is over",
			news{Alert: a, Reason: BackAgain},
			"[Action needed] #12 the snooze is over, still there: certificate of example.social expires in 3 d 4 h" + fix + foot,
			"【要対応】12番 保留の期限です。続いています: 証明書 期限まで3日4時間（example.social）" + fixJa + footJa,
		},
		{
			"what was taken a week ago",
			news{Alert: a, Reason: Untaken, Ack: bob},
			"[Action needed] #12 still there a week after it was taken: certificate of example.social expires in 3 d 4 h" + fix + "Taken by bob on 16 Nov.\n" + foot,
			"【要対応】12番 対応開始から1週間、続いています: 証明書 期限まで3日4時間（example.social）" + fixJa + "11/16にbobさんが対応を始めました。\n" + footJa,
		},
		{
			"the next admin",
			news{Alert: a, Reason: Escalated},
			"[Action needed] #12 nobody has taken it: certificate of example.social expires in 3 d 4 h" + fix + foot,
			"【要対応】12番 まだ誰も対応していません: 証明書 期限まで3日4時間（example.social）" + fixJa + footJa,
		},
		{
			"what comes and goes",
			news{Alert: unsteady, Reason: Follows},
			"[Action needed] #12 comes and goes: certificate of example.social expires in 3 d 4 h\nIt changed 4 times within a day. I speak of it again when it gets worse, or has been quiet for a day." + fix + foot,
			"【要対応】12番 出たり消えたりしています: 証明書 期限まで3日4時間（example.social）\n1日のうちに4回変化しました。悪化したとき、または1日落ち着いたときにお知らせします。" + fixJa + footJa,
		},
		{
			"its end",
			news{Alert: over},
			"[Resolved] #12 quiet for a day now: certificate of example.social expires in 3 d 4 h",
			"【解消】12番 1日落ち着いています: 証明書 期限まで3日4時間（example.social）",
		},
		{
			"with what it explains",
			news{Alert: a, Reason: ToldNow, Effects: []incident.Alert{page}, Explains: []int64{11, 13}},
			"[Action needed] #12 certificate of example.social expires in 3 d 4 h\nnginx is still using the old one.\n#13 because of #12: web UI: 502\nProbably the cause of #11 too.\nFix: sudo systemctl reload nginx\n" + foot,
			"【要対応】12番 証明書 期限まで3日4時間（example.social）\nnginxが古い証明書のまま動いています。\n13番（12番の影響）: Web画面 502\n11番の原因もおそらくこれです。\n対処: sudo systemctl reload nginx\n" + footJa,
		},
	} {
		for lang, want := range map[checks.Lang]string{checks.English: c.en, checks.Japanese: c.ja} {
			if got := write(alertText(c.news), checks.Reader{Lang: lang, Zone: time.UTC, Now: now}); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
			}
		}
	}
}

func TestTheDigestIsMostPressingFirst(t *testing.T) {
	now, cert, old := sample()
	backup := old
	backup.ID, backup.Number, backup.Noticed = 7, 7, now.Add(-30*time.Hour)
	backup.Finding = checks.Finding{Severity: checks.Warning, Road: checks.Morning, Text: checks.Text{En: "newest backup is 31 h old", Ja: "最新のバックアップは31時間前"}}
	known := backup
	known.ID, known.Number = 3, 3
	known.Finding.Text = checks.Text{En: "swap is in use", Ja: "スワップ使用中"}
	w := weekly{now: now, open: []incident.Incident{old, known, backup, cert}, deeds: deeds{
		{What: deedAck, Admin: "alice", Incident: 12, Noticed: cert.Noticed, Severity: checks.Critical, At: now, Until: now.Add(ackLife)},
		{What: deedSnooze, Admin: "bob", Incident: 7, Noticed: backup.Noticed, Severity: checks.Warning, At: now, Until: now.Add(2 * time.Hour)},
		{What: deedKnown, Admin: "bob", Incident: 3, Noticed: known.Noticed, Severity: checks.Warning, At: now},
	}}
	for lang, want := range map[checks.Lang]string{
		checks.English: "To do this week: 1 action needed, 1 warning, 1 note.\n" +
			"[Action needed] #12 certificate of example.social expires in 3 d 4 h (noticed 6 h ago) (alice is on it)\n  Fix: sudo systemctl reload nginx\n" +
			"[Warning] #7 newest backup is 31 h old (noticed 30 h ago) (snoozed until 12:15)\n" +
			"[Note] #9 old Ruby left, 115 MB (noticed 9 d ago)\n" +
			"Known: #3 swap is in use (30 h)\n" +
			"Reply: why 12 / ack 12 / snooze 12 7d",
		checks.Japanese: "今週の作業: 要対応1／注意1／参考1\n" +
			"【要対応】12番 証明書 期限まで3日4時間（example.social）（6時間前に検知）（aliceさんが対応中）\n  対処: sudo systemctl reload nginx\n" +
			"【注意】7番 最新のバックアップは31時間前（30時間前に検知）（12:15まで保留）\n" +
			"【参考】9番 古いRubyが残っています（115MB）（9日前に検知）\n" +
			"既知: 3番 スワップ使用中（30時間）\n" +
			"返信: 詳しく12／対応します12／あとで12 7日",
	} {
		if got := write(weeklyText(w), checks.Reader{Lang: lang, Zone: time.UTC, Now: now}); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestEverythingThatAnAdminDidIsCalledByItsName(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ what, en, ja string }{
		{deedAck, "took it", "対応を開始"},
		{deedUnack, "gave it back", "対応を取り消し"},
		{deedSnooze, "snoozed until 13:00", "13:00まで保留"},
		{deedUnsnooze, "ended the snooze", "保留解除"},
		{deedKnown, "put it away as known", "既知に変更"},
		{deedMaintenance, "announced maintenance until 13:00", "13:00までメンテナンス"},
		{deedOver, "ended the maintenance", "メンテナンス終了"},
		{deedSaid, "said", "発言"},
		{deedSummaryOn, "switched the weekly summary on", "週のまとめをオン"},
		{deedSummaryOff, "switched the weekly summary off", "週のまとめをオフ"},
	} {
		text := new(Bot).deedText(deed{What: c.what, Admin: "alice", At: at, Until: at.Add(time.Hour)}, nil)
		for lang, want := range map[checks.Lang]string{checks.English: "12:00 alice " + c.en, checks.Japanese: "12:00 aliceさん: " + c.ja} {
			if got := text.Read(checks.Reader{Lang: lang, Zone: time.UTC, Now: at}); got != want {
				t.Errorf("%s: got %q, want %q", c.what, got, want)
			}
		}
	}
}
