package history

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	// enough is how long a series must have been measured before anything is
	// said about what is usual (defaults: seven days).
	enough = 7 * 24 * time.Hour

	// memory is how far back "usual" reaches: long enough for eight of each hour
	// of the week, short enough for a server that grows (own).
	memory = 8 * 7 * 24 * time.Hour

	// What is judged is not its own yardstick: trouble that began within the
	// last day does not count as usual (own).
	apart = 24 * time.Hour

	// An hour of the week, or of the day, speaks for itself where it was seen on
	// three days and twelve times; the last resort, all hours alike, with five
	// samples (own).
	fewestDays    = 3
	fewestSamples = 12
	fewestOfAll   = 5

	// The band holds four values of five. It is taken from the values
	// themselves and not from a deviation about the median: latencies and sizes
	// are skewed, and median ± something would promise values below zero on one
	// side and cry too early on the other. A tenth of outliers on each side
	// moves neither end (own).
	bandLow, bandHigh = 0.1, 0.9
)

// Normal returns what is usual for a measure at the hour of the week of an
// instant, in that instant's own zone: the median, and the range from the 10th
// to the 90th percentile, of the last eight weeks but the last day. Where that
// hour has too few samples it widens: to the hours beside it, to these hours of
// every day, to all hours. It is false where the series began less than seven
// days before. Hours are kept as UTC has them: where clocks are half an hour
// off, those of more than a fortnight ago hold half of a neighbouring hour.
func (v *View) Normal(name, subject string, at time.Time) (checks.Band, bool) {
	var band checks.Band
	found := false
	ok := v.read("normal", func(ctx context.Context, tx *sql.Tx) error {
		found = false
		series, err := v.series(ctx, tx, name, subject)
		if err != nil {
			return err
		}
		first, err := firstOf(ctx, tx, series)
		if err != nil || at.Sub(first) < enough {
			return err
		}
		query, err := tx.PrepareContext(ctx, `
			SELECT at, 1, value, value, value FROM sample WHERE series = ? AND at >= ? AND at < ?
			UNION ALL
			SELECT hour + ?, n, low, mid, high FROM hourly WHERE series = ? AND hour >= ? AND hour < ?`)
		if err != nil {
			return err
		}
		defer query.Close()
		for _, step := range widening(at, first) {
			seen := crowd{zone: at.Location(), days: map[int]bool{}}
			for _, s := range step.spans {
				if err := seen.add(ctx, query, series, s); err != nil {
					return err
				}
			}
			if seen.n >= step.samples && len(seen.days) >= fewestDays {
				band, found = seen.band(), true
				return nil
			}
		}
		return nil
	})
	return band, ok && found
}

// span is from an instant up to, but not including, another.
type span struct{ from, to time.Time }

// step is one width in which to look for what is usual.
type step struct {
	spans   []span
	samples int // so many are needed
}

// widening returns the widths from the narrowest: this hour of the week, with
// the hours beside it, these hours of every day, all hours.
func widening(at, first time.Time) []step {
	oldest, newest := at.Add(-memory), at.Add(-apart)
	if first.After(oldest) {
		oldest = first
	}
	// The hours of earlier days as the clocks there showed them: an hour of the
	// week stays the same hour when summer time begins or ends.
	every := func(days, before, after int) (spans []span) {
		for back := days; ; back += days {
			year, month, day := at.AddDate(0, 0, -back).Date()
			s := span{
				time.Date(year, month, day, at.Hour()-before, 0, 0, 0, at.Location()),
				time.Date(year, month, day, at.Hour()+1+after, 0, 0, 0, at.Location()),
			}
			if s.to.Before(oldest) {
				return spans
			}
			if s.to.After(newest) {
				s.to = newest
			}
			if s.from.Before(s.to) {
				spans = append(spans, s)
			}
		}
	}
	return []step{
		{every(7, 0, 0), fewestSamples},
		{every(7, 1, 1), fewestSamples},
		{every(1, 1, 1), fewestSamples},
		{[]span{{oldest, newest}}, fewestOfAll},
	}
}

func firstOf(ctx context.Context, tx *sql.Tx, series int64) (time.Time, error) {
	first := int64(math.MaxInt64)
	for _, query := range []string{
		"SELECT hour FROM hourly WHERE series = ? ORDER BY hour LIMIT 1",
		"SELECT at FROM sample WHERE series = ? ORDER BY at LIMIT 1",
	} {
		var at int64
		switch err := tx.QueryRowContext(ctx, query, series).Scan(&at); {
		case err == nil:
			first = min(first, at)
		case !errors.Is(err, sql.ErrNoRows):
			return time.Time{}, err
		}
	}
	if first == math.MaxInt64 {
		return time.Time{}, sql.ErrNoRows
	}
	return time.UnixMilli(first), nil
}

// crowd is many values, of which some stand for several samples.
type crowd struct {
	zone   *time.Location
	n      int
	values []weighted
	days   map[int]bool
}

type weighted struct {
	value float64
	n     int
}

// add reads a span. An hour of many samples gives its least, its greatest, and
// its median for all others; it belongs where its middle lies.
func (c *crowd) add(ctx context.Context, query *sql.Stmt, series int64, s span) error {
	from, to := s.from.UnixMilli(), s.to.UnixMilli()
	rows, err := query.QueryContext(ctx, series, from, to, hour/2, series, from-hour/2, to-hour/2)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var one spread
		if err := rows.Scan(&one.at, &one.n, &one.low, &one.mid, &one.high); err != nil {
			return err
		}
		c.put(one)
	}
	return rows.Err()
}

// put takes one sample, or one hour of them.
func (c *crowd) put(s spread) {
	c.n += s.n
	local := time.UnixMilli(s.at).In(c.zone)
	c.days[local.Year()*400+local.YearDay()] = true
	switch s.n {
	case 1:
		c.values = append(c.values, weighted{s.mid, 1})
	case 2:
		c.values = append(c.values, weighted{s.low, 1}, weighted{s.high, 1})
	default:
		c.values = append(c.values, weighted{s.low, 1}, weighted{s.mid, s.n - 2}, weighted{s.high, 1})
	}
}

func (c *crowd) band() checks.Band {
	slices.SortFunc(c.values, func(a, b weighted) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	return checks.Band{Low: c.quantile(bandLow), Mid: c.quantile(0.5), High: c.quantile(bandHigh), Days: len(c.days)}
}

// quantile wants the values in order; between two of them it is in proportion.
func (c *crowd) quantile(p float64) float64 {
	place := p * float64(c.n-1)
	below := int(place)
	low, high := c.rank(below), c.rank(min(below+1, c.n-1))
	part := place - float64(below)
	return low*(1-part) + high*part
}

// rank returns the value in a place, counted from 0.
func (c *crowd) rank(place int) float64 {
	for _, w := range c.values {
		if place < w.n {
			return w.value
		}
		place -= w.n
	}
	return math.NaN() // not reached: the places are as many as the samples
}
