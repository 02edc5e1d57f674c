package state

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// A FileError is a state file that cannot be used as it is; the daemon leaves
// it alone. It is one sentence that says what to do.
type FileError struct {
	Path string
	Text string // goes on where "state file PATH" leaves off
	Err  error  // what SQLite said; may be nil
}

func (e *FileError) Error() string { return "state file " + e.Path + " " + e.Text }

// Unwrap returns what SQLite said.
func (e *FileError) Unwrap() error { return e.Err }

const setAside = "move it away (with the files beside it whose names end in -wal and -shm) and start again: " +
	"a new one is made, and what this one remembered is not known any more"

func newer(path string, has, knows int) error {
	return &FileError{Path: path, Text: fmt.Sprintf(
		"was written by a newer sababan (version %d of the state; this one knows up to %d): run the newer sababan again, or %s",
		has, knows, setAside)}
}

func anotherPrograms(path string) error {
	return &FileError{Path: path, Text: "is the SQLite file of another program: name another path, and a new one is made there"}
}

func damaged(path string, err error) error {
	return &FileError{Path: path, Err: err, Text: fmt.Sprintf("is damaged (%v): %s", err, setAside)}
}

func notSQLite(path string, err error) error {
	return &FileError{Path: path, Err: err, Text: "is not an SQLite file: name another path, or " + setAside}
}

// explain turns SQLite's word for a file that cannot be used into a sentence;
// any other error it returns as it is.
func explain(path string, err error) error {
	if err == nil {
		return nil
	}
	if said := new(FileError); errors.As(err, &said) {
		return err
	}
	switch primary(err) {
	case lib.SQLITE_NOTADB:
		return notSQLite(path, err)
	case lib.SQLITE_CORRUPT:
		return damaged(path, err)
	}
	return err
}

// code is SQLite's extended result code of an error; 0 where it is not SQLite's.
func code(err error) int {
	if said := new(sqlite.Error); errors.As(err, &said) {
		return said.Code()
	}
	return 0
}

func primary(err error) int { return code(err) & 0xff }

// sqliteTrouble tells whether SQLite could not write for the disk's sake.
func sqliteTrouble(err error) bool {
	switch primary(err) {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN:
		return true
	}
	return false
}

// diskTrouble tells whether a file cannot be written, by SQLite or otherwise,
// for a reason that does not lie in the file: a full or read-only disk, a
// folder or a file without the right to write.
func diskTrouble(err error) bool {
	return sqliteTrouble(err) || noRoom(err) || errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO)
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		primary(err) == lib.SQLITE_FULL || code(err) == lib.SQLITE_IOERR_SHMSIZE
}

// why says what keeps a file from being written, for a person.
func why(path string, err error) string {
	switch {
	case noRoom(err):
		return "no space left on the disk of the state file " + path
	case errors.Is(err, syscall.EROFS):
		return "the disk of the state file " + path + " is read-only"
	case errors.Is(err, fs.ErrPermission), primary(err) == lib.SQLITE_READONLY, primary(err) == lib.SQLITE_CANTOPEN:
		return "there is no right to write the state file " + path
	default:
		return "the disk of the state file " + path + " answers with errors"
	}
}
