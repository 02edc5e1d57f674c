package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/sababan/sababan/checks"
)

// A listening is a stream that runs in a bubble against a server without a
// socket.
type listening struct {
	*Stream
	wakes atomic.Int32
	log   bytes.Buffer
}

// inBubble runs a stream against h for as long as during takes, and sees to it
// that nothing of either is left.
func inBubble(t *testing.T, h http.HandlerFunc, during func(*listening)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		line := newPipes()
		var wg, handlers sync.WaitGroup
		site := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handlers.Add(1)
			defer handlers.Done()
			h(w, r)
		})}
		wg.Go(func() { _ = site.Serve(line) })

		rt := NewTransport(Options{Dial: line.Dial})
		c, err := New("http://127.0.0.1", checks.NewSecret(tokenWords), rt)
		if err != nil {
			t.Fatal(err)
		}
		l := &listening{}
		l.Stream = &Stream{Client: c, Wake: func() { l.wakes.Add(1) }, Log: slog.New(slog.NewTextHandler(&l.log, nil))}
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		during(l)
		cancel()
		synctest.Wait()
		if st := l.State(); st.Connected {
			t.Errorf("connected after its end: %+v", st)
		}
		_ = site.Close()
		rt.CloseIdle()
		wg.Wait()
		handlers.Wait()
		if strings.Contains(l.log.String(), tokenWords) {
			t.Errorf("the log shows the token: %s", l.log.String())
		}
	})
}

// after lets time pass in the bubble, and everything happen that was due.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// accepts upgrades, lets then speak, and listens until the end.
func accepts(t *testing.T, then func(ctx context.Context, conn *websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer func() { _ = conn.CloseNow() }()
		ctx := conn.CloseRead(context.Background())
		then(ctx, conn)
		<-ctx.Done()
	}
}

func write(ctx context.Context, conn *websocket.Conn, text string) {
	_ = conn.Write(ctx, websocket.MessageText, []byte(text))
}

func TestTheStreamAsksForNotificationsAndKeepsTheTokenOutOfTheAddress(t *testing.T) {
	asked := make(chan *http.Request, 1)
	h := accepts(t, func(context.Context, *websocket.Conn) {})
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		h(w, r)
	}, func(l *listening) {
		synctest.Wait()
		r := <-asked
		if r.URL.Path != "/api/v1/streaming" || r.URL.Query().Get("stream") != "user:notification" {
			t.Errorf("asked for %s", r.URL)
		}
		if strings.Contains(r.RequestURI, tokenWords) || r.Header.Get("Authorization") != "Bearer "+tokenWords {
			t.Errorf("the token: %s, %q", r.RequestURI, r.Header.Get("Authorization"))
		}
		if st := l.State(); !st.Connected || st.Trouble != NoTrouble || !st.Since.Equal(time.Now()) || !st.LastFrame.IsZero() {
			t.Errorf("state %+v", st)
		}
		if l.wakes.Load() != 1 {
			t.Errorf("%d wakes after connecting", l.wakes.Load())
		}
	})
}

func TestOnlyNotificationsWake(t *testing.T) {
	for _, tc := range []struct {
		name, frame string
		wakes       int32
	}{
		{"a notification", `{"stream":["user:notification"],"event":"notification","payload":"{\"id\":\"1\"}"}`, 1},
		{"a notification without payload", `{"event":"notification","payload":null}`, 1},
		{"an update of its own", `{"event":"update","payload":"{}"}`, 0},
		{"an event that nobody knows", `{"event":"annual_celebration"}`, 0},
		{"an event that is a number", `{"event":5}`, 0},
		{"no JSON", `:thump`, 0},
		{"nothing", ``, 0},
		{"null", `null`, 0},
		{"a list", `[{"event":"notification"}]`, 0},
		{"brackets without end", strings.Repeat("[", 500_000), 0},
		{"an error that is null", `{"event":"notification","error":null}`, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, accepts(t, func(ctx context.Context, conn *websocket.Conn) {
				<-time.After(time.Second)
				write(ctx, conn, tc.frame)
			}), func(l *listening) {
				after(2 * time.Second)
				st := l.State()
				if got := l.wakes.Load() - 1; got != tc.wakes || !st.Connected || st.Trouble != NoTrouble {
					t.Errorf("%d wakes, %+v", got, st)
				}
				if !st.LastFrame.Equal(time.Now().Add(-time.Second)) {
					t.Errorf("last frame %v", st.LastFrame)
				}
			})
		})
	}
}

func TestABinaryMessageIsIgnored(t *testing.T) {
	inBubble(t, accepts(t, func(ctx context.Context, conn *websocket.Conn) {
		_ = conn.Write(ctx, websocket.MessageBinary, []byte(`{"event":"notification"}`))
	}), func(l *listening) {
		after(time.Second)
		if st := l.State(); !st.Connected || l.wakes.Load() != 1 {
			t.Errorf("%d wakes, %+v", l.wakes.Load(), st)
		}
	})
}

func TestAHugeMessageEndsTheConnectionOnly(t *testing.T) {
	inBubble(t, accepts(t, func(ctx context.Context, conn *websocket.Conn) {
		write(ctx, conn, strings.Repeat(" ", 2<<20))
	}), func(l *listening) {
		after(30 * time.Second)
		if st := l.State(); st.Connected || st.Trouble != Unreachable || !strings.Contains(st.Problem, "larger than 1048576") {
			t.Errorf("state %+v", st)
		}
		if n := l.wakes.Load(); n < 4 || n > 7 {
			t.Errorf("%d connections in half a minute", n)
		}
	})
}

func TestASilentPeerIsNoticed(t *testing.T) {
	inBubble(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer func() { _ = conn.CloseNow() }()
		<-conn.CloseRead(context.Background()).Done()
	}, func(l *listening) {
		after(74 * time.Second)
		if st := l.State(); !st.Connected {
			t.Errorf("given up too soon: %+v", st)
		}
		after(1*time.Second + 100*time.Millisecond)
		if st := l.State(); st.Connected || st.Trouble != Silent || st.Problem == "" {
			t.Errorf("not noticed: %+v", st)
		}
		after(2 * time.Second)
		if st := l.State(); !st.Connected || st.Trouble != NoTrouble || st.Problem != "" || l.wakes.Load() != 2 {
			t.Errorf("not connected again within two seconds: %+v, %d wakes", st, l.wakes.Load())
		}
	})
}

func TestPingsKeepTheStreamAlive(t *testing.T) {
	inBubble(t, accepts(t, func(ctx context.Context, conn *websocket.Conn) {
		for conn.Ping(ctx) == nil {
			<-time.After(30 * time.Second)
		}
	}), func(l *listening) {
		after(24*time.Hour + time.Second)
		st := l.State()
		if !st.Connected || l.wakes.Load() != 1 || time.Since(st.LastFrame) > 30*time.Second || time.Since(st.Since) < 24*time.Hour {
			t.Errorf("%d wakes, %+v", l.wakes.Load(), st)
		}
	})
}

func TestAMissingScopeMakesItDeaf(t *testing.T) {
	inBubble(t, accepts(t, func(ctx context.Context, conn *websocket.Conn) {
		<-time.After(time.Second)
		write(ctx, conn, `{"error":"Access token does not have the required scopes","status":401}`)
	}), func(l *listening) {
		after(10 * time.Second)
		st := l.State()
		if st.Connected || st.Trouble != Deaf || st.Problem != "401: Access token does not have the required scopes" {
			t.Errorf("state %+v", st)
		}
		after(30 * time.Minute)
		if n := l.wakes.Load(); n < 5 || n > 8 {
			t.Errorf("asked %d times in half an hour", n)
		}
	})
}

func TestDeafnessEndsOnlyWhenSomethingIsHeard(t *testing.T) {
	var calls atomic.Int32
	inBubble(t, accepts(t, func(ctx context.Context, conn *websocket.Conn) {
		if calls.Add(1) == 1 {
			write(ctx, conn, `{"error":"no","status":401}`)
			return
		}
		<-time.After(30 * time.Second)
		_ = conn.Ping(ctx)
	}), func(l *listening) {
		after(5*time.Minute + 10*time.Second)
		if st := l.State(); !st.Connected || st.Trouble != Deaf {
			t.Errorf("before the first ping: %+v", st)
		}
		after(30 * time.Second)
		if st := l.State(); !st.Connected || st.Trouble != NoTrouble || st.Problem != "" {
			t.Errorf("after it: %+v", st)
		}
	})
}

func TestHowOftenAPeerIsAskedThatDoesNotLetUsIn(t *testing.T) {
	for _, tc := range []struct {
		name    string
		code    int
		header  [2]string
		during  time.Duration
		atLeast int32
		atMost  int32
		trouble Trouble
		problem string
	}{
		{"always 502", 502, [2]string{}, 5 * time.Minute, 7, 11, Unreachable, "handshake answered 502: Bad Gateway"},
		{"502 for a day", 502, [2]string{}, 24 * time.Hour, 280, 400, Unreachable, "handshake answered 502: Bad Gateway"},
		{"the token is revoked", 401, [2]string{"X-Error-Message", "Invalid access token"}, 31 * time.Minute, 7, 7, Refused, "handshake answered 401: Invalid access token"},
		{"GoToSocial's way to say so", 418, [2]string{}, 31 * time.Minute, 7, 7, Refused, "handshake answered 418: I'm a teapot"},
		{"too many requests, for an hour", 429, [2]string{"X-RateLimit-Reset", "3600"}, 59 * time.Minute, 1, 1, Unreachable, "GET /api/v1/streaming: too many requests"},
		{"no such path", 404, [2]string{}, 5 * time.Minute, 7, 11, Unreachable, "handshake answered 404: Not Found"},
		{"a page with 200", 200, [2]string{}, 5 * time.Minute, 7, 11, Unreachable, "handshake answered 200: OK"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked atomic.Int32
			inBubble(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				if tc.header[0] != "" {
					w.Header().Set(tc.header[0], tc.header[1])
				}
				w.WriteHeader(tc.code)
			}, func(l *listening) {
				after(tc.during)
				if n := asked.Load(); n < tc.atLeast || n > tc.atMost {
					t.Errorf("asked %d times in %v", n, tc.during)
				}
				if st := l.State(); st.Connected || st.Trouble != tc.trouble || !strings.HasPrefix(st.Problem, tc.problem) {
					t.Errorf("state %+v", st)
				}
				if n := strings.Count(l.log.String(), "stream lost"); n != 1 {
					t.Errorf("told %d times:\n%s", n, l.log.String())
				}
				if l.wakes.Load() != 0 {
					t.Error("woken without a connection")
				}
			})
		})
	}
}

func TestAServerThatHangsInTheHandshakeIsLeft(t *testing.T) {
	inBubble(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(l *listening) {
		after(10*time.Second + 100*time.Millisecond)
		if st := l.State(); st.Connected || st.Trouble != Unreachable || !strings.Contains(st.Problem, "timeout") {
			t.Errorf("state %+v", st)
		}
	})
}

func TestAConnectionThatLivedIsReplacedAtOnce(t *testing.T) {
	inBubble(t, accepts(t, func(_ context.Context, conn *websocket.Conn) {
		<-time.After(61 * time.Second)
		_ = conn.Close(websocket.StatusGoingAway, "restart")
	}), func(l *listening) {
		// Ten rounds of 61 s and at most 1.25 s: the wait does not grow.
		after(10*62500*time.Millisecond + time.Second)
		if n := l.wakes.Load(); n < 10 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestWhenTheNextTryIs(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name     string
		end      ending
		failures int
		jitter   float64
		want     time.Duration
		count    int
	}{
		{"the first failure is a second", ending{}, 0, 0.5, time.Second, 1},
		{"a little sooner", ending{}, 0, 0, 750 * time.Millisecond, 1},
		{"it doubles", ending{}, 4, 0.5, 16 * time.Second, 5},
		{"five minutes are the most", ending{}, 40, 0.99, 5 * time.Minute, 41},
		{"after a good connection it begins anew", ending{lived: time.Minute}, 40, 0.5, time.Second, 1},
		{"after a short one it goes on", ending{lived: 59 * time.Second}, 4, 0.5, 16 * time.Second, 5},
		{"a refused token waits long", ending{trouble: Refused}, 0, 0, 5 * time.Minute, 1},
		{"deafness waits long however long it lived", ending{trouble: Deaf, lived: time.Hour}, 0, 0, 5 * time.Minute, 1},
		{"the server's word counts", ending{until: now.Add(time.Hour)}, 0, 0.5, time.Hour, 1},
		{"unless it is sooner", ending{until: now.Add(time.Second)}, 4, 0.5, 16 * time.Second, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, n := nextTry(tc.end, tc.failures, tc.jitter, now); got != tc.want || n != tc.count {
				t.Errorf("got %v and %d, want %v and %d", got, n, tc.want, tc.count)
			}
		})
	}
}

func TestWhereTheNotificationsAreHeard(t *testing.T) {
	const path = "/api/v1/streaming?stream=user%3Anotification"
	for _, tc := range []struct{ name, server, announced, want string }{
		{"nothing announced", "https://m.example", "", "wss://m.example" + path},
		{"another host", "https://m.example", "wss://streaming.m.example", "wss://streaming.m.example" + path},
		{"never in the clear", "https://m.example", "ws://m.example", "wss://m.example" + path},
		{"a path before it", "https://m.example", "wss://m.example/live/", "wss://m.example/live" + path},
		{"the whole path", "https://m.example", "https://m.example/api/v1/streaming", "wss://m.example" + path},
		{"GoToSocial on loopback", "http://localhost:8090", "wss://localhost:8090", "ws://localhost:8090" + path},
		{"Mastodon on loopback", "http://localhost:3000", "ws://localhost:4000", "ws://localhost:4000" + path},
		{"a local server does not send the token away", "http://127.0.0.1:3000", "wss://m.example", "ws://127.0.0.1:3000" + path},
		{"nonsense", "https://m.example", "://", "wss://m.example" + path},
		{"a password", "https://m.example", "wss://a:b@evil.example", "wss://m.example" + path},
		{"another scheme", "https://m.example", "ftp://m.example", "wss://m.example" + path},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := url.Parse(tc.server)
			if err != nil {
				t.Fatal(err)
			}
			if got := streamURL(u, tc.announced); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTheStreamOverRealTLS(t *testing.T) {
	s, roots := secureServer(t, accepts(t, func(ctx context.Context, conn *websocket.Conn) {
		write(ctx, conn, `{"event":"notification","payload":null}`)
	}), "mastodon.example")
	c, err := New("https://mastodon.example", checks.NewSecret(tokenWords), transport(t, Options{
		Roots: roots, Address: s.Listener.Addr().String(), MaxBody: 10,
	}))
	if err != nil {
		t.Fatal(err)
	}
	woken := make(chan struct{}, 10)
	stream := &Stream{Client: c, URL: "wss://mastodon.example", Wake: func() { woken <- struct{}{} }}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- stream.Run(ctx) }()
	for range 2 { // the connection, and the notification
		select {
		case <-woken:
		case <-time.After(10 * time.Second):
			t.Fatalf("not woken: %+v", stream.State())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTheStreamSaysWhyThereIsNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New("https://mastodon.invalid", checks.NewSecret(tokenWords), NewTransport(Options{
			Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, fmt.Errorf("no such\nhost\u202e")
			},
		}))
		if err != nil {
			t.Fatal(err)
		}
		stream := &Stream{Client: c}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- stream.Run(ctx) }()
		after(time.Hour)
		if st := stream.State(); st.Trouble != Unreachable || st.Problem != "no such host" {
			t.Errorf("state %+v", st)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
