package mastodon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// table is what Mastodon's database knows.
type table struct {
	asked bool // there is a database to ask
	err   error
	// checks tells that Mastodon asks for updates by itself (4.2 and later), and
	// offers are the rows of it; nobody touches a row again that stays right.
	checks bool
	offers []offer
	// ends is when the support of a branch ends (4.7 and later).
	ends map[string]time.Time
	// migrations are the numbers of those that were run.
	migrations []string
	// postgres is the server's version, 150004 for 15.4, and size the database's
	// in bytes; 0 where there was no need to know.
	postgres int
	size     int64
}

// Bounds of what is read (own).
const (
	offerLimit  = 50
	branchLimit = 100
)

// readTable reads all of it in one transaction.
func (c *check) readTable(ctx context.Context) table {
	if c.site.NeedDatabase() != nil {
		return table{}
	}
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	t := table{asked: true}
	err := c.site.Database().Read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		t = table{asked: true, ends: map[string]time.Time{}}
		if err := t.readUpdates(ctx, tx); err != nil {
			return err
		}
		if err := t.readEnds(ctx, tx); err != nil {
			return err
		}
		return t.readMigrations(ctx, tx)
	})
	var missing *checks.NotSetUp
	if errors.As(err, &missing) {
		return table{}
	}
	t.err = err
	return t
}

func (t *table) readUpdates(ctx context.Context, tx pgx.Tx) error {
	columns, err := site.Columns(ctx, tx, "software_updates")
	if err != nil || len(columns) == 0 {
		return err
	}
	t.checks = true
	ends := "NULL::date"
	if columns["end_of_support"] {
		ends = "end_of_support"
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT version::text, coalesce(urgent, false), coalesce(release_notes, '')::text, created_at, %s
		FROM software_updates ORDER BY version DESC LIMIT %d`, ends, offerLimit))
	if err != nil {
		return err
	}
	var v, notes string
	var urgent bool
	var since, end *time.Time
	_, err = pgx.ForEachRow(rows, []any{&v, &urgent, &notes, &since, &end}, func() error {
		if one := offered(v); one.known() {
			t.offers = append(t.offers, offer{Version: one.String(), Urgent: urgent, Notes: link(notes), Since: unix(since), Ends: unix(end)})
		}
		return nil
	})
	if err != nil || len(t.offers) == 0 {
		return err
	}
	// What an update needs is told with it.
	return tx.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, pg_database_size(current_database())`).Scan(&t.postgres, &t.size)
}

func unix(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return max(t.Unix(), 0)
}

func (t *table) readEnds(ctx context.Context, tx pgx.Tx) error {
	columns, err := site.Columns(ctx, tx, "software_deprecations")
	if err != nil || len(columns) == 0 {
		return err
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT branch::text, end_of_support FROM software_deprecations WHERE end_of_support IS NOT NULL LIMIT %d`, branchLimit))
	if err != nil {
		return err
	}
	var branch string
	var end time.Time
	_, err = pgx.ForEachRow(rows, []any{&branch, &end}, func() error {
		if b := branchOf(branch); b != "" {
			t.ends[b] = end
		}
		return nil
	})
	return err
}

func (t *table) readMigrations(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT version::text FROM schema_migrations WHERE version ~ '^[0-9]{1,20}$' LIMIT %d`, migrationLimit))
	if err != nil {
		return err
	}
	t.migrations, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}

// leastPostgres is what PostgreSQL a branch needs, by its major version
// (Mastodon's README of each).
var leastPostgres = map[string]int{"4.3": 12, "4.4": 13, "4.5": 14, "4.6": 14}

// tooOld is the PostgreSQL that a version needs and the one that is there, where
// that is too old for it.
func (t table) tooOld(v version) (needs, has int) {
	needs, has = leastPostgres[v.branch()], t.postgres/10000
	if has == 0 || has >= needs {
		return 0, 0
	}
	return needs, has
}
