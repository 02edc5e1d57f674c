package services_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// limitMemory puts a process of the guest into a control group with a limit,
// where the machine has the first version of those for memory; elsewhere the
// unit's own MemoryMax holds.
func limitMemory(t *testing.T, s *stage, pid string, limit int) {
	t.Helper()
	const top = "/sys/fs/cgroup/memory"
	if _, err := os.Stat(filepath.Join(top, "memory.limit_in_bytes")); err != nil {
		return
	}
	group := filepath.Join(top, "sababan-services-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatalf("this test needs a control group with a limit of memory and was refused: %v", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(group); err != nil {
			t.Errorf("control group: %v", err)
		}
	})
	for file, text := range map[string]string{"memory.limit_in_bytes": strconv.Itoa(limit), "cgroup.procs": outside(t, s, pid)} {
		if err := os.WriteFile(filepath.Join(group, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// outside is the number that a process of the guest has on this machine.
func outside(t *testing.T, s *stage, pid string) string {
	t.Helper()
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", s.PID))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range entries {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 2 || f[0] != "NSpid:" || f[len(f)-1] != pid {
				continue
			}
			if in, err := os.Readlink(filepath.Join(filepath.Dir(path), "ns/pid")); err == nil && in == own {
				return f[1]
			}
		}
	}
	t.Fatalf("process %s of the guest is not to be found", pid)
	return ""
}

func TestAServiceThatTheKernelKillsForLackOfMemory(t *testing.T) {
	s := newStage(t)
	const unit = "mastodon-web.service"
	s.isWell(t, "down", unit)
	usual := mastodon()[unit]
	greedy := daemon(`/bin/sh -c 'while [ ! -e /run/go ]; do sleep 0.05; done; exec tail /dev/zero'`, "WorkingDirectory="+live+"\nMemoryMax=48M\nMemorySwapMax=0\n")
	s.Units(t, map[string]string{unit: greedy})
	s.Run(t, "systemctl", "restart", unit)
	limitMemory(t, s, s.Property(t, unit, "MainPID"), 48<<20)
	s.Write(t, "/run/go", "")
	s.Until(t, "the kernel kills it", func() bool { return s.Property(t, unit, "ActiveState") == "failed" })
	f := s.isDown(t, unit, "mastodon-web")
	t.Logf("systemd says %s", s.Property(t, unit, "Result"))
	// With the second version of control groups systemd knows; with the first
	// it sees no more than the signal.
	knows := strings.Contains(f.Text.En, "was killed for lack of memory") && strings.Contains(f.Text.Ja, "メモリ不足で強制終了されました")
	guesses := strings.Contains(f.Text.En, "with signal 9: somebody killed it, most likely the kernel for lack of memory") &&
		strings.Contains(f.Text.Ja, "に終了しました（シグナル9: 強制終了。多くの場合はメモリ不足のため）")
	if !knows && !guesses {
		t.Errorf("%s\n%s", f.Text.En, f.Text.Ja)
	}
	s.Units(t, map[string]string{unit: usual})
	s.Run(t, "systemctl", "restart", unit)
	s.isWell(t, "down", unit)
}
