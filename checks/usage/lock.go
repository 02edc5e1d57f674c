package usage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// turn is how often the lock is tried (own).
const turn = 100 * time.Millisecond

// errBusy says that another walk has not ended.
var errBusy = errors.New("another walk is under way")

// onlyOne waits until no other walk is under way on this machine, by whatever
// process of this program, and returns what ends ours. The lock is on the
// program's own file and is gone with the process.
func onlyOne(ctx context.Context, program string) (func(), error) {
	f, err := os.Open(program)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	tick := time.NewTicker(turn)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			_ = f.Close()
			return nil, fmt.Errorf("lock: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = f.Close()
			return nil, errBusy
		}
	}
}
