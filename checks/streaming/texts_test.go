package streaming

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	port := func(n int, s state, why reason) process {
		return process{port: n, outcome: outcome{state: s, why: why, code: 502, took: 3 * time.Millisecond}}
	}
	dead, alive4001 := port(4000, ill, refused), port(4001, well, noReason)
	s := func(set ...func(*sight)) sight {
		v := sight{
			now: now, domain: "example.social", base: base{host: "example.social", own: true}, pace: usualPace(),
			usual: func(string) (checks.Band, bool) { return checks.Band{Mid: 0.21, Days: 20}, true },
		}
		for _, f := range set {
			f(&v)
		}
		return v
	}
	ports := func(all ...process) func(*sight) { return func(v *sight) { v.ports = all } }
	public := func(st state, why reason, code int) func(*sight) {
		return func(v *sight) { v.public = outcome{state: st, why: why, code: code, took: 84 * time.Millisecond} }
	}
	socketIs := func(st standing, why reason, code int) func(*sight) {
		return func(v *sight) {
			v.socket = socket{state: st, outcome: outcome{why: why, code: code, took: 120 * time.Millisecond}, waited: 35 * time.Second}
		}
	}
	noToken := func(v *sight) {
		v.socket = socket{state: tokenless, outcome: outcome{err: &checks.NotSetUp{Setting: "[server] token_file"}}}
	}
	unknown := func(v *sight) { v.usual = nil }
	in := func(f site.Found) func(*sight) { return func(v *sight) { v.found = f } }
	since, just := now.Add(-14*time.Minute), now
	zero, some := 0.0, 48.0
	missing := eventMemo{At: now, Delay: 30 * time.Second, Missing: since, Heard: &zero}
	heard, silent := missing, missing
	heard.Heard, heard.Missing, silent.Heard = &some, now, nil
	late := eventMemo{At: now, State: arrived, Delay: 14 * time.Second, Behind: 13 * time.Second}

	say := checkstest.Say
	var said []checkstest.Said
	down := func(what string, v sight, at level, since time.Time) {
		said = append(said, say(what, textDead(v, at, since), adviceDead(v, at)))
	}
	down("port", s(ports(dead)), atPort, since)
	down("ports", s(ports(dead, port(4001, ill, timeout), port(4002, ill, cut), port(4003, ill, otherApp), port(4004, ill, status))), atPort, just)
	down("port, in containers", s(ports(dead), in(site.Found{Compose: "/opt/mastodon"})), atPort, just)
	down("public name", s(public(ill, status, 502)), atHealth, since)
	down("public name, the ports are well", s(public(ill, timeout, 0), ports(port(4000, well, noReason), alive4001)), atHealth, just)
	down("public name, one port is well, Apache", s(public(ill, otherApp, 0), ports(alive4001), in(site.Found{WebServer: "apache2"})), atHealth, just)
	down("leads elsewhere", s(public(ill, status, 404)), atRoute, just)
	down("no WebSocket, Upgrade is lost", s(public(well, noReason, 200), socketIs(unopened, status, 400)), atOpen, just)
	down("no WebSocket, an error", s(public(well, noReason, 200), socketIs(unopened, status, 503)), atOpen, just)
	down("no WebSocket, closed at once", s(public(well, noReason, 200), socketIs(closed, noReason, 0)), atOpen, just)
	down("mute", s(public(well, noReason, 200), socketIs(deaf, noReason, 0)), atPing, since)

	both := []process{dead, alive4001}
	token := func(f fault, code int) checks.Text {
		return textToken(s(socketIs(rejected, status, 401)), memory{Token: f, Event: eventMemo{Code: code}})
	}
	fine := s(public(well, noReason, 200), socketIs(alive, noReason, 101), ports(alive4001))
	fine.socket.pinged, fine.posts, fine.tested = true, true, true
	mem := memory{Event: eventMemo{At: now.Add(-20 * time.Minute), State: arrived, Delay: 240 * time.Millisecond}}
	earlier := fine
	earlier.tested, earlier.usual = false, nil
	said = append(
		said,
		say("one port of two", textPort(dead, both, usualPace()), advicePort(s(ports(both...)), 4000)),
		say("the ports", textPort(dead, []process{dead, port(4001, ill, timeout)}, usualPace())),
		say("the only port, the public name answers", textPort(dead, both[:1], usualPace()), advicePort(s(in(site.Found{Compose: "/opt/mastodon"})), 4000)),
		say("cut when idle", textCut(idleMemo{Lived: 60 * time.Second}), adviceCut(s())),
		say("cut when idle, Apache", textCut(idleMemo{Lived: 61500 * time.Millisecond}), adviceCut(s(in(site.Found{WebServer: "apache2"})))),
		say("deaf when idle", textDeaf(idleMemo{Lived: 5 * time.Minute}), adviceRestart(s())),
		say("public timelines refused", textRefused(refusal{Status: 401, Said: "This method requires an authenticated user"})),
		say("missing, nothing from Redis", textMissing(s(), missing), adviceEvent(s(), missing)),
		say("missing, Redis speaks", textMissing(s(unknown), heard), adviceEvent(s(), heard)),
		say("missing", textMissing(s(), silent), adviceEvent(s(), silent)),
		say("late", textLate(s(), late), adviceEvent(s(), late)),
		say("late, no usual number", textLate(s(unknown), late)),
		say("token: revoked", token(revoked, 0), adviceToken()),
		say("token: may not listen", token(noRead, 0), adviceToken()),
		say("token: may not post", token(noWrite, 403), adviceToken()),
		say("token: the account may not post", token(forbidden, 403)),
		say("token: none", token(malformed, 0), adviceToken()),
		say("unseen: no token", textNoToken("[server] token_file"), adviceToken()),
		say("unseen: the token could not be read", textTokenUnread(checks.Text{En: "no permission to read /etc/sababan/token", Ja: "/etc/sababan/token を読む権限がありません"})),
		say("unseen: events", textEventUnseen()),
		say("unseen: no test post", textUnposted(eventMemo{Why: status, Code: 422})),
		say("unseen: no test post, too often", textUnposted(eventMemo{Why: tooMany})),
		say("unseen: no test post, no answer", textUnposted(eventMemo{Why: timeout})),
		say("unseen: idle connections", textIdleUnseen()),
		say("unseen: no time", textNoTime()),
		say("unseen: a page for browsers", textLevelUnseen(s(public(guarded, status, 403)))),
		say("unseen: no health address", textLevelUnseen(s(public(absent, status, 404)))),
		say("unseen: too often", textLevelUnseen(s(public(unseen, tooMany, 429)))),
		say("unseen: no resolver", textLevelUnseen(s(public(unseen, noResolver, 0))), adviceUnseen(outcome{state: unseen, why: noResolver}, "example.social")),
		say("unseen: certificate", textLevelUnseen(s(public(unseen, certificate, 0)))),
		say("unseen: no way", textLevelUnseen(s(public(unseen, noRoute, 0))), adviceUnseen(outcome{state: unseen, why: noRoute}, "example.social")),
		say("unseen: the WebSocket", textLevelUnseen(s(public(well, noReason, 200)))),
		say("summary", summary(fine, mem, checks.Observation{})),
		say("summary, of an earlier post", summary(earlier, mem, checks.Observation{})),
		say("summary, no health address", summary(s(public(absent, status, 404), socketIs(alive, noReason, 101)), memory{}, checks.Observation{})),
		say("summary, no token", summary(s(public(well, noReason, 200), noToken), memory{}, checks.Observation{})),
		say("summary, the test post itself", checks.Same(postText("7f3a"))),
	)
	checkstest.Texts(t, "streaming", said...)
}
