// Package webui looks at a Mastodon as a browser would: the page, past every
// cache and as visitors get it, the files that the page names, and on the
// server itself the build on disk.
package webui

import (
	"context"
	"net"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings. Those of assets have the host as subject where it
// is not the site's own; the others are about the whole site.
const (
	codePage      = "page"
	codeSlow      = "slow"
	codeStale     = "stale"
	codeAsset     = "asset"
	codeIntegrity = "integrity"
	codeManifest  = "manifest"
)

// The codes of the events: the page tells another version of Mastodon than
// before, or names other files.
const (
	EventVersion = checks.EventUpdated
	EventAssets  = "assets"
)

// pageTime is the measure: from the request to the page's last byte, past
// every cache, without the making of the connection, in seconds.
const pageTime = "page_time"

// Bounds of a look.
const (
	pageTimeout = 10 * time.Second // defaults.md
	// sideTimeout is for what is only asked to explain the page (own).
	sideTimeout = 4 * time.Second
	// assetTimeout is for one file (own: on a line that makes a browser wait
	// longer nobody stays), walkTime for all of them.
	assetTimeout = 8 * time.Second
	walkTime     = 14 * time.Second
	// judgeTime is kept of a look's time to say what was seen (own).
	judgeTime = time.Second
	pageBytes = 2 << 20
	// assetBytes bounds one file as it is sent, assetUnpacked as it is read,
	// walkBytes all of them together (own; Mastodon's whole build is some
	// 20 MB, and a page names a tenth of it).
	assetBytes    = 8 << 20
	assetUnpacked = 32 << 20
	walkBytes     = 64 << 20
	// assetLimit is how many files of a page are looked at, and parallel how
	// many at a time (own).
	assetLimit = 40
	parallel   = 4
	// suspectLimit is how many that were found wrong are asked for again at each
	// look (own: enough to see an end, and no load on a server in trouble).
	suspectLimit = 8
)

// Kind makes the check of a site's pages as a browser sees them.
func Kind(s *site.Site) checks.Kind {
	page := checks.Rule{Warning: checks.Looks{Open: 3, Resolve: 2}}  // defaults.md
	asset := checks.Rule{Warning: checks.Looks{Open: 2, Resolve: 1}} // defaults.md
	return checks.Kind{
		Name:  "webui",
		Title: checks.Text{En: "web UI", Ja: "Web画面"},
		Graphs: []checks.Graph{
			{Measure: "page_time", Title: checks.Text{En: "time of the page", Ja: "ページの応答時間"}},
		},
		Words: checks.Words{
			En: []string{"web ui", "web-ui", "web", "pages", "front page", "assets", "browser"},
			Ja: []string{"Web画面", "ウェブ画面", "Web UI", "画面", "トップページ", "アセット", "ブラウザ"},
		},
		Scope:       checks.Site,
		After:       []string{"certs", "services", "database", "redis", "memory", "disk"},
		Cron:        "* * * * *", // defaults.md
		AfterUpdate: true,
		Timeout:     28 * time.Second,
		Rules: map[string]checks.Rule{
			codePage: page, codeSlow: page, codeStale: page,
			codeAsset: asset, codeIntegrity: asset, codeManifest: asset,
		},
		New: func(t checks.Table) (checks.Check, error) {
			if err := t.Decode(&struct{}{}); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			return newCheck(s, nil, patience{pageTimeout, assetTimeout})
		},
	}
}

// patience is for how long the page, and one file, is waited for.
type patience struct{ page, asset time.Duration }

type check struct {
	site *site.Site
	// api asks as an app does, fresh as a browser that no cache answers, and
	// visitor as anybody else's browser.
	api, fresh, visitor *api.Client
	// pages and wire lead to the site, elsewhere to other hosts.
	pages, wire, elsewhere *api.Transport
	patience               patience
}

// dialer opens the connections to other hosts than the site's; nil is usual.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

func newCheck(s *site.Site, dial dialer, p patience) (*check, error) {
	c := &check{site: s, patience: p}
	c.wire = api.NewTransport(api.Options{
		UserAgent: "sababan", Address: s.Address, Roots: s.Roots,
		MaxBody: assetBytes, HeaderTimeout: p.asset, Timeout: p.asset, Brief: true,
	})
	c.elsewhere = api.NewTransport(api.Options{
		UserAgent: "sababan", Dial: dial, Roots: s.Roots,
		MaxBody: assetBytes, HeaderTimeout: p.asset, Timeout: p.asset, Brief: true,
	})
	c.pages = api.NewTransport(api.Options{
		UserAgent: "sababan", Address: s.Address, Roots: s.Roots,
		MaxBody: pageBytes, HeaderTimeout: p.page, Timeout: p.page, Brief: true,
	})
	var err error
	if c.api, err = api.New("https://"+s.Domain, checks.Secret{}, c.pages); err != nil {
		return nil, err
	}
	if c.fresh, err = api.New("https://"+s.Domain, checks.Secret{}, browser{wire: c.pages, cookie: true}); err != nil {
		return nil, err
	}
	c.visitor, err = api.New("https://"+s.Domain, checks.Secret{}, browser{wire: c.pages})
	return c, err
}

// Look asks for the page, and for its files when they are due.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, false)
}

// LookThoroughly asks for everything now.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, asked bool) (checks.Observation, error) {
	defer c.pages.CloseIdle()
	defer c.wire.CloseIdle()
	defer c.elsewhere.CloseIdle()
	m := remembered(past)
	v := c.ask(ctx)
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	if v.fresh.state == unseen {
		return checks.Observation{}, &checks.Unseen{Why: textUnseen(v.fresh), Advice: adviceUnseen(v.fresh, c.site.Domain), Err: v.fresh.err}
	}
	now := time.Now()
	found := c.site.Find(ctx)
	l := &looked{domain: c.site.Domain, offline: c.site.Offline, now: now, waits: c.patience.page, found: found, views: v, before: m, after: m.clone()}
	if band, ok := past.Normal(pageTime, "", now); ok && band.Mid > 0 {
		l.normal = time.Duration(band.Mid * float64(time.Second))
	}
	l.changes()
	l.scope, _ = due(moment{
		now: now, last: m.Walked, asked: asked, changed: l.changed,
		back: m.PageIll, ill: len(m.Ill) > 0,
	})
	stamp := stampOf(c.site.Root, found.Live)
	if l.scope != none || v.fresh.state == ill || m.Build || stamp != m.Stamp {
		l.build, l.readBuild = readBuild(ctx, c.site.Root, found.Live), true
		l.after.Stamp = stamp
	}
	if v.fresh.state == well {
		c.walk(ctx, l)
	}
	l.onDisk(c.site.Root)
	return l.judge()
}
