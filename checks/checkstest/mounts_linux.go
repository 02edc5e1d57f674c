package checkstest

import (
	"os"
	"os/exec"
	"syscall"
)

// ownMounts tells that the mounts are the test binary's own already.
const ownMounts = "CHECKSTEST_OWN_MOUNTS"

// OwnMounts begins the test binary again with mounts of its own, so that a disk
// which its tests fill is none of the machine's that other tests look at. It is
// called first in TestMain. Without the right to it, it does nothing: what mounts
// says itself that it may not.
func OwnMounts() {
	if os.Geteuid() != 0 || os.Getenv(ownMounts) != "" {
		return
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	args := append([]string{"unshare", "--mount", "--propagation", "private", "--", self}, os.Args[1:]...)
	_ = syscall.Exec(unshare, args, append(os.Environ(), ownMounts+"=yes")) // returns only where it cannot
}
