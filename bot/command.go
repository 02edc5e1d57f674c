package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// command is something an admin may ask.
type command struct {
	name   string
	words  checks.Words
	usage  checks.Text
	help   checks.Text
	answer func(ctx context.Context, q question) checks.Text
}

// question is one request by one admin.
type question struct {
	request
	who Admin
	now time.Time
}

// commands is the table of what may be asked. It is a method, for help speaks
// of the table itself.
func (b *Bot) commands() []command {
	return []command{
		{
			name: "status",
			words: checks.Words{
				En: []string{"state", "ok", "okay", "alive"},
				Ja: []string{"状態", "状況", "稼働状況", "調子どう", "調子", "ステータス", "元気", "大丈夫", "異常ない"},
			},
			usage:  checks.Text{En: "status", Ja: "状態"},
			help:   checks.Text{En: "everything in brief, worst first", Ja: "全体の様子を、悪いものから順に"},
			answer: b.status,
		},
		{
			name: "check",
			words: checks.Words{
				En: []string{"look", "test", "recheck", "again"},
				Ja: []string{"確認", "チェック", "再チェック", "調べて", "調べ", "見て", "みて", "もう一度", "再確認"},
			},
			usage:  checks.Text{En: "check NAME …, check all", Ja: "確認 ○○、確認 全部"},
			help:   checks.Text{En: "looks now and says what it sees", Ja: "今すぐ確認して結果を返します"},
			answer: b.check,
		},
		{
			name: "help",
			words: checks.Words{
				En: []string{"commands", "manual"},
				Ja: []string{"ヘルプ", "使い方", "つかいかた", "使いかた", "何ができる", "コマンド", "助けて"},
			},
			usage:  checks.Text{En: "help", Ja: "ヘルプ"},
			help:   checks.Text{En: "this", Ja: "この説明"},
			answer: b.help,
		},
	}
}

func (b *Bot) vocabulary() vocabulary { return vocabulary{commands: b.commands(), kinds: b.kinds} }

// answer understands a question and answers it.
func (b *Bot) answer(ctx context.Context, who Admin, text string, now time.Time) (checks.Text, checks.Lang) {
	r := b.vocabulary().parse(text)
	q := question{request: r, who: who, now: now}
	lang := r.lang
	if lang == "" {
		lang = who.Lang
	}
	if r.command == "" && (len(r.kinds) > 0 || r.all) {
		q.command = "check"
	}
	if r.strange != "" {
		return b.strange(q), lang
	}
	for _, c := range b.commands() {
		if c.name == q.command {
			return c.answer(ctx, q), lang
		}
	}
	return b.help(ctx, q), lang
}

// strange answers a word that means nothing.
func (b *Bot) strange(q question) checks.Text {
	word := checks.Quote(q.request.strange)
	if near := q.request.near; near != "" {
		return checks.Text{
			En: fmt.Sprintf("I do not know %q. Did you mean %q? Reply \"help\" to see what I understand.", word, near),
			Ja: fmt.Sprintf("「%s」は分かりませんでした。「%s」でしょうか？ 使い方は「ヘルプ」と返信してください。", word, near),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("I do not know %q. Reply \"help\" to see what I understand.", word),
		Ja: fmt.Sprintf("「%s」は分かりませんでした。使い方は「ヘルプ」と返信してください。", word),
	}
}

// help is short, from the table.
func (b *Bot) help(_ context.Context, _ question) checks.Text {
	lines := []checks.Text{{En: "What I understand:", Ja: "使い方:"}}
	for _, c := range b.commands() {
		lines = append(lines, checks.Text{En: c.usage.En + " – " + c.help.En, Ja: c.usage.Ja + " – " + c.help.Ja})
	}
	var en, ja []string
	for _, k := range b.kinds {
		en = append(en, k.Name)
		word := k.Name
		if len(k.Words.Ja) > 0 {
			word = k.Words.Ja[0]
		}
		ja = append(ja, word)
	}
	lines = append(lines, checks.Text{
		En: "Checks: " + strings.Join(en, ", "),
		Ja: "項目: " + strings.Join(ja, "、"),
	})
	return checks.Lines(lines...)
}
