package checks

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lang is a language that sababan speaks.
type Lang string

// The languages.
const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// Text is something to say, in every language. Instants and remaining times
// inside it are marks ([At], [On], [Left], [Ago]) that [Text.Read] writes out
// where the reader is known, so that a Text can be stored.
type Text struct {
	En string `json:"en"`
	Ja string `json:"ja"`
}

// In returns the words of one language, marks and all.
func (t Text) In(l Lang) string {
	if l == Japanese {
		return t.Ja
	}
	return t.En
}

// Empty tells whether there is nothing to say.
func (t Text) Empty() bool { return t.En == "" && t.Ja == "" }

// Same is a text that is the same in every language: a name, a number.
func Same(s string) Text { return Text{En: s, Ja: s} }

// Join puts texts together with a separator, leaving out the empty ones.
func Join(sep Text, texts ...Text) Text {
	var en, ja []string
	for _, t := range texts {
		if !t.Empty() {
			en, ja = append(en, t.En), append(ja, t.Ja)
		}
	}
	return Text{En: strings.Join(en, sep.En), Ja: strings.Join(ja, sep.Ja)}
}

// Lines joins texts as lines.
func Lines(texts ...Text) Text { return Join(Same("\n"), texts...) }

// Headline returns the first line.
func (t Text) Headline() Text {
	return Text{En: firstLine(t.En), Ja: firstLine(t.Ja)}
}

// Body returns what follows the first line.
func (t Text) Body() Text {
	return Text{En: afterFirstLine(t.En), Ja: afterFirstLine(t.Ja)}
}

func firstLine(s string) string {
	head, _, _ := strings.Cut(s, "\n")
	return head
}

func afterFirstLine(s string) string {
	_, rest, _ := strings.Cut(s, "\n")
	return rest
}

// quoteLimit is how many characters of somebody else's text are shown; own
// judgement: a line on a phone is about forty, and an error message needs two.
const quoteLimit = 120

// Quote is the one door through which text from outside enters a message: one
// line, cut, without control, bidirectional, invisible or private characters,
// so that it can never look like a line of ours or forge a mark, and with
// "(at)" and "(hash)" where it would begin a mention or a hashtag.
func Quote(s string) string { return tame(quoteTo(s, quoteLimit)) }

// QuoteName is Quote for a name that must stay whole to be of use (a path, a
// unit, a domain); it is cut only at four times the length.
func QuoteName(s string) string { return tame(quoteTo(s, 4*quoteLimit)) }

// Said is text from outside as somebody's words: as [Quote] lets it in, between
// the quotation marks of each language. Such marks inside it become ', so that
// it ends where it seems to end. Of nothing there is nothing to quote.
func Said(s string) Text {
	q := noMarks.Replace(Quote(s))
	if q == "" {
		return Text{}
	}
	return Text{En: `"` + q + `"`, Ja: "「" + q + "」"}
}

// noMarks turns quotation marks into ones that end nothing.
var noMarks = strings.NewReplacer(`"`, "'", "“", "'", "”", "'", "「", "'", "」", "'")

// tame writes out what would begin a mention or a hashtag.
func tame(s string) string {
	if !strings.ContainsAny(s, "@＠#＃") {
		return s
	}
	var b strings.Builder
	done := 0
	eachLive(s, func(behind int, _ string) {
		_, size := utf8.DecodeLastRuneInString(s[:behind])
		b.WriteString(s[done:behind-size] + "(at)")
		done = behind
	})
	s = b.String() + s[done:]
	return hashtag.ReplaceAllString(s, "(hash)$1")
}

var hashtag = regexp.MustCompile(`[#＃]([\pL\pM\pN_])`)

func quoteTo(s string, limit int) string {
	// The bound on what is read keeps a gigabyte from being walked rune by rune.
	if len(s) > 16*limit {
		s = s[:16*limit]
	}
	var b strings.Builder
	n, space := 0, false
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		if r == utf8.RuneError && size <= 1 {
			r = '?'
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			space = n > 0
			continue
		}
		if !printable(r) {
			continue
		}
		if n >= limit {
			return b.String() + "…"
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// printable tells whether a character may stand in a message: no control,
// format (zero-width, bidirectional), private, surrogate or unassigned one,
// and no separator but the plain space.
func printable(r rune) bool {
	if r == ' ' {
		return true
	}
	if r == 0x3164 || r == 0x115F || r == 0x1160 || r == 0xFFA0 { // letters that show nothing
		return false
	}
	return unicode.IsPrint(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Co, r) && !unicode.Is(unicode.Variation_Selector, r)
}

func validText(s string) bool { return utf8.ValidString(s) }
