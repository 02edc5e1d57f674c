package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	const day = 24 * time.Hour
	now := checkstest.TextsNow
	leaf := func(left time.Duration, names ...string) *x509.Certificate {
		return &x509.Certificate{NotBefore: now.Add(left - 90*day), NotAfter: now.Add(left), DNSNames: names}
	}
	line := func(left time.Duration, set ...func(*lineage)) lineage {
		l := lineage{name: "example.social", path: "/etc/letsencrypt/live/example.social/fullchain.pem", by: byCertbot, chain: []*x509.Certificate{leaf(left, "example.social")}}
		for _, f := range set {
			f(&l)
		}
		return l
	}
	fresh := line(87 * day)
	newer := standing{how: replaced, on: &fresh, since: now.Add(-9 * day)}
	base := func(set ...func(*question)) question {
		q := question{domain: "example.social", port: "443", now: now, server: "nginx", limits: DefaultConfig()}
		for _, f := range set {
			f(&q)
		}
		return q
	}
	nobody := func(q *question) { q.server = "" }
	by := func(server string) func(*question) { return func(q *question) { q.server = server } }
	mail := func(s service, port string) func(*question) {
		return func(q *question) {
			q.domain, q.at, q.port, q.service, q.server = "mail.example.social", ":"+port, port, s, "postfix"
		}
	}
	expand := func(q *question) {
		q.expand = checks.Sh("sudo", "certbot", "certonly", "--expand", "--cert-name", "example.social", "-d", "example.social", "-d", "files.example.social")
	}
	in := func(d time.Duration) time.Time { return now.Add(d) }

	say := checkstest.Say
	var said []checkstest.Said
	tell := func(what string, q question, f fault, ipv6 bool) {
		said = append(said, say(what, textOf(q, f, ipv6), q.advice(f)))
	}
	tell("expires", base(), fault{kind: leafEnds, end: in(9 * day)}, false)
	tell("expires, nothing newer on disk", base(), fault{kind: leafEnds, end: in(9 * day), stand: standing{how: loaded, on: &fresh}}, false)
	tell("expires, a newer one of another name", base(by("caddy")), fault{kind: leafEnds, end: in(9 * day), stand: standing{better: &fresh}}, false)
	tell("expires, nobody knows which server", base(nobody), fault{kind: leafEnds, end: in(9 * day)}, true)
	tell("expires, SMTP", base(mail(smtp, "587")), fault{kind: leafEnds, end: in(9 * day)}, false)
	tell("expires, IMAP", base(mail(imaps, "993"), nobody), fault{kind: leafEnds, end: in(9 * day)}, false)
	tell("expired", base(), fault{kind: leafEnded, end: in(-2 * time.Hour)}, false)
	tell("expired, SMTP", base(mail(smtp, "587")), fault{kind: leafEnded, end: in(-2 * time.Hour)}, false)
	tell("expired, at one of two addresses", base(), fault{kind: leafEnded, end: in(-2 * time.Hour), addrs: []string{"2001:db8::1"}, of: 2}, true)
	tell("not valid yet", base(), fault{kind: leafEarly, end: in(5 * time.Hour)}, false)
	tell("another name", base(expand), fault{kind: nameDiffers, names: []string{"www.example.social", "default.example.net"}, more: 3}, false)
	tell("no name", base(by("apache2")), fault{kind: nameDiffers}, false)
	tell("another name, IMAP", base(mail(imap, "143")), fault{kind: nameDiffers, names: []string{"old.example.net"}}, false)
	tell("intermediate is missing", base(), fault{kind: intermediateMissing, who: "R11"}, false)
	tell("intermediate does not fit", base(), fault{kind: intermediateMisfits, who: "R11", also: "R3"}, false)
	tell("intermediate is over", base(), fault{kind: intermediateEnded, who: "R3", end: in(-2 * time.Hour)}, false)
	tell("intermediate ends", base(), fault{kind: intermediateEnds, who: "R3", end: in(3 * day)}, false)
	tell("self-signed", base(), fault{kind: selfSigned}, false)
	tell("self-signed, for another", base(), fault{kind: selfSigned, otherOwn: true, names: []string{"localhost"}}, false)
	tell("self-signed, SMTP", base(mail(submissions, "465")), fault{kind: selfSigned}, false)
	tell("Cloudflare's own", base(), fault{kind: originOnly}, false)
	tell("unknown authority", base(), fault{kind: rootUnknown, who: "Fake LE Root X1"}, false)
	tell("for another use", base(), fault{kind: wrongUsage, who: "R11"}, false)
	tell("cannot be verified", base(), fault{kind: unverifiable, who: "x509: certificate specifies an incompatible key usage"}, false)
	tell("renewed, not loaded", base(), fault{kind: behindDisk, end: in(20 * day), stand: newer}, false)
	tell("renewed, not loaded, few days", base(), fault{kind: behindDisk, severity: checks.Critical, end: in(76 * time.Hour), stand: newer}, false)
	tell("renewed, not loaded, nobody knows which server", base(nobody), fault{kind: behindDisk, severity: checks.Critical, end: in(76 * time.Hour), stand: newer}, false)
	tell("renewed, not loaded, expired", base(mail(smtp, "587"), nobody), fault{kind: behindDisk, severity: checks.Critical, end: in(-time.Hour), stand: newer}, false)
	tell("the renewed one lacks the name", base(expand), fault{kind: nameLost, stand: newer, names: []string{"www.example.social"}}, false)
	for _, tr := range []trouble{nameless, refused, mute, hungUp, alerted, notTLS, oldTLS, unfit, noHost, noAnswer} {
		tell(fmt.Sprintf("no connection: %d", tr), base(), fault{kind: noHandshake, trouble: tr, who: "unrecognized name"}, false)
	}
	tell("no connection, IPv6", base(by("apache2")), fault{kind: noHandshake, trouble: refused, addrs: []string{"2001:db8::1"}, of: 2}, true)
	tell("no connection, nobody knows which server", base(nobody), fault{kind: noHandshake, trouble: mute}, false)
	for _, tr := range []trouble{nameless, refused, noAnswer, noStartTLS} {
		tell(fmt.Sprintf("no connection to mail: %d", tr), base(mail(smtp, "587")), fault{kind: noHandshake, trouble: tr}, false)
	}
	tell("no connection to mail: it says why", base(mail(smtp, "587"), nobody), fault{kind: noHandshake, trouble: alerted, who: "454 4.7.0 TLS not available"}, false)

	acme := line(9*day, func(l *lineage) { l.by, l.name = byAcmeSh, "example.social_ecc" })
	caddy := line(9*day, func(l *lineage) { l.by = byCaddy })
	plain := line(9*day, func(l *lineage) { l.by, l.name, l.path = byPath, "/etc/ssl/own.pem", "/etc/ssl/own.pem" })
	said = append(
		said,
		say("on disk: overdue", textOverdue(line(12*day), false, false), adviceOverdue(line(12*day), "nginx")),
		say("on disk: overdue, not used", textOverdue(line(12*day), false, true), adviceOverdue(acme, "")),
		say("on disk: expired", textOverdue(line(-2*day), true, false), adviceOverdue(caddy, "")),
		say("on disk: expired, not used", textOverdue(line(-2*day), true, true), adviceOverdue(plain, "")),
	)
	for _, err := range []error{errEmpty, fs.ErrNotExist, errIrregular, errTooLarge, errLeadsOut, errKey, errors.New("malformed")} {
		l := line(9*day, func(l *lineage) { l.err = err })
		said = append(said, say("on disk: "+err.Error(), textBrokenFile(l), adviceBrokenFile(l)))
	}
	drawer := drawer{server: "nginx"}
	renewal := func(what string, m manager, r rota) {
		said = append(said, say("no renewal: "+what, textNoRenewal(m, r), drawer.adviceNoRenewal(m, r)))
	}
	renewal("the timer is off", byCertbot, rota{off: []string{"certbot.timer"}, program: "/usr/bin/certbot"})
	renewal("the timer is masked", byCertbot, rota{masked: []string{"certbot.timer"}})
	renewal("no certbot", byCertbot, rota{})
	renewal("no timer", byCertbot, rota{program: "/usr/bin/certbot"})
	renewal("acme.sh", byAcmeSh, rota{})
	places := []string{"/etc/letsencrypt/live", "/etc/letsencrypt/archive", "/etc/ssl/a.pem", "/etc/ssl/b.pem", "/etc/ssl/c.pem"}

	three := leaf(61*day, "example.social", "www.example.social", "files.example.social")
	seen := func(q question, views ...view) checks.Text { return q.summary(checks.Observation{}, views) }
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	checkstest.Texts(
		t, "certs",
		append(
			said,
			say("no hook", textNoHook(byCertbot, []string{"example.social"}, "nginx"), adviceNoHook("nginx")),
			say("no hook, several, nobody knows which server", textNoHook(byCertbot, []string{"a.example", "b.example", "c.example", "d.example"}, ""), adviceNoHook("")),
			say("no hook, acme.sh", textNoHook(byAcmeSh, []string{"example.social"}, "nginx"), adviceNoHookAcme("nginx")),
			say("event: renewed", textRenewed("example.social", in(90*day))),
			say("event: renewed on disk", textRenewedOnDisk(fresh)),
			say("unseen: Cloudflare answers", textElsewhere("example.social", "Cloudflare"), adviceElsewhere("Cloudflare")),
			say("unseen: somebody answers", textElsewhere("example.social", ""), adviceElsewhere("")),
			say("unseen: cron", textCronHidden(byCertbot), adviceCronHidden(byCertbot)),
			say("unseen: disk", textDenied(places[:2]), adviceDenied(places[:2], "sababan")),
			say("unseen: disk, many", textDenied(places), adviceDenied(places, "sababan")),
			say("unseen: how certbot renews", textConfsDenied(), adviceDenied([]string{certbotFolder + "/renewal"}, "sababan")),
			say("unseen: too many", textBeyond(1000, 214)),
			say("unseen: no TLS", textBlind("example.social")),
			say("unseen: another one is served", textHidden("example.social")),
			say("unseen: no way", textNoWay("2001:db8::1")),
			say("unseen: no network", textNoNetwork(), adviceNoNetwork()),
			say("unseen: no DNS", textNoDNS("example.social"), adviceNoDNS("example.social")),
			say("unseen: no time", textNoTime()),
			say("unseen: no authorities", textNoAuthorities(), adviceNoAuthorities()),
			say("summary", seen(base(), view{addr: v4, chain: []*x509.Certificate{three}})),
			say("summary, no IPv6 here", seen(base(), view{addr: v4, chain: []*x509.Certificate{leaf(61*day, "example.social")}}, view{addr: v6, fault: noRoute})),
			say("summary, nothing seen", seen(base(), view{addr: v4})),
			say("summary, loaded", textOnDisk(standing{how: loaded})),
			say("summary, replaced", textOnDisk(newer)),
		)...,
	)
}
