package database

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

// A counter is a column that counts up and may come to its end: of four bytes
// or two. Those of eight never do.
type counter struct {
	Table, Column string
	Most          float64
	Readable      bool
	Rows          float64 // estimated
	Last          *float64
}

// worthKnowing is from how many rows on a counter that cannot be read is a blind
// spot (own: below it two thousand millions are far).
const worthKnowing = 10_000_000

const countersSQL = `select t.relname::text, a.attname::text,
	least(case a.atttypid when 'int2'::regtype then 32767 else 2147483647 end, s.seqmax)::float8,
	has_column_privilege(t.oid, a.attnum, 'SELECT'), t.reltuples::float8,
	case when has_sequence_privilege(s.seqrelid, 'USAGE, SELECT') then coalesce(pg_sequence_last_value(s.seqrelid), 0)::float8 end
	from pg_sequence s join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.seqrelid
		and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
	join pg_class t on t.oid = d.refobjid join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
	where a.atttypid in ('int2'::regtype, 'int4'::regtype) and t.relnamespace = 'public'::regnamespace order by 1, 2 limit 500`

func readCounters(ctx context.Context, tx pgx.Tx) ([]counter, error) {
	rows, err := tx.Query(ctx, countersSQL)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[counter])
	if err != nil {
		return nil, err
	}
	for i, c := range list {
		if c.Last == nil && c.Readable {
			var last float64
			// By the primary key's index: one row is read.
			err := tx.QueryRow(ctx, "select coalesce(max("+quoteIdent(c.Column)+"), 0)::float8 from public."+quoteIdent(c.Table)).Scan(&last)
			if err != nil {
				return nil, err
			}
			list[i].Last = &last
		}
	}
	return list, nil
}

// judgeCounter decides on how much of a counter is used up.
func judgeCounter(used float64, l limits) verdict {
	switch {
	case used >= l.sequenceCritical:
		return verdict{checks.Critical, false, "nearly at its end"}
	case used >= l.sequenceWarning:
		return verdict{checks.Warning, false, "near its end"}
	}
	return verdict{Why: "fine"}
}

func (d *daily) sequences(ctx context.Context) {
	d.ask(ctx, []string{codeSequence}, func(ctx context.Context, tx pgx.Tx) error {
		list, err := readCounters(ctx, tx)
		for _, c := range list {
			subject := checks.Subject(c.Table + "." + c.Column)
			if c.Last == nil {
				if c.Rows >= worthKnowing {
					d.blind = append(d.blind, checks.Blind{Code: codeSequence, Subject: subject, Why: noCounter(c), Mend: mendGrants()})
				}
				continue
			}
			if v := judgeCounter(*c.Last/c.Most, d.limits); v.found() {
				f := checks.Finding{Code: codeSequence, Subject: subject, Severity: v.Severity, Road: checks.Morning, Text: sequenceText(c), Advice: sequenceAdvice(c)}
				if v.Severity == checks.Critical {
					f.Road = checks.Now
				}
				d.found = append(d.found, f)
			}
		}
		return err
	})
}
