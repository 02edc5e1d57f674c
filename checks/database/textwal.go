package database

import (
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

func walText(w wal) checks.Text {
	s, m := checks.Size(w.Bytes), checks.Size(max(w.Max, w.Keep))
	lines := []checks.Text{
		{
			En: "pg_wal has grown to " + s.En + " (its settings allow " + m.En + ")",
			Ja: "pg_walが" + s.Ja + "に増えています（設定上は" + m.Ja + "まで）",
		},
		{
			En: "When the disk is full, PostgreSQL stops, and Mastodon with it.",
			Ja: "ディスクがいっぱいになるとPostgreSQLが停止し、Mastodonも止まります。",
		},
	}
	if w.FreeKnown {
		f := checks.Size(w.Free)
		lines = append(lines, checks.Text{En: f.En + " is free on its disk.", Ja: "ディスクの空きは" + f.Ja + "です。"})
	}
	return checks.Lines(lines...)
}

func walAdvice(l *look) checks.Advice {
	// Whatever else there is, this is most of it.
	if s := l.idleSlot; s.Held > l.wal.Bytes/2 {
		a := slotAdvice(l, s)
		n, held := name(s.Name), checks.Size(s.Held)
		a.Text = checks.Lines(checks.Text{
			En: "Never delete files in pg_wal by hand. The replication slot " + n.En + " holds " + held.En + " of it, and nobody reads it now.",
			Ja: "pg_walの中のファイルは、手で消さないでください。いま読まれていないレプリケーションスロット " + n.Ja + " が、そのうち" + held.Ja + "を溜めています。",
		}, a.Text)
		return a
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Never delete files in pg_wal by hand. What holds them is a replication slot that nobody reads, or an archive_command that fails.",
			Ja: "pg_walの中のファイルは、手で消さないでください。原因は、読まれていないレプリケーションスロットか、archive_commandの失敗です。",
		},
		Look: l.psql("select slot_name, active, restart_lsn, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) as held from pg_replication_slots"),
	}
}

func slotText(s slot, since time.Time) checks.Text {
	n, held := name(s.Name), checks.Size(s.Held)
	return checks.Lines(
		checks.Text{
			En: "replication slot " + n.En + " holds back " + held.En + " and nobody reads it",
			Ja: "使われていないレプリケーションスロット " + n.Ja + " が" + held.Ja + "を溜めています",
		},
		checks.Text{
			En: "Nobody has read it for at least " + checks.Ago(since) + ". It keeps pg_wal and dead rows until somebody does, or the disk is full.",
			Ja: "少なくとも" + checks.Ago(since) + "前から読まれていません。読まれるかディスクが埋まるまで、pg_walと不要な行が残り続けます。",
		},
	)
}

func slotAdvice(l *look, s slot) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Start again what reads it. Drop it only if that is gone for good: a replica that comes back later must be made anew.",
			Ja: "読み取る側を再開してください。もう使わないと確かな場合だけ削除します（削除後にレプリカを戻すには、作り直しが必要です）。",
		},
		Look: l.psql("select slot_name, slot_type, active, wal_status from pg_replication_slots"),
		Mend: shells(l.psql("select pg_drop_replication_slot(" + literal(s.Name) + ")")),
	}
}

func archiverText(a archiver, v verdict) checks.Text {
	files := checks.Number(int64(a.Files))
	what := checks.Text{En: "PostgreSQL's archive_command fails", Ja: "PostgreSQLのWALアーカイブ（archive_command）が失敗し続けています"}
	if v.Why != "fails" {
		what = checks.Text{En: "archiving of PostgreSQL's WAL stands still", Ja: "PostgreSQLのWALアーカイブが止まっています"}
	}
	lines := []checks.Text{
		what,
		{
			En: fmt.Sprintf("%s files wait, the oldest for %s; they stay in pg_wal until the disk is full.", files.En, checks.Ago(a.Waiting)),
			Ja: fmt.Sprintf("%sファイルが待っていて、最も古いものは%s前からです。pg_walに残り続け、やがてディスクが埋まります。", files.Ja, checks.Ago(a.Waiting)),
		},
		{
			En: "What was written since is in no backup made from the archive.",
			Ja: "このままでは、止まった時点より後の状態をバックアップから復元できません。",
		},
	}
	if !a.Archived.IsZero() {
		lines = append(lines, checks.Text{En: "It worked last at " + checks.At(a.Archived) + ".", Ja: "最後の成功は" + checks.At(a.Archived) + "です。"})
	}
	return checks.Lines(lines...)
}

func archiverAdvice(l *look) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "The reason is in PostgreSQL's log: look for archive_command.",
			Ja: "原因はPostgreSQLのログにあります（archive_commandで検索）。",
		},
		Look: l.psql("select failed_count, last_failed_wal, last_failed_time, last_archived_time from pg_stat_archiver"),
	}
}

func ageText(code, database string, age float64, v verdict) checks.Text {
	what := checks.Text{En: "transaction ids", Ja: "トランザクションID"}
	if code == codeMultixact {
		what = checks.Text{En: "multixact ids", Ja: "マルチトランザクションID"}
	}
	n, used := name(database), checks.Percent(age/(1<<31))
	lines := []checks.Text{
		{
			En: fmt.Sprintf("%s of %s are %s used up", what.En, n.En, used.En),
			Ja: fmt.Sprintf("%sの%sを%s使い切っています", n.Ja, what.Ja, used.Ja),
		},
		{
			En: "At 100 % PostgreSQL refuses to write, and Mastodon stands still. Autovacuum should have prevented that.",
			Ja: "100%になるとPostgreSQLは書き込みを受け付けなくなり、Mastodonが止まります。通常は自動バキュームが防いでいるはずです。",
		},
	}
	if v.Severity == checks.Critical {
		lines = append(lines, checks.Text{En: "Vacuum now, before anything else.", Ja: "ほかの作業より先に、バキュームしてください。"})
	}
	return checks.Lines(lines...)
}

func ageAdvice(l *look, database string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "An open transaction, a prepared one or a replication slot may keep it from being cleared away: look for those first.",
			Ja: "開いたままのトランザクションやレプリケーションスロットが妨げていないか、先に確認してください。",
		},
		Look: l.psql("select datname, age(datfrozenxid), mxid_age(datminmxid) from pg_database order by 2 desc"),
		Mend: shells(l.tool("vacuumdb", "--freeze", "--jobs=2", "-d", database)),
	}
}

func checksumsText(c checksums) checks.Text {
	n := checks.Number(c.Failures)
	return checks.Lines(
		checks.Text{
			En: "PostgreSQL has read damaged pages: " + n.En + " so far",
			Ja: "PostgreSQLが壊れたページを検出しました（これまでに" + n.Ja + "回）",
		},
		checks.Text{
			En: "The last was at " + checks.At(c.Last) + ". What lies on the disk is not what was written: the disk, its controller or the memory is failing.",
			Ja: "最後は" + checks.At(c.Last) + "です。書き込んだ内容とディスク上の内容が一致していません。ディスク・コントローラー・メモリの故障が疑われます。",
		},
		checks.Text{
			En: "Some posts, accounts or pages may fail with errors.",
			Ja: "一部の投稿やアカウントの表示がエラーになることがあります。",
		},
	)
}

func checksumsAdvice(l *look) checks.Advice {
	return damageAdvice(l.tool("pg_amcheck", "-d", l.server.Name, "--heapallindexed"))
}

func viewText(view string) checks.Text {
	n := name(view)
	effect := checks.Text{En: "Whatever reads it fails.", Ja: "これを使う機能がエラーになります。"}
	switch view {
	case "instances":
		effect = checks.Text{
			En: "/api/v1/instance, which many apps ask first, and the federation pages fail. Mastodon up to 4.4 cannot fix that by itself.",
			Ja: "多くのアプリが最初に使う /api/v1/instance と、連合の管理画面がエラーになります。4.4以前のMastodonは自力では直せません。",
		}
	case "account_summaries", "global_follow_recommendations", "follow_recommendations":
		effect = checks.Text{En: "Nobody is shown accounts to follow.", Ja: "おすすめのアカウントが表示されません。"}
	}
	return checks.Lines(
		checks.Text{En: "the view " + n.En + " was never filled", Ja: "ビュー " + n.Ja + " が一度も更新されていません（空のままです）"},
		effect,
		checks.Text{En: "A restore that stopped before its end leaves it like that.", Ja: "リストアが途中で終わった場合などに、この状態になります。"},
	)
}

func viewAdvice(l *look, view string) checks.Advice {
	return checks.Advice{
		Look: l.psql("select matviewname, ispopulated from pg_matviews"),
		Mend: shells(l.psql("REFRESH MATERIALIZED VIEW " + quoteIdent(view))),
	}
}
