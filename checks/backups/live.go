package backups

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

// measureAccounts is the estimated number of accounts in the running database:
// a dump is compared with what it was when the dump was made.
const measureAccounts = "live_accounts"

const (
	// behind is how much older than the dump the newest status inside may be
	// (defaults).
	behind = 24 * time.Hour
	// farBehind is how much older it must be to be sure of without a database to
	// compare with: on a small server nobody may have written for a day (own).
	farBehind = week
	// fewAccounts is the share of the running server's accounts that must be
	// inside (defaults).
	fewAccounts = 0.90
	// sampleAge is how far from the making of a dump a number of accounts may be
	// to stand for it (own).
	sampleAge = 26 * time.Hour
)

// reads are what this check reads of Mastodon's tables: the newest id. How many
// accounts there are is estimated from the catalogue.
func reads() []checks.Reads {
	return []checks.Reads{{Table: "statuses", Columns: []string{"id"}}}
}

// live is what the running server has.
type live struct {
	// Asked tells that it was asked and has answered.
	Asked bool
	// Err is why it did not answer.
	Err error
	// Accounts is about how many there are; 0 where nobody has counted yet.
	Accounts int64
	// Newest is, per instant asked for, the newest status that is not younger;
	// the zero time where there is none.
	Newest map[time.Time]time.Time
}

// reader is how the database is read.
type reader func(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error

// ask asks the running database; that there is none to be asked is no error.
func ask(ctx context.Context, read reader, at []time.Time) live {
	if read == nil {
		return live{}
	}
	l := live{Newest: map[time.Time]time.Time{}}
	err := read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var planned, counted int64
		// Never count(*): the table has millions of rows.
		err := tx.QueryRow(ctx, `select coalesce(max(c.reltuples), -1)::bigint, coalesce(max(s.n_live_tup), 0)::bigint
			from pg_class c left join pg_stat_user_tables s on s.relid = c.oid where c.oid = to_regclass('public.accounts')`).Scan(&planned, &counted)
		if err != nil {
			return err
		}
		l.Accounts = estimate(planned, counted)
		for _, t := range at {
			var id int64
			if err := tx.QueryRow(ctx, "select coalesce(max(id), 0) from public.statuses where id <= $1", timeID(t)).Scan(&id); err != nil {
				return err
			}
			if id > 0 {
				l.Newest[t] = idTime(id)
			}
		}
		return nil
	})
	var none *checks.NotSetUp
	switch {
	case errors.As(err, &none):
		return live{}
	case err != nil:
		return live{Err: err}
	}
	l.Asked = true
	return l
}

// estimate is how many rows a table has. The planner's number is as old as the
// last vacuum, the counter follows every change but begins anew after a crash;
// a difference by more than half would have brought the vacuum.
func estimate(planned, counted int64) int64 {
	switch {
	case planned <= 0:
		return max(counted, 0)
	case counted < planned/2:
		return planned
	}
	return min(planned, counted)
}

// accountsAt is how many accounts the server had when a dump was made: by the
// last sample before it, else now. Those that were deleted since do not count.
func accountsAt(made time.Time, now int64, samples []checks.Sample) int64 {
	for i := len(samples) - 1; i >= 0; i-- {
		if s := samples[i]; !s.At.After(made) && made.Sub(s.At) <= sampleAge && s.Value > 0 {
			return min(int64(s.Value), now)
		}
	}
	return now
}

// Why the contents of a dump are judged as they are.
const (
	insideToday   = "of the day, as the running server shows"
	insideAlone   = "of the day, by its own dates only"
	insideNone    = "not counted"
	insideEmpty   = "no status inside"
	insideOld     = "the newest status inside is old"
	insideFew     = "accounts are missing inside"
	insideUnasked = "the running server did not answer"
)

// judgeContents decides whether what is inside a dump of an instant is of that
// day. newest is the newest status that the running server had then, accounts
// how many accounts; asked tells whether it could be asked at all.
func judgeContents(in contents, made time.Time, asked bool, newest time.Time, accounts int64) verdict {
	expected := made
	if asked && newest.Before(made) {
		expected = newest // where nobody writes, nothing new can be inside
	}
	late := expected.Sub(in.newest())
	switch {
	case in.Holds != holdsMastodon:
		return verdict{Why: insideNone}
	case asked && newest.IsZero() && accounts <= 0:
		return verdict{Why: insideToday} // a server on which nothing has happened yet
	case in.Newest == 0 && !(asked && newest.IsZero()):
		return verdict{checks.Critical, insideEmpty}
	case late > farBehind, asked && late > behind:
		return verdict{checks.Critical, insideOld}
	case late > behind:
		return verdict{checks.Warning, insideOld}
	case asked && float64(in.Accounts) < fewAccounts*float64(accounts):
		return verdict{checks.Critical, insideFew}
	case asked:
		return verdict{Why: insideToday}
	}
	return verdict{Why: insideAlone}
}
