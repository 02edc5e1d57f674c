package timers

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestAPipeInThePlaceOfACrontabIsNotWaitedFor(t *testing.T) {
	p := checkstest.Pipe(t, filepath.Join(t.TempDir(), "crontab"))
	if lines, err := readLines(p); len(lines) > 0 || err != nil && !errors.Is(err, checks.ErrNoFile) {
		t.Errorf("%q %v", lines, err)
	}
	if _, _, ok := lifeOf(p); ok {
		t.Error("it is taken for a certificate")
	}
}
