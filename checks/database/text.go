package database

import (
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

const (
	// listed is how many of a list are named (own).
	listed = 3
	// nameRoom is how many characters of a name are shown in a headline: the
	// longest of Mastodon's indexes fits.
	nameRoom = 64
)

func name(s string) checks.Text { return checks.Named(s, nameRoom) }

var comma = checks.Text{En: ", ", Ja: "、"}

// and says how many more there are than are named.
func and(more int) checks.Text {
	if more <= 0 {
		return checks.Text{}
	}
	return checks.Text{En: fmt.Sprintf("and %d more", more), Ja: fmt.Sprintf("ほか%d件", more)}
}

// list names the first few.
func list[T any](all []T, one func(T) checks.Text) checks.Text {
	var texts []checks.Text
	for _, v := range all[:min(len(all), listed)] {
		texts = append(texts, one(v))
	}
	return checks.Join(comma, append(texts, and(len(all)-listed))...)
}

// answerHead is what stands first where the database does not answer.
func answerHead(why checks.Text) checks.Text {
	return checks.Text{En: "no answer: " + why.En, Ja: "応答がありません。" + why.Ja}
}

func answerText(why checks.Text, last time.Time) checks.Text {
	lines := []checks.Text{
		{En: "the database does not work", Ja: "データベースが使えません"},
		{En: why.En + ".", Ja: why.Ja + "。"},
		{
			En: "Pages, apps and other servers get errors; posts and notifications stand still.",
			Ja: "Web・アプリ・他サーバーへの応答がエラーになり、投稿も通知も止まります。",
		},
	}
	if !last.IsZero() {
		lines = append(lines, checks.Text{En: "It answered last at " + checks.At(last) + ".", Ja: "最後に応答があったのは" + checks.At(last) + "です。"})
	}
	return checks.Lines(lines...)
}

func answerAdvice(f site.Fault, found site.Found) checks.Advice {
	log := checks.Sh("sudo", "journalctl", "-u", "postgresql*", "-n", "50", "--no-pager")
	start := checks.Sh("sudo", "systemctl", "start", "postgresql")
	if found.Compose != "" {
		log = checks.Written("sudo", "docker", "compose", "--project-directory", found.Compose, "logs", "--tail", "50", "db")
		start = checks.Written("sudo", "docker", "compose", "--project-directory", found.Compose, "up", "-d", "db")
	}
	switch f {
	case site.Starting:
		start = nil // that is what it does
	case site.Full:
		return checks.Advice{
			Text: checks.Text{
				En: "You can still see who has the connections: a few are kept for the user postgres.",
				Ja: "postgresユーザー用の予備の接続があるので、どのプログラムが接続しているかは確認できます。",
			},
			Look: checks.Sh("sudo", "-u", "postgres", "psql", "-c", "select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc limit 20"),
			Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "restart", "mastodon-sidekiq")},
		}
	case site.Odd:
		return damageAdvice(log)
	case site.Silent:
		return checks.Advice{
			Text: checks.Text{
				En: "It is there and says nothing: look at the disk and at the load first. A restart may take long.",
				Ja: "動いてはいますが応答しません。先にディスクと負荷を確認してください。再起動には時間がかかることがあります。",
			},
			Look: log,
		}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Look at the log first; a full disk is the most frequent reason (df -h).",
			Ja: "先にログを確認してください。いちばん多い原因はディスクの空き不足です（df -h）。",
		},
		Look: log,
		Mend: shells(start),
	}
}

// damageAdvice is for data that can no longer be read from the disk.
func damageAdvice(log checks.Shell) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Keep the newest good backup from being overwritten, and look at the disk (kernel log, RAID, SMART) before anything is repaired.",
			Ja: "まず、正常なバックアップが上書きされないようにしてください。修復の前に、ディスク（カーネルログ、RAID、SMART）を確認してください。",
		},
		Look: log,
	}
}

func noTime() checks.Text {
	return checks.Text{En: "there was no time left to ask", Ja: "時間が足りず、確認できませんでした"}
}

func noMastodon(database string) checks.Text {
	n := name(database)
	return checks.Text{
		En: "the database " + n.En + " has no tables of Mastodon",
		Ja: "データベース " + n.Ja + " にMastodonのテーブルがありません",
	}
}

func mendURL() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Set [server] database_url to the database that Mastodon uses (DB_NAME).",
		Ja: "[server] database_url に、Mastodonが使っているデータベース（DB_NAME）を設定してください。",
	}}
}

func noMonitor() checks.Text {
	return checks.Text{
		En: "sababan's role is not in pg_monitor: what others do in the database is hidden from it",
		Ja: "sababanのロールにpg_monitorがないため、ほかの接続の状態が見えません",
	}
}

func mendGrants() checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "This prints the lines that give the right:", Ja: "権限を与える設定は、次のコマンドで表示されます。"},
		Look: checks.Sh("sudo", "sababan", "check", "--verbose"),
	}
}

func replicaText(v verdict) checks.Text {
	if v.Severity == checks.Critical {
		return checks.Lines(
			checks.Text{En: "the database has become read-only (a replica)", Ja: "データベースが読み取り専用（レプリカ）になりました"},
			checks.Text{
				En: "It could be written to before. If Mastodon uses this one, nobody can post, and what arrives is lost.",
				Ja: "以前は書き込めました。Mastodonがこのサーバーを使っている場合、投稿も受信もできません。",
			},
		)
	}
	return checks.Lines(
		checks.Text{En: "what is looked at is a replica, which only reads", Ja: "確認しているのは読み取り専用のレプリカです"},
		checks.Text{
			En: "If Mastodon writes to this one, it cannot. If that is so on purpose, statistics and indexes cannot be looked at here.",
			Ja: "Mastodonがここに書き込む設定なら、書き込めていません。意図した設定の場合でも、統計情報とインデックスはここでは確認できません。",
		},
	)
}

func replicaAdvice(l *look) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Set [server] database_url to the primary, or [checks.database] replica = true if a replica is what is meant.",
			Ja: "[server] database_url にプライマリを設定するか、レプリカでよければ [checks.database] replica = true を設定してください。",
		},
		Look: l.psql("select pg_is_in_recovery()"),
	}
}

func lagText(behind time.Duration, fed bool) checks.Text {
	if !fed {
		return checks.Lines(
			checks.Text{En: "this replica no longer gets anything from its primary", Ja: "このレプリカはプライマリからデータを受け取っていません"},
			checks.Text{En: "Whoever reads here sees old timelines.", Ja: "ここから読むと、古いタイムラインが表示されます。"},
		)
	}
	b := checks.Span(behind)
	return checks.Lines(
		checks.Text{En: "this replica is " + b.En + " behind its primary", Ja: "このレプリカはプライマリより" + b.Ja + "遅れています"},
		checks.Text{En: "Whoever reads here sees old timelines.", Ja: "ここから読むと、古いタイムラインが表示されます。"},
	)
}

func lagAdvice(l *look) checks.Advice {
	return checks.Advice{Look: l.psql("select status, sender_host, latest_end_time from pg_stat_wal_receiver")}
}

// summary is the line for all.
func summary(l *look) checks.Text {
	took := checks.Span(l.server.Took)
	parts := []checks.Text{{En: "answers in " + took.En, Ja: "応答" + took.Ja}}
	if l.seen {
		n := len(l.activity)
		usual := checks.Text{}
		if b, ok := l.past.Normal("connections", "", l.now); ok && b.Days > 0 {
			r := countRange(b)
			usual = checks.Text{En: " (usually " + r.En + ")", Ja: "（普段" + r.Ja + "）"}
		}
		what := "connections"
		if n == 1 {
			what = "connection"
		}
		parts = append(parts, checks.Text{En: fmt.Sprintf("%d %s%s", n, what, usual.En), Ja: fmt.Sprintf("接続%d%s", n, usual.Ja)})
	}
	if b := l.memory.Day.Bytes; b > 0 {
		s := checks.Size(b)
		parts = append(parts, s)
	}
	if l.wal.Bytes > 0 {
		s := checks.Size(l.wal.Bytes)
		parts = append(parts, checks.Text{En: "pg_wal " + s.En, Ja: "pg_wal " + s.Ja})
	}
	if n := l.nightly; n.Known > 0 {
		left, all := n.left(), n.Known
		switch {
		case n.hurt():
		case left == 0:
			parts = append(parts, checks.Text{En: fmt.Sprintf("all %d indexes whole", all), Ja: fmt.Sprintf("インデックス%d件すべて正常", all)})
		default:
			parts = append(parts, checks.Text{En: fmt.Sprintf("%d of %d indexes read so far", all-left, all), Ja: fmt.Sprintf("インデックスは%d件中%d件を検査済み", all, all-left)})
		}
	}
	return checks.Join(comma, parts...)
}

func countRange(b checks.Band) checks.Text {
	low, high := checks.Number(int64(max(b.Low, 0)+0.5)).En, checks.Number(int64(max(b.High, 0)+0.5)).En
	if low == high {
		return checks.Same(high)
	}
	return checks.Text{En: low + "–" + high, Ja: low + "〜" + high}
}
