package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/fatih/color"
	"golang.org/x/text/width"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A printer shows looks to a person.
type printer struct {
	out     io.Writer
	reader  checks.Reader
	place   string
	paint   paint
	verbose bool
	long    []string // checks that were left out because they take long
	nowhere bool     // there is no Mastodon on this machine, and none is named
	waiting bool     // the line of what is looking stands on the screen
	lines   int      // how many times something was printed
}

// report is what goes into a pipe: how many of each, one line per check, the
// worst first, then what is to be told of each.
func (p *printer) report(looks []look) {
	p.text(counted(p.place, p.reader.Now, looks))
	sorted := worstFirst(looks)
	for _, l := range sorted {
		p.line(l)
	}
	before := p.lines
	p.allDetails(sorted)
	if p.lines > before && (len(p.long) > 0 || slices.ContainsFunc(looks, func(l look) bool { return l.NotSetUp != nil })) {
		p.printf("\n")
	}
	p.missing(looks)
}

// afterwards is what follows on a terminal, where each line has been shown
// when its check had ended.
func (p *printer) afterwards(looks []look) {
	p.clear()
	p.allDetails(worstFirst(looks))
	p.printf("\n")
	p.text(counted(p.place, p.reader.Now, looks))
	p.missing(looks)
}

// progress shows on a terminal what has ended, and below it what is looking.
func (p *printer) progress(columns int, names []string, ended *look) {
	p.clear()
	if ended != nil {
		p.line(*ended)
	}
	if len(names) > 0 {
		// The last column stays free: a full line would wrap and could not be
		// taken back.
		p.printf("%s", cut(p.say(looking(names)), columns-1))
		p.waiting = true
	}
}

// clear takes the line of what is looking off the screen.
func (p *printer) clear() {
	if p.waiting {
		p.printf("\r\x1b[K")
		p.waiting = false
	}
}

// worstFirst are the looks that took place, by severity, else in their order.
func worstFirst(looks []look) []look {
	looked := slices.DeleteFunc(slices.Clone(looks), func(l look) bool { return l.Check == nil })
	slices.SortStableFunc(looked, func(a, b look) int {
		return int(b.Result.Severity()) - int(a.Result.Severity())
	})
	return looked
}

// line is the one line of a look.
func (p *printer) line(l look) {
	s := l.Result.Severity()
	says := l.Result.Summary
	if l.Result.Err != nil {
		says, _ = checks.Explain(l.Result.Err)
	}
	p.printf("%s%s\n", p.word(s), titled(p.say(l.Kind.Title), firstLine(p.say(says))))
}

// titled is a line below its title; one that begins with it, as headlines do
// that stand alone elsewhere, has it already.
func titled(title, line string) string {
	rest, begins := strings.CutPrefix(line, title)
	if begins && rest != "" && !isASCIIWord(rest[0]) {
		return line
	}
	return title + ": " + line
}

func isASCIIWord(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

// word is the severity, painted, with what separates it from what follows.
func (p *printer) word(s checks.Severity) string {
	w := p.say(severityWord(s))
	if strings.HasSuffix(w, "】") {
		return p.paint.as(s, w)
	}
	return p.paint.as(s, w) + " "
}

// allDetails is all there is to say of looks that are not fine: what was
// found, then what could not be seen.
func (p *printer) allDetails(looks []look) {
	for _, l := range looks {
		for _, f := range bySeverity(l.Result.Findings) {
			head, body, _ := strings.Cut(p.say(f.Text), "\n")
			p.printf("\n%s%s\n", p.word(f.Severity), head)
			p.indented(body)
			p.advice(f.Advice)
		}
	}
	for _, u := range p.unseen(looks) {
		p.printf("\n%s%s\n", p.word(checks.Unknown), titled(p.say(checks.Join(checks.Text{En: ", ", Ja: "、"}, u.about...)), u.why))
		p.advice(u.mend)
	}
}

// An unseen is one cause that something could not be seen for, and what it
// hides.
type unseen struct {
	about []checks.Text
	why   string
	mend  checks.Advice
}

// unseen are the causes, each once: what one hides from several checks, or of
// several things, is one thing to tell and to mend.
func (p *printer) unseen(looks []look) []*unseen {
	var all []*unseen
	by := map[string]*unseen{}
	add := func(about checks.Text, why checks.Text, mend checks.Advice) {
		key := fmt.Sprint(p.say(why), "\n", p.say(mend.Text), "\n", mend.Look, mend.Mend)
		if by[key] == nil {
			by[key] = &unseen{why: p.say(why), mend: mend}
			all = append(all, by[key])
		}
		if !slices.Contains(by[key].about, about) {
			by[key].about = append(by[key].about, about)
		}
	}
	for _, l := range looks {
		for _, b := range l.Result.Blind {
			about := l.Kind.Title
			if b.Subject != "" {
				q := " (" + checks.QuoteName(b.Subject) + ")"
				about.En, about.Ja = about.En+q, about.Ja+q
			}
			add(about, b.Why, b.Mend)
		}
		if why, advice := checks.Explain(l.Result.Err); !why.Empty() && !adviceEmpty(advice) {
			add(l.Kind.Title, why, advice)
		}
	}
	return all
}

// bySeverity are the findings that do not merely hold, the worst first.
func bySeverity(all []checks.Finding) []checks.Finding {
	shown := slices.DeleteFunc(slices.Clone(all), func(f checks.Finding) bool { return f.Holds })
	slices.SortStableFunc(shown, func(a, b checks.Finding) int { return int(b.Severity) - int(a.Severity) })
	return shown
}

func adviceEmpty(a checks.Advice) bool {
	return a.Text.Empty() && len(a.Look) == 0 && len(a.Mend) == 0
}

func (p *printer) advice(a checks.Advice) {
	if !a.Text.Empty() {
		p.indented(p.say(a.Text))
	}
	if s := a.Look.String(); s != "" {
		p.indented(p.say(lookLabel()) + s)
	}
	for _, m := range a.Mend {
		if s := m.String(); s != "" {
			p.indented(p.say(mendLabel()) + s)
		}
	}
}

func (p *printer) indented(text string) {
	if text == "" {
		return
	}
	for _, line := range strings.Split(text, "\n") {
		p.printf("  %s\n", line)
	}
}

// missing says what is not set up, one line, or one each when asked for more
// or by name; and what takes long and was not asked for.
func (p *printer) missing(looks []look) {
	var names []string
	var each []checks.Text
	for _, l := range looks {
		if l.NotSetUp != nil {
			names = append(names, l.Kind.Name)
			if p.verbose || l.Named {
				each = append(each, needs(l.Kind.Name, l.NotSetUp.Setting))
			}
		}
	}
	switch {
	case len(each) > 0:
		for _, t := range each {
			p.text(t)
		}
	case len(names) > 0:
		p.text(notSetUp(names))
	}
	if len(names) > 0 && p.nowhere {
		p.text(noMastodon())
	}
	if len(p.long) > 0 {
		p.text(byName(p.long))
	}
}

// found says what was found on this machine, and how, to those who ask for
// more; to the others only what hides the Mastodon from them.
func (p *printer) found(f site.Found, domain string) {
	if p.verbose {
		for _, line := range f.Lines(domain) {
			p.text(line)
		}
		return
	}
	if hint := f.Hint(); domain == "" && !hint.Empty() {
		p.text(hint)
	}
}

func (p *printer) say(t checks.Text) string { return printable(t.Read(p.reader)) }

func (p *printer) text(t checks.Text) { p.printf("%s\n", p.say(t)) }

// printf writes to a buffer that keeps its first error until it is flushed.
func (p *printer) printf(format string, args ...any) {
	p.lines++
	_, _ = fmt.Fprintf(p.out, format, args...)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// printable leaves out what could steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) {
			return -1
		}
		return r
	}, s)
}

// A paint colours words; the zero paint leaves them as they are.
type paint struct{ on bool }

func newPaint(on bool) paint { return paint{on} }

func (p paint) as(s checks.Severity, word string) string {
	if !p.on {
		return word
	}
	ink := map[checks.Severity][]color.Attribute{
		checks.OK:       {color.FgGreen},
		checks.Unknown:  {color.FgCyan},
		checks.Warning:  {color.FgYellow, color.Bold},
		checks.Critical: {color.FgRed, color.Bold},
	}[s]
	c := color.New(ink...)
	c.EnableColor() // the library's own guess is about the process, not this writer
	return c.Sprint(word)
}

// cut shortens a line to a number of columns, of which a wide character
// (kana, kanji, full-width) takes two.
func cut(s string, columns int) string {
	if cells(s) <= columns {
		return s
	}
	n := 0
	for i, r := range s {
		n += runeCells(r)
		if n > columns-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// cells is how many columns a line takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
