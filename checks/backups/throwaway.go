package backups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks/child"
)

const (
	// startPatience is how long PostgreSQL may take to begin, stopPatience to
	// end (own: at idle priority on a busy disk).
	startPatience, stopPatience = time.Minute, 15 * time.Second
	// superRole owns the throw-away cluster, loadRole only the database in it:
	// what stands in a dump cannot start programs or read files.
	superRole, loadRole = "postgres", "restored"
	socketPort          = 5432 // it names the socket; nothing listens on it
)

// throwaway is a PostgreSQL of our own, for a dump to be restored into. It
// listens on nothing but a socket in its own folder.
type throwaway struct {
	bin, dir string
	path     []string
	cancel   context.CancelFunc
	ended    chan struct{}
	err      error // of the server; to be read once it has ended
}

func (c *throwaway) data() string { return filepath.Join(c.dir, "data") }

// startThrowaway makes the cluster and starts it at idle priority; ctx ends the
// making, and [throwaway.stop] must end the cluster. It takes some 80 MB of
// memory (measured).
func startThrowaway(ctx context.Context, bin, dir string) (*throwaway, error) {
	c := &throwaway{bin: bin, dir: dir, path: append([]string{bin}, child.Path()...), ended: make(chan struct{})}
	err := c.tool(ctx, startPatience, "initdb", "-D", c.data(), "-U", superRole, "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
	if err != nil {
		return nil, err
	}
	words := []string{filepath.Join(bin, "postgres"), "-D", c.data(), "-k", dir, "-p", strconv.Itoa(socketPort)}
	for _, setting := range []string{
		"listen_addresses=", "unix_socket_permissions=0700", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
		"wal_level=minimal", "max_wal_senders=0", "max_wal_size=256MB", "autovacuum=off", "jit=off", "max_connections=5",
		"max_parallel_workers=0", "max_parallel_maintenance_workers=0", "shared_buffers=16MB", "maintenance_work_mem=32MB",
		"logging_collector=off", "log_min_messages=fatal", "log_min_error_statement=panic",
	} {
		words = append(words, "-c", setting)
	}
	// Killed at a deadline, it would leave its processes at their work.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	go func() {
		defer close(c.ended)
		var o child.Output
		o, c.err = child.Run(running, child.Command{Words: words, Path: c.path, Idle: true})
		if c.err == nil {
			c.err = fmt.Errorf("postgres: ended with status %d: %s", o.Code, o.Trouble())
		}
	}()
	if err := c.wait(ctx); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// tool runs one of PostgreSQL's tools.
func (c *throwaway) tool(ctx context.Context, patience time.Duration, name string, args ...string) error {
	o, err := child.Run(ctx, child.Command{
		Words: append([]string{filepath.Join(c.bin, name)}, args...), Path: c.path, Timeout: patience, Idle: true,
	})
	if err == nil && o.Code != 0 {
		err = fmt.Errorf("%s: %s", name, o.Trouble())
	}
	return err
}

// wait waits until it takes connections.
func (c *throwaway) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := c.connect(ctx, superRole, "postgres")
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.ended:
			return c.err
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-tick.C:
		}
	}
}

func (c *throwaway) connect(ctx context.Context, role, database string) (*pgconn.PgConn, error) {
	// What is not named here would be taken from the environment.
	config, err := pgconn.ParseConfig("host=/nonexistent port=" + strconv.Itoa(socketPort) + " user=" + role + " dbname=" + database +
		" password='' passfile=" + os.DevNull + " sslmode=disable target_session_attrs=any")
	if err != nil {
		return nil, err
	}
	config.Host, config.Fallbacks = c.dir, nil
	config.RuntimeParams = map[string]string{"client_encoding": "UTF8"}
	return pgconn.ConnectConfig(ctx, config)
}

// prepare makes the database for the dump and the role that owns it.
func (c *throwaway) prepare(ctx context.Context) error {
	conn, err := c.connect(ctx, superRole, "postgres")
	if err != nil {
		return err
	}
	for _, sql := range []string{
		"create role " + loadRole + " login",
		"create database " + loadRole + " owner " + loadRole + " template template0 encoding 'UTF8'",
	} {
		if _, err = conn.Exec(ctx, sql).ReadAll(); err != nil {
			break
		}
	}
	return errors.Join(err, conn.Close(ctx))
}

// stop ends it: first as PostgreSQL wants to be ended, since its processes do
// not stay in one group.
func (c *throwaway) stop() {
	select {
	case <-c.ended:
	default:
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		_ = c.tool(ctx, stopPatience, "pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop") // else by its group
		cancel()
	}
	c.cancel()
	<-c.ended
}

// serverFor finds PostgreSQL's server programs: the oldest that can take what a
// dump was made by.
func serverFor(patterns []string, least int) (bin string, version int) {
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern) // the patterns are ours and right
		for _, folder := range found {
			n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(folder)), "pgsql-"))
			if err != nil || n < least || version > 0 && n >= version {
				continue
			}
			whole := true
			for _, name := range []string{"initdb", "postgres", "pg_ctl"} {
				_, err := child.Find([]string{folder}, name)
				whole = whole && err == nil
			}
			if whole {
				bin, version = folder, n
			}
		}
	}
	return bin, version
}
