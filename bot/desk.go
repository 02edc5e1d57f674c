package bot

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
	"github.com/sababan/sababan/schedule/state"
)

// desk turns alerts into tellings and tellings into frozen posts. All of it
// happens in the state, so that a crash repeats nothing and loses nothing.
type desk struct {
	db     *state.DB
	log    *slog.Logger
	admins []Admin
	// limit is how long a post may be.
	limit func() int
	// grouping is how long news is collected before it becomes one message.
	grouping time.Duration
	// hello writes the first message to an admin, once everything was looked at
	// for the first time; false while that is not so yet.
	hello func(ctx context.Context, now time.Time) (greeting, bool, error)
	// afterUpdate are the checks that the round after an update looks at, and
	// whose trouble a maintenance explains.
	afterUpdate map[string]bool
	// after are the kinds whose failure explains a kind's.
	after relations
	// suspects are kinds to look at, for they may explain what has just opened.
	suspects chan string
	// wake tells the outbox of posts.
	wake func()
	// relay is other ways out; nil where there is none.
	relay *relayer
}

// expandBatch bounds one transaction.
const expandBatch = 200

// turn does what is due now and returns when it wants to be called again; the
// zero time when nothing waits.
func (d *desk) turn(ctx context.Context, now time.Time) (frozen int, next time.Time, err error) {
	for {
		n, err := d.expand(ctx, now)
		if err != nil {
			return 0, time.Time{}, err
		}
		if n < expandBatch {
			break
		}
	}
	for _, who := range d.admins {
		n, at, err := d.freeze(ctx, who, now)
		if err != nil {
			return frozen, time.Time{}, err
		}
		frozen += n
		next = soonest(next, at)
	}
	return frozen, next, nil
}

// soonest is the first of several instants; the zero time is none.
func soonest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// expand decides for each new alert who hears of it.
func (d *desk) expand(ctx context.Context, now time.Time) (n int, err error) {
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		alerts, err := incident.Unexpanded(ctx, tx, expandBatch)
		n = len(alerts)
		if err != nil || n == 0 {
			return err
		}
		s, err := d.situation(ctx, tx, now)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			// What got worse than it was when somebody put it aside is aside no more.
			if a.Change == incident.Worse {
				ended, err := endDeeds(ctx, tx, s.deeds, now, func(one deed) bool {
					return one.Incident == a.Incident && one.Severity < a.Severity
				})
				if err != nil {
					return err
				}
				if len(ended) > 0 {
					if s.deeds, err = standingDeeds(ctx, tx, now); err != nil {
						return err
					}
				}
			}
			d.suspect(a)
			for _, who := range d.admins {
				if err := d.tell(ctx, tx, s, a, who, now); err != nil {
					return err
				}
			}
			if err := incident.MarkExpanded(ctx, tx, a.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("bot: choosing who hears of an alert: %w", err)
	}
	return n, nil
}

func (d *desk) tell(ctx context.Context, tx *sql.Tx, s situation, a incident.Alert, who Admin, now time.Time) error {
	told, err := toldOf(ctx, tx, a.Incident, who.Account)
	if err != nil {
		return err
	}
	t := Tell(a, who, told, d.standing(s, s.of(a), a.Severity, who, now), now)
	if t.Supersede {
		if _, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, reason = ? WHERE admin = ? AND state = ? AND alert IN (SELECT id FROM alert WHERE incident = ?)`,
			tellingDropped, string(ToldInsteadOf), who.Account, tellingOwed, a.Incident); err != nil {
			return err
		}
	}
	return insertTelling(ctx, tx, a.ID, who.Account, 0, t)
}

func insertTelling(ctx context.Context, tx *sql.Tx, alert int64, admin string, nth int, t Telling) error {
	stateNow := tellingDropped
	if t.Tell {
		stateNow = tellingOwed
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO telling (alert, admin, nth, reason, due, state) VALUES (?, ?, ?, ?, ?, ?)`,
		alert, admin, nth, string(t.Reason), millisOf(t.Due), stateNow)
	return err
}

// remind makes tellings of what is to be told again by now, and returns when
// the next will be.
func (d *desk) remind(ctx context.Context, tx *sql.Tx, s situation, who Admin, now time.Time) (next time.Time, err error) {
	for _, i := range s.live {
		if i.Phase != incident.Open {
			continue
		}
		st := d.standing(s, i, i.Severity, who, now)
		if i.Severity < checks.Critical && st.SnoozeEnded.IsZero() && i.Finding.Again.IsZero() {
			next = soonest(next, future(st.Snooze.Until, now))
			continue
		}
		told, err := toldOf(ctx, tx, i.ID, who.Account)
		if err != nil {
			return time.Time{}, err
		}
		if st.Others, err = firstTold(ctx, tx, i.ID); err != nil {
			return time.Time{}, err
		}
		if st.Fallback && !told.Fallback {
			// What went another way at once is not sent there again for this.
			if told.Fallback, err = wentAnotherWay(ctx, tx, i.ID); err != nil {
				return time.Time{}, err
			}
		}
		t := Remind(i, who, told, st, now)
		switch {
		case !t.Tell:
			// An end of what holds it is an instant to look again.
			next = soonest(next, future(st.Ack.Until, now), future(st.Snooze.Until, now))
		case t.Due.After(now):
			next = soonest(next, t.Due)
		default:
			if err := addReminder(ctx, tx, i, who.Account, t); err != nil {
				return time.Time{}, err
			}
		}
	}
	return next, nil
}

func future(t, now time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return time.Time{}
}

// addReminder owes the newest news of an incident once more.
func addReminder(ctx context.Context, tx *sql.Tx, i incident.Incident, admin string, t Telling) error {
	var alert int64
	var nth int
	err := tx.QueryRowContext(ctx, `SELECT MAX(id) FROM alert WHERE incident = ?`, i.ID).Scan(&alert)
	if err == nil {
		err = tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(nth), 0) + 1 FROM telling WHERE alert = ? AND admin = ?`, alert, admin).Scan(&nth)
	}
	if err != nil {
		return err
	}
	return insertTelling(ctx, tx, alert, admin, nth, t)
}

// toldOf reads what an admin was told of an incident so far.
func toldOf(ctx context.Context, tx *sql.Tx, incidentID int64, admin string) (Told, error) {
	rows, err := tx.QueryContext(ctx, `SELECT t.state, t.reason, t.nth, a.severity, COALESCE(p.created, 0) FROM telling t JOIN alert a ON a.id = t.alert
		LEFT JOIN post p ON p.key = t.post WHERE a.incident = ? AND t.admin = ? ORDER BY a.id, t.nth`, incidentID, admin)
	if err != nil {
		return Told{}, err
	}
	defer rows.Close()
	var told Told
	for rows.Next() {
		var stateNow, reason string
		var nth, severity int
		var at int64
		if err := rows.Scan(&stateNow, &reason, &nth, &severity, &at); err != nil {
			return Told{}, err
		}
		switch stateNow {
		case tellingOwed:
			told.Owed = true
		case tellingFrozen, tellingDelivered:
			told.AtNight = told.AtNight || Reason(reason) == ToldInNight
			told.Last = later(told.Last, time.UnixMilli(at))
			if nth == 0 || !told.Ever {
				told.News = time.UnixMilli(at)
			}
			told.Fallback = told.Fallback || Reason(reason) == ToldFallback
			told.Ever, told.Severity = true, checks.Severity(severity)
		}
	}
	return told, rows.Err()
}

// firstTold is when anybody was first told that an incident is critical; the
// zero time when nobody was.
func firstTold(ctx context.Context, tx *sql.Tx, incidentID int64) (time.Time, error) {
	var ms sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT MIN(p.created) FROM telling t JOIN alert a ON a.id = t.alert JOIN post p ON p.key = t.post
		WHERE a.incident = ? AND a.severity = ? AND t.state IN (?, ?)`, incidentID, int(checks.Critical), tellingFrozen, tellingDelivered).Scan(&ms)
	return instantOf(ms), err
}
