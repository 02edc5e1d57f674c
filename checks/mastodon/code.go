package mastodon

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
)

// code is what lies in the folder of Mastodon's code.
type code struct {
	there   bool // there is such a folder, and it is Mastodon's
	version version
	// before and after are the numbers of the migrations, ascending: those that
	// the new code needs, and those that wait until it runs.
	before, after []string
	// changed is when the code was last changed, as far as files tell.
	changed time.Time
	// err is why not all of that is known, denied the place that is closed.
	err    error
	denied string
}

// Bounds of what is read (own; Mastodon 4.6 has 600 migrations).
const (
	codeFileLimit  = 64 << 10 // bytes
	migrationLimit = 10000
)

const versionFile = "lib/mastodon/version.rb"

// readCode reads the folder as Mastodon's user would, and runs nothing of it.
func readCode(root, live string) code {
	var c code
	if live == "" {
		return c
	}
	at := func(p string) string { return filepath.Join("/", root, live, p) }
	text, changed, err := readFile(at(versionFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return c
	}
	c.there = true
	if err != nil {
		c.err, c.denied = err, deniedAt(root, path.Join(live, versionFile), err)
		return c
	}
	c.version, c.changed = diskVersion(text), changed
	for folder, into := range map[string]*[]string{"db/migrate": &c.before, "db/post_migrate": &c.after} {
		if *into, err = migrationsIn(at(folder)); err != nil && (folder == "db/migrate" || !errors.Is(err, fs.ErrNotExist)) {
			c.err, c.denied = err, deniedAt(root, path.Join(live, folder), err)
		}
		if info, err := os.Stat(at(folder)); err == nil && info.ModTime().After(c.changed) {
			c.changed = info.ModTime()
		}
	}
	// Every checkout writes here; it may be newer than the files that it left.
	if info, err := os.Stat(at(".git/logs/HEAD")); err == nil && info.ModTime().After(c.changed) {
		c.changed = info.ModTime()
	}
	return c
}

// readFile reads the beginning of an ordinary file, and never waits for
// somebody at its other end.
func readFile(p string) (text []byte, changed time.Time, err error) {
	f, err := checks.OpenFile(p)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	text, err = io.ReadAll(io.LimitReader(f, codeFileLimit))
	return text, info.ModTime(), err
}

var migration = regexp.MustCompile(`^([0-9]{1,20})_.*\.rb$`)

// migrationsIn are the numbers of the migrations in a folder, ascending.
func migrationsIn(folder string) ([]string, error) {
	d, err := checks.OpenFolder(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(migrationLimit)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var all []string
	for _, n := range names {
		if m := migration.FindStringSubmatch(n); m != nil {
			all = append(all, m[1])
		}
	}
	slices.SortFunc(all, compareNumbers)
	return slices.Compact(all), nil
}

// compareNumbers orders numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// deniedAt is the first place on the way to a path that its reader may not pass
// or read; "" where the trouble is another.
func deniedAt(root, p string, err error) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	at := "/"
	for _, part := range strings.Split(strings.Trim(p, "/"), "/") {
		next := path.Join(at, part)
		if _, err := os.Stat(filepath.Join("/", root, next)); errors.Is(err, fs.ErrPermission) {
			return at
		}
		at = next
	}
	return p
}

var (
	method  = regexp.MustCompile(`^\s*def\s+(?:self\.)?([a-z_]+)`)
	whole   = regexp.MustCompile(`^\s*(?:return\s+)?([0-9]{1,6})\b`)
	literal = regexp.MustCompile(`^\s*(?:return\s+)?['"]([^'"#]*)['"]`)
)

// diskVersion reads the version out of version.rb as its versions since 2.4
// write it: a method for each number, each on lines of its own, and the
// pre-release as "flags", later as "default_prerelease".
func diskVersion(text []byte) version {
	said := map[string]string{}
	in := ""
	for line := range bytes.Lines(text) {
		body := string(line)
		if m := method.FindStringSubmatch(body); m != nil {
			in = m[1]
			_, body, _ = strings.Cut(body, in)
			body = strings.TrimLeft(body, " ();=\t") // "def major = 4", "def major; 4; end"
		}
		if _, ok := said[in]; ok || in == "" {
			continue
		}
		switch in {
		case "major", "minor", "patch":
			if m := whole.FindStringSubmatch(body); m != nil {
				said[in] = m[1]
			}
		case "default_prerelease", "prerelease", "flags", "pre":
			if m := literal.FindStringSubmatch(body); m != nil {
				said[in] = m[1]
			}
		}
	}
	if said["major"] == "" || said["minor"] == "" {
		return version{}
	}
	number := said["major"] + "." + said["minor"] + "." + cmp.Or(said["patch"], "0")
	early := strings.TrimPrefix(cmp.Or(said["default_prerelease"], said["prerelease"], said["flags"], said["pre"]), "-")
	if early != "" {
		number += "-" + early
	}
	return versionOf(number)
}

// same tells whether what runs is what lies on disk, as far as that can be
// told: nightlies get their date from elsewhere.
func (c code) same(r version) bool {
	if strings.Contains(r.canon, "-nightly") {
		return strings.SplitN(r.canon, "-", 2)[0] == strings.SplitN(c.version.canon, "-", 2)[0]
	}
	return r.compare(c.version) == 0
}

// lacks is what the database has not, and what it has that the code has not.
type lacks struct {
	pending, post, ahead int
	// first are the lowest numbers of each.
	firstPending, firstPost, firstAhead string
}

// lacked compares the code with what was run; nothing where either is not
// known.
func (c code) lacked(run []string) lacks {
	var l lacks
	if !c.there || c.err != nil || len(run) == 0 || len(c.before) == 0 {
		return l
	}
	done := make(map[string]bool, len(run))
	for _, n := range run {
		done[strings.TrimLeft(n, "0")] = true
	}
	missing := func(all []string) (n int, first string) {
		for _, one := range all {
			if !done[strings.TrimLeft(one, "0")] {
				if n++; n == 1 {
					first = one
				}
			}
		}
		return n, first
	}
	l.pending, l.firstPending = missing(c.before)
	l.post, l.firstPost = missing(c.after)
	newest := c.before[len(c.before)-1]
	if len(c.after) > 0 && compareNumbers(c.after[len(c.after)-1], newest) > 0 {
		newest = c.after[len(c.after)-1]
	}
	// Old files go from the code in time; only what is newer than all of it
	// tells of code that was taken back.
	for _, n := range run {
		if compareNumbers(n, newest) > 0 {
			if l.ahead++; l.ahead == 1 || compareNumbers(n, l.firstAhead) < 0 {
				l.firstAhead = n
			}
		}
	}
	return l
}
