package watch

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/registry"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	of := func(o outcome, set ...func(*target)) *target {
		tg := &target{Domain: Domain{Name: "other.example"}, last: o, streak: streak{Bad: 3, Since: now.Add(-12 * time.Minute).Unix()}}
		for _, f := range set {
			f(tg)
		}
		return tg
	}
	own := func(tg *target) { tg.Own, tg.Name = true, "example.social" }
	fresh := func(tg *target) { tg.streak = streak{} }
	with := func(seen reason) func(*target) {
		return func(tg *target) {
			tg.Bot = "@sababan@other.example"
			tg.friend = &friend{last: now.Add(-4 * time.Hour), seen: place{state: ill, why: seen}}
		}
	}
	door := func(why reason) outcome { return outcome{state: ill, why: why} }
	good := place{state: well}
	bad := func(why reason, code int) place { return place{state: ill, why: why, code: code} }
	page := func(p place) outcome { return outcome{state: ill, why: p.why, page: p, to: "elsewhere.example"} }

	ending := &lease{name: "other.example", Told: now.Add(-5 * time.Hour).Unix(), Dated: now.Add(-5 * time.Hour).Unix(), Expires: now.Add(9 * 24 * time.Hour).Unix()}
	mine := *ending
	mine.name, mine.own = "example.social", true
	taken := func(h ...registry.Hold) *lease { return &lease{name: "other.example", Told: ending.Told, Held: h} }
	registered := func(all ...*lease) *leases { return &leases{all: all} }

	say := checkstest.Say
	var said []checkstest.Said
	unwell := func(what string, tg *target) {
		said = append(said, say("unwell: "+what, textUnwell(tg), adviceUnwell(tg)))
	}
	for _, why := range []reason{noName, private, refused, unreachable, badTLS, certOver, certEarly, certName, certSelf, certUnknown, mute, cut} {
		unwell(string(why), of(door(why)))
	}
	unwell("own, refused", of(door(refused), own))
	for _, p := range []place{bad(status, 502), bad(stale, 200), bad(moved, 301), bad(noRoot, 200), bad(tooLarge, 200), bad(mute, 0), bad(cut, 0)} {
		unwell("page, "+string(p.why), of(page(p), fresh))
	}
	unwell("page, it leads nobody knows where", of(outcome{state: ill, why: moved, page: bad(moved, 301)}))
	unwell("API, an error", of(outcome{state: ill, why: status, page: good, api: bad(status, 500)}))
	unwell("API, no JSON", of(outcome{state: ill, why: notJSON, page: good, api: bad(notJSON, 200)}))
	unwell("streaming, strange", of(outcome{state: ill, why: strange, page: good, api: good, streaming: bad(strange, 200)}, own))

	ends := of(outcome{state: well, end: now.Add(9 * 24 * time.Hour)})
	fine := func(name string, took time.Duration, days int) *target {
		return &target{Domain: Domain{Name: name}, last: outcome{state: well, took: took, end: now.Add(time.Duration(days) * 24 * time.Hour)}}
	}
	all := []*target{fine("other.example", 240*time.Millisecond, 61), fine("third.example", 840*time.Millisecond, 24), {Domain: Domain{Name: "fourth.example"}}}
	two := checks.Observation{Findings: []checks.Finding{
		{Severity: checks.Warning, Text: textUnwell(of(door(refused)))}, {Severity: checks.Warning, Text: textUnwell(of(door(mute)))},
	}}
	checkstest.Texts(
		t, "watch",
		append(
			said,
			say("expires", textExpiring(ends), adviceExpiring(ends)),
			say("expires, own", textExpiring(of(ends.last, own)), adviceExpiring(of(ends.last, own))),
			say("has expired", textExpired(ends), adviceExpiring(ends)),
			say("the bot is silent", textSilent(of(outcome{}, with(noReason))), adviceSilent(of(outcome{}, with(noReason)))),
			say("ours, resolver", textOurs(noResolver), adviceOurs()),
			say("ours", textOurs(noRoute), adviceOurs()),
			say("unseen: no account of the bot", textNoBeat(of(outcome{}, with(noAccount))), adviceNoBeat(of(outcome{}, with(noAccount)))),
			say("unseen: the bot does not write it", textNoBeat(of(outcome{}, with(noField))), adviceNoBeat(of(outcome{}, with(noField)))),
			say("unseen: the bot's profile is closed", textNoBeat(of(outcome{}, with(guarded)))),
			say("unseen: the bot's profile", textNoBeat(of(outcome{}, with(mute)))),
			say("unseen: no resolver", textUnseen(of(door(noResolver))), adviceUnseen(of(door(noResolver)))),
			say("unseen: no way", textUnseen(of(door(noRoute))), adviceUnseen(of(door(noRoute)))),
			say("unseen: refuses", textUnseen(of(door(guarded))), adviceUnseen(of(door(guarded)))),
			say("unseen: no turn", textUnseen(of(door(crowded)))),
			say("unseen: not yet", textNotYet("other.example")),
			say("unseen: no certificate yet", textNoCertificate("other.example")),
			say("unseen: offline", textOffline()),
			say("unseen: no time", textNoTime()),
			say("summary, all", textSummary(tally{well: 2}, all[:2], leasesOf(nil), checks.Observation{}, now)),
			say("summary, one", textSummary(tally{well: 1}, all[:1], leasesOf(nil), checks.Observation{}, now)),
			say("summary, some", textSummary(tally{well: 2, ill: 1, unseen: 1, waiting: 1}, append(all, all[2], all[2]), leasesOf(nil), checks.Observation{}, now)),
			say("the domain expires", textRegistered(ending, now), adviceRegistered(ending)),
			say("the domain has expired", textRegistered(&lease{name: "other.example", Expires: now.Add(-30 * time.Hour).Unix(), Dated: ending.Dated}, now)),
			say("the domain expires, own", textRegistered(&mine, now), adviceRegistered(&mine)),
			say("the domain is held by its registrar", textHeld(taken(registry.HeldByRegistrar, registry.HeldByRegistry))),
			say("the domain is held by its registry", textHeld(taken(registry.HeldByRegistry))),
			say("the domain is suspended", textHeld(taken(registry.HeldSuspended))),
			say("the domain is in redemption", textHeld(taken(registry.InRedemption))),
			say("the domain is about to be deleted", textHeld(taken(registry.BeingDeleted))),
			say("unseen: the registry", textNoRegistry(ending)),
			say("summary, all, with their domains", textSummary(tally{well: 2}, all[:2], registered(ending, &lease{name: "third.example", Told: 1}), checks.Observation{}, now)),
			say("summary, one, with its domain", textSummary(tally{well: 1}, all[:1], registered(ending), checks.Observation{}, now)),
			say("summary, two are ill", textSummary(tally{well: 1, ill: 2}, all, leasesOf(nil), two, now)),
		)...,
	)
}
