package domain

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/registry"
)

// jpEnglish is an answer in the shape of JPRS, in words of our own.
const jpEnglish = `Domain Information:
a. [Domain Name]                EXAMPLE.CO.JP
[State]                         Connected (2027/03/31)
[Registered Date]               2017/03/15
`

func TestJapaneseNamesAreAskedByWHOIS(t *testing.T) {
	w := newWorld(t)
	w.resolver.set(t, "jp.", 2)
	var questions []string
	w.serveWHOIS(t, "whois.jprs.jp", func(q string) string {
		questions = append(questions, q) // one at a time
		return jpEnglish
	})
	s := newScene(t, w, siteOf(t, "mstdn.example.co.jp", ""), "")
	s.now = time.Date(2027, 3, 5, 3, 0, 0, 0, time.UTC)
	o := s.look(t)
	found := false
	for _, f := range o.Findings {
		found = found || f.Code == codeExpiry && f.Severity == checks.Warning && strings.Contains(f.Text.En, "The registry says so (WHOIS, asked")
	}
	if !found || !slices.Equal(questions, []string{"example.co.jp/e"}) {
		t.Errorf("%+v, %q", o.Findings, questions)
	}
}

func TestHostileWHOISServers(t *testing.T) {
	endless := func(conn net.Conn) {
		for {
			if _, err := conn.Write([]byte(strings.Repeat("% more words\n", 1000))); err != nil {
				return
			}
		}
	}
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		dated bool
	}{
		{"gigabytes", endless, false},
		{"gigabytes behind the answer", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "Domain Name: example.net\nRegistry Expiry Date: 2099-03-31T00:00:00Z\n")
			endless(conn)
		}, true},
		{"silence", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, false},
		{"an answer that is never closed", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "Domain Name: example.net\nRegistry Expiry Date: 2099-03-31T00:00:00Z\n")
			_, _ = io.Copy(io.Discard, conn)
		}, true},
		{"closed at once", func(net.Conn) {}, false},
		{"sent to itself", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "Domain Name: example.net\nRegistrar WHOIS Server: whois.net.example\n")
		}, false},
		{"sent on for ever", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "Domain Name: example.net\nRegistrar WHOIS Server: second.net.example\n")
		}, false},
		{"sent to an address", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "Domain Name: example.net\nRegistrar WHOIS Server: 127.0.0.1\n")
		}, false},
		{"sent to a port", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "Domain Name: example.net\nRegistrar WHOIS Server: rwhois://x.example:4321/\n")
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.serveTCP(t, "whois.net.example:43", func(conn net.Conn) {
				w.count("whois.net.example")
				c.serve(conn)
			})
			n := 0
			w.serveWHOIS(t, "second.net.example", func(string) string {
				n++
				return fmt.Sprintf("Domain Name: example.net\nRegistrar WHOIS Server: other%d.net.example\n", n)
			})
			r := registry.NewBook(w.ends().Ends, map[string]registry.Way{"net": {WHOIS: "whois.net.example", At: time.Now()}})
			said, err := r.Ask(t.Context(), "example.net", "net")
			if c.dated != !said.Expires.IsZero() || len(said.Held) > 0 {
				t.Errorf("%+v, %v", said, err)
			}
			if w.times("whois.net.example") != 1 || w.times("second.net.example") > 1 {
				t.Errorf("asked %v", w.asked)
			}
		})
	}
}

func TestTheRegistrarIsAskedWhereTheRegistryTellsNoDate(t *testing.T) {
	w := newWorld(t)
	w.serveWHOIS(t, "whois.net.example", func(string) string {
		return "Domain Name: EXAMPLE.NET\nRegistrar WHOIS Server: whois.names.example\nDomain Status: serverHold\n"
	})
	w.serveWHOIS(t, "whois.names.example", func(string) string {
		return "Domain Name: example.net\nRegistrar: Own Names Ltd\nRegistrar Registration Expiration Date: 2027-03-31T00:00:00Z\n"
	})
	s := newScene(t, w, siteOf(t, "mstdn.example.net", ""), "")
	o := s.look(t)
	held := false
	for _, f := range o.Findings {
		held = held || f.Code == codeHeld && strings.Contains(f.Text.En, "serverHold") && strings.Contains(f.Text.En, "Registered until")
	}
	if !held || w.times("rdap") != 0 {
		t.Errorf("%+v", o.Findings)
	}
}

func TestTheStateIsKnownWhereOnlyTheDateIsSilent(t *testing.T) {
	w := newWorld(t)
	r := registry.NewBook(w.ends().Ends, map[string]registry.Way{"net": {WHOIS: "whois.dead.example", RDAP: nil, At: time.Now()}})
	if _, err := r.Ask(t.Context(), "example.net", "net"); err == nil {
		t.Error("nobody answered, and that is no error")
	}
	now := time.Now()
	before := record{Told: now.Add(-3 * day), Dated: now.Add(-3 * day), Said: registry.Registration{Expires: now.Add(50 * day), By: "WHOIS"}}
	after := before.next(registry.Registration{By: "RDAP", Held: []registry.Hold{registry.HeldByRegistry}, Partly: true}, nil, now)
	if !after.Said.Expires.Equal(before.Said.Expires) || after.Said.By != "WHOIS" || !after.Dated.Equal(before.Dated) || !after.Told.Equal(now) || len(after.Said.Held) != 1 {
		t.Errorf("%+v", after)
	}
}
