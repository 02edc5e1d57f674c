package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of one look at one address (own).
const (
	resolveTimeout   = 8 * time.Second
	connectTimeout   = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	// perFamily is how many addresses of one family are looked at.
	perFamily = 4
	// chainLimit is how many certificates of an answer are read; honest chains
	// have two to four.
	chainLimit = 10
)

// A target is where to connect.
type target struct {
	host, port string
	// service is what is spoken there.
	service service
	// set tells that the address is not the domain's own, but [server] address.
	set bool
}

func targetOf(domain, address string) target {
	if address == "" {
		return target{host: domain, port: httpsPort}
	}
	if h, p, err := net.SplitHostPort(address); err == nil {
		return target{host: h, port: p, set: true}
	}
	return target{host: strings.Trim(address, "[]"), port: httpsPort, set: true}
}

// noAddress is the answer of a resolver that works: there is no such name, or
// it has no address.
type noAddress struct{ err error }

func (e *noAddress) Error() string { return e.err.Error() }
func (e *noAddress) Unwrap() error { return e.err }

// resolve returns a handful of addresses, IPv4 first, always in the same order.
// An error other than *noAddress is the resolver's own trouble.
func (t target) resolve(ctx context.Context, r *net.Resolver) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(t.host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := r.LookupNetIP(ctx, "ip", t.host)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return nil, &noAddress{err}
	}
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", t.host, err)
	}
	return handful(found), nil
}

// handful sorts addresses, drops doubles, and keeps a few of each family.
func handful(found []netip.Addr) []netip.Addr {
	all := make([]netip.Addr, 0, len(found))
	for _, a := range found {
		all = append(all, a.Unmap())
	}
	slices.SortFunc(all, netip.Addr.Compare) // IPv4 comes first
	all = slices.Compact(all)
	var few []netip.Addr
	count := map[bool]int{}
	for _, a := range all {
		if count[a.Is6()]++; count[a.Is6()] <= perFamily {
			few = append(few, a)
		}
	}
	return few
}

// A view is what one address showed.
type view struct {
	addr  netip.Addr
	chain []*x509.Certificate // as sent, the server's own first; nil without a handshake
	took  time.Duration       // of the TLS handshake
	fault trouble             // why there is no chain
	alert string              // what the server, or the handshake, said
	err   error
}

// trouble says why a handshake did not come about.
type trouble int

const (
	none       trouble = iota
	noRoute            // this machine has no way there: nothing is known of the server
	refused            // nobody listens
	noAnswer           // no answer to the connection
	noHost             // a router on the way says that there is no way to that machine
	mute               // connected, and then silence
	hungUp             // connected, and cut before the handshake was done
	alerted            // the server refuses by an alert
	notTLS             // something else is spoken there
	oldTLS             // only versions that no client accepts
	unfit              // any other fault of the handshake
	nameless           // the name has no address
	noStartTLS         // a mail server does not change to TLS
)

// look opens one connection to each address, all at once.
func (t target) look(ctx context.Context, name string, addrs []netip.Addr) []view {
	views := make([]view, len(addrs))
	var all sync.WaitGroup
	for i, a := range addrs {
		all.Go(func() { views[i] = t.lookAt(ctx, name, a) })
	}
	all.Wait()
	return views
}

func (t target) lookAt(ctx context.Context, name string, addr netip.Addr) view {
	v := view{addr: addr}
	dialer := net.Dialer{Timeout: connectTimeout}
	raw, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), t.port))
	if err != nil {
		v.err, v.fault = err, connectTrouble(err)
		return v
	}
	defer func() { _ = raw.Close() }()
	// Verified by hand, so that the fault can be named; nothing is sent. There is
	// no session cache, so each handshake is a whole one.
	conn := tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := startTLS(ctx, raw, t.service); err != nil {
		v.err = err
		v.fault, v.alert = handshakeTrouble(err)
		return v
	}
	began := time.Now()
	if err := conn.HandshakeContext(ctx); err != nil {
		v.err = err
		v.fault, v.alert = handshakeTrouble(err)
		return v
	}
	v.took = time.Since(began)
	farewell(conn, t.service)
	v.chain = conn.ConnectionState().PeerCertificates
	v.chain = v.chain[:min(len(v.chain), chainLimit)]
	return v
}

// connectTrouble names why a connection did not come about.
func connectTrouble(err error) trouble {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL),
		errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.ENETDOWN),
		errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM): // a firewall of this machine's
		return noRoute
	case errors.Is(err, syscall.EHOSTUNREACH):
		return noHost
	case errors.As(err, &timeout) && timeout.Timeout():
		return noAnswer
	}
	return noAnswer
}

// handshakeTrouble names why a handshake did not come about, with the server's
// own word where there is one.
func handshakeTrouble(err error) (t trouble, word string) {
	var (
		op      *net.OpError
		record  tls.RecordHeaderError
		timeout net.Error
		refused *refusal
	)
	switch {
	case errors.As(err, &refused):
		return noStartTLS, refused.word
	case errors.As(err, &op) && op.Op == "remote error":
		word = strings.TrimPrefix(op.Err.Error(), "tls: ")
		if strings.Contains(word, "protocol version") {
			return oldTLS, ""
		}
		return alerted, word
	case errors.As(err, &record):
		return notTLS, ""
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return hungUp, ""
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return mute, ""
	case strings.Contains(err.Error(), "unsupported protocol version"):
		return oldTLS, ""
	}
	return unfit, strings.TrimPrefix(err.Error(), "tls: ")
}

// nothingReached tells that this machine has no way to any of the addresses.
func nothingReached(views []view) bool {
	for _, v := range views {
		if v.fault != noRoute {
			return false
		}
	}
	return len(views) > 0
}
