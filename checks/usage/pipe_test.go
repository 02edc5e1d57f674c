package usage

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sababan/sababan/checks"
)

// pipe makes a pipe into which nobody writes.
func pipe(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAPipeInThePlaceOfSettingsIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if _, err := eachSetting(pipe(t, filepath.Join(dir, "journald.conf")), func(string, string, string) {}); !errors.Is(err, checks.ErrNoFile) {
		t.Errorf("settings: %v", err)
	}
	pipe(t, filepath.Join(dir, "live/.ruby-version"))
	if got := rubyWanted(filepath.Join(dir, "live")); got != "" {
		t.Errorf("the version of Ruby: %q", got)
	}
	for _, name := range []string{"pg_wal/archive_status", "pg_replslot"} {
		pipe(t, filepath.Join(dir, "data", name))
	}
	if c := readWALCause(filepath.Join(dir, "data")); c.Waiting > 0 || len(c.Slots) > 0 {
		t.Errorf("%+v", c)
	}
}
