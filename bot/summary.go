package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sababan/sababan/bot/chart"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

// SummaryOptions are those of the weekly public post.
type SummaryOptions struct {
	// Allowed is the configuration's word. Besides, an admin must have seen the
	// preview and said so.
	Allowed bool
	// Site is the public name of the watched server; "" where it is not set.
	Site string
	// Times is when, and in which zone the days of its week are.
	Times schedule.Timetable
	// Visibility is that of a [Message], not "".
	Visibility string
	// Langs are its languages, one at least where it is allowed.
	Langs   []checks.Lang
	Sources Sources
}

// Keys of what is remembered of it.
const (
	postedKey = "summary:posted" // when the newest one was due
	seenKey   = "summary:seen"   // what the newest preview was of, and who asked
)

// runSummary posts the weekly summary when it is time, until ctx ends.
func (b *Bot) runSummary(ctx context.Context) {
	said := NotDue
	for {
		reason, next, err := b.summarise(ctx, time.Now())
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			b.log.Error("the weekly summary could not be made", "err", err)
			next = time.Now().Add(mostBackoff)
		case reason != said:
			said = reason
			b.log.Info("weekly summary", "posted", string(reason))
		}
		if !await(ctx, b.weekly, soonest(next, time.Now().Add(deskEvery))) {
			return
		}
	}
}

// summarise posts the summary if that is to be done now. It returns what was
// decided, and when it is to be decided again.
func (b *Bot) summarise(ctx context.Context, now time.Time) (reason PostReason, next time.Time, err error) {
	due := lastRun(b.o.Summary.Times, now)
	var state weekPost
	err = b.o.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		state, err = b.weekPost(ctx, tx, due, now)
		return err
	})
	if err != nil {
		return "", time.Time{}, err
	}
	next = b.o.Summary.Times.Next(now)
	state.Watched = leastWatched // as if: it takes long to find out
	if reason = decidePost(state, now); reason != PostNow {
		return reason, next, nil
	}
	week, err := b.lastWeek(ctx, due)
	if err != nil {
		return "", time.Time{}, err
	}
	state.Watched = week.Watched
	if state.Interrupted, err = b.interrupted(ctx); err != nil {
		return "", time.Time{}, err
	}
	switch reason = decidePost(state, now); reason {
	case InterruptedHere:
		return reason, now.Add(summaryAgain), nil
	case PostNow:
		return reason, next, b.freezeSummary(ctx, week, due, now)
	}
	return reason, next, nil
}

// lastRun is the newest run of a timetable that is not in the future, of the
// last eight days; the zero time where there was none.
func lastRun(t schedule.Timetable, now time.Time) time.Time {
	var last time.Time
	// One that runs often needs no look at a week of it.
	for _, back := range []time.Duration{summaryLate + time.Hour, 8 * 24 * time.Hour} {
		for at := t.Next(now.Add(-back)); !at.IsZero() && !at.After(now); at = t.Next(at) {
			last = at
		}
		if !last.IsZero() {
			return last
		}
	}
	return last
}

// weekPost reads what bears on the decision, but for the week itself.
func (b *Bot) weekPost(ctx context.Context, tx *sql.Tx, due, now time.Time) (weekPost, error) {
	w := weekPost{Forbidden: !b.o.Summary.Allowed, Nameless: b.o.Summary.Site == "", Due: due}
	on, _, err := summaryOn(ctx, tx)
	if err != nil {
		return w, err
	}
	w.On = on.At
	value, err := metaValue(ctx, tx, postedKey)
	if err != nil {
		return w, err
	}
	if last, known := stamped(value); known {
		w.Posted = last
	}
	if w.Posted.After(now) {
		// By a clock that was wrong: a week from now on, and not from then.
		w.Posted = now
		return w, setMeta(ctx, tx, postedKey, stamp(now))
	}
	return w, nil
}

// summaryOn is the word of the admin who switched the summary on; false where
// it is off.
func summaryOn(ctx context.Context, tx *sql.Tx) (deed, bool, error) {
	all, err := readDeeds(tx.QueryContext(ctx, `SELECT `+deedColumns+` FROM deed d WHERE d.what = ? AND d.ended IS NULL ORDER BY d.id`, deedSummaryOn))
	if err != nil || len(all) == 0 {
		return deed{}, false, err
	}
	return all[0], true, nil
}

// freezeSummary makes the post, once: that it was made is written down with it.
func (b *Bot) freezeSummary(ctx context.Context, week PublicWeek, due, now time.Time) error {
	text, pictures, err := b.publicPost(ctx, week)
	if err != nil {
		return err
	}
	err = b.o.DB.Write(ctx, func(tx *sql.Tx) error {
		state, err := b.weekPost(ctx, tx, due, now)
		if err != nil {
			return err
		}
		state.Watched = week.Watched
		if decidePost(state, now) != PostNow {
			return nil // an admin was quicker
		}
		key, err := freshKey(ctx, tx)
		if err != nil {
			return err
		}
		err = b.desk.insert(ctx, tx, post{
			Key: key, Kind: kindSummary, Lang: b.o.Summary.Langs[0], Text: text, Created: now,
			Visibility: b.o.Summary.Visibility, Pictures: pictures,
		})
		if err != nil {
			return err
		}
		return setMeta(ctx, tx, postedKey, stamp(due))
	})
	if err != nil {
		return fmt.Errorf("bot: freezing the weekly summary: %w", err)
	}
	b.out.Wake()
	return nil
}

// publicPost is the post of a week, as it is posted and as it is shown before. A
// week whose picture cannot be drawn has none.
func (b *Bot) publicPost(ctx context.Context, week PublicWeek) (text string, pictures []Picture, err error) {
	langs := b.o.Summary.Langs
	if len(langs) == 0 {
		return "", nil, errors.New("bot: the weekly summary has no language")
	}
	text = publicText(week, langs, int(b.limit.Load())-partsRoom)
	var png []byte
	var alt string
	err = b.drawn(ctx, func(japanese *chart.Font) (err error) {
		png, alt, err = publicPicture(week, langs, japanese)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return "", nil, ctx.Err()
	case err != nil:
		b.log.Error("the weekly picture could not be drawn", "err", err)
	case len(png) > 0:
		pictures = []Picture{{PNG: png, Alt: alt}}
	}
	return text, pictures, nil
}

// withdrawn is the problem of a post that an admin did not want any more.
const withdrawn = "switched off"

// withdrawSummary takes back what waits to be posted, and tells whether there was
// something, and whether posting it had begun: then it may be there.
func withdrawSummary(ctx context.Context, tx *sql.Tx) (waited, begun bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) > 0, COUNT(attempt_at) > 0 FROM post WHERE kind = ? AND state = ?`, kindSummary, postWaiting).Scan(&waited, &begun)
	if err != nil || !waited {
		return false, false, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE post SET state = ?, problem = ? WHERE kind = ? AND state = ?`, postRefused, withdrawn, kindSummary, postWaiting); err != nil {
		return false, false, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM picture WHERE post IN (SELECT key FROM post WHERE kind = ? AND state = ?)`, kindSummary, postRefused)
	return true, begun, err
}
