package instance

import (
	"fmt"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	ill := func(why why, code int) outcome {
		return outcome{state: ill, why: why, code: code, to: "mastodon.example.social"}
	}
	good := outcome{state: well, took: 84 * time.Millisecond, in: api.Instance{Domain: "example.social", Version: "4.6.5"}}
	other := outcome{state: well, took: 40 * time.Millisecond, in: api.Instance{Domain: "social.example", Version: "2.7.2 (compatible; Pleroma 2.6.2)"}}
	none, shut, old := outcome{state: absent, took: time.Millisecond}, outcome{state: closed, took: 90 * time.Millisecond}, good
	old.stale = true
	unasked := func(why why) outcome { return outcome{state: unseen, why: why} }
	usual := func(string) (checks.Band, bool) { return checks.Band{Mid: 0.08, Days: 20}, true }
	unusual := func(string) (checks.Band, bool) { return checks.Band{}, false }
	line := func(usual func(string) (checks.Band, bool), first, second outcome) checks.Text {
		return summary(question{domain: "example.social", usual: usual}, checks.Observation{}, first, second)
	}

	say := checkstest.Say
	said := []checkstest.Said{}
	for _, o := range []outcome{ill(status, 500), ill(status, 502), ill(status, 404), ill(redirected, 301), ill(notJSON, 200), ill(shape, 200), ill(tooLarge, 200), ill(timeout, 0), ill(refused, 0), ill(cut, 0)} {
		said = append(
			said,
			say(fmt.Sprintf("v1, %d %d", o.why, o.code), textBroken("v1", o, false), adviceBroken(o)),
			say(fmt.Sprintf("v1 and v2, %d %d", o.why, o.code), textBroken("v2", o, true)),
		)
	}
	before := outcome{state: well, in: api.Instance{Version: "4.3.9"}}
	known := views{seen: true, database: "mastodon_production", empty: []string{"instances", "account_summaries"}}
	checkstest.Texts(
		t, "instance",
		append(
			said,
			say("the view, by its looks", textView(good, false), adviceView(views{})),
			say("the view, as the database says, old Mastodon", textView(before, true), adviceView(known)),
			say("event: updated", textUpdated("4.6.4", "4.6.5")),
			say("a page for browsers, by whom is known", textGuarded("example.social", "Cloudflare"), adviceGuarded()),
			say("a page for browsers", textGuarded("example.social", ""), adviceGuarded()),
			say("slow", textSlow("v2", 3400*time.Millisecond), adviceSlow()),
			say("unseen: too often", textUnseen(unasked(tooMany))),
			say("unseen: no resolver", textUnseen(unasked(noResolver)), adviceUnseen(unasked(noResolver), "example.social")),
			say("unseen: certificate", textUnseen(unasked(certificate))),
			say("unseen: no way", textUnseen(unasked(noRoute)), adviceUnseen(unasked(noRoute), "example.social")),
			say("unseen: one of two, a page for browsers", textNotSeen("v1", outcome{state: guarded})),
			say("unseen: one of two", textNotSeen("v2", unasked(tooMany))),
			say("unseen: nothing measured", textNothingMeasured()),
			say("unseen: no time", textNoTime()),
			say("summary", line(usual, good, good)),
			say("summary, no usual number", line(unusual, good, good)),
			say("summary, no v2", line(usual, good, none)),
			say("summary, v1 is closed", line(usual, shut, good)),
			say("summary, v2 is closed", line(usual, good, shut)),
			say("summary, both are closed", line(usual, shut, shut)),
			say("summary, v2 alone", line(usual, unasked(tooMany), good)),
			say("summary, another name and software", line(unusual, other, other)),
			say("summary, out of the cache", line(usual, old, good)),
		)...,
	)
}
