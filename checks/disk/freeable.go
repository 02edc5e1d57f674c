package disk

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"
)

const (
	// walkLimit bounds the search for what can be freed, in time, and
	// walkEntries in directory entries (own: Mastodon's node_modules has about
	// 60,000).
	walkLimit   = 3 * time.Second
	walkEntries = 200_000
	// walkFresh is for how long its result is told again before a disk that is
	// full already is walked once more (own).
	walkFresh = 10 * time.Minute
	// worthFreeing is the least that is worth naming (own).
	worthFreeing = 1 << 20
	// journalKept is what `journalctl --vacuum-size=200M` leaves.
	journalKept = 200 << 20
	// homesLimit bounds the home directories that are looked into (own).
	homesLimit = 50
)

// What can be freed at once.
const (
	freeApt     = "apt"
	freeJournal = "journal"
	freeLogs    = "logs"
	freeYarn    = "yarn"
	freeModules = "modules"
	freePacks   = "packs"
	freeDumps   = "dumps"
	freeDocker  = "docker"
)

// A freeable is something that can be deleted, or moved away, at once.
type freeable struct {
	Kind string
	// Paths are the folders that go; for dumps and logs where they lie.
	Paths []string
	Bytes int64
	// AtLeast says that the walk saw only a part.
	AtLeast bool
}

var (
	rotatedLog = regexp.MustCompile(`\.(gz|xz|zst|bz2|old|[0-9]+)$`)
	dumpFile   = regexp.MustCompile(`\.(dump|pgdump|sql|sql\.gz|sql\.xz|sql\.zst|sql\.bz2)$`)
)

// A place is a known one where something can be freed.
type place struct {
	kind string
	path string
	// match picks the files that count by their names; nil takes all.
	match *regexp.Regexp
	// flat does not go into folders.
	flat bool
}

// places lists the known ones below root ("" for the machine itself).
func places(root string) []place {
	list := []place{
		{kind: freeApt, path: root + "/var/cache/apt/archives"},
		{kind: freeJournal, path: root + "/var/log/journal"},
		{kind: freeLogs, path: root + "/var/log", match: rotatedLog},
		{kind: freeDumps, path: root + "/var/backups", match: dumpFile, flat: true},
		{kind: freeDumps, path: root + "/var/lib/postgresql", match: dumpFile, flat: true},
		{kind: freeDumps, path: root + "/root", match: dumpFile, flat: true},
		{kind: freeDocker, path: root + "/var/lib/docker"},
	}
	homes, _ := os.ReadDir(root + "/home") // what cannot be listed has nothing to offer
	for i, h := range homes {
		if i == homesLimit {
			break
		}
		if !h.IsDir() {
			continue
		}
		home := root + "/home/" + h.Name()
		list = append(list,
			place{kind: freeYarn, path: home + "/.cache/yarn"},
			place{kind: freeDumps, path: home, match: dumpFile, flat: true},
			place{kind: freeModules, path: home + "/live/node_modules"},
			place{kind: freeModules, path: home + "/live/vendor"},
			place{kind: freePacks, path: home + "/live/public/packs"},
		)
	}
	return list
}

// findFreeable measures the known places that lie on the file system mounted
// at points, biggest first. It stays on that file system, follows no link, and
// stops at its deadline or limit with what it has.
func findFreeable(ctx context.Context, root string, points []string) []freeable {
	devices := map[uint64]bool{}
	for _, p := range points {
		if st, ok := lstat(p); ok {
			devices[device(st)] = true
		}
	}
	w := &walk{ctx: ctx, devices: devices, left: walkEntries, seen: map[uint64]bool{}}
	var found []freeable
	byGroup := map[string]int{}
	for _, p := range places(root) {
		st, ok := lstat(p.path)
		if !ok || st.Mode&syscall.S_IFMT != syscall.S_IFDIR || !devices[device(st)] {
			continue
		}
		f := freeable{Kind: p.kind, Paths: []string{p.path}}
		if p.kind != freeDocker {
			f.Bytes, f.AtLeast = w.measure(p)
			if p.kind == freeJournal {
				f.Bytes -= journalKept
			}
			if f.Bytes < worthFreeing {
				continue
			}
		}
		// node_modules and vendor of one Mastodon go and come back together.
		group := p.kind + ":" + filepath.Dir(p.path)
		if i, ok := byGroup[group]; ok && p.kind == freeModules {
			found[i].Bytes += f.Bytes
			found[i].AtLeast = found[i].AtLeast || f.AtLeast
			found[i].Paths = append(found[i].Paths, p.path)
			continue
		}
		byGroup[group] = len(found)
		found = append(found, f)
	}
	slices.SortStableFunc(found, func(a, b freeable) int {
		switch {
		case a.Bytes > b.Bytes:
			return -1
		case a.Bytes < b.Bytes:
			return 1
		}
		return 0
	})
	return found
}

func lstat(path string) (*syscall.Stat_t, bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return st, ok
}

// device is the number of the file system; its type differs between systems.
func device(st *syscall.Stat_t) uint64 { return uint64(st.Dev) }

type walk struct {
	ctx     context.Context
	devices map[uint64]bool
	left    int
	seen    map[uint64]bool // inodes with several names
}

// measure adds up what the files of a place occupy.
func (w *walk) measure(p place) (bytes int64, part bool) {
	err := filepath.WalkDir(p.path, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			part = true
			return nil
		}
		if w.left--; w.left < 0 || w.ctx.Err() != nil {
			part = true
			return filepath.SkipAll
		}
		if p.flat && d.IsDir() && path != p.path {
			return filepath.SkipDir
		}
		if p.match != nil && !d.IsDir() && !p.match.MatchString(d.Name()) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // gone meanwhile
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return nil
		}
		if !w.devices[device(st)] {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		// The journal has a line of its own.
		if d.IsDir() && p.kind == freeLogs && d.Name() == "journal" {
			return filepath.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		if st.Nlink > 1 {
			if w.seen[st.Ino] {
				return nil
			}
			w.seen[st.Ino] = true
		}
		bytes += st.Blocks * 512
		return nil
	})
	return bytes, part || err != nil
}
