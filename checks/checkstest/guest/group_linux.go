package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// groupPrefix begins the name of every guest's control group; the process that
// made it follows.
const groupPrefix = "sababan-guest-"

// A group is the control group that a guest lives in.
type group struct {
	path string
	fd   int
	open *os.File
}

// newGroup makes a control group and removes those that tests left which were
// killed before they could.
func newGroup() (*group, error) {
	top, err := unified()
	if err != nil {
		return nil, err
	}
	sweep(top)
	var last error
	for n := range 100 {
		path := filepath.Join(top, groupPrefix+strconv.Itoa(os.Getpid())+"-"+strconv.Itoa(n))
		if last = os.Mkdir(path, 0o755); last == nil {
			f, err := os.Open(path)
			if err != nil {
				return nil, errors.Join(err, os.Remove(path))
			}
			return &group{path: path, fd: int(f.Fd()), open: f}, nil
		}
		if !errors.Is(last, fs.ErrExist) {
			break
		}
	}
	return nil, last
}

// unified is where the second version of control groups is mounted.
func unified() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1], nil
		}
	}
	return "", errors.New("cgroup2 is not mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup")
}

func sweep(top string) {
	left, _ := filepath.Glob(filepath.Join(top, groupPrefix+"*"))
	for _, path := range left {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), groupPrefix), "-")
		pid, err := strconv.Atoi(owner)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			removeTree(path)
		}
	}
}

// remove removes the group when the last process has left it, which may be a
// moment after PID 1 is gone.
func (g *group) remove() error {
	err := g.open.Close()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	over := time.NewTimer(10 * time.Second)
	defer over.Stop()
	for {
		removeTree(g.path)
		if !exists(g.path) {
			return err
		}
		select {
		case <-over.C:
			return errors.Join(err, fmt.Errorf("%s is still in use", g.path))
		case <-again.C:
		}
	}
}

// removeTree removes the folders of a control group, the inmost first; its
// files go with them.
func removeTree(path string) {
	var folders []string
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			folders = append(folders, p)
		}
		return nil
	})
	for i := len(folders) - 1; i >= 0; i-- {
		_ = syscall.Rmdir(folders[i])
	}
}
