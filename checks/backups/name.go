package backups

import (
	"fmt"
	"hash/fnv"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

const (
	// nameLimit is how much of a name is shown in a headline, in characters
	// (own: less than half of what a lock screen shows).
	nameLimit = 40
	// subjectLimit is how long an identity may be, in bytes (own).
	subjectLimit = 300
)

// subject is a source as an identity: its label wherever it can be printed,
// else what can be printed of it, told apart by a sum of the whole.
func subject(label string) string {
	h := checks.QuoteName(label)
	if h == label && len(h) <= subjectLimit {
		return h
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(label)) // a hash never fails
	return fmt.Sprintf("%s~%08x", cut(h, subjectLimit/4), sum.Sum32())
}

var ordinaryName = regexp.MustCompile(`^[\pL\pN_./@:+=~…*?-]+$`)

// nameOf is a name or a path inside a sentence: bare when it is ordinary, else
// in quotes.
func nameOf(label string) checks.Text {
	h := cut(checks.QuoteName(label), nameLimit)
	if ordinaryName.MatchString(h) {
		return checks.Same(h)
	}
	h = strings.NewReplacer(`"`, `'`, "「", "'", "」", "'").Replace(h)
	return checks.Text{En: `"` + h + `"`, Ja: "「" + h + "」"}
}

// fileOf is the name of a file without its folder, inside a sentence.
func fileOf(path string) checks.Text { return nameOf(filepath.Base(path)) }

// cut leaves out the middle: both ends of a path tell more.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	r := []rune(s)
	head := limit / 3
	return string(r[:head]) + "…" + string(r[len(r)-(limit-head-1):])
}

// command is a command with words from outside, or nothing where one of them
// cannot be written in a line.
func command(words ...string) checks.Shell {
	if sh := checks.Sh(words...); sh.String() != "" {
		return sh
	}
	return nil
}
