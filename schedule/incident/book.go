package incident

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/state"
)

// An Alert is the news of a change, owed to the admins. It is written in the
// same transaction as the change.
type Alert struct {
	ID       int64
	Incident int64
	Number   int64
	Key      Key
	Change   Change
	Severity checks.Severity
	Road     checks.Road
	Harm     time.Time
	At       time.Time
	Notice
}

// A Notice is what an alert has to say, as it was at that moment.
type Notice struct {
	Finding checks.Finding `json:"finding"`
	// Summary is the check's own line at the end of an incident.
	Summary checks.Text `json:"summary"`
	// Title is the kind's.
	Title   checks.Text `json:"title"`
	Noticed time.Time   `json:"noticed"`
	// Still is how many other incidents of this check are open.
	Still int `json:"still"`
	// Unsteady is since when it is known to come and go, Turns how often it had
	// changed by then.
	Unsteady time.Time `json:"unsteady,omitzero"`
	Turns    int       `json:"turns,omitempty"`
}

// UnseenCode is the code of the incidents that stand for "could not tell".
const UnseenCode = "unseen"

// unseenLife: a check that worked and no longer can is told after three looks
// and an hour (defaults, rule 3).
var unseenLife = Life{
	Rule:     checks.Rule{Warning: checks.Looks{Open: 3, Resolve: 1}, Critical: checks.Looks{Open: 3, Resolve: 1}},
	Patience: time.Hour,
}

// A Book remembers incidents.
type Book struct {
	db   *state.DB
	flap Flap
}

// NewBook opens the book; flap is what it takes for unsteady.
func NewBook(db *state.DB, flap Flap) *Book { return &Book{db: db, flap: flap} }

// Record takes one result into the book, within the caller's transaction, and
// returns the news of it, which by then are owed.
func (b *Book) Record(ctx context.Context, tx *sql.Tx, k checks.Kind, r checks.Result, worked bool, now time.Time) ([]Alert, error) {
	host := r.Host
	if k.Scope == checks.Site {
		host = ""
	}
	unseen, err := unseenFindings(ctx, tx, host, r, worked, now)
	if err != nil {
		return nil, err
	}
	live, err := query(ctx, tx, `WHERE host = ? AND check_name = ? AND phase <> 'resolved' ORDER BY id`, host, k.Name)
	if err != nil {
		return nil, err
	}
	seen := map[Key]Sight{}
	var order []Key
	for _, f := range append(append([]checks.Finding(nil), r.Findings...), unseen...) {
		key := Key{host, k.Name, f.Code, f.Subject}
		if _, double := seen[key]; !double {
			order = append(order, key)
		}
		how := Present
		if f.Holds {
			how = Holding
		}
		seen[key] = Sight{How: how, Finding: f}
	}
	var news []Alert
	known := map[Key]bool{}
	for _, i := range live {
		known[i.Key] = true
		s, found := seen[i.Key]
		if !found {
			s = Sight{How: absence(i.Key, r)}
		}
		alert, err := b.turn(ctx, tx, k, r, i, s, now)
		if err != nil {
			return nil, err
		}
		news = append(news, alert...)
	}
	for _, key := range order {
		if s := seen[key]; !known[key] && s.How == Present {
			alert, err := b.turn(ctx, tx, k, r, Incident{Key: key, Phase: Pending}, s, now)
			if err != nil {
				return nil, err
			}
			news = append(news, alert...)
		}
	}
	return news, nil
}

// absence says why a live incident was not among the findings.
func absence(key Key, r checks.Result) How {
	if key.Code == UnseenCode {
		return Absent
	}
	if r.Err != nil {
		return Hidden
	}
	for _, blind := range r.Blind {
		if blind.Hides(checks.Key{Code: key.Code, Subject: key.Subject}) {
			return Hidden
		}
	}
	return Absent
}

func (b *Book) turn(ctx context.Context, tx *sql.Tx, k checks.Kind, r checks.Result, i Incident, s Sight, now time.Time) ([]Alert, error) {
	life := Life{Rule: k.Rule(i.Key.Code)}
	if i.Key.Code == UnseenCode {
		life = unseenLife
	}
	life.Flap = b.flap
	next, change := Decide(i, s, life, now)
	if change.News() && b.flap.Changes > 0 && i.Unsteady.IsZero() {
		var err error
		if i.Turns, err = turns(ctx, tx, i.Key, now.Add(-b.flap.Within)); err != nil {
			return nil, err
		}
		next, change = Decide(i, s, life, now)
	}
	if change == Forgotten {
		_, err := tx.ExecContext(ctx, `DELETE FROM incident WHERE id = ?`, i.ID)
		return nil, wrap("forgetting an incident", err)
	}
	if next.Phase == Open && next.Number == 0 {
		row := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) + 1 FROM incident`)
		if err := row.Scan(&next.Number); err != nil {
			return nil, wrap("numbering an incident", err)
		}
	}
	if err := save(ctx, tx, &next); err != nil {
		return nil, err
	}
	if !change.News() {
		return nil, nil
	}
	a := Alert{
		Incident: next.ID, Number: next.Number, Key: next.Key, Change: change,
		Severity: next.Severity, Road: next.Finding.Road, Harm: next.Finding.Harm, At: now,
		Notice: Notice{Finding: next.Finding, Summary: r.Summary, Title: r.Title, Noticed: next.Noticed, Turns: next.Turns, Unsteady: next.Unsteady},
	}
	row := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM incident WHERE host = ? AND check_name = ? AND phase = 'open' AND id <> ?`,
		next.Key.Host, next.Key.Check, next.ID)
	if err := row.Scan(&a.Still); err != nil {
		return nil, wrap("counting incidents", err)
	}
	notice, err := json.Marshal(a.Notice)
	if err != nil {
		return nil, wrap("writing an alert", err)
	}
	row = tx.QueryRowContext(ctx, `INSERT INTO alert (incident, change, severity, road, harm, finding, at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		a.Incident, string(a.Change), int(a.Severity), int(a.Road), millis(a.Harm), string(notice), now.UnixMilli())
	if err := row.Scan(&a.ID); err != nil {
		return nil, wrap("writing an alert", err)
	}
	return []Alert{a}, nil
}

// unseenFindings turns what could not be seen, although it once could, into
// findings of their own, and remembers which that were.
func unseenFindings(ctx context.Context, tx *sql.Tx, host string, r checks.Result, worked bool, now time.Time) ([]checks.Finding, error) {
	var found []checks.Finding
	if r.Err != nil {
		if !worked {
			return nil, nil
		}
		why, advice := checks.Explain(r.Err)
		return []checks.Finding{unseenFinding(r.Title, "", why, advice)}, nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT code, subject, worked FROM sight WHERE host = ? AND check_name = ?`, host, r.Check)
	if err != nil {
		return nil, wrap("reading what was blind", err)
	}
	defer rows.Close()
	before := map[checks.Key]bool{}
	for rows.Next() {
		var key checks.Key
		var did bool
		if err := rows.Scan(&key.Code, &key.Subject, &did); err != nil {
			return nil, wrap("reading what was blind", err)
		}
		before[key] = did
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("reading what was blind", err)
	}
	blind := map[checks.Key]bool{}
	for _, spot := range r.Blind {
		key := checks.Key{Code: spot.Code, Subject: spot.Subject}
		blind[key] = true
		did, again := before[key]
		if !again {
			did = worked
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO sight (host, check_name, code, subject, worked, blind_since, looks) VALUES (?, ?, ?, ?, ?, ?, 1)
			ON CONFLICT (host, check_name, code, subject) DO UPDATE SET looks = sight.looks + 1`,
			host, r.Check, key.Code, key.Subject, did, now.UnixMilli()); err != nil {
			return nil, wrap("writing what is blind", err)
		}
		if did {
			subject := key.Code
			if key.Subject != "" {
				subject += " " + key.Subject
			}
			found = append(found, unseenFinding(r.Title, subject, spot.Why, spot.Mend))
		}
	}
	for key := range before {
		if !blind[key] {
			if _, err := tx.ExecContext(ctx, `DELETE FROM sight WHERE host = ? AND check_name = ? AND code = ? AND subject = ?`,
				host, r.Check, key.Code, key.Subject); err != nil {
				return nil, wrap("forgetting what was blind", err)
			}
		}
	}
	return found, nil
}

func unseenFinding(title checks.Text, subject string, why checks.Text, advice checks.Advice) checks.Finding {
	text := checks.Text{En: title.En + " cannot be checked any more: " + why.En, Ja: title.Ja + "を確認できなくなりました: " + why.Ja}
	if title.Empty() {
		text = checks.Text{En: "cannot be checked any more: " + why.En, Ja: "確認できなくなりました: " + why.Ja}
	}
	return checks.Finding{
		Code: UnseenCode, Subject: subject, Severity: checks.Unknown, Road: checks.Morning,
		Text:   text,
		Advice: advice,
	}
}

// Open returns the open incidents, worst first, then the oldest.
func (b *Book) Open(ctx context.Context) ([]Incident, error) {
	var out []Incident
	err := b.db.Read(ctx, func(tx *sql.Tx) (err error) {
		out, err = query(ctx, tx, `WHERE phase = 'open' ORDER BY severity DESC, opened, id`)
		return err
	})
	return out, err
}

// ErrNoIncident means that no incident has this number.
var ErrNoIncident = errors.New("no incident has this number")

// Get returns an incident by its number, open or resolved.
func (b *Book) Get(ctx context.Context, number int64) (Incident, error) {
	var out []Incident
	err := b.db.Read(ctx, func(tx *sql.Tx) (err error) {
		out, err = query(ctx, tx, `WHERE number = ?`, number)
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%d: %w", number, ErrNoIncident)
	}
	if err != nil {
		return Incident{}, err
	}
	return out[0], nil
}

// OfCheck returns the incidents of a check that are open, or were noticed after
// an instant, the newest first, at most limit of them. Those that never opened
// are left out.
func (b *Book) OfCheck(ctx context.Context, check string, since time.Time, limit int) ([]Incident, error) {
	var out []Incident
	err := b.db.Read(ctx, func(tx *sql.Tx) (err error) {
		out, err = query(ctx, tx, `WHERE check_name = ? AND opened IS NOT NULL AND (phase = 'open' OR opened >= ?) ORDER BY opened DESC, id DESC LIMIT ?`,
			check, since.UnixMilli(), limit)
		return err
	})
	return out, err
}

// Live returns everything that is open or may open yet, within a transaction:
// worst first, then the oldest.
func Live(ctx context.Context, tx *sql.Tx) ([]Incident, error) {
	return query(ctx, tx, `WHERE phase <> 'resolved' ORDER BY severity DESC, noticed, id`)
}

// turns counts the changes of whatever had a key since an instant.
func turns(ctx context.Context, tx *sql.Tx, key Key, since time.Time) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM alert a JOIN incident i ON i.id = a.incident
		WHERE i.host = ? AND i.check_name = ? AND i.code = ? AND i.subject = ? AND a.at > ?`,
		key.Host, key.Check, key.Code, key.Subject, since.UnixMilli()).Scan(&n)
	return n, wrap("counting changes", err)
}

// Forget drops incidents that were resolved before an instant, with their
// alerts, at most limit of them: what hangs on these alerts must be gone. The
// newest number stays, for numbers are not used twice.
func Forget(ctx context.Context, tx *sql.Tx, before time.Time, limit int) error {
	old := `SELECT id FROM incident WHERE ` + forgettable + ` ORDER BY id LIMIT ?`
	for _, from := range []string{`alert WHERE incident`, `incident WHERE id`} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+from+` IN (`+old+`)`, before.UnixMilli(), limit); err != nil {
			return wrap("forgetting what is long over", err)
		}
	}
	return nil
}

// Forgettable returns the alerts that [Forget] would drop.
func Forgettable(ctx context.Context, tx *sql.Tx, before time.Time, limit int) (ids []int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM alert WHERE incident IN (SELECT id FROM incident WHERE `+forgettable+` ORDER BY id LIMIT ?)`,
		before.UnixMilli(), limit)
	if err != nil {
		return nil, wrap("looking for what is long over", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, wrap("looking for what is long over", err)
		}
		ids = append(ids, id)
	}
	return ids, wrap("looking for what is long over", rows.Err())
}

const forgettable = `phase = 'resolved' AND resolved < ? AND number < (SELECT MAX(number) FROM incident)`

// Load returns an incident by its row, within a transaction.
func Load(ctx context.Context, tx *sql.Tx, id int64) (Incident, error) {
	out, err := query(ctx, tx, `WHERE id = ?`, id)
	if err == nil && len(out) == 0 {
		err = ErrNoIncident
	}
	if err != nil {
		return Incident{}, err
	}
	return out[0], nil
}

// Unexpanded returns the alerts that nobody has been chosen for, oldest first,
// at most limit of them.
func Unexpanded(ctx context.Context, tx *sql.Tx, limit int) ([]Alert, error) {
	return alerts(ctx, tx, `WHERE a.expanded = 0 ORDER BY a.id LIMIT ?`, limit)
}

// AlertByID returns one alert.
func AlertByID(ctx context.Context, tx *sql.Tx, id int64) (Alert, error) {
	out, err := alerts(ctx, tx, `WHERE a.id = ?`, id)
	if err == nil && len(out) == 0 {
		err = errors.New("no such alert")
	}
	if err != nil {
		return Alert{}, err
	}
	return out[0], nil
}

// MarkExpanded notes that the readers of an alert have been chosen.
func MarkExpanded(ctx context.Context, tx *sql.Tx, id int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE alert SET expanded = 1 WHERE id = ?`, id)
	return wrap("marking an alert", err)
}

func alerts(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]Alert, error) {
	rows, err := tx.QueryContext(ctx, `SELECT a.id, a.incident, COALESCE(i.number, 0), i.host, i.check_name, i.code, i.subject, a.change, a.severity, a.road, a.harm, a.finding, a.at
		FROM alert a JOIN incident i ON i.id = a.incident `+where, args...)
	if err != nil {
		return nil, wrap("reading alerts", err)
	}
	defer rows.Close()
	var out []Alert
	for rows.Next() {
		var a Alert
		var change, notice string
		var severity, road int
		var harm sql.NullInt64
		var at int64
		if err := rows.Scan(&a.ID, &a.Incident, &a.Number, &a.Key.Host, &a.Key.Check, &a.Key.Code, &a.Key.Subject,
			&change, &severity, &road, &harm, &notice, &at); err != nil {
			return nil, wrap("reading alerts", err)
		}
		a.Change, a.Severity, a.Road = Change(change), checks.Severity(severity), checks.Road(road)
		a.Harm, a.At = instant(harm), time.UnixMilli(at)
		if err := json.Unmarshal([]byte(notice), &a.Notice); err != nil {
			return nil, wrap("reading an alert", err)
		}
		out = append(out, a)
	}
	return out, wrap("reading alerts", rows.Err())
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("incident: %s: %w", doing, err)
}
