package database

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

const (
	// statementsKept is how many statements are followed: those that took the
	// most time (own). A few hundred make nearly all of Mastodon's load.
	statementsKept = 200
	// daysKept is how many days' means are kept of each (own).
	daysKept = 14
	// statementDay is the least time between two of them (own: a look that was
	// asked for is no day).
	statementDay = 20 * time.Hour
)

// A tally is how often a statement ran and how long it took altogether, since
// it was counted first.
type tally struct {
	Calls  int64   `json:"calls"`
	Millis float64 `json:"ms"`
}

// ledger is what is remembered of pg_stat_statements.
type ledger struct {
	At time.Time `json:"at"`
	// Last are the counters then, Days the mean of each day in milliseconds, the
	// oldest first.
	Last map[string]tally     `json:"last"`
	Days map[string][]float64 `json:"days"`
	// Slower are those that were slower on the last day.
	Slower []slower `json:"slower,omitempty"`
}

// slower is a statement that took longer than it usually does, in milliseconds.
type slower struct {
	ID         string
	Now, Usual float64
	Calls      int64
	// Verb and Table are all that is told of it.
	Verb, Table string
}

// turn takes the counters of a day into the ledger.
func (g ledger) turn(now time.Time, counters map[string]tally, l limits) ledger {
	next := ledger{At: now, Last: counters, Days: map[string][]float64{}}
	for id, c := range counters {
		days := g.Days[id]
		before, known := g.Last[id]
		if known && c.Calls < before.Calls {
			before = tally{} // they were set back
		}
		if calls := c.Calls - before.Calls; known && calls > 0 {
			mean := (c.Millis - before.Millis) / float64(calls)
			if len(days) >= l.slowerDays {
				usual := middle(days)
				if mean > l.slowerTimes*usual && mean-usual > l.slowerMillis && calls >= l.slowerCalls {
					next.Slower = append(next.Slower, slower{ID: id, Now: mean, Usual: usual, Calls: calls})
				}
			}
			days = append(slices.Clone(days), mean)
			days = days[max(len(days)-daysKept, 0):]
		}
		if len(days) > 0 {
			next.Days[id] = days
		}
	}
	slices.SortFunc(next.Slower, func(a, b slower) int {
		return cmp.Or(cmp.Compare((b.Now-b.Usual)*float64(b.Calls), (a.Now-a.Usual)*float64(a.Calls)), cmp.Compare(a.ID, b.ID))
	})
	next.Slower = next.Slower[:min(len(next.Slower), listed)]
	return next
}

func middle(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// statements tells what has become slower than it usually is, where PostgreSQL
// counts that.
func (d *daily) statements(ctx context.Context) {
	g := recall[ledger](d.past, statementsKey)
	if age := d.now.Sub(g.At); age >= statementDay || age < 0 {
		there := false
		if !d.ask(ctx, []string{codeSlower}, func(ctx context.Context, tx pgx.Tx) error {
			schema, counters, err := readCounts(ctx, tx)
			if err != nil || counters == nil {
				return err
			}
			there = true
			g = g.turn(d.now, counters, d.limits)
			return nameStatements(ctx, tx, schema, g.Slower)
		}) || !there {
			return
		}
		d.changed[statementsKey] = g
	}
	if len(g.Slower) > 0 {
		d.warn(codeSlower, "", checks.Morning, slowerText(g.Slower), slowerAdvice(d.look))
	}
}

// readCounts reads the counters, without the texts; nil where they are not kept
// or not to be seen.
func readCounts(ctx context.Context, tx pgx.Tx) (schema string, counters map[string]tally, err error) {
	var loaded bool
	err = tx.QueryRow(ctx, `select n.nspname::text, exists (select from pg_settings where name = 'pg_stat_statements.max')
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where p.proname = 'pg_stat_statements' and 'total_exec_time' = any(p.proargnames) limit 1`).Scan(&schema, &loaded)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !loaded {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	schema = quoteIdent(schema)
	rows, err := tx.Query(ctx, `select queryid::text, sum(calls)::bigint, sum(total_exec_time)::float8 from `+schema+`.pg_stat_statements(false)
		where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null
		group by 1 order by 3 desc limit $1::int`, statementsKept)
	if err != nil {
		return "", nil, err
	}
	counters = map[string]tally{}
	var id string
	var t tally
	_, err = pgx.ForEachRow(rows, []any{&id, &t.Calls, &t.Millis}, func() error { counters[id] = t; return nil })
	if len(counters) == 0 {
		counters = nil
	}
	return schema, counters, err
}

// nameStatements finds what may be told of each: its first word, and its first
// table where that is one. Nothing else of the text leaves the database.
func nameStatements(ctx context.Context, tx pgx.Tx, schema string, list []slower) error {
	for i := range list {
		err := tx.QueryRow(ctx, `select coalesce(upper(substring(regexp_replace(q.query, '^\s*(/\*[^*]*\*/\s*)*', '') from '^[A-Za-z]+')), ''),
			coalesce((select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'm', 'v')
				and c.relname = substring(q.query from '(?:[Ff][Rr][Oo][Mm]|[Ii][Nn][Tt][Oo]|[Uu][Pp][Dd][Aa][Tt][Ee])\s+"?([a-z_0-9]+)')), '')
			from `+schema+`.pg_stat_statements(true) q where q.queryid::text = $1 limit 1`, list[i].ID).Scan(&list[i].Verb, &list[i].Table)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
	}
	return nil
}
