package usage

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

const (
	// nameLimit is how much of a path is shown in a headline, in characters
	// (own: half of what a lock screen shows).
	nameLimit = 50
	// subjectLimit is how long an identity may be, in bytes (own).
	subjectLimit = 300
)

// subject is a path as an identity: itself wherever it can be printed, else
// what can be printed of it, told apart by a sum of the whole.
func subject(path string) string {
	shown := checks.QuoteName(path)
	if shown == path && len(shown) <= subjectLimit {
		return shown
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(path)) // a hash never fails
	return fmt.Sprintf("%s~%08x", cut(shown, subjectLimit/4), sum.Sum32())
}

var ordinaryPath = regexp.MustCompile(`^[\pL\pN_./@:+=~…-]+$`)

// name is a path inside a sentence: bare when it is ordinary, else in quotes.
func name(path string) checks.Text {
	shown := cut(checks.QuoteName(path), nameLimit)
	if ordinaryPath.MatchString(shown) {
		return checks.Same(shown)
	}
	shown = strings.NewReplacer(`"`, `'`, "「", "'", "」", "'").Replace(shown)
	return checks.Text{En: `"` + shown + `"`, Ja: "「" + shown + "」"}
}

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

// commands are those of several that can be written; none where one cannot,
// for they belong together.
func commands(list ...checks.Shell) []checks.Shell {
	for _, sh := range list {
		if sh.String() == "" {
			return nil
		}
	}
	return list
}
