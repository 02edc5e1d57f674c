package mail

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func header(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n\r\nbody") }

func TestWhoseWordCountsOfWhatAMessageBears(t *testing.T) {
	gmail := mailbox{address: "probe@gmail.com", server: server{host: "imap.gmail.com"}}
	outlook := mailbox{address: "probe@outlook.com", server: server{host: "outlook.office365.com"}}
	yahoo := mailbox{address: "probe@yahoo.com", server: server{host: "imap.mail.yahoo.com"}}
	for _, tt := range []struct {
		name string
		box  mailbox
		head []byte
		want trace
	}{
		{
			"Gmail's, whose server for reading has another owner", gmail, header(
				"Delivered-To: probe@gmail.com",
				"Received: by 2002:a05:6402:1234:b0:5c9:1 with SMTP id x; Sun, 22 Nov 2026 01:00:00 -0800 (PST)",
				"ARC-Authentication-Results: i=1; mx.google.com; dkim=fail; spf=fail; dmarc=fail",
				"Received: from mail.mastodon.example (mail.mastodon.example. [8.8.4.4])",
				"        by mx.google.com with ESMTPS id y for <probe@gmail.com>",
				"Authentication-Results: mx.google.com;",
				"       dkim=pass header.i=@mastodon.example header.s=main header.b=abc;",
				"       spf=pass (google.com: domain of notifications@bounce.example designates 8.8.4.4 as permitted sender; really) smtp.mailfrom=notifications@bounce.example;",
				"       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=mastodon.example",
				"DKIM-Signature: v=1; a=rsa-sha256; d=mastodon.example; s=main;",
				"        h=from:to; bh=x; b=y",
				"DKIM-Signature: v=1; a=rsa-sha256; d=provider.example; s=s1; b=z",
				"Authentication-Results: relay.provider.example; spf=fail; dmarc=fail",
			), trace{
				Said: said{By: "mx.google.com", SPF: pass, DKIM: pass, DMARC: pass}, Envelope: "bounce.example", Hop: "8.8.4.4",
				Keys: []key{{"main", "mastodon.example"}, {"s1", "provider.example"}},
			},
		},
		{
			"Microsoft's, which leaves its name away", outlook, header(
				"Received: from AM0.eurprd05.prod.outlook.com (2603:10a6::1) by X.prod.outlook.com with HTTPS",
				"Authentication-Results: spf=softfail (sender IP is 8.8.4.4)",
				" smtp.mailfrom=mastodon.example; dkim=none (message not signed)",
				" header.d=none;dmarc=fail action=none header.from=mastodon.example;compauth=fail reason=001",
			), trace{Said: said{By: "outlook.com", SPF: "softfail", DKIM: "none", DMARC: "fail"}, Envelope: "mastodon.example"},
		},
		{
			"one without a name where the provider has one is nobody's", yahoo, header(
				"Received: from 8.8.4.4 (EHLO mail.mastodon.example) by 10.1.2.3 with SMTPs; Sun",
				"Authentication-Results: spf=pass; dmarc=pass",
			), trace{},
		},
		{
			"Yahoo's, which bears the name of the server that is read at", yahoo, header(
				"Received: from 8.8.4.4 (EHLO mail.mastodon.example) by 10.1.2.3 with SMTPs; Sun",
				"Authentication-Results: atlas-production.v2-mail-prod1-gq1.omega.yahoo.com 1; dkim=permerror; spf=temperror smtp.mailfrom=a.example; dmarc=unknown",
			), trace{Said: said{By: "atlas-production.v2-mail-prod1-gq1.omega.yahoo.com", SPF: "temperror", DKIM: "permerror"}, Envelope: "a.example"},
		},
		{
			"a stranger's on top ends all belief", yahoo, header(
				"Authentication-Results: mx.evil.example; spf=pass",
				"Authentication-Results: mta.yahoo.com; spf=pass; dkim=pass; dmarc=pass",
			), trace{},
		},
		{
			"several of the provider's, one for each method", yahoo, header(
				"Authentication-Results: mta1.yahoo.com; spf=pass smtp.mailfrom=x@a.example",
				"Authentication-Results: mta2.yahoo.com; dkim=fail",
				"Authentication-Results: mta2.yahoo.com; dmarc=pass",
			), trace{Said: said{By: "mta2.yahoo.com", SPF: pass, DKIM: "fail", DMARC: pass}, Envelope: "a.example"},
		},
		{
			"what is configured is believed and nothing else", mailbox{address: "p@b.example", server: server{host: "imap.b.example"}, authserv: "filter.b.example"}, header(
				"Authentication-Results: mx.b.example; spf=pass",
			), trace{},
		},
		{"nothing at all", yahoo, header("Subject: x"), trace{}},
	} {
		if diff := cmp.Diff(tt.want, readTrace(parseHeader(tt.head), tt.box)); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

func TestACommentHidesNothingAndSaysNothing(t *testing.T) {
	for s, want := range map[string]string{
		`a (b; spf=pass) c`:    "a  c",
		`a (b (c) d) e`:        "a  e",
		`a ("b) c) d`:          "a  c) d",
		`a (b \) spf=pass) c`:  "a  c",
		`reason="x; y (z" b`:   "reason=x y (z b",
		`a (never closed; b=c`: "a",
		`spf=pass) dmarc=pass`: "spf=pass dmarc=pass",
		"":                     "",
	} {
		if got := withoutComments(s); strings.ReplaceAll(got, ")", "") != strings.ReplaceAll(want, ")", "") {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
