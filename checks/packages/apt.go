package packages

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/child"
)

// An update is a package of which there is a newer version.
type update struct {
	Name     string `json:"n"`
	Version  string `json:"v"`
	Security bool   `json:"s,omitempty"`
	Held     bool   `json:"h,omitempty"`
}

const (
	// updateLimit bounds how many updates are kept (own: a distribution has
	// some thousand packages installed).
	updateLimit = 5000
	// answerLimit is how much of a package manager's answer is read, in bytes
	// (own), and answerTime how long it may take (own: apt's simulation was
	// measured at 3 s).
	answerLimit, answerTime = 8 << 20, 70 * time.Second
	// bookLimit is how much of dpkg's book is read, in bytes (own).
	bookLimit = 64 << 20
	// releaseHead is how much of a release file is read: its dates stand at its
	// beginning (own).
	releaseHead = 8 << 10
)

// refused says that the package manager did not answer; its last words are
// text from outside.
type refused struct{ tool, said string }

func (e *refused) Error() string { return e.tool + ": " + e.said }

func (c *check) at(path string) string { return filepath.Join(c.root, path) }

// aptEnvironment makes apt look at the same root as everything else here: it
// must be named Dir in that root's own etc/apt/apt.conf.
func (c *check) aptEnvironment() []string {
	if c.root == "/" {
		return nil
	}
	return []string{"APT_CONFIG=" + c.at("/etc/apt/apt.conf")}
}

// fingerprint is what the answer of apt depends on: when it is the same, so is
// the answer.
func (c *check) fingerprint() (string, error) {
	sum := fnv.New64a()
	note := func(path string, info fs.FileInfo) {
		fmt.Fprintf(sum, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}
	info, err := os.Stat(c.at("/var/lib/dpkg/status"))
	if err != nil {
		return "", fmt.Errorf("dpkg: %w", err)
	}
	note("status", info)
	for _, file := range []string{"/var/lib/apt/extended_states", "/etc/apt/sources.list", "/etc/apt/preferences", "/etc/apt/apt.conf"} {
		if info, err := os.Stat(c.at(file)); err == nil {
			note(file, info)
		}
	}
	for _, dir := range []string{"/var/lib/apt/lists", "/etc/apt/sources.list.d", "/etc/apt/preferences.d", "/etc/apt/apt.conf.d"} {
		entries, err := os.ReadDir(c.at(dir))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("apt: %w", err)
		}
		for _, e := range entries {
			// The lock and the folder of what is being fetched change without news.
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() && e.Name() != "lock" {
				note(filepath.Join(dir, e.Name()), info)
			}
		}
	}
	return fmt.Sprintf("%x", sum.Sum64()), nil
}

// simulated asks apt what an upgrade would do. Nothing is locked and nothing
// changes; holds are passed over, so that what they keep back is seen, too.
// What could be removed is not asked for: that takes a tenth of the time.
func (c *check) simulated(ctx context.Context) ([]update, error) {
	o, err := child.Run(ctx, child.Command{
		Words: []string{"apt-get", "-s", "-q", "-o", "Debug::NoLocking=1", "-o", "APT::Get::HideAutoRemove=1", "--ignore-hold", "dist-upgrade"},
		Path:  c.path, Env: c.aptEnvironment(), Limit: answerLimit, Timeout: answerTime, Idle: true,
	})
	if err != nil {
		return nil, err
	}
	if o.Code != 0 {
		return nil, &refused{"apt-get", firstComplaint(o.Err)}
	}
	return parseSimulation(o.Out), nil
}

// firstComplaint is the first line of apt's that begins with "E:", else the
// last it said.
func firstComplaint(said []byte) string {
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	for _, l := range lines {
		if e, ok := strings.CutPrefix(l, "E: "); ok {
			return e
		}
	}
	return lines[len(lines)-1]
}

// installs is one line of a simulated upgrade:
// "Inst bash [5.2-1] (5.2-2 Debian:12.15/oldstable [amd64])".
var installs = regexp.MustCompile(`^Inst (\S+) \[([^\]]+)\] \((\S+) ([^)]*)\)`)

// parseSimulation reads what `apt-get -s dist-upgrade` says in the C locale.
func parseSimulation(out []byte) []update {
	var list []update
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 256<<10)
	for lines.Scan() && len(list) < updateLimit {
		if m := installs.FindStringSubmatch(lines.Text()); m != nil {
			list = append(list, update{Name: m[1], Version: m[3], Security: fromSecurity(m[4])})
		}
	}
	return list
}

// fromSecurity tells whether an update comes from an archive of security
// updates, by its label (Debian; the suite is called otherwise every two years)
// or its suite (Ubuntu, and its extended maintenance).
func fromSecurity(origins string) bool {
	origins, _, _ = strings.Cut(origins, " [")
	for _, o := range strings.Split(origins, ", ") {
		label, suite, _ := strings.Cut(o, ":")
		if label == securityLabel || strings.HasSuffix(suite, securitySuffix) {
			return true
		}
	}
	return false
}

// book is what dpkg's own book says.
type book struct {
	Held   []string `json:"held,omitempty"`
	Broken []string `json:"broken,omitempty"`
	// Automatic tells that unattended-upgrades is installed.
	Automatic bool `json:"automatic,omitempty"`
	Installed int  `json:"installed"`
}

// half are the states of a package that is not installed to its end. Triggers
// that are pending mend themselves.
var half = []string{"half-installed", "unpacked", "half-configured", "triggers-awaited"}

// readBook reads dpkg's status file.
func (c *check) readBook() (book, error) {
	f, err := checks.OpenFile(c.at("/var/lib/dpkg/status"))
	if err != nil {
		return book{}, fmt.Errorf("dpkg: %w", err)
	}
	defer f.Close()
	return parseBook(io.LimitReader(f, bookLimit))
}

func parseBook(r io.Reader) (book, error) {
	var b book
	name := ""
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, long, err := lines.ReadLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return book{}, fmt.Errorf("dpkg: %w", err)
		}
		for rest := long; rest && err == nil; {
			_, rest, err = lines.ReadLine()
		}
		if n, ok := bytes.CutPrefix(line, []byte("Package: ")); ok {
			name = string(n)
			continue
		}
		said, ok := bytes.CutPrefix(line, []byte("Status: "))
		if !ok {
			continue
		}
		words := strings.Fields(string(said)) // want, error, state
		if len(words) != 3 || name == "" {
			continue
		}
		if words[2] == "installed" {
			b.Installed++
			b.Automatic = b.Automatic || name == "unattended-upgrades"
		}
		if words[0] == "hold" && len(b.Held) < updateLimit {
			b.Held = append(b.Held, name)
		}
		if (words[1] == "reinstreq" || slices.Contains(half, words[2])) && len(b.Broken) < updateLimit {
			b.Broken = append(b.Broken, name)
		}
	}
	return b, nil
}

// releases reads what the archives signed: how fresh the lists are, and which
// suites are of security updates.
func (c *check) releases() (lists, suites) {
	l, all := lists{}, suites{}
	dir := c.at("/var/lib/apt/lists")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return l, all
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(e.Name(), "Release") {
			continue
		}
		l.Proven = latest(l.Proven, info.ModTime())
		f, err := checks.OpenFile(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		head := make([]byte, releaseHead)
		n, _ := io.ReadFull(f, head) // shorter is as good
		_ = f.Close()
		label, suite := "", ""
		for line := range strings.Lines(string(head[:n])) {
			if at, ok := releaseDate(line, "Date: "); ok {
				l.Proven = latest(l.Proven, at)
			}
			if at, ok := releaseDate(line, "Valid-Until: "); ok && (l.Until.IsZero() || at.Before(l.Until)) {
				l.Until = at
			}
			label, suite = cmp.Or(label, releaseField(line, "Label: ")), cmp.Or(suite, releaseField(line, "Suite: "))
		}
		all.add(suite, label)
	}
	return l, all
}

func releaseField(line, field string) string {
	text, ok := strings.CutPrefix(line, field)
	if !ok {
		return ""
	}
	return strings.TrimSpace(text)
}

func releaseDate(line, field string) (time.Time, bool) {
	text, ok := strings.CutPrefix(line, field)
	if !ok {
		return time.Time{}, false
	}
	for _, form := range []string{time.RFC1123, "Mon, _2 Jan 2006 15:04:05 MST", time.RFC1123Z} {
		if at, err := time.Parse(form, strings.TrimSpace(text)); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// stamps adds what changes without the lists: that somebody asked, and that
// Debian's own daily run succeeded.
func (c *check) stamps(l lists) lists {
	if info, err := os.Stat(c.at("/var/lib/apt/lists/partial")); err == nil {
		l.Asked = info.ModTime()
	}
	for _, stamp := range []string{"update-stamp", "update-success-stamp"} {
		if info, err := os.Stat(c.at("/var/lib/apt/periodic/" + stamp)); err == nil && !l.Proven.IsZero() {
			l.Proven = latest(l.Proven, info.ModTime())
		}
	}
	return l
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
