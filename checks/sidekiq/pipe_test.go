package sidekiq

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
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

func TestAPipeInThePlaceOfTheVersionIsNotWaitedFor(t *testing.T) {
	root := t.TempDir()
	pipe(t, filepath.Join(root, "live/lib/mastodon/version.rb"))
	if v := versionOnDisk(root, "/live"); v != (version{}) {
		t.Errorf("%+v", v)
	}
}
