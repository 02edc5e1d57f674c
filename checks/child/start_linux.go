package child

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	// ioprio_set(2): one thread, class idle.
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
	// lowest is the niceness that yields to everybody.
	lowest = 19
)

// start starts a command; an idle one inherits its priorities from a thread
// that has them and ends with its goroutine.
func start(cmd *exec.Cmd, idle bool) error {
	if !idle {
		return cmd.Start()
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		// Refused in some containers; the command is bounded all the same.
		_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioIdle)
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, lowest)
		started <- cmd.Start()
	}()
	return <-started
}
