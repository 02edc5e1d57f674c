package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A notification tells an account that something happened to it.
type notification struct {
	id       string
	kind     string // mention, follow, follow_request
	to, from *account
	status   *status // nil for a follow
	filtered bool    // kept, but neither listed nor streamed
	created  time.Time
}

// notify makes a notification, unless it is not wanted, and streams it, unless
// it is filtered.
func (s *Server) notify(to, from *account, kind string, st *status) {
	if to == from || to.blocks[from.ID] {
		return
	}
	verdict := accept
	if kind == "mention" && s.traits.policy {
		verdict = to.judge(from, st)
	}
	if verdict == drop {
		return
	}
	now := time.Now()
	n := &notification{
		id: s.ids.nextNotification(now), kind: kind, to: to, from: from, status: st,
		filtered: verdict == filter, created: now,
	}
	s.notifications = append(s.notifications, n)
	if !n.filtered {
		s.publish(to, event{name: "notification", notification: n})
	}
}

type notificationJSON struct {
	ID        string      `json:"id"`
	Type      string      `json:"type"`
	CreatedAt string      `json:"created_at"`
	GroupKey  string      `json:"group_key,omitempty"`
	Account   accountJSON `json:"account"`
	Status    *statusJSON `json:"status,omitempty"`
}

func (s *Server) notificationView(n *notification, base string) notificationJSON {
	view := notificationJSON{
		ID: n.id, Type: n.kind, CreatedAt: millis(n.created), Account: s.accountView(n.from),
	}
	if s.traits.policy { // as old as the policy
		view.GroupKey = "ungrouped-" + n.id
	}
	if n.status != nil {
		status := s.statusView(n.status, base)
		view.Status = &status
	}
	return view
}

func (s *Server) listNotifications(c *call) (any, error) {
	types, not := c.list("types"), c.list("exclude_types")
	filtered := c.truth("include_filtered")
	var mine []*notification
	for _, n := range s.notifications {
		switch {
		case n.to != c.me, n.from.Suspended,
			n.filtered && !filtered,
			len(types) > 0 && !slices.Contains(types, n.kind),
			slices.Contains(not, n.kind),
			c.text("account_id") != "" && c.text("account_id") != n.from.ID:
			continue
		}
		mine = append(mine, n)
	}
	shown := cut(mine, func(n *notification) string { return n.id }, c.page(40))
	views := make([]notificationJSON, 0, len(shown))
	for _, n := range shown {
		views = append(views, s.notificationView(n, c.base()))
	}
	if len(shown) > 0 {
		c.link(shown[0].id, shown[len(shown)-1].id, true,
			"limit", "types[]", "exclude_types[]", "account_id", "include_filtered")
	}
	return views, nil
}

func (s *Server) showNotification(c *call) (any, error) {
	for _, n := range s.notifications {
		if n.id == c.r.PathValue("id") && n.to == c.me {
			return s.notificationView(n, c.base()), nil
		}
	}
	return nil, notFound()
}

// AcceptRequest does what a person does who finds the messages of another among
// the filtered ones and accepts them: nothing from that account is filtered any
// more.
func (s *Server) AcceptRequest(owner, from Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acceptFrom(s.must(owner), s.must(from))
}

func (s *Server) acceptFrom(owner, from *account) {
	owner.permitted[from.ID] = true
	for _, n := range s.notifications {
		if n.to == owner && n.from == from {
			n.filtered = false
		}
	}
	s.publish(owner, event{name: "notifications_merged", payload: "1", notifies: true})
}

// A request gathers what is filtered of one sender. Its id is the sender's.
type requestJSON struct {
	ID                 string      `json:"id"`
	CreatedAt          string      `json:"created_at"`
	UpdatedAt          string      `json:"updated_at"`
	NotificationsCount string      `json:"notifications_count"`
	Account            accountJSON `json:"account"`
	LastStatus         *statusJSON `json:"last_status"`
}

func (s *Server) requestsOf(owner *account, base string) []requestJSON {
	views := []requestJSON{}
	for _, from := range s.accounts {
		var filtered []*notification
		for _, n := range s.notifications {
			if n.to == owner && n.from == from && n.filtered {
				filtered = append(filtered, n)
			}
		}
		if len(filtered) == 0 {
			continue
		}
		last := filtered[len(filtered)-1]
		status := s.statusView(last.status, base)
		views = append(views, requestJSON{
			ID: from.ID, CreatedAt: millis(filtered[0].created), UpdatedAt: millis(last.created),
			NotificationsCount: strconv.Itoa(len(filtered)), Account: s.accountView(from), LastStatus: &status,
		})
	}
	return views
}

func (s *Server) listRequests(c *call) (any, error) { return s.requestsOf(c.me, c.base()), nil }

func (s *Server) showRequest(c *call) (any, error) {
	for _, r := range s.requestsOf(c.me, c.base()) {
		if r.ID == c.r.PathValue("id") {
			return r, nil
		}
	}
	return nil, notFound()
}

// requestsMerged is always true: what was accepted is merged at once.
func (s *Server) requestsMerged(*call) (any, error) { return map[string]bool{"merged": true}, nil }

func (s *Server) acceptRequests(c *call) (any, error) {
	ids := c.list("id")
	if id := c.r.PathValue("id"); id != "" {
		ids = []string{id}
	}
	waiting := s.requestsOf(c.me, c.base())
	for _, id := range ids {
		if !slices.ContainsFunc(waiting, func(r requestJSON) bool { return r.ID == id }) {
			return nil, refuse(http.StatusNotFound, "there is no request %s", id)
		}
		s.acceptFrom(c.me, s.byID(id))
	}
	return struct{}{}, nil
}
