package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// catchUpAfter is how long the home must have taken nothing for what waited to
// become one message (own: shorter, and the messages themselves say more).
const catchUpAfter = 5 * time.Minute

// outageKey is the row of meta that tells since when the home takes nothing.
const outageKey = "outage"

// loadOutage takes up an outage that began before the restart.
func (o *outbox) loadOutage(ctx context.Context) {
	err := o.db.Read(ctx, func(tx *sql.Tx) error {
		value, err := metaValue(ctx, tx, outageKey)
		if err != nil {
			return err
		}
		if since, known := stamped(value); known {
			o.mu.Lock()
			o.outage = since
			o.mu.Unlock()
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		o.log.Error("since when the home takes nothing could not be read", "err", err)
	}
}

// lost notes that the home took nothing, found that it answers.
func (o *outbox) lost(ctx context.Context) {
	now := time.Now()
	o.answers = false
	if !o.Outage().IsZero() {
		return
	}
	o.mu.Lock()
	o.outage = now
	o.mu.Unlock()
	err := o.db.Write(ctx, func(tx *sql.Tx) error { return setMeta(ctx, tx, outageKey, stamp(now)) })
	if err != nil {
		o.log.Error("that the home takes nothing could not be written down", "err", err)
	}
	o.changed()
}

func (o *outbox) found(ctx context.Context) {
	if o.Outage().IsZero() {
		return
	}
	if o.longOut(time.Now()) {
		o.answers = true
		left := 0
		err := o.db.Read(ctx, func(tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM post WHERE state = 'waiting' AND attempt_at IS NOT NULL AND kind IN (?, ?)`, kindAlert, kindCatchUp).Scan(&left)
		})
		if err == nil && left > 0 {
			return // these are settled first, and told in one
		}
	}
	o.mu.Lock()
	o.outage = time.Time{}
	o.mu.Unlock()
	err := o.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM meta WHERE key = ?`, outageKey)
		return err
	})
	if err != nil {
		o.log.Error("that the home takes messages again could not be written down", "err", err)
	}
	o.changed()
}

// Outage is since when the home takes nothing; the zero time when it does.
func (o *outbox) Outage() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.outage
}

// longOut tells whether the home has taken nothing for long.
func (o *outbox) longOut(now time.Time) bool {
	since := o.Outage()
	return !since.IsZero() && now.Sub(since) >= o.foldAfter
}

// searchesBetween is how often a lost post of a long outage is looked for before
// something else is tried (own: where looking is refused for good, sending may
// still work).
const searchesBetween = 10

// doubtful is the oldest post of a long outage whose outcome is not known: all of
// them are settled before anything is sent, so that what is not there can be told
// in one message. Where it is too early to ask for it, until is when.
func (o *outbox) doubtful(all []queued, now time.Time) (key string, until time.Time) {
	if !o.longOut(now) {
		return "", time.Time{}
	}
	var oldest *queued
	for i, q := range all {
		ripe := q.attemptAt.Add(o.channel.Patience() + settle)
		switch {
		case q.attemptAt.IsZero() || q.attemptAt.After(now) || q.kind != kindAlert && q.kind != kindCatchUp:
		case ripe.After(now):
			until = soonest(until, ripe)
		case !o.answers && q.attempts%searchesBetween == searchesBetween-1:
		case oldest == nil || q.created < oldest.created:
			oldest = &all[i]
		}
	}
	if oldest != nil {
		return oldest.key, time.Time{}
	}
	return "", until
}

// gather makes one message of what waits, for each admin, after a long outage.
// It tells whether there is something else to send than before.
func (o *outbox) gather(ctx context.Context, p *outgoing, searched bool) bool {
	now := time.Now()
	if !o.longOut(now) || o.fold == nil {
		return false
	}
	if searched && len(p.ids) == 0 && (p.kind == kindAlert || p.kind == kindCatchUp) {
		// It certainly is not there, and may be told with the others.
		o.answers = true
		o.setOrLog(ctx, p.key, `attempt_at = NULL, next_at = ?`, now.UnixMilli())
		return true
	}
	n := 0
	err := o.db.Write(ctx, func(tx *sql.Tx) (err error) {
		n, err = o.fold(ctx, tx, o.Outage(), now)
		return err
	})
	if err != nil {
		o.log.Error("what waited could not be made one message", "err", err)
		return false
	}
	return n > 0
}

// fold makes one message of all the alerts to an admin that wait and certainly
// are not there; it returns for how many admins it did.
func (d *desk) fold(ctx context.Context, tx *sql.Tx, since, now time.Time) (n int, err error) {
	s, err := d.situation(ctx, tx, now)
	if err != nil {
		return 0, err
	}
	for _, who := range d.admins {
		keys, err := foldable(ctx, tx, who.Account, now)
		if err != nil {
			return n, err
		}
		if len(keys) < 2 {
			continue
		}
		to, known, err := recipient(ctx, tx, who.Account)
		if err != nil {
			return n, err
		}
		if !known {
			continue
		}
		var all []missed
		for _, key := range keys {
			if all, err = missedIn(ctx, tx, key, all); err != nil {
				return n, err
			}
		}
		c := catchUpOf(all, s.live, since)
		for _, one := range c.all {
			went, err := relayedBy(ctx, tx, one.alert.Incident)
			if err != nil {
				return n, err
			}
			if went != "" {
				c.relayed[one.alert.Number] = d.relay.title(went)
			}
		}
		key, err := freshKey(ctx, tx)
		if err != nil {
			return n, err
		}
		err = d.insert(ctx, tx, post{
			Key: key, Kind: kindCatchUp, Admin: who.Account, To: to, Lang: who.Lang, Severity: c.worst(),
			Text: write(c.text(), who.Reader("", now)), Created: now,
		})
		if err != nil {
			return n, err
		}
		for _, old := range keys {
			if _, err := tx.ExecContext(ctx, `UPDATE telling SET post = ? WHERE post = ?`, key, old); err != nil {
				return n, err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE post SET parent = NULL WHERE state = 'waiting' AND parent = ?`, parentPost+old); err != nil {
				return n, err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM post WHERE key = ?`, old); err != nil {
				return n, err
			}
		}
		n++
	}
	return n, nil
}

// foldable are the posts that can become one.
func foldable(ctx context.Context, tx *sql.Tx, admin string, now time.Time) (keys []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT key FROM post WHERE state = 'waiting' AND admin = ? AND kind IN (?, ?) AND ids = '[]' AND attempt_at IS NULL AND next_at <= ?
		AND EXISTS (SELECT 1 FROM telling t WHERE t.post = post.key) ORDER BY created, key`, admin, kindAlert, kindCatchUp, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			rows.Close()
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, errors.Join(rows.Err(), rows.Close())
}

// missed is one piece of news that waited.
type missed struct {
	alert incident.Alert
	nth   int
}

func missedIn(ctx context.Context, tx *sql.Tx, key string, all []missed) ([]missed, error) {
	rows, err := tx.QueryContext(ctx, `SELECT alert, nth FROM telling WHERE post = ? ORDER BY alert, nth`, key)
	if err != nil {
		return nil, err
	}
	from := len(all)
	for rows.Next() {
		var m missed
		if err := rows.Scan(&m.alert.ID, &m.nth); err != nil {
			rows.Close()
			return nil, err
		}
		all = append(all, m)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range all[from:] {
		if all[from+i].alert, err = incident.AlertByID(ctx, tx, all[from+i].alert.ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// relayedBy is the way by which anything of an incident was told; "" where it
// was not.
func relayedBy(ctx context.Context, tx *sql.Tx, incidentID int64) (string, error) {
	var went sql.NullString
	err := tx.QueryRowContext(ctx, `SELECT MAX(p.went) FROM relayed r JOIN relay p ON p.key = r.relay JOIN alert a ON a.id = r.alert WHERE a.incident = ? AND p.state = 'delivered'`, incidentID).Scan(&went)
	return went.String, err
}

// catchUp is what is told of an outage of the home.
type catchUp struct {
	since          time.Time
	opened, closed int
	// all are the incidents of which anything waited, each with its newest news;
	// open those that go on, over the others.
	all, open, over []missed
	relayed         map[int64]checks.Text // by which way a number was told meanwhile
}

func catchUpOf(all []missed, live []incident.Incident, since time.Time) catchUp {
	c := catchUp{since: since, relayed: map[int64]checks.Text{}}
	slices.SortStableFunc(all, func(a, b missed) int { return int(a.alert.ID - b.alert.ID) })
	newest := map[int64]missed{}
	var order []int64
	for _, m := range all {
		if _, known := newest[m.alert.Incident]; !known {
			order = append(order, m.alert.Incident)
		}
		newest[m.alert.Incident] = m
		switch {
		case m.alert.Change == incident.OpenedNow && m.nth == 0:
			c.opened++
		case m.alert.Change == incident.ResolvedNow:
			c.closed++
		}
	}
	for _, id := range order {
		m := newest[id]
		c.all = append(c.all, m)
		at := slices.IndexFunc(live, func(i incident.Incident) bool { return i.ID == id && i.Phase == incident.Open })
		if at < 0 {
			c.over = append(c.over, m)
			continue
		}
		now := alertOf(live[at])
		now.ID, now.Title = m.alert.ID, m.alert.Title
		c.open = append(c.open, missed{alert: now})
	}
	slices.SortStableFunc(c.open, func(a, b missed) int { return int(b.alert.Severity) - int(a.alert.Severity) })
	return c
}

func (c catchUp) worst() checks.Severity {
	worst := checks.OK
	for _, m := range c.open {
		worst = max(worst, m.alert.Severity)
	}
	return worst
}

// mostCaught is how many incidents are told one by one (own: two posts).
const mostCaught = 8

func (c catchUp) text() checks.Text {
	since, still := checks.At(c.since), len(c.open)
	goes := fmt.Sprintf("%d still open", still)
	if still == 0 {
		goes = "none still open"
	}
	lines := []checks.Text{{
		En: fmt.Sprintf("While I could not reach you (since %s): %d opened, %d closed, %s.", since, c.opened, c.closed, goes),
		Ja: fmt.Sprintf("送信できなかった間（%sから）: 発生%d件、解消%d件、継続中%d件。", since, c.opened, c.closed, still),
	}}
	for i, m := range c.open {
		if i == mostCaught {
			n := still - mostCaught
			lines = append(lines, checks.Text{En: fmt.Sprintf("and %d more: reply \"status\"", n), Ja: fmt.Sprintf("ほか%d件（「状態」と返信してください）", n)})
			break
		}
		lines = append(lines, alertLine(news{Alert: m.alert}))
	}
	var over []incident.Incident
	for _, m := range c.over {
		over = append(over, incident.Incident{Number: m.alert.Number})
	}
	slices.SortFunc(over, func(a, b incident.Incident) int { return int(a.Number - b.Number) })
	if len(over) == 1 {
		h, num := c.over[0].alert.Finding.Text.Headline(), number(over[0].Number)
		lines = append(lines, checks.Text{En: "Over again: " + num.En + " " + h.En, Ja: "解消: " + num.Ja + " " + h.Ja})
	} else if len(over) > 1 {
		en, ja := numbersOf(over)
		lines = append(lines, checks.Text{En: "Over again: " + en, Ja: "解消: " + ja})
	}
	return checks.Lines(append(lines, c.relayedText()...)...)
}

// relayedText names what was told by another way meanwhile.
func (c catchUp) relayedText() []checks.Text {
	by := map[string][]incident.Incident{}
	titles := map[string]checks.Text{}
	for n, t := range c.relayed {
		by[t.En] = append(by[t.En], incident.Incident{Number: n})
		titles[t.En] = t
	}
	var lines []checks.Text
	for name, all := range by {
		slices.SortFunc(all, func(a, b incident.Incident) int { return int(a.Number - b.Number) })
		en, ja := numbersOf(all)
		lines = append(lines, checks.Text{En: "Told by " + name + " meanwhile: " + en, Ja: titles[name].Ja + "でお知らせ済み: " + ja})
	}
	slices.SortFunc(lines, func(a, b checks.Text) int { return strings.Compare(a.En, b.En) })
	return lines
}
