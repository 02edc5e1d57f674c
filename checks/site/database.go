package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sababan/sababan/checks"
)

const (
	// Role is the PostgreSQL role and the Redis user that is asked for, and the
	// system user that the packages make.
	Role = "sababan"

	poolSize         = 2 // connections (defaults: role limited to 3)
	statementTimeout = 8 * time.Second
	lockTimeout      = time.Second
	idleTimeout      = 10 * time.Second // idle in a transaction (own)
	connectTimeout   = 5 * time.Second  // (own; the library waits for ever)
	idleConnection   = time.Minute      // kept open without use (own)
)

// A Database is how Mastodon's PostgreSQL is read: by two connections, opened
// at first use, which all checks share.
type Database struct {
	site *Site
	// denied is set once something was refused for want of a right.
	denied atomic.Bool

	mu     sync.Mutex
	pool   *pgxpool.Pool
	target target // what pool leads to
}

// target is where a database is, and as whom it is read.
type target struct {
	url string // postgres://…, with the password if there is one
	// as is the system user to be while connecting, -1 for none: PostgreSQL lets
	// in by the local socket who has the name of the role.
	as int
}

func (t target) password() checks.Secret {
	u, err := url.Parse(t.url)
	if err != nil {
		return checks.Secret{}
	}
	words, has := u.User.Password()
	if !has {
		words = u.Query().Get("password")
	}
	return checks.NewSecret(words)
}

// Limits are how long one statement may take and wait for a lock.
type Limits struct{ Statement, Lock time.Duration }

// Database is how the database is read; never nil.
func (s *Site) Database() *Database {
	s.link()
	return s.database
}

// NeedDatabase is the error of a kind that cannot look without a database:
// nothing is set, and nothing on this machine says that there is one.
func (s *Site) NeedDatabase() error {
	if s.set.DatabaseURL.Empty() && !s.mastodonHere() {
		return &checks.NotSetUp{Setting: "[server] database_url"}
	}
	return nil
}

// mastodonHere tells whether anything of a Mastodon was found.
func (s *Site) mastodonHere() bool {
	f := s.Find(context.Background())
	return f.Live != "" || f.Compose != "" || len(f.Settings) > 0
}

// Read runs f in one read-only transaction: a statement may take 8 s, or what
// ctx leaves, and wait 1 s for a lock; times are UTC. What PostgreSQL answers
// comes back as *[checks.Unseen] that names the right or setting that is
// missing, with the cause inside; [FaultOf] tells what kind of cause.
func (d *Database) Read(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	return d.ReadWithin(ctx, Limits{statementTimeout, lockTimeout}, f)
}

// ReadWithin is Read with limits of its own.
func (d *Database) ReadWithin(ctx context.Context, l Limits, f func(ctx context.Context, tx pgx.Tx) error) error {
	where, err := d.where(ctx)
	if err != nil {
		return err
	}
	err = d.read(ctx, where, l, f)
	unseen := databaseUnseen(err, where)
	if fault := FaultOf(err); fault == NotLetIn && !where.foreign() || fault == NoGrant {
		d.denied.Store(true)
	}
	return unseen
}

func (d *Database) read(ctx context.Context, where target, l Limits, f func(ctx context.Context, tx pgx.Tx) error) error {
	pool, err := d.open(where)
	if err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		l.Statement = max(min(l.Statement, time.Until(deadline)), time.Millisecond)
	}
	// Set inside the transaction, so that it holds behind PgBouncer, too.
	begin := fmt.Sprintf("begin read only; set local statement_timeout = %d; set local lock_timeout = %d; "+
		"set local idle_in_transaction_session_timeout = %d; set local timezone = 'UTC'",
		l.Statement.Milliseconds(), l.Lock.Milliseconds(), idleTimeout.Milliseconds())
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	var dialled *pgconn.ConnectError
	if err != nil && ctx.Err() == nil && !errors.As(err, &dialled) {
		// A connection from before a restart of the server: nothing was asked yet.
		tx, err = pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	}
	if err != nil {
		return &connecting{err}
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = tx.Rollback(ending) // nothing was written
	}()
	return f(ctx, tx)
}

// connecting marks an error before the first question was asked.
type connecting struct{ err error }

func (e *connecting) Error() string { return "connect: " + e.err.Error() }

func (e *connecting) Unwrap() error { return e.err }

// open returns the pool; another target than the last closes the old one.
func (d *Database) open(where target) (*pgxpool.Pool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pool != nil && d.target == where {
		return d.pool, nil
	}
	c, err := poolConfig(where)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), c)
	if err != nil {
		return nil, err
	}
	if d.pool != nil {
		go d.pool.Close() // waits for those who still read
	}
	d.pool, d.target = pool, where
	return pool, nil
}

func (d *Database) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pool != nil {
		d.pool.Close()
		d.pool = nil
	}
}

// Name of the database, such as "mastodon_production".
func (d *Database) Name() string {
	where, err := d.where(context.Background())
	if err != nil {
		return ""
	}
	u, err := url.Parse(where.url)
	if err != nil {
		return ""
	}
	return cmp.Or(u.Query().Get("dbname"), strings.TrimPrefix(u.Path, "/"))
}

// Denied tells whether something could not be read for want of a right.
func (d *Database) Denied() bool { return d.denied.Load() }

// poolConfig is for where, and nothing in this process's environment or home
// adds to it.
func poolConfig(where target) (*pgxpool.Config, error) {
	u, err := url.Parse(where.url)
	if err != nil {
		return nil, errors.New("[server] database_url: it is not an address such as postgres://sababan@/mastodon_production?host=/run/postgresql")
	}
	q := u.Query()
	password, _ := u.User.Password()
	for name, value := range map[string]string{
		"host": u.Hostname(), "port": cmp.Or(u.Port(), "5432"), "dbname": strings.TrimPrefix(u.Path, "/"),
		"user": u.User.Username(), "password": password, "passfile": os.DevNull, "sslmode": "prefer", "sslcert": "", "sslkey": "", "sslrootcert": "",
		"connect_timeout": strconv.Itoa(int(connectTimeout / time.Second)), "target_session_attrs": "any", "application_name": Role,
	} {
		if !q.Has(name) {
			q.Set(name, value)
		}
	}
	if q.Get("sslmode") == "no-verify" { // Mastodon's word for it
		q.Set("sslmode", "require")
	}
	var words []string
	for name := range q {
		words = append(words, name+"="+quoteWord(q.Get(name)))
	}
	c, err := pgxpool.ParseConfig(strings.Join(words, " "))
	if err != nil {
		// Its message may quote the whole address.
		return nil, errors.New("[server] database_url: it is not an address such as postgres://sababan@/mastodon_production?host=/run/postgresql")
	}
	c.MaxConns, c.MinConns, c.MinIdleConns = poolSize, 0, 0
	c.MaxConnIdleTime, c.HealthCheckPeriod = idleConnection, idleConnection
	// No statement is prepared on the server: behind PgBouncer the next may go to another.
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	c.ConnConfig.StatementCacheCapacity, c.ConnConfig.DescriptionCacheCapacity = 0, 0
	// PgBouncer refuses parameters that it does not know.
	c.ConnConfig.RuntimeParams = map[string]string{"application_name": c.ConnConfig.RuntimeParams["application_name"]}
	if where.as >= 0 {
		c.ConnConfig.DialFunc = dialAs(where.as)
	}
	return c, nil
}

func quoteWord(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// where is the address that is set, or the one that what was found leads to.
func (d *Database) where(ctx context.Context) (target, error) {
	s := d.site
	if !s.set.DatabaseURL.Empty() {
		return target{url: s.set.DatabaseURL.Reveal(), as: asWhom(s.set.DatabaseURL.Reveal())}, nil
	}
	if err := s.NeedDatabase(); err != nil {
		return target{}, err
	}
	u := foundDatabase(s.Find(ctx).Settings, func(p string) bool { _, err := os.Stat(s.Root + p); return err == nil })
	return target{url: u, as: asWhom(u)}, nil
}

// socketFolders are where PostgreSQL's socket lies: Debian, and its own default.
var socketFolders = []string{"/run/postgresql", "/var/run/postgresql", "/tmp"}

// foundDatabase is the address for the role that is asked for: by the local
// socket where the database is on this machine, past PgBouncer.
func foundDatabase(settings map[string]string, there func(path string) bool) string {
	host, port, name := settings["DB_HOST"], settings["DB_PORT"], settings["DB_NAME"]
	if u, err := url.Parse(settings["DATABASE_URL"]); err == nil && u.Host+u.Path != "" {
		host, port, name = u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/")
	}
	name = cmp.Or(name, "mastodon_production")
	q := url.Values{}
	if host == "" || localHost(host) {
		folder, at := "/run/postgresql", ""
		for _, p := range []string{port, "5432"} {
			for _, f := range socketFolders {
				if p != "" && p != "6432" && at == "" && there(path.Join(f, ".s.PGSQL."+p)) {
					folder, at = f, p
				}
			}
		}
		if port == "6432" {
			port = ""
		}
		host, port = folder, cmp.Or(at, port, "5432")
	}
	q.Set("host", host)
	q.Set("port", cmp.Or(port, "5432"))
	return (&url.URL{Scheme: "postgres", User: url.User(Role), Path: "/" + name, RawQuery: q.Encode()}).String()
}

func localHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// asWhom is the system user to be while connecting: root may be anybody, and
// by the local socket PostgreSQL lets in who has the role's name.
func asWhom(address string) int {
	u, err := url.Parse(address)
	if err != nil || os.Geteuid() != 0 || !byName(u) {
		return -1
	}
	who, err := user.Lookup(u.User.Username())
	if err != nil {
		return -1
	}
	id, err := strconv.Atoi(who.Uid)
	if err != nil {
		return -1
	}
	return id
}

// byName tells whether PostgreSQL goes by who connects: there is no password,
// and the local socket tells.
func byName(u *url.URL) bool {
	_, has := u.User.Password()
	return !has && strings.HasPrefix(cmp.Or(u.Query().Get("host"), u.Hostname()), "/")
}

// foreign tells whether this process runs as somebody who cannot be let in
// there, whatever rights the role has: neither root nor the role's own user.
func (t target) foreign() bool {
	u, err := url.Parse(t.url)
	if err != nil || os.Geteuid() == 0 || !byName(u) {
		return false
	}
	me, err := user.Current()
	return err == nil && me.Username != u.User.Username()
}

// Columns are the columns of a table or view of Mastodon's, and whether each
// may be read; none where there is no such table. Versions differ: ask before
// reading what not all of them have.
func Columns(ctx context.Context, tx pgx.Tx, table string) (map[string]bool, error) {
	rows, err := tx.Query(ctx, `select a.attname::text, has_column_privilege(a.attrelid, a.attnum, 'SELECT')
		from pg_attribute a where a.attrelid = to_regclass('public.' || quote_ident($1)) and a.attnum > 0 and not a.attisdropped`, table)
	if err != nil {
		return nil, err
	}
	got := map[string]bool{}
	var name string
	var may bool
	_, err = pgx.ForEachRow(rows, []any{&name, &may}, func() error { got[name] = may; return nil })
	return got, err
}

// link makes the ways to the databases; nothing is opened.
func (s *Site) link() {
	s.links.Do(func() {
		s.database = &Database{site: s}
		s.redis = &Redis{site: s, setting: "redis_url", url: s.set.RedisURL}
		s.jobs = &Redis{site: s, setting: "sidekiq_redis_url", url: s.set.SidekiqRedisURL, jobs: true}
	})
}

// addresses are what is wrong with those that are set.
func (c Config) addresses() []error {
	var errs []error
	if address := c.DatabaseURL.Reveal(); address != "" {
		if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
			errs = append(errs, errors.New("[server] database_url: it does not begin with postgres://"))
		} else if _, err := poolConfig(target{url: address, as: -1}); err != nil {
			errs = append(errs, err)
		}
	}
	for _, one := range []struct {
		setting string
		address checks.Secret
	}{{"redis_url", c.RedisURL}, {"sidekiq_redis_url", c.SidekiqRedisURL}} {
		if one.address.Empty() {
			continue
		}
		if _, err := redisTarget(one.address.Reveal()); err != nil {
			errs = append(errs, fmt.Errorf("[server] %s: %w", one.setting, err))
		}
	}
	return errs
}
