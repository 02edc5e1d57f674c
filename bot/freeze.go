package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// owedTelling is a telling that waits to be frozen.
type owedTelling struct {
	id     int64
	alert  incident.Alert
	nth    int
	due    time.Time // zero while something without a date holds it
	reason Reason
}

// greeting is the first message: its head, and what has no number yet.
type greeting struct {
	head checks.Text
	rest []line
}

// greet is the first message, for an admin who has not had it.
func (d *desk) greet(ctx context.Context, who Admin, now time.Time) (hello greeting, ready bool, err error) {
	greeted := ""
	err = d.db.Read(ctx, func(tx *sql.Tx) error {
		greeted, err = metaValue(ctx, tx, "hello:"+who.Account)
		return err
	})
	if err != nil || greeted != "" {
		return greeting{}, false, err
	}
	return d.hello(ctx, now)
}

// freeze makes posts of what is due to one admin, and returns when the next
// will be.
func (d *desk) freeze(ctx context.Context, who Admin, now time.Time) (n int, next time.Time, err error) {
	hello, ready, err := d.greet(ctx, who, now)
	if err != nil {
		return 0, time.Time{}, err
	}
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		n, next = 0, time.Time{}
		to, known, err := recipient(ctx, tx, who.Account)
		if err != nil || !known {
			return err // what is owed to somebody unknown waits for the name
		}
		greeted, err := metaValue(ctx, tx, "hello:"+who.Account)
		if err != nil {
			return err
		}
		if greeted == "" {
			owed, err := owedTo(ctx, tx, who.Account)
			if err != nil {
				return err
			}
			late, err := incident.Unexpanded(ctx, tx, 1)
			if err != nil {
				return err
			}
			// The first run is one message: all that is wrong already is one list, also
			// what was written down a moment ago.
			if !ready || len(late) > 0 {
				next = now.Add(time.Second)
				return nil
			}
			n++
			return d.freezeHello(ctx, tx, who, to, hello, owed, now)
		}
		s, err := d.situation(ctx, tx, now)
		if err != nil {
			return err
		}
		again, err := d.remind(ctx, tx, s, who, now)
		if err != nil {
			return err
		}
		owed, err := owedTo(ctx, tx, who.Account)
		if err != nil {
			return err
		}
		if owed, err = d.resettle(ctx, tx, s, who, owed, now); err != nil {
			return err
		}
		if d.relay != nil {
			if owed, err = d.relay.untaken(ctx, tx, s, owed, now); err != nil {
				return err
			}
		}
		wrote, owed, digestAt, err := d.digest(ctx, tx, s, who, to, owed, now)
		if err != nil {
			return err
		}
		if wrote {
			n++
		}
		more, at, err := d.freezeOwed(ctx, tx, s, who, to, owed, now)
		n += more
		next = soonest(again, digestAt, at)
		if more > 0 && d.relay != nil {
			next = soonest(next, now.Add(fallbackAfter)) // nobody may have taken it by then
		}
		return err
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("bot: freezing posts: %w", err)
	}
	return n, next, nil
}

// resettle decides anew about all that is owed to one admin, and returns what
// still is.
func (d *desk) resettle(ctx context.Context, tx *sql.Tx, s situation, who Admin, owed []owedTelling, now time.Time) ([]owedTelling, error) {
	var still []owedTelling
	for _, o := range owed {
		told, err := toldOf(ctx, tx, o.alert.Incident, who.Account)
		if err != nil {
			return nil, err
		}
		t, changed := Resettle(o.alert, who, told, d.standing(s, s.of(o.alert), o.alert.Severity, who, now), o.reason, o.due, now)
		if o.nth > 0 || !changed {
			still = append(still, o)
			continue
		}
		stateNow := tellingDropped
		if t.Tell {
			stateNow = tellingOwed
			o.due, o.reason = t.Due, t.Reason
			still = append(still, o)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, reason = ?, due = ? WHERE id = ?`, stateNow, string(t.Reason), millisOf(t.Due), o.id); err != nil {
			return nil, err
		}
	}
	return still, nil
}

// freezeOwed makes posts of what is due, once it has waited for company.
func (d *desk) freezeOwed(ctx context.Context, tx *sql.Tx, s situation, who Admin, to Recipient, owed []owedTelling, now time.Time) (n int, next time.Time, err error) {
	last, err := lastFrozen(ctx, tx, who.Account)
	if err != nil {
		return 0, time.Time{}, err
	}
	var due, explained []owedTelling
	var values []Owed
	for _, o := range owed {
		if o.due.IsZero() {
			explained = append(explained, o)
			continue
		}
		severity := o.alert.Severity
		if o.alert.Change == incident.ResolvedNow {
			severity = checks.OK // what is over together is told together
		}
		values = append(values, Owed{Due: o.due, Severity: severity})
		if !o.due.After(now) {
			due = append(due, o)
		}
	}
	at := FreezeAt(values, d.grouping, last, now)
	if at.IsZero() || at.After(now) {
		return 0, at, nil
	}
	n, err = d.freezeDue(ctx, tx, s, who, to, due, explained, now)
	return n, time.Time{}, err
}

func (d *desk) freezeDue(ctx context.Context, tx *sql.Tx, s situation, who Admin, to Recipient, due, explained []owedTelling, now time.Time) (int, error) {
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
		all := slices.Clone(group)
		items := make([]news, len(group))
		for i, o := range group {
			items[i] = d.newsOf(s, o, who, now)
			for _, e := range explained {
				if cause, found := d.after.because(s.of(e.alert), s.live); found && cause.ID == o.alert.Incident && o.alert.Change != incident.ResolvedNow {
					items[i].Effects = append(items[i].Effects, e.alert)
					if e.reason = ToldWithCause; o.reason == ToldInNight {
						e.reason = ToldInNight // so that its end may break the night too
					}
					all = append(all, e)
				}
			}
		}
		key, err := freshKey(ctx, tx)
		if err != nil {
			return 0, err
		}
		p := post{
			Key: key, Kind: kindAlert, Admin: who.Account, To: to, Lang: who.Lang, Severity: items[0].Severity,
			Text: write(groupText(items), who.Reader("", now)), Created: now,
		}
		if parent != "" {
			p.Parent = parentPost + parent
		}
		if err := d.insert(ctx, tx, p); err != nil {
			return 0, err
		}
		if err := markFrozen(ctx, tx, all, key); err != nil {
			return 0, err
		}
	}
	return len(order), nil
}

// newsOf is a telling with what is to be said besides the alert.
func (d *desk) newsOf(s situation, o owedTelling, who Admin, now time.Time) news {
	n := news{Alert: o.alert, Reason: o.reason}
	i := s.of(o.alert)
	if o.nth > 0 && i.Phase == incident.Open {
		n.Alert = alertOf(i)
		n.Alert.Title = o.alert.Title
		n.Hidden = i.Key.Code != incident.UnseenCode && slices.ContainsFunc(s.live, func(other incident.Incident) bool {
			return other.Phase == incident.Open && other.Key.Check == i.Key.Check && other.Key.Code == incident.UnseenCode
		})
	}
	n.Ack = s.deeds.hold(deedAck, i, now)
	if n.Ack.By == "" && o.reason == Untaken {
		for _, one := range s.deeds {
			if one.What == deedAck && one.about(i) {
				n.Ack = one.hold()
			}
		}
	}
	if o.alert.Change == incident.OpenedNow && o.nth == 0 {
		for _, other := range s.live {
			if cause, found := d.after.because(other, s.live); found && cause.ID == i.ID && other.Phase == incident.Open {
				n.Explains = append(n.Explains, other.Number)
			}
		}
	}
	return n
}

// freezeHello freezes the first message to an admin; everything that is owed by
// then stands in it, whatever its road.
func (d *desk) freezeHello(ctx context.Context, tx *sql.Tx, who Admin, to Recipient, hello greeting, owed []owedTelling, now time.Time) error {
	list := slices.DeleteFunc(slices.Clone(hello.rest), func(l line) bool {
		return !who.Cares(l.check) || who.Hears == HearsEscalation || who.Hears == HearsCritical && l.severity < checks.Critical
	})
	worst := checks.OK
	for _, o := range owed {
		list = append(list, line{o.alert.Key.Check, o.alert.Severity, o.alert.Road, alertLine(news{Alert: o.alert})})
		worst = max(worst, o.alert.Severity)
	}
	slices.SortStableFunc(list, worstFirst)
	lines := []checks.Text{hello.head}
	for _, one := range list {
		lines = append(lines, one.text)
	}
	if worst > checks.OK && who.Hears == HearsAll { // the others have no digest
		lines = append(lines, checks.Text{
			En: `Reply "known all" to put what is not urgent out of the way; it stays in the weekly digest.`,
			Ja: "急がないものは「全部 既知」と返信すれば、週1回のまとめだけに載せます。",
		})
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
	for i := range owed {
		owed[i].reason = FirstList
	}
	if err := markFrozen(ctx, tx, owed, key); err != nil {
		return err
	}
	if err := setMeta(ctx, tx, digestKey(who), stamp(now)); err != nil {
		return err
	}
	return setMeta(ctx, tx, "hello:"+who.Account, key)
}

func owedTo(ctx context.Context, tx *sql.Tx, admin string) ([]owedTelling, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, alert, nth, reason, due FROM telling WHERE admin = ? AND state = 'owed' ORDER BY id`, admin)
	if err != nil {
		return nil, err
	}
	var owed []owedTelling
	for rows.Next() {
		var o owedTelling
		var reason string
		var due sql.NullInt64
		if err := rows.Scan(&o.id, &o.alert.ID, &o.nth, &reason, &due); err != nil {
			rows.Close()
			return nil, err
		}
		o.reason, o.due = Reason(reason), instantOf(due)
		owed = append(owed, o)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range owed {
		if owed[i].alert, err = incident.AlertByID(ctx, tx, owed[i].alert.ID); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(owed, func(a, b owedTelling) int { return int(b.alert.Severity) - int(a.alert.Severity) })
	return owed, nil
}

// openingPost is the post in which an admin first heard of an incident; "" when
// that has not happened.
func openingPost(ctx context.Context, tx *sql.Tx, incidentID int64, admin string) (string, error) {
	var key sql.NullString
	err := tx.QueryRowContext(ctx, `SELECT t.post FROM telling t JOIN alert a ON a.id = t.alert
		WHERE a.incident = ? AND t.admin = ? AND t.state IN (?, ?) ORDER BY a.id, t.nth LIMIT 1`,
		incidentID, admin, tellingFrozen, tellingDelivered).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return key.String, err
}

// markFrozen notes in which post tellings stand.
func markFrozen(ctx context.Context, tx *sql.Tx, group []owedTelling, key string) error {
	for _, o := range group {
		if _, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, post = ?, reason = ? WHERE id = ?`, tellingFrozen, key, string(o.reason), o.id); err != nil {
			return err
		}
	}
	return nil
}

// lastFrozen is when the newest alert to an admin was frozen.
func lastFrozen(ctx context.Context, tx *sql.Tx, admin string) (time.Time, error) {
	var ms sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT MAX(created) FROM post WHERE admin = ? AND kind = ?`, admin, kindAlert).Scan(&ms)
	return instantOf(ms), err
}
