package database

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
)

// dawn looks as on the next morning.
func (w *world) dawn() checks.Observation {
	w.t.Helper()
	if w.past.Memory != nil {
		w.tomorrow()
	}
	return w.look()
}

func TestTablesThatWereNeverAnalysed(t *testing.T) {
	w := shared(t, func(c *check) { c.limits.analysed = 0 })
	w.quiet(w.look())
	// As after an upgrade of PostgreSQL: the rows are there, and nothing is known.
	w.db.Exec(t, "create table copies (id bigint, uri text); insert into copies select i, repeat('x', 100) from generate_series(1, 20000) i")
	f := w.expect(w.dawn(), codeUnanalysed, "", checks.Warning)
	w.says(f, "a table was never analysed\nBiggest first: copies.", "一度もANALYZEされていないテーブル")
	w.expect(w.look(), codeUnanalysed, "", checks.Warning) // it is told until the day level looks again
	w.mend(f.Advice)
	w.quiet(w.dawn())
	// A crash loses the record of analyses, not what they have found.
	w.db.Exec(t, "select pg_stat_reset()")
	w.quiet(w.dawn())
}

func TestStatisticsThatAreFarFromTheTruth(t *testing.T) {
	w := shared(t)
	w.quiet(w.look())
	w.db.Exec(t, "insert into tags (name) select 'tag' || i from generate_series(1, 120000) i")
	f := w.expect(w.dawn(), codeStale, "", checks.Warning)
	w.says(f, "the statistics of tags are out of date", "tags の統計情報が古くなっています")
	w.mend(f.Advice)
	w.quiet(w.dawn())
}

func TestDeadRowsThatNobodyClearsAway(t *testing.T) {
	w := shared(t)
	w.db.Exec(t, "alter table tags set (autovacuum_enabled = off); insert into tags (name) select 'tag' || i from generate_series(1, 120000) i")
	w.db.Exec(t, "analyze tags; update tags set updated_at = now(); analyze tags")
	f := w.expect(w.dawn(), codeDead, "", checks.Warning)
	w.says(f, "Share of dead rows: tags 50 %.\nTables swell and get slower to read.\nAutovacuum is switched off for: tags.", "自動バキュームが無効になっています: tags")
	w.mend(f.Advice)
	w.expect(w.dawn(), codeDead, "", checks.OK)
}

func TestRoomThatATableTakesForNothing(t *testing.T) {
	w := shared(t, func(c *check) { c.limits.bloatBytes = 2 * megabyte })
	w.db.Exec(t, `create table open_to_us (id bigint, uri text); grant select (id, uri) on open_to_us to public;
		create table closed_to_us (id bigint, uri text);
		insert into open_to_us select i, repeat('x', 100) from generate_series(1, 60000) i; insert into closed_to_us select i, repeat('x', 100) from generate_series(1, 60000) i`)
	w.db.Exec(t, "vacuum analyze open_to_us, closed_to_us")
	o := w.dawn()
	w.expect(o, codeBloat, "open_to_us", checks.OK)
	usual := checkstest.Value(t, o, "row_bytes", "closed_to_us")
	if usual < 128 || usual > 160 {
		t.Errorf("%v bytes a row", usual)
	}
	for _, table := range []string{"open_to_us", "closed_to_us"} {
		w.db.Exec(t, "delete from "+table+" where id % 10 <> 0")
	}
	w.db.Exec(t, "vacuum analyze open_to_us, closed_to_us")
	o = w.dawn()
	f := w.expect(o, codeBloat, "open_to_us", checks.Warning)
	w.says(f, "of table open_to_us are empty", "テーブル open_to_us は")
	if f.Road != checks.Week {
		t.Error(f.Road)
	}
	w.expect(o, codeBloat, "closed_to_us", checks.OK) // a week of it is needed first
	series := checkstest.Series{Name: "row_bytes", Subject: "closed_to_us"}
	for i := range 8 {
		w.past.Samples[series] = append(w.past.Samples[series], checks.Sample{At: time.Now().Add(-time.Duration(i) * day), Value: usual})
	}
	f = w.expect(w.dawn(), codeBloat, "closed_to_us", checks.Warning)
	w.says(f, "the widths of its columns are not open to me", "権限がなく読めません")
	w.db.Exec(t, "vacuum full open_to_us")
	w.db.Exec(t, "vacuum full closed_to_us")
	w.db.Exec(t, "analyze open_to_us, closed_to_us")
	o = w.dawn()
	w.expect(o, codeBloat, "open_to_us", checks.OK)
	w.expect(o, codeBloat, "closed_to_us", checks.OK)
}

func TestAnIndexWhoseMakingFailed(t *testing.T) {
	w := shared(t)
	w.quiet(w.look())
	w.db.Exec(t, "create table twice (name text); insert into twice values ('a'), ('a')")
	if err := w.db.Try("create unique index concurrently index_twice_on_name on twice (name)"); err == nil {
		t.Fatal("it was made")
	}
	f, ok := checkstest.Find(w.dawn(), codeInvalid, "index_twice_on_name")
	if !ok || !f.Holds {
		t.Errorf("somebody may still be at it: %v %+v", ok, f)
	}
	w.change(memoryKey, func(m *memory) { m.Invalid["index_twice_on_name"] = time.Now().Add(-3 * day) })
	f = w.expect(w.dawn(), codeInvalid, "index_twice_on_name", checks.Warning)
	if f.Holds {
		t.Error("after two days it is told")
	}
	w.says(f, "index index_twice_on_name is invalid", "インデックス index_twice_on_name が無効です")
	w.db.Exec(t, "delete from twice where ctid = (select min(ctid) from twice)")
	w.mend(f.Advice)
	w.quiet(w.dawn())
	if !(index{Name: "index_x_ccnew1"}).leftover() || (index{Name: "index_ccnew_x"}).leftover() {
		t.Error("what REINDEX leaves")
	}
}

func TestAKeyThatNothingKeepsUnique(t *testing.T) {
	w := shared(t)
	w.quiet(w.look())
	w.db.Exec(t, "drop index index_statuses_on_uri, index_preview_cards_on_url, "+accountsIndex)
	w.db.Exec(t, "drop index index_tags_on_name_lower_btree; create index index_tags_on_name_lower_btree on tags (lower(name))")
	w.db.Exec(t, "create unique index by_another_name on preview_cards (url)")
	o := w.dawn()
	w.expect(o, codeMissing, "index_preview_cards_on_url", checks.OK)
	statuses := w.expect(o, codeMissing, "index_statuses_on_uri", checks.Warning)
	w.says(statuses, "the unique index index_statuses_on_uri is missing", "ユニークインデックス index_statuses_on_uri がありません")
	tags := w.expect(o, codeMissing, "index_tags_on_name_lower_btree", checks.Warning)
	w.says(tags, "is not unique, as it should be", "ユニークになっていません")
	accounts := w.expect(o, codeMissing, accountsIndex, checks.Warning)
	for _, f := range []checks.Finding{statuses, tags, accounts} {
		w.mend(f.Advice)
	}
	w.quiet(w.dawn())
}

func TestEveryKeyCanBeMadeAnew(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	for _, k := range keys {
		if len(db.Rows(t, "select 1 where to_regclass($1) is null", k.Table)) > 0 {
			if k.Table != "account_identity_proofs" {
				t.Errorf("%s is not there", k.Table)
			}
			continue
		}
		db.Exec(t, "drop index "+k.Index)
		db.Exec(t, k.create())
	}
}

func TestACollationOfAnotherVersion(t *testing.T) {
	c := postgres.Own(t, "icu_locale=en-US")
	db := c.Mastodon(t, "4.6")
	w := newWorld(t, db, atNight)
	w.quiet(w.look())
	if n := recall[night](w.past, nightKey); n.Version == "" || n.Known == 0 || n.left() != 0 {
		t.Errorf("%+v", n)
	}
	db.Exec(t, "update pg_database set datcollversion = '1.0' where datname = current_database()")
	// The version that sorts was another one yesterday.
	w.change(nightKey, func(n *night) { n.Version = "1.0" })
	f := w.expect(w.dawn(), codeCollation, "", checks.Warning)
	w.says(f, "the database's sort order (collation) has changed its version (1.0 → ", "バージョンが変わりました（1.0→")
	n := recall[night](w.past, nightKey)
	if n.Since.IsZero() || n.left() != 0 {
		t.Errorf("not all indexes were read again: %+v", n.left())
	}
	w.says(w.expect(w.dawn(), codeCollation, "", checks.Warning), "All indexes have been read since.", "すべてのインデックスを検査しました")
	w.mend(f.Advice)
	w.expect(w.dawn(), codeCollation, "", checks.OK)
}

func TestCollationsThatNoLibraryChanges(t *testing.T) {
	for _, c := range []struct {
		collation
		want bool
	}{
		{collation{"C", "", ""}, false}, {collation{"C.UTF-8", "", ""}, false}, {collation{"de_DE.UTF-8", "2.31", "2.36"}, true}, {collation{"de_DE.UTF-8", "2.36", "2.36"}, false},
	} {
		if got := c.changed(); got != c.want {
			t.Errorf("%+v: %v", c.collation, got)
		}
	}
}

func TestNumbersThatComeToTheirEnd(t *testing.T) {
	w := shared(t)
	w.db.Exec(t, "create table small_numbers (id serial primary key); grant select (id) on small_numbers to public; create table big_numbers (id bigserial primary key)")
	w.db.Exec(t, "insert into big_numbers values (9000000000000); insert into small_numbers values (5)")
	w.quiet(w.look())
	w.db.Exec(t, "insert into small_numbers values (1800000000)")
	f := w.expect(w.dawn(), codeSequence, "small_numbers.id", checks.Warning)
	w.says(f, "the numbers of small_numbers.id are 84 % used up", "small_numbers.id の番号を84%")
	w.db.Exec(t, "insert into small_numbers values (2140000000)")
	w.expect(w.dawn(), codeSequence, "small_numbers.id", checks.Critical)
	w.db.Exec(t, "alter table small_numbers alter column id type bigint")
	w.quiet(w.dawn())
}

func TestStatementsThatBecomeSlower(t *testing.T) {
	w := shared(t, func(c *check) { c.limits.slowerDays, c.limits.slowerMillis, c.limits.slowerCalls = 2, 5, 5 })
	w.db.Exec(t, "create extension pg_stat_statements; select pg_stat_statements_reset()")
	conn := w.db.Conn(t)
	run := func(pause float64) {
		t.Helper()
		for range 10 {
			if _, err := conn.Exec(t.Context(), "select pg_sleep($1), username from accounts where username = $2 limit 1", pause, "alice"); err != nil {
				t.Fatal(err)
			}
		}
	}
	nextDay := func() checks.Observation {
		t.Helper()
		w.tomorrow()
		g := recall[ledger](w.past, statementsKey)
		raw := string(w.past.Memory[statementsKey])
		at, _ := g.At.MarshalText()
		before, _ := g.At.Add(-day).MarshalText()
		w.past.Memory[statementsKey] = []byte(strings.Replace(raw, string(at), string(before), 1))
		return w.look()
	}
	w.db.Exec(t, "insert into accounts (username) select 'alice' where not exists (select from accounts where username = 'alice')")
	run(0)
	w.quiet(w.look())
	for range 3 {
		run(0.001)
		w.quiet(nextDay())
	}
	run(0.05)
	f := w.expect(nextDay(), codeSlower, "", checks.Warning)
	w.says(f, "SELECT accounts ", "SELECT accounts ")
	for _, text := range []string{f.Text.En, f.Text.Ja} {
		if strings.Contains(text, "alice") || strings.Contains(text, "pg_sleep") || strings.Contains(text, "limit") {
			t.Errorf("more than the first words is told: %s", text)
		}
	}
	w.expect(w.look(), codeSlower, "", checks.Warning) // until the next day
	run(0.001)
	w.expect(nextDay(), codeSlower, "", checks.OK)
}

func TestADaysMeanIsThatOfTheDay(t *testing.T) {
	l, now := usual(), time.Now()
	g := ledger{}
	calls, ms := int64(0), 0.0
	day := func(mean float64, n int64) {
		calls, ms = calls+n, ms+mean*float64(n)
		g = g.turn(now, map[string]tally{"7": {calls, ms}}, l)
	}
	for range 8 {
		day(20, 1000)
	}
	if len(g.Slower) != 0 || len(g.Days["7"]) != 7 {
		t.Errorf("%+v", g)
	}
	day(500, 10)
	if len(g.Slower) != 0 {
		t.Error("ten calls say nothing")
	}
	day(200, 100)
	if len(g.Slower) != 1 || fmt.Sprintf("%.0f %.0f", g.Slower[0].Now, g.Slower[0].Usual) != "200 20" {
		t.Errorf("%+v", g.Slower)
	}
	calls, ms = 0, 0 // the counters were set back
	day(20, 100)
	if len(g.Slower) != 0 {
		t.Errorf("%+v", g.Slower)
	}
}
