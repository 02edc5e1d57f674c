package sandbox

import (
	"bytes"
	"slices"
)

// An Attachment is a file of a status, as its readers see it.
type Attachment struct {
	ID          string
	Kind        string // "image", "video", "audio" or "unknown"
	ContentType string
	Description string // what is to be seen, for those who do not; or ""
	// Width and Height are in pixels; 0 where it is no image.
	Width, Height int
	Data          []byte
}

// AttachmentFor answers a file of a status that the account may see.
func (s *Server) AttachmentFor(reader Account, id string) (Attachment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	viewer := s.must(reader)
	m := s.media[id]
	if m == nil || !m.ready() {
		return Attachment{}, false
	}
	visible := slices.ContainsFunc(s.statuses, func(st *status) bool {
		return slices.Contains(st.media, m) && st.visibleTo(viewer)
	})
	if !visible {
		return Attachment{}, false
	}
	return Attachment{
		ID: m.id, Kind: m.kind, ContentType: m.contentType, Description: m.description,
		Width: m.size.X, Height: m.size.Y, Data: bytes.Clone(m.data),
	}, true
}

// StatusesFor lists what an account may see, the oldest first.
func (s *Server) StatusesFor(reader Account) []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	viewer := s.must(reader)
	var all []Status
	for _, st := range s.statuses {
		if st.visibleTo(viewer) {
			all = append(all, st.copy())
		}
	}
	return all
}
