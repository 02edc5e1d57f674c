package usage

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks/hang"
)

// A sized is one area, as it is spoken of, and what is known of its size.
type sized struct {
	Path   string // as it is spoken of
	Real   string // where it lies
	Of     string
	Parent string // Path of the area that it is a part of; "" is none
	Bytes  int64
	Unread int
	Device uint64
}

// A failure is a spot of which nothing is known.
type failure struct {
	spot
	Err error
}

// A survey is what all walks saw.
type survey struct {
	Areas  []sized
	Dumps  []dump // Path as it is spoken of
	Unread []unread
	Failed []failure
	Links  []string // trees with too many files of several names
}

// area returns an area by its path.
func (s *survey) area(path string) (sized, bool) {
	for _, a := range s.Areas {
		if a.Path == path {
			return a, true
		}
	}
	return sized{}, false
}

// dark tells whether a path lies where not all could be seen: in a spot that
// failed, or in an area, the nearest to it, that has something unread.
func (s *survey) dark(path string) bool {
	for _, f := range s.Failed {
		if under(path, f.Path) {
			return true
		}
	}
	var nearest sized
	for _, a := range s.Areas {
		if under(path, a.Path) && len(a.Path) > len(nearest.Path) {
			nearest = a
		}
	}
	return nearest.Unread > 0
}

// A ground is one walk: a tree on one file system and the spots in it.
type ground struct {
	path   string
	device uint64
	plan   *plan
	spots  []located
}

type located struct {
	spot
	real string
}

// answerLimit is how long a folder may take to say that it is there (own): one
// behind a dead network mount never does.
const answerLimit = 2 * time.Second

// A location is where a spot really lies.
type location struct {
	real   string
	device uint64
	folder bool
}

func locate(path string) (l location, err error) {
	if l.real, err = filepath.EvalSymlinks(path); err != nil {
		return l, err
	}
	info, err := os.Lstat(l.real)
	if err != nil {
		return l, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && info.IsDir() {
		l.device, l.folder = uint64(st.Dev), true
	}
	return l, nil
}

// locateAll asks for all spots at once.
func locateAll(ctx context.Context, calls *hang.Calls, list []spot) ([]location, []error) {
	places, errs := make([]location, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	for i, s := range list {
		all.Go(func() {
			places[i], errs[i] = hang.Ask(ctx, calls, s.Path, answerLimit, func() (location, error) { return locate(s.Path) })
		})
	}
	all.Wait()
	return places, errs
}

// grounds puts spots on one file system that lie in one another together. What
// is not there is left out.
func grounds(ctx context.Context, calls *hang.Calls, list []spot, ignore []string, mounts []mount) (all []*ground, failed []failure) {
	var found []located
	devices := map[string]uint64{}
	places, errs := locateAll(ctx, calls, list)
	for i, s := range list {
		at, err := places[i], errs[i]
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			continue
		case err != nil && ctx.Err() != nil:
			failed = append(failed, failure{s, fmt.Errorf("walk %s: %w", s.Path, ctx.Err())})
			continue
		case err != nil:
			failed = append(failed, failure{s, plainError(err)})
			continue
		}
		if at.folder {
			devices[at.real] = at.device
			found = append(found, located{s, at.real})
		}
	}
	byLength := slices.Clone(found)
	slices.SortStableFunc(byLength, func(a, b located) int { return cmp.Compare(len(a.real), len(b.real)) })
	for _, s := range byLength {
		g := covering(all, s.real, devices[s.real])
		if g == nil {
			g = &ground{path: s.real, device: devices[s.real], plan: &plan{}}
			all = append(all, g)
		}
		below, err := filepath.Rel(g.path, s.real)
		if err != nil {
			failed = append(failed, failure{s.spot, err})
			continue
		}
		p := g.plan.at(below)
		p.named = true
		p.each = p.each || s.Each
		if s.Group != nil {
			p.group = s.Group
		}
		g.spots = append(g.spots, s)
	}
	for _, g := range all {
		g.leaveOut(ignore, mounts)
	}
	// The order is that of the spots, not of their lengths.
	rank := func(g *ground) int {
		return slices.IndexFunc(found, func(s located) bool { return under(s.real, g.path) && devices[s.real] == g.device })
	}
	slices.SortStableFunc(all, func(a, b *ground) int { return cmp.Compare(rank(a), rank(b)) })
	return all, failed
}

func covering(all []*ground, path string, device uint64) *ground {
	for _, g := range all {
		if g.device == device && under(path, g.path) {
			return g
		}
	}
	return nil
}

// leaveOut marks what the walk must not enter: what is to be left alone, and
// other file systems, for to open one may wake an automounter or wait for a
// server that does not answer.
func (g *ground) leaveOut(ignore []string, mounts []mount) {
	skip := func(path string) {
		if below, err := filepath.Rel(g.path, path); err == nil && path != g.path && under(path, g.path) {
			g.plan.at(below).skip = true
		}
	}
	for _, p := range ignore {
		skip(p)
	}
	for _, m := range mounts {
		if m.device != g.device {
			skip(m.point)
		}
	}
}

// called is how a place is spoken of: by the spot that it lies in.
func (g *ground) called(real string) (path, of string) {
	var best located
	found := false
	for _, s := range g.spots {
		if under(real, s.real) && (!found || len(s.real) > len(best.real)) {
			best, found = s, true
		}
	}
	if !found {
		return real, ofOthers
	}
	return best.Path + strings.TrimPrefix(real, best.real), best.Of
}

// see walks all grounds, one after another. What there was no time for is
// among what failed.
func see(ctx context.Context, all []*ground) *survey {
	s := &survey{}
	for _, g := range all {
		t, err := walkTree(ctx, g.path, g.plan)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			for _, one := range g.spots {
				s.Failed = append(s.Failed, failure{one.spot, plainError(err)})
			}
			continue
		}
		s.take(g, t)
	}
	return s
}

func (s *survey) take(g *ground, t *tree) {
	for _, a := range t.Areas {
		one := sized{Real: a.Path, Bytes: a.Bytes, Unread: a.Unread, Device: g.device}
		one.Path, one.Of = g.called(a.Path)
		if a.Parent >= 0 {
			one.Parent, _ = g.called(t.Areas[a.Parent].Path)
		}
		s.Areas = append(s.Areas, one)
	}
	for _, d := range t.Dumps {
		d.Path, _ = g.called(d.Path)
		s.Dumps = append(s.Dumps, d)
	}
	for _, u := range t.Unread {
		u.Path, _ = g.called(u.Path)
		s.Unread = append(s.Unread, u)
	}
	if t.Links > 0 {
		path, _ := g.called(g.path)
		s.Links = append(s.Links, path)
	}
}

// A mount is where another file system begins.
type mount struct {
	point  string
	device uint64
}

// mountTableLimit bounds what is read of the mount table, in bytes.
const mountTableLimit = 4 << 20

// readMounts reads where something is mounted; none where that cannot be told:
// then the walk finds out by itself.
func readMounts(proc string) []mount {
	f, err := os.Open(filepath.Join(proc, "self", "mountinfo"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var list []mount
	lines := bufio.NewScanner(io.LimitReader(f, mountTableLimit))
	for lines.Scan() {
		// proc(5): ID, parent, major:minor, root, mount point, …
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		if device, ok := parseDevice(fields[2]); ok {
			list = append(list, mount{point: unescape(fields[4]), device: device})
		}
	}
	return list
}

func parseDevice(s string) (uint64, bool) {
	var major, minor uint64
	if n, err := fmt.Sscanf(s, "%d:%d", &major, &minor); err != nil || n != 2 {
		return 0, false
	}
	return deviceOf(uint32(major), uint32(minor)), true
}

// deviceOf is a device's number as stat(2) has it on Linux.
func deviceOf(major, minor uint32) uint64 {
	return uint64(minor&0xff) | uint64(major&0xfff)<<8 | uint64(minor&^0xff)<<12 | uint64(major&^0xfff)<<32
}

// unescape undoes the kernel's \ooo for space, tab, newline and backslash.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// deviceAt is the file system that a path lies on.
func deviceAt(path string) (uint64, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(st.Dev), true
}
