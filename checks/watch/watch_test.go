package watch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	w := newWorld(t)
	w.serve("friend.test")
	w.watch(one)
	checkstest.Contract(t, w.kind, one)
}

func TestATableIsReadStrictly(t *testing.T) {
	for table, want := range map[string]string{
		"":                                     "[[checks.watch.domain]] name",
		one + one:                              "twice",
		`every = "30s"`:                        "every",
		"[[domain]]\nname = \"127.0.0.1\"\n":   "not a name",
		"[[domain]]\nname = \"localhost\"\n":   "not a name",
		"[[domain]]\nname = \"a.test/path\"\n": "not a name",
		"[[domain]]\nown = true\n":             "no name",
		"[[domain]]\nname = \"a.test\"\nbot = \"saba\"\n":                  "not an account",
		"[[domain]]\nname = \"a.test\"\nbot = \"sa ba@a.test\"\n":          "not an account",
		"[[domain]]\nname = \"例え.テスト\"\nbot = \"@saba@bots.test\"\n":       "",
		"every = \"2m\"\n[[domain]]\nname = \"A.test.\"\n":                 "",
		"[[domain]]\nname = \"" + strings.Repeat("a", 64) + ".test\"\n":    "not a name",
		"[[domain]]\nname = \"a.test\"\n[[domain]]\nname = \"A.TEST\"\n":   "twice",
		"[[domain]]\nname = \"a.test\"\nbot = \"saba@a.test@b.test\"\n":    "not an account",
		"every = \"2d\"\n[[domain]]\nname = \"a.test\"\n":                  "every",
		"[[domain]]\nname = \"under_score.test\"\nbot = \"saba@a.test\"\n": "not a name",
	} {
		_, err := Kind(&site.Site{}).New(checkstest.Table(table))
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", table, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", table, err, want)
		}
	}
}

// ills are the ways in which a server is ill.
var ills = []struct {
	name string
	ill  func(w *world, m *mastodon)
	heal func(w *world, m *mastodon)
	want string
}{
	{"the page fails", func(_ *world, m *mastodon) { m.answer("/", code(502)) }, nil, "the web page fails (502 Bad Gateway)"},
	{"only a cache answers", func(_ *world, m *mastodon) {
		m.answer("/", func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("X-Cached", "STALE") })
	}, nil, "only the cache"},
	{"another page is there", func(_ *world, m *mastodon) { m.answer("/", says("text/html", "<h1>It works!</h1>")) }, nil, "is not Mastodon's"},
	{"the page leads elsewhere and the API with it", func(_ *world, m *mastodon) {
		away := func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "https://parked.test/", http.StatusFound)
		}
		m.answer("/", away)
		m.answer(pathV2, away)
	}, nil, "leads to another host, parked.test"},
	{"the API fails", func(_ *world, m *mastodon) { m.answer(pathV2, code(500)) }, nil, "the instance API fails (500"},
	{"the API shows a page", func(_ *world, m *mastodon) { m.answer(pathV2, says("text/html", "<html>")) }, nil, "does not answer with JSON"},
	{"the API nests without end", func(_ *world, m *mastodon) {
		m.answer(pathV2, says("application/json", strings.Repeat(`{"a":`, 10000)))
	}, nil, "does not answer with JSON"},
	{"the API has no end", func(_ *world, m *mastodon) {
		m.answer(pathV2, func(rw http.ResponseWriter, _ *http.Request) {
			for range 3000 {
				if _, err := rw.Write(make([]byte, 1024)); err != nil {
					return
				}
			}
		})
	}, nil, "sends far too large an answer"},
	{"the head of an answer has no end", func(_ *world, m *mastodon) {
		m.answer("/", func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("X-Long", strings.Repeat("a", 100<<10)) })
	}, nil, "sends far too large an answer"},
	{"streaming fails", func(_ *world, m *mastodon) { m.answer(healthPath, code(503)) }, nil, "streaming fails (503"},
	{"something else streams", func(_ *world, m *mastodon) { m.answer(healthPath, says("text/html", "<html>")) }, nil, "streaming does not answer as it should"},
	{"the connection is cut", func(_ *world, m *mastodon) {
		m.answer("/", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}, nil, "cuts the connection"},
	{"nothing listens", func(w *world, m *mastodon) { w.broken[m.addr] = syscall.ECONNREFUSED }, nil, "connections are refused"},
	{"there is no way", func(w *world, m *mastodon) { w.broken[m.addr] = syscall.EHOSTUNREACH }, nil, "there is no way to it"},
	{"the name is gone", func(w *world, _ *mastodon) {
		w.faults["friend.test"] = &net.DNSError{IsNotFound: true}
	}, nil, "its name does not exist"},
	{"the name leads into this machine", func(w *world, _ *mastodon) {
		w.names["friend.test"] = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::1")}
	}, nil, "no public address"},
	{"the certificate is over", func(w *world, m *mastodon) {
		m.present(w.ca.Issue(w.t, checkstest.Lifetime(90*24*time.Hour, -time.Hour, "friend.test")))
	}, nil, "its certificate has expired"},
	{"the certificate is for another", func(w *world, m *mastodon) {
		m.present(w.ca.Issue(w.t, checkstest.Leaf{Names: []string{"other.test"}}))
	}, nil, "its certificate is for another name"},
	{"the certificate vouches for itself", func(w *world, m *mastodon) {
		m.present(checkstest.SelfSigned(w.t, checkstest.Leaf{Names: []string{"friend.test"}}))
	}, nil, "self-signed"},
	{"the intermediate is missing", func(w *world, m *mastodon) {
		c := w.ca.Issue(w.t, checkstest.Leaf{Names: []string{"friend.test"}})
		c.Above = nil
		m.present(c)
	}, nil, "cannot be verified"},
}

func TestEveryIllnessIsSeenThreeTimesToldAndSeenToEnd(t *testing.T) {
	for _, one := range ills {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			m := w.serve("friend.test")
			good, addrs := m.cert, w.names["friend.test"]
			w.ttl = 0
			w.watch(mine)
			w.nothing(w.lookNow())

			w.mu.Lock()
			one.ill(w, m)
			w.mu.Unlock()
			// Its turn comes after four minutes, then every minute.
			for i := range 6 {
				o := w.look()
				if told := slices.ContainsFunc(o.Findings, func(f checks.Finding) bool { return !f.Holds }); told && i < 5 {
					t.Fatalf("told at look %d: %+v", i, o.Findings)
				} else if i == 5 {
					f := w.find(o, unwell, "friend.test", one.want)
					if f.Severity != checks.Critical || f.Road != checks.Now || f.Harm.IsZero() || f.Harm.After(w.now) {
						t.Errorf("one's own: %v %v %v", f.Severity, f.Road, f.Harm)
					}
				}
			}

			w.mu.Lock()
			clear(w.broken)
			clear(w.faults)
			w.names["friend.test"] = addrs
			m.cert = good
			w.mu.Unlock()
			m.heal()
			if f, ok := checkstest.Find(w.look(), unwell, "friend.test"); !ok || !f.Holds {
				t.Errorf("over after one good look: %+v", f)
			}
			w.nothing(w.look())
		})
	}
}

func TestAFriendsServerIsToldInTheWeeklyDigest(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	w.watch(one)
	w.lookNow()
	m.answer(pathV2, code(500))
	w.round()
	w.look()
	f := w.find(w.look(), unwell, "friend.test", "the instance API fails")
	if f.Severity != checks.Warning || f.Road != checks.Week || !f.Harm.IsZero() {
		t.Errorf("%v %v %v", f.Severity, f.Road, f.Harm)
	}
}

func TestSilenceOfAServerIsCutOffInTime(t *testing.T) {
	for name, handle := range map[string]func(net.Conn){
		"mute":           func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"no TLS":         func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1\r\n"); _, _ = io.Copy(io.Discard, c) },
		"closed at once": func(net.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() { handle(c); _ = c.Close() }()
				}
			}()
			t.Cleanup(func() { _ = l.Close(); <-ended })
			w.behind[w.address("friend.test")] = l.Addr().String()
			w.watch(one)
			began := time.Now()
			o, err := w.try(checks.NoPast{})
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := checkstest.Find(o, unwell, "friend.test"); !ok {
				t.Errorf("not told: %+v", o)
			} else {
				w.read(f)
			}
			if took := time.Since(began); took > probeTime+time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestEachLookIsAFreshConnectionWithAHandshakeAndAsksOnlyForWhatChanged(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	w.watch(one)
	w.lookNow()
	for i := range 3 {
		w.round()
		if m.handshakes() != i+2 {
			t.Errorf("%d handshakes after %d looks", m.handshakes(), i+2)
		}
	}
	if got := m.count("conditional"); got != 6 { // page and API, three times
		t.Errorf("%d conditional requests", got)
	}
	if m.count(healthPath) != 4 {
		t.Errorf("streaming was asked %d times", m.count(healthPath))
	}
	if w.looked["friend.test"] != 1 {
		t.Errorf("its name was looked up %d times within its life", w.looked["friend.test"])
	}
	w.mu.Lock()
	w.now = w.now.Add(time.Hour)
	w.mu.Unlock()
	w.look()
	if w.looked["friend.test"] != 2 {
		t.Errorf("its name was looked up %d times after its life", w.looked["friend.test"])
	}
}

func TestASwappedCertificateIsSeenAtTheNextLook(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	w.watch(mine)
	w.nothing(w.lookNow())
	m.present(w.ca.Issue(t, checkstest.Lifetime(90*24*time.Hour, 20*24*time.Hour, "friend.test")))
	f := w.find(w.round(), expiring, "friend.test", "expires in")
	if f.Severity != checks.Warning || f.Road != checks.Morning {
		t.Errorf("%v %v", f.Severity, f.Road)
	}
	m.present(w.ca.Issue(t, checkstest.Lifetime(90*24*time.Hour, 5*24*time.Hour, "friend.test")))
	if f := w.find(w.round(), expiring, "friend.test", "expires in"); f.Severity != checks.Critical || f.Road != checks.Now {
		t.Errorf("%v %v", f.Severity, f.Road)
	}
	m.present(w.ca.Issue(t, checkstest.Leaf{Names: []string{"friend.test"}}))
	w.nothing(w.round())
}

func TestARootThatIsTakenAwayIsSeen(t *testing.T) {
	w := newWorld(t)
	w.serve("friend.test")
	w.watch(one)
	w.nothing(w.lookNow())
	w.c.prober.roots = checkstest.NewCA(t, "another root").Roots()
	w.round()
	w.look()
	w.find(w.look(), unwell, "friend.test", "cannot be verified")
}

func TestOtherSoftwareIsNotBlamedForBeingOther(t *testing.T) {
	for name, ill := range map[string]func(m *mastodon){
		"GoToSocial, without streaming health": func(m *mastodon) {
			m.version = "0.20.1"
			m.answer("/", says("text/html", "<html>"))
			m.answer(healthPath, code(404))
		},
		"an old one, which has only v1": func(m *mastodon) { m.version = "3.5.19"; m.answer(pathV2, code(404)) },
		"one without any API of this kind": func(m *mastodon) {
			m.answer("/", says("text/html", "<html>"))
			for _, p := range []string{pathV1, pathV2, healthPath} {
				m.answer(p, code(404))
			}
		},
		"one that closes each connection": func(m *mastodon) {
			m.answer("/", func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Connection", "close")
				says("text/html", `<div id="mastodon">`)(rw, r)
			})
		},
		"one that hints early": func(m *mastodon) {
			m.answer("/", func(rw http.ResponseWriter, r *http.Request) {
				rw.WriteHeader(http.StatusEarlyHints)
				says("text/html", `<div id="mastodon">`)(rw, r)
			})
		},
		"one whose accounts have another name": func(m *mastodon) {
			m.answer("/", func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "https://web.friend.test/", http.StatusFound)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.serve("friend.test")
			ill(m)
			w.watch(one)
			w.nothing(w.lookNow())
			for range 3 {
				w.nothing(w.round())
			}
		})
	}
}

func TestWhoRefusesThisMachineIsNotCalledDown(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	w.watch(one)
	w.lookNow()
	m.answer("/", code(403))
	o := w.round()
	if len(o.Findings) > 0 || len(o.Blind) != 1 || o.Blind[0].Code != unwell || o.Blind[0].Subject != "friend.test" {
		t.Errorf("%+v", o)
	}
	t.Log(o.Blind[0].Why, o.Summary)
}

func TestStreamingAtAnotherHostIsAskedThere(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	s := w.serve("streaming.friend.test")
	s.stream = "wss://streaming.friend.test"
	// The same machine: the one connection is closed before the other is opened.
	w.names["streaming.friend.test"] = w.names["friend.test"]
	w.behind[m.addr] = w.behind[s.addr]
	s.present(w.ca.Issue(t, checkstest.Leaf{Names: []string{"friend.test", "streaming.friend.test"}}))
	w.watch(one)
	w.nothing(w.lookNow())
	if s.count(healthPath) != 1 || s.handshakes() != 2 {
		t.Errorf("asked %d times, %d handshakes", s.count(healthPath), s.handshakes())
	}
	s.answer(healthPath, code(502))
	w.round()
	w.look()
	w.find(w.look(), unwell, "friend.test", "streaming fails")
}

func TestAfterARestartNothingIsOverBeforeItWasLookedAt(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	w.watch(one)
	m.answer("/", code(500))
	w.lookNow()
	w.look()
	w.find(w.look(), unwell, "friend.test", "fails")

	w.watch(one) // a new process
	recall(w.past, w.c.all)
	o, err := w.c.judge(w.time())
	if err != nil || len(o.Findings) > 0 || len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: unwell, Subject: "friend.test"}) {
		t.Errorf("%+v, %v", o, err)
	}
	w.find(w.look(), unwell, "friend.test", "fails")
	m.heal()
	w.look()
	w.nothing(w.look())
}

func TestWhereNobodyCanBeReachedTheFaultIsHere(t *testing.T) {
	w := newWorld(t)
	table := ""
	for _, name := range []string{"a.test", "b.test", "c.test", "d.test", "e.test"} {
		w.serve(name)
		table += "[[domain]]\nname = \"" + name + "\"\n"
	}
	w.ttl = 0
	w.watch(table)
	w.nothing(w.lookNow())
	for name := range w.names {
		w.faults[name] = &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	}
	for range 3 {
		w.now = w.now.Add(time.Minute)
		_, _ = w.try(w.past)
	}
	w.now = w.now.Add(time.Minute)
	_, err := w.try(w.past)
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) || !strings.Contains(unseen.Why.En, "probably the fault is here") {
		t.Fatalf("%v", err)
	}
	t.Log(unseen.Why)
	clear(w.faults)
	w.now = w.now.Add(time.Minute)
	if _, err := w.try(w.past); err != nil {
		t.Errorf("a minute after the network is back: %v", err)
	}
	w.look()
	w.nothing(w.look())
}

func TestAnOutageOfThisMachineCountsAgainstNobody(t *testing.T) {
	w := newWorld(t)
	table := ""
	for _, name := range []string{"a.test", "b.test", "c.test", "d.test", "e.test"} {
		w.serve(name)
		table += "[[domain]]\nname = \"" + name + "\"\nown = true\n"
	}
	w.watch(table)
	w.nothing(w.lookNow())
	for a := range w.behind {
		w.broken[a] = syscall.EHOSTUNREACH
	}
	for range 10 {
		w.now = w.now.Add(time.Minute)
		_, _ = w.try(w.past)
	}
	if _, err := w.try(w.past); err == nil {
		t.Fatal("it is not noticed that nobody can be reached")
	}
	// The network comes back in the middle of a round.
	delete(w.broken, w.names["a.test"][0])
	delete(w.broken, w.names["b.test"][0])
	if o := w.look(); len(o.Findings) > 0 {
		t.Errorf("told: %+v", o.Findings)
	}
	clear(w.broken)
	w.look()
	w.nothing(w.look())
}

func TestACertificateThatWasToldIsNotOverBecauseItEndedOrIsNotSeen(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	w.watch(mine)
	m.present(w.ca.Issue(t, checkstest.Lifetime(90*24*time.Hour, 20*24*time.Hour, "friend.test")))
	w.find(w.lookNow(), expiring, "friend.test", "expires in")

	w.watch(mine) // a new process, which cannot connect at first
	w.broken[m.addr] = syscall.ECONNREFUSED
	if o := w.look(); len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: expiring, Subject: "friend.test"}) {
		t.Errorf("%+v", o)
	}
	clear(w.broken)
	w.find(w.look(), expiring, "friend.test", "expires in")

	m.present(w.ca.Issue(t, checkstest.Lifetime(90*24*time.Hour, -time.Second, "friend.test")))
	w.round()
	if f, ok := checkstest.Find(w.look(), expiring, "friend.test"); !ok || !f.Holds {
		t.Errorf("over at its end: %v %+v", ok, f)
	}
	m.present(w.ca.Issue(t, checkstest.Leaf{Names: []string{"friend.test"}}))
	w.look()
	w.nothing(w.look())
}

func TestOfflineNobodyIsAsked(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	w.watch(one)
	w.c.site.Offline = true
	_, err := w.try(w.past)
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) || m.handshakes() > 0 || len(w.looked) > 0 {
		t.Errorf("%v, %d handshakes, names %v", err, m.handshakes(), w.looked)
	}
}

func TestAHostHasOneConnectionAtATime(t *testing.T) {
	w := newWorld(t)
	m := w.serve("a.test")
	m.present(w.ca.Issue(t, checkstest.Leaf{Names: []string{"a.test", "b.test", "c.test"}}))
	w.names["b.test"], w.names["c.test"] = w.names["a.test"], w.names["a.test"]
	open, most := 0, 0
	w.watch("[[domain]]\nname = \"a.test\"\n[[domain]]\nname = \"b.test\"\n[[domain]]\nname = \"c.test\"\n")
	m.answer("/", func(rw http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		open++
		most = max(most, open)
		m.mu.Unlock()
		timer := time.NewTimer(250 * time.Millisecond)
		<-timer.C
		m.mu.Lock()
		open--
		m.mu.Unlock()
		says("text/html", `<div id="mastodon">`)(rw, r)
	})
	w.nothing(w.lookNow())
	if most != 1 {
		t.Errorf("%d connections at once", most)
	}
}

func TestALookWhoseTimeEndsBlamesNobody(t *testing.T) {
	w := newWorld(t)
	m := w.serve("friend.test")
	release := make(chan struct{})
	m.answer("/", func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	w.watch(one)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	o, err := w.c.Look(ctx, checks.NoPast{})
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Findings) > 0 {
		t.Errorf("%+v", o.Findings)
	}
}

func TestTheListOfRootsIsReadAgainWhenItChanges(t *testing.T) {
	a, b := checkstest.NewCA(t, "a"), checkstest.NewCA(t, "b")
	path := t.TempDir() + "/roots.pem"
	write := func(ca *checkstest.CA, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, ca.Issue(t, checkstest.Leaf{Names: []string{"x.test"}}).Alone(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	s := store{files: []string{"/nonexistent", path}}
	if s.now() != nil {
		t.Error("a list out of nothing")
	}
	write(a, time.Now().Add(-time.Hour))
	first := s.now()
	if first == nil || s.now() != first {
		t.Error("the same list is another")
	}
	write(b, time.Now())
	if second := s.now(); second == nil || second == first {
		t.Error("another list is the same")
	}
}

func TestAVerdictHoldsUntilTheChainTheRootsOrADateChange(t *testing.T) {
	root := checkstest.NewCA(t, "root")
	now := time.Now()
	middle := root.IntermediateUntil(t, checkstest.SelfSigned(t, checkstest.Leaf{Names: []string{"Middle"}}).Leaf.Subject, now.Add(20*24*time.Hour))
	cert := middle.Issue(t, checkstest.Leaf{Names: []string{"a.test"}})
	chain := append(cert.Above[:0:0], cert.Leaf, cert.Above[0])
	roots := root.Roots()
	var v verdict
	if err := v.verify("a.test", chain, roots, now); err != nil {
		t.Fatal(err)
	}
	if !v.holds(sumOf(chain), roots, now.Add(19*24*time.Hour)) {
		t.Error("forgotten while all of it holds")
	}
	for name, holds := range map[string]bool{
		"the intermediate has ended": v.holds(sumOf(chain), roots, now.Add(20*24*time.Hour)),
		"other roots":                v.holds(sumOf(chain), root.Roots(), now),
		"another chain":              v.holds(sumOf(chain[:1]), roots, now),
		"the clock went back":        v.holds(sumOf(chain), roots, now.Add(-time.Hour)),
	} {
		if holds {
			t.Errorf("%s, and it still holds", name)
		}
	}
	if err := v.verify("a.test", chain, roots, now.Add(21*24*time.Hour)); err == nil {
		t.Error("good beyond the end of its intermediate")
	}
	if err := v.verify("a.test", chain, roots, now); err != nil || v.until.After(now.Add(20*24*time.Hour)) {
		t.Errorf("%v, until %v", err, v.until)
	}
	if err := v.verify("b.test", chain, checkstest.NewCA(t, "other").Roots(), now); err == nil || v != (verdict{}) {
		t.Error("a bad chain is remembered")
	}
}
