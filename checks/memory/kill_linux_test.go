package memory

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// tightGroup makes a control group with a limit, in which something can be
// killed for lack of memory while the machine has plenty. It takes root.
func tightGroup(t *testing.T, limit int) string {
	t.Helper()
	var refused []string
	for _, kind := range []struct{ root, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup", "memory.max"},
	} {
		group := filepath.Join(kind.root, "sababan-test-"+strconv.Itoa(os.Getpid()))
		if err := os.Mkdir(group, 0o755); err != nil {
			refused = append(refused, err.Error())
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(group); err != nil {
				t.Errorf("control group: %v", err)
			}
		})
		if err := os.WriteFile(filepath.Join(group, kind.limit), []byte(strconv.Itoa(limit)), 0o600); err != nil {
			refused = append(refused, err.Error())
			continue
		}
		return group
	}
	t.Fatalf("this test needs a control group with a limit of memory and was refused: %s", strings.Join(refused, "; "))
	return ""
}

func TestAProcessIsReallyKilledForLackOfMemory(t *testing.T) {
	c, past := checkstest.Make(t, thisMachine(), ""), &checkstest.Past{}
	checkstest.Look(t, thisMachine(), c, past)
	group := tightGroup(t, 48*megabyte)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `echo $$ > "$1/cgroup.procs" && exec "$2"`, "sh", group, self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=200", hogVariable))
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("it was not killed: %v\n%s", err, out)
	}
	o := checkstest.Look(t, thisMachine(), c, past)
	f, ok := checkstest.Find(o, codeKills, "")
	if !ok {
		t.Fatalf("nothing was noticed: %+v", o.Findings)
	}
	if f.Severity < checks.Warning || !strings.Contains(f.Text.En, "killed memory.test") || !strings.Contains(f.Text.En, "limit of its own service") {
		t.Errorf("%v %q", f.Severity, f.Text.En)
	}
	again := checkstest.Look(t, thisMachine(), c, past)
	if _, ok := checkstest.Find(again, codeKills, ""); ok {
		t.Error("one kill is told of twice")
	}
}
