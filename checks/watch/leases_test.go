package watch

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/registry"
	"github.com/sababan/sababan/checks/site"
)

const day = 24 * time.Hour

// A bureau is IANA and one registry.
type bureau struct {
	mu      sync.Mutex
	ends    map[string]time.Time // by domain
	states  map[string]string
	refuse  int // status of every answer
	retry   string
	asked   map[string]int // by domain; "list" and "whois" are IANA's
	atOnce  int
	mostOff int // questions at the same time
}

// bureau opens one for .com and .social.
func (w *world) bureau() *bureau {
	w.t.Helper()
	b := &bureau{ends: map[string]time.Time{}, states: map[string]string{}, asked: map[string]int{}}
	s := httptest.NewUnstartedServer(b)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{w.ca.Issue(w.t, checkstest.Leaf{Names: []string{"data.iana.org", "rdap.registry.test"}}).TLS()}}
	s.StartTLS()
	w.t.Cleanup(s.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.count("whois")
			_, _ = io.WriteString(conn, "domain: COM\nstatus: ACTIVE\n")
			_ = conn.Close()
		}
	})
	w.t.Cleanup(func() { _ = l.Close(); all.Wait() })
	for name, at := range map[string]string{"data.iana.org": s.Listener.Addr().String(), "rdap.registry.test": s.Listener.Addr().String(), "whois.iana.org": l.Addr().String()} {
		a := w.address(name)
		w.mu.Lock()
		w.behind[a] = at
		w.mu.Unlock()
	}
	return b
}

func (b *bureau) count(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[what]++
}

func (b *bureau) times(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[what]
}

func (b *bureau) set(name string, end time.Time, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ends[name], b.states[name] = end, state
}

func (b *bureau) answer(status int, retry string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse, b.retry = status, retry
}

func (b *bureau) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.atOnce++
	b.mostOff = max(b.mostOff, b.atOnce)
	defer func() {
		b.atOnce--
		b.mu.Unlock()
	}()
	if r.URL.Path == "/rdap/dns.json" {
		b.asked["list"]++
		_, _ = io.WriteString(rw, `{"services":[[["com","social"],["https://rdap.registry.test/"]]]}`)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/domain/")
	b.asked[name]++
	end, ok := b.ends[name]
	switch {
	case b.refuse != 0:
		if b.retry != "" {
			rw.Header().Set("Retry-After", b.retry)
		}
		rw.WriteHeader(b.refuse)
	case !ok:
		http.NotFound(rw, r)
	default:
		events := ""
		if !end.IsZero() {
			events = fmt.Sprintf(`{"eventAction":"expiration","eventDate":%q}`, end.UTC().Format(time.RFC3339))
		}
		_, _ = fmt.Fprintf(rw, `{"ldhName":%q,"status":[%q],"events":[%s]}`, name, b.states[name], events)
	}
}

// later lets a while pass, and looks.
func (w *world) later(d time.Duration) checks.Observation {
	w.t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	return w.lookNow()
}

// leaseWorld watches one server below example.com, whose certificate lasts.
func leaseWorld(t *testing.T, own bool) (*world, *bureau) {
	t.Helper()
	w := newWorld(t)
	m := w.serve("friend.example.com")
	m.present(w.ca.Issue(t, checkstest.Lifetime(3650*day, 3600*day, "friend.example.com")))
	b := w.bureau()
	b.set("example.com", w.now.Add(200*day), "active")
	w.watch(fmt.Sprintf("[[domain]]\nname = \"friend.example.com\"\nown = %v\n", own))
	return w, b
}

func TestADomainThatEndsSoonIsToldAndSeenRenewed(t *testing.T) {
	for _, c := range []struct {
		own      bool
		left     time.Duration
		severity checks.Severity
		road     checks.Road
		words    string
	}{
		{false, 15 * day, 0, 0, ""},
		{false, 13 * day, checks.Warning, checks.Week, "domain example.com expires in"},
		{false, -day, checks.Warning, checks.Week, "has expired"},
		{true, 13 * day, checks.Warning, checks.Morning, "expires in"},
		{true, 6 * day, checks.Critical, checks.Now, "expires in"},
	} {
		t.Run(fmt.Sprintf("own %v, %v", c.own, c.left), func(t *testing.T) {
			w, b := leaseWorld(t, c.own)
			o := w.lookNow()
			w.nothing(o)
			if got := checkstest.Value(t, o, leaseLeft, "example.com"); got < (199 * day).Seconds() {
				t.Errorf("%v s left", got)
			}
			if !strings.Contains(o.Summary.En, "; its domain is registered for 20") || !strings.Contains(o.Summary.Ja, "ドメイン登録は残り") {
				t.Errorf("%+v", o.Summary)
			}
			end := w.time().Add(c.left + day)
			b.set("example.com", end, "active")
			w.nothing(w.later(day - time.Hour)) // nobody is asked twice a day
			if b.times("example.com") != 1 {
				t.Errorf("asked %d times", b.times("example.com"))
			}
			o = w.later(time.Hour)
			if c.words == "" {
				w.nothing(o)
			} else {
				f := w.find(o, registered, "example.com", c.words)
				if f.Severity != c.severity || f.Road != c.road || !f.Harm.Equal(end.Truncate(time.Second)) {
					t.Errorf("%v %v %v", f.Severity, f.Road, f.Harm)
				}
			}
			b.set("example.com", w.time().Add(365*day), "active")
			w.nothing(w.later(day))
			if n := []int{b.times("example.com"), b.times("list"), b.times("whois")}; !slices.Equal(n, []int{3, 1, 1}) {
				t.Errorf("asked %v times", n)
			}
		})
	}
}

func TestADomainThatIsTakenAwayIsTold(t *testing.T) {
	for _, c := range []struct {
		state, words string
		night        bool
	}{
		{"client hold", "by its registrar", true},
		{"server hold", "by its registry", true},
		{"redemption period", "can still be recovered", false},
		{"pending delete", "free for anybody", false},
	} {
		for _, own := range []bool{false, true} {
			w, b := leaseWorld(t, own)
			b.set("example.com", w.now.Add(200*day), c.state)
			f := w.find(w.lookNow(), held, "example.com", c.words)
			if own && (f.Severity != checks.Critical || f.Road != checks.Now || f.Harm.IsZero() == c.night) || !own && (f.Severity != checks.Warning || f.Road != checks.Morning) {
				t.Errorf("%s: own %v: %v %v %v", c.state, own, f.Severity, f.Road, f.Harm)
			}
			b.set("example.com", w.now.Add(200*day), "active")
			w.nothing(w.later(day))
		}
	}
}

func TestARegistryThatIsSilentIsNoEndOfWhatItSaid(t *testing.T) {
	w, b := leaseWorld(t, false)
	b.set("example.com", w.now.Add(13*day), "client hold")
	w.find(w.lookNow(), registered, "example.com", "expires in")
	b.answer(http.StatusBadGateway, "")
	for range 6 {
		o := w.later(day)
		w.find(o, registered, "example.com", "expires in")
		w.find(o, held, "example.com", "by its registrar")
	}
	o := w.later(day)
	if len(o.Findings) > 0 || len(o.Blind) != 2 || !strings.Contains(o.Blind[0].Why.En, "has not answered about example.com for a week") {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
	b.answer(0, "")
	b.set("example.com", w.now.Add(400*day), "active")
	w.nothing(w.later(day))
}

func TestARegistryThatHasEnoughIsLeftAlone(t *testing.T) {
	w, b := leaseWorld(t, false)
	b.answer(http.StatusTooManyRequests, "7200")
	w.lookNow()
	l := w.c.leases
	if b.times("example.com") != 1 || l.book.Ready("com") || !l.book.Ready("social") {
		t.Errorf("asked %d times, ready %v", b.times("example.com"), l.book.Ready("com"))
	}
	l.all[0].Asked = 0 // as another domain of the same registry
	b.answer(0, "")
	for range 3 {
		w.later(30 * time.Minute)
	}
	if n := b.times("example.com"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.later(45 * time.Minute)
	if n := b.times("example.com"); n != 2 || l.all[0].Expires == 0 {
		t.Errorf("asked %d times, %+v", n, l.all[0])
	}
}

func TestServersOfOneDomainShareItAndRentedNamesHaveNone(t *testing.T) {
	w := newWorld(t)
	b := w.bureau()
	b.set("example.social", time.Time{}, "active")
	table := ""
	for _, name := range []string{"one.example.social", "two.example.social", "mstdn.duckdns.org", "friend.test"} {
		w.serve(name)
		table += "[[domain]]\nname = \"" + name + "\"\n"
	}
	w.watch(table)
	o := w.lookNow()
	for _, f := range o.Findings {
		t.Errorf("%+v", f)
	}
	if l := w.c.leases; len(l.all) != 1 || b.times("example.social") != 1 || l.all[0].Told == 0 || l.all[0].Expires != 0 {
		t.Errorf("%d domains, asked %d times", len(w.c.leases.all), b.times("example.social"))
	}
}

func TestWhatARegistrySaidOutlivesTheProcess(t *testing.T) {
	w, b := leaseWorld(t, false)
	b.set("example.com", w.now.Add(10*day), "active")
	w.find(w.lookNow(), registered, "example.com", "expires in")
	w.watch("[[domain]]\nname = \"friend.example.com\"\n")
	w.find(w.look(), registered, "example.com", "expires in")
	if n := []int{b.times("example.com"), b.times("list"), b.times("whois")}; !slices.Equal(n, []int{1, 1, 1}) {
		t.Errorf("asked %v times", n)
	}
	w.later(day)
	if n := []int{b.times("example.com"), b.times("list")}; !slices.Equal(n, []int{2, 1}) {
		t.Errorf("asked %v times", n)
	}
	w.past.Memory[leaseKey] = []byte(`{"domains":{"example.com":null},"ways":7}`)
	w.watch("[[domain]]\nname = \"friend.example.com\"\n")
	w.look()
	if n := b.times("example.com"); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

func TestWithoutAPastAndOfflineNoRegistryIsAsked(t *testing.T) {
	w, b := leaseWorld(t, false)
	if _, err := w.try(checks.NoPast{}); err != nil {
		t.Error(err)
	}
	w.c = checkstest.Make(t, Kind(&site.Site{Offline: true}, WithNetwork(w)), "[[domain]]\nname = \"friend.example.com\"\n").(*check)
	if _, err := w.try(w.past); err == nil {
		t.Error("offline, something was seen")
	}
	if len(b.asked) > 0 {
		t.Errorf("asked %v", b.asked)
	}
}

func TestARegistryInsideThisMachineIsNotAsked(t *testing.T) {
	w, _ := leaseWorld(t, false)
	for _, address := range []string{"127.0.0.1", "10.0.0.1", "::1"} {
		conn, err := w.c.prober.dialPublic(t.Context(), "tcp", net.JoinHostPort(address, "43"))
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s is connected to", address)
		}
	}
	if len(w.dialled) > 0 {
		t.Errorf("%v", w.dialled)
	}
}

func TestTenThousandDomainsAreSpreadOverADay(t *testing.T) {
	var list []Domain
	for i := range 10_000 {
		list = append(list, Domain{Name: fmt.Sprintf("mastodon%d.%s", i, []string{"com", "social", "de", "jp"}[i%4])})
	}
	l := leasesOf(list)
	if len(l.all) != len(list) {
		t.Fatalf("%d domains", len(l.all))
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	asked := map[*lease][]time.Time{}
	tired := func(suffix string) bool { return suffix != "jp" }
	for minute := range 3 * 24 * 60 {
		ready := tired
		if minute > 24*60 {
			ready = func(string) bool { return true }
		}
		turn := l.due(now, ready)
		if len(turn) > 14 {
			t.Fatalf("%d questions in minute %d", len(turn), minute)
		}
		for _, one := range turn {
			one.Asked = now.Unix()
			asked[one] = append(asked[one], now)
		}
		if done := 12 * 60; minute == done { // whoever is tired keeps nobody else waiting
			for _, one := range l.all {
				if one.suffix != "jp" && one.Asked == 0 {
					t.Fatalf("%s has not been asked", one.name)
				}
			}
		}
		now = now.Add(time.Minute)
	}
	for one, at := range asked {
		for i := range at[1:] {
			if gap := at[i+1].Sub(at[i]); gap < askEvery || gap > askEvery+10*time.Minute && one.suffix != "jp" && len(at) > 3 {
				t.Fatalf("%s was asked %v later", one.name, gap)
			}
		}
	}
	if len(asked) != len(list) {
		t.Errorf("%d asked", len(asked))
	}
	for _, one := range l.all {
		one.next(registry.Registration{Expires: now.AddDate(1, 0, 0)}, now)
	}
	l.changed = true
	l.open(&prober{now: func() time.Time { return now }}, nil)
	raw, err := l.keep(now)
	if err != nil || len(raw) > 1<<20 || !json.Valid(raw) {
		t.Errorf("%d bytes to remember, %v", len(raw), err)
	}
	l.changed = true
	if again, err := l.keep(now.Add(time.Minute)); err != nil || again != nil {
		t.Errorf("%d bytes a minute later, %v", len(again), err)
	}
	t.Logf("%d bytes", len(raw))
}
