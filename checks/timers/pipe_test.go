package timers

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

func TestAPipeInThePlaceOfACrontabIsNotWaitedFor(t *testing.T) {
	p := pipe(t, filepath.Join(t.TempDir(), "crontab"))
	if lines, err := readLines(p); len(lines) > 0 || err != nil && !errors.Is(err, checks.ErrNoFile) {
		t.Errorf("%q %v", lines, err)
	}
	if _, _, ok := lifeOf(p); ok {
		t.Error("it is taken for a certificate")
	}
}
