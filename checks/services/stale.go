package services

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks/systemd"
)

// deletedMark is what the kernel writes behind the path of a file that is gone
// from its folder and still in use.
const deletedMark = " (deleted)"

// mapsBytes bounds what is read of a process's map, in bytes (own; Ruby with
// all of Mastodon has some 200 kB).
const mapsBytes = 4 << 20

// stale is what a process still runs of what is no longer on disk.
type stale struct {
	// What is the executable, a library, or the version of the code.
	What string
	// Library tells that it is a library, Code that it is Mastodon's code.
	Library, Code bool
	// Since is when it was replaced, as far as can be told.
	Since time.Time
}

// oldProgram looks at the main process of a unit. What may not be read of other
// users' processes is told by the dates of the files alone.
func oldProgram(host systemd.Host, proc string, u systemd.Unit) (stale, bool) {
	if u.PID == 0 {
		return stale{}, false
	}
	folder := filepath.Join(proc, strconv.Itoa(u.PID))
	exe, err := os.Readlink(filepath.Join(folder, "exe"))
	switch {
	case err == nil && strings.HasSuffix(exe, deletedMark):
		path := strings.TrimSuffix(exe, deletedMark)
		return stale{What: path, Since: replaced(host, path)}, true
	case err == nil:
		if path, ok := deletedLibrary(filepath.Join(folder, "maps")); ok {
			return stale{What: path, Library: true, Since: replaced(host, path)}, true
		}
	case errors.Is(err, fs.ErrPermission):
		return oldByDate(host, folder, u)
	}
	return stale{}, false
}

// oldByDate compares the executable's date with the start of the process, if
// the unit starts it itself and not through a script.
func oldByDate(host systemd.Host, folder string, u systemd.Unit) (stale, bool) {
	if len(u.Exec) == 0 {
		return stale{}, false
	}
	comm, err := os.ReadFile(filepath.Join(folder, "comm"))
	if err != nil || strings.TrimSpace(string(comm)) != filepath.Base(u.Exec[0]) {
		return stale{}, false
	}
	changed, ok := changedAt(host.Path(u.Exec[0]))
	if !ok || !changed.After(u.ActiveSince) {
		return stale{}, false
	}
	return stale{What: u.Exec[0], Since: changed}, true
}

// deletedLibrary finds a library that was replaced after it was loaded.
func deletedLibrary(maps string) (string, bool) {
	f, err := os.Open(maps)
	if err != nil {
		return "", false
	}
	defer f.Close()
	s := bufio.NewScanner(io.LimitReader(f, mapsBytes))
	for s.Scan() {
		line := s.Text()
		if !strings.HasSuffix(line, deletedMark) {
			continue
		}
		i := strings.IndexByte(line, '/')
		if i < 0 {
			continue
		}
		path := strings.TrimSuffix(line[i:], deletedMark)
		// Shared memory and files of the program's own are deleted on purpose.
		if (strings.HasPrefix(path, "/usr/") || strings.HasPrefix(path, "/lib")) && strings.Contains(filepath.Base(path), ".so") {
			return path, true
		}
	}
	return "", false
}

// replaced is when a path was written anew, or its folder where it is gone.
func replaced(host systemd.Host, path string) time.Time {
	if t, ok := changedAt(host.Path(path)); ok {
		return t
	}
	if info, err := os.Stat(host.Path(filepath.Dir(path))); err == nil {
		return info.ModTime()
	}
	return time.Time{}
}

// codeDates are the files of a Mastodon that are written when its code
// changes: the log of every checkout, and the version.
var codeDates = []string{".git/logs/HEAD", ".git/HEAD", "lib/mastodon/version.rb", "REVISION"}

// codeAt is when the code in a folder last changed; hidden where that may not
// be seen.
func codeAt(host systemd.Host, live string) (at time.Time, hidden bool) {
	if live == "" {
		return at, false
	}
	for _, name := range codeDates {
		info, err := os.Stat(host.Path(filepath.Join(live, name)))
		if errors.Is(err, fs.ErrPermission) {
			hidden = true
		}
		if err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at, hidden && at.IsZero()
}
