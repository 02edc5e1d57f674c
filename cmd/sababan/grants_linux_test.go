package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/moderation"
	"github.com/sababan/sababan/checks/site"
)

func TestTheLinesThatGiveARightArePrintedWhereItIsMissingAndGiveIt(t *testing.T) {
	c := postgres.Own(t)
	db := c.Mastodon(t, "4.5")
	db.Exec(t, "CREATE ROLE sababan LOGIN")
	cache := redis.Start(t, "requirepass secret")
	path := filepath.Join(t.TempDir(), "config.toml")
	text := "[server]\ndomain = 'masto.test'\ndatabase_url = '" + db.URL(site.Role) + "'\nredis_url = 'redis://" + cache.Addr + "/0'\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	say := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		env := environment{
			stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
			getenv: func(string) string { return "" }, columns: func() (int, bool) { return 0, false },
			checklist: func(s *site.Site) []checks.Kind { return []checks.Kind{moderation.Kind(s), redisKind(s)} },
			root:      t.TempDir(), patience: 29 * time.Second,
		}
		run(t.Context(), env, append([]string{"check", "--config", path}, args...))
		return out.String()
	}
	if out := say(); !strings.Contains(out, "Look: sudo sababan check --verbose") || strings.Contains(out, "GRANT") {
		t.Errorf("a plain look:\n%s", out)
	}
	out := say("--verbose")
	psql := "sudo -u postgres psql -X -d " + db.Name + " <<'END'\n"
	_, rest, ok := strings.Cut(out, psql)
	grant, rest, ok2 := strings.Cut(rest, "END\n")
	_, rest, ok3 := strings.Cut(rest, psql)
	revoke, rest, ok4 := strings.Cut(rest, "END\n")
	if !ok || !ok2 || !ok3 || !ok4 {
		t.Fatalf("the blocks are missing:\n%s", out)
	}
	for _, want := range []string{
		"redis-cli ACL SETUSER sababan on '>PASSWORD' '~*' resetchannels -@all +@read -@dangerous +ping +info +select\n", "redis-cli ACL DELUSER sababan\n",
	} {
		if !strings.Contains(rest, want) {
			t.Errorf("%q is missing:\n%s", want, rest)
		}
	}
	if ja := say("--verbose", "--lang", "ja"); !strings.Contains(ja, "次のコマンドで、sababanに必要な部分だけの読み取りを許可できます") || !strings.Contains(ja, "取り消すには:") {
		t.Errorf("in Japanese:\n%s", ja)
	}

	file := filepath.Join(c.Socket, "grant.sql")
	for _, block := range []string{grant, grant, revoke} {
		if err := os.WriteFile(file, []byte(block), 0o644); err != nil {
			t.Fatal(err)
		}
		said := c.Run(t, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-h", c.Socket, "-U", "postgres", "-d", db.Name, "-f", file)
		if strings.Contains(said, "ERROR") {
			t.Fatal(said)
		}
		if block == grant {
			if out := say(); !strings.Contains(out, "Fine moderation: 0 sign-ups wait") {
				t.Errorf("with the right given:\n%s", out)
			}
		}
	}
	if out := say(); !strings.Contains(out, "does not let sababan in") {
		t.Errorf("with the right taken away:\n%s", out)
	}
}

// redisKind looks whether Redis answers.
func redisKind(s *site.Site) checks.Kind {
	return checks.Kind{
		Name: "cache", Title: checks.Same("cache"), Cron: "* * * * *", Timeout: 10 * time.Second,
		New: func(checks.Table) (checks.Check, error) { return redisLook{s}, nil },
	}
}

type redisLook struct{ site *site.Site }

func (l redisLook) Look(ctx context.Context, _ checks.Past) (checks.Observation, error) {
	err := l.site.Redis().Do(ctx, func(ctx context.Context, c *goredis.Client, _ string) error { return c.Ping(ctx).Err() })
	return checks.Observation{Summary: checks.Same("it answers")}, err
}
