package domain

import (
	"errors"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/registry"
)

func TestTexts(t *testing.T) {
	const name, day = "example.social", 24 * time.Hour
	now := checkstest.TextsNow
	until := func(d time.Duration) end { return end{at: now.Add(d), by: "RDAP", told: now.Add(-5 * time.Hour)} }
	written := func(d time.Duration) end { return end{at: now.Add(d), set: true} }
	at := registry.Registration{Registrar: "Example Registrar, Inc.", By: "RDAP"}
	held := func(h ...registry.Hold) registry.Registration {
		r := at
		r.Held = h
		return r
	}
	ns := func(names ...string) []string { return names }
	one, two := ns("ns3.example.net"), ns("ns3.example.net", "ns4.example.net")
	servers := func(faults ...fault) zone {
		var z zone
		for _, f := range faults {
			z.servers = append(z.servers, server{fault: f})
		}
		return z
	}
	signed := servers("", "")
	signed.signed = true
	forbids := permission{host: name, issuer: "Let's Encrypt", zone: name, allowed: ns("digicert.com", "sectigo.com"), want: "issue letsencrypt.org"}
	nobody := permission{host: name, issuer: "Let's Encrypt", zone: name, want: "issuewild letsencrypt.org"}

	say := checkstest.Say
	said := []checkstest.Said{
		say("expires", textExpiry(name, until(17*day), Registered{}, now), adviceExpiry(name, at, until(17*day), Registered{})),
		say("expires, renews by itself", textExpiry(name, until(6*day), Registered{AutoRenew: true}, now), adviceExpiry(name, at, until(6*day), Registered{AutoRenew: true})),
		say("expires, as written", textExpiry(name, written(6*day), Registered{}, now), adviceExpiry(name, registry.Registration{}, written(6*day), Registered{})),
		say("expired", textExpiry(name, until(-30*time.Hour), Registered{}, now), adviceExpiry(name, registry.Registration{}, until(-30*time.Hour), Registered{})),
	}
	for _, h := range []registry.Hold{registry.HeldByRegistrar, registry.HeldByRegistry, registry.HeldSuspended, registry.InRedemption, registry.BeingDeleted} {
		said = append(said, say("held: "+string(h), textHeld(name, held(h), until(200*day)), adviceHeld(name, held(h))))
	}
	said = append(
		said,
		say("held: twice, no date, no registrar", textHeld(name, registry.Registration{By: "whois", Held: []registry.Hold{registry.HeldByRegistrar, registry.HeldByRegistry}}, end{}), adviceHeld(name, registry.Registration{})),
		say("gone", textUndelegated(name, at, false), adviceHeld(name, at)),
		say("gone, nobody has registered it", textUndelegated(name, registry.Registration{By: "RDAP", Missing: true}, true)),
		say("nobody tells the date", textNoDate("example.ch", "ch"), adviceSet("example.ch")),
		say("name servers: one does not serve it", textServers(name, 4, difference{silent: one}), adviceServers(name)),
		say("name servers: several", textServers(name, 4, difference{silent: one, lame: ns("ns4.example.net"), nowhere: ns("ns5.example.net")}), adviceServers(name)),
		say("name servers: none serves it", textServers(name, 2, difference{lame: two}), adviceServers(name)),
		say("name servers: an old state", textServers(name, 4, difference{old: two})),
		say("name servers: another list", textServers(name, 4, difference{extra: one, lacking: ns("ns9.example.net")})),
		say("name servers: each another list", textServers(name, 4, difference{apart: true})),
	)
	for _, v := range []verdict{unkeyed, mismatch, expired, early, forged} {
		p := proof{verdict: v, until: now.Add(-9 * time.Hour)}
		said = append(said, say("DNSSEC: "+string(v), textDNSSEC(name, p), adviceDNSSEC(name, v)))
	}
	checkstest.Texts(
		t, "domain",
		append(
			said,
			say("DNSSEC: at one server", textDNSSECPartly(name, one, 3, proof{verdict: expired, until: now.Add(-9 * time.Hour)}), adviceDNSSEC(name, expired)),
			say("DNSSEC: ends", textDNSSECEnding(name, proof{verdict: ending, until: now.Add(40 * time.Hour)}), adviceDNSSEC(name, ending)),
			say("CAA", textCAA(forbids), adviceCAA(forbids)),
			say("CAA, nobody may", textCAA(nobody), adviceCAA(nobody)),
			say("unseen: rented", textNoDomain("myserver.ddns.net", registry.Rented)),
			say("unseen: no public name", textNoDomain("mastodon.local", registry.Nobodies)),
			say("unseen: offline", textOffline()),
			say("unseen: no time", textNoTime()),
			say("unseen: no name servers at the registry", textOffNet(name)),
			say("unseen: the registry", textNoRegistry(name, "social"), adviceSet(name)),
			say("unseen: the registry does not know it", textMissing(name, "social")),
			say("unseen: name servers cannot be asked", textNoNameServers(name)),
			say("unseen: DNSSEC", textUncheckable(name)),
			say("unseen: CAA", textNoCAA(name)),
			say("summary", textSummary([]summary{{name: name, end: now.Add(200 * day), zone: signed}}, now)),
			say("summary, one server is silent", textSummary([]summary{{name: name, end: now.Add(200 * day), zone: servers("", "silent", "")}}, now)),
			say("summary, two domains, one without a date", textSummary([]summary{{name: name, end: now.Add(200 * day), zone: signed}, {name: "example.ch", zone: servers("")}}, now)),
			say("summary, over", textSummary([]summary{{name: name, end: now.Add(-day), zone: zone{err: errors.New("no")}}}, now)),
		)...,
	)
}
