package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/sababan/sababan/checks"
)

// A Drawing is a measure over a span of time, as it is to be drawn.
type Drawing struct {
	// Samples are what was measured, oldest first. What is older than a fortnight
	// comes by the hour: its least, its median and its greatest, each at a third
	// of the hour.
	Samples []checks.Sample
	// Normal is what was usual, oldest first; a band holds until the next. Where
	// it is not known its numbers are NaN. Empty where it is known nowhere.
	Normal []Usual
}

// Usual is what was usual from an instant on.
type Usual struct {
	From time.Time
	checks.Band
}

const (
	// Up to byHour what was usual is told for each hour of the week, at so many
	// places; for longer spans by the week, all hours alike (own).
	byHour = 31 * 24 * time.Hour
	places = 170
)

// Drawn returns a measure over a span, in the zone of its end, with what was
// usual at each time of it: what [View.Normal] would have said then. It knows
// nothing where there is no such series.
func (v *View) Drawn(name, subject string, from, to time.Time) (Drawing, error) {
	var past record
	err := v.ask(func(ctx context.Context, tx *sql.Tx) error {
		past = nil
		series, err := v.series(ctx, tx, name, subject)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		past, err = recordOf(ctx, tx, series, from.Add(-memory), to)
		return err
	})
	if err != nil || len(past) == 0 {
		return Drawing{}, err
	}
	d := Drawing{Normal: past.normal(from, to)}
	for _, h := range past.between(from, to) {
		d.Samples = append(d.Samples, h.samples()...)
	}
	return d, nil
}

// spread is one sample, or what an hour of them came to. It is at the middle of
// that hour.
type spread struct {
	at             int64
	n              int
	low, mid, high float64
	hourly         bool
}

func (s spread) samples() []checks.Sample {
	at := time.UnixMilli(s.at)
	if !s.hourly || s.n == 1 {
		return []checks.Sample{{At: at, Value: s.mid}}
	}
	const third = time.Hour / 3
	return []checks.Sample{{At: at.Add(-third), Value: s.low}, {At: at, Value: s.mid}, {At: at.Add(third), Value: s.high}}
}

// record is a part of a series, oldest first.
type record []spread

func recordOf(ctx context.Context, tx *sql.Tx, series int64, from, to time.Time) (record, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT hour + ?, n, low, mid, high, 1 FROM hourly WHERE series = ? AND hour >= ? AND hour <= ?
		UNION ALL
		SELECT at, 1, value, value, value, 0 FROM sample WHERE series = ? AND at >= ? AND at <= ?`,
		hour/2, series, from.UnixMilli()-hour/2, to.UnixMilli(), series, from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all record
	for rows.Next() {
		var s spread
		if err := rows.Scan(&s.at, &s.n, &s.low, &s.mid, &s.high, &s.hourly); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	// They only overlap where a clock was set back.
	slices.SortStableFunc(all, func(a, b spread) int { return cmp.Compare(a.at, b.at) })
	return all, rows.Err()
}

// between is the part from an instant up to, but not including, another.
func (r record) between(from, to time.Time) record {
	place := func(t time.Time) int {
		ms := t.UnixMilli()
		return sort.Search(len(r), func(i int) bool { return r[i].at >= ms })
	}
	return r[place(from):max(place(to), place(from))]
}

// normal is what was usual from an instant to another.
func (r record) normal(from, to time.Time) (list []Usual) {
	step, weekly := 7*24*time.Hour, true
	if span := to.Sub(from); span <= byHour {
		step, weekly = max(time.Hour, (span/places).Round(time.Hour)), false
	}
	known := false
	// A step is told by its middle, and the last by its end: that is now.
	for at := from; at.Before(to); at = at.Add(step) {
		middle := at.Add(step / 2)
		if !middle.Add(step / 2).Before(to) {
			middle = to
		}
		band, ok := r.usual(middle, weekly)
		if !ok {
			band = checks.Band{Low: math.NaN(), Mid: math.NaN(), High: math.NaN()}
		}
		known = known || ok
		list = append(list, Usual{From: at, Band: band})
	}
	if !known {
		return nil
	}
	return list
}

// usual is [View.Normal] of a record; weekly means all hours alike.
func (r record) usual(at time.Time, weekly bool) (checks.Band, bool) {
	first := time.UnixMilli(r[0].at)
	if at.Sub(first) < enough {
		return checks.Band{}, false
	}
	steps := widening(at, first)
	if weekly {
		steps = steps[len(steps)-1:]
	}
	for _, step := range steps {
		seen := crowd{zone: at.Location(), days: map[int]bool{}}
		for _, s := range step.spans {
			for _, one := range r.between(s.from, s.to) {
				seen.put(one)
			}
		}
		if seen.n >= step.samples && len(seen.days) >= fewestDays {
			return seen.band(), true
		}
	}
	return checks.Band{}, false
}
