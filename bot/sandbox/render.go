package sandbox

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

var (
	escaper    = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")
	gtsEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;")
	blankLines = regexp.MustCompile(`\n\n+`)
	spaces     = regexp.MustCompile(`[ \t]+`)
)

func escape(text string) string { return escaper.Replace(text) }

// A piece is a part of a text that becomes an element.
type piece struct {
	from, to int
	html     string
}

// render writes a text as the server's HTML.
func (s *Server) render(text string, mentions []*account) string {
	plain := escaper
	if s.traits.gotosocial {
		plain = gtsEscaper
		text = spaces.ReplaceAllString(text, " ")
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	var b strings.Builder
	from := 0
	for _, p := range s.pieces(text, mentions) {
		if p.from < from {
			continue // an address with a tag or a handle in it
		}
		b.WriteString(plain.Replace(text[from:p.from]))
		b.WriteString(p.html)
		from = p.to
	}
	b.WriteString(plain.Replace(text[from:]))
	body := b.String()
	if s.traits.gotosocial {
		return "<p>" + strings.ReplaceAll(body, "\n", "<br>") + "</p>"
	}
	body = blankLines.ReplaceAllString(body, "</p><p>")
	return "<p>" + strings.ReplaceAll(body, "\n", "<br />") + "</p>"
}

func (s *Server) pieces(text string, mentions []*account) []piece {
	var all []piece
	for _, l := range links(text) {
		all = append(all, piece{l.from, l.to, s.linkHTML(l.text)})
	}
	for _, h := range handles(text) {
		for _, a := range mentions {
			if strings.EqualFold(a.Username, h.user) && strings.EqualFold(a.Domain, h.host) {
				all = append(all, piece{h.from, h.to, s.mentionHTML(a, mentions)})
				break
			}
		}
	}
	for _, t := range hashtags(text) {
		all = append(all, piece{t.from, t.to, s.tagHTML(t.text)})
	}
	slices.SortStableFunc(all, func(a, b piece) int { return a.from - b.from })
	return all
}

// mentionHTML shows only the name, unless two who are mentioned share it.
func (s *Server) mentionHTML(a *account, all []*account) string {
	shown := a.Username
	for _, other := range all {
		if other != a && strings.EqualFold(other.Username, a.Username) {
			shown = a.Acct()
		}
	}
	if s.traits.gotosocial {
		return `<span class="h-card"><a href="` + escape(s.profile(a)) +
			`" class="u-url mention" rel="nofollow noreferrer noopener" target="_blank">@<span>` + escape(shown) + `</span></a></span>`
	}
	return `<span class="h-card" translate="no"><a href="` + escape(s.profile(a)) +
		`" class="u-url mention">@<span>` + escape(shown) + `</span></a></span>`
}

func (s *Server) tagHTML(tag string) string {
	rel := "tag"
	if s.traits.gotosocial {
		rel = `tag nofollow noreferrer noopener" target="_blank`
	}
	return `<a href="` + s.tagURL(tag) + `" class="mention hashtag" rel="` + rel + `">#<span>` + escape(tag) + `</span></a>`
}

func (s *Server) tagURL(tag string) string {
	return "https://" + s.opts.Domain + "/tags/" + url.PathEscape(strings.ToLower(tag))
}

// linkHTML hides the scheme and what exceeds 30 characters; all text nodes
// together are the whole address.
func (s *Server) linkHTML(address string) string {
	if s.traits.gotosocial {
		return `<a href="` + escape(address) + `" rel="nofollow noreferrer noopener" target="_blank">` + escape(address) + `</a>`
	}
	const visible = 30
	scheme := address[:strings.Index(address, "://")+3]
	if strings.HasPrefix(address[len(scheme):], "www.") {
		scheme += "www."
	}
	shown, hidden, class := []rune(address[len(scheme):]), "", ""
	if len(shown) > visible {
		shown, hidden, class = shown[:visible], string(shown[visible:]), "ellipsis"
	}
	return `<a href="` + escape(address) + `" target="_blank" rel="nofollow noopener noreferrer" translate="no">` +
		`<span class="invisible">` + escape(scheme) + `</span>` +
		`<span class="` + class + `">` + escape(string(shown)) + `</span>` +
		`<span class="invisible">` + escape(hidden) + `</span></a>`
}

// readable is what a person reads of a post: the text of its HTML, a line for a
// break and an empty line between paragraphs.
func readable(markup string) string {
	var b strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(markup))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return strings.TrimRight(b.String(), "\n")
		case html.TextToken:
			b.Write(tokens.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			if tag, _ := tokens.TagName(); string(tag) == "br" {
				b.WriteByte('\n')
			}
		case html.EndTagToken:
			if tag, _ := tokens.TagName(); string(tag) == "p" {
				b.WriteString("\n\n")
			}
		}
	}
}
