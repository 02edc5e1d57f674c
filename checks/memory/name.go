package memory

import (
	"regexp"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// nameLimit is how much of a program's name is shown, in characters (own; the
// kernel itself keeps fifteen).
const nameLimit = 40

// short makes a name one line that fits a list.
func short(s string) string {
	q := checks.Quote(s)
	if utf8.RuneCountInString(q) > nameLimit {
		q = string([]rune(q)[:nameLimit-1]) + "…"
	}
	return q
}

var ordinaryName = regexp.MustCompile(`^[A-Za-z0-9_./@:+()-]+( worker [0-9]+| \(node\))?$`)

// name is a program's name inside a sentence: bare when it is ordinary, else
// in quotes.
func name(s string) checks.Text {
	h := short(s)
	if h == "" {
		return checks.Text{En: "(no name)", Ja: "（名前なし）"}
	}
	if ordinaryName.MatchString(h) {
		return checks.Same(h)
	}
	return checks.Said(h)
}
