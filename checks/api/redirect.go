package api

import (
	"fmt"
	"net/http"
	"strings"
)

const maxRedirects = 3 // own

// SameSite is a [http.Client.CheckRedirect]: it follows at most three
// redirects, never to another scheme, and leaves the token behind when the
// way has touched another host or port. Only reads are followed: a redirected
// POST would become a GET whose 200 means nothing, so its 3xx is the answer.
func SameSite(req *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet && first.Method != http.MethodHead {
		return http.ErrUseLastResponse
	}
	to := oneLine(req.URL.Redacted(), maxWords)
	if len(via) > maxRedirects {
		return fmt.Errorf("redirected more than %d times, last to %q", maxRedirects, to)
	}
	if req.URL.Scheme != first.URL.Scheme {
		return fmt.Errorf("redirected from %s to another scheme: %q", first.URL.Scheme, to)
	}
	away := !strings.EqualFold(req.URL.Host, first.URL.Host)
	for _, r := range via {
		away = away || !strings.EqualFold(r.URL.Host, first.URL.Host)
	}
	if away {
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	return nil
}
