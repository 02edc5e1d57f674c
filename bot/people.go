package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/state"
)

// people knows who the admins are on the bot's home: by id, resolved once and
// remembered, so that the watcher also starts when the home is down.
type people struct {
	db     *state.DB
	log    *slog.Logger
	home   Home
	admins []Admin
	limit  *atomic.Int64

	mu        sync.Mutex
	byID      map[string]Admin
	handles   map[string]string // account as configured → how to mention it
	strangers map[string]string // handles of admins who do not follow the bot, by account
	doorShut  string            // why the notification filter could not be opened
	me        string            // the bot's own account id, once known
	lost      time.Time         // since when the home does not answer, in a life in which it never did
	lostWhy   string
	changed   func() // hears that it does, or does not
}

func newPeople(db *state.DB, log *slog.Logger, home Home, admins []Admin, limit *atomic.Int64) *people {
	return &people{
		db: db, log: log, home: home, admins: admins, limit: limit,
		changed: func() {},
		byID:    map[string]Admin{}, handles: map[string]string{}, strangers: map[string]string{},
	}
}

// admin returns the admin whose account has this id.
func (p *people) admin(id string) (Admin, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.byID[id]
	return a, ok
}

// stranger tells whether an id is certainly no admin's: all of them are known,
// and it is none of theirs.
func (p *people) stranger(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, admin := p.byID[id]
	return !admin && len(p.handles) == len(p.admins)
}

// troubles says which admins messages do not reach as they should.
func (p *people) troubles() []checks.Text {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []checks.Text
	for _, a := range p.admins {
		if p.handles[a.Account] == "" {
			name := checks.Quote(a.Account)
			lines = append(lines, checks.Text{
				En: name + " was not found on my server yet, so nothing reaches them.",
				Ja: name + " がまだ見つからないため、何も届きません。",
			})
			continue
		}
		if handle, stranger := p.strangers[a.Account]; stranger {
			name := checks.Quote(handle)
			lines = append(lines, checks.Text{
				En: name + " does not follow me: my messages may land among their filtered notifications, without a push.",
				Ja: name + " さんにフォローされていないため、警報がフィルターされて通知されないことがあります。フォローをお願いします。",
			})
		}
	}
	if p.doorShut != "" {
		lines = append(lines, checks.Text{
			En: "My own notification filter could not be opened (" + p.doorShut + "); new messages to me may not arrive. Answers do.",
			Ja: "自分の通知フィルターを変更できませんでした（" + p.doorShut + "）。返信以外は届かないことがあります。",
		})
	}
	return lines
}

// How often who is who is asked again: while something is missing, and once all
// is known (own).
const (
	askAgain   = 15 * time.Second
	askAgainAt = 5 * time.Minute
	lookAgain  = time.Hour
)

// run finds the admins, makes sure that they can reach the bot, and looks now
// and then whether the bot reaches them. It returns an error only for what will
// not mend itself.
func (p *people) run(ctx context.Context, known func()) error {
	remembered, err := p.load(ctx)
	if err != nil && ctx.Err() == nil {
		p.log.Error("who the admins are could not be read", "err", err)
	}
	if remembered > 0 {
		known()
	}
	wait := askAgain
	for {
		missing, err := p.meet(ctx, remembered > 0)
		if err != nil {
			return err
		}
		known()
		switch {
		case missing == 0:
			wait = lookAgain
		case wait < askAgainAt:
			wait = min(2*wait, askAgainAt)
		default:
			wait = askAgainAt
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// meet asks the home about itself, the bot and every admin. What is missing
// afterwards is asked again.
func (p *people) meet(ctx context.Context, worked bool) (missing int, err error) {
	me, err := p.home.Me(ctx)
	switch {
	case ctx.Err() != nil:
		return 0, nil
	case errors.Is(err, ErrToken) && !worked, errors.Is(err, ErrNotMastodon) && !worked:
		return 0, fmt.Errorf("[bot] server, [bot] token_file: %w", err)
	case err != nil:
		p.log.Warn("my server cannot be asked; trying again", "err", err)
		p.unmet(err.Error())
		return 1, nil
	}
	p.mu.Lock()
	p.me = me.ID
	p.lost, p.lostWhy = time.Time{}, ""
	p.mu.Unlock()
	p.changed()
	if limits, err := p.home.Limits(ctx); err == nil && limits.Characters > 0 {
		p.limit.Store(int64(limits.Characters))
	}
	for _, a := range p.admins {
		account, err := p.home.Resolve(ctx, a.Account)
		switch {
		case ctx.Err() != nil:
			return 0, nil
		case errors.Is(err, ErrNoSuchAccount):
			return 0, fmt.Errorf("[[bot.admin]] account: %q: the server says that there is no such account", checks.Quote(a.Account))
		case err != nil:
			p.log.Warn("an admin cannot be resolved; trying again", "account", a.Account, "err", err)
			missing++
			continue
		}
		if account.ID == me.ID {
			return 0, fmt.Errorf("[bot] token_file: the token belongs to %q, who is one of the admins; the bot needs an account of its own, or it would talk to itself", checks.Quote(a.Account))
		}
		if err := p.know(ctx, a, account); err != nil {
			p.log.Error("an admin's id could not be remembered", "err", err)
		}
		if !p.relate(ctx, a, account) {
			missing++
		}
	}
	opened, err := p.home.OpenDoor(ctx)
	shut := ""
	if err != nil && ctx.Err() == nil {
		shut = checks.Quote(err.Error())
		p.log.Warn("the notification filter could not be opened", "err", err)
	}
	p.mu.Lock()
	p.doorShut = shut
	p.mu.Unlock()
	p.log.Debug("admins met", "missing", missing, "door", opened)
	return missing, nil
}

// unmet notes that the home does not answer, where it has not since the start.
func (p *people) unmet(why string) {
	p.mu.Lock()
	if p.me == "" {
		if p.lost.IsZero() {
			p.lost = time.Now()
		}
		p.lostWhy = why
	}
	p.mu.Unlock()
	p.changed()
}

// silence is since when the home does not answer, and why, where it has not
// since the start; met is whether it has.
func (p *people) silence() (since time.Time, why string, met bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost, p.lostWhy, p.me != ""
}

// relate makes the bot follow an admin and notes whether the admin follows it.
func (p *people) relate(ctx context.Context, a Admin, account Account) bool {
	r, err := p.home.Relation(ctx, account.ID)
	if err != nil {
		if ctx.Err() == nil {
			p.log.Warn("an admin's relation to the bot could not be read", "account", a.Account, "err", err)
		}
		return false
	}
	if !r.Following && !r.Requested {
		if err := p.home.Follow(ctx, account.ID); err != nil && ctx.Err() == nil {
			p.log.Warn("an admin could not be followed", "account", a.Account, "err", err)
		}
	}
	p.mu.Lock()
	_, before := p.strangers[a.Account]
	if r.FollowedBy {
		delete(p.strangers, a.Account)
	} else {
		p.strangers[a.Account] = account.Handle
	}
	p.mu.Unlock()
	if !r.FollowedBy && !before {
		p.log.Warn("an admin does not follow the bot; its messages may be filtered there", "account", a.Account)
	}
	return true
}

// know remembers an admin's id.
func (p *people) know(ctx context.Context, a Admin, account Account) error {
	p.mu.Lock()
	for id, other := range p.byID {
		if other.Account == a.Account && id != account.ID {
			delete(p.byID, id)
		}
	}
	p.byID[account.ID] = a
	p.handles[a.Account] = account.Handle
	p.mu.Unlock()
	return p.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM admin WHERE acct = ? OR account_id = ?`, a.Account, account.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO admin (account_id, acct, handle, resolved) VALUES (?, ?, ?, ?)`,
			account.ID, a.Account, account.Handle, time.Now().UnixMilli())
		return err
	})
}

// load takes the ids that were remembered.
func (p *people) load(ctx context.Context) (n int, err error) {
	err = p.db.Read(ctx, func(tx *sql.Tx) error {
		n = 0
		for _, a := range p.admins {
			to, known, err := recipient(ctx, tx, a.Account)
			if err != nil {
				return err
			}
			if known {
				p.mu.Lock()
				p.byID[to.ID], p.handles[a.Account] = a, to.Handle
				p.mu.Unlock()
				n++
			}
		}
		return nil
	})
	return n, err
}
