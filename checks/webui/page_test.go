package webui

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func base(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse("https://" + domain + "/about")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func parse(t *testing.T, html string) page {
	t.Helper()
	return parsePage([]byte(html), base(t))
}

func TestWhatAPageLoads(t *testing.T) {
	for _, tt := range []struct {
		name, html string
		want       []string // role, wants, entry, CORS, address
	}{
		{"a classic script", `<script src="/packs/js/a.js"></script>`, []string{"0 0 true false https://mastodon.example/packs/js/a.js"}},
		{"a module", `<SCRIPT TYPE=module SRC=/packs/a.js></SCRIPT>`, []string{"0 0 true true https://mastodon.example/packs/a.js"}},
		{"a script of somebody else's", `<script src="https://stats.example/s.js"></script>`, []string{"0 0 false false https://stats.example/s.js"}},
		{"a style", `<link rel="preload stylesheet" href="x.css">`, []string{"2 1 false false https://mastodon.example/x.css"}},
		{"a module that is preloaded", `<link rel=modulepreload href=/packs/b.js>`, []string{"1 0 true true https://mastodon.example/packs/b.js"}},
		{"a JSON module that is preloaded", `<link rel=modulepreload as=json href=/packs/b.json>`, []string{"3 2 false true https://mastodon.example/packs/b.json"}},
		{"a script, a style and a font that are preloaded", `<link rel=preload as=script href=/a><link rel=preload as=style href=/b><link rel=preload as=font crossorigin href=/c>`, []string{
			"3 0 false false https://mastodon.example/a", "3 1 false false https://mastodon.example/b", "3 2 false true https://mastodon.example/c",
		}},
		{"the same twice: once, as what matters more", `<link rel=preload as=script href=/packs/a.js><script src=/packs/a.js></script>`, []string{"0 0 true false https://mastodon.example/packs/a.js"}},
		{"another base", `<base href="https://cdn.example/x/"><script src=a.js></script>`, []string{"0 0 false false https://cdn.example/x/a.js"}},
		{"an address without its scheme", `<script src="//cdn.example/packs/a.js"></script>`, []string{"0 0 true false https://cdn.example/packs/a.js"}},
		{"nothing that a browser loads", `<script src=""></script><script nomodule src=/a.js></script><script type="application/json" src=/b></script>` +
			`<link rel="alternate stylesheet" href=/c><link rel=icon href=/d><link rel=stylesheet disabled href=/e><script src="data:,1"></script>` +
			`<script src="javascript:1"></script><noscript><script src=/f.js></script></noscript><template><link rel=stylesheet href=/g></template><!-- <script src=/h.js></script> -->`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, a := range parse(t, tt.html).assets {
				got = append(got, fmt.Sprintln(int(a.Role), int(a.Wants), a.entry(), a.CORS, a.URL))
			}
			if strings.Join(got, "") != lines(tt.want) {
				t.Errorf("got\n%swant\n%s", strings.Join(got, ""), lines(tt.want))
			}
		})
	}
}

func lines(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}

func TestThePageIsMastodonsOnlyWithItsElementAndItsData(t *testing.T) {
	const root = `<div class="x" id='mastodon'></div>`
	for html, want := range map[string]string{
		root + `<script id="initial-state" type="application/json">{"meta":{"version":"4.5.2+glitch"}}</script>`: "true true 4.5.2+glitch",
		root + `<script id=initial-state>{"meta":{"version":7}}</script>`:                                        "true true ",
		root + `<script id=initial-state>{"meta":`:                                                               "true false ",
		root + `<script id=initial-state></script>`:                                                              "true false ",
		root + `<script id=initial-state>null</script>`:                                                          "true false ",
		root:                                     "true false ",
		`<script id="initial-state">{}</script>`: "false true ",
		`<p>id="mastodon" id="initial-state"</p>`:                                                     "false false ",
		root + `<script id=initial-state>{"meta":{"version":"4.5` + "\u202e" + `<b>@a #b"}}</script>`: "true true 4.5bab",
		strings.Repeat("<div>", 200_000):                                                              "false false ",
	} {
		p := parse(t, html)
		if got := fmt.Sprintln(p.root, p.state, p.version); got != fmt.Sprintln(strings.SplitN(want, " ", 3)[0], strings.SplitN(want, " ", 3)[1], strings.SplitN(want, " ", 3)[2]) {
			t.Errorf("%.80s: %s", html, got)
		}
	}
}

func TestWhatAPageNamesIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "<link rel=preload as=script href=/packs/%d.js>", i)
	}
	b.WriteString("<script src=/packs/app.js></script><script src='/" + strings.Repeat("x", 5000) + "'></script>")
	p := parse(t, b.String())
	if len(p.assets) != assetLimit || p.more != 61 || p.assets[0].name() != "app.js" {
		t.Errorf("%d and %d more, first %s", len(p.assets), p.more, p.assets[0].name())
	}
}

func TestIntegrityIsReadAsBrowsersDo(t *testing.T) {
	file := "console.log(1)"
	right256, right384 := sri256(file), sri384(file)
	wrong256, wrong384 := sri256("2"), sri384("2")
	for attribute, want := range map[string]string{
		right256: "true", right384: "true", wrong256: "false", wrong384: "false",
		wrong256 + " " + right256:        "true",  // one of several of a kind
		wrong256 + "  " + right384:       "true",  // the stronger one counts
		right256 + " " + wrong384:        "false", // the stronger one counts
		right256 + "?ct=text/javascript": "true",
		"md5-abc":                        "none",
		"":                               "none",
		"sha256-%%%":                     "false",
		"sha512-" + strings.Repeat("A", 86) + "==": "false",
		"md5-abc " + right256:                      "true",
	} {
		got := "none"
		if d, ok := promised(attribute); ok {
			h := d.make()
			_, _ = h.Write([]byte(file))
			got = fmt.Sprint(d.keeps(h.Sum(nil)))
		}
		if got != want {
			t.Errorf("%q: %s, want %s", attribute, got, want)
		}
	}
}

func TestAFilesPlaceInTheBuild(t *testing.T) {
	for address, want := range map[string]string{
		"https://mastodon.example/packs/a.js":           "a.js",
		"https://cdn.example/x/packs/js/a.chunk.js?v=1": "js/a.chunk.js",
		"https://mastodon.example/packs/../secret":      "",
		"https://mastodon.example/packs/%2e%2e/secret":  "",
		"https://mastodon.example/packs//etc/passwd":    "",
		"https://mastodon.example/packs/":               "",
		"https://mastodon.example/custom.css":           "",
	} {
		if got := (asset{URL: address}).below(); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestHTMLFromOutsideTakesNoTime(t *testing.T) {
	began := time.Now()
	for _, html := range []string{
		strings.Repeat("<", pageBytes), strings.Repeat("<a b='", pageBytes/6), strings.Repeat("<script src=/a>", pageBytes/15),
		strings.Repeat("<link rel='"+strings.Repeat("a ", 50)+"'>", pageBytes/120), "<script id=initial-state>" + strings.Repeat("[", pageBytes),
	} {
		parse(t, html)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
