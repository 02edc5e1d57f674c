package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
)

// A step is one name on the way to a value, and which one it is (from 1) where
// the name is that of several tables.
type step struct {
	name string
	n    int
}

// A place is the way from the top of the configuration to a table or a value.
type place []step

func (p place) child(name string) place { return append(p[:len(p):len(p)], step{name: name}) }

// nth is the same place, as the nth of several tables.
func (p place) nth(n int) place {
	last := p[len(p)-1]
	return append(p[:len(p)-1:len(p)-1], step{last.name, n})
}

// id is the place as the key of a map.
func (p place) id() string {
	var b strings.Builder
	for _, s := range p {
		b.WriteString(s.name)
		b.WriteByte(0)
		if s.n > 0 {
			b.WriteString(strconv.Itoa(s.n))
			b.WriteByte(0)
		}
	}
	return b.String()
}

// table is the place as it is written above its keys: "[checks.disk]",
// "[[bot.admin]]"; "" at the top.
func (p place) table() string {
	if len(p) == 0 {
		return ""
	}
	names, several := make([]string, len(p)), false
	for i, s := range p {
		names[i] = keyName(s.name)
		several = several || s.n > 0
	}
	if t := strings.Join(names, "."); several {
		return "[[" + t + "]]"
	} else {
		return "[" + t + "]"
	}
}

// key is the place of a value as it begins a mistake: "[bot] server".
func (p place) key() string {
	last := len(p) - 1
	return strings.TrimPrefix(p[:last].table()+" "+keyName(p[last].name), " ")
}

// keyName is a name from the file as it may stand in a sentence.
func keyName(name string) string {
	if q := checks.Quote(name); q != "" {
		return q
	}
	return `""`
}

// A mistake is one thing that is wrong in the configuration.
type mistake struct {
	at   place
	what string // begins with the table, ends without a full stop
}

// badConfig is everything that is wrong in one configuration.
type badConfig struct {
	file  string
	lines []string
}

// shownMistakes is how many are told; who has more has given another file.
const shownMistakes = 40

func (e *badConfig) Error() string {
	head := e.file
	if head == "" {
		head = "the configuration"
	}
	shown := e.lines
	if len(shown) > shownMistakes {
		more := fmt.Sprintf("and %d more", len(shown)-shownMistakes)
		shown = append(slices.Clone(shown[:shownMistakes]), more)
	}
	return checks.QuoteName(head) + ":\n" + strings.Join(shown, "\n")
}

// mistakes collects what is wrong, to be told at once.
type mistakes struct{ all []mistake }

// add notes what is wrong with the value at a place. A value that is already
// known to be wrong is not looked at any closer.
func (m *mistakes) add(at place, format string, args ...any) {
	if m.under(at) {
		return
	}
	m.all = append(m.all, mistake{at, at.key() + ": " + fmt.Sprintf(format, args...)})
}

// addLine notes a line that names its table by itself.
func (m *mistakes) addLine(at place, line string) {
	m.all = append(m.all, mistake{at, line})
}

// under tells whether anything at or below a place is wrong.
func (m *mistakes) under(at place) bool {
	return slices.ContainsFunc(m.all, func(one mistake) bool {
		return strings.HasPrefix(one.at.id(), at.id())
	})
}

// err is nil when nothing is wrong, else a *[badConfig] in the order of the file.
func (m *mistakes) err(file string, pos positions, secrets []string) error {
	if len(m.all) == 0 {
		return nil
	}
	sorted := slices.Clone(m.all)
	slices.SortStableFunc(sorted, func(a, b mistake) int {
		return cmp.Compare(pos.order(a.at), pos.order(b.at))
	})
	bad := &badConfig{file: file}
	for _, one := range sorted {
		line := mask(hide(one.what, secrets), file)
		if n, ok := pos.line(one.at); ok {
			line += fmt.Sprintf(" (line %d)", n)
		}
		if !slices.Contains(bad.lines, line) {
			bad.lines = append(bad.lines, line)
		}
	}
	return bad
}

const masked = "••••"

// hide takes known secrets out of a line.
func hide(line string, secrets []string) string {
	for _, s := range secrets {
		// Anything shorter is a word that may stand in any sentence.
		if len(s) >= 6 {
			line = strings.ReplaceAll(line, s, masked)
			line = strings.ReplaceAll(line, checks.Quote(s), masked)
		}
	}
	return line
}

var (
	userinfo  = regexp.MustCompile(`[^\s"'/@\[\]]*:[^\s"'/@]*@`)
	password  = regexp.MustCompile(`(?i)(password|passwd|secret|token)=[^\s"'&]+`)
	longWord  = regexp.MustCompile(`[A-Za-z0-9_-]{30,}`)
	hasDigit  = regexp.MustCompile(`[0-9]`)
	hasLetter = regexp.MustCompile(`[A-Za-z]`)
)

// mask takes out of a line what looks like a secret that stands in a wrong
// place: a password in an address, a random word as long as a token. What is
// part of the path is left.
func mask(line, path string) string {
	line = userinfo.ReplaceAllStringFunc(line, func(w string) string {
		if w == "mailto:me@" { // our own example
			return w
		}
		return masked + "@"
	})
	line = password.ReplaceAllString(line, "$1="+masked)
	return longWord.ReplaceAllStringFunc(line, func(w string) string {
		if hasDigit.MatchString(w) && hasLetter.MatchString(w) && !strings.Contains(path, w) {
			return masked
		}
		return w
	})
}
