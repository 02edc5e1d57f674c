package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest/postgres/ward"
	"github.com/sababan/sababan/checks/site"
)

// patience is how long a start may take.
const patience = 20 * time.Second

// Domain is the name of the Mastodon that [Server.Site] watches.
const Domain = "masto.test"

// A Server is a running Redis of the test's own; it ends with the test.
type Server struct {
	// Addr is its address on loopback, Socket the path of its Unix socket.
	Addr, Socket string
	// Dir is where it writes what is to persist; it belongs to the user that the
	// server runs as, who is not root.
	Dir string

	ward   *ward.Ward
	client *goredis.Client
}

// Start starts a Redis that keeps nothing on disk. Lines are added to its
// redis.conf: "save 60 1", "replicaof 127.0.0.1 6380", "maxmemory 4mb",
// "requirepass secret", "dir ..." and so on.
func Start(t testing.TB, lines ...string) *Server {
	t.Helper()
	s, err := launch(lines)
	if err != nil {
		t.Fatalf("starting Redis: %v", err)
	}
	t.Cleanup(func() {
		_ = s.client.Close()
		if err := s.ward.Close(); err != nil {
			t.Errorf("ending Redis: %v", err)
		}
	})
	return s
}

func launch(lines []string) (_ *Server, err error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is missing; this test needs a real one: apt-get install redis-server")
	}
	// Another user than root, who could write also where nobody may.
	as, err := ward.Unprivileged("nobody")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil {
		return nil, err
	}
	dir, err := ward.Folder("sababan-redis-", as)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "redis.conf")
	s := &Server{Addr: addr.String(), Socket: filepath.Join(dir, "redis.sock"), Dir: dir}
	if s.ward, err = ward.Keep(dir, as, "KILL", binary, config); err != nil {
		return nil, err
	}
	words := []string{
		"bind 127.0.0.1", fmt.Sprintf("port %d", addr.Port), "unixsocket " + s.Socket, "unixsocketperm 777",
		"dir " + dir, "daemonize no", `save ""`, "appendonly no", "loglevel notice", "databases 16", "repl-diskless-sync-delay 0",
	}
	text := strings.Join(append(words, lines...), "\n") + "\n"
	err = os.WriteFile(config, []byte(text), 0o644)
	if err == nil && as != nil {
		err = os.Chown(config, int(as.Uid), int(as.Gid)) // CONFIG REWRITE writes it again
	}
	s.client = newClient(s.Socket, lines)
	if err == nil {
		err = s.start()
	}
	if err != nil {
		return nil, errors.Join(err, s.client.Close(), s.ward.Close())
	}
	return s, nil
}

func newClient(socket string, lines []string) *goredis.Client {
	o := &goredis.Options{
		Network: "unix", Addr: socket, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true, MaxRetries: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	for _, line := range lines {
		if word, ok := strings.CutPrefix(line, "requirepass "); ok {
			o.Password = word
		}
	}
	return goredis.NewClient(o)
}

// start returns when the server answers, whatever it answers.
func (s *Server) start() error {
	if err := s.ward.Start(); err != nil {
		return err
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := s.client.Ping(ctx).Err()
		cancel()
		var said goredis.Error
		if err == nil || errors.As(err, &said) && !strings.HasPrefix(said.Error(), "LOADING") {
			return nil
		}
		if !s.ward.Alive() {
			return fmt.Errorf("it ended before it answered:\n%s", s.ward.Output())
		}
		select {
		case <-over.C:
			return fmt.Errorf("it does not answer: %w\n%s", err, s.ward.Output())
		case <-again.C:
		}
	}
}

// Client speaks to the server, by the socket, with every right; it is closed
// with the test.
func (s *Server) Client() *goredis.Client { return s.client }

// URL is the server's address on loopback, database 0.
func (s *Server) URL() string { return "redis://" + s.Addr + "/0" }

// SocketURL is the server's address by its socket, database 0.
func (s *Server) SocketURL() string { return "unix://" + s.Socket + "?db=0" }

// Site is a site whose Redis, Sidekiq's too, is this one. It is closed with
// the test.
func (s *Server) Site(t testing.TB) *site.Site {
	t.Helper()
	return s.SiteWith(t, site.Config{})
}

// SiteWith is Site with more of it set; the domain is [Domain], and the
// address of Redis [Server.URL], unless they are set.
func (s *Server) SiteWith(t testing.TB, set site.Config) *site.Site {
	t.Helper()
	if set.Domain == "" {
		set.Domain = Domain
	}
	if set.RedisURL.Empty() {
		set.RedisURL = checks.NewSecret(s.URL())
	}
	made, err := site.New(set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}

// Do sends a command as words, as redis-cli does, and ends the test where it
// is refused.
func (s *Server) Do(t testing.TB, words ...any) any {
	t.Helper()
	answer, err := s.client.Do(t.Context(), words...).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		t.Fatalf("redis: %v: %v", words, err)
	}
	return answer
}

// Freeze stops the server where it is (SIGSTOP): connections are taken and
// nothing answers, until [Server.Thaw] or the test's end.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	if err := s.ward.Freeze(); err != nil {
		t.Fatalf("freezing Redis: %v", err)
	}
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	if err := s.ward.Thaw(); err != nil {
		t.Fatalf("thawing Redis: %v", err)
	}
}

// Stop ends the server as `systemctl stop redis-server` does; what it keeps
// on disk it writes.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.ward.Stop("TERM"); err != nil {
		t.Fatalf("stopping Redis: %v\n%s", err, s.ward.Output())
	}
}

// StartAgain starts it after [Server.Stop], with the same configuration.
func (s *Server) StartAgain(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatalf("starting Redis: %v", err)
	}
}

// PID is the server's process, 0 while it is stopped.
func (s *Server) PID() int { return s.ward.PID() }

// Log is what the server has said.
func (s *Server) Log() string { return s.ward.Output() }
