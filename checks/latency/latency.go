// Package latency times how a server answers: its API and a page that no cache
// answers for, against what is normal for this server at this hour.
package latency

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// slow is the finding of the windows; its subjects are what is asked.
const (
	slow    = "slow"
	apiSide = "api"
	page    = "page"
)

// The measures, in seconds, subject "api" and "page".
const (
	// responseTime is from the request to the answer's last byte, without the
	// making of the connection.
	responseTime = "response_time"
	// appTime is what the application says that it took (X-Runtime).
	appTime = "app_time"
	// directTime is the API's past the proxy, subject "api".
	directTime = "direct_time"
	// pumaBacklog is how many requests wait for a thread of puma's, a count.
	pumaBacklog = "puma_backlog"
)

// Bounds of a look (own).
const (
	// answerTimeout is how long an answer is waited for; one that does not come
	// counts as having taken this long.
	answerTimeout = 10 * time.Second
	maxBody       = 1 << 20
	// inARow is how many samples a look that was asked for by name takes, and
	// rowTime when it begins no more of them.
	inARow  = 5
	rowTime = 12 * time.Second
)

// Kind makes the check of a site's answer times.
func Kind(s *site.Site) checks.Kind {
	return checks.Kind{
		Name:  "latency",
		Title: checks.Text{En: "response time", Ja: "応答時間"},
		Graphs: []checks.Graph{
			{Measure: "response_time"},
			{Measure: "app_time", Title: checks.Text{En: "time in the application", Ja: "アプリ内の処理時間"}},
			{Measure: "puma_backlog"},
		},
		Words: checks.Words{
			En: []string{"response time", "response-time", "speed", "slow"},
			Ja: []string{"応答時間", "応答", "反応", "速度", "遅い", "重い"},
		},
		Scope:   checks.Site,
		After:   []string{"instance", "certs", "services", "memory", "disk"},
		Cron:    "* * * * *",
		Timeout: 25 * time.Second,
		// The windows of ten minutes are compared in the judgement itself, so
		// that two looks are only what guards against one strange minute.
		Rules: map[string]checks.Rule{
			slow:   {Warning: checks.Looks{Open: 2, Resolve: 2}},
			hourly: {Warning: checks.Looks{Open: 2, Resolve: 2}},
		},
		Settings: func() any { return &Config{} },
		New: func(t checks.Table) (checks.Check, error) {
			var config Config
			if err := t.Decode(&config); err != nil {
				return nil, err
			}
			if err := config.mistake(); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			c, err := newCheck(s, answerTimeout)
			if err != nil {
				return nil, err
			}
			c.config = config
			return c, nil
		},
	}
}

type check struct {
	site      *site.Site
	domain    string
	config    Config
	api, page *api.Client
	wire      *api.Transport
	timeout   time.Duration
}

func newCheck(s *site.Site, timeout time.Duration) (*check, error) {
	wire := api.NewTransport(api.Options{
		UserAgent: "sababan", Address: s.Address, Roots: s.Roots,
		MaxBody: maxBody, HeaderTimeout: timeout, Timeout: timeout, Brief: true,
	})
	asApp, err := api.New("https://"+s.Domain, checks.Secret{}, wire)
	if err != nil {
		return nil, err
	}
	asBrowser, err := api.New("https://"+s.Domain, checks.Secret{}, browser{wire})
	if err != nil {
		return nil, err
	}
	return &check{site: s, domain: s.Domain, api: asApp, page: asBrowser, wire: wire, timeout: timeout}, nil
}

// A browser asks for pages: Mastodon refuses (406) to make one for whoever
// takes JSON only.
type browser struct{ wire http.RoundTripper }

func (b browser) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Header.Set("Accept", "text/html")
	return b.wire.RoundTrip(out)
}

// Look takes one sample of each side: two requests, three where the way to ask
// the API has to be found out; and on the machine of the Mastodon one past the
// proxy, and one to the collector of puma's numbers.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, 1)
}

// LookThoroughly takes a few samples in a row, so that there is a number to
// say at once. They count as one sample, their median.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, inARow)
}

func (c *check) look(ctx context.Context, past checks.Past, times int) (checks.Observation, error) {
	defer c.wire.CloseIdle()
	m, watched := remembered(past)
	if !watched {
		m.apart = turns * (1 + int(time.Now().UnixMilli()%apartFor.Milliseconds()))
	}
	puma, exporter := c.config.places(c.site.Find(ctx))
	began := time.Now()
	rows := map[string][]sample{}
	var last round
	for i := 0; i < times && (i == 0 || time.Since(began) < rowTime); i++ {
		last = c.ask(ctx, &m, puma)
		if ctx.Err() != nil {
			break
		}
		for side, s := range last.samples {
			rows[side] = append(rows[side], s)
		}
	}
	if len(rows) == 0 && (!last.hung || ctx.Err() != nil) {
		return checks.Observation{}, &checks.Unseen{Why: textNoAnswer(last), Err: last.err}
	}
	l := &looking{memory: m, past: past, now: time.Now(), began: began, watched: watched, named: times > 1}
	if exporter != "" {
		l.waiting, l.counted = c.backlog(ctx, exporter)
	}
	for _, side := range []string{apiSide, page} {
		switch {
		case len(rows[side]) > 0:
			l.side(side, rows[side])
		case last.hung:
			l.hung(side)
		default:
			l.seen.Blind = append(l.seen.Blind, checks.Blind{Code: slow, Subject: side, Why: textSideSilent(side)})
		}
		l.everyHour(side)
	}
	if l.counted {
		l.measure(pumaBacklog, "", float64(l.waiting), checks.Count)
	}
	l.seen.Summary = summary(l.lines, l.seen.Findings)
	if last.hung {
		l.seen.Summary = textHung(c.timeout)
	}
	b, err := json.Marshal(l.memory)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("latency: %w", err)
	}
	l.seen.Remember = map[string][]byte{memoryKey: b}
	return l.seen, nil
}
