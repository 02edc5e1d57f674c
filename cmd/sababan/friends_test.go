package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/watch"
	"github.com/sababan/sababan/schedule/state"
)

// internet is where names lead to public addresses, and connections to those end
// at servers in memory.
type internet struct {
	names  map[string]netip.Addr
	behind map[netip.Addr]*pipes
}

func (n *internet) Lookup(_ context.Context, host string) ([]netip.Addr, time.Duration, error) {
	if a, ok := n.names[host]; ok {
		return []netip.Addr{a}, time.Hour, nil
	}
	return nil, 0, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (n *internet) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	p := n.behind[to.Addr()]
	if p == nil {
		return nil, errors.New("no route to " + address)
	}
	ours, theirs := net.Pipe()
	select {
	case p.calls <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, errors.New("refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pipes is a listener in memory.
type pipes struct {
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// A neighbour is a Mastodon in memory with a sababan on it that watches over
// another.
type neighbour struct {
	server *sandbox.Server
	admin  sandbox.Account
	seen   int
	end    func()
}

// settle puts up a Mastodon, behind TLS too.
func (n *internet) settle(t *testing.T, domain string, a netip.Addr, ca *checkstest.CA) (*sandbox.Server, func()) {
	server := sandbox.New(sandbox.Options{Domain: domain})
	p := &pipes{calls: make(chan net.Conn), closed: make(chan struct{})}
	n.names[domain], n.behind[a] = a, p
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{domain}}).TLS()
	web := http.Server{
		Handler: server.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.ServeTLS(p, "", "") })
	return server, func() {
		_ = web.Close()
		serving.Wait()
		server.Close()
	}
}

// move lets a sababan run on a Mastodon that watches over another, and its bot.
func (n *internet) move(t *testing.T, server *sandbox.Server, domain, other string, ca *checkstest.CA) *neighbour {
	b := &neighbour{server: server}
	me := server.AddAccount(sandbox.Account{Username: "saba", Bot: true})
	b.admin = server.AddAccount(sandbox.Account{Username: "alice"})
	server.Follow(b.admin, me)
	path := writeConfig(t, "[bot]\nserver = \"https://"+domain+"\"\ntoken = \"x\"\nheartbeat_field = true\ntimezone = \"UTC\"\n[[bot.admin]]\naccount = \"alice\"\nquiet = \"none\"\n"+
		"[server]\ndomain = \""+domain+"\"\n[[checks.watch.domain]]\nname = \""+other+"\"\nbot = \"saba@"+other+"\"\n")
	c, err := loadConfig(path, func(s *site.Site) []checks.Kind {
		s.Roots = ca.Roots()
		return []checks.Kind{watch.Kind(s, watch.WithNetwork(n))}
	}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	db, err := state.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	home, err := mastodon.New(mastodon.Options{Server: server.URL(), Token: checks.NewSecret(server.Token(me)), Dial: server.Dialer(), PlainHTTP: true, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemon(c, outside{db: db, home: home, channel: home, log: quiet, poll: 10 * time.Minute})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.run(ctx); err != nil {
			t.Error(err)
		}
	})
	b.end = sync.OnceFunc(func() {
		stop()
		running.Wait()
		home.Close()
		_ = db.Close()
	})
	return b
}

// hears is what the admin was told since the last call.
func (b *neighbour) hears() string {
	inbox := b.server.Inbox(b.admin)
	var out []string
	for _, m := range inbox[b.seen:] {
		out = append(out, m.Text)
	}
	b.seen = len(inbox)
	return strings.Join(out, "\n--\n")
}

func TestTwoBotsWatchOneAnotherAndOneFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := checkstest.NewCA(t, "Root")
		n := &internet{names: map[string]netip.Addr{}, behind: map[netip.Addr]*pipes{}}
		oneServer, closeOne := n.settle(t, "one.example.com", netip.MustParseAddr("5.9.1.1"), ca)
		twoServer, closeTwo := n.settle(t, "two.example.com", netip.MustParseAddr("5.9.2.1"), ca)
		one := n.move(t, oneServer, "one.example.com", "two.example.com", ca)
		two := n.move(t, twoServer, "two.example.com", "one.example.com", ca)
		pass := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		pass(6 * time.Hour)
		first, second := one.hears(), two.hears()
		for _, said := range []string{first, second} {
			if strings.Contains(said, "silent") || !strings.Contains(said, "I watch") {
				t.Errorf("both live, and one is told %s", said)
			}
		}
		// The server goes on, and only its bot is no longer there.
		two.end()
		pass(time.Hour)
		if said := one.hears(); strings.Contains(said, "silent") {
			t.Errorf("too soon: %s", said)
		}
		pass(2 * time.Hour)
		said := one.hears()
		if !strings.Contains(said, "[Action needed] #") || !strings.Contains(said, "saba@two.example.com") || !strings.Contains(said, "silent for 2 h") {
			t.Errorf("told %q", said)
		}
		t.Log(said)
		one.end()
		closeOne()
		closeTwo()
	})
}
