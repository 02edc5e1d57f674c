package mail

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A zone is a DNS server on loopback with what a test has put into it.
type zone struct {
	addr string

	mu      sync.Mutex
	txt     map[string][]string
	a       map[string][]string
	mx      map[string][]string
	ptr     map[string][]string
	dead    map[string]bool // names that fail
	counted map[string]int  // questions by name
}

// serve begins with a domain for which all is well.
func serve(t *testing.T) *zone {
	t.Helper()
	z := &zone{
		txt: map[string][]string{
			"lab.test":        {"google-site-verification=x", "v=spf1 mx -all"},
			"_dmarc.lab.test": {"v=DMARC1; p=none"},
		},
		mx:   map[string][]string{"lab.test": {"mail.lab.test"}},
		a:    map[string][]string{"mail.lab.test": {"198.51.100.25"}},
		ptr:  map[string][]string{},
		dead: map[string]bool{}, counted: map[string]int{},
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z.addr = conn.LocalAddr().String()
	var all sync.WaitGroup
	all.Go(func() {
		b := make([]byte, 4096)
		for {
			n, who, err := conn.ReadFrom(b)
			if err != nil {
				return // it was closed
			}
			if answer := z.answer(b[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, who)
			}
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		all.Wait()
	})
	return z
}

func (z *zone) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", z.addr)
	}}
}

// set changes what is in the zone.
func (z *zone) set(f func(*zone)) {
	z.mu.Lock()
	defer z.mu.Unlock()
	f(z)
}

// asked counts the questions.
func (z *zone) asked() int {
	z.mu.Lock()
	defer z.mu.Unlock()
	n := 0
	for _, one := range z.counted {
		n += one
	}
	return n
}

func (z *zone) answer(question []byte) []byte {
	z.mu.Lock()
	defer z.mu.Unlock()
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	z.counted[name]++
	if z.dead[name] || z.dead["*"] {
		m.RCode = dnsmessage.RCodeServerFailure
	} else {
		m.Answers = z.records(q, name)
		if _, a := z.a[name]; len(m.Answers) == 0 && !a && len(z.txt[name])+len(z.mx[name])+len(z.ptr[name]) == 0 {
			m.RCode = dnsmessage.RCodeNameError
		}
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

func (z *zone) records(q dnsmessage.Question, name string) []dnsmessage.Resource {
	var out []dnsmessage.Resource
	add := func(b dnsmessage.ResourceBody) {
		out = append(out, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 1}, Body: b})
	}
	switch q.Type {
	case dnsmessage.TypeTXT:
		for _, s := range z.txt[name] {
			var parts []string
			for ; len(s) > 255; s = s[255:] {
				parts = append(parts, s[:255])
			}
			add(&dnsmessage.TXTResource{TXT: append(parts, s)})
		}
	case dnsmessage.TypeMX:
		for _, host := range z.mx[name] {
			add(&dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(strings.TrimSuffix(host, ".") + ".")})
		}
	case dnsmessage.TypePTR:
		for _, host := range z.ptr[name] {
			add(&dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(host + ".")})
		}
	case dnsmessage.TypeA:
		for _, s := range z.a[name] {
			if ip := netip.MustParseAddr(s); ip.Is4() {
				add(&dnsmessage.AResource{A: ip.As4()})
			}
		}
	}
	return out
}
