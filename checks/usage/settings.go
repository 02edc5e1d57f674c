package usage

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
)

// settingsLimit bounds what is read of one file of settings, in bytes (own).
const settingsLimit = 1 << 20

// eachSetting calls do for each "name = value" of a file, with its section;
// false when there is no such file.
func eachSetting(path string, do func(section, name, value string)) (bool, error) {
	f, err := checks.OpenFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	section := ""
	lines := bufio.NewScanner(io.LimitReader(f, settingsLimit))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		do(section, strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return true, lines.Err()
}

// journaldFolders are where journald's settings are, the most important last.
var journaldFolders = []string{"/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd"}

// journalLimit returns the SystemMaxUse that holds, or "": of the main file the
// one that counts most, then the drop-ins by their names, of which one in /etc
// hides the same name elsewhere (journald.conf(5)).
func journalLimit(root string) (string, error) {
	limit := ""
	var errs []error
	take := func(path string) bool {
		found, err := eachSetting(path, func(section, name, value string) {
			if section == "Journal" && name == "SystemMaxUse" {
				limit = value // an empty one takes back what was said before
			}
		})
		errs = append(errs, err)
		return found
	}
	for i := len(journaldFolders) - 1; i >= 0; i-- {
		if take(filepath.Join(root, journaldFolders[i], "journald.conf")) {
			break
		}
	}
	dropIns := map[string]string{}
	for _, folder := range journaldFolders {
		paths, err := filepath.Glob(filepath.Join(root, folder, "journald.conf.d", "*.conf"))
		errs = append(errs, err)
		for _, p := range paths {
			dropIns[filepath.Base(p)] = p
		}
	}
	var names []string
	for name := range dropIns {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		take(dropIns[name])
	}
	return limit, errors.Join(errs...)
}

// maxWALDefault is PostgreSQL's own max_wal_size.
const maxWALDefault = 1 << 30

// walSettings are what PostgreSQL's files say of how much pg_wal may hold.
type walSettings struct {
	Max, Keep int64 // max_wal_size, wal_keep_size, in bytes
	Archive   bool  // archive_mode is on
}

// readWALSettings reads them where PostgreSQL does: postgresql.conf beside the
// data or, as Debian has it, in /etc/postgresql/VERSION/CLUSTER, its conf.d,
// and last what ALTER SYSTEM wrote. An error says that a file may not be read.
func readWALSettings(root, data string) (walSettings, error) {
	s := walSettings{Max: maxWALDefault}
	var errs []error
	take := func(path string) bool {
		found, err := eachSetting(path, func(_, name, value string) { s.take(name, value) })
		errs = append(errs, err)
		return found
	}
	debian := filepath.Join(root, "/etc/postgresql", filepath.Base(filepath.Dir(data)), filepath.Base(data))
	for _, folder := range []string{debian, data} {
		if !take(filepath.Join(folder, "postgresql.conf")) {
			continue
		}
		for _, p := range glob(filepath.Join(folder, "conf.d", "*.conf")) {
			take(p)
		}
		break
	}
	take(filepath.Join(data, "postgresql.auto.conf"))
	return s, errors.Join(errs...)
}

func (s *walSettings) take(name, value string) {
	if name == "" {
		return
	}
	if strings.ContainsAny(name, " \t") { // "max_wal_size 2GB": the = may be left out
		name, value, _ = strings.Cut(strings.TrimSpace(name+" "+value), " ")
	}
	value, _, _ = strings.Cut(value, "#")
	value = strings.Trim(strings.TrimSpace(value), "'")
	switch strings.ToLower(name) {
	case "max_wal_size":
		if n, ok := postgresSize(value); ok {
			s.Max = n
		}
	case "wal_keep_size":
		if n, ok := postgresSize(value); ok {
			s.Keep = n
		}
	case "archive_mode":
		v := strings.ToLower(value)
		s.Archive = v == "on" || v == "always" || v == "true" || v == "yes" || v == "1"
	}
}

// postgresSize reads a size whose unit is MB where none is written.
func postgresSize(s string) (int64, bool) {
	i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	unit := "MB"
	if i >= 0 {
		s, unit = s[:i], strings.TrimSpace(s[i:])
	}
	n, err := strconv.ParseInt(s, 10, 64)
	factor, ok := map[string]int64{"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}[unit]
	if err != nil || !ok || n > (1<<62)/factor {
		return 0, false
	}
	return n * factor, true
}

// waitingLimit bounds what is counted of the segments that wait (own).
const waitingLimit = 100_000

// walCause is what can be seen from outside of why segments are kept.
type walCause struct {
	// Waiting is how many segments the archive_command has not taken yet.
	Waiting int
	// Slots are the replication slots that there are, active or not.
	Slots []string
}

func readWALCause(data string) walCause {
	var c walCause
	// What cannot be read leaves the cause open.
	if d, err := checks.OpenFolder(filepath.Join(data, "pg_wal", "archive_status")); err == nil {
		names, _ := d.Readdirnames(waitingLimit)
		_ = d.Close()
		for _, n := range names {
			if strings.HasSuffix(n, ".ready") {
				c.Waiting++
			}
		}
	}
	if d, err := checks.OpenFolder(filepath.Join(data, "pg_replslot")); err == nil {
		c.Slots, _ = d.Readdirnames(someLimit)
		_ = d.Close()
		slices.Sort(c.Slots)
	}
	return c
}

// rubyWanted is the version that Mastodon's .ruby-version names, or "".
func rubyWanted(live string) string {
	f, err := checks.OpenFile(filepath.Join(live, ".ruby-version"))
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimPrefix(strings.TrimSpace(line), "ruby-")
}
