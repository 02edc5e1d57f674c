package incident

import (
	"context"
	"database/sql"
	"time"

	"github.com/sababan/sababan/checks"
)

// A Spell is a time that something lasted.
type Spell struct{ From, To time.Time }

// Spells returns for how long findings of some codes of a check were at least as
// severe as told, as far as that lies between two instants, the oldest first;
// what goes on ends with to. It begins with the look that noticed it and ends
// with the one that resolved it, as it was told to the admins; what came and went
// ends with the last look that saw it. Several at a time are several spells.
func (b *Book) Spells(ctx context.Context, check string, codes []string, severity checks.Severity, from, to time.Time) ([]Spell, error) {
	var out []Spell
	err := b.db.Read(ctx, func(tx *sql.Tx) error {
		out = nil
		for _, code := range codes {
			all, err := query(ctx, tx, `WHERE check_name = ? AND code = ? AND opened IS NOT NULL AND noticed < ? AND (phase = 'open' OR resolved > ?) ORDER BY noticed, id`,
				check, code, to.UnixMilli(), from.UnixMilli())
			if err != nil {
				return err
			}
			for _, i := range all {
				steps, err := stepsOf(ctx, tx, i.ID)
				if err != nil {
					return err
				}
				out = append(out, spells(i, steps, severity, from, to)...)
			}
		}
		return nil
	})
	return out, err
}

// step is one change of an incident's severity.
type step struct {
	change   Change
	severity checks.Severity
	at       time.Time
}

func stepsOf(ctx context.Context, tx *sql.Tx, id int64) ([]step, error) {
	rows, err := tx.QueryContext(ctx, `SELECT change, severity, at FROM alert WHERE incident = ? ORDER BY id`, id)
	if err != nil {
		return nil, wrap("reading alerts", err)
	}
	defer rows.Close()
	var steps []step
	for rows.Next() {
		var s step
		var change string
		var severity int
		var at int64
		if err := rows.Scan(&change, &severity, &at); err != nil {
			return nil, wrap("reading alerts", err)
		}
		s.change, s.severity, s.at = Change(change), checks.Severity(severity), time.UnixMilli(at)
		steps = append(steps, s)
	}
	return steps, wrap("reading alerts", rows.Err())
}

// spells are the times in which an incident was severe enough.
func spells(i Incident, steps []step, severity checks.Severity, from, to time.Time) (out []Spell) {
	var began time.Time
	end := func(at time.Time) {
		if began.Before(from) {
			began = from
		}
		if at.After(to) {
			at = to
		}
		if at.After(began) {
			out = append(out, Spell{began, at})
		}
		began = time.Time{}
	}
	for _, s := range steps {
		switch {
		case began.IsZero() && s.severity >= severity && s.change == OpenedNow:
			began = i.Noticed
		case began.IsZero() && s.severity >= severity && s.change != ResolvedNow:
			began = s.at
		case !began.IsZero() && (s.severity < severity || s.change == ResolvedNow && i.Unsteady.IsZero()):
			end(s.at)
		}
	}
	switch {
	case began.IsZero():
	case !i.Unsteady.IsZero():
		end(i.LastSeen)
	default:
		end(to)
	}
	return out
}
