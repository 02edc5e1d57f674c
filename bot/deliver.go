package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
	"github.com/sababan/sababan/schedule/state"
)

// outbox is the one owner of what goes out. It makes one attempt at a time, and
// writes down that it begins before it does.
type outbox struct {
	db      *state.DB
	log     *slog.Logger
	channel Channel
	limit   func() int // of a post, in characters
	wake    chan struct{}

	// fold makes one message of what waits after foldAfter without the home; nil
	// leaves them as they are. changed hears that it failed, or works again.
	fold      func(ctx context.Context, tx *sql.Tx, since, now time.Time) (int, error)
	foldAfter time.Duration
	changed   func()
	answers   bool // the home answered the last question about a lost post

	mu     sync.Mutex
	health Health
	outage time.Time // since when the home takes nothing
}

// Health is how delivery stands, for `status` and the log.
type Health struct {
	Channel   string
	Delivered time.Time // when something last got through; zero if never
	Waiting   int
	Problem   string // why the last attempt did not get through; "" when it did
	Since     time.Time
}

// settle is how much longer than its patience an answer is waited for before
// the post is looked for (own).
const settle = 2 * time.Second

// Back-off of the channel and of a single post (own; a server that restarts is
// back within a minute, and one that is down for hours is asked every five
// minutes).
const (
	firstBackoff = 2 * time.Second
	mostBackoff  = 5 * time.Minute
	refusedRetry = time.Hour // the longest wait of a post that is refused by itself
)

func newOutbox(db *state.DB, log *slog.Logger, c Channel, limit func() int) *outbox {
	return &outbox{db: db, log: log, channel: c, limit: limit, wake: make(chan struct{}, 1), foldAfter: catchUpAfter, changed: func() {}, health: Health{Channel: c.Name()}}
}

// Wake tells the outbox that something new waits.
func (o *outbox) Wake() { poke(o.wake) }

// Health returns how delivery stands.
func (o *outbox) Health() Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.health
}

// run delivers until ctx ends; the attempt in hand is finished with hand.
func (o *outbox) run(ctx, hand context.Context) {
	var pausedUntil time.Time
	failures := 0
	o.loadOutage(ctx)
	for ctx.Err() == nil {
		now := time.Now()
		p, next, err := o.next(ctx, now)
		if err != nil {
			if ctx.Err() == nil {
				o.log.Error("the outbox could not be read", "err", err)
			}
			next = now.Add(firstBackoff)
		}
		wait := next
		if p != nil && !now.Before(pausedUntil) {
			paused := o.attempt(hand, p, &failures)
			pausedUntil = paused
			continue
		}
		if p != nil {
			wait = pausedUntil
		}
		if !o.sleep(ctx, wait) {
			return
		}
	}
}

// sleep waits until an instant, or for ever when it is zero, or until something
// new waits; false when ctx ended.
func (o *outbox) sleep(ctx context.Context, until time.Time) bool {
	var timer <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(max(time.Until(until), time.Millisecond))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-o.wake:
	case <-timer:
	}
	return true
}

// outgoing is a post on its way.
type outgoing struct {
	key, kind, admin string
	to               Recipient
	parent           string // a status id by now
	lang             checks.Lang
	visibility       string
	parts            []string
	pictures         []Picture // of the first part; none once that is there
	ids              []string
	attempts         int
	attemptAt        time.Time // of an attempt whose outcome is unknown
	created          time.Time
}

// next reads what to attempt, or when there will be something; see [pick].
func (o *outbox) next(ctx context.Context, now time.Time) (p *outgoing, next time.Time, err error) {
	waiting := 0
	err = o.db.Read(ctx, func(tx *sql.Tx) error {
		p, next = nil, time.Time{}
		all, err := queue(ctx, tx)
		if err != nil {
			return err
		}
		waiting = len(all)
		var key string
		if key, next = o.doubtful(all, now); key == "" && next.IsZero() {
			key, next = pick(all, now)
		}
		if key == "" {
			return nil
		}
		p, err = outgoingPost(ctx, tx, key)
		return err
	})
	o.mu.Lock()
	o.health.Waiting = waiting
	o.mu.Unlock()
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("bot: choosing what to send: %w", err)
	}
	return p, next, nil
}

// queue reads all posts that wait. The state is written out, so that SQLite
// sees that the index of these posts is the one to use.
func queue(ctx context.Context, tx *sql.Tx) ([]queued, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, kind, COALESCE(parent, ''), severity, created, next_at, attempt_at, attempts FROM post WHERE state = 'waiting'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []queued
	for rows.Next() {
		var q queued
		var severity int
		var nextAt int64
		var attemptAt sql.NullInt64
		if err := rows.Scan(&q.key, &q.kind, &q.parent, &severity, &q.created, &nextAt, &attemptAt, &q.attempts); err != nil {
			return nil, err
		}
		q.severity, q.notBefore, q.attemptAt = checks.Severity(severity), time.UnixMilli(nextAt), instantOf(attemptAt)
		all = append(all, q)
	}
	return all, rows.Err()
}

// outgoingPost reads one post; its parent is a status id by now, or none where
// that was never delivered.
func outgoingPost(ctx context.Context, tx *sql.Tx, key string) (*outgoing, error) {
	p := outgoing{key: key}
	var lang, parts, ids string
	var attemptAt sql.NullInt64
	var created int64
	err := tx.QueryRowContext(ctx, `SELECT kind, admin, recipient_id, recipient_handle, COALESCE(parent, ''), lang, visibility, parts, ids, attempts, attempt_at, created FROM post WHERE key = ?`, key).
		Scan(&p.kind, &p.admin, &p.to.ID, &p.to.Handle, &p.parent, &lang, &p.visibility, &parts, &ids, &p.attempts, &attemptAt, &created)
	if err != nil {
		return nil, err
	}
	if head, ours := strings.CutPrefix(p.parent, parentPost); ours {
		p.parent = ""
		var headIDs string
		err := tx.QueryRowContext(ctx, `SELECT ids FROM post WHERE key = ? AND erased IS NULL`, head).Scan(&headIDs)
		if err == nil {
			err = firstOf(headIDs, &p.parent)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	p.lang, p.created = checks.Lang(lang), time.UnixMilli(created)
	if attemptAt.Valid {
		p.attemptAt = time.UnixMilli(attemptAt.Int64)
	}
	if err := errors.Join(json.Unmarshal([]byte(parts), &p.parts), json.Unmarshal([]byte(ids), &p.ids)); err != nil {
		return nil, fmt.Errorf("post %s: %w", key, err)
	}
	if p.pictures, err = picturesOf(ctx, tx, key); err != nil {
		return nil, err
	}
	return &p, nil
}

// firstOf takes the first id of a stored list, where there is one.
func firstOf(ids string, into *string) error {
	if ids == "" {
		return nil
	}
	var all []string
	if err := json.Unmarshal([]byte(ids), &all); err != nil {
		return err
	}
	if len(all) > 0 {
		*into = all[0]
	}
	return nil
}

// attempt makes one attempt at the next part of a post and writes down what
// became of it. It returns until when the channel rests.
func (o *outbox) attempt(ctx context.Context, p *outgoing, failures *int) time.Time {
	m := o.message(p)
	searched := !p.attemptAt.IsZero()
	if searched {
		if settled, rest := o.search(ctx, p, m, failures); settled {
			return rest
		}
	}
	if o.gather(ctx, p, searched) {
		return time.Time{}
	}
	now := time.Now()
	if err := o.set(ctx, p.key, `attempt_at = ?`, now.UnixMilli()); err != nil {
		o.log.Error("an attempt could not be written down, so it is not made", "err", err)
		return now.Add(firstBackoff)
	}
	p.attemptAt = now
	r := o.channel.Send(ctx, m)
	switch r.Outcome {
	case Delivered:
		*failures = 0
		o.arrived(ctx, p, r.ID)
		return time.Time{}
	case Uncertain:
		o.trouble(p, r.Why, "outcome unknown; it is looked for")
		o.lost(ctx)
		o.setOrLog(ctx, p.key, `next_at = ?, problem = ?`, p.attemptAt.Add(o.channel.Patience()+settle).UnixMilli(), r.Why)
		return r.NotBefore // zero, unless it was too many requests that the answer was lost to
	}
	return o.refused(ctx, p, r, failures)
}

func (o *outbox) message(p *outgoing) Message {
	part := len(p.ids)
	m := Message{
		Key: fmt.Sprintf("%s-%d", p.key, part), Text: p.parts[part], To: p.to, Visibility: p.visibility,
		Parent: p.parent, Lang: p.lang, Since: p.created,
	}
	if part > 0 {
		m.Parent = p.ids[part-1]
	} else {
		m.Pictures = p.pictures
	}
	return m
}

// search looks for a part whose answer was lost, once the server can no longer
// be about to store it. It is settled unless the part certainly is not there.
func (o *outbox) search(ctx context.Context, p *outgoing, m Message, failures *int) (settled bool, rest time.Time) {
	now := time.Now()
	if sure := p.attemptAt.Add(o.channel.Patience() + settle); now.Before(sure) && now.After(p.attemptAt.Add(-time.Minute)) {
		o.setOrLog(ctx, p.key, `next_at = ?`, sure.UnixMilli())
		return true, time.Time{}
	}
	others, err := o.others(ctx, p)
	if err != nil {
		o.log.Error("the outbox could not be read", "err", err)
		return true, now.Add(firstBackoff)
	}
	m.Except = others
	// The attempts before this one were looked for and are not there. After the
	// clock was set back, its own instant says nothing.
	if m.Since = p.attemptAt; m.Since.After(now) {
		m.Since = now.Add(-time.Hour)
	}
	id, there, err := o.channel.Find(ctx, m)
	switch {
	case err != nil:
		o.trouble(p, err.Error(), "cannot look for it yet")
		o.lost(ctx)
		rest := now.Add(backoff(failures))
		// When the channel comes back the others go first: what cannot be looked
		// for must not hold up what can be sent.
		o.setOrLog(ctx, p.key, `attempts = attempts + 1, next_at = ?`, rest.Add(min(ownBackoff(p.attempts), mostBackoff)).UnixMilli())
		return true, rest
	case there:
		*failures = 0
		o.log.Info("a post whose answer was lost is there", "post", p.key)
		o.arrived(ctx, p, id)
		return true, time.Time{}
	}
	return false, time.Time{}
}

// others are the ids that are known to be other messages to the same reader.
func (o *outbox) others(ctx context.Context, p *outgoing) (ids []string, err error) {
	err = o.db.Read(ctx, func(tx *sql.Tx) error {
		ids = nil
		rows, err := tx.QueryContext(ctx, `SELECT ids FROM post WHERE admin = ? AND created >= ? AND ids <> '[]'`, p.admin, p.created.Add(-24*time.Hour).UnixMilli())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			var some []string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(text), &some); err != nil {
				return err
			}
			ids = append(ids, some...)
		}
		return rows.Err()
	})
	return ids, err
}

// arrived writes down that a part is there.
func (o *outbox) arrived(ctx context.Context, p *outgoing, id string) {
	ids := append(slices.Clone(p.ids), id)
	text, err := json.Marshal(ids)
	if err != nil {
		o.log.Error("an id could not be written", "err", err)
		return
	}
	now := time.Now()
	err = o.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE post SET ids = ?, attempt_at = NULL, problem = NULL, attempts = 0 WHERE key = ?`, string(text), p.key); err != nil {
			return err
		}
		if err := dropPictures(ctx, tx, p.key); err != nil {
			return err
		}
		if len(ids) < len(p.parts) {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE post SET state = ?, delivered = ? WHERE key = ?`, postDelivered, now.UnixMilli(), p.key); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, told = ? WHERE post = ? AND state = ?`, tellingDelivered, now.UnixMilli(), p.key, tellingFrozen); err != nil {
			return err
		}
		// Whatever could not be looked for while nothing got through is looked for now.
		_, err := tx.ExecContext(ctx, `UPDATE post SET next_at = ? WHERE state = 'waiting' AND attempt_at IS NOT NULL AND next_at > ?`, now.UnixMilli(), now.UnixMilli())
		return err
	})
	if err != nil {
		// It will be looked for, and found, as an attempt of unknown outcome.
		o.log.Error("a delivery could not be written down", "post", p.key, "err", err)
		return
	}
	o.found(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.health.Problem != "" {
		o.log.Info("posts get through again", "channel", o.channel.Name())
	}
	o.health.Delivered, o.health.Problem, o.health.Since = now, "", time.Time{}
}

// refused decides what to do about a message that certainly is not there.
func (o *outbox) refused(ctx context.Context, p *outgoing, r Receipt, failures *int) time.Time {
	now := time.Now()
	if r.ParentGone || r.Final || r.ForMessage {
		o.found(ctx)
	}
	switch {
	case r.ParentGone:
		o.log.Warn("the post to answer is gone; sent by itself", "post", p.key)
		o.setOrLog(ctx, p.key, `attempt_at = NULL, parent = NULL, next_at = ?`, now.UnixMilli())
		return time.Time{}
	case r.NoPictures && len(p.pictures) > 0:
		o.log.Warn("the pictures of a post are not taken; sent as words", "post", p.key, "why", r.Why)
		o.sayPictures(ctx, p, r.Why, now)
		return time.Time{}
	case r.Final:
		o.trouble(p, r.Why, "given up")
		o.giveUp(ctx, p, r.Why)
		return time.Time{}
	case r.ForMessage:
		o.trouble(p, r.Why, "tried again later")
		o.setOrLog(ctx, p.key, `attempt_at = NULL, attempts = attempts + 1, next_at = ?, problem = ?`, later(now.Add(ownBackoff(p.attempts)), r.NotBefore).UnixMilli(), r.Why)
		return time.Time{}
	}
	o.trouble(p, r.Why, "tried again later")
	o.lost(ctx)
	o.setOrLog(ctx, p.key, `attempt_at = NULL, problem = ?`, r.Why)
	rest := now.Add(backoff(failures))
	if r.NotBefore.After(rest) {
		rest = r.NotBefore
	}
	return rest
}

// giveUp marks a post that will never pass, and what hangs on it.
func (o *outbox) giveUp(ctx context.Context, p *outgoing, why string) {
	err := o.db.Write(ctx, func(tx *sql.Tx) error {
		for _, where := range []string{`key = ?`, `state = '` + postWaiting + `' AND parent = '` + parentPost + `' || ?`} {
			if _, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, reason = ? WHERE state = ? AND post IN (SELECT key FROM post WHERE `+where+`)`,
				tellingDropped, string(GivenUp), tellingFrozen, p.key); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE post SET state = ?, attempt_at = NULL, problem = ? WHERE `+where, postRefused, why, p.key); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM picture WHERE post IN (SELECT key FROM post WHERE state = ?)`, postRefused); err != nil {
			return err
		}
		// The end of what was never told is not told either, also where it was
		// decided but not frozen yet.
		_, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, reason = ? WHERE admin = ? AND state = 'owed'
			AND alert IN (SELECT id FROM alert WHERE change = ?)
			AND NOT EXISTS (SELECT 1 FROM alert mine JOIN alert other ON other.incident = mine.incident JOIN telling told ON told.alert = other.id
				WHERE mine.id = telling.alert AND told.admin = telling.admin AND told.state IN (?, ?))`,
			tellingDropped, string(NeverTold), p.admin, string(incident.ResolvedNow), tellingFrozen, tellingDelivered)
		return err
	})
	if err != nil {
		o.log.Error("a refusal could not be written down", "post", p.key, "err", err)
	}
}

// trouble notes why an attempt did not get through; the same trouble is logged
// once.
func (o *outbox) trouble(p *outgoing, why, then string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.health.Problem != why {
		o.log.Warn("a post did not get through", "channel", o.channel.Name(), "post", p.key, "why", why, "then", then)
	}
	if o.health.Since.IsZero() {
		o.health.Since = time.Now()
	}
	o.health.Problem = why
}

func (o *outbox) set(ctx context.Context, key, assign string, values ...any) error {
	return o.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE post SET `+assign+` WHERE key = ?`, append(slices.Clone(values), key)...)
		return err
	})
}

func (o *outbox) setOrLog(ctx context.Context, key, assign string, values ...any) {
	if err := o.set(ctx, key, assign, values...); err != nil {
		o.log.Error("the outbox could not be written", "post", key, "err", err)
	}
}

// ownBackoff is the next wait of one post, while others may pass.
func ownBackoff(attempts int) time.Duration {
	return min(firstBackoff<<min(attempts, 20), refusedRetry)
}

// backoff is the next rest of a channel that fails: doubled each time, with a
// jitter of a fifth.
func backoff(failures *int) time.Duration {
	d := min(firstBackoff<<min(*failures, 20), mostBackoff)
	*failures++
	return d + rand.N(d/5)
}
