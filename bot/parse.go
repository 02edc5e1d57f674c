package bot

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sababan/sababan/checks"
	"golang.org/x/text/unicode/norm"
)

// vocabulary is every word that means something: what each stands for.
type vocabulary struct {
	commands []command
	kinds    []checks.Kind
}

// request is what somebody asked for, as far as it was understood.
type request struct {
	command string   // the command's name; "" when none was named
	kinds   []string // names of checks, in the order of the checklist
	all     bool     // every check
	number  int64    // of an incident; 0 when none was named
	// strange is the first word that means nothing, and near the word it may
	// have been meant for.
	strange, near string
	lang          checks.Lang
	empty         bool
}

// politeness is what Japanese admins put around a request, longest first; it
// means nothing.
var politeness = []string{
	"お願いいたします", "お願いします", "教えてください", "してください", "して下さい", "おねがいします", "どうなってる", "ください", "下さい", "教えて", "お願い", "おねがい",
	"でしょうか", "ですか", "です", "ます", "して", "よろしく", "ちょっと", "さん", "番", "の", "を", "は", "が", "と", "も", "に", "で", "ね", "よ", "か", "な",
}

// fillers are English words around a request; they mean nothing.
var fillers = []string{
	"please", "pls", "plz", "thanks", "thx", "the", "a", "an", "is", "are", "my", "me", "our", "of", "on", "in", "now", "and", "what", "whats", "what's", "how", "how's", "hows", "s", "can", "you", "to", "do", "it", "server", "for",
	"show", "tell", "give", "hi", "hello", "hey",
}

// wordLimit bounds what of a question is read (own; a post has 500 characters).
const wordLimit = 600

// parse understands a question. Words may come in any order, in either
// language, in full width, with or without politeness.
func (v vocabulary) parse(text string) request {
	text = normal(text)
	r := request{lang: langOf(text)}
	rest := text
	take := func(words []string) bool {
		hit := false
		for _, w := range words {
			w = normal(w)
			if !ideographic(w) {
				continue
			}
			for strings.Contains(rest, w) {
				rest = strings.Replace(rest, w, " ", 1)
				hit = true
			}
		}
		return hit
	}
	// Japanese words are found wherever they stand; the longest first, so that
	// 稼働状況 is not read as 状況.
	var ja []meaning
	for _, m := range v.meanings() {
		if ideographic(m.word) {
			ja = append(ja, m)
		}
	}
	slices.SortStableFunc(ja, func(a, b meaning) int { return len(b.word) - len(a.word) })
	named := map[string]bool{}
	for _, m := range ja {
		if take([]string{m.word}) {
			m.apply(&r, named)
		}
	}
	take(politeness)
	for _, w := range strings.FieldsFunc(rest, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsNumber(c) && c != '\'' && c != '-' && c != '_'
	}) {
		v.latin(w, &r, named)
	}
	for _, k := range v.kinds {
		if named[k.Name] {
			r.kinds = append(r.kinds, k.Name)
		}
	}
	r.empty = r.command == "" && len(r.kinds) == 0 && !r.all && r.number == 0 && r.strange == ""
	return r
}

// latin reads one word that stands by itself.
func (v vocabulary) latin(w string, r *request, named map[string]bool) {
	if n, ok := atoi(w); ok {
		r.number = n
		return
	}
	if slices.Contains(fillers, w) {
		return
	}
	all := v.meanings()
	for _, m := range all {
		if m.word == w {
			m.apply(r, named)
			return
		}
	}
	// An unambiguous beginning is enough.
	var found []meaning
	for _, m := range all {
		if len(w) >= 2 && strings.HasPrefix(m.word, w) && !slices.ContainsFunc(found, func(f meaning) bool { return f.same(m) }) {
			found = append(found, m)
		}
	}
	if len(found) == 1 {
		found[0].apply(r, named)
		return
	}
	if r.strange == "" {
		r.strange = w
		r.near = nearest(w, all)
	}
}

// meaning is one word and what it stands for.
type meaning struct {
	word    string
	command string
	kind    string
	all     bool
}

func (m meaning) same(n meaning) bool {
	return m.command == n.command && m.kind == n.kind && m.all == n.all
}

func (m meaning) apply(r *request, named map[string]bool) {
	switch {
	case m.all:
		r.all = true
	case m.kind != "":
		named[m.kind] = true
	case r.command == "" || m.command != "check":
		r.command = m.command
	}
}

func (v vocabulary) meanings() []meaning {
	var all []meaning
	for _, c := range v.commands {
		all = append(all, meaning{word: c.name, command: c.name})
		for _, w := range slices.Concat(c.words.En, c.words.Ja) {
			all = append(all, meaning{word: normal(w), command: c.name})
		}
	}
	for _, k := range v.kinds {
		all = append(all, meaning{word: k.Name, kind: k.Name})
		for _, w := range slices.Concat(k.Words.En, k.Words.Ja) {
			all = append(all, meaning{word: normal(w), kind: k.Name})
		}
	}
	for _, w := range []string{"all", "everything", "全部", "すべて", "全て", "全項目"} {
		all = append(all, meaning{word: w, all: true})
	}
	return all
}

// normal folds width and case, and cuts.
func normal(s string) string {
	if r := []rune(s); len(r) > wordLimit {
		s = string(r[:wordLimit])
	}
	return strings.ToLower(norm.NFKC.String(s))
}

// langOf is the language of a question: Japanese where it holds any of its
// characters, English where it holds letters at all; "" otherwise.
func langOf(s string) checks.Lang {
	if ideographic(s) {
		return checks.Japanese
	}
	if strings.ContainsFunc(s, unicode.IsLetter) {
		return checks.English
	}
	return ""
}

func ideographic(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
	})
}

func atoi(s string) (int64, bool) {
	var n int64
	for _, c := range s {
		if c < '0' || c > '9' || n > 1<<40 {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, s != ""
}

// nearest is the known word that differs least; "" when none is near.
func nearest(w string, all []meaning) string {
	best, word := 3, "" // at most two slips, and fewer than half the letters
	for _, m := range all {
		if d := slips(w, m.word); d < best && 2*d < len([]rune(w)) {
			best, word = d, m.word
		}
	}
	return word
}

// slips counts insertions, deletions, replacements and swaps of neighbours
// between two words.
func slips(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
