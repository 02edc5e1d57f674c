package sandbox

import (
	"net/http"
	"time"
)

// A verdict is what becomes of a mention.
type verdict string

const (
	accept verdict = "accept"
	filter verdict = "filter" // kept apart: see [Message.Filtered]
	drop   verdict = "drop"   // no notification at all
)

// A policy says, for each reason to be wary, what becomes of a mention.
type policy struct {
	notFollowing    verdict // the recipient does not follow the sender
	notFollowers    verdict // the sender does not follow the recipient, or only since three days
	newAccounts     verdict // the sender's account is younger than 30 days
	privateMentions verdict // direct, and no answer to the recipient
	limitedAccounts verdict // the sender is limited by the moderators
}

// defaultPolicy is that of Mastodon 4.3 and later.
func defaultPolicy() policy {
	return policy{
		notFollowing: accept, notFollowers: accept, newAccounts: accept,
		privateMentions: filter, limitedAccounts: filter,
	}
}

// names lists the values with their names in the API.
func (p *policy) names() map[string]*verdict {
	return map[string]*verdict{
		"for_not_following":    &p.notFollowing,
		"for_not_followers":    &p.notFollowers,
		"for_new_accounts":     &p.newAccounts,
		"for_private_mentions": &p.privateMentions,
		"for_limited_accounts": &p.limitedAccounts,
	}
}

// judge decides what becomes of a mention of a in a status.
func (a *account) judge(from *account, st *status) verdict {
	const (
		fresh = 3 * 24 * time.Hour
		young = 30 * 24 * time.Hour
	)
	if a.permitted[from.ID] {
		return accept
	}
	stranger := !a.isFollowing(from)
	since, follower := from.follows[a.ID]
	worst := accept
	apply := func(v verdict, when bool) {
		if when && (v == drop || v == filter && worst == accept) {
			worst = v
		}
	}
	apply(a.policy.notFollowing, stranger)
	apply(a.policy.notFollowers, !follower || st.created.Sub(since) < fresh)
	apply(a.policy.newAccounts, stranger && st.created.Sub(from.CreatedAt) < young)
	apply(a.policy.privateMentions, stranger && st.visibility == Direct && !st.answers(a))
	apply(a.policy.limitedAccounts, stranger && from.Silenced)
	return worst
}

// answers tells whether, somewhere above, the recipient wrote directly to the
// author of the status.
func (st *status) answers(recipient *account) bool {
	const far = 100 // statuses upwards
	up := st.parent
	for range far {
		if up == nil || up.gone {
			return false
		}
		if up.author == recipient && up.visibility == Direct && up.mentionsAccount(st.author) {
			return true
		}
		up = up.parent
	}
	return false
}

// Policy answers an account's notification policy by its names in the API:
// "for_private_mentions" and others are "accept", "filter" or "drop".
func (s *Server) Policy(a Account) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for name, v := range s.must(a).policy.names() {
		all[name] = string(*v)
	}
	return all
}

func (s *Server) showPolicy(c *call) (any, error) {
	senders, count := map[*account]bool{}, 0
	for _, n := range s.notifications {
		if n.to == c.me && n.filtered {
			senders[n.from] = true
			count++
		}
	}
	view := map[string]any{"summary": map[string]int{
		"pending_requests_count":      len(senders),
		"pending_notifications_count": count,
	}}
	for name, v := range c.me.policy.names() {
		view[name] = *v
	}
	return view, nil
}

func (s *Server) changePolicy(c *call) (any, error) {
	changed := c.me.policy
	for name, v := range changed.names() {
		switch value := verdict(c.text(name)); {
		case !c.given(name):
		case value == accept, value == filter, value == drop:
			*v = value
		default:
			return nil, refuse(http.StatusUnprocessableEntity, "Validation failed: %s cannot be %q", name, value)
		}
	}
	c.me.policy = changed
	return s.showPolicy(c)
}
