package mastodon

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LiveMentions returns every "@" in a text, with the name behind it, that a
// server could take for a mention: whoever is mentioned in a direct message
// receives it. Mastodon begins a mention at an "@" that follows no word
// character, no "=" and no "/"; GoToSocial also takes names in any script and
// those that begin with a dot or a hyphen; the full-width "＠" counts because
// some software folds it. An "@" that a zero-width character follows is dead.
func LiveMentions(text string) []string {
	var live []string
	for at, r := range text {
		if r != '@' && r != '＠' {
			continue
		}
		before, size := utf8.DecodeLastRuneInString(text[:at])
		if size > 0 && (wordRune(before) || before == '=' || before == '/') {
			continue
		}
		if name := leadingName(text[at+utf8.RuneLen(r):]); name != "" {
			live = append(live, string(r)+name)
		}
	}
	return live
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

var handleForm = regexp.MustCompile(`^[A-Za-z0-9_]+([.-]+[A-Za-z0-9_]+)*(@[\p{L}\p{M}\p{Nd}_]+([.-]+[\p{L}\p{M}\p{Nd}_]+)*(:[0-9]+)?)?$`)

// plainHandle takes a leading @ off a handle; false where what is left would
// not be one mention and nothing else.
func plainHandle(handle string) (string, bool) {
	handle = strings.TrimPrefix(handle, "@")
	return handle, handleForm.MatchString(handle)
}

// withReader puts the mention of the reader on a line of its own behind the
// text: a push notification shows the beginning only.
func withReader(text, handle string) string {
	return strings.TrimRight(text, " \t\r\n") + "\n@" + handle
}

// others are the ids that are not the reader's, each once.
func others(ids []string, reader string) []string {
	var extra []string
	for _, id := range ids {
		if id != reader && !slices.Contains(extra, id) {
			extra = append(extra, id)
		}
	}
	return extra
}
