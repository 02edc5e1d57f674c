package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

// quick is the level of every tick.
func (l *look) quick(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.limits.quick)
	defer cancel()
	l.measure("answer_seconds", "", l.server.Took.Seconds(), checks.Seconds)
	if !l.server.Monitor {
		why, mend := noMonitor(), mendGrants()
		for _, code := range []string{codeLong, codeIdle, codeBlocked, codeWAL, codeArchiver} {
			l.Blind = append(l.Blind, checks.Blind{Code: code, Why: why, Mend: mend})
		}
	}
	l.replica(ctx)
	l.sessions(ctx)
	l.slots(ctx)
	l.writing(ctx)
	l.ages(ctx)
	l.views(ctx)
}

func (l *look) replica(ctx context.Context) {
	v := judgeReplica(l.server.Replica, l.memory.Primary, l.check.config.Replica)
	if v.found() {
		f := checks.Finding{Code: codeReplica, Severity: v.Severity, Road: checks.Morning, Text: replicaText(v), Advice: replicaAdvice(l)}
		if v.Severity == checks.Critical {
			f.Road, f.Harm = checks.Now, l.now
		}
		l.find(f)
	}
	if !l.server.Replica {
		return
	}
	l.part(ctx, []string{codeLag}, func(ctx context.Context, tx pgx.Tx) error {
		behind, fed, err := readLag(ctx, tx)
		if err == nil && (behind > l.limits.lag || !fed && l.server.Monitor) {
			l.find(checks.Finding{Code: codeLag, Severity: checks.Warning, Road: checks.Morning, Text: lagText(behind, fed), Advice: lagAdvice(l)})
		}
		return err
	})
}

// sessions tells of connections and of what goes on in them.
func (l *look) sessions(ctx context.Context) {
	var most int
	l.seen = l.part(ctx, []string{codeConnections, codeLong, codeIdle, codeBlocked}, func(ctx context.Context, tx pgx.Tx) (err error) {
		// reserved_connections is there from PostgreSQL 16 on.
		err = tx.QueryRow(ctx, `select (sum(case name when 'max_connections' then setting::int else -setting::int end))::int from pg_settings
			where name in ('max_connections', 'superuser_reserved_connections', 'reserved_connections')`).Scan(&most)
		if err != nil {
			return err
		}
		l.activity, err = readActivity(ctx, tx)
		return err
	})
	if !l.seen {
		return
	}
	used := len(l.activity)
	l.measure("connections", "", float64(used), checks.Count)
	if most > 0 {
		l.measure("connections_ratio", "", float64(used)/float64(most), checks.Ratio)
	}
	l.check.told.See("connections", "", connectionLimits(most, l.limits)...)
	if v := judgeConnections(used, most, l.limits); v.found() {
		usual, _ := l.past.Normal("connections", "", l.now)
		f := checks.Finding{
			Code: codeConnections, Severity: v.Severity, Holds: v.Holds, Road: checks.Morning,
			Text: connectionsText(used, most, crowds(l.activity), usual), Advice: connectionsAdvice(l),
		}
		if v.Severity == checks.Critical {
			f.Road, f.Harm = checks.Now, l.now
		}
		l.find(f)
	}
	if !l.server.Monitor {
		return
	}
	var oldest time.Duration
	for _, s := range l.activity {
		if s.Ours && !s.Own {
			oldest = max(oldest, s.Open)
		}
	}
	l.measure("oldest_transaction_seconds", "", oldest.Seconds(), checks.Seconds)
	add := func(code string, list []session, text func(*look, []session) checks.Text, advice func(*look, []session) checks.Advice) {
		if len(list) > 0 {
			l.find(checks.Finding{Code: code, Severity: checks.Warning, Road: checks.Morning, Text: text(l, list), Advice: advice(l, list)})
		}
	}
	add(codeLong, filter(l.activity, func(s session) bool { return s.isLong(l.limits) }, func(s session) time.Duration { return s.Asked }), longText, longAdvice)
	add(codeIdle, filter(l.activity, func(s session) bool { return s.isIdle(l.limits) }, func(s session) time.Duration { return s.Still }), idleText, idleAdvice)
	add(codeBlocked, filter(l.activity, func(s session) bool { return s.isBlocked(l.limits) }, func(s session) time.Duration { return s.Waits }), blockedText, blockedAdvice)
}

// writing tells of pg_wal and its archive.
func (l *look) writing(ctx context.Context) {
	if !l.server.Monitor {
		return
	}
	var a archiver
	archive := l.part(ctx, []string{codeArchiver}, func(ctx context.Context, tx pgx.Tx) (err error) {
		a, err = readArchiver(ctx, tx)
		return err
	})
	if archive {
		if v := judgeArchiver(a, l.now, l.limits); v.found() {
			l.find(checks.Finding{Code: codeArchiver, Severity: v.Severity, Road: checks.Now, Text: archiverText(a, v), Advice: archiverAdvice(l)})
		}
	}
	known := l.part(ctx, []string{codeWAL}, func(ctx context.Context, tx pgx.Tx) (err error) {
		l.wal, err = readWAL(ctx, tx)
		return err
	})
	if !known {
		return
	}
	if l.server.Here {
		l.wal.free()
	}
	l.measure("wal_bytes", "", l.wal.Bytes, checks.Bytes)
	l.check.told.See("wal_bytes", "", walLimits(l.wal, l.limits)...)
	if v := judgeWAL(l.wal, l.limits); v.found() {
		f := checks.Finding{Code: codeWAL, Severity: v.Severity, Holds: v.Holds, Road: checks.Now, Text: walText(l.wal), Advice: walAdvice(l)}
		if v.Severity == checks.Critical {
			f.Harm = l.now
		}
		l.find(f)
	}
}

func (l *look) slots(ctx context.Context) {
	var list []slot
	if !l.part(ctx, []string{codeSlot}, func(ctx context.Context, tx pgx.Tx) (err error) {
		list, err = readSlots(ctx, tx)
		return err
	}) {
		return
	}
	since := map[string]time.Time{}
	for _, s := range list {
		if s.Active {
			continue
		}
		if s.Held > l.idleSlot.Held {
			l.idleSlot = s
		}
		at, known := l.memory.Slots[s.Name]
		if !known {
			at = l.now
		}
		if !s.Since.IsZero() {
			at = s.Since
		}
		since[s.Name] = at
		if v := judgeSlot(s, at, l.now, l.limits); v.found() {
			l.find(checks.Finding{
				Code: codeSlot, Subject: checks.Subject(s.Name), Severity: v.Severity, Road: checks.Now,
				Text: slotText(s, at), Advice: slotAdvice(l, s),
			})
		}
	}
	l.memory.Slots = since
}

// ages tells of transaction ids that run out, and of pages that are damaged.
func (l *look) ages(ctx context.Context) {
	l.part(ctx, []string{codeWraparound, codeMultixact}, func(ctx context.Context, tx pgx.Tx) error {
		list, err := readAges(ctx, tx)
		for _, a := range list {
			for _, one := range []struct {
				code string
				age  float64
			}{{codeWraparound, a.Xid}, {codeMultixact, a.Mxid}} {
				v := judgeAge(one.age, l.limits)
				if !v.found() {
					continue
				}
				f := checks.Finding{
					Code: one.code, Subject: checks.Subject(a.Name), Severity: v.Severity, Road: checks.Morning,
					Text: ageText(one.code, a.Name, one.age, v), Advice: ageAdvice(l, a.Name),
				}
				if v.Severity == checks.Critical {
					f.Road = checks.Now
				}
				l.find(f)
			}
		}
		return err
	})
	l.part(ctx, []string{codeChecksums}, func(ctx context.Context, tx pgx.Tx) error {
		c, err := readChecksums(ctx, tx)
		if err == nil && c.Failures > 0 && l.now.Sub(c.Last) < l.limits.checksums {
			l.find(checks.Finding{Code: codeChecksums, Severity: checks.Critical, Road: checks.Now, Text: checksumsText(c), Advice: checksumsAdvice(l)})
		}
		return err
	})
}

func (l *look) views(ctx context.Context) {
	l.part(ctx, []string{codeView}, func(ctx context.Context, tx pgx.Tx) error {
		list, err := readEmptyViews(ctx, tx)
		for _, view := range list {
			l.find(checks.Finding{
				Code: codeView, Subject: checks.Subject(view), Severity: checks.Warning, Road: checks.Morning,
				Text: viewText(view), Advice: viewAdvice(l, view),
			})
		}
		return err
	})
}
