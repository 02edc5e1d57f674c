package sandbox

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A throttle is one rule: so many requests by one key in one window. Windows
// are fixed and begin at multiples of the period since the epoch. The numbers
// are Mastodon's.
type throttle struct {
	name   string
	key    string
	limit  int
	period time.Duration
}

type window struct {
	index int64
	count int
}

// bucket is what a throttle has come to.
type bucket struct {
	limit, count int
	reset        time.Time
}

func (b bucket) left() int { return max(b.limit-b.count, 0) }

func (b bucket) tell(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(b.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(b.left()))
	h.Set("X-RateLimit-Reset", b.reset.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

// look tells the state of a throttle after n more requests.
func (s *Server) look(t throttle, n int) bucket {
	now := time.Now()
	period := int64(t.period / time.Second)
	index := now.Unix() / period
	name := t.name + " " + t.key
	w := s.windows[name]
	if w == nil {
		w = &window{}
		s.windows[name] = w
	}
	if w.index != index {
		*w = window{index: index}
	}
	w.count += n
	return bucket{
		limit: max(int(float64(t.limit)*s.opts.LimitFactor), 1),
		count: w.count,
		// Whole seconds are added to the present, which is why the microseconds
		// of a reset are those of the request.
		reset: now.Add(time.Duration(period-now.Unix()%period) * time.Second),
	}
}

// limit counts a request and refuses it when a throttle is exceeded. It writes
// the headers of the throttle that is nearest to its end.
func (s *Server) limit(c *call, t *token) error {
	if !s.traits.limits {
		return nil
	}
	var tightest bucket
	for n, th := range throttles(c.r, t) {
		b := s.look(th, 1)
		if n == 0 || b.limit-b.count < tightest.limit-tightest.count {
			tightest = b
		}
		if b.count > b.limit {
			break
		}
	}
	tightest.tell(c.header)
	if tightest.count > tightest.limit {
		return refuse(http.StatusTooManyRequests, "Too many requests")
	}
	return nil
}

func throttles(r *http.Request, t *token) []throttle {
	q := r.URL.Query()
	paging := q.Get("page")+q.Get("min_id")+q.Get("max_id")+q.Get("since_id") != ""
	if t == nil {
		ip, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			ip = r.RemoteAddr
		}
		all := []throttle{{"unauthenticated", ip, 300, 5 * time.Minute}}
		if paging {
			all = append(all, throttle{"unauthenticated paging", ip, 300, 15 * time.Minute})
		}
		return all
	}
	user := t.account.ID
	all := []throttle{
		{"token", t.secret, 300, 5 * time.Minute},
		{"user", user, 1500, 5 * time.Minute},
	}
	if paging {
		all = append(all, throttle{"paging", user, 300, 15 * time.Minute})
	}
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/media"):
		all = append(all, throttle{"media", user, 30, 30 * time.Minute})
	case r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, "/api/v1/statuses/"):
		all = append(all, throttle{"delete", user, 30, 30 * time.Minute})
	}
	return all
}

// posting is the limit that counts only statuses that were really made.
func posting(a *account) throttle { return throttle{"statuses", a.ID, 300, 3 * time.Hour} }

// limitPosting refuses when the account has made too many statuses.
func (s *Server) limitPosting(c *call) error {
	if !s.traits.limits {
		return nil
	}
	if b := s.look(posting(c.me), 0); b.count >= b.limit {
		b.tell(c.header)
		return refuse(http.StatusTooManyRequests, "Too many statuses in three hours")
	}
	return nil
}

// countPosting counts a status that was made; its bucket is told when it is
// tighter than the one in the headers.
func (s *Server) countPosting(c *call) {
	if !s.traits.limits {
		return
	}
	b := s.look(posting(c.me), 1)
	if told, err := strconv.Atoi(c.header.Get("X-RateLimit-Remaining")); err != nil || b.left() < told {
		b.tell(c.header)
	}
}
