// Package redis looks whether Redis does what Mastodon needs of it: answers,
// takes writes, saves them to disk, has room, and throws nothing away.
package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings. Their subject is "" where there is one Redis, else
// "base" or "sidekiq".
const (
	codeAnswer   = "answer"
	codeWrites   = "save"
	codeRewrite  = "rewrite"
	codeSaved    = "saved"
	codeRole     = "role"
	codeMemory   = "memory"
	codeEviction = "eviction"
	codeSlow     = "slow"
	codeClients  = "clients"
)

// The subjects where Sidekiq has a Redis of its own.
const (
	baseSubject = "base"
	jobsSubject = "sidekiq"
)

// patience is how long one server may take for everything (own: one that needs
// longer serves nobody).
const patience = 5 * time.Second

// Kind makes the check of the main Redis and of Sidekiq's, which are usually
// the same server and then looked at once.
//
// Measures, with the findings' subjects: answer_time in seconds, used_bytes,
// clients.
func Kind(s *site.Site) checks.Kind {
	looks := checks.Looks{Open: 3, Resolve: 2} // defaults
	rule := checks.Rule{Warning: looks, Critical: looks}
	rules := map[string]checks.Rule{}
	for _, code := range []string{codeAnswer, codeWrites, codeRewrite, codeSaved, codeRole, codeMemory, codeSlow, codeClients} {
		rules[code] = rule
	}
	// What is thrown away is thrown away in bursts (own: an hour).
	rules[codeEviction] = checks.Rule{Warning: looks, Critical: looks, Calm: time.Hour}
	return checks.Kind{
		Name:  "redis",
		Title: checks.Text{En: "Redis", Ja: "Redis"},
		Graphs: []checks.Graph{
			{Measure: "used_bytes", Title: checks.Text{En: "memory used", Ja: "メモリ使用量"}},
			{Measure: "answer_time", Title: checks.Text{En: "answer time", Ja: "応答時間"}},
			{Measure: "clients", Title: checks.Text{En: "clients", Ja: "接続数"}},
		},
		Words: checks.Words{
			En: []string{"valkey", "misconf", "key-value store"},
			Ja: []string{"レディス", "Redis"},
		},
		Scope:       checks.Site,
		After:       []string{"services", "disk", "memory"},
		Cron:        "* * * * *", // defaults
		AfterUpdate: true,
		Timeout:     15 * time.Second,
		Rules:       rules,
		New: func(t checks.Table) (checks.Check, error) {
			if err := t.Decode(&struct{}{}); err != nil {
				return nil, err
			}
			if err := s.NeedRedis(); err != nil {
				return nil, err
			}
			return &check{site: s}, nil
		},
	}
}

type check struct {
	site   *site.Site
	limits checks.SeenLimits
}

// memory is what one look tells the next.
type memory struct {
	// One tells that both addresses were seen to lead to the same server.
	One bool `json:"one"`
	// Servers are the counters by subject; who is there has answered once.
	Servers map[string]counters `json:"servers"`
	// Open are the codes, by subject, that were found and have not been seen well
	// since.
	Open map[string][]string `json:"open,omitempty"`
}

// counters are those that a server begins anew at each start.
type counters struct {
	Run     string    `json:"run"`
	At      time.Time `json:"at"`
	Evicted float64   `json:"evicted"`
	Full    float64   `json:"full"` // writes refused for want of memory
}

const memoryKey = "memory"

func recall(past checks.Past) memory {
	var m memory
	if b, ok := past.Load(memoryKey); ok {
		if json.Unmarshal(b, &m) != nil {
			return memory{} // as if nothing had been seen
		}
	}
	return m
}

// seen is one server: what it said, or why it said nothing.
type seen struct {
	reading
	err error
}

// Look asks both servers for INFO and PING.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	before := recall(past)
	base := c.ask(ctx, c.site.Redis())
	base.jobs = true
	servers := []seen{base}
	one := true
	if place := c.site.SidekiqRedis().Place(ctx); place != "" && place != base.place {
		jobs := c.ask(ctx, c.site.SidekiqRedis())
		jobs.jobs = true
		if one = same(base, jobs, before.One); !one {
			base.jobs = false
			base.subject, jobs.subject = baseSubject, jobsSubject
			servers = []seen{base, jobs}
		}
	}
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	now := time.Now()
	m := machine{found: c.site.Find(ctx), proc: c.site.Proc, root: c.site.Root}
	next := memory{One: one, Servers: map[string]counters{}}
	var o checks.Observation
	var unseen error
	for _, s := range servers {
		was, known := before.Servers[s.subject]
		if s.err == nil {
			next.Servers[s.subject] = s.counters(now)
			usual, _ := past.Normal("used_bytes", s.subject, now)
			o = add(o, judge(s.reading, was, usual, m, now))
			c.see(s.reading)
			if s.loading() {
				// What else it says now is of no worth.
				o.Blind = append(o.Blind, besides(s.subject, before.Open[s.subject], textLoading(s.reading, now).Headline())...)
			}
			continue
		}
		if known {
			next.Servers[s.subject] = was
		}
		if f, ok := silent(s, known || !guessed(s.place, m.found.Settings), m, now); ok {
			o.Findings = append(o.Findings, f)
			o.Blind = append(o.Blind, besides(s.subject, before.Open[s.subject], f.Text.Headline())...)
			continue
		}
		var missing *checks.NotSetUp
		if len(servers) == 1 || errors.As(s.err, &missing) {
			return checks.Observation{}, s.err
		}
		unseen = errors.Join(unseen, s.err)
		why, mend := checks.Explain(s.err)
		o.Blind = append(o.Blind, checks.Blind{Subject: s.subject, Why: why, Mend: mend})
	}
	if len(o.Measures) == 0 && len(o.Findings) == 0 {
		return checks.Observation{}, unseen
	}
	o.Summary = summary(servers, past, now)
	next.Open = stillOpen(before.Open, o)
	b, err := json.Marshal(next)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("redis: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

func add(a, b checks.Observation) checks.Observation {
	a.Findings = append(a.Findings, b.Findings...)
	a.Measures = append(a.Measures, b.Measures...)
	a.Blind = append(a.Blind, b.Blind...)
	return a
}

// same tells whether two addresses lead to one server. Where one of them does
// not answer, what was seen before counts.
func same(a, b seen, before bool) bool {
	if a.err == nil && b.err == nil {
		return a.run != "" && a.run == b.run
	}
	return before
}

// guessed tells that the address is Mastodon's default, and that nothing says
// that it is used.
func guessed(place string, settings map[string]string) bool {
	for _, name := range []string{"REDIS_URL", "REDIS_HOST", "REDIS_SENTINELS", "SIDEKIQ_REDIS_URL", "SIDEKIQ_REDIS_HOST"} {
		if settings[name] != "" {
			return false
		}
	}
	return place == "localhost:6379"
}

// besides holds what is open about a server that does not answer: a finding
// already tells why.
func besides(subject string, open []string, why checks.Text) []checks.Blind {
	var out []checks.Blind
	for _, code := range open {
		if code != codeAnswer {
			out = append(out, checks.Blind{Code: code, Subject: subject, Why: why})
		}
	}
	return out
}

// stillOpen is what was found now, and what was before and either holds or
// could not be seen now.
func stillOpen(before map[string][]string, o checks.Observation) map[string][]string {
	open := map[string][]string{}
	for _, f := range o.Findings {
		if !f.Holds || slices.Contains(before[f.Subject], f.Code) {
			open[f.Subject] = append(open[f.Subject], f.Code)
		}
	}
	for subject, codes := range before {
		for _, code := range codes {
			hidden := slices.ContainsFunc(o.Blind, func(b checks.Blind) bool { return b.Hides(checks.Key{Code: code, Subject: subject}) })
			if hidden && !slices.Contains(open[subject], code) {
				open[subject] = append(open[subject], code)
			}
		}
	}
	return open
}
