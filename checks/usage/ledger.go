package usage

import (
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

const (
	// linkLimit is how many files with several names are told apart in one
	// tree; those beyond it are counted once for each name, and that is said.
	linkLimit = 1_000_000
	// unreadLimit is how many of the places that could not be read are named
	// (own).
	unreadLimit = 50
	// dumpLimit bounds the dumps that are remembered in one tree (own).
	dumpLimit = 1000
	// areaLimit bounds the areas of one tree; what would be one more counts
	// with the folder above it (own).
	areaLimit = 2000
	// dumpSize is the least that counts as a dump, in bytes (own: smaller ones
	// fill no disk).
	dumpSize = 100 << 20
	// block is the unit of st_blocks, whatever the file system's own is.
	block = 512
)

// A plan says how a walk divides a tree. It is as deep as what it names; below
// that there is none.
type plan struct {
	// named makes the folder an area of its own.
	named bool
	// each makes every folder in it an area of its own.
	each bool
	// group names the area of a file that lies in the folder; nil, or an answer
	// of "", counts it with the folder.
	group func(name string) string
	// skip leaves the folder out: something else is mounted there, or it is not
	// to be looked at.
	skip bool
	sub  map[string]*plan
}

// at returns the plan of a folder below, made if need be. below is a clean
// relative path; "." is the folder itself.
func (p *plan) at(below string) *plan {
	if below == "." {
		return p
	}
	for name := range strings.SplitSeq(below, "/") {
		if p.sub == nil {
			p.sub = map[string]*plan{}
		}
		next := p.sub[name]
		if next == nil {
			next = &plan{}
			p.sub[name] = next
		}
		p = next
	}
	return p
}

// An area is a part of a tree whose size is told by itself.
type area struct {
	Path string
	// Parent is the area that it is a part of, by index; -1 is none.
	Parent int
	// Bytes are those of all that is in it, parts included.
	Bytes int64
	// Unread is how many places in it could not be read: its size is at least
	// Bytes.
	Unread int
}

// An unread is a place in a tree that could not be read.
type unread struct {
	Path string
	Err  error
}

// A dump is a file that looks like one of a database by its name and size.
type dump struct {
	Path  string
	Bytes int64
	At    time.Time // of its last change
}

// A tree is what a walk saw.
type tree struct {
	Areas   []area // the first is the tree itself
	Entries int64  // files, folders and whatever else has a name
	Unread  []unread
	Dumps   []dump
	// Links is how many files with several names were seen beyond the limit.
	Links int64
}

// find returns the area of a path.
func (t *tree) find(path string) (area, bool) {
	for _, a := range t.Areas {
		if a.Path == path {
			return a, true
		}
	}
	return area{}, false
}

// A ledger is where the workers of one walk put down what they saw.
type ledger struct {
	mu     sync.Mutex
	areas  []area
	byPath map[string]int32
	unread []unread
	dumps  []dump
	links  [16]links
	limit  int // of files with several names, in each part
}

// links is one part of the files with several names: inode → area.
type links struct {
	mu   sync.Mutex
	seen map[uint64]int32
	over int64
}

func newLedger(root string) *ledger {
	l := &ledger{byPath: map[string]int32{}}
	l.limit = linkLimit / len(l.links)
	l.area(root, -1)
	return l
}

// area returns the index of an area, made if need be.
func (l *ledger) area(path string, parent int32) int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i, ok := l.byPath[path]; ok {
		return i
	}
	if len(l.areas) >= areaLimit {
		return parent
	}
	i := int32(len(l.areas))
	l.areas = append(l.areas, area{Path: path, Parent: int(parent)})
	l.byPath[path] = i
	return i
}

func (l *ledger) couldNotRead(path string, in int32, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.areas[in].Unread++
	if len(l.unread) < unreadLimit {
		l.unread = append(l.unread, unread{path, err})
	}
}

func (l *ledger) dump(d dump) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.dumps) < dumpLimit {
		l.dumps = append(l.dumps, d)
	}
}

// before tells whether an area comes first by its name. Which of its names is
// met first is chance, for there are several workers; whose bytes they are must
// not change from night to night.
func (l *ledger) before(a, b int32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.areas[a].Path < l.areas[b].Path
}

// link counts a file that has several names, once: it belongs to the area that
// comes first by its name. It returns the area that the bytes are taken from,
// and the one that they are given to; -1 is none.
func (l *ledger) link(inode uint64, in int32) (from, to int32) {
	part := &l.links[inode%uint64(len(l.links))]
	part.mu.Lock()
	defer part.mu.Unlock()
	owner, known := part.seen[inode]
	switch {
	case known && owner != in && l.before(in, owner):
		part.seen[inode] = in
		return owner, in
	case known:
		return -1, -1
	case len(part.seen) >= l.limit:
		part.over++
		return -1, in
	}
	if part.seen == nil {
		part.seen = map[uint64]int32{}
	}
	part.seen[inode] = in
	return -1, in
}

// A tally is what one worker has counted: bytes by area, and entries.
type tally struct {
	bytes   []int64
	entries int64
}

func (t *tally) add(in int32, bytes int64) {
	for int(in) >= len(t.bytes) {
		t.bytes = append(t.bytes, 0)
	}
	t.bytes[in] += bytes
}

// A file is what counts of anything that is no folder.
type file struct {
	blocks  int64 // of 512 bytes
	inode   uint64
	links   uint64
	changed int64 // Unix seconds
	regular bool
}

// file counts one; path is asked for only where it matters.
func (l *ledger) file(t *tally, in int32, f file, name []byte, path func() string) {
	t.entries++
	bytes := f.blocks * block
	from, to := int32(-1), in
	if f.links > 1 {
		from, to = l.link(f.inode, in)
	}
	if from >= 0 {
		t.add(from, -bytes)
	}
	if to >= 0 {
		t.add(to, bytes)
	}
	if bytes >= dumpSize && f.regular && from < 0 && to >= 0 && isDump(string(name)) {
		l.dump(dump{Path: path(), Bytes: bytes, At: time.Unix(f.changed, 0)})
	}
}

// tree puts everything together.
func (l *ledger) tree(tallies []tally) *tree {
	t := &tree{Areas: l.areas, Unread: l.unread, Dumps: l.dumps}
	for _, one := range tallies {
		t.Entries += one.entries
		for i, b := range one.bytes {
			t.Areas[i].Bytes += b
		}
	}
	// An area is made after the one that it is a part of.
	for i := len(t.Areas) - 1; i > 0; i-- {
		if p := t.Areas[i].Parent; p >= 0 {
			t.Areas[p].Bytes += t.Areas[i].Bytes
			t.Areas[p].Unread += t.Areas[i].Unread
		}
	}
	for i := range l.links {
		t.Links += l.links[i].over
	}
	sort.Slice(t.Unread, func(i, j int) bool { return t.Unread[i].Path < t.Unread[j].Path })
	sort.Slice(t.Dumps, func(i, j int) bool { return t.Dumps[i].Path < t.Dumps[j].Path })
	return t
}

// dumpEndings are what people call dumps of a database.
var dumpEndings = []string{".dump", ".pgdump", ".sql", ".tar"}

// packedEndings are added by what makes them smaller.
var packedEndings = []string{".gz", ".zst", ".xz", ".bz2", ".lz4"}

// isDump tells whether a file is a dump by its name. A .tar counts as it is
// (pg_dump -Ft), a packed one does not: that may be anything.
func isDump(name string) bool {
	ending := filepath.Ext(name)
	for _, packed := range packedEndings {
		if ending == packed {
			ending = filepath.Ext(strings.TrimSuffix(name, packed))
			return ending == ".dump" || ending == ".pgdump" || ending == ".sql"
		}
	}
	for _, e := range dumpEndings {
		if ending == e {
			return true
		}
	}
	return false
}
