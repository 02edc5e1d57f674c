package federation

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sababan/sababan/checks/public"
)

// A Network is how names are resolved and addresses are connected to.
type Network interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// system is this machine's own network.
type system struct{}

func (system) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, network, host)
}

func (system) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

const (
	// addressesTried bounds the addresses of one name that are tried, and
	// addressTime each of them (own).
	addressesTried = 3
	addressTime    = 2500 * time.Millisecond
	// perNeighbours is how many servers of one neighbourhood of addresses are
	// looked at in one round (defaults).
	perNeighbours = 2
)

var (
	errPrivate = errors.New("none of its addresses is a public one")
	errPort    = errors.New("it leads to another port than 443")
	errCrowded = errors.New("enough of its neighbours have been looked at in this round")
)

// neighbours is the network that an address shares with those of one owner.
func neighbours(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Unmap().Is6() {
		bits = 64
	}
	p, err := a.Unmap().Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// A crowd counts the servers that one round has looked at, by neighbourhood.
type crowd struct {
	mu   sync.Mutex
	seen map[netip.Prefix]map[string]bool
}

// admit tells whether a server may be looked at there, and counts it.
func (c *crowd) admit(a netip.Addr, domain string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := neighbours(a)
	switch here := c.seen[p]; {
	case here[domain]:
	case len(here) >= perNeighbours:
		return false
	case here == nil:
		if c.seen == nil {
			c.seen = map[netip.Prefix]map[string]bool{}
		}
		c.seen[p] = map[string]bool{domain: true}
	default:
		here[domain] = true
	}
	return true
}

// A guide connects on behalf of one server that is looked at, wherever its
// redirects lead: only to public addresses, which it resolves itself, so that
// what was checked is what is connected to.
type guide struct {
	network Network
	crowd   *crowd
	domain  string
}

func (g guide) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if port != "443" {
		return nil, errPort
	}
	var all []netip.Addr
	if ip, err := netip.ParseAddr(host); err == nil {
		all = []netip.Addr{ip}
	} else if all, err = g.network.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	last := errPrivate
	tried := 0
	for _, a := range all {
		if a = a.Unmap(); !public.Address(a) {
			continue
		}
		if !g.crowd.admit(a, g.domain) {
			if errors.Is(last, errPrivate) {
				last = errCrowded
			}
			continue
		}
		if tried++; tried > addressesTried {
			break
		}
		conn, err := g.dialOne(ctx, network, netip.AddrPortFrom(a, 443))
		if err == nil {
			return conn, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

func (g guide) dialOne(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, addressTime)
	defer cancel()
	return g.network.DialContext(ctx, network, to.String())
}
