package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// looks reads from a state in use how many checks have looked, and how often
// they saw something, all together.
type looks struct{ checks, times int }

func readLooks(ctx context.Context, path string) (l looks, err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var sum sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT count(*), sum(good) FROM look").Scan(&l.checks, &sum); err != nil {
		return l, fmt.Errorf("reading the looks: %w", err)
	}
	l.times = int(sum.Int64)
	return l, nil
}

// awaitLooks waits until enough is true, asking once in a while.
func awaitLooks(ctx context.Context, p *process, path string, every time.Duration, enough func(looks) bool) (looks, error) {
	for {
		l, err := readLooks(ctx, path)
		if err != nil {
			return l, err
		}
		if enough(l) {
			return l, nil
		}
		timer := time.NewTimer(every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return l, fmt.Errorf("after %d looks of %d checks: %w; the daemon's last words:\n%s", l.times, l.checks, ctx.Err(), p.log)
		case <-p.ended:
			timer.Stop()
			return l, p.gone()
		case <-timer.C:
		}
	}
}
