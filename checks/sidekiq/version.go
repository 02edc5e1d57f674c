package sidekiq

import (
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
)

// A version of Mastodon; the zero value is not known.
type version struct {
	major, minor, patch int
	pre                 string // "rc.1"
}

func (v version) known() bool { return v.major > 0 }

func (v version) before(major, minor int) bool {
	return v.major < major || v.major == major && v.minor < minor
}

func (v version) String() string {
	s := fmt.Sprintf("v%d.%d.%d", v.major, v.minor, v.patch)
	if v.pre != "" {
		s += "-" + v.pre
	}
	return s
}

// versionLimit is how much of Mastodon's version file is read (own; it has 2 kB).
const versionLimit = 16 << 10

var (
	versionPart = regexp.MustCompile(`def (major|minor|patch)\s+(\d{1,4})\s+end`)
	versionPre  = regexp.MustCompile(`def default_prerelease\s+'([a-z0-9.-]{0,30})'\s+end`)
)

// versionOnDisk is that of the code in a folder; not known where it cannot be
// read.
func versionOnDisk(root, live string) version {
	if live == "" {
		return version{}
	}
	f, err := checks.OpenFile(filepath.Join("/", root, live, "lib/mastodon/version.rb"))
	if err != nil {
		return version{}
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, versionLimit))
	if err != nil {
		return version{}
	}
	return readVersion(string(b))
}

func readVersion(text string) version {
	var v version
	for _, m := range versionPart.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[2]) // four digits
		switch m[1] {
		case "major":
			v.major = n
		case "minor":
			v.minor = n
		case "patch":
			v.patch = n
		}
	}
	if m := versionPre.FindStringSubmatch(text); m != nil {
		v.pre = m[1]
	}
	return v
}

// running is the newest version of Mastodon that comes with a version of
// Sidekiq; before 7.0 Sidekiq does not tell its own.
func running(sidekiq string) version {
	switch {
	case sidekiq == "":
		return version{major: 4, minor: 3}
	case strings.HasPrefix(sidekiq, "7."):
		return version{major: 4, minor: 4}
	case strings.HasPrefix(sidekiq, "8.0."):
		return version{major: 4, minor: 5}
	}
	return version{major: 4, minor: 6} // 8.1 and what will come
}

// everyQueue are the queues of all versions.
var everyQueue = []string{"default", "push", "ingress", "mailers", "pull", "scheduler", "fasp"}

// expected are the queues that must be served: those of the code on disk, but
// no newer ones than the processes know that still run the code of before.
func expected(disk version, processes []process) []string {
	v := disk
	for _, p := range processes {
		if !p.there {
			continue
		}
		if r := running(p.version); !v.known() || r.before(v.major, v.minor) {
			v = r
		}
	}
	var out []string
	for _, q := range everyQueue {
		switch {
		case q == "ingress" && v.known() && v.before(4, 0):
		case q == "fasp" && (!v.known() || v.before(4, 4)):
		default:
			out = append(out, q)
		}
	}
	return out
}
