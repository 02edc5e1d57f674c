package certs

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
	"golang.org/x/net/dns/dnsmessage"
)

var (
	v4  = netip.MustParseAddr("192.0.2.1")
	v4b = netip.MustParseAddr("192.0.2.2")
	v6  = netip.MustParseAddr("2001:db8::1")
)

func TestHowMuchOfALifeIsLeft(t *testing.T) {
	const h = time.Hour
	for _, tt := range []struct {
		name       string
		life, left time.Duration
		want       checks.Severity
	}{
		{"90 days: 30 left, the day of renewal", 90 * d, 30 * d, checks.OK},
		{"90 days: 23 left", 90 * d, 23 * d, checks.OK},
		{"90 days: 22 left", 90 * d, 22 * d, checks.Warning},
		{"90 days: 8 left", 90 * d, 8 * d, checks.Warning},
		{"90 days: 7 left", 90 * d, 7 * d, checks.Critical},
		{"47 days: 12 left", 47 * d, 12 * d, checks.OK},
		{"47 days: 11 left", 47 * d, 11 * d, checks.Warning},
		{"47 days: 93 hours left", 47 * d, 93 * h, checks.Critical},
		{"six days: 37 hours left", 6 * d, 37 * h, checks.OK},
		{"six days: 35 hours left", 6 * d, 35 * h, checks.Warning},
		{"six days: 11 hours left", 6 * d, 11 * h, checks.Critical},
		{"three days: the floor of 12 hours is above a twelfth", 3 * d, 11 * h, checks.Critical},
		{"one day: the floor never comes before the warning", d, 7 * h, checks.OK},
		{"one day: 5 hours left", d, 5 * h, checks.Critical},
		{"a year: 60 days are no news", 365 * d, 60 * d, checks.OK},
		{"a year: 29 days", 365 * d, 29 * d, checks.Warning},
		{"a year: 9 days", 365 * d, 9 * d, checks.Critical},
		{"nothing left", 90 * d, 0, checks.Critical},
	} {
		if got := DefaultConfig().ending(tt.life, tt.left); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestWhatIsSaidOfSeveralAddresses(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	good := []*x509.Certificate{ca.Issue(t, checkstest.Lifetime(90*d, 61*d, domain)).Leaf}
	ill := []*x509.Certificate{ca.Issue(t, checkstest.Lifetime(90*d, -d, domain)).Leaf}
	const six = domain + ipv6Mark
	k := Kind(&site.Site{Domain: domain})

	type want struct {
		found []checks.Key
		blind []string // subjects
	}
	for _, tt := range []struct {
		name   string
		views  []view
		before bool // IPv6 has worked before
		want   want
	}{
		{"both sides are well", []view{{addr: v4, chain: good}, {addr: v6, chain: good}}, false, want{}},
		{"both sides have the same fault: one finding", []view{{addr: v4, chain: ill}, {addr: v6, chain: ill}}, false, want{found: []checks.Key{{Code: expired, Subject: domain}}}},
		{"only IPv6 has it", []view{{addr: v4, chain: good}, {addr: v6, chain: ill}}, false, want{found: []checks.Key{{Code: expired, Subject: six}}}},
		{"only IPv4 has it", []view{{addr: v4, chain: ill}, {addr: v6, chain: good}}, false, want{found: []checks.Key{{Code: expired, Subject: domain}}}},
		{"one of two IPv4 addresses has it", []view{{addr: v4, chain: good}, {addr: v4b, chain: ill}}, false, want{found: []checks.Key{{Code: expired, Subject: domain}}}},
		{"a site with IPv6 alone is the domain", []view{{addr: v6, chain: ill}}, false, want{found: []checks.Key{{Code: expired, Subject: domain}}}},
		{"IPv6 refuses", []view{{addr: v4, chain: good}, {addr: v6, fault: refused}}, false, want{found: []checks.Key{{Code: connect, Subject: six}}}},
		{"all refuse: what is open is held", []view{{addr: v4, fault: refused}, {addr: v6, fault: noAnswer}}, false, want{found: []checks.Key{{Code: connect, Subject: domain}}, blind: []string{domain}}},
		{"this machine never had IPv6: no finding, and nothing is blind", []view{{addr: v4, chain: good}, {addr: v6, fault: noRoute}}, false, want{}},
		{"this machine has lost its IPv6: blind there", []view{{addr: v4, chain: good}, {addr: v6, fault: noRoute}}, true, want{blind: []string{six}}},
		{"the name has no address", nil, false, want{found: []checks.Key{{Code: connect, Subject: domain}}, blind: []string{domain}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := question{domain: domain, port: "443", now: time.Now(), roots: ca.Roots(), limits: DefaultConfig(), ipv6Before: tt.before, open: []checks.Key{{Code: chainBroken, Subject: domain}}}
			o := q.judge(tt.views)
			checkstest.AssertObservation(t, k, o)
			var found []checks.Key
			for _, f := range o.Findings {
				found = append(found, f.Key())
			}
			if len(found) != len(tt.want.found) || len(found) > 0 && found[0] != tt.want.found[0] {
				t.Errorf("found %v, want %v", found, tt.want.found)
			}
			var blind []string
			for _, b := range o.Blind {
				blind = append(blind, b.Subject)
			}
			if len(blind) != len(tt.want.blind) || len(blind) > 0 && blind[0] != tt.want.blind[0] {
				t.Errorf("blind %v, want %v", blind, tt.want.blind)
			}
		})
	}

	q := question{domain: domain, port: "443", now: time.Now(), roots: ca.Roots(), limits: DefaultConfig()}
	f, _ := checkstest.Find(q.judge([]view{{addr: v4, chain: good}, {addr: v4b, chain: ill}}), expired, domain)
	says(t, f.Text, "Seen at 192.0.2.2, 1 of 2 addresses.", "該当: 192.0.2.2（2アドレス中1）")
	says(t, q.judge([]view{{addr: v4, chain: good}, {addr: v6, fault: noRoute}}).Summary, "IPv6 not looked at", "IPv6はこのマシンから届かないため未確認")
}

func TestCloudflaresOriginCertificateIsGoodOnlyBehindItsProxy(t *testing.T) {
	origin := checkstest.NewCA(t, "x")
	issuer := origin.IntermediateUntil(t, pkix.Name{
		Organization: []string{"CloudFlare, Inc."}, OrganizationalUnit: []string{"CloudFlare Origin SSL Certificate Authority"},
	}, time.Now().Add(5000*d))
	chain := []*x509.Certificate{issuer.Issue(t, checkstest.Lifetime(5475*d, 5000*d, domain)).Leaf}
	q := question{domain: domain, port: "443", now: time.Now(), roots: checkstest.NewCA(t, "y").Roots(), limits: DefaultConfig(), direct: true}
	o := q.judge([]view{{addr: v4, chain: chain}})
	well(t, o)
	says(t, o.Summary, "Origin CA", "Origin CA")
	q.direct = false
	f := only(t, q.judge([]view{{addr: v4, chain: chain}}), untrusted, checks.Critical)
	says(t, f.Text, "trusted by Cloudflare alone", "Cloudflare専用")
}

func TestANameAndATrustFaultAreTwoFindings(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	mid := ca.Intermediate(t, "Mid")
	chain := []*x509.Certificate{mid.Issue(t, checkstest.Leaf{Names: []string{"other.example"}}).Leaf}
	q := question{domain: domain, now: time.Now(), roots: ca.Roots(), limits: DefaultConfig()}
	o := q.judge([]view{{addr: v4, chain: chain}})
	if len(o.Findings) != 2 || o.Findings[0].Code != wrongName || o.Findings[1].Code != chainBroken {
		t.Errorf("findings %+v", o.Findings)
	}
}

func TestAChainOfManyCertificatesIsClimbedInNoTime(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	chain := []*x509.Certificate{ca.Issue(t, checkstest.Leaf{Names: []string{domain}}).Leaf}
	for range chainLimit {
		chain = append(chain, checkstest.NewCA(t, "Root").Cert)
	}
	q := question{domain: domain, now: time.Now(), roots: x509.NewCertPool(), limits: DefaultConfig()}
	if o := q.judge([]view{{addr: v4, chain: chain}}); len(o.Findings) != 1 {
		t.Errorf("findings %+v", o.Findings)
	}
}

func TestTheTroubleOfAConnection(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)} }
	for err, want := range map[error]trouble{
		dial(syscall.ECONNREFUSED): refused,
		dial(syscall.ENETUNREACH):  noRoute,
		dial(syscall.EPERM):        noRoute,
		dial(syscall.EHOSTUNREACH): noHost,
		os.ErrDeadlineExceeded:     noAnswer,
	} {
		if got := connectTrouble(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}

func TestATargetIsTheDomainOrTheAddressThatIsSet(t *testing.T) {
	for address, want := range map[string]target{
		"":                   {host: domain, port: "443"},
		"127.0.0.1":          {host: "127.0.0.1", port: "443", set: true},
		"127.0.0.1:8443":     {host: "127.0.0.1", port: "8443", set: true},
		"web.internal":       {host: "web.internal", port: "443", set: true},
		"::1":                {host: "::1", port: "443", set: true},
		"[::1]":              {host: "::1", port: "443", set: true},
		"[2001:db8::1]:8443": {host: "2001:db8::1", port: "8443", set: true},
	} {
		if got := targetOf(domain, address); got != want {
			t.Errorf("%q: %+v, want %+v", address, got, want)
		}
	}
}

func TestAHandfulOfAddressesIsSortedAndBounded(t *testing.T) {
	var many []netip.Addr
	for i := range 20 {
		many = append(many, netip.AddrFrom4([4]byte{192, 0, 2, byte(20 - i)}), netip.MustParseAddr("::ffff:192.0.2.1"), v6)
	}
	got := handful(many)
	if len(got) != perFamily+1 || got[0] != v4 || got[perFamily] != v6 {
		t.Errorf("%v", got)
	}
}

// nameServer is a resolver on loopback that answers everything with one code.
func nameServer(t *testing.T, code dnsmessage.RCode) *net.Resolver {
	t.Helper()
	return resolver(t, func(m *dnsmessage.Message) { m.RCode = code })
}

// resolver is one on loopback that fills in its answers.
func resolver(t *testing.T, answer func(*dnsmessage.Message)) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			answer(&m)
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-ended
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestADeadResolverIsOursAndAMissingNameIsTheirs(t *testing.T) {
	s := &site.Site{Domain: "nothing.example", Roots: checkstest.NewCA(t, "Root").Roots(), Proc: "/nowhere", Root: t.TempDir()}
	k := Kind(s)

	broken := newCheck(s, DefaultConfig())
	broken.resolver = nameServer(t, dnsmessage.RCodeServerFailure)
	var unseen *checks.Unseen
	if _, err := broken.Look(t.Context(), checks.NoPast{}); !errors.As(err, &unseen) {
		t.Fatalf("a resolver that fails: %v", err)
	}
	says(t, unseen.Why, "gives no answer", "答えが得られません")

	missing := newCheck(s, DefaultConfig())
	missing.resolver = nameServer(t, dnsmessage.RCodeNameError)
	o := checkstest.Look(t, k, missing, nil)
	f, ok := checkstest.Find(o, connect, s.Domain)
	if !ok {
		t.Fatalf("a name that is not there: %+v", o)
	}
	says(t, f.Text, "has no address", "アドレスが見つかりません")
}

func TestWhereNoWayLeadsThereNothingIsKnown(t *testing.T) {
	if !nothingReached([]view{{fault: noRoute}, {fault: noRoute}}) || nothingReached([]view{{fault: noRoute}, {fault: refused}}) || nothingReached(nil) {
		t.Error("only where every address is without a way is nothing known")
	}
}

func TestARenewalIsToldOnce(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	q := question{domain: domain, now: time.Now()}
	end := func(left time.Duration) []view {
		return []view{{addr: v4, chain: []*x509.Certificate{ca.Issue(t, checkstest.Lifetime(90*d, left, domain)).Leaf}}}
	}
	var m memory
	for i, step := range []struct {
		left time.Duration
		want int
	}{
		{29 * d, 0}, // the first look knows nothing
		{29 * d, 0},
		{90 * d, 1},
		{29 * d, 0}, // a node that still has the old one
		{90 * d, 0},
	} {
		after := q.remember(m, end(step.left))
		// Both certificates of a length end within the same second or the next.
		after.Ends[domain] = after.Ends[domain] / 60 * 60
		if got := q.renewals(m, after); len(got) != step.want {
			t.Errorf("step %d: %+v", i, got)
		}
		b, err := json.Marshal(after)
		if err != nil {
			t.Fatal(err)
		}
		m = memory{}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAdviceFitsTheWebServer(t *testing.T) {
	for server, want := range map[string]string{
		"nginx":   "sudo systemctl reload nginx",
		"apache2": "sudo systemctl reload apache2",
		"caddy":   "",
		"":        "",
	} {
		a := question{server: server}.advice(fault{kind: leafEnded})
		got := ""
		if len(a.Mend) > 0 {
			got = a.Mend[len(a.Mend)-1].String()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", server, got, want)
		}
		if want == "" && a.Text.Empty() {
			t.Errorf("%q: no words either", server)
		}
	}
}
