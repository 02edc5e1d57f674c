package federation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func addr(t testing.TB, s string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A fediverse is other people's servers: their names lead to public addresses,
// and connections to those end at real servers on loopback.
type fediverse struct {
	t      testing.TB
	ca     *checkstest.CA
	mu     sync.Mutex
	names  map[string][]netip.Addr
	faults map[string]error      // of names
	behind map[netip.Addr]string // where a connection really goes
	broken map[netip.Addr]error  // what comes of it instead
	asked  map[string]int        // connections, by name
	next   int
}

func newFediverse(t testing.TB) *fediverse {
	return &fediverse{
		t: t, ca: checkstest.NewCA(t.(*testing.T), "Root of the others"),
		names: map[string][]netip.Addr{}, faults: map[string]error{}, behind: map[netip.Addr]string{}, broken: map[netip.Addr]error{}, asked: map[string]int{},
	}
}

func (f *fediverse) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[host]++
	if err := f.faults[host]; err != nil {
		return nil, err
	}
	if all, ok := f.names[host]; ok {
		return all, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (f *fediverse) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	where, fault := f.behind[to.Addr()], f.broken[to.Addr()]
	f.mu.Unlock()
	if fault != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fault}
	}
	if where == "" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	var d net.Dialer
	return d.DialContext(ctx, network, where)
}

// address gives a name an address of its own.
func (f *fediverse) address(name string) netip.Addr {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	a := netip.AddrFrom4([4]byte{5, 9, byte(f.next), 1})
	f.names[name] = []netip.Addr{a}
	return a
}

// serve puts a server behind a name.
func (f *fediverse) serve(name string, cert *checkstest.Certificate, h http.Handler) {
	f.t.Helper()
	t := f.t.(*testing.T)
	if cert == nil {
		c := f.ca.Issue(t, checkstest.Leaf{Names: []string{name}})
		cert = &c
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert.TLS()}}
	s.StartTLS()
	t.Cleanup(s.Close)
	a := f.address(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behind[a] = s.Listener.Addr().String()
}

// raw puts something behind a name that need not be a web server.
func (f *fediverse) raw(name string, handle func(net.Conn)) {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { handle(conn); _ = conn.Close() })
		}
	})
	f.t.(*testing.T).Cleanup(func() { _ = l.Close(); serving.Wait() })
	a := f.address(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behind[a] = l.Addr().String()
}

func (f *fediverse) surveyor() *surveyor {
	return &surveyor{
		network: f, roots: f.ca.Roots(), agent: "sababan (+https://masto.test/)", now: time.Now,
		others: func() *x509.CertPool { return nil },
	}
}

// well answers as Mastodon does.
func well(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/.well-known/nodeinfo" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://x/nodeinfo/2.0"}]}`)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
}

func TestEachServerIsToldFromTheOthers(t *testing.T) {
	f := newFediverse(t)
	strange := checkstest.NewCA(t, "Somebody's root")
	middle := f.ca.Intermediate(t, "An intermediate")
	cert := func(c checkstest.Certificate) *checkstest.Certificate { return &c }
	incomplete := middle.Issue(t, checkstest.Leaf{Names: []string{"incomplete.example"}})
	incomplete.Above = nil
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })

	f.serve("well.example", nil, http.HandlerFunc(well))
	f.serve("elsewhere.example", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://well.example"+r.URL.Path, http.StatusFound)
	}))
	f.serve("webfinger.example", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/webfinger" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":"no such account"}`)
			return
		}
		http.NotFound(w, r)
	}))
	f.serve("forbidden.example", nil, status(http.StatusForbidden))
	f.serve("toooften.example", nil, status(http.StatusTooManyRequests))
	f.serve("gateway.example", nil, status(http.StatusBadGateway))
	f.serve("closed.example", nil, status(http.StatusGone))
	f.serve("parked.example", nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>This domain is for sale</title>")
	}))
	f.serve("challenge.example", nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cf-Mitigated", "challenge")
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Just a moment...</title>")
	}))
	f.serve("loop.example", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://loop.example"+r.URL.Path+"x", http.StatusFound)
	}))
	f.serve("endless.example", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(" ", 64<<10)); err != nil {
				return
			}
		}
	}))
	f.serve("slow.example", nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}))
	f.serve("inward.example", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://10.0.0.1/", http.StatusFound)
	}))
	f.serve("port.example", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://well.example:6379/", http.StatusFound)
	}))
	f.serve("expired.example", cert(f.ca.Issue(t, checkstest.Lifetime(90*24*time.Hour, -time.Hour, "expired.example"))), http.HandlerFunc(well))
	f.serve("othername.example", cert(f.ca.Issue(t, checkstest.Leaf{Names: []string{"other.example"}})), http.HandlerFunc(well))
	f.serve("selfmade.example", cert(checkstest.SelfSigned(t, checkstest.Leaf{Names: []string{"selfmade.example"}})), http.HandlerFunc(well))
	f.serve("strange.example", cert(strange.Issue(t, checkstest.Leaf{Names: []string{"strange.example"}})), http.HandlerFunc(well))
	f.serve("incomplete.example", &incomplete, http.HandlerFunc(well))
	f.raw("reset.example", func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.(*net.TCPConn).SetLinger(0)
	})
	f.raw("hello.example", func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n") })
	f.broken[f.address("refused.example")] = syscall.ECONNREFUSED
	f.broken[f.address("noroute.example")] = syscall.EHOSTUNREACH
	f.broken[f.address("nonet.example")] = syscall.ENETUNREACH
	f.address("dropped.example") // nothing behind it
	f.faults["servfail.example"] = &net.DNSError{Err: "server misbehaving", Name: "servfail.example", IsTemporary: true}
	for name, a := range map[string]string{"loopback.example": "127.0.0.1", "metadata.example": "169.254.169.254", "lan.example": "fd00::1"} {
		f.names[name] = []netip.Addr{addr(t, a)}
	}
	f.names["half.example"] = []netip.Addr{addr(t, "192.168.0.1"), f.names["well.example"][0]} // one of ours among theirs
	f.names["second.example"] = []netip.Addr{f.names["refused.example"][0], f.names["webfinger.example"][0]}

	want := map[string]outcome{
		"well.example": {Kind: there}, "elsewhere.example": {Kind: there}, "webfinger.example": {Kind: there},
		"forbidden.example": {Kind: refusing, Code: 403}, "toooften.example": {Kind: refusing, Code: 429},
		"gateway.example": {Kind: broken, Code: 502}, "closed.example": {Kind: nothing, Code: 410},
		"parked.example": {Kind: nothing, Code: 200}, "challenge.example": {Kind: guarded, Code: 403},
		"loop.example": {Kind: odd}, "endless.example": {Kind: odd}, "slow.example": {Kind: silent},
		"inward.example": {Kind: private}, "port.example": {Kind: private},
		"expired.example": {Kind: expired}, "othername.example": {Kind: wrongName}, "selfmade.example": {Kind: selfMade},
		"strange.example":    {Kind: unknownRoot, Issuer: "Somebody's root"},
		"incomplete.example": {Kind: unknownRoot, Issuer: "An intermediate"},
		"reset.example":      {Kind: cut}, "hello.example": {Kind: badTLS},
		"refused.example": {Kind: closedPort}, "noroute.example": {Kind: unreachable}, "nonet.example": {Kind: here},
		"dropped.example": {Kind: silent}, "servfail.example": {Kind: names}, "nowhere.example": {Kind: gone},
		"loopback.example": {Kind: private}, "metadata.example": {Kind: private}, "lan.example": {Kind: private},
		"half.example": {Kind: wrongName}, "second.example": {Kind: wrongName},
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := f.surveyor()
			s.crowd = crowd{}
			got := s.look(t.Context(), name)
			got.Until = 0
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			text := textOutcome(suspect{Outcome: got}, false)
			if text.En == "" || text.Ja == "" {
				t.Error("it has no words")
			}
			t.Logf("%s\n%s", text.En, text.Ja)
		})
	}
}

func TestOurOwnListIsToldFromTheirCertificate(t *testing.T) {
	f := newFediverse(t)
	both := checkstest.NewCA(t, "A public root")
	c := both.Issue(t, checkstest.Leaf{Names: []string{"fine.example"}})
	f.serve("fine.example", &c, http.HandlerFunc(well))
	s := f.surveyor()
	s.others = both.Roots
	if got := s.look(t.Context(), "fine.example"); got.Kind != ourRoots || got.Issuer != "A public root" {
		t.Errorf("%+v", got)
	}
	s.roots = both.Roots()
	if got := s.look(t.Context(), "fine.example"); got.Kind != there {
		t.Errorf("with the root it knows: %+v", got)
	}
	same := func(domain, issuer string) suspect {
		return suspect{Domain: domain, Outcome: outcome{Kind: unknownRoot, Issuer: issuer}}
	}
	if got := mistrusted([]suspect{same("a.one.com", "X"), same("b.one.com", "X")}); len(got) != 0 {
		t.Errorf("one owner with a root of its own: %+v", got)
	}
	if got := mistrusted([]suspect{same("one.com", "X"), same("two.com", "X"), same("three.com", "Y")}); len(got) != 2 {
		t.Errorf("two owners with the same authority: %+v", got)
	}
}

func TestNobodyUsesUsAsAReflector(t *testing.T) {
	f := newFediverse(t)
	f.serve("a.example", nil, http.HandlerFunc(well))
	var domains []string
	for i := range 12 {
		name := fmt.Sprintf("s%02d.example", i)
		f.names[name] = []netip.Addr{addr(t, fmt.Sprintf("5.9.200.%d", i+1))}
		f.broken[f.names[name][0]] = syscall.ECONNREFUSED
		domains = append(domains, name)
	}
	seen := f.surveyor().survey(t.Context(), domains)
	if len(seen) != perNeighbours {
		t.Errorf("%d of one neighbourhood were looked at", len(seen))
	}
	// Whoever was put off has its turn in another round.
	if seen := f.surveyor().survey(t.Context(), domains[2:]); len(seen) != perNeighbours {
		t.Errorf("%d in the next round", len(seen))
	}
}

func TestASurveyKeepsToEightAtOnceAndToItsTime(t *testing.T) {
	f := newFediverse(t)
	var domains []string
	for i := range 20 {
		name := fmt.Sprintf("quiet%02d.example", i)
		f.address(name)
		domains = append(domains, name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	f.surveyor().survey(ctx, domains)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it came back after %v", took)
	}
	if n := len(f.asked); n > atOnce {
		t.Errorf("%d were asked at once", n)
	}
}

func TestTheUserAgentSaysWho(t *testing.T) {
	f := newFediverse(t)
	said := make(chan string, 1)
	f.serve("a.example", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case said <- r.UserAgent():
		default:
		}
		well(w, r)
	}))
	c := &check{site: &site.Site{Domain: "masto.test", Roots: f.ca.Roots()}, network: f}
	if got := c.surveyor().look(t.Context(), "a.example"); got.Kind != there {
		t.Errorf("%+v", got)
	}
	if ua := <-said; ua != "sababan (+https://masto.test/)" {
		t.Errorf("User-Agent %q", ua)
	}
	if words := Survey(t.Context(), &site.Site{Roots: f.ca.Roots()}, f, []string{"a.example", "b.example"}); words[0] != "there" || words[1] != "gone" {
		t.Errorf("words %v", words)
	}
}

func TestASecondListOfRootsIsRead(t *testing.T) {
	dir := t.TempDir()
	ca := checkstest.NewCA(t, "Root")
	leaf := ca.Issue(t, checkstest.Leaf{Names: []string{"a.example"}})
	if otherRoots(dir) != nil {
		t.Error("there is none")
	}
	writeFile(t, dir+"/usr/share/ca-certificates/mozilla/Root.crt", checkstest.Certificate{Leaf: ca.Cert}.Alone())
	writeFile(t, dir+"/usr/share/ca-certificates/mozilla/README", []byte("nothing"))
	pool := otherRoots(dir)
	if pool == nil {
		t.Fatal("none is found")
	}
	if _, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: pool}); err != nil {
		t.Error(err)
	}
}

func writeFile(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
