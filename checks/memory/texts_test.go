package memory

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	top := []group{
		{Name: "sidekiq", Unit: "mastodon-sidekiq.service", Count: 2, Bytes: 19 * (gigabyte / 10)},
		{Name: "postgres", Count: 24, Bytes: 11 * (gigabyte / 10)},
		{Name: "puma", Unit: "mastodon-web.service", Count: 3, Bytes: 9 * (gigabyte / 10)},
	}
	a := after{now: now, top: top}
	a.numbers = numbers{Total: 38 * (gigabyte / 10), Available: 350 * megabyte, SwapTotal: 2 * gigabyte, SwapUsed: 14 * (gigabyte / 10)}
	a.Pressure = &pressure{Some300: 0.14}
	a.rates = rates{In: 6 * megabyte, Out: 2.5 * megabyte, Known: true}
	known := a
	known.usual = checks.Band{Low: 11 * (gigabyte / 10), Mid: 12 * (gigabyte / 10), High: 14 * (gigabyte / 10), Days: 20}
	bare := a
	bare.SwapTotal, bare.SwapUsed, bare.top, bare.Pressure = 0, 0, nil, nil
	began, hidden := onset{now.Add(-9 * time.Minute), top}, onset{}

	at := func(m int) time.Time { return now.Add(-time.Duration(m) * time.Minute) }
	jobs := kill{At: at(4), Name: "ruby", Unit: "mastodon-sidekiq.service"}
	own := kill{At: at(4), Name: "redis-server", Unit: "redis-server.service", Own: true}
	nameless := kill{At: at(4)}
	several := []kill{{At: at(11), Name: "postgres", Unit: "postgresql@15-main.service"}, {At: at(7), Name: "puma", Unit: "mastodon-web.service"}, jobs}
	repeated := known
	repeated.next.Recent = []kill{{At: at(600)}, jobs}
	killed := known
	killed.next.Recent = []kill{jobs}
	old := known
	old.older, old.Limit = 3, &limit{Max: 2 * gigabyte, Used: 16 * (gigabyte / 10)}
	worker := process{Name: "puma", Worker: "puma worker 0", Unit: "mastodon-web.service", Resident: 16 * (gigabyte / 10)}

	say := checkstest.Say
	checkstest.Texts(
		t, "memory",
		say("little available", availableText(known, began), roomAdvice(top)),
		say("little available, no swap, processes hidden", availableText(bare, hidden), roomAdvice(nil)),
		say("waiting for memory", pressureText(known, began), roomAdvice(top)),
		say("swapping", swappingText(a, began), roomAdvice(top)),
		say("one killed", killsText(a, []kill{jobs}, false), killsAdvice([]kill{jobs})),
		say("one killed, again", killsText(repeated, []kill{jobs}, false), killsAdvice([]kill{jobs})),
		say("one killed at its own limit", killsText(a, []kill{own}, false), killsAdvice([]kill{own})),
		say("one killed, nobody knows which", killsText(a, []kill{nameless}, false), killsAdvice([]kill{nameless})),
		say("one killed, the log may not be read", killsText(bare, []kill{nameless}, true), killsAdvice([]kill{nameless})),
		say("several killed", killsText(known, several, false), killsAdvice(several)),
		say("several killed, one of them without a name", killsText(known, []kill{nameless, jobs}, false), killsAdvice([]kill{nameless, jobs})),
		say("a worker has grown", workerText(worker, 6*(gigabyte/10)), workerAdvice(worker)),
		say("unseen: nothing", nothingSeen()),
		say("unseen: waiting", blindPressure()),
		say("unseen: counters", blindCounters()),
		say("unseen: processes", blindProcesses(), mendProcesses()),
		say("unseen: the past", blindPast("puma worker 0")),
		say("summary", summary(known)),
		say("summary, no swap", summary(bare)),
		say("summary, killed today", summary(killed)),
		say("summary, killed since boot, in a container", summary(old)),
	)
}
