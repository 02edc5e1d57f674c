package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// dialStream opens a WebSocket without a socket.
func (w *world) dialStream(query string, header http.Header) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(w.t.Context(), "ws://sandbox.example/api/v1/streaming"+query, &websocket.DialOptions{
		HTTPClient: w.http, HTTPHeader: header,
	})
}

func (w *world) stream(name string) *websocket.Conn {
	w.t.Helper()
	conn, _, err := w.dialStream("?stream="+name, http.Header{"Authorization": {"Bearer " + w.token}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// hear waits for a frame, for as long as patience lasts.
func (w *world) hear(conn *websocket.Conn, patience time.Duration) (frame, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var f frame
	_, data, err := conn.Read(ctx)
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	return f, err
}

func TestAMentionArrivesAsJSONWithinJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Follow(w.bot, w.admin)
		conn := w.stream("user:notification")
		synctest.Wait()
		st := w.say(w.admin, "@saba status", SayOptions{})
		f, err := w.hear(conn, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var n notificationJSON
		if err := json.Unmarshal([]byte(f.Payload), &n); err != nil {
			t.Fatal(err)
		}
		if f.Event != "notification" || f.Stream[0] != "user:notification" || n.Type != "mention" || n.Status.ID != st.ID {
			t.Errorf("%+v", f)
		}
	})
}

func TestWhatAStreamCarries(t *testing.T) {
	cases := []struct {
		name, stream string
		scopes       []string
		opts         Options
		happens      func(*world)
		want         string
	}{
		{"a mention on user:notification", "user:notification", nil, Options{}, (*world).expectedMention, "notification"},
		{"a mention on user: also on the home timeline, since the bot follows", "user", nil, Options{}, (*world).expectedMention, "update notification"},
		{"a filtered mention is not streamed", "user:notification", nil, Options{}, (*world).strangersMention, ""},
		{"a stranger's mention on 4.2", "user", nil, Options{Flavour: Mastodon42}, (*world).strangersMention, "notification"},
		{"the bot's own direct post on user", "user", nil, Options{}, (*world).ownPost, "update"},
		{"the bot's own direct post not on user:notification", "user:notification", nil, Options{}, (*world).ownPost, ""},
		{"a deletion on user", "user", nil, Options{}, (*world).ownDeletion, "update delete"},
		{"an accepted request", "user:notification", nil, Options{}, func(w *world) { w.AcceptRequest(w.bot, w.admin) }, "notifications_merged"},
		{
			"read:statuses alone brings no notifications", "user",
			[]string{"read:statuses"},
			Options{Flavour: Mastodon42},
			(*world).strangersMention, "",
		},
		{"read:notifications alone is enough for them", "user:notification", []string{"read:notifications"}, Options{}, (*world).expectedMention, "notification"},
		{"a missing scope is told within the stream", "user:notification", []string{"write"}, Options{}, nil, "401"},
		{"an unknown name is told within the stream", "nonsense", nil, Options{}, nil, "400"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, c.opts)
				w.token = w.Token(w.bot, c.scopes...)
				conn := w.stream(c.stream)
				synctest.Wait()
				if c.happens != nil {
					c.happens(w)
				}
				var got []string
				for {
					f, err := w.hear(conn, time.Second)
					if err != nil {
						break
					}
					switch f.Status {
					case 0:
						got = append(got, f.Event)
					case 400:
						got = append(got, "400")
					case 401:
						got = append(got, "401")
					}
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("%q, not %q", got, c.want)
				}
			})
		})
	}
}

func (w *world) expectedMention() {
	w.Follow(w.bot, w.admin)
	w.say(w.admin, "@saba help", SayOptions{})
}

func (w *world) strangersMention() { w.say(w.admin, "@saba help", SayOptions{}) }

func (w *world) ownPost() { w.say(w.bot, "@admin hello", SayOptions{}) }

func (w *world) ownDeletion() {
	if err := w.Delete(w.say(w.bot, "@admin hello", SayOptions{}).ID); err != nil {
		w.t.Error(err)
	}
}

func TestAStreamIsOpenedByAnyOfThreeWays(t *testing.T) {
	cases := []struct {
		name   string
		query  func(token string) string
		header func(token string) http.Header
		opts   Options
		code   int
	}{
		{"a header", nil, func(t string) http.Header { return http.Header{"Authorization": {"Bearer " + t}} }, Options{}, 101},
		{"the query", func(t string) string { return "?access_token=" + t }, nil, Options{}, 101},
		{"a sub-protocol", nil, func(t string) http.Header { return http.Header{"Sec-WebSocket-Protocol": {t}} }, Options{}, 101},
		{"no token", nil, nil, Options{}, 401},
		{"a bad token", func(string) string { return "?access_token=x" }, nil, Options{}, 401},
		{"a bad token at GoToSocial", func(string) string { return "?access_token=x" }, nil, Options{Flavour: GoToSocial}, 418},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, c.opts)
				query, header := "", http.Header(nil)
				if c.query != nil {
					query = c.query(w.token)
				}
				if c.header != nil {
					header = c.header(w.token)
				}
				conn, res, err := w.dialStream(query, header)
				if res == nil || res.StatusCode != c.code {
					t.Fatalf("%v, %v", res, err)
				}
				if c.code == 401 && res.Header.Get("X-Error-Message") == "" {
					t.Error("no reason in the header")
				}
				if conn != nil {
					defer conn.CloseNow()
					if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"subscribe","stream":"user"}`)); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					w.ownPost()
					if f, err := w.hear(conn, time.Second); err != nil || f.Event != "update" {
						t.Errorf("%+v, %v", f, err)
					}
				}
			})
		})
	}
}

func TestALivingStreamIsPingedForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		conn := w.stream("user")
		got := make(chan error, 1)
		go func() {
			_, err := w.hear(conn, 72*time.Hour)
			got <- err
		}()
		pass(48 * time.Hour)
		w.ownPost()
		if err := <-got; err != nil {
			t.Errorf("after two days: %v", err)
		}
	})
}

func TestAClientThatDoesNotPongIsDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.stream("user") // nobody reads it, so nobody answers pings
		synctest.Wait()
		if n := w.Streams(); n != 1 {
			t.Fatalf("%d streams", n)
		}
		pass(61 * time.Second)
		synctest.Wait()
		if n := w.Streams(); n != 0 {
			t.Errorf("%d streams after a minute", n)
		}
	})
}

func TestAHalfOpenStreamStandsAndIsSilent(t *testing.T) {
	cases := []struct {
		name   string
		freeze func(*world)
		late   func(*world)
	}{
		{"frozen when it was open", func(*world) {}, func(w *world) { w.FreezeStreams() }},
		{"opened so", func(w *world) {
			w.Misbehave(Fault{Kind: HalfOpen, PathPrefix: "/api/v1/streaming", Times: 1})
		}, func(*world) {}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{})
				c.freeze(w)
				conn := w.stream("user")
				synctest.Wait()
				c.late(w)
				w.ownPost()
				pong := make(chan error, 1)
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					pong <- conn.Ping(ctx)
				}()
				if f, err := w.hear(conn, 10*time.Minute); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%+v, %v", f, err)
				}
				if err := <-pong; err == nil {
					t.Error("a pong came")
				}
				synctest.Wait()
				if n := w.Streams(); n != 0 {
					t.Errorf("%d streams after the client left", n)
				}
				again := w.stream("user")
				synctest.Wait()
				w.ownPost()
				if _, err := w.hear(again, time.Second); err != nil {
					t.Errorf("the next stream: %v", err)
				}
			})
		})
	}
}

func TestAStreamIsClosedWithoutACode(t *testing.T) {
	cases := []struct {
		name  string
		close func(*world)
	}{
		{"when the server kicks", func(w *world) { w.KickStreams() }},
		{"when its token is revoked", func(w *world) { w.Revoke(w.token) }},
		{"some time after it was opened", func(*world) {}},
	}
	for n, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{})
				if n == len(cases)-1 {
					w.Misbehave(Fault{Kind: Kick, Delay: time.Minute})
				}
				conn := w.stream("user")
				synctest.Wait()
				c.close(w)
				if _, err := w.hear(conn, time.Hour); websocket.CloseStatus(err) != websocket.StatusNoStatusRcvd {
					t.Errorf("%v", err)
				}
				synctest.Wait()
				if n := w.Streams(); n != 0 {
					t.Errorf("%d streams", n)
				}
			})
		})
	}
}

func TestAFrozenStreamIsNotKicked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		conn := w.stream("user")
		synctest.Wait()
		w.FreezeStreams()
		w.KickStreams()
		if _, err := w.hear(conn, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func TestASubscriptionCanBeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		conn := w.stream("user")
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"unsubscribe","stream":"user"}`)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.ownPost()
		if f, err := w.hear(conn, time.Second); err == nil {
			t.Errorf("%+v", f)
		}
	})
}

func TestAStreamEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		conn := w.stream("user")
		frozen := w.stream("user")
		synctest.Wait()
		w.FreezeStreams()
		w.Close()
		for _, c := range []*websocket.Conn{conn, frozen} {
			if _, err := w.hear(c, time.Second); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestServerSentEventsNeedTheirScope(t *testing.T) {
	w := newWorld(t, Options{})
	auth := "Authorization: Bearer " + w.Token(w.bot, "read:statuses")
	if got := w.do("GET", "/api/v1/streaming/user/notification", nil, auth); got.code != 401 {
		t.Errorf("%d %s", got.code, got.body)
	}
	if got := w.do("GET", "/api/v1/streaming/user", nil, "Authorization: "); got.code != 401 || got.object(t)["error"] != "Missing access token" {
		t.Errorf("%d %s", got.code, got.body)
	}
	if got := w.do("GET", "/api/v1/streaming", nil); got.code != 400 {
		t.Errorf("without an upgrade: %d %s", got.code, got.body)
	}
}

func TestServerSentEventsCanBeKickedAndFrozen(t *testing.T) {
	for _, kind := range []Kind{Kick, HalfOpen} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.Misbehave(Fault{Kind: kind, Delay: 20 * time.Second})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, "GET", w.URL()+"/api/v1/streaming/user", nil)
			req.Header.Set("Authorization", "Bearer "+w.token)
			res, err := w.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			data, err := io.ReadAll(res.Body)
			if string(data) != ":)\n:thump\n" || (kind == Kick) != (err == nil) {
				t.Errorf("%q, %v", data, err)
			}
		})
	}
}

func TestServerSentEventsBeginWithASmileAndThump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", w.URL()+"/api/v1/streaming/user", nil)
		req.Header.Set("Authorization", "Bearer "+w.token)
		res, err := w.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		next := func() string { lines.Scan(); return lines.Text() }
		if got := next(); got != ":)" {
			t.Errorf("first %q", got)
		}
		start := time.Now()
		if got := next(); got != ":thump" || time.Since(start) != 15*time.Second {
			t.Errorf("then %q after %v", got, time.Since(start))
		}
		w.ownPost()
		if got := next(); got != "event: update" {
			t.Errorf("then %q", got)
		}
		if got := next(); !strings.HasPrefix(got, `data: {"id":"`) {
			t.Errorf("then %q", got)
		}
	})
}
