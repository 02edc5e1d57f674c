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
	answer, changed, err := b.offeredBefore(ctx, q)
	if err == nil && !changed {
		answer, changed, err = b.o.Schedule.Command(ctx, check, q.command, b.vocabulary().behind(q), func(tx *sql.Tx, answer checks.Text) error {
			_, err := b.keepIn(ctx, tx, q, func(tx *sql.Tx, _ situation) (checks.Text, []note, error) {
				return b.saidTo(ctx, tx, q, check, answer)
			})
			return err
		})
	}
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
	b.changed()
	before, err := b.o.Schedule.Incidents().Open(ctx)
	if err == nil {
		_, err = b.o.Schedule.Look(ctx, check, false)
	}
	if err != nil {
		b.log.Warn("what an admin changed could not be looked at", "check", check, "err", err)
		return answer
	}
	return checks.Lines(append([]checks.Text{answer}, b.whatEnded(ctx, []string{check}, before)...)...)
}

// saidTo notes what an admin said to a check that changed something by it.
func (b *Bot) saidTo(ctx context.Context, tx *sql.Tx, q question, check string, answer checks.Text) (checks.Text, []note, error) {
	said, by := checks.Quote(q.said), name(q.who.Account)
	fresh, err := insertDeed(ctx, tx, deed{
		At: q.now, Admin: q.who.Account, What: deedSaid, Check: check, Ended: q.now, Note: said, Mention: q.mention, Line: q.line,
	})
	if err != nil || !fresh {
		return answer, nil, err
	}
	return answer, []note{{check: check, text: checks.Text{En: by + " said: " + checks.Said(said).En, Ja: by + "さん: " + checks.Said(said).Ja}}}, nil
}

// offeredBefore is [answeredBefore], asked before the check is: a bill is not
// paid twice.
func (b *Bot) offeredBefore(ctx context.Context, q question) (answer checks.Text, before bool, err error) {
	err = b.o.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		answer, before, err = answeredBefore(ctx, tx, q)
		return err
	})
	return answer, before, err
}
