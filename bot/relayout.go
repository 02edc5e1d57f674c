package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// Back-off of a way that does not work (own: longer than the home's, for there
// may be another).
const (
	firstRest = 30 * time.Second
	mostRest  = 15 * time.Minute
)

// run freezes and sends what goes other ways until ctx ends; the attempt in hand
// is finished with hand.
func (r *relayer) run(ctx, hand context.Context) {
	for ctx.Err() == nil {
		now := time.Now()
		next, err := r.freeze(ctx, now)
		var more time.Time
		if err == nil {
			more, err = r.send(ctx, hand)
		}
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			r.log.Error("other ways out could not be seen to", "err", err)
			more = time.Now().Add(firstBackoff)
		}
		if !await(ctx, r.wake, soonest(next, more, now.Add(deskEvery))) {
			return
		}
	}
}

// aRelay is a message on its way.
type aRelay struct {
	key, kind, way string
	title, text    string
	lang           checks.Lang
	severity       checks.Severity
	tried          map[string]string
	attempts       int
	attemptAt      time.Time
	nextAt         time.Time
	created        time.Time
}

func (m aRelay) message(limit int) Message {
	return Message{Key: m.key, Text: cutLines(m.text, limit, m.lang), Title: m.title, Severity: m.severity, Lang: m.lang, Since: m.created}
}

// cutLines cuts a text between lines so that it has not more than so many
// characters, and says so; 0 is no limit.
func cutLines(text string, limit int, lang checks.Lang) string {
	if limit <= 0 || utf8.RuneCountInString(text) <= limit {
		return text
	}
	mark := checks.Text{En: "… (too long for this way; the rest is left out)", Ja: "…（長いため以下を省略しました）"}.In(lang)
	parts := Split(text, limit-utf8.RuneCountInString(mark)-1, 0)
	first, _, _ := cutLast(parts[0])
	return first + "\n" + mark
}

// cutLast takes the last line off.
func cutLast(text string) (before, last string, found bool) {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '\n' {
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

// send makes attempts until nothing can be sent now, and returns when something
// can; the zero time when nothing waits.
func (r *relayer) send(ctx, hand context.Context) (next time.Time, err error) {
	for ctx.Err() == nil {
		waiting, err := r.waiting(ctx)
		if err != nil {
			return time.Time{}, err
		}
		next = time.Time{}
		tried := false
		for _, m := range waiting {
			now := time.Now()
			if m.nextAt.After(now) {
				next = soonest(next, m.nextAt)
				continue
			}
			way, wait, over := r.choose(m, now)
			switch {
			case over:
				if err := r.giveUp(ctx, m, now); err != nil {
					return time.Time{}, err
				}
			case way == nil:
				next = soonest(next, wait)
			default:
				if err := r.attempt(hand, m, way); err != nil {
					return time.Time{}, err
				}
				tried = true
			}
			if tried {
				break // something worse may have come meanwhile
			}
		}
		if !tried {
			return next, nil
		}
	}
	return next, nil
}

// waiting are the messages to send, the worst first.
func (r *relayer) waiting(ctx context.Context) (all []aRelay, err error) {
	err = r.db.Read(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT key, kind, way, title, text, lang, severity, tried, attempts, attempt_at, next_at, created FROM relay
			WHERE state = 'waiting' ORDER BY severity DESC, created, key LIMIT 100`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m aRelay
			var lang, tried string
			var severity int
			var attemptAt sql.NullInt64
			var nextAt, created int64
			if err := rows.Scan(&m.key, &m.kind, &m.way, &m.title, &m.text, &lang, &severity, &tried, &m.attempts, &attemptAt, &nextAt, &created); err != nil {
				return err
			}
			m.lang, m.severity, m.attemptAt = checks.Lang(lang), checks.Severity(severity), instantOf(attemptAt)
			m.nextAt, m.created = time.UnixMilli(nextAt), time.UnixMilli(created)
			if err := json.Unmarshal([]byte(tried), &m.tried); err != nil {
				return fmt.Errorf("relay %s: %w", m.key, err)
			}
			all = append(all, m)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("bot: reading what goes other ways: %w", err)
	}
	return all, nil
}

// choose picks the way of a message; see [chooseWay]. What waited too long is
// over.
func (r *relayer) choose(m aRelay, now time.Time) (way Way, wait time.Time, over bool) {
	life := relayOld
	if m.kind == relayTest {
		life = testLife
	}
	if now.Sub(m.created) >= life {
		return nil, time.Time{}, true
	}
	names := make([]string, len(r.ways))
	for i, w := range r.ways {
		names[i] = w.Name()
	}
	name, wait, over := chooseWay(names, m.way, m.tried, r.rests, now)
	for _, w := range r.ways {
		if w.Name() == name {
			return w, wait, over
		}
	}
	return nil, soonest(wait, m.created.Add(life)), over
}

// attempt makes one attempt on one way. That it begins is written down before.
func (r *relayer) attempt(ctx context.Context, m aRelay, w Way) error {
	name, msg := w.Name(), m.message(w.Limit())
	again := m.tried[name] == triedDoubt
	if again {
		settled, err := r.search(ctx, m, w, msg)
		if settled || err != nil {
			return err
		}
	}
	now := time.Now()
	m.tried = maps.Clone(m.tried)
	m.tried[name] = triedDoubt
	if err := r.note(ctx, m, `attempt_at = ?, attempts = attempts + 1`, now.UnixMilli()); err != nil {
		return err
	}
	m.attemptAt = now
	receipt := w.Send(ctx, msg)
	now = time.Now()
	switch receipt.Outcome {
	case Delivered:
		if receipt.Why != "" {
			r.log.Warn("another way took a message, but not for everybody", "way", name, "why", receipt.Why)
		}
		return r.arrived(ctx, m, name, receipt.Why, now)
	case Uncertain:
		// It is looked for before anything else is tried: a second way would be a
		// second message.
		r.troubled(name, receipt.Why)
		if again {
			r.rest(name, receipt.NotBefore, now) // it had its chance
		}
		if err := r.failed(ctx, name, receipt.Why, now); err != nil {
			return err
		}
		return r.note(ctx, m, `next_at = ?, problem = ?`, m.attemptAt.Add(w.Patience()+settle).UnixMilli(), receipt.Why)
	}
	r.troubled(name, receipt.Why)
	delete(m.tried, name)
	if receipt.Final || receipt.ForMessage {
		m.tried[name] = triedNo
	} else {
		r.rest(name, receipt.NotBefore, now)
	}
	if err := r.failed(ctx, name, receipt.Why, now); err != nil {
		return err
	}
	return r.note(ctx, m, `problem = ?`, receipt.Why)
}

// search looks for a message whose answer was lost. It is settled unless it
// certainly is not there, or may be sent again.
func (r *relayer) search(ctx context.Context, m aRelay, w Way, msg Message) (settled bool, err error) {
	name, now := w.Name(), time.Now()
	if sure := m.attemptAt.Add(w.Patience() + settle); now.Before(sure) && !m.attemptAt.After(now) {
		return true, r.note(ctx, m, `next_at = ?`, sure.UnixMilli())
	}
	_, there, err := w.Find(ctx, msg)
	switch {
	case errors.Is(err, ErrCannotTell):
		m.tried[name] = triedLost
		return true, r.note(ctx, m, `problem = ?`, "the answer was lost")
	case err != nil:
		now = time.Now()
		r.troubled(name, err.Error())
		r.rest(name, time.Time{}, now)
		return true, r.failed(ctx, name, err.Error(), now)
	case there:
		return true, r.arrived(ctx, m, name, "", time.Now())
	}
	return false, nil
}

// arrived writes down that a way took a message, and why not for everybody; "" is
// for everybody.
func (r *relayer) arrived(ctx context.Context, m aRelay, name, but string, now time.Time) error {
	delete(r.rests, name)
	delete(r.failures, name)
	err := r.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE relay SET state = ?, delivered = ?, went = ?, problem = NULL WHERE key = ?`, relayDelivered, now.UnixMilli(), name, m.key); err != nil {
			return err
		}
		if err := relayTold(ctx, tx, m.key, now); err != nil {
			return err
		}
		return wayWorked(ctx, tx, name, but, m.kind == relayTest, now)
	})
	if err != nil {
		return fmt.Errorf("bot: noting what went another way: %w", err)
	}
	r.log.Info("a message went another way", "way", name, "kind", m.kind, "key", m.key)
	return nil
}

// giveUp ends a message that no way takes.
func (r *relayer) giveUp(ctx context.Context, m aRelay, now time.Time) error {
	end := relayRefused
	for _, what := range m.tried {
		if what == triedDoubt || what == triedLost {
			end = relayDoubtful
		}
	}
	r.log.Warn("no other way took a message", "kind", m.kind, "key", m.key, "state", end)
	return r.note(ctx, m, `state = ?`, end)
}

func (r *relayer) note(ctx context.Context, m aRelay, assign string, values ...any) error {
	tried, err := json.Marshal(m.tried)
	if err != nil {
		return err
	}
	err = r.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE relay SET tried = ?, `+assign+` WHERE key = ?`, append(append([]any{string(tried)}, values...), m.key)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("bot: noting what goes another way: %w", err)
	}
	return nil
}

func (r *relayer) failed(ctx context.Context, name, why string, now time.Time) error {
	err := r.db.Write(ctx, func(tx *sql.Tx) error { return wayFailed(ctx, tx, name, why, now) })
	if err != nil {
		return fmt.Errorf("bot: noting that a way does not work: %w", err)
	}
	return nil
}

// rest lets a way be for a while, longer each time.
func (r *relayer) rest(name string, notBefore, now time.Time) {
	d := min(firstRest<<min(r.failures[name], 20), mostRest)
	r.failures[name]++
	r.rests[name] = later(now.Add(d+rand.N(d/5)), notBefore)
}

func (r *relayer) troubled(name, why string) {
	r.log.Warn("another way out did not take a message", "way", name, "why", why)
}
