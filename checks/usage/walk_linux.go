package usage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// walkers is how many threads walk at once (own: as seen, two keep two
	// cores busy in a warm cache, and a cold disk takes four).
	walkers = 4
	// listing is how much of a folder is read at once, in bytes.
	listing = 64 << 10
	// deepest is how many folders may lie in one another: each that has parts
	// left to be opened keeps a descriptor (own: real trees have less than 60).
	deepest = 256
	// heap is how many folders may wait with one worker before it goes down
	// into them instead of reading on (own).
	heap = 1024
)

// errDeep says that a folder lies too deep to be walked.
var errDeep = fmt.Errorf("lies more than %d folders deep", deepest)

// A folder is one that waits to be read, or is being read.
type folder struct {
	parent *folder
	name   string
	plan   *plan
	// refs counts who needs fd: the reader, and the parts that are not open yet.
	refs  atomic.Int32
	fd    int // -1 until it is open
	area  int32
	depth int32
}

func (f *folder) path() string {
	var names []string
	for at := f; at != nil; at = at.parent {
		names = append(names, at.name)
	}
	var b strings.Builder
	for i := len(names) - 1; i >= 0; i-- {
		b.WriteString(names[i])
		if i > 0 && !strings.HasSuffix(names[i], "/") {
			b.WriteByte('/')
		}
	}
	return b.String()
}

func (f *folder) join(name string) string { return (&folder{parent: f, name: name}).path() }

func (f *folder) release() {
	if f.refs.Add(-1) == 0 {
		_ = unix.Close(f.fd) // nothing was written
	}
}

// A walk is one tree that several threads walk together.
type walk struct {
	*ledger
	device  uint64
	stopped atomic.Bool
	// keepTimes is taken back where the kernel refuses O_NOATIME.
	keepTimes atomic.Bool

	mu     sync.Mutex
	more   sync.Cond
	queue  []*folder
	idle   int
	over   bool
	hungry atomic.Int32
}

// walkTree walks a tree: what du -sx says of it, divided by the plan. It stays
// on one file system, follows no link below root, bears with what vanishes or
// may not be read, and ends within milliseconds of its context, then with an
// error. Its threads have idle I/O priority and the least CPU weight.
func walkTree(ctx context.Context, root string, p *plan) (*tree, error) {
	fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", root, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("stat %s: %w", root, err)
	}
	w := &walk{ledger: newLedger(root), device: uint64(st.Dev)}
	w.more.L = &w.mu
	w.keepTimes.Store(true)
	top := &folder{name: root, plan: p, fd: fd}
	top.refs.Store(1)
	w.queue = []*folder{top}
	defer context.AfterFunc(ctx, func() { w.stopped.Store(true) })()
	if ctx.Err() != nil {
		w.stopped.Store(true)
	}
	workers := make([]worker, walkers)
	var all sync.WaitGroup
	for i := range workers {
		workers[i] = worker{walk: w, buf: make([]byte, listing)}
		all.Go(workers[i].run)
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("walk %s: %w", root, err)
	}
	tallies := make([]tally, len(workers))
	for i := range workers {
		tallies[i] = workers[i].tally
	}
	// The tree's own folder.
	tallies[0].add(0, st.Blocks*block)
	tallies[0].entries++
	return w.tree(tallies), nil
}

// A worker is one thread of a walk.
type worker struct {
	*walk
	tally tally
	stack []*folder
	buf   []byte
	st    unix.Stat_t
}

func (k *worker) run() {
	// The thread ends with the goroutine: nothing else inherits its priority.
	runtime.LockOSThread()
	beIdle()
	for f := k.next(); f != nil; f = k.next() {
		if f.fd >= 0 || k.open(f) {
			k.read(f)
		}
	}
}

// next takes the folder that was found last: so the fewest are open.
func (k *worker) next() *folder {
	n := len(k.stack)
	if n == 0 {
		return k.await()
	}
	if n > 1 && k.hungry.Load() > 0 {
		k.share()
		n = len(k.stack)
	}
	f := k.stack[n-1]
	k.stack[n-1] = nil
	k.stack = k.stack[:n-1]
	return f
}

// share gives the older half away: those are nearer to the top, and bigger.
func (k *worker) share() {
	half := len(k.stack) / 2
	k.walk.mu.Lock()
	k.queue = append(k.queue, k.stack[:half]...)
	k.walk.mu.Unlock()
	k.more.Broadcast()
	rest := copy(k.stack, k.stack[half:])
	clear(k.stack[rest:])
	k.stack = k.stack[:rest]
}

// await waits for a folder that another worker gives away; nil when all are
// out of work.
func (k *worker) await() *folder {
	k.walk.mu.Lock()
	defer k.walk.mu.Unlock()
	k.idle++
	k.hungry.Add(1)
	for len(k.queue) == 0 && !k.over {
		if k.idle == walkers {
			k.over = true
			k.more.Broadcast()
			break
		}
		k.more.Wait()
	}
	if len(k.queue) == 0 {
		return nil
	}
	k.idle--
	k.hungry.Add(-1)
	n := len(k.queue) - 1
	f := k.queue[n]
	k.queue[n] = nil
	k.queue = k.queue[:n]
	return f
}

// open opens a folder and counts it; false when there is nothing to read.
func (k *worker) open(f *folder) bool {
	defer f.parent.release()
	if k.stopped.Load() {
		return false
	}
	if f.depth > deepest {
		k.couldNotRead(f.path(), f.area, errDeep)
		return false
	}
	fd, err := k.openat(f)
	if err != nil {
		k.unopened(f, err)
		return false
	}
	if err := unix.Fstat(fd, &k.st); err != nil {
		_ = unix.Close(fd)
		k.couldNotRead(f.path(), f.area, err)
		return false
	}
	if uint64(k.st.Dev) != k.device {
		_ = unix.Close(fd) // something else is mounted here
		return false
	}
	f.fd = fd
	f.refs.Store(1)
	k.tally.entries++
	k.tally.add(f.area, k.st.Blocks*block)
	return true
}

func (k *worker) openat(f *folder) (int, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	for {
		more := 0
		if k.keepTimes.Load() {
			more = unix.O_NOATIME // only for who owns it, or for root
		}
		fd, err := unix.Openat(f.parent.fd, f.name, flags|more, 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EPERM) && more != 0:
			k.keepTimes.Store(false)
		default:
			return fd, err
		}
	}
}

// unopened counts a folder that cannot be opened: its own size is known.
func (k *worker) unopened(f *folder, err error) {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return // gone meanwhile, or something else by now
	}
	name := append([]byte(f.name), 0)
	if k.stat(f.parent.fd, name) == nil && uint64(k.st.Dev) == k.device {
		k.tally.entries++
		k.tally.add(f.area, k.st.Blocks*block)
		k.couldNotRead(f.path(), f.area, err)
	}
}

// stat asks for a name in a folder; name ends in a zero.
func (k *worker) stat(fd int, name []byte) error {
	for {
		switch err := fstatat(fd, name, &k.st, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT); {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return err
		}
	}
}

// read reads a folder, and goes on later where too much waits.
func (k *worker) read(f *folder) {
	defer f.release()
	for !k.stopped.Load() {
		n, err := unix.Getdents(f.fd, k.buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOENT):
			return // removed while it was open
		case err != nil:
			k.couldNotRead(f.path(), f.area, err)
			return
		case n <= 0:
			return
		}
		before := len(k.stack)
		k.list(f, k.buf[:n])
		if parts := k.stack[before:]; len(parts) > heap {
			// The rest of it comes after these.
			f.refs.Add(1)
			k.stack = append(k.stack, nil)
			copy(k.stack[before+1:], k.stack[before:])
			k.stack[before] = f
			return
		}
	}
}

// Where a struct linux_dirent64 has what.
const (
	direntLength = 16
	direntType   = 18
	direntName   = 19
)

// list goes through one listing.
func (k *worker) list(f *folder, entries []byte) {
	for len(entries) > direntName && !k.stopped.Load() {
		length := int(binary.NativeEndian.Uint16(entries[direntLength:]))
		if length <= direntName || length > len(entries) {
			return // no kernel writes that
		}
		entry := entries[:length]
		entries = entries[length:]
		end := bytes.IndexByte(entry[direntName:], 0)
		if end <= 0 {
			continue
		}
		name, kind := entry[direntName:direntName+end], entry[direntType]
		if name[0] == '.' && (end == 1 || end == 2 && name[1] == '.') {
			continue
		}
		var part *plan
		if f.plan != nil {
			if part = f.plan.sub[string(name)]; part != nil && part.skip {
				continue
			}
		}
		if kind != unix.DT_DIR {
			err := k.stat(f.fd, entry[direntName:direntName+end+1])
			switch {
			case errors.Is(err, unix.ENOENT):
				continue // gone meanwhile
			case err != nil:
				k.couldNotRead(f.join(string(name)), f.area, err)
				continue
			case uint64(k.st.Dev) != k.device:
				continue // mounted over a file
			case k.st.Mode&unix.S_IFMT != unix.S_IFDIR:
				k.file(k.fileArea(f, name), name, f)
				continue
			}
		}
		k.push(f, string(name), part)
	}
}

func (k *worker) push(f *folder, name string, part *plan) {
	in := f.area
	if f.plan != nil && f.plan.each || part != nil && part.named {
		in = k.area(f.join(name), f.area)
	}
	f.refs.Add(1)
	k.stack = append(k.stack, &folder{parent: f, name: name, plan: part, fd: -1, area: in, depth: f.depth + 1})
}

func (k *worker) fileArea(f *folder, name []byte) int32 {
	if f.plan == nil || f.plan.group == nil {
		return f.area
	}
	group := f.plan.group(string(name))
	if group == "" {
		return f.area
	}
	return k.area(f.join(group), f.area)
}

// file counts what stat has just told.
func (k *worker) file(in int32, name []byte, f *folder) {
	k.ledger.file(&k.tally, in, file{
		blocks: k.st.Blocks, inode: k.st.Ino, links: uint64(k.st.Nlink), changed: int64(k.st.Mtim.Sec),
		regular: k.st.Mode&unix.S_IFMT == unix.S_IFREG,
	}, name, func() string { return f.join(string(name)) })
}

// ioprio_set(2): one thread, class idle.
const (
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
	// lowest is the niceness that yields to everybody.
	lowest = 19
)

// beIdle lets the calling thread wait for everybody else, on the disk and on
// the processor.
func beIdle() {
	// Refused in some containers; the walk is bounded all the same.
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioIdle)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, lowest)
}
