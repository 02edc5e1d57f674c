package database

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

// impatient finds what takes a tenth of a second.
func impatient(c *check) {
	c.limits.long, c.limits.idle, c.limits.blocked, c.limits.refresh = 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond
}

// busy runs a statement until the test ends it, and returns when it runs.
func busy(t *testing.T, w *world, conn *pgx.Conn, sql, state string) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	pid := conn.PgConn().PID()
	go func() {
		defer close(done)
		_, _ = conn.Exec(ctx, sql)
	}()
	end = func() { cancel(); <-done }
	t.Cleanup(end)
	eventually(t, func() bool {
		return len(w.db.Rows(t, "select state from pg_stat_activity where pid = $1 and query like $2 and ($3 = '' or wait_event_type = $3) and query_start < now() - interval '200 ms'",
			int32(pid), sql[:min(len(sql), 12)]+"%", state)) > 0
	})
	return end
}

func TestAStatementThatTakesTooLong(t *testing.T) {
	w := shared(t, impatient)
	conn := w.db.Conn(t)
	if _, err := conn.Exec(t.Context(), "set application_name = 'puma: cluster worker 0: 4711 [live]'"); err != nil {
		t.Fatal(err)
	}
	end := busy(t, w, conn, "/* by somebody */ select pg_sleep(60), 'alice@example.social'", "")
	f := w.expect(w.look(), codeLong, "", checks.Warning)
	w.says(f, "SELECT (puma, pid ", "SELECT（puma、pid ")
	for _, text := range []string{f.Text.En, f.Text.Ja} {
		if strings.Contains(text, "pg_sleep") || strings.Contains(text, "alice") {
			t.Errorf("the text of a statement is told: %s", text)
		}
	}
	end()
	eventually(t, func() bool {
		return len(w.db.Rows(t, "select 1 from pg_stat_activity where query like '/* by somebody%'")) == 0
	})
	w.expect(w.look(), codeLong, "", checks.OK)
}

func TestWhatMayTakeHours(t *testing.T) {
	l := usual()
	hours := func(words string) session {
		return session{PID: 1, State: "active", Ours: true, App: "psql", Words: words, Asked: 90 * time.Minute}
	}
	for _, words := range []string{"CREATE INDEX CONCURRENTLY", "create unique index", "REINDEX INDEX", "VACUUM", "REFRESH MATERIALIZED VIEW"} {
		if hours(words).isLong(l) {
			t.Errorf("%s is found long after an hour and a half", words)
		}
	}
	dump := hours("COPY public")
	dump.App = "pg_dump"
	if dump.isLong(l) {
		t.Error("a dump is found long")
	}
	if s := hours("SELECT accounts"); !s.isLong(l) || s.tag() != "SELECT" {
		t.Error("a query of an hour and a half is not found")
	}
	view := hours("REFRESH MATERIALIZED VIEW")
	if view.Asked = 3 * time.Hour; !view.isLong(l) {
		t.Error("a view that takes three hours is not found")
	}
	if other := hours("drop something"); other.tag() != "DROP" {
		t.Error(other.tag())
	}
	if odd := (session{Words: "alice at example"}); odd.tag() != "" {
		t.Error(odd.tag())
	}
}

func TestTheProgramBehindAConnection(t *testing.T) {
	for app, want := range map[string]string{
		"puma: cluster worker 0: 4711 [live]": "puma", "sidekiq 7.3.2 live [5 of 25 busy]": "sidekiq", "/home/mastodon/live/bin/rails": "rails", "": "mastodon",
	} {
		if got := (session{App: app, User: "mastodon"}).who(); got != want {
			t.Errorf("%q: %q, want %q", app, got, want)
		}
	}
}

func TestATransactionThatStandsOpen(t *testing.T) {
	w := shared(t, impatient)
	conn := w.db.Conn(t)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "update accounts set updated_at = updated_at where id = -99"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		return w.db.Rows(t, "select now() - max(state_change) > interval '150 ms' from pg_stat_activity where state = 'idle in transaction'")[0][0] == "t"
	})
	f := w.expect(w.look(), codeIdle, "", checks.Warning)
	w.says(f, "UPDATE (test, pid ", "UPDATE（test、pid ")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.expect(w.look(), codeIdle, "", checks.OK)
}

func TestAStatementThatWaitsForALock(t *testing.T) {
	w := shared(t, impatient)
	w.look() // the daily level would meet the lock
	holding := w.db.Conn(t)
	tx, err := holding.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "lock table accounts in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	first, second := w.db.Conn(t), w.db.Conn(t)
	endFirst := busy(t, w, first, "update accounts set updated_at = updated_at", "Lock")
	endSecond := busy(t, w, second, "delete from accounts where false", "Lock")
	f := w.expect(w.look(), codeBlocked, "", checks.Warning)
	w.says(f, "2 queries wait for a lock", "ロック待ちのクエリが2件")
	w.says(f, "Held by: LOCK TABLE (test, pid ", "握っている側: LOCK TABLE（test、pid ")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return len(w.db.Rows(t, "select 1 from pg_locks where not granted")) == 0 })
	endFirst()
	endSecond()
	w.expect(w.look(), codeBlocked, "", checks.OK)
}

func TestWhoHoldsALockIsWhoWaitsForNobody(t *testing.T) {
	all := []session{{PID: 1, By: []int32{2}}, {PID: 2, By: []int32{3}}, {PID: 3}}
	if by, ok := holder(all, all[0]); !ok || by.PID != 3 {
		t.Errorf("%v %v", by, ok)
	}
	ring := []session{{PID: 1, By: []int32{2}}, {PID: 2, By: []int32{1}}}
	if by, ok := holder(ring, ring[0]); !ok || by.PID != 2 {
		t.Errorf("%v %v", by, ok)
	}
	if _, ok := holder([]session{{PID: 1, By: []int32{0}}}, session{PID: 1, By: []int32{0}}); ok {
		t.Error("a prepared transaction is no session")
	}
}
