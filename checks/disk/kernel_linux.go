package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// mountTableLimit bounds what is read of the mount table, in bytes.
const mountTableLimit = 4 << 20

// readMounts reads the mounts that this process sees: statfs answers for the
// same ones. proc is where the process file system is mounted.
func readMounts(proc string) ([]Mount, error) {
	f, err := os.Open(filepath.Join(proc, "self", "mountinfo"))
	if errors.Is(err, fs.ErrNotExist) {
		// A folder that holds only some files of /proc.
		f, err = os.Open("/proc/self/mountinfo")
	}
	if err != nil {
		return nil, fmt.Errorf("mount table: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mountTableLimit))
	if err != nil {
		return nil, fmt.Errorf("mount table: %w", err)
	}
	mounts, err := parseMountinfo(string(text))
	if err != nil {
		return nil, fmt.Errorf("mount table: %w", err)
	}
	return mounts, nil
}

// statfs asks as df does: in units of the fragment size, where there is one.
func statfs(path string) (Stat, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return Stat{}, fmt.Errorf("statfs: %w", err)
		}
	}
	unit := uint64(st.Frsize)
	if st.Frsize <= 0 {
		unit = uint64(st.Bsize)
	}
	available := st.Bavail
	if available > math.MaxInt64 { // below zero: the reserve is in use
		available = 0
	}
	return Stat{
		Size: st.Blocks * unit, Free: st.Bfree * unit, Available: available * unit,
		Inodes: st.Files, InodesFree: st.Ffree,
	}, nil
}

// ioprio_set(2): one thread, class idle.
const (
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
)

// beIdle lets the calling goroutine's disk accesses wait for everybody else's.
// The thread is given up with the goroutine, so that nothing else inherits it.
func beIdle() {
	runtime.LockOSThread()
	// Refused in some containers; the walk is bounded all the same.
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioIdle)
}
