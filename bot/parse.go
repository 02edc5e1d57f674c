package bot

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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
	numbers []int64  // of all of them
	why     bool     // a reason was asked for
	// strange is the first word that means nothing, and near the word it may
	// have been meant for.
	strange, near string
	// unsure is a word that may mean each of the kinds in between.
	unsure  string
	between []string
	// args is the line without the command, as it was written, where the command
	// takes words of the admin's own.
	args string
	// said is the whole line.
	said  string
	lang  checks.Lang
	empty bool
	// courtesy means that it asks for nothing.
	courtesy bool
}

// politeness is what Japanese admins put around a request, longest first; it
// means nothing.
var politeness = []string{
	"うちのサーバー", "お願いいたします", "お願いします", "教えてください", "してください", "して下さい", "おねがいします", "どうなってる", "ください", "下さい", "教えて", "お願い", "おねがい",
	"でしょうか", "んですか", "ですか", "ありますか", "です", "ます", "して", "よろしく", "ちょっと", "いまの", "いま", "今", "どう", "何か", "サーバー", "サーバ", "自鯖", "鯖", "さん", "番", "の", "を", "は", "が", "と", "も", "に", "で", "ね", "よ", "か", "な",
}

// courtesies are words that ask for nothing.
var courtesies = []string{
	"ありがとうございました", "ありがとうございます", "ありがとう", "了解しました", "了解です", "了解", "承知しました", "わかりました", "分かりました", "おつかれさまです", "お疲れさまです", "お疲れ様です", "おつかれ", "お疲れ",
	"おはようございます", "おはよう", "こんにちは", "こんばんは", "すみません", "助かりました",
}

// fillers are English words around a request; they mean nothing.
var fillers = []string{
	"please", "pls", "plz", "thanks", "thx", "thank", "the", "a", "an", "is", "are", "my", "me", "our", "of", "on", "in", "now", "and", "what", "whats", "what's", "how", "how's", "hows", "s", "can", "you", "to", "do", "it", "server", "for",
	"with", "does", "doing", "going", "been", "was", "i", "we", "us", "this", "that", "at", "still", "today", "really", "there's", "be", "has", "have",
	"show", "tell", "give", "hi", "hello", "hey", "any", "about", "there",
}

// wordLimit bounds what of a question is read (own; a post has 500 characters).
const wordLimit = 600

// reading is a request while it is read.
type reading struct {
	request
	named  map[string]bool     // kinds
	either []either            // words that name a command and a kind
	thanks bool                // something was said that is no question
	weak   string              // the first bit of Japanese grammar that was not understood
	spoken map[string]string   // commands, with the word that named them
	unsure map[string][]string // words with several meanings
}

// parse understands one line. Words may come in any order, in either language,
// in full width, with or without politeness.
func (v vocabulary) parse(text string) request {
	text = fold(text)
	lower := lowered(text)
	r := &reading{named: map[string]bool{}, spoken: map[string]string{}, unsure: map[string][]string{}}
	r.lang, r.request.said = langOf(lower), text
	words := v.words()
	if c, word := v.leading(lower, words); c != "" {
		r.command, r.args = c, strings.Replace(text, sameCase(text, lower, word), " ", 1)
		return r.request
	}
	rest := v.phrases(lower, words, r)
	for _, c := range courtesies {
		if before := rest; strings.Contains(before, c) {
			rest, r.thanks = strings.ReplaceAll(before, c, " "), true
		}
	}
	for _, p := range politeness {
		rest = strings.ReplaceAll(rest, p, " ")
	}
	for _, w := range strings.FieldsFunc(rest, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsNumber(c) && c != '\'' && c != '-' && c != '_'
	}) {
		v.word(w, words, r)
	}
	r.grammar(lower)
	v.conclude(r)
	r.until(lower)
	r.beside()
	if word, said := r.spoken[r.command]; said && v.takesWords(r.command) {
		r.args = strings.Replace(text, sameCase(text, lower, word), " ", 1)
		r.strange, r.near, r.request.unsure, r.between = "", "", "", nil
	}
	return r.request
}

// untilWhen is a question and no answer.
var untilWhen = []string{"いつまで", "どこまで", "何時まで", "何日まで"}

// until reads 「明日まで」 by itself, or beside what it is about, as a wish for
// silence until then.
func (r *reading) until(lower string) {
	asks := slices.ContainsFunc(untilWhen, func(w string) bool { return strings.Contains(lower, w) })
	if r.command != "" || asks || untilJa.FindString(lower) == "まで" || !untilJa.MatchString(lower) {
		return
	}
	r.command, r.args = "snooze", r.request.said
	r.strange, r.near, r.empty = "", "", false
}

// beside leaves out a word that was not understood where the line only asks to
// look at something that was: 「キューがパンパン」. One that is nearly a word may
// have been meant for it.
func (r *reading) beside() {
	if (r.command == "" || r.command == "check" || r.command == "status") && len(r.kinds) > 0 && r.near == "" {
		r.strange = ""
	}
}

// leading is the command that takes words of the admin's own and that a line
// begins with: what follows it is not searched for other commands.
func (v vocabulary) leading(lower string, words map[string][]meaning) (name, word string) {
	for _, w := range strings.FieldsFunc(lower, func(c rune) bool { return unicode.IsSpace(c) || c == ',' || c == ':' || c == '、' }) {
		if _, number := atoi(strings.TrimSuffix(strings.TrimPrefix(w, "#"), "番")); number || slices.Contains(fillers, w) {
			continue
		}
		if ideographic(w) {
			return "", ""
		}
		found := words[w]
		if len(found) == 0 {
			found = beginnings(w, words)
		}
		if len(found) == 1 && found[0].command != "" && v.takesWords(found[0].command) {
			return found[0].command, w
		}
		return "", ""
	}
	return "", ""
}

func (v vocabulary) takesWords(name string) bool {
	return slices.ContainsFunc(v.commands, func(c command) bool { return c.name == name && c.ownWords })
}

// phrases reads the words that are found wherever they stand: Japanese ones, and
// those of several words. The longest comes first, so that 稼働状況 is not read
// as 状況. It returns what is left.
func (v vocabulary) phrases(rest string, words map[string][]meaning, r *reading) string {
	var all []string
	for w := range words {
		if ideographic(w) || strings.Contains(w, " ") {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, w := range all {
		hit := false
		for at := strings.Index(rest, w); at >= 0 && (ideographic(w) || standsAlone(rest, at, len(w))); at = strings.Index(rest, w) {
			rest = rest[:at] + " " + rest[at+len(w):]
			hit = true
		}
		if hit {
			r.apply(w, words[w])
		}
	}
	return rest
}

// standsAlone tells whether a phrase does not begin or end within a word.
func standsAlone(s string, at, length int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	after, _ := utf8.DecodeRuneInString(s[at+length:])
	inWord := func(c rune) bool { return unicode.IsLetter(c) && c < 0x250 || unicode.IsDigit(c) }
	return !inWord(before) && !inWord(after)
}

// word reads one word that stands by itself.
func (v vocabulary) word(w string, words map[string][]meaning, r *reading) {
	if n, ok := atoi(w); ok {
		r.numbers = append(r.numbers, n)
		return
	}
	if slices.Contains(fillers, w) {
		r.thanks = r.thanks || strings.HasPrefix(w, "th") && w != "the"
		return
	}
	if found := words[w]; len(found) > 0 {
		r.apply(w, found)
		return
	}
	found := beginnings(w, words)
	if ideographic(w) {
		found = inside(w, words)
	}
	kinds := !slices.ContainsFunc(found, func(m meaning) bool { return m.kind == "" })
	switch {
	case len(found) == 1, len(found) > 1 && kinds && (ideographic(w) || len(w) >= 4):
		r.apply(w, found)
	case !slices.ContainsFunc([]rune(w), func(c rune) bool { return !unicode.Is(unicode.Hiragana, c) }):
		if r.weak == "" {
			r.weak = w
		}
	case r.strange == "":
		r.strange = w
		r.near = nearest(w, words)
	}
}

// grammar settles a bit in Hiragana that is no word we know: around something
// that was understood it is grammar (「証明書いつまで？」); else the whole word is
// what was not understood.
func (r *reading) grammar(text string) {
	complete := slices.Contains([]string{"status", "recheck", "quiet", "version", "help"}, r.command)
	if r.weak == "" || r.strange != "" || complete || len(r.named)+len(r.numbers)+len(r.unsure) > 0 || r.all {
		return
	}
	r.strange = r.weak
	for _, w := range strings.FieldsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsPunct(c) }) {
		if strings.Contains(w, r.weak) {
			r.strange = w
		}
	}
}

// beginnings are the meanings of the words that a word begins; those of several
// words have several beginnings. An unambiguous one is enough.
func beginnings(w string, words map[string][]meaning) (found []meaning) {
	if len(w) < 2 {
		return nil
	}
	for word, all := range words {
		begins := strings.HasPrefix(word, w)
		if len(w) >= 4 && !begins {
			begins = strings.Contains(word, " "+w)
		}
		if begins {
			found = merge(found, all)
		}
	}
	return found
}

// inside are the kinds of which a Japanese word is a part of a word.
func inside(w string, words map[string][]meaning) (found []meaning) {
	if utf8.RuneCountInString(w) < 2 {
		return nil
	}
	for word, all := range words {
		if strings.Contains(word, w) {
			found = merge(found, slices.DeleteFunc(slices.Clone(all), func(m meaning) bool { return m.kind == "" }))
		}
	}
	return found
}

func merge(into, more []meaning) []meaning {
	for _, m := range more {
		if !slices.Contains(into, m) {
			into = append(into, m)
		}
	}
	return into
}

// meaning is what one word stands for.
type meaning struct {
	command string
	kind    string
	all     bool
}

// apply takes a word with its meanings into the request.
func (r *reading) apply(word string, found []meaning) {
	var kinds []meaning
	for _, m := range found {
		switch {
		case m.all:
			r.all = true
		case m.kind != "":
			kinds = append(kinds, m)
		default:
			r.spoken[m.command] = word
			if m.command == "why" {
				r.why = true
			}
			if r.command == "" || m.command != "check" {
				r.command = m.command
			}
		}
	}
	switch {
	case len(kinds) > 0 && len(kinds) < len(found):
		r.either = append(r.either, either{word, kinds})
	case len(kinds) == 1:
		r.named[kinds[0].kind] = true
	case len(kinds) > 1:
		for _, m := range kinds {
			r.unsure[word] = append(r.unsure[word], m.kind)
		}
	}
}

// conclude settles what more than one word decides.
func (v vocabulary) conclude(r *reading) {
	if _, quiet := r.spoken["quiet"]; quiet && r.why {
		r.command = "quiet"
	}
	if _, help := r.spoken["help"]; help {
		r.command = "help"
	}
	for _, e := range r.either {
		v.settle(r, e)
	}
	for _, k := range v.kinds {
		if r.named[k.Name] {
			r.kinds = append(r.kinds, k.Name)
		}
	}
	if len(r.numbers) > 0 {
		r.number = r.numbers[0]
	}
	if words := slices.Sorted(maps.Keys(r.unsure)); len(words) > 0 && len(r.kinds) == 0 && !r.all && r.number == 0 {
		r.request.unsure = words[0]
		for _, k := range v.kinds {
			if slices.Contains(r.unsure[words[0]], k.Name) {
				r.between = append(r.between, k.Name)
			}
		}
	}
	r.courtesy = r.thanks
	r.empty = r.command == "" && len(r.kinds) == 0 && !r.all && r.number == 0 && r.strange == "" && r.request.unsure == ""
}

// either is a word that names a command, and kinds.
type either struct {
	word  string
	kinds []meaning
}

// settle decides what such a word means: by itself the command ("version",
// "dues"), beside another command what that is about ("check version").
func (v vocabulary) settle(r *reading, e either) {
	other := ""
	for _, c := range v.commands {
		if word, said := r.spoken[c.name]; said && word != e.word {
			other = c.name
		}
	}
	if other == "" {
		return
	}
	for _, m := range e.kinds {
		r.named[m.kind] = true
	}
	if r.spoken[r.command] == e.word {
		r.command = other
	}
}

// words are all words that mean something, folded, with their meanings.
func (v vocabulary) words() map[string][]meaning {
	all := map[string][]meaning{}
	add := func(word string, m meaning) { all[normal(word)] = merge(all[normal(word)], []meaning{m}) }
	for _, c := range v.commands {
		for _, w := range slices.Concat([]string{c.name}, c.words.En, c.words.Ja) {
			add(w, meaning{command: c.name})
		}
	}
	for _, k := range v.kinds {
		for _, w := range slices.Concat([]string{k.Name}, k.Words.En, k.Words.Ja) {
			add(w, meaning{kind: k.Name})
		}
	}
	for _, w := range []string{"all", "everything", "全部", "すべて", "全て", "全項目", "まとめて"} {
		add(w, meaning{all: true})
	}
	return all
}

// normal folds width and case, and cuts.
func normal(s string) string { return lowered(fold(s)) }

// fold folds width, and cuts.
func fold(s string) string {
	if r := []rune(s); len(r) > wordLimit {
		s = string(r[:wordLimit])
	}
	return norm.NFKC.String(s)
}

func lowered(s string) string { return strings.Map(unicode.ToLower, s) }

// sameCase is a part of the lower case text as it stands in the text itself.
func sameCase(text, lower, part string) string {
	if at := strings.Index(lower, part); at >= 0 && len(text) == len(lower) {
		return text[at : at+len(part)]
	}
	return part
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
func nearest(w string, words map[string][]meaning) string {
	best, word := 3, "" // at most two slips, and fewer than half the letters
	for _, known := range slices.Sorted(maps.Keys(words)) {
		if d := slips(w, known); d < best && 2*d < len([]rune(w)) {
			best, word = d, known
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
