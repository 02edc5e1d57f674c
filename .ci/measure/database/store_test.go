package database_test

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/checkstest/postgres/ward"
)

var (
	//go:embed fill.sql
	fillSQL string
	//go:embed posts.sql
	postsSQL string
	//go:embed finish.sql
	finishSQL string
	//go:embed lately.sql
	latelySQL string
)

const (
	mastodonVersion = "4.6"
	databaseName    = "mastodon_bench"
	superuser       = "postgres"
	posts           = 10_000_000
	postEvery       = 3456 // ms, as fill.sql has it
	// keptFor is how old a database may become: it goes on where it ended, which
	// takes longer and longer.
	keptFor = 30 * 24 * time.Hour
)

// settings are PostgreSQL's own but for these: what is on disk need not outlive
// a power cut (it is made anew), and nobody else reads.
const settings = `fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
shared_buffers = 256MB
dynamic_shared_memory_type = mmap
listen_addresses = ''
unix_socket_permissions = 0777
autovacuum = off
timezone = 'Asia/Tokyo'
log_timezone = UTC
lc_messages = C
logging_collector = off
shared_preload_libraries = 'pg_stat_statements,auto_explain'
pg_stat_statements.track = all
pg_stat_statements.track_planning = on
pg_stat_statements.max = 1000
`

// A store is the PostgreSQL with the large database in it, which stays on disk
// between runs.
type store struct {
	ward   *ward.Ward
	socket string
	// told is what a person should know of it.
	told []string
}

// openStore starts it; it is made or made anew where that is needed, and goes
// on until now.
func openStore(t *testing.T) *store {
	t.Helper()
	as, err := ward.Unprivileged("postgres", "nobody") // PostgreSQL refuses root
	if err != nil {
		t.Fatal(err)
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	home, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	lock(t, filepath.Join(home, "lock"))
	dir := filepath.Join(home, "database-"+recipe(t, bin))
	forget(t, home, dir)
	socket, err := ward.Folder("sababan-bench-", as)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	// A fast shutdown, also when this process is killed: tables that are not
	// logged are empty after a crash.
	keeper, err := ward.Keep(socket, as, "INT", filepath.Join(bin, "postgres"), "-D", data, "-k", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := keeper.Close(); err != nil {
			t.Errorf("ending PostgreSQL: %v", err)
		}
	})
	s := &store{ward: keeper, socket: socket}
	if s.whole(dir) {
		s.start(t)
		if s.filled(t) {
			s.goOn(t, dir)
			return s
		}
		s.stop(t)
		s.told = append(s.told, "what was kept is empty: its PostgreSQL did not end well")
	}
	s.make(t, dir, data, bin, as)
	return s
}

// programs is the folder of PostgreSQL's, the newest version's.
func programs() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	best, newest := "", 0
	for _, f := range folders {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if _, err := os.Stat(filepath.Join(f, "initdb")); err == nil && n > newest {
			best, newest = f, n
		}
	}
	if best == "" {
		return "", errors.New("PostgreSQL is missing; this needs a real one: apt-get install postgresql-15")
	}
	return best, nil
}

// cache is where databases are kept: SABABAN_BENCH_CACHE, or else the user's
// own cache; root's home is closed to the user that PostgreSQL runs as.
func cache() (string, error) {
	dir := os.Getenv("SABABAN_BENCH_CACHE")
	if dir == "" && os.Geteuid() == 0 {
		dir = "/var/cache/sababan-bench"
	}
	if dir == "" {
		own, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(own, "sababan-bench")
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// lock makes others wait who want the same.
func lock(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it ends the lock
}

// recipe names what is in the database: another one is another database.
func recipe(t *testing.T, bin string) string {
	t.Helper()
	h := sha256.New()
	_, _ = io.WriteString(h, bin+settings+fillSQL+postsSQL+finishSQL+latelySQL+strings.Join(postgres.Schema(t, mastodonVersion), ""))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// forget removes the databases of other recipes.
func forget(t *testing.T, home, but string) {
	t.Helper()
	kept, err := filepath.Glob(filepath.Join(home, "database-*"))
	for _, dir := range kept {
		if dir != but {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

const madeFile = "made" // when everything is in it; it holds the time in milliseconds

func (s *store) whole(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, madeFile))
	return err == nil && time.Since(info.ModTime()) < keptFor
}

func (s *store) filled(t *testing.T) bool {
	t.Helper()
	return get[bool](t, s, `SELECT EXISTS (SELECT FROM statuses) AND EXISTS (SELECT FROM accounts) AND EXISTS (SELECT FROM follows)`)
}

// make makes the database.
func (s *store) make(t *testing.T, dir, data, bin string, as *syscall.Credential) {
	t.Helper()
	began := time.Now()
	var room syscall.Statfs_t
	err := errors.Join(os.RemoveAll(dir), syscall.Statfs(filepath.Dir(dir), &room), os.Mkdir(dir, 0o755))
	if err != nil {
		t.Fatal(err)
	}
	const needed = 12 << 30
	if free := room.Bavail * uint64(room.Bsize); free < needed {
		t.Fatalf("there is not room enough in %s, 12 GB: set SABABAN_BENCH_CACHE to a folder on a larger disk", filepath.Dir(dir))
	}
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	initdb := exec.CommandContext(t.Context(), filepath.Join(bin, "initdb"), "-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8",
		"--locale=C.UTF-8", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.Env = s.socket, []string{"PATH=" + bin + ":/usr/bin:/bin", "LC_ALL=C"}
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = conf.WriteString(settings)
		err = errors.Join(err, conf.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	s.start(t)
	s.run(t, "postgres", "CREATE DATABASE "+databaseName+" TEMPLATE template0")
	now := time.Now().UnixMilli()
	words := []string{"{now}", strconv.FormatInt(now, 10), "{from}", "1", "{to}", strconv.Itoa(posts)}
	for _, sql := range append(postgres.Schema(t, mastodonVersion), "CREATE EXTENSION pg_stat_statements", fillSQL, postsSQL, finishSQL, "VACUUM ANALYZE") {
		s.run(t, databaseName, strings.NewReplacer(words...).Replace(sql))
	}
	s.run(t, databaseName, "CHECKPOINT")
	if err := os.WriteFile(filepath.Join(dir, madeFile), []byte(strconv.FormatInt(now, 10)), 0o644); err != nil {
		t.Fatal(err)
	}
	s.told = append(s.told, fmt.Sprintf("the database was made in %.0f s; it stays in %s", time.Since(began).Seconds(), dir))
	s.goOn(t, dir)
}

// goOn lets pass in the database what has passed since it was made, or used
// last: the questions are about the last hours and days.
func (s *store) goOn(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, madeFile))
	if err != nil {
		t.Fatal(err)
	}
	made, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	from := 1 + get[int64](t, s, "SELECT max(n) FROM bench.done")
	to := posts + (now-made)/postEvery
	words := strings.NewReplacer("{now}", strconv.FormatInt(now, 10), "{from}", strconv.FormatInt(from, 10), "{to}", strconv.FormatInt(to, 10))
	s.run(t, databaseName, words.Replace(postsSQL))
	s.run(t, databaseName, words.Replace(latelySQL))
	s.run(t, databaseName, "VACUUM ANALYZE statuses, accounts, account_stats, media_attachments, mentions, notifications, users")
}

func (s *store) start(t *testing.T) {
	t.Helper()
	if err := s.ward.Start(); err != nil {
		t.Fatal(err)
	}
	over := time.NewTimer(time.Minute)
	defer over.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := s.connect(t.Context(), "postgres", superuser)
		if err == nil {
			_ = conn.Close(t.Context())
			return
		}
		if !s.ward.Alive() {
			t.Fatalf("PostgreSQL ended before it answered:\n%s", s.ward.Output())
		}
		select {
		case <-over.C:
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, s.ward.Output())
		case <-again.C:
		}
	}
}

func (s *store) stop(t *testing.T) {
	t.Helper()
	if err := s.ward.Stop("INT"); err != nil {
		t.Fatal(err)
	}
}

func (s *store) connect(ctx context.Context, database, role string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(fmt.Sprintf("host='%s' port=5432 user='%s' dbname='%s' password='' passfile='%s' sslmode=disable "+
		"connect_timeout=30 application_name=bench target_session_attrs=any", s.socket, role, database, os.DevNull))
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config)
}

// run runs any number of statements as the superuser.
func (s *store) run(t *testing.T, database, sql string) {
	t.Helper()
	conn, err := s.connect(t.Context(), database, superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		head, _, _ := strings.Cut(strings.TrimSpace(sql), "\n")
		t.Fatalf("%s …: %v", head, err)
	}
}

// get asks as the superuser for one value.
func get[T any](t *testing.T, s *store, sql string, args ...any) T {
	t.Helper()
	var v T
	conn, err := s.connect(t.Context(), databaseName, superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}
