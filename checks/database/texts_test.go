package database

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestTexts(t *testing.T) {
	const gb = float64(1 << 30)
	now, day := checkstest.TextsNow, 24*time.Hour
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	where, err := site.New(site.Config{Domain: "example.social", Live: "/home/mastodon/live", Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	l := &look{
		check: &check{site: where}, now: now, seen: true,
		past:   &checkstest.Past{Bands: map[checkstest.Series]checks.Band{{Name: "connections"}: {Low: 38, Mid: 41, High: 44, Days: 20}}},
		server: server{Name: "mastodon_production", Version: 150018, Port: 5432, Took: 2 * time.Millisecond},
		wal:    wal{Bytes: 14 * gb, Max: gb, Free: 6 * gb, FreeKnown: true},
	}
	usual := checks.Band{Low: 38, Mid: 41, High: 44, Days: 20}
	crowds := []crowd{{"sidekiq", 61}, {"puma", 22}, {"streaming", 9}, {"psql", 1}}
	long := session{PID: 4711, User: "mastodon", App: "sidekiq 7.3", State: "active", Words: "UPDATE", Asked: 42 * time.Minute}
	refresh := session{PID: 4712, User: "mastodon", App: "puma: cluster worker 0", State: "active", Words: "REFRESH MATERIALIZED VIEW", View: "instances", Asked: 12 * time.Minute}
	idle := session{PID: 4713, User: "mastodon", App: "psql", State: "idle in transaction", Still: 3 * time.Hour, Open: 3 * time.Hour}
	waits := session{PID: 4714, User: "mastodon", App: "puma", State: "active", Words: "SELECT", Waits: 5 * time.Minute, Locked: true, By: []int32{4713}}
	behindWork := session{PID: 4715, User: "mastodon", App: "puma", State: "active", Words: "UPDATE", Waits: 8 * time.Minute, Locked: true, By: []int32{4711}}
	prepared := session{PID: 4716, User: "mastodon", App: "puma", State: "active", Words: "DELETE", Waits: 8 * time.Minute, Locked: true, By: []int32{0}}
	l.activity = []session{long, refresh, idle, waits, behindWork, prepared}
	idleSlot := slot{Name: "standby_1", Held: 13 * gb}
	slotted := *l
	slotted.idleSlot = idleSlot
	archive := archiver{On: true, Archived: ago(30 * time.Hour), Failed: ago(time.Minute), Waiting: ago(30 * time.Hour), Files: 1204}

	statuses := table{Name: "statuses", Bytes: 31 * gb, Live: 9.8e6, Dead: 4.1e6, Modified: 3.2e6, Columns: 30, Known: 30}
	accounts := table{Name: "accounts", Bytes: 2 * gb, Live: 1.1e6, Dead: 0.6e6, Modified: 0.4e6, Untended: true, Columns: 60, Known: 12}
	tables := []table{statuses, accounts, {Name: "mentions", Live: 100, Dead: 60, Modified: 41}, {Name: "tags", Live: 100, Dead: 50, Modified: 31}}
	calm := *l
	calm.activity = nil
	onURI := index{Name: "index_statuses_on_uri", Table: "statuses", Unique: true}
	plain := index{Name: "index_statuses_on_account_id", Table: "statuses"}
	leftover := index{Name: "index_statuses_on_uri_ccnew", Table: "statuses", Unique: true}
	collated := collation{Name: "en_US.UTF-8", Recorded: "2.31", Actual: "2.36"}
	read := func(known, done int) night {
		n := night{Known: known, Since: ago(3 * day), Indexes: map[string]readIndex{}}
		for i := range done {
			n.Indexes[string(rune('a'+i))] = readIndex{At: ago(day)}
		}
		return n
	}
	last := float64(1_932_735_283)
	ids := counter{Table: "media_attachments", Column: "id", Most: 1<<31 - 1, Last: &last}
	broken := readIndex{At: ago(5 * time.Hour), Table: "statuses", Broken: `item order invariant violated for index "index_statuses_on_uri"`}
	fatal := readIndex{At: ago(5 * time.Hour), Table: "statuses", Broken: "gone", Fatal: true}
	healthy := calm
	healthy.wal = wal{Bytes: gb / 2}
	healthy.memory.Day.Bytes = 38 * gb
	healthy.nightly = read(12, 12)
	partly := healthy
	partly.nightly, partly.past = read(12, 4), &checkstest.Past{}
	partly.activity = []session{idle}

	say := checkstest.Say
	said := []checkstest.Said{
		say("many connections", connectionsText(93, 100, crowds, usual), connectionsAdvice(l)),
		say("many connections, no usual number", connectionsText(93, 100, crowds[:1], checks.Band{}), connectionsAdvice(l)),
		say("a long statement", longText(l, []session{long}), longAdvice(l, []session{long})),
		say("long statements", longText(l, []session{long, refresh}), longAdvice(l, []session{long, refresh})),
		say("an idle transaction", idleText(l, []session{idle}), idleAdvice(l, []session{idle})),
		say("idle transactions", idleText(l, []session{idle, idle, idle, idle}), idleAdvice(l, []session{idle})),
		say("waiting for a lock of somebody idle", blockedText(l, []session{waits}), blockedAdvice(l, []session{waits})),
		say("waiting for a lock of somebody at work", blockedText(l, []session{behindWork, waits}), blockedAdvice(l, []session{behindWork, waits})),
		say("waiting for a lock of nobody", blockedText(l, []session{prepared}), blockedAdvice(l, []session{prepared})),
		say("pg_wal", walText(l.wal), walAdvice(l)),
		say("pg_wal, by a slot", walText(wal{Bytes: 14 * gb, Max: gb}), walAdvice(&slotted)),
		say("a slot that nobody reads", slotText(idleSlot, ago(2*day)), slotAdvice(l, idleSlot)),
		say("archiving fails", archiverText(archive, verdict{Why: "fails"}), archiverAdvice(l)),
		say("archiving stands still", archiverText(archiver{Waiting: ago(3 * time.Hour), Files: 14}, verdict{Why: "stands still"}), archiverAdvice(l)),
		say("transaction ids", ageText(codeWraparound, "mastodon_production", 1.7e9, verdict{Severity: checks.Warning}), ageAdvice(l, "mastodon_production")),
		say("multixact ids, nearly none", ageText(codeMultixact, "mastodon_production", 2.05e9, verdict{Severity: checks.Critical}), ageAdvice(l, "mastodon_production")),
		say("damaged pages", checksumsText(checksums{3, ago(2 * time.Hour)}), checksumsAdvice(l)),
		say("a view that is empty: instances", viewText("instances"), viewAdvice(l, "instances")),
		say("a view that is empty: recommendations", viewText("follow_recommendations"), viewAdvice(l, "follow_recommendations")),
		say("a view that is empty: another", viewText("user_ips"), viewAdvice(l, "user_ips")),
		say("it has become a replica", replicaText(verdict{Severity: checks.Critical}), replicaAdvice(l)),
		say("it is a replica", replicaText(verdict{Severity: checks.Warning}), replicaAdvice(l)),
		say("the replica is behind", lagText(7*time.Minute, true), lagAdvice(l)),
		say("the replica gets nothing", lagText(0, false), lagAdvice(l)),
		say("a table never analysed", unanalysedText(tables[:1]), analyseAdvice(l, tables[:1])),
		say("tables never analysed", unanalysedText(tables), analyseAdvice(l, tables)),
		say("old statistics", staleText(tables[:1]), analyseAdvice(l, tables[:1])),
		say("old statistics of many", staleText(tables), analyseAdvice(l, tables)),
		say("dead rows", deadText(&calm, tables[:1]), vacuumAdvice(l, tables[:1])),
		say("dead rows of many, autovacuum off, an open transaction", deadText(l, tables), vacuumAdvice(l, tables)),
		say("a swollen table", bloatText(statuses, 12*gb), bloatAdvice(l, statuses)),
		say("a swollen table, columns not readable", bloatText(accounts, gb), bloatAdvice(l, accounts)),
		say("an invalid index", invalidText(plain, ago(3*day)), invalidAdvice(l, plain)),
		say("an invalid unique index", invalidText(onURI, ago(3*day)), invalidAdvice(l, onURI)),
		say("an invalid index left over", invalidText(leftover, ago(3*day)), invalidAdvice(l, leftover)),
		say("a missing index", missingText(keys[0], missing), missingAdvice(l, keys[0], missing)),
		say("an index that is not unique", missingText(keys[1], notUnique), missingAdvice(l, keys[1], notUnique)),
		say("sorted otherwise", collationText(collated, night{}), collationAdvice(l)),
		say("sorted otherwise, some read", collationText(collated, read(12, 4)), collationAdvice(l)),
		say("sorted otherwise, all read, old PostgreSQL", collationText(collation{Actual: "2.36"}, read(4, 4)), collationAdvice(l)),
		say("numbers used up", sequenceText(ids), sequenceAdvice(ids)),
		say("a slower query", slowerText([]slower{{Verb: "SELECT", Table: "statuses", Now: 840, Usual: 12}}), slowerAdvice(l)),
		say("slower queries", slowerText([]slower{{Verb: "SELECT", Table: "statuses", Now: 840, Usual: 12}, {Now: 90, Usual: 20}}), slowerAdvice(l)),
		say("a broken index", brokenText("index_statuses_on_uri", broken), brokenAdvice(l, "index_statuses_on_uri")),
		say("a broken index that ends PostgreSQL", brokenText("index_statuses_on_uri", fatal), brokenAdvice(l, "index_statuses_on_uri")),
		say("doubles: accounts", duplicatesText("accounts", readTable{Twice: 14}), duplicatesAdvice(l, "accounts")),
		say("doubles: emoji", duplicatesText("custom_emojis", readTable{Twice: 2}), duplicatesAdvice(l, "custom_emojis")),
		say("doubles: others, very many", duplicatesText("tags", readTable{Twice: twiceLimit}), duplicatesAdvice(l, "tags")),
	}
	for what, f := range []struct {
		what  string
		fault site.Fault
		why   checks.Text
	}{
		{"not there", site.NotThere, checks.Text{En: "PostgreSQL does not listen at /var/run/postgresql/.s.PGSQL.5432", Ja: "PostgreSQLが /var/run/postgresql/.s.PGSQL.5432 で待ち受けていません"}},
		{"full", site.Full, checks.Text{En: "PostgreSQL has no connection left", Ja: "PostgreSQLの接続数に空きがありません"}},
		{"starting", site.Starting, checks.Text{En: "PostgreSQL is just starting or stopping", Ja: "PostgreSQLは起動中または停止中です"}},
		{"silent", site.Silent, checks.Text{En: "PostgreSQL at 127.0.0.1:5432 does not answer in time", Ja: "PostgreSQL（127.0.0.1:5432）から時間内に応答がありません"}},
		{"damaged", site.Odd, checks.Text{En: `PostgreSQL answers with an error ("could not read block 12 in file base/16384/2619")`, Ja: "PostgreSQLからエラーが返りました（「could not read block 12 in file base/16384/2619」）"}},
	} {
		last := time.Time{}
		if what > 0 {
			last = ago(9 * time.Minute)
		}
		said = append(said, say("no answer: "+f.what, answerText(f.why, last), answerAdvice(f.fault, site.Found{})))
	}
	said = append(
		said,
		say("no answer, in containers", answerHead(checks.Text{En: "PostgreSQL does not listen at db:5432", Ja: "PostgreSQLが db:5432 で待ち受けていません"}), answerAdvice(site.NotThere, site.Found{Compose: "/opt/mastodon"})),
		say("unseen: no time", noTime()),
		say("unseen: no Mastodon", noMastodon("postgres"), mendURL()),
		say("unseen: no pg_monitor", noMonitor(), mendGrants()),
		say("unseen: a counter", noCounter(ids), mendGrants()),
		say("unseen: no amcheck", noAmcheck(false), mendGrants()),
		say("unseen: no right to amcheck", noAmcheck(true), mendGrants()),
		say("unseen: columns", noColumns(keys[0]), mendGrants()),
		say("unseen: on a replica", onlyPrimary()),
		say("unseen: a big index", tooLong("index_statuses_on_uri"), mendByHand(l, "index_statuses_on_uri")),
		say("unseen: a big table", tableTooLong("statuses")),
		say("summary", summary(&healthy)),
		say("summary, some indexes read, one connection", summary(&partly)),
	)
	checkstest.Texts(t, "database", said...)
}
