package usage

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestAPipeInThePlaceOfSettingsIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if _, err := eachSetting(checkstest.Pipe(t, filepath.Join(dir, "journald.conf")), func(string, string, string) {}); !errors.Is(err, checks.ErrNoFile) {
		t.Errorf("settings: %v", err)
	}
	checkstest.Pipe(t, filepath.Join(dir, "live/.ruby-version"))
	if got := rubyWanted(filepath.Join(dir, "live")); got != "" {
		t.Errorf("the version of Ruby: %q", got)
	}
	for _, name := range []string{"pg_wal/archive_status", "pg_replslot"} {
		checkstest.Pipe(t, filepath.Join(dir, "data", name))
	}
	if c := readWALCause(filepath.Join(dir, "data")); c.Waiting > 0 || len(c.Slots) > 0 {
		t.Errorf("%+v", c)
	}
}
