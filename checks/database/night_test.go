package database

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest/postgres"
)

const accountsIndex = "index_accounts_on_username_and_domain_lower"

// atNight lets every look be one at night.
func atNight(c *check) { c.limits.anyHour = true }

// people fills accounts, so that its indexes have more than one page.
func people(t *testing.T, db *postgres.DB, n int) {
	t.Helper()
	db.Exec(t, fmt.Sprintf("insert into accounts (username, domain) select 'person' || i, 'server' || i %% 50 || '.example' from generate_series(1, %d) i", n))
	db.Analyse(t)
	db.Exec(t, "checkpoint")
}

func TestAnIndexThatIsBrokenWithChecksums(t *testing.T) {
	c := postgres.Own(t, "data_checksums=on")
	db := c.Mastodon(t, "4.6")
	people(t, db, 20_000)
	w := newWorld(t, db, atNight)
	w.quiet(w.look())
	file := postgres.Get[string](t, db, "select pg_relation_filepath('"+accountsIndex+"')")
	c.Stop(t)
	damage(t, c, file, 8192*50, []byte(strings.Repeat("not what was written ", 390)))
	c.Start(t)
	// It was read tonight; it would be read again in a month, unless it changes.
	w.change(nightKey, func(n *night) { n.Indexes = nil })
	o := w.look()
	f := w.expect(o, codeBroken, accountsIndex, checks.Critical)
	w.says(f, "index "+accountsIndex+" is broken", "インデックス "+accountsIndex+" が壊れています")
	w.says(f, "invalid page in block 50", "invalid page in block 50")
	if !f.Harm.IsZero() || f.Road != checks.Now {
		t.Errorf("by day, at once: %+v", f)
	}
	f = w.expect(w.look(), codeChecksums, "", checks.Critical)
	w.says(f, "has read damaged pages: 1 so far", "壊れたページを検出しました（これまでに1回）")
	w.expect(w.look(), codeBroken, accountsIndex, checks.Critical)
	f = w.expect(w.look(), codeBroken, accountsIndex, checks.Critical)
	w.mend(f.Advice)
	w.expect(w.look(), codeBroken, accountsIndex, checks.OK)
	w.expect(w.look(), codeChecksums, "", checks.Critical) // the disk is no better for that
	db.Exec(t, "select pg_stat_reset()")
	w.expect(w.look(), codeChecksums, "", checks.OK)
}

func TestAnIndexThatIsBrokenWithoutChecksumsIsSeenMendedByDay(t *testing.T) {
	c := postgres.Own(t)
	db := c.Mastodon(t, "4.6")
	people(t, db, 20_000)
	w := newWorld(t, db)
	file := postgres.Get[string](t, db, "select pg_relation_filepath('"+accountsIndex+"')")
	c.Stop(t)
	damage(t, c, file, tupleSize(t, c, file, 50), []byte{0xff, 0x1f})
	c.Start(t)
	if n := postgres.Get[int64](t, db, "select count(*) from accounts where username like 'person%'"); n != 20_000 {
		t.Fatalf("the site would look ill: %d", n)
	}
	w.look()
	f := w.expect(w.thorough(), codeBroken, accountsIndex, checks.Critical)
	w.expect(w.look(), codeBroken, accountsIndex, checks.Critical)
	w.mend(f.Advice)
	o := w.look() // not at night: a rebuilt index is read at once
	w.expect(o, codeBroken, accountsIndex, checks.OK)
}

// tupleSize is where the size of the second entry of an index's page is written.
func tupleSize(t *testing.T, c *postgres.Cluster, file string, page int64) int64 {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.DataDir, file))
	if err != nil {
		t.Fatal(err)
	}
	pointer := binary.LittleEndian.Uint32(raw[page*8192+24+4:])
	return page*8192 + int64(pointer&0x7fff) + 6
}

func TestAnIndexWhoseReadingEndsPostgreSQL(t *testing.T) {
	c := postgres.Own(t)
	w := newWorld(t, c.Mastodon(t, "4.6"), atNight)
	w.look()
	w.db.Exec(t, "checkpoint") // fsync is off: the crash would take the role with it
	s := &shift{look: newLook(w.check.(*check), w.past, time.Now()), until: time.Now().Add(time.Minute)}
	got := make(chan error, 1)
	go func() { got <- s.guarded(t.Context(), 30*time.Second, sleepOver) }()
	var pid int
	eventually(t, func() bool {
		rows := w.db.Rows(t, "select pid from pg_stat_activity where state = 'active' and query like 'select pg_sleep%'")
		if len(rows) == 1 {
			pid, _ = strconv.Atoi(rows[0][0])
		}
		return pid > 0
	})
	if err := syscall.Kill(pid, syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !outcomeOf(err).Fatal {
		t.Fatalf("%v", err)
	}
	eventually(t, func() bool { return w.db.Try("select 1") == nil })
	w.change(nightKey, func(n *night) {
		i := n.Indexes[accountsIndex]
		i.Broken, i.Fatal, i.At = "-", true, i.At.Add(-2*day)
		n.Indexes[accountsIndex] = i
	})
	f := w.expect(w.look(), codeBroken, accountsIndex, checks.Critical) // it is not read again
	w.says(f, "crashed", "異常終了")
	w.mend(f.Advice)
	w.expect(w.look(), codeBroken, accountsIndex, checks.OK)
}

// hide makes the unique index of accounts lose sight of what is inserted by f,
// as a change of the collation does.
func hide(t *testing.T, db *postgres.DB, f func()) {
	t.Helper()
	set := func(ready string) {
		db.Exec(t, "update pg_index set indisready = "+ready+", indisvalid = "+ready+" where indexrelid = '"+accountsIndex+"'::regclass")
		db.Exec(t, "alter table accounts set (fillfactor = 100)") // everybody reads pg_index anew
	}
	set("false")
	f()
	set("true")
}

func TestRowsThatABrokenIndexLetIn(t *testing.T) {
	for name, small := range map[string]float64{"in a small table": 64 * megabyte, "in a big one": 1} {
		t.Run(name, func(t *testing.T) {
			w := shared(t, atNight, func(c *check) { c.limits.small, c.limits.sliceRows, c.limits.awaited = small, 1000, time.Minute })
			people(t, w.db, 3_000)
			w.quiet(w.look())
			hide(t, w.db, func() {
				w.db.Exec(t, "insert into accounts (username, domain) values ('PERSON7', 'server7.example'), ('person8', 'server8.example')")
			})
			byIndex := postgres.Get[int64](t, w.db, "select count(*) from accounts where lower(username) = 'person7' and coalesce(lower(domain), '') = 'server7.example'")
			if byIndex != 1 {
				t.Fatalf("the index does not hide them: %d", byIndex)
			}
			w.change(nightKey, func(n *night) {
				n.Tables = nil
				if small == 1 { // there must be a reason to read a big one
					i := n.Indexes[accountsIndex]
					i.Broken, i.At = "by the test", time.Now()
					n.Indexes[accountsIndex] = i
				}
			})
			f := w.expect(w.look(), codeDuplicates, "accounts", checks.Critical)
			w.says(f, "table accounts has duplicate rows (2)", "テーブル accounts に重複した行があります（2件）")
			if cmd := f.Advice.Mend[0].String(); !strings.Contains(cmd, "REINDEX INDEX CONCURRENTLY "+accountsIndex) || !strings.Contains(f.Advice.Text.En, "tootctl maintenance fix-duplicates") || !strings.Contains(f.Advice.Text.En, "backup first") || !f.Harm.IsZero() {
				t.Errorf("%s %+v", cmd, f)
			}
			w.db.Exec(t, "set enable_indexscan = off; set enable_bitmapscan = off; delete from accounts where username in ('PERSON7', 'person8') and id in (select max(id) from accounts group by lower(username), domain having count(*) > 1)")
			w.db.Exec(t, "reindex index "+accountsIndex)
			w.expect(w.look(), codeDuplicates, "accounts", checks.Critical) // not read again before an hour is over
			w.change(nightKey, func(n *night) {
				for name, t := range n.Tables {
					t.At = t.At.Add(-day)
					n.Tables[name] = t
				}
			})
			w.expect(w.look(), codeDuplicates, "accounts", checks.OK)
		})
	}
}

func TestNoIndexIsUsedToLookForDoubles(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	people(t, db, 3_000)
	for _, k := range keys {
		if k.Closed || len(db.Rows(t, "select 1 where to_regclass($1) is null", k.Table)) > 0 {
			continue
		}
		conn := db.Conn(t)
		if _, err := conn.PgConn().Exec(t.Context(), "begin; set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off").ReadAll(); err != nil {
			t.Fatal(err)
		}
		for _, slices := range []int{1, 3} {
			rows, err := conn.Query(t.Context(), "explain "+k.twice(0, slices))
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				if line := fmt.Sprint(rows.RawValues()); strings.Contains(string(rows.RawValues()[0]), "Index") {
					t.Errorf("%s: %s", k.Table, line)
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestReadingEndsWhenSomebodyWaits(t *testing.T) {
	w := shared(t, func(c *check) { c.limits.watch = 50 * time.Millisecond })
	w.look()
	s := &shift{look: newLook(w.check.(*check), w.past, time.Now()), until: time.Now().Add(time.Minute)}
	got := make(chan error, 1)
	go func() {
		got <- s.guarded(t.Context(), 30*time.Second, sleepOver)
	}()
	eventually(t, func() bool {
		return len(w.db.Rows(t, "select 1 from pg_stat_activity where state = 'active' and query like 'select pg_sleep%'")) > 0
	})
	other := w.db.Conn(t)
	began := time.Now()
	if _, err := other.Exec(t.Context(), "alter table tags add column more int"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a migration waited for %v", took)
	}
	if err := <-got; err == nil || s.stopped != "somebody waits for us" {
		t.Errorf("%v, %q", err, s.stopped)
	}
}

func TestWhatStopsTheNight(t *testing.T) {
	l := usual()
	for want, g := range map[string]ground{
		"": {Active: 3, Load: 0.4}, "busy": {Active: 8}, "the machine is busy": {Load: 1.6},
		"a dump is at work": {Tool: true}, "a replica is behind": {Lag: 2 * time.Minute}, "somebody waits for us": {Waits: true},
	} {
		if got := g.trouble(l); got != want {
			t.Errorf("%+v: %q, want %q", g, got, want)
		}
	}
	w := shared(t, atNight, func(c *check) { c.limits.connectionsWarning = 0 })
	w.look()
	if n := recall[night](w.past, nightKey); len(n.Indexes) > 0 {
		t.Error("indexes were read although connections are short")
	}
}

func TestANightIsShort(t *testing.T) {
	l := usual()
	at := func(clock string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", "2026-03-04 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for clock, want := range map[string]bool{"01:14": false, "01:15": true, "02:44": true, "02:45": false, "13:30": false} {
		if got := inNight(at(clock)); got != want {
			t.Errorf("%s: %v", clock, got)
		}
	}
	if got := nightLeft(at("01:20"), 0, l); got != l.part {
		t.Error(got)
	}
	if got := nightLeft(at("01:20"), 19*time.Minute, l); got != time.Minute {
		t.Error(got)
	}
	if got := nightLeft(at("02:44"), 0, l); got != time.Minute {
		t.Error(got)
	}
}

func TestTheDayBeginsAtHalfPastSix(t *testing.T) {
	now := time.Date(2026, 3, 4, 6, 31, 0, 0, time.UTC)
	found := []checks.Finding{{Code: codeStale}}
	for _, c := range []struct {
		name string
		now  time.Time
		last kept
		want bool
	}{
		{"never looked", now, kept{}, true},
		{"yesterday's", now, kept{At: now.Add(-day)}, true},
		{"today's", now.Add(time.Hour), kept{At: now}, false},
		{"before half past six yesterday's still holds", now.Add(-time.Hour), kept{At: now.Add(-day)}, false},
		{"where something was found it looks again after an hour", now.Add(time.Hour), kept{At: now, Findings: found}, true},
		{"and not before", now.Add(30 * time.Minute), kept{At: now, Findings: found}, false},
		{"the clock was set back", now.Add(-2 * day), kept{At: now}, true},
	} {
		if got := dayDue(c.now, c.last); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestTheOrderInWhichANightReads(t *testing.T) {
	now, l := time.Date(2026, 3, 4, 1, 20, 0, 0, time.UTC), usual()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	indexes := []readable{
		{Name: "big", Table: "statuses", Bytes: 3e9, Sorted: true},
		{Name: "numbers", Table: "statuses", Bytes: 1e6},
		{Name: "small", Table: "tags", Bytes: 2e6, Sorted: true},
		{Name: "sick", Table: "accounts", Bytes: 5e6, Node: 1, Sorted: true},
		{Name: "mended", Table: "tags", Bytes: 5e6, Node: 9},
	}
	heaps := map[string]heap{"accounts": {"accounts", 1e9, 2e6}, "tags": {"tags", 1e6, 1e4}, "statuses": {"statuses", 1e10, 1e7}}
	sick := map[string]readIndex{"sick": {At: ago(day), Table: "accounts", Node: 1, Broken: "x"}, "mended": {At: ago(time.Hour), Node: 8, Broken: "x"}}
	names := func(n night, byDay bool) []string {
		var all []string
		for _, j := range plan(now, n, indexes, heaps, suspects(n, nil), byDay, l) {
			if j.Index != nil {
				all = append(all, j.Index.Name)
			} else {
				all = append(all, j.Heap.Name)
			}
		}
		return all
	}
	read := map[string]readIndex{}
	for _, i := range indexes {
		read[i.Name] = readIndex{At: ago(2 * day), Node: i.Node}
	}
	for name, c := range map[string]struct {
		n     night
		byDay bool
		want  []string
	}{
		"the first night": {night{}, false, []string{"tags", "numbers", "small", "sick", "mended", "big"}},
		"what is broken comes first, its table last":     {night{Indexes: sick}, false, []string{"sick", "mended", "tags", "numbers", "small", "big", "accounts"}},
		"by day only what was mended":                    {night{Indexes: sick}, true, []string{"mended"}},
		"all was read the day before yesterday":          {night{Indexes: read}, false, []string{"tags"}},
		"the collation changed: texts first":             {night{Indexes: read, Since: ago(day)}, false, []string{"tags", "small", "sick", "big", "numbers", "mended"}},
		"a big table is gone on with":                    {night{Indexes: read, Tables: map[string]readTable{"statuses": {Slice: 3, Slices: 20}, "tags": {At: ago(time.Hour)}}}, false, []string{"statuses"}},
		"rows that were twice are compared again by day": {night{Tables: map[string]readTable{"tags": {Twice: 1, At: ago(2 * time.Hour)}}}, true, []string{"tags"}},
		"a table that takes too long is not begun again": {night{Indexes: read, Tables: map[string]readTable{"statuses": {Long: true, Twice: 1}, "tags": {At: ago(time.Hour)}}}, false, nil},
	} {
		if diff := cmp.Diff(c.want, names(c.n, c.byDay)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := (heap{"statuses", 1e10, 1e7}).slices(l); got != 21 {
		t.Error(got)
	}
	if got := (job{Index: &readable{Bytes: 1e12}}).needs(l); got > l.part {
		t.Errorf("what needs more than there ever is, is never tried: %v", got)
	}
	if !slices.Equal([]bool{suspects(night{}, []checks.Finding{{Code: codeMissing, Subject: "index_statuses_on_uri"}})["statuses"], suspects(night{}, []checks.Finding{{Code: codeCollation}})["conversations"]}, []bool{true, true}) {
		t.Error("reasons to doubt")
	}
}

func TestWhatAnErrorSaysOfAnIndex(t *testing.T) {
	for code, want := range map[string]outcome{
		"XX002": {Broken: "said"}, "XX001": {Broken: "said"}, "58030": {Broken: "said"}, "57014": {Cut: true}, "55P03": {}, "42501": {}, "42P01": {},
	} {
		if got := outcomeOf(fmt.Errorf("asking: %w", &pgconn.PgError{Code: code, Message: "said"})); got != want {
			t.Errorf("%s: %+v", code, got)
		}
	}
	if got := outcomeOf(errors.New("odd")); got != (outcome{}) {
		t.Errorf("%+v", got)
	}
}
