package backups

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestAPipeInThePlaceOfABackupIsNotWaitedFor(t *testing.T) {
	p := checkstest.Pipe(t, filepath.Join(t.TempDir(), "pipe"))
	if s, err := readStatus(p); !errors.Is(err, checks.ErrNoFile) {
		t.Errorf("as a status file: %+v %v", s, err)
	}
	if s, err := readLog(p, logState{}, time.Now()); !errors.Is(err, checks.ErrNoFile) {
		t.Errorf("as a log: %+v %v", s, err)
	}
	if names, err := readNames(p, 10); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("as a folder: %q %v", names, err)
	}
	if list, _, err := gather(t.Context(), p, time.Now()); len(list) > 0 {
		t.Errorf("as a dump: %+v %v", list, err)
	}
	// A folder that pg_dump has written, with something else inside.
	dump := filepath.Join(t.TempDir(), "dump")
	checkstest.Pipe(t, filepath.Join(dump, "toc.dat"))
	if list, _, err := gather(t.Context(), dump, time.Now()); err != nil || len(list) != 1 || !errors.Is(list[0].Unread, checks.ErrNoFile) {
		t.Errorf("inside a dump: %+v %v", list, err)
	}
}
