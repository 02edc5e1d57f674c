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

// slow is the one finding; its subjects are what is asked.
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
		Rules: map[string]checks.Rule{slow: {Warning: checks.Looks{Open: 2, Resolve: 2}}},
		New: func(t checks.Table) (checks.Check, error) {
			if err := t.Decode(&struct{}{}); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			return newCheck(s, answerTimeout)
		},
	}
}

type check struct {
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
	return &check{api: asApp, page: asBrowser, wire: wire, timeout: timeout}, nil
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
// the API has to be found out.
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
	began := time.Now()
	rows := map[string][]sample{}
	var last round
	for i := 0; i < times && (i == 0 || time.Since(began) < rowTime); i++ {
		last = c.ask(ctx, &m)
		if ctx.Err() != nil {
			break
		}
		for side, s := range last.samples {
			rows[side] = append(rows[side], s)
		}
	}
	if len(rows) == 0 {
		return checks.Observation{}, &checks.Unseen{Why: textNoAnswer(last), Err: last.err}
	}
	now := time.Now()
	var o checks.Observation
	var lines []line
	for _, side := range []string{apiSide, page} {
		row := rows[side]
		if len(row) == 0 {
			o.Blind = append(o.Blind, checks.Blind{Code: slow, Subject: side, Why: textSideSilent(side)})
			continue
		}
		one := median(row)
		m.add(side, now, one)
		q := question{side: side, now: now, samples: m.Samples[side], watched: watched, open: m.Open[side]}
		if band, ok := past.Normal(responseTime, side, now); ok && band.Mid > 0 {
			q.normal = time.Duration(band.Mid * float64(time.Second))
		}
		if times > 1 {
			q.row = row
		}
		l, v, f := q.judge()
		lines = append(lines, l)
		if f != nil {
			o.Findings = append(o.Findings, *f)
		}
		switch {
		case v == slowNow || v == muchSlower:
			m.Open[side] = true
		case v == quick:
			delete(m.Open, side)
		case v == tooEarly && m.Open[side]:
			o.Blind = append(o.Blind, checks.Blind{Code: slow, Subject: side, Why: textTooEarly(side)})
		}
		o.Measures = append(o.Measures, checks.Measure{Name: responseTime, Subject: side, Value: one.took.Seconds(), Unit: checks.Seconds})
		if one.app > 0 {
			o.Measures = append(o.Measures, checks.Measure{Name: appTime, Subject: side, Value: one.app.Seconds(), Unit: checks.Seconds})
		}
	}
	o.Summary = summary(lines, o.Findings)
	b, err := json.Marshal(m)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("latency: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}
