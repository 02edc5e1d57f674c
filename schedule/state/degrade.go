package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// room is what must be free, beyond what is carried, before the file is tried
// again: else a disk at its brim would make the state go to and fro (own).
const room = 256 << 10

// degraded notes that the state is in memory from now on, and says so.
func (d *DB) degraded(err error) {
	t := &trouble{why: why(d.path, err), since: time.Now()}
	d.trouble.Store(t)
	d.retry = t.since.Add(retryEvery)
	d.said = t.why
	d.log.Warn("the state file cannot be written: going on in memory, a crash would forget what happens from now on",
		"path", d.path, "why", t.why, "error", err)
}

// goToMemory takes everything but the history into memory, and goes on there.
func (d *DB) goToMemory(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moveTimeout)
	defer cancel()
	// The file is still open, and with it the shared memory of its log.
	memory, err := seed(ctx, d.path, source{query: "mode=ro"})
	if err != nil {
		return err
	}
	// What SQLite cannot tidy up on a full disk stays in the log, and counts.
	if err := d.now.close(); err != nil {
		d.log.Debug("closing the state file", "path", d.path, "error", err)
	}
	d.now = memory
	d.degraded(cause)
	return nil
}

// goBack carries everything from memory into the file, in one transaction, and
// goes on there. Where that is not possible yet, nothing has changed.
func (d *DB) goBack(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	d.retry = time.Now().Add(retryEvery)
	file, err := d.carryBack(ctx)
	if err != nil {
		d.stays(err)
		return
	}
	_ = d.now.close() // only memory
	d.now = file
	t := d.trouble.Swap(nil)
	d.log.Info("the state file can be written again: everything since has been carried into it",
		"path", d.path, "since", t.since)
}

// stays notes why the state is in memory still. The disk being as it was is no
// news; anything else is told once.
func (d *DB) stays(err error) {
	text := err.Error()
	if diskTrouble(err) || text == d.said {
		d.log.Debug("the state file cannot be written yet", "path", d.path, "error", err)
		return
	}
	d.said = text
	d.trouble.Store(&trouble{why: text, since: d.trouble.Load().since})
	d.log.Warn("the state cannot go back into its file: going on in memory", "path", d.path, "error", err)
}

func (d *DB) carryBack(ctx context.Context) (*store, error) {
	if err := d.now.queryOnly(ctx, false); err != nil {
		return nil, err
	}
	size, err := number(ctx, d.now.conn, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
	if err != nil {
		return nil, err
	}
	file, fresh, err := openFile(ctx, d.path)
	if err != nil {
		return nil, err
	}
	if !fresh {
		err = sameState(ctx, d.now.conn, file.conn, d.path)
	}
	if err == nil {
		// A log that could not be written back on the full disk may be large.
		_, err = file.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if err == nil {
		err = roomFor(d.path, size+room)
	}
	if err == nil {
		err = attached(ctx, d.now.conn, d.path, "mode=rw", func() error { return copyOut(ctx, d.now) })
	}
	if err != nil {
		_ = file.close() // as it was before
		return nil, err
	}
	return file, nil
}

// copyOut writes what is in memory to the attached file, in one transaction.
func copyOut(ctx context.Context, memory *store) error {
	if _, err := memory.conn.ExecContext(ctx, "PRAGMA file.synchronous = FULL"); err != nil {
		return err
	}
	return copying(ctx, memory.conn, func(tx *sql.Tx) error {
		if err := copyTables(ctx, tx, memory.tables, "main", "file"); err != nil {
			return err
		}
		return appendHistory(ctx, tx)
	})
}

// sameState makes sure that what is in memory was read from this very file:
// it may have been put back from a backup of another, or its disk been mounted
// late.
func sameState(ctx context.Context, memory, file *sql.Conn, path string) error {
	ours, err := identity(ctx, memory, "main")
	if err != nil {
		return err
	}
	theirs, err := identity(ctx, file, "main")
	if err != nil {
		return err
	}
	if ours != theirs {
		return fmt.Errorf("state file %s is now another one than at the start, and is left as it is: restart to go on with it, or move it away to keep what is in memory", path)
	}
	return nil
}

// roomFor makes sure that as many bytes can be written beside a path, by
// writing them.
func roomFor(path string, bytes int) (err error) {
	name := path + ".room"
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(name)) }()
	block := make([]byte, 64<<10)
	for bytes > 0 {
		n, err := file.Write(block[:min(bytes, len(block))])
		if err != nil {
			return err
		}
		bytes -= n
	}
	return nil
}

// source is a way to read a state file.
type source struct {
	query string // of its URI
	alone bool   // no shared memory: for us only
}

// seedFromFile reads what can be read of a file that cannot be written, or
// starts with nothing where there is no file.
func seedFromFile(ctx context.Context, path string) (*store, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		// A folder that cannot be looked into cannot hold anything of ours that
		// could be lost: what is found there later is never overwritten.
		return seed(ctx, path, source{})
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &FileError{Path: path, Err: err, Text: "cannot be read: it has to belong to the user that sababan runs as"}
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	// Reading beside others needs shared memory, which is a file and cannot be
	// made here, unless it is left from before. Without it, a log that holds
	// something has to be read alone; where there is no log the file is all.
	last := source{query: "mode=ro&immutable=1"}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		last = source{query: "mode=ro&vfs=unix-none", alone: true}
	}
	memory, err := seed(ctx, path, source{query: "mode=ro"})
	if err == nil || !sqliteTrouble(err) {
		return memory, err
	}
	return seed(ctx, path, last)
}

// seed returns a database in memory that holds what the file does, without the
// history. An empty source has nothing.
func seed(ctx context.Context, path string, from source) (*store, error) {
	memory, err := openMemory(ctx)
	if err != nil {
		return nil, err
	}
	if err = readFrom(ctx, memory.conn, path, from); err == nil {
		if err = migrateAll(ctx, memory.conn); err == nil {
			memory.tables, err = tables(ctx, memory.conn, "main")
		}
	}
	if err != nil {
		_ = memory.close()
		return nil, explain(path, err)
	}
	return memory, nil
}

func readFrom(ctx context.Context, c *sql.Conn, path string, from source) error {
	if from.query == "" {
		return nil
	}
	if !from.alone {
		return attached(ctx, c, path, from.query, func() error { return copyIn(ctx, c, path) })
	}
	// It is said before the file is attached, and holds for all that are.
	if _, err := c.ExecContext(ctx, "PRAGMA locking_mode = EXCLUSIVE"); err != nil {
		return err
	}
	err := attached(ctx, c, path, from.query, func() error { return copyIn(ctx, c, path) })
	_, normalErr := c.ExecContext(ctx, "PRAGMA locking_mode = NORMAL")
	return errors.Join(err, normalErr)
}

// copyIn copies the attached file at its own version; what is newer is done to
// the copy afterwards.
func copyIn(ctx context.Context, c *sql.Conn, path string) error {
	version, err := inspect(ctx, c, "file", path)
	if err != nil || version == 0 {
		return err
	}
	if err := migrate(ctx, c, version); err != nil {
		return err
	}
	names, err := tables(ctx, c, "main")
	if err != nil {
		return err
	}
	return copying(ctx, c, func(tx *sql.Tx) error { return copyTables(ctx, tx, names, "file", "main") })
}

// copying runs a transaction that copies whole tables, whose rows were found to
// fit together when they were written: they are not asked again who belongs to
// whom. (Deferring that to the commit is no way: SQLite does not count parents
// that come by INSERT … SELECT *.)
func copying(ctx context.Context, c *sql.Conn, do func(*sql.Tx) error) error {
	if _, err := c.ExecContext(ctx, "PRAGMA foreign_keys = OFF"); err != nil {
		return err
	}
	err := inTx(ctx, c, do)
	_, onErr := c.ExecContext(context.WithoutCancel(ctx), "PRAGMA foreign_keys = ON")
	return errors.Join(err, onErr)
}

// attached runs a function while the file is attached as "file".
func attached(ctx context.Context, c *sql.Conn, path, query string, do func() error) error {
	if _, err := c.ExecContext(ctx, "ATTACH ? AS file", uri(path, query)); err != nil {
		return err
	}
	err := do()
	_, detachErr := c.ExecContext(context.WithoutCancel(ctx), "DETACH file")
	return errors.Join(err, detachErr)
}

// copyTables replaces the rows of every table but the history's.
func copyTables(ctx context.Context, tx *sql.Tx, names []string, from, to string) error {
	for _, name := range names {
		if isHistory(name) {
			continue
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s.%s", to, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s.%s SELECT * FROM %s.%s", to, name, from, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// appendHistory adds what was measured in the meantime.
func appendHistory(ctx context.Context, tx *sql.Tx) error {
	for _, query := range []string{
		`INSERT INTO file.sample (series, at, value) SELECT series, at, value FROM main.sample WHERE true
		 ON CONFLICT (series, at) DO UPDATE SET value = excluded.value`,
		`INSERT INTO file.hourly (series, hour, n, low, mid, high) SELECT series, hour, n, low, mid, high FROM main.hourly WHERE true
		 ON CONFLICT (series, hour) DO NOTHING`,
	} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}
