package sidekiq

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// consequences are what happens when a job by the clock is not done (Mastodon
// 4.2 to 4.6).
var consequences = map[string]checks.Text{
	"vacuum_scheduler": {
		En: "Old media are not deleted and will fill the disk or the bucket.",
		Ja: "古いメディアが消えず、ディスクやバケットが埋まっていきます。",
	},
	"scheduled_statuses_scheduler":        {En: "Scheduled posts do not appear.", Ja: "予約投稿が公開されません。"},
	"trends_refresh_scheduler":            {En: "Trends stand still.", Ja: "トレンドが更新されません。"},
	"trends_review_notifications":         {En: "Nobody hears of trends that wait for review.", Ja: "トレンドの審査依頼が届きません。"},
	"indexing_scheduler":                  {En: "Full-text search does not find new posts.", Ja: "新しい投稿が全文検索に出てきません。"},
	"accounts_statuses_cleanup_scheduler": {En: "Old posts are not deleted as their authors wish.", Ja: "古い投稿の自動削除が行われません。"},
	"suspended_user_cleanup_scheduler":    {En: "Data of suspended accounts are not deleted.", Ja: "停止したアカウントのデータが削除されません。"},
	"software_update_check_scheduler":     {En: "Mastodon does not notice its own updates.", Ja: "Mastodonの更新通知が届きません。"},
	"auto_close_registrations_scheduler":  {En: "Registrations stay open though no moderator is there.", Ja: "モデレーターが不在でも、登録が承認制に切り替わりません。"},
	"instance_refresh_scheduler":          {En: "The list of known servers grows old.", Ja: "既知のサーバーの一覧が古いままになります。"},
	"follow_recommendations_scheduler":    {En: "Recommendations of accounts to follow stand still.", Ja: "おすすめユーザーが更新されません。"},
	"user_cleanup_scheduler":              {En: "Sign-ups that were never confirmed stay.", Ja: "未確認の登録が残り続けます。"},
	"ip_cleanup_scheduler":                {En: "IP addresses are kept longer than promised.", Ja: "IPアドレスが決めた期間を過ぎても残ります。"},
	"pghero_scheduler":                    {En: "The history of the database's size has gaps.", Ja: "データベースのサイズの履歴が途切れます。"},
}

func textOff(s scheduled) checks.Text {
	return checks.Lines(
		checks.Text{
			En: "the scheduled job " + s.name + " is switched off",
			Ja: "定期ジョブ " + s.name + " が無効になっています",
		},
		consequences[s.name],
	)
}

func textLate(s scheduled, now time.Time) checks.Text {
	head := checks.Text{
		En: "the scheduled job " + s.name + " has not been started since Sidekiq was",
		Ja: "定期ジョブ " + s.name + " がSidekiqの起動後一度も実行されていません",
	}
	if !s.last.IsZero() {
		head = checks.Text{
			En: fmt.Sprintf("the scheduled job %s has not been started for %s", s.name, checks.Ago(s.last)),
			Ja: fmt.Sprintf("定期ジョブ %s が%s実行されていません", s.name, checks.Ago(s.last)),
		}
	}
	return checks.Lines(head, consequences[s.name], periodLine(s))
}

func periodLine(s scheduled) checks.Text {
	if s.period <= 0 {
		return checks.Text{}
	}
	p := checks.Span(s.period)
	if s.period == 24*time.Hour {
		p = checks.Text{En: "24 h", Ja: "24時間"}
	}
	last := checks.Text{}
	if !s.last.IsZero() {
		last = checks.Text{En: " Last: " + checks.At(s.last) + ".", Ja: "最後は" + checks.At(s.last) + "です。"}
	}
	return checks.Text{En: "It is due every " + p.En + "." + last.En, Ja: p.Ja + "ごとに動くはずのものです。" + last.Ja}
}

// manyNamed is how many of them are named (own).
const manyNamed = 5

func textManyLate(names []scheduled, now time.Time) checks.Text {
	lines := []checks.Text{{
		En: fmt.Sprintf("%d scheduled jobs are no longer started", len(names)),
		Ja: fmt.Sprintf("定期ジョブが%d種類、実行されていません", len(names)),
	}}
	var list []checks.Text
	oldest := time.Time{}
	for _, s := range names {
		if !s.last.IsZero() && (oldest.IsZero() || s.last.After(oldest)) {
			oldest = s.last
		}
		if c := consequences[s.name]; !c.Empty() && len(list) < manyNamed {
			list = append(list, c)
		}
	}
	lines = append(lines, checks.Join(checks.Text{En: " ", Ja: ""}, list...))
	if !oldest.IsZero() && oldest.Before(now) {
		lines = append(lines, checks.Text{
			En: "The last of them was started at " + checks.At(oldest) + ".",
			Ja: "最後に動いたのは" + checks.At(oldest) + "です。",
		})
	}
	var en string
	for i, s := range names[:min(len(names), manyNamed)] {
		if i > 0 {
			en += ", "
		}
		en += s.name
	}
	if len(names) > manyNamed {
		en += " …"
	}
	return checks.Lines(append(lines, checks.Text{En: "They are: " + en, Ja: "対象: " + strings.ReplaceAll(en, ", ", "、")})...)
}

func textOverdue(n int, oldest time.Time) checks.Text {
	k := checks.Number(int64(n))
	head := checks.Text{
		En: fmt.Sprintf("%s scheduled posts have not been published, the oldest is %s late", k.En, checks.Ago(oldest)),
		Ja: fmt.Sprintf("予約投稿が%s件公開されていません（最大%s遅れ）", k.Ja, checks.Ago(oldest)),
	}
	if n == 1 {
		head.En = "a scheduled post has not been published, it is " + checks.Ago(oldest) + " late"
	}
	return checks.Lines(head, checks.Text{
		En: "Their authors believe that they have been published. They appear as soon as the job runs again.",
		Ja: "書いた人は公開されたと思っています。定期処理が動けば公開されます。",
	})
}

func textView(missing int) checks.Text {
	n := checks.Number(int64(missing))
	servers := n.En + " servers"
	if missing == 1 {
		servers = "a server"
	}
	return checks.Lines(
		checks.Text{
			En: "the list of known servers is no longer renewed every hour",
			Ja: "既知のサーバーの一覧が、1時間ごとに更新されていません",
		},
		checks.Text{
			En: fmt.Sprintf("The view instances lacks %s whose people became known here more than two hours ago. The federation page and the number of servers are out of date.", servers),
			Ja: fmt.Sprintf("2時間以上前に知った%sサーバーが、ビューinstancesにありません。連合の管理画面とサーバー数が古いままです。", n.Ja),
		},
	)
}

func textUpdates(release string) checks.Text {
	v := checks.Shorten(checks.QuoteName(release), 30)
	return checks.Lines(
		checks.Text{
			En: "Mastodon's own check for updates has no effect",
			Ja: "Mastodon自身の更新チェックが機能していません",
		},
		checks.Text{
			En: "It still lists " + v + " as new, though that already runs. It would not tell of a security update either.",
			Ja: "すでに動いている" + v + "を、まだ新しいバージョンとして扱っています。セキュリティ更新があっても知らされません。",
		},
	)
}
