package federation

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	usual := checks.Band{Low: 5, Mid: 12, High: 40, Days: 20}
	failing := tally{All: 212, New: 171, Some: []string{"other.example", "third.example"}}
	base := func(domain string, set ...func(*suspect)) suspect {
		s := suspect{Domain: domain, Follows: 48}
		for _, f := range set {
			f(&s)
		}
		return s
	}
	saw := func(kind verdict, code int) func(*suspect) {
		return func(s *suspect) {
			s.Outcome = outcome{Kind: kind, Code: code, Issuer: "Some CA", Until: ago(40 * time.Hour).Unix()}
		}
	}
	quiet := func(s *suspect) { s.Last, s.Usual = ago(3*24*time.Hour).Unix(), 40 }
	stopped := func(s *suspect) { s.Stopped = ago(2 * 24 * time.Hour).Unix() }
	days := func(s *suspect) { s.Days = 5 }
	one := func(s *suspect) { s.Follows = 1 }
	none := func(s *suspect) { s.Follows = 0 }
	list := func(kind verdict) []suspect {
		var all []suspect
		for _, d := range []string{"other.example", "third.example", "fourth.example", "fifth.example", "sixth.example"} {
			all = append(all, base(d, saw(kind, 0)))
		}
		return all
	}

	say := checkstest.Say
	said := []checkstest.Said{
		say("nothing comes in", textDeaf(ago(40*time.Minute), usual, false, false), adviceDeaf()),
		say("nothing comes in, at least", textDeaf(ago(40*time.Minute), usual, false, true)),
		say("nothing comes in, no usual number", textDeaf(ago(3*time.Hour), checks.Band{}, false, false)),
		say("late", textDeaf(ago(40*time.Minute), usual, true, false), adviceDeaf()),
		say("late, at least", textDeaf(ago(40*time.Minute), checks.Band{}, true, true)),
		say("deliveries fail to many", textUs(failing, checks.Band{Mid: 6, Days: 20}), adviceUs(failing)),
		say("deliveries fail to many, no usual number", textUs(failing, checks.Band{}), adviceUs(tally{})),
		say("many are silent", textSilence(9, 40), adviceDeaf()),
		say("trust: one", textTrust(list(ourRoots)[:1]), adviceTrust()),
		say("trust: several, of one authority", textTrust(list(unknownRoot)), adviceTrust()),
		say("refused by several", textRefused(list(refusing)[:4]), adviceRefused(list(refusing)[0])),
		say("a friend is silent", textFriend("friends.example", ago(4*24*time.Hour), 6*time.Hour), adviceFriend("friends.example")),
	}
	for _, c := range []struct {
		what string
		s    suspect
	}{
		{"quiet, there", base("other.example", quiet, saw(there, 200))},
		{"quiet, there, deliveries fail", base("other.example", quiet, days, saw(there, 200))},
		{"delivery is stopped, gone", base("other.example", stopped, saw(gone, 0))},
		{"deliveries fail, one follow", base("other.example", days, one, saw(names, 0))},
		{"deliveries fail, no follow", base("other.example", days, none, saw(private, 0))},
		{"closed port", base("other.example", quiet, saw(closedPort, 0))},
		{"unreachable", base("other.example", quiet, saw(unreachable, 0))},
		{"cut", base("other.example", quiet, saw(cut, 0))},
		{"TLS", base("other.example", quiet, saw(badTLS, 0))},
		{"certificate is over", base("other.example", quiet, saw(expired, 0))},
		{"certificate is early", base("other.example", quiet, saw(expired, 0), func(s *suspect) { s.Outcome.Until = 0 })},
		{"certificate of another", base("other.example", quiet, saw(wrongName, 0))},
		{"self-signed", base("other.example", quiet, saw(selfMade, 0))},
		{"bad chain", base("other.example", quiet, saw(badChain, 0))},
		{"unknown root", base("other.example", quiet, saw(unknownRoot, 0))},
		{"our roots", base("other.example", quiet, saw(ourRoots, 0))},
		{"asked too often", base("other.example", quiet, saw(refusing, 429))},
		{"refused", base("other.example", quiet, saw(refusing, 403))},
		{"guarded", base("other.example", quiet, saw(guarded, 200))},
		{"broken", base("other.example", quiet, saw(broken, 502))},
		{"gone for good", base("other.example", quiet, saw(nothing, 410))},
		{"no fediverse any more", base("other.example", quiet, saw(nothing, 404))},
		{"odd", base("other.example", quiet, saw(odd, 200))},
		{"our network", base("other.example", quiet, saw(here, 0))},
		{"not looked at", base("other.example", quiet)},
	} {
		said = append(said, say("missing: "+c.what, textMissing(c.s, false), adviceMissing(c.s)))
	}
	v := &visit{now: now, usual: usual, newest: ago(20 * time.Second)}
	v.memory.Rhythm = rhythmMemory{Of: 412, Heard: 388}
	v.memory.Them = themMemory{At: ago(time.Hour), Tally: tally{All: 31, New: 2}}
	calm := &visit{now: now, newest: ago(20 * time.Second)}
	calm.memory.Them = themMemory{At: ago(time.Hour)}
	said = append(
		said,
		say("missing: not looked at, offline", textMissing(base("other.example", quiet), true)),
		say("unseen: no time", textNoTime()),
		say("unseen: not set up", textNotSetUp("[server] database_url")),
		say("summary", v.summary()),
		say("summary, no delivery fails", calm.summary()),
		say("summary, no post yet", (&visit{now: now}).summary()),
	)
	checkstest.Texts(t, "federation", said...)
}
