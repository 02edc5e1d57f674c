package bot

import (
	"context"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
)

// help is short, from the table; of one command it says more.
func (b *Bot) help(_ context.Context, q question) checks.Text {
	all := b.commands()
	if c, asked := b.helpAbout(q, all); asked {
		return helpText(c)
	}
	var en, ja []string
	for _, c := range all {
		en, ja = append(en, c.usage.En), append(ja, c.usage.Ja)
	}
	lines := []checks.Text{
		{En: "What I understand:", Ja: "使い方:"},
		{En: strings.Join(en, " · "), Ja: strings.Join(ja, " · ")},
		{En: "\"help snooze\" says more about one of them.", Ja: "「ヘルプ あとで」のように聞くと、詳しく説明します。"},
	}
	en, ja = nil, nil
	for _, k := range b.kinds {
		en = append(en, k.Name)
		word := k.Name
		switch {
		case slices.Contains(k.Words.Ja, k.Title.Ja):
			word = k.Title.Ja
		case len(k.Words.Ja) > 0:
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

// helpAbout is the command that help was asked about.
func (b *Bot) helpAbout(q question, all []command) (command, bool) {
	if q.command != "help" {
		return command{}, false
	}
	// The longest word of another command in the question.
	line, best, word := normal(q.said), command{}, ""
	for _, c := range all {
		if c.name == "help" {
			continue
		}
		for _, w := range slices.Concat([]string{c.name}, c.words.En, c.words.Ja) {
			w = normal(w)
			at := strings.Index(line, w)
			if at >= 0 && len(w) > len(word) && (ideographic(w) || standsAlone(line, at, len(w))) {
				best, word = c, w
			}
		}
	}
	return best, word != ""
}

func helpText(c command) checks.Text {
	also := func(words []string) string {
		words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.HasPrefix(c.usage.Ja, w) })
		return strings.Join(words[:min(len(words), 5)], ", ")
	}
	lines := []checks.Text{{En: c.usage.En + " – " + c.help.En, Ja: c.usage.Ja + " – " + c.help.Ja}, c.more}
	t := checks.Text{}
	if len(c.words.En) > 0 {
		t.En = "Also: " + also(c.words.En)
	}
	if len(c.words.Ja) > 1 {
		t.Ja = "別の言い方: " + strings.ReplaceAll(also(c.words.Ja), ", ", "、")
	}
	return checks.Lines(append(lines, t)...)
}

// version says what this program is.
func (b *Bot) version(context.Context, question) checks.Text {
	v := b.o.Version
	if v == "" {
		v = "devel"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
	}
	v = checks.QuoteName(v)
	return checks.Text{En: "sababan " + v + ", watching " + b.o.Site, Ja: "sababan " + v + "（" + b.o.Site + " を見守り中）"}
}
