package postgres

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// ID is the smallest id that Mastodon gives to a status, an account or a media
// attachment of this millisecond.
func ID(at time.Time) int64 { return at.UnixMilli() << 16 }

// Exec runs SQL as the superuser: one statement with arguments, or any number
// without. What it changed is in pg_stat_* when it returns.
func (d *DB) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if err := d.Try(sql, args...); err != nil {
		t.Fatal(err)
	}
}

// Try is Exec for what may fail.
func (d *DB) Try(sql string, args ...any) error {
	return d.Cluster.exec(d.Name, superuser, sql, args...)
}

// Get asks as the superuser for one value. A T of string takes what the
// database sends for a text; see pgx for the others.
func Get[T any](t testing.TB, d *DB, sql string, args ...any) T {
	t.Helper()
	var v T
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := d.Cluster.connect(ctx, d.Name, superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", short(sql), err)
	}
	return v
}

// Rows asks as the superuser; every value comes as its text, NULL as "NULL".
func (d *DB) Rows(t testing.TB, sql string, args ...any) [][]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := d.Cluster.connect(ctx, d.Name, superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, sql, append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)...)
	if err != nil {
		t.Fatalf("%s: %v", short(sql), err)
	}
	var all [][]string
	for rows.Next() {
		var row []string
		for _, v := range rows.RawValues() {
			if v == nil {
				row = append(row, "NULL")
			} else {
				row = append(row, string(v))
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", short(sql), err)
	}
	return all
}

// Conn is a connection of the superuser for as long as the test lasts, for
// transactions that stay open and statements that block.
func (d *DB) Conn(t testing.TB) *pgx.Conn {
	t.Helper()
	return d.ConnAs(t, superuser)
}

// ConnAs is a connection of a role for as long as the test lasts.
func (d *DB) ConnAs(t testing.TB, role string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := d.Cluster.connect(ctx, d.Name, role)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // a frozen or ended server has no farewell
	})
	return conn
}

// Analyse analyses tables, all of the public schema where none is named.
func (d *DB) Analyse(t testing.TB, tables ...string) {
	t.Helper()
	if len(tables) == 0 {
		for _, row := range d.Rows(t, "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')") {
			tables = append(tables, row[0])
		}
	}
	if len(tables) > 0 {
		d.Exec(t, "ANALYZE "+strings.Join(tables, ", "))
	}
}

// Refresh refreshes the materialized views, all of them where none is named.
func (d *DB) Refresh(t testing.TB, views ...string) {
	t.Helper()
	if len(views) == 0 {
		d.Exec(t, refreshAll)
	}
	for _, v := range views {
		d.Exec(t, "REFRESH MATERIALIZED VIEW "+v)
	}
}

// Role makes a role that has exactly what the block that an admin is given
// grants for these reads: pg_monitor, the columns that are there, amcheck. It
// goes with the test, its name is returned.
func (d *DB) Role(t testing.TB, reads ...checks.Reads) string {
	t.Helper()
	c := d.Cluster
	c.mu.Lock()
	c.roles++
	role := site.Role + "_" + strconv.Itoa(c.roles)
	c.mu.Unlock()
	d.Exec(t, strings.ReplaceAll(site.GrantSQL(reads), site.Role, role))
	if !c.own {
		t.Cleanup(func() {
			if err := d.Try("DROP OWNED BY " + role + "; DROP ROLE " + role); err != nil {
				t.Error(err)
			}
		})
	}
	return role
}

// URL is the address of the database for a role, by the socket.
func (d *DB) URL(role string) string {
	q := url.Values{"host": {d.Cluster.Socket}, "port": {strconv.Itoa(d.Cluster.Port)}}
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + d.Name, RawQuery: q.Encode()}).String()
}

// Site is a site whose database is this one, read by a role of its own that
// has exactly these rights ([DB.Role]). It is closed with the test.
func (d *DB) Site(t testing.TB, reads ...checks.Reads) *site.Site {
	t.Helper()
	return d.SiteWith(t, site.Config{}, reads...)
}

// SiteWith is Site with more of it set, such as the address of a Redis; the
// domain is [Domain] unless it is set.
func (d *DB) SiteWith(t testing.TB, set site.Config, reads ...checks.Reads) *site.Site {
	t.Helper()
	return d.SiteAs(t, d.Role(t, reads...), set)
}

// SiteAs is SiteWith for a role that is there.
func (d *DB) SiteAs(t testing.TB, role string, set site.Config) *site.Site {
	t.Helper()
	if set.Domain == "" {
		set.Domain = Domain
	}
	set.DatabaseURL = checks.NewSecret(d.URL(role))
	s, err := site.New(set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Grants are the columns of Mastodon's tables that a role may read, as
// "table.column", sorted; what everybody may read included.
func (d *DB) Grants(t testing.TB, role string) []string {
	t.Helper()
	var all []string
	for _, row := range d.Rows(t, `SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'm', 'v', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
		AND has_column_privilege($1, c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')
		AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = c.oid AND e.deptype = 'e')`, role) {
		all = append(all, row[0])
	}
	slices.Sort(all)
	return all
}

// Has tells whether a table or view has a column.
func (d *DB) Has(t testing.TB, table, column string) bool {
	t.Helper()
	return Get[bool](t, d, `SELECT EXISTS (SELECT FROM pg_attribute
		WHERE attrelid = to_regclass('public.' || $1) AND attname = $2 AND attnum > 0 AND NOT attisdropped)`, table, column)
}
