package clock

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// A teller is a real TLS server that tells a time of its own.
type teller struct {
	addr  string
	ahead atomic.Int64 // of this machine, in seconds
	age   atomic.Bool  // it claims to answer out of a cache
	asked atomic.Int64
}

func newTeller(t *testing.T, ca *checkstest.CA, leaf checkstest.Leaf) *teller {
	t.Helper()
	x := &teller{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.asked.Add(1)
		if r.Method != http.MethodHead || r.Header.Get("User-Agent") != "sababan" {
			t.Errorf("asked by %s as %q", r.Method, r.Header.Get("User-Agent"))
		}
		w.Header().Set("Date", time.Now().Add(time.Duration(x.ahead.Load())*time.Second).UTC().Format(http.TimeFormat))
		if x.age.Load() {
			w.Header().Set("Age", "90")
		}
		w.Header().Set("Location", "https://nowhere.invalid/")
		w.WriteHeader(http.StatusFound)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, leaf).TLS()}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	x.addr = s.Listener.Addr().String()
	return x
}

// A panel is several of them with the check that asks them.
type panel struct {
	tellers []*teller
	site    *site.Site
	kernel  kernel
	err     error // of the kernel
	uptime  time.Duration
	kind    checks.Kind
	table   checkstest.Table
}

func newPanel(t *testing.T, n int) *panel {
	t.Helper()
	ca := checkstest.NewCA(t, "Root")
	p := &panel{site: &site.Site{Proc: "/nowhere", Roots: ca.Roots(), Root: t.TempDir()}, kernel: kernel{synchronised: true}}
	var quoted []string
	for range n {
		x := newTeller(t, ca, checkstest.Leaf{Names: []string{"127.0.0.1"}})
		p.tellers = append(p.tellers, x)
		quoted = append(quoted, `"`+x.addr+`"`)
	}
	p.table = checkstest.Table("servers = [" + strings.Join(quoted, ", ") + "]")
	p.kind = Kind(p.site, func(o *options) {
		o.kernel = func() (kernel, error) { return p.kernel, p.err }
		o.uptime = func() time.Duration { return p.uptime }
	})
	return p
}

func (p *panel) look(t *testing.T, past *checkstest.Past) checks.Observation {
	t.Helper()
	return checkstest.Look(t, p.kind, checkstest.Make(t, p.kind, p.table), past)
}

// turn sets the clocks of all servers, so that this one is off by d.
func (p *panel) turn(seconds int64) {
	for _, x := range p.tellers {
		x.ahead.Store(-seconds)
	}
}

func TestContract(t *testing.T) {
	p := newPanel(t, 4)
	checkstest.Contract(t, p.kind, p.table)
}

func TestAClockThatIsOffIsFoundAndResolves(t *testing.T) {
	p := newPanel(t, 4)
	for _, c := range []struct {
		situation string
		off       int64
		want      checks.Severity
		head      string
		ja        string
	}{
		{"right", 0, checks.OK, "", ""},
		{"a little off", 25, checks.OK, "", ""},
		{"ahead by more than half a minute", 40, checks.Warning, "clock is 40 s ahead (compared with 4 servers)", "時計が40秒進んでいます（4台のサーバーと比較）"},
		{"behind by more than two minutes", -200, checks.Critical, "clock is 3 min behind (compared with 4 servers)", "時計が3分遅れています（4台のサーバーと比較）"},
		{"right again", 0, checks.OK, "", ""},
	} {
		t.Run(c.situation, func(t *testing.T) {
			p.turn(c.off)
			o := p.look(t, nil)
			f, found := checkstest.Find(o, codeOffset, "")
			if found != (c.want > checks.OK) || found && (f.Severity != c.want || f.Text.Headline().En != c.head || f.Text.Headline().Ja != c.ja) {
				t.Errorf("%v %v %q %q", found, f.Severity, f.Text.En, f.Text.Ja)
			}
			if got := checkstest.Value(t, o, "offset_seconds", ""); got < float64(c.off)-1.5 || got > float64(c.off)+1.5 {
				t.Errorf("measured %v, is %v", got, c.off)
			}
			t.Log(o.Summary.En, "/", o.Summary.Ja)
		})
	}
}

func TestOneServerWithAWrongClockDecidesNothing(t *testing.T) {
	p := newPanel(t, 4)
	p.tellers[1].ahead.Store(86400)
	if o := p.look(t, nil); len(o.Findings)+len(o.Blind) > 0 {
		t.Errorf("%+v", o)
	}
}

func TestOfTwoServersThatDisagreeNobodyKnowsWhich(t *testing.T) {
	p := newPanel(t, 2)
	p.tellers[1].ahead.Store(600)
	o := p.look(t, nil)
	if len(o.Findings) > 0 || len(o.Blind) != 1 || o.Blind[0].Code != codeOffset {
		t.Errorf("%+v", o)
	}
}

func TestWithoutServersItSaysThatItCouldNotTell(t *testing.T) {
	p := newPanel(t, 3)
	p.table = `servers = ["127.0.0.1:1", "127.0.0.1:2"]`
	o := p.look(t, nil)
	if len(o.Blind) != 1 || o.Blind[0].Why.En != "none of 2 servers told the time; it takes two to compare" {
		t.Errorf("%+v", o)
	}
	p.err = errors.New("not permitted")
	_, err := checkstest.Make(t, p.kind, p.table).Look(t.Context(), checks.NoPast{})
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) {
		t.Error(err)
	}
}

func TestAnAnswerOutOfACacheCountsForNothing(t *testing.T) {
	p := newPanel(t, 3)
	p.turn(500)
	for _, x := range p.tellers[1:] {
		x.age.Store(true)
	}
	if o := p.look(t, nil); len(o.Findings) > 0 || len(o.Blind) != 1 {
		t.Errorf("%+v", o)
	}
}

func TestAClockThatIsOffByYearsIsMeasuredAllTheSame(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	p := newPanel(t, 0)
	p.site.Roots = ca.Roots()
	var quoted []string
	for range 3 { // to this clock their certificates are not valid any more
		end := time.Now().Add(-300 * 24 * time.Hour)
		x := newTeller(t, ca, checkstest.Leaf{Names: []string{"127.0.0.1"}, NotBefore: end.Add(-60 * 24 * time.Hour), NotAfter: end})
		x.ahead.Store(-330 * 86400)
		quoted = append(quoted, `"`+x.addr+`"`)
	}
	p.table = checkstest.Table("servers = [" + strings.Join(quoted, ", ") + "]")
	f, found := checkstest.Find(p.look(t, nil), codeOffset, "")
	if !found || f.Text.Headline().En != "clock is 330 d ahead (compared with 3 servers)" {
		t.Errorf("%v %q", found, f.Text.En)
	}
}

func TestAServerThatCannotProveWhoItIsIsNotBelieved(t *testing.T) {
	p := newPanel(t, 3)
	p.turn(500)
	p.site.Roots = checkstest.NewCA(t, "Another").Roots()
	if o := p.look(t, nil); len(o.Findings) > 0 || len(o.Blind) != 1 {
		t.Errorf("%+v", o)
	}
}

func TestOfflineNobodyIsAskedAndTheKernelIsEnough(t *testing.T) {
	p := newPanel(t, 3)
	p.site.Offline = true
	o := p.look(t, nil)
	if len(o.Blind)+len(o.Findings) > 0 || o.Summary.En != "not compared with others, kept in sync" {
		t.Errorf("%+v", o)
	}
	for _, x := range p.tellers {
		if x.asked.Load() > 0 {
			t.Error("somebody was asked")
		}
	}
}

func TestAServerThatHangsDelaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p := newPanel(t, 2)
	p.table = checkstest.Table(strings.Replace(string(p.table), "[", `["`+l.Addr().String()+`", `, 1))
	began := time.Now()
	if o := p.look(t, nil); len(o.Blind) > 0 {
		t.Errorf("%+v", o)
	}
	if took := time.Since(began); took > askTimeout+2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestTheWatchedServerIsAskedWhenItIsAnotherMachine(t *testing.T) {
	p := newPanel(t, 0)
	c := &check{config: Config{Servers: []string{"a.example", "b.example:8443"}}, site: p.site}
	for _, one := range []struct {
		situation, domain, address string
		want                       int
	}{
		{"none is watched", "", "", 2},
		{"another machine", "192.0.2.7", "", 3},
		{"another machine behind a name", "social.example", "192.0.2.7:444", 3},
		{"this machine", "127.0.0.1", "", 2},
		{"this machine, asked directly", "social.example", "localhost:8443", 2},
	} {
		p.site.Domain, p.site.Address = one.domain, one.address
		if got := c.servers(t.Context()); len(got) != one.want {
			t.Errorf("%s: %+v", one.situation, got)
		}
	}
	p.site.Domain, p.site.Address = "192.0.2.7", ""
	if err := os.MkdirAll(filepath.Join(p.site.Root, "/home/mastodon/live/lib/mastodon/version.rb"), 0o755); err != nil {
		t.Fatal(err)
	}
	here := &site.Site{Root: p.site.Root, Domain: "192.0.2.7", Proc: "/nowhere"}
	if got := (&check{site: here}).servers(t.Context()); len(got) != 0 {
		t.Errorf("Mastodon runs here, behind an address that is translated: %+v", got)
	}
}

func TestNotSynchronisedIsFoundAfterAnHourAndResolves(t *testing.T) {
	p := newPanel(t, 3)
	past := &checkstest.Past{}
	p.kernel.synchronised, p.uptime = false, 10*time.Minute
	if o := p.look(t, past); len(o.Findings) > 0 {
		t.Errorf("ten minutes after the boot: %+v", o.Findings)
	}
	past.Memory[memoryKey] = []byte(`{"unsync": 1000}`)
	f, found := checkstest.Find(p.look(t, past), codeUnsync, "")
	if !found || f.Severity != checks.Warning || f.Holds || !strings.Contains(f.Text.En, "still within") {
		t.Errorf("%v %+v", found, f)
	}
	p.turn(500)
	if f, found = checkstest.Find(p.look(t, past), codeUnsync, ""); !found || !f.Holds {
		t.Errorf("one trouble is told twice: %v %+v", found, f)
	}
	p.turn(0)
	p.kernel.synchronised = true
	if o := p.look(t, past); len(o.Findings) > 0 || string(past.Memory[memoryKey]) != `{"unsync":0}` {
		t.Errorf("%+v %s", o.Findings, past.Memory[memoryKey])
	}
}

func TestWhatMayNotBeAskedHoldsWhatIsOpen(t *testing.T) {
	p := newPanel(t, 3)
	past := &checkstest.Past{Memory: map[string][]byte{memoryKey: []byte(`{"unsync": 1000}`)}}
	p.err = errors.New("not permitted")
	o := p.look(t, past)
	if len(o.Blind) != 1 || o.Blind[0].Code != codeUnsync || string(past.Memory[memoryKey]) != `{"unsync":1000}` {
		t.Errorf("%+v %s", o.Blind, past.Memory[memoryKey])
	}
}

func TestTheAdviceIsForWhatIsInstalled(t *testing.T) {
	for _, c := range []struct {
		files      []string
		look, mend string
	}{
		{[]string{"/usr/sbin/chronyd", "/lib/systemd/system/chrony.service", "/usr/bin/timedatectl"}, "chronyc tracking", "sudo systemctl restart chrony; sudo chronyc makestep"},
		{[]string{"/usr/sbin/chronyd", "/lib/systemd/system/chronyd.service"}, "chronyc tracking", "sudo systemctl restart chronyd; sudo chronyc makestep"},
		{[]string{"/lib/systemd/systemd-timesyncd", "/usr/bin/timedatectl"}, "timedatectl timesync-status", "sudo timedatectl set-ntp true; sudo systemctl restart systemd-timesyncd"},
		{[]string{"/usr/sbin/ntpd", "/lib/systemd/system/ntpsec.service"}, "ntpq -p", "sudo systemctl restart ntpsec"},
		{[]string{"/usr/bin/timedatectl", "/usr/bin/apt-get"}, "timedatectl", "sudo apt-get install chrony"},
		{[]string{"/usr/bin/dnf"}, "date -u", "sudo dnf install chrony; sudo systemctl enable --now chronyd"},
		{nil, "date -u", ""},
	} {
		root := t.TempDir()
		for _, f := range c.files {
			if err := os.MkdirAll(filepath.Join(root, f), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		a := adviceMend(keeperOf(root))
		var mend []string
		for _, m := range a.Mend {
			mend = append(mend, m.String())
		}
		if a.Look.String() != c.look || strings.Join(mend, "; ") != c.mend {
			t.Errorf("%v: look %q, mend %q", c.files, a.Look, mend)
		}
	}
}

func TestSettingsThatCannotBeMeantAreNamed(t *testing.T) {
	p := newPanel(t, 0)
	for table, want := range map[string]string{
		`warning_offset = "100ms"`:                               "warning_offset: ",
		`critical_offset = "10s"`:                                "critical_offset: ",
		`servers = ["https://x.example"]`:                        "servers: ",
		`servers = ["x.example:99999"]`:                          "servers: ",
		`servers = ["@evil@example.com"]`:                        "servers: ",
		`servers = [` + strings.Repeat(`"a.example",`, 13) + `]`: "servers: 13 are too many",
	} {
		if _, err := p.kind.New(checkstest.Table(table)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", table, err)
		}
	}
}

func TestThisMachinesKernelAnswers(t *testing.T) {
	k, err := askKernel()
	t.Logf("%+v %v, up for %v, kept by %+v", k, err, uptime("/proc"), keeperOf(""))
}
