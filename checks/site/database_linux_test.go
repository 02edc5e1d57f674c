package site_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

// ask reads one value as text.
func ask(t *testing.T, s *site.Site, sql string, args ...any) (string, error) {
	t.Helper()
	got := ""
	err := s.Database().Read(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, sql, args...).Scan(&got)
	})
	return got, err
}

func explained(t *testing.T, err error) string {
	t.Helper()
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) {
		t.Fatalf("no words for %v", err)
	}
	why, advice := checks.Explain(err)
	if why.En == "" || why.Ja == "" {
		t.Errorf("words are missing: %+v", why)
	}
	return why.En + " | " + advice.Look.String()
}

var users = checks.Reads{Table: "users", Columns: []string{"id", "approved", "no_such_column_in_this_version"}}

func TestTheRoleThatIsAskedForReadsWhatItNeedsAndNothingElse(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.5")
	s := db.Site(t, users, checks.Reads{Table: "no_such_table_in_this_version", Columns: []string{"id"}})

	if n, err := ask(t, s, `SELECT count(approved)::text FROM users`); err != nil || n == "0" {
		t.Errorf("what is granted: %q, %v", n, err)
	}
	for name, sql := range map[string]string{
		"an e-mail address": `SELECT min(email) FROM users`,
		"another table":     `SELECT min(text) FROM statuses`,
		"all of a row":      `SELECT u::text FROM users u LIMIT 1`,
	} {
		_, err := ask(t, s, sql)
		if site.FaultOf(err) != site.NoGrant {
			t.Errorf("%s could be read: %v", name, err)
			continue
		}
		if words := explained(t, err); !strings.Contains(words, "may not read this") || !strings.Contains(words, "sudo sababan check --verbose") {
			t.Error(words)
		}
	}
	if !s.Database().Denied() {
		t.Error("that something was refused is not remembered")
	}
	if _, err := ask(t, s, `SELECT count(*)::text FROM pg_stat_activity WHERE query IS NOT NULL`); err != nil {
		t.Error(err)
	}
	_, err := ask(t, s, `UPDATE users SET approved = false RETURNING 'x'`)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "25006" && pg.Code != "42501" {
		t.Errorf("it could write: %v", err)
	}
	_ = s.Database().Read(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		got, err := site.Columns(ctx, tx, "users")
		if email, has := got["email"]; err != nil || !got["approved"] || email || !has {
			t.Errorf("columns: %v %v", got, err)
		}
		got, err = site.Columns(ctx, tx, "no_such'table")
		if err != nil || len(got) != 0 {
			t.Errorf("columns of nothing: %v %v", got, err)
		}
		return nil
	})
}

func TestTheBlocksThatGiveRightsCanBeRunAgainAndUndone(t *testing.T) {
	db := postgres.Own(t).Mastodon(t, "4.2")
	reads := []checks.Reads{users, {Table: "users", Columns: []string{"id", "created_at"}}}
	for range 2 {
		db.Exec(t, site.GrantSQL(reads))
	}
	if got := strings.Join(db.Grants(t, site.Role), " "); !strings.Contains(got, "users.approved users.created_at users.id") || strings.Contains(got, "email") {
		t.Errorf("granted: %s", got)
	}
	if limit := postgres.Get[int](t, db, `SELECT rolconnlimit FROM pg_roles WHERE rolname = 'sababan'`); limit != 3 {
		t.Errorf("connections: %d", limit)
	}
	for _, statement := range strings.Split(strings.TrimSpace(site.RevokeSQL()), "\n") {
		db.Exec(t, statement)
	}
	if n := postgres.Get[int64](t, db, `SELECT count(*) FROM pg_roles WHERE rolname = 'sababan'`); n != 0 {
		t.Error("the role is still there")
	}
}

func TestAStatementIsEndedInTimeAndTimesAreUTC(t *testing.T) {
	s := postgres.Start(t).Mastodon(t, "4.5").Site(t)
	if zone, err := ask(t, s, `SHOW timezone`); err != nil || zone != "UTC" {
		t.Errorf("zone %q, %v", zone, err)
	}
	if limit, err := ask(t, s, `SHOW lock_timeout`); err != nil || limit != "1s" {
		t.Errorf("wait for a lock %q, %v", limit, err)
	}
	err := s.Database().ReadWithin(t.Context(), site.Limits{Statement: 50 * time.Millisecond, Lock: time.Second}, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT pg_sleep(60)`)
		return err
	})
	if site.FaultOf(err) != site.Cancelled {
		t.Errorf("a long statement ended with %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = s.Database().Read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		limit := ""
		if err := tx.QueryRow(ctx, `SELECT setting FROM pg_settings WHERE name = 'statement_timeout'`).Scan(&limit); err != nil {
			return err
		}
		if ms, err := strconv.Atoi(limit); err != nil || ms > 300 {
			t.Errorf("a statement may take %q ms, longer than anybody waits", limit)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTwoConnectionsServeAllChecks(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.5")
	s := db.Site(t)
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if _, err := ask(t, s, `SELECT pg_sleep(0.02)::text`); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := postgres.Get[int64](t, db, `SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'sababan'`, db.Name); n > 2 {
		t.Errorf("%d connections", n)
	}
}

func TestADatabaseThatIsIllIsSaidInWords(t *testing.T) {
	c := postgres.Own(t, "max_connections=8", "superuser_reserved_connections=3")
	db := c.Mastodon(t, "4.5")
	s := db.Site(t)
	short := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return s.Database().Read(ctx, func(ctx context.Context, tx pgx.Tx) error { return tx.QueryRow(ctx, `SELECT 1`).Scan(new(int)) })
	}
	fine := func(after string) {
		t.Helper()
		for range 100 {
			if short() == nil {
				return
			}
		}
		t.Errorf("after it was %s: %v", after, short())
	}
	fine("started")

	c.Freeze(t)
	if err := short(); site.FaultOf(err) != site.Silent || !strings.Contains(explained(t, err), "does not answer in time") {
		t.Errorf("frozen: %v", err)
	}
	c.Thaw(t)
	fine("thawed")

	c.Stop(t)
	if err := short(); site.FaultOf(err) != site.NotThere || !strings.Contains(explained(t, err), "does not listen at "+c.Socket) {
		t.Errorf("stopped: %v", err)
	}
	c.Start(t)
	fine("started again")

	crowd := db.Role(t)
	s.Close()
	for range 5 {
		conn, err := pgx.Connect(t.Context(), db.URL(crowd)+"&application_name=crowd")
		if err != nil {
			break // the role has its own limit
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
	}
	for range 5 {
		other := db.Role(t)
		for range 3 {
			if conn, err := pgx.Connect(t.Context(), db.URL(other)); err == nil {
				defer conn.Close(context.WithoutCancel(t.Context()))
			}
		}
	}
	if err := short(); site.FaultOf(err) != site.Full || !strings.Contains(explained(t, err), "no connection left") {
		t.Errorf("full: %v", err)
	}
}

func TestRootReadsAsTheUserWhoHasTheRolesName(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("this test must run as root")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	c := postgres.Own(t)
	db := c.Mastodon(t, "4.5")
	db.Exec(t, `CREATE ROLE nobody LOGIN; CREATE ROLE daemon LOGIN`)
	if err := os.Chmod(c.Socket, 0o711); err != nil { // as Debian's is
		t.Fatal(err)
	}
	hba := filepath.Join(c.DataDir, "pg_hba.conf")
	if err := os.WriteFile(hba, []byte("local all nobody,daemon peer\nlocal all all trust\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(c.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(hba, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `SELECT pg_reload_conf()`)

	s, err := site.New(site.Config{Domain: "masto.test", DatabaseURL: checks.NewSecret(db.URL("nobody"))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got string
	for range 100 { // the file is read again some moment after it was asked for
		if got, err = ask(t, s, `SELECT current_user::text`); err == nil {
			break
		}
	}
	if got != "nobody" {
		t.Errorf("as %q, %v", got, err)
	}
	if uid := os.Geteuid(); uid != 0 {
		t.Errorf("this process is %d now, and not root", uid)
	}
	if _, err := os.ReadFile("/etc/shadow"); err != nil {
		t.Errorf("a thread is still %s: %v", nobody.Username, err)
	}
	stranger, err := site.New(site.Config{Domain: "masto.test", DatabaseURL: checks.NewSecret(db.URL("no_such_user"))})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := ask(t, stranger, `SELECT 'x'`); site.FaultOf(err) != site.NotLetIn || !strings.Contains(explained(t, err), "does not let sababan in") {
		t.Errorf("a role that is not there: %v", err)
	}
}

func TestItReadsThroughPgBouncer(t *testing.T) {
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Fatal("pgbouncer is missing: sudo apt-get install pgbouncer")
	}
	c := postgres.Start(t)
	db := c.Mastodon(t, "4.5")
	role := db.Role(t, users)
	dir, err := os.MkdirTemp("", "pgb")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	auth := write("users.txt", fmt.Sprintf("%q \"\"\n", role))
	conf := write("pgbouncer.ini", fmt.Sprintf("[databases]\n%s = host=%s port=%d\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = %s\nlisten_port = 6432\nauth_type = trust\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = 2\n",
		db.Name, c.Socket, c.Port, dir, auth))
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bouncer, conf)
	// It refuses root, as PostgreSQL does, whose socket only its own user reaches.
	info, err := os.Stat(c.Socket)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()

	s, err := site.New(site.Config{Domain: "masto.test", DatabaseURL: checks.NewSecret(fmt.Sprintf("postgres://%s@/%s?host=%s&port=6432", role, db.Name, dir))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for until := time.Now().Add(10 * time.Second); ; {
		if _, err = ask(t, s, `SELECT 'x'`); err == nil || time.Now().After(until) {
			break
		}
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			got, err := ask(t, s, `SELECT count(id)::text || $1 || current_setting('statement_timeout') || current_setting('transaction_read_only') FROM users WHERE approved = $2 AND id > $3`, fmt.Sprint(" ", i, " "), true, 0)
			if err != nil || !strings.HasSuffix(got, fmt.Sprint(" ", i, " 8son")) {
				t.Errorf("%q %v\n%s", got, err, said.String())
			}
		})
	}
	all.Wait()
}
