package checks

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ErrNoFile says of a path that something else than a file lies there.
var ErrNoFile = errors.New("it is no ordinary file")

// OpenFile opens an ordinary file to read. What else lies there is not opened:
// a pipe would wait for a writer who never comes, and a device does something.
// The error is the kernel's, or an [fs.PathError] with [ErrNoFile].
func OpenFile(path string) (*os.File, error) {
	odd := func(info fs.FileInfo, err error) error {
		if err == nil && !info.Mode().IsRegular() {
			err = &fs.PathError{Op: "open", Path: path, Err: ErrNoFile}
		}
		return err
	}
	// Asked before, so that nothing odd is touched, and after, because it may
	// have been changed between the two.
	if info, err := os.Stat(path); err == nil && odd(info, nil) != nil {
		return nil, odd(info, nil)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if err := odd(f.Stat()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// OpenFolder opens a folder, to list its names. Where something else lies, it
// is not opened either: the error is ENOTDIR.
func OpenFolder(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_DIRECTORY, 0)
}
