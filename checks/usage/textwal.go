package usage

import (
	"fmt"

	"github.com/sababan/sababan/checks"
)

// walReason is why pg_wal grows, as PostgreSQL tells it.
func walReason(p *said, r reason, bytes int64) checks.Text {
	var lines []checks.Text
	if s := r.Slot; s != nil {
		n, held := checks.Said(s.Name), size(min(s.Held, bytes))
		if s.Active {
			lines = append(lines, checks.Text{
				En: fmt.Sprintf("The reader of the replication slot %s is far behind: it keeps %s of it.", n.En, held.En),
				Ja: fmt.Sprintf("レプリケーションスロット%sの読み手が大きく遅れていて、そのために%sが残っています。", n.Ja, held.Ja),
			})
		} else {
			lines = append(lines, checks.Text{
				En: fmt.Sprintf("Nobody reads the replication slot %s: it keeps %s of it, and more every minute.", n.En, held.En),
				Ja: fmt.Sprintf("レプリケーションスロット%sの読み手がおらず、そのために%sが残っています。放っておくと増え続けます。", n.Ja, held.Ja),
			})
		}
	}
	if r.Archive {
		times, last := checks.Number(p.Archive.Failures), p.Archive.lastWord()
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("The archive_command fails (%s times, last for %s). %s", times.En, p.Archive.segment(), last.En),
			Ja: fmt.Sprintf("archive_commandが失敗しています（%s回、最後は%s）。%s", times.Ja, p.Archive.segment(), last.Ja),
		})
	}
	if len(lines) == 0 {
		return checks.Text{
			En: "Neither a replication slot nor the archive_command is the cause; a long transaction or a slow checkpoint may be it.",
			Ja: "原因はレプリケーションスロットでもarchive_commandでもありません。長いトランザクションや遅いチェックポイントかもしれません。",
		}
	}
	return checks.Lines(lines...)
}

// walRemedy is what ends the cause, as PostgreSQL tells it.
func walRemedy(p *said, r reason) checks.Advice {
	var a checks.Advice
	var say []checks.Text
	switch s := r.Slot; {
	case s != nil && s.Active:
		say = append(say, checks.Text{
			En: "See why the reader is slow: its own log, its disk, the network between them.",
			Ja: "読み手側のログやディスク、ネットワークを確認してください。",
		})
		a.Look = p.psql("", "-x", "-c", "SELECT * FROM pg_stat_replication")
	case s != nil:
		say = append(say, checks.Text{
			En: "If the standby or subscriber will come back, start it. If it is gone for good, drop its slot; PostgreSQL then clears up by itself at the next checkpoint.",
			Ja: "読み手（スタンバイなど）を再開できるなら起動してください。もう使わないなら次のコマンドでスロットを削除すれば、次のチェックポイントでPostgreSQLが自動で片づけます。",
		})
		a.Look = p.psql("", "-x", "-c", "SELECT slot_name, slot_type, active, restart_lsn FROM pg_replication_slots")
		a.Mend = commands(p.psql(s.Database, "-c", s.drop()))
	}
	if r.Archive {
		say = append(say, checks.Text{
			En: "What the archive_command says stands in PostgreSQL's log. When it works again, PostgreSQL clears up by itself.",
			Ja: "archive_commandのエラーはPostgreSQLのログに出ています。直れば、PostgreSQLが自動で片づけます。",
		})
		if a.Look == nil {
			a.Look = p.psql("", "-x", "-c", "SHOW archive_command", "-c", "SELECT * FROM pg_stat_archiver")
		}
	}
	if len(say) == 0 {
		say = append(say, checks.Text{
			En: "See which transactions are the oldest.",
			Ja: "いちばん古いトランザクションを確認してください。",
		})
		a.Look = p.psql("", "-x", "-c", "SELECT pid, usename, state, xact_start, left(query, 60) AS query FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 5")
	}
	a.Text = checks.Join(checks.Text{En: " ", Ja: ""}, say...)
	return a
}
