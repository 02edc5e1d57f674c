package certs

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
	"golang.org/x/net/dns/dnsmessage"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// records is a resolver on loopback that knows these addresses, and one mail
// exchanger for every name if it is set. Other names do not exist.
func records(t *testing.T, a map[string][]netip.Addr, mx string) *net.Resolver {
	t.Helper()
	return resolver(t, func(m *dnsmessage.Message) {
		if len(m.Questions) != 1 {
			return
		}
		q := m.Questions[0]
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 60}
		name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
		addrs, known := a[name]
		switch {
		case q.Type == dnsmessage.TypeMX && mx != "":
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(mx + ".")}})
		case !known:
			m.RCode = dnsmessage.RCodeNameError
		}
		for _, addr := range addrs {
			if q.Type == dnsmessage.TypeA && addr.Is4() {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
			}
		}
	})
}

// mailServerOf speaks just enough SMTP or IMAP to change to TLS, or is within
// it from the start; it tells every word that it hears within TLS.
type mailServerOf struct {
	cert func() tls.Certificate
	// say is what it says first, and then after each line that it hears.
	greeting string
	replies  map[string]string
	within   bool
	heard    chan string
}

func (m mailServerOf) serve(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if !m.within {
		_, _ = io.WriteString(c, m.greeting)
		in := bufio.NewReader(c)
		for upgraded := false; !upgraded; {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			for word, reply := range m.replies {
				if strings.Contains(line, word) {
					_, _ = io.WriteString(c, reply)
					upgraded = word == "STARTTLS" && (strings.HasPrefix(reply, "220") || strings.Contains(reply, "a1 OK"))
				}
			}
		}
	}
	if m.cert == nil {
		return
	}
	conn := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{m.cert()}})
	if conn.Handshake() != nil {
		return
	}
	words, _ := io.ReadAll(io.LimitReader(conn, 100))
	if m.heard != nil {
		m.heard <- string(words)
	}
}

const (
	smtpGreeting = "220-mail.example ESMTP\r\n220 ready\r\n"
	ehloReply    = "250-mail.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 SMTPUTF8\r\n"
)

var speaksSMTP = map[string]string{"EHLO [127.0.0.1]": ehloReply, "STARTTLS": "220 2.0.0 go ahead\r\n"}

func tlsOf(cert checkstest.Certificate) func() tls.Certificate { return cert.TLS }

func TestMailPortsShowTheirCertificate(t *testing.T) {
	const mail = "mail.mastodon.example"
	ca := checkstest.NewCA(t, "Root")
	good := ca.Issue(t, checkstest.Lifetime(90*d, 61*d, mail))
	for _, tt := range []struct {
		name    string
		service service
		server  mailServerOf
		bye     string
	}{
		{"SMTP with STARTTLS", smtp, mailServerOf{greeting: smtpGreeting, replies: speaksSMTP}, "QUIT\r\n"},
		{"IMAP with STARTTLS", imap, mailServerOf{greeting: "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", replies: map[string]string{"STARTTLS": "* OK still here\r\na1 OK begin\r\n"}}, "a9 LOGOUT\r\n"},
		{"SMTP within TLS", submissions, mailServerOf{within: true}, "QUIT\r\n"},
		{"IMAP within TLS", imaps, mailServerOf{within: true}, "a9 LOGOUT\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.cert, tt.server.heard = tlsOf(good), make(chan string, 1)
			_, port, _ := net.SplitHostPort(listen(t, tt.server.serve))
			v := target{host: mail, port: port, service: tt.service}.lookAt(t.Context(), mail, loopback)
			if v.err != nil || fingerprint(v.chain[0]) != fingerprint(good.Leaf) {
				t.Fatalf("saw %+v", v)
			}
			if got := <-tt.server.heard; got != tt.bye {
				t.Errorf("left with %q, want %q", got, tt.bye)
			}
		})
	}
}

func TestEachWayOfNotChangingToTLSIsNamed(t *testing.T) {
	long := strings.Repeat("250-x\r\n", replyLines+1)
	for _, tt := range []struct {
		name    string
		service service
		server  func(net.Conn)
		want    trouble
		en, ja  string
	}{
		{"no STARTTLS among the extensions", smtp, mailServerOf{greeting: smtpGreeting, replies: map[string]string{"EHLO": "250-mail.example\r\n250 PIPELINING\r\n"}}.serve, noStartTLS, "offers no STARTTLS", "STARTTLSが使えません"},
		{"a refusal at once", smtp, mailServerOf{greeting: "554 5.7.1 @evil go away\r\n"}.serve, noStartTLS, "The mail server says \"554 5.7.1 (at)evil go away\"", "「554 5.7.1 (at)evil go away」"},
		{"a refusal of STARTTLS", smtp, mailServerOf{greeting: smtpGreeting, replies: map[string]string{"EHLO": ehloReply, "STARTTLS": "454 4.7.0 TLS not available\r\n"}}.serve, noStartTLS, "454 4.7.0 TLS not available", "454 4.7.0 TLS not available"},
		{"IMAP that does not know the word", imap, mailServerOf{greeting: "* OK ready\r\n", replies: map[string]string{"STARTTLS": "a1 BAD unknown command\r\n"}}.serve, noStartTLS, "BAD unknown command", "BAD unknown command"},
		{"IMAP that says goodbye", imap, mailServerOf{greeting: "* BYE busy\r\n"}.serve, noStartTLS, "BYE busy", "BYE busy"},
		{"words slipped in before TLS", smtp, mailServerOf{greeting: smtpGreeting, replies: map[string]string{"EHLO": ehloReply, "STARTTLS": "220 go\r\n250 slipped in\r\n"}}.serve, unfit, "refuses TLS", "TLS接続を拒否されます"},
		{"a reply without end", smtp, mailServerOf{greeting: smtpGreeting, replies: map[string]string{"EHLO": long}}.serve, unfit, "refuses TLS", "TLS接続を拒否されます"},
		{"a line without end", smtp, func(c net.Conn) { _, _ = c.Write([]byte(strings.Repeat("2", 1<<20))) }, unfit, "refuses TLS", "TLS接続を拒否されます"},
		{"the end of the connection", smtp, mailServerOf{greeting: "220-half a greeting\r\n", replies: nil, cert: nil}.hangUp, hungUp, "does not answer", "応答がありません"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, port, _ := net.SplitHostPort(listen(t, tt.server))
			v := target{host: "mail.example", port: port, service: tt.service}.lookAt(t.Context(), "mail.example", loopback)
			if v.fault != tt.want || v.chain != nil {
				t.Fatalf("trouble %v (%v), want %v", v.fault, v.err, tt.want)
			}
			q := question{domain: "mail.example", at: ":587", port: "587", service: tt.service, now: time.Now(), limits: DefaultConfig()}
			o := q.judge([]view{v})
			checkstest.AssertObservation(t, Kind(&site.Site{Domain: domain}), o)
			wantCodes(t, o, "connect mail.example:587")
			says(t, o.Findings[0].Text, tt.en, tt.ja)
			if o.Findings[0].Road != checks.Morning {
				t.Errorf("road %v: mail can wait until the morning", o.Findings[0].Road)
			}
			q.optional = true
			if o := q.judge([]view{v}); len(o.Findings)+len(o.Blind) != 0 {
				t.Errorf("what nobody promised is missed: %+v", o)
			}
		})
	}
}

func (m mailServerOf) hangUp(c net.Conn) { _, _ = io.WriteString(c, m.greeting) }

// TestTheMailServerOfThisMachineIsFoundAndWatched renews a certificate on disk
// under a mail server that goes on with the old one.
func TestTheMailServerOfThisMachineIsFoundAndWatched(t *testing.T) {
	const mail = "mail.mastodon.example"
	k := keep(t, checkstest.Lifetime(90*d, 60*d, domain))
	old := k.mid.Issue(t, checkstest.Lifetime(90*d, 30*d, mail))
	k.archive(t, mail, 1, old, old.Leaf.NotBefore)
	k.write(t, "/etc/postfix/main.cf", "", 0o644)
	now := make(chan checkstest.Certificate, 1)
	now <- old
	current := func() tls.Certificate {
		c := <-now
		now <- c
		return c.TLS()
	}
	port := portOf(t, listen(t, mailServerOf{cert: current, greeting: smtpGreeting, replies: speaksSMTP}.serve))
	c := k.c.(*check)
	c.resolver = records(t, map[string][]netip.Addr{domain: {loopback}, mail: {loopback}}, mail)
	c.find = func(context.Context) site.Found {
		return site.Found{WebServer: "nginx", Settings: map[string]string{"LOCAL_DOMAIN": domain, "SMTP_SERVER": mail, "SMTP_PORT": strconv.Itoa(port)}}
	}
	subject := fmt.Sprintf("%s:%d", mail, port)
	o := k.look(t)
	well(t, o)
	says(t, o.Summary, "also well: "+subject, "ほかも正常: "+subject)
	if left := checkstest.Value(t, o, "life_left", subject); left < 29*d.Seconds() {
		t.Errorf("life_left %v", left)
	}

	fresh := k.mid.Issue(t, checkstest.Lifetime(90*d, 88*d, mail))
	k.archive(t, mail, 2, fresh, time.Now().Add(-2*d))
	o = k.look(t)
	wantCodes(t, o, "not-loaded "+subject)
	f := o.Findings[0]
	if f.Road != checks.Morning || !slices.Equal(mends(f.Advice), []string{"sudo systemctl reload postfix"}) {
		t.Errorf("road %v, mend %q", f.Road, mends(f.Advice))
	}
	says(t, f.Text, "but postfix still serves the old one", "postfixは古いままです")

	<-now
	now <- fresh
	well(t, k.look(t))
}

func TestAmongMailServersAnyCertificateWillDo(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	q := question{domain: "mx.example", at: ":25", port: "25", service: smtp, optional: true, lenient: true, now: time.Now(), roots: ca.Roots(), limits: DefaultConfig()}
	for _, tt := range []struct {
		name string
		cert checkstest.Certificate
		want []string
	}{
		{"Debian's own, self-signed", checkstest.SelfSigned(t, checkstest.Lifetime(3650*d, 3000*d, "debian")), nil},
		{"one for another name", ca.Issue(t, checkstest.Lifetime(90*d, 60*d, "other.example")), nil},
		{"a right one is watched to its end", ca.Issue(t, checkstest.Lifetime(90*d, 3*d, "mx.example")), []string{"expiring mx.example:25"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantCodes(t, q.judge([]view{{addr: loopback, chain: alone(tt.cert)}}), tt.want...)
		})
	}
}

func TestMailIsLookedAtOnlyWhereItIsThisMachines(t *testing.T) {
	here, there := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.9")
	a := around{own: []netip.Addr{netip.MustParseAddr("10.0.0.5")}, domain: []netip.Addr{here}}
	known := map[string][]netip.Addr{"mail.example": {here}, "mx.example": {here}, "smtp.provider.example": {there}, "mx.provider.example": {there}}
	for _, tt := range []struct {
		name, server, mx string
		want             []string
	}{
		{"no mail is set up", "", "mx.example", nil},
		{"a provider sends it", "smtp.provider.example", "mx.example", nil},
		{"a provider's address", "198.51.100.9", "mx.example", nil},
		{"this machine, by its name", "mail.example", "mx.provider.example", []string{"mail.example"}},
		{"this machine, by its name, and it takes mail as well", "mail.example", "mx.example", []string{"mail.example", "mx.example"}},
		{"localhost, and the exchanger is this machine", "localhost", "mx.example", []string{"mx.example"}},
		{"its own address", "10.0.0.5", "mx.example", []string{"mx.example"}},
		{"localhost alone has no name that a certificate could bear", "localhost", "mx.provider.example", nil},
		{"a name that does not exist", "gone.example", "mx.example", nil},
		{"a setting that is no name", "$(reboot)", "mx.example", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := mailNames(t.Context(), records(t, known, tt.mx), a, domain, map[string]string{"SMTP_SERVER": tt.server})
			if names := sorted(got.of); !slices.Equal(names, tt.want) || got.unsure {
				t.Errorf("%v (unsure %v), want %v", names, got.unsure, tt.want)
			}
		})
	}
	if got := mailNames(t.Context(), nameServer(t, dnsmessage.RCodeServerFailure), a, domain, map[string]string{"SMTP_SERVER": "mail.example"}); !got.unsure {
		t.Error("a dead resolver leaves it open")
	}
}
