package schedule

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/history"
)

func (s *Schedule) series(ctx context.Context, host, name string, limit int) (list []Number, err error) {
	err = s.o.DB.Read(ctx, func(tx *sql.Tx) error {
		list = nil
		rows, err := tx.QueryContext(ctx, `SELECT name, subject, unit FROM series WHERE host = ? AND check_name = ? ORDER BY subject, name LIMIT ?`, host, name, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n Number
			if err := rows.Scan(&n.Name, &n.Subject, &n.Unit); err != nil {
				return err
			}
			list = append(list, n)
		}
		return rows.Err()
	})
	return list, err
}

// A Drawing is a measure over a span of time.
type Drawing struct {
	history.Drawing
	// Limits are the values at which the check speaks.
	Limits []checks.Limit
}

// Drawn returns a measure of a check over a span, in the zone of its end.
func (s *Schedule) Drawn(name, measure, subject string, from, to time.Time) (Drawing, error) {
	j, ok := s.byName[name]
	if !ok {
		return Drawing{}, fmt.Errorf("%w: %s", ErrNoCheck, name)
	}
	past := s.history.View(s.host(j.Kind), name)
	drawn, err := past.Drawn(measure, subject, from, to)
	if err != nil {
		return Drawing{}, fmt.Errorf("schedule: reading %s of %s: %w", measure, name, err)
	}
	d := Drawing{Drawing: drawn}
	if limited, ok := j.Check.(checks.Limited); ok {
		d.Limits = limited.Limits(past, measure, subject)
	}
	return d, nil
}
