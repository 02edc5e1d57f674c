package sidekiq

import (
	"path/filepath"
	"testing"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestAPipeInThePlaceOfTheVersionIsNotWaitedFor(t *testing.T) {
	root := t.TempDir()
	checkstest.Pipe(t, filepath.Join(root, "live/lib/mastodon/version.rb"))
	if v := versionOnDisk(root, "/live"); v != (version{}) {
		t.Errorf("%+v", v)
	}
}
