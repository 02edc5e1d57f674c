package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/state"
)

// readTimeout bounds a question to the past, which waits in turn (own).
const readTimeout = 5 * time.Second

// A View is the past of one check on one host. It reads when it is asked, and
// keeps nothing. When the state cannot be read the answer is that nothing is
// known, and the log has the reason.
type View struct {
	db          *state.DB
	host, check string
}

var _ checks.Past = (*View)(nil)

// View returns the past of a check; host is "" for those of the whole site.
func (b *Book) View(host, check string) *View { return &View{b.db, host, check} }

// point is a sample as it is stored: unix milliseconds.
type point struct {
	at    int64
	value float64
}

// Last returns the newest sample of a measure.
func (v *View) Last(name, subject string) (checks.Sample, bool) {
	var last point
	ok := v.read("last", func(ctx context.Context, tx *sql.Tx) error {
		series, err := v.series(ctx, tx, name, subject)
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, "SELECT at, value FROM sample WHERE series = ? ORDER BY at DESC LIMIT 1",
			series).Scan(&last.at, &last.value)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		err = tx.QueryRowContext(ctx, "SELECT hour, mid FROM hourly WHERE series = ? ORDER BY hour DESC LIMIT 1",
			series).Scan(&last.at, &last.value)
		last.at += hour / 2
		return err
	})
	if !ok {
		return checks.Sample{}, false
	}
	return checks.Sample{At: time.UnixMilli(last.at), Value: last.value}, true
}

// Series returns the samples since an instant, oldest first. What is older than
// a fortnight comes by the hour: its median, at the middle of the hour.
func (v *View) Series(name, subject string, since time.Time) ([]checks.Sample, error) {
	var list []checks.Sample
	err := v.ask(func(ctx context.Context, tx *sql.Tx) error {
		series, err := v.series(ctx, tx, name, subject)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		from := since.UnixMilli()
		hours, err := points(tx.QueryContext(ctx,
			"SELECT hour + ?, mid FROM hourly WHERE series = ? AND hour >= ? ORDER BY hour", hour/2, series, from-hour/2))
		if err != nil {
			return err
		}
		raw, err := rawBetween(ctx, tx, series, from, math.MaxInt64, -1)
		if err != nil {
			return err
		}
		all := append(hours, raw...)
		// They only overlap where a clock was set back.
		slices.SortStableFunc(all, func(a, b point) int { return cmp.Compare(a.at, b.at) })
		list = make([]checks.Sample, len(all))
		for i, p := range all {
			list[i] = checks.Sample{At: time.UnixMilli(p.at), Value: p.value}
		}
		return nil
	})
	return list, err
}

// Load gives back what the last look wanted to remember.
func (v *View) Load(key string) ([]byte, bool) {
	var value []byte
	ok := v.read("load", func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT value FROM remember WHERE host = ? AND check_name = ? AND key = ?",
			v.host, v.check, key).Scan(&value)
	})
	return value, ok
}

func (v *View) ask(do func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	return v.db.Read(ctx, func(tx *sql.Tx) error { return do(ctx, tx) })
}

// read tells whether there was something; an error that is not "no rows" goes
// to the log.
func (v *View) read(what string, do func(context.Context, *sql.Tx) error) bool {
	err := v.ask(do)
	if err != nil && !errors.Is(err, sql.ErrNoRows) && !errors.Is(err, state.ErrClosed) {
		v.db.Log().Warn("the past cannot be read", "what", what, "check", v.check, "host", v.host, "error", err)
	}
	return err == nil
}

func (v *View) series(ctx context.Context, tx *sql.Tx, name, subject string) (id int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT id FROM series WHERE host = ? AND check_name = ? AND name = ? AND subject = ?",
		v.host, v.check, name, subject).Scan(&id)
	return id, err
}

// rawBetween reads samples in order, at most as many as the limit says; -1 is
// no limit.
func rawBetween(ctx context.Context, tx *sql.Tx, series, from, to int64, limit int) ([]point, error) {
	return points(tx.QueryContext(ctx,
		"SELECT at, value FROM sample WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT ?", series, from, to, limit))
}

func points(rows *sql.Rows, err error) ([]point, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []point
	for rows.Next() {
		var p point
		if err := rows.Scan(&p.at, &p.value); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}
