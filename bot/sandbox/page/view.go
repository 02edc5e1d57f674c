package page

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/sababan/sababan/bot/sandbox"
)

// A post is a status as the browser gets it: pieces of text, no HTML.
type post struct {
	ID         string    `json:"id"`
	Parent     string    `json:"parent"`
	Name       string    `json:"name"`
	Acct       string    `json:"acct"`
	Bot        bool      `json:"bot"`
	Mine       bool      `json:"mine"` // of who looks
	Visibility string    `json:"visibility"`
	Seen       string    `json:"seen"` // the visibility in words
	At         string    `json:"at"`   // RFC 3339
	Clock      string    `json:"clock"`
	Lang       string    `json:"lang"`
	Spoiler    string    `json:"spoiler"`
	Paragraphs [][]piece `json:"paragraphs"`
	Headline   string    `json:"headline"` // the first line
	Pictures   []picture `json:"pictures"`
	Others     int       `json:"others"` // attachments that are no pictures
}

// A piece is a run of text, a line break, a mention or hashtag, or a link.
type piece struct {
	Text  string `json:"text,omitempty"`
	Break bool   `json:"break,omitempty"`
	Name  bool   `json:"name,omitempty"` // a mention or a hashtag
	Link  string `json:"link,omitempty"`
}

// A picture is an attachment that is shown.
type picture struct {
	ID     string `json:"id"`
	Alt    string `json:"alt"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

func (p *Page) view(st sandbox.Status) post {
	at := st.CreatedAt.In(p.o.Zone)
	headline, _, _ := strings.Cut(strings.TrimSpace(st.Text), "\n")
	v := post{
		ID: st.ID, Parent: st.InReplyTo, Name: st.Author.DisplayName, Acct: "@" + st.Author.Acct(), Bot: st.Author.Bot,
		Mine: st.Author.ID == p.o.Reader.ID, Visibility: st.Visibility, Seen: p.words.Visibility[st.Visibility],
		At: at.Format(time.RFC3339), Clock: at.Format(p.words.Clock), Lang: st.Language, Spoiler: st.Spoiler,
		Paragraphs: pieces(st.HTML), Headline: headline, Pictures: []picture{},
	}
	for _, id := range st.MediaIDs {
		m, ok := p.o.Server.MediaFor(p.o.Reader, id)
		if !ok || !slices.Contains(shownKinds, m.Type) {
			v.Others++
			continue
		}
		v.Pictures = append(v.Pictures, picture{ID: m.ID, Alt: m.Description, Width: m.Size.X, Height: m.Size.Y})
	}
	return v
}

// pieces takes a status' HTML apart. What it does not know stays text.
func pieces(markup string) [][]piece {
	all := [][]piece{}
	var now []piece
	var link piece // the one that is open
	hidden := []bool{}
	end := func() {
		if len(now) > 0 {
			all = append(all, now)
		}
		now = nil
	}
	tokens := html.NewTokenizer(strings.NewReader(markup))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			end()
			return all
		}
		t := tokens.Token()
		switch {
		case kind == html.TextToken:
			if len(hidden) == 0 || !hidden[len(hidden)-1] {
				now = joined(now, piece{Text: t.Data, Name: link.Name, Link: link.Link})
			}
		case t.Data == "p":
			end()
		case t.Data == "br":
			now = append(now, piece{Break: true})
		case t.Data == "a" && kind == html.StartTagToken:
			link = opened(t)
		case t.Data == "a":
			link = piece{}
		case t.Data == "span" && kind == html.StartTagToken:
			hidden = append(hidden, slices.Contains(strings.Fields(attribute(t, "class")), "invisible"))
			if slices.Contains(strings.Fields(attribute(t, "class")), "ellipsis") {
				link.Break = true // until the span ends: "…" follows
			}
		case t.Data == "span" && len(hidden) > 0:
			hidden = hidden[:len(hidden)-1]
			if link.Break {
				link.Break = false
				now = joined(now, piece{Text: "…", Link: link.Link})
			}
		}
	}
}

// joined adds a run of text; what is of one kind is one piece.
func joined(all []piece, next piece) []piece {
	if n := len(all) - 1; n >= 0 && !all[n].Break && all[n].Name == next.Name && all[n].Link == next.Link {
		all[n].Text += next.Text
		return all
	}
	return append(all, next)
}

// opened is a link as it is shown: a mention or a hashtag leads nowhere from
// here, and only web addresses are followed.
func opened(t html.Token) piece {
	if slices.Contains(strings.Fields(attribute(t, "class")), "mention") {
		return piece{Name: true}
	}
	address := attribute(t, "href")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return piece{}
	}
	return piece{Link: address}
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
