package mastodon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a server in memory with the bot and some people on it.
type world struct {
	t                       *testing.T
	server                  *sandbox.Server
	home                    *Mastodon
	saba, alice, evil, afar sandbox.Account
	token                   string
	log                     *bytes.Buffer
}

// flavours are the kinds of server that the bot may live on.
var flavours = map[string]sandbox.Options{
	"Mastodon 4.5":                          {},
	"Mastodon 4.2":                          {Flavour: sandbox.Mastodon42},
	"GoToSocial":                            {Flavour: sandbox.GoToSocial},
	"a fork without keys and guarded names": {IgnoreIdempotency: true, IgnoreAllowedMentions: true},
}

// inWorld runs a test in a bubble, where time passes at once.
func inWorld(t *testing.T, opts sandbox.Options, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, server: sandbox.New(opts), log: &bytes.Buffer{}}
		t.Cleanup(w.server.Close)
		w.saba = w.server.AddAccount(sandbox.Account{Username: "saba", Bot: true})
		w.alice = w.server.AddAccount(sandbox.Account{Username: "alice"})
		w.evil = w.server.AddAccount(sandbox.Account{Username: "evil"})
		w.afar = w.server.AddAccount(sandbox.Account{Username: "bob", Domain: "afar.example"})
		w.token = w.server.Token(w.saba)
		w.home = w.client(w.token)
		test(w)
	})
}

func inEveryWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	for name, opts := range flavours {
		t.Run(name, func(t *testing.T) { inWorld(t, opts, test) })
	}
}

func (w *world) client(token string) *Mastodon {
	w.t.Helper()
	h, err := New(Options{
		Server: w.server.URL(), Token: checks.NewSecret(token), Dial: w.server.Dialer(), PlainHTTP: true,
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(h.Close)
	return h
}

func (w *world) message(text string) bot.Message {
	return bot.Message{
		Key: fmt.Sprintf("key-%x", text)[:min(4+2*len(text), 200)], Text: text, Lang: checks.English, Since: time.Now(),
		To: bot.Recipient{ID: w.alice.ID, Handle: "alice"},
	}
}

func (w *world) send(m bot.Message) bot.Receipt {
	w.t.Helper()
	return w.home.Send(w.t.Context(), m)
}

func (w *world) deliver(m bot.Message) string {
	w.t.Helper()
	r := w.send(m)
	if r.Outcome != bot.Delivered || r.ID == "" {
		w.t.Fatalf("receipt %+v, want delivered with an id", r)
	}
	return r.ID
}

func (w *world) expect(r, want bot.Receipt, why string) {
	w.t.Helper()
	if !strings.Contains(r.Why, why) {
		w.t.Errorf("why is %q, want %q in it", r.Why, why)
	}
	if strings.Contains(r.Why, w.token) {
		w.t.Error("the receipt shows the token")
	}
	r.Why, want.Why = "", ""
	if r != want {
		w.t.Errorf("receipt %+v, want %+v", r, want)
	}
}

func (w *world) find(m bot.Message) (id string, found bool) {
	w.t.Helper()
	id, found, err := w.home.Find(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	return id, found
}

func (w *world) inbox(want int) []sandbox.Message {
	w.t.Helper()
	all := w.server.Inbox(w.alice)
	if len(all) != want {
		w.t.Fatalf("alice has %d messages, want %d: %+v", len(all), want, all)
	}
	return all
}

func (w *world) say(by sandbox.Account, text string) {
	w.t.Helper()
	if _, err := w.server.Say(by, text, sandbox.SayOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// pass lets time pass in the bubble.
func (w *world) pass(d time.Duration) { <-time.After(d) }

// forMessage, final and wide are the ways to refuse.
func forMessage() bot.Receipt { return bot.Receipt{Outcome: bot.Refused, ForMessage: true} }

func final() bot.Receipt     { return bot.Receipt{Outcome: bot.Refused, ForMessage: true, Final: true} }
func wide() bot.Receipt      { return bot.Receipt{Outcome: bot.Refused} }
func uncertain() bot.Receipt { return bot.Receipt{Outcome: bot.Uncertain} }

// stranger is a server on loopback that answers as the handler does.
func stranger(t *testing.T, handler http.HandlerFunc) *Mastodon {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	h, err := New(Options{Server: s.URL, Token: checks.NewSecret("s3cr3t-token-words")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func says(code int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func ended(parent context.Context) context.Context {
	ctx, cancel := context.WithCancel(parent)
	cancel()
	return ctx
}
