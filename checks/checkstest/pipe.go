package checkstest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Pipe makes a pipe into which nobody writes, and the folders above it: opened
// as a file is, it would be waited for without end.
func Pipe(t testing.TB, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
