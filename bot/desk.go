package bot

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
	"github.com/sababan/sababan/schedule/state"
)

// The states of a telling.
const (
	tellingOwed      = "owed"
	tellingFrozen    = "frozen"
	tellingDelivered = "delivered"
	tellingDropped   = "dropped"
)

// The states of a post.
const (
	postWaiting   = "waiting"
	postDelivered = "delivered"
	postRefused   = "refused"
)

// The kinds of post.
const (
	kindAlert = "alert"
	kindReply = "reply"
	kindHello = "hello"
)

// parentPost marks a parent that is known by its key here, because it may not
// have an id on the server yet.
const parentPost = "post:"

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
	hello func(ctx context.Context, now time.Time) (checks.Text, bool, error)
	// afterUpdate are the checks that the round after an update looks at.
	afterUpdate map[string]bool
	// wake tells the outbox of posts.
	wake func()
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
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return frozen, next, nil
}

// expand decides for each new alert who hears of it.
func (d *desk) expand(ctx context.Context, now time.Time) (n int, err error) {
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		alerts, err := incident.Unexpanded(ctx, tx, expandBatch)
		if err != nil {
			return err
		}
		n = len(alerts)
		for _, a := range alerts {
			for _, who := range d.admins {
				if err := d.tell(ctx, tx, a, who, now); err != nil {
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

func (d *desk) tell(ctx context.Context, tx *sql.Tx, a incident.Alert, who Admin, now time.Time) error {
	told, err := toldOf(ctx, tx, a.Incident, who.Account)
	if err != nil {
		return err
	}
	silence, err := d.silence(ctx, tx, a)
	if err != nil {
		return err
	}
	t := Tell(a, who, told, silence, now)
	if t.Supersede {
		if _, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, reason = ? WHERE admin = ? AND state = ? AND alert IN (SELECT id FROM alert WHERE incident = ?)`,
			tellingDropped, string(ToldInsteadOf), who.Account, tellingOwed, a.Incident); err != nil {
			return err
		}
	}
	stateNow, due := tellingDropped, sql.NullInt64{}
	if t.Tell {
		stateNow, due = tellingOwed, sql.NullInt64{Int64: t.Due.UnixMilli(), Valid: true}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO telling (alert, admin, reason, due, state) VALUES (?, ?, ?, ?, ?)`,
		a.ID, who.Account, string(t.Reason), due, stateNow)
	return err
}

// silence is until when an update under way explains an alert.
func (d *desk) silence(ctx context.Context, tx *sql.Tx, a incident.Alert) (time.Time, error) {
	if !d.afterUpdate[a.Key.Check] {
		return time.Time{}, nil
	}
	update, owed, err := schedule.Deploying(ctx, tx)
	if err != nil || !owed || a.Noticed.Before(update.Began.Add(-deployLead)) {
		return time.Time{}, err
	}
	return update.Ends.Add(roundPatience), nil
}

// toldOf reads what an admin was told of an incident so far.
func toldOf(ctx context.Context, tx *sql.Tx, incidentID int64, admin string) (Told, error) {
	rows, err := tx.QueryContext(ctx, `SELECT t.state, t.reason, a.severity FROM telling t JOIN alert a ON a.id = t.alert
		WHERE a.incident = ? AND t.admin = ? ORDER BY a.id`, incidentID, admin)
	if err != nil {
		return Told{}, err
	}
	defer rows.Close()
	var told Told
	for rows.Next() {
		var stateNow, reason string
		var severity int
		if err := rows.Scan(&stateNow, &reason, &severity); err != nil {
			return Told{}, err
		}
		switch stateNow {
		case tellingOwed:
			told.Owed = true
		case tellingFrozen, tellingDelivered:
			told.AtNight = told.AtNight || Reason(reason) == ToldInNight
			told.Ever, told.Severity = true, checks.Severity(severity)
		}
	}
	return told, rows.Err()
}

// owedTelling is a telling that waits to be frozen.
type owedTelling struct {
	id    int64
	alert incident.Alert
	due   time.Time
}

// greeting is the first message, for an admin who has not had it.
func (d *desk) greeting(ctx context.Context, who Admin, now time.Time) (hello checks.Text, ready bool, err error) {
	greeted := ""
	err = d.db.Read(ctx, func(tx *sql.Tx) error {
		greeted, err = metaValue(ctx, tx, "hello:"+who.Account)
		return err
	})
	if err != nil || greeted != "" {
		return checks.Text{}, false, err
	}
	return d.hello(ctx, now)
}

// freeze makes posts of what is due to one admin, and returns when the next
// will be.
func (d *desk) freeze(ctx context.Context, who Admin, now time.Time) (n int, next time.Time, err error) {
	hello, ready, err := d.greeting(ctx, who, now)
	if err != nil {
		return 0, time.Time{}, err
	}
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		n, next = 0, time.Time{}
		to, known, err := recipient(ctx, tx, who.Account)
		if err != nil || !known {
			return err // what is owed to somebody unknown waits for the name
		}
		owed, err := owedTo(ctx, tx, who.Account)
		if err != nil {
			return err
		}
		greeted, err := metaValue(ctx, tx, "hello:"+who.Account)
		if err != nil {
			return err
		}
		if greeted == "" {
			// The first run is one message: all that is wrong already is one list.
			if !ready {
				next = now.Add(time.Second)
				return nil
			}
			n++
			return d.freezeHello(ctx, tx, who, to, hello, owed, now)
		}
		last, err := lastFrozen(ctx, tx, who.Account)
		if err != nil {
			return err
		}
		var due []owedTelling
		var values []Owed
		for _, o := range owed {
			values = append(values, Owed{Due: o.due, Severity: o.alert.Severity})
			if !o.due.After(now) {
				due = append(due, o)
			}
		}
		at := FreezeAt(values, d.grouping, last, now)
		if at.IsZero() || at.After(now) {
			next = at
			return nil
		}
		n, err = d.freezeDue(ctx, tx, who, to, due, now)
		return err
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("bot: freezing posts: %w", err)
	}
	return n, next, nil
}

func (d *desk) freezeDue(ctx context.Context, tx *sql.Tx, who Admin, to Recipient, due []owedTelling, now time.Time) (int, error) {
	groups := map[string][]owedTelling{}
	var order []string
	for _, o := range due {
		parent, err := openingPost(ctx, tx, o.alert.Incident, who.Account)
		if err != nil {
			return 0, err
		}
		if _, known := groups[parent]; !known {
			order = append(order, parent)
		}
		groups[parent] = append(groups[parent], o)
	}
	for _, parent := range order {
		group := groups[parent]
		alerts := make([]incident.Alert, len(group))
		for i, o := range group {
			alerts[i] = o.alert
		}
		key, err := freshKey(ctx, tx)
		if err != nil {
			return 0, err
		}
		p := post{
			Key: key, Kind: kindAlert, Admin: who.Account, To: to, Lang: who.Lang, Severity: alerts[0].Severity,
			Text: write(groupText(alerts), who.Reader("", now)), Created: now,
		}
		if parent != "" {
			p.Parent = parentPost + parent
		}
		if err := d.insert(ctx, tx, p); err != nil {
			return 0, err
		}
		if err := markFrozen(ctx, tx, group, key); err != nil {
			return 0, err
		}
	}
	return len(order), nil
}

// freezeHello freezes the first message to an admin; everything that is owed by
// then stands in it, whatever its road.
func (d *desk) freezeHello(ctx context.Context, tx *sql.Tx, who Admin, to Recipient, hello checks.Text, owed []owedTelling, now time.Time) error {
	lines := []checks.Text{hello}
	worst := checks.OK
	for _, o := range owed {
		lines = append(lines, alertLine(o.alert))
		worst = max(worst, o.alert.Severity)
	}
	lines = append(lines, checks.Text{
		En: `Reply "status" or "check NAME" at any time; "help" says more.`,
		Ja: "いつでも「状態」「確認 ○○」と返信してください。「ヘルプ」で使い方が出ます。",
	})
	key, err := freshKey(ctx, tx)
	if err != nil {
		return err
	}
	err = d.insert(ctx, tx, post{
		Key: key, Kind: kindHello, Admin: who.Account, To: to, Lang: who.Lang, Severity: worst,
		Text: write(checks.Lines(lines...), who.Reader("", now)), Created: now,
	})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE telling SET reason = ? WHERE admin = ? AND state = ?`, string(FirstList), who.Account, tellingOwed); err != nil {
		return err
	}
	if err := markFrozen(ctx, tx, owed, key); err != nil {
		return err
	}
	return setMeta(ctx, tx, "hello:"+who.Account, key)
}

// post is a message as it is frozen, before the first attempt.
type post struct {
	Key      string
	Kind     string
	Admin    string
	To       Recipient
	Parent   string // a status id, or parentPost and a key
	Lang     checks.Lang
	Severity checks.Severity
	Text     string
	Created  time.Time
	// NotBefore is when it may leave; the zero time is at once.
	NotBefore time.Time
}

func (d *desk) insert(ctx context.Context, tx *sql.Tx, p post) error {
	parts, err := json.Marshal(Split(p.Text, d.limit(), len([]rune(p.To.Handle))+2))
	if err != nil {
		return err
	}
	parent := sql.NullString{String: p.Parent, Valid: p.Parent != ""}
	_, err = tx.ExecContext(ctx, `INSERT INTO post (key, kind, channel, admin, recipient_id, recipient_handle, parent, lang, severity, parts, ids, state, attempts, next_at, created)
		VALUES (?, ?, '', ?, ?, ?, ?, ?, ?, ?, '[]', ?, 0, ?, ?)`,
		p.Key, p.Kind, p.Admin, p.To.ID, p.To.Handle, parent, string(p.Lang), int(p.Severity), string(parts), postWaiting, later(p.NotBefore, p.Created).UnixMilli(), p.Created.UnixMilli())
	return err
}

func owedTo(ctx context.Context, tx *sql.Tx, admin string) ([]owedTelling, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, alert, due FROM telling WHERE admin = ? AND state = 'owed' ORDER BY id`, admin)
	if err != nil {
		return nil, err
	}
	type row struct{ id, alert, due int64 }
	var found []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.alert, &r.due); err != nil {
			rows.Close()
			return nil, err
		}
		found = append(found, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	var owed []owedTelling
	for _, r := range found {
		a, err := incident.AlertByID(ctx, tx, r.alert)
		if err != nil {
			return nil, err
		}
		owed = append(owed, owedTelling{id: r.id, alert: a, due: time.UnixMilli(r.due)})
	}
	slices.SortStableFunc(owed, func(a, b owedTelling) int { return int(b.alert.Severity) - int(a.alert.Severity) })
	return owed, nil
}

// openingPost is the post in which an admin first heard of an incident; "" when
// that has not happened.
func openingPost(ctx context.Context, tx *sql.Tx, incidentID int64, admin string) (string, error) {
	var key sql.NullString
	err := tx.QueryRowContext(ctx, `SELECT t.post FROM telling t JOIN alert a ON a.id = t.alert
		WHERE a.incident = ? AND t.admin = ? AND t.state IN (?, ?) ORDER BY a.id LIMIT 1`,
		incidentID, admin, tellingFrozen, tellingDelivered).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return key.String, err
}

func markFrozen(ctx context.Context, tx *sql.Tx, group []owedTelling, key string) error {
	for _, o := range group {
		if _, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, post = ? WHERE id = ?`, tellingFrozen, key, o.id); err != nil {
			return err
		}
	}
	return nil
}

// lastFrozen is when the newest alert to an admin was frozen.
func lastFrozen(ctx context.Context, tx *sql.Tx, admin string) (time.Time, error) {
	var ms sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT MAX(created) FROM post WHERE admin = ? AND kind = ?`, admin, kindAlert).Scan(&ms)
	if err != nil || !ms.Valid {
		return time.Time{}, err
	}
	return time.UnixMilli(ms.Int64), nil
}

// freshKey makes a key that no other post has or had, on this server or after
// the state was set aside.
func freshKey(ctx context.Context, tx *sql.Tx) (string, error) {
	install, err := metaValue(ctx, tx, "install")
	if err != nil {
		return "", err
	}
	if install == "" {
		install = rand.Text()[:10]
		if err := setMeta(ctx, tx, "install", install); err != nil {
			return "", err
		}
	}
	return "sababan-" + install + "-" + rand.Text(), nil
}

// recipient is an admin's remembered account on the bot's home.
func recipient(ctx context.Context, tx *sql.Tx, account string) (Recipient, bool, error) {
	var to Recipient
	err := tx.QueryRowContext(ctx, `SELECT account_id, handle FROM admin WHERE acct = ?`, account).Scan(&to.ID, &to.Handle)
	if errors.Is(err, sql.ErrNoRows) {
		return Recipient{}, false, nil
	}
	return to, err == nil, err
}

func metaValue(ctx context.Context, tx *sql.Tx, key string) (string, error) {
	var v string
	err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = ?`, key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

func setMeta(ctx context.Context, tx *sql.Tx, key, value string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}
