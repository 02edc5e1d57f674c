package bot

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

// A Source is one measure of one check.
type Source struct{ Check, Name, Subject string }

// Sources are what the weekly summary is made of.
type Sources struct {
	// Outages are the findings, codes by check, that mean while they are critical
	// that people cannot use the server.
	Outages map[string][]string
	// Answer is how long a page takes, in seconds.
	Answer Source
	// Servers counts those that were heard from within a week, New those of them
	// that were never heard of before.
	Servers, New Source
}

// countFresh is how old the count of servers may be (own: it is made hourly).
const countFresh = 24 * time.Hour

// lastWeek reads the week that ends at an instant, in the zone of which its days
// are.
func (b *Bot) lastWeek(ctx context.Context, to time.Time) (PublicWeek, error) {
	from := to.AddDate(0, 0, -7)
	w := PublicWeek{Site: b.o.Summary.Site, From: from, To: to, Servers: -1, New: -1}
	if err := b.readOutages(ctx, &w); err != nil {
		return w, err
	}
	if err := b.readAnswers(&w); err != nil {
		return w, err
	}
	return w, b.readServers(&w)
}

// readOutages reads when the server could not be used.
func (b *Bot) readOutages(ctx context.Context, w *PublicWeek) error {
	source, week := b.o.Summary.Sources, Stretch{w.From, w.To}
	var names []string
	var down []Stretch
	for check, codes := range source.Outages {
		if _, looks := b.o.Schedule.Past(check); !looks {
			continue
		}
		names = append(names, check)
		spells, err := b.o.Schedule.Incidents().Spells(ctx, check, codes, checks.Critical, w.From, w.To)
		if err != nil {
			return err
		}
		for _, s := range spells {
			down = append(down, Stretch(s))
		}
	}
	if len(names) == 0 {
		return nil // nobody watches
	}
	if source.Answer.Check != "" {
		names = append(names, source.Answer.Check) // an answer that was timed is one
	}
	looks, err := b.o.Schedule.Looked(ctx, names, w.From.Add(-lookPatience), w.To)
	if err != nil {
		return err
	}
	looked := covered(looks, week)
	var awake, maintenance []Stretch
	if len(down) > 0 {
		names = names[:0]
		for _, k := range b.o.Schedule.Kinds() {
			names = append(names, k.Name)
		}
		looks, err := b.o.Schedule.Looked(ctx, names, w.From.Add(-lookPatience), w.To)
		if err != nil {
			return err
		}
		awake = covered(looks, week)
		if maintenance, err = b.announced(ctx, week); err != nil {
			return err
		}
	}
	watched, interruptions, planned := outages(down, maintenance, looked, awake)
	w.Watched, w.Interruptions, w.Maintenance = longOf(watched), interruptions, planned
	return nil
}

// announced are the maintenances that admins announced.
func (b *Bot) announced(ctx context.Context, week Stretch) ([]Stretch, error) {
	var all deeds
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		all, err = readDeeds(tx.QueryContext(ctx, `SELECT `+deedColumns+` FROM deed d WHERE d.what = ? AND d.at < ? AND d.until > ? ORDER BY d.id`,
			deedMaintenance, week.To.UnixMilli(), week.From.UnixMilli()))
		return err
	})
	var out []Stretch
	for _, d := range all {
		s := Stretch{d.At, d.Until}
		if !d.Ended.IsZero() && d.Ended.Before(s.To) {
			s.To = d.Ended
		}
		out = append(out, s)
	}
	return out, err
}

// interrupted tells whether people cannot use the server just now, as far as is
// known.
func (b *Bot) interrupted(ctx context.Context) (bool, error) {
	open, err := b.o.Schedule.Incidents().Open(ctx)
	return slices.ContainsFunc(open, func(i incident.Incident) bool {
		return i.Severity == checks.Critical && i.Unsteady.IsZero() && slices.Contains(b.o.Summary.Sources.Outages[i.Key.Check], i.Key.Code)
	}), err
}

// readAnswers reads how long pages took, and what was usual.
func (b *Bot) readAnswers(w *PublicWeek) error {
	source := b.o.Summary.Sources.Answer
	past, looks := b.o.Schedule.Past(source.Check)
	if !looks {
		return nil
	}
	all, err := past.Series(source.Name, source.Subject, w.From)
	if err != nil {
		return err
	}
	var took []float64
	for _, s := range all {
		if s.At.Before(w.To) && !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0) {
			w.Answers = append(w.Answers, checks.Sample{At: s.At, Value: s.Value})
			took = append(took, s.Value)
		}
	}
	if len(took) == 0 {
		return nil
	}
	w.Answer, w.Slow = seconds(half(took)), seconds(slowest(took))
	var lows, mids, highs []float64
	for at := w.From.Truncate(time.Hour); at.Before(w.To); at = at.Add(time.Hour) {
		band, known := past.Normal(source.Name, source.Subject, at.Add(time.Hour/2).In(w.To.Location()))
		if !known && len(mids) == 0 {
			return nil // less than seven days were measured before the week
		}
		if known {
			w.Band, w.BandFrom = append(w.Band, band), append(w.BandFrom, at)
			lows, mids, highs = append(lows, band.Low), append(mids, band.Mid), append(highs, band.High)
		}
	}
	w.Usual, w.UsualLow, w.UsualHigh = seconds(half(mids)), seconds(half(lows)), seconds(half(highs))
	return nil
}

// half is the median of one value or more, which it puts in order.
func half(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// fewestTimed is how many pages must have been timed for one of twenty to mean
// anything (own).
const fewestTimed = 100

// slowest is what one of twenty values is at least; 0 of too few. They are in
// order.
func slowest(values []float64) float64 {
	if len(values) < fewestTimed {
		return 0
	}
	return values[len(values)-len(values)/20]
}

func seconds(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }

// readServers reads how many servers were heard from.
func (b *Bot) readServers(w *PublicWeek) error {
	source := b.o.Summary.Sources
	heard, err := counts(b.o.Schedule, source.Servers, w.From, w.To)
	if err != nil || len(heard) == 0 || w.To.Sub(heard[len(heard)-1].At) > countFresh {
		return err
	}
	w.Servers, w.Heard = whole(heard[len(heard)-1]), daily(heard, w.To)
	fresh, err := counts(b.o.Schedule, source.New, w.To.Add(-countFresh), w.To)
	if len(fresh) > 0 {
		w.New = whole(fresh[len(fresh)-1])
	}
	return err
}

// counts are the values of a count within a time, oldest first; none where
// nobody counts.
func counts(s *schedule.Schedule, source Source, from, to time.Time) ([]checks.Sample, error) {
	past, looks := s.Past(source.Check)
	if !looks {
		return nil, nil
	}
	all, err := past.Series(source.Name, source.Subject, from)
	var in []checks.Sample
	for _, one := range all {
		if one.At.Before(to) && one.Value >= 0 && !math.IsInf(one.Value, 0) {
			in = append(in, checks.Sample{At: one.At, Value: one.Value})
		}
	}
	return in, err
}

func whole(s checks.Sample) int { return int(s.Value + 0.5) }

// daily keeps the last sample of each day; the days end as the week does.
func daily(all []checks.Sample, end time.Time) (out []checks.Sample) {
	before := func(s checks.Sample) int { return int(end.Sub(s.At) / (24 * time.Hour)) }
	for i, s := range all {
		if i+1 == len(all) || before(all[i+1]) != before(s) {
			out = append(out, s)
		}
	}
	return out
}
