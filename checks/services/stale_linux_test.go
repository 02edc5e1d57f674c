package services

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/systemd"
	"golang.org/x/sys/unix"
)

// asNobody runs a function with nobody's rights to files: they belong to the
// thread.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test gives up root's rights, and needs them first")
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-ended
}

func TestCodeThatMayNotBeSeenIsSaidSo(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "home/mastodon/live/lib/mastodon")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "version.rb"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host := systemd.Host{Root: root}
	asNobody(t, func() {
		if at, hidden := codeAt(host, "/home/mastodon/live"); hidden || time.Since(at) > time.Minute {
			t.Errorf("open: %v, %v", at, hidden)
		}
	})
	if err := os.Chmod(filepath.Join(root, "home/mastodon"), 0o700); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		if at, hidden := codeAt(host, "/home/mastodon/live"); !hidden || !at.IsZero() {
			t.Errorf("closed: %v, %v", at, hidden)
		}
	})
	if at, hidden := codeAt(host, "/no/such/live"); hidden || !at.IsZero() {
		t.Errorf("absent: %v, %v", at, hidden)
	}
}

func TestWithoutRightsTheDatesOfTheFilesTell(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(root, "sleeper")
	if err := os.WriteFile(program, []byte("#!"), 0o755); err != nil {
		t.Fatal(err)
	}
	unit := func(pid int, started time.Time) systemd.Unit {
		return systemd.Unit{ActiveSince: started, Service: systemd.Service{PID: pid, Exec: []string{program, "1"}}}
	}
	proc := filepath.Join(root, "proc")
	if err := os.MkdirAll(filepath.Join(proc, "42"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(proc, "42/comm"), []byte("sleeper\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if old, ok := oldByDate(systemd.Host{}, filepath.Join(proc, "42"), unit(42, time.Now().Add(-time.Hour))); !ok || old.What != program {
		t.Errorf("replaced after the start: %+v, %v", old, ok)
	}
	if old, ok := oldByDate(systemd.Host{}, filepath.Join(proc, "42"), unit(42, time.Now().Add(time.Hour))); ok {
		t.Errorf("started after it was replaced: %+v", old)
	}
	if err := os.WriteFile(filepath.Join(proc, "42/comm"), []byte("ruby\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if old, ok := oldByDate(systemd.Host{}, filepath.Join(proc, "42"), unit(42, time.Now().Add(-time.Hour))); ok {
		t.Errorf("a script's own date says nothing: %+v", old)
	}
	// Another user's process, with the real files of the kernel.
	asNobody(t, func() {
		if _, ok := oldProgram(systemd.Host{}, "/proc", unit(1, time.Now().Add(-time.Hour))); ok {
			t.Error("PID 1 is not our program")
		}
	})
}
