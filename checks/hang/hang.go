// Package hang asks what may never be answered: a question to a network mount
// whose server is dead can be neither ended nor waited for.
package hang

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	// ErrSlow says that a call has not come back in time.
	ErrSlow = errors.New("no answer in time")
	// ErrPending says that an earlier call has not come back at all.
	ErrPending = errors.New("an earlier call has not come back")
)

// Calls keeps account of calls into the kernel that may never return. While
// one is out, no second one is sent after it, so that their number is bounded
// by the number of keys. The zero value is ready; it may be used by several at
// once.
type Calls struct {
	mu  sync.Mutex
	out map[string]bool
}

// Out is how many have not come back.
func (c *Calls) Out() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out)
}

func (c *Calls) begin(key string) bool {
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

func (c *Calls) end(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.out, key)
}

// Ask runs f and comes back with its answer, with [ErrSlow] after the limit or
// when the context ends, whichever is first; with [ErrPending] at once where an
// earlier call with the same key has not come back.
func Ask[T any](ctx context.Context, c *Calls, key string, limit time.Duration, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if !c.begin(key) {
		return none, ErrPending
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
		return none, ErrSlow
	case <-ctx.Done():
		return none, ErrSlow
	}
}
