package database

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// amcheck is how indexes are read: by an extension that may not be there.
type amcheck struct {
	Schema  string
	Granted bool
}

func readAmcheck(ctx context.Context, tx pgx.Tx) (a amcheck, there bool, err error) {
	err = tx.QueryRow(ctx, `select n.nspname::text, has_function_privilege(p.oid, 'EXECUTE') from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where p.proname = 'bt_index_check' and p.pronargs = 1 limit 1`).Scan(&a.Schema, &a.Granted)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, err
}

// amcheck tells of indexes and rows that we may not read at night.
func (d *daily) amcheck(ctx context.Context) {
	if d.server.Replica {
		d.blind = append(d.blind, checks.Blind{Code: codeBroken, Why: onlyPrimary()}, checks.Blind{Code: codeDuplicates, Why: onlyPrimary()})
		return
	}
	d.ask(ctx, []string{codeBroken, codeDuplicates}, func(ctx context.Context, tx pgx.Tx) error {
		a, there, err := readAmcheck(ctx, tx)
		if err != nil {
			return err
		}
		if !there || !a.Granted {
			d.blind = append(d.blind, checks.Blind{Code: codeBroken, Why: noAmcheck(there), Mend: mendGrants()})
		}
		for _, k := range keys {
			if k.Closed {
				continue
			}
			columns, err := site.Columns(ctx, tx, k.Table)
			if err != nil {
				return err
			}
			for _, c := range k.Columns {
				if may, there := columns[c]; there && !may {
					d.blind = append(d.blind, checks.Blind{Code: codeDuplicates, Subject: k.Table, Why: noColumns(k), Mend: mendGrants()})
					break
				}
			}
		}
		return nil
	})
}

// night reads indexes and tables, as far as the time goes, and tells what this
// or an earlier night has found.
func (l *look) night(ctx context.Context, thorough bool) {
	if !l.server.Replica {
		l.read(ctx, thorough)
	}
	for _, name := range slices.Sorted(maps.Keys(l.nightly.Indexes)) {
		switch i := l.nightly.Indexes[name]; {
		case i.Broken != "":
			l.find(checks.Finding{
				Code: codeBroken, Subject: checks.Subject(name), Severity: checks.Critical, Road: checks.Now,
				Text: brokenText(name, i), Advice: brokenAdvice(l, name),
			})
		case i.Long:
			l.Blind = append(l.Blind, checks.Blind{Code: codeBroken, Subject: checks.Subject(name), Why: tooLong(name), Mend: mendByHand(l, name)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.nightly.Tables)) {
		switch t := l.nightly.Tables[name]; {
		case t.Twice > 0:
			l.find(checks.Finding{
				Code: codeDuplicates, Subject: name, Severity: checks.Critical, Road: checks.Now,
				Text: duplicatesText(name, t), Advice: duplicatesAdvice(l, name),
			})
		case t.Long:
			l.Blind = append(l.Blind, checks.Blind{Code: codeDuplicates, Subject: name, Why: tableTooLong(name)})
		}
	}
}

// reserve is kept of a look's time for saying what was seen (own).
const reserve = 2 * time.Second

// A shift is one part of a night's work.
type shift struct {
	*look
	until   time.Time
	amcheck amcheck
	stopped string // why it was given up
}

// read does what there is time for.
func (l *look) read(ctx context.Context, thorough bool) {
	n, now := &l.nightly, l.now
	if of := now.Format(time.DateOnly); n.Of != of {
		n.Of, n.Spent = of, 0
	}
	// Who has no memory, as the command line, would begin anew each time.
	atNight := inNight(now) && !l.memory.Answered.IsZero() || l.limits.anyHour
	left, byDay := time.Duration(0), false
	switch {
	case thorough:
		left = l.limits.awaited
	case atNight:
		left = nightLeft(now, n.Spent, l.limits)
	case n.hurt():
		left, byDay = l.limits.awaited, true
	}
	if until, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(until)-reserve)
	}
	if left <= 0 || l.inTrouble() {
		return
	}
	began := time.Now()
	s := &shift{look: l, until: began.Add(left)}
	s.work(ctx, byDay)
	if atNight && !thorough {
		n.Spent += time.Since(began)
	}
	l.changed[nightKey] = n
}

// hurt tells whether something is broken, whose end is to be seen.
func (n night) hurt() bool {
	for _, i := range n.Indexes {
		if i.Broken != "" {
			return true
		}
	}
	for _, t := range n.Tables {
		if t.Twice > 0 {
			return true
		}
	}
	return false
}

// inTrouble tells whether the server has enough to do with itself.
func (l *look) inTrouble() bool {
	return slices.ContainsFunc(l.Findings, func(f checks.Finding) bool {
		return !f.Holds && slices.Contains([]string{codeConnections, codeLong, codeBlocked, codeWAL, codeLag, codeReplica}, f.Code)
	})
}

func (s *shift) work(ctx context.Context, byDay bool) {
	var indexes []readable
	heaps := map[string]heap{}
	err := s.db.Read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		there := false
		if s.amcheck, there, err = readAmcheck(ctx, tx); err != nil {
			return err
		}
		all, err := readReadable(ctx, tx)
		if err != nil {
			return err
		}
		s.prune(all)
		if there && s.amcheck.Granted {
			indexes = all
		}
		heaps, err = readHeaps(ctx, tx)
		return err
	})
	if err != nil {
		return // what is known stays known; the next tick tries again
	}
	looked := time.Time{}
	for _, j := range plan(s.now, s.nightly, indexes, heaps, suspects(s.nightly, s.memory.Day.Findings), byDay, s.limits) {
		left := time.Until(s.until)
		if left < time.Second || ctx.Err() != nil {
			return
		}
		if j.needs(s.limits) > left {
			continue
		}
		if time.Since(looked) >= s.limits.watch {
			if g, err := s.ground(ctx, 0); err != nil || g.trouble(s.limits) != "" {
				return
			}
			looked = time.Now()
		}
		if j.Index != nil {
			s.index(ctx, *j.Index)
		} else {
			s.table(ctx, *j.Key, j.Heap)
		}
		if s.stopped != "" {
			return
		}
	}
}

// prune forgets what is no longer there.
func (s *shift) prune(all []readable) {
	n := &s.nightly
	n.Known = len(all)
	there := map[string]bool{}
	for _, i := range all {
		there[i.Name] = true
	}
	if n.Indexes == nil {
		n.Indexes = map[string]readIndex{}
	}
	if n.Tables == nil {
		n.Tables = map[string]readTable{}
	}
	maps.DeleteFunc(n.Indexes, func(name string, _ readIndex) bool { return !there[name] })
}

func readReadable(ctx context.Context, tx pgx.Tx) ([]readable, error) {
	rows, err := tx.Query(ctx, `select i.relname::text, t.relname::text, i.oid, i.relfilenode::bigint, coalesce(pg_relation_size(i.oid), 0)::float8,
		exists (select from unnest(x.indcollation) as k (c) where k.c not in (0, 950))
		from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid join pg_am a on a.oid = i.relam
		where a.amname = 'btree' and i.relkind = 'i' and x.indisvalid and x.indisready and i.relpersistence = 'p'
			and i.relnamespace = 'public'::regnamespace order by 5 limit 5000`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[readable])
}

func readHeaps(ctx context.Context, tx pgx.Tx) (map[string]heap, error) {
	var names []string
	for _, k := range keys {
		names = append(names, k.Table)
	}
	rows, err := tx.Query(ctx, `select c.relname::text, coalesce(pg_relation_size(c.oid), 0)::float8, c.reltuples::float8 from pg_class c
		where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname = any($1::text[])`, names)
	if err != nil {
		return nil, err
	}
	heaps := map[string]heap{}
	var h heap
	_, err = pgx.ForEachRow(rows, []any{&h.Name, &h.Bytes, &h.Rows}, func() error { heaps[h.Name] = h; return nil })
	return heaps, err
}

// index reads one index to its end. The lock that it takes keeps nobody from
// reading or writing; who wants to change the table itself makes it stop.
func (s *shift) index(ctx context.Context, i readable) {
	began := time.Now()
	given := time.Until(s.until)
	err := s.guarded(ctx, given, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf("select %s.bt_index_check(%d::oid::regclass)", quoteIdent(s.amcheck.Schema), i.OID))
		return err
	})
	r := readIndex{At: time.Now(), Table: i.Table, Node: i.Node}
	switch o := outcomeOf(err); {
	case o.Broken != "":
		r.Broken = o.Broken
	case o.Fatal && ctx.Err() == nil && s.stopped == "":
		r.Broken, r.Fatal, s.stopped = "-", true, "PostgreSQL's process ended"
	case o.Cut && s.stopped == "" && given >= s.limits.part*9/10 && time.Since(began) >= given*8/10:
		r.Long = true
	case err != nil:
		return
	}
	s.nightly.Indexes[i.Name] = r
}

// An outcome is what came of reading an index.
type outcome struct {
	Broken string // what PostgreSQL said; "" where it is whole or was not read
	Cut    bool   // there was not enough time
	Fatal  bool   // the process that read it is gone
}

// outcomeOf tells what an error says of an index: that it is damaged, or
// nothing.
func outcomeOf(err error) outcome {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && isDamage(pg.Code) {
		return outcome{Broken: pg.Message}
	}
	if errors.Is(err, errGone) {
		return outcome{Fatal: true}
	}
	fault := site.FaultOf(err)
	return outcome{Cut: fault == site.Cancelled || fault == site.Silent}
}

// table compares the keys of a table, a part after the other, past all of its
// indexes: a broken one would hide what it let in.
func (s *shift) table(ctx context.Context, k key, h heap) {
	t := s.nightly.Tables[h.Name]
	if n := h.slices(s.limits); t.Slice == 0 || t.Slice >= t.Slices {
		t.Slices, t.Slice, t.Sofar = n, 0, 0
	}
	for t.Slice < t.Slices {
		given := time.Until(s.until)
		if given < time.Second {
			break
		}
		var twice int64
		err := s.guarded(ctx, given, func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off",
				pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			return tx.QueryRow(ctx, k.twice(t.Slice, t.Slices)).Scan(&twice)
		})
		if err != nil {
			if outcomeOf(err).Cut && s.stopped == "" && given >= s.limits.part*9/10 {
				t.Long, t.At = true, time.Now()
			}
			break
		}
		t.Sofar += twice
		t.Twice = max(t.Twice, t.Sofar)
		if t.Slice++; t.Slice == t.Slices {
			t = readTable{At: time.Now(), Twice: t.Sofar}
			break
		}
	}
	s.nightly.Tables[h.Name] = t
}

// twice asks for how many keys there is more than one row, up to a thousand, in
// one of so many parts.
func (k key) twice(slice, slices int) string {
	by := strings.Join(k.by(), ", ")
	where := k.Where
	if where == "" {
		where = "true"
	}
	if slices > 1 {
		where += fmt.Sprintf(" and (hashtext(concat_ws('|', %s)) & 2147483647) %% %d = %d", by, slices, slice)
	}
	return fmt.Sprintf("select count(*) from (select 1 from public.%s where %s group by %s having count(*) > 1 limit %d) as twice", quoteIdent(k.Table), where, by, twiceLimit)
}

// twiceLimit is up to how many keys are counted (own: a thousand is many).
const twiceLimit = 1000
