package usage

import (
	"errors"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/trend"
)

func TestTexts(t *testing.T) {
	const gb = 1 << 30
	now, day := checkstest.TextsNow, 24*time.Hour
	usual := func(low, high float64) checks.Band {
		return checks.Band{Low: low * gb, Mid: (low + high) / 2 * gb, High: high * gb, Days: 20}
	}
	logs := grown{
		sized: sized{Path: "/var/log", Of: ofLogs, Bytes: 91 * (gb / 10)}, Usual: usual(0.6, 0.7),
		Pace: pace{Last: 32 * (gb / 10), Usual: 20 << 20}, PaceOK: true,
		Trend: trend.Trend{Days: 6, Growth: 14 * (gb / 10), Confident: true}, Left: 9 * day, LeftOK: true,
	}
	journal := logs
	journal.sized, journal.PaceOK, journal.LeftOK = sized{Path: "/var/log/journal", Of: ofJournal, Bytes: 39 * (gb / 10)}, false, false
	base := logs
	base.sized, base.Usual, base.Pace, base.LeftOK = sized{Path: "/var/lib/postgresql", Of: ofDatabase, Bytes: 61 * gb}, usual(38, 39), pace{Last: 12 * gb}, false
	other := logs
	other.sized = sized{Path: "/srv/uploads", Bytes: 31 * gb}
	cached := grown{
		sized: sized{Path: "/home/mastodon/live/public/system/cache", Of: ofCached, Bytes: 96 * gb},
		Pace:  pace{Last: 14 * gb, Usual: 31 * (gb / 10)}, PaceOK: true,
	}
	bare := site.Found{Live: "/home/mastodon/live", User: "mastodon", PostgresData: []string{"/var/lib/postgresql/15/main"}}
	compose := site.Found{Compose: "/opt/mastodon"}

	dumps := []dump{{Path: "/var/backups/a.dump", Bytes: 3 * gb, At: now.Add(-40 * day)}, {Path: "/var/backups/b.dump", Bytes: 3 * gb, At: now.Add(-day)}}
	wal := sized{Path: "/var/lib/postgresql/15/main/pg_wal", Bytes: 14 * gb}
	settings := walSettings{Max: gb, Archive: true}
	gone := &slot{Name: "standby_1", Held: 13 * gb}
	logical := &slot{Name: "reporting", Database: "mastodon_production", Held: 13 * gb}
	slow := &slot{Name: "standby_1", Active: true, Held: 13 * gb}
	p := &said{Port: "5432", Archive: archive{On: true, Failures: 1204, Segment: "000000010000002A00000017", Failed: now, Archived: now.Add(-30 * time.Hour)}}
	never := &said{Port: "5432", Archive: archive{On: true, Failures: 12, Segment: "000000010000002A00000017", Failed: now}}
	held := holder{Name: "nginx", Bytes: 52 * (gb / 10), Files: 1, Unit: "nginx.service", Path: "/var/log/nginx/access.log.1"}
	stray := held
	stray.Name, stray.Unit = "ruby", ""
	ruby := sized{Path: "/home/mastodon/.rbenv/versions/3.3.5", Bytes: 410 << 20}
	yarn := sized{Path: "/home/mastodon/.cache/yarn", Bytes: 13 * (gb / 10)}

	whole := func(areas []sized, grownAreas ...grown) *report {
		return &report{survey: &survey{Areas: areas}, found: bare, now: now, grown: grownAreas}
	}
	normal := []sized{
		{Path: "/var/lib/postgresql/15/main", Of: ofDatabase, Bytes: 38 * gb},
		{Path: "/home/mastodon/live", Bytes: 112 * gb},
		{Path: "/var/log", Of: ofLogs, Bytes: 609 << 20},
		{Path: "/srv", Bytes: 12 * gb},
	}
	denied := append([]sized{}, normal...)
	denied[0].Unread, denied[1].Unread = 1, 2
	linked := whole(normal)
	linked.Links = []string{"/srv"}

	say := checkstest.Say
	checkstest.Texts(
		t, "usage",
		say("logs have grown", growthText(logs, now), growthAdvice(logs, bare)),
		say("the journal has grown", growthText(journal, now), growthAdvice(journal, bare)),
		say("PostgreSQL has grown", growthText(base, now), growthAdvice(base, bare)),
		say("another folder has grown", growthText(other, now), growthAdvice(other, bare)),
		say("cached media", mediaText(cached), mediaAdvice(bare)),
		say("cached media, in containers", mediaText(cached), mediaAdvice(compose)),
		say("cached media, of a Mastodon elsewhere", mediaText(cached), mediaAdvice(site.Found{})),
		say("dumps beside the database", dumpText("/var/backups", dumps, 6*gb), dumpAdvice("/var/backups")),
		say("a dump beside the database", dumpText("/var/backups", dumps[:1], 3*gb), dumpAdvice("/var/backups")),
		say("the journal without a limit", journalText(sized{Bytes: 39 * (gb / 10)}), journalAdvice()),
		say("a Ruby left over", rubyText("3.3.5", "3.4.7", ruby), rubyAdvice("3.3.5", ruby.Path, "mastodon")),
		say("a cache of packages", cacheText(yarn), cacheAdvice(yarn)),
		say("deleted files kept open", deletedText(held), deletedAdvice(held)),
		say("deleted files kept open, by no service", deletedText(stray), deletedAdvice(stray)),
		say("pg_wal, from outside: many wait", walText(wal, settings, walWhy(settings, walCause{Waiting: 812})), walAdvice()),
		say("pg_wal, from outside: a slot", walText(wal, settings, walWhy(settings, walCause{Slots: []string{"standby_1"}}))),
		say("pg_wal, from outside: archiving is on", walText(wal, settings, walWhy(settings, walCause{}))),
		say("pg_wal, from outside: nothing", walText(wal, settings, walWhy(walSettings{}, walCause{}))),
		say("pg_wal: nobody reads a slot", walText(wal, settings, walReason(p, reason{Slot: gone}, wal.Bytes)), walRemedy(p, reason{Slot: gone})),
		say("pg_wal: nobody reads a logical slot, and archiving fails", walText(wal, settings, walReason(p, reason{Slot: logical, Archive: true}, wal.Bytes)), walRemedy(p, reason{Slot: logical, Archive: true})),
		say("pg_wal: a reader is slow", walText(wal, settings, walReason(p, reason{Slot: slow}, wal.Bytes)), walRemedy(p, reason{Slot: slow})),
		say("pg_wal: archiving fails", walText(wal, settings, walReason(p, reason{Archive: true}, wal.Bytes)), walRemedy(p, reason{Archive: true})),
		say("pg_wal: archiving has never worked", walText(wal, settings, walReason(never, reason{Archive: true}, wal.Bytes)), walRemedy(never, reason{Archive: true})),
		say("pg_wal: neither", walText(wal, settings, walReason(p, reason{}, wal.Bytes)), walRemedy(p, reason{})),
		say("unseen: no permission", blindDenied("/var/log/nginx"), mendOnce()),
		say("unseen: PostgreSQL's folder", blindDenied("/var/lib/postgresql/15/main"), mendDatabase()),
		say("unseen: no time", blindTime("/srv"), mendTime()),
		say("unseen: dead", blindSilent("/mnt/media"), mendSilent("/mnt/media")),
		say("unseen: an error", blindError("/srv", errors.New("input/output error")), mendOnce()),
		say("unseen: for no known reason", blindError("/srv", nil)),
		say("unseen: a part", blindPart(sized{Path: "/var/log", Bytes: 609 << 20, Unread: 5}, []unread{{Path: "/var/log/nginx"}, {Path: "/var/log/postgresql"}, {Path: "/var/log/private"}}), mendOnce()),
		say("unseen: a part that has no names", blindPart(sized{Path: "/var/log", Bytes: 609 << 20, Unread: 5}, nil), mendOnce()),
		say("unseen: one folder that has no name", blindPart(sized{Path: "/var/log", Bytes: 609 << 20, Unread: 1}, nil), mendOnce()),
		say("unseen: what was told of", blindHeld("/var/log")),
		say("unseen: settings of PostgreSQL", blindWAL("/var/lib/postgresql/15/main"), mendOnce()),
		say("unseen: settings of journald", blindJournal()),
		say("unseen: processes", blindProcesses()),
		say("unseen: too many open files", blindOpen(0)),
		say("unseen: open files of others", blindOpen(143), mendOnce()),
		say("unseen: the walk did not end", noTime()),
		say("unseen: another walk", busy()),
		say("unseen: nothing", nothingSeen()),
		say("summary", whole(normal, logsAs(logs, 609<<20)).summary()),
		say("summary, of an earlier walk", dated(whole(normal).summary(), now.Add(-5*time.Hour))),
		say("summary, what may not be read", whole(denied).summary()),
		say("summary, many links", linked.summary()),
		say("summary, nothing", whole(nil).summary()),
	)
}

func logsAs(g grown, bytes int64) grown {
	g.Bytes = bytes
	return g
}
