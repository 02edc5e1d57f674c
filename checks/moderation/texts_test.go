package moderation

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	const domain = "example.social"
	now := checkstest.TextsNow
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	busy := state{
		signups: queue{12, ago(9 * time.Hour)}, reports: queue{5, ago(31 * time.Hour)}, localReports: queue{2, ago(5 * time.Hour)}, unassigned: 3,
		appeals: queue{1, ago(3 * 24 * time.Hour)}, trends: 4, hour: wave{count: 3}, usual: checks.Band{Mid: 2, Days: 20}, usualKnown: true,
	}
	one := state{signups: queue{1, ago(40 * time.Minute)}, reports: queue{1, ago(40 * time.Minute)}, localReports: queue{1, ago(40 * time.Minute)}, trends: 1, hour: wave{count: 1}}
	capped := busy
	capped.capped, capped.localReports = true, queue{}
	partial := busy
	partial.partial = true
	flipped := state{flippedAt: ago(50 * time.Minute), attended: ago(8 * 24 * time.Hour)}
	spam := wave{count: 41, confirmed: 38, sameNetwork: 40, sameApp: 41, sameGuest: 30}

	say := checkstest.Say
	checkstest.Texts(
		t, "moderation",
		say("sign-ups", textSignups(busy, 9*time.Hour), adviceSignups(domain)),
		say("a sign-up", textSignups(one, 40*time.Minute), adviceSignups(domain)),
		say("sign-ups, at least", textSignups(capped, 9*time.Hour)),
		say("reports", textReports(busy, 31*time.Hour, 5*time.Hour), adviceReports(domain)),
		say("a report", textReports(one, 40*time.Minute, 40*time.Minute), adviceReports(domain)),
		say("reports, at least", textReports(capped, 31*time.Hour, 0)),
		say("an appeal", textAppeals(1, 3*24*time.Hour), adviceAppeals(domain)),
		say("appeals", textAppeals(2, 3*24*time.Hour), adviceAppeals(domain)),
		say("many sign-ups", textBurst(spam, 2), adviceBurst(domain)),
		say("many sign-ups, of different kinds", textBurst(wave{count: 14, confirmed: 3}, 2), adviceBurst(domain)),
		say("an account that speaks to strangers", textTalker(talker{id: 112233445566, many: 64}), adviceTalker(domain, 112233445566)),
		say("registrations were switched by Mastodon", textFlipped(flipped, now), adviceFlipped(domain)),
		say("registrations were switched", textFlipped(state{flippedAt: ago(50 * time.Minute), attended: ago(time.Hour)}, now), adviceFlipped(domain)),
		say("no moderator", textUnattended(state{attended: ago(6 * 24 * time.Hour)}, now), adviceUnattended()),
		say("unseen: without the database", textPartial(), advicePartial()),
		say("unseen: the token may not", textForbidden(), adviceForbidden()),
		say("unseen: the token is not known", textRevoked(), adviceForbidden()),
		say("unseen: no answer", textNoAnswer()),
		say("summary", textSummary(busy, now)),
		say("summary, ones", textSummary(one, now)),
		say("summary, nothing", textSummary(state{trends: -1}, now)),
		say("summary, without the database", textSummary(partial, now)),
	)
}
