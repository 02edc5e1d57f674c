package database

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A session is one connection to PostgreSQL, as pg_stat_activity has it; never
// with the text of what it asks.
type session struct {
	PID   int32
	User  string
	App   string
	State string // "active", "idle in transaction", "" where it is hidden
	// Own is this connection, Ours says that it is in Mastodon's database.
	Own, Ours bool
	// Words are the first words of the statement, View the name of the view that
	// it refreshes.
	Words, View string
	// Asked is for how long it has been at its statement, Open at its
	// transaction, Still in its state, Waits for its lock.
	Asked, Open, Still, Waits time.Duration
	Locked                    bool
	// By are who holds the lock.
	By []int32
}

// sessionLimit bounds the connections that are read (own: more is no server of
// volunteers).
const sessionLimit = 5000

const activitySQL = `select a.pid, coalesce(a.usename, '')::text, coalesce(a.application_name, ''), coalesce(a.state, ''),
	a.pid = pg_backend_pid(), coalesce(a.datname = current_database(), false),
	coalesce(substring(regexp_replace(left(a.query, 2000), '^\s*(/\*[^*]*\*/\s*)*', '') from '^[A-Za-z]+(?:\s+[A-Za-z]+){0,2}'), ''),
	coalesce(substring(a.query from '^\s*[Rr][Ee][Ff][Rr][Ee][Ss][Hh]\s+\w+\s+\w+\s+(?:[Cc][Oo][Nn][Cc][Uu][Rr][Rr][Ee][Nn][Tt][Ll][Yy]\s+)?(?:public\.)?"?([a-z_0-9]+)'), ''),
	coalesce(extract(epoch from clock_timestamp() - a.query_start), 0)::float8,
	coalesce(extract(epoch from clock_timestamp() - a.xact_start), 0)::float8,
	coalesce(extract(epoch from clock_timestamp() - a.state_change), 0)::float8,
	coalesce(a.wait_event_type = 'Lock', false)
	from pg_stat_activity a where a.backend_type = 'client backend' limit 5000`

// readActivity reads who is connected, and who waits for whom.
func readActivity(ctx context.Context, tx pgx.Tx) ([]session, error) {
	rows, err := tx.Query(ctx, activitySQL)
	if err != nil {
		return nil, err
	}
	var all []session
	var s session
	var asked, open, still float64
	_, err = pgx.ForEachRow(rows, []any{&s.PID, &s.User, &s.App, &s.State, &s.Own, &s.Ours, &s.Words, &s.View, &asked, &open, &still, &s.Locked}, func() error {
		s.Asked, s.Open, s.Still = seconds(asked), seconds(open), seconds(still)
		all = append(all, s)
		return nil
	})
	if err != nil || !slices.ContainsFunc(all, func(s session) bool { return s.Locked }) {
		return all, err
	}
	var waiting []int32
	for _, s := range all {
		if s.Locked && len(waiting) < sessionLimit/50 {
			waiting = append(waiting, s.PID)
		}
	}
	// Since when it waits is known from PostgreSQL 14 on.
	rows, err = tx.Query(ctx, `select p, pg_blocking_pids(p), coalesce((select extract(epoch from clock_timestamp() - min((to_jsonb(l) ->> 'waitstart')::timestamptz))
		from pg_locks l where l.pid = p and not l.granted), -1)::float8 from unnest($1::int[]) as p`, waiting)
	if err != nil {
		return nil, err
	}
	var pid int32
	var by []int32
	var waits float64
	_, err = pgx.ForEachRow(rows, []any{&pid, &by, &waits}, func() error {
		for i := range all {
			if all[i].PID == pid {
				all[i].By = slices.Clone(by)
				if all[i].Waits = seconds(waits); waits < 0 {
					all[i].Waits = all[i].Asked
				}
			}
		}
		return nil
	})
	return all, err
}

func seconds(s float64) time.Duration { return time.Duration(max(s, 0) * float64(time.Second)) }

// who is the program behind a connection: "puma" for "puma: cluster worker 0: 7
// [live]", else the role.
func (s session) who() string {
	app := strings.TrimSpace(s.App)
	if i := strings.IndexAny(app, ": ["); i >= 0 {
		app = app[:i]
	}
	if i := strings.LastIndexByte(app, '/'); i >= 0 {
		app = app[i+1:]
	}
	return cmp.Or(app, s.User, "?")
}

// A crowd is how many connections a program has.
type crowd struct {
	Who   string
	Count int
}

// crowds counts the connections by program, most first.
func crowds(all []session) []crowd {
	counts := map[string]int{}
	for _, s := range all {
		counts[s.who()]++
	}
	var list []crowd
	for who, n := range counts {
		list = append(list, crowd{who, n})
	}
	slices.SortFunc(list, func(a, b crowd) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Who, b.Who)) })
	return list
}

// tags are what is told of a statement, the longer ones first.
var tags = []string{
	"REFRESH MATERIALIZED VIEW", "CREATE UNIQUE INDEX", "CREATE INDEX", "DROP INDEX", "ALTER TABLE", "CREATE TABLE", "DROP TABLE", "LOCK TABLE",
	"SELECT", "INSERT", "UPDATE", "DELETE", "COPY", "WITH", "VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "REFRESH", "CREATE", "ALTER", "DROP",
	"TRUNCATE", "LOCK", "FETCH", "CALL", "DO", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET", "SHOW", "DISCARD", "LISTEN",
}

// tag is the command of a statement, "" where it is none that is known.
func (s session) tag() string {
	words := strings.Join(strings.Fields(strings.ToUpper(s.Words)), " ")
	for _, t := range tags {
		if words == t || strings.HasPrefix(words, t+" ") {
			return t
		}
	}
	return ""
}

// tools work for hours by right: dumps, and what tends tables.
var tools = []string{"pg_dump", "pg_dumpall", "pg_restore", "pg_basebackup", "pg_repack", "vacuumdb", "reindexdb", "pg_amcheck", "clusterdb"}

func (s session) tool() bool { return slices.Contains(tools, s.who()) }

// isLong tells whether a statement takes longer than it should. What builds an
// index or tends a table may take as long as it likes.
func (s session) isLong(l limits) bool {
	if s.State != "active" || !s.Ours || s.Own || s.tool() {
		return false
	}
	switch s.tag() {
	case "CREATE INDEX", "CREATE UNIQUE INDEX", "REINDEX", "VACUUM", "ANALYZE", "CLUSTER":
		return false
	case "REFRESH MATERIALIZED VIEW":
		return s.Asked > l.refresh
	}
	return s.Asked > l.long
}

// isIdle tells whether a transaction stands open and nothing happens in it.
func (s session) isIdle(l limits) bool {
	return strings.HasPrefix(s.State, "idle in transaction") && s.Ours && !s.Own && s.Still > l.idle
}

func (s session) isBlocked(l limits) bool { return s.Locked && s.Ours && s.Waits > l.blocked }

// filter returns the sessions that a rule is about, by how long, longest first.
func filter(all []session, rule func(session) bool, long func(session) time.Duration) []session {
	var found []session
	for _, s := range all {
		if rule(s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b session) int { return cmp.Or(cmp.Compare(long(b), long(a)), cmp.Compare(a.PID, b.PID)) })
	return found
}

// holder is who stands at the head of a queue for a lock: who blocks and is not
// blocked. ok is false where it is no session, but a prepared transaction.
func holder(all []session, s session) (session, bool) {
	seen := map[int32]bool{}
	for {
		seen[s.PID] = true
		next := -1
		for _, pid := range s.By {
			if i := slices.IndexFunc(all, func(o session) bool { return o.PID == pid }); i >= 0 && !seen[pid] {
				next = i
				break
			}
		}
		if next < 0 {
			return s, len(seen) > 1
		}
		s = all[next]
	}
}
