package latency

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// puma is the application at its own port: it refuses what no proxy has passed
// on.
func (s *served) puma(t *testing.T) *atomic.Int64 {
	t.Helper()
	var asked atomic.Int64
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != domain:
			http.Error(w, "Blocked host", http.StatusForbidden)
		case r.Header.Get("X-Forwarded-Proto") != "https":
			http.Redirect(w, r, "https://"+domain, http.StatusMovedPermanently)
		default:
			asked.Add(1)
			s.answer(w, r)
		}
	}))
	t.Cleanup(app.Close)
	s.c.config.Puma = app.URL
	return &asked
}

func TestPumaIsAskedPastTheProxy(t *testing.T) {
	s := serve(t)
	asked := s.puma(t)
	o := s.look(t)
	if took := checkstest.Value(t, o, directTime, apiSide); took <= 0 || took > 2 || asked.Load() != 1 {
		t.Errorf("%v s, asked %d times", took, asked.Load())
	}
	s.shut.Store(http.StatusUnauthorized)
	s.look(t)
	checkstest.Value(t, s.look(t), directTime, apiSide)
	m, _ := remembered(s.past)
	if last := m.Samples[apiSide][len(m.Samples[apiSide])-1]; last.direct == 0 || last.queue == 0 || !m.Puma {
		t.Errorf("%+v", last)
	}
}

func TestSomethingElseAtPumasPortIsLeftOut(t *testing.T) {
	s := serve(t)
	for name, h := range map[string]http.HandlerFunc{
		"a page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Grafana</html>")) },
		"JSON of somebody else": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("[]"))
		},
		"a refusal": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
		"an error":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"silence":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		other := httptest.NewServer(h)
		s.c.config.Puma = other.URL
		o := s.look(t)
		other.Close()
		if has(o, directTime) || len(o.Findings)+len(o.Blind) > 0 {
			t.Errorf("%s: %+v", name, o)
		}
	}
	s.c.config.Puma = "http://" + checkstest.FreeAddr(t)
	if o := s.look(t); has(o, directTime) || len(o.Blind) > 0 {
		t.Errorf("nobody listens: %+v", o)
	}
}

func has(o checks.Observation, measure string) bool {
	for _, m := range o.Measures {
		if m.Name == measure {
			return true
		}
	}
	return false
}

func TestWhereToAskOnThisMachine(t *testing.T) {
	here := site.Found{Live: "/home/mastodon/live"}
	for _, c := range []struct {
		config         Config
		found          site.Found
		puma, exporter string
	}{
		{Config{}, site.Found{}, "", ""},
		{Config{}, here, "127.0.0.1:3000", "127.0.0.1:9394"},
		{Config{}, site.Found{Compose: "/opt/mastodon"}, "127.0.0.1:3000", "127.0.0.1:9394"},
		{Config{Puma: off, Exporter: off}, here, "", ""},
		{Config{Puma: "http://10.0.0.2:3001", Exporter: "http://[::1]:9394/"}, site.Found{}, "10.0.0.2:3001", "[::1]:9394"},
		{Config{Puma: "http://web"}, here, "web:80", "127.0.0.1:9394"},
	} {
		puma, exporter := c.config.places(c.found)
		if puma != c.puma || exporter != c.exporter {
			t.Errorf("%+v: %q and %q", c.config, puma, exporter)
		}
	}
	for _, table := range []checkstest.Table{`puma = "https://x"`, `puma = "127.0.0.1:3000"`, `exporter = "http://x/metrics"`, `puma = "http://a:b@x"`, `other = 1`} {
		if _, err := Kind(&site.Site{Domain: domain}).New(table); err == nil {
			t.Errorf("%s is taken", table)
		}
	}
	if _, err := Kind(&site.Site{Domain: domain}).New(checkstest.Table(`puma = "off"`)); err != nil {
		t.Error(err)
	}
}

// slowLook is a look by name at a server where 50 ms is usual.
func (s *served) slowLook(t *testing.T) checks.Finding {
	t.Helper()
	s.usual(50 * time.Millisecond)
	o, err := s.c.LookThoroughly(t.Context(), s.past)
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, s.kind, o)
	f, ok := checkstest.Find(o, slow, apiSide)
	if !ok || f.Holds {
		t.Fatalf("%+v, %+v", o.Findings, o.Measures)
	}
	return f
}

const tooLong = 900 * time.Millisecond

func TestRequestsThatWaitForPumaAreToldFromTheRest(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.puma(t)
	s.exporter(t, "# TYPE mastodon_puma_request_backlog gauge\nmastodon_puma_request_backlog{phase=\"0\",pid=\"7\"} 9\nmastodon_puma_request_backlog{phase=\"0\",pid=\"8\"} 3\n")
	s.delay.Store(int64(tooLong)) // though X-Runtime says 1 ms
	f := s.slowLook(t)
	says(t, f.Text, "Mastodon itself takes only 1 ms of it, but straight to puma the API takes 90", "pumaに直接つないでもAPIは90")
	says(t, f.Text, "12 requests wait in line for puma now.", "いまpumaの空きを12件が待っています。")
	says(t, f.Advice.Text, "WEB_CONCURRENCY", "WEB_CONCURRENCY")

	s.delay.Store(0)
	if o := s.look(t); len(o.Findings) > 0 {
		t.Errorf("healed: %+v", o.Findings)
	}
}

func TestASlowProxyIsToldFromTheRest(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.puma(t)
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != pagePath {
			pause(r.Context().Done(), tooLong)
		}
		s.answer(w, r)
	}))
	t.Cleanup(late.Close)
	s.Reload(t, s.Server("location / { proxy_pass "+late.URL+"; }"))
	f := s.slowLook(t)
	says(t, f.Text, "connections are made quickly: the web server in front of it is slow", "手前のWebサーバーが遅い可能性")
	says(t, f.Advice.Text, "Look at the web server", "Webサーバーの負荷とログ")
}

func pause(done <-chan struct{}, d time.Duration) {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-done:
	}
}

// distant is a line to an address on which everything takes its time.
func distant(t *testing.T, to string, delay time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	carry := func(from, to net.Conn) {
		defer func() { _ = to.Close() }()
		buf := make([]byte, 64<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				pause(t.Context().Done(), delay)
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				return
			}
			all.Go(func() { carry(in, out) })
			all.Go(func() { carry(out, in) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

func TestASlowNetworkIsToldFromTheRest(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.site.Address = distant(t, s.Addr, tooLong/2)
	c, err := newCheck(s.site, 4*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	s.c = c
	s.puma(t)
	f := s.slowLook(t)
	says(t, f.Text, "making a connection alone takes ", "接続の確立だけで")
	says(t, f.Text, "the network or a CDN in between is slow", "途中のネットワークかCDNが遅い")
	says(t, f.Advice.Text, "status pages", "障害情報")
}

// exporter is a collector that tells these numbers.
func (s *served) exporter(t *testing.T, text string) {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(h.Close)
	s.c.config.Exporter = h.URL
}

func TestPumasBacklogIsMeasuredWhereItIsTold(t *testing.T) {
	s := serve(t)
	s.exporter(t, "ruby_puma_request_backlog 4\n")
	if n := checkstest.Value(t, s.look(t), pumaBacklog, ""); n != 4 {
		t.Errorf("%v", n)
	}
	for _, none := range []string{"", "<html>", "go_goroutines 9\n", "puma_request_backlog nan\n"} {
		s.exporter(t, none)
		if has(s.look(t), pumaBacklog) {
			t.Errorf("%q tells a number", none)
		}
	}
	s.c.config.Exporter = "http://" + checkstest.FreeAddr(t)
	if has(s.look(t), pumaBacklog) {
		t.Error("nobody tells a number")
	}
}

func TestTheBacklogIsReadFromTheTextForm(t *testing.T) {
	for text, want := range map[string]int{
		"puma_request_backlog 3": 3,
		"ruby_puma_request_backlog{a=\"}\"} 2\nruby_puma_request_backlog{a=\"x y\"} 1.0 1795340000\n":           3,
		"puma_request_backlog_total 9\n# puma_request_backlog 8\npuma_request_backlog -1\npuma_request_backlog": -1,
		"puma_request_backlog 1e300":           -1,
		strings.Repeat("x", 100<<10):           -1,
		"mastodon_puma_request_backlog\t0\r\n": 0,
	} {
		got, ok := readBacklog([]byte(text))
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%.60q: %d, want %d", text, got, want)
		}
	}
}

func TestThePlaceWhereTheTimeGoes(t *testing.T) {
	s := time.Second
	for _, c := range []struct {
		name string
		d    detail
		want place
	}{
		{"nothing is told", detail{half: s}, nobodyKnows},
		{"its own work", detail{half: s, app: 900 * ms, direct: 950 * ms, queue: 50 * ms}, inMastodon},
		{"nothing past the proxy", detail{half: s, app: 90 * ms}, outside},
		{"nothing past the proxy, but a line", detail{half: s, app: 90 * ms, waiting: 3, counted: true}, inQueue},
		{"nothing past the proxy, and no line", detail{half: s, app: 90 * ms, counted: true}, outside},
		{"the line is the same past the proxy", detail{half: s, app: 90 * ms, direct: 900 * ms, queue: 800 * ms}, inQueue},
		{"quick past the proxy", detail{half: s, app: 90 * ms, direct: 95 * ms, queue: 5 * ms, connect: 3 * ms}, inProxy},
		{"quick past the proxy, and a slow connection", detail{half: s, app: 90 * ms, direct: 95 * ms, queue: 5 * ms, connect: 800 * ms}, inNetwork},
		{"the application says nothing, slow past the proxy", detail{half: s, direct: 900 * ms}, inWeb},
		{"the application says nothing, quick past the proxy", detail{half: s, direct: 90 * ms}, inProxy},
	} {
		if got := c.d.place(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		for _, side := range []string{apiSide, page} {
			c.d.side = side
			if a := adviceSlow(c.d); a.Text.Empty() || textSlow(c.d).Empty() {
				t.Errorf("%s: no words", c.name)
			}
		}
	}
}

func TestOlderSamplesAreRead(t *testing.T) {
	var got sample
	if err := got.UnmarshalJSON([]byte("[1795340000,84,60]")); err != nil || got.took != 84*ms || got.app != 60*ms || got.direct != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
