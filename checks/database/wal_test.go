package database

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
)

// fill writes so many segments of pg_wal, 16 MB each.
func fill(t *testing.T, db *postgres.DB, segments int) {
	t.Helper()
	for range segments {
		db.Exec(t, "update accounts set updated_at = updated_at where id = -99; select pg_switch_wal()")
	}
}

func TestPgWalAndSlots(t *testing.T) {
	c := postgres.Own(t, "max_wal_size=32MB", "min_wal_size=32MB", "wal_level=logical")
	db := c.Mastodon(t, "4.6")
	w := newWorld(t, db, func(c *check) { c.limits.slotBytes, c.limits.walFree = 20*megabyte, 1e9 })
	db.Exec(t, "checkpoint")
	w.quiet(w.look())

	db.Exec(t, "select pg_create_logical_replication_slot('dead', 'pgoutput')")
	fill(t, db, 5)
	db.Exec(t, "checkpoint")
	o := w.look()
	w.expect(o, codeSlot, "dead", checks.OK) // nobody has read it for a moment only
	f := w.expect(o, codeWAL, "", checks.Warning)
	w.says(f, "pg_wal has grown to ", "に増えています（設定上は32MBまで）")
	fill(t, db, 6)
	f = w.expect(w.look(), codeWAL, "", checks.Critical)
	if f.Road != checks.Now || f.Harm.IsZero() {
		t.Errorf("%+v", f)
	}
	w.change(memoryKey, func(m *memory) { m.Slots["dead"] = time.Now().Add(-2 * time.Hour) })
	f = w.expect(w.look(), codeSlot, "dead", checks.Warning)
	w.says(f, "replication slot dead holds back ", "レプリケーションスロット dead が")
	w.says(f, "for at least 2 h", "2時間前から")
	w.mend(f.Advice)
	db.Exec(t, "checkpoint")
	fill(t, db, 1)
	db.Exec(t, "checkpoint")
	o = w.look()
	w.expect(o, codeSlot, "dead", checks.OK)
	w.expect(o, codeWAL, "", checks.OK)
}

func TestPgWalThatFillsTheDisk(t *testing.T) {
	l := usual()
	for _, c := range []struct {
		name string
		wal  wal
		want checks.Severity
	}{
		{"what it may be", wal{Bytes: 1 * gigabyte, Max: gigabyte}, checks.OK},
		{"what it may be on a full disk is not pg_wal's fault", wal{Bytes: gigabyte, Max: gigabyte, Free: 1, FreeKnown: true}, checks.OK},
		{"a quarter of what is free", wal{Bytes: 1.5 * gigabyte, Max: gigabyte, Free: 4 * gigabyte, FreeKnown: true}, checks.Critical},
		{"twice", wal{Bytes: 2.1 * gigabyte, Max: gigabyte}, checks.Warning},
		{"twice what is kept on purpose", wal{Bytes: 2.1 * gigabyte, Max: gigabyte, Keep: 2 * gigabyte}, checks.OK},
		{"five times", wal{Bytes: 5.1 * gigabyte, Max: gigabyte}, checks.Critical},
		{"not known", wal{Bytes: 5.1 * gigabyte}, checks.OK},
	} {
		if v := judgeWAL(c.wal, l); v.Severity != c.want {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
	if v := judgeWAL(wal{Bytes: 1.9 * gigabyte, Max: gigabyte}, l); !v.Holds {
		t.Errorf("between its thresholds it holds: %+v", v)
	}
}

func TestAnArchiveCommandThatFails(t *testing.T) {
	c := postgres.Own(t, "archive_mode=on", "archive_command=true")
	db := c.Mastodon(t, "4.6")
	w := newWorld(t, db, func(c *check) { c.limits.archiver = time.Millisecond })
	fill(t, db, 1)
	eventually(t, func() bool {
		return postgres.Get[bool](t, db, "select archived_count > 0 and not exists (select from pg_ls_archive_statusdir() where name like '%.ready') from pg_stat_archiver")
	})
	w.quiet(w.look())
	db.Exec(t, "alter system set archive_command = 'false'")
	db.Exec(t, "select pg_reload_conf()")
	fill(t, db, 2)
	eventually(t, func() bool {
		return postgres.Get[bool](t, db, "select last_failed_time > coalesce(last_archived_time, '-infinity') from pg_stat_archiver")
	})
	f := w.expect(w.look(), codeArchiver, "", checks.Warning)
	w.says(f, "archive_command fails", "失敗し続けています")
	w.says(f, " files wait, the oldest for ", "ファイルが待っていて")
	if f.Road != checks.Now {
		t.Error(f.Road)
	}
	db.Exec(t, "alter system set archive_command = 'true'")
	db.Exec(t, "select pg_reload_conf()")
	fill(t, db, 1)
	eventually(t, func() bool {
		return postgres.Get[bool](t, db, "select count(*) = 0 from pg_ls_archive_statusdir() where name like '%.ready'")
	})
	w.expect(w.look(), codeArchiver, "", checks.OK)
}

// eventually waits for what PostgreSQL does by itself.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	over := time.After(90 * time.Second)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-over:
			t.Fatal("it did not come to pass")
		case <-again.C:
		}
	}
}

func TestAnArchiveThatStandsStill(t *testing.T) {
	l, now := usual(), time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, c := range []struct {
		name string
		a    archiver
		want string
	}{
		{"off", archiver{Waiting: ago(day)}, "off"},
		{"quiet for days, and the first failure a moment ago", archiver{On: true, Archived: ago(3 * day), Failed: ago(time.Minute), Waiting: ago(2 * time.Minute)}, "not for long"},
		{"failing", archiver{On: true, Archived: ago(day), Failed: ago(time.Minute), Waiting: ago(time.Hour)}, "fails"},
		{"never worked", archiver{On: true, Failed: ago(time.Minute), Waiting: ago(time.Hour)}, "fails"},
		{"hanging", archiver{On: true, Archived: ago(time.Hour), Waiting: ago(time.Hour)}, "stands still"},
		{"slow", archiver{On: true, Archived: ago(time.Minute), Waiting: ago(time.Hour)}, "slow, and gets on"},
	} {
		if v := judgeArchiver(c.a, now, l); v.Why != c.want {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

func TestAViewThatWasNeverFilled(t *testing.T) {
	w := shared(t)
	w.quiet(w.look())
	w.db.Exec(t, "refresh materialized view global_follow_recommendations with no data; refresh materialized view instances with no data")
	o := w.look()
	w.expect(o, codeView, "global_follow_recommendations", checks.Warning)
	f := w.expect(o, codeView, "instances", checks.Warning)
	w.says(f, "the view instances was never filled", "ビュー instances が一度も")
	w.mend(f.Advice)
	other, _ := checkstest.Find(o, codeView, "global_follow_recommendations")
	w.mend(other.Advice)
	w.quiet(w.look())
}

func TestTransactionIdsThatRunOut(t *testing.T) {
	c := postgres.Own(t)
	db := c.Mastodon(t, "4.6")
	w := newWorld(t, db, func(c *check) { c.limits.xidWarning, c.limits.xidCritical = 20_000, 40_000 })
	c.Run(t, "vacuumdb", "--freeze", "--all")
	w.quiet(w.look())
	burn := `do $$ begin for i in 1..25000 loop begin update accounts set updated_at = updated_at where id = -1; insert into tags (name) values ('burnt' || random());
		raise exception 'enough'; exception when others then null; end; end loop; end $$`
	db.Exec(t, burn)
	f := w.expect(w.look(), codeWraparound, db.Name, checks.Warning)
	w.says(f, "transaction ids of "+db.Name+" are 1 % used up", db.Name+"のトランザクションIDを1%")
	db.Exec(t, burn)
	f = w.expect(w.look(), codeWraparound, db.Name, checks.Critical)
	if f.Road != checks.Now {
		t.Error(f.Road)
	}
	w.mend(f.Advice)
	w.expect(w.look(), codeWraparound, db.Name, checks.OK)
	// A row that a transaction and one within it have locked is locked by a pair.
	db.Exec(t, `do $$ declare one bigint := (select min(id) from accounts); begin perform from accounts where id = one for key share;
		for i in 1..25000 loop begin perform from accounts where id = one for no key update; raise exception 'enough'; exception when others then null; end; end loop; end $$`)
	f = w.expect(w.look(), codeMultixact, db.Name, checks.Warning)
	w.says(f, "multixact ids of "+db.Name+" are 1 % used up", db.Name+"のマルチトランザクションIDを1%")
	w.mend(f.Advice)
	w.expect(w.look(), codeMultixact, db.Name, checks.OK)
	if v := judgeAge(1.4e9, usual()); v.Severity != checks.Warning {
		t.Errorf("%+v", v)
	}
}
