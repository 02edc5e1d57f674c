package bot

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

// offered are the commands that checks bring along ("paid server").
func (b *Bot) offered() []command {
	var all []command
	for _, k := range b.kinds {
		for _, c := range k.Commands {
			usage := checks.Text{En: c.Name, Ja: c.Name}
			if len(c.Words.Ja) > 0 {
				usage.Ja = c.Words.Ja[0]
			}
			help := c.Help
			if before, after, found := strings.Cut(help.En, " – "); found {
				usage.En, help.En = before, after
			}
			all = append(all, command{
				name: c.Name, ownWords: true, words: c.Words, usage: usage, help: help,
				answer: func(ctx context.Context, q question) checks.Text { return b.offer(ctx, q, k.Name) },
			})
		}
	}
	return all
}

// offer lets a check answer. What is changed by it is written down, told to the
// others, and looked at again.
func (b *Bot) offer(ctx context.Context, q question, check string) checks.Text {
	if t, not := b.notLooking(check); not {
		return t
	}
	if done, err := b.doneBefore(ctx, q); err != nil {
		return b.unreadable(q.command, err)
	} else if done {
		return checks.Text{En: "Done already.", Ja: "処理済みです。"}
	}
	answer, changed, err := b.o.Schedule.Command(ctx, check, q.command, b.vocabulary().behind(q))
	if missing := (*checks.NotSetUp)(nil); errors.As(err, &missing) || errors.Is(err, schedule.ErrNoCheck) {
		title := b.titleOf(check)
		return checks.Text{En: title.En + ": not set up", Ja: title.Ja + ": 未設定です"}
	}
	if err != nil {
		return b.unreadable(q.command, err)
	}
	if !changed {
		return answer
	}
	said := checks.Quote(q.said)
	by := name(q.who.Account)
	kept := b.keep(ctx, q, func(tx *sql.Tx, _ situation) (checks.Text, []note, error) {
		fresh, err := insertDeed(ctx, tx, deed{
			At: q.now, Admin: q.who.Account, What: deedSaid, Check: check, Ended: q.now, Note: said, Mention: q.mention, Line: q.line,
		})
		if err != nil || !fresh {
			return answer, nil, err
		}
		return answer, []note{{check: check, text: checks.Text{En: by + " said: \"" + said + "\"", Ja: by + "さん:「" + said + "」"}}}, nil
	})
	before, err := b.o.Schedule.Incidents().Open(ctx)
	if err == nil {
		_, err = b.o.Schedule.Look(ctx, check, false)
	}
	if err != nil {
		b.log.Warn("what an admin changed could not be looked at", "check", check, "err", err)
		return kept
	}
	return checks.Lines(append([]checks.Text{kept}, b.whatEnded(ctx, []string{check}, before)...)...)
}

// doneBefore tells whether this question changed something already, before a
// restart: a bill is not paid twice.
func (b *Bot) doneBefore(ctx context.Context, q question) (done bool, err error) {
	err = b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deed WHERE mention = ? AND line = ? AND what = ?)`, q.mention, q.line, deedSaid).Scan(&done)
	})
	return done, err
}
