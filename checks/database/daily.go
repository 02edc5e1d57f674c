package database

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A daily look is the daily level on its way.
type daily struct {
	*look
	found []checks.Finding
	blind []checks.Blind
}

// daily looks at what changes slowly; what it finds is told until it looks
// again.
func (l *look) daily(ctx context.Context) {
	d := &daily{look: l}
	d.tables(ctx)
	d.indexes(ctx)
	d.collation(ctx)
	d.sequences(ctx)
	d.amcheck(ctx)
	d.statements(ctx)
	size := l.memory.Day.Bytes
	_, err := ask(ctx, l.db, nil, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select pg_database_size(current_database())::float8`).Scan(&size)
	})
	if err == nil {
		l.measure("database_bytes", "", size, checks.Bytes)
	}
	l.memory.Day = kept{At: l.now, Findings: d.found, Blind: d.blind, Bytes: size}
}

func (d *daily) ask(ctx context.Context, codes []string, f func(context.Context, pgx.Tx) error) bool {
	blind, err := ask(ctx, d.db, codes, f)
	d.blind = append(d.blind, blind...)
	return err == nil
}

func (d *daily) warn(code, subject string, road checks.Road, text checks.Text, advice checks.Advice) {
	d.found = append(d.found, checks.Finding{Code: code, Subject: subject, Severity: checks.Warning, Road: road, Text: text, Advice: advice})
}

// tables tells of statistics, dead rows and room that is taken for nothing.
func (d *daily) tables(ctx context.Context) {
	if d.server.Replica {
		return // a replica keeps no count
	}
	var all []table
	if !d.ask(ctx, []string{codeUnanalysed, codeStale, codeDead, codeBloat}, func(ctx context.Context, tx pgx.Tx) (err error) {
		all, err = readTables(ctx, tx)
		return err
	}) {
		return
	}
	up := d.now.Sub(d.server.Started)
	pick := func(is func(table) bool, most func(table) float64) []table {
		var list []table
		for _, t := range all {
			if is(t) {
				list = append(list, t)
			}
		}
		slices.SortFunc(list, func(a, b table) int { return cmp.Compare(most(b), most(a)) })
		return list
	}
	bytes := func(t table) float64 { return t.Bytes }
	if list := pick(func(t table) bool { return t.neverAnalysed(up, d.limits) }, bytes); len(list) > 0 {
		d.warn(codeUnanalysed, "", checks.Morning, unanalysedText(list), analyseAdvice(d.look, list))
	}
	if list := pick(func(t table) bool { return t.stale(d.limits) }, func(t table) float64 { return t.Modified }); len(list) > 0 {
		d.warn(codeStale, "", checks.Morning, staleText(list), analyseAdvice(d.look, list))
	}
	if list := pick(func(t table) bool { return t.neglected(d.limits) }, func(t table) float64 { return t.Dead }); len(list) > 0 {
		d.warn(codeDead, "", checks.Morning, deadText(d.look, list), vacuumAdvice(d.look, list))
	}
	for _, t := range all {
		if t.Bytes < d.limits.bloatBytes || t.Rows <= 0 {
			continue
		}
		d.measure("row_bytes", checks.Subject(t.Name), t.Bytes/t.Rows, checks.Bytes)
		fewest := d.fewest(t)
		if empty := t.wasted(fewest); empty >= d.limits.bloatBytes && empty >= d.limits.bloatShare*t.Bytes {
			d.warn(codeBloat, checks.Subject(t.Name), checks.Week, bloatText(t, empty), bloatAdvice(d.look, t))
		}
	}
}

// fewest is the least that a row of a table has taken, in bytes, as far as is
// remembered; 0 before there is a week of it.
func (d *daily) fewest(t table) float64 {
	samples, err := d.past.Series("row_bytes", checks.Subject(t.Name), d.now.Add(-180*day))
	if err != nil || len(samples) < 7 {
		return 0
	}
	least := math.Inf(1)
	for _, s := range samples {
		least = min(least, s.Value)
	}
	return least
}

// indexes tells of those that are invalid, and of keys that nothing keeps
// unique.
func (d *daily) indexes(ctx context.Context) {
	var all []index
	columns := map[string]map[string]bool{}
	if !d.ask(ctx, []string{codeInvalid, codeMissing}, func(ctx context.Context, tx pgx.Tx) (err error) {
		if all, err = readIndexes(ctx, tx); err != nil {
			return err
		}
		for _, k := range keys {
			if columns[k.Table] == nil {
				if columns[k.Table], err = site.Columns(ctx, tx, k.Table); err != nil {
					return err
				}
			}
		}
		return nil
	}) {
		return
	}
	since := map[string]time.Time{}
	for _, i := range all {
		if i.Whole || i.Building {
			continue
		}
		at, known := d.memory.Invalid[i.Name]
		if !known {
			at = d.now
		}
		since[i.Name] = at
		d.found = append(d.found, checks.Finding{
			Code: codeInvalid, Subject: checks.Subject(i.Name), Severity: checks.Warning, Road: checks.Morning,
			// What was made a moment ago may be somebody's work in hand.
			Holds: d.now.Sub(at) < d.limits.invalid,
			Text:  invalidText(i, at), Advice: invalidAdvice(d.look, i),
		})
	}
	d.memory.Invalid = since
	for _, k := range keys {
		switch state := k.keeps(columns[k.Table], all); state {
		case missing, notUnique:
			d.warn(codeMissing, checks.Subject(k.Index), checks.Morning, missingText(k, state), missingAdvice(d.look, k, state))
		}
	}
}

// A collation is how texts are sorted, and by which version of the library.
type collation struct {
	Name     string
	Recorded string // the version that the indexes were made with; "" before PostgreSQL 15
	Actual   string // the version that sorts now; "" where there is none
}

func (l *look) readCollation(ctx context.Context, tx pgx.Tx) (collation, error) {
	var c collation
	sql := `select d.datcollate::text, '', coalesce(max(pg_collation_actual_version(c.oid)), '') from pg_database d
		left join pg_collation c on c.collprovider = 'c' and c.collcollate = d.datcollate where d.datname = current_database() group by 1`
	if l.server.Version >= 150000 {
		sql = `select datcollate::text, coalesce(datcollversion, ''), coalesce(pg_database_collation_actual_version(oid), '')
			from pg_database where datname = current_database()`
	}
	err := tx.QueryRow(ctx, sql).Scan(&c.Name, &c.Recorded, &c.Actual)
	if c.Name == "C" || c.Name == "POSIX" {
		c.Recorded, c.Actual = "", "" // sorted by bytes, whatever the library
	}
	return c, err
}

// changed tells whether the library sorts in another version than the one that
// the indexes were made with.
func (c collation) changed() bool {
	return c.Recorded != "" && c.Actual != "" && c.Recorded != c.Actual
}

func (d *daily) collation(ctx context.Context) {
	var c collation
	if !d.ask(ctx, []string{codeCollation}, func(ctx context.Context, tx pgx.Tx) (err error) {
		c, err = d.readCollation(ctx, tx)
		return err
	}) {
		return
	}
	n := &d.nightly
	if c.Actual != n.Version {
		// All indexes once, for they may be broken now.
		if n.Version != "" {
			n.Since = d.now
		}
		n.Version = c.Actual
		d.changed[nightKey] = n
	}
	switch {
	case c.changed():
		d.warn(codeCollation, "", checks.Morning, collationText(c, *n), collationAdvice(d.look))
	case c.Recorded == "" && n.left() > 0 && !n.Since.IsZero():
		// Before PostgreSQL 15 nothing is on record that could be set right: it is
		// over when all indexes have been read since.
		d.warn(codeCollation, "", checks.Morning, collationText(c, *n), collationAdvice(d.look))
	}
}

// left is how many indexes have not been read since the collation changed.
func (n night) left() int {
	done := 0
	for _, i := range n.Indexes {
		if !i.At.Before(n.Since) && !i.Long {
			done++
		}
	}
	return max(n.Known-done, 0)
}
