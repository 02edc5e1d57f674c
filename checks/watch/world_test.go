package watch

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// A world is other people's servers: their names lead to public addresses, and
// connections to those end at real servers on loopback.
type world struct {
	t    *testing.T
	ca   *checkstest.CA
	kind checks.Kind
	c    *check
	past *checkstest.Past

	mu      sync.Mutex
	now     time.Time
	ttl     time.Duration
	names   map[string][]netip.Addr
	faults  map[string]error      // of names
	behind  map[netip.Addr]string // where a connection really goes
	broken  map[netip.Addr]error  // what comes of it instead
	looked  map[string]int        // look-ups, by name
	dialled []string
	next    int
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, ca: checkstest.NewCA(t, "Root of the others").Intermediate(t, "Intermediate of the others"), past: &checkstest.Past{},
		now: time.Now().Truncate(4 * time.Minute), ttl: time.Hour, names: map[string][]netip.Addr{}, faults: map[string]error{},
		behind: map[netip.Addr]string{}, broken: map[netip.Addr]error{}, looked: map[string]int{},
	}
}

// watch makes the check with a table.
func (w *world) watch(table string) {
	w.t.Helper()
	s := &site.Site{Domain: "masto.test", Roots: w.ca.Roots()}
	w.kind = Kind(s, WithNetwork(w), func(p *prober) { p.now = w.time })
	w.c = checkstest.Make(w.t, w.kind, checkstest.Table(table)).(*check)
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) Lookup(_ context.Context, host string) ([]netip.Addr, time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked[host]++
	if err := w.faults[host]; err != nil {
		return nil, 0, err
	}
	if all, ok := w.names[host]; ok {
		return all, w.ttl, nil
	}
	return nil, 0, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (w *world) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	where, fault := w.behind[to.Addr()], w.broken[to.Addr()]
	w.dialled = append(w.dialled, address)
	w.mu.Unlock()
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
func (w *world) address(name string) netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	a := netip.AddrFrom4([4]byte{5, 9, byte(w.next), 1})
	w.names[name] = []netip.Addr{a}
	return a
}

// A mastodon is a server as far as anybody can see it from outside.
type mastodon struct {
	w       *world
	addr    netip.Addr
	mu      sync.Mutex
	cert    tls.Certificate
	answers map[string]http.HandlerFunc // instead of its own
	asked   map[string]int              // paths, with "304" for what was not sent again
	shakes  int
	version string
	stream  string
	field   string
}

func (w *world) serve(name string) *mastodon {
	w.t.Helper()
	m := &mastodon{w: w, addr: w.address(name), answers: map[string]http.HandlerFunc{}, asked: map[string]int{}, version: "4.5.2", stream: "wss://" + name}
	m.present(w.ca.Issue(w.t, checkstest.Leaf{Names: []string{name}}))
	s := httptest.NewUnstartedServer(m)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.shakes++
		return &m.cert, nil
	}}
	s.StartTLS()
	w.t.Cleanup(s.Close)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.behind[m.addr] = s.Listener.Addr().String()
	return m
}

func (m *mastodon) present(c checkstest.Certificate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cert = c.TLS()
}

func (m *mastodon) answer(path string, f http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[path] = f
}

func (m *mastodon) count(path string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked[path]
}

func (m *mastodon) handshakes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shakes
}

func (m *mastodon) heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.answers)
}

func (m *mastodon) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	f, version, stream, field := m.answers[r.URL.Path], m.version, m.stream, m.field
	m.asked[r.URL.Path]++
	if r.Header.Get("If-None-Match") != "" {
		m.asked["conditional"]++
	}
	m.mu.Unlock()
	if f != nil {
		f(rw, r)
		return
	}
	body, kind := "", "text/html"
	switch r.URL.Path {
	case "/":
		body = `<!DOCTYPE html><html><body><div id="mastodon"></div></body></html>`
	case pathV2:
		kind, body = "application/json", fmt.Sprintf(`{"domain":"x","version":%q,"configuration":{"urls":{"streaming":%q}}}`, version, stream)
	case pathV1:
		kind, body = "application/json", fmt.Sprintf(`{"uri":"x","version":%q,"urls":{"streaming_api":%q}}`, version, stream)
	case healthPath:
		kind, body = "text/plain", "OK"
	case lookupPath:
		kind, body = "application/json", fmt.Sprintf(`{"acct":%q,"fields":[%s]}`, r.URL.Query().Get("acct"), field)
	default:
		http.NotFound(rw, r)
		return
	}
	etag := fmt.Sprintf(`W/"%x"`, len(body))
	rw.Header().Set("Content-Type", kind)
	if r.URL.Path != healthPath && r.URL.Path != lookupPath {
		rw.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
	}
	_, _ = io.WriteString(rw, body)
}

// look lets a minute pass and looks, as the daemon does.
func (w *world) look() checks.Observation {
	w.t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(time.Minute)
	w.mu.Unlock()
	return w.lookNow()
}

func (w *world) lookNow() checks.Observation {
	w.t.Helper()
	o, err := w.try(w.past)
	if err != nil {
		w.t.Fatal(err)
	}
	checkstest.AssertObservation(w.t, w.kind, o)
	w.past.Record(o, w.time())
	return o
}

func (w *world) try(past checks.Past) (checks.Observation, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), w.kind.Timeout)
	defer cancel()
	return w.c.Look(ctx, past)
}

// round looks until every server has had its turn.
func (w *world) round() checks.Observation {
	w.t.Helper()
	var o checks.Observation
	for range 4 {
		o = w.look()
	}
	return o
}

func (w *world) nothing(o checks.Observation) {
	w.t.Helper()
	for _, f := range o.Findings {
		w.t.Errorf("found %s %q: %s", f.Code, f.Subject, f.Text.En)
	}
	for _, b := range o.Blind {
		w.t.Errorf("blind %s %q: %s", b.Code, b.Subject, b.Why.En)
	}
}

// read prints what is read, in both languages.
func (w *world) read(f checks.Finding) {
	w.t.Helper()
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		r := checks.Reader{Lang: l, Now: w.time(), Zone: time.UTC}
		said := f.Text.Read(r)
		if !f.Advice.Text.Empty() {
			said += "\n→ " + f.Advice.Text.Read(r)
		}
		for _, sh := range append([]checks.Shell{f.Advice.Look}, f.Advice.Mend...) {
			if s := sh.String(); s != "" {
				said += "\n$ " + s
			}
		}
		w.t.Logf("%s %v %v\n%s", f.Code, f.Severity, f.Road, said)
	}
}

func (w *world) find(o checks.Observation, code, subject, words string) checks.Finding {
	w.t.Helper()
	f, ok := checkstest.Find(o, code, subject)
	if !ok || f.Holds || !strings.Contains(f.Text.En, words) {
		w.t.Fatalf("no %s %q with %q among %+v, blind %+v", code, subject, words, o.Findings, o.Blind)
	}
	w.read(f)
	return f
}

func code(code int) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(code) }
}

func says(kind, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(rw, body)
	}
}

const one = `[[domain]]
name = "friend.test"
`

const mine = `[[domain]]
name = "friend.test"
own = true
`
