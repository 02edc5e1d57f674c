package sidekiq

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sababan/sababan/checks"
)

// works says what a class of jobs does, where people have a word for it.
var works = []struct {
	prefix string
	text   checks.Text
}{
	{"ActivityPub::DeliveryWorker", checks.Text{En: "delivery to other servers", Ja: "他サーバーへの配送"}},
	{"ActivityPub::LowPriorityDeliveryWorker", checks.Text{En: "delivery to other servers", Ja: "他サーバーへの配送"}},
	{"ActivityPub::ProcessingWorker", checks.Text{En: "posts from other servers", Ja: "他サーバーからの受信"}},
	{"ActionMailer::MailDeliveryJob", checks.Text{En: "mail", Ja: "メール送信"}},
	{"PushNotificationWorker", checks.Text{En: "push notifications", Ja: "プッシュ通知"}},
	{"Web::PushNotificationWorker", checks.Text{En: "push notifications", Ja: "プッシュ通知"}},
	{"LinkCrawlWorker", checks.Text{En: "previews of links", Ja: "リンクのプレビュー"}},
	{"RedownloadMediaWorker", checks.Text{En: "media from elsewhere", Ja: "他サーバーのメディア取得"}},
	{"RedownloadAvatarWorker", checks.Text{En: "pictures of accounts elsewhere", Ja: "他サーバーのアイコン取得"}},
	{"RedownloadHeaderWorker", checks.Text{En: "pictures of accounts elsewhere", Ja: "他サーバーのヘッダー画像取得"}},
	{"PostProcessMediaWorker", checks.Text{En: "conversion of uploaded media", Ja: "アップロードされたメディアの変換"}},
	{"ThreadResolveWorker", checks.Text{En: "threads from elsewhere", Ja: "他サーバーのスレッド取得"}},
	{"Scheduler::VacuumScheduler", checks.Text{En: "the nightly cleaning", Ja: "毎日の掃除"}},
	{"BackupWorker", checks.Text{En: "an archive that somebody asked for", Ja: "利用者のアーカイブ作成"}},
	{"Import", checks.Text{En: "an import", Ja: "インポート"}},
	{"Webhooks::DeliveryWorker", checks.Text{En: "webhooks", Ja: "Webhook"}},
}

// jobText names a class of jobs: "delivery to other servers (ActivityPub::DeliveryWorker)".
func jobText(class string) checks.Text {
	if class == "" {
		return checks.Text{En: "another job", Ja: "その他のジョブ"}
	}
	shown := checks.Shorten(class, 50)
	for _, w := range works {
		if strings.HasPrefix(class, w.prefix) {
			return checks.Text{En: w.text.En + " (" + shown + ")", Ja: w.text.Ja + "（" + shown + "）"}
		}
	}
	return checks.Same(shown)
}

var statusCode = regexp.MustCompile(`returned code (\d{3})\b`)

// causes say what an error means, by its class; the first that fits counts.
var causes = []struct {
	classes []string
	text    checks.Text
}{
	{[]string{"Stoplight::Error::RedLight"}, checks.Text{En: "failed so often that Mastodon pauses", Ja: "失敗が続き、Mastodonが一時停止中"}},
	{[]string{"HTTP::TimeoutError", "HTTP::ConnectTimeoutError", "Net::OpenTimeout", "Net::ReadTimeout", "Timeout", "Errno::ETIMEDOUT"}, checks.Text{En: "no answer in time", Ja: "時間内に応答なし"}},
	{[]string{"OpenSSL::SSL"}, checks.Text{En: "certificate or TLS", Ja: "証明書・TLSの問題"}},
	{[]string{"Net::SMTP", "Mail"}, checks.Text{En: "the mail server refuses", Ja: "メールサーバーが拒否"}},
	{[]string{"HTTP::ConnectionError", "Errno::ECONNREFUSED", "Errno::EHOSTUNREACH", "Errno::ENETUNREACH", "Errno::ECONNRESET", "SocketError", "Resolv"}, checks.Text{En: "cannot be connected to", Ja: "接続できない"}},
	{[]string{"Errno::ENOSPC"}, checks.Text{En: "no space left on the disk", Ja: "ディスクの空きなし"}},
	{[]string{"Errno::EACCES", "Errno::EPERM", "Errno::EROFS"}, checks.Text{En: "no permission for a file", Ja: "ファイルの権限なし"}},
	{[]string{"NoMemoryError", "Errno::ENOMEM"}, checks.Text{En: "no memory left", Ja: "メモリ不足"}},
	{[]string{"ActiveRecord::ConnectionTimeoutError", "ActiveRecord::ConnectionNotEstablished", "PG::ConnectionBad", "PG::UnableToSend"}, checks.Text{En: "no connection to the database", Ja: "データベースに接続できない"}},
	{[]string{"ActiveRecord::Deadlocked", "ActiveRecord::QueryCanceled", "ActiveRecord::LockWaitTimeout", "ActiveRecord::StatementTimeout"}, checks.Text{En: "the database was too busy", Ja: "データベースの混雑"}},
	{[]string{"ActiveRecord::RecordNotUnique", "ActiveRecord::StatementInvalid", "PG"}, checks.Text{En: "an error of the database", Ja: "データベースのエラー"}},
	{[]string{"Redis", "RedisClient"}, checks.Text{En: "an error of Redis", Ja: "Redisのエラー"}},
	{[]string{"Aws", "Seahorse", "Fog", "Excon"}, checks.Text{En: "the object storage", Ja: "オブジェクトストレージ"}},
	{[]string{"Elasticsearch", "Faraday", "Chewy"}, checks.Text{En: "the full-text search", Ja: "全文検索サーバー"}},
	{[]string{"Mastodon::RaceConditionError"}, checks.Text{En: "two jobs got into each other's way", Ja: "ジョブ同士の競合"}},
	{[]string{"Terrapin", "Paperclip"}, checks.Text{En: "the conversion of a file", Ja: "ファイルの変換失敗"}},
	{[]string{"ActiveJob::DeserializationError", "ActiveRecord::RecordNotFound"}, checks.Text{En: "what it was about is gone", Ja: "対象がすでに無い"}},
}

// why says what the error of a job means.
func (j job) why() checks.Text {
	if m := statusCode.FindStringSubmatch(j.message); m != nil {
		return checks.Text{En: "answers HTTP " + m[1], Ja: "HTTP " + m[1] + "を返す"}
	}
	for _, c := range causes {
		for _, class := range c.classes {
			if j.failure == class || strings.HasPrefix(j.failure, class) && (strings.HasPrefix(j.failure[len(class):], "::") || strings.Contains(class, "::")) {
				return c.text
			}
		}
	}
	if j.failure == "" {
		return checks.Text{En: "an unknown error", Ja: "不明なエラー"}
	}
	return checks.Same(checks.Shorten(j.failure, 50))
}

// reasons names the most frequent kind of job with its error, and how much of
// the sample it is.
func reasons(s sample) checks.Text {
	if len(s) == 0 {
		return checks.Text{}
	}
	type kind struct{ class, why string }
	in := map[string]checks.Text{}
	groups := s.by(func(j job) string {
		why := j.why()
		key := kind{j.class, why.En}
		name := key.class + "\x00" + key.why
		in[name] = why
		return name
	})
	var list []checks.Text
	for _, g := range groups[:min(len(groups), 2)] {
		class, _, _ := strings.Cut(g.name, "\x00")
		what, why, share := jobText(class), in[g.name], checks.Percent(float64(g.n)/float64(len(s)))
		if len(list) > 0 && g.n*5 < len(s) {
			break // less than a fifth says little
		}
		list = append(list, checks.Text{
			En: fmt.Sprintf("%s are %s: %s", share.En, what.En, why.En),
			Ja: fmt.Sprintf("%sが%s（%s）", what.Ja, share.Ja, why.Ja),
		})
	}
	all := checks.Join(checks.Text{En: "; ", Ja: "、"}, list...)
	return checks.Text{En: "Of a sample, " + all.En + ".", Ja: "抽出した分の内訳: " + all.Ja}
}
