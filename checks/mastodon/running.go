package mastodon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/sababan/sababan/checks/api"
)

// running is what the server says of itself.
type running struct {
	version version // zero where it does not say
	fork    string  // what a fork calls itself; "" for Mastodon itself
	source  string  // where the fork's code is; "" where that cannot be said
	other   string  // another software, by its name
	failing bool    // the web process answers with errors (5xx)
	err     error
}

// askRunning reads /api/v2/instance, or what older versions have.
func (c *check) askRunning(ctx context.Context) running {
	a, err := c.client.Probe(ctx, "/api/v2/instance", nil)
	read := api.Answer.InstanceV2
	if err == nil && a.Code == http.StatusNotFound { // before Mastodon 4.0
		a, err = c.client.Probe(ctx, "/api/v1/instance", nil)
		read = api.Answer.InstanceV1
	}
	r := running{failing: err == nil && a.Code >= http.StatusInternalServerError}
	if err != nil {
		r.err = err
		return r
	}
	if strings.EqualFold(a.Header.Get("X-Cached"), "STALE") {
		// What answered is the proxy's memory of another day.
		r.err = errStale
		return r
	}
	in, err := read(a)
	if err != nil {
		r.err = err
		return r
	}
	if p := api.Software(in.Version); p.Name != api.Mastodon {
		r.other = plain(strings.ReplaceAll(in.Version, " ", "_"))
		return r
	}
	r.version, r.fork = versionOf(in.Version), forkName(in.Version)
	var more struct {
		Source any `json:"source_url"`
	}
	if a.Decode(&more) == nil {
		if s, ok := more.Source.(string); ok {
			r.source = link(s)
		}
	}
	return r
}

var errStale = errors.New("an old answer out of the proxy's cache")

// publicPaths are places that nobody has to sign in for, and that read the
// database.
var publicPaths = []string{"/api/v1/timelines/public", "/about"}

// failing tells whether one of them answers with an error of the server's.
func (c *check) failing(ctx context.Context) bool {
	codes := make([]int, len(publicPaths))
	var all sync.WaitGroup
	for i, p := range publicPaths {
		all.Go(func() {
			// Past the caches, which keep a page for a quarter of a minute.
			if a, err := c.client.Probe(ctx, p, url.Values{"limit": {"1"}, "sababan": {"mastodon"}}); err == nil {
				codes[i] = a.Code
			}
		})
	}
	all.Wait()
	for _, code := range codes {
		if code >= http.StatusInternalServerError {
			return true
		}
	}
	return false
}

// maxNotes is how long an address may be, in bytes (own).
const maxNotes = 200

var linkForm = regexp.MustCompile(`^https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~%+/-]*)?$`)

// link is an address that can be said: https, short, and without anything that
// could be taken for something else; "" for all others.
func link(s string) string {
	if len(s) > maxNotes || !linkForm.MatchString(s) {
		return ""
	}
	return s
}
