package mastodon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/bot"
)

// A post is what is looked at of a status.
type post struct {
	ID         gomastodon.ID        `json:"id"`
	Parent     gomastodon.ID        `json:"in_reply_to_id"`
	Content    string               `json:"content"`
	CreatedAt  time.Time            `json:"created_at"`
	Visibility string               `json:"visibility"`
	Mentions   []gomastodon.Mention `json:"mentions"`
}

func postOf(s *gomastodon.Status) post {
	p := post{
		ID: s.ID, Content: s.Content, CreatedAt: s.CreatedAt,
		Visibility: s.Visibility, Mentions: s.Mentions,
	}
	if s.InReplyToID != nil {
		p.Parent = gomastodon.ID(fmt.Sprint(s.InReplyToID))
	}
	return p
}

func (p post) readers() []string {
	ids := make([]string, 0, len(p.Mentions))
	for _, m := range p.Mentions {
		ids = append(ids, string(m.ID))
	}
	return ids
}

// says tells whether the post has the text of a message. The closing mention of
// its reader is left out, also where the server left it as plain words.
func (p post) says(m bot.Message) bool {
	handle, _, _ := strings.Cut(strings.TrimPrefix(m.To.Handle, "@"), "@")
	names := []string{handle}
	for _, mention := range p.Mentions {
		if string(mention.ID) == m.To.ID {
			names = append(names, mention.Username)
		}
	}
	return normalHTML(p.Content, names) == normalText(m.Text)
}

const direct = "direct"

// A reach is whom a stored post reached, compared with whom it was for.
type reach int

const (
	reachedReader  reach = iota // the reader and nobody else
	reachedNobody               // the server did not take the mention of the reader
	reachedOthers               // somebody who was not meant
	reachedTooMany              // it is not direct
	otherMessage                // the server answered with the post of another message
	rewritten                   // the right post, of another text: the server changed the words
)

// skew is how far the clocks of the bot and of its home may stand apart (own).
const skew = time.Minute

// reachOf judges a post that the server says it stored for a message.
func reachOf(p post, m bot.Message) reach {
	same := p.says(m)
	reader := slices.Contains(p.readers(), m.To.ID)
	older := !p.CreatedAt.IsZero() && p.CreatedAt.Before(m.Since.Add(-skew))
	switch {
	// Before all else: whom another message reached is its own affair.
	case slices.Contains(m.Except, string(p.ID)),
		older && !(same && reader && string(p.Parent) == m.Parent),
		!same && !reader:
		return otherMessage
	case p.Visibility != direct:
		return reachedTooMany
	case len(others(p.readers(), m.To.ID)) > 0:
		return reachedOthers
	case !reader:
		return reachedNobody
	case !same:
		return rewritten
	}
	return reachedReader
}

// isMessage tells whether a post among the bot's own is a message whose answer
// was lost.
func isMessage(p post, m bot.Message) bool {
	readers := p.readers()
	return !slices.Contains(m.Except, string(p.ID)) &&
		string(p.Parent) == m.Parent &&
		p.Visibility == direct &&
		slices.Contains(readers, m.To.ID) && len(others(readers, m.To.ID)) == 0 &&
		!p.CreatedAt.Before(m.Since.Add(-skew)) &&
		p.says(m)
}
