package federation

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

const (
	pulseLeast = 15 * time.Minute // defaults
	pulseTimes = 10               // normal of the hour; defaults
	// pulseHigh is how many times the upper end of what is usual is still no
	// silence (own: where few post, ten times the middle comes every few weeks).
	pulseHigh = 5
	// pulseUnknown is the age that is too much where nothing is known to be
	// normal (own).
	pulseUnknown = 24 * time.Hour
	// pulseLooks is how many looks must have seen it (defaults). They are counted
	// from when the newest post was first seen, so that a silence of a quarter of
	// an hour has had its looks when it is over.
	pulseLooks = 3
	// pulseRows is how many posts are read at most until one is from outside
	// (own: a look reads one to a few; a server that hears nothing, all).
	pulseRows = 5000
)

// pulseMemory is what a look tells the next.
type pulseMemory struct {
	// ID is the newest post from outside that was ever seen.
	ID int64 `json:"id"`
	// Same counts the looks that have seen no newer one, Late those that found it
	// too old.
	Same int `json:"same"`
	Late int `json:"late"`
	// Deaf is when the last bad look was, in seconds since 1970.
	Deaf int64 `json:"deaf,omitempty"`
}

// idTime is when a post was made, by its id: the milliseconds since 1970 stand
// above the lowest 16 bits.
func idTime(id int64) time.Time { return time.UnixMilli(id >> 16) }

// Only the rows until the first from outside are read: the inner questions are
// kept from being turned into a walk over a whole table.
const (
	newestSQL = `SELECT s.id FROM (SELECT id, account_id FROM statuses WHERE id >= $1 ORDER BY id DESC LIMIT $2) s
		CROSS JOIN LATERAL (SELECT domain FROM accounts WHERE id = s.account_id OFFSET 0) a
		WHERE a.domain IS NOT NULL ORDER BY s.id DESC LIMIT 1`
	oldestReadSQL = `SELECT coalesce(min(id), 0), count(*) FROM (SELECT id FROM statuses WHERE id >= $1 ORDER BY id DESC LIMIT $2) s`
)

// newestRemote is the newest post from outside, by the time of its making. Where
// everything that was read is from here, least says that it is older than the
// answer. A post that came late has the id of its making, so it does not count
// as new: what counts is how far behind the timelines are.
func newestRemote(ctx context.Context, tx pgx.Tx, known int64) (id int64, least bool, err error) {
	err = tx.QueryRow(ctx, newestSQL, known, pulseRows).Scan(&id)
	if !errors.Is(err, pgx.ErrNoRows) {
		return id, false, err
	}
	var oldest, rows int64
	if err := tx.QueryRow(ctx, oldestReadSQL, known, pulseRows).Scan(&oldest, &rows); err != nil {
		return 0, false, err
	}
	if rows >= pulseRows {
		return oldest, true, nil
	}
	// What was the newest may have been deleted since; it came all the same.
	return known, false, nil
}

// pulse reads the newest post from outside.
func (v *visit) pulse(ctx context.Context) error {
	before := v.memory.Pulse
	if idTime(before.ID).After(v.now.Add(time.Hour)) {
		before = pulseMemory{} // the clock was wrong then, or is now
	}
	var id int64
	var least bool
	err := v.site.Database().Read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		id, least, err = newestRemote(ctx, tx, before.ID)
		return err
	})
	if err != nil {
		return err
	}
	if id == 0 {
		return nil // nothing has ever come
	}
	v.newest, v.least = idTime(id), least
	if v.newest.After(v.now) { // clocks that differ
		v.newest = v.now
	}
	age := v.now.Sub(v.newest)
	v.measure(newestAge, "", age.Seconds(), checks.Seconds)
	if band, ok := v.past.Normal(newestAge, "", v.now); ok {
		v.usual = band
		v.usual.Days = max(band.Days, 1)
	}
	next := before
	if next.Same++; id > before.ID && !least {
		next.ID, next.Same = id, 1
	}
	severity, late := judgePulse(age, v.usual)
	if next.Late++; !late {
		next.Late = 0
	}
	next.Same, next.Late = min(next.Same, 1000), min(next.Late, 1000)
	if late {
		next.Deaf = v.now.Unix()
	}
	v.memory.Pulse = next
	// Without a past one look is all there is.
	looked := max(next.Same, next.Late) >= pulseLooks || v.usual.Days == 0
	if v.deaf = late; !late || !looked {
		return nil
	}
	f := checks.Finding{
		Code: codeDeaf, Severity: severity, Road: checks.Now, Harm: v.now,
		Text: textDeaf(v.newest, v.usual, next.Same < pulseLooks && next.Late >= pulseLooks, least), Advice: adviceDeaf(),
	}
	if severity == checks.Warning {
		f.Road, f.Harm = checks.Morning, time.Time{}
	}
	v.Findings = append(v.Findings, f)
	return nil
}

// judgePulse decides whether the newest post from outside is too old.
func judgePulse(age time.Duration, usual checks.Band) (checks.Severity, bool) {
	if usual.Days == 0 {
		if age > pulseUnknown {
			return checks.Warning, true
		}
		return checks.OK, false
	}
	if age > pulseLimit(usual) {
		return checks.Critical, true
	}
	return checks.OK, false
}

// pulseLimit is the age that is too much at this hour.
func pulseLimit(usual checks.Band) time.Duration {
	seconds := max(pulseTimes*usual.Mid, pulseHigh*usual.High)
	return max(pulseLeast, time.Duration(seconds*float64(time.Second)))
}
