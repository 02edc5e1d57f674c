package federation

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks/checkstest/postgres"
)

// fill makes a server with a history: a few tables are large enough that the
// planner has something to choose from.
func fill(t *testing.T, db *postgres.DB, accounts, statuses int) {
	t.Helper()
	theirs, ours := postgres.ID(time.Now().AddDate(0, 0, -300)), postgres.ID(time.Now().AddDate(0, 0, -500))
	db.Exec(t, `INSERT INTO accounts (id, username, domain, shared_inbox_url)
		SELECT $1::bigint + n * 1000, 'p' || n, 'd' || n % 1000 || '.test', 'https://d' || n % 1000 || '.test/inbox'
		FROM generate_series(1, $2::bigint) n`, theirs, accounts)
	db.Exec(t, `INSERT INTO accounts (id, username) SELECT $1::bigint + n, 'local' || n FROM generate_series(1, 1500) n`, ours)
	db.Exec(t, `INSERT INTO account_stats (account_id, last_status_at)
		SELECT $1::bigint + n * 1000, CASE WHEN n % 7 > 0 THEN now() AT TIME ZONE 'UTC' - interval '1 second' * (n * 7919 % 2000000) END
		FROM generate_series(1, $2::bigint) n`, theirs, accounts)
	db.Exec(t, `INSERT INTO statuses (id, account_id, uri, local, text)
		SELECT $1::bigint - n * 500 * 65536, $2::bigint + (1 + n * 7919 % $3::bigint) * 1000, 'https://x.test/more/' || n, false, ''
		FROM generate_series(1, $4::bigint) n`, postgres.ID(time.Now().Add(-time.Minute)), theirs, accounts, statuses)
	db.Exec(t, `INSERT INTO follows (account_id, target_account_id)
		SELECT $1::bigint + l, $2::bigint + (1 + (l * 7919 + n * 104729) % $3::bigint) * 1000 FROM generate_series(1, 1500) l, generate_series(1, 60) n
		ON CONFLICT DO NOTHING`, ours, theirs, accounts)
	db.Exec(t, `INSERT INTO notifications (activity_id, activity_type, type, account_id, from_account_id)
		SELECT n, 'Favourite', 'favourite', $1::bigint + 1, $2::bigint + n * 1000 FROM generate_series(1, 20000) n`, ours, theirs)
	db.Exec(t, "VACUUM ANALYZE")
}

var bigTable = regexp.MustCompile(`Seq Scan on (statuses|accounts|account_stats|follows|notifications|media_attachments)\b`)

func TestNothingLargeIsReadFromEndToEnd(t *testing.T) {
	for _, version := range []string{"4.2", "4.6"} {
		t.Run(version, func(t *testing.T) {
			db := postgres.Start(t).Mastodon(t, version)
			fill(t, db, 40_000, 60_000)
			conn := db.Conn(t)
			whole := 0.0
			for _, q := range []struct {
				name, sql string
				args      []any
			}{
				{"newest from outside", newestSQL, []any{0, pulseRows}},
				{"newest since the last look", newestSQL, []any{postgres.ID(time.Now().Add(-time.Minute)), pulseRows}},
				{"oldest read", oldestReadSQL, []any{0, pulseRows}},
				{"weights", weightsSQL, []any{localsRead, followsRead, targetsRead, weightsKept}},
				{"recent", recentSQL, []any{recentRows}},
				{"known", knownSQL, []any{thousand()}},
				{"proven", provenSQL, []any{[]string{"d1.test", "d2.test", "d3.test", "d4.test", "server01.test"}, provenAccounts}},
				{"reactions", reactionSQL, []any{reactionRows, []string{"d1.test"}}},
				{"stopped", stoppedSQL, []any{stoppedRows}},
				{"suspended", suspendedSQL, []any{[]string{"d1.test", "test"}}},
			} {
				rows, err := conn.Query(t.Context(), "EXPLAIN (ANALYZE, BUFFERS) "+q.sql, append([]any{pgx.QueryExecModeExec}, q.args...)...)
				if err != nil {
					t.Fatal(err)
				}
				lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if err != nil {
					t.Fatalf("%s: %v", q.name, err)
				}
				plan := strings.Join(lines, "\n")
				if m := bigTable.FindString(plan); m != "" {
					t.Errorf("%s: %s\n%s", q.name, m, plan)
				}
				took := executionTime(t, plan)
				whole += took
				t.Logf("%s: %.1f ms", q.name, took)
			}
			t.Logf("all: %.1f ms", whole)
		})
	}
}

// thousand are as many domains as a round asks about at most.
func thousand() []string {
	all := make([]string, rollAsked)
	for i := range all {
		all[i] = fmt.Sprintf("d%d.test", i)
	}
	return all
}

func executionTime(t *testing.T, plan string) float64 {
	t.Helper()
	m := regexp.MustCompile(`Execution Time: ([0-9.]+) ms`).FindStringSubmatch(plan)
	if m == nil {
		t.Fatalf("no time in\n%s", plan)
	}
	d, err := time.ParseDuration(m[1] + "ms")
	if err != nil {
		t.Fatal(err)
	}
	return float64(d) / float64(time.Millisecond)
}
