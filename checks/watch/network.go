package watch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sababan/sababan/checks/public"
)

// A Network is how names are resolved and addresses are connected to.
type Network interface {
	// Lookup returns a name's addresses, and for how long they may be kept.
	Lookup(ctx context.Context, host string) ([]netip.Addr, time.Duration, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// system is this machine's own network.
type system struct{ resolver }

func (system) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// Bounds of a connection (own).
const (
	addressesTried = 3
	addressTime    = 3 * time.Second // each of them
)

var errPrivate = errors.New("none of its addresses is a public one")

// A home is where a name leads, for as long as its answer may be kept.
type home struct {
	addrs []netip.Addr
	until time.Time
}

// dial connects to a public address of a name, one connection to an address at
// a time; leave gives the address free again.
func (p *prober) dial(ctx context.Context, host string, h *home) (conn net.Conn, leave func(), err error) {
	now := p.now()
	if !now.Before(h.until) {
		addrs, ttl, err := p.network.Lookup(ctx, host)
		if err != nil {
			return nil, nil, err
		}
		addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !public.Address(a) })
		for i, a := range addrs {
			addrs[i] = a.Unmap()
		}
		slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
		h.addrs, h.until = slices.Clip(addrs[:min(len(addrs), addressesTried)]), now.Add(ttl)
	}
	if len(h.addrs) == 0 {
		h.until = time.Time{} // it is soon mended, perhaps
		return nil, nil, errPrivate
	}
	for _, a := range h.addrs {
		if conn, leave, err = p.dialOne(ctx, a); err == nil || ctx.Err() != nil {
			return conn, leave, err
		}
	}
	h.until = time.Time{} // it may have moved
	return nil, nil, err
}

func (p *prober) dialOne(ctx context.Context, a netip.Addr) (net.Conn, func(), error) {
	if err := p.turns.take(ctx, a); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, addressTime)
	defer cancel()
	conn, err := p.network.DialContext(ctx, "tcp", netip.AddrPortFrom(a, 443).String())
	if err != nil {
		p.turns.give(a)
		return nil, nil, err
	}
	return conn, func() { p.turns.give(a) }, nil
}

// turns keep to one connection to an address at a time: many names may lead to
// one host.
type turns struct {
	mu   sync.Mutex
	busy map[netip.Addr]chan struct{}
}

func (t *turns) take(ctx context.Context, a netip.Addr) error {
	for {
		t.mu.Lock()
		free, taken := t.busy[a]
		if !taken {
			if t.busy == nil {
				t.busy = map[netip.Addr]chan struct{}{}
			}
			t.busy[a] = make(chan struct{})
			t.mu.Unlock()
			return nil
		}
		t.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return errCrowded
		}
	}
}

func (t *turns) give(a netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.busy[a])
	delete(t.busy, a)
}

// errCrowded says nothing of the server: its host was busy with another.
var errCrowded = errors.New("no turn at this address within the time")
