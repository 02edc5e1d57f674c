package mail

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/public"
)

// FuzzTrace: whatever a message brings along, only the mailbox's own provider is
// believed, in words that are known, and names and addresses are such.
func FuzzTrace(f *testing.F) {
	for _, s := range [][]byte{
		header("Received: from mail.mastodon.example (mail.mastodon.example. [8.8.4.4])", "        by mx.google.com with ESMTPS id y for <probe@gmail.com>",
			"Authentication-Results: mx.google.com;", "       dkim=pass header.i=@mastodon.example;", "       spf=pass (google.com: domain of x designates 8.8.4.4) smtp.mailfrom=n@bounce.example;",
			"       dmarc=pass (p=NONE) header.from=mastodon.example", "DKIM-Signature: v=1; a=rsa-sha256; d=mastodon.example; s=main; b=z"),
		header("Received: by x.mail.protection.outlook.com", "Authentication-Results: spf=softfail (sender IP is 8.8.4.4)", " smtp.mailfrom=a.example; dkim=none; dmarc=bestguesspass"),
		header("Authentication-Results: mx.evil.example; spf=pass", "Authentication-Results: mx.b.example; spf=fail"),
		header("Authentication-Results: mx.b.example (a (b (c \\) ) ;spf=fail; \"x;y\"; dkim=", "Received: from x ([IPv6:fd00::1]) by mx.b.example"),
		header("DKIM-Signature: d=@evil; s=../x", "Received: ["+strings.Repeat("1.", 3000)+"]"),
		[]byte("Authentication-Results: mx.b.example; =;;=\r\n\tx"), []byte(":\r\n\r\n"),
		{0, '\n'},
	} {
		f.Add(s)
	}
	box := mailbox{address: "probe@b.example", server: server{host: "imap.b.example"}}
	known := []word{"", pass, "fail", "none", "neutral", "softfail", "temperror", "permerror", "policy"}
	f.Fuzz(func(t *testing.T, head []byte) {
		h := parseHeader(head)
		got := readTrace(h, box)
		for _, w := range got.Said.methods() {
			if !slices.Contains(known, w) || w != "" && got.Said.By == "" {
				t.Errorf("%+v", got.Said)
			}
		}
		if got.Hop != "" {
			if a, err := netip.ParseAddr(got.Hop); err != nil || !public.Address(a) {
				t.Errorf("hop %q", got.Hop)
			}
		}
		if got.Envelope != "" && !hostName(got.Envelope) || len(got.Keys) > keysMost {
			t.Errorf("%+v", got)
		}
		for _, k := range got.Keys {
			if !hostName(k.Selector) || !hostName(k.Domain) {
				t.Errorf("key %+v", k)
			}
		}
		// With a name that is set, nobody else's word is taken.
		strict := box
		strict.authserv = "mx.b.example"
		if by := readTrace(h, strict).Said.By; by != "" && by != "mx.b.example" && !strings.HasSuffix(by, ".mx.b.example") {
			t.Errorf("%q is believed", by)
		}
	})
}

// FuzzServersWords: what a mail server, or a job of Mastodon's that spoke to
// one, says is told without an address in it that anybody could be found by.
func FuzzServersWords(f *testing.F) {
	for _, s := range []string{
		`{"queue":"mailers","error_class":"Net::SMTPAuthenticationError","error_message":"535 5.7.8 <a@b.example> no","enqueued_at":1795340422.5,"failed_at":"x"}`,
		`{"error_message":"a@b @c ＠d","created_at":1e400}`, `{"failed_at":99999999999999999999}`, "550 5.1.1 @evil <x@y>: unknown", "\u202e",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		j := readJob(text)
		for _, at := range []time.Time{j.since, j.failed} {
			if !at.IsZero() && (at.Year() < 1970 || at.Year() > 40000) {
				t.Errorf("%v", at)
			}
		}
		if j.reason() == "" {
			t.Error("no reason")
		}
		for _, words := range []string{j.message, text} {
			told := checks.Quote(withoutAddresses(words))
			if checks.Live(told) || strings.Contains(told, "b@") || len(told) > 4*2000 {
				t.Errorf("%q", told)
			}
		}
	})
}

// FuzzSettings: a server or a sender that is written in the configuration is
// read, or refused with a word on it, and no address hides a second one.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"smtp://user@smtp.example.com:587", "smtps://smtp.example.com", "imaps://me%40x.example@imap.example.com", "smtp://a:b@c", "smtp://", "saba <saba@x.example>", "a@b\r\nBcc: c@d", "smtp://[::1]:25"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseServer(text, "smtp", "587", "465"); err == nil && (s.host == "" || s.port == "" || strings.ContainsAny(s.host+s.port+s.user, "\r\n\x00 ")) {
			t.Errorf("%q: %+v", text, s)
		}
		if s, err := parseSender(text); err == nil && (strings.ContainsAny(s.address+s.written, "\r\n\x00") || strings.Count(s.address, "@") != 1) {
			t.Errorf("%q: %+v", text, s)
		}
	})
}
