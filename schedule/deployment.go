package schedule

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	// together is how close web and Sidekiq restart when somebody deploys
	// (defaults, maintenance).
	together = time.Minute
	// silence is how long an update may take before what it breaks is told
	// (defaults, maintenance).
	silence = 10 * time.Minute
	// longestSilence bounds a silence that is begun anew by every restart (own).
	longestSilence = 30 * time.Minute
	// oneUpdate is within what time news of a new version belongs to the
	// restarts before (own: the version is seen by checks of up to an hour).
	oneUpdate = 2 * time.Hour
	// eventLife is how long events are kept (own: what explains an incident is
	// younger).
	eventLife = 30 * 24 * time.Hour
)

// A Deployment is an update of the Mastodon that is watched, or a restart of
// all of it: for a while nothing is said of what it concerns, and then all of
// that is looked at.
type Deployment struct {
	ID int64
	// Began is when; Ends is the end of the silence.
	Began, Ends time.Time
	// Version is the new one, "" where it is not known.
	Version string
	// Told is when the round was told of; the zero time while it is not.
	Told time.Time
}

// deployed decides what events that were just seen make of the last
// deployment: the one to keep (ID 0 for a new one), and whether anything
// changed. recent are the events of the last minutes, the new ones included.
func deployed(fresh, recent []checks.Event, last Deployment, now time.Time) (Deployment, bool) {
	version := ""
	for _, e := range fresh {
		if e.Code == checks.EventUpdated {
			version = e.Subject
		}
	}
	began := restartedTogether(fresh, recent)
	known := last.ID != 0
	running := known && last.Told.IsZero()
	switch {
	case running && !began.IsZero() && began.After(last.Began):
		last.Ends = later(last.Ends, earlier(began.Add(silence), last.Began.Add(longestSilence)))
		last.Version = cmp.Or(version, last.Version)
		return last, true
	case running && version != "":
		changed := last.Version != version
		last.Version = version
		return last, changed
	case running:
		return last, false
	case version != "" && began.IsZero() && known && now.Sub(last.Began) < oneUpdate:
		return last, false // its round is over, and was told
	case version != "" || !began.IsZero():
		if began.IsZero() {
			began = now
		}
		if known && !began.After(last.Began) || now.Sub(began) > longestSilence {
			return last, false // old news: of a daemon that slept
		}
		return Deployment{Began: began, Ends: later(began.Add(silence), now), Version: version}, true
	}
	return last, false
}

// restartedTogether is when web and Sidekiq restarted within a minute of each
// other, by at least one event that is new; the zero time where they did not.
func restartedTogether(fresh, recent []checks.Event) time.Time {
	var at time.Time
	for _, a := range fresh {
		if a.Code != checks.EventRestarted {
			continue
		}
		for _, b := range recent {
			apart := a.At.Sub(b.At).Abs()
			other := a.Part == checks.PartWeb && b.Part == checks.PartSidekiq || a.Part == checks.PartSidekiq && b.Part == checks.PartWeb
			if b.Code == checks.EventRestarted && other && apart <= together {
				at = later(at, later(a.At, b.At))
			}
		}
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// keepEvents writes what happened, and what that makes of an update.
func keepEvents(ctx context.Context, tx *sql.Tx, host, check string, events []checks.Event, now time.Time) error {
	var fresh []checks.Event
	for _, e := range events {
		text, err := json.Marshal(e.Text)
		if err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO event (host, check_name, code, part, subject, at, text) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			host, check, e.Code, e.Part, e.Subject, e.At.UnixMilli(), string(text))
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err == nil && n > 0 {
			fresh = append(fresh, e)
		}
	}
	if !slices.ContainsFunc(fresh, func(e checks.Event) bool { return e.Code == checks.EventRestarted || e.Code == checks.EventUpdated }) {
		return nil
	}
	recent, err := eventsSince(ctx, tx, now.Add(-longestSilence))
	if err != nil {
		return err
	}
	last, err := lastDeployment(ctx, tx)
	if err != nil {
		return err
	}
	d, changed := deployed(fresh, recent, last, now)
	switch {
	case !changed:
		return nil
	case d.ID == 0:
		_, err = tx.ExecContext(ctx, `INSERT INTO deployment (began, ends, version) VALUES (?, ?, ?)`, d.Began.UnixMilli(), d.Ends.UnixMilli(), d.Version)
	default:
		_, err = tx.ExecContext(ctx, `UPDATE deployment SET ends = ?, version = ? WHERE id = ?`, d.Ends.UnixMilli(), d.Version, d.ID)
	}
	return err
}

func eventsSince(ctx context.Context, tx *sql.Tx, since time.Time) ([]checks.Event, error) {
	rows, err := tx.QueryContext(ctx, `SELECT code, part, subject, at FROM event WHERE at >= ? ORDER BY at`, since.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []checks.Event
	for rows.Next() {
		var e checks.Event
		var at int64
		if err := rows.Scan(&e.Code, &e.Part, &e.Subject, &at); err != nil {
			return nil, err
		}
		e.At = time.UnixMilli(at)
		events = append(events, e)
	}
	return events, rows.Err()
}

func lastDeployment(ctx context.Context, tx *sql.Tx) (Deployment, error) {
	var d Deployment
	var began, ends int64
	var told sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT id, began, ends, version, told FROM deployment ORDER BY id DESC LIMIT 1`).Scan(&d.ID, &began, &ends, &d.Version, &told)
	if errors.Is(err, sql.ErrNoRows) {
		return Deployment{}, nil
	}
	if err != nil {
		return Deployment{}, err
	}
	d.Began, d.Ends = time.UnixMilli(began), time.UnixMilli(ends)
	if told.Valid {
		d.Told = time.UnixMilli(told.Int64)
	}
	return d, nil
}

// Deploying returns the update whose round is still owed; false where there is
// none.
func Deploying(ctx context.Context, tx *sql.Tx) (Deployment, bool, error) {
	d, err := lastDeployment(ctx, tx)
	return d, err == nil && d.ID != 0 && d.Told.IsZero(), err
}

// DeploymentTold marks an update whose round was told of.
func DeploymentTold(ctx context.Context, tx *sql.Tx, id int64, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE deployment SET told = ? WHERE id = ?`, now.UnixMilli(), id)
	return err
}

// forgetEvents drops what is too old to explain anything.
func (s *Schedule) forgetEvents(ctx context.Context, now time.Time) error {
	err := s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM event WHERE at < ?`, now.Add(-eventLife).UnixMilli()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM deployment WHERE told < ? AND id < (SELECT MAX(id) FROM deployment)`, now.Add(-eventLife).UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("schedule: forgetting old events: %w", err)
	}
	return nil
}
