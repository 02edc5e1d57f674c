package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// keyFor is how long an Idempotency-Key is remembered.
const keyFor = time.Hour

// keyed is the status that a key led to, and until when that is remembered.
type keyed struct {
	status *status
	until  time.Time
}

// A draft is what somebody wants to post.
type draft struct {
	text       string
	spoiler    string
	visibility string
	language   string
	inReplyTo  string
	sensitive  bool
	mediaIDs   []string
	allowed    []string // account ids; nil is no guard
	key        string
}

func (s *Server) postStatus(c *call) (any, error) {
	d := draft{
		text:       c.text("status"),
		spoiler:    c.text("spoiler_text"),
		visibility: c.text("visibility"),
		language:   c.text("language"),
		inReplyTo:  c.text("in_reply_to_id"),
		sensitive:  c.truth("sensitive"),
		mediaIDs:   c.list("media_ids"),
		key:        c.r.Header.Get("Idempotency-Key"),
	}
	if s.traits.allowedMentions {
		d.allowed = c.list("allowed_mentions")
	}
	if c.given("scheduled_at") || c.given("poll[options][]") {
		return nil, refuse(http.StatusUnprocessableEntity, "neither polls nor posts at a later time are known here")
	}
	if d.inReplyTo != "" && s.status(d.inReplyTo, c.me) == nil {
		return nil, refuse(http.StatusNotFound, "the post that is answered does not exist, or is not yours to see")
	}
	if earlier, ok := s.earlier(c.me, d.key); ok {
		if earlier.gone {
			return nil, notFound()
		}
		return s.statusView(earlier, c.base()), nil
	}
	st, err := s.compose(c.me, d)
	if err != nil {
		return nil, err
	}
	if c.fake {
		return s.statusView(st, c.base()), nil
	}
	if err := s.limitPosting(c); err != nil {
		return nil, err
	}
	s.store(st)
	s.countPosting(c)
	return s.statusView(st, c.base()), nil
}

// earlier finds the status that was posted with the same key within the hour.
func (s *Server) earlier(author *account, key string) (*status, bool) {
	if !s.traits.idempotency || key == "" {
		return nil, false
	}
	k, ok := s.keys[author.ID+" "+key]
	if ok && time.Now().Before(k.until) {
		return k.status, true
	}
	return nil, false
}

// compose makes a status from a draft, or refuses it. Nothing is stored.
func (s *Server) compose(author *account, d draft) (*status, error) {
	invalid := func(format string, args ...any) error {
		return refuse(http.StatusUnprocessableEntity, "Validation failed: "+format, args...)
	}
	if strings.TrimSpace(d.text) == "" && len(d.mediaIDs) == 0 {
		if strings.TrimSpace(d.spoiler) == "" {
			return nil, invalid("there is no text")
		}
		d.text, d.spoiler = d.spoiler, ""
	}
	if d.visibility == "" {
		d.visibility = Public
	}
	if !slices.Contains([]string{Public, Unlisted, Private, Direct}, d.visibility) {
		return nil, invalid("%q is no visibility", d.visibility)
	}
	if err := s.fits(author, d); err != nil {
		return nil, err
	}
	media, err := s.attach(author, d.mediaIDs)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	st := &status{
		author: author, spoiler: d.spoiler, sensitive: d.sensitive || d.spoiler != "", visibility: d.visibility,
		language: d.language, media: media, key: d.key, created: now,
	}
	if st.language == "" {
		st.language = "en"
	}
	if author.Silenced && st.visibility == Public {
		st.visibility = Unlisted
	}
	if d.inReplyTo != "" {
		if st.parent = s.status(d.inReplyTo, author); st.parent == nil {
			return nil, notFound()
		}
	}
	st.text, st.mentions = s.resolve(author, strings.TrimSpace(d.text))
	if len(d.allowed) > 0 {
		if err := s.guard(st, d.allowed); err != nil {
			return nil, err
		}
	}
	st.html = s.render(st.text, st.mentions)
	st.id = s.ids.next(now)
	return st, nil
}

// fits refuses a text that is too long; what comes from elsewhere has the
// limits of elsewhere.
func (s *Server) fits(author *account, d draft) error {
	n := length(d.text) + characters(d.spoiler)
	switch {
	case author.Domain != "" || n <= s.opts.MaxCharacters:
		return nil
	case s.traits.gotosocial:
		return refuse(http.StatusBadRequest, "text with spoiler exceed max chars (%d)", s.opts.MaxCharacters)
	}
	return refuse(http.StatusUnprocessableEntity, "Validation failed: %d characters are more than %d", n, s.opts.MaxCharacters)
}

// resolve finds whom a text mentions and writes their names as this server
// knows them. A name that leads to nobody, to somebody suspended or to somebody
// who blocks the author stays text, without a word.
func (s *Server) resolve(author *account, text string) (string, []*account) {
	var b strings.Builder
	var mentions []*account
	from := 0
	for _, h := range handles(text) {
		host := h.host
		if host == "" {
			host = author.Domain
		}
		a := s.find(h.user + "@" + host)
		if a == nil || a.Suspended || a.blocks[author.ID] {
			continue
		}
		a.Unseen = false
		if !slices.Contains(mentions, a) {
			mentions = append(mentions, a)
		}
		b.WriteString(text[from:h.from])
		b.WriteString("@" + a.Acct())
		from = h.to
	}
	b.WriteString(text[from:])
	return b.String(), mentions
}

// guard refuses a status that mentions others than the allowed ones.
func (s *Server) guard(st *status, allowed []string) error {
	var others []accountJSON
	for _, a := range st.mentions {
		if !slices.Contains(allowed, a.ID) {
			others = append(others, s.accountView(a))
		}
	}
	if others == nil {
		return nil
	}
	return &Refusal{
		Code:       http.StatusUnprocessableEntity,
		Reason:     "the text mentions accounts that are not allowed",
		unexpected: others,
	}
}

// store keeps a status and tells everybody who is to know.
func (s *Server) store(st *status) {
	s.statuses = append(s.statuses, st)
	st.author.posts++
	st.author.Unseen = false
	if st.parent != nil && st.visibility != Direct {
		st.parent.replies++
	}
	for _, m := range st.media {
		m.attached = true
	}
	if st.key != "" {
		s.forgetKeys()
		s.keys[st.author.ID+" "+st.key] = keyed{st, st.created.Add(keyFor)}
	}
	for w := range s.watchers {
		w.see(st.copy())
	}
	for _, reader := range s.homes(st) {
		s.publish(reader, event{name: "update", status: st})
	}
	for _, a := range st.mentions {
		s.notify(a, st.author, "mention", st)
	}
}

// forgetKeys drops those that are over, so that days of posts need no room.
func (s *Server) forgetKeys() {
	now := time.Now()
	for name, k := range s.keys {
		if !now.Before(k.until) {
			delete(s.keys, name)
		}
	}
}
