package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a server with a bot and an admin, reached without a socket.
type world struct {
	*Server
	t          *testing.T
	http       *http.Client
	bot, admin Account
	token      string
}

func newWorld(t *testing.T, opts Options) *world {
	t.Helper()
	s := New(opts)
	w := &world{Server: s, t: t, http: s.Client()}
	w.bot = s.AddAccount(Account{Username: "saba", Bot: true})
	w.admin = s.AddAccount(Account{Username: "admin"})
	w.token = s.Token(w.bot)
	t.Cleanup(func() {
		w.http.CloseIdleConnections()
		s.Close()
	})
	return w
}

// An answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	a.into(t, &v)
	return v
}

func (a answer) list(t *testing.T) []map[string]any {
	t.Helper()
	var v []map[string]any
	a.into(t, &v)
	return v
}

// ids joins the ids of a list.
func (a answer) ids(t *testing.T) string {
	t.Helper()
	var all []string
	for _, one := range a.list(t) {
		all = append(all, one["id"].(string))
	}
	return strings.Join(all, " ")
}

// do sends a form as the bot; header lines are "Name: value".
func (w *world) do(method, path string, form url.Values, header ...string) answer {
	w.t.Helper()
	got, err := w.try(method, path, form, header...)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) try(method, path string, form url.Values, header ...string) (answer, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.URL()+path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+w.token)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
		if value == "" {
			req.Header.Del(name)
		}
	}
	res, err := w.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(data)}, err
}

// tell posts a direct message as the bot.
func (w *world) tell(text string, header ...string) answer {
	w.t.Helper()
	return w.do("POST", "/api/v1/statuses", url.Values{"status": {text}, "visibility": {"direct"}}, header...)
}

func (w *world) say(by Account, text string, opts SayOptions) Status {
	w.t.Helper()
	st, err := w.Say(by, text, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// pass lets the time of a bubble go by; nothing outside a bubble calls it.
func pass(d time.Duration) { <-time.After(d) }

func TestAServerOnARealSocketEndsWithItsContext(t *testing.T) {
	s := New(Options{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	res, err := client.Get("http://" + ln.Addr().String() + "/health")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	s.Close()
	if err := s.Serve(t.Context(), ln); err == nil {
		t.Error("a closed server serves again")
	}
}

func TestAfterCloseNobodyIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		if got := w.do("GET", "/health", nil); got.body != "OK" {
			t.Errorf("health is %q", got.body)
		}
		w.Close()
		w.Close()
		if _, err := w.try("GET", "/health", nil); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("a closed server answers %v", err)
		}
	})
}

func TestDaysPassInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for range 3 * 24 {
			pass(time.Hour)
			if got := w.tell("@admin hour"); got.code != http.StatusOK {
				t.Fatalf("%d %s", got.code, got.body)
			}
		}
		if n := len(w.Inbox(w.admin)); n != 72 {
			t.Errorf("%d of 72 messages", n)
		}
	})
}

func TestWatchTellsEveryStatusInOrderHoweverSlowlyItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		seen := w.Watch(ctx)
		for _, text := range []string{"one", "two", "three"} {
			w.say(w.admin, text, SayOptions{})
		}
		for _, want := range []string{"one", "two", "three"} {
			if st := <-seen; st.Text != want {
				t.Errorf("%q came instead of %q", st.Text, want)
			}
		}
		cancel()
		if _, open := <-seen; open {
			t.Error("the channel outlives its context")
		}
		late := w.Watch(t.Context())
		w.Close()
		if _, open := <-late; open {
			t.Error("the channel outlives the server")
		}
	})
}

func TestInstanceHasTheShapesOfMastodon(t *testing.T) {
	cases := []struct {
		name    string
		opts    Options
		version string
		max     float64
	}{
		{"a Mastodon 4.5 by default", Options{}, "4.5.2", 500},
		{"a Mastodon 4.2", Options{Flavour: Mastodon42}, "4.2.29", 500},
		{"a GoToSocial", Options{Flavour: GoToSocial}, "0.20.2", 5000},
		{"what the options say", Options{Version: "4.6.0+glitch", MaxCharacters: 1000}, "4.6.0+glitch", 1000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.opts)
			v1 := w.do("GET", "/api/v1/instance", nil).object(t)
			v2 := w.do("GET", "/api/v2/instance", nil).object(t)
			for n, v := range []map[string]any{v1, v2} {
				configuration := v["configuration"].(map[string]any)
				if got := configuration["statuses"].(map[string]any)["max_characters"]; got != c.max || v["version"] != c.version {
					t.Errorf("v%d: %v characters, version %v", n+1, got, v["version"])
				}
			}
			if got := v1["urls"].(map[string]any)["streaming_api"]; got != "ws://sandbox.example" {
				t.Errorf("v1 streams from %v", got)
			}
			if got := v2["configuration"].(map[string]any)["urls"].(map[string]any)["streaming"]; got != "ws://sandbox.example" {
				t.Errorf("v2 streams from %v", got)
			}
			if v1["uri"] != "sandbox.example" || v2["domain"] != "sandbox.example" || len(v2["rules"].([]any)) != 2 {
				t.Errorf("v1 %v, v2 %v", v1["uri"], v2["domain"])
			}
		})
	}
}

func TestPathsThatAServerDoesNotHaveAre404InJSON(t *testing.T) {
	cases := []struct {
		name, method, path string
		opts               Options
	}{
		{"an unknown path", "GET", "/api/v9/x", Options{}},
		{"a wrong method", "PUT", "/api/v1/statuses", Options{}},
		{"no policy on 4.2", "GET", "/api/v2/notifications/policy", Options{Flavour: Mastodon42}},
		{"no requests on 4.2", "GET", "/api/v1/notifications/requests", Options{Flavour: Mastodon42}},
		{"no policy on GoToSocial", "PATCH", "/api/v2/notifications/policy", Options{Flavour: GoToSocial}},
		{"no event stream on GoToSocial", "GET", "/api/v1/streaming/user", Options{Flavour: GoToSocial}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.opts)
			got := w.do(c.method, c.path, nil)
			if got.code != http.StatusNotFound || got.object(t)["error"] == nil {
				t.Errorf("%d %s", got.code, got.body)
			}
		})
	}
}

func TestTheHandlerServesBehindTLSToo(t *testing.T) {
	s := New(Options{})
	around := httptest.NewTLSServer(s.Handler())
	defer around.Close()
	client := around.Client()
	res, err := client.Get(around.URL + "/api/v2/instance")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || !strings.Contains(string(data), `"streaming":"wss://127.0.0.1:`) {
		t.Errorf("%s, %v", data, err)
	}
	bot := s.AddAccount(Account{Username: "saba"})
	conn, _, err := websocket.Dial(t.Context(), around.URL+"/api/v1/streaming?stream=user&access_token="+s.Token(bot),
		&websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	s.Close()
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the stream outlives the server")
	}
}

func TestTheFrontPageIsMastodons(t *testing.T) {
	w := newWorld(t, Options{Title: "<b>"})
	if got := w.do("GET", "/about?5", nil); got.code != 200 || !strings.Contains(got.body, `id="mastodon"`) {
		t.Errorf("/about is %d %s", got.code, got.body)
	}
	if got := w.do("GET", "/api/v1/timelines/public?limit=1", nil); got.code != 200 || !strings.HasPrefix(got.body, "[") {
		t.Errorf("the public timeline is %d %s", got.code, got.body)
	}
	if got := w.do("GET", "/", nil); !strings.Contains(got.body, `id="mastodon"`) || strings.Contains(got.body, "<b>") {
		t.Error(got.body)
	}
	if got := w.do("GET", "/api/v1/streaming/health", nil); got.body != "OK" {
		t.Errorf("streaming health is %q", got.body)
	}
	software := w.do("GET", "/nodeinfo/2.0", nil).object(t)["software"].(map[string]any)["name"]
	if software != "mastodon" {
		t.Errorf("nodeinfo says %v", software)
	}
}
