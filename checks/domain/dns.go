package domain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/sababan/sababan/checks/registry"
)

const (
	dialTime = 5 * time.Second
	// questionTime bounds one try of a question to a name server, and tries is
	// how many there are: a packet may be lost (own).
	questionTime = 2 * time.Second
	tries        = 2
	// bufferSize is what fits into a packet everywhere (DNS flag day 2020).
	bufferSize = 1232
	// serversLimit bounds the name servers of a domain that are asked; honest ones
	// have at most 13 (own).
	serversLimit = 13
	// parentsAsked is how many servers of the registry must agree that a domain
	// is gone (own).
	parentsAsked = 2
)

// An asker asks name servers.
type asker struct {
	out       ends
	resolvers []string
	err       error // why there are none
}

// A fault is what is wrong with one name server.
type fault string

const (
	silent  fault = "silent"  // no answer
	lame    fault = "lame"    // it knows nothing of the domain
	nowhere fault = "nowhere" // its name has no address
	unasked fault = "unasked" // not to be reached from here, which says nothing of it
)

// A server is one name server of a domain, as it answered.
type server struct {
	name  string // in small letters, without the last dot
	fault fault
	// names are the servers of the domain as it tells them, sorted.
	names []string
	// Of its zone: the serial number, and who made it.
	serial uint32
	origin string
	proof  proof
}

// A zone is what the name servers tell of a domain.
type zone struct {
	err error // why nothing could be seen
	// gone: the registry's own servers know no name servers of it.
	gone bool
	// parent are those that the registry's servers name, sorted.
	parent  []string
	signed  bool // the registry says that it is signed
	servers []server
}

// zone asks the registry's servers who serves a domain, and each of those.
func (a asker) zone(ctx context.Context, name string, now time.Time) zone {
	if a.err != nil {
		return zone{err: a.err}
	}
	fqdn := dns.Fqdn(name)
	parents, err := a.parents(ctx, fqdn)
	if err != nil {
		return zone{err: err}
	}
	var z zone
	var ds []*dns.DS
	glue := map[string]netip.Addr{}
	seen, gone := 0, 0
	var errs []error
	for _, p := range parents {
		if seen >= parentsAsked || seen > gone {
			break
		}
		reply, err := a.direct(ctx, p, fqdn, dns.TypeNS)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		names := namesIn(append(reply.Answer, reply.Ns...), fqdn)
		switch {
		case len(names) > 0:
			signing, err := a.direct(ctx, p, fqdn, dns.TypeDS)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			seen++
			z.parent = names
			ds = dsIn(append(signing.Answer, signing.Ns...), fqdn)
			for _, rr := range reply.Extra {
				if g, ok := rr.(*dns.A); ok {
					if ip, ok := netip.AddrFromSlice(g.A); ok {
						glue[bare(g.Hdr.Name)] = ip.Unmap()
					}
				}
			}
		case reply.Authoritative && (reply.Rcode == dns.RcodeNameError || reply.Rcode == dns.RcodeSuccess):
			seen++
			gone++
		default:
			errs = append(errs, fmt.Errorf("a name server of the registry answers %s", dns.RcodeToString[reply.Rcode]))
		}
	}
	switch {
	case seen == 0:
		return zone{err: errors.Join(errs...)}
	case gone == seen && (gone >= parentsAsked || len(parents) == 1):
		return zone{gone: true}
	case gone > 0 && len(z.parent) == 0:
		return zone{err: errors.Join(append(errs, errors.New("only one of the registry's name servers could be asked"))...)}
	}
	z.signed = len(ds) > 0
	names := z.parent[:min(len(z.parent), serversLimit)]
	z.servers = make([]server, len(names))
	var all sync.WaitGroup
	for i, ns := range names {
		all.Go(func() { z.servers[i] = a.server(ctx, fqdn, ns, glue[ns], ds, now) })
	}
	all.Wait()
	if !slices.ContainsFunc(z.servers, func(s server) bool { return s.fault != silent && s.fault != unasked && s.fault != nowhere }) {
		// Where none can be reached it is rather the way there.
		z.err = errors.New("none of its name servers can be reached from here")
	}
	return z
}

// parents are addresses of the servers of the zone above a name.
func (a asker) parents(ctx context.Context, fqdn string) ([]netip.Addr, error) {
	above := fqdn
	for {
		i, end := dns.NextLabel(above, 0)
		if end {
			return nil, errors.New("no zone above it was found")
		}
		above = above[i:]
		reply, err := a.recurse(ctx, above, dns.TypeNS)
		if err != nil {
			return nil, err
		}
		names := namesIn(reply.Answer, above)
		if len(names) == 0 {
			continue
		}
		var addrs []netip.Addr
		for _, n := range names {
			if len(addrs) > parentsAsked {
				break
			}
			if ip, err := a.address(ctx, n); err == nil && ip.IsValid() {
				addrs = append(addrs, ip)
			}
		}
		if len(addrs) == 0 {
			return nil, errors.New("no name server of the registry has an address")
		}
		return addrs, nil
	}
}

// server asks one name server about a domain.
func (a asker) server(ctx context.Context, fqdn, ns string, ip netip.Addr, ds []*dns.DS, now time.Time) server {
	s := server{name: ns}
	if !ip.IsValid() {
		var err error
		if ip, err = a.address(ctx, ns); err != nil {
			s.fault = unasked
			return s
		}
		if !ip.IsValid() {
			s.fault = nowhere
			return s
		}
	}
	soa, err := a.direct(ctx, ip, fqdn, dns.TypeSOA)
	if err != nil {
		s.fault = silent
		var op *net.OpError
		// No time, no IPv6 here, or an address that is not to be asked.
		if ctx.Err() != nil || ip.Is6() || errors.Is(err, registry.ErrPrivate) || errors.As(err, &op) && op.Op == "dial" {
			s.fault = unasked
		}
		return s
	}
	made, ok := soaIn(soa.Answer, fqdn)
	if soa.Rcode != dns.RcodeSuccess || !soa.Authoritative || !ok {
		s.fault = lame
		return s
	}
	s.serial, s.origin = made.Serial, strings.ToLower(made.Ns+" "+made.Mbox)
	if reply, err := a.direct(ctx, ip, fqdn, dns.TypeNS); err == nil {
		s.names = namesIn(reply.Answer, fqdn)
	}
	if len(ds) > 0 {
		keys, err := a.direct(ctx, ip, fqdn, dns.TypeDNSKEY)
		if err != nil {
			s.proof = proof{verdict: untold}
			return s
		}
		s.proof = prove(ds, keys.Answer, soa.Answer, fqdn, now)
	}
	return s
}

// address is an address of a host, IPv4 where it has one; an invalid one where
// it has none.
func (a asker) address(ctx context.Context, host string) (netip.Addr, error) {
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		reply, err := a.recurse(ctx, dns.Fqdn(host), kind)
		if err != nil {
			return netip.Addr{}, err
		}
		for _, rr := range reply.Answer {
			var raw net.IP
			switch r := rr.(type) {
			case *dns.A:
				raw = r.A
			case *dns.AAAA:
				raw = r.AAAA
			}
			if ip, ok := netip.AddrFromSlice(raw); ok {
				return ip.Unmap(), nil
			}
		}
	}
	return netip.Addr{}, nil
}

// recurse asks the machine's own resolvers, one after the other. That a name
// does not exist is an answer; SERVFAIL and the like are none.
func (a asker) recurse(ctx context.Context, fqdn string, kind uint16) (*dns.Msg, error) {
	if a.err != nil {
		return nil, a.err
	}
	q := new(dns.Msg).SetQuestion(fqdn, kind)
	q.SetEdns0(bufferSize, false)
	var errs []error
	for _, resolver := range a.resolvers[:min(len(a.resolvers), 3)] {
		reply, err := exchange(ctx, a.out.near, resolver, q)
		if err == nil && reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
			err = fmt.Errorf("%s for %s %s", dns.RcodeToString[reply.Rcode], fqdn, dns.TypeToString[kind])
		}
		if err == nil {
			return reply, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// direct asks one server what it knows itself.
func (a asker) direct(ctx context.Context, ip netip.Addr, fqdn string, kind uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(fqdn, kind)
	q.RecursionDesired = false
	q.SetEdns0(bufferSize, true)
	return exchange(ctx, a.out.Dial, netip.AddrPortFrom(ip, 53).String(), q)
}

// exchange asks by UDP, twice, and by TCP where the answer does not fit or none
// comes.
func exchange(ctx context.Context, dial registry.Dialer, address string, q *dns.Msg) (*dns.Msg, error) {
	var last error
	for range tries {
		reply, err := once(ctx, dial, "udp", address, q)
		if err == nil && !reply.Truncated {
			return reply, nil
		}
		if last = err; err == nil || ctx.Err() != nil {
			break
		}
	}
	if reply, err := once(ctx, dial, "tcp", address, q); err == nil {
		return reply, nil
	} else if last == nil {
		last = err
	}
	return nil, last
}

func once(ctx context.Context, dial registry.Dialer, network, address string, q *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client := dns.Client{Net: network, Timeout: questionTime, UDPSize: bufferSize}
	reply, _, err := client.ExchangeWithConnContext(ctx, q.Copy(), &dns.Conn{Conn: conn})
	if err != nil {
		return nil, err
	}
	if len(reply.Question) != 1 || !strings.EqualFold(reply.Question[0].Name, q.Question[0].Name) || reply.Question[0].Qtype != q.Question[0].Qtype {
		return nil, errors.New("the answer is to another question")
	}
	return reply, nil
}

// bare is a name in small letters without the last dot.
func bare(fqdn string) string { return strings.TrimSuffix(strings.ToLower(fqdn), ".") }

// namesIn are the name servers of a name among records, sorted.
func namesIn(records []dns.RR, fqdn string) []string {
	var names []string
	for _, rr := range records {
		if ns, ok := rr.(*dns.NS); ok && strings.EqualFold(ns.Hdr.Name, fqdn) {
			names = append(names, bare(ns.Ns))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func dsIn(records []dns.RR, fqdn string) []*dns.DS {
	var found []*dns.DS
	for _, rr := range records {
		if ds, ok := rr.(*dns.DS); ok && strings.EqualFold(ds.Hdr.Name, fqdn) {
			found = append(found, ds)
		}
	}
	return found
}

func soaIn(records []dns.RR, fqdn string) (*dns.SOA, bool) {
	for _, rr := range records {
		if soa, ok := rr.(*dns.SOA); ok && strings.EqualFold(soa.Hdr.Name, fqdn) {
			return soa, true
		}
	}
	return nil, false
}
