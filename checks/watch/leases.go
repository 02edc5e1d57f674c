package watch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/public"
	"github.com/sababan/sababan/checks/registry"
)

const (
	// askEvery is how often a registry is asked about a domain (defaults: one that
	// is asked more often bans).
	askEvery = 24 * time.Hour
	// askLater is after how long it is tried again where a registry had to be left
	// alone (own).
	askLater = time.Hour
	// answerFresh is for how long an answer counts when no newer one can be had
	// (own, as for one's own domains).
	answerFresh = 7 * 24 * time.Hour
	// askGap is how far apart two questions to one registry are at least (own).
	askGap = 2 * time.Second
	// asksAtOnce bounds the questions that are under way, askTime one of them, and
	// asksFor is how long after the tick the last one begins (own).
	asksAtOnce = 4
	askTime    = 24 * time.Second
	asksFor    = 25 * time.Second
	// asksLeast is how many there are in one minute at least (own): a short list
	// is known soon, a long one within half a day.
	asksLeast = 4
	// keepEvery is how often what registries said is written down where the list
	// is long (own: it is a megabyte then).
	keepEvery = time.Hour
)

// A lease is what a registry told of a domain, in seconds since 1970: a domain
// is only ever leased.
type lease struct {
	// Asked is when it was asked last, Told when it answered last, and Dated when
	// it told the date of the end.
	Asked   int64           `json:"a,omitempty"`
	Told    int64           `json:"t,omitempty"`
	Dated   int64           `json:"d,omitempty"`
	Expires int64           `json:"e,omitempty"`
	Held    []registry.Hold `json:"h,omitempty"`

	name, suffix string
	own          bool // one's own server stands on it
	later        time.Time
}

// next is the lease after an answer.
func (l *lease) next(said registry.Registration, now time.Time) {
	l.Told, l.Held = now.Unix(), said.Held
	switch {
	case !said.Expires.IsZero():
		l.Expires, l.Dated = said.Expires.Unix(), now.Unix()
	case !said.Partly:
		l.Expires, l.Dated = 0, 0
	}
}

// leases are the domains that the servers on the list stand on.
type leases struct {
	all     []*lease
	byName  map[string]*lease
	book    *registry.Book
	kept    time.Time
	changed bool
}

// leasesOf finds them: servers may share one, and what stands below a
// provider's name has none of its own.
func leasesOf(list []Domain) *leases {
	l := &leases{byName: map[string]*lease{}}
	for _, d := range list {
		owned, _ := registry.Registrable(d.Name)
		if owned == "" {
			continue
		}
		one, ok := l.byName[owned]
		if !ok {
			suffix, _ := publicsuffix.PublicSuffix(owned)
			one = &lease{name: owned, suffix: suffix}
			l.byName[owned], l.all = one, append(l.all, one)
		}
		one.own = one.own || d.Own
	}
	return l
}

// open makes the book of the registries, with what was known of whom to ask.
func (l *leases) open(p *prober, known map[string]registry.Way) {
	l.book = registry.NewBook(registry.Ends{
		Bootstrap: registry.Bootstrap, WHOIS: registry.WHOIS, Dial: p.dialPublic, Roots: p.roots, Now: p.now, Gap: askGap,
	}, known)
}

// dialPublic connects to a public address of a stranger's host.
func (p *prober) dialPublic(ctx context.Context, network, address string) (net.Conn, error) {
	host, written, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(written, 10, 16)
	if err != nil {
		return nil, err
	}
	addrs, _, err := p.network.Lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !public.Address(a) })
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return a.Unmap().BitLen() - b.Unmap().BitLen() })
	err = errPrivate
	for _, a := range addrs[:min(len(addrs), addressesTried)] {
		var conn net.Conn
		ctx, cancel := context.WithTimeout(ctx, addressTime)
		conn, err = p.network.DialContext(ctx, network, netip.AddrPortFrom(a.Unmap(), uint16(port)).String())
		cancel()
		if err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// due are the domains whose registries are to be asked now, a few of them, those
// that have waited longest first.
func (l *leases) due(now time.Time, ready func(suffix string) bool) []*lease {
	var list []*lease
	for _, one := range l.all {
		asked := time.Unix(one.Asked, 0)
		if age := now.Sub(asked); (age >= askEvery || age < 0 || one.Asked == 0) && !now.Before(one.later) {
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b *lease) int { return cmp.Compare(a.Asked, b.Asked) })
	const minutes = int(askEvery / tick)
	limit := max((2*len(l.all)+minutes-1)/minutes, asksLeast)
	var turn []*lease
	for _, one := range list {
		if len(turn) == limit {
			break
		}
		if ready(one.suffix) {
			turn = append(turn, one)
		}
	}
	return turn
}

// ask asks the registries whose turn it is, a few at a time.
func (l *leases) ask(ctx context.Context, now func() time.Time) {
	turn := l.due(now(), l.book.Ready)
	if len(turn) == 0 {
		return
	}
	began := time.Now()
	queue := make(chan *lease)
	var all sync.WaitGroup
	var mu sync.Mutex
	for range min(asksAtOnce, len(turn)) {
		all.Go(func() {
			for one := range queue {
				asking, cancel := context.WithTimeout(ctx, askTime)
				said, err := l.book.Ask(asking, one.name, one.suffix)
				cancel()
				at := now()
				mu.Lock()
				l.changed = true
				mu.Unlock()
				switch {
				case err == nil:
					one.Asked = at.Unix()
					one.next(said, at)
				case errors.Is(err, registry.ErrLater), ctx.Err() != nil:
					one.later = at.Add(askLater)
				default:
					one.Asked = at.Unix()
				}
			}
		})
	}
	for _, one := range turn {
		if time.Since(began) > asksFor || ctx.Err() != nil {
			break // the first of the next tick
		}
		queue <- one
	}
	close(queue)
	all.Wait()
	l.book.Close()
}

// leaseMemory is what outlives this process.
type leaseMemory struct {
	Domains map[string]*lease       `json:"domains"`
	Ways    map[string]registry.Way `json:"ways"`
}

const leaseKey = "registrations"

func (l *leases) recall(past checks.Past, p *prober) {
	var m leaseMemory
	if raw, ok := past.Load(leaseKey); ok && json.Unmarshal(raw, &m) != nil {
		m = leaseMemory{} // what cannot be read is as if nothing were known
	}
	for name, was := range m.Domains {
		if one := l.byName[name]; one != nil && was != nil {
			one.Asked, one.Told, one.Dated, one.Expires, one.Held = was.Asked, was.Told, was.Dated, was.Expires, was.Held
		}
	}
	l.open(p, m.Ways)
}

// keep is what the next process is to know; nil where it is known already, or
// soon will be.
func (l *leases) keep(now time.Time) ([]byte, error) {
	if since := now.Sub(l.kept); !l.changed || len(l.all) > measuredLimit && since >= 0 && since < keepEvery {
		return nil, nil
	}
	var suffixes []string
	m := leaseMemory{Domains: map[string]*lease{}}
	for _, one := range l.all {
		if one.Asked != 0 {
			m.Domains[one.name] = one
			suffixes = append(suffixes, one.suffix)
		}
	}
	m.Ways = l.book.Ways(suffixes)
	raw, err := json.Marshal(m)
	if err == nil {
		l.kept, l.changed = now, false
	}
	return raw, err
}
