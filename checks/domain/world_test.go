package domain

import (
	"bufio"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/registry"
	"github.com/sababan/sababan/checks/site"
)

// A world is the network outside, on loopback: whatever is dialled leads to
// one of the test's own servers, or nowhere.
type world struct {
	ca *checkstest.CA

	mu    sync.Mutex
	to    map[string]string
	asked map[string]int // questions to registries, by server
	rdap  http.HandlerFunc
	whois map[string]func(question string) string

	resolver *records
	parent   *records
	ns       [2]*records
	key      *dns.DNSKEY
	signer   crypto.Signer
}

const (
	zoneName = "example.com."
	rdapHost = "rdap.registry.example"
)

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	to, ok := w.to[address]
	w.mu.Unlock()
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("no route to " + address)}
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

func (w *world) route(address, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to[address] = to
}

func (w *world) cut(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.to, address)
}

func (w *world) count(server string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[server]++
}

func (w *world) times(server string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[server]
}

func (w *world) ends() ends {
	return ends{
		Ends:      registry.Ends{Bootstrap: "https://" + rdapHost + "/dns.json", WHOIS: "whois.iana.org:43", Dial: w.dial, Roots: w.ca.Roots()},
		near:      w.dial,
		resolvers: func() ([]string, error) { return []string{"resolver:53"}, nil },
	}
}

// newWorld is one in which all is well with example.com: registered for a year,
// two name servers of one mind, signed.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{ca: checkstest.NewCA(t, "Root"), to: map[string]string{}, asked: map[string]int{}, whois: map[string]func(string) string{}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dns.json" {
			w.count("list")
			_, _ = fmt.Fprintf(out, `{"version":"1.0","services":[[["com","org"],["https://%s/rdap/"]],[["net"],["http://plain.example/"]],[["dev"],["https://%s/dev"]]]}`, rdapHost, rdapHost)
			return
		}
		w.count("rdap")
		w.mu.Lock()
		h := w.rdap
		w.mu.Unlock()
		h(out, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{w.ca.Issue(t, checkstest.Leaf{Names: []string{rdapHost}}).TLS()}}
	server.StartTLS()
	t.Cleanup(server.Close)
	w.route(rdapHost+":443", server.Listener.Addr().String())
	w.answer(rdapAnswer("example.com", time.Now().AddDate(1, 0, 0), "active"))
	w.serveWHOIS(t, "whois.iana.org", func(tld string) string {
		switch tld {
		case "jp":
			return "% own words\n\ndomain:       JP\n\nrefer:        whois.jprs.jp\n\nwhois:        whois.jprs.jp\n"
		case "net":
			return "refer:        whois.net.example\n"
		}
		return "domain:       " + tld + "\nwhois:\n\nstatus:       ACTIVE\n"
	})
	w.serveDNS(t)
	w.serveWeb(t, "Let's Encrypt", "social.example.com", "example.com")
	return w
}

func (w *world) answer(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rdap = h
}

// rdapAnswer is an answer in the shape of RFC 9083.
func rdapAnswer(name string, expires time.Time, status ...string) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/rdap/domain/"+name || !strings.Contains(r.Header.Get("Accept"), "application/rdap+json") {
			http.NotFound(out, r)
			return
		}
		events := `{"eventAction":"registration","eventDate":"2017-04-01T10:00:00Z"}`
		if !expires.IsZero() {
			events += fmt.Sprintf(`,{"eventAction":"expiration","eventDate":%q}`, expires.UTC().Format(time.RFC3339))
		}
		out.Header().Set("Content-Type", "application/rdap+json")
		_, _ = fmt.Fprintf(out, `{"objectClassName":"domain","ldhName":%q,"status":["%s"],"events":[%s],
			"entities":[{"objectClassName":"entity","roles":["registrar"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Own Names Ltd"]]]}]}`,
			strings.ToUpper(name), strings.Join(status, `","`), events)
	}
}

// serveWHOIS is a server that says what a function makes of the question.
func (w *world) serveWHOIS(t *testing.T, host string, say func(question string) string) {
	t.Helper()
	w.serveTCP(t, host+":43", func(conn net.Conn) {
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			return
		}
		w.count(host)
		_, _ = conn.Write([]byte(say(strings.TrimRight(line, "\r\n"))))
	})
}

func (w *world) serveTCP(t *testing.T, address string, serve func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	w.route(address, l.Addr().String())
}

// serveWeb is a host with a certificate of some authority.
func (w *world) serveWeb(t *testing.T, organization string, hosts ...string) {
	t.Helper()
	maker := w.ca.IntermediateUntil(t, pkix.Name{Organization: []string{organization}, CommonName: "X1"}, time.Now().AddDate(2, 0, 0))
	cert := maker.Issue(t, checkstest.Leaf{Names: hosts}).TLS()
	for _, host := range hosts {
		w.serveTCP(t, host+":443", func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake()
		})
	}
}

// records are what one name server says.
type records struct {
	mu   sync.Mutex
	sets map[string][]dns.RR // by name and type
	// how it answers otherwise
	rcode     int
	mute      bool
	resolving bool
	truncate  bool
	// refers holds the delegation that it answers with where it is not asked for DS.
	refers []dns.RR
}

func rr(t *testing.T, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func setKey(name string, kind uint16) string { return strings.ToLower(name) + dns.TypeToString[kind] }

// set replaces what it says of one name and type.
func (r *records) set(t *testing.T, name string, kind uint16, texts ...string) {
	t.Helper()
	var all []dns.RR
	for _, text := range texts {
		all = append(all, rr(t, name+" 300 IN "+dns.TypeToString[kind]+" "+text))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sets[setKey(name, kind)] = all
}

func (r *records) change(f func(*records)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

func (r *records) ServeDNS(out dns.ResponseWriter, q *dns.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mute {
		return
	}
	m := new(dns.Msg).SetReply(q)
	m.Rcode = r.rcode
	name, kind := q.Question[0].Name, q.Question[0].Qtype
	switch {
	case r.rcode != dns.RcodeSuccess:
		m.Authoritative = r.rcode == dns.RcodeNameError
	case len(r.refers) > 0 && kind != dns.TypeDS:
		m.Ns = r.refers
	default:
		m.Answer, m.Authoritative = r.sets[setKey(name, kind)], !r.resolving
		if r.truncate && out.LocalAddr().Network() == "udp" {
			m.Answer, m.Truncated = nil, true
		}
	}
	_ = out.WriteMsg(m)
}

// listen serves by UDP and TCP at one port.
func (w *world) listen(t *testing.T, address string, h dns.Handler) {
	t.Helper()
	var l net.Listener
	var p net.PacketConn
	for range 20 {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if p, err = net.ListenPacket("udp", l.Addr().String()); err == nil {
			break
		}
		_ = l.Close() // somebody has that one
	}
	if p == nil {
		t.Fatal("no port for both UDP and TCP")
	}
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	for _, s := range []*dns.Server{{Listener: l, Handler: h}, {PacketConn: p, Handler: h}} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		all.Go(func() { _ = s.ActivateAndServe() })
		<-up
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	w.route(address, l.Addr().String())
}

func (w *world) serveDNS(t *testing.T) {
	t.Helper()
	make := func(address string) *records {
		r := &records{sets: map[string][]dns.RR{}}
		w.listen(t, address, r)
		return r
	}
	w.resolver, w.parent = make("resolver:53"), make("192.0.2.1:53")
	w.route("192.0.2.2:53", w.to["192.0.2.1:53"]) // the registry has two
	w.ns[0], w.ns[1] = make("192.0.2.11:53"), make("192.0.2.12:53")
	w.resolver.resolving = true
	w.resolver.set(t, "com.", dns.TypeNS, "a.registry.example.", "b.registry.example.")
	w.resolver.set(t, "a.registry.example.", dns.TypeA, "192.0.2.1")
	w.resolver.set(t, "b.registry.example.", dns.TypeA, "192.0.2.2")
	w.resolver.set(t, "ns1.hoster.example.", dns.TypeA, "192.0.2.11")
	w.resolver.set(t, "ns2.hoster.example.", dns.TypeA, "192.0.2.12")

	w.key = &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: zoneName, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := w.key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	w.signer = private.(crypto.Signer)
	w.delegate(t, "ns1.hoster.example.", "ns2.hoster.example.")
	w.publishDS(w.key.ToDS(dns.SHA256))
	w.sign(t, 0, 7, -time.Hour, 14*day)
	w.sign(t, 1, 7, -time.Hour, 14*day)
}

// delegate makes the registry name these servers.
func (w *world) delegate(t *testing.T, names ...string) {
	t.Helper()
	var refers []dns.RR
	for _, n := range names {
		refers = append(refers, rr(t, zoneName+" 300 IN NS "+n))
	}
	w.parent.change(func(r *records) { r.refers, r.rcode = refers, dns.RcodeSuccess })
}

func (w *world) publishDS(all ...*dns.DS) {
	w.parent.change(func(r *records) {
		r.sets[setKey(zoneName, dns.TypeDS)] = nil
		for _, ds := range all {
			r.sets[setKey(zoneName, dns.TypeDS)] = append(r.sets[setKey(zoneName, dns.TypeDS)], ds)
		}
	})
}

const day = 24 * time.Hour

// sign puts a zone onto one name server, signed from and to a while from now.
func (w *world) sign(t *testing.T, server, serial int, from, to time.Duration) {
	t.Helper()
	soa := rr(t, fmt.Sprintf("%s 300 IN SOA ns1.hoster.example. hostmaster.example.com. %d 3600 600 86400 300", zoneName, serial))
	ns := []dns.RR{rr(t, zoneName+" 300 IN NS ns1.hoster.example."), rr(t, zoneName+" 300 IN NS NS2.Hoster.example.")}
	signed := func(set ...dns.RR) []dns.RR {
		sig := &dns.RRSIG{
			Algorithm: w.key.Algorithm, KeyTag: w.key.KeyTag(), SignerName: zoneName,
			Inception: uint32(time.Now().Add(from).Unix()), Expiration: uint32(time.Now().Add(to).Unix()),
		}
		if err := sig.Sign(w.signer, set); err != nil {
			t.Fatal(err)
		}
		return append(set, sig)
	}
	w.ns[server].change(func(r *records) {
		r.sets[setKey(zoneName, dns.TypeSOA)] = signed(soa)
		r.sets[setKey(zoneName, dns.TypeNS)] = signed(ns...)
		r.sets[setKey(zoneName, dns.TypeDNSKEY)] = signed(w.key)
	})
}

// siteOf is the installation of the test, with settings of its own.
func siteOf(t *testing.T, domain, settings string) *site.Site {
	t.Helper()
	root := t.TempDir()
	path := filepath.Join(root, "etc/sababan/site.env")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := site.New(site.Config{Domain: domain, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// A scene is a check in a world, with its past and its clock.
type scene struct {
	kind  checks.Kind
	check *check
	past  *checkstest.Past
	now   time.Time
}

func newScene(t *testing.T, w *world, s *site.Site, table checkstest.Table) *scene {
	t.Helper()
	k := kind(s, w.ends())
	return &scene{kind: k, check: checkstest.Make(t, k, table).(*check), past: &checkstest.Past{}, now: time.Now()}
}

// look looks, and a day passes.
func (s *scene) look(t *testing.T) checks.Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.kind.Timeout)
	defer cancel()
	o, err := s.check.look(ctx, s.past, s.now)
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, s.kind, o)
	s.past.Record(o, s.now)
	s.now = s.now.Add(day)
	return o
}

// has asserts that there is one finding, or none where the code is "".
func (s *scene) has(t *testing.T, o checks.Observation, code, subject string, severity checks.Severity, words ...string) checks.Finding {
	t.Helper()
	if code == "" {
		if len(o.Findings) > 0 || len(o.Blind) > 0 {
			t.Errorf("found %+v, blind %+v", o.Findings, o.Blind)
		}
		return checks.Finding{}
	}
	f, ok := checkstest.Find(o, code, subject)
	if !ok || len(o.Findings) != 1 || f.Severity != severity {
		t.Errorf("want one %v %s %s, got %+v, blind %+v", severity, code, subject, o.Findings, o.Blind)
	}
	for _, word := range words {
		if !strings.Contains(f.Text.En+"\n"+f.Text.Ja+"\n"+f.Advice.Text.En+"\n"+f.Advice.Text.Ja, word) {
			t.Errorf("%q is not said in:\n%s\n%s\n%s\n%s", word, f.Text.En, f.Text.Ja, f.Advice.Text.En, f.Advice.Text.Ja)
		}
	}
	return f
}
