package sandbox

import (
	"bytes"
	"image"
	_ "image/gif"  // sizes of uploads
	_ "image/jpeg" // sizes of uploads
	_ "image/png"  // sizes of uploads
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// What a status and a description may hold, on Mastodon up to 4.5.
const (
	maxAttachments = 4
	maxDescription = 1500 // characters
)

// An attachment is an uploaded file.
type attachment struct {
	id          string
	owner       *account
	name        string
	data        []byte
	kind        string // "image", "video", "audio" or "unknown"
	contentType string
	description string
	size        image.Point // pixels; zero when it is no image
	readyAt     time.Time
	attached    bool
}

// A Media is a file as it stands in a post. Its bytes are shared and not to be
// changed.
type Media struct {
	ID          string
	Path        string // of its address
	Type        string // media type
	Description string
	Size        image.Point // pixels; zero when it is no image
	Data        []byte
}

func (m *attachment) copy() Media {
	return Media{ID: m.id, Path: m.path(), Type: m.contentType, Description: m.description, Size: m.size, Data: m.data}
}

func (m *attachment) path() string {
	return "/system/media_attachments/" + m.id + "/original/" + m.name
}

func (m *attachment) ready() bool { return !time.Now().Before(m.readyAt) }

type attachmentJSON struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	URL         *string        `json:"url"`
	PreviewURL  *string        `json:"preview_url"`
	RemoteURL   *string        `json:"remote_url"`
	TextURL     *string        `json:"text_url"`
	Meta        map[string]any `json:"meta"`
	Description *string        `json:"description"`
	Blurhash    *string        `json:"blurhash"`
}

func (m *attachment) view(base string) attachmentJSON {
	view := attachmentJSON{ID: m.id, Type: m.kind, Meta: map[string]any{}}
	if m.description != "" {
		view.Description = &m.description
	}
	address := base + m.path()
	if m.ready() {
		view.URL = &address
	}
	view.PreviewURL = &address
	if m.size != (image.Point{}) {
		size := map[string]any{
			"width": m.size.X, "height": m.size.Y,
			"size":   strconv.Itoa(m.size.X) + "x" + strconv.Itoa(m.size.Y),
			"aspect": float64(m.size.X) / float64(max(m.size.Y, 1)),
		}
		view.Meta["original"], view.Meta["small"] = size, size
	}
	return view
}

func (s *Server) postMedia(c *call) (any, error) {
	file, ok := c.files["file"]
	if !ok || len(file.data) == 0 {
		return nil, refuse(http.StatusUnprocessableEntity, "Validation failed: there is no file")
	}
	if characters(c.text("description")) > maxDescription {
		return nil, refuse(http.StatusUnprocessableEntity, "Validation failed: the description is longer than %d", maxDescription)
	}
	contentType := http.DetectContentType(file.data)
	kind, _, _ := strings.Cut(contentType, "/")
	if kind != "image" && kind != "video" && kind != "audio" {
		return nil, refuse(http.StatusUnprocessableEntity, "Validation failed: %s cannot be attached", contentType)
	}
	now := time.Now()
	m := &attachment{
		id: s.ids.next(now), owner: c.me, name: printable(file.name), data: file.data, kind: kind,
		contentType: contentType, description: c.text("description"), readyAt: now,
	}
	if config, _, err := image.DecodeConfig(bytes.NewReader(file.data)); err == nil {
		m.size = image.Pt(config.Width, config.Height)
	}
	if delay, ok := c.r.Context().Value(processingKey{}).(time.Duration); ok {
		m.readyAt = now.Add(delay)
	}
	if !m.ready() {
		c.code = http.StatusAccepted
	}
	s.media[m.id] = m
	return m.view(c.base()), nil
}

func (s *Server) showMedia(c *call) (any, error) {
	m := s.media[c.r.PathValue("id")]
	if m == nil || m.owner != c.me || m.attached {
		return nil, notFound()
	}
	if !m.ready() {
		c.code = http.StatusPartialContent
	}
	return m.view(c.base()), nil
}

// printable makes a file name that can stand in an address.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '-') {
			return r
		}
		return '_'
	}, name)
}

// attach finds the media of a status that is being written. Older versions leave
// out without a word what they do not find.
func (s *Server) attach(author *account, ids []string) ([]*attachment, error) {
	if len(ids) > maxAttachments {
		return nil, refuse(http.StatusUnprocessableEntity, "Validation failed: more than %d files", maxAttachments)
	}
	var all []*attachment
	for _, id := range ids {
		m := s.media[id]
		if m == nil || m.owner != author || m.attached {
			if s.traits.losesMedia {
				continue
			}
			return nil, refuse(http.StatusUnprocessableEntity, "Validation failed: there is no file %s to attach", id)
		}
		if !m.ready() {
			return nil, refuse(http.StatusUnprocessableEntity, "Validation failed: file %s is still being processed", id)
		}
		all = append(all, m)
	}
	return all, nil
}

// Unattached are the files that somebody uploaded and that stand in no post.
func (s *Server) Unattached(a Account) []Media {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Media
	for _, m := range s.media {
		if m.owner == s.must(a) && !m.attached {
			all = append(all, m.copy())
		}
	}
	slices.SortFunc(all, func(a, b Media) int { return compareIDs(a.ID, b.ID) })
	return all
}

// Prune deletes files that stand in no post, as a server does after a day.
func (s *Server) Prune() {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.media, func(_ string, m *attachment) bool { return !m.attached })
}

// serveFile gives an upload back, to everybody who knows its address.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	m := s.media[r.PathValue("id")]
	s.mu.Unlock()
	if m == nil || m.name != r.PathValue("name") || !m.ready() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", m.contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", m.readyAt, bytes.NewReader(m.data))
}
