package page

import (
	"strings"
	"testing"

	"github.com/sababan/sababan/bot/sandbox"
)

func TestThePageHasAWordForEachMarkAndEscapesThem(t *testing.T) {
	const evil = `<script>"'&{{Title}}`
	for _, lang := range []string{"en", "ja"} {
		p := &Page{words: wordsIn(lang), o: Options{
			Bot: sandbox.Account{Username: "sababan"}, Phrases: []string{"help", evil},
			Sicknesses: []Sickness{{Name: "disk", Label: evil, How: evil}, {Name: "memory", Label: "Memory", How: "Half of it"}},
		}}
		p.words.Send = evil
		text, err := p.index()
		if err != nil {
			t.Fatal(err)
		}
		page := strings.ReplaceAll(string(text), "{{Title}}", "") // of the evil one, left as it is
		if strings.Contains(page, "{{") || strings.Contains(page, "}}") {
			t.Errorf("%s: a mark is left over: %s", lang, page)
		}
		if n := strings.Count(string(text), "{{Title}}"); n != 5 {
			t.Errorf("%s: what was put in is looked at again: %d", lang, n)
		}
		if strings.Contains(page, `<script>"`) || strings.Count(page, "&lt;script&gt;&#34;&#39;&amp;") != 5 {
			t.Errorf("%s: not escaped: %s", lang, page)
		}
		for _, has := range []string{
			`<html lang="` + lang + `">`, `<title>` + p.words.Title + `</title>`, `translate="no">@sababan`,
			`<button type="button" data-say="help">help</button>`, `id="sick-disk"`, `id="how-memory">` + p.words.WhenIll + ` Half of it</p>`,
		} {
			if !strings.Contains(page, has) {
				t.Errorf("%s: the page lacks %s", lang, has)
			}
		}
	}
}

func TestAListOfNothingIsLeftOut(t *testing.T) {
	p := &Page{words: wordsIn("en")}
	text, err := p.index()
	if err != nil {
		t.Fatal(err)
	}
	for _, not := range []string{"phrases-title", "break-title", "{{", "<ul"} {
		if strings.Contains(string(text), not) {
			t.Errorf("the page has %s", not)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(string(text)), "</html>") {
		t.Error("the page has no end")
	}
}

func TestAMarkThatIsMissingIsAnError(t *testing.T) {
	for _, file := range []string{"", "{{list}}", "{{list}}{{end}}", "{{list}}{{each phrase}}{{end}}", "{{list}}{{each other}}{{next}}{{end}}"} {
		f := &filling{rest: file}
		if f.each("phrase", nil); f.err == nil {
			t.Errorf("%q: no error", file)
		}
	}
}
