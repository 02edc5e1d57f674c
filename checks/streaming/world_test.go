package streaming

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

const (
	domain    = "mastodon.example"
	goodToken = "0123456789abcdef-good"
)

// habits are how the server behaves; the zero value is well.
type habits struct {
	deaf       bool          // sockets open, and nothing is ever sent or read
	noPing     bool          // no ping comes
	hideDirect bool          // direct posts do not come on the user's stream
	noEvents   bool          // nothing is heard of a post
	redis      bool          // … though Redis tells something
	late       time.Duration // an event takes so long
	life       time.Duration // sockets end after so long
	deafAfter  time.Duration // a socket older than this hears no events
	noRead     bool          // the token may not listen
	noWrite    bool          // the token may not post
	revoked    bool          // the token is not taken
	noPosting  int           // posts are answered with this status
	noDelete   bool          // posts cannot be deleted
	refuse     int           // public channels are answered with this error
	health     string        // the body of the health address, if not OK
	noHealth   bool          // there is no such address
	version    string        // if not Mastodon's
	live       string        // who may follow public timelines
	elsewhere  string        // the announced address of streaming
	handshakes int           // answered with this status, if not 101
}

// mastodon is as much of one as streaming needs: its streaming processes, and
// the part of its API that makes posts.
type mastodon struct {
	mu     sync.Mutex
	habits habits
	socks  map[*sock]bool
	heard  int
	made   int
	posts  map[string]bool
	asked  []string // addresses, to see that no token is in any
	quit   chan struct{}
}

// sock is one open WebSocket of it.
type sock struct {
	conn   *websocket.Conn
	opened time.Time
	user   bool
	direct bool
}

const pingEvery = 30 * time.Millisecond

func (m *mastodon) now() habits {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.habits
}

func (m *mastodon) be(h habits) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.habits = h
}

func (m *mastodon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.asked = append(m.asked, r.URL.String())
	m.mu.Unlock()
	h := m.now()
	switch {
	case r.URL.Path == healthPath && h.noHealth, r.URL.Path == "/metrics" && h.noHealth:
		http.Error(w, `{"error":"Not found"}`, http.StatusNotFound)
	case r.URL.Path == healthPath && h.health != "":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(h.health))
	case r.URL.Path == healthPath:
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("OK"))
	case r.URL.Path == "/metrics":
		m.metrics(w)
	case r.URL.Path == "/api/v2/instance":
		m.instance(w, h)
	case strings.HasPrefix(r.URL.Path, "/api/v1/streaming"):
		m.stream(w, r, h)
	case strings.HasPrefix(r.URL.Path, "/api/v1/statuses"):
		m.statuses(w, r, h)
	default:
		http.NotFound(w, r)
	}
}

func (m *mastodon) metrics(w http.ResponseWriter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(w, "# TYPE connected_clients gauge\nconnected_clients{type=\"websocket\"} %d\nconnected_clients{type=\"eventsource\"} 2\n"+
		"redis_messages_received_total %d\nnodejs_eventloop_lag_seconds 0.001\nnodejs_eventloop_lag_p99_seconds 0.012\n", len(m.socks), m.heard)
}

func (m *mastodon) instance(w http.ResponseWriter, h habits) {
	version, live, streaming := "4.6.5", "public", "wss://"+domain
	if h.version != "" {
		version = h.version
	}
	if h.live != "" {
		live = h.live
	}
	if h.elsewhere != "" {
		streaming = h.elsewhere
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"domain":%q,"version":%q,"configuration":{"urls":{"streaming":%q},"timelines_access":{"live_feeds":{"local":%q,"remote":%q}}}}`,
		domain, version, streaming, live, live)
}

func (m *mastodon) stream(w http.ResponseWriter, r *http.Request, h habits) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+goodToken || h.revoked:
		w.Header().Set("X-Error-Message", "Invalid access token")
		w.WriteHeader(http.StatusUnauthorized)
		return
	case h.handshakes != 0:
		w.WriteHeader(h.handshakes)
		return
	case r.Header.Get("Upgrade") == "":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"Unknown channel requested"}`))
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	if h.deaf {
		<-m.quit
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if h.life > 0 {
		end := time.AfterFunc(h.life, func() { _ = conn.CloseNow() })
		defer end.Stop()
	}
	s := &sock{conn: conn, opened: time.Now(), user: r.URL.Query().Get("stream") == "user" && !h.noRead}
	if !s.user {
		_ = conn.Write(ctx, websocket.MessageText, []byte(`{"error":"Access token does not have the required scopes","status":401}`))
	}
	m.mu.Lock()
	m.socks[s] = true
	m.mu.Unlock()
	var pinging sync.WaitGroup
	pinging.Go(func() { m.ping(ctx, conn, h) })
	m.listen(ctx, s)
	m.mu.Lock()
	delete(m.socks, s)
	m.mu.Unlock()
	cancel()
	pinging.Wait()
}

func (m *mastodon) ping(ctx context.Context, conn *websocket.Conn, h habits) {
	every := time.NewTicker(pingEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.quit:
			_ = conn.CloseNow()
			return
		case <-every.C:
			if !h.noPing && conn.Ping(ctx) != nil {
				return
			}
		}
	}
}

// listen takes the subscriptions.
func (m *mastodon) listen(ctx context.Context, s *sock) {
	for {
		_, data, err := s.conn.Read(ctx)
		if err != nil {
			return
		}
		var ask struct{ Type, Stream string }
		if json.Unmarshal(data, &ask) != nil || ask.Type != "subscribe" {
			continue
		}
		if ask.Stream == "direct" {
			m.mu.Lock()
			s.direct = true
			m.mu.Unlock()
		}
		if code := m.now().refuse; code != 0 && strings.HasPrefix(ask.Stream, "public") {
			_ = s.conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"error":"An unexpected error occurred","status":%d}`, code))
		}
	}
}

func (m *mastodon) statuses(w http.ResponseWriter, r *http.Request, h habits) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+goodToken:
		w.WriteHeader(http.StatusUnauthorized)
	case h.noWrite:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":"This action is outside the authorized scopes"}`))
	case r.Method == http.MethodPost && h.noPosting != 0:
		w.WriteHeader(h.noPosting)
	case r.Method == http.MethodPost:
		m.publish(w, r, h)
	case r.Method == http.MethodDelete && h.noDelete:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.Method == http.MethodDelete:
		m.mu.Lock()
		defer m.mu.Unlock()
		id := strings.TrimPrefix(r.URL.Path, "/api/v1/statuses/")
		if !m.posts[id] {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		delete(m.posts, id)
		_, _ = w.Write([]byte(`{}`))
	}
}

// publish makes a post and tells the sockets of it.
func (m *mastodon) publish(w http.ResponseWriter, r *http.Request, h habits) {
	if r.FormValue("visibility") != "direct" || strings.Contains(r.FormValue("status"), "@") || r.Header.Get("Idempotency-Key") == "" {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	m.mu.Lock()
	m.made++
	id := strconv.Itoa(m.made)
	m.posts[id] = true
	m.mu.Unlock()
	status, _ := json.Marshal(map[string]any{"id": id, "visibility": "direct", "content": "<p>" + r.FormValue("status") + "</p>"})
	if !h.noEvents {
		time.AfterFunc(h.late, func() { m.tell(status, h) })
	} else if h.redis {
		m.mu.Lock()
		m.heard += 7
		m.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(status)
}

func (m *mastodon) tell(status []byte, h habits) {
	frame, _ := json.Marshal(map[string]any{"stream": []string{"user"}, "event": "update", "payload": string(status)})
	conversation, _ := json.Marshal(map[string]any{"id": "9", "accounts": []any{}, "last_status": json.RawMessage(status)})
	if h.hideDirect {
		frame, _ = json.Marshal(map[string]any{"stream": []string{"direct"}, "event": "conversation", "payload": string(conversation)})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard++
	for s := range m.socks {
		if (s.user && !h.hideDirect || s.direct && h.hideDirect) && (h.deafAfter == 0 || time.Since(s.opened) < h.deafAfter) {
			_ = s.conn.Write(context.Background(), websocket.MessageText, frame)
		}
	}
}

// world is a Mastodon with two streaming processes behind a real nginx.
type world struct {
	*checkstest.Nginx
	*mastodon
	first, second *httptest.Server
	site          *site.Site
	kind          checks.Kind
	past          *checkstest.Past
	c             checks.Check
}

// quick is a pace in which a test ends; what is late is so by far.
func quick() pace {
	p := usualPace()
	p.answer, p.near, p.brief, p.post = 2*time.Second, time.Second, 20*time.Second, 2*time.Second
	p.ping, p.atOnce, p.settle = 2*time.Second, 200*time.Millisecond, 30*time.Millisecond
	p.late, p.wait = time.Second, 2*time.Second
	p.every, p.again, p.gap = 0, 0, 0
	p.nightBegins, p.nightEnds = 24, 24 // never
	return p
}

// asMastodonSays is nginx as Mastodon's sample has it, as far as it matters.
const asMastodonSays = `location ^~ /api/v1/streaming {
  proxy_set_header Host $host; proxy_set_header Proxy ""; proxy_pass http://streaming; proxy_buffering off; proxy_redirect off;
  proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; tcp_nodelay on; %s
}
`

// noUpgrade is nginx as somebody has written it who did not know of WebSockets.
const noUpgrade = "location ^~ /api/v1/streaming { proxy_pass http://streaming; proxy_buffering off; }\n"

func (w *world) proxied(streaming string) string {
	return fmt.Sprintf("map $http_upgrade $connection_upgrade { default upgrade; '' close; }\n"+
		"upstream backend { server %s fail_timeout=0; }\nupstream streaming { least_conn; server %s fail_timeout=0; server %s fail_timeout=0; }\n",
		addrOf(w.first), addrOf(w.first), addrOf(w.second)) +
		w.Server(streaming+"location / { proxy_pass http://backend; proxy_set_header Host $host; }\n")
}

func addrOf(s *httptest.Server) string { return s.Listener.Addr().String() }

func portOf(t *testing.T, addr string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func good(context.Context) (checks.Secret, error) { return checks.NewSecret(goodToken), nil }

func begin(t *testing.T, p pace, token TokenSource, table string) *world {
	t.Helper()
	m := &mastodon{socks: map[*sock]bool{}, posts: map[string]bool{}, quit: make(chan struct{})}
	w := &world{Nginx: checkstest.NewNginx(t), mastodon: m, past: &checkstest.Past{}}
	w.first, w.second = httptest.NewServer(m), httptest.NewServer(m)
	t.Cleanup(func() {
		close(m.quit)
		w.first.Close()
		w.second.Close()
	})
	ca := checkstest.NewCA(t, "Root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{domain, "127.0.0.1"}})
	w.Install(t, cert.FullChain(), cert)
	w.Start(t, w.proxied(fmt.Sprintf(asMastodonSays, "")))
	w.site = &site.Site{Domain: domain, Address: w.Addr, Roots: ca.Roots(), Proc: "/nowhere", Root: t.TempDir()}
	w.kind = kindAt(w.site, token, p)
	ports := fmt.Sprintf("ports = [%d, %d]\n", portOf(t, addrOf(w.first)), portOf(t, addrOf(w.second)))
	w.c = checkstest.Make(t, w.kind, checkstest.Table(ports+table))
	return w
}

func (w *world) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, w.kind, w.c, w.past)
}

// thorough is a look that somebody asked for by name.
func (w *world) thorough(t *testing.T) checks.Observation {
	t.Helper()
	o, err := w.c.(checks.Thorough).LookThoroughly(t.Context(), w.past)
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, w.kind, o)
	w.past.Record(o, time.Now())
	return o
}

// remembers changes what was remembered.
func (w *world) remembers(t *testing.T, change func(*memory)) {
	t.Helper()
	m, _ := recall(w.past)
	change(&m)
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	w.past.Memory = map[string][]byte{memoryKey: b}
}

// addresses are all that were asked.
func (w *world) addresses() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

// count is how many posts were made.
func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.made
}

func (w *world) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.posts)
}

func healthy(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v, want none", o.Findings, o.Blind)
	}
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	if !strings.Contains(text.En, en) {
		t.Errorf("English is %q, want it to say %q", text.En, en)
	}
	if !strings.Contains(text.Ja, ja) {
		t.Errorf("Japanese is %q, want it to say %q", text.Ja, ja)
	}
}

// held tells whether a look leaves an incident as it is.
func held(o checks.Observation, code string) bool {
	if f, ok := checkstest.Find(o, code, "*"); ok {
		return f.Holds
	}
	for _, b := range o.Blind {
		if b.Hides(checks.Key{Code: code}) {
			return true
		}
	}
	return false
}
