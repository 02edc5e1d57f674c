package database

import (
	"fmt"

	"github.com/sababan/sababan/checks"
)

func brokenText(index string, i readIndex) checks.Text {
	n, t := name(index), name(i.Table)
	said := checks.Said(i.Broken)
	proof := checks.Text{
		En: fmt.Sprintf("PostgreSQL at %s: %s", checks.At(i.At), said.En),
		Ja: fmt.Sprintf("PostgreSQLの報告（%s）: %s", checks.At(i.At), said.Ja),
	}
	if i.Fatal {
		proof = checks.Text{
			En: "Probably: PostgreSQL's process crashed at " + checks.At(i.At) + " while it read this index, which restarted all of PostgreSQL. It is left alone until it has been rebuilt.",
			Ja: "推定です。" + checks.At(i.At) + "にこのインデックスの検査中にPostgreSQLのプロセスが異常終了し、PostgreSQL全体が再起動しました。作り直されるまで検査しません。",
		}
	}
	return checks.Lines(
		checks.Text{En: "index " + n.En + " is broken", Ja: "インデックス " + n.Ja + " が壊れています"},
		checks.Text{
			En: "Rows of " + t.En + " that are there are not found, and may appear twice: profiles give 404, posts do not arrive.",
			Ja: t.Ja + " にある行が見つからず、重複が生じることがあります（プロフィールが404になる、投稿が届かないなど）。",
		},
		proof,
	)
}

func brokenAdvice(l *look, index string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Mastodon can go on working meanwhile. If a unique index cannot be rebuilt, there are duplicate rows, and they must go first. If indexes break again, look at the disk.",
			Ja: "Mastodonは動かしたままで実行できます。ユニークインデックスが作り直せない場合は重複した行があるので、先に解消してください。何度も壊れるなら、ディスクを確認してください。",
		},
		Mend: shells(l.psql("REINDEX INDEX CONCURRENTLY " + quoteIdent(index))),
	}
}

func duplicatesText(table string, t readTable) checks.Text {
	n, c := name(table), checks.Number(t.Twice)
	more := checks.Text{}
	if t.Twice >= twiceLimit {
		more = checks.Text{En: " or more", Ja: "以上"}
	}
	effect := checks.Text{
		En: "An index was broken when they came in. An update of Mastodon may stop half-way because of them.",
		Ja: "インデックスが壊れていた間に入ったものです。Mastodonのアップデートが途中で失敗する原因になります。",
	}
	switch table {
	case "accounts":
		effect = checks.Text{
			En: "The same account is there more than once: its posts may not arrive, follows go astray, and an update of Mastodon may stop half-way.",
			Ja: "同じアカウントが複数あります。投稿が届かない、フォローがずれる、Mastodonのアップデートが途中で失敗するなどの原因になります。",
		}
	case "custom_emojis":
		effect = checks.Text{
			En: "Emoji may be shown as :shortcodes:, and an update of Mastodon may stop half-way.",
			Ja: "絵文字が :shortcode: のまま表示されたり、Mastodonのアップデートが途中で失敗したりします。",
		}
	}
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("table %s has duplicate rows (%s%s)", n.En, c.En, more.En),
			Ja: fmt.Sprintf("テーブル %s に重複した行があります（%s件%s）", n.Ja, c.Ja, more.Ja),
		},
		effect,
	)
}

func duplicatesAdvice(l *look, table string) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "tootctl maintenance fix-duplicates deletes and merges rows for good: make a backup first, try it on a copy if you can, and stop all of Mastodon (web, Sidekiq, streaming) while it runs. On versions newer than it knows it asks before it begins. Then rebuild the index.",
			Ja: "tootctl maintenance fix-duplicates は行の削除と統合を行い、元に戻せません。先にバックアップを取り、可能なら複製した環境で試し、実行中はMastodonをすべて（Web・Sidekiq・ストリーミング）止めてください。未対応の新しいバージョンでは実行前に確認されます。終わったらインデックスを作り直します。",
		},
		Mend: shells(l.tootctl("maintenance", "fix-duplicates")),
	}
	for _, k := range keys {
		if k.Table == table && !k.Closed {
			a.Mend = append(a.Mend, shells(l.psql("REINDEX INDEX CONCURRENTLY "+quoteIdent(k.Index)))...)
		}
	}
	return a
}

func noAmcheck(there bool) checks.Text {
	if !there {
		return checks.Text{
			En: "the extension amcheck is not in the database: whether indexes are broken cannot be told",
			Ja: "拡張機能amcheckがないため、インデックスが壊れていないか確認できません",
		}
	}
	return checks.Text{
		En: "sababan's role may not use amcheck: whether indexes are broken cannot be told",
		Ja: "sababanのロールにamcheckの実行権限がないため、インデックスが壊れていないか確認できません",
	}
}

func noColumns(k key) checks.Text {
	n := name(k.Table)
	return checks.Text{
		En: "sababan's role may not read the columns of " + n.En + " that must be unique",
		Ja: "sababanのロールに " + n.Ja + " の列を読む権限がないため、重複を確認できません",
	}
}

func onlyPrimary() checks.Text {
	return checks.Text{
		En: "indexes and rows are looked at on the primary only, and this is a replica",
		Ja: "レプリカでは、インデックスと重複の確認は行いません",
	}
}

func tooLong(index string) checks.Text {
	n := name(index)
	return checks.Text{
		En: "index " + n.En + " is too big to be read within its time",
		Ja: "インデックス " + n.Ja + " は大きく、時間内に検査できません",
	}
}

func mendByHand(l *look, index string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "By hand, in a quiet hour:", Ja: "すいている時間に、手動で検査してください。"},
		Look: l.psql("SELECT bt_index_check(" + literal(quoteIdent(index)) + ")"),
	}
}

func tableTooLong(table string) checks.Text {
	n := name(table)
	return checks.Text{
		En: "table " + n.En + " is too big to be compared within its time",
		Ja: "テーブル " + n.Ja + " は大きく、時間内に重複を確認できません",
	}
}
