package checks

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordJoiner is an invisible character that parts an @ from a name.
const wordJoiner = "\u2060"

// Harmless parts every live mention in a text, so that it names nobody. An @
// that cannot start a mention stays as it is and can be pasted.
func Harmless(s string) string {
	var b strings.Builder
	done := 0
	eachLive(s, func(behind int, _ string) {
		b.WriteString(s[done:behind])
		b.WriteString(wordJoiner)
		done = behind
	})
	b.WriteString(s[done:])
	return b.String()
}

// Live tells whether a text names somebody.
func Live(s string) bool { return len(LiveMentions(s)) > 0 }

// LiveMentions returns every "@" in a text, with the name behind it, that a
// server could take for a mention: whoever is mentioned in a direct message
// receives it. Mastodon begins a mention at an "@" that follows no word
// character, no "=" and no "/"; GoToSocial also takes names in any script and
// those that begin with a dot or a hyphen; the full-width "＠" counts because
// some software folds it. An "@" that a zero-width character follows is dead.
func LiveMentions(text string) []string {
	var live []string
	eachLive(text, func(_ int, mention string) { live = append(live, mention) })
	return live
}

// eachLive calls do for every live mention, with the place behind its @.
func eachLive(text string, do func(behind int, mention string)) {
	for at, r := range text {
		if r != '@' && r != '＠' {
			continue
		}
		before, size := utf8.DecodeLastRuneInString(text[:at])
		if size > 0 && (wordRune(before) || before == '=' || before == '/') {
			continue
		}
		behind := at + utf8.RuneLen(r)
		if name := leadingName(text[behind:]); name != "" {
			do(behind, string(r)+name)
		}
	}
}

// leadingName is the name that a text begins with; dots and hyphens alone are
// none.
func leadingName(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return !nameRune(r) })
	if end < 0 {
		end = len(text)
	}
	if strings.Trim(text[:end], ".-") == "" {
		return ""
	}
	return text[:end]
}

// wordRune is what Mastodon's pattern calls a word character.
func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.In(r, unicode.Nd, unicode.Pc)
}

func nameRune(r rune) bool {
	return wordRune(r) || unicode.IsNumber(r) || r == '.' || r == '-'
}
