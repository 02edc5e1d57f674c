package guest

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

//go:embed init.sh
var initScript string

// patience is how long a boot, a command or a halt may take; idle machines
// boot in a second and a half.
const patience = 60 * time.Second

// A Guest is a running systemd of the test's own.
type Guest struct {
	// Root is the guest's / as seen from outside; it can be read and written.
	Root string
	// PID is its PID 1, as seen from outside.
	PID int

	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
	group  *group
}

// Boot boots a guest with a loopback of its own and returns when it is up; it
// is halted with the test. A machine where that is refused fails the test.
func Boot(t *testing.T) *Guest {
	t.Helper()
	daemon, err := needs()
	if err != nil {
		t.Fatalf("this test boots a systemd of its own: %v", err)
	}
	folder, err := os.MkdirTemp("", "guest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the guest left something: %v", err)
		}
	})
	g := &Guest{ended: make(chan struct{})}
	if g.group, err = newGroup(); err != nil {
		t.Fatalf("this test boots a systemd of its own, in a control group of its own: %v", err)
	}
	t.Cleanup(func() { g.halt(t) })
	// The namespace of control groups is made by a process that is already in
	// the group: made by clone it would begin at the test's own.
	g.cmd = exec.Command("unshare", "--cgroup", "sh", "-c", initScript, "init", folder, daemon)
	g.cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	g.cmd.Dir = "/"
	g.cmd.Stdout, g.cmd.Stderr = &g.output, &g.output
	g.cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Pdeathsig: syscall.SIGKILL,
		UseCgroupFD: true, CgroupFD: g.group.fd,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET,
	}
	started := make(chan error, 1)
	go func() {
		// The kernel ends the guest with the thread that started it: this one
		// stays for as long as the guest lives, and no longer than the test.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(g.ended)
		err := g.cmd.Start()
		started <- err
		if err == nil {
			_ = g.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		g.cmd = nil
		t.Fatalf("this test boots a systemd of its own, and this machine refuses the namespaces: %v", err)
	}
	g.PID = g.cmd.Process.Pid
	g.Root = "/proc/" + strconv.Itoa(g.PID) + "/root"
	g.Until(t, "its systemd answers", func() bool {
		name, err := os.ReadFile("/proc/" + strconv.Itoa(g.PID) + "/comm")
		return err == nil && strings.TrimSpace(string(name)) == "systemd" && exists(g.Path("/run/systemd/private"))
	})
	// What was mounted on the folder was mounted in the guest's namespace, and
	// has moved away; a test that is killed leaves no folder.
	if err := os.Remove(folder); err != nil {
		t.Errorf("the guest's folder: %v", err)
	}
	// It ends with another status than 0 when some unit has failed.
	state, _ := g.Try("systemctl", "is-system-running", "--wait")
	if s := strings.TrimSpace(state); s != "running" && s != "degraded" {
		t.Fatalf("the guest has not come up: %s\n%s", s, g.failures())
	}
	g.Until(t, "its D-Bus answers", func() bool { return exists(g.Path("/run/dbus/system_bus_socket")) })
	return g
}

// needs returns the path of systemd, or what is missing.
func needs() (daemon string, err error) {
	if os.Geteuid() != 0 {
		return "", errors.New("that needs root")
	}
	for tool, pkg := range map[string]string{
		"unshare": "util-linux", "nsenter": "util-linux", "mount": "mount", "systemctl": "systemd", "dbus-daemon": "dbus",
	} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%s is missing: apt-get install %s", tool, pkg)
		}
	}
	for _, path := range []string{"/usr/lib/systemd/systemd", "/lib/systemd/systemd"} {
		if exists(path) {
			return path, nil
		}
	}
	return "", errors.New("systemd is missing: apt-get install systemd")
}

// Bus is the address of the guest's system bus, as D-Bus writes it.
func (g *Guest) Bus() string { return "unix:path=" + g.Path("/run/dbus/system_bus_socket") }

// Journal is the folder of the guest's journal, for `journalctl -D`.
func (g *Guest) Journal() string { return g.Path("/run/log/journal") }

// Path is a path of the guest as seen from outside.
func (g *Guest) Path(path string) string { return filepath.Join(g.Root, path) }

// Enter are the words that run in the guest what is written behind them.
func (g *Guest) Enter() []string {
	return []string{"nsenter", "-t", strconv.Itoa(g.PID), "-m", "-p", "-u", "-i", "-n", "-C", "--"}
}

// Run runs a command in the guest and returns what it said; another status
// than 0 ends the test.
func (g *Guest) Run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := g.Try(name, args...)
	if err != nil {
		t.Fatalf("in the guest: %s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// Try runs a command in the guest that may fail, and returns everything it
// said.
func (g *Guest) Try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	words := append(append(g.Enter(), name), args...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC",
		"SYSTEMD_PAGER=", "SYSTEMD_COLORS=0",
	}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Write writes a file of the guest; its folder is made.
func (g *Guest) Write(t *testing.T, path, text string) {
	t.Helper()
	full := g.Path(path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Units writes unit files, name to text, and makes systemd read them.
func (g *Guest) Units(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		g.Write(t, "/etc/systemd/system/"+name, text)
	}
	g.Run(t, "systemctl", "daemon-reload")
}

// Property is one property of a unit as `systemctl show` has it.
func (g *Guest) Property(t *testing.T, unit, name string) string {
	t.Helper()
	return strings.TrimSpace(g.Run(t, "systemctl", "show", "--value", "-p", name, unit))
}

// Until asks again and again until something is so; it ends the test when the
// guest has ended or patience has.
func (g *Guest) Until(t *testing.T, what string, so func() bool) {
	t.Helper()
	over := time.NewTimer(patience)
	defer over.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-g.ended:
			t.Fatalf("the guest ended before %s; this machine may refuse what it needs (mounts, namespaces, control groups):\n%s", what, g.output.String())
		case <-over.C:
			t.Fatalf("%v passed before %s", patience, what)
		case <-again.C:
		}
	}
}

func (g *Guest) failures() string {
	out, _ := g.Try("systemctl", "--failed", "--no-legend")
	jobs, _ := g.Try("systemctl", "list-jobs", "--no-legend")
	return out + jobs
}

// halt ends the guest: with its PID 1 the kernel ends everything in it, and
// its mounts go with the last process that sees them.
func (g *Guest) halt(t *testing.T) {
	if g.cmd != nil {
		_ = g.cmd.Process.Kill()
		over := time.NewTimer(patience)
		defer over.Stop()
		select {
		case <-g.ended:
		case <-over.C:
			t.Errorf("the guest did not end in %v", patience)
		}
	}
	if err := g.group.remove(); err != nil {
		t.Errorf("the guest left a control group: %v", err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
