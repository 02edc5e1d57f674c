package database

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A table is one of Mastodon's, as PostgreSQL keeps count of it. Rows is an
// estimate, below zero where there is none.
type table struct {
	Name     string
	Bytes    float64 // of the rows, without indexes and what is stored apart
	Rows     float64
	Pages    int64
	Live     float64
	Dead     float64
	Modified float64 // since it was analysed
	Analysed *time.Time
	Vacuumed *time.Time
	// VacuumAt is the number of dead rows at which autovacuum begins.
	VacuumAt float64
	// Untended says that autovacuum is switched off for it.
	Untended bool
	// Vacuuming says that it is being vacuumed now.
	Vacuuming bool
	// Columns is how many it has, Readable how many of them are open to us, and
	// Known of how many of those there are statistics; Width is what they take in
	// a row.
	Columns, Readable, Known int64
	Width                    float64
	Fill                     float64 // fillfactor, 0 to 1
}

const tablesSQL = `with stats as (
		select tablename, count(*) as known, sum(avg_width * (1 - null_frac))::float8 as width from pg_stats
		where schemaname = 'public' and not inherited group by 1),
	attributes as (
		select attrelid, count(*) as columns, count(*) filter (where has_column_privilege(attrelid, attnum, 'SELECT')) as readable
		from pg_attribute where attnum > 0 and not attisdropped group by 1),
	options as (
		select c.oid, max(option_value) filter (where option_name = 'autovacuum_vacuum_threshold')::float8 as threshold,
			max(option_value) filter (where option_name = 'autovacuum_vacuum_scale_factor')::float8 as scale,
			max(option_value) filter (where option_name = 'autovacuum_enabled')::boolean as enabled,
			max(option_value) filter (where option_name = 'fillfactor')::float8 as fill
		from pg_class c, pg_options_to_table(c.reloptions) group by 1)
	select c.relname::text, coalesce(pg_relation_size(c.oid), 0)::float8, c.reltuples::float8, c.relpages::bigint,
		s.n_live_tup::float8, s.n_dead_tup::float8, s.n_mod_since_analyze::float8,
		greatest(s.last_analyze, s.last_autoanalyze), greatest(s.last_vacuum, s.last_autovacuum),
		coalesce(o.threshold, current_setting('autovacuum_vacuum_threshold')::float8)
			+ coalesce(o.scale, current_setting('autovacuum_vacuum_scale_factor')::float8) * greatest(c.reltuples, 0),
		not coalesce(o.enabled, true) or current_setting('autovacuum') = 'off' or current_setting('track_counts') = 'off',
		exists (select from pg_stat_progress_vacuum v where v.relid = c.oid),
		a.columns, a.readable, coalesce(st.known, 0), coalesce(st.width, 0), coalesce(o.fill, 100) / 100
	from pg_class c join pg_stat_user_tables s on s.relid = c.oid join attributes a on a.attrelid = c.oid
		left join options o on o.oid = c.oid left join stats st on st.tablename = c.relname
	where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1 limit 2000`

func readTables(ctx context.Context, tx pgx.Tx) ([]table, error) {
	rows, err := tx.Query(ctx, tablesSQL)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[table])
}

// neverAnalysed tells whether the planner knows nothing of a table that is worth
// knowing. That no analysis is on record is not enough: the record is lost in a
// crash, and what was known stays.
func (t table) neverAnalysed(up time.Duration, l limits) bool {
	if t.Analysed != nil || up <= l.analysed || t.Bytes < l.analysedBytes {
		return false
	}
	return t.Rows < 0 || t.Pages == 0 || t.Readable > 0 && t.Known == 0
}

// stale tells whether so much has changed since the last analysis that plans
// go wrong.
func (t table) stale(l limits) bool {
	return t.Modified > l.modifiedRows && t.Modified > l.modifiedShare*max(t.Live, t.Rows)
}

// neglected tells whether autovacuum is far behind.
func (t table) neglected(l limits) bool {
	return !t.Vacuuming && t.Dead > l.deadRows && t.Dead > l.deadTimes*t.VacuumAt
}

const (
	pageRoom  = 8192 - 24 // of a page, without its header
	rowHeader = 24 + 4    // of a row, with its pointer
)

// wasted is how many bytes of a table are empty, by the widths of its columns,
// which are known where all of them are open to us, or else by the fewest bytes
// that its rows have ever taken (0 where there was no time to learn that).
func (t table) wasted(fewest float64) float64 {
	if t.Rows <= 0 {
		return 0
	}
	need := 0.0
	switch {
	case t.Columns > 0 && t.Known == t.Columns:
		// Rows begin at multiples of eight bytes; half of that is the mean loss.
		need = t.Rows * (rowHeader + 4 + t.Width) / pageRoom * 8192 / max(t.Fill, 0.1)
	case fewest > 0:
		need = t.Rows * fewest
	default:
		return 0
	}
	return max(t.Bytes-need, 0)
}

// An index is one of a table's.
type index struct {
	Name, Table string
	Unique      bool
	// Whole says that it is valid and ready.
	Whole bool
	// Building says that somebody makes it just now.
	Building bool
	// Columns are the names of its columns, "" for an expression.
	Columns []string
}

func readIndexes(ctx context.Context, tx pgx.Tx) ([]index, error) {
	rows, err := tx.Query(ctx, `select i.relname::text, t.relname::text, x.indisunique, x.indisvalid and x.indisready,
		exists (select from pg_stat_progress_create_index p where p.index_relid = x.indexrelid or p.relid = x.indrelid),
		array(select coalesce(a.attname::text, '') from unnest(x.indkey[0:x.indnkeyatts - 1]) with ordinality as k (n, o)
			left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.n and k.n > 0 order by k.o)
		from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
		where i.relnamespace = 'public'::regnamespace order by 1 limit 5000`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[index])
}

// keeper is how a key of Mastodon's is kept unique.
type keeper int

const (
	unique    keeper = iota // by an index
	missing                 // by none
	notUnique               // its index allows doubles
	notWhole                // its index is invalid
	noTable                 // this version has no such key
)

// keeps tells how a key is kept; columns are those of its table.
func (k key) keeps(columns map[string]bool, all []index) keeper {
	for _, c := range k.Columns {
		if _, ok := columns[c]; !ok {
			return noTable
		}
	}
	found := missing
	for _, i := range all {
		if i.Table != k.Table {
			continue
		}
		named := i.Name == k.Index || k.Old != "" && i.Name == k.Old
		same := k.By == nil && slices.Equal(i.Columns, k.Columns)
		switch {
		case !named && !same:
		case i.Unique && i.Whole:
			return unique
		case named && !i.Unique:
			found = notUnique
		case named && !i.Whole:
			found = notWhole
		}
	}
	return found
}

// leftover tells whether an index was left by a REINDEX CONCURRENTLY that did
// not come to its end: another one does its work.
func (i index) leftover() bool {
	name := strings.TrimRight(i.Name, "0123456789")
	return strings.HasSuffix(name, "_ccnew") || strings.HasSuffix(name, "_ccold")
}
