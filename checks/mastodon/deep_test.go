package mastodon

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks/checkstest"
)

// encoding/json refuses what is nested more than 10,000 deep, wherever it stands.
func TestAnAnswerAboutVersionsThatIsNestedWithoutEndIsRefused(t *testing.T) {
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for name, text := range map[string]string{
		"arrays": deep, "an array without its end": strings.Repeat("[", 200_000), "objects": strings.Repeat(`{"a":`, 50_000),
		"below a word that is read": `{"updatesAvailable":` + deep + `}`, "below a word that is not": `{"updatesAvailable":[],"x":` + deep + `}`,
		"inside a release": `[{"tag_name":"v4.5.2","body":` + deep + `}]`,
	} {
		for _, a := range []answer{readService([]byte(text)), readReleases([]byte(text))} {
			if a.err == nil || len(a.offers) > 0 {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
}

func TestAPipeInThePlaceOfCodeIsNotWaitedFor(t *testing.T) {
	root := pipes(t, "live/lib/mastodon/version.rb", "live/db/migrate", "live/db/post_migrate")
	if c := readCode(root, "/live"); c.err == nil {
		t.Errorf("%+v", c)
	}
}

// pipes makes a folder with pipes in it, into which nobody writes.
func pipes(t *testing.T, names ...string) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, name := range names {
		checkstest.Pipe(t, filepath.Join(root, name))
	}
	return root
}
