package bot

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// taking is what stands behind a command that takes an admin's own words: what
// it is about, until when, and the note.
type taking struct {
	numbers []int64
	kinds   []string
	all     bool
	unsure  string
	between []string
	period  period
	note    string
}

var (
	headNumber = regexp.MustCompile(`^#?(\d{1,9})番?(?:\D|$)`)
	anyNumber  = regexp.MustCompile(`#(\d{1,9})\b|(\d{1,9})番`)
	headWord   = regexp.MustCompile(`^[a-z][a-z0-9_-]*`)
)

// between are what may stand between the parts of a command and means nothing.
var between = []string{"を", "、", "。", ",", ".", ":", ";", "・", "and ", "the ", "to ", "for ", "on ", "please "}

// particles mean nothing either, but begin words, too: もうすぐ.
var particles = []string{"は", "に", "の", "が", "と", "も", "で"}

// parting is how long what means nothing is that a line begins with; touching
// is whether it follows what the command is about without a space.
func parting(lower string, touching bool) int {
	for _, b := range between {
		if strings.HasPrefix(lower, b) {
			return len(b)
		}
	}
	for _, p := range particles {
		if rest, ok := strings.CutPrefix(lower, p); ok {
			if next, _ := utf8.DecodeRuneInString(rest); touching || !unicode.Is(unicode.Hiragana, next) {
				return len(p)
			}
		}
	}
	return 0
}

// takePeriod reads a period and a note, where a command is about nothing else.
func takePeriod(q question) taking {
	text := strings.TrimSpace(q.args)
	lower := lowered(text)
	if len(lower) != len(text) {
		text = lower
	}
	var t taking
	if p, from, to, found := findPeriod(lower, q.who, q.now); found {
		t.period, text = p, text[:from]+" "+text[to:]
	}
	t.note = noteOf(text)
	return t
}

// take reads what stands behind a command. The note keeps its own case.
func (v vocabulary) take(q question) taking {
	text := strings.TrimSpace(q.args)
	lower := lowered(text)
	if len(lower) != len(text) {
		text = lower
	}
	var t taking
	cut := func(from, to int) {
		text, lower = text[:from]+" "+text[to:], lower[:from]+" "+lower[to:]
	}
	if p, from, to, found := findPeriod(lower, q.who, q.now); found {
		t.period = p
		cut(from, to)
	}
	words, touching := v.words(), false
	for {
		skip := len(lower) - len(strings.TrimLeftFunc(lower, unicode.IsSpace))
		skip += parting(lower[skip:], touching && skip == 0)
		if skip > 0 {
			text, lower, touching = text[skip:], lower[skip:], false
			continue
		}
		n := t.head(lower, words)
		if n == 0 {
			break
		}
		text, lower, touching = text[n:], lower[n:], true
	}
	if len(t.numbers) == 0 && len(t.kinds) == 0 {
		if at := anyNumber.FindStringSubmatchIndex(lower); at != nil {
			n, _ := strconv.ParseInt(part(lower, at, 1)+part(lower, at, 2), 10, 64)
			t.numbers = []int64{n}
			text = text[:at[0]] + text[at[1]:]
		}
	}
	t.note = noteOf(text)
	return t
}

// head takes the number or the check that a line begins with, and returns how
// long that is; 0 where it begins with neither.
func (t *taking) head(lower string, words map[string][]meaning) int {
	if at := headNumber.FindStringSubmatchIndex(lower); at != nil && len(t.kinds) == 0 {
		n, _ := strconv.ParseInt(part(lower, at, 1), 10, 64)
		t.numbers = append(t.numbers, n)
		end := at[3]
		return end + len(lower[end:]) - len(strings.TrimPrefix(lower[end:], "番"))
	}
	if len(t.numbers) > 0 || len(t.kinds) > 0 || t.all {
		return 0 // what follows is the note
	}
	word := headWord.FindString(lower)
	found := words[word]
	if word == "" {
		// The longest Japanese word that the line begins with.
		for w, all := range words {
			if ideographic(w) && len(w) > len(word) && strings.HasPrefix(lower, w) {
				word, found = w, all
			}
		}
	} else if len(found) == 0 {
		found = beginnings(word, words)
	}
	kinds := slices.DeleteFunc(slices.Clone(found), func(m meaning) bool { return m.kind == "" })
	switch {
	case word == "":
		return 0
	case slices.Contains(found, meaning{all: true}):
		t.all = true
	case len(kinds) == 1:
		t.kinds = append(t.kinds, kinds[0].kind)
	case len(kinds) > 1 && len(kinds) == len(found) && utf8.RuneCountInString(word) > 3:
		t.unsure = word
		for _, m := range kinds {
			t.between = append(t.between, m.kind)
		}
	default:
		return 0
	}
	return len(word)
}

// noteOf is what is left as a note: one line, cut; "" where only politeness is.
func noteOf(text string) string {
	rest := text
	for _, p := range politeness {
		rest = strings.ReplaceAll(rest, p, "")
	}
	if strings.Trim(rest, " 　、。,.:;!！?？-–ー・」「") == "" || slices.Contains(fillers, strings.TrimSpace(lowered(rest))) {
		return ""
	}
	return checks.Quote(strings.Trim(text, " 　、。,.:;-–・"))
}

// behind is what stands behind a command, without what only is polite.
func (v vocabulary) behind(q question) string {
	text := strings.TrimSpace(q.args)
	for _, p := range []string{"お願いします", "ください", "です", "ます"} {
		text = strings.TrimSuffix(text, p)
	}
	return strings.Trim(text, " 　、。,.:;!！?？をはの")
}
