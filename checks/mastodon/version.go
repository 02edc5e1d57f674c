package mastodon

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/sababan/sababan/checks/api"
)

// A version is one of Mastodon's, without what a fork writes behind it; the
// zero version is not known.
type version struct {
	// canon is as package semver wants it: "v4.6.0-beta.1".
	canon string
}

func (v version) known() bool { return v.canon != "" }

// String is the number as people write it: "4.6.0-beta.1".
func (v version) String() string { return strings.TrimPrefix(v.canon, "v") }

// branch is what is supported together: "4.6".
func (v version) branch() string { return strings.TrimPrefix(semver.MajorMinor(v.canon), "v") }

// early tells whether it comes before the release of its number: an alpha, a
// nightly, a candidate.
func (v version) early() bool { return semver.Prerelease(v.canon) != "" }

func (v version) compare(w version) int { return semver.Compare(v.canon, w.canon) }

// newBranch tells whether w is of a newer branch than v.
func (v version) newBranch(w version) bool {
	return semver.Compare(semver.MajorMinor(w.canon), semver.MajorMinor(v.canon)) > 0
}

// versionOf reads a version that a Mastodon tells of itself. What stands behind
// "+" is a fork's own and orders nothing.
func versionOf(s string) version {
	v, ok := api.ParseVersion(s)
	if !ok {
		return version{}
	}
	canon := fmt.Sprintf("v%d.%d.%d", v.Major, v.Minor, v.Patch)
	if v.Pre != "" {
		canon += "-" + v.Pre
	}
	if !semver.IsValid(canon) {
		return version{}
	}
	return version{canon}
}

// versionLimit is how long a version may be, in bytes (own: a nightly has 30).
const versionLimit = 64

// offered reads a version that somebody lists, "4.5.6" or "v4.5.6": all of it
// must be one.
func offered(s string) version {
	number, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "v"), "+")
	canon := "v" + number
	// Semver's own canon would make 4.5.0 of 4.5; and it takes numbers of any
	// length, which no Mastodon has.
	if len(canon) > versionLimit || semver.Canonical(canon) != canon || versionOf(number).canon != canon {
		return version{}
	}
	return version{canon}
}

var branchNumber = regexp.MustCompile(`^v?([0-9]{1,4}\.[0-9]{1,4})(?:\.[0-9x]+)?$`)

// branchOf reads "4.5", "v4.5" or "4.5.x"; "" for anything else.
func branchOf(s string) string {
	m := branchNumber.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return ""
	}
	return m[1]
}

// compareBranches orders branches: "4.9" before "4.10".
func compareBranches(a, b string) int { return semver.Compare("v"+a, "v"+b) }

// forkName is what a fork calls itself: "glitch" of "4.5.2+glitch.1".
func forkName(s string) string {
	p := api.Software(s)
	if p.Name != api.Mastodon {
		return ""
	}
	name := strings.FieldsFunc(p.Fork, func(r rune) bool { return r == '.' || r == '-' || r == '+' || r == '_' })
	if len(name) == 0 {
		return ""
	}
	return cmp.Or(plain(name[0]), "?")
}

// plain keeps the characters that versions and names of forks are written
// with, and not more than 40 of them.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".+-_", r) {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 40)]
}
