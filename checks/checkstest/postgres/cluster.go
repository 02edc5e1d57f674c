package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks/checkstest/postgres/ward"
)

// patience is how long a start, an end or a statement of a test's may take;
// idle machines start a cluster in less than a second.
const patience = 60 * time.Second

// A Cluster is a running PostgreSQL.
type Cluster struct {
	// Socket is the folder of its Unix socket, DataDir its data directory.
	Socket, DataDir string
	// Port is the number in the socket's name, and that of loopback where
	// listen_addresses is set.
	Port int

	ward *ward.Ward
	bin  string
	as   *syscall.Credential
	own  bool

	mu               sync.Mutex
	databases, roles int
	prepared         map[string]bool // templates by version
}

// shared is the cluster of all tests of this process that need none of their
// own; it ends with the process.
var shared = sync.OnceValues(func() (*Cluster, error) {
	return launch([]string{"shared_preload_libraries=pg_stat_statements"})
})

// Start returns the cluster that all tests of this process share; the first
// one starts it. It is not for breaking: see [Own].
func Start(t testing.TB) *Cluster {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
	return c
}

// Own starts a cluster for this test alone; it ends with the test. Settings
// are as in postgresql.conf, "max_connections=5"; two that only a new cluster
// can have are known, too: "data_checksums=on" and "icu_locale=en-US" (without
// it the collation is C.UTF-8, which has no version).
func Own(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	c, err := launch(settings)
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
	c.endWith(t)
	return c
}

// endWith makes a cluster the test's own.
func (c *Cluster) endWith(t testing.TB) {
	c.own = true
	t.Cleanup(func() {
		if err := c.ward.Close(); err != nil {
			t.Errorf("ending PostgreSQL: %v", err)
		}
	})
}

// usual are the settings of every cluster: nothing on disk has to outlive the
// test, and autovacuum does not wake up in the middle of one.
var usual = []string{
	"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=replica", "max_wal_size=256MB",
	"shared_buffers=32MB", "dynamic_shared_memory_type=mmap", "listen_addresses=", "unix_socket_permissions=0777",
	"autovacuum_naptime=1d", "max_parallel_workers_per_gather=0", "jit=off",
	"timezone=Asia/Tokyo", "log_timezone=UTC", "lc_messages=C", "logging_collector=off", "log_min_messages=warning",
}

func launch(settings []string) (*Cluster, error) {
	return launchFrom((*Cluster).initialise, settings)
}

// launchFrom starts a cluster whose data directory is filled by fill, which
// gets the options of initdb.
func launchFrom(fill func(*Cluster, []string) error, settings []string) (_ *Cluster, err error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := ward.Unprivileged("postgres", "nobody") // PostgreSQL refuses root
	if err != nil {
		return nil, err
	}
	w, err := written(slices.Concat(usual, settings))
	if err != nil {
		return nil, err
	}
	dir, err := ward.Folder("sababan-postgres-", as)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	w.conf = append(w.conf, fmt.Sprintf("port=%d", w.port), "unix_socket_directories="+dir)
	keeper, err := ward.Keep(dir, as, "QUIT", filepath.Join(bin, "postgres"), "-D", data)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Socket: dir, DataDir: data, Port: w.port, ward: keeper, bin: bin, as: as, prepared: map[string]bool{}}
	if err = fill(c, w.initial); err == nil {
		err = c.configure(w.conf)
	}
	if err == nil {
		err = c.start()
	}
	if err != nil {
		return nil, errors.Join(err, keeper.Close())
	}
	return c, nil
}

// settings are what a test has written, by whom it is for: postgresql.conf or
// initdb.
type settings struct {
	conf    []string
	initial []string
	port    int
}

func written(words []string) (s settings, err error) {
	s.port = 5432
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return s, fmt.Errorf("setting %q has no value", word)
		}
		switch name {
		case "data_checksums":
			if value == "on" {
				s.initial = append(s.initial, "--data-checksums")
			}
			continue
		case "icu_locale":
			s.initial = append(s.initial, "--locale-provider=icu", "--icu-locale="+value)
			continue
		case "port":
			if s.port, err = strconv.Atoi(value); err != nil {
				return s, fmt.Errorf("setting %q: %w", word, err)
			}
			continue
		case "listen_addresses":
			if value != "" {
				if s.port, err = freePort(); err != nil {
					return s, err
				}
			}
		}
		s.conf = append(s.conf, word)
	}
	return s, nil
}

func (c *Cluster) initialise(options []string) error {
	words := append([]string{
		"-D", c.DataDir, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
	}, options...)
	if out, err := c.run("initdb", words...); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// configure adds settings to postgresql.conf, where the last one wins.
func (c *Cluster) configure(settings []string) error {
	var conf strings.Builder
	for _, s := range settings {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("setting %q has no value", s)
		}
		fmt.Fprintf(&conf, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
	}
	// The file is the cluster's user's, and stays so: it is opened, not made.
	f, err := os.OpenFile(filepath.Join(c.DataDir, "postgresql.conf"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(conf.String())
	return errors.Join(err, f.Close())
}

// run runs one of PostgreSQL's programs as the cluster's user.
func (c *Cluster) run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir = c.Socket
	cmd.Env = []string{"PATH=" + c.bin + ":/usr/bin:/bin", "LC_ALL=C", "PGHOST=" + c.Socket, "PGPORT=" + strconv.Itoa(c.Port), "PGUSER=" + superuser}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Run runs one of PostgreSQL's own programs, such as pg_checksums or pg_dump,
// as the cluster's user and superuser, and returns what it said; another
// status than 0 ends the test.
func (c *Cluster) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := c.run(name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func (c *Cluster) start() error {
	if err := c.ward.Start(); err != nil {
		return err
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		conn, err := c.connect(ctx, "postgres", superuser)
		if err == nil {
			_ = conn.Close(ctx)
			cancel()
			return nil
		}
		cancel()
		if !c.ward.Alive() {
			return fmt.Errorf("it ended before it answered:\n%s", c.ward.Output())
		}
		select {
		case <-over.C:
			return fmt.Errorf("it does not answer: %w\n%s", err, c.ward.Output())
		case <-again.C:
		}
	}
}

const superuser = "postgres"

func (c *Cluster) connect(ctx context.Context, database, role string) (*pgx.Conn, error) {
	// Every word is given, so that nothing of the environment is taken.
	config, err := pgx.ParseConfig(fmt.Sprintf("host='%s' port=%d user='%s' dbname='%s' password='' passfile='%s' sslmode=disable "+
		"connect_timeout=30 application_name=test timezone=UTC target_session_attrs=any", c.Socket, c.Port, role, database, os.DevNull))
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config)
}

// Stop ends the cluster as `systemctl stop postgresql` does.
func (c *Cluster) Stop(t testing.TB) {
	t.Helper()
	c.mine(t, "stopped")
	if err := c.ward.Stop("INT"); err != nil {
		t.Fatalf("stopping PostgreSQL: %v\n%s", err, c.ward.Output())
	}
}

// Crash ends the cluster as a power cut does: it recovers when it is started.
func (c *Cluster) Crash(t testing.TB) {
	t.Helper()
	c.mine(t, "crashed")
	if err := c.ward.Stop("QUIT"); err != nil {
		t.Fatalf("ending PostgreSQL: %v\n%s", err, c.ward.Output())
	}
}

// Start starts the cluster again after [Cluster.Stop]; settings are added to
// its postgresql.conf first.
func (c *Cluster) Start(t testing.TB, settings ...string) {
	t.Helper()
	c.mine(t, "started")
	if err := c.configure(settings); err != nil {
		t.Fatal(err)
	}
	if err := c.start(); err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
}

// Freeze stops every process of the cluster where it is (SIGSTOP): connections
// are taken and nothing answers, until [Cluster.Thaw] or the test's end.
func (c *Cluster) Freeze(t testing.TB) {
	t.Helper()
	c.mine(t, "frozen")
	if err := c.ward.Freeze(); err != nil {
		t.Fatalf("freezing PostgreSQL: %v", err)
	}
}

// Thaw lets a frozen cluster go on.
func (c *Cluster) Thaw(t testing.TB) {
	t.Helper()
	if err := c.ward.Thaw(); err != nil {
		t.Fatalf("thawing PostgreSQL: %v", err)
	}
}

// Log is what the cluster has written to its log.
func (c *Cluster) Log() string { return c.ward.Output() }

// PID is the postmaster's process, 0 while it is stopped.
func (c *Cluster) PID() int { return c.ward.PID() }

func (c *Cluster) mine(t testing.TB, what string) {
	t.Helper()
	if !c.own {
		t.Fatalf("this cluster is shared with other tests; one that is %s must be the test's own: postgres.Own(t)", what)
	}
}

// binaries is the folder of PostgreSQL's programs, the newest version's.
func binaries() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			return folder, nil
		}
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errors.New("PostgreSQL is missing; this test needs a real one: apt-get install postgresql-15")
}

func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
