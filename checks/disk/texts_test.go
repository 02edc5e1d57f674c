package disk

import (
	"errors"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/trend"
)

func TestTexts(t *testing.T) {
	const gb = 1 << 30
	at := func(point string, size, available uint64, holds ...string) seen {
		return seen{
			volume: volume{Mount: Mount{Point: point, Type: "ext4", Source: "/dev/vda1"}},
			Stat:   Stat{Size: size, Free: available, Available: available, Inodes: 1 << 20, InodesFree: 1 << 13},
			Name:   name(point), Subject: point, Holds: holds,
		}
	}
	usual := checks.Band{Low: 0.70, Mid: 0.71, High: 0.72, Days: 30}
	growing := trend.Trend{At: checkstest.TextsNow, Days: 14, Growth: 6 * (gb / 10), Confident: true}

	plain := at("/", 40*gb, 18*(gb/10))
	plain.Trend = growing
	one, two := at("/", 40*gb, 18*(gb/10), "PostgreSQL"), at("/var/lib", 40*gb, 18*(gb/10), "PostgreSQL", "Redis")
	one.Usual, one.Trend = usual, growing
	empty := at("/", 40*gb, 0)
	emptyHeld := at("/", 40*gb, 0, "PostgreSQL", "Redis")
	ram := at("/run", 400<<20, 10<<20)
	ram.InMemory = true
	freeing := one
	freeing.Free = []freeable{
		{Kind: freeApt, Paths: []string{"/var/cache/apt/archives"}, Bytes: 12 * (gb / 10)},
		{Kind: freeJournal, Paths: []string{"/var/log/journal"}, Bytes: 19 * (gb / 10)},
		{Kind: freeLogs, Paths: []string{"/var/log"}, Bytes: 300 << 20, AtLeast: true},
		{Kind: freeYarn, Paths: []string{"/home/mastodon/.cache/yarn"}, Bytes: 800 << 20},
		{Kind: freeDocker},
	}
	risky := one
	risky.Free = []freeable{
		{Kind: freeModules, Paths: []string{"/home/mastodon/live.old/node_modules", "/home/mastodon/live.old/vendor"}, Bytes: 11 * (gb / 10)},
		{Kind: freePacks, Paths: []string{"/home/mastodon/live/public/packs"}, Bytes: 200 << 20},
		{Kind: freeDumps, Paths: []string{"/var/backups/mastodon"}, Bytes: 64 * (gb / 10)},
	}
	fine := at("/", 40*gb, 11*gb)
	fine.Usual, fine.Trend = usual, trend.Trend{Days: 14, Growth: 1 * (gb / 10), Confident: true}
	noInodes := one
	noInodes.InodesFree = 0
	nfs := Mount{Point: "/mnt/media", Type: "nfs4", Source: "nas:/export"}
	local := Mount{Point: "/srv", Type: "ext4", Source: "/dev/vdb1"}
	busy := errors.New("input/output error")

	say := checkstest.Say
	checkstest.Texts(
		t, "disk",
		say("nearly full", fullText(plain), fullAdvice(plain, false)),
		say("nearly full, with PostgreSQL, its usual number and growth; nothing to free", fullText(one), fullAdvice(one, true)),
		say("nearly full, with PostgreSQL and Redis; what can be freed", fullText(two), fullAdvice(freeing, true)),
		say("what can be freed, with care", fullText(one), fullAdvice(risky, true)),
		say("full", fullText(empty), fullAdvice(empty, false)),
		say("full, with PostgreSQL and Redis", fullText(emptyHeld), fullAdvice(emptyHeld, false)),
		say("in memory", fullText(ram), fullAdvice(ram, false)),
		say("inodes", inodesText(plain), inodesAdvice(plain)),
		say("no inodes", inodesText(noInodes), inodesAdvice(noInodes)),
		say("forecast", forecastText(one, checkstest.TextsNow, 9*24*time.Hour), fullAdvice(one, false)),
		say("forecast, weeks", forecastText(plain, checkstest.TextsNow, 30*24*time.Hour)),
		say("forecast, a day", forecastText(plain, checkstest.TextsNow, 26*time.Hour)),
		say("read-only, by the kernel", readOnlyText(one, stoppedError), readOnlyAdvice(one, stoppedError)),
		say("read-only since the last look", readOnlyText(plain, stoppedBefore), readOnlyAdvice(plain, stoppedBefore)),
		say("unseen: a dead network mount", blindSlow(nfs, 5*time.Second), mendSlow(nfs)),
		say("unseen: a dead disk", blindSlow(local, 5*time.Second), mendSlow(local)),
		say("unseen: no permission", blindError(local, busy, true), mendError()),
		say("unseen: an error", blindError(local, busy, false), mendError()),
		say("unseen: the past", blindPast(one)),
		say("unseen: no list of mounts", noTable()),
		say("unseen: nothing", nothingSeen()),
		say("summary, one", summary(fine, nil, 0, 0)),
		say("summary, with others", summary(fine, nil, 1, 1)),
		say("summary, with others that are not fine", summary(one, []seen{at("/srv", 100*gb, 2*gb), at("/boot", gb, gb/50), at("/opt", 10*gb, gb/5)}, 3, 0)),
	)
}
