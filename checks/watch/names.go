package watch

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/sababan/sababan/checks"
)

const (
	// resolveTime bounds the search for one name, queryTime one question (own).
	resolveTime = 5 * time.Second
	queryTime   = 2 * time.Second
	// serversAsked bounds the name servers that are asked (as resolv.conf(5)).
	serversAsked = 3
	// unknownTTL is for how long an answer is kept that does not say (own), and
	// longestTTL bounds what one may say.
	unknownTTL = time.Minute
	longestTTL = 24 * time.Hour
	// answerLimit bounds an answer, in bytes: what UDP can carry.
	answerLimit = 64 << 10
	// resolvConf names the name servers, and bytes that are read of it.
	resolvConf      = "/etc/resolv.conf"
	resolvConfLimit = 64 << 10
)

// A resolver asks the machine's own name servers, for only they tell how long
// an answer may be kept: the standard library's resolver keeps that to itself.
// Where they cannot be asked, that one is.
type resolver struct{ conf, port string }

// Lookup returns the addresses of a name, and for how long they may be kept.
func (r resolver) Lookup(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	for range 2 {
		for _, server := range r.servers() {
			addrs, ttl, err := r.ask(ctx, server, host)
			var dns *net.DNSError
			if err == nil || errors.As(err, &dns) && dns.IsNotFound {
				return addrs, ttl, err
			}
			if ctx.Err() != nil {
				return nil, 0, err
			}
		}
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return addrs, unknownTTL, err
}

func (r resolver) servers() []string {
	f, err := checks.OpenFile(r.conf)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, resolvConfLimit))
	if err != nil {
		return nil
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "nameserver" || len(list) >= serversAsked {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil {
			list = append(list, net.JoinHostPort(a.String(), r.port))
		}
	}
	return list
}

// ask asks one server for both kinds of addresses at once.
func (r resolver) ask(ctx context.Context, server, host string) ([]netip.Addr, time.Duration, error) {
	var v4, v6 answer
	var err4, err6 error
	var both sync.WaitGroup
	both.Go(func() { v4, err4 = query(ctx, server, host, dnsmessage.TypeA) })
	both.Go(func() { v6, err6 = query(ctx, server, host, dnsmessage.TypeAAAA) })
	both.Wait()
	addrs := append(v4.addrs, v6.addrs...)
	switch {
	case len(addrs) == 0 && err4 != nil:
		return nil, 0, err4
	case len(addrs) == 0 && err6 != nil:
		return nil, 0, err6
	case len(addrs) == 0:
		return nil, 0, notFound(host, server)
	}
	ttl := longestTTL
	for _, a := range []answer{v4, v6} {
		if len(a.addrs) > 0 {
			ttl = min(ttl, a.ttl)
		}
	}
	return addrs, ttl, nil
}

func notFound(host, server string) error {
	return &net.DNSError{Err: "no such host", Name: host, Server: server, IsNotFound: true}
}

// An answer is addresses, and the shortest life of all that led to them.
type answer struct {
	addrs []netip.Addr
	ttl   time.Duration
}

func query(ctx context.Context, server, host string, kind dnsmessage.Type) (answer, error) {
	name, err := dnsmessage.NewName(host + ".")
	if err != nil {
		return answer{}, notFound(host, server)
	}
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	q := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:]), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := q.Pack()
	if err != nil {
		return answer{}, fmt.Errorf("dns: %w", err)
	}
	for _, network := range []string{"udp", "tcp"} {
		raw, err := exchange(ctx, network, server, packed)
		if err != nil {
			return answer{}, &net.DNSError{Err: err.Error(), Name: host, Server: server, IsTemporary: true, IsTimeout: errors.Is(err, os.ErrDeadlineExceeded)}
		}
		a, cut, err := parse(raw, q)
		if err != nil {
			return answer{}, &net.DNSError{Err: err.Error(), Name: host, Server: server, IsTemporary: !errors.Is(err, errNoName), IsNotFound: errors.Is(err, errNoName)}
		}
		if !cut {
			return a, nil
		}
	}
	return answer{}, &net.DNSError{Err: "the answer is cut off", Name: host, Server: server, IsTemporary: true}
}

// exchange sends a question and reads the answer; over TCP both are led by
// their length.
func exchange(ctx context.Context, network, server string, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if network == "udp" {
		if _, err := conn.Write(question); err != nil {
			return nil, err
		}
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		return buf[:n], err
	}
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(question))), question...)
	if _, err := conn.Write(framed); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	buf := make([]byte, min(int(binary.BigEndian.Uint16(size[:])), answerLimit))
	_, err = io.ReadFull(conn, buf)
	return buf, err
}

var (
	errNoName  = errors.New("no such host")
	errForeign = errors.New("an answer to another question")
	errServer  = errors.New("the name server could not answer")
)

// parse reads an answer; cut tells that there is more of it over TCP.
func parse(raw []byte, q dnsmessage.Message) (a answer, cut bool, err error) {
	var p dnsmessage.Parser
	head, err := p.Start(raw)
	if err != nil {
		return a, false, err
	}
	asked, err := p.Question()
	if err != nil || head.ID != q.ID || !head.Response || asked.Type != q.Questions[0].Type ||
		!strings.EqualFold(asked.Name.String(), q.Questions[0].Name.String()) {
		return a, false, errForeign
	}
	switch {
	case head.RCode == dnsmessage.RCodeNameError:
		return a, false, errNoName
	case head.RCode != dnsmessage.RCodeSuccess:
		return a, false, errServer
	case head.Truncated:
		return a, true, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return a, false, err
	}
	a.ttl = longestTTL
	for {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return a, false, nil
		}
		if err != nil {
			return a, false, err
		}
		switch h.Type {
		case dnsmessage.TypeA:
			r, err := p.AResource()
			if err != nil {
				return a, false, err
			}
			a.addrs = append(a.addrs, netip.AddrFrom4(r.A))
		case dnsmessage.TypeAAAA:
			r, err := p.AAAAResource()
			if err != nil {
				return a, false, err
			}
			a.addrs = append(a.addrs, netip.AddrFrom16(r.AAAA))
		default:
			if err := p.SkipAnswer(); err != nil {
				return a, false, err
			}
		}
		// An alias on the way ends with its own life.
		a.ttl = min(a.ttl, time.Duration(h.TTL)*time.Second)
	}
}
