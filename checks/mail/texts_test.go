package mail

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// probed is what is remembered of a mailbox.
type probed = box

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	relay := server{host: "smtp.example.net", port: "587", user: "mastodon", secret: "/etc/sababan/smtp", set: true}
	from := sender{address: "notifications@example.social", domain: "example.social"}
	a := about{found: site.Found{Live: "/home/mastodon/live", User: "mastodon"}, domain: "example.social", server: &relay, from: from}
	boxed, far := a, a
	boxed.found, far.found = site.Found{Compose: "/opt/mastodon"}, site.Found{}
	local := a
	local.server = &server{host: "localhost", port: "25"}
	box := func(address string, set ...func(*probed)) arrival {
		v := arrival{box: mailbox{address: address, server: server{host: "imap.example.net", port: "993", secret: "/etc/sababan/imap"}}}
		v.memo.Last = verdict{Sent: ago(40 * time.Minute), At: ago(20 * time.Minute), Delay: 14 * time.Second}
		for _, f := range set {
			f(&v.memo)
		}
		return v
	}
	lost := func(b *probed) { b.Last.Lost = true }
	late := func(b *probed) { b.Last.Delay = 14 * time.Minute }
	junk := func(b *probed) {
		b.Last.Folder, b.Last.Junk = "Junk", true
		b.Firm = said{By: "mx.example.net", SPF: "softfail", DKIM: "fail", DMARC: "fail"}
	}
	one, two := box("probe@example.net"), box("probe@example.org")
	usual := func(string, string) (checks.Band, bool) { return checks.Band{Mid: 14, Days: 20}, true }
	never := func(string, string) (checks.Band, bool) { return checks.Band{}, false }
	talkOf := func(f fault, s step, verb string, code int, words string) talk {
		return talk{Place: "smtp.example.net:587", Step: s, Fault: f, Verb: verb, Code: code, Words: words, Took: 340 * time.Millisecond}
	}

	say := checkstest.Say
	var all []checkstest.Said
	for _, r := range []string{reasonSignIn, reasonConnect, reasonTLS, reasonRecipient, reasonOther} {
		w := waiting{failing: map[string]int{r: 14}, sample: map[string]string{r: "535 5.7.8 authentication failed"}}
		all = append(all, say("retries: "+r, textRetries(w, checks.Band{Mid: 1}, true), a.adviceRetries(r)))
	}
	for _, c := range []struct {
		what string
		t    talk
	}{
		{"unreachable", talkOf(unreachable, began, "", 0, "")},
		{"no encryption", talkOf(plain, connected, "", 0, "")},
		{"certificate of another", talkOf(untrusted, connected, "", 0, "name")},
		{"certificate is over", talkOf(untrusted, connected, "", 0, "expired")},
		{"certificate of nobody", talkOf(untrusted, connected, "", 0, "authority")},
		{"TLS", talkOf(noTLS, connected, "", 0, "")},
		{"at sign-in", talkOf(refused, encrypted, "AUTH", 454, "temporary authentication failure")},
		{"no way to sign in", talkOf(refused, encrypted, "AUTH", 0, "")},
		{"the sender", talkOf(refused, signedIn, "MAIL FROM", 550, "sender not allowed")},
		{"the recipient", talkOf(refused, signedIn, "RCPT TO", 554, "relay access denied")},
		{"the message", talkOf(refused, recipient, "DATA", 552, "message refused")},
		{"at once", talkOf(refused, began, "EHLO", 554, "no service")},
		{"silent", talkOf(silent, connected, "", 0, "")},
	} {
		all = append(all, say("server: "+c.what, textTalk(c.t, relay, c.what != "silent"), a.adviceTalk(c.t)))
	}
	for _, f := range []site.SecretFault{
		site.SecretAbsent, site.SecretClosed, site.SecretOdd, site.SecretOpen, site.SecretLarge, site.SecretEmpty, site.SecretLines,
	} {
		what := subjectSMTP
		if f == site.SecretOpen {
			what = "probe@example.net"
		}
		all = append(all, say("password file: "+string(f), textUnread(what, "/etc/sababan/smtp", f), f.Advice("/etc/sababan/smtp")))
	}
	for _, f := range []fault{silent, unreachable, untrusted, plain, noTLS, refused} {
		v := visit{Fault: f, Words: "not allowed"}
		all = append(all, say("mailbox: "+string(f), textBox(one.box, v), adviceBox(v)))
	}
	by := func(f func(said) word) func(said) word { return f }
	spf, dkim := by(func(s said) word { return s.SPF }), by(func(s said) word { return s.DKIM })
	dmarc := by(func(s said) word { return s.DMARC })
	bad := box("probe@example.net", junk)
	bad.memo.Last.Hop = "198.51.100.7"
	for _, m := range []struct {
		what string
		method
	}{
		{"SPF, none", method{code: codeSPF, name: "SPF", record: record{Is: absent, Name: "example.social"}}},
		{"SPF, two", method{code: codeSPF, name: "SPF", record: record{Is: several, Name: "example.social"}}},
		{"SPF, malformed", method{code: codeSPF, name: "SPF", record: record{Is: malformed, Name: "example.social"}}},
		{"SPF, too deep", method{code: codeSPF, name: "SPF", record: record{Is: tooDeep, Name: "example.social"}}},
		{"SPF, omits", method{code: codeSPF, name: "SPF", record: record{Is: omits, Name: "example.social", Detail: []string{"198.51.100.7"}}}},
		{"SPF, does not pass", method{code: codeSPF, name: "SPF", record: record{Name: "example.social"}, against: []arrival{bad}, says: spf}},
		{"SPF, does not pass, by its record", method{code: codeSPF, name: "SPF", record: record{Is: omits, Name: "example.social", Detail: []string{"198.51.100.7"}}, against: []arrival{bad}, says: spf}},
		{"DKIM, withdrawn", method{code: codeDKIM, name: "DKIM", record: record{Is: withdrawn, Name: "s1._domainkey.example.social"}}},
		{"DKIM, weak", method{code: codeDKIM, name: "DKIM", record: record{Is: weak, Name: "s1._domainkey.example.social"}}},
		{"DKIM, does not pass, no signature", method{code: codeDKIM, name: "DKIM", against: []arrival{bad}, says: dkim}},
		{"DMARC, none", method{code: codeDMARC, name: "DMARC", record: record{Is: absent, Name: "_dmarc.example.social"}}},
		{"DMARC, does not pass", method{code: codeDMARC, name: "DMARC", record: record{Name: "_dmarc.example.social"}, against: []arrival{bad}, says: dmarc}},
	} {
		all = append(all, say("method: "+m.what, textMethod(m.method, "example.social"), adviceMethod(m.method, "example.social")))
	}
	good := view{about: a, usual: usual, now: now, pace: usualPace()}
	good.set.boxes = []mailbox{one.box}
	good.memory = memory{Talk: talkOf("", recipient, "", 0, ""), Boxes: map[string]probed{one.box.address: one.memo}, Joined: joined{Count: 20, Open: 3}, Records: records{
		SPF: record{Name: "example.social"}, DMARC: record{Name: "_dmarc.example.social"},
	}}
	good.inside.queue = &waiting{}
	plainView := view{about: local, usual: never, now: now, pace: usualPace()}
	plainView.memory.Talk = talkOf("", connected, "", 0, "")
	plainView.inside.queue = &waiting{mails: 3}
	several := good
	several.usual = never
	several.set.boxes = []mailbox{one.box, two.box}
	several.memory.Boxes = map[string]probed{one.box.address: one.memo, two.box.address: box(two.box.address, lost).memo}
	several.memory.Talk = talkOf(limited, encrypted, "", 0, "")
	several.inside.queue = &waiting{failing: map[string]int{reasonConnect: 2}}
	offline := good
	offline.offline = true

	checkstest.Texts(
		t, "mail",
		append(
			all,
			say("queue", textQueue(waiting{mails: 41}, 25*time.Minute), a.adviceQueue()),
			say("queue, one", textQueue(waiting{mails: 1}, 25*time.Minute), boxed.adviceQueue()),
			say("retries, at least, no usual number, one", textRetries(waiting{failing: map[string]int{reasonOther: 1}, partly: true}, checks.Band{}, false), far.adviceRetries(reasonOther)),
			say("limit", textLimit(14, "452 4.5.3 daily sending quota exceeded"), adviceLimit()),
			say("limit, nothing held back", textLimit(0, "")),
			say("sign-ups", textSignups(joined{Count: 20, Open: 17, Since: ago(6 * time.Hour)}, 0.2), a.adviceSignups()),
			say("our password of the server", textWrongSMTP(talkOf(wrong, encrypted, "AUTH", 535, "authentication failed")), a.adviceWrong("/etc/sababan/smtp")),
			say("our password of a mailbox", textWrongBox(one.box, visit{Words: "Invalid credentials"}), a.adviceWrong("/etc/sababan/imap")),
			say("mailbox: full", textFullBox(one.box), adviceFullBox()),
			say("lost, the only one", textLost([]arrival{box("probe@example.net", lost)}, []arrival{box("probe@example.net", lost)}, talkOf("", message, "", 0, ""), usualPace()), a.adviceLost()),
			say("lost, one of two", textLost([]arrival{box("probe@example.net", lost)}, []arrival{box("probe@example.net", lost), two}, talkOf("", message, "", 0, ""), usualPace()), boxed.adviceLost()),
			say("lost, two of three", textLost([]arrival{box("a@example.net", lost), box("b@example.net", lost)}, []arrival{box("a@example.net", lost), box("b@example.net", lost), two}, talkOf("", message, "", 0, ""), usualPace())),
			say("late", textLate([]arrival{one, box("probe@example.org", late)}, usual), a.adviceLate()),
			say("late, no usual number, a server of its own", textLate([]arrival{box("probe@example.org", late)}, never), local.adviceLate()),
			say("junk", textJunk([]arrival{bad}, []arrival{bad, two}), a.adviceJunk()),
			say("MX: none", textMX(record{Is: absent, Name: "example.social"}), adviceMX()),
			say("MX: refuses", textMX(record{Is: refusing, Name: "example.social"}), adviceMX()),
			say("MX: no address", textMX(record{Is: nowhere, Name: "example.social", Detail: []string{"mx.example.social"}}), adviceMX()),
			say("reverse name: none", textReverse(record{Is: absent, Name: "198.51.100.7"}), a.adviceReverse()),
			say("reverse name: astray", textReverse(record{Is: astray, Name: "198.51.100.7", Detail: []string{"vm7.example.net"}}), a.adviceReverse()),
			say("block list", textBlocked(record{Is: listed, Name: "zen.spamhaus.org", Detail: []string{"198.51.100.7"}}), adviceBlocked("zen.spamhaus.org")),
			say("unseen: a list", textListMute("zen.spamhaus.org"), adviceListMute()),
			say("unseen: DNS", textUnanswered("example.social")),
			say("unseen: the server, further", textStopped(talkOf(wrong, encrypted, "", 0, ""))),
			say("unseen: a mailbox", textClosed(one.box)),
			say("unseen: nothing", textNothingSeen(), adviceSetUp()),
			say("unseen: offline", textOffline()),
			say("unseen: no time", textNoTime()),
			say("summary", good.summary()),
			say("summary, no mailbox", plainView.summary()),
			say("summary, limit, one of two arrived", several.summary()),
			say("summary, offline", offline.summary()),
		)...,
	)
}
