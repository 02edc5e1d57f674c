package watch

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A nameserver answers over UDP and TCP on one port of loopback.
type nameserver struct {
	mu     sync.Mutex
	answer func(q dnsmessage.Question, tcp bool) dnsmessage.Message
	asked  int
}

func (n *nameserver) reply(raw []byte, tcp bool) []byte {
	var q dnsmessage.Message
	if q.Unpack(raw) != nil || len(q.Questions) != 1 {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	m := n.answer(q.Questions[0], tcp)
	if m.ID == 0 {
		m.ID = q.ID
	}
	m.Response, m.Questions = true, q.Questions
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// startNames returns a resolver that asks it.
func startNames(t *testing.T, answer func(q dnsmessage.Question, tcp bool) dnsmessage.Message) (resolver, *nameserver) {
	t.Helper()
	n := &nameserver{answer: answer}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buf := make([]byte, 4096)
		for {
			size, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := n.reply(buf[:size], false); out != nil {
				_, _ = u.WriteTo(out, from)
			}
		}
	})
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var size [2]byte
			if _, err := io.ReadFull(c, size[:]); err == nil {
				raw := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(c, raw); err == nil {
					out := n.reply(raw, true)
					_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
				}
			}
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); _ = u.Close(); serving.Wait() })
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte("# by hand\nsearch test\nnameserver 127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return resolver{conf, port}, n
}

func record(name string, ttl uint32, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: ttl}, Body: body}
}

func TestAnAnswerIsKeptAsLongAsTheShortestLifeOnTheWay(t *testing.T) {
	r, n := startNames(t, func(q dnsmessage.Question, _ bool) dnsmessage.Message {
		switch q.Type {
		case dnsmessage.TypeA:
			return dnsmessage.Message{Answers: []dnsmessage.Resource{
				record("a.test.", 120, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("b.test.")}),
				record("b.test.", 3600, &dnsmessage.AResource{A: [4]byte{5, 9, 1, 1}}),
			}}
		default:
			return dnsmessage.Message{Answers: []dnsmessage.Resource{
				record("a.test.", 300, &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("2a01:4f8::1").As16()}),
			}}
		}
	})
	addrs, ttl, err := r.Lookup(t.Context(), "a.test")
	if err != nil || len(addrs) != 2 || ttl != 2*time.Minute {
		t.Errorf("%v for %v, %v", addrs, ttl, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked != 2 {
		t.Errorf("asked %d times", n.asked)
	}
}

func TestAnAnswerThatIsTooLongForUDPIsAskedForByTCP(t *testing.T) {
	r, _ := startNames(t, func(q dnsmessage.Question, tcp bool) dnsmessage.Message {
		if !tcp {
			return dnsmessage.Message{Header: dnsmessage.Header{Truncated: true}}
		}
		if q.Type != dnsmessage.TypeA {
			return dnsmessage.Message{}
		}
		return dnsmessage.Message{Answers: []dnsmessage.Resource{record("a.test.", 60, &dnsmessage.AResource{A: [4]byte{5, 9, 1, 1}})}}
	})
	addrs, ttl, err := r.Lookup(t.Context(), "a.test")
	if err != nil || len(addrs) != 1 || ttl != time.Minute {
		t.Errorf("%v for %v, %v", addrs, ttl, err)
	}
}

func TestANameThatIsNoneAndAServerThatIsIllAreTwoThings(t *testing.T) {
	r, _ := startNames(t, func(dnsmessage.Question, bool) dnsmessage.Message {
		return dnsmessage.Message{Header: dnsmessage.Header{RCode: dnsmessage.RCodeNameError}}
	})
	var dns *net.DNSError
	if _, _, err := r.Lookup(t.Context(), "a.test"); !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("%v", err)
	}
	for name, m := range map[string]dnsmessage.Message{
		"it fails":                {Header: dnsmessage.Header{RCode: dnsmessage.RCodeServerFailure}},
		"it answers another":      {Header: dnsmessage.Header{ID: 1}},
		"it refuses to be asked":  {Header: dnsmessage.Header{RCode: dnsmessage.RCodeRefused}},
		"it does not know enough": {Header: dnsmessage.Header{RCode: dnsmessage.RCodeFormatError}},
	} {
		r, _ := startNames(t, func(dnsmessage.Question, bool) dnsmessage.Message { return m })
		server := r.servers()[0]
		if _, _, err := r.ask(t.Context(), server, "a.test"); !errors.As(err, &dns) || dns.IsNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestANameWithoutAddressesIsNone(t *testing.T) {
	r, _ := startNames(t, func(dnsmessage.Question, bool) dnsmessage.Message { return dnsmessage.Message{} })
	var dns *net.DNSError
	if _, _, err := r.Lookup(t.Context(), "a.test"); !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("%v", err)
	}
	if _, _, err := r.Lookup(t.Context(), strings.Repeat("a", 260)); !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("%v", err)
	}
}
