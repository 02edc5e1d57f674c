package disk

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	// errSlow says that a call has not come back in time.
	errSlow = errors.New("no answer in time")
	// errPending says that an earlier call has not come back at all.
	errPending = errors.New("an earlier call has not come back")
)

// calls keeps account of calls into the kernel that may never return: a
// question to a dead network mount can be neither ended nor waited for. While
// one is out, no second one is sent after it, so that their number is bounded
// by the number of mounts.
type calls struct {
	mu  sync.Mutex
	out map[string]bool
}

func (c *calls) begin(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out[key] {
		return false
	}
	if c.out == nil {
		c.out = map[string]bool{}
	}
	c.out[key] = true
	return true
}

func (c *calls) end(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.out, key)
}

// ask runs f and comes back with its answer, after the limit, or when the
// context ends, whichever is first.
func ask[T any](ctx context.Context, c *calls, key string, limit time.Duration, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if !c.begin(key) {
		return none, errPending
	}
	answers := make(chan answer, 1)
	go func() {
		v, err := f()
		c.end(key)
		answers <- answer{v, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-timer.C:
		return none, errSlow
	case <-ctx.Done():
		return none, errSlow
	}
}
