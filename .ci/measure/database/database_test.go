// Package database_test lets checks look at a database as large as those of
// large servers, and adds up what PostgreSQL says that each of their questions
// took. It is a test only because what it starts is the tests'; .ci/bench runs it.
package database_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// outFile is where .ci/bench wants the answer.
const outFile = "SABABAN_BENCH_OUT"

const rounds = 11

// took is the answer, in milliseconds, each of the lists with one figure for
// each round.
type took struct {
	Told    []string
	Checks  []checkTook
	ByHand  map[string][]float64 // "tick" and "federation", the processor's time
	Scanned []string             // what was read from end to end, with the check and the plan
	Scans   int                  // sequential scans of the large tables, as PostgreSQL counts them
	ByHands int                  // and those of what is done by hand
}

type checkTook struct {
	Name       string
	Calls      int       // of the last round
	Time       []float64 // as pg_stat_statements has it, planning included
	Processor  []float64 // that PostgreSQL used, connections included
	Statements []statement
}

type statement struct {
	SQL   string
	Calls int
	Time  []float64
}

func TestMeasure(t *testing.T) {
	s := openStore(t)
	out := took{Told: s.told, ByHand: map[string][]float64{}}
	out.Told = append(out.Told, get[string](t, s, `SELECT format('PostgreSQL %s; statuses %s, accounts %s, media_attachments %s, in all %s; shared_buffers %s, random_page_cost %s, jit %s',
		current_setting('server_version'), (SELECT reltuples::bigint FROM pg_class WHERE oid = 'statuses'::regclass), (SELECT reltuples::bigint FROM pg_class WHERE oid = 'accounts'::regclass),
		(SELECT reltuples::bigint FROM pg_class WHERE oid = 'media_attachments'::regclass), pg_size_pretty(pg_database_size(current_database())),
		current_setting('shared_buffers'), current_setting('random_page_cost'), current_setting('jit'))`))
	w := newWorld(t, s)
	s.seesScans(t)

	// First with the plans in the log, which also warms the cache.
	s.run(t, databaseName, fmt.Sprintf("ALTER ROLE %s SET auto_explain.log_min_duration = 0; ALTER ROLE %s SET auto_explain.log_nested_statements = on", role, role))
	w.close()
	before := s.scans(t, role)
	w.open(t)
	for _, l := range w.looks(t) {
		from := len(s.ward.Output())
		l.look(t)
		if !strings.Contains(s.ward.Output()[from:], " LOG:  duration") {
			t.Fatalf("%s: none of its plans is in the log", l.name)
		}
		for _, plan := range largeScans(s.ward.Output()[from:]) {
			out.Scanned = append(out.Scanned, l.name+": "+plan)
		}
	}
	w.close()
	out.Scans = s.scans(t, role) - before
	s.run(t, databaseName, fmt.Sprintf("ALTER ROLE %s RESET ALL", role))

	byHand := byHand(t, s)
	results := map[string]*checkTook{}
	for range rounds {
		// Connections are closed after a minute without use, so that most ticks
		// find none.
		w.close()
		s.alone(t, role)
		w.open(t)
		for _, l := range w.looks(t) {
			s.run(t, databaseName, "SELECT pg_stat_statements_reset()")
			idle := s.processor(t, role)
			l.look(t)
			used := s.processor(t, role) - idle
			c := results[l.name]
			if c == nil {
				c = &checkTook{Name: l.name}
				results[l.name] = c
			}
			c.add(s.statements(t, role))
			c.Processor = append(c.Processor, used)
		}
		before := s.scans(t, superuser)
		for name, questions := range byHand {
			out.ByHand[name] = append(out.ByHand[name], s.ask(t, questions))
		}
		out.ByHands = s.scans(t, superuser) - before
	}
	for _, l := range w.looks(t) {
		out.Checks = append(out.Checks, *results[l.name])
	}
	w.proved(t, results)
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv(outFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// add takes in one look.
func (c *checkTook) add(read []asked) {
	sum := 0.0
	c.Calls = 0
	for _, one := range read {
		sum += one.ms
		c.Calls += one.calls
		i := slices.IndexFunc(c.Statements, func(s statement) bool { return s.SQL == one.sql })
		if i < 0 {
			i = len(c.Statements)
			c.Statements = append(c.Statements, statement{SQL: one.sql})
		}
		c.Statements[i].Calls = one.calls
		c.Statements[i].Time = append(c.Statements[i].Time, one.ms)
	}
	c.Time = append(c.Time, sum)
}

// asked is one statement since the last reset.
type asked struct {
	sql   string
	calls int
	ms    float64
}

// statements are those of a role. Beginning, setting limits and ending are one
// entry.
func (s *store) statements(t *testing.T, role string) []asked {
	t.Helper()
	conn, err := s.connect(t.Context(), databaseName, superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	rows, err := conn.Query(t.Context(), `SELECT query, calls, total_exec_time + total_plan_time FROM pg_stat_statements
		WHERE userid = to_regrole($1::text)::oid AND query NOT LIKE '%pg_stat_statements_reset%' ORDER BY 3 DESC`, role)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a asked, err error) {
		err = row.Scan(&a.sql, &a.calls, &a.ms)
		a.sql = strings.Join(strings.Fields(a.sql), " ")
		return a, err
	})
	if err != nil {
		t.Fatal(err)
	}
	limits := asked{sql: "begin, set local, rollback"}
	var out []asked
	for _, a := range all {
		switch word, _, _ := strings.Cut(strings.ToLower(a.sql), " "); word {
		case "begin", "set", "rollback", "commit":
			limits.calls += a.calls
			limits.ms += a.ms
		default:
			out = append(out, a)
		}
	}
	if limits.calls > 0 {
		out = append(out, limits)
	}
	return out
}

// processor is the time that the connections of a role have used so far, in
// milliseconds: unlike the clock's it knows nothing of what else this machine
// does. All that is read is in memory.
func (s *store) processor(t *testing.T, role string) float64 {
	t.Helper()
	conn, err := s.connect(t.Context(), databaseName, superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	rows, err := conn.Query(t.Context(), "SELECT pid FROM pg_stat_activity WHERE usename = $1", role)
	if err != nil {
		t.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, pid := range pids {
		sum += used(t, uint32(pid))
	}
	return sum
}

// used is the processor time of a process so far, in milliseconds.
func used(t *testing.T, pid uint32) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	var ns float64
	if err == nil {
		_, err = fmt.Sscan(string(text), &ns)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ns / 1e6
}

// ask asks by hand, and returns the processor time that the answers took. One
// process answers, so that all of it is counted.
func (s *store) ask(t *testing.T, questions []string) float64 {
	t.Helper()
	conn, err := s.connect(t.Context(), databaseName, superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, q := range append([]string{"SET max_parallel_workers_per_gather = 0"}, questions...) {
		if _, err := conn.PgConn().Exec(t.Context(), q).ReadAll(); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return used(t, conn.PgConn().PID())
}

// scans is how often the large tables were read from end to end so far, when the
// connections of a role have ended: PostgreSQL adds up what they did then.
func (s *store) scans(t *testing.T, of string) int {
	t.Helper()
	s.alone(t, of)
	return get[int](t, s, `SELECT coalesce(sum(seq_scan), 0)::int FROM pg_stat_user_tables WHERE relname IN ('statuses', 'accounts', 'media_attachments')`)
}

// alone returns when the connections of a role have ended.
func (s *store) alone(t *testing.T, of string) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for get[bool](t, s, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend')", of) {
		select {
		case <-t.Context().Done():
			t.Fatalf("connections of %s stay open", of)
		case <-again.C:
		}
	}
}

// seesScans asserts that reading a large table from end to end is seen both in
// the log and by the counters.
func (s *store) seesScans(t *testing.T) {
	t.Helper()
	before, from := s.scans(t, superuser), len(s.ward.Output())
	s.run(t, databaseName, "SET auto_explain.log_min_duration = 0; SELECT max(file_file_size) FROM media_attachments")
	if n := s.scans(t, superuser) - before; n == 0 || len(largeScans(s.ward.Output()[from:])) == 0 {
		t.Fatalf("a table was read from end to end, and it is not seen: counted %d, log %s", n, s.ward.Output()[from:])
	}
}

var seqScan = regexp.MustCompile(`Seq Scan on (statuses|accounts|media_attachments)\b`)

// largeScans are the plans in a log that read a large table from end to end.
func largeScans(log string) []string {
	var all []string
	for _, entry := range strings.Split(log, " LOG:  ")[1:] {
		if seqScan.MatchString(entry) {
			all = append(all, entry)
		}
	}
	return all
}

// byHand is what an admin would ask with psql. For a tick: what Mastodon's own
// dashboard counts of what waits, newest version and migrations included; for
// federation: when each server was heard last, and who follows where.
func byHand(t *testing.T, s *store) map[string][]string {
	t.Helper()
	return map[string][]string{
		"tick": {
			"SELECT count(*) FROM users WHERE NOT approved",
			"SELECT count(*) FROM reports WHERE action_taken_at IS NULL",
			"SELECT count(*) FROM appeals WHERE approved_at IS NULL AND rejected_at IS NULL",
			"SELECT count(*) FROM tags WHERE reviewed_at IS NULL AND requested_review_at IS NOT NULL",
			"SELECT count(*) FROM users WHERE created_at > (now() AT TIME ZONE 'UTC') - interval '1 hour'",
			"SELECT count(*) FROM scheduled_statuses WHERE scheduled_at < now() AT TIME ZONE 'UTC'",
			"SELECT matviewname FROM pg_matviews WHERE NOT ispopulated",
			"SELECT * FROM software_updates",
			"SELECT version FROM schema_migrations",
		},
		"federation": {
			"SELECT a.domain, max(s.last_status_at) FROM accounts a JOIN account_stats s ON s.account_id = a.id WHERE a.domain IS NOT NULL GROUP BY 1",
			"SELECT a.domain, count(*) FROM follows f JOIN accounts a ON a.id = f.target_account_id WHERE a.domain IS NOT NULL GROUP BY 1",
			"SELECT domain FROM unavailable_domains",
		},
	}
}

// A look is one of a check.
type look struct {
	name string
	look func(t *testing.T)
}

// lookWith looks once, as a tick does or, where the check can, at everything
// that is due at some time.
func lookWith(t *testing.T, k checks.Kind, c checks.Check, past checks.Past, thorough bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), k.Timeout)
	defer cancel()
	f := c.Look
	if thorough {
		f = c.(interface {
			LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error)
		}).LookThoroughly
	}
	o, err := f(ctx, past)
	if err != nil {
		t.Fatalf("%s: %v", k.Name, err)
	}
	for _, b := range o.Blind {
		t.Fatalf("%s did not see %s %s: %s", k.Name, b.Code, b.Subject, b.Why.En)
	}
	if p, ok := past.(*checkstest.Past); ok {
		p.Record(o, time.Now())
	}
}
