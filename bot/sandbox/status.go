package sandbox

import (
	"slices"
	"strings"
	"time"
)

// Visibilities of a status.
const (
	Public   = "public"
	Unlisted = "unlisted"
	Private  = "private" // followers only
	Direct   = "direct"  // those who are mentioned only
)

// A Status is one post, as it was when it was asked for.
type Status struct {
	ID         string
	Author     Account
	Text       string // what a person reads: the text of HTML
	Source     string // the text as the server keeps it
	HTML       string
	Spoiler    string
	Visibility string
	Language   string
	InReplyTo  string    // id of the parent, or ""
	Mentions   []Account // who was really found in the text
	MediaIDs   []string
	Media      []Media
	Key        string // the Idempotency-Key it came with, or ""
	CreatedAt  time.Time
}

// status is a Status with what it points to.
type status struct {
	id         string
	author     *account
	text       string
	html       string
	spoiler    string
	sensitive  bool
	visibility string
	language   string
	parent     *status // kept when the parent is deleted: see gone
	mentions   []*account
	media      []*attachment
	key        string
	created    time.Time
	replies    int  // that are not direct
	gone       bool // deleted
}

func (st *status) parentID() string {
	if st.parent == nil || st.parent.gone {
		return ""
	}
	return st.parent.id
}

func (st *status) mentionsAccount(a *account) bool { return slices.Contains(st.mentions, a) }

// copy makes the value that is handed out.
func (st *status) copy() Status {
	out := Status{
		ID: st.id, Author: st.author.Account, Text: readable(st.html), Source: st.text, HTML: st.html,
		Spoiler: st.spoiler, Visibility: st.visibility, Language: st.language,
		InReplyTo: st.parentID(), Key: st.key, CreatedAt: st.created,
	}
	for _, a := range st.mentions {
		out.Mentions = append(out.Mentions, a.Account)
	}
	for _, m := range st.media {
		out.MediaIDs = append(out.MediaIDs, m.id)
		out.Media = append(out.Media, m.copy())
	}
	return out
}

// visibleTo tells whether somebody may see a status; nil is a stranger.
func (st *status) visibleTo(viewer *account) bool {
	switch {
	case st.visibility == Public || st.visibility == Unlisted:
		return viewer == nil || !st.author.blocks[viewer.ID]
	case viewer == nil:
		return false
	case viewer == st.author || st.mentionsAccount(viewer):
		return true
	}
	return st.visibility == Private && viewer.isFollowing(st.author)
}

// status finds one that the viewer may see; otherwise nil.
func (s *Server) status(id string, viewer *account) *status {
	at, found := slices.BinarySearchFunc(s.statuses, id, func(st *status, id string) int {
		return compareIDs(st.id, id)
	})
	if !found || !s.statuses[at].visibleTo(viewer) {
		return nil
	}
	return s.statuses[at]
}

// delete removes a status with the notifications of it.
func (s *Server) delete(st *status) {
	st.gone = true
	st.author.posts--
	if st.parent != nil && st.visibility != Direct {
		st.parent.replies--
	}
	s.statuses = slices.DeleteFunc(s.statuses, func(other *status) bool { return other == st })
	s.notifications = slices.DeleteFunc(s.notifications, func(n *notification) bool { return n.status == st })
	for _, reader := range s.homes(st) {
		s.publish(reader, event{name: "delete", payload: st.id})
	}
}

// homes are those on whose home timeline a status stands: the author, and
// followers who may see it.
func (s *Server) homes(st *status) []*account {
	readers := []*account{st.author}
	for _, a := range s.accounts {
		if a != st.author && a.isFollowing(st.author) && st.visibleTo(a) {
			readers = append(readers, a)
		}
	}
	return readers
}

type statusJSON struct {
	ID                 string           `json:"id"`
	CreatedAt          string           `json:"created_at"`
	InReplyToID        *string          `json:"in_reply_to_id"`
	InReplyToAccountID *string          `json:"in_reply_to_account_id"`
	Sensitive          bool             `json:"sensitive"`
	SpoilerText        string           `json:"spoiler_text"`
	Visibility         string           `json:"visibility"`
	Language           string           `json:"language"`
	URI                string           `json:"uri"`
	URL                string           `json:"url"`
	RepliesCount       int              `json:"replies_count"`
	ReblogsCount       int              `json:"reblogs_count"`
	FavouritesCount    int              `json:"favourites_count"`
	EditedAt           *string          `json:"edited_at"`
	Favourited         bool             `json:"favourited"`
	Reblogged          bool             `json:"reblogged"`
	Muted              bool             `json:"muted"`
	Bookmarked         bool             `json:"bookmarked"`
	Content            string           `json:"content"`
	Text               string           `json:"text,omitempty"` // only of a status that was deleted just now
	Filtered           []any            `json:"filtered"`
	Reblog             *statusJSON      `json:"reblog"`
	Application        *applicationJSON `json:"application"`
	Account            accountJSON      `json:"account"`
	MediaAttachments   []attachmentJSON `json:"media_attachments"`
	Mentions           []mentionJSON    `json:"mentions"`
	Tags               []tagJSON        `json:"tags"`
	Emojis             []any            `json:"emojis"`
	Card               *struct{}        `json:"card"`
	Poll               *struct{}        `json:"poll"`
}

type applicationJSON struct {
	Name    string  `json:"name"`
	Website *string `json:"website"`
}

type mentionJSON struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	URL      string `json:"url"`
	Acct     string `json:"acct"`
}

type tagJSON struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// statusView writes a status; base is the address for its media.
func (s *Server) statusView(st *status, base string) statusJSON {
	page := s.profile(st.author) + "/" + st.id
	view := statusJSON{
		ID: st.id, CreatedAt: millis(st.created), Sensitive: st.sensitive, SpoilerText: st.spoiler,
		Visibility: st.visibility, Language: st.language, URI: page, URL: page,
		RepliesCount: st.replies, Content: st.html,
		Filtered: []any{}, Account: s.accountView(st.author), MediaAttachments: []attachmentJSON{},
		Mentions: []mentionJSON{}, Tags: []tagJSON{}, Emojis: []any{},
	}
	if st.author.Domain == "" {
		view.Application = &applicationJSON{Name: "sandbox"}
	}
	if id := st.parentID(); id != "" {
		view.InReplyToID, view.InReplyToAccountID = &id, &st.parent.author.ID
	}
	for _, a := range st.mentions {
		view.Mentions = append(view.Mentions, mentionJSON{ID: a.ID, Username: a.Username, URL: s.profile(a), Acct: a.Acct()})
	}
	for _, m := range st.media {
		view.MediaAttachments = append(view.MediaAttachments, m.view(base))
	}
	for _, t := range hashtags(st.text) {
		if tag := (tagJSON{strings.ToLower(t.text), s.tagURL(t.text)}); !slices.Contains(view.Tags, tag) {
			view.Tags = append(view.Tags, tag)
		}
	}
	return view
}

func (s *Server) statusViews(all []*status, base string) []statusJSON {
	views := make([]statusJSON, 0, len(all))
	for _, st := range all {
		views = append(views, s.statusView(st, base))
	}
	return views
}

func (s *Server) showStatus(c *call) (any, error) {
	if st := s.status(c.r.PathValue("id"), c.me); st != nil {
		return s.statusView(st, c.base()), nil
	}
	return nil, notFound()
}

func (s *Server) deleteStatus(c *call) (any, error) {
	st := s.status(c.r.PathValue("id"), c.me)
	if st == nil || st.author != c.me {
		return nil, notFound()
	}
	view := s.statusView(st, c.base())
	view.Text = st.text
	s.delete(st)
	return view, nil
}

func (s *Server) statusSource(c *call) (any, error) {
	st := s.status(c.r.PathValue("id"), c.me)
	if st == nil {
		return nil, notFound()
	}
	return map[string]string{"id": st.id, "text": st.text, "spoiler_text": st.spoiler}, nil
}

func (s *Server) statusContext(c *call) (any, error) {
	st := s.status(c.r.PathValue("id"), c.me)
	if st == nil {
		return nil, notFound()
	}
	var above []*status
	for up := st.parent; up != nil && !up.gone && up.visibleTo(c.me); up = up.parent {
		above = append(above, up)
	}
	slices.Reverse(above)
	return map[string]any{
		"ancestors":   s.statusViews(above, c.base()),
		"descendants": s.statusViews(s.below(st, c.me), c.base()),
	}, nil
}

// below lists the answers to a status, each followed by its own answers.
func (s *Server) below(st *status, viewer *account) []*status {
	var all []*status
	for _, other := range s.statuses {
		if other.parent == st && other.visibleTo(viewer) {
			all = append(append(all, other), s.below(other, viewer)...)
		}
	}
	return all
}

func (s *Server) accountStatuses(c *call) (any, error) {
	author := s.byID(c.r.PathValue("id"))
	if author == nil || author.Unseen {
		return nil, notFound()
	}
	var all []*status
	for _, st := range s.statuses {
		if st.author != author || !st.visibleTo(c.me) {
			continue
		}
		if c.truth("exclude_replies") && st.parent != nil && st.parent.author != author {
			continue
		}
		if c.truth("only_media") && len(st.media) == 0 || c.truth("pinned") {
			continue
		}
		all = append(all, st)
	}
	p := c.page(20)
	shown := cut(all, func(st *status) string { return st.id }, p)
	if len(shown) > 0 {
		c.link(shown[0].id, shown[len(shown)-1].id, len(shown) == p.limit,
			"limit", "exclude_replies", "exclude_reblogs", "only_media")
	}
	return s.statusViews(shown, c.base()), nil
}

func (s *Server) publicTimeline(c *call) (any, error) {
	var all []*status
	for _, st := range s.statuses {
		if st.visibility == Public && st.visibleTo(c.me) {
			all = append(all, st)
		}
	}
	p := c.page(20)
	shown := cut(all, func(st *status) string { return st.id }, p)
	if len(shown) > 0 {
		c.link(shown[0].id, shown[len(shown)-1].id, len(shown) == p.limit, "limit")
	}
	return s.statusViews(shown, c.base()), nil
}
