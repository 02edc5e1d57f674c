package sandbox

import (
	"net/http"
	"time"
)

// Follow makes a follow b. A locked b accepts at once.
func (s *Server) Follow(a, b Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follow(s.must(a), s.must(b))
}

// Unfollow makes a stop following b.
func (s *Server) Unfollow(a, b Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unfollow(s.must(a), s.must(b))
}

// Block makes a block b: they follow each other no more, and what b writes
// mentions a no more.
func (s *Server) Block(a, b Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to := s.must(a), s.must(b)
	s.unfollow(from, to)
	s.unfollow(to, from)
	from.blocks[to.ID] = true
}

func (s *Server) follow(a, b *account) {
	delete(a.requested, b.ID)
	if _, already := a.follows[b.ID]; already {
		return
	}
	a.follows[b.ID] = time.Now()
	s.notify(b, a, "follow", nil)
}

func (s *Server) unfollow(a, b *account) {
	delete(a.follows, b.ID)
	delete(a.requested, b.ID)
}

func (a *account) isFollowing(b *account) bool {
	_, ok := a.follows[b.ID]
	return ok
}

type relationshipJSON struct {
	ID                  string   `json:"id"`
	Following           bool     `json:"following"`
	ShowingReblogs      bool     `json:"showing_reblogs"`
	Notifying           bool     `json:"notifying"`
	Languages           []string `json:"languages"`
	FollowedBy          bool     `json:"followed_by"`
	Blocking            bool     `json:"blocking"`
	BlockedBy           bool     `json:"blocked_by"`
	Muting              bool     `json:"muting"`
	MutingNotifications bool     `json:"muting_notifications"`
	Requested           bool     `json:"requested"`
	RequestedBy         bool     `json:"requested_by"`
	DomainBlocking      bool     `json:"domain_blocking"`
	Endorsed            bool     `json:"endorsed"`
	Note                string   `json:"note"`
}

func relationship(me, other *account) relationshipJSON {
	following := me.isFollowing(other)
	return relationshipJSON{
		ID:        other.ID,
		Following: following, ShowingReblogs: following,
		FollowedBy: other.isFollowing(me),
		Blocking:   me.blocks[other.ID], BlockedBy: other.blocks[me.ID],
		Requested: me.requested[other.ID], RequestedBy: other.requested[me.ID],
	}
}

func (s *Server) relationships(c *call) (any, error) {
	all := []relationshipJSON{}
	for _, id := range c.list("id") {
		if other := s.byID(id); other != nil {
			all = append(all, relationship(c.me, other))
		}
	}
	return all, nil
}

func (s *Server) postFollow(c *call) (any, error) {
	other := s.byID(c.r.PathValue("id"))
	switch {
	case other == nil:
		return nil, notFound()
	case other == c.me || other.blocks[c.me.ID]:
		return nil, refuse(http.StatusForbidden, "This action is not allowed")
	case other.Locked && !c.me.isFollowing(other):
		if !c.me.requested[other.ID] {
			c.me.requested[other.ID] = true
			s.notify(other, c.me, "follow_request", nil)
		}
	default:
		s.follow(c.me, other)
	}
	return relationship(c.me, other), nil
}

func (s *Server) postUnfollow(c *call) (any, error) {
	other := s.byID(c.r.PathValue("id"))
	if other == nil {
		return nil, notFound()
	}
	s.unfollow(c.me, other)
	return relationship(c.me, other), nil
}
