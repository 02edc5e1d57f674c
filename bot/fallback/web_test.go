package fallback_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/fallback"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// heard is a request as a service got it.
type heard struct {
	method, path string
	header       http.Header
	body         string
}

// service is a real web server that answers what a test says.
type service struct {
	*httptest.Server
	mu   sync.Mutex
	all  []heard
	code int
	text string
	wait time.Duration
}

func serve(t *testing.T, certificate *checkstest.Certificate) *service {
	t.Helper()
	s := &service{code: 200}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.all = append(s.all, heard{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
		code, text, wait := s.code, s.text, s.wait
		s.mu.Unlock()
		if wait > 0 {
			select {
			case <-time.After(wait):
			case <-r.Context().Done():
			}
		}
		if code/100 == 3 {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
	}))
	if certificate != nil {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate.TLS()}}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *service) answers(code int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.text = code, text
}

func (s *service) last(t *testing.T) heard {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		t.Fatal("nothing was heard")
	}
	return s.all[len(s.all)-1]
}

func way(t *testing.T, address string, o fallback.Options) bot.Way {
	t.Helper()
	w, err := fallback.New(checks.NewSecret(address), o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func message() bot.Message {
	return bot.Message{
		Key: "sababan-ab-cd", Title: "example.social", Severity: checks.Critical, Lang: checks.Japanese,
		Text: "【要対応】12番 <web> & *UI*: 502\n対処: sudo systemctl restart mastodon-web", Since: time.Now(),
	}
}

func (s *service) host() string { return strings.TrimPrefix(s.URL, "http://") }

func TestAWebHookGetsTheMessageAsJSON(t *testing.T) {
	s := serve(t, nil)
	w := way(t, s.URL+"/in?key=hunter2", fallback.Options{UserAgent: "sababan/1"})
	if r := w.Send(t.Context(), message()); r.Outcome != bot.Delivered {
		t.Fatalf("%+v", r)
	}
	got := s.last(t)
	var body map[string]string
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatal(err)
	}
	if got.path != "/in?key=hunter2" || got.header.Get("Idempotency-Key") != "sababan-ab-cd" || got.header.Get("User-Agent") != "sababan/1" ||
		body["id"] != "sababan-ab-cd" || body["site"] != "example.social" || body["severity"] != "critical" || body["text"] != message().Text || body["language"] != "ja" {
		t.Errorf("%+v", got)
	}
	if id, there, err := w.Find(t.Context(), message()); there || err != nil {
		t.Errorf("%q, %v, %v: sending again is the same to it", id, there, err)
	}
	if strings.Contains(w.Name(), "hunter") || strings.Contains(w.Name(), "127") || !strings.HasPrefix(w.Name(), "webhook-") {
		t.Errorf("the name %q tells where it leads", w.Name())
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	for _, c := range []struct {
		name string
		code int
		want bot.Outcome
		only bool // this message alone
		why  string
	}{
		{"taken", 204, bot.Delivered, false, ""},
		{"led elsewhere, which is never followed", 307, bot.Refused, false, "it answered 307, leading elsewhere; write the address it leads to"},
		{"not let in", 403, bot.Refused, false, "it answered 403"},
		{"not such a message", 400, bot.Refused, true, "it answered 400"},
		{"too many", 429, bot.Refused, false, "too many requests (429)"},
		{"a proxy that gave up: it may be there", 502, bot.Uncertain, false, "it answered 502"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, nil)
			s.answers(c.code, strings.Repeat("x", 300<<10))
			r := way(t, s.URL+"/hunter2", fallback.Options{}).Send(t.Context(), message())
			if r.Outcome != c.want || r.ForMessage != c.only || r.Why != c.why {
				t.Errorf("%+v", r)
			}
			if n := len(s.all); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestNoErrorShowsAnAddress(t *testing.T) {
	silent := serve(t, nil)
	silent.wait = time.Minute
	closed := serve(t, nil)
	closed.Close()
	plain := serve(t, nil)
	for _, c := range []struct {
		name, address string
		want          bot.Outcome
		why           string
	}{
		{"nobody there", closed.URL + "/hunter2", bot.Refused, "connection refused"},
		{"no answer", silent.URL + "/hunter2", bot.Uncertain, "no answer in time"},
		{"no TLS there", "https" + strings.TrimPrefix(plain.URL, "http") + "/hunter2", bot.Refused, "not sent: "},
		{"no such name", "https://nowhere.invalid/hunter2", bot.Refused, "not sent: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := fallback.Options{Patience: 300 * time.Millisecond}
			if c.name == "no such name" {
				o.Dial = func(context.Context, string, string) (net.Conn, error) {
					return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}}
				}
			}
			r := way(t, c.address, o).Send(t.Context(), message())
			if r.Outcome != c.want || !strings.Contains(r.Why, c.why) || strings.Contains(r.Why, "hunter2") {
				t.Errorf("%v: %s", r.Outcome, r.Why)
			}
			h, err := fallback.NewHeartbeat(checks.NewSecret(c.address), o)
			if err != nil {
				t.Fatal(err)
			}
			err = h.Beat(t.Context(), bot.PulseFail, "no")
			if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(fmt.Sprintf("%+v %v", h, h), "hunter2") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestChatServices(t *testing.T) {
	ca := checkstest.NewCA(t, "Lab Root")
	leaf := ca.Issue(t, checkstest.Leaf{Names: []string{"discord.com", "hooks.slack.com"}})
	s := serve(t, &leaf)
	o := fallback.Options{Roots: ca.Roots(), Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}}
	for _, c := range []struct{ address, path, body string }{
		{"discord://123/hunter2", "/api/webhooks/123/hunter2?wait=true", `{"allowed_mentions":{"parse":[]},"content":"example.social\n【要対応】12番 \u003cweb\u003e \u0026 \\*UI\\*: 502\n対処: sudo systemctl restart mastodon-web"}`},
		{"https://discord.com/api/webhooks/123/hunter2", "/api/webhooks/123/hunter2?wait=true", ""},
		{"slack://T0/B0/hunter2", "/services/T0/B0/hunter2", `{"mrkdwn":false,"text":"example.social\n【要対応】12番 \u0026lt;web\u0026gt; \u0026amp; *UI*: 502\n対処: sudo systemctl restart mastodon-web"}`},
		{"https://hooks.slack.com/services/T0/B0/hunter2", "/services/T0/B0/hunter2", ""},
	} {
		w := way(t, c.address, o)
		if r := w.Send(t.Context(), message()); r.Outcome != bot.Delivered {
			t.Errorf("%s: %+v", c.address, r)
			continue
		}
		if got := s.last(t); got.path != c.path || c.body != "" && got.body != c.body {
			t.Errorf("%s: %s\n%s", c.address, got.path, got.body)
		}
		if _, _, err := w.Find(t.Context(), message()); err != bot.ErrCannotTell {
			t.Errorf("%s: %v: what may be there is not sent twice", c.address, err)
		}
		if !fallback.Secret(checks.NewSecret(c.address)) {
			t.Errorf("%s is a secret", c.address)
		}
	}
}

func TestNtfy(t *testing.T) {
	s := serve(t, nil)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("tk_hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := way(t, "ntfy://"+s.host()+"/saba?token_file="+url.QueryEscape(file), fallback.Options{})
	if r := w.Send(t.Context(), message()); r.Outcome != bot.Delivered {
		t.Fatalf("%+v", r)
	}
	got := s.last(t)
	if got.path != "/" || got.header.Get("Authorization") != "Bearer tk_hunter2" || !strings.Contains(got.body, `"topic":"saba"`) || !strings.Contains(got.body, `"priority":5`) {
		t.Errorf("%+v", got)
	}
	line, _ := json.Marshal(map[string]any{"id": "x1", "event": "message", "title": "example.social", "message": message().Text})
	s.answers(200, "{\"event\":\"open\"}\n"+string(line)+"\n")
	if id, there, err := w.Find(t.Context(), message()); id != "x1" || !there || err != nil {
		t.Errorf("%q, %v, %v", id, there, err)
	}
	s.answers(200, "")
	if _, there, err := w.Find(t.Context(), message()); there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
	s.answers(403, "")
	if _, _, err := w.Find(t.Context(), message()); err != bot.ErrCannotTell {
		t.Errorf("%v", err)
	}
	s.answers(200, "")
	if r := way(t, "ntfy://me:hunter2@"+s.host()+"/saba", fallback.Options{}).Send(t.Context(), message()); r.Outcome != bot.Delivered {
		t.Errorf("%+v", r)
	}
	if got := s.last(t).header.Get("Authorization"); got != "Basic bWU6aHVudGVyMg==" {
		t.Error(got)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := w.Send(t.Context(), message()); r.Outcome != bot.Refused || !strings.Contains(r.Why, "can be read by others") {
		t.Errorf("%+v", r)
	}
}

func TestASecretIsReadWhereSystemdKeepsIt(t *testing.T) {
	s := serve(t, nil)
	held := filepath.Join(t.TempDir(), "fallback-token")
	if err := os.WriteFile(held, []byte("tk_of_systemd\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	w := way(t, "ntfy://"+s.host()+"/saba?token_file=/etc/sababan/fallback-token", fallback.Options{SecretFile: func(path string) string {
		if path != "/etc/sababan/fallback-token" {
			t.Error(path)
		}
		return held
	}})
	if r := w.Send(t.Context(), message()); r.Outcome != bot.Delivered {
		t.Fatalf("%+v", r)
	}
	if got := s.last(t).header.Get("Authorization"); got != "Bearer tk_of_systemd" {
		t.Error(got)
	}
}

func TestMatrixIsTheSameMessageWhenSentAgain(t *testing.T) {
	s := serve(t, nil)
	w := way(t, "matrix://"+s.host()+"/!room:example.org?token=hunter2", fallback.Options{})
	for range 2 {
		if r := w.Send(t.Context(), message()); r.Outcome != bot.Delivered {
			t.Fatalf("%+v", r)
		}
	}
	for _, got := range s.all {
		if got.method != http.MethodPut || got.path != "/_matrix/client/v3/rooms/%21room:example.org/send/m.room.message/sababan-ab-cd" && got.path != "/_matrix/client/v3/rooms/%21room%3Aexample.org/send/m.room.message/sababan-ab-cd" && got.path != "/_matrix/client/v3/rooms/!room:example.org/send/m.room.message/sababan-ab-cd" || got.header.Get("Authorization") != "Bearer hunter2" {
			t.Errorf("%+v", got)
		}
	}
}

func TestTheHeartbeatSpeaksAsHealthchecksDoes(t *testing.T) {
	s := serve(t, nil)
	h, err := fallback.NewHeartbeat(checks.NewSecret(s.URL+"/hunter2?x=1"), fallback.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pulse        bot.Pulse
		body         string
		method, path string
	}{
		{bot.PulseStart, "", http.MethodGet, "/hunter2/start?x=1"},
		{bot.PulseSuccess, "", http.MethodGet, "/hunter2?x=1"},
		{bot.PulseFail, "not looked at in time: disk", http.MethodPost, "/hunter2/fail?x=1"},
	} {
		if err := h.Beat(t.Context(), c.pulse, c.body); err != nil {
			t.Error(err)
		}
		if got := s.last(t); got.method != c.method || got.path != c.path || got.body != c.body {
			t.Errorf("%+v", got)
		}
	}
	s.answers(200, "OK (not found)")
	if err := h.Beat(t.Context(), bot.PulseSuccess, ""); err == nil {
		t.Error("no such check is no success")
	}
}

func TestWhatAnAddressMayBe(t *testing.T) {
	for address, want := range map[string]string{
		"mailto:me@example.com":                                                      "",
		"mailto:me@example.com?from=saba@example.com":                                "",
		"smtp://me:hunter2@mail.example/?from=a@example.com&to=b@example.com":        "",
		"smtps://mail.example:465?to=b@example.com,c@example.com":                    "",
		"mastodon://second.example?token_file=/etc/sababan/two&to=alice@example.com": "",
		"https://hooks.example/x":                                                    "",
		"smtp://me:hunter2@mail.example":                                             "to: is missing; write …?to=me@example.com",
		"smtp://me@mail.example?to=b@example.com":                                    "smtp: has a user and no password; add password_file=…",
		"smtp://mail.example?to=b@example.com&hunter2=1":                             `smtp: has no setting "hunter2"; there are: from, to, password_file`,
		"mailto:nobody":                           "to: is no mail address; write for example me@example.com",
		"mastodon://second.example?to=alice":      "mastodon: needs token_file=… with the access token of the second account",
		"mastodon://second.example?token=hunter2": "to: is missing; write …&to=alice@example.social",
		"ntfy://ntfy.sh":                          `should be ntfy://HOST/TOPIC, for example "ntfy://ntfy.sh/my-topic"`,
		"ntfy://ntfy.sh/a?token_file=b":           `token_file should be a whole path, for example "/etc/sababan/token"`,
		"matrix://example.org/room?token=hunter2": "should be matrix://HOST/!ROOM:SERVER?token_file=…; the room's id stands in its settings",
		"discord://hunter2":                       "should be discord://ID/TOKEN, or the address that Discord gives for a web-hook",
		"slack://hunter2":                         "should be slack://T…/B…/X…, or the address that Slack gives for a web-hook",
		"telegram://hunter2":                      `"telegram" is no scheme that is known; there are: mailto, smtp, smtps, mastodon, ntfy, matrix, discord, slack, http, https`,
		"hunter2":                                 `should be an address such as "mailto:me@example.com" or "https://…"`,
	} {
		_, err := fallback.New(checks.NewSecret(address), fallback.Options{})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", address, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%s:\n got %v\nwant %s", address, err, want)
		}
	}
	if !fallback.InTheClear(checks.NewSecret("http://hooks.example/x")) || fallback.InTheClear(checks.NewSecret("http://127.0.0.1/x")) || fallback.InTheClear(checks.NewSecret("https://hooks.example/x")) {
		t.Error("what goes in the clear is not told")
	}
}

// second is a server where the bot has its second account, and the address of
// that for some readers. before hears of each request.
func second(t *testing.T, before func(*http.Request), to ...string) (server *sandbox.Server, saba sandbox.Account, address string) {
	t.Helper()
	server = sandbox.New(sandbox.Options{NoLimits: true, Admit: func(r *http.Request) bool { before(r); return true }})
	saba = server.AddAccount(sandbox.Account{Username: "saba", Bot: true})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(context.Background(), ln) })
	t.Cleanup(func() { server.Close(); serving.Wait() })
	return server, saba, "mastodon://" + ln.Addr().String() + "?token=" + server.Token(saba) + "&to=" + strings.Join(to, "&to=")
}

// numbered are so many lines that differ.
func numbered(n int) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("line %d of a long message", i))
	}
	return strings.Join(lines, "\n")
}

func TestASecondAccountTellsALongMessageInAThread(t *testing.T) {
	// The answer about the second post of the first reader is lost, and then the
	// daemon is started anew.
	var posts atomic.Int64
	var server *sandbox.Server
	var saba sandbox.Account
	var address string
	server, saba, address = second(t, func(r *http.Request) {
		if r.Method == http.MethodPost && posts.Add(1) == 2 {
			server.Misbehave(sandbox.Fault{Kind: sandbox.CutAfter, Method: http.MethodPost, Times: 1})
		}
	}, "alice", "bob@elsewhere.example")
	readers := []sandbox.Account{server.AddAccount(sandbox.Account{Username: "alice"}), server.AddAccount(sandbox.Account{Username: "bob", Domain: "elsewhere.example"})}
	m := message()
	m.Text = numbered(40)
	o := fallback.Options{Patience: 3 * time.Second}
	w := way(t, address, o)
	if limit := w.Limit(); limit != 0 {
		t.Errorf("it is cut at %d characters before the account sees it", limit)
	}
	if r := w.Send(t.Context(), m); r.Outcome != bot.Uncertain {
		t.Fatalf("%+v", r)
	}
	again := way(t, address, o)
	if _, there, err := again.Find(t.Context(), m); there || err != nil {
		t.Errorf("%v, %v: most of it is missing", there, err)
	}
	if r := again.Send(t.Context(), m); r.Outcome != bot.Delivered || r.ID == "" {
		t.Errorf("%+v", r)
	}
	if id, there, err := way(t, address, o).Find(t.Context(), m); !there || id == "" || err != nil {
		t.Errorf("%q, %v, %v: all of it is there", id, there, err)
	}
	for _, a := range readers {
		inbox := server.Inbox(a)
		said, parent := "", ""
		for i, one := range inbox {
			if one.InReplyTo != parent || one.Visibility != sandbox.Direct || one.Author.ID != saba.ID || len([]rune(one.Text)) > 500 {
				t.Errorf("post %d to %s: %+v", i, a.Username, one)
			}
			parent = one.ID
			said += one.Text
		}
		for i := range 40 {
			if n := strings.Count(said, fmt.Sprintf("line %d of a long message", i)); n != 1 {
				t.Errorf("%s has line %d %d times", a.Username, i, n)
			}
		}
	}
}

func TestAReaderWhoIsGoneKeepsTheMessageFromNobodyElse(t *testing.T) {
	server, _, address := second(t, func(*http.Request) {}, "alice", "bob")
	o := fallback.Options{Patience: 3 * time.Second}
	if r := way(t, address, o).Send(t.Context(), message()); r.Outcome != bot.Refused {
		t.Errorf("there is nobody to tell: %+v", r)
	}
	bob := server.AddAccount(sandbox.Account{Username: "bob"})
	if r := way(t, address, o).Send(t.Context(), message()); r.Outcome != bot.Delivered || r.Why != "alice: no such account" {
		t.Errorf("%+v", r)
	}
	if n := len(server.Inbox(bob)); n != 1 {
		t.Errorf("bob has %d messages", n)
	}
}

func TestASecondAccountTellsEachReaderOnce(t *testing.T) {
	server, saba, address := second(t, func(*http.Request) {}, "alice", "bob@elsewhere.example")
	alice, bob := server.AddAccount(sandbox.Account{Username: "alice"}), server.AddAccount(sandbox.Account{Username: "bob", Domain: "elsewhere.example"})
	w := way(t, address, fallback.Options{Patience: 3 * time.Second})
	m := message()
	// The answer about the first reader's is lost.
	lost := server.Misbehave(sandbox.Fault{Kind: sandbox.CutAfter, Method: http.MethodPost, Times: 1})
	if r := w.Send(t.Context(), m); r.Outcome != bot.Uncertain {
		t.Fatalf("%+v", r)
	}
	lost.Stop()
	again := way(t, address, fallback.Options{Patience: 3 * time.Second}) // a restart
	if _, there, err := again.Find(t.Context(), m); there || err != nil {
		t.Errorf("%v, %v: the second reader has not got it", there, err)
	}
	if r := again.Send(t.Context(), m); r.Outcome != bot.Delivered {
		t.Errorf("%+v", r)
	}
	for name, a := range map[string]sandbox.Account{"alice": alice, "bob": bob} {
		if inbox := server.Inbox(a); len(inbox) != 1 || inbox[0].Visibility != sandbox.Direct {
			t.Errorf("%s has %d messages", name, len(inbox))
		}
	}
	if text := fmt.Sprintf("%+v %v", w, w); bytes.Contains([]byte(text), []byte(server.Token(saba))) {
		t.Error("the token is printed")
	}
}
