package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sababan/sababan/schedule/incident"
)

const (
	// messageLife is how long a message stays on the server (defaults).
	messageLife = 90 * 24 * time.Hour
	// eraseAtOnce is how many are deleted in each eraseEvery: Mastodon allows 30
	// deletions in 30 minutes (defaults).
	eraseAtOnce = 20
	eraseEvery  = 30 * time.Minute
	// mentionLife is how long a question is kept that was answered (own: as long as
	// its answer is).
	mentionLife = 90 * 24 * time.Hour
	// forgetEvery is how often that is done, forgetAtOnce bounds one transaction
	// (own).
	forgetEvery  = 6 * time.Hour
	forgetAtOnce = 200
)

// An Eraser is a [Channel] that can delete its own messages. One that is gone
// already is no error.
type Eraser interface {
	Delete(ctx context.Context, id string) error
}

// runTidy deletes old messages and forgets what nobody asks for any more, until
// ctx ends.
func (b *Bot) runTidy(ctx context.Context) {
	tick := time.NewTicker(eraseEvery)
	defer tick.Stop()
	for forgot := (time.Time{}); ; {
		now := time.Now()
		if err := b.erase(ctx, now); err != nil && ctx.Err() == nil {
			b.log.Warn("old messages could not be deleted; tried again later", "err", err)
		}
		if now.Sub(forgot).Abs() >= forgetEvery {
			forgot = now
			if err := b.forget(ctx, now); err != nil && ctx.Err() == nil {
				b.log.Error("what is long over could not be forgotten", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// oldPost is a message to delete.
type oldPost struct {
	key string
	ids []string
}

// erase deletes some messages that are too old. A restart begins no new lot
// before its time.
func (b *Bot) erase(ctx context.Context, now time.Time) error {
	eraser, able := b.o.Channel.(Eraser)
	if !able {
		return nil
	}
	var lot []oldPost
	err := b.o.DB.Write(ctx, func(tx *sql.Tx) error {
		lot = nil
		value, err := metaValue(ctx, tx, "erased")
		if err != nil {
			return err
		}
		if last, known := stamped(value); known && now.Sub(last) < eraseEvery && !last.After(now) {
			return nil
		}
		if lot, err = tooOld(ctx, tx, now.Add(-messageLife)); err != nil || len(lot) == 0 {
			return err
		}
		return setMeta(ctx, tx, "erased", stamp(now))
	})
	if err != nil {
		return fmt.Errorf("bot: choosing old messages: %w", err)
	}
	for _, p := range lot {
		for _, id := range p.ids {
			if err := eraser.Delete(ctx, id); err != nil {
				return err
			}
		}
		err := b.o.DB.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE post SET erased = ? WHERE key = ?`, now.UnixMilli(), p.key)
			return err
		})
		if err != nil {
			return fmt.Errorf("bot: noting a deletion: %w", err)
		}
	}
	return nil
}

// tooOld are the oldest messages to admins from before an instant, as many as
// may be deleted at once (what was said publicly stays said); a thread that is longer than that alone goes by itself.
func tooOld(ctx context.Context, tx *sql.Tx, before time.Time) ([]oldPost, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, ids FROM post WHERE delivered < ? AND erased IS NULL AND visibility = '' ORDER BY delivered LIMIT ?`, before.UnixMilli(), eraseAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lot []oldPost
	for n := 0; rows.Next(); {
		var p oldPost
		var ids string
		if err := rows.Scan(&p.key, &ids); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(ids), &p.ids); err != nil {
			return nil, fmt.Errorf("post %s: %w", p.key, err)
		}
		if n += len(p.ids); n > eraseAtOnce && len(lot) > 0 {
			break
		}
		lot = append(lot, p)
	}
	return lot, rows.Err()
}

// forget drops questions and messages, tellings, deeds and incidents that nobody
// asks for any more, some of each.
func (b *Bot) forget(ctx context.Context, now time.Time) error {
	long := now.Add(-longAgo).UnixMilli()
	err := b.o.DB.Write(ctx, func(tx *sql.Tx) error {
		alerts, err := incident.Forgettable(ctx, tx, now.Add(-longAgo), forgetAtOnce)
		if err != nil {
			return err
		}
		for _, id := range alerts {
			for _, table := range []string{"telling", "relayed"} {
				if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE alert = ?`, id); err != nil {
					return err
				}
			}
		}
		if err := incident.Forget(ctx, tx, now.Add(-longAgo), forgetAtOnce); err != nil {
			return err
		}
		for _, one := range []struct {
			delete string
			args   []any
		}{
			{`DELETE FROM mention WHERE state <> 'new' AND received < ?`, []any{now.Add(-mentionLife).UnixMilli()}},
			{`DELETE FROM deed WHERE at < ? AND (ended IS NOT NULL OR until < ?
				OR incident <> 0 AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = deed.incident AND i.phase <> 'resolved'))`, []any{long, long}},
			{`DELETE FROM post WHERE created < ? AND (erased IS NOT NULL OR state = 'refused' OR state = 'delivered' AND visibility <> '')
				AND NOT EXISTS (SELECT 1 FROM telling t WHERE t.post = post.key)`, []any{long}},
			{`DELETE FROM relay WHERE created < ? AND state <> 'waiting' AND NOT EXISTS (SELECT 1 FROM relayed r WHERE r.relay = relay.key)`, []any{long}},
		} {
			if _, err := tx.ExecContext(ctx, one.delete, one.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bot: %w", err)
	}
	return nil
}
