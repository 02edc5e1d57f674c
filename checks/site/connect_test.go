package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
)

func TestTheDatabaseIsWhereMastodonsSettingsSay(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings map[string]string
		sockets  []string
		want     string
	}{
		{"nothing said is Debian's socket", nil, nil, "postgres://sababan@/mastodon_production?host=%2Frun%2Fpostgresql&port=5432"},
		{
			"the local host is asked by its socket",
			map[string]string{"DB_HOST": "localhost", "DB_NAME": "masto"},
			[]string{"/run/postgresql/.s.PGSQL.5432"},
			"postgres://sababan@/masto?host=%2Frun%2Fpostgresql&port=5432",
		},
		{
			"a socket folder stays",
			map[string]string{"DB_HOST": "/srv/pg", "DB_PORT": "5433"},
			nil,
			"postgres://sababan@/mastodon_production?host=%2Fsrv%2Fpg&port=5433",
		},
		{
			"behind PgBouncer's port the database itself is asked",
			map[string]string{"DB_HOST": "127.0.0.1", "DB_PORT": "6432"},
			[]string{"/var/run/postgresql/.s.PGSQL.5432", "/var/run/postgresql/.s.PGSQL.6432"},
			"postgres://sababan@/mastodon_production?host=%2Fvar%2Frun%2Fpostgresql&port=5432",
		},
		{
			"a second cluster is told by its port",
			map[string]string{"DB_PORT": "5433"},
			[]string{"/run/postgresql/.s.PGSQL.5432", "/run/postgresql/.s.PGSQL.5433"},
			"postgres://sababan@/mastodon_production?host=%2Frun%2Fpostgresql&port=5433",
		},
		{
			"another machine is asked over the network",
			map[string]string{"DB_HOST": "10.0.0.2", "DB_NAME": "m"},
			nil,
			"postgres://sababan@/m?host=10.0.0.2&port=5432",
		},
		{
			"DATABASE_URL wins",
			map[string]string{"DB_HOST": "10.0.0.2", "DATABASE_URL": "postgresql://db.internal:5444/masto"},
			nil,
			"postgres://sababan@/masto?host=db.internal&port=5444",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := foundDatabase(c.settings, func(p string) bool {
				for _, s := range c.sockets {
					if s == p {
						return true
					}
				}
				return false
			})
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNothingInTheEnvironmentChangesWhereTheDatabaseIs(t *testing.T) {
	for name, value := range map[string]string{
		"PGHOST": "evil.example", "PGPORT": "1", "PGUSER": "root", "PGPASSWORD": "wrong", "PGDATABASE": "x",
		"PGAPPNAME": "x", "PGOPTIONS": "-c x=y", "PGSSLMODE": "verify-full", "PGTARGETSESSIONATTRS": "primary", "PGTZ": "Asia/Tokyo",
	} {
		t.Setenv(name, value)
	}
	c, err := poolConfig(target{url: "postgres://sababan@/masto?host=/run/postgresql", as: -1})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.ConnConfig.Host, c.ConnConfig.Port, c.ConnConfig.User, c.ConnConfig.Password, c.ConnConfig.Database, c.ConnConfig.TLSConfig, len(c.ConnConfig.Fallbacks), c.ConnConfig.RuntimeParams, c.MaxConns)
	if want := "/run/postgresql5432sababanmasto<nil>0map[application_name:sababan]2"; strings.ReplaceAll(got, " ", "") != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAnAddressThatIsNoneIsOneSentenceWithoutThePassword(t *testing.T) {
	for setting, address := range map[string]string{
		"database_url": "mysql://sababan:hunter2@db/masto", "redis_url": "http://:hunter2@cache", "sidekiq_redis_url": "redis-sentinel://:hunter2@host:26379",
	} {
		c := Config{Domain: "example.social"}
		var into interface{ UnmarshalText([]byte) error } = &c.DatabaseURL
		switch setting {
		case "redis_url":
			into = &c.RedisURL
		case "sidekiq_redis_url":
			into = &c.SidekiqRedisURL
		}
		if err := into.UnmarshalText([]byte(address)); err != nil {
			t.Fatal(err)
		}
		_, err := New(c)
		if err == nil || !strings.HasPrefix(err.Error(), "[server] "+setting+": ") || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func TestRedisIsWhereMastodonsSettingsSay(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings map[string]string
		jobs     bool
		want     string
	}{
		{"nothing said is the usual port", nil, false, "redis://localhost:6379/0"},
		{"host, port and number", map[string]string{"REDIS_HOST": "10.0.0.3", "REDIS_PORT": "6380", "REDIS_DB": "2"}, false, "redis://10.0.0.3:6380/2"},
		{"an IPv6 host", map[string]string{"REDIS_HOST": "::1"}, false, "redis://[::1]:6379/0"},
		{"a socket", map[string]string{"REDIS_HOST": "/run/redis/redis.sock"}, false, "unix:///run/redis/redis.sock?db=0"},
		{"an address wins", map[string]string{"REDIS_HOST": "a", "REDIS_URL": "rediss://b:6390/1"}, false, "rediss://b:6390/1"},
		{"Sidekiq's own", map[string]string{"REDIS_HOST": "a", "SIDEKIQ_REDIS_HOST": "b"}, true, "redis://b:6379/0"},
		{"the base is not Sidekiq's", map[string]string{"REDIS_HOST": "a", "SIDEKIQ_REDIS_HOST": "b"}, false, "redis://a:6379/0"},
		{"Sidekiq's is the base where nothing else is said", map[string]string{"REDIS_HOST": "a"}, true, "redis://a:6379/0"},
		{"sentinels", map[string]string{"REDIS_SENTINELS": "a:1,b", "REDIS_SENTINEL_MASTER": "masto"}, false, "redis-sentinel://a:1,b/masto/0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := foundRedis(c.settings, c.jobs)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if _, err := redisTarget(got); err != nil {
				t.Error(err)
			}
		})
	}
	p, err := redisTarget("redis-sentinel://watch:pw@a:1,b/masto/3")
	if err != nil || p.master != "masto" || p.options.DB != 3 || p.options.Username != "watch" || p.options.Password != "pw" ||
		strings.Join(p.sentinels, " ") != "a:1 b:26379" || p.place() != "masto (a:1, b:26379)" {
		t.Errorf("%+v %v", p, err)
	}
}

func TestANamespaceIsUsedOnlyWhereItsKeysLive(t *testing.T) {
	for _, c := range []struct {
		name                                          string
		processes, processesBelow, queues, queueBelow bool
		want                                          string
	}{
		{"running processes below it", false, true, false, true, "mastodon:"},
		{"left behind in the settings after 4.4", true, false, true, true, ""},
		{"nothing runs, and the queues are below it", false, false, false, true, "mastodon:"},
		{"nothing runs, and the queues are without it", false, false, true, true, ""},
		{"nothing at all", false, false, false, false, ""},
		{"both run: the newer way", true, true, true, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := namespaceInUse("mastodon:", c.processes, c.processesBelow, c.queues, c.queueBelow); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhyThereWasNoAnswer(t *testing.T) {
	state := func(code string) error {
		return fmt.Errorf("asking: %w", &pgconn.PgError{Code: code, Message: "said", Detail: "row data"})
	}
	for _, c := range []struct {
		name string
		err  error
		want Fault
	}{
		{"no error", nil, NoFault},
		{"no socket", &connecting{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENOENT)}}, NotThere},
		{"refused", &connecting{syscall.ECONNREFUSED}, NotThere},
		{"no such name", &connecting{&net.DNSError{Name: "db", IsNotFound: true}}, NotThere},
		{"a socket that is closed to us", &connecting{fs.ErrPermission}, NotLetIn},
		{"no such role", state("28000"), NotLetIn},
		{"wrong password", state("28P01"), NotLetIn},
		{"no such database", state("3D000"), NotLetIn},
		{"no right", state("42501"), NoGrant},
		{"no connection left", state("53300"), Full},
		{"starting up", state("57P03"), Starting},
		{"took too long", state("57014"), Cancelled},
		{"locked", state("55P03"), Locked},
		{"no such table", state("42P01"), OtherSchema},
		{"no such column", state("42703"), OtherSchema},
		{"a full disk", state("53100"), Odd},
		{"time is over", context.DeadlineExceeded, Silent},
		{"nobody waits any more", &connecting{context.Canceled}, Silent},
		{"something else", errors.New("surprise"), Odd},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := FaultOf(c.err); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
			words := databaseUnseen(c.err, target{url: "postgres://sababan:hunter2@/m?host=/run/postgresql"})
			if words != nil && strings.Contains(fmt.Sprint(words), "hunter2") {
				t.Errorf("the password shows: %v", words)
			}
		})
	}
	for said, want := range map[string]Fault{
		"NOAUTH Authentication required.": NotLetIn, "WRONGPASS invalid username-password pair or user is disabled.": NotLetIn,
		"NOPERM User sababan has no permissions to run the 'set' command": NoGrant, "LOADING Redis is loading the dataset in memory": Starting,
		"ERR max number of clients reached": Full, "ERR unknown command": Odd,
	} {
		if got := RedisFaultOf(fmt.Errorf("asking: %w", redisSaid(said))); got != want {
			t.Errorf("%q: got %d, want %d", said, got, want)
		}
	}
	if got := RedisFaultOf(redis.Nil); got != NoFault {
		t.Errorf("nothing there is no fault: %d", got)
	}
}

// redisSaid is an error as the server writes it.
type redisSaid string

func (e redisSaid) Error() string { return string(e) }
func (redisSaid) RedisError()     {}

func TestAnAddressInTheSettingsIsKeptWithoutItsPassword(t *testing.T) {
	got, err := readEnv(strings.NewReader("REDIS_URL=redis://user:hunter2@cache:6380/1?x=hunter2\nDATABASE_URL='postgres://m:hunter2@db/masto'\nUPDATE_CHECK_URL=\nREDIS_PASSWORD=hunter2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "map[DATABASE_URL:postgres://db/masto REDIS_URL:redis://cache:6380/1 UPDATE_CHECK_URL:]" {
		t.Error(got)
	}
	secret := peekSettings(strings.NewReader("A=1\nREDIS_PASSWORD=\"hunter2\"\nB=2\n"), "REDIS_PASSWORD")
	if len(secret) != 1 || secret["REDIS_PASSWORD"] != "hunter2" {
		t.Error("the password was not read for the moment of use")
	}
}
