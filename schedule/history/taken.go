package history

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// SeriesOf returns the series of a check.
func (b *Book) SeriesOf(ctx context.Context, host, check string) ([]int64, error) {
	ids, err := b.having(ctx, `SELECT id FROM series WHERE host = ? AND check_name = ? ORDER BY id`, host, check)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return ids, nil
}

// Taken returns when samples of any of some series were taken between two
// instants, in order, each instant once. What is older than a fortnight is not
// kept by the instant.
func (b *Book) Taken(ctx context.Context, series []int64, from, to time.Time) ([]time.Time, error) {
	var at []int64
	err := b.db.Read(ctx, func(tx *sql.Tx) error {
		at = nil
		for _, id := range series {
			rows, err := tx.QueryContext(ctx, "SELECT at FROM sample WHERE series = ? AND at >= ? AND at < ?", id, from.UnixMilli(), to.UnixMilli())
			if err != nil {
				return err
			}
			if at, err = instants(at, rows); err != nil {
				return err
			}
			// Most series of a check are taken together.
			slices.Sort(at)
			at = slices.Compact(at)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	out := make([]time.Time, len(at))
	for i, ms := range at {
		out[i] = time.UnixMilli(ms)
	}
	return out, nil
}

func instants(into []int64, rows *sql.Rows) ([]int64, error) {
	defer rows.Close()
	for rows.Next() {
		var at int64
		if err := rows.Scan(&at); err != nil {
			return nil, err
		}
		into = append(into, at)
	}
	return into, rows.Err()
}
