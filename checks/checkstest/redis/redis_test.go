package redis

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks/site"
)

func TestTheSiteReadsTheServerBothWays(t *testing.T) {
	s := Start(t)
	s.Do(t, "SET", "greeting", "hello")
	for _, address := range []string{s.URL(), s.SocketURL()} {
		if _, err := url.Parse(address); err != nil {
			t.Fatal(err)
		}
		o, err := goredis.ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		c := goredis.NewClient(o)
		if got := c.Get(t.Context(), "greeting").Val(); got != "hello" {
			t.Errorf("by %s: %q", address, got)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	err := s.Site(t).SidekiqRedis().Do(t.Context(), func(ctx context.Context, c *goredis.Client, prefix string) error {
		if got := c.Get(ctx, "greeting").Val(); got != "hello" || prefix != "" {
			t.Errorf("through the site: %q, prefix %q", got, prefix)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAFrozenServerAnswersNothing(t *testing.T) {
	s := Start(t)
	s.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Client().Ping(ctx).Err(); !errors.Is(err, context.DeadlineExceeded) && !os.IsTimeout(err) {
		t.Errorf("frozen: %v", err)
	}
	s.Thaw(t)
	if err := s.Client().Ping(t.Context()).Err(); err != nil {
		t.Errorf("thawed: %v", err)
	}
}

func TestWhatIsKeptOnDiskIsThereAfterARestart(t *testing.T) {
	s := Start(t, "save 3600 1")
	s.Do(t, "SET", "greeting", "hello")
	s.Stop(t)
	if err := s.Client().Ping(t.Context()).Err(); err == nil {
		t.Error("a stopped server answers")
	}
	s.StartAgain(t)
	if got := s.Client().Get(t.Context(), "greeting").Val(); got != "hello" {
		t.Errorf("got %q", got)
	}
}

func TestWithoutAskingNothingIsKept(t *testing.T) {
	s := Start(t)
	s.Do(t, "SET", "greeting", "hello")
	s.Stop(t)
	s.StartAgain(t)
	if err := s.Client().Get(t.Context(), "greeting").Err(); !errors.Is(err, goredis.Nil) {
		t.Errorf("got %v", err)
	}
}

func TestPersistenceFailsWhereTheFolderIsClosed(t *testing.T) {
	s := Start(t, "save 3600 1")
	if err := os.Chmod(s.Dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(s.Dir, 0o700) })
	s.Do(t, "SET", "greeting", "hello")
	if err := s.Client().Do(t.Context(), "SAVE").Err(); err == nil {
		t.Error("it wrote into a closed folder")
	}
}

func TestAReplicaFollowsItsPrimary(t *testing.T) {
	primary := Start(t)
	replica := Start(t, "replicaof "+strings.Replace(primary.Addr, ":", " ", 1))
	primary.Do(t, "SET", "greeting", "hello")
	if n := primary.Do(t, "WAIT", 1, 10_000); n != int64(1) {
		t.Fatalf("%v replicas", n)
	}
	if err := replica.Client().Set(t.Context(), "greeting", "hi", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("writing to a replica: %v", err)
	}
}

func TestAPasswordIsAskedFor(t *testing.T) {
	s := Start(t, "requirepass secret")
	err := s.Site(t).Redis().Do(t.Context(), func(ctx context.Context, c *goredis.Client, _ string) error { return c.Ping(ctx).Err() })
	if site.RedisFaultOf(err) != site.NotLetIn {
		t.Errorf("without the password: %v", err)
	}
	s.Do(t, "PING")
}

func TestSidekiqIsWrittenAsItsReleaseDoes(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 30, 0, time.UTC)
	for version, want := range map[string]struct {
		queues, schedules                             int
		concurrencyInInfo, version, capsules, inField bool
		enqueued                                      string
	}{
		"4.2": {6, 14, true, false, false, false, "1795348830.500000"},
		"4.3": {6, 14, true, false, false, false, "1795348830.500000"},
		"4.4": {7, 15, true, true, false, false, "1795348830.500000"},
		"4.5": {7, 15, true, true, true, false, "1795348830500"},
		"4.6": {7, 17, false, true, true, true, "1795348830500"},
	} {
		t.Run(version, func(t *testing.T) {
			s := Start(t)
			q := s.Sidekiq(t, version, now)
			c := s.Client()
			hash := c.HGetAll(t.Context(), q.Identity).Val()
			var info map[string]any
			if err := json.Unmarshal([]byte(hash["info"]), &info); err != nil {
				t.Fatal(err)
			}
			has := func(m map[string]any, name string) bool { _, ok := m[name]; return ok }
			_, inField := hash["concurrency"]
			if has(info, "concurrency") != want.concurrencyInInfo || has(info, "version") != want.version ||
				has(info, "capsules") != want.capsules || inField != want.inField {
				t.Errorf("info %v, hash %v", info, hash)
			}
			if got := len(info["queues"].([]any)); got != want.queues || c.SCard(t.Context(), "queues").Val() != int64(want.queues) {
				t.Errorf("%d queues", got)
			}
			if got := c.HLen(t.Context(), "sidekiq-scheduler:last_times").Val(); got != int64(want.schedules) {
				t.Errorf("%d jobs by the clock", got)
			}
			if got := c.HGet(t.Context(), "sidekiq-scheduler:last_times", "instance_refresh_scheduler").Val(); got != "2026-11-22 12:00:00 +0000" {
				t.Errorf("instance_refresh_scheduler ran at %q", got)
			}
			q.Push(t, "pull", "ThreadResolveWorker", now.Add(500*time.Millisecond))
			q.Push(t, "pull", "ThreadResolveWorker", now.Add(time.Second))
			var job struct {
				EnqueuedAt json.Number `json:"enqueued_at"`
			}
			if err := json.Unmarshal([]byte(c.LIndex(t.Context(), "queue:pull", -1).Val()), &job); err != nil {
				t.Fatal(err)
			}
			if got := job.EnqueuedAt.String(); got != want.enqueued {
				t.Errorf("the oldest was enqueued at %s, want %s", got, want.enqueued)
			}
		})
	}
}

func TestANamespaceIsBeforeEveryKey(t *testing.T) {
	s := Start(t)
	q := s.SidekiqBelow(t, "mastodon", "4.3", time.Now())
	q.Push(t, "push", "ActivityPub::DeliveryWorker", time.Now())
	q.Retry(t, Failure{Error: "HTTP::TimeoutError"}, time.Now())
	q.Work(t, q.Identity, "push", "ActivityPub::DeliveryWorker", time.Now())
	for _, key := range s.Client().Keys(t.Context(), "*").Val() {
		if !strings.HasPrefix(key, "mastodon:") {
			t.Errorf("key %q", key)
		}
	}
	err := s.SiteWith(t, site.Config{RedisNamespace: "mastodon"}).SidekiqRedis().Do(t.Context(), func(_ context.Context, _ *goredis.Client, prefix string) error {
		if prefix != "mastodon:" {
			t.Errorf("the site found %q", prefix)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAKilledProcessStaysInTheSetAndAnEndedOneDoesNot(t *testing.T) {
	s := Start(t)
	q := s.Sidekiq(t, "4.6", time.Now())
	other := q.Process(t, Process{Queues: []string{"ingress"}, PID: 99})
	q.Kill(t, other)
	if n := s.Client().SCard(t.Context(), "processes").Val(); n != 2 {
		t.Errorf("%d processes", n)
	}
	if n := s.Client().Exists(t.Context(), other).Val(); n != 0 {
		t.Error("its hash is there")
	}
	q.End(t, other)
	if n := s.Client().SCard(t.Context(), "processes").Val(); n != 1 {
		t.Errorf("%d processes", n)
	}
}
