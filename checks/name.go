package checks

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"unicode/utf8"
)

// subjectLimit is how long an identity may be, in bytes (own).
const subjectLimit = 300

// Subject makes an identity of a path or a label: itself wherever it can be
// printed, else what can be printed of it, told apart by a sum of the whole.
func Subject(s string) string {
	shown := QuoteName(s)
	if shown == s && len(shown) <= subjectLimit {
		return shown
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(s)) // a hash never fails
	return fmt.Sprintf("%s~%08x", Shorten(shown, subjectLimit/4), sum.Sum32())
}

var ordinaryName = regexp.MustCompile(`^[\pL\pN_./@:+=~…*?-]+$`)

// Named is a path or a label inside a sentence, of so many characters at most:
// bare when it is ordinary, else in quotes.
func Named(s string, limit int) Text {
	shown := Shorten(QuoteName(s), limit)
	if ordinaryName.MatchString(shown) {
		return Same(shown)
	}
	shown = noMarks.Replace(shown)
	return Text{En: `"` + shown + `"`, Ja: "「" + shown + "」"}
}

// Shorten leaves out the middle of what is longer than so many characters: both
// ends of a path tell more.
func Shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	r := []rune(s)
	head := limit / 3
	return string(r[:head]) + "…" + string(r[len(r)-(limit-head-1):])
}

// Written is a command with words from outside, or nothing where one of them
// cannot be written in a line.
func Written(words ...string) Shell {
	if sh := Sh(words...); sh.String() != "" {
		return sh
	}
	return nil
}
