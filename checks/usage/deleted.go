package usage

import (
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
	"syscall"
	"time"
)

const (
	// deletedFiles and deletedTime bound the search through what processes have
	// open (own: a busy server has some ten thousand).
	deletedFiles = 500_000
	deletedTime  = 5 * time.Second
)

// A holder is the processes of one name that hold deleted files open.
type holder struct {
	Name  string
	Bytes int64
	Files int
	Unit  string // of the process with the most, "nginx.service"; or ""
	Path  string // of the largest file, as it was
	most  int64
}

// openDeleted is what the search saw.
type openDeleted struct {
	Holders []holder // the biggest first
	Hidden  int      // processes whose files may not be seen
	Part    bool     // it ended early
}

// findDeleted looks for files on disks that have no name any more and are kept
// by those who have them open.
func findDeleted(ctx context.Context, proc string) (openDeleted, error) {
	ctx, cancel := context.WithTimeout(ctx, deletedTime)
	defer cancel()
	d, err := os.Open(proc)
	if err != nil {
		return openDeleted{}, fmt.Errorf("processes: %w", err)
	}
	names, err := d.Readdirnames(-1)
	_ = d.Close()
	if err != nil {
		return openDeleted{}, fmt.Errorf("processes: %w", err)
	}
	s := deletedSearch{left: deletedFiles, seen: map[[2]uint64]bool{}, byName: map[string]*holder{}}
	processes := 0
	for _, pid := range names {
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		processes++
		s.process(ctx, filepath.Join(proc, pid))
		if s.left < 0 || ctx.Err() != nil {
			s.Part = true
			break
		}
	}
	if processes == 0 {
		return openDeleted{}, fmt.Errorf("processes: none in %s", proc)
	}
	for _, h := range s.byName {
		s.Holders = append(s.Holders, *h)
	}
	slices.SortFunc(s.Holders, func(a, b holder) int {
		switch {
		case a.Bytes != b.Bytes && a.Bytes > b.Bytes:
			return -1
		case a.Bytes != b.Bytes:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return s.openDeleted, nil
}

type deletedSearch struct {
	openDeleted
	left   int
	seen   map[[2]uint64]bool // device and inode
	byName map[string]*holder
}

func (s *deletedSearch) process(ctx context.Context, dir string) {
	d, err := os.Open(filepath.Join(dir, "fd"))
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			s.Hidden++
		}
		return
	}
	defer d.Close()
	for {
		files, err := d.Readdirnames(1024)
		for _, n := range files {
			s.left--
			s.file(dir, n)
		}
		if err != nil || s.left < 0 || ctx.Err() != nil {
			return
		}
	}
}

// notOnDisk are names that the kernel gives to what is in memory.
var notOnDisk = []string{"/memfd:", "/dev/", "/SYSV", "/[aio]", "/i915", "/drm"}

func (s *deletedSearch) file(dir, n string) {
	path := filepath.Join(dir, "fd", n)
	target, err := os.Readlink(path)
	was, gone := strings.CutSuffix(target, " (deleted)")
	if err != nil || !gone || !strings.HasPrefix(was, "/") ||
		slices.ContainsFunc(notOnDisk, func(p string) bool { return strings.HasPrefix(was, p) }) {
		return
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	key := [2]uint64{}
	if ok {
		key = [2]uint64{uint64(st.Dev), st.Ino}
	}
	if !ok || st.Nlink > 0 || s.seen[key] {
		return
	}
	s.seen[key] = true
	name := readName(dir)
	h := s.byName[name]
	if h == nil {
		h = &holder{Name: name}
		s.byName[name] = h
	}
	bytes := st.Blocks * block
	h.Bytes += bytes
	h.Files++
	if bytes > h.most {
		h.most, h.Path, h.Unit = bytes, was, readUnit(dir)
	}
}

// readSome reads the beginning of a small file of the kernel's.
func readSome(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return ""
	}
	return string(text)
}

func readName(dir string) string { return strings.TrimSpace(readSome(filepath.Join(dir, "comm"))) }

// readUnit is the service that a process belongs to, or "".
func readUnit(dir string) string {
	for line := range strings.Lines(readSome(filepath.Join(dir, "cgroup"))) {
		for part := range strings.SplitSeq(strings.TrimSpace(line), "/") {
			if strings.HasSuffix(part, ".service") && !strings.HasPrefix(part, "user@") {
				return part
			}
		}
	}
	return ""
}
