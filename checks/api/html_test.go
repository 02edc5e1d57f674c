package api

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTextOfAPost(t *testing.T) {
	for _, tc := range []struct{ name, html, want string }{
		{"nothing", "", ""},
		{"no tags at all", "plain", "plain"},
		{"a line break", "<p>one<br>two<br />three</p>", "one\ntwo\nthree"},
		{"paragraphs as Mastodon makes them", "<p>one</p><p>two</p>", "one\n\ntwo"},
		{"an empty line as GoToSocial makes it", "<p>one<br><br>two</p>", "one\n\ntwo"},
		{"many empty lines are one", "<p>one</p><p></p><p><br><br></p><p>two</p>", "one\n\ntwo"},
		{"entities", "<p>a &lt;b&gt; &amp;amp; &#39;c&#39; &quot;d&quot; &hearts;</p>", `a <b> &amp; 'c' "d" ♥`},
		{"a bare bracket", "<p>4 > 3 and 1 < 2</p>", "4 > 3 and 1 < 2"},
		{
			"a mention stays as it reads",
			`<p><span class="h-card" translate="no"><a href="https://m.example/@alice" class="u-url mention">@<span>alice</span></a></span> hello</p>`,
			"@alice hello",
		},
		{"a hashtag", `<p><a href="https://m.example/tags/x" class="mention hashtag" rel="tag">#<span>x</span></a></p>`, "#x"},
		{
			"a link that is cut for the eye is whole",
			`<a href="https://m.example/a/long/path?q=1"><span class="invisible">https://</span><span class="ellipsis">m.example/a/long</span><span class="invisible">/path?q=1</span></a>`,
			"https://m.example/a/long/path?q=1",
		},
		{"white space between tags and in text", "<p>\n  one \t two\n</p>\n<p> three </p>\n", "one two\n\nthree"},
		{"a hard space stays", "<p>7&nbsp;GB</p>", "7\u00a0GB"},
		{"lines of code", "<pre><code>a\nb</code></pre><p>c</p>", "a\nb\n\nc"},
		{"a list", "<ul><li>one</li><li>two</li></ul>", "one\ntwo"},
		{"no text is in a script", "<p>a<script>alert('x')</script><style>p{}</style><title>t</title>b</p>", "a b"},
		{"control characters", "<p>a\u0007\u0000b</p>", "ab"},
		{"tags that are never closed", "<p>a<b><i><u>b", "ab"},
		{"tags that were never opened", "a</p></div></b>b", "a\n\nb"},
		{"half a tag", "a<b", "a"},
		{"comments", "a<!-- b --><!DOCTYPE html>c", "ac"},
		{"ruby", "<ruby>鯖番<rp>(</rp><rt>さばばん</rt><rp>)</rp></ruby>", "鯖番(さばばん)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Text(tc.html); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhatAMentionSays(t *testing.T) {
	const hCard = `<span class="h-card" translate="no"><a href="https://m.example/@bot" class="u-url mention">@<span>bot</span></a></span>`
	for _, tc := range []struct {
		name, html string
		mentions   []string
		want       string
	}{
		{"nothing", "", nil, ""},
		{"only the mention", "<p>" + hCard + "</p>", nil, ""},
		{"Mastodon", "<p>" + hCard + " status queues</p>", nil, "status queues"},
		{"GoToSocial", `<p><span class="h-card"><a href="http://localhost:8090/@saba" class="u-url mention" rel="nofollow noreferrer noopener" target="_blank">@<span>saba</span></a></span> status</p>`, nil, "status"},
		{"Misskey has no h-card", `<p><a href="https://m.example/@bot" class="u-url mention">@bot@m.example</a><span> status</span></p>`, nil, "status"},
		{"a link without class is known by its address", `<p><a href="https://M.example/@bot/">@bot@m.example</a> status</p>`, []string{"https://m.example/@bot"}, "status"},
		{"another link stays", `<p>` + hCard + ` check <a href="https://m.example/x">m.example/x</a></p>`, []string{"https://m.example/@bot"}, "check m.example/x"},
		{"the mention at the end", "<p>status " + hCard + "</p>", nil, "status"},
		{"the mention without a space", "<p>status" + hCard + "queues</p>", nil, "status queues"},
		{"two mentions", "<p>" + hCard + " " + hCard + " ack 12</p>", nil, "ack 12"},
		{"a hashtag stays", `<p>` + hCard + ` <a class="mention hashtag" href="https://m.example/tags/12">#<span>12</span></a></p>`, nil, "#12"},
		{"a quoted post goes", `<p class="quote-inline">RE: <a href="https://x.example/1">https://x.example/1</a></p><p>` + hCard + ` status</p>`, nil, "status"},
		{"a whole link", `<p>` + hCard + ` look <a href="https://x.example/abc"><span class="invisible">https://</span><span class="ellipsis">x.exam</span><span class="invisible">ple/abc</span></a></p>`, nil, "look https://x.example/abc"},
		{"several lines", "<p>" + hCard + " status<br>check disk</p><p>help</p>", nil, "status\ncheck disk\nhelp"},
		{"a typed handle", "<p>@bot status</p>", nil, "status"},
		{"a typed handle with a host", "<p>@bot@m.example: status</p>", nil, "status"},
		{"a typed handle with a port", "<p>@saba@localhost:8090 help</p>", nil, "help"},
		{"two typed handles", "<p>@bot @alice@x.example, status</p>", nil, "status"},
		{"a handle at the head of each line", "<p>@bot status<br>@bot check disk</p>", nil, "status\ncheck disk"},
		{"a handle of full width", "<p>＠ｂｏｔ　状態</p>", nil, "状態"},
		{"Japanese follows without a space", "<p>@bot状態</p>", nil, "状態"},
		{"a host in other letters", "<p>@bot@鯖.example 状態</p>", nil, "状態"},
		{"an address in the middle stays", "<p>whois a@b.example</p>", nil, "whois a@b.example"},
		{"a colon of full width", "<p>" + hCard + "：状態</p>", nil, "状態"},
		{"full width and half width", "<p>ｃｈｅｃｋ　ﾃﾞｨｽｸ　１２</p>", nil, "check ディスク 12"},
		{"zero width and direction", "<p>\u200b\ufeffst\u200da\u2060t\u00adus\u202e\u2066 x\ufe0f</p>", nil, "status x"},
		{"what hides between kana is joined over", "<p>か\u200b\u3099</p>", nil, "が"},
		{"hard spaces", "<p>ack&nbsp;\u202f12</p>", nil, "ack 12"},
		{"curly quotes", "<p>“disk” ‘x’ it’s</p>", nil, `"disk" 'x' it's`},
		{"a filler of Hangul", "<p>\u3164\uffa0status\u1160</p>", nil, "status"},
		{"a mention that is never closed ends with its line", `<p><a class="mention" href="x">@bot</p><p>status</p>`, nil, "status"},
		{"an h-card that is never closed ends with its line", `<p><span class="h-card">@bot<br>status</p>`, nil, "status"},
		{"a quote that is never closed ends with the next paragraph", `<p class="quote-inline">RE: x<p>status</p>`, nil, "status"},
		{"spans in spans", `<p><span class="h-card"><span><a class="mention">@<span>bot</span></a></span></span> status</p>`, nil, "status"},
		{"an empty address is no mention", `<p><a href="">status</a></p>`, []string{""}, "status"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := CommandText(tc.html, tc.mentions); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestLongAndDeepPostsAreCut(t *testing.T) {
	for _, tc := range []struct{ name, html string }{
		{"a long one", "<p>" + strings.Repeat("あ", 10_000) + "</p>"},
		{"one that normalising makes longer", strings.Repeat("\ufdfa", 2_000)},
		{"many lines", strings.Repeat("x<br>", 10_000)},
		{"a deep one", strings.Repeat("<div>", 100_000) + "x" + strings.Repeat("</div>", 100_000)},
		{"many attributes", "<p " + strings.Repeat("a=b ", 100_000) + ">x</p>"},
		{"a tag without end", "<" + strings.Repeat("a", 1<<20)},
		{"mentions in mentions", strings.Repeat(`<span class="h-card">`, 100_000) + "x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := CommandText(tc.html, nil); utf8.RuneCountInString(got) > 2_000 {
				t.Errorf("%d runes", utf8.RuneCountInString(got))
			}
			if got := Text(tc.html); utf8.RuneCountInString(got) > 20_000 {
				t.Errorf("%d runes", utf8.RuneCountInString(got))
			}
		})
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{
		`<p><span class="h-card" translate="no"><a href="https://m.example/@bot" class="u-url mention">@<span>bot</span></a></span> status</p>`,
		`<p class="quote-inline">RE: <a href="x">x</a></p><p>＠ｂｏｔ　状態<br>&#x202e;&lt;b&gt;</p>`,
		"<pre>a\nb</pre><svg><title>x</svg><textarea><p>",
		"@bot@鯖.example@x @y: \u3164 \ufdfa “”",
		"<a class=mention><p><span class=h-card><br></a>",
		"\xff\xfe<\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		text := Text(source)
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 20_000 || strings.Contains(text, "\n\n\n") {
			t.Errorf("text %q", text)
		}
		said := CommandText(source, []string{"https://m.example/@bot", ""})
		if !utf8.ValidString(said) || utf8.RuneCountInString(said) > 2_000 || said != strings.TrimSpace(said) {
			t.Errorf("command %q", said)
		}
		for line := range strings.SplitSeq(said, "\n") {
			if handle.MatchString(line) || line == "" && said != "" || strings.Contains(line, "  ") {
				t.Errorf("line %q of %q", line, said)
			}
			for _, r := range line {
				if unicode.In(r, unicode.Cc, unicode.Cf) || unicode.IsSpace(r) && r != ' ' {
					t.Errorf("%U in %q", r, line)
				}
			}
		}
	})
}
