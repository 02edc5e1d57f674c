package page

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

// An everything is what a browser needs to begin, or to begin again after it
// lost the connection: what is not in it is not there any more.
type everything struct {
	Posts      []post          `json:"posts"`
	Sicknesses map[string]bool `json:"sicknesses"` // ill or not, by name
}

// feed sends everything, and from then on what changes, as server-sent events:
// "everything", "post", "gone" (an id) and "sicknesses".
func (p *Page) feed(w http.ResponseWriter, r *http.Request) {
	select {
	case p.feeds <- struct{}{}:
		defer func() { <-p.feeds }()
	default:
		p.refuse(w, http.StatusServiceUnavailable, p.words.TooMany)
		return
	}
	fresh := p.o.Server.Watch(r.Context())
	w.Header().Set("Content-Type", "text/event-stream")
	out := &stream{w: w, control: http.NewResponseController(w)}
	out.raw("retry: 1000\n\n")

	changed := p.change()
	shown := p.statuses()
	ill := p.ill()
	all := everything{Posts: []post{}, Sicknesses: ill}
	for _, st := range shown {
		all.Posts = append(all.Posts, p.view(st))
	}
	out.send("everything", all)

	thump := time.NewTicker(thumpEvery)
	defer thump.Stop()
	for out.err == nil {
		select {
		case _, more := <-fresh:
			if !more {
				return
			}
		case <-changed:
			changed = p.change()
			if now := p.ill(); !sameStates(now, ill) {
				ill = now
				out.send("sicknesses", ill)
			}
		case <-thump.C:
			out.raw(": still here\n\n")
		case <-r.Context().Done():
			return
		}
		now := p.statuses()
		for _, st := range now {
			if !slices.ContainsFunc(shown, func(old sandbox.Status) bool { return old.ID == st.ID }) {
				out.send("post", p.view(st))
			}
		}
		for _, old := range shown {
			if !slices.ContainsFunc(now, func(st sandbox.Status) bool { return old.ID == st.ID }) {
				out.send("gone", old.ID)
			}
		}
		shown = now
	}
}

// statuses are the newest that the reader may see, the oldest of them first.
func (p *Page) statuses() []sandbox.Status {
	all := p.o.Server.StatusesFor(p.o.Reader)
	return all[max(len(all)-maxPosts, 0):]
}

func (p *Page) ill() map[string]bool {
	all := map[string]bool{}
	for _, s := range p.o.Sicknesses {
		all[s.Name] = s.Ill()
	}
	return all
}

func sameStates(a, b map[string]bool) bool {
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return len(a) == len(b)
}

// A stream writes events, until the first error.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (s *stream) send(name string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		s.err = err
		return
	}
	s.raw("event: " + name + "\ndata: " + string(data) + "\n\n")
}

func (s *stream) raw(text string) {
	if s.err != nil {
		return
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(patience))
	if _, s.err = s.w.Write([]byte(text)); s.err == nil {
		s.err = s.control.Flush()
	}
}

// shownKinds are the pictures that are shown in the page; none can hold a script.
var shownKinds = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// media gives a picture of a post.
func (p *Page) media(w http.ResponseWriter, r *http.Request) {
	m, ok := p.o.Server.MediaFor(p.o.Reader, r.PathValue("id"))
	if !ok || !slices.Contains(shownKinds, strings.ToLower(m.Type)) {
		http.Error(w, p.words.NoSuchPage, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", m.Type)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.Data))
}
