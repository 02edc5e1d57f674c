package federation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// recentRows is how many of the accounts heard last are read (Mastodon keeps
	// an index for it); an hour's worth on all but the largest servers (own).
	recentRows = 10_000
	// stoppedRows bounds the list of those that Mastodon has given up (own).
	stoppedRows = 2000
	// reactionRows is how many of the newest notifications are read for friends
	// (own).
	reactionRows = 5000
	// provenDomains and provenAccounts bound the second question, whether a domain
	// is really silent (own).
	provenDomains  = 40
	provenAccounts = 250
)

// recentSQL is the newest of each domain among the accounts heard last.
const recentSQL = `SELECT a.domain, max(s.last_status_at) FROM (
		SELECT account_id, last_status_at FROM account_stats WHERE last_status_at IS NOT NULL
		ORDER BY last_status_at DESC NULLS LAST LIMIT $1) s
	CROSS JOIN LATERAL (SELECT domain FROM accounts WHERE id = s.account_id OFFSET 0) a
	WHERE a.domain IS NOT NULL GROUP BY 1`

// readRecent returns when each domain was heard last, of those heard lately.
func readRecent(ctx context.Context, tx pgx.Tx) (map[string]time.Time, error) {
	return readTimes(tx.Query(ctx, recentSQL, recentRows))
}

// provenSQL asks the accounts of a domain themselves, the newest first.
const provenSQL = `SELECT d.domain, max(s.last_status_at) FROM unnest($1::text[]) d(domain)
	CROSS JOIN LATERAL (SELECT id FROM accounts WHERE domain = d.domain ORDER BY id DESC LIMIT $2) a
	CROSS JOIN LATERAL (SELECT last_status_at FROM account_stats WHERE account_id = a.id OFFSET 0) s
	WHERE s.last_status_at IS NOT NULL GROUP BY 1`

// readProven returns when these domains were heard last.
func readProven(ctx context.Context, tx pgx.Tx, domains []string) (map[string]time.Time, error) {
	if len(domains) == 0 {
		return map[string]time.Time{}, nil
	}
	return readTimes(tx.Query(ctx, provenSQL, domains, provenAccounts))
}

// stoppedSQL is small: a row for each server that failed on seven days.
const stoppedSQL = `SELECT domain, created_at FROM unavailable_domains ORDER BY created_at DESC LIMIT $1`

// readStopped returns since when Mastodon delivers no more to a host.
func readStopped(ctx context.Context, tx pgx.Tx) (map[string]time.Time, error) {
	return readTimes(tx.Query(ctx, stoppedSQL, stoppedRows))
}

// reactionSQL is the newest reaction of people of each friend.
const reactionSQL = `SELECT a.domain, max(n.created_at) FROM (
		SELECT from_account_id, created_at FROM notifications ORDER BY id DESC LIMIT $1) n
	CROSS JOIN LATERAL (SELECT domain FROM accounts WHERE id = n.from_account_id OFFSET 0) a
	WHERE a.domain = ANY ($2) GROUP BY 1`

func readReactions(ctx context.Context, tx pgx.Tx, friends []string) (map[string]time.Time, error) {
	if len(friends) == 0 {
		return map[string]time.Time{}, nil
	}
	return readTimes(tx.Query(ctx, reactionSQL, reactionRows, friends))
}

func readTimes(rows pgx.Rows, err error) (map[string]time.Time, error) {
	if err != nil {
		return nil, err
	}
	all := map[string]time.Time{}
	var domain string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&domain, &at}, func() error {
		domain := strings.ToLower(domain)
		if at.After(all[domain]) {
			all[domain] = at
		}
		return nil
	})
	return all, err
}

// suspendedSQL are the blocks that would explain a silence; a block holds for
// what is below the domain, too.
const suspendedSQL = `SELECT domain FROM domain_blocks WHERE domain = ANY ($1) AND severity = 1`

// readSuspended returns which of the domains are suspended here.
func readSuspended(ctx context.Context, tx pgx.Tx, domains []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(domains) == 0 {
		return out, nil
	}
	var asked []string
	for _, d := range domains {
		asked = append(asked, above(d)...)
	}
	slices.Sort(asked)
	rows, err := tx.Query(ctx, suspendedSQL, slices.Compact(asked))
	if err != nil {
		return nil, err
	}
	blocked, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	for _, d := range domains {
		for _, a := range above(d) {
			if slices.ContainsFunc(blocked, func(b string) bool { return strings.EqualFold(a, b) }) {
				out[d] = true
			}
		}
	}
	return out, nil
}

// above is a domain and those that it lies below, of which there are few.
func above(domain string) []string {
	var all []string
	for d, ok := domain, true; ok && len(all) < 10; _, d, ok = strings.Cut(d, ".") {
		all = append(all, d)
	}
	return all
}
