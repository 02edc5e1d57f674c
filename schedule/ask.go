package schedule

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// A Number is a measure as it was taken last, with what is usual at this hour.
type Number struct {
	Name, Subject, Unit string
	Last                checks.Sample
	// Usual is false in Known before there are seven days of samples.
	Usual checks.Band
	Known bool
}

// Numbers returns the measures of a check, by name and subject, at most limit
// of them. The hour of the week is that of the instant in its own zone.
func (s *Schedule) Numbers(ctx context.Context, name string, limit int, at time.Time) ([]Number, error) {
	list, err := s.Latest(ctx, name, limit)
	if err != nil {
		return nil, err
	}
	past := s.history.View(s.host(s.byName[name].Kind), name)
	for i, n := range list {
		list[i].Usual, list[i].Known = past.Normal(n.Name, n.Subject, at)
	}
	return list, nil
}

// Latest returns the measures of a check as they were taken last, without what is
// usual, by name and subject, at most limit of them.
func (s *Schedule) Latest(ctx context.Context, name string, limit int) ([]Number, error) {
	j, ok := s.byName[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoCheck, name)
	}
	host := s.host(j.Kind)
	list, err := s.series(ctx, host, name, limit)
	if err != nil {
		return nil, fmt.Errorf("schedule: reading the numbers of %s: %w", name, err)
	}
	past := s.history.View(host, name)
	known := list[:0]
	for _, n := range list {
		if n.Last, ok = past.Last(n.Name, n.Subject); !ok {
			continue
		}
		known = append(known, n)
	}
	return known, nil
}

// Happened returns the events of all checks between two instants, oldest first,
// at most limit of them: the newest.
func (s *Schedule) Happened(ctx context.Context, from, to time.Time, limit int) ([]checks.Event, error) {
	var events []checks.Event
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error {
		events = nil
		rows, err := tx.QueryContext(ctx, `SELECT code, part, subject, at, text FROM event WHERE at >= ? AND at <= ? ORDER BY at DESC LIMIT ?`,
			from.UnixMilli(), to.UnixMilli(), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e checks.Event
			var at int64
			var text string
			if err := rows.Scan(&e.Code, &e.Part, &e.Subject, &at, &text); err != nil {
				return err
			}
			e.At = time.UnixMilli(at)
			if err := json.Unmarshal([]byte(text), &e.Text); err != nil {
				return err
			}
			events = append(events, e)
		}
		slices.Reverse(events)
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("schedule: reading what happened: %w", err)
	}
	return events, nil
}
