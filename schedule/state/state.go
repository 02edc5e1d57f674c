// Package state keeps what has to outlive a restart: one SQLite file, one
// numbered sequence of migrations. Each room owns its tables and queries.
//
// When the file cannot be written any more, because the disk is full or has
// become read-only, everything goes on in memory, [DB.Degraded] says so, and it
// is carried back into the file as soon as there is room again.
package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	// retryEvery is how often the file is tried again while the state is in
	// memory (own: a minute more or less is not noticed, and costs little).
	retryEvery = time.Minute

	// moveTimeout bounds a move between the file and memory, which is finished
	// although the one who asked has gone (own).
	moveTimeout = 30 * time.Second

	// closeTimeout leaves half of the ten seconds in which a daemon that is
	// told to stop has to be gone.
	closeTimeout = 5 * time.Second
)

// ErrClosed is what a [DB] answers after Close.
var ErrClosed = errors.New("state: closed")

// A DB is the state. It has one connection: everything happens in turn, so a
// function given to Read or Write must not call them again, nor wait for
// somebody who does.
type DB struct {
	path string // "" when it was never meant to be a file
	log  *slog.Logger

	turn    chan struct{} // holds one while somebody has the connection
	now     *store        // nil when closed
	retry   time.Time     // while degraded: when to try the file again
	said    string        // while degraded: what the log knows already
	trouble atomic.Pointer[trouble]
	lock    *os.File // held while open; nil where there can be none
}

// trouble is why the state is in memory.
type trouble struct {
	why   string
	since time.Time
}

// Open opens the state file, makes it where there is none (and its folder,
// 0700), and brings it up to date. A file that cannot be written is no error:
// what it holds is read, the rest happens in memory, and Degraded tells. A file
// of a newer version, of another program, or a damaged one is a [*FileError],
// and is left as it is.
func Open(ctx context.Context, path string, log *slog.Logger) (*DB, error) {
	if log == nil {
		log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state file %s: %w", path, err)
	}
	d := &DB{path: path, log: log, turn: make(chan struct{}, 1)}
	if err := d.open(ctx); err != nil {
		unlock(d.lock)
		return nil, err
	}
	return d, nil
}

// open opens the file, or what can be read of it in memory.
func (d *DB) open(ctx context.Context) error {
	var err error
	if d.lock, err = lock(d.path); err != nil {
		return err
	}
	file, _, err := openFile(ctx, d.path)
	if err == nil {
		d.now = file
		return nil
	}
	if !diskTrouble(err) {
		return err
	}
	memory, seedErr := seedFromFile(ctx, d.path)
	if seedErr != nil {
		if said := new(FileError); errors.As(seedErr, &said) {
			return seedErr
		}
		return fmt.Errorf("%w; reading it alone: %w", err, seedErr)
	}
	d.now = memory
	d.degraded(err)
	return nil
}

// Memory returns a state that is gone when it is closed.
func Memory(ctx context.Context) (*DB, error) {
	memory, err := openMemory(ctx)
	if err != nil {
		return nil, err
	}
	if err := migrateAll(ctx, memory.conn); err != nil {
		memory.close()
		return nil, fmt.Errorf("state in memory: %w", err)
	}
	return &DB{log: slog.New(slog.NewTextHandler(io.Discard, nil)), turn: make(chan struct{}, 1), now: memory}, nil
}

// Log returns the logger that Open was given.
func (d *DB) Log() *slog.Logger { return d.log }

// Degraded tells whether the state is in memory although it should be in the
// file, why (in English, a phrase without a full stop), and since when.
func (d *DB) Degraded() (why string, since time.Time, yes bool) {
	if t := d.trouble.Load(); t != nil {
		return t.why, t.since, true
	}
	return "", time.Time{}, false
}

// Write runs a function in one immediate transaction. When it returns nil, all
// that the function did is stored, on the disk unless Degraded; else nothing
// is. On a full disk the function is run a second time, in memory, so it must
// set what it sets outside the transaction anew each time; and it must return
// the errors of its statements, wrapped with %w.
func (d *DB) Write(ctx context.Context, do func(tx *sql.Tx) error) error {
	if err := d.take(ctx); err != nil {
		return err
	}
	defer d.give()
	if d.trouble.Load() != nil && !time.Now().Before(d.retry) {
		d.goBack(ctx, moveTimeout)
	}
	err := d.write(ctx, do)
	if err == nil || d.path == "" || d.trouble.Load() != nil || !sqliteTrouble(err) {
		return d.explain(err)
	}
	if moveErr := d.goToMemory(ctx, err); moveErr != nil {
		return fmt.Errorf("state file %s: %w; going on in memory: %w", d.path, err, moveErr)
	}
	return d.write(ctx, do)
}

func (d *DB) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	if err := d.now.queryOnly(ctx, false); err != nil {
		return err
	}
	return inTx(ctx, d.now.conn, do)
}

// Read runs a function in one transaction that sees one moment and can change
// nothing.
func (d *DB) Read(ctx context.Context, do func(tx *sql.Tx) error) error {
	if err := d.take(ctx); err != nil {
		return err
	}
	defer d.give()
	if err := d.now.queryOnly(ctx, true); err != nil {
		return d.explain(err)
	}
	tx, err := d.now.conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return d.explain(err)
	}
	defer func() { _ = tx.Rollback() }()
	return d.explain(do(tx))
}

// Close finishes what is under way and closes the file. What is in memory only
// is carried into the file when that is possible, else it is lost, and the log
// says so.
func (d *DB) Close() error {
	d.turn <- struct{}{}
	defer d.give()
	if d.now == nil {
		return nil
	}
	if t := d.trouble.Load(); t != nil {
		d.goBack(context.Background(), closeTimeout)
		if d.trouble.Load() != nil {
			d.log.Warn("the state stayed in memory to the end: what happened since is lost",
				"path", d.path, "since", t.since, "why", t.why)
		}
	}
	err := d.now.close()
	d.now = nil
	unlock(d.lock)
	return err
}

func (d *DB) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if d.now == nil {
		d.give()
		return ErrClosed
	}
	return nil
}

func (d *DB) give() { <-d.turn }

// explain gives damage that turned up on the way the same words as Open does.
func (d *DB) explain(err error) error {
	if d.path == "" || d.trouble.Load() != nil {
		return err
	}
	return explain(d.path, err)
}
