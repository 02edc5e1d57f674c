package api

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Bucket is a group of requests that a server counts together.
type Bucket string

// The buckets of Mastodon's rate limits. Its headers describe whichever limit
// is nearest to exhaustion, so the numbers are kept apart by what was asked.
const (
	Calls   Bucket = "calls"   // anything else: 300 in 5 min and token
	Paging  Bucket = "paging"  // with page, min_id, max_id or since_id: 300 in 15 min
	Posts   Bucket = "posts"   // new and edited statuses: 300 in 3 h
	Media   Bucket = "media"   // uploads: 30 in 30 min
	Deletes Bucket = "deletes" // of statuses: 30 in 30 min
)

// A Budget is what a server said last of a limit. Reset is zero where it did
// not say when the count begins anew.
type Budget struct {
	Limit, Remaining int
	Reset            time.Time
	Seen             time.Time
}

// A RateLimitError is a 429. Reset is when to ask again: never sooner than a
// second and never later than three hours after the answer.
type RateLimitError struct {
	Method, Path     string
	Limit, Remaining int
	Reset            time.Time
}

func (e *RateLimitError) Error() string {
	return fmt.Sprintf("%s %s: too many requests, again at %s", e.Method, e.Path, e.Reset.UTC().Format(time.RFC3339))
}

// Budget returns what the server said last of each limit.
func (t *Transport) Budget() map[Bucket]Budget {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.budget)
}

func (t *Transport) remember(req *http.Request, h http.Header, now time.Time) {
	limit, okLimit := count(h.Get("X-RateLimit-Limit"))
	remaining, okRemaining := count(h.Get("X-RateLimit-Remaining"))
	if !okLimit || !okRemaining {
		return
	}
	b := Budget{Limit: limit, Remaining: remaining, Seen: now}
	if reset, ok := resetTime(h, now); ok {
		b.Reset = bounded(reset, now)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.budget[bucket(req)] = b
}

func bucket(req *http.Request) Bucket {
	path := req.URL.Path
	switch statuses := strings.HasPrefix(path, "/api/v1/statuses"); {
	case statuses && req.Method == http.MethodDelete:
		return Deletes
	case statuses && (req.Method == http.MethodPost && path == "/api/v1/statuses" || req.Method == http.MethodPut):
		return Posts
	case req.Method == http.MethodPost && (path == "/api/v1/media" || path == "/api/v2/media"):
		return Media
	}
	query := req.URL.Query()
	for _, name := range []string{"page", "min_id", "max_id", "since_id"} {
		if query.Has(name) {
			return Paging
		}
	}
	return Calls
}

func rateLimited(req *http.Request, h http.Header, now time.Time) *RateLimitError {
	limit, _ := count(h.Get("X-RateLimit-Limit"))
	remaining, _ := count(h.Get("X-RateLimit-Remaining"))
	reset, ok := resetTime(h, now)
	if !ok {
		reset = now.Add(resetUnknown)
	}
	return &RateLimitError{
		Method: req.Method, Path: req.URL.Path,
		Limit: limit, Remaining: remaining, Reset: bounded(reset, now),
	}
}

// How long a 429 is obeyed (own). The longest window of Mastodon's that
// matters here is the three hours for posts.
const (
	resetUnknown  = 60 * time.Second
	resetSoonest  = time.Second
	resetLatest   = 3 * time.Hour
	clockTolerant = 5 * time.Second
)

func bounded(reset, now time.Time) time.Time {
	if soonest := now.Add(resetSoonest); reset.Before(soonest) {
		return soonest
	}
	if latest := now.Add(resetLatest); reset.After(latest) {
		return latest
	}
	return reset
}

// resetTime reads X-RateLimit-Reset, else Retry-After. Mastodon and
// GoToSocial write an ISO-8601 time, others seconds since 1970 or from now.
// A time of the server's is moved by how far its clock, told by the Date
// header, stands from ours.
func resetTime(h http.Header, now time.Time) (time.Time, bool) {
	for _, name := range []string{"X-RateLimit-Reset", "Retry-After"} {
		reset, absolute, ok := instant(strings.TrimSpace(h.Get(name)), now)
		if !ok {
			continue
		}
		if date, err := http.ParseTime(h.Get("Date")); absolute && err == nil {
			if skew := date.Sub(now); skew.Abs() > clockTolerant {
				reset = reset.Add(-skew)
			}
		}
		return reset, true
	}
	return time.Time{}, false
}

// instant reads one way of writing a time; absolute says that it was written
// by the server's clock.
func instant(s string, now time.Time) (at time.Time, absolute, ok bool) {
	if s == "" {
		return time.Time{}, false, false
	}
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return at, true, true
	}
	if at, err := http.ParseTime(s); err == nil {
		return at, true, true
	}
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(n) || n < 0 || n > 1e14:
		return time.Time{}, false, false
	case n >= 1e11: // milliseconds since 1970
		return time.UnixMilli(int64(n)), true, true
	case n >= 1e9: // seconds since 1970
		return time.Unix(int64(n), 0), true, true
	case n > resetLatest.Seconds():
		return now.Add(resetLatest), false, true
	default:
		return now.Add(time.Duration(n * float64(time.Second))), false, true
	}
}

func count(s string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return 0, false
	}
	return n, true
}
