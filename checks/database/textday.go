package database

import (
	"fmt"
	"math"
	"time"

	"github.com/sababan/sababan/checks"
)

func tableName(t table) checks.Text { return name(t.Name) }

func unanalysedText(all []table) checks.Text {
	names := list(all, tableName)
	head := checks.Text{En: "a table was never analysed", Ja: "一度もANALYZEされていないテーブルがあります"}
	if len(all) > 1 {
		head = checks.Text{En: fmt.Sprintf("%d tables were never analysed", len(all)), Ja: fmt.Sprintf("%d個のテーブルが一度もANALYZEされていません", len(all))}
	}
	return checks.Lines(head,
		checks.Text{En: "Biggest first: " + names.En + ".", Ja: "大きい順: " + names.Ja},
		checks.Text{
			En: "PostgreSQL plans blindly: opening a post or a profile can take seconds. An upgrade of PostgreSQL or a restore leaves tables like that.",
			Ja: "実行計画が当てずっぽうになり、投稿やプロフィールの表示に何秒もかかることがあります。PostgreSQLのバージョンアップやリストアの後に起こります。",
		})
}

func staleText(all []table) checks.Text {
	names := list(all, func(t table) checks.Text {
		p := checks.Percent(t.Modified / max(t.Live, t.Rows, 1))
		n := tableName(t)
		return checks.Text{En: n.En + " " + p.En, Ja: n.Ja + " " + p.Ja}
	})
	head := checks.Text{En: "the statistics of " + tableName(all[0]).En + " are out of date", Ja: tableName(all[0]).Ja + " の統計情報が古くなっています"}
	if len(all) > 1 {
		head = checks.Text{En: fmt.Sprintf("the statistics of %d tables are out of date", len(all)), Ja: fmt.Sprintf("%d個のテーブルの統計情報が古くなっています", len(all))}
	}
	return checks.Lines(head,
		checks.Text{En: "Rows changed since the last ANALYZE: " + names.En + ".", Ja: "前回のANALYZE以降に変わった行: " + names.Ja},
		checks.Text{
			En: "PostgreSQL may choose bad plans: timelines and searches get slow.",
			Ja: "実行計画を誤りやすくなり、タイムラインや検索が遅くなります。",
		})
}

func analyseAdvice(l *look, all []table) checks.Advice {
	words := []string{"--analyze-only", "-d", l.server.Name}
	if len(all) <= 10 {
		for _, t := range all {
			words = append(words, "-t", quoteIdent(t.Name))
		}
	}
	return checks.Advice{
		Text: checks.Text{En: "It reads a sample and holds nobody up.", Ja: "一部を読むだけで、運用中でも安全に実行できます。"},
		Look: l.psql("select relname, n_live_tup, n_mod_since_analyze, last_analyze, last_autoanalyze from pg_stat_user_tables order by 3 desc limit 20"),
		Mend: shells(l.tool("vacuumdb", words...)),
	}
}

func deadText(l *look, all []table) checks.Text {
	names := list(all, func(t table) checks.Text {
		p := checks.Percent(t.Dead / max(t.Dead+t.Live, 1))
		n := tableName(t)
		return checks.Text{En: n.En + " " + p.En, Ja: n.Ja + " " + p.Ja}
	})
	lines := []checks.Text{
		{En: "autovacuum does not keep up with dead rows", Ja: "自動バキュームが不要な行の片付けに追いついていません"},
		{En: "Share of dead rows: " + names.En + ".", Ja: "不要な行の割合: " + names.Ja},
		{En: "Tables swell and get slower to read.", Ja: "テーブルが膨らみ、読み取りが遅くなります。"},
	}
	untended := all[:0:0]
	for _, t := range all {
		if t.Untended {
			untended = append(untended, t)
		}
	}
	if len(untended) > 0 {
		n := list(untended, tableName)
		lines = append(lines, checks.Text{En: "Autovacuum is switched off for: " + n.En + ".", Ja: "自動バキュームが無効になっています: " + n.Ja})
	}
	var oldest time.Duration
	for _, s := range l.activity {
		oldest = max(oldest, s.Open)
	}
	if oldest > time.Hour {
		d := checks.Span(oldest)
		lines = append(lines, checks.Text{
			En: "A transaction open for " + d.En + " keeps them from being cleared away.",
			Ja: d.Ja + "開いたままのトランザクションが、片付けを妨げています。",
		})
	}
	return checks.Lines(lines...)
}

func vacuumAdvice(l *look, all []table) checks.Advice {
	words := []string{"--analyze", "-d", l.server.Name}
	for _, t := range all[:min(len(all), 10)] {
		words = append(words, "-t", quoteIdent(t.Name))
	}
	return checks.Advice{
		Text: checks.Text{
			En: "If it happens again, lower autovacuum_vacuum_scale_factor for these tables.",
			Ja: "繰り返す場合は、これらのテーブルのautovacuum_vacuum_scale_factorを小さくしてください。",
		},
		Look: l.psql("select relname, n_live_tup, n_dead_tup, last_vacuum, last_autovacuum from pg_stat_user_tables order by 3 desc limit 20"),
		Mend: shells(l.tool("vacuumdb", words...)),
	}
}

func bloatText(t table, empty float64) checks.Text {
	n, all, e := tableName(t), checks.Size(t.Bytes), checks.Size(empty)
	how := checks.Text{En: "Estimated from the widths of its columns.", Ja: "列の幅からの推定です。"}
	if t.Known != t.Columns {
		how = checks.Text{
			En: "Estimated: its rows used to take that much less (the widths of its columns are not open to me).",
			Ja: "過去の1行あたりの大きさからの推定です（列の統計は権限がなく読めません）。",
		}
	}
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("about %s of the %s of table %s are empty", e.En, all.En, n.En),
			Ja: fmt.Sprintf("テーブル %s は%sのうち約%sが空いています", n.Ja, all.Ja, e.Ja),
		},
		checks.Text{
			En: "PostgreSQL fills that room again over time; pg_repack would give it back to the disk now and make reading faster.",
			Ja: "空きはいずれ再利用されますが、pg_repackを使うと、すぐディスクに戻せて読み取りも速くなります。",
		},
		how,
	)
}

func bloatAdvice(l *look, t table) checks.Advice {
	s := checks.Size(t.Bytes)
	return checks.Advice{
		Text: checks.Text{
			En: "It needs the package postgresql-" + major(l.server.Version) + "-repack, the extension, and free room as big as the table and its indexes (more than " + s.En + "). Mastodon can go on working.",
			Ja: "パッケージpostgresql-" + major(l.server.Version) + "-repackと拡張機能、テーブルとインデックスを合わせた大きさ（" + s.Ja + "以上）の空きが必要です。Mastodonは動かしたままで構いません。",
		},
		Mend: shells(l.psql("CREATE EXTENSION IF NOT EXISTS pg_repack"), l.tool("pg_repack", "-d", l.server.Name, "-t", "public."+quoteIdent(t.Name))),
	}
}

func major(version int) string { return fmt.Sprint(version / 10000) }

func invalidText(i index, since time.Time) checks.Text {
	n, t := name(i.Name), name(i.Table)
	effect := checks.Text{
		En: "It was not built to its end: no query can use it, but every write still has to keep it up.",
		Ja: "作成が途中で失敗しています。検索には使われず、書き込みの負担だけが残ります。",
	}
	if i.Unique {
		effect = checks.Text{
			En: "It was not built to its end, perhaps because of duplicate rows. As it is, it does not keep out duplicates.",
			Ja: "作成が途中で失敗しています（重複した行が原因かもしれません）。このままでは重複を防げません。",
		}
	}
	if i.leftover() {
		effect = checks.Text{
			En: "A REINDEX that did not come to its end left it behind; the real index is there beside it.",
			Ja: "途中で終わったREINDEXの残りです。本来のインデックスは別にあります。",
		}
	}
	return checks.Lines(
		checks.Text{En: "index " + n.En + " is invalid", Ja: "インデックス " + n.Ja + " が無効です"},
		checks.Text{En: "On table " + t.En + ", since " + checks.At(since) + " or before.", Ja: "テーブルは " + t.Ja + " です。" + checks.At(since) + "以前から無効になっています。"},
		effect,
	)
}

func invalidAdvice(l *look, i index) checks.Advice {
	a := checks.Advice{Look: l.psql("select indexrelid::regclass, indisvalid, indisready from pg_index where not indisvalid or not indisready")}
	if i.leftover() {
		a.Mend = shells(l.psql("DROP INDEX CONCURRENTLY " + quoteIdent(i.Name)))
	} else {
		a.Mend = shells(l.psql("REINDEX INDEX CONCURRENTLY " + quoteIdent(i.Name)))
	}
	return a
}

func missingText(k key, state keeper) checks.Text {
	n, t := name(k.Index), name(k.Table)
	head := checks.Text{En: "the unique index " + n.En + " is missing", Ja: "ユニークインデックス " + n.Ja + " がありません"}
	if state == notUnique {
		head = checks.Text{En: "index " + n.En + " is not unique, as it should be", Ja: "インデックス " + n.Ja + " がユニークになっていません"}
	}
	return checks.Lines(head, checks.Text{
		En: "Nothing keeps duplicate rows out of " + t.En + ", finding a row gets slow, and an update of Mastodon may stop half-way.",
		Ja: t.Ja + " に重複した行ができるのを防げず、検索も遅くなります。Mastodonのアップデートが途中で失敗することもあります。",
	})
}

func missingAdvice(l *look, k key, state keeper) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "If that fails because of duplicates, they must go first (tootctl maintenance fix-duplicates, with Mastodon stopped and a fresh backup).",
			Ja: "重複があって失敗する場合は、先に解消が必要です（バックアップを取り、Mastodonを止めてから tootctl maintenance fix-duplicates）。",
		},
		Look: l.psql("select indexdef from pg_indexes where tablename = " + literal(k.Table)),
	}
	if state == notUnique {
		a.Mend = shells(l.psql("DROP INDEX CONCURRENTLY " + quoteIdent(k.Index)))
	}
	a.Mend = append(a.Mend, shells(l.psql(k.create()))...)
	return a
}

func collationText(c collation, n night) checks.Text {
	was := c.Recorded
	if was == "" {
		was = "?"
	}
	from, to := checks.Named(was, 20), checks.Named(c.Actual, 20)
	lines := []checks.Text{
		{
			En: fmt.Sprintf("the database's sort order (collation) has changed its version (%s → %s)", from.En, to.En),
			Ja: fmt.Sprintf("文字列の並び順（照合順序）のバージョンが変わりました（%s→%s）", from.Ja, to.Ja),
		},
		{
			En: "Indexes made before may be broken: accounts and posts are not found, and then appear twice.",
			Ja: "以前に作られたインデックスが壊れているおそれがあります。アカウントや投稿が見つからなくなり、重複が生じます。",
		},
	}
	switch left := n.left(); {
	case n.Known == 0:
		lines = append(lines, checks.Text{En: "All indexes are read over the next nights.", Ja: "これから数夜かけて、すべてのインデックスを検査します。"})
	case left > 0:
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("%d of %d indexes have been read since; the others follow by night.", n.Known-left, n.Known),
			Ja: fmt.Sprintf("その後、%d件中%d件のインデックスを検査しました。残りも夜間に検査します。", n.Known, n.Known-left),
		})
	default:
		lines = append(lines, checks.Text{En: "All indexes have been read since.", Ja: "その後、すべてのインデックスを検査しました。"})
	}
	return checks.Lines(lines...)
}

func collationAdvice(l *look) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Rebuild the indexes (it needs free room and hours, Mastodon can go on working), and only then tell PostgreSQL that they are new. If a unique one fails, there are duplicate rows.",
			Ja: "インデックスを作り直し（空き容量と時間が必要ですが、Mastodonは動かしたままで構いません）、その後で新しいバージョンを記録します。ユニークインデックスで失敗したら、重複した行があります。",
		},
		Mend: shells(l.psql("REINDEX DATABASE CONCURRENTLY " + quoteIdent(l.server.Name))),
	}
	if l.server.Version >= 150000 {
		a.Mend = append(a.Mend, shells(l.psql("ALTER DATABASE "+quoteIdent(l.server.Name)+" REFRESH COLLATION VERSION"))...)
	}
	return a
}

func sequenceText(c counter) checks.Text {
	n := name(c.Table + "." + c.Column)
	used, left := checks.Percent(*c.Last/c.Most), checks.Number(int64(math.Max(c.Most-*c.Last, 0)))
	return checks.Lines(
		checks.Text{En: "the numbers of " + n.En + " are " + used.En + " used up", Ja: n.Ja + " の番号を" + used.Ja + "使い切っています"},
		checks.Text{En: left.En + " are left. After that no new row can be stored there.", Ja: "残りは" + left.Ja + "です。なくなると、新しい行を保存できません。"},
	)
}

func sequenceAdvice(c counter) checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "The column has to become a bigint; the table is rewritten and locked meanwhile, so plan it with Mastodon stopped.",
		Ja: "列をbigintに変更する必要があります。書き換え中はテーブルがロックされるため、Mastodonを止めて計画的に行ってください。",
	}}
}

func noCounter(c counter) checks.Text {
	n := name(c.Table + "." + c.Column)
	return checks.Text{En: "how far " + n.En + " has counted may not be read", Ja: n.Ja + " の番号がどこまで進んだか、読み取る権限がありません"}
}

func slowerText(all []slower) checks.Text {
	statement := func(s slower) checks.Text {
		verb := session{Words: s.Verb}.tag()
		what := verb
		if s.Table != "" {
			what += " " + checks.Quote(s.Table)
		}
		if what == "" {
			what = "?"
		}
		now, usual := checks.Span(time.Duration(s.Now*1e6)), checks.Span(time.Duration(s.Usual*1e6))
		return checks.Text{
			En: fmt.Sprintf("%s %s (usually %s)", what, now.En, usual.En),
			Ja: fmt.Sprintf("%s %s（普段%s）", what, now.Ja, usual.Ja),
		}
	}
	times := checks.Number(int64(all[0].Now / max(all[0].Usual, 0.01)))
	names := list(all, statement)
	return checks.Lines(
		checks.Text{
			En: "a query takes " + times.En + " times as long as it usually does",
			Ja: "クエリの所要時間が普段の" + times.Ja + "倍になっています",
		},
		checks.Text{En: "Mean of the last day: " + names.En + ".", Ja: "この1日の平均: " + names.Ja},
		checks.Text{
			En: "Old statistics, a missing index or a table that has swollen are the usual reasons.",
			Ja: "よくある原因は、古い統計情報、足りないインデックス、膨らんだテーブルです。",
		},
	)
}

func slowerAdvice(l *look) checks.Advice {
	return checks.Advice{Look: l.psql("select calls, round(mean_exec_time) as ms, left(query, 120) from pg_stat_statements order by total_exec_time desc limit 20")}
}
