package database

import (
	"fmt"

	"github.com/sababan/sababan/checks"
)

func connectionsText(used, most int, by []crowd, usual checks.Band) checks.Text {
	lines := []checks.Text{
		{
			En: fmt.Sprintf("%d of %d database connections are in use", used, most),
			Ja: fmt.Sprintf("DBの接続を%d本中%d本使っています", most, used),
		},
		{
			En: "When none is left, pages and jobs fail with errors.",
			Ja: "空きがなくなると、ページの表示もジョブもエラーになります。",
		},
	}
	who := list(by, func(c crowd) checks.Text {
		n := checks.Named(c.Who, nameRoom/2)
		return checks.Text{En: fmt.Sprintf("%s %d", n.En, c.Count), Ja: fmt.Sprintf("%s %d", n.Ja, c.Count)}
	})
	lines = append(lines, checks.Text{En: "Who: " + who.En + ".", Ja: "内訳: " + who.Ja})
	if usual.Days > 0 {
		r := countRange(usual)
		lines = append(lines, checks.Text{En: "Usually " + r.En + ".", Ja: "普段は" + r.Ja + "です。"})
	}
	return checks.Lines(lines...)
}

func connectionsAdvice(l *look) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "max_connections must be above the threads of all web and Sidekiq processes and streaming together, or PgBouncer must stand between.",
			Ja: "max_connectionsは、Web・Sidekiq・ストリーミングの全スレッド数の合計より大きくする必要があります。足りない場合はPgBouncerを検討してください。",
		},
		Look: l.psql("select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc limit 20"),
	}
}

// doing is what a session is at: "SELECT (puma, pid 123)".
func doing(s session, after checks.Text) checks.Text {
	w, tag := checks.Named(s.who(), nameRoom/2), s.tag()
	if tag == "REFRESH MATERIALIZED VIEW" && s.View != "" {
		tag += " " + checks.Quote(s.View)
	}
	if tag == "" {
		return checks.Text{
			En: fmt.Sprintf("%s (pid %d, %s)", w.En, s.PID, after.En),
			Ja: fmt.Sprintf("%s（pid %d、%s）", w.Ja, s.PID, after.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%s (%s, pid %d, %s)", tag, w.En, s.PID, after.En),
		Ja: fmt.Sprintf("%s（%s、pid %d、%s）", tag, w.Ja, s.PID, after.Ja),
	}
}

func longText(_ *look, all []session) checks.Text {
	t := checks.Span(all[0].Asked)
	head := checks.Text{En: "a query has been running for " + t.En, Ja: "実行中のクエリが" + t.Ja + "たっても終わりません"}
	if len(all) > 1 {
		head = checks.Text{
			En: fmt.Sprintf("%d queries run for too long, the longest for %s", len(all), t.En),
			Ja: fmt.Sprintf("終わらないクエリが%d件あります（最長%s）", len(all), t.Ja),
		}
	}
	what := list(all, func(s session) checks.Text { return doing(s, checks.Span(s.Asked)) })
	keeps := "It keeps"
	if len(all) > 1 {
		keeps = "They keep"
	}
	return checks.Lines(head,
		checks.Text{En: "Running: " + what.En + ".", Ja: "対象: " + what.Ja},
		checks.Text{
			En: keeps + " the disk and the processor busy and old rows from being cleared away: everything gets slower.",
			Ja: "ディスクとCPUを使い続け、不要な行も片付かなくなるため、全体が遅くなります。",
		})
}

func longAdvice(l *look, all []session) checks.Advice {
	return checks.Advice{
		Look: l.psql(fmt.Sprintf("select pid, now() - query_start as running, left(query, 200) from pg_stat_activity where pid = %d", all[0].PID)),
		Mend: shells(l.psql(fmt.Sprintf("select pg_cancel_backend(%d)", all[0].PID))),
	}
}

func idleText(_ *look, all []session) checks.Text {
	t := checks.Span(all[0].Still)
	head := checks.Text{En: "a transaction has stood open without doing anything for " + t.En, Ja: "何もしないまま開いているトランザクションがあります（" + t.Ja + "）"}
	if len(all) > 1 {
		head = checks.Text{
			En: fmt.Sprintf("%d transactions stand open without doing anything, the longest for %s", len(all), t.En),
			Ja: fmt.Sprintf("何もしないまま開いているトランザクションが%d件あります（最長%s）", len(all), t.Ja),
		}
	}
	what := list(all, func(s session) checks.Text { return doing(s, checks.Span(s.Still)) })
	harm := "It holds its locks, and old rows cannot be cleared away while it stands open."
	if len(all) > 1 {
		harm = "They hold their locks, and old rows cannot be cleared away while they stand open."
	}
	return checks.Lines(head,
		checks.Text{En: "Last command: " + what.En + ".", Ja: "最後の操作: " + what.Ja},
		checks.Text{
			En: harm,
			Ja: "その間ロックを握ったままで、不要な行も片付きません。",
		})
}

func idleAdvice(l *look, all []session) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "application_name tells whose it is. Ending it undoes what it has not committed.",
			Ja: "どのプログラムのものか確認してください。終了させると、未確定の変更は取り消されます。",
		},
		Look: l.psql(fmt.Sprintf("select pid, usename, application_name, client_addr, xact_start from pg_stat_activity where pid = %d", all[0].PID)),
		Mend: shells(l.psql(fmt.Sprintf("select pg_terminate_backend(%d)", all[0].PID))),
	}
}

func blockedText(l *look, all []session) checks.Text {
	t := checks.Span(all[0].Waits)
	head := checks.Text{En: "a query has waited for a lock for " + t.En, Ja: "ロック待ちのクエリがあります（" + t.Ja + "）"}
	if len(all) > 1 {
		head = checks.Text{
			En: fmt.Sprintf("%d queries wait for a lock, the longest for %s", len(all), t.En),
			Ja: fmt.Sprintf("ロック待ちのクエリが%d件あります（最長%s）", len(all), t.Ja),
		}
	}
	what := list(all, func(s session) checks.Text { return doing(s, checks.Span(s.Waits)) })
	lines := []checks.Text{head, {En: "Waiting: " + what.En + ".", Ja: "待っている側: " + what.Ja}}
	if by, ok := holder(l.activity, all[0]); ok {
		lines = append(lines, holderLine(by))
	} else {
		lines = append(lines, checks.Text{
			En: "The lock is held by a prepared transaction that nobody has ended.",
			Ja: "終了していないプリペアドトランザクションがロックを握っています。",
		})
	}
	return checks.Lines(append(lines, checks.Text{
		En: "What waits takes a connection and a worker; more and more join the queue.",
		Ja: "待っている間も接続とワーカーを占有し、後続も次々に詰まります。",
	})...)
}

// holderLine tells who holds the lock, and what it does.
func holderLine(by session) checks.Text {
	var state checks.Text
	switch d := checks.Span(by.Still); {
	case by.State == "active":
		d = checks.Span(by.Asked)
		state = checks.Text{En: "at work for " + d.En, Ja: d.Ja + "実行中"}
	case by.State == "":
		state = checks.Text{En: "its state is hidden", Ja: "状態は不明"}
	default:
		state = checks.Text{En: "idle in its transaction for " + d.En, Ja: "トランザクションを開いたまま" + d.Ja}
	}
	what := doing(by, state)
	return checks.Text{En: "Held by: " + what.En + ".", Ja: "握っている側: " + what.Ja}
}

func blockedAdvice(l *look, all []session) checks.Advice {
	a := checks.Advice{Look: l.psql("select pid, pg_blocking_pids(pid), state, now() - query_start as since from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0")}
	by, ok := holder(l.activity, all[0])
	switch {
	case !ok:
		a.Look = l.psql("select gid, prepared, owner from pg_prepared_xacts")
	case by.State == "active":
		a.Mend = shells(l.psql(fmt.Sprintf("select pg_cancel_backend(%d)", by.PID)))
	default:
		a.Mend = shells(l.psql(fmt.Sprintf("select pg_terminate_backend(%d)", by.PID)))
	}
	return a
}
