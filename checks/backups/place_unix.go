//go:build unix

package backups

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// whereIs is a file's device and inode number.
func whereIs(info fs.FileInfo) (device, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), uint64(st.Ino)
	}
	return 0, 0
}

func notFolder(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// freeAt is how many bytes an ordinary user can still write at a path.
func freeAt(path string) (uint64, error) {
	free, _, err := roomAt(path)
	return free, err
}

// roomAt is that, and how many bytes the file system has in all.
func roomAt(path string) (free, size uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, fmt.Errorf("statfs: %w", err)
	}
	block := uint64(st.Bsize)
	return uint64(st.Bavail) * block, uint64(st.Blocks) * block, nil
}
