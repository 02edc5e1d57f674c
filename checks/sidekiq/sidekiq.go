// Package sidekiq looks whether Mastodon's jobs are done: whether every queue
// is served by a process that lives, how long jobs wait, what fails, and
// whether what is done by the clock has had its effect.
package sidekiq

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings, and what their subjects are.
const (
	codeProcess   = "process"   // none lives
	codeUnserved  = "unserved"  // a queue
	codeScheduler = "scheduler" // served by more than one, or none
	codeLatency   = "latency"   // a queue
	codeStill     = "still"
	// The rest is looked at every quarter of an hour.
	codeFailed   = "failed"
	codeDead     = "dead"
	codeRetries  = "retries"
	codeHost     = "host"     // a host that jobs fail for
	codeRunning  = "running"  // the class of a job
	codeSchedule = "schedule" // the name of a scheduled job; "" for many
	codeEffect   = "effect"   // a table or view
	codeOverdue  = "overdue"  // posts planned for a time that is past
)

// Kind makes the check of Sidekiq: of its Redis, and of the traces that its
// scheduled jobs leave in the database.
//
// Measures: oldest_job in seconds, with a queue as subject; waiting, retries,
// dead, processes, busy as counts; every quarter of an hour also
// processed_hour, retry_growth (of an hour) as counts and failed_ratio.
func Kind(s *site.Site) checks.Kind {
	soon := checks.Looks{Open: 3, Resolve: 2} // defaults
	return checks.Kind{
		Name:  "sidekiq",
		Title: checks.Text{En: "Sidekiq", Ja: "Sidekiq"},
		Graphs: []checks.Graph{
			{Measure: "oldest_job", Title: checks.Text{En: "oldest job", Ja: "最も古いジョブの待ち時間"}},
			{Measure: "waiting", Title: checks.Text{En: "jobs waiting", Ja: "待ちジョブ数"}},
			{Measure: "retries", Title: checks.Text{En: "retries", Ja: "再試行数"}},
			{Measure: "dead", Title: checks.Text{En: "dead jobs", Ja: "デッドジョブ数"}},
			{Measure: "processed_hour", Title: checks.Text{En: "jobs in an hour", Ja: "1時間の処理数"}},
		},
		Words: checks.Words{
			En: []string{"queue", "queues", "jobs", "scheduler", "retries", "worker", "workers"},
			Ja: []string{"キュー", "ジョブ", "詰まり", "遅延", "滞留", "再試行", "スケジューラー", "スケジューラ", "詰ま", "溜ま", "たまって", "たまり", "プッシュ通知", "通知が届かない", "通知が遅"},
		},
		Scope:       checks.Site,
		After:       []string{"redis", "services", "database"},
		Cron:        "* * * * *", // defaults
		AfterUpdate: true,
		Timeout:     20 * time.Second,
		Rules: map[string]checks.Rule{
			codeProcess:   {Critical: soon},
			codeUnserved:  {Critical: soon},
			codeScheduler: {Critical: soon},
			codeLatency:   {Warning: checks.Looks{Open: 5, Resolve: 5}, Critical: checks.Looks{Open: 10, Resolve: 5}}, // defaults
			codeStill:     {Critical: checks.Looks{Open: 4, Resolve: 2}},                                              // defaults
		},
		Reads: []checks.Reads{
			{Table: "instances", Columns: []string{"domain"}},
			{Table: "accounts", Columns: []string{"id", "domain"}},
			{Table: "software_updates", Columns: []string{"version", "created_at"}},
			{Table: "scheduled_statuses", Columns: []string{"scheduled_at"}},
		},
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

type check struct{ site *site.Site }

// quarter is how often it is looked into what waits and what was done
// (defaults); a little less, so that the tick that is meant is not missed.
const quarter = 15*time.Minute - 20*time.Second

// memory is what one look tells the next.
type memory struct {
	// Known tells that Sidekiq was seen in this Redis.
	Known bool `json:"known"`
	// Processed is the counter, and Moved when it was last seen to change.
	Processed float64   `json:"processed"`
	Moved     time.Time `json:"moved"`
	// Marks are the counters of the last hour, the oldest first.
	Marks []mark `json:"marks"`
	// Ran is when each scheduled job was last seen to be enqueued; Sidekiq's
	// scheduler forgets after a day.
	Ran map[string]time.Time `json:"ran,omitempty"`
	// Deep is what the last look into the depth found.
	Deep deep `json:"deep"`
}

// deep is what is found only every quarter of an hour; in between it stays.
type deep struct {
	At       time.Time        `json:"at"`
	Findings []checks.Finding `json:"findings,omitempty"`
	Blind    []checks.Blind   `json:"blind,omitempty"`
	// Line is what the summary says of it.
	Line checks.Text `json:"line,omitzero"`
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

// Look looks at processes and queues, and every quarter of an hour into the
// depth.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, false)
}

// LookThoroughly looks into the depth at once.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, thorough bool) (checks.Observation, error) {
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	before := recall(past)
	found := c.site.Find(ctx)
	h := host{found: found, domain: c.site.Domain}
	disk := versionOnDisk(c.site.Root, found.Live)
	now := time.Now()
	r, err := c.read(ctx, disk, now)
	if err != nil {
		if ctx.Err() != nil {
			return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
		}
		return checks.Observation{}, err
	}
	if !r.used && !before.Known {
		return checks.Observation{}, &checks.Unseen{Why: textNoSidekiq(), Advice: adviceNoSidekiq()}
	}
	next := before
	next.Known = true
	next.Processed, next.Moved = moved(before, r, now)
	next.Marks = keep(before.Marks, mark{At: now, Processed: r.processed, Failed: r.failed, Retry: float64(r.retry)})
	usual := func(name, subject string) (checks.Band, bool) { return past.Normal(name, subject, now) }
	o := judge(r, next.Moved, usual, h, now)
	// Without a process everything stands still, which is told already: what was
	// found before stays as it is.
	if due := thorough || now.Sub(before.Deep.At) >= quarter || now.Before(before.Deep.At); due && len(r.living()) > 0 {
		d, measures, ran := c.deepen(ctx, r, next, usual, h, disk, now)
		next.Deep, next.Ran = d, ran
		o.Measures = append(o.Measures, measures...)
	}
	o.Findings = append(o.Findings, next.Deep.Findings...)
	o.Blind = append(o.Blind, next.Deep.Blind...)
	o.Summary = summary(r, usual, next.Deep.Line, now)
	b, err := json.Marshal(next)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("sidekiq: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

// deepen looks at what waits, what runs and what was done by the clock.
func (c *check) deepen(ctx context.Context, r reading, m memory, usual usual, h host, disk version, now time.Time) (deep, []checks.Measure, map[string]time.Time) {
	d := deep{At: now}
	ran := m.Ran
	in, err := c.inside(ctx, r)
	if err != nil {
		why, mend := checks.Explain(err)
		for _, code := range []string{codeFailed, codeDead, codeRetries, codeHost, codeRunning, codeSchedule} {
			d.Blind = append(d.Blind, checks.Blind{Code: code, Why: why, Mend: mend})
		}
	} else {
		d.Findings = append(d.Findings, judgeInside(r, in, m.Marks, usual, h, now)...)
		var late []checks.Finding
		late, ran = judgeSchedule(r, in.schedules, m.Ran, h, now)
		d.Findings = append(d.Findings, late...)
	}
	findings, blind := c.effects(ctx, r, disk, h, now)
	d.Findings, d.Blind = append(d.Findings, findings...), append(d.Blind, blind...)
	measures, line := hour(m.Marks, r, now)
	d.Line = line
	return d, measures, ran
}
