package webui

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sababan/sababan/checks/api"
)

// A browser asks for pages: Mastodon refuses (406) to make one for whoever
// takes JSON only.
type browser struct {
	wire http.RoundTripper
	// cookie sends one along. To a request with a cookie Mastodon 4.2 and later
	// answer "private, no-store", so that a page which passed every cache is not
	// put into one: with a query of its own it would lie there for days.
	cookie bool
}

func (b browser) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	if b.cookie {
		out.Header.Set("Cookie", "sababan=1")
	}
	return b.wire.RoundTrip(out)
}

// views are what the site answered.
type views struct {
	path string
	// fresh is the page past every cache, visitor as anybody gets it.
	fresh, visitor outcome
	// apiAsked tells that the API was asked, to explain a page that is not well;
	// apiWell that it answered, past every cache, and software by whose name.
	apiAsked, apiWell bool
	software          string
}

// The pages: the second one is asked where the first leads on to another.
const (
	frontPath = "/"
	aboutPath = "/about"
	apiPath   = "/api/v2/instance"
)

// uncached is a query that nobody has asked with before.
func uncached() url.Values { return url.Values{"sababan": {strings.ToLower(rand.Text())}} }

// ask asks for the page twice, and for the API where the page is not well.
func (c *check) ask(ctx context.Context) views {
	v := views{path: frontPath}
	v.fresh = c.page(ctx, c.fresh, frontPath, uncached(), c.patience.page)
	if v.fresh.why == redirected && c.own(v.fresh.to) {
		v.path = aboutPath
		v.fresh = c.page(ctx, c.fresh, aboutPath, uncached(), c.patience.page)
		if v.fresh.why == redirected && c.own(v.fresh.to) {
			v.fresh.state, v.fresh.why = unseen, signIn
		}
	}
	if v.fresh.state == unseen {
		return v
	}
	v.visitor = c.page(ctx, c.visitor, v.path, nil, sideTimeout)
	if v.fresh.state != ill {
		return v
	}
	ctx, cancel := context.WithTimeout(ctx, sideTimeout)
	defer cancel()
	v.apiAsked = true
	a, err := c.api.Probe(ctx, apiPath, uncached())
	if err != nil || cachedBy(a) != "" {
		return v
	}
	if in, err := a.InstanceV2(); err == nil {
		v.apiWell, v.software = true, api.Software(in.Version).Name
		if v.fresh.why == noRoot && v.software != "" && v.software != api.Mastodon {
			v.fresh.state, v.fresh.why = unseen, otherSoftware
		}
	}
	return v
}

// own tells whether a redirect leads to the site itself.
func (c *check) own(host string) bool { return host == "" || strings.EqualFold(host, c.site.Domain) }

func (c *check) page(ctx context.Context, as *api.Client, path string, query url.Values, timeout time.Duration) outcome {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a, err := as.Probe(ctx, path, query)
	o := read(a, err)
	if o.state == well || o.why == noRoot || o.why == noState {
		base := c.site.URL()
		base.Path = path
		o.page = parsePage(a.Body, base)
		switch {
		case !o.page.root:
			o.state, o.why = ill, noRoot
		case !o.page.state:
			o.state, o.why = ill, noState
		}
		if o.why == noRoot && maintaining(o.page.title) {
			o.why = maintenance
		}
	}
	return o
}

// cachedBy is the word of a cache that answered in the application's place, as
// nginx writes it into X-Cached with Mastodon's own configuration; "" where the
// application answered, or nobody says.
func cachedBy(a api.Answer) string {
	switch word := strings.ToUpper(a.Header.Get("X-Cached")); word {
	case "HIT", "STALE", "UPDATING", "REVALIDATED":
		return word
	}
	return ""
}
