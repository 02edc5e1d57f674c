package bot

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
)

// mailbox is the one owner of the mentions: each is read once, in order, kept
// in the state together with the cursor, and answered once.
type mailbox struct {
	bot  *Bot
	wake chan struct{}
}

// Wake asks for mentions soon.
func (m *mailbox) Wake() { poke(m.wake) }

// The states of a mention.
const (
	mentionNew      = "new"
	mentionAnswered = "answered"
	mentionIgnored  = "ignored"
)

// atOnce bounds how many questions are answered at the same time (own: a
// handful of admins).
const atOnce = 4

// answerTime bounds one answer: the longest look, and a little.
const answerTime = 25 * time.Minute

// run polls until ctx ends, and waits for the answers under way.
func (m *mailbox) run(ctx context.Context) {
	var under sync.WaitGroup
	defer under.Wait()
	places := make(chan struct{}, atOnce)
	busy := map[string]bool{}
	done := make(chan string)
	said := ""
	for {
		more, err := m.collect(ctx)
		said = m.complain(said, err, ctx.Err() != nil)
		asked := time.Now()
		open, err := m.open(ctx)
		if err != nil && ctx.Err() == nil {
			m.bot.log.Error("questions could not be read", "err", err)
		}
		for _, q := range open {
			if busy[q.ID] {
				continue
			}
			busy[q.ID] = true
			under.Go(func() {
				places <- struct{}{}
				m.reply(ctx, q)
				<-places
				select {
				case done <- q.ID:
				case <-ctx.Done():
				}
			})
		}
		if more {
			continue // what was read is being answered meanwhile
		}
		if !m.rest(ctx, asked, done, busy) {
			return
		}
	}
}

// complain logs a trouble once, and its end.
func (m *mailbox) complain(said string, err error, ending bool) string {
	switch {
	case ending:
	case err == nil && said != "":
		m.bot.log.Info("mentions can be read again")
		return ""
	case err != nil && err.Error() != said:
		m.bot.log.Warn("mentions could not be read", "err", err)
		return err.Error()
	}
	return said
}

// rest waits for the next poll: the interval, or a wake-up, but never sooner
// than the least time between two polls.
func (m *mailbox) rest(ctx context.Context, asked time.Time, done <-chan string, busy map[string]bool) bool {
	poll := time.NewTimer(m.bot.o.PollEvery)
	defer poll.Stop()
	soonest := time.NewTimer(max(time.Until(asked.Add(m.bot.o.WakeEvery)), time.Millisecond))
	defer soonest.Stop()
	early, woken := false, false
	for {
		select {
		case <-ctx.Done():
			return false
		case id := <-done:
			delete(busy, id)
		case <-poll.C:
			return true
		case <-soonest.C:
			early = true
		case <-m.wake:
			woken = true
		}
		if early && woken {
			return true
		}
	}
}

// collect reads the next page of new mentions into the state, and tells whether
// there may be more: only the page after the last shows that it was the last.
func (m *mailbox) collect(ctx context.Context) (more bool, err error) {
	cursor, err := m.cursor(ctx)
	if err != nil {
		return false, err
	}
	page, next, err := m.bot.o.Home.Mentions(ctx, cursor)
	if err != nil {
		return false, err
	}
	if next == cursor || next == "" {
		return false, nil
	}
	err = m.bot.o.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, one := range page {
			stateNow := mentionNew
			if m.bot.people.stranger(one.From.ID) {
				stateNow = mentionIgnored // a stranger gets silence
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO mention (id, status_id, account_id, text, received, state) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
				one.ID, one.StatusID, one.From.ID, fold(one.Text), one.At.UnixMilli(), stateNow); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO cursor (name, value) VALUES ('mentions', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, next)
		return err
	})
	return err == nil && cursor != "" && len(page) > 0, err
}

func (m *mailbox) cursor(ctx context.Context) (cursor string, err error) {
	err = m.bot.o.DB.Read(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT value FROM cursor WHERE name = 'mentions'`).Scan(&cursor)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return cursor, err
}

// openQuestion is a mention that waits for its answer.
type openQuestion struct{ ID, StatusID, AccountID, Text string }

func (m *mailbox) open(ctx context.Context) (open []openQuestion, err error) {
	err = m.bot.o.DB.Read(ctx, func(tx *sql.Tx) error {
		open = nil
		rows, err := tx.QueryContext(ctx, `SELECT id, status_id, account_id, text FROM mention WHERE state = ? ORDER BY received, id`, mentionNew)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var q openQuestion
			if err := rows.Scan(&q.ID, &q.StatusID, &q.AccountID, &q.Text); err != nil {
				return err
			}
			open = append(open, q)
		}
		return rows.Err()
	})
	return open, err
}

// ignore lets a stranger's words rest. While not every admin is known yet, they
// may still turn out to be an admin's, and are looked at again.
func (m *mailbox) ignore(ctx context.Context, q openQuestion) {
	if !m.bot.people.stranger(q.AccountID) {
		return
	}
	err := m.bot.o.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE mention SET state = ? WHERE id = ?`, mentionIgnored, q.ID)
		return err
	})
	if err != nil && ctx.Err() == nil {
		m.bot.log.Error("a stranger's mention could not be put aside", "err", err)
	}
}

// reply answers one question: the answer is frozen in the same transaction that
// marks the question answered.
func (m *mailbox) reply(ctx context.Context, q openQuestion) {
	who, admin := m.bot.people.admin(q.AccountID)
	if !admin {
		m.ignore(ctx, q)
		return
	}
	answerCtx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	asked := question{who: who, now: time.Now(), mention: q.ID}
	lang := langOf(normal(q.Text))
	if lang == "" {
		lang = who.Lang
	}
	asked.soon = func(text checks.Text) { m.first(ctx, q, who, text, lang) }
	var pictures []Picture
	asked.attach = func(p Picture) bool {
		if len(pictures) == MostPictures {
			return false
		}
		pictures = append(pictures, p)
		return true
	}
	text, lang := m.bot.answer(answerCtx, asked, q.Text)
	if ctx.Err() != nil {
		return // asked again after the restart
	}
	err := m.bot.o.DB.Write(ctx, func(tx *sql.Tx) error {
		return m.post(ctx, tx, q, who, text, pictures, lang, `UPDATE mention SET state = 'answered', post = ? WHERE id = ? AND state = 'new'`)
	})
	if err != nil {
		m.bot.log.Error("an answer could not be kept", "mention", strconv.Quote(q.ID), "err", err)
		return
	}
	m.bot.out.Wake()
}

// first sends what is said before an answer that takes long, once.
func (m *mailbox) first(ctx context.Context, q openQuestion, who Admin, text checks.Text, lang checks.Lang) {
	err := m.bot.o.DB.Write(ctx, func(tx *sql.Tx) error {
		return m.post(ctx, tx, q, who, text, nil, lang, `UPDATE mention SET post = ? WHERE id = ? AND state = 'new' AND post IS NULL`)
	})
	if err != nil {
		if ctx.Err() == nil {
			m.bot.log.Error("an answer could not be kept", "mention", strconv.Quote(q.ID), "err", err)
		}
		return
	}
	m.bot.out.Wake()
}

// post freezes an answer together with the mark that it was given; nothing where
// that was so already.
func (m *mailbox) post(ctx context.Context, tx *sql.Tx, q openQuestion, who Admin, text checks.Text, pictures []Picture, lang checks.Lang, mark string) error {
	now := time.Now()
	to, known, err := recipient(ctx, tx, who.Account)
	if err != nil {
		return err
	}
	if !known {
		return errors.New("the admin's account is not known any more")
	}
	key, err := freshKey(ctx, tx)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, mark, key, q.ID)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return m.bot.desk.insert(ctx, tx, post{
		Key: key, Kind: kindReply, Admin: who.Account, To: to, Parent: q.StatusID, Lang: lang,
		Text: write(text, who.Reader(lang, now)), Pictures: pictures, Created: now,
	})
}
