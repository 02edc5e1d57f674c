package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// command is something an admin may ask.
type command struct {
	name  string
	words checks.Words
	usage checks.Text
	help  checks.Text
	// more is what "help COMMAND" says besides.
	more checks.Text
	// ownWords means that what follows may be the admin's own words: it is not
	// searched for other commands.
	ownWords bool
	answer   func(ctx context.Context, q question) checks.Text
}

// question is one request by one admin.
type question struct {
	request
	who Admin
	now time.Time
	// mention and line name the request, so that what it changes is changed once.
	mention string
	line    int
	// answerIn is the language of the whole answer.
	answerIn checks.Lang
	// attach adds a picture to the answer; false where it has as many as it may.
	// It may be nil.
	attach func(Picture) bool
	// soon answers at once what will take a while; it may be nil.
	soon func(checks.Text)
	// thread is the number of the incident whose message is answered; 0 for none.
	thread int64
}

// commands is the table of what may be asked. It is a method, for help speaks
// of the table itself.
func (b *Bot) commands() []command {
	return slices.Concat(b.asking(), b.changing(), b.offered())
}

func (b *Bot) vocabulary() vocabulary { return vocabulary{commands: b.commands(), kinds: b.kinds} }

// mostLines bounds what of a question is answered (own).
const mostLines = 8

// answer understands a question and answers it: each line is a request of its
// own, and lines that mean nothing stand beside those that do.
func (b *Bot) answer(ctx context.Context, q question, text string) (checks.Text, checks.Lang) {
	v := b.vocabulary()
	lang := langOf(normal(text))
	if lang == "" {
		lang = q.who.Lang
	}
	var requests []request
	thanks := false
	for line := range strings.Lines(text) {
		r := v.parse(strings.TrimSpace(line))
		if !r.empty && len(requests) < mostLines {
			requests = append(requests, r)
		}
		thanks = thanks || r.courtesy
	}
	if len(requests) == 0 && thanks {
		return checks.Text{En: "At your service. \"help\" says what I understand.", Ja: "いつでもどうぞ。使い方は「ヘルプ」と返信してください。"}, lang
	}
	if len(requests) == 0 {
		requests = []request{{empty: true}}
	}
	var answers []checks.Text
	for i, r := range requests {
		one := q
		one.request, one.line, one.answerIn = r, i, lang
		answers = append(answers, b.answerOne(ctx, v, one))
	}
	return checks.Lines(answers...), lang
}

func (b *Bot) answerOne(ctx context.Context, v vocabulary, q question) checks.Text {
	switch {
	case q.request.unsure != "" && q.command != "help" && q.command != "status" && q.command != "version":
		return b.whichOf(q)
	case q.strange != "" && q.command != "help":
		return b.strange(q)
	case q.command == "" && (len(q.kinds) > 0 || q.all):
		q.command = "check"
	case q.command == "" && q.number != 0:
		q.command = "why"
	}
	q = q.inThread()
	for _, c := range v.commands {
		if c.name == q.command {
			return c.answer(ctx, q)
		}
	}
	return b.help(ctx, q)
}

// strange answers a word that means nothing.
func (b *Bot) strange(q question) checks.Text {
	word := checks.Said(q.request.strange)
	if near := checks.Said(q.request.near); !near.Empty() {
		return checks.Text{
			En: fmt.Sprintf("I do not know %s. Did you mean %s? Reply \"help\" to see what I understand.", word.En, near.En),
			Ja: fmt.Sprintf("%sはわかりませんでした。%sでしょうか？ 使い方は「ヘルプ」と返信してください。", word.Ja, near.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("I do not know %s. Reply \"help\" to see what I understand.", word.En),
		Ja: fmt.Sprintf("%sはわかりませんでした。使い方は「ヘルプ」と返信してください。", word.Ja),
	}
}

// whichOf answers a word that may mean several things with all of them, and a
// question.
func (b *Bot) whichOf(q question) checks.Text {
	word := checks.Said(q.request.unsure)
	what := q.command
	if what == "" {
		what = "check"
	}
	var en, ja []string
	for _, k := range b.kinds {
		for _, name := range q.between {
			if k.Name == name {
				title := longest(k.Words.Ja, q.request.unsure, k.Title.Ja)
				en, ja = append(en, fmt.Sprintf("%s (%s %s)", k.Title.En, what, k.Name)), append(ja, fmt.Sprintf("%s（%s %s）", title, jaWord(b, what), k.Name))
			}
		}
	}
	return checks.Text{
		En: fmt.Sprintf("Which do you mean by %s: %s?", word.En, strings.Join(en, ", or ")),
		Ja: fmt.Sprintf("%sは、どれのことでしょうか？ %s", word.Ja, strings.Join(ja, "／")),
	}
}

// longest is the longest of some words that contains another; else what is given
// instead.
func longest(words []string, part, instead string) string {
	best := ""
	for _, w := range words {
		if strings.Contains(normal(w), part) && len(w) > len(best) {
			best = w
		}
	}
	if best == "" {
		return instead
	}
	return best
}

// jaWord is how a command is called in Japanese.
func jaWord(b *Bot, name string) string {
	for _, c := range b.commands() {
		if c.name == name && len(c.words.Ja) > 0 {
			return c.words.Ja[0]
		}
	}
	return name
}

// unreadable is the answer where the state cannot be read or written.
func (b *Bot) unreadable(what string, err error) checks.Text {
	b.log.Error("a question could not be answered", "what", what, "err", err)
	return checks.Text{En: "I could not use my own state just now; the log says why. Please ask again.", Ja: "自分の記録を使えませんでした（詳細はログ）。もう一度お願いします。"}
}
