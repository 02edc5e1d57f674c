package api

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// Bounds of one post's HTML (own). Posts of 500 to 5,000 characters are usual;
// links and mentions blow them up tenfold.
const (
	maxHTML      = 256 << 10 // bytes
	maxTokens    = 20_000
	maxTextRunes = 20_000
)

// Text makes plain text of a post's HTML: a line break for br, an empty line
// between paragraphs, entities decoded, links and mentions as they read,
// nothing cut out of the middle. White space is collapsed as browsers do. It
// is text from outside all the same: quote it before it is shown.
func Text(source string) string { return plainText(source, maxTextRunes, nil) }

// A tag is a start tag as far as it matters here.
type tag struct {
	name, href string
	classes    []string
}

// Tags that begin a new line, those that leave an empty one, and those whose
// inside is no text.
var (
	lineTags = []string{
		"address", "article", "aside", "dd", "div", "dl", "dt", "figcaption", "figure", "footer",
		"header", "hr", "li", "main", "nav", "section", "table", "tr",
	}
	paragraphTags = []string{"p", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"}
	mutedTags     = []string{
		"script", "style", "title", "template", "noscript", "iframe", "noembed", "noframes", "svg", "math",
	}
)

// plainText walks the tags without building a tree, so that no nesting can be
// too deep; drop names the elements to leave out.
func plainText(source string, limit int, drop func(tag) bool) string {
	if len(source) > maxHTML {
		source = source[:maxHTML]
	}
	z := html.NewTokenizer(strings.NewReader(source))
	w := writer{limit: limit}
	var without skipping
	for range maxTokens {
		if w.full() {
			break
		}
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			return w.String()
		case html.TextToken:
			if !without.on() {
				w.text(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := readTag(z)
			if without.start(t.name) {
				continue
			}
			void := kind == html.SelfClosingTagToken || t.name == "br" || t.name == "hr" || t.name == "img"
			if !void && (slices.Contains(mutedTags, t.name) || drop != nil && drop(t)) {
				without.begin(t.name)
				w.space()
				continue
			}
			w.open(t.name)
		case html.EndTagToken:
			name, _ := z.TagName()
			if without.end(string(name)) {
				continue
			}
			w.closed(string(name))
		}
	}
	return w.String()
}

func readTag(z *html.Tokenizer) tag {
	name, more := z.TagName()
	t := tag{name: string(name)}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "class":
			t.classes = strings.Fields(string(value))
		case "href":
			t.href = string(value)
		}
	}
	return t
}

// skipping is an element that is left out. A link or a span that is never
// closed ends with its line, and a paragraph with the next one, so that broken
// HTML does not swallow what follows.
type skipping struct {
	name  string
	depth int
}

func (s *skipping) on() bool { return s.depth > 0 }

func (s *skipping) begin(name string) { s.name, s.depth = name, 1 }

// start says whether the start tag is left out too.
func (s *skipping) start(name string) bool {
	if !s.on() {
		return false
	}
	block := slices.Contains(lineTags, name) || slices.Contains(paragraphTags, name)
	inline := s.name == "a" || s.name == "span"
	if (inline && (block || name == "br")) || s.name == "p" && block {
		s.depth = 0
		return false
	}
	if name == s.name {
		s.depth++
	}
	return true
}

// end says whether the end tag is left out too.
func (s *skipping) end(name string) bool {
	if !s.on() {
		return false
	}
	inline := s.name == "a" || s.name == "span"
	if inline && (slices.Contains(lineTags, name) || slices.Contains(paragraphTags, name)) {
		s.depth = 0
		return false
	}
	if name == s.name {
		s.depth--
	}
	return true
}

// A writer puts text together with the white space that a browser would show.
type writer struct {
	b      strings.Builder
	runes  int
	limit  int
	breaks int  // line breaks owed before the next character
	gap    bool // a space is owed
	pre    int  // open pre elements
}

func (w *writer) String() string { return strings.TrimRight(w.b.String(), "\n ") }

func (w *writer) full() bool { return w.runes >= w.limit }

func (w *writer) space() { w.gap = true }

func (w *writer) lines(n int) { w.breaks = max(w.breaks, n) }

func (w *writer) open(name string) {
	switch {
	case name == "br":
		w.breaks = min(w.breaks+1, 2)
	case slices.Contains(paragraphTags, name):
		w.lines(2)
		if name == "pre" {
			w.pre++
		}
	case slices.Contains(lineTags, name):
		w.lines(1)
	}
}

func (w *writer) closed(name string) {
	if name == "br" { // </br> is one more way to write it
		w.open(name)
		return
	}
	if name == "pre" {
		w.pre = max(w.pre-1, 0)
	}
	switch {
	case slices.Contains(paragraphTags, name):
		w.lines(2)
	case slices.Contains(lineTags, name):
		w.lines(1)
	}
}

func (w *writer) text(s string) {
	for _, r := range s {
		switch {
		case r == '\n' && w.pre > 0:
			w.breaks = min(w.breaks+1, 2)
		case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f':
			w.gap = true
		case unicode.Is(unicode.Cc, r):
		default:
			w.rune(r)
		}
	}
}

func (w *writer) rune(r rune) {
	switch {
	case w.runes == 0: // nothing is owed at the beginning
	case w.breaks > 0:
		w.put(strings.Repeat("\n", w.breaks))
	case w.gap:
		w.put(" ")
	}
	w.breaks, w.gap = 0, false
	w.put(string(r))
}

func (w *writer) put(s string) {
	if n := utf8.RuneCountInString(s); w.runes+n <= w.limit {
		w.b.WriteString(s)
		w.runes += n
	} else {
		w.runes = w.limit
	}
}
