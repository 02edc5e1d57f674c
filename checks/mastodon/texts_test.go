package mastodon

import (
	"errors"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	ask := func(version string, set ...func(*question)) question {
		q := question{
			now: now, found: site.Found{Live: "/home/mastodon/live", User: "mastodon"}, updates: "https://api.joinmastodon.org/update-check", releases: "https://api.github.com/repos/mastodon/mastodon/releases",
			running: running{version: versionOf(version)},
		}
		q.memory.Service = source{Asked: now.Unix(), Answered: now.Unix()}
		for _, f := range set {
			f(&q)
		}
		return q
	}
	forked := func(q *question) {
		q.running.fork, q.running.source = "glitch", "https://github.com/glitch-soc/mastodon/releases"
	}
	boxed := func(q *question) { q.found = site.Found{Compose: "/opt/mastodon"} }
	newer := offer{Version: "4.6.5", Notes: "https://github.com/mastodon/mastodon/releases/v4.6.5"}
	for3h := func(q *question) { q.memory.Seen = map[string]int64{"4.6.5": now.Add(-27 * time.Hour).Unix()} }
	postgres := func(q *question) { q.table.postgres, q.table.size = 130012, 38<<30 }
	offered := func(o ...offer) func(*question) { return func(q *question) { q.memory.Service.Offers = o } }
	onDisk := func(v string) func(*question) {
		return func(q *question) { q.code = code{there: true, version: versionOf(v)} }
	}
	migrated := func(q *question) {
		q.table.asked, q.table.migrations, q.code.before = true, []string{"20260101000000"}, []string{"20260101000000", "20260301000000"}
	}
	lacking := func(pending, post, ahead int) lacks {
		return lacks{pending: pending, post: post, ahead: ahead, firstPending: "20260301120000", firstPost: "20260302120000", firstAhead: "20260303120000"}
	}
	fails := func(err error) func(*question) {
		return func(q *question) { q.memory.Service = source{err: err} }
	}

	say := checkstest.Say
	var said []checkstest.Said
	update := func(what string, q question, urgent bool, all ...offer) {
		newest := newer
		if len(all) > 0 {
			newest = all[len(all)-1]
		}
		said = append(said, say(what, q.textUpdate(newest, urgent, all), q.adviceUpdate(newest)))
	}
	update("corrections", ask("4.6.3"), false, newer)
	update("corrections, security among them, for a day", ask("4.6.3", for3h), false, offer{Version: "4.6.4", Security: true}, newer)
	update("urgent, a fork", ask("4.6.3", forked, for3h), true, newer)
	update("a new branch", ask("4.5.15", postgres), false, newer)
	update("a new branch, support ends", ask("4.4.22", postgres), false, newer)
	update("a new branch, support has ended", ask("4.3.23", postgres, boxed), false, newer)

	q := ask("4.4.22")
	half := ask("4.6.4", onDisk("4.6.5"), migrated)
	checker := ask("4.6.4", offered(newer))
	left := ask("4.6.5", func(q *question) { q.table.offers = []offer{newer} }, boxed)
	said = append(
		said,
		say("support is over, no date", q.textSupportOver(time.Time{}), q.adviceSupport()),
		say("support is over, a fork", ask("4.3.23", forked, offered(newer)).textSupportOver(now.Add(-200*24*time.Hour)), ask("4.3.23", offered(newer)).adviceSupport()),
		say("support ends", q.textSupportEnds(now.Add(22*24*time.Hour)), q.adviceSupport()),
		say("its own check does not know of it", checker.textChecker(), checker.adviceChecker()),
		say("its own check still lists it", left.textChecker(), left.adviceChecker()),
		say("runs as an older version", ask("4.6.4", onDisk("4.6.5")).textRunning(), ask("4.6.4", onDisk("4.6.5")).adviceRunning()),
		say("runs as an older version, in containers", ask("4.6.4", onDisk("4.6.5"), boxed).textRunning(), ask("4.6.4", onDisk("4.6.5"), boxed).adviceRunning()),
		say("runs as an older version, not migrated", half.textRunning(), half.adviceRunning()),
		say("runs as a newer version", ask("4.6.5", onDisk("4.6.4")).textRunning(), ask("4.6.5", onDisk("4.6.4")).adviceRunning()),
		say("migrations", textPending(lacking(3, 0, 0), false), q.advicePending(lacking(3, 0, 0))),
		say("a migration, and others later", textPending(lacking(1, 2, 0), false), q.advicePending(lacking(1, 2, 0))),
		say("migrations, it fails", textPending(lacking(3, 0, 0), true), ask("4.6.5", boxed).advicePending(lacking(3, 1, 0))),
		say("a migration, it fails", textPending(lacking(1, 0, 0), true)),
		say("migrations for later", textPost(lacking(0, 2, 0)), q.advicePost()),
		say("a migration for later", textPost(lacking(0, 1, 0)), q.advicePost()),
		say("the database is ahead", textAhead(lacking(0, 0, 4)), q.adviceAhead()),
		say("the database is ahead by one", textAhead(lacking(0, 0, 1)), q.adviceAhead()),
		say("unseen: code, no permission", ask("4.6.5", func(q *question) { q.code.denied = "/home/mastodon" }).textNoCode(), ask("4.6.5", func(q *question) { q.code.denied = "/home/mastodon" }).adviceNoCode()),
		say("unseen: code", ask("4.6.5").textNoCode()),
		say("unseen: nobody may be asked", ask("4.6.5", func(q *question) { q.offline = true }).textNobodyTells(), q.adviceNobodyTells()),
		say("unseen: both are off", ask("4.6.5", func(q *question) { q.updates, q.releases = "", off }).textNobodyTells()),
		say("unseen: too often", ask("4.6.5", fails(&api.RateLimitError{})).textNobodyTells(), q.adviceNobodyTells()),
		say("unseen: refused", ask("4.6.5", fails(&statusError{code: 403})).textNobodyTells()),
		say("unseen: an error", ask("4.6.5", fails(&statusError{code: 503})).textNobodyTells()),
		say("unseen: without an end", ask("4.6.5", fails(&api.TooLargeError{})).textNobodyTells()),
		say("unseen: something else", ask("4.6.5", fails(errShape)).textNobodyTells()),
		say("unseen: no connection", ask("4.6.5", fails(errors.New("refused"))).textNobodyTells()),
		say("unseen: no answer for long", ask("4.6.5").textNobodyTells()),
		say("unseen: the service", ask("4.6.5").textNoService()),
		say("unseen: another software", textOther("Pleroma")),
		say("unseen: no time", textNoTime()),
		say("unseen: version, it fails", textSilent(running{failing: true})),
		say("unseen: version", textNoVersion(running{})),
		say("summary, the newest", ask("4.6.5").summary(checks.Observation{})),
		say("summary, a fork", ask("4.6.5", forked).summary(checks.Observation{})),
		say("summary, a newer one", ask("4.6.4", offered(newer)).summary(checks.Observation{})),
		say("summary, ahead of all", ask("4.7.0-alpha.2").summary(checks.Observation{})),
		say("summary, nobody tells", ask("4.6.5", fails(errShape)).summary(checks.Observation{})),
		say("summary, by its own list", ask("4.6.5", func(q *question) {
			q.offline, q.table = true, table{asked: true, checks: true}
		}).summary(checks.Observation{})),
	)
	checkstest.Texts(t, "mastodon", said...)
}
