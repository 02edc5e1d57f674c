package site

import (
	"context"
	"net"
	"runtime"

	"golang.org/x/sys/unix"
)

// dialAs connects as another system user, as root may: the kernel tells the
// other end who connected. Only one thread changes, and it is not used again
// where it could not change back.
func dialAs(uid int) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		type dialed struct {
			conn net.Conn
			err  error
		}
		done := make(chan dialed, 1)
		go func() {
			// Without the matching unlock the thread ends with this goroutine.
			runtime.LockOSThread()
			if _, _, no := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); no != 0 {
				done <- dialed{nil, no}
				return
			}
			// A local socket is connected by this very thread, at once.
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			done <- dialed{conn, err}
		}()
		d := <-done
		return d.conn, d.err
	}
}
