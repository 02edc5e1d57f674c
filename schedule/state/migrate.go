package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID marks a file as ours in SQLite's header: "saba".
const applicationID = 0x73616261

// identityKey is the row of meta that tells one state from every other, so
// that what was kept in memory is never carried into a stranger's file.
const identityKey = "state_id"

// migrations returns the numbered sequence; the first one leads to version 1.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	list := make([]string, 0, len(names))
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d_", i+1); name[:len(want)] != want {
			return nil, fmt.Errorf("%s: the next number is %d", name, i+1)
		}
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		list = append(list, string(text))
	}
	return list, nil
}

// migrate takes a database from its version up to another, in one transaction
// each. schema is "main".
func migrate(ctx context.Context, c *sql.Conn, to int) error {
	list, err := migrations()
	if err != nil {
		return err
	}
	from, err := number(ctx, c, "PRAGMA main.user_version")
	if err != nil {
		return err
	}
	for version := from + 1; version <= to; version++ {
		err := inTx(ctx, c, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, list[version-1]); err != nil {
				return err
			}
			if version == 1 {
				if err := mark(ctx, tx); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA main.user_version = %d", version))
			return err
		})
		if err != nil {
			return fmt.Errorf("migration %d: %w", version, err)
		}
	}
	return nil
}

// mark makes the file ours, and like no other.
func mark(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA main.application_id = %d", applicationID)); err != nil {
		return err
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails, by its documentation
	_, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES (?, ?)", identityKey, hex.EncodeToString(id))
	return err
}

// identity returns what [mark] wrote; "" where there is nothing.
func identity(ctx context.Context, c *sql.Conn, schema string) (string, error) {
	var id string
	err := c.QueryRowContext(ctx, "SELECT value FROM "+schema+".meta WHERE key = ?", identityKey).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

func number(ctx context.Context, c *sql.Conn, query string) (n int, err error) {
	err = c.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// inTx runs a function in one transaction on a connection, and undoes
// everything when it returns an error or panics.
func inTx(ctx context.Context, c *sql.Conn, do func(*sql.Tx) error) error {
	// A transaction whose context ends is rolled back behind the caller's back,
	// also in the middle of its commit: nobody could tell what is stored. So it
	// lives without one; what it does inside obeys the context all the same.
	tx, err := c.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing
	if err := do(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return tx.Commit()
}
