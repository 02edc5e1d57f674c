package checkstest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Talk listens on loopback and lets talk speak to each guest, until the test ends
// or the guest has stayed for as long as patience. It returns host:port.
func Talk(t testing.TB, patience time.Duration, talk func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				_ = c.SetDeadline(time.Now().Add(patience))
				talk(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}
