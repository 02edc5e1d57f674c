// Package history keeps the measures of all checks over time, and tells from
// them what is normal: as taken for a fortnight, then by the hour for thirteen
// months.
package history

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/state"
)

const (
	// slot is the span that holds one sample of a series at most; checks that
	// look more often give no more (the requirement: one per five minutes).
	slot = 5 * time.Minute

	// keepRaw and keepHourly are how long samples and hours are kept (the
	// requirement: 14 and 400 days).
	keepRaw    = 14 * 24 * time.Hour
	keepHourly = 400 * 24 * time.Hour

	// One call of Compact does at most so many transactions, each over about a
	// week of one series or an hour of 168, so that nobody waits long for the
	// state (own). In an hour 500 series leave 6,000 samples behind: three.
	turnsPerCall   = 20
	samplesPerTurn = 7 * 24 * 12
	seriesPerTurn  = 50
)

// A Book holds the measures of all checks.
type Book struct{ db *state.DB }

// NewBook returns the measures that a state holds.
func NewBook(db *state.DB) *Book { return &Book{db} }

// Append keeps what a check measured, in the transaction of its result. A
// series gets the first sample of every five minutes by the clock; values that
// are no finite number are left out.
func (b *Book) Append(tx *sql.Tx, host, check string, measures []checks.Measure, at time.Time) error {
	from := at.Truncate(slot)
	for _, m := range measures {
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			continue
		}
		_, err := tx.Exec(`INSERT INTO series (host, check_name, name, subject, unit) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (host, check_name, name, subject) DO UPDATE SET unit = excluded.unit WHERE unit <> excluded.unit`,
			host, check, m.Name, m.Subject, m.Unit)
		if err != nil {
			return fmt.Errorf("history: series %s %s: %w", check, m.Name, err)
		}
		_, err = tx.Exec(`INSERT INTO sample (series, at, value)
			SELECT s.id, ?, ? FROM series s
			WHERE s.host = ? AND s.check_name = ? AND s.name = ? AND s.subject = ?
			AND NOT EXISTS (SELECT 1 FROM sample o WHERE o.series = s.id AND o.at >= ? AND o.at < ?)`,
			at.UnixMilli(), m.Value, host, check, m.Name, m.Subject, from.UnixMilli(), from.Add(slot).UnixMilli())
		if err != nil {
			return fmt.Errorf("history: sample %s %s: %w", check, m.Name, err)
		}
	}
	return nil
}

// Compact turns samples older than a fortnight into hours, and forgets hours
// older than 400 days and series that have nothing left. It does a bounded part
// of that and may be stopped at any moment: what is done is done once. It is to
// be called about every hour.
func (b *Book) Compact(ctx context.Context, now time.Time) error {
	cut := now.Add(-keepRaw).Truncate(time.Hour)
	from := int64(math.MinInt64)
	if _, since, yes := b.db.Degraded(); yes {
		// The file holds the rest of the hours before.
		from = since.Truncate(time.Hour).Add(time.Hour).UnixMilli()
	}
	old, err := b.having(ctx, `SELECT s.id FROM series s WHERE EXISTS
		(SELECT 1 FROM sample o WHERE o.series = s.id AND o.at >= ? AND o.at < ?)`, from, cut.UnixMilli())
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	for turn := 0; turn < turnsPerCall && len(old) > 0; turn++ {
		done := 0
		err := b.db.Write(ctx, func(tx *sql.Tx) error {
			done = 0
			for seen := 0; seen < samplesPerTurn && done < len(old); done++ {
				n, more, err := compactPiece(ctx, tx, old[done], from, cut.UnixMilli())
				if err != nil {
					return fmt.Errorf("series %d: %w", old[done], err)
				}
				if seen += n; more {
					break
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("history: %w", err)
		}
		old = old[done:]
	}
	if err := b.forget(ctx, now.Add(-keepHourly)); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}

// having lists the series of a query.
func (b *Book) having(ctx context.Context, query string, args ...any) (ids []int64, err error) {
	err = b.db.Read(ctx, func(tx *sql.Tx) error {
		ids = nil
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	return ids, err
}

// compactPiece turns the oldest samples of a series, at most a week of whole
// hours, into hours. It tells how many it read, and whether there are more.
func compactPiece(ctx context.Context, tx *sql.Tx, series, from, cut int64) (n int, more bool, err error) {
	samples, err := rawBetween(ctx, tx, series, from, cut, samplesPerTurn)
	if err != nil || len(samples) == 0 {
		return 0, false, err
	}
	n, end := len(samples), cut
	if more = n == samplesPerTurn; more {
		// The last hour may go on beyond what was read.
		end = samples[n-1].at / hour * hour
	}
	for len(samples) > 0 && samples[0].at < end {
		start := samples[0].at / hour * hour
		k := 0
		for k < len(samples) && samples[k].at < start+hour {
			k++
		}
		if err := putHour(ctx, tx, series, start, samples[:k]); err != nil {
			return 0, false, err
		}
		samples = samples[k:]
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM sample WHERE series = ? AND at >= ? AND at < ?", series, from, end)
	return n, more, err
}

const hour = int64(time.Hour / time.Millisecond)

// putHour keeps what an hour comes down to. Where there is one already, because
// the clock was set back over it, the two become one and the fuller one's
// median stays.
func putHour(ctx context.Context, tx *sql.Tx, series, start int64, samples []point) error {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.value
	}
	slices.Sort(values)
	_, err := tx.ExecContext(ctx, `INSERT INTO hourly (series, hour, n, low, mid, high) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (series, hour) DO UPDATE SET
			low  = CASE WHEN excluded.low < hourly.low THEN excluded.low ELSE hourly.low END,
			mid  = CASE WHEN excluded.n > hourly.n THEN excluded.mid ELSE hourly.mid END,
			high = CASE WHEN excluded.high > hourly.high THEN excluded.high ELSE hourly.high END,
			n    = hourly.n + excluded.n`,
		series, start, len(values), values[0], median(values), values[len(values)-1])
	return err
}

// median wants its values in order, and one at least.
func median(values []float64) float64 {
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return values[n/2-1]/2 + values[n/2]/2
}

// forget drops hours from before an instant, and series with nothing left.
func (b *Book) forget(ctx context.Context, before time.Time) error {
	old, err := b.having(ctx, `SELECT s.id FROM series s WHERE EXISTS
		(SELECT 1 FROM hourly h WHERE h.series = s.id AND h.hour < ?) LIMIT ?`, before.UnixMilli(), turnsPerCall*seriesPerTurn)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(old, seriesPerTurn) {
		err := b.db.Write(ctx, func(tx *sql.Tx) error {
			for _, series := range some {
				if _, err := tx.ExecContext(ctx, "DELETE FROM hourly WHERE series = ? AND hour < ?", series, before.UnixMilli()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if _, _, yes := b.db.Degraded(); yes {
		return nil // the history is in the file, so every series looks empty
	}
	return b.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM series WHERE
			NOT EXISTS (SELECT 1 FROM sample o WHERE o.series = series.id) AND
			NOT EXISTS (SELECT 1 FROM hourly h WHERE h.series = series.id)`)
		return err
	})
}
