package api

import (
	"regexp"
	"strconv"
	"strings"
)

// The families of servers, told apart by what they can be asked.
const (
	Mastodon   = "mastodon" // and its forks
	GoToSocial = "gotosocial"
	Pleroma    = "pleroma"
	Akkoma     = "akkoma"
	Misskey    = "misskey" // and those descended from it
	Unknown    = "unknown"
)

// A Product is the software behind a version.
type Product struct {
	Name    string // one of the families above
	Fork    string // "glitch", "hometown-1.1.1", or the name an unknown one gives itself
	Version Version
}

// A Version is the number that a server announces. Where other software poses
// as Mastodon it is the number of the Mastodon that it resembles.
type Version struct {
	Major, Minor, Patch int
	Pre                 string // "beta.1", "rc1", "nightly.2025-10-01"; empty for a release
}

// AtLeast says whether the version has what major.minor has; a pre-release
// counts as its release.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

var (
	numbers    = regexp.MustCompile(`^v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:-?((?:alpha|beta|rc|nightly|pre|dev|snapshot)[0-9A-Za-z.-]*))?`)
	compatible = regexp.MustCompile(`(?i)\(compatible; *([^ /)]+)`)
)

// ParseVersion reads the number at the head of a version: 4.5.2+glitch,
// 4.6.0-beta.1, 4.2.0rc1.
func ParseVersion(s string) (Version, bool) {
	m := numbers.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return Version{}, false
	}
	// At most six digits each: they cannot overflow, and an absent third is 0.
	var v Version
	v.Major, _ = strconv.Atoi(m[1])
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	v.Pre = m[4]
	return v, true
}

// Software tells what is behind the version of /api/v1 or v2/instance. It goes
// by what each software writes there, so it can be wrong: ask for a feature
// rather than for a name where that is possible.
func Software(version string) Product {
	version = oneLine(version, maxWords)
	p := Product{Name: Unknown}
	v, ok := ParseVersion(version)
	p.Version = v
	low := strings.ToLower(version)

	if m := compatible.FindStringSubmatch(version); m != nil {
		p.Name, p.Fork = family(m[1])
		return p
	}
	for _, name := range []string{GoToSocial, Akkoma, Pleroma} {
		if strings.Contains(low, name) {
			p.Name = name
			return p
		}
	}
	if !ok {
		return p
	}
	_, build, _ := strings.Cut(version, "+")
	switch {
	case v.Major == 0 || strings.HasPrefix(build, "0."):
		// GoToSocial is still at 0.x, and can put a Mastodon's number before its own.
		p.Name = GoToSocial
	case v.Major > 1000: // Misskey counts by the year
		p.Name = Misskey
	default:
		p.Name, p.Fork = Mastodon, build
	}
	return p
}

func family(name string) (known, fork string) {
	low := strings.ToLower(name)
	for _, known := range []string{GoToSocial, Akkoma, Pleroma} {
		if strings.HasPrefix(low, known) {
			return known, ""
		}
	}
	for _, kin := range []string{"misskey", "sharkey", "firefish", "calckey", "iceshrimp", "foundkey", "cherrypick", "catodon"} {
		if strings.HasPrefix(low, kin) {
			return Misskey, name
		}
	}
	return Unknown, name
}
