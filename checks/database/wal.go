package database

import (
	"context"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// wal is what lies in pg_wal, and what it may be, in bytes.
type wal struct {
	Bytes     float64
	Max, Keep float64 // max_wal_size, wal_keep_size
	Data      string  // the data directory
	Free      float64 // on its disk
	FreeKnown bool
}

// A slot is a replication slot.
type slot struct {
	Name   string
	Active bool
	Held   float64   // bytes of pg_wal
	Since  time.Time // of nobody reading it; zero before PostgreSQL 17
}

// archiver is how the archiving of pg_wal goes.
type archiver struct {
	On               bool
	Archived, Failed time.Time // last
	Waiting          time.Time // since when the oldest file that is not archived is complete
	Files            int       // that wait
}

// aged is the age of one database of the cluster.
type aged struct {
	Name      string
	Xid, Mxid float64
}

// checksums are the pages that were found damaged when they were read.
type checksums struct {
	Failures int64
	Last     time.Time
}

func readWAL(ctx context.Context, tx pgx.Tx) (wal, error) {
	var w wal
	err := tx.QueryRow(ctx, `select (select coalesce(sum(size), 0) from pg_ls_waldir())::float8,
		(select setting::float8 * 1048576 from pg_settings where name = 'max_wal_size'),
		coalesce((select setting::float8 * 1048576 from pg_settings where name = 'wal_keep_size'), 0),
		current_setting('data_directory')`).Scan(&w.Bytes, &w.Max, &w.Keep, &w.Data)
	return w, err
}

// free asks the file system, where it is one of this machine; what is below a
// folder that is closed to us is on the disk of the folder, as far as anybody
// can tell.
func (w *wal) free() {
	for p := filepath.Join(w.Data, "pg_wal"); p != "/" && p != "."; p = filepath.Dir(p) {
		var st syscall.Statfs_t
		if syscall.Statfs(p, &st) == nil {
			w.Free, w.FreeKnown = max(float64(int64(st.Bavail)), 0)*float64(st.Bsize), true
			return
		}
	}
}

// readSlots asks PostgreSQL for its slots. Since when nobody reads a slot is
// told from version 17 on.
func readSlots(ctx context.Context, tx pgx.Tx) ([]slot, error) {
	rows, err := tx.Query(ctx, `select slot_name::text, active, coalesce(pg_wal_lsn_diff(
		case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn), 0)::float8,
		(to_jsonb(s) ->> 'inactive_since')::timestamptz from pg_replication_slots s where not temporary order by 1 limit 1000`)
	if err != nil {
		return nil, err
	}
	var list []slot
	var s slot
	var since *time.Time
	_, err = pgx.ForEachRow(rows, []any{&s.Name, &s.Active, &s.Held, &since}, func() error {
		s.Since = orZero(since)
		list = append(list, s)
		return nil
	})
	return list, err
}

func readArchiver(ctx context.Context, tx pgx.Tx) (archiver, error) {
	var a archiver
	var archived, failed, waiting *time.Time
	err := tx.QueryRow(ctx, `select current_setting('archive_mode') <> 'off', r.last_archived_time, r.last_failed_time, w.oldest, w.files
		from pg_stat_archiver r, (select min(modification) as oldest, count(*) as files from pg_ls_archive_statusdir() where name like '%.ready') w`).
		Scan(&a.On, &archived, &failed, &waiting, &a.Files)
	a.Archived, a.Failed, a.Waiting = orZero(archived), orZero(failed), orZero(waiting)
	return a, err
}

func readAges(ctx context.Context, tx pgx.Tx) ([]aged, error) {
	rows, err := tx.Query(ctx, `select datname::text, age(datfrozenxid)::float8, mxid_age(datminmxid)::float8 from pg_database where datallowconn order by 1 limit 1000`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[aged])
}

func readChecksums(ctx context.Context, tx pgx.Tx) (checksums, error) {
	var c checksums
	var last *time.Time
	err := tx.QueryRow(ctx, `select coalesce(sum(checksum_failures), 0)::bigint, max(checksum_last_failure)
		from pg_stat_database where datid = 0 or datname = current_database()`).Scan(&c.Failures, &last)
	c.Last = orZero(last)
	return c, err
}

// readEmptyViews lists the materialized views that were never filled, those
// that others are made of first.
func readEmptyViews(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `select c.relname::text from pg_class c where c.relkind = 'm' and not c.relispopulated
		and c.relnamespace = 'public'::regnamespace order by c.oid limit 100`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// readLag is how far a replica is behind, and whether it is being fed.
func readLag(ctx context.Context, tx pgx.Tx) (behind time.Duration, fed bool, err error) {
	var s float64
	err = tx.QueryRow(ctx, `select case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
		else coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0) end::float8,
		exists (select from pg_stat_wal_receiver)`).Scan(&s, &fed)
	return seconds(s), fed, err
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
