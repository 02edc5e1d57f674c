// Package ward keeps the services that tests start: however the test ends,
// killed included, the service ends with it and its folder goes.
package ward

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed ward.sh
var script string

// patience is how long the keeper may take to do what it is told; a database
// may write a checkpoint first.
const patience = 30 * time.Second

// A Ward is one service and its folder, in the hands of a keeper: a process
// beside the test that lives until the test's process does not.
type Ward struct {
	// Dir is the folder; it belongs to the user that the service runs as, and
	// the service's output is in the file "output".
	Dir string

	keeper *exec.Cmd
	orders *os.File
	said   *os.File
	words  *bufio.Reader
	wait   func() error

	mu  sync.Mutex
	pid int // of the service, 0 while it is stopped
}

// Folder makes a folder below the system's for temporary files that belongs to
// the user. Sockets in it have short enough paths.
func Folder(pattern string, as *syscall.Credential) (string, error) {
	parent := os.TempDir()
	if len(parent) > 40 { // of the 103 bytes that the path of a socket may have everywhere
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return "", err
	}
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return "", errors.Join(err, os.Remove(dir))
		}
	}
	return dir, nil
}

// Unprivileged is the first of the users that exists, when we are root:
// services that refuse root, and rights that root would not feel. Nil is
// ourselves.
func Unprivileged(names ...string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("this machine has no user %s", strings.Join(names, " or "))
}

// Keep puts the service into the hands of a keeper, which runs as the user and
// starts nothing yet. The service is ended for good by the signal last, a word
// such as "TERM". The folder is the keeper's from here on, also after an error.
func Keep(dir string, as *syscall.Credential, last string, service ...string) (*Ward, error) {
	w, err := keep(dir, as, last, service)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return w, nil
}

func keep(dir string, as *syscall.Credential, last string, service []string) (*Ward, error) {
	theirOrders, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	said, theirs, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirOrders.Close(), orders.Close())
	}
	keeper := exec.Command("/bin/sh", append([]string{"-c", script, "ward", dir, last}, service...)...)
	keeper.Dir = "/"
	keeper.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	keeper.Stdin, keeper.Stdout = theirOrders, theirs
	// In a session of its own: what ends a terminal's processes must not end
	// the one that cleans up after them.
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: as}
	err = keeper.Start()
	err = errors.Join(err, theirOrders.Close(), theirs.Close())
	if err != nil {
		return nil, errors.Join(err, orders.Close(), said.Close())
	}
	return &Ward{
		Dir: dir, keeper: keeper, orders: orders, said: said, words: bufio.NewReader(said),
		wait: sync.OnceValue(keeper.Wait),
	}, nil
}

// Start starts the service; it may not listen yet.
func (w *Ward) Start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pid != 0 {
		return fmt.Errorf("it runs already, as process %d", w.pid)
	}
	answer, err := w.order("start")
	if err != nil {
		return err
	}
	w.pid, err = strconv.Atoi(answer)
	return err
}

// Stop ends the service by a signal, a word such as "INT", and waits until it
// has ended; a frozen one goes on first. Where none runs it does nothing.
func (w *Ward) Stop(signal string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pid == 0 {
		return nil
	}
	_, err := w.order("stop " + signal)
	if err == nil {
		w.pid = 0
	}
	return err
}

func (w *Ward) order(words string) (string, error) {
	if _, err := fmt.Fprintln(w.orders, words); err != nil {
		return "", fmt.Errorf("%s: %w", words, err)
	}
	if err := w.said.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	answer, err := w.words.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s: %w", words, err)
	}
	return strings.TrimSpace(answer), nil
}

// PID is the service's process, 0 while it is stopped.
func (w *Ward) PID() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pid
}

// Close ends the service and removes the folder; doing it twice is harmless.
func (w *Ward) Close() error {
	_ = w.orders.Close() // the second time it is closed already
	err := w.wait()
	_ = w.said.Close()
	return err
}

// Output is what the service has said.
func (w *Ward) Output() string {
	said, err := os.ReadFile(w.Dir + "/output")
	if err != nil {
		return err.Error()
	}
	return string(said)
}

// Alive tells whether the service's process is there and has not ended.
func (w *Ward) Alive() bool {
	state, err := state(w.PID())
	return err == nil && state != 'Z'
}

// Freeze stops the service and its children where they are, as a machine does
// that hangs: connections stay open, and nothing answers. It needs Linux's
// /proc.
func (w *Ward) Freeze() error {
	pid := w.PID()
	if pid == 0 {
		return errors.New("it does not run")
	}
	// The parent first: then nobody is born any more.
	if err := freeze(pid); err != nil {
		return err
	}
	children, err := children(pid)
	for _, child := range children {
		if e := freeze(child); !errors.Is(e, os.ErrNotExist) && !errors.Is(e, syscall.ESRCH) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Thaw lets a frozen service go on; one that is not frozen does not feel it.
func (w *Ward) Thaw() error {
	pid := w.PID()
	if pid == 0 {
		return nil
	}
	children, err := children(pid)
	for _, child := range children {
		if e := syscall.Kill(child, syscall.SIGCONT); !errors.Is(e, syscall.ESRCH) {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, syscall.Kill(pid, syscall.SIGCONT))
}

// freeze returns when the process does nothing any more.
func freeze(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	over := time.NewTimer(patience)
	defer over.Stop()
	for {
		now, err := state(pid)
		if err != nil {
			return err
		}
		if now == 'T' || now == 'Z' {
			return nil
		}
		select {
		case <-over.C:
			return fmt.Errorf("process %d does not stop: state %c", pid, now)
		case <-again.C:
		}
	}
}

// state is the letter of the kernel for what a process does.
func state(pid int) (byte, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	// The name before it is in brackets and may hold anything.
	rest := strings.TrimSpace(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if rest == "" {
		return 0, fmt.Errorf("process %d: no state", pid)
	}
	return rest[0], nil
}

func children(pid int) ([]int, error) {
	id := strconv.Itoa(pid)
	list, err := os.ReadFile("/proc/" + id + "/task/" + id + "/children")
	if err != nil {
		return nil, err
	}
	var all []int
	for _, word := range strings.Fields(string(list)) {
		child, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		all = append(all, child)
	}
	return all, nil
}
