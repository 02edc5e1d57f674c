package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// kinds are those of the checklist.
func kindsForTexts(t *testing.T) []checks.Kind {
	t.Helper()
	return checklist(&site.Site{Domain: "example.social", Proc: t.TempDir(), Root: t.TempDir()})
}

// TestTexts renders how the checks themselves are called.
func TestTexts(t *testing.T) {
	var said []checkstest.Said
	for _, k := range kindsForTexts(t) {
		said = append(said, checkstest.Say(k.Name, k.Title))
	}
	checkstest.Texts(t, "titles", said...)
}

// besides are the sections that are no kind's: what several checks say, and how
// they are called.
var besides = []string{"site", "systemd", "titles"}

// spokenByBot tells whether a section holds whole messages of the bot, which have
// heads and numbers that a check's text must not have.
func spokenByBot(section string) bool { return strings.HasPrefix(section, "bot: ") }

func TestEveryCheckHasItsTextsInTheGoldenFiles(t *testing.T) {
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		sections := sectionsOf(t, l)
		for _, k := range kindsForTexts(t) {
			if _, ok := sections[k.Name]; !ok {
				t.Errorf("texts.%s.golden lacks the section %s: its package needs a TestTexts", l, k.Name)
			}
			delete(sections, k.Name)
		}
		for _, name := range besides {
			delete(sections, name)
		}
		bots := 0
		for name := range sections {
			if spokenByBot(name) {
				bots++
				continue
			}
			t.Errorf("texts.%s.golden has a section %s, and there is no such check", l, name)
		}
		if bots == 0 {
			t.Errorf("texts.%s.golden lacks what the bot says", l)
		}
	}
}

func TestTheGoldenTextsKeepTheRules(t *testing.T) {
	en, ja := entriesOf(t, checks.English), entriesOf(t, checks.Japanese)
	bots := func(e entry) bool { return spokenByBot(e.section) }
	en, ja = slices.DeleteFunc(en, bots), slices.DeleteFunc(ja, bots)
	if len(en) != len(ja) {
		t.Fatalf("%d texts in English, %d in Japanese", len(en), len(ja))
	}
	for i, e := range en {
		j := ja[i]
		if e.section != j.section || e.what != j.what {
			t.Fatalf("%s: %q stands where Japanese has %s: %q", e.section, e.what, j.section, j.what)
		}
		where := e.section + ": " + e.what
		for _, fault := range e.faults(checks.English) {
			t.Errorf("%s (en): %s", where, fault)
		}
		for _, fault := range j.faults(checks.Japanese) {
			t.Errorf("%s (ja): %s", where, fault)
		}
		if hasWords(strings.Join(e.lines, " ")) && !hasJapanese(strings.Join(j.lines, " ")) && e.section != "titles" {
			t.Errorf("%s: is not translated: %q", where, j.lines)
		}
		if len(e.lines) != len(j.lines) {
			t.Errorf("%s: %d lines in English, %d in Japanese", where, len(e.lines), len(j.lines))
		}
	}
}

// An entry is one text of a golden file.
type entry struct {
	section, what string
	lines         []string
}

func sectionsOf(t *testing.T, l checks.Lang) map[string]string {
	t.Helper()
	path, err := checkstest.TextsFile(l)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return checkstest.TextSections(string(raw))
}

func entriesOf(t *testing.T, l checks.Lang) []entry {
	t.Helper()
	sections := sectionsOf(t, l)
	names := make([]string, 0, len(sections))
	for name := range sections {
		names = append(names, name)
	}
	slices.Sort(names)
	var all []entry
	for _, name := range names {
		for line := range strings.Lines(sections[name]) {
			line = strings.TrimSuffix(line, "\n")
			if what, ok := strings.CutPrefix(line, "# "); ok {
				all = append(all, entry{section: name, what: what})
				continue
			}
			if len(all) == 0 {
				t.Fatalf("section %s begins with %q", name, line)
			}
			if line != "" {
				last := &all[len(all)-1]
				last.lines = append(last.lines, line)
			}
		}
	}
	return all
}

const headlineLimit = 120

var (
	loudWord    = regexp.MustCompile(`(?i)\b(warning|critical|action needed)\b|【|要対応|【注意】`)
	numberTouch = regexp.MustCompile(`[\pL\pN_]#\d|#\d+[\pL_]`)
	spacedUnit  = regexp.MustCompile(`\d (ms|B|kB|MB|GB|TB|%|s|h|d|min|秒|分|時間|日|件|個|台|通)(\W|$)`)
	bareUnit    = regexp.MustCompile(`\d(ms|kB|MB|GB|TB|%|min)\b`)
	halfBracket = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]\(|[\p{Hiragana}\p{Katakana}\p{Han}]\)`)
	fullDigit   = regexp.MustCompile(`[０-９ａ-ｚＡ-Ｚ：]`)
	oldSpelling = regexp.MustCompile(`ふだん|サーバ([^ー]|$)|ユーザ([^ー]|$)|フォルダ([^ー]|$)|ブラウザー|メモリー|出来ま|いたしま|下さい`)
	japaneseDot = regexp.MustCompile(`[。、]{2}|。、|、。|。」。|）。）`)
	englishDots = regexp.MustCompile(`(^|[^.])\.\.($|[^.])|[,;:]\.|\.,|,,|\( | \)`)
	quotation   = regexp.MustCompile(`「[^」]*」|"[^"]*"|'[^']*'`)
	otherQuotes = regexp.MustCompile("[“”„‘’`]")
	latinComma  = regexp.MustCompile(`, `)
	lookWhether = regexp.MustCompile(`\bLooks? (whether|which|what|where|if)\b`)
	oneOfMany   = regexp.MustCompile(`(^|[^\d.,:/#-])1 ([a-z]+ )?(files|folders|servers|jobs|posts|reports|accounts|packages|updates|processes|services|connections|certificates|backups|mails|tables|indexes|queries|days|times|domains|people|users|checks|errors|rows|entries|sign-ups|mailboxes)\b`)
	allOfFew    = regexp.MustCompile(`\ball [12] `)
	areMuch     = regexp.MustCompile(`\d (B|kB|MB|GB|TB) are\b`)
	otherWord   = regexp.MustCompile(`(?i)\b(mend(s|ed|ing)?|doubles|planned posts?|logging in|we|ours?)\b`)
	otherWordJa = regexp.MustCompile(`分か[らりるっ]|今すぐ|(新しい|古い|前の|元の)版|WebUI|サーバー会社|\wほか\d`)
	command     = []string{"Look: ", "Fix: ", "確認: ", "対処: "}
)

// faults are what in a text is against the way in which sababan speaks, as far
// as that can be seen by a program.
func (e entry) faults(l checks.Lang) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(e.lines) == 0 {
		return []string{"says nothing"}
	}
	head := e.lines[0]
	if e.section != "bot" && !strings.HasPrefix(e.what, "summary") && !strings.HasPrefix(e.what, "answer") {
		if n := utf8.RuneCountInString(head); n > headlineLimit {
			add("a headline of %d characters: %q", n, head)
		}
		if loudWord.MatchString(head) {
			add("a word of severity in the headline: %q", head)
		}
	}
	for _, line := range e.lines {
		if slices.ContainsFunc(command, func(c string) bool { return strings.HasPrefix(line, c) && !hasJapanese(line[len(c):]) }) {
			continue // to be pasted as it is
		}
		own := quotation.ReplaceAllString(line, "…")
		listed := own
		if strings.HasPrefix(e.what, "summary, the test post") {
			listed = "" // both languages in one line
		}
		for _, rule := range []struct {
			name    string
			pattern *regexp.Regexp
			of      checks.Lang
			in      string
		}{
			{"a number touches a letter", numberTouch, "", line},
			{"a space before a unit", spacedUnit, checks.Japanese, own},
			{"a unit without a space", bareUnit, checks.English, own},
			{"a range with a dash", regexp.MustCompile(`\d–\d`), checks.Japanese, own},
			{"half-width brackets", halfBracket, checks.Japanese, own},
			{"full-width letters or digits", fullDigit, checks.Japanese, own},
			{"another spelling", oldSpelling, checks.Japanese, own},
			{"punctuation", japaneseDot, checks.Japanese, line},
			{"punctuation", englishDots, checks.English, own},
			{"quotation marks that are not straight", otherQuotes, "", line},
			{"a list with commas", latinComma, checks.Japanese, listed},
			{"look where see is meant", lookWhether, checks.English, own},
			{"one of many", oneOfMany, checks.English, own},
			{"all of one or two", allOfFew, checks.English, own},
			{"a quantity in the plural", areMuch, checks.English, own},
			{"another word than elsewhere", otherWord, checks.English, own},
			{"another word than elsewhere", otherWordJa, checks.Japanese, own},
		} {
			if (rule.of == "" || rule.of == l) && rule.pattern.MatchString(rule.in) {
				add("%s: %q", rule.name, line)
			}
		}
		switch {
		case strings.Contains(line, "Error:"):
			add("says Error: %q", line)
		case strings.Contains(own, "  "):
			add("two spaces: %q", line)
		case strings.TrimSpace(line) != line && e.section != "bot":
			add("spaces around: %q", line)
		case strings.Contains(line, "%!"):
			add("a wrong format: %q", line)
		case l == checks.English && hasJapanese(own) && e.section != "bot" && !strings.HasPrefix(e.what, "summary, the test post"):
			add("Japanese in English: %q", line)
		case strings.ContainsFunc(line, func(r rune) bool { return r == utf8.RuneError || unicode.Is(unicode.Co, r) }):
			add("a mark that is not written out: %q", line)
		}
	}
	return all
}

func hasJapanese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) })
}

var word = regexp.MustCompile(`\b[a-z]{2,} [a-z]{2,}`)

func hasWords(s string) bool { return word.MatchString(s) }
