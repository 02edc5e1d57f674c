package mastodon

import (
	"fmt"

	"github.com/sababan/sababan/checks"
)

// textRunning says that what runs is not what lies on disk.
func (q question) textRunning() checks.Text {
	runs, disk := q.running.version, q.code.version
	if runs.compare(disk) < 0 {
		return checks.Text{
			En: fmt.Sprintf("Mastodon still runs as %s, %s is on disk\nIts processes were not restarted after the update: what it fixes is not fixed yet.", runs, disk),
			Ja: fmt.Sprintf("Mastodonが %s のまま動いています（ディスク上は%s）\n更新後に再起動されていないため、修正がまだ反映されていません。", runs, disk),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("Mastodon runs as %s, but %s is on disk\nThe next restart would take the server back to the older version.", runs, disk),
		Ja: fmt.Sprintf("動作中のMastodonは%sですが、ディスク上は%sです\n次に再起動すると、古いバージョンに戻ります。", runs, disk),
	}
}

func migrations(n int) checks.Text {
	t := checks.Text{En: fmt.Sprintf("%d database migrations", n), Ja: fmt.Sprintf("%d件", n)}
	if n == 1 {
		t.En = "1 database migration"
	}
	return t
}

// textPending says that the code runs on a database that is not ready for it.
func textPending(l lacks, failing bool) checks.Text {
	n := migrations(l.pending)
	was := "were"
	if l.pending == 1 {
		was = "was"
	}
	head := checks.Text{
		En: n.En + " " + was + " not run after the update",
		Ja: "データベースのマイグレーションが" + n.Ja + "未実行です",
	}
	what := checks.Text{
		En: "The new code expects tables or columns that are not there yet: parts of Mastodon may fail. The first is " + l.firstPending + ".",
		Ja: "新しいコードが必要とするテーブルや列がまだないため、一部の機能が失敗する可能性があります。最初の未実行は " + l.firstPending + " です。",
	}
	if failing {
		head = checks.Text{
			En: "Mastodon fails: " + n.En + " " + was + " not run after the update",
			Ja: "Mastodonがエラーを返しています（マイグレーション" + n.Ja + "が未実行）",
		}
		what = checks.Text{
			En: "Its web process answers with errors, probably because tables or columns are missing. The first is " + l.firstPending + ".",
			Ja: "Webプロセスがエラーを返しています。テーブルや列が足りないためと思われます。最初の未実行は " + l.firstPending + " です。",
		}
	}
	return checks.Lines(head, what)
}

// textPost says that the second half of an update was forgotten.
func textPost(l lacks) checks.Text {
	n := migrations(l.post)
	wait := "wait"
	if l.post == 1 {
		wait = "waits"
	}
	return checks.Text{
		En: n.En + " " + wait + " for the end of the update\nThese are the ones to be run once the new version is running (post-deployment). Nothing fails now, but the next update may. The first is " + l.firstPost + ".",
		Ja: "更新後に実行するマイグレーションが" + n.Ja + "残っています\n新しいバージョンの起動後に実行するもの（post-deployment）です。いまは支障ありませんが、次の更新で失敗することがあります。最初の未実行は " + l.firstPost + " です。",
	}
}

// textAhead says that the database knows more than the code.
func textAhead(l lacks) checks.Text {
	n := migrations(l.ahead)
	return checks.Text{
		En: "the code on disk is behind the database by " + n.En + "\nIt was taken back, or is of another branch; what was done to the database stays. The first is " + l.firstAhead + ".",
		Ja: "データベースがコードより" + n.Ja + "先に進んでいます\nディスク上のコードが前のバージョンに戻されたか、別のブランチです。データベースの変更はそのまま残っています。最初のものは " + l.firstAhead + " です。",
	}
}

// textNoCode says why the code could not be compared.
func (q question) textNoCode() checks.Text {
	if q.code.denied != "" {
		at := checks.QuoteName(q.code.denied)
		return checks.Text{
			En: "Mastodon's code could not be read: no permission for " + at,
			Ja: "Mastodonのコードを確認できません。閲覧権限がありません: " + at,
		}
	}
	at := checks.QuoteName(q.found.Live)
	return checks.Text{
		En: "Mastodon's code in " + at + " could not be read",
		Ja: at + " にあるMastodonのコードを読めません",
	}
}
