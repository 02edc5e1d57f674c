package sandbox

import "slices"

// MediaFor answers a file of a status that the account may see.
func (s *Server) MediaFor(reader Account, id string) (Media, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	viewer := s.must(reader)
	m := s.media[id]
	if m == nil || !m.ready() {
		return Media{}, false
	}
	visible := slices.ContainsFunc(s.statuses, func(st *status) bool {
		return slices.Contains(st.media, m) && st.visibleTo(viewer)
	})
	if !visible {
		return Media{}, false
	}
	return m.copy(), true
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
