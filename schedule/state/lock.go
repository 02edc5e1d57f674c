package state

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock keeps a second daemon from the same state: two of them would tell
// everything twice. It is held by the process and ends with it, however it
// ends. Where the file for it cannot be made (a full disk, a read-only file
// system), there is none, and no error.
func lock(path string) (*os.File, error) {
	_ = os.MkdirAll(filepath.Dir(path), 0o700) // what is wrong with it, opening the file will say
	f, err := os.OpenFile(path+".lock", os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, &FileError{Path: path, Err: err, Text: "is in use by another sababan that runs at this moment: stop it first (sudo systemctl stop sababan), or name another path"}
	}
	return nil, nil // a file system without locks
}

func unlock(f *os.File) {
	if f != nil {
		_ = f.Close()
	}
}
