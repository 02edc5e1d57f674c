package certs

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestAPipeInThePlaceOfAFolderOfCertificatesIsNotWaitedFor(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{certbotFolder, caddyFolder} {
		checkstest.Pipe(t, filepath.Join(root, folder))
		if tree, err := openTree(root, folder); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v %v", folder, tree, err)
		}
	}
}
