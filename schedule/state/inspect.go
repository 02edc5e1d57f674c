package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// readAlone opens a file to look into it.
const readAlone = "mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)&_pragma=cache_size(-2048)"

// Inspect looks whether a state file can be used, without changing it; the
// daemon may be running. It returns its size in bytes, 0 where there is none
// yet. A file of a newer version, of another program, or a damaged one is a
// [*FileError].
func Inspect(ctx context.Context, path string) (size int64, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, &FileError{Path: path, Text: "is not an ordinary file: name another path"}
	case info.Size() == 0:
		return 0, nil
	}
	s, err := open(ctx, uri(path, readAlone))
	if err != nil {
		return info.Size(), explain(path, err)
	}
	defer func() { _ = s.close() }()
	if _, err := inspect(ctx, s.conn, "main", path); err != nil {
		return info.Size(), explain(path, err)
	}
	var word string
	if err := s.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&word); err != nil {
		return info.Size(), explain(path, err)
	}
	if word != "ok" {
		return info.Size(), damaged(path, fmt.Errorf("quick_check: %s", word))
	}
	return info.Size(), nil
}

// Peek lets a function read a state file, without changing it or waiting for the
// one who writes it; [fs.ErrNotExist] where there is none.
func Peek(ctx context.Context, path string, do func(tx *sql.Tx) error) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	s, err := open(ctx, uri(path, readAlone))
	if err != nil {
		return explain(path, err)
	}
	defer func() { _ = s.close() }()
	if err := inTx(ctx, s.conn, do); err != nil {
		return explain(path, err)
	}
	return nil
}
