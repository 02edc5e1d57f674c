package incident

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/sababan/sababan/checks"
)

const columns = `id, COALESCE(number, 0), host, check_name, code, subject, phase, severity, finding, bad, critical, calm, good, noticed, opened, last_seen, changed, resolved, unsteady`

func query(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]Incident, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM incident `+where, args...)
	if err != nil {
		return nil, wrap("reading incidents", err)
	}
	defer rows.Close()
	var out []Incident
	for rows.Next() {
		var i Incident
		var phase, finding string
		var severity int
		var noticed, lastSeen, changed int64
		var opened, resolved, unsteady sql.NullInt64
		if err := rows.Scan(&i.ID, &i.Number, &i.Key.Host, &i.Key.Check, &i.Key.Code, &i.Key.Subject, &phase, &severity, &finding,
			&i.Bad, &i.Critical, &i.Calm, &i.Good, &noticed, &opened, &lastSeen, &changed, &resolved, &unsteady); err != nil {
			return nil, wrap("reading incidents", err)
		}
		i.Phase, i.Severity = Phase(phase), checks.Severity(severity)
		i.Noticed, i.LastSeen, i.Changed = time.UnixMilli(noticed), time.UnixMilli(lastSeen), time.UnixMilli(changed)
		i.Opened, i.Resolved, i.Unsteady = instant(opened), instant(resolved), instant(unsteady)
		if err := json.Unmarshal([]byte(finding), &i.Finding); err != nil {
			return nil, wrap("reading an incident", err)
		}
		out = append(out, i)
	}
	return out, wrap("reading incidents", rows.Err())
}

// save writes the incident; a new one gets its row's id.
func save(ctx context.Context, tx *sql.Tx, i *Incident) error {
	finding, err := json.Marshal(i.Finding)
	if err != nil {
		return wrap("writing an incident", err)
	}
	number := sql.NullInt64{Int64: i.Number, Valid: i.Number != 0}
	values := []any{
		number, string(i.Phase), int(i.Severity), int(i.Finding.Road), millis(i.Finding.Harm), string(finding),
		i.Bad, i.Critical, i.Calm, i.Good, millis(i.Noticed), millis(i.Opened), i.LastSeen.UnixMilli(), i.Changed.UnixMilli(), millis(i.Resolved), millis(i.Unsteady),
	}
	if i.ID == 0 {
		row := tx.QueryRowContext(ctx, `INSERT INTO incident (number, phase, severity, road, harm, finding, bad, critical, calm, good, noticed, opened, last_seen, changed, resolved, unsteady, host, check_name, code, subject, unseen)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) RETURNING id`,
			append(values, i.Key.Host, i.Key.Check, i.Key.Code, i.Key.Subject)...)
		return wrap("writing an incident", row.Scan(&i.ID))
	}
	_, err = tx.ExecContext(ctx, `UPDATE incident SET number = ?, phase = ?, severity = ?, road = ?, harm = ?, finding = ?, bad = ?, critical = ?, calm = ?, good = ?,
		noticed = ?, opened = ?, last_seen = ?, changed = ?, resolved = ?, unsteady = ? WHERE id = ?`, append(values, i.ID)...)
	return wrap("writing an incident", err)
}

func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func instant(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMilli(n.Int64)
}
