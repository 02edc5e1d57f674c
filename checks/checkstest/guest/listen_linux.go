package guest

import (
	"net"
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Listen listens on the loopback of the guest, for a server of the test's own
// process; it is closed with the test.
func (g *Guest) Listen(t *testing.T, address string) net.Listener {
	t.Helper()
	type made struct {
		ln  net.Listener
		err error
	}
	done := make(chan made)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is thrown away
		var m made
		space, err := os.Open("/proc/" + strconv.Itoa(g.PID) + "/ns/net")
		if m.err = err; err == nil {
			if m.err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); m.err == nil {
				m.ln, m.err = net.Listen("tcp", address)
			}
			_ = space.Close()
		}
		done <- m
	}()
	m := <-done
	if m.err != nil {
		t.Fatalf("listening in the guest: %v", m.err)
	}
	t.Cleanup(func() { _ = m.ln.Close() })
	return m.ln
}
