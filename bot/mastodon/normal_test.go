package mastodon

import (
	"testing"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/bot"
)

const (
	mastodonMention = `<span class="h-card" translate="no"><a href="https://home.example/@alice" class="u-url mention">@<span>alice</span></a></span>`
	gtsMention      = `<span class="h-card"><a href="https://home.example/@alice" class="u-url mention" rel="nofollow noreferrer noopener" target="_blank">@<span>alice</span></a></span>`
)

func TestAMessageIsRecognisedInWhatServersMakeOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		sent, html string
		same       bool
	}{
		"Mastodon, one line":                    {"disk: 71 % used", "<p>disk: 71 % used<br />" + mastodonMention + "</p>", true},
		"Mastodon, paragraphs":                  {"a\n\nb", "<p>a</p><p>b<br />" + mastodonMention + "</p>", true},
		"GoToSocial, spaces collapsed":          {"a  b\n\nc", "<p>a b<br><br>c<br>" + gtsMention + "</p>", true},
		"entities":                              {"a < b & 'c'", "<p>a &lt; b &amp; &#39;c&#39;<br />" + mastodonMention + "</p>", true},
		"a bare greater-than sign":              {"1 > 0", "<p>1 > 0<br>" + gtsMention + "</p>", true},
		"a link in pieces":                      {"see https://www.example.social/a/very/long/path", `<p>see <a href="https://www.example.social/a/very/long/path"><span class="invisible">https://www.</span><span class="ellipsis">example.social/a/very/lo</span><span class="invisible">ng/path</span></a><br />` + mastodonMention + "</p>", true},
		"a hashtag":                             {"#disk full", `<p><a href="https://home.example/tags/disk" class="mention hashtag" rel="tag">#<span>disk</span></a> full<br />` + mastodonMention + "</p>", true},
		"Japanese":                              {"【要対応】12番 証明書 期限まで3日", "<p>【要対応】12番 証明書 期限まで3日<br />" + mastodonMention + "</p>", true},
		"composed and decomposed":               {"が café", "<p>か\u3099 cafe\u0301<br />" + mastodonMention + "</p>", true},
		"a dead mention inside":                 {"from @\u2060evil", "<p>from @\u2060evil<br />" + mastodonMention + "</p>", true},
		"the mention with its host":             {"hello", `<p>hello<br /><span class="h-card"><a href="https://h/@alice" class="u-url mention">@<span>alice@home.example</span></a></span></p>`, true},
		"the mention as plain words":            {"hello", "<p>hello<br />@alice@home.example</p>", true},
		"another number":                        {"disk: 71 % used", "<p>disk: 72 % used<br />" + mastodonMention + "</p>", false},
		"another place of the point":            {"7.2 GB", "<p>72 GB<br />" + mastodonMention + "</p>", false},
		"more text":                             {"disk", "<p>disk full<br />" + mastodonMention + "</p>", false},
		"less text":                             {"disk full", "<p>disk<br />" + mastodonMention + "</p>", false},
		"a closing mention of somebody unknown": {"disk", "<p>disk<br />@mallory</p>", false},
	} {
		t.Run(name, func(t *testing.T) {
			sent, got := normalText(c.sent), normalHTML(c.html, []string{"alice"})
			if (sent == got) != c.same {
				t.Errorf("%q and %q, want the same: %v", sent, got, c.same)
			}
		})
	}
}

func TestWhomAPostReached(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	m := bot.Message{
		Text: "disk full", To: bot.Recipient{ID: "7", Handle: "alice"}, Parent: "100",
		Since: now, Except: []string{"666"},
	}
	good := func(change func(p *post)) post {
		p := post{
			ID: "101", Parent: "100", Visibility: "direct", CreatedAt: now.Add(time.Second),
			Content:  "<p>disk full<br />" + mastodonMention + "</p>",
			Mentions: []gomastodon.Mention{{ID: "7", Username: "alice", Acct: "alice"}},
		}
		change(&p)
		return p
	}
	nobody := []gomastodon.Mention{}
	two := []gomastodon.Mention{{ID: "7", Username: "alice"}, {ID: "9", Username: "evil"}}
	for name, c := range map[string]struct {
		p     post
		want  reach
		found bool
	}{
		"the reader and nobody else":                         {good(func(*post) {}), reachedReader, true},
		"the server's clock is a little behind":              {good(func(p *post) { p.CreatedAt = now.Add(-30 * time.Second) }), reachedReader, true},
		"public":                                             {good(func(p *post) { p.Visibility = "public" }), reachedTooMany, false},
		"another one too":                                    {good(func(p *post) { p.Mentions = two }), reachedOthers, false},
		"nobody, the name left as words":                     {good(func(p *post) { p.Mentions = nobody; p.Content = "<p>disk full<br />@alice</p>" }), reachedNobody, false},
		"nobody, the name not even left":                     {good(func(p *post) { p.Mentions = nobody; p.Content = "<p>disk full</p>" }), reachedNobody, false},
		"another text":                                       {good(func(p *post) { p.Content = "<p>disk fine<br />" + mastodonMention + "</p>" }), rewritten, false},
		"another text, long before":                          {good(func(p *post) { p.Content = "<p>fine</p>"; p.CreatedAt = now.Add(-time.Hour) }), otherMessage, false},
		"another text to others, which is not ours to judge": {good(func(p *post) { p.Content = "<p>fine</p>"; p.Mentions = two[1:] }), otherMessage, false},
		"the same text under another parent, long before":    {good(func(p *post) { p.Parent = "50"; p.CreatedAt = now.Add(-time.Hour) }), otherMessage, false},
		"the same text under another parent":                 {good(func(p *post) { p.Parent = "50" }), reachedReader, false},
		"the same text, long before, in the same place":      {good(func(p *post) { p.CreatedAt = now.Add(-time.Hour) }), reachedReader, false},
		"known as another message":                           {good(func(p *post) { p.ID = "666" }), otherMessage, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := reachOf(c.p, m); got != c.want {
				t.Errorf("reached %d, want %d", got, c.want)
			}
			if got := isMessage(c.p, m); got != c.found {
				t.Errorf("found %v, want %v", got, c.found)
			}
		})
	}
}
