package schedule

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// stored is a result as the state keeps it.
type stored struct {
	Summary  checks.Text      `json:"summary"`
	Findings []checks.Finding `json:"findings,omitempty"`
	Blind    []checks.Blind   `json:"blind,omitempty"`
	Why      checks.Text      `json:"why,omitzero"`
	Advice   checks.Advice    `json:"advice,omitzero"`
	Took     time.Duration    `json:"took"`
	AsOf     time.Time        `json:"as_of,omitzero"`
}

// record commits a result: the look itself, what to remember, the measures, the
// incidents' changes and the alerts owed for them, all or nothing.
func (s *Schedule) record(ctx context.Context, k checks.Kind, r checks.Result) (news []incident.Alert, err error) {
	why, advice := checks.Explain(r.Err)
	text, err := json.Marshal(stored{
		Summary: r.Summary, Findings: r.Findings, Blind: r.Blind, Why: why, Advice: advice, Took: r.Took, AsOf: r.AsOf,
	})
	if err != nil {
		return nil, fmt.Errorf("schedule: writing a result: %w", err)
	}
	host, now := s.host(k), r.Started.Add(r.Took)
	err = s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		news = nil // the transaction may be tried again
		good := 0
		row := tx.QueryRowContext(ctx, `SELECT good FROM look WHERE host = ? AND check_name = ?`, r.Host, k.Name)
		if err := row.Scan(&good); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		worked, lastGood := good > 0, sql.NullInt64{}
		if r.Err == nil {
			good++
			lastGood = sql.NullInt64{Int64: now.UnixMilli(), Valid: true}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO look (host, check_name, started, finished, severity, result, good, last_good) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (host, check_name) DO UPDATE SET started = excluded.started, finished = excluded.finished, severity = excluded.severity,
			result = excluded.result, good = excluded.good, last_good = COALESCE(excluded.last_good, look.last_good)`,
			r.Host, k.Name, r.Started.UnixMilli(), now.UnixMilli(), int(r.Severity()), string(text), good, lastGood); err != nil {
			return err
		}
		if err := keep(ctx, tx, host, k.Name, r.Remember); err != nil {
			return err
		}
		if err := s.history.Append(tx, host, k.Name, r.Measures, now); err != nil {
			return err
		}
		if err := keepEvents(ctx, tx, host, k.Name, r.Events, now); err != nil {
			return err
		}
		news, err = s.book.Record(ctx, tx, k, r, worked, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("schedule: keeping a result of %s: %w", k.Name, err)
	}
	return news, nil
}

// A View is what was seen last of one check.
type View struct {
	Kind     checks.Kind
	Looked   bool // false until it has looked for the first time
	Started  time.Time
	Severity checks.Severity
	Summary  checks.Text
	Findings []checks.Finding
	Blind    []checks.Blind
	// Why is why nothing was seen; empty when something was.
	Why    checks.Text
	Advice checks.Advice
	Took   time.Duration
}

// Views returns what was seen last of each check, in the checklist's order.
func (s *Schedule) Views(ctx context.Context) ([]View, error) {
	views := make([]View, 0, len(s.jobs))
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error {
		views = views[:0]
		for _, j := range s.jobs {
			v := View{Kind: j.Kind}
			var started int64
			var severity int
			var text string
			row := tx.QueryRowContext(ctx, `SELECT started, severity, result FROM look WHERE host = ? AND check_name = ?`, s.o.Host, j.Kind.Name)
			switch err := row.Scan(&started, &severity, &text); {
			case errors.Is(err, sql.ErrNoRows):
			case err != nil:
				return err
			default:
				var r stored
				if err := json.Unmarshal([]byte(text), &r); err != nil {
					return err
				}
				v.Looked, v.Started, v.Severity = true, time.UnixMilli(started), checks.Severity(severity)
				v.Summary, v.Findings, v.Blind, v.Why, v.Advice, v.Took = r.Summary, r.Findings, r.Blind, r.Why, r.Advice, r.Took
			}
			views = append(views, v)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("schedule: reading the last results: %w", err)
	}
	return views, nil
}

// Incidents is the book of what has been going on.
func (s *Schedule) Incidents() *incident.Book { return s.book }
