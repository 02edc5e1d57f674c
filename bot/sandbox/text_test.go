package sandbox

import (
	"strings"
	"testing"
)

func TestHandlesAreFoundWhereMastodonFindsThem(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"a name", "@admin look", "admin"},
		{"a name at the end of a sentence", "look, @admin.", "admin"},
		{"a name with a host", "@admin@example.social!", "admin@example.social"},
		{"a name with a host and a port", "@admin@localhost:8090 x", "admin@localhost:8090"},
		{"a host in another script", "@a@例え.テスト", "a@例え.テスト"},
		{"two names", "@a @b", "a b"},
		{"after a bracket", "(@a)", "a"},
		{"after a Japanese full stop", "。@a", "a"},
		{"a name that is a number", "unit @4000", "4000"},
		{"dots and hyphens inside a name", "@a.b-c", "a.b-c"},
		{"not after a letter", "mail@host", ""},
		{"not after a Japanese letter", "管理者@a", ""},
		{"not after a digit", "4@a", ""},
		{"not after a slash", "https://x.example/@a", ""},
		{"not after an equals sign", "q=@a", ""},
		{"not before a space", "@ a", ""},
		{"not before a zero-width space", "@\u200ba", ""},
		{"not before a word joiner", "@\u2060a", ""},
		{"not a full-width sign", "＠a", ""},
		{"not a name in another script", "@管理者", ""},
		{"after a new line", "x\n@a", "a"},
		{"an empty host is none", "@a@ b", "a"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, h := range handles(c.text) {
				whole := h.user
				if h.host != "" {
					whole += "@" + h.host
				}
				if c.text[h.from:h.to] != "@"+whole {
					t.Errorf("%q stands for %q", c.text[h.from:h.to], whole)
				}
				got = append(got, whole)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q has %q, not %q", c.text, got, c.want)
			}
		})
	}
}

func TestHashtagsNeedMoreThanDigits(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"a word", "see #news.", "news"},
		{"a number alone is none", "because of #12", ""},
		{"a number with a letter after it", "#12番", "12番"},
		{"a number with a full stop", "#12。", ""},
		{"a Japanese word", "#鯖番 です", "鯖番"},
		{"a full-width sign", "＃鯖", "鯖"},
		{"digits joined by an underscore", "#1_2", "1_2"},
		{"digits before an underscore only are none", "#12_ x", ""},
		{"not after a letter", "C#sharp", ""},
		{"not after a slash", "x/#a", ""},
		{"a middle dot inside", "#サバ・番", "サバ・番"},
		{"a middle dot at the end is outside", "#サバ・ ", "サバ"},
		{"two", "#a #b", "a b"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, tag := range hashtags(c.text) {
				got = append(got, tag.text)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q has %q, not %q", c.text, got, c.want)
			}
		})
	}
}

func TestLinksNeedASchemeAndAName(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"an address", "see https://example.com/a?b=c#d", "https://example.com/a?b=c#d"},
		{"a full stop is outside", "https://example.com/a.", "https://example.com/a"},
		{"a bracket is outside", "(https://example.com/a)", "https://example.com/a"},
		{"a bracket that was opened inside is inside", "https://example.com/a_(b)", "https://example.com/a_(b)"},
		{"a port", "http://example.com:3000/x", "http://example.com:3000/x"},
		{"a name only", "https://example.com, and", "https://example.com"},
		{"no scheme", "example.com/a", ""},
		{"a number is none", "http://127.0.0.1:3000/health", ""},
		{"a host without a dot is none", "http://localhost/x", ""},
		{"not after a letter", "xhttps://example.com", ""},
		{"a Japanese full stop is outside", "https://example.com/a。次", "https://example.com/a"},
		{"punycode", "https://xn--e1afmkfd.xn--p1ai/", "https://xn--e1afmkfd.xn--p1ai/"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, l := range links(c.text) {
				got = append(got, l.text)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q has %q, not %q", c.text, got, c.want)
			}
		})
	}
}

func TestALongTextIsReadInAMoment(t *testing.T) {
	s := New(Options{})
	for _, piece := range []string{")", "(", "#", "@a", "@a.", "http", "http://", "http://a.bc/", "&", "\n", "#a·", "🇯🇵"} {
		text := "https://a.bc/" + strings.Repeat(piece, 200_000)
		if n := length(text); n < 0 {
			t.Errorf("%q many times has length %d", piece, n)
		}
		s.render(text, nil)
	}
}

func TestLengthCountsWhatAReaderSees(t *testing.T) {
	cases := []struct {
		name, text string
		want       int
	}{
		{"letters", "abc", 3},
		{"Japanese letters", "鯖番", 2},
		{"a link counts 23, however long", "https://example.com/" + strings.Repeat("x", 100), 23},
		{"a link counts 23, however short", "http://a.jp", 23},
		{"an address without scheme counts its letters", "example.com", 11},
		{"of a mention only the name counts", "@admin@example.social ok", 9},
		{"a combining mark counts nothing", "が", 1},
		{"a family is one", "👨‍👩‍👧", 1},
		{"a skin tone counts nothing", "👍🏽", 1},
		{"a flag is one, two are two", "🇯🇵🇫🇷", 2},
		{"a line break is one", "a\nb", 3},
		{"a handle inside a link counts with it", "https://example.com/?a,@b", 23},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := length(c.text); got != c.want {
				t.Errorf("%q counts %d, not %d", c.text, got, c.want)
			}
		})
	}
}

func TestTextsBecomeTheHTMLOfTheServer(t *testing.T) {
	mastodon := New(Options{Domain: "host"})
	gotosocial := New(Options{Domain: "host", Flavour: GoToSocial})
	saba := &account{Account: Account{Username: "saba"}}
	far := &account{Account: Account{Username: "saba", Domain: "far.example"}}
	cases := []struct {
		name     string
		server   *Server
		mentions []*account
		text     string
		want     string
	}{
		{
			"a mention", mastodon,
			[]*account{saba},
			"@saba status",
			`<p><span class="h-card" translate="no"><a href="https://host/@saba" class="u-url mention">@<span>saba</span></a></span> status</p>`,
		},
		{
			"two who share a name show their servers", mastodon,
			[]*account{saba, far},
			"@saba@far.example",
			`<p><span class="h-card" translate="no"><a href="https://far.example/@saba" class="u-url mention">@<span>saba@far.example</span></a></span></p>`,
		},
		{"a name that leads to nobody stays text", mastodon, nil, "@nobody", `<p>@nobody</p>`},
		{"lines and paragraphs", mastodon, nil, "a\nb\n\nc\r\nd", `<p>a<br />b</p><p>c<br />d</p>`},
		{"what could be markup", mastodon, nil, `<b> & "x" 'y'`, `<p>&lt;b&gt; &amp; &quot;x&quot; &#39;y&#39;</p>`},
		{
			"a hashtag", mastodon, nil, "#Tag and #12",
			`<p><a href="https://host/tags/tag" class="mention hashtag" rel="tag">#<span>Tag</span></a> and #12</p>`,
		},
		{
			"a long link", mastodon, nil, "https://www.example.com/abcdefghijklmnopqrstuvwxyz",
			`<p><a href="https://www.example.com/abcdefghijklmnopqrstuvwxyz" target="_blank" rel="nofollow noopener noreferrer" translate="no">` +
				`<span class="invisible">https://www.</span><span class="ellipsis">example.com/abcdefghijklmnopqr</span>` +
				`<span class="invisible">stuvwxyz</span></a></p>`,
		},
		{
			"GoToSocial's mention", gotosocial,
			[]*account{saba},
			"@saba  a\nb",
			`<p><span class="h-card"><a href="https://host/@saba" class="u-url mention" rel="nofollow noreferrer noopener" target="_blank">@<span>saba</span></a></span> a<br>b</p>`,
		},
		{"GoToSocial leaves > bare", gotosocial, nil, "a < b > c & d", `<p>a &lt; b > c &amp; d</p>`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.server.render(c.text, c.mentions); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAPersonReadsTheWholeText(t *testing.T) {
	s := New(Options{})
	text := "a <b>\nhttps://example.com/abcdefghijklmnopqrstuvwxyz0123456789\n\n#tag & 'x'"
	if got := readable(s.render(text, nil)); got != text {
		t.Errorf("read %q", got)
	}
}

func FuzzTextsNeverBreakTheRenderer(f *testing.F) {
	for _, seed := range []string{"@a@b.c #1 https://a.b/(c)", "＃鯖@", "http://http://a.bc:1", "@a@b:99999", "\u200d🇯🇵\r\n"} {
		f.Add(seed)
	}
	s := New(Options{})
	saba := &account{Account: Account{Username: "a", Domain: "b.c"}}
	f.Fuzz(func(t *testing.T, text string) {
		markup := s.render(text, []*account{saba})
		if strings.Contains(readable(markup), "<script") && !strings.Contains(text, "<script") {
			t.Errorf("%q became %q", text, markup)
		}
		if length(text) < 0 {
			t.Errorf("%q has length %d", text, length(text))
		}
	})
}
