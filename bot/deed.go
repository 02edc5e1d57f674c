package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// What an admin may change by mention.
const (
	deedAck         = "ack"
	deedUnack       = "unack"
	deedSnooze      = "snooze"
	deedUnsnooze    = "unsnooze"
	deedKnown       = "known"
	deedMaintenance = "maintenance"
	deedOver        = "over" // of a maintenance, before its time
	deedSaid        = "said" // a check's own command; the note is what was said
	deedSummaryOn   = "summary on"
	deedSummaryOff  = "summary off"
)

// A deed is one change by an admin: who, when, and for how long it holds.
type deed struct {
	ID    int64
	At    time.Time
	Admin string // as configured
	What  string
	// Incident and Noticed name an incident; 0 where the deed is about a check
	// (Check) or about everything.
	Incident int64
	Noticed  time.Time
	Check    string
	// Severity is the worst that it covers: what is worse breaks through.
	Severity checks.Severity
	// Until is when it ends by itself, Ended when it was ended; or zero.
	Until, Ended time.Time
	Note         string
	Mention      string
	Line         int
}

// holds tells whether the deed still stands.
func (d deed) holds(now time.Time) bool {
	return d.Ended.IsZero() && (d.Until.IsZero() || d.Until.After(now))
}

// about tells whether the deed concerns an incident.
func (d deed) about(i incident.Incident) bool {
	if d.Incident != 0 {
		return d.Incident == i.ID && d.Noticed.UnixMilli() == i.Noticed.UnixMilli()
	}
	return d.Check != "" && d.Check == i.Key.Check
}

// backFor is how long after its end a snooze is remembered, so that what it held
// comes back also when nobody was running then (own).
const backFor = 8 * 24 * time.Hour

const deedColumns = `d.id, d.at, d.admin, d.what, d.incident, d.noticed, d.check_name, d.severity, d.until, d.ended, d.note, d.mention, d.line`

// standingDeeds are those that hold, and snoozes that ended lately.
func standingDeeds(ctx context.Context, tx *sql.Tx, now time.Time) (deeds, error) {
	return readDeeds(tx.QueryContext(ctx, `SELECT `+deedColumns+` FROM deed d LEFT JOIN incident i ON i.id = d.incident AND i.noticed = d.noticed
		WHERE d.ended IS NULL AND d.what IN ('ack', 'snooze', 'known', 'maintenance') AND (d.until IS NULL OR d.until > ?)
		AND (d.incident = 0 OR i.phase <> 'resolved') ORDER BY d.id`, now.Add(-backFor).UnixMilli()))
}

// deedsOn are all deeds about one incident, or about its check while it lived,
// oldest first.
func deedsOn(ctx context.Context, tx *sql.Tx, i incident.Incident) (deeds, error) {
	last := i.Resolved
	if last.IsZero() {
		last = time.UnixMilli(1<<53 - 1)
	}
	return readDeeds(tx.QueryContext(ctx, `SELECT `+deedColumns+` FROM deed d
		WHERE d.incident = ? AND d.noticed = ? OR d.check_name = ? AND d.at >= ? AND d.at <= ? ORDER BY d.id`,
		i.ID, i.Noticed.UnixMilli(), i.Key.Check, i.Noticed.UnixMilli(), last.UnixMilli()))
}

// deedsSince are the newest deeds about a check's own name, or its incidents; ""
// is all deeds. Newest first.
func deedsSince(ctx context.Context, tx *sql.Tx, check string, since time.Time, limit int) (deeds, error) {
	return readDeeds(tx.QueryContext(ctx, `SELECT `+deedColumns+` FROM deed d LEFT JOIN incident i ON i.id = d.incident AND i.noticed = d.noticed
		WHERE d.at >= ? AND (? = '' OR d.check_name = ? OR i.check_name = ?) ORDER BY d.id DESC LIMIT ?`, since.UnixMilli(), check, check, check, limit))
}

func readDeeds(rows *sql.Rows, err error) (deeds, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all deeds
	for rows.Next() {
		var d deed
		var at, noticed int64
		var severity int
		var until, ended sql.NullInt64
		if err := rows.Scan(&d.ID, &at, &d.Admin, &d.What, &d.Incident, &noticed, &d.Check, &severity, &until, &ended, &d.Note, &d.Mention, &d.Line); err != nil {
			return nil, err
		}
		d.At, d.Noticed, d.Severity = time.UnixMilli(at), time.UnixMilli(noticed), checks.Severity(severity)
		d.Until, d.Ended = instantOf(until), instantOf(ended)
		all = append(all, d)
	}
	return all, rows.Err()
}

// insertDeed writes a deed down, once for each mention; false where that was
// done before.
func insertDeed(ctx context.Context, tx *sql.Tx, d deed) (fresh bool, err error) {
	noticed := int64(0)
	if d.Incident != 0 {
		noticed = d.Noticed.UnixMilli()
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO deed (at, admin, what, incident, noticed, check_name, severity, until, ended, note, mention, line)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mention, line, incident) DO NOTHING`,
		d.At.UnixMilli(), d.Admin, d.What, d.Incident, noticed, d.Check, int(d.Severity), millisOf(d.Until), millisOf(d.Ended), d.Note, d.Mention, d.Line)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// noteAnswer keeps what a question was answered that has changed something.
func noteAnswer(ctx context.Context, tx *sql.Tx, q question, answer checks.Text) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE deed SET answer = ? WHERE mention = ? AND line = ?`, string(text), q.mention, q.line)
	return err
}

// answeredBefore is what a question was answered that has changed something
// already: it is handled again where the daemon ended before the answer was
// frozen.
func answeredBefore(ctx context.Context, tx *sql.Tx, q question) (answer checks.Text, before bool, err error) {
	var text string
	err = tx.QueryRowContext(ctx, `SELECT answer FROM deed WHERE mention = ? AND line = ? AND answer <> '' LIMIT 1`, q.mention, q.line).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return checks.Text{}, false, nil
	}
	if err != nil {
		return checks.Text{}, false, err
	}
	return answer, true, json.Unmarshal([]byte(text), &answer)
}

// endDeeds ends what stands of a sort about an incident, or about a check.
func endDeeds(ctx context.Context, tx *sql.Tx, all deeds, now time.Time, which func(deed) bool) (ended deeds, err error) {
	for _, d := range all {
		if !d.holds(now) || !which(d) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE deed SET ended = ? WHERE id = ?`, now.UnixMilli(), d.ID); err != nil {
			return nil, err
		}
		ended = append(ended, d)
	}
	return ended, nil
}

// deeds are what admins changed.
type deeds []deed

// hold is the deed of a sort that stands longest about an incident.
func (all deeds) hold(what string, i incident.Incident, now time.Time) Hold {
	var found Hold
	for _, d := range all {
		if d.What != what || !d.about(i) || !d.holds(now) {
			continue
		}
		if h := d.hold(); found.By == "" || h.Until.IsZero() || !found.Until.IsZero() && h.Until.After(found.Until) {
			found = h
		}
	}
	return found
}

func (d deed) hold() Hold {
	return Hold{By: d.Admin, At: d.At, Until: d.Until, Severity: d.Severity, Note: d.Note}
}

// ended is when the last snooze of an incident, or its acknowledgement, ended by
// itself; the zero time when none did.
func (all deeds) ended(what string, i incident.Incident, now time.Time) time.Time {
	var last time.Time
	for _, d := range all {
		if d.What == what && d.about(i) && d.Ended.IsZero() && !d.Until.IsZero() && !d.Until.After(now) {
			last = later(last, d.Until)
		}
	}
	return last
}

// maintenance is the announced one whose end was not told yet.
func (all deeds) maintenance() (deed, bool) {
	for _, d := range all {
		if d.What == deedMaintenance && d.Ended.IsZero() {
			return d, true
		}
	}
	return deed{}, false
}

func millisOf(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func instantOf(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMilli(n.Int64)
}
