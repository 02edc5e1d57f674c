package site_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/site"
)

// ping asks the base database, within a second.
func ping(t *testing.T, s *site.Site) (prefix string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err = s.Redis().Do(ctx, func(ctx context.Context, c *goredis.Client, p string) error {
		prefix = p
		return c.Ping(ctx).Err()
	})
	return prefix, err
}

func TestTheRedisUserThatIsAskedForReadsAndChangesNothing(t *testing.T) {
	r := redis.Start(t, "requirepass of-mastodon")
	admin := r.Client()
	words := site.RedisACL()
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = strings.Replace(w, "PASSWORD", "hunter2", 1)
	}
	if err := admin.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	r.Sidekiq(t, "4.5", time.Now())
	s, err := site.New(site.Config{Domain: "masto.test", RedisURL: checks.NewSecret("redis://sababan:hunter2@" + r.Addr + "/0")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := ping(t, s); err != nil {
		t.Error(err)
	}
	for name, ask := range map[string]func(context.Context, *goredis.Client) error{
		"a queue": func(ctx context.Context, c *goredis.Client) error {
			return c.LIndex(ctx, "queue:default", -1).Err()
		},
		"the processes": func(ctx context.Context, c *goredis.Client) error { return c.SMembers(ctx, "processes").Err() },
		"its state":     func(ctx context.Context, c *goredis.Client) error { return c.Info(ctx).Err() },
		"its keys":      func(ctx context.Context, c *goredis.Client) error { return c.Scan(ctx, 0, "*", 10).Err() },
	} {
		if err := s.Redis().Do(t.Context(), func(ctx context.Context, c *goredis.Client, _ string) error { return ask(ctx, c) }); err != nil && !errors.Is(err, goredis.Nil) {
			t.Errorf("it may not read %s: %v", name, err)
		}
	}
	for _, write := range [][]any{{"SET", "x", "1"}, {"DEL", "processes"}, {"FLUSHALL"}, {"CONFIG", "GET", "*"}, {"SHUTDOWN"}} {
		err := s.Redis().Do(t.Context(), func(ctx context.Context, c *goredis.Client, _ string) error { return c.Do(ctx, write...).Err() })
		if site.RedisFaultOf(err) != site.NoGrant {
			t.Errorf("%v: %v", write, err)
		}
	}
	if !s.Redis().Denied() {
		t.Error("that something was refused is not remembered")
	}
}

func TestARedisThatIsIllIsSaidInWords(t *testing.T) {
	r := redis.Start(t)
	s := r.Site(t)
	if _, err := ping(t, s); err != nil {
		t.Fatal(err)
	}
	r.Freeze(t)
	if _, err := ping(t, s); site.RedisFaultOf(err) != site.Silent || !strings.Contains(explained(t, err), "does not answer in time") {
		t.Errorf("frozen: %v", err)
	}
	r.Thaw(t)
	r.Stop(t)
	if _, err := ping(t, s); site.RedisFaultOf(err) != site.NotThere || !strings.Contains(explained(t, err), "does not listen at") {
		t.Errorf("stopped: %v", err)
	}
	r.StartAgain(t)
	// The library looks once a second whether it can connect again.
	var err error
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
		if _, err = ping(t, s); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("started again: %v", err)
	}
	locked := redis.Start(t, "requirepass secret")
	for url, want := range map[string]string{"redis://" + locked.Addr: "does not let sababan in", "redis://:wrong@" + locked.Addr: "does not let sababan in"} {
		s, err := site.New(site.Config{Domain: "masto.test", RedisURL: checks.NewSecret(url)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, err = ping(t, s)
		if words := explained(t, err); !strings.Contains(words, want) || strings.Contains(words, "wrong@") {
			t.Errorf("%s: %s", url, words)
		}
	}
}

func TestANamespaceIsFoundByWhatLivesBelowIt(t *testing.T) {
	r := redis.Start(t)
	s := r.SiteWith(t, site.Config{RedisNamespace: "mastodon"})
	r.SidekiqBelow(t, "mastodon", "4.2", time.Now())
	if prefix, err := ping(t, s); err != nil || prefix != "mastodon:" {
		t.Errorf("%q %v", prefix, err)
	}
	r.Do(t, "FLUSHALL")
	r.Sidekiq(t, "4.5", time.Now())
	if prefix, err := ping(t, s); err != nil || prefix != "" {
		t.Errorf("left behind in the settings: %q %v", prefix, err)
	}
}

func TestMastodonsOwnPasswordIsUsedForTheMomentBySomebodyWhoMayReadIt(t *testing.T) {
	r := redis.Start(t, "requirepass of-mastodon")
	host, port, _ := strings.Cut(r.Addr, ":")
	root := t.TempDir()
	live := filepath.Join(root, "home/mastodon/live")
	if err := os.MkdirAll(filepath.Join(live, "lib/mastodon"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := "LOCAL_DOMAIN=masto.test\nREDIS_HOST=" + host + "\nREDIS_PORT=" + port + "\nREDIS_PASSWORD='of-mastodon'\n"
	for name, text := range map[string]string{".env.production": env, "lib/mastodon/version.rb": ""} {
		if err := os.WriteFile(filepath.Join(live, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for peek, want := range map[bool]bool{true: true, false: false} {
		s, err := site.New(site.Config{Root: root, Peek: peek, RedisURL: checks.Secret{}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, err = ping(t, s)
		if (err == nil) != want {
			t.Errorf("reading Mastodon's settings %v: %v", peek, err)
		}
	}
}
