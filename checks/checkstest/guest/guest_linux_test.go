package guest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks/checkstest/guest"
)

func TestAGuestBootsRunsUnitsAndLeavesNothing(t *testing.T) {
	before := traces(t)
	t.Run("guest", func(t *testing.T) {
		g := guest.Boot(t)
		if name := strings.TrimSpace(g.Run(t, "ps", "-o", "comm=", "-p", "1")); name != "systemd" {
			t.Errorf("PID 1 is %q", name)
		}
		g.Units(t, map[string]string{
			"hello.service": "[Service]\nType=oneshot\nExecStart=/bin/echo hello from the guest\n",
			"bad.service":   "[Service]\nExecStart=/bin/false\n",
		})
		g.Run(t, "systemctl", "start", "hello", "bad")
		g.Until(t, "the unit fails", func() bool { return g.Property(t, "bad.service", "ActiveState") == "failed" })
		if log := g.Run(t, "journalctl", "-u", "hello", "-o", "cat"); !strings.Contains(log, "hello from the guest") {
			t.Errorf("journal: %s", log)
		}
		if _, err := os.Stat(strings.TrimPrefix(g.Bus(), "unix:path=")); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat("/etc/systemd/system/hello.service"); err == nil {
			t.Error("the guest writes to the machine")
		}
	})
	if after := traces(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestTwoGuestsLiveSideBySide(t *testing.T) {
	a, b := guest.Boot(t), guest.Boot(t)
	a.Write(t, "/etc/only-here", "a")
	if _, err := os.Stat(b.Path("/etc/only-here")); err == nil {
		t.Error("they share their files")
	}
}

// traces are the mounts and control groups that a guest could leave.
func traces(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var mine []string
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); strings.Contains(f[1], "guest") {
			mine = append(mine, line)
		}
	}
	for _, top := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		found, err := filepath.Glob(filepath.Join(top, "sababan-guest-*"))
		if err != nil {
			t.Fatal(err)
		}
		mine = append(mine, found...)
	}
	return strings.Join(mine, "")
}
