package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// quick is a kind that is well.
func quick(*site.Site) []checks.Kind {
	return []checks.Kind{{
		Name: "quick", Title: checks.Same("quick"), Cron: "* * * * *", Timeout: time.Second,
		New: func(checks.Table) (checks.Check, error) { return wellCheck{}, nil },
	}}
}

type wellCheck struct{}

func (wellCheck) Look(context.Context, checks.Past) (checks.Observation, error) {
	return checks.Observation{Summary: checks.Text{En: "all well", Ja: "異常なし"}}, nil
}

// service is the daemon as systemd would run it, in this process, against a
// sandbox on a real socket.
type service struct {
	t      *testing.T
	server *sandbox.Server
	url    string
	bot    sandbox.Account
	admin  sandbox.Account
	dir    string
	config string
	log    lockedBuffer
	notes  chan string
	hup    chan os.Signal
	end    context.CancelFunc
	ended  chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newServiceQuietly(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, server: sandbox.New(sandbox.Options{LimitFactor: 1000}), dir: t.TempDir(), notes: make(chan string, 64), hup: make(chan os.Signal, 1)}
	s.bot = s.server.AddAccount(sandbox.Account{Username: "saba", Bot: true})
	s.admin = s.server.AddAccount(sandbox.Account{Username: "alice"})
	s.server.Follow(s.admin, s.bot)
	s.listen("127.0.0.1:0")
	t.Cleanup(s.server.Close)
	s.write("token", s.server.Token(s.bot))
	s.configure("")
	return s
}

// newService is one that systemd listens to.
func newService(t *testing.T) *service {
	t.Helper()
	s := newServiceQuietly(t)
	socket := filepath.Join(s.dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			s.notes <- string(buf[:n])
		}
	})
	t.Cleanup(func() { _ = conn.Close(); reader.Wait() })
	t.Setenv("NOTIFY_SOCKET", socket)
	return s
}

// listen serves the sandbox; the address stays the same over a pause.
func (s *service) listen(addr string) (pause func()) {
	s.t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.url = "http://" + ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.server.Serve(ctx, ln) }()
	stop := func() { cancel(); <-done }
	s.t.Cleanup(stop)
	return stop
}

func (s *service) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *service) configure(more string) {
	s.config = s.write("config.toml", fmt.Sprintf("[bot]\nserver = %q\ntoken_file = %q\ntimezone = \"UTC\"\n[[bot.admin]]\naccount = \"alice\"\nquiet = \"none\"\n[state]\npath = %q\n%s",
		s.url, filepath.Join(s.dir, "token"), filepath.Join(s.dir, "state", "state.db"), more))
}

func (s *service) start() {
	s.t.Helper()
	s.startWith(quick)
}

// startWith starts the daemon with a checklist of its own.
func (s *service) startWith(kinds func(*site.Site) []checks.Kind) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.end, s.ended = cancel, make(chan error, 1)
	env := environment{
		stdin: strings.NewReader(""), stdout: io.Discard, stderr: &s.log, getenv: os.Getenv,
		columns: func() (int, bool) { return 0, false }, checklist: kinds, config: s.config,
		pace: pace{every: 100 * time.Millisecond, spread: time.Millisecond, poll: 100 * time.Millisecond, wake: 10 * time.Millisecond, grouping: 100 * time.Millisecond, relay: 300 * time.Millisecond, beat: 200 * time.Millisecond},
	}
	go func() { s.ended <- runDaemon(ctx, env, s.config, s.hup) }()
	s.t.Cleanup(cancel)
}

// stop ends the daemon as SIGTERM does.
func (s *service) stop() error {
	s.t.Helper()
	s.end()
	return s.over(10 * time.Second)
}

func (s *service) over(within time.Duration) error {
	s.t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(within):
		s.t.Fatalf("the daemon does not end within %v; log:\n%s", within, s.log.String())
	}
	return nil
}

func (s *service) note(want string) {
	s.t.Helper()
	for {
		select {
		case got := <-s.notes:
			if strings.Contains(got, want) {
				return
			}
		case <-time.After(10 * time.Second):
			s.t.Fatalf("systemd is not told %q; log:\n%s", want, s.log.String())
		}
	}
}

// eventually waits until something is so.
func (s *service) eventually(what string, so func() bool) {
	s.t.Helper()
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	late := time.After(15 * time.Second)
	for !so() {
		select {
		case <-ticks.C:
		case <-late:
			s.t.Fatalf("never: %s; log:\n%s", what, s.log.String())
		}
	}
}

func (s *service) inbox(n int) []sandbox.Message {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%d messages", n), func() bool { return len(s.server.Inbox(s.admin)) >= n })
	return s.server.Inbox(s.admin)
}

func TestTheDaemonIsReadyAnswersAndGoes(t *testing.T) {
	s := newService(t)
	t.Setenv("WATCHDOG_USEC", "2000000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	s.start()
	s.note("READY=1")
	s.note("WATCHDOG=1")
	s.note("WATCHDOG=1")
	if got := s.inbox(1)[0].Text; !strings.HasPrefix(got, "I watch ") {
		t.Errorf("the first message: %q", got)
	}
	if _, err := s.server.Say(s.admin, "@saba check quick", sandbox.SayOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := s.inbox(2)[1].Text; !strings.HasPrefix(got, "quick: all well") {
		t.Errorf("the answer: %q", got)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestTheDaemonStartsWhileItsServerIsDown(t *testing.T) {
	s := newService(t)
	down := s.server.Misbehave(sandbox.Fault{Kind: sandbox.CutBefore})
	s.start()
	s.note("READY=1") // it does not wait for the network
	down.Stop()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	s.start()
	s.inbox(1)
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestAReloadTakesWhatIsRightAndRefusesWhatIsNot(t *testing.T) {
	s := newService(t)
	s.start()
	s.inbox(1)
	s.configure("[checks.quick]\ntimeuot = \"5s\"\n")
	s.hup <- syscall.SIGHUP
	s.eventually("the log says why", func() bool {
		return strings.Contains(s.log.String(), "not taken") && strings.Contains(s.log.String(), "timeout")
	})
	s.configure("[checks.quick]\ntimeout = \"5s\"\n")
	s.hup <- syscall.SIGHUP
	s.eventually("the log says that it is taken", func() bool { return strings.Contains(s.log.String(), "is taken") })
	if _, err := s.server.Say(s.admin, "@saba status", sandbox.SayOptions{}); err != nil {
		t.Fatal(err)
	}
	s.inbox(2)
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if n := len(s.server.Inbox(s.admin)); n != 2 {
		t.Errorf("%d messages over the reload, want the first and the answer", n)
	}
}

func TestTheDaemonRefusesWhatWillNotMendItself(t *testing.T) {
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html><body>Welcome to nginx!</body></html>")
	}))
	defer html.Close()
	for name, c := range map[string]struct {
		ill  func(s *service)
		says []string
	}{
		"a token that is not accepted": {func(s *service) { s.write("token", "nonsense") }, []string{"[bot]", "token"}},
		"a token that others may read": {func(s *service) {
			if err := os.Chmod(filepath.Join(s.dir, "token"), 0o644); err != nil {
				s.t.Fatal(err)
			}
		}, []string{"[bot] token_file", "chmod 600"}},
		"a token of an admin": {func(s *service) { s.write("token", s.server.Token(s.admin)) }, []string{"alice", "account of its own"}},
		"an admin who does not exist": {func(s *service) {
			s.configure("")
			text, _ := os.ReadFile(s.config)
			s.write("config.toml", strings.Replace(string(text), `"alice"`, `"alcie"`, 1))
		}, []string{"[[bot.admin]] account", "alcie", "no such account"}},
		"a server that is no Mastodon": {func(s *service) { s.url = html.URL; s.configure("") }, []string{"[bot] server"}},
		"a state from the future": {func(s *service) {
			s.start()
			s.inbox(1)
			if err := s.stop(); err != nil {
				s.t.Error(err)
			}
			s.age()
		}, []string{"[state] path", "newer"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			c.ill(s)
			s.start()
			err := s.over(20 * time.Second)
			if err == nil {
				t.Fatal("it ran")
			}
			for _, word := range c.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("it does not say %q: %v", word, err)
				}
			}
			if strings.Contains(err.Error(), "goroutine") || strings.Contains(err.Error(), "nonsense") {
				t.Errorf("it says too much: %v", err)
			}
		})
	}
}

// age gives the state a version that no program knows yet.
func (s *service) age() {
	s.t.Helper()
	path := filepath.Join(s.dir, "state", "state.db")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	// user_version stands at byte 60 of the file, big-endian.
	if _, err := f.WriteAt([]byte{0, 0, 0x27, 0x0f}, 60); err != nil {
		s.t.Fatal(err)
	}
}

func TestTheEndFinishesThePostInHand(t *testing.T) {
	for name, delay := range map[string]time.Duration{"a slow server": 2 * time.Second, "a server that never answers": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServiceQuietly(t)
			s.start()
			s.inbox(1)
			slow := s.server.Misbehave(sandbox.Fault{Kind: sandbox.Slow, Method: http.MethodPost, PathPrefix: "/api/v1/statuses", Delay: delay})
			if _, err := s.server.Say(s.admin, "@saba help", sandbox.SayOptions{}); err != nil {
				t.Fatal(err)
			}
			s.eventually("the post is in hand", func() bool { return slow.Count() > 0 })
			if err := s.stop(); err != nil {
				t.Error(err)
			}
			slow.Stop()
			s.start()
			if _, err := s.server.Say(s.admin, "@saba check quick", sandbox.SayOptions{}); err != nil {
				t.Fatal(err)
			}
			s.inbox(3)
			if err := s.stop(); err != nil {
				t.Error(err)
			}
			if all := s.server.Inbox(s.admin); len(all) != 3 {
				t.Errorf("%d messages, want three: %+v", len(all), all)
			}
		})
	}
}
