package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// pragmas are those of every connection. FULL: what a Write has reported is on
// the disk and outlives a power cut. The cache is 2 MB, because the whole daemon
// has to stay under 30 MB. The log is written back at 1 MB and cut back to 4 MB
// after a large transaction: on a full disk it can be neither (own). Sorting
// happens in memory, for the folder of temporary files may be on the full disk.
const pragmas = "_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
	"&_pragma=cache_size(-2048)&_pragma=journal_size_limit(4194304)&_pragma=wal_autocheckpoint(256)&_pragma=temp_store(MEMORY)&_txlock=immediate"

// store is one database with its one connection, which is held for ever: a pool
// that opens another behind our back would lose what is in memory, and fail on
// a full disk.
type store struct {
	pool     *sql.DB
	conn     *sql.Conn
	readOnly bool     // PRAGMA query_only, as it was last set
	tables   []string // of a copy in memory: what is to be carried back
}

func open(ctx context.Context, dsn string) (*store, error) {
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	if err != nil {
		_ = pool.Close()
		return nil, err
	}
	return &store{pool: pool, conn: conn}, nil
}

func (s *store) close() error {
	return errors.Join(s.conn.Close(), s.pool.Close())
}

// queryOnly makes the connection refuse writes, or take them again.
func (s *store) queryOnly(ctx context.Context, yes bool) error {
	if s.readOnly == yes {
		return nil
	}
	value := 0
	if yes {
		value = 1
	}
	if _, err := s.conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA query_only = %d", value)); err != nil {
		return err
	}
	s.readOnly = yes
	return nil
}

func openMemory(ctx context.Context) (*store, error) {
	return open(ctx, "file::memory:?"+pragmas)
}

// uri writes a path as SQLite reads it; the query is without "?".
func uri(path, query string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query
}

// openFile opens the state file for writing, and brings it up to date. fresh
// tells that it held nothing before.
func openFile(ctx context.Context, path string) (s *store, fresh bool, err error) {
	if err := prepare(path); err != nil {
		return nil, false, err
	}
	s, err = open(ctx, uri(path, pragmas))
	if err != nil {
		return nil, false, explain(path, err)
	}
	if fresh, err = setUp(ctx, s.conn, path); err != nil {
		_ = s.close() // nothing was changed that a close could lose
		return nil, false, explain(path, err)
	}
	return s, fresh, nil
}

func setUp(ctx context.Context, c *sql.Conn, path string) (fresh bool, err error) {
	version, err := inspect(ctx, c, "main", path)
	if err != nil {
		return false, err
	}
	var mode string
	if err := c.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return false, err
	}
	if mode != "wal" {
		return false, &FileError{Path: path, Text: "is on a file system that cannot hold it (there is no write-ahead log): put it on a local disk"}
	}
	return version == 0, migrateAll(ctx, c)
}

// prepare makes the folder and the file where there is none, before SQLite
// would make it readable by everybody. It opens the file, so it must not be
// called while SQLite has it: closing any descriptor of a file ends the locks
// that a process holds on it.
func prepare(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("state file %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("state file %s: %w", path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("state file %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return &FileError{Path: path, Text: "is not an ordinary file"}
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := file.Chmod(0o600); err != nil {
			return &FileError{Path: path, Err: err, Text: "is open to others, and that cannot be changed: " +
				"it has to belong to the user that sababan runs as, with the mode 0600"}
		}
	}
	return nil
}

// inspect returns a database's version, and 0 for an empty one; an error when
// it is another program's, newer than this one, or damaged.
func inspect(ctx context.Context, c *sql.Conn, schema, path string) (int, error) {
	tables, err := number(ctx, c, "SELECT count(*) FROM "+schema+".sqlite_schema")
	if err != nil {
		return 0, err
	}
	id, err := number(ctx, c, "PRAGMA "+schema+".application_id")
	if err != nil {
		return 0, err
	}
	version, err := number(ctx, c, "PRAGMA "+schema+".user_version")
	if err != nil {
		return 0, err
	}
	list, err := migrations()
	if err != nil {
		return 0, err
	}
	switch {
	case tables == 0 && id == 0 && version == 0:
		return 0, nil
	case id != applicationID:
		return 0, anotherPrograms(path)
	case version > len(list):
		return 0, newer(path, version, len(list))
	}
	return version, checkSmall(ctx, c, schema, path)
}

// checkSmall has SQLite look through all tables but those that grow with the
// years: a start must not wait for these. Damage in them is told when it is met.
func checkSmall(ctx context.Context, c *sql.Conn, schema, path string) error {
	names, err := tables(ctx, c, schema)
	if err != nil {
		return err
	}
	for _, name := range names {
		if isHistory(name) {
			continue
		}
		var found string
		if err := c.QueryRowContext(ctx, fmt.Sprintf("PRAGMA %s.quick_check('%s')", schema, name)).Scan(&found); err != nil {
			return err
		}
		if found != "ok" {
			return damaged(path, errors.New(strings.ReplaceAll(found, "\n", " ")))
		}
	}
	return nil
}

func isHistory(table string) bool { return table == "sample" || table == "hourly" }

// tables lists the tables of a schema by name.
func tables(ctx context.Context, c *sql.Conn, schema string) ([]string, error) {
	rows, err := c.QueryContext(ctx, "SELECT name FROM "+schema+
		".sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

func migrateAll(ctx context.Context, c *sql.Conn) error {
	list, err := migrations()
	if err != nil {
		return err
	}
	return migrate(ctx, c, len(list))
}
