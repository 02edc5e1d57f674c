package api

import (
	"strings"
	"unicode"
)

// maxWords bounds what is quoted of a server, in runes (own).
const maxWords = 200

// oneLine makes text from outside fit to be quoted: one line, no control,
// zero-width or bidirectional characters, at most limit runes.
func oneLine(s string, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = n > 0
			continue
		}
		if unicode.In(r, unicode.Cc, unicode.Cf) {
			continue
		}
		need := 1
		if space {
			need = 2
		}
		if n+need > limit {
			b.WriteRune('…')
			return b.String()
		}
		if space {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		n, space = n+need, false
	}
	return b.String()
}
