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
	Media      []attached           `json:"media_attachments"`
}

// attached is what is looked at of a picture in a post.
type attached struct {
	ID gomastodon.ID `json:"id"`
}

func postOf(s *gomastodon.Status) post {
	p := post{
		ID: s.ID, Content: s.Content, CreatedAt: s.CreatedAt,
		Visibility: s.Visibility, Mentions: s.Mentions,
	}
	if s.InReplyToID != nil {
		p.Parent = gomastodon.ID(fmt.Sprint(s.InReplyToID))
	}
	for _, m := range s.MediaAttachments {
		p.Media = append(p.Media, attached{ID: m.ID})
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
	if m.Visibility != "" {
		return normalHTML(p.Content, nil) == normalText(m.Text)
	}
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
	reachedReader  reach = iota // the reader and nobody else; everybody, where it is public
	reachedNobody               // the server did not take the mention of the reader
	reachedOthers               // somebody who was not meant
	reachedTooMany              // it is more public than it was to be
	reachedTooFew               // it was to be public and is not
	otherMessage                // the server answered with the post of another message
	rewritten                   // the right post, of another text: the server changed the words
	unpictured                  // the right post, without its pictures
)

// skew is how far the clocks of the bot and of its home may stand apart (own).
const skew = time.Minute

// reachOf judges a post that the server says it stored for a message.
func reachOf(p post, m bot.Message) reach {
	if m.Visibility != "" {
		return publicReachOf(p, m)
	}
	same := p.says(m)
	reader := slices.Contains(p.readers(), m.To.ID)
	switch {
	// Before all else: whom another message reached is its own affair.
	case slices.Contains(m.Except, string(p.ID)),
		p.older(m) && !(same && reader && string(p.Parent) == m.Parent),
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
	case len(p.Media) != len(m.Pictures):
		return unpictured
	}
	return reachedReader
}

// publicReachOf is [reachOf] for a post to nobody in particular. One that is
// quieter than asked for is let stand: that is how a server publishes what an
// account says that its moderators have limited.
func publicReachOf(p post, m bot.Message) reach {
	same := p.says(m)
	switch {
	case slices.Contains(m.Except, string(p.ID)),
		p.older(m) && !(same && string(p.Parent) == m.Parent),
		!same && p.Visibility == direct:
		return otherMessage
	case m.Visibility == bot.Unlisted && p.Visibility == bot.Public:
		return reachedTooMany
	case len(p.Mentions) > 0:
		return reachedOthers
	case !public(p.Visibility):
		return reachedTooFew
	case !same:
		return rewritten
	case len(p.Media) != len(m.Pictures):
		return unpictured
	}
	return reachedReader
}

func public(visibility string) bool { return visibility == bot.Public || visibility == bot.Unlisted }

// older tells whether a post was there before the message was frozen.
func (p post) older(m bot.Message) bool {
	return !p.CreatedAt.IsZero() && p.CreatedAt.Before(m.Since.Add(-skew))
}

// isMessage tells whether a post among the bot's own is a message whose answer
// was lost.
func isMessage(p post, m bot.Message) bool {
	return !slices.Contains(m.Except, string(p.ID)) &&
		string(p.Parent) == m.Parent &&
		!p.CreatedAt.Before(m.Since.Add(-skew)) &&
		reachOf(p, m) == reachedReader
}
