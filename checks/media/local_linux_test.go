package media

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestADiskThatIsFullOrOnlyReadOrNeverAnswersIsToldAndSeenToEnd(t *testing.T) {
	l := newLocal(t, "")
	own := l.setUp()
	l.nothing(l.thorough())

	if err := unix.Mount("none", own, "tmpfs", 0, "size=64k,mode=755"); err != nil {
		t.Fatalf("this test mounts file systems, as root: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(own, unix.MNT_DETACH) })
	l.nothing(l.thorough())
	filler := filepath.Join(own, "filler")
	if err := os.WriteFile(filler, make([]byte, 64<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	if f := l.find(l.thorough(), codePut, "its disk is full"); f.Severity != checks.Critical || f.Road != checks.Now {
		t.Errorf("%v %v", f.Severity, f.Road)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	l.nothing(l.thorough())

	if err := unix.Mount("", own, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	o := l.thorough()
	l.nothing(o)
	if b := blindOf(o, codePut); !strings.Contains(b.Why.En, "may not write") || !strings.Contains(b.Mend.Mend[0].String(), "install -d -o sababan") {
		t.Errorf("%+v", o.Blind)
	}
	if err := unix.Unmount(own, 0); err != nil {
		t.Fatal(err)
	}
	l.nothing(l.thorough())

	end := checkstest.DeadMount(t, own, "fuse.sshfs")
	l.find(l.thorough(), codePut, "no answer within 5 s")
	l.find(l.thorough(), codePut, "no answer within 5 s") // at once: the first has not come back
	end()
	// The question that was waiting comes back a moment after the mount ends.
	for deadline := time.Now().Add(10 * time.Second); l.check.calls.Out() > 0 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	l.nothing(l.thorough())
}
