package certs

import (
	"errors"
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

func TestAPipeInThePlaceOfAFolderOfCertificatesIsNotWaitedFor(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{certbotFolder, caddyFolder} {
		pipe(t, filepath.Join(root, folder))
		if tree, err := openTree(root, folder); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v %v", folder, tree, err)
		}
	}
}
