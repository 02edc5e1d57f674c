package backups

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// An artefact is one backup: a file, a folder, or a line in a status file.
type artefact struct {
	Path string // "" for one of a status file
	Time time.Time
	Size int64 // -1 where it is not known
	// Device is that of its file system; 0 where it is not known.
	Device uint64
	// ID tells it from every other and from itself after a change.
	ID     string
	Folder bool
	// Growing tells that it seems to be written at this moment.
	Growing bool
	// Header is what its first bytes say.
	Header header
	// Unread is why its first bytes could not be read.
	Unread error
}

const (
	// matchLimit and entryLimit bound what a pattern leads to (own).
	matchLimit, entryLimit = 5000, 50000
	// keptNewest is how many of the matches are looked at more closely (own).
	keptNewest = 60
	// folderLimit bounds what is counted in a backup that is a folder (own).
	folderLimit = 20000
	// quiet is how long a file must have been left alone to count as finished
	// (own).
	quiet = 3 * time.Minute
)

// unfinished are endings of files that a job is still writing.
var unfinished = []string{".tmp", ".part", ".partial", ".incomplete", ".inprogress", ".lock"}

// matched is what a pattern leads to.
type matched struct {
	Paths []string
	// Denied are folders that may not be read, and may hold more.
	Denied []string
	// Cut tells that there was more than is looked at.
	Cut bool
}

// expand finds what matches a pattern. Other than filepath.Glob it says what
// it could not read.
func expand(ctx context.Context, pattern string) (matched, error) {
	var m matched
	found := []string{"/"}
	entries := 0
	for _, part := range strings.Split(strings.Trim(path.Clean(pattern), "/"), "/") {
		var next []string
		for _, dir := range found {
			if err := ctx.Err(); err != nil {
				return m, err
			}
			if !strings.ContainsAny(part, `*?[\`) {
				next = append(next, filepath.Join(dir, part))
				continue
			}
			names, err := readNames(dir, entryLimit-entries)
			if errors.Is(err, fs.ErrPermission) {
				m.Denied = append(m.Denied, dir)
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) && !notFolder(err) {
				return m, err
			}
			entries += len(names)
			m.Cut = m.Cut || entries >= entryLimit
			for _, name := range names {
				if ok, err := path.Match(part, name); err != nil {
					return m, err
				} else if ok && len(next) < matchLimit {
					next = append(next, filepath.Join(dir, name))
				}
			}
		}
		found = next
	}
	for _, p := range found {
		_, err := os.Lstat(p)
		switch {
		case err == nil:
			m.Paths = append(m.Paths, p)
		case errors.Is(err, fs.ErrPermission):
			m.Denied = append(m.Denied, filepath.Dir(p))
		case errors.Is(err, fs.ErrNotExist), notFolder(err):
		default:
			return m, err
		}
	}
	slices.Sort(m.Denied)
	m.Denied = slices.Compact(m.Denied)
	return m, nil
}

func readNames(dir string, limit int) ([]string, error) {
	f, err := checks.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(max(limit, 1))
	if len(names) > 0 {
		return names, nil
	}
	if err != nil && err.Error() == "EOF" {
		return nil, nil
	}
	return nil, err
}

// gather looks at what a pattern leads to, oldest first.
func gather(ctx context.Context, pattern string, now time.Time) ([]artefact, matched, error) {
	m, err := expand(ctx, pattern)
	if err != nil {
		return nil, m, err
	}
	var list []artefact
	seen := map[string]bool{}
	for _, p := range m.Paths {
		if err := ctx.Err(); err != nil {
			return nil, m, err
		}
		if slices.ContainsFunc(unfinished, func(end string) bool { return strings.HasSuffix(p, end) }) {
			continue
		}
		a, ok := look(p, now)
		if !ok || seen[a.ID] {
			continue // gone meanwhile, or a link to another
		}
		seen[a.ID] = true
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b artefact) int { return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Path, b.Path)) })
	list = list[max(0, len(list)-keptNewest):]
	for i := range list {
		if a := &list[i]; a.Folder {
			a.measure(ctx, now)
		}
	}
	for i := range list {
		list[i].read()
	}
	slices.SortStableFunc(list, func(a, b artefact) int { return a.Time.Compare(b.Time) })
	return list, m, nil
}

// look sees when an artefact was made and how large it is.
func look(p string, now time.Time) (artefact, bool) {
	info, err := os.Stat(p) // through a link: "latest.dump"
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return artefact{}, false
	}
	real := p
	if r, err := filepath.EvalSymlinks(p); err == nil {
		real = r
	}
	device, inode := whereIs(info)
	a := artefact{
		Path: real, Time: info.ModTime(), Size: info.Size(), Device: device, Folder: info.IsDir(),
		ID: fmt.Sprintf("%s %d %d %d", real, inode, info.Size(), info.ModTime().UnixNano()),
	}
	a.Growing = now.Sub(a.Time).Abs() < quiet
	return a, true
}

// measure counts what a folder holds; its time is that of the newest file.
func (a *artefact) measure(ctx context.Context, now time.Time) {
	var size int64
	n, newest := 0, a.Time
	err := filepath.WalkDir(a.Path, func(_ string, e fs.DirEntry, err error) error {
		if n++; n > folderLimit || ctx.Err() != nil {
			return fs.SkipAll
		}
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			size += info.Size()
			if info.ModTime().After(newest) {
				newest = info.ModTime()
			}
		}
		return nil
	})
	a.Size, a.Time = size, newest
	if err != nil || n > folderLimit || ctx.Err() != nil {
		a.Size = -1
	}
	// A copied tree keeps the times of its files: the folder's own counts, too.
	a.Growing = now.Sub(a.Time).Abs() < quiet
	a.ID = fmt.Sprintf("%s %d", a.ID, a.Size)
}
