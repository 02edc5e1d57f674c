package mastodon

import (
	"strings"
	"testing"
)

// FuzzReleases: what is said to be out is a version of ours, a few of them, and
// leads to a page or to nothing.
func FuzzReleases(f *testing.F) {
	for _, s := range []string{
		`{"updatesAvailable":[{"version":"4.5.5","urgent":true,"type":"patch","releaseNotes":"https://github.com/mastodon/mastodon/releases/v4.5.5","endOfSupport":"2027-05-01T00:00:00Z"}],"currentVersion":{"endOfSupport":"2027-05-01"}}`,
		`{"updatesAvailable":[{"version":"9.9.9","releaseNotes":"https://a.example/@evil"},7,{"version":"x"}],"currentVersion":7}`, `{"updatesAvailable":null}`,
		`[{"tag_name":"v4.5.5","html_url":"https://a.example/x","published_at":"2026-11-01T00:00:00Z","body":"## Security\n"},{"tag_name":"v4.6.0-rc.1","prerelease":true}]`,
		`[{"tag_name":"v4.5.5+x","published_at":"0001-01-01T00:00:00Z"}]`, strings.Repeat("[", 300), `{}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, a := range []answer{readService(body), readReleases(body)} {
			if a.err != nil && len(a.offers) > 0 || len(a.offers) > offerLimit {
				t.Errorf("%+v", a)
			}
			for _, o := range a.offers {
				if v := versionOf(o.Version); !v.known() || v.String() != o.Version || link(o.Notes) != o.Notes || o.Since < 0 || strings.Contains(o.Notes, "@") {
					t.Errorf("%+v", o)
				}
			}
		}
	})
}

// FuzzVersionFile: the file of the version on disk gives a version that is read
// as itself again, or none.
func FuzzVersionFile(f *testing.F) {
	for _, s := range []string{
		"def major\n 4\nend\ndef minor\n 5\nend\ndef patch\n 2\nend\ndef default_prerelease\n 'alpha.1'\nend", "def major = 4\ndef minor = 6\ndef patch = 0\ndef flags; ''; end",
		"def major\n999999999\nend", "def minor\n  return 3 # x\n", "def major\n4\ndef minor\n5\ndef pre\n\"@x\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v := diskVersion(text)
		if !v.known() {
			return
		}
		if again := versionOf(v.String()); again != v || len(v.canon) > versionLimit || strings.ContainsAny(v.canon, "@ \n") {
			t.Errorf("%q is %q", v, again)
		}
	})
}
