package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

const domain = "mastodon.example"

// served is a real nginx with a certificate, and the kind that looks at it.
type served struct {
	*checkstest.Nginx
	ca   *checkstest.CA
	mid  *checkstest.CA
	kind checks.Kind
	past *checkstest.Past
	c    checks.Check
}

func serve(t *testing.T, l checkstest.Leaf) *served {
	t.Helper()
	ca := checkstest.NewCA(t, "Test Root X1")
	mid := ca.Intermediate(t, "Test Intermediate R3")
	s := &served{Nginx: checkstest.NewNginx(t), ca: ca, mid: mid, past: &checkstest.Past{}}
	cert := mid.Issue(t, l)
	s.Install(t, cert.FullChain(), cert)
	s.Start(t, s.Server(""))
	s.kind = Kind(&site.Site{Domain: domain, Address: s.Addr, Roots: ca.Roots(), Proc: "/nowhere", Root: t.TempDir()})
	s.c = checkstest.Make(t, s.kind, "")
	return s
}

// serveInstead puts another certificate in its place, as a renewal does.
func (s *served) serveInstead(t *testing.T, chain []byte, c checkstest.Certificate) {
	t.Helper()
	s.Install(t, chain, c)
	s.Reload(t, "")
}

func (s *served) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, s.kind, s.c, s.past)
}

const d = 24 * time.Hour

func TestContract(t *testing.T) {
	s := serve(t, checkstest.Lifetime(90*d, 61*d, domain))
	checkstest.Contract(t, s.kind, "")
}

// only asserts that a look found one thing, and returns it.
func only(t *testing.T, o checks.Observation, code string, severity checks.Severity) checks.Finding {
	t.Helper()
	f, ok := checkstest.Find(o, code, domain)
	if !ok || len(o.Findings) != 1 {
		t.Fatalf("findings %+v, want only %s", o.Findings, code)
	}
	if f.Severity != severity {
		t.Errorf("%s is %v, want %v", code, f.Severity, severity)
	}
	return f
}

func well(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v, want none", o.Findings, o.Blind)
	}
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	r := checks.Reader{Now: time.Now()}
	if got := r.Write(text.En); !strings.Contains(got, en) {
		t.Errorf("English is %q, want it to say %q", got, en)
	}
	r.Lang = checks.Japanese
	if got := r.Write(text.Ja); !strings.Contains(got, ja) {
		t.Errorf("Japanese is %q, want it to say %q", got, ja)
	}
}

func TestAGoodCertificateSaysHowLongItLasts(t *testing.T) {
	s := serve(t, checkstest.Lifetime(90*d, 61*d+time.Hour, domain, "www."+domain))
	o := s.look(t)
	well(t, o)
	says(t, o.Summary, "61 d left (of 90 d); mastodon.example, www.mastodon.example", "残り61日（有効期間90日）。対象: mastodon.example、www.mastodon.example")
	if left := checkstest.Value(t, o, "life_left", domain); left < 61*d.Seconds() || left > 62*d.Seconds() {
		t.Errorf("life_left is %v s", left)
	}
	if ratio := checkstest.Value(t, o, "life_left_ratio", domain); ratio < 0.67 || ratio > 0.69 {
		t.Errorf("life_left_ratio is %v", ratio)
	}
	if took := checkstest.Value(t, o, "handshake", domain); took <= 0 || took > 5 {
		t.Errorf("handshake is %v s", took)
	}
}

func TestARenewedCertificateCountsOnlyOnceItIsServed(t *testing.T) {
	s := serve(t, checkstest.Lifetime(90*d, 5*d, domain))
	f := only(t, s.look(t), expiring, checks.Critical)
	if f.Road != checks.Now || time.Until(f.Harm).Round(time.Hour) != 5*d {
		t.Errorf("road %v, harm %v", f.Road, f.Harm)
	}
	says(t, f.Text, "certificate of mastodon.example expires in ", "期限を過ぎると、ブラウザからも他サーバーからも接続できなくなります。")

	renewed := s.mid.Issue(t, checkstest.Lifetime(90*d, 90*d, domain))
	s.Install(t, renewed.FullChain(), renewed)
	only(t, s.look(t), expiring, checks.Critical)

	s.Reload(t, "")
	o := s.look(t)
	well(t, o)
	if len(o.Events) != 1 || o.Events[0].Code != "renewed" {
		t.Errorf("events %+v", o.Events)
	}
	if o := s.look(t); len(o.Events) != 0 {
		t.Errorf("the renewal is told twice: %+v", o.Events)
	}
}

func TestWhatIsWrongIsNamedAndMends(t *testing.T) {
	s := serve(t, checkstest.Lifetime(90*d, 61*d, domain))
	good := s.mid.Issue(t, checkstest.Lifetime(90*d, 61*d, domain))
	issue := func(l checkstest.Leaf) checkstest.Certificate { return s.mid.Issue(t, l) }
	other := issue(checkstest.Lifetime(90*d, 61*d, "other.example", "*.wild.example", "a.example", "b.example", "c.example"))
	early := issue(checkstest.Leaf{Names: []string{domain}, NotBefore: time.Now().Add(d), NotAfter: time.Now().Add(91 * d)})
	misfit := append(good.Alone(), s.ca.Intermediate(t, "Test Intermediate R4").Issue(t, checkstest.Leaf{Names: []string{"x.example"}}).FullChain()...)
	ended := s.ca.IntermediateUntil(t, pkix.Name{CommonName: "Old Intermediate"}, time.Now().Add(-2*d)).Issue(t, checkstest.Lifetime(90*d, 61*d, domain))
	ending := s.ca.IntermediateUntil(t, pkix.Name{CommonName: "Tired Intermediate"}, time.Now().Add(3*d)).Issue(t, checkstest.Lifetime(90*d, 61*d, domain))
	foreign := checkstest.NewCA(t, "Foreign Root").Intermediate(t, "Foreign Intermediate").Issue(t, checkstest.Lifetime(90*d, 61*d, domain))
	self := checkstest.SelfSigned(t, checkstest.Lifetime(3650*d, 3000*d, "debian"))
	client := issue(checkstest.Leaf{Names: []string{domain}, Usage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	expiredOne := issue(checkstest.Lifetime(90*d, -3*time.Hour, domain))
	short := issue(checkstest.Lifetime(6*d, d, domain))

	for _, tt := range []struct {
		name     string
		chain    []byte
		cert     checkstest.Certificate
		code     string
		severity checks.Severity
		en, ja   string
	}{
		{"a certificate that ended three hours ago", expiredOne.FullChain(), expiredOne, expired, checks.Critical, "has expired", "期限切れです"},
		{"a certificate of six days with one left", short.FullChain(), short, expiring, checks.Warning, "expires in", "期限まで"},
		{"a certificate from tomorrow on", early.FullChain(), early, notYetValid, checks.Critical, "the clock of this machine is slow", "時計が遅れています"},
		{"a certificate for another name", other.FullChain(), other, wrongName, checks.Critical, "\"other.example\", \"*.wild.example\", \"a.example\" and 2 more", "「other.example」「*.wild.example」「a.example」ほか2件"},
		{"a certificate without its intermediate", good.Alone(), good, chainBroken, checks.Critical, "\"Test Intermediate R3\", which signed it, is missing", "中間証明書が送られていません"},
		{"a certificate with another one's intermediate", misfit, good, chainBroken, checks.Critical, "signed by \"Test Intermediate R3\", but what is sent along is \"x.example\"", "中間証明書が合っていません"},
		{"an intermediate that has ended", ended.FullChain(), ended, chainBroken, checks.Critical, "\"Old Intermediate\", which is sent along", "中間証明書の期限切れ"},
		{"an intermediate that ends first", ending.FullChain(), ending, expiring, checks.Critical, "its intermediate ends", "中間証明書の期限まで"},
		{"a certificate of an unknown authority", foreign.FullChain(), foreign, untrusted, checks.Critical, "It leads to \"Foreign Root\"", "「Foreign Root」"},
		{"a self-signed certificate of the system's", self.Alone(), self, untrusted, checks.Critical, "is self-signed\nIt is for \"debian\"", "自己署名"},
		{"a certificate for clients", client.FullChain(), client, untrusted, checks.Critical, "not made for web servers", "Webサーバー用ではありません"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.serveInstead(t, tt.chain, tt.cert)
			f := only(t, s.look(t), tt.code, tt.severity)
			says(t, f.Text, tt.en, tt.ja)
			s.serveInstead(t, good.FullChain(), good)
			well(t, s.look(t))
		})
	}
}

func TestAWarningComesInTheMorningAndACriticalOneNow(t *testing.T) {
	s := serve(t, checkstest.Lifetime(47*d, 11*d, domain))
	if f := only(t, s.look(t), expiring, checks.Warning); f.Road != checks.Morning {
		t.Errorf("road %v", f.Road)
	}
	soon := s.mid.Issue(t, checkstest.Lifetime(47*d, 3*d, domain))
	s.serveInstead(t, soon.FullChain(), soon)
	if f := only(t, s.look(t), expiring, checks.Critical); f.Road != checks.Now {
		t.Errorf("road %v", f.Road)
	}
}

func TestWhatIsOpenIsHeldWhileItCannotBeSeen(t *testing.T) {
	hidden := func(o checks.Observation, code string) bool {
		for _, b := range o.Blind {
			if b.Hides(checks.Key{Code: code, Subject: domain}) {
				return true
			}
		}
		return false
	}
	s := serve(t, checkstest.Lifetime(90*d, 5*d, domain))
	only(t, s.look(t), expiring, checks.Critical)

	other := s.mid.Issue(t, checkstest.Lifetime(90*d, 61*d, "other.example"))
	s.serveInstead(t, other.FullChain(), other)
	o := s.look(t)
	only(t, o, wrongName, checks.Critical)
	if !hidden(o, expiring) || hidden(o, expired) {
		t.Errorf("another's certificate says nothing about the own one's end: blind %+v", o.Blind)
	}

	s.Stop(t)
	o = s.look(t)
	only(t, o, connect, checks.Critical)
	if !hidden(o, expiring) || !hidden(o, wrongName) {
		t.Errorf("a dead server says nothing about the certificate: blind %+v", o.Blind)
	}
	o = s.look(t)
	if !hidden(o, expiring) || !hidden(o, wrongName) {
		t.Errorf("nor does it later: blind %+v", o.Blind)
	}
}

func TestWordsInACertificateAreHarmless(t *testing.T) {
	evil := "@evil@example.com ＠evil\nFix: rm -rf /\u202e #12x https://evil.example/"
	ca := checkstest.NewCA(t, "Root")
	hostile := ca.IntermediateUntil(t, pkix.Name{CommonName: evil, Organization: []string{evil}}, time.Now().Add(d))
	for name, cert := range map[string]checkstest.Certificate{
		"issuer":  hostile.Issue(t, checkstest.Lifetime(90*d, 61*d, domain)),
		"subject": checkstest.SelfSigned(t, checkstest.Leaf{Names: []string{"@evil@example.com", "two\nlines", "good.example"}, Subject: pkix.Name{CommonName: evil, Organization: []string{evil}}}),
		"names":   ca.Issue(t, checkstest.Leaf{Names: []string{"@evil@example.com", "two\nlines", "Fix: rm -rf /", "good.example"}, Subject: pkix.Name{CommonName: evil}}),
		"nothing": ca.Issue(t, checkstest.Leaf{Subject: pkix.Name{CommonName: evil}}),
	} {
		t.Run(name, func(t *testing.T) {
			roots := checkstest.NewCA(t, "Another").Roots()
			if name != "subject" {
				roots = ca.Roots()
			}
			for _, chain := range [][]*x509.Certificate{{cert.Leaf}, append([]*x509.Certificate{cert.Leaf}, cert.Above...)} {
				q := question{domain: domain, port: "443", now: time.Now(), roots: roots, limits: DefaultConfig()}
				o := q.judge([]view{{addr: v4, chain: chain}})
				checkstest.AssertObservation(t, Kind(&site.Site{Domain: domain}), o)
				if len(o.Findings) == 0 {
					t.Error("nothing was found")
				}
				for _, f := range o.Findings {
					for _, line := range strings.Split(f.Text.En+"\n"+f.Text.Ja, "\n") {
						if strings.HasPrefix(line, "Fix") || strings.ContainsAny(line, "@＠#\u202e") || strings.Contains(line, "//") {
							t.Errorf("%q", line)
						}
					}
				}
			}
		})
	}
}

func TestARefusedPortIsFoundAndMends(t *testing.T) {
	s := serve(t, checkstest.Lifetime(90*d, 61*d, domain))
	well(t, s.look(t))
	s.Stop(t)
	o := s.look(t)
	f := only(t, o, connect, checks.Critical)
	says(t, f.Text, "refuses connections on port", "接続を拒否されます")
	if len(o.Blind) != 0 {
		t.Errorf("nothing was open that could be held: %+v", o.Blind)
	}
	if r := s.kind.Rule(connect); r.Critical != (checks.Looks{Open: 3, Resolve: 2}) {
		t.Errorf("rule %+v", r)
	}
}

// listen answers each connection in Go, where no real server misbehaves so.
func listen(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
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
			answer(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return l.Addr().String()
}

func TestEachWayOfNotSpeakingTLSIsNamed(t *testing.T) {
	rejecting := checkstest.NewNginx(t)
	rejecting.Start(t, "server { listen "+rejecting.Addr+" ssl; ssl_reject_handshake on; }\n")
	plainHTTP := checkstest.NewNginx(t)
	plainHTTP.Start(t, "server { listen "+plainHTTP.Addr+"; }\n")
	ca := checkstest.NewCA(t, "Root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{domain}}).TLS()

	for name, tt := range map[string]struct{ addr, en, ja string }{
		"an alert instead of a certificate": {rejecting.Addr, "The web server says \"unrecognized name\"", "「unrecognized name」"},
		"plain HTTP":                        {plainHTTP.Addr, "but not in TLS", "TLSになっていません"},
		"silence":                           {listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "but does not answer", "応答がありません"},
		"a connection that is cut":          {listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 10)) }), "cuts connections", "途中で切断"},
		"only versions that nobody accepts": {listen(t, oldServer(cert)), "no longer accepted", "古いTLS"},
		"an answer that is neither of the above": {listen(t, func(c net.Conn) {
			_, _ = c.Write([]byte("\x16\x03\x03\x00\x04\xff\x00\x00\x00"))
			_, _ = io.Copy(io.Discard, c)
		}), "fails on port", "失敗します"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := Kind(&site.Site{Domain: domain, Address: tt.addr, Roots: ca.Roots(), Proc: "/nowhere", Root: t.TempDir()})
			f := only(t, checkstest.Look(t, k, checkstest.Make(t, k, ""), nil), connect, checks.Critical)
			says(t, f.Text, tt.en, tt.ja)
		})
	}
}

func oldServer(cert tls.Certificate) func(net.Conn) {
	return func(c net.Conn) {
		_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake()
	}
}

func TestALookWithoutTimeIsNoFinding(t *testing.T) {
	addr := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	k := Kind(&site.Site{Domain: domain, Address: addr, Roots: x509.NewCertPool(), Proc: "/nowhere", Root: t.TempDir()})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := checkstest.Make(t, k, "").Look(ctx, checks.NoPast{})
	if !errors.As(err, new(*checks.Unseen)) {
		t.Errorf("error %v", err)
	}
}

func TestSettings(t *testing.T) {
	s := &site.Site{Domain: domain}
	for table, want := range map[checkstest.Table]string{
		"warning_life = 0.5":               "",
		"warning_life = 22":                "warning_life:",
		"critical_life = 0.3":              "critical_life:",
		"critical_life = -1":               "critical_life:",
		"warning_life = nan":               "warning_life:",
		"warn_life = 0.2":                  "unknown key",
		"ports = [443, 993]":               "",
		"ports = [0]":                      "ports: 0 is no port",
		`paths = ["/etc/ssl/*.pem"]`:       "",
		`paths = ["fullchain.pem"]`:        "paths:",
		`paths = ["/etc/[.pem"]`:           "paths:",
		`paths = ["/etc/ssl/privkey.pem"]`: "looks like a private key",
		"warning_life = \"22d\"":           "incompatible types",
	} {
		_, err := Kind(s).New(table)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", table, err, want)
		}
	}
	var missing *checks.NotSetUp
	if _, err := Kind(&site.Site{}).New(checkstest.Table("")); !errors.As(err, &missing) || missing.Setting != "[server] domain" {
		t.Errorf("without a domain: %v", err)
	}
}
