//go:build unix

package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sababan/sababan/checks"
)

const (
	// workName is the folder of a restore that is tried.
	workName = "sababan-restore"
	// tagName marks a folder as one that backups leave out (the Cache Directory
	// Tagging Specification), and here as ours.
	tagName = "CACHEDIR.TAG"
	tagText = "Signature: 8a477f597d28d172789f06886806bc55\n# sababan tries a restore here; whatever is left of it may be deleted.\n"
	// killPatience is how long a PostgreSQL that was left behind may take to end
	// (own).
	killPatience = 10 * time.Second
)

var (
	errBusy    = errors.New("another restore is being tried")
	errForeign = errors.New("a folder of that name is not ours")
)

// A work is the folder of a restore, locked for as long as it is used.
type work struct {
	dir  string
	lock *os.File
}

// claim makes the folder, or takes over what a run that was killed has left.
func claim(ctx context.Context, base, proc string) (*work, error) {
	dir := filepath.Join(base, workName)
	if err := sweep(ctx, base, proc); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil, errBusy
		}
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	w := &work{dir, lock}
	if err := os.WriteFile(filepath.Join(dir, tagName), []byte(tagText), 0o600); err != nil {
		return nil, errors.Join(err, w.remove())
	}
	return w, nil
}

// remove removes everything.
func (w *work) remove() error {
	err := removeAll(w.dir)
	return errors.Join(err, w.lock.Close())
}

// removeAll removes a folder in which somebody may still be writing his last.
func removeAll(dir string) error {
	var err error
	for range 5 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
	}
	return err
}

// sweep removes what a run that was killed has left behind, its PostgreSQL
// included; it is nothing to find nothing.
func sweep(ctx context.Context, base, proc string) error {
	dir := filepath.Join(base, workName)
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s: %w", dir, errForeign)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	w := &work{dir, lock}
	if tag, err := head(filepath.Join(dir, tagName), int64(len(tagText)+1)); string(tag) != tagText {
		// It may have been killed before it could write.
		if entries, readErr := os.ReadDir(dir); readErr != nil || len(entries) > 1 || !errors.Is(err, fs.ErrNotExist) && len(tag) >= len(tagText) {
			return errors.Join(fmt.Errorf("%s: %w", dir, errForeign), lock.Close())
		}
	}
	endLeftBehind(ctx, filepath.Join(dir, "data"), proc)
	return w.remove()
}

// lockFolder locks a folder until the file is closed, or this process ends in
// whatever way.
func lockFolder(dir string) (*os.File, error) {
	f, err := checks.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errBusy
		}
		return nil, errors.Join(err, f.Close())
	}
	// It may have been removed, and made anew, between opening and locking.
	open, err := f.Stat()
	there, err2 := os.Stat(dir)
	if err != nil || err2 != nil || !os.SameFile(open, there) {
		return nil, errors.Join(errBusy, f.Close())
	}
	return f, nil
}

// endLeftBehind ends the processes of ours that have a data directory as an
// argument of their own: a PostgreSQL whose starter was killed. Where there is
// no /proc it ends by itself when its folder is gone.
func endLeftBehind(ctx context.Context, data, proc string) {
	ctx, cancel := context.WithTimeout(ctx, killPatience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	signal := func(sig syscall.Signal) {
		for _, pid := range withArgument(data, proc) {
			_ = syscall.Kill(pid, sig) // it may have ended meanwhile
		}
	}
	signal(syscall.SIGQUIT) // PostgreSQL's immediate shutdown, which ends all of its processes
	for len(withArgument(data, proc)) > 0 {
		select {
		case <-ctx.Done():
			signal(syscall.SIGKILL)
			return
		case <-tick.C:
		}
	}
}

// argumentsLimit bounds what is read of a process's arguments, in bytes (own:
// PostgreSQL's are a hundred).
const argumentsLimit = 64 << 10

// head reads the beginning of a file.
func head(path string, limit int64) ([]byte, error) {
	f, err := checks.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, limit))
}

// withArgument are our own processes that have a word as one of their
// arguments.
func withArgument(word, proc string) []int {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil
	}
	var found []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
			continue
		}
		line, err := head(filepath.Join(proc, e.Name(), "cmdline"), argumentsLimit)
		if err == nil && slices.Contains(strings.Split(string(line), "\x00"), word) {
			found = append(found, pid)
		}
	}
	return found
}
