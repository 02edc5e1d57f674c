// Package moderation looks at what waits for the people who moderate: sign-ups,
// reports, appeals; and at waves of sign-ups and of mentions of strangers.
package moderation

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings. Only a stranger has a subject: the id of the
// account that mentions many.
const (
	signups    = "signups"    // wait for an admin
	reports    = "reports"    // open
	appeals    = "appeals"    // open
	burst      = "burst"      // of sign-ups
	strangers  = "strangers"  // are mentioned by a new account
	flipped    = "flipped"    // registrations need approval now
	unattended = "unattended" // no moderator signed in
)

// signupRate is the measure that a wave is told by: sign-ups of the last hour.
const signupRate = "signups_per_hour"

// Kind makes the check of a site's moderation.
func Kind(s *site.Site) checks.Kind {
	return checks.Kind{
		Name:  "moderation",
		Title: checks.Text{En: "moderation", Ja: "モデレーション"},
		Graphs: []checks.Graph{
			{Measure: "reports_open", Title: checks.Text{En: "open reports", Ja: "未対応の通報数"}},
			{Measure: "signups_waiting", Title: checks.Text{En: "sign-ups that wait", Ja: "承認待ちの登録数"}},
			{Measure: "signups_per_hour", Title: checks.Text{En: "sign-ups in an hour", Ja: "1時間の登録数"}},
		},
		Words: checks.Words{
			En: []string{"reports", "report", "sign-ups", "signups", "pending", "appeals"},
			Ja: []string{"モデレーション", "通報", "承認待ち", "登録", "申立て", "異議申し立て"},
		},
		Scope:   checks.Site,
		After:   []string{"database"},
		Cron:    "*/10 * * * *",
		Timeout: 30 * time.Second,
		Rules: map[string]checks.Rule{ // defaults
			burst: {Warning: checks.Looks{Open: 2, Resolve: 6}, Critical: checks.Looks{Open: 2, Resolve: 6}},
		},
		Reads: []checks.Reads{
			{Table: "users", Columns: []string{
				"id", "account_id", "approved", "confirmed_at", "created_at", "current_sign_in_at", "disabled",
				"role_id", "sign_up_ip", "invite_id", "created_by_application_id",
			}},
			{Table: "user_roles", Columns: []string{"id", "permissions"}},
			{Table: "accounts", Columns: []string{"id", "domain", "suspended_at", "reviewed_at", "requested_review_at"}},
			{Table: "reports", Columns: []string{"id", "account_id", "assigned_account_id", "action_taken_at", "category", "created_at"}},
			{Table: "appeals", Columns: []string{"id", "approved_at", "rejected_at", "created_at"}},
			{Table: "statuses", Columns: []string{"id", "account_id", "deleted_at"}},
			{Table: "mentions", Columns: []string{"status_id", "account_id", "silent"}},
			{Table: "follows", Columns: []string{"account_id", "target_account_id"}},
			{Table: "settings", Columns: []string{"var", "value"}},
			{Table: "tags", Columns: []string{"id", "reviewed_at", "requested_review_at"}},
			{Table: "tag_trends", Columns: []string{"tag_id"}},
			{Table: "preview_card_providers", Columns: []string{"id", "reviewed_at", "requested_review_at"}},
			{Table: "status_trends", Columns: []string{"account_id", "allowed"}},
		},
		Settings: func() any { c := defaults(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			config := defaults()
			if err := t.Decode(&config); err != nil {
				return nil, err
			}
			if err := config.mistake(); err != nil {
				return nil, err
			}
			source, err := sourceOf(s)
			if err != nil {
				return nil, err
			}
			return &check{config: config, site: s, source: source}, nil
		},
	}
}

// A source tells what waits: the database, or the admin API.
type source interface {
	read(ctx context.Context, now time.Time) (state, error)
}

// sourceOf is the database where there is one, else the admin API with the
// token of [server].
func sourceOf(s *site.Site) (source, error) {
	if s.NeedDatabase() != nil && s.HasToken() {
		return newAdminAPI(s)
	}
	return fromDatabase{s}, s.NeedDatabase()
}

type check struct {
	config Config
	site   *site.Site
	source source
}

// Look reads what waits and what is unusual.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	now := time.Now()
	st, err := c.source.read(ctx, now)
	if err != nil {
		return checks.Observation{}, err
	}
	m := recall(past)
	st.usual, st.usualKnown = past.Normal(signupRate, "", now)
	st.flippedAt = m.flip(st.mode, now)
	o := judge(c.config, c.site.Domain, st, now)
	b, err := json.Marshal(m)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("moderation: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

const memoryKey = "registrations"

// memory is which mode registrations were in, and when they flipped.
type memory struct {
	Mode    string    `json:"mode,omitempty"`
	Flipped time.Time `json:"flipped,omitzero"`
}

func recall(past checks.Past) *memory {
	var m memory
	if b, ok := past.Load(memoryKey); ok {
		_ = json.Unmarshal(b, &m) // what cannot be read is as if nothing were known
	}
	return &m
}

// flip notes a mode and returns when registrations began to need approval
// without being closed; the zero time while they did not, or where that is long
// ago.
func (m *memory) flip(mode string, now time.Time) time.Time {
	if mode == "" {
		return m.Flipped
	}
	if m.Mode == modeOpen && mode == modeApproved {
		m.Flipped = now
	}
	if mode != modeApproved || now.Sub(m.Flipped) > flipTold {
		m.Flipped = time.Time{}
	}
	m.Mode = mode
	return m.Flipped
}

// state is what was read; times are zero and numbers 0 where there is nothing.
type state struct {
	signups, reports, appeals queue
	// localReports are those of the reports that somebody of this server sent.
	localReports queue
	unassigned   int // of the reports
	trends       int // that somebody has to review; -1 where that is not known
	hour         wave
	talkers      []talker
	// mode of registrations: "open", "approved", "none"; "" where not known.
	mode string
	// attended is when a moderator signed in last; known tells whether there is
	// a moderator at all.
	attended   time.Time
	moderators int
	// capped tells that a number is at least that.
	capped bool
	// partial tells that only sign-ups and reports could be read.
	partial bool

	usual      checks.Band
	usualKnown bool
	flippedAt  time.Time
}

// queue is how many wait, and since when the oldest does.
type queue struct {
	count  int
	oldest time.Time
}

// wave is the sign-ups of the last hour, and how many share something.
type wave struct {
	count, confirmed                int
	sameNetwork, sameApp, sameGuest int
}

// talker is a new account that mentions people who do not know it.
type talker struct {
	id   int64
	many int
}

// fromDatabase reads with a read-only role.
type fromDatabase struct{ site *site.Site }

// The permission bits of roles (Mastodon's own numbers).
const (
	permAdministrator = 1
	permManageReports = 16
)

func (d fromDatabase) read(ctx context.Context, now time.Time) (state, error) {
	var st state
	err := d.site.Database().Read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, one := range []func(context.Context, pgx.Tx, time.Time, *state) error{
			readSignups, readReports, readAppeals, readTrends, readWave, readTalkers, readMode, readAttended,
		} {
			if err := one(ctx, tx, now, &st); err != nil {
				return err
			}
		}
		return nil
	})
	return st, err
}

func readSignups(ctx context.Context, tx pgx.Tx, _ time.Time, st *state) error {
	return scanQueue(&st.signups, tx.QueryRow(ctx, `SELECT count(*), min(u.confirmed_at) FROM users u JOIN accounts a ON a.id = u.account_id
		WHERE NOT u.approved AND u.confirmed_at IS NOT NULL AND NOT u.disabled AND a.suspended_at IS NULL`))
}

func scanQueue(q *queue, row pgx.Row, more ...any) error {
	var oldest *time.Time
	if err := row.Scan(append([]any{&q.count, &oldest}, more...)...); err != nil {
		return err
	}
	if oldest != nil {
		q.oldest = *oldest
	}
	return nil
}

func readReports(ctx context.Context, tx pgx.Tx, _ time.Time, st *state) error {
	var local *time.Time
	err := scanQueue(&st.reports, tx.QueryRow(ctx, `SELECT count(*), min(r.created_at), count(*) FILTER (WHERE a.domain IS NULL),
		min(r.created_at) FILTER (WHERE a.domain IS NULL), count(*) FILTER (WHERE r.assigned_account_id IS NULL)
		FROM reports r JOIN accounts a ON a.id = r.account_id WHERE r.action_taken_at IS NULL`), &st.localReports.count, &local, &st.unassigned)
	if local != nil {
		st.localReports.oldest = *local
	}
	return err
}

func readAppeals(ctx context.Context, tx pgx.Tx, _ time.Time, st *state) error {
	return scanQueue(&st.appeals, tx.QueryRow(ctx, `SELECT count(*), min(created_at) FROM appeals WHERE approved_at IS NULL AND rejected_at IS NULL`))
}

// readTrends counts what trends only once somebody has looked. Which hashtags
// trend stands in the database from Mastodon 4.4 on.
func readTrends(ctx context.Context, tx pgx.Tx, _ time.Time, st *state) error {
	var links, posts, tags int
	if err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM preview_card_providers WHERE reviewed_at IS NULL AND requested_review_at IS NOT NULL),
		(SELECT count(*) FROM status_trends t JOIN accounts a ON a.id = t.account_id WHERE NOT t.allowed AND a.reviewed_at IS NULL AND a.requested_review_at IS NOT NULL)`).
		Scan(&links, &posts); err != nil {
		return err
	}
	trending, err := site.Columns(ctx, tx, "tag_trends")
	if err != nil {
		return err
	}
	if trending["tag_id"] {
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM tags WHERE id IN (SELECT tag_id FROM tag_trends) AND reviewed_at IS NULL AND requested_review_at IS NOT NULL`).Scan(&tags); err != nil {
			return err
		}
	}
	st.trends = links + posts + tags
	return nil
}

// newest bounds how many sign-ups are looked at.
const newest = 2000

// readWave counts in the database who shares what, so that no address ever
// comes here.
func readWave(ctx context.Context, tx pgx.Tx, now time.Time, st *state) error {
	w := &st.hour
	return tx.QueryRow(ctx, `WITH n AS (SELECT created_at, confirmed_at, invite_id, created_by_application_id,
			network(set_masklen(sign_up_ip, CASE family(sign_up_ip) WHEN 4 THEN 24 ELSE 64 END)) AS net
			FROM users ORDER BY id DESC LIMIT $1), r AS (SELECT * FROM n WHERE created_at > $2)
		SELECT (SELECT count(*) FROM r), (SELECT count(confirmed_at) FROM r),
			coalesce((SELECT max(c) FROM (SELECT count(*) AS c FROM r WHERE net IS NOT NULL GROUP BY net) x), 0),
			coalesce((SELECT max(c) FROM (SELECT count(*) AS c FROM r WHERE created_by_application_id IS NOT NULL GROUP BY created_by_application_id) x), 0),
			coalesce((SELECT max(c) FROM (SELECT count(*) AS c FROM r WHERE invite_id IS NOT NULL GROUP BY invite_id) x), 0)`,
		newest, now.UTC().Add(-time.Hour)).Scan(&w.count, &w.confirmed, &w.sameNetwork, &w.sameApp, &w.sameGuest)
}

const (
	// newFor is for how long an account is new (own).
	newFor = 3 * 24 * time.Hour
	// manyStrangers in an hour are more than a newcomer greets (own).
	manyStrangers = 10
	// talkersLimit bounds how many new accounts are looked at, and told.
	talkersLimit, talkersTold = 200, 5
)

func readTalkers(ctx context.Context, tx pgx.Tx, now time.Time, st *state) error {
	rows, err := tx.Query(ctx, `WITH fresh AS (SELECT account_id FROM (SELECT account_id, created_at, disabled FROM users ORDER BY id DESC LIMIT $1) u
			WHERE u.created_at > $2 AND NOT u.disabled),
		said AS (SELECT f.account_id, s.id FROM fresh f CROSS JOIN LATERAL (SELECT id FROM statuses WHERE account_id = f.account_id
			AND deleted_at IS NULL AND id > $3 ORDER BY id DESC LIMIT 50) s),
		met AS (SELECT DISTINCT p.account_id, m.account_id AS other FROM said p JOIN mentions m ON m.status_id = p.id
			WHERE NOT m.silent AND m.account_id <> p.account_id),
		many AS (SELECT e.account_id, count(*) AS n FROM met e
			WHERE NOT EXISTS (SELECT FROM follows w WHERE w.account_id = e.other AND w.target_account_id = e.account_id)
			GROUP BY 1 HAVING count(*) >= $4)
		SELECT a.id, n.n FROM many n JOIN accounts a ON a.id = n.account_id
		WHERE a.suspended_at IS NULL ORDER BY n.n DESC, a.id LIMIT $5`,
		talkersLimit, now.UTC().Add(-newFor), now.Add(-time.Hour).UnixMilli()<<16, manyStrangers, talkersTold)
	if err != nil {
		return err
	}
	st.talkers, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (talker, error) {
		var t talker
		err := row.Scan(&t.id, &t.many)
		return t, err
	})
	return err
}

func readMode(ctx context.Context, tx pgx.Tx, _ time.Time, st *state) error {
	rows, err := tx.Query(ctx, `SELECT value FROM settings WHERE var = 'registrations_mode' AND value IS NOT NULL LIMIT 1`)
	if err != nil {
		return err
	}
	written, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(written) == 1 {
		st.mode = modeOf(written[0])
	}
	return nil
}

func readAttended(ctx context.Context, tx pgx.Tx, _ time.Time, st *state) error {
	var last *time.Time
	err := tx.QueryRow(ctx, `SELECT count(*), max(u.current_sign_in_at) FROM users u JOIN user_roles r ON r.id = u.role_id JOIN accounts a ON a.id = u.account_id
		WHERE r.permissions & $1 <> 0 AND NOT u.disabled AND u.approved AND a.suspended_at IS NULL`,
		permAdministrator|permManageReports).Scan(&st.moderators, &last)
	if last != nil {
		st.attended = *last
	}
	return err
}
