// Package instance looks whether a server tells what it is: /api/v1/instance,
// which apps recognise a server by, and /api/v2/instance.
package instance

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings, and the two places that are asked; their findings
// are about the whole site and have no subject.
const (
	v1        = "v1"
	v2        = "v2"
	slow      = "slow"
	challenge = "challenge"
)

// answerTime is the measure of both places, subject "v1" and "v2", in seconds,
// without the making of the connection.
const answerTime = "answer_time"

// Bounds of one question (own).
const (
	headerTimeout = 10 * time.Second
	wholeTimeout  = 12 * time.Second
	maxBody       = 1 << 20
)

// Kind makes the check of a site's instance API.
func Kind(s *site.Site) checks.Kind {
	rule := checks.Rule{Warning: checks.Looks{Open: 3, Resolve: 2}} // defaults.md
	return checks.Kind{
		Name:  "instance",
		Title: checks.Text{En: "instance API", Ja: "インスタンスAPI"},
		Graphs: []checks.Graph{
			{Measure: "answer_time", Title: checks.Text{En: "answer time", Ja: "応答時間"}},
		},
		Words: checks.Words{
			En: []string{"instance api", "instance-api", "v1/instance", "v2/instance"},
			Ja: []string{"インスタンス", "インスタンスAPI", "サーバー情報"},
		},
		Scope:   checks.Site,
		After:   []string{"certs", "services", "webui", "database"},
		Cron:    "*/5 * * * *",
		Timeout: 20 * time.Second,

		AfterUpdate: true,
		Rules:       map[string]checks.Rule{v1: rule, v2: rule, slow: rule, challenge: rule},
		New: func(t checks.Table) (checks.Check, error) {
			if err := t.Decode(&struct{}{}); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			return newCheck(s)
		},
	}
}

type check struct {
	site   *site.Site
	domain string
	client *api.Client
	wire   *api.Transport
}

func newCheck(s *site.Site) (*check, error) {
	wire := api.NewTransport(api.Options{
		UserAgent: "sababan", Address: s.Address, Roots: s.Roots,
		MaxBody: maxBody, HeaderTimeout: headerTimeout, Timeout: wholeTimeout, Brief: true,
	})
	client, err := api.New("https://"+s.Domain, checks.Secret{}, wire)
	if err != nil {
		return nil, err
	}
	return &check{site: s, domain: s.Domain, client: client, wire: wire}, nil
}

// Look asks both places at once. An answer from the server's own cache (five
// minutes) is as good as any: it is what apps get.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	defer c.wire.CloseIdle()
	var first, second outcome
	var both sync.WaitGroup
	both.Go(func() { first = read(c.ask(ctx, "/api/v1/instance"), api.Answer.InstanceV1) })
	both.Go(func() { second = read(c.ask(ctx, "/api/v2/instance"), api.Answer.InstanceV2) })
	both.Wait()
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	if first.state == unseen && second.state == unseen {
		return checks.Observation{}, &checks.Unseen{Why: textUnseen(second), Advice: adviceUnseen(second, c.domain), Err: second.err}
	}
	now := time.Now()
	q := question{
		domain: c.domain,
		usual:  func(which string) (checks.Band, bool) { return past.Normal(answerTime, which, now) },
	}
	if viewEmpty(first, second) {
		q.views = c.emptyViews(ctx)
	}
	if b, ok := past.Load(openKey); ok {
		// What cannot be read is as if nothing had been open.
		_ = json.Unmarshal(b, &q.open)
	}
	o := judge(q, first, second)
	b, err := json.Marshal(stillOpen(q.open, o))
	if err != nil {
		return checks.Observation{}, fmt.Errorf("instance: %w", err)
	}
	o.Remember = map[string][]byte{openKey: b}
	if version := versionOf(first, second); version != "" {
		o.Remember[versionKey] = []byte(version)
		if before, ok := past.Load(versionKey); ok && string(before) != version {
			o.Events = append(o.Events, checks.Event{
				At: now, Code: checks.EventUpdated, Subject: plain(version), Text: textUpdated(string(before), version),
			})
		}
	}
	return o, nil
}

// versionKey remembers which version answered last.
const versionKey = "version"

// versionOf is the version that answers; "" where none does, or an old answer
// out of a cache.
func versionOf(first, second outcome) string {
	for _, o := range []outcome{second, first} {
		if o.state == well && !o.stale {
			return o.in.Version
		}
	}
	return ""
}

// views are what the database tells of materialized views that were never
// filled.
type views struct {
	seen     bool
	database string
	empty    []string
}

// emptyViews asks the database, where there is one to ask; not seeing it is no
// trouble of this check's.
func (c *check) emptyViews(ctx context.Context) views {
	if c.site.NeedDatabase() != nil {
		return views{}
	}
	v := views{database: c.site.Database().Name()}
	err := c.site.Database().Read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT matviewname::text FROM pg_matviews WHERE schemaname = 'public' AND NOT ispopulated ORDER BY 1 LIMIT 20`)
		if err != nil {
			return err
		}
		v.empty, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	v.seen = err == nil
	return v
}

// openKey remembers the codes that were found and have not been seen well
// since.
const openKey = "open"

// asked is an answer and the error beside it.
type asked struct {
	answer api.Answer
	err    error
}

func (c *check) ask(ctx context.Context, path string) asked {
	a, err := c.client.Probe(ctx, path, nil)
	return asked{a, err}
}
