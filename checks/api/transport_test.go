package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/checks"
)

func TestEveryConnectionGoesToTheAddressAndTheNameStays(t *testing.T) {
	var mu sync.Mutex
	var host, sni, agent string
	s, roots := secureServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		host, sni, agent = r.Host, r.TLS.ServerName, r.UserAgent()
		_, _ = fmt.Fprintf(w, `{"proto": %d}`, r.ProtoMajor)
	}), "mastodon.example")
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())

	for _, tc := range []struct{ name, server, address, host string }{
		{"a host and a port replace both", "https://mastodon.example", s.Listener.Addr().String(), "mastodon.example"},
		{"a host alone keeps the port", "https://mastodon.example:" + port, "127.0.0.1", "mastodon.example:" + port},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := New(tc.server, checks.Secret{}, transport(t, Options{Address: tc.address, Roots: roots, UserAgent: "sababan/1"}))
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Proto int }
			if err := c.Get(t.Context(), "/x", nil, &got); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if host != tc.host || sni != "mastodon.example" || agent != "sababan/1" || got.Proto != 2 {
				t.Errorf("host %q, SNI %q, agent %q, HTTP/%d", host, sni, agent, got.Proto)
			}
		})
	}
}

func TestWhereAConnectionGoes(t *testing.T) {
	for _, tc := range []struct{ name, addr, override, want string }{
		{"no override keeps it", "m.example:443", "", "m.example:443"},
		{"a bare IPv6 address", "m.example:443", "::1", "[::1]:443"},
		{"an IPv6 address in brackets", "m.example:443", "[::1]", "[::1]:443"},
		{"an IPv6 address with a port", "m.example:443", "[::1]:8443", "[::1]:8443"},
		{"a name", "m.example:443", "web1", "web1:443"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := target(tc.addr, tc.override); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAnAnswerIsReadUpToItsLimit(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		n := 100
		if r.URL.Path == "/over" {
			n = 101
		}
		_, _ = io.WriteString(w, `"`+strings.Repeat("x", n-2)+`"`)
	})
	c := client(t, s, Options{MaxBody: 100})
	var got string
	if err := c.Get(t.Context(), "/exact", nil, &got); err != nil || len(got) != 98 {
		t.Errorf("exact fit: %d bytes, %v", len(got), err)
	}
	err := c.Get(t.Context(), "/over", nil, &got)
	var tooLarge *TooLargeError
	if !errors.As(err, &tooLarge) || tooLarge.Limit != 100 || tooLarge.Path != "/over" {
		t.Errorf("one byte more: %v", err)
	}
	if !Sent(err) {
		t.Error("an answer that was too large was sent for")
	}

	resp, err := c.HTTP().Get(s.URL + "/over")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if len(b) != 100 || !errors.As(err, &tooLarge) {
		t.Errorf("a library reads %d bytes, %v", len(b), err)
	}
}

func TestACompressedAnswerIsNeverUnpacked(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 8<<20))
	_ = z.Close()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Error("compression was asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bomb.Bytes())
	})
	var notJSON *NotJSONError
	if err := client(t, s, Options{}).Get(t.Context(), "/x", nil, new(any)); !errors.As(err, &notJSON) {
		t.Errorf("got %v", err)
	}
}

func TestBigHeadersAreRefused(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Big", strings.Repeat("x", 100<<10))
	})
	var transportErr *TransportError
	if err := client(t, s, Options{}).Get(t.Context(), "/x", nil, nil); !errors.As(err, &transportErr) {
		t.Errorf("got %v", err)
	}
}

func TestTimeRunsOut(t *testing.T) {
	gone := make(chan struct{})
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	t.Cleanup(func() { close(gone) })
	for _, tc := range []struct {
		name, path string
		opts       Options
		deadline   time.Duration
	}{
		{"waiting for the first line", "/hang", Options{HeaderTimeout: 50 * time.Millisecond}, 0},
		{"reading the body", "/drip", Options{Timeout: 50 * time.Millisecond}, 0},
		{"by the caller's deadline", "/hang", Options{}, 50 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := t.Context()
			if tc.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tc.deadline)
				defer cancel()
			}
			err := client(t, s, tc.opts).Get(ctx, tc.path, nil, nil)
			var timed net.Error
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timed) || !timed.Timeout() {
				t.Errorf("not recognisable as a time-out: %v", err)
			}
			if !Sent(err) {
				t.Error("the request had been sent")
			}
		})
	}
}

// cutter is a server that reads one request and hangs up.
func cutter(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return "http://" + l.Addr().String()
}

func TestWhetherARequestMayHaveReachedTheServer(t *testing.T) {
	secure, _ := secureServer(t, says(200, "application/json", "{}"), "mastodon.example")
	answering := server(t, says(503, "text/plain", "no"))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, tc := range []struct {
		name, server string
		opts         Options
		sent         bool
	}{
		{"nobody listens", "http://" + closed.Addr().String(), Options{}, false},
		{"the name is unknown", "https://mastodon.invalid", Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "mastodon.invalid", IsNotFound: true}
		}}, false},
		{"the authority is unknown", "https://mastodon.example", Options{Address: secure.Listener.Addr().String()}, false},
		{"the certificate is for another name", "https://other.example", Options{Address: secure.Listener.Addr().String()}, false},
		{"the connection takes too long", "http://127.0.0.1:1", Options{Dial: hang, Timeout: 20 * time.Millisecond}, false},
		{"it hangs up after reading", cutter(t), Options{}, true},
		{"it answers with an error", answering.URL, Options{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := New(tc.server, checks.NewSecret(tokenWords), transport(t, tc.opts))
			if err != nil {
				t.Fatal(err)
			}
			err = c.Post(t.Context(), "/api/v1/statuses", map[string][]string{"status": {"x"}}, nil)
			if err == nil || Sent(err) != tc.sent {
				t.Errorf("sent %v of %v", Sent(err), err)
			}
			m := mastodon.NewClient(&mastodon.Config{Server: tc.server, AccessToken: tokenWords})
			m.Client = *c.HTTP()
			_, err = m.PostStatus(t.Context(), &mastodon.Toot{Status: "x"})
			if err == nil || Sent(err) != tc.sent {
				t.Errorf("through go-mastodon: sent %v of %v", Sent(err), err)
			}
		})
	}
}

// The kept connection ends after the request was read: net/http would send a
// POST that has an Idempotency-Key again by itself.
func TestAPostWithAKeyIsNeverSentTwiceByItself(t *testing.T) {
	var posts atomic.Int32
	var key atomic.Value
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			if r.Header.Get("Idempotency-Key") != "" {
				t.Error("a read has a key")
			}
			_, _ = io.WriteString(w, "{}")
			return
		}
		posts.Add(1)
		key.Store(r.Header.Get("Idempotency-Key"))
		panic(http.ErrAbortHandler)
	})
	c := client(t, s, Options{})
	ctx := WithIdempotencyKey(t.Context(), "incident-12-opened")
	if err := c.Get(ctx, "/warm", nil, nil); err != nil {
		t.Fatal(err)
	}
	err := c.Post(ctx, "/api/v1/statuses", map[string][]string{"status": {"x"}}, nil)
	if err == nil || !Sent(err) {
		t.Errorf("sent %v of %v", Sent(err), err)
	}
	if posts.Load() != 1 {
		t.Errorf("posted %d times", posts.Load())
	}
	if got := key.Load(); got != "incident-12-opened" {
		t.Errorf("the server saw the key %q", got)
	}
}

func TestTooManyRequestsComesBackAtOnce(t *testing.T) {
	reset := time.Now().Add(90 * time.Second).UTC().Truncate(time.Microsecond)
	s := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "300")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", reset.Format("2006-01-02T15:04:05.000000Z"))
		w.WriteHeader(http.StatusTooManyRequests)
	})
	rt := transport(t, Options{})
	m := mastodon.NewClient(&mastodon.Config{Server: s.URL, AccessToken: tokenWords})
	m.Client = http.Client{Transport: rt, CheckRedirect: SameSite}
	_, err := m.PostStatus(t.Context(), &mastodon.Toot{Status: "x"})
	var limited *RateLimitError
	if !errors.As(err, &limited) {
		t.Fatalf("got %v", err)
	}
	want := RateLimitError{Method: "POST", Path: "/api/v1/statuses", Limit: 300, Reset: reset}
	if *limited != want {
		t.Errorf("got %+v, want %+v", *limited, want)
	}
	if !Sent(err) {
		t.Error("the server answered")
	}
	if got := rt.Budget()[Posts]; got.Limit != 300 || got.Remaining != 0 || !got.Reset.Equal(reset) || got.Seen.IsZero() {
		t.Errorf("budget %+v", got)
	}

	c, err := New(s.URL, checks.NewSecret(tokenWords), rt)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), "/x", nil, nil); !errors.As(err, &limited) || limited.Path != "/x" {
		t.Errorf("own call: %v", err)
	}
}

func TestWhenToAskAgain(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	in := func(d time.Duration) time.Time { return now.Add(d) }
	const name = "X-RateLimit-Reset"
	for _, tc := range []struct {
		name string
		h    map[string]string
		want time.Time
	}{
		{"Mastodon writes microseconds", map[string]string{name: "2026-11-22T10:05:00.123456Z"}, in(5*time.Minute + 123456*time.Microsecond)},
		{"an offset counts", map[string]string{name: "2026-11-22T19:05:00+09:00"}, in(5 * time.Minute)},
		{"seconds since 1970", map[string]string{name: "1795341900"}, in(5 * time.Minute)},
		{"milliseconds since 1970", map[string]string{name: "1795341900000"}, in(5 * time.Minute)},
		{"seconds from now", map[string]string{name: "120"}, in(2 * time.Minute)},
		{"parts of a second", map[string]string{name: "2.5"}, in(2500 * time.Millisecond)},
		{"Retry-After in seconds", map[string]string{"Retry-After": "30"}, in(30 * time.Second)},
		{"Retry-After as a date", map[string]string{"Retry-After": "Sun, 22 Nov 2026 10:01:00 GMT"}, in(time.Minute)},
		{"the reset goes before Retry-After", map[string]string{name: "120", "Retry-After": "30"}, in(2 * time.Minute)},
		{"nonsense leaves it to Retry-After", map[string]string{name: "soon", "Retry-After": "30"}, in(30 * time.Second)},
		{"nothing is a minute", nil, in(time.Minute)},
		{"the past is a second", map[string]string{name: "2026-11-22T09:00:00Z"}, in(time.Second)},
		{"a year is three hours", map[string]string{name: "2027-11-22T09:00:00Z"}, in(3 * time.Hour)},
		{"a million seconds are three hours", map[string]string{name: "1000000"}, in(3 * time.Hour)},
		{"no number at all", map[string]string{name: "NaN"}, in(time.Minute)},
		{"endless", map[string]string{name: "Inf"}, in(time.Minute)},
		{"below zero", map[string]string{name: "-5"}, in(time.Minute)},
		{
			"a server whose clock is an hour ahead",
			map[string]string{name: "2026-11-22T11:05:00Z", "Date": "Sun, 22 Nov 2026 11:00:00 GMT"},
			in(5 * time.Minute),
		},
		{
			"a clock that is two seconds off is left alone",
			map[string]string{name: "2026-11-22T10:05:00Z", "Date": "Sun, 22 Nov 2026 10:00:02 GMT"},
			in(5 * time.Minute),
		},
		{
			"seconds from now do not depend on the clock",
			map[string]string{name: "120", "Date": "Sun, 22 Nov 2026 11:00:00 GMT"},
			in(2 * time.Minute),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range tc.h {
				h.Set(k, v)
			}
			got := rateLimited(httptest.NewRequest("GET", "/x", nil), h, now)
			if !got.Reset.Equal(tc.want) {
				t.Errorf("got %v, want %v", got.Reset, tc.want)
			}
		})
	}
}

func TestLimitsAreKeptApartByWhatWasAsked(t *testing.T) {
	for _, tc := range []struct {
		name, method, target string
		want                 Bucket
	}{
		{"a read", "GET", "/api/v2/instance", Calls},
		{"a page of notifications", "GET", "/api/v1/notifications?min_id=1", Paging},
		{"a new post", "POST", "/api/v1/statuses", Posts},
		{"an edit", "PUT", "/api/v1/statuses/1", Posts},
		{"a favourite is no post", "POST", "/api/v1/statuses/1/favourite", Calls},
		{"a deletion", "DELETE", "/api/v1/statuses/1", Deletes},
		{"an upload", "POST", "/api/v2/media", Media},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := bucket(httptest.NewRequest(tc.method, tc.target, nil)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestConnectionsAreKeptUnlessFreshOnesAreWanted(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fresh bool
		want  int
	}{{"kept", false, 1}, {"fresh", true, 3}} {
		t.Run(tc.name, func(t *testing.T) {
			dials := 0
			s := server(t, says(200, "application/json", "{}"))
			c := client(t, s, Options{Fresh: tc.fresh, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				dials++
				return new(net.Dialer).DialContext(ctx, network, addr)
			}})
			for range 3 {
				if err := c.Get(t.Context(), "/x", nil, nil); err != nil {
					t.Fatal(err)
				}
			}
			if dials != tc.want {
				t.Errorf("%d connections, want %d", dials, tc.want)
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	note := func(r *http.Request, who string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, who+" "+r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
	}
	var home *httptest.Server
	other := server(t, func(w http.ResponseWriter, r *http.Request) {
		note(r, "other")
		if r.URL.Path == "/back" {
			http.Redirect(w, r, home.URL+"/end", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	home = server(t, func(w http.ResponseWriter, r *http.Request) {
		note(r, "home")
		switch r.URL.Path {
		case "/here":
			http.Redirect(w, r, "/end", http.StatusMovedPermanently)
		case "/away":
			http.Redirect(w, r, other.URL+"/end", http.StatusMovedPermanently)
		case "/round":
			http.Redirect(w, r, other.URL+"/back", http.StatusMovedPermanently)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/scheme":
			http.Redirect(w, r, strings.Replace(other.URL, "http:", "https:", 1), http.StatusFound)
		case "/post":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		default:
			_, _ = io.WriteString(w, "{}")
		}
	})
	c := client(t, home, Options{})
	bearer := "Bearer " + tokenWords
	for _, tc := range []struct {
		name, method, path, wrong string
		want                      []string
	}{
		{"the same host is followed with the token", "GET", "/here", "", []string{"home GET /here " + bearer, "home GET /end " + bearer}},
		{"another host is followed without it", "GET", "/away", "", []string{"home GET /away " + bearer, "other GET /end "}},
		{"a way back is followed without it", "GET", "/round", "", []string{"home GET /round " + bearer, "other GET /back ", "home GET /end "}},
		{"another scheme is not followed", "GET", "/scheme", "another scheme", []string{"home GET /scheme " + bearer}},
		{"a post is not followed", "POST", "/post", "307", []string{"home POST /post " + bearer}},
		{"the third is the last", "GET", "/loop", "more than 3 times", []string{
			"home GET /loop " + bearer, "home GET /loop " + bearer, "home GET /loop " + bearer, "home GET /loop " + bearer,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			seen = nil
			err := c.call(t.Context(), tc.method, tc.path, nil, nil, nil)
			if (err == nil) != (tc.wrong == "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("got %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if fmt.Sprint(seen) != fmt.Sprint(tc.want) {
				t.Errorf("asked %q, want %q", seen, tc.want)
			}
		})
	}
}
