package packages

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// processLimit bounds how many processes are looked at, mapsLimit how much
	// of one's map is read, in bytes (own).
	processLimit, mapsLimit = 5000, 1 << 20
	// scanFresh is for how long a scan of all processes holds while no package
	// changes (own: the check is there once an hour, and the scan costs more
	// than all the rest of it).
	scanFresh = 20 * time.Hour
)

// systemFolders are where packages put libraries.
func systemFolders() []string { return []string{"/usr/", "/lib"} }

// A user is a process that runs with a library that is no longer on the disk.
type user struct {
	PID   int    `json:"pid"`
	Start string `json:"start"`
	// Name is what the kernel calls it, Unit its service; text from outside.
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
	// Since is when it was first seen so.
	Since time.Time `json:"since"`
}

// A scan is what was seen of all processes.
type scan struct {
	At    time.Time `json:"at"`
	Users []user    `json:"users"`
	// Hidden is how many processes may not be looked at.
	Hidden int `json:"hidden"`
}

// scanProcesses looks for programs that still use deleted libraries. Since is
// taken over from an earlier scan.
func (c *check) scanProcesses(ctx context.Context, before scan, now time.Time) (scan, error) {
	entries, err := os.ReadDir(c.proc)
	if err != nil {
		return scan{}, err
	}
	after := scan{At: now}
	n := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if n++; n > processLimit {
			break
		}
		if err := ctx.Err(); err != nil {
			return scan{}, err
		}
		stale, err := c.usesDeleted(pid)
		if errors.Is(err, fs.ErrPermission) {
			after.Hidden++
		}
		if err != nil || !stale {
			continue // gone meanwhile, or well
		}
		u := user{PID: pid, Start: c.startOf(pid), Name: c.nameOf(pid), Since: now}
		group := c.groupOf(pid)
		if u.Start == "" || contained(group) {
			continue // what lies in a container is the container's own affair
		}
		u.Unit = unitOf(group)
		for _, b := range before.Users {
			if b.PID == u.PID && b.Start == u.Start {
				u.Since = b.Since
			}
		}
		after.Users = append(after.Users, u)
	}
	return after, nil
}

// living takes out of an earlier scan who has ended since.
func (c *check) living(s scan) scan {
	s.Users = slices.DeleteFunc(slices.Clone(s.Users), func(u user) bool { return c.startOf(u.PID) != u.Start })
	return s
}

func (c *check) file(pid int, name string) string {
	return filepath.Join(c.proc, strconv.Itoa(pid), name)
}

var libraryName = regexp.MustCompile(`\.so(\.[0-9.]+)?$`)

// usesDeleted tells whether a process runs code of a library that has been
// deleted: packages replace a library by a new file of the same name.
func (c *check) usesDeleted(pid int) (bool, error) {
	f, err := os.Open(c.file(pid, "maps"))
	if err != nil {
		return false, err
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, mapsLimit))
	for lines.Scan() {
		line := lines.Text()
		file, deleted := strings.CutSuffix(line, " (deleted)")
		if !deleted {
			continue
		}
		fields := strings.Fields(file)
		at := strings.IndexByte(file, '/')
		if len(fields) < 6 || at < 0 || !strings.Contains(fields[1], "x") {
			continue
		}
		file = file[at:]
		// dpkg renames what it replaces before it deletes it.
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(file), ".dpkg-tmp"), ".dpkg-new")
		if libraryName.MatchString(name) && slices.ContainsFunc(c.folders, func(dir string) bool { return strings.HasPrefix(file, dir) }) {
			return true, nil
		}
	}
	return false, lines.Err()
}

// startOf is when a process began, in the kernel's ticks: with its number, its
// identity.
func (c *check) startOf(pid int) string {
	b, err := os.ReadFile(c.file(pid, "stat"))
	if err != nil {
		return ""
	}
	_, rest, ok := strings.Cut(string(b), ") ")
	if i := strings.LastIndex(string(b), ") "); ok && i >= 0 {
		rest = string(b)[i+2:] // a name may hold brackets
	}
	if fields := strings.Fields(rest); len(fields) > 19 {
		return fields[19]
	}
	return ""
}

func (c *check) nameOf(pid int) string {
	b, err := os.ReadFile(c.file(pid, "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (c *check) groupOf(pid int) string {
	b, err := os.ReadFile(c.file(pid, "cgroup"))
	if err != nil {
		return ""
	}
	return string(b)
}

func contained(group string) bool {
	for _, word := range []string{"docker", "libpod", "containerd", "kubepods", "lxc", "machine.slice"} {
		if strings.Contains(group, word) {
			return true
		}
	}
	return false
}

var unitName = regexp.MustCompile(`/([^/\n]+\.service)(?:/[^\n]*)?(?:\n|$)`)

func unitOf(group string) string {
	if m := unitName.FindStringSubmatch(group); m != nil {
		return m[1]
	}
	return ""
}
