// Package database looks at Mastodon's PostgreSQL as an admin does who asks why
// it is slow, and at what nobody looks at until an upgrade fails: indexes that
// are broken, and rows that exist twice because of them.
//
// There are three levels in one kind: the quick one at every tick, the daily one
// in the morning, and the nightly one, which reads indexes and tables within a
// budget. What the slower ones found is told again by the quick one until they
// have looked anew.
package database

import (
	"context"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The finding codes. Subjects: the name of the view, slot, index, table or
// database; none for the others.
const (
	codeAnswer      = "answer"
	codeReplica     = "replica"
	codeLag         = "replica-lag"
	codeConnections = "connections"
	codeLong        = "long-query"
	codeIdle        = "idle-transaction"
	codeBlocked     = "blocked"
	codeWAL         = "wal"
	codeSlot        = "slot"
	codeArchiver    = "archiver"
	codeView        = "view"
	codeChecksums   = "checksums"
	codeWraparound  = "wraparound"
	codeMultixact   = "multixact"

	codeUnanalysed = "never-analysed"
	codeStale      = "stale-statistics"
	codeDead       = "dead-rows"
	codeBloat      = "bloat"
	codeInvalid    = "invalid-index"
	codeMissing    = "missing-index"
	codeCollation  = "collation"
	codeSequence   = "sequence"
	codeSlower     = "slower-statement"

	codeBroken     = "broken-index"
	codeDuplicates = "duplicates"
)

// Config is the table [checks.database] as it is written.
type Config struct {
	// Replica says that database_url leads to a replica on purpose.
	Replica bool `toml:"replica"`
}

// An option puts something else in the place of the defaults, for tests.
type option func(*check)

// Kind makes the check of Mastodon's database.
//
// Measures: answer_seconds; connections, connections_ratio (of those that
// Mastodon may have); wal_bytes; oldest_transaction_seconds; once a day
// database_bytes, and row_bytes with a big table as subject: the bytes on disk
// for each of its rows.
func Kind(s *site.Site) checks.Kind { return kind(s) }

func kind(s *site.Site, opts ...option) checks.Kind {
	three := checks.Looks{Open: 3, Resolve: 3} // defaults
	rule := checks.Rule{Warning: three, Critical: three}
	// Defaults: three looks a minute apart; two that are five minutes apart are
	// as long.
	down := checks.Looks{Open: 2, Resolve: 1}
	rules := map[string]checks.Rule{codeAnswer: {Warning: down, Critical: down}}
	for _, code := range []string{
		codeReplica, codeLag, codeConnections, codeLong, codeIdle, codeBlocked, codeWAL, codeSlot, codeArchiver, codeView,
	} {
		rules[code] = rule
	}
	return checks.Kind{
		Name:  "database",
		Title: checks.Text{En: "database", Ja: "データベース"},
		Graphs: []checks.Graph{
			{Measure: "connections", Title: checks.Text{En: "connections", Ja: "接続数"}},
			{Measure: "answer_seconds", Title: checks.Text{En: "answer time", Ja: "応答時間"}},
			{Measure: "database_bytes", Title: checks.Text{En: "size", Ja: "サイズ"}},
			{Measure: "wal_bytes", Title: checks.Text{En: "WAL", Ja: "WALのサイズ"}},
			{Measure: "oldest_transaction_seconds", Title: checks.Text{En: "oldest transaction", Ja: "最長トランザクション"}},
		},
		Words: checks.Words{
			En: []string{"db", "postgres", "postgresql", "sql", "index", "indexes", "duplicates"},
			Ja: []string{"DB", "データベース", "ポスグレ", "インデックス", "インデクス", "重複"},
		},
		Scope: checks.Site,
		After: []string{"disk", "services"},
		Cron:  "*/5 * * * *", // defaults
		// A part of the night is shorter than the time to the next tick.
		AfterUpdate: true,
		Timeout:     4*time.Minute + 30*time.Second,
		Rules:       rules,
		Reads:       reads(),
		Settings:    func() any { return &Config{} },
		New: func(t checks.Table) (checks.Check, error) {
			c := &check{site: s, limits: usual()}
			if err := t.Decode(&c.config); err != nil {
				return nil, err
			}
			if err := s.NeedDatabase(); err != nil {
				return nil, err
			}
			for _, opt := range opts {
				opt(c)
			}
			return c, nil
		},
	}
}

type check struct {
	site   *site.Site
	config Config
	limits limits
	told   checks.SeenLimits
}

// Look runs the quick level, and the others when it is their time.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, false)
}

// LookThoroughly runs the daily level now, and as much of the nightly one as
// somebody who waits for it has patience for.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, thorough bool) (checks.Observation, error) {
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: noTime(), Err: err}
	}
	l := newLook(c, past, time.Now())
	if o, over, err := l.greet(ctx); over {
		return o, err
	}
	l.quick(ctx)
	if thorough || dayDue(l.now, l.memory.Day) {
		l.daily(ctx)
	}
	l.Findings = append(l.Findings, l.memory.Day.Findings...)
	l.Blind = append(l.Blind, l.memory.Day.Blind...)
	l.night(ctx, thorough)
	return l.finish(), nil
}
