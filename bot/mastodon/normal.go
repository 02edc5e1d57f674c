package mastodon

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/sababan/sababan/checks/api"
)

// normalText is what two ways of writing the same message have in common: its
// letters and digits in lower case, and the points between digits. Spaces,
// line breaks, punctuation and zero-width characters come back from servers
// otherwise than they were sent.
func normalText(text string) string {
	text = norm.NFKC.String(text)
	var b strings.Builder
	var before rune
	for at, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			b.WriteRune(unicode.ToLower(r))
		case r == '.' && unicode.IsNumber(before):
			if after, _ := utf8.DecodeRuneInString(text[at+1:]); unicode.IsNumber(after) {
				b.WriteRune(r)
			}
		}
		before = r
	}
	return b.String()
}

var closingHandle = regexp.MustCompile(`@([A-Za-z0-9_.-]*[A-Za-z0-9_])(@[^\s@]+)?\s*$`)

// normalHTML is [normalText] of what a server made of a message, without the
// mention that closes it, where that is of one of the usernames.
func normalHTML(content string, usernames []string) string {
	text := api.Text(content)
	if m := closingHandle.FindStringSubmatchIndex(text); m != nil {
		name := text[m[2]:m[3]]
		for _, username := range usernames {
			if strings.EqualFold(name, username) {
				text = text[:m[0]]
				break
			}
		}
	}
	return normalText(text)
}
