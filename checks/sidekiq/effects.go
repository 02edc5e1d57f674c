package sidekiq

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/semver"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// What the jobs by the clock leave in the database; each question takes about a
// millisecond (every table but accounts is small, and of that the newest are
// read by their ids).

const (
	overdueAfter = 10 * time.Minute // defaults
	// viewAfter is how old an account must be to be in the view for sure, which
	// is made anew every hour.
	viewAfter = 2 * time.Hour
	// updateAfter is three times the interval of Mastodon's look for updates.
	updateAfter = 90 * time.Minute
	// statementPatience is how long one question may take (own).
	statementPatience = 2 * time.Second
)

// effects proves that what was done by the clock has had its effect. Without
// any database it says nothing.
func (c *check) effects(ctx context.Context, r reading, disk version, h host, now time.Time) ([]checks.Finding, []checks.Blind) {
	if c.site.NeedDatabase() != nil {
		return nil, nil
	}
	var out []checks.Finding
	var blind []checks.Blind
	away := false // it does not answer: what is told once is enough
	look := func(code, subject string, f func(ctx context.Context, tx pgx.Tx) error) {
		if away {
			return
		}
		err := c.site.Database().ReadWithin(ctx, site.Limits{Statement: statementPatience, Lock: time.Second}, f)
		if err == nil {
			return
		}
		why, mend := checks.Explain(err)
		switch site.FaultOf(err) {
		case site.NotThere, site.NotLetIn, site.Silent, site.Full, site.Starting:
			away = true
			blind = append(blind, checks.Blind{Code: codeOverdue, Why: why, Mend: mend}, checks.Blind{Code: codeEffect, Why: why, Mend: mend})
		default:
			blind = append(blind, checks.Blind{Code: code, Subject: subject, Why: why, Mend: mend})
		}
	}
	look(codeOverdue, "", func(ctx context.Context, tx pgx.Tx) error {
		n, oldest, err := overdue(ctx, tx, now)
		if err == nil && n > 0 {
			out = append(out, checks.Finding{
				Code: codeOverdue, Severity: checks.Warning, Road: checks.Now,
				Text: textOverdue(n, oldest), Advice: adviceLate(h),
			})
		}
		return err
	})
	look(codeEffect, "instances", func(ctx context.Context, tx pgx.Tx) error {
		missing, known, err := viewStale(ctx, tx, now)
		switch {
		case err != nil:
			return err
		case !known:
			// A view that was never filled is the affair of the check of the API.
			out = append(out, held(codeEffect, "instances", textView(0)))
		case missing > 0:
			out = append(out, checks.Finding{
				Code: codeEffect, Subject: "instances", Severity: checks.Warning, Road: checks.Morning,
				Text: textView(missing), Advice: adviceView(h),
			})
		}
		return nil
	})
	if url, set := h.found.Settings["UPDATE_CHECK_URL"]; set && url == "" || !disk.known() {
		return out, blind // switched off on purpose, or nothing to compare with
	}
	look(codeEffect, "software_updates", func(ctx context.Context, tx pgx.Tx) error {
		stale, err := updatesStale(ctx, tx, disk)
		if err != nil || stale == "" {
			return err
		}
		f := checks.Finding{
			Code: codeEffect, Subject: "software_updates", Severity: checks.Warning, Road: checks.Morning,
			Text: textUpdates(stale), Advice: adviceUpdates(h),
		}
		// After an update the next look clears the table.
		f.Holds = !upFor(r, updateAfter, now)
		out = append(out, f)
		return nil
	})
	return out, blind
}

// upFor tells whether all that make jobs by the clock have run that long.
func upFor(r reading, d time.Duration, now time.Time) bool {
	makers := r.servers("scheduler")
	for _, p := range makers {
		if p.started.IsZero() || now.Sub(p.started) <= d {
			return false
		}
	}
	return len(makers) > 0
}

// overdueMost bounds the count (own).
const overdueMost = 1000

// overdue counts the posts that were to be published and are not.
func overdue(ctx context.Context, tx pgx.Tx, now time.Time) (n int, oldest time.Time, err error) {
	columns, err := site.Columns(ctx, tx, "scheduled_statuses")
	if err != nil || len(columns) == 0 {
		return 0, time.Time{}, err
	}
	var at *time.Time
	err = tx.QueryRow(ctx, `select count(*), min(scheduled_at) from
		(select scheduled_at from scheduled_statuses where scheduled_at < $1 order by scheduled_at limit $2) s`,
		now.Add(-overdueAfter).UTC(), overdueMost).Scan(&n, &at)
	if at != nil {
		oldest = *at
	}
	return n, oldest, err
}

// newest is how many of the newest accounts are compared with the view (own: a
// few days of a small server).
const newest = 200

// viewQuery counts the servers of the newest accounts below an id that the view
// lacks.
const viewQuery = `select count(distinct n.domain) from
	(select domain from accounts where id < $1 order by id desc limit $2) n
	where n.domain is not null and not exists (select from instances i where i.domain = n.domain)`

// viewStale counts the servers of new accounts that the view does not have; not
// known where there is no such view, or it was never filled.
func viewStale(ctx context.Context, tx pgx.Tx, now time.Time) (missing int, known bool, err error) {
	var filled bool
	err = tx.QueryRow(ctx, "select relispopulated from pg_class where oid = to_regclass('public.instances')").Scan(&filled)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil || !filled {
		return 0, false, err
	}
	// Ids begin with the milliseconds of their making.
	before := now.Add(-viewAfter).UnixMilli() << 16
	err = tx.QueryRow(ctx, viewQuery, before, newest).Scan(&missing)
	return missing, true, err
}

// updatesStale is a release that the table still calls new although it is what
// runs, or older: each look for updates takes such rows away. The rows that are
// right are left untouched, so that their age proves nothing.
func updatesStale(ctx context.Context, tx pgx.Tx, disk version) (string, error) {
	columns, err := site.Columns(ctx, tx, "software_updates")
	if err != nil || len(columns) == 0 {
		return "", err
	}
	rows, err := tx.Query(ctx, "select left(version, 40) from software_updates limit 100")
	if err != nil {
		return "", err
	}
	stale, v := "", ""
	_, err = pgx.ForEachRow(rows, []any{&v}, func() error {
		if old := "v" + v; semver.IsValid(old) && semver.Compare(old, disk.String()) <= 0 && (stale == "" || semver.Compare(old, "v"+stale) > 0) {
			stale = v
		}
		return nil
	})
	return stale, err
}

// adminPage is a page of Mastodon's own, for people.
func (h host) adminPage(path string) string {
	if h.domain == "" {
		return path
	}
	return "https://" + h.domain + path
}
