package bot

import (
	"context"
	"errors"
	"strings"

	"github.com/sababan/sababan/checks"
)

// ofKinds are the commands that kinds have of their own ("paid server").
func (b *Bot) ofKinds() []command {
	var all []command
	for _, k := range b.kinds {
		for _, c := range k.Commands {
			ja := c.Name
			if len(c.Words.Ja) > 0 {
				ja = c.Words.Ja[0]
			}
			all = append(all, command{
				name: c.Name, words: c.Words, usage: checks.Text{En: c.Name, Ja: ja}, help: c.Help, ownWords: true,
				answer: func(ctx context.Context, q question) checks.Text { return b.askKind(ctx, q, k, c) },
			})
		}
	}
	return all
}

// askKind answers a command of a kind's own. Where it has changed something the
// kind looks at once: what is over by it ends now, and not at its next time.
func (b *Bot) askKind(ctx context.Context, q question, k checks.Kind, c checks.Command) checks.Text {
	if t, not := b.notLooking(k.Name); not {
		return t
	}
	before, err := b.o.Schedule.Incidents().Open(ctx)
	if err != nil {
		return b.unreadable(c.Name, err)
	}
	answer, changed, err := b.o.Schedule.Command(ctx, k.Name, c, q.rest)
	if err != nil {
		var unseen *checks.Unseen
		if errors.As(err, &unseen) {
			why, advice := checks.Explain(err)
			return checks.Lines(why, adviceText(advice))
		}
		return b.unreadable(c.Name, err)
	}
	if !changed {
		return answer
	}
	b.log.Info("an admin changed something", "admin", q.who.Account, "command", c.Name, "check", k.Name)
	if _, err := b.o.Schedule.Look(ctx, k.Name, false); err != nil {
		b.log.Warn("a look after a command did not end", "check", k.Name, "err", err)
		return answer
	}
	return checks.Lines(append([]checks.Text{answer}, b.whatEnded(ctx, []string{k.Name}, before)...)...)
}

// without is a text as it was written, without the first stretch of it that
// means a word: in whatever width or case.
func without(text, word string) string {
	runes := []rune(text)
	if len(runes) > wordLimit {
		runes = runes[:wordLimit]
	}
	// Folding makes one character of several at most, or several of one.
	longest := 2*len([]rune(word)) + 2
	for from := range runes {
		for to := from + 1; to <= min(len(runes), from+longest); to++ {
			if normal(string(runes[from:to])) == word {
				return strings.TrimSpace(string(runes[:from]) + " " + string(runes[to:]))
			}
		}
	}
	return strings.TrimSpace(string(runes))
}
