package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks/site"
)

// ground is what a server has to do while it is read at night.
type ground struct {
	// Active is how many statements run besides ours.
	Active int
	// Waits says that somebody waits for a lock of ours.
	Waits bool
	// Tool says that a dump, or something that tends tables, is at work.
	Tool bool
	// Lag is how far the farthest replica is behind.
	Lag time.Duration
	// Load is the load average for each core; 0 where it is not known.
	Load float64
}

// trouble says why the reading has to stop, or "".
func (g ground) trouble(l limits) string {
	switch {
	case g.Waits:
		return "somebody waits for us"
	case g.Tool:
		return "a dump is at work"
	case g.Active >= l.busy:
		return "busy"
	case g.Load >= l.busyLoad:
		return "the machine is busy"
	case g.Lag >= time.Minute:
		return "a replica is behind"
	}
	return ""
}

// ground asks who else is at work. mine is the process that reads, 0 for none.
func (s *shift) ground(ctx context.Context, mine int32) (ground, error) {
	var g ground
	err := s.db.Read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var lag float64
		err := tx.QueryRow(ctx, `select (count(*) filter (where a.state = 'active' and a.backend_type = 'client backend' and a.usename is distinct from current_user))::int,
			coalesce(bool_or(case when a.wait_event_type = 'Lock' and $1::int <> 0 then $1::int = any(pg_blocking_pids(a.pid)) else false end), false),
			coalesce(bool_or(a.state = 'active' and a.application_name = any($2::text[])), false),
			coalesce((select extract(epoch from max(replay_lag)) from pg_stat_replication), 0)::float8
			from pg_stat_activity a where a.pid not in (pg_backend_pid(), $1::int)`, mine, tools).Scan(&g.Active, &g.Waits, &g.Tool, &lag)
		g.Lag = seconds(lag)
		return err
	})
	if s.server.Here {
		g.Load = loadPerCore(s.check.site.Proc)
	}
	return g, err
}

// loadPerCore is the load average of a minute; 0 where the kernel tells none.
func loadPerCore(proc string) float64 {
	raw, err := os.ReadFile(filepath.Join(proc, "loadavg"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(raw), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return load / float64(max(runtime.NumCPU(), 1))
}

// errGone means that the process which answered is there no more.
var errGone = errors.New("postgresql's process ended")

// guarded asks one question that takes long, and gives it up as soon as the
// server has something better to do.
func (s *shift) guarded(ctx context.Context, given time.Duration, f func(context.Context, pgx.Tx) error) error {
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, cancel := context.WithTimeout(ctx, given+time.Second)
	defer cancel()
	over := make(chan struct{})
	defer close(over)
	return s.db.ReadWithin(ctx, site.Limits{Statement: given, Lock: time.Second}, func(ctx context.Context, tx pgx.Tx) error {
		var mine int32
		if err := tx.QueryRow(ctx, "select pg_backend_pid()").Scan(&mine); err != nil {
			return err
		}
		watching.Go(func() { s.watch(ctx, over, mine, cancel) })
		err := f(ctx, tx)
		var pg *pgconn.PgError
		if err != nil && !errors.As(err, &pg) && ctx.Err() == nil && tx.Conn().IsClosed() {
			// Who is told to end says so before; who crashes does not.
			return fmt.Errorf("%w: %w", errGone, err)
		}
		return err
	})
}

// watch looks at the server while a question is being answered, and gives the
// question up where it is in the way.
func (s *shift) watch(ctx context.Context, over <-chan struct{}, mine int32, giveUp func()) {
	tick := time.NewTicker(s.limits.watch)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		g, err := s.ground(ctx, mine)
		if err != nil {
			continue
		}
		if why := g.trouble(s.limits); why != "" {
			s.stopped = why
			giveUp()
			return
		}
	}
}
