package sidekiq

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	redistest "github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	w := dress(t, "4.6")
	checkstest.Contract(t, w.kind, "")
}

func TestAHealthySidekiqSaysItsNumbers(t *testing.T) {
	for _, version := range []string{"4.2", "4.3", "4.4", "4.5", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			w.database(t)
			w.past.Bands = map[checkstest.Series]checks.Band{{Name: "oldest_job", Subject: "default"}: {High: 0.6, Days: 9}}
			w.fail(t, "retry", 3, "ActivityPub::DeliveryWorker", "HTTP::TimeoutError", "timed out on https://a.example/inbox")
			w.hourAgo(t, 75690, 1514, 2)
			w.enqueue(t, "push", "ActivityPub::DeliveryWorker", 3*time.Second)
			o := w.well(t)
			says(t, o.Summary, "oldest job 3", "最も古いジョブはpushで3")
			says(t, o.Summary, "1 process, 3 of 25 threads busy, 3 retries, 0 dead, 24,3", "プロセス1、スレッド3／25使用中、再試行3、デッド0、1時間の処理24,3")
			w.done(t, "push")
			o = w.well(t)
			says(t, o.Summary, "jobs wait less than 1 s (usually up to 1 s)", "待ち時間1秒未満（普段は1秒まで）")
			t.Log(read(o.Summary, checks.English))
			t.Log(read(o.Summary, checks.Japanese))
			if v := checkstest.Value(t, o, "processes", ""); v != 1 {
				t.Errorf("processes %v", v)
			}
		})
	}
}

func TestTheRightsThatArePrintedSuffice(t *testing.T) {
	w := dress(t, "4.6")
	var words []any
	for _, word := range site.RedisACL() {
		words = append(words, strings.Replace(word, "PASSWORD", "watching", 1))
	}
	w.Do(t, words...)
	set := w.config()
	set.RedisURL = checks.NewSecret("redis://" + site.Role + ":watching@" + w.Addr + "/0")
	w.on(t, w.SiteWith(t, set))
	w.fail(t, "retry", 250, "ActivityPub::DeliveryWorker", "HTTP::TimeoutError", "timed out")
	w.fail(t, "dead", 5, "ActivityPub::DeliveryWorker", "HTTP::TimeoutError", "timed out")
	w.run(t, "pull", "BackupWorker", time.Minute)
	w.well(t)
}

func TestWhatIsNotLetInNamesTheRight(t *testing.T) {
	w := dress(t, "4.6")
	w.Do(t, "ACL", "SETUSER", "half", "on", ">half", "~*", "-@all", "+ping", "+smembers")
	w.Do(t, "CONFIG", "SET", "requirepass", "secret")
	for name, tt := range map[string]struct{ user, en, ja string }{
		"without a password":   {"", "does not let sababan in", "接続を拒否"},
		"without the right to": {"half:half@", "may not ask this", "権限がありません"},
	} {
		set := w.config()
		set.RedisURL = checks.NewSecret("redis://" + tt.user + w.Addr + "/0")
		w.on(t, w.SiteWith(t, set))
		_, err := w.c.Look(t.Context(), w.past)
		var unseen *checks.Unseen
		if !errors.As(err, &unseen) {
			t.Fatalf("%s: %v", name, err)
		}
		says(t, unseen.Why, tt.en, tt.ja)
	}
}

func TestARedisThatDoesNotAnswerIsNotSidekiqsFault(t *testing.T) {
	w := dress(t, "4.6")
	w.well(t)
	w.Freeze(t)
	begin := time.Now()
	_, err := w.c.Look(t.Context(), w.past)
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) {
		t.Fatalf("frozen: %v", err)
	}
	says(t, unseen.Why, "does not answer in time", "応答がありません")
	if took := time.Since(begin); took > w.kind.Timeout {
		t.Errorf("took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := w.c.Look(ctx, w.past); !errors.As(err, &unseen) {
		t.Errorf("without time: %v", err)
	}
	w.Thaw(t)
	w.process(t, "web1:100:aaa", everyOf("4.6")...)
	w.well(t)
	w.Stop(t)
	if _, err := w.c.Look(t.Context(), w.past); !errors.As(err, &unseen) {
		t.Fatalf("refused: %v", err)
	}
	says(t, unseen.Why, "does not listen", "待ち受けていません")
}

func TestAReadOnlyReplicaIsReadAsWell(t *testing.T) {
	w := dress(t, "4.6")
	w.Do(t, "REPLICAOF", "127.0.0.1", "1")
	w.well(t)
}

func TestAnotherRedisIsNoDeadSidekiq(t *testing.T) {
	r := redistest.Start(t)
	c := checkstest.Make(t, Kind(r.Site(t)), "")
	_, err := c.Look(t.Context(), &checkstest.Past{})
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) {
		t.Fatal(err)
	}
	says(t, unseen.Why, "Sidekiq has never been in this Redis", "Sidekiqのデータがありません")
	says(t, unseen.Advice.Text, "sidekiq_redis_url", "sidekiq_redis_url")
}

func TestNoLivingProcessIsFoundAndResolves(t *testing.T) {
	for _, version := range []string{"4.2", "4.3", "4.5", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			w.well(t)
			// Killed: its hash has run out, it is still in the set.
			w.Do(t, "DEL", w.prefix+"web1:100:aaa")
			w.enqueue(t, "default", "LinkCrawlWorker", 4*time.Minute)
			f := w.found(t, w.deep(t), codeProcess, "", checks.Critical, "no Sidekiq process runs", "Sidekiqのプロセスが動いていません")
			if f.Harm.IsZero() || f.Advice.Look.String() != "systemctl status --all 'mastodon-sidekiq*'" {
				t.Errorf("%+v", f)
			}
			if o := w.tick(t); len(open(o)) != 1 {
				t.Errorf("one cause is one finding: %+v", open(o))
			}
			w.process(t, "web1:101:bbb", everyOf(version)...)
			w.done(t, "default")
			w.well(t)
		})
	}
}

func TestAProcessWithoutASignOfLifeIsDead(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name string
		p    process
		want bool
	}{
		{"its hash is gone", process{beat: now}, false},
		{"it has just beaten", process{there: true, beat: now, expires: -1}, true},
		{"its last beat is old, and nothing ends", process{there: true, beat: now.Add(-2 * time.Minute), expires: -1}, false},
		{"our clocks differ, Redis ends it in 50 s", process{there: true, beat: now.Add(-5 * time.Minute), expires: 50 * time.Second, expiring: true}, true},
		{"a beat of tomorrow", process{there: true, beat: now.Add(time.Hour), expires: -1}, true},
	} {
		if got := tt.p.alive(now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestAQuietProcessServesNobody(t *testing.T) {
	w := dress(t, "4.5")
	w.well(t)
	w.Do(t, "HSET", w.prefix+"web1:100:aaa", "quiet", "true")
	w.found(t, w.tick(t), codeProcess, "", checks.Critical, "every process is quiet", "全プロセスが停止準備中")
	w.process(t, "web1:101:bbb", everyOf("4.5")...) // the next one, after a deployment
	w.well(t)
}

func TestAQueueThatNobodyServesIsFoundAndResolves(t *testing.T) {
	w := dress(t, "4.4")
	w.Do(t, "DEL", w.prefix+"web1:100:aaa")
	w.process(t, "web1:101:bbb", "default", "push", "mailers", "pull", "scheduler")
	w.enqueue(t, "ingress", "ActivityPub::ProcessingWorker", 5*time.Minute)
	o := w.tick(t)
	w.found(t, o, codeUnserved, "ingress", checks.Critical, "no Sidekiq process serves the queue ingress: 1 job waits", "ingressキューを担当するSidekiqプロセスがありません（待機1件）")
	w.found(t, o, codeUnserved, "fasp", checks.Warning, "no Sidekiq process serves the queue fasp", "faspキュー")
	if f, ok := checkstest.Find(o, codeLatency, "ingress"); !ok || !f.Holds {
		t.Errorf("that it waits is told twice: %+v", f)
	}
	w.process(t, "web1:102:ccc", "ingress", "fasp")
	w.done(t, "ingress")
	w.well(t)

	w.enqueue(t, "my_own", "MyWorker", time.Second)
	w.found(t, w.tick(t), codeUnserved, "my_own", checks.Critical, "queue my_own", "my_ownキュー")
	w.done(t, "my_own")
	w.well(t)
}

func TestQueuesByVersion(t *testing.T) {
	p := func(v string) []process { return []process{{there: true, version: v}} }
	for _, tt := range []struct {
		name    string
		disk    version
		running []process
		want    string
	}{
		{"nothing is known", version{}, nil, "default push ingress mailers pull scheduler"},
		{"Sidekiq 6.5", version{}, p(""), "default push ingress mailers pull scheduler"},
		{"Sidekiq 7.3", version{}, p("7.3.9"), "default push ingress mailers pull scheduler fasp"},
		{"Sidekiq 8.0", version{}, p("8.0.9"), "default push ingress mailers pull scheduler fasp"},
		{"Mastodon 3.5", version{major: 3, minor: 5}, p(""), "default push mailers pull scheduler"},
		{"4.3", version{major: 4, minor: 3}, p(""), "default push ingress mailers pull scheduler"},
		{"4.4 on disk, 4.3 still running", version{major: 4, minor: 4}, p(""), "default push ingress mailers pull scheduler"},
		{"4.6", version{major: 4, minor: 6}, p("8.1.6"), "default push ingress mailers pull scheduler fasp"},
	} {
		if got := strings.Join(expected(tt.disk, tt.running), " "); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestTheSchedulerIsServedByExactlyOne(t *testing.T) {
	w := dress(t, "4.6")
	w.process(t, "web2:100:bbb", everyOf("4.6")...)
	w.found(t, w.tick(t), codeScheduler, "", checks.Critical, "2 Sidekiq processes serve the queue scheduler", "schedulerキューを2個の")
	w.Do(t, "DEL", w.prefix+"web1:100:aaa", w.prefix+"web2:100:bbb")
	w.process(t, "web1:101:ccc", "default", "push", "ingress", "mailers", "pull", "fasp")
	w.enqueue(t, "scheduler", "Scheduler::VacuumScheduler", time.Hour)
	o := w.tick(t)
	w.found(t, o, codeScheduler, "", checks.Critical, "no Sidekiq process serves the queue scheduler", "schedulerキューを担当する")
	if len(open(o)) != 1 {
		t.Errorf("one cause is one finding: %+v", open(o))
	}
	w.process(t, "web1:102:ddd", "scheduler")
	w.done(t, "scheduler")
	w.well(t)
}

func TestHowLongJobsWait(t *testing.T) {
	for _, version := range []string{"4.2", "4.3", "4.5", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			w.enqueue(t, "default", "LinkCrawlWorker", 45*time.Second)
			w.enqueue(t, "push", "ActivityPub::DeliveryWorker", 8*time.Minute)
			o := w.tick(t)
			w.found(t, o, codeLatency, "default", checks.Warning, "jobs in the queue default wait for 45 s", "defaultキューが遅れています（45秒待ち）")
			if f, ok := checkstest.Find(o, codeLatency, "push"); !ok || !f.Holds {
				t.Errorf("push holds: %+v", f)
			}
			w.done(t, "default")
			w.enqueue(t, "default", "LinkCrawlWorker", 3*time.Minute)
			f := w.found(t, w.tick(t), codeLatency, "default", checks.Critical, "wait for 3 min", "3分待ち")
			if f.Road != checks.Now || f.Harm.IsZero() {
				t.Errorf("%+v", f)
			}
			w.done(t, "default")
			w.done(t, "push")
			w.well(t)
		})
	}
}

func TestJobsOfBothAgesOfSidekiqLieSideBySide(t *testing.T) {
	w := dress(t, "4.5")
	old := &world{Server: w.Server, version: "4.3"}
	w.Do(t, "LPUSH", "queue:default", old.job(t, "default", "A", time.Now().Add(-90*time.Second), nil))
	w.Do(t, "LPUSH", "queue:mailers", w.job(t, "mailers", "A", time.Now().Add(-40*time.Second), nil))
	o := w.tick(t)
	for queue, want := range map[string]float64{"default": 90, "mailers": 40} {
		if got := checkstest.Value(t, o, "oldest_job", queue); got < want || got > want+5 {
			t.Errorf("%s: %v s, want %v", queue, got, want)
		}
	}
}

func TestTheAgeOfAJob(t *testing.T) {
	for _, tt := range []struct {
		name   string
		age    time.Duration
		queue  string
		normal float64
		want   checks.Severity
		holds  bool
	}{
		{"fresh", time.Second, "default", 0, checks.OK, false},
		{"half the bound holds", 16 * time.Second, "default", 0, checks.Warning, true},
		{"beyond it", 31 * time.Second, "default", 0, checks.Warning, false},
		{"where it usually takes 20 s", 31 * time.Second, "default", 20, checks.Warning, true},
		{"usual or not, two minutes are too long", 121 * time.Second, "default", 600, checks.Critical, false},
		{"mail", 31 * time.Second, "mailers", 0, checks.Warning, false},
		{"push may take ten minutes", 9 * time.Minute, "push", 0, checks.Warning, true},
		{"but no half hour", 31 * time.Minute, "push", 0, checks.Critical, false},
		{"pull may take half an hour", 31 * time.Minute, "pull", 0, checks.Warning, false},
		{"and no two", 121 * time.Minute, "pull", 0, checks.Critical, false},
	} {
		got, holds := judgeAge(tt.age, boundsOf(tt.queue), checks.Band{High: tt.normal, Days: 8})
		if got != tt.want || holds != tt.holds {
			t.Errorf("%s: %v, holds %v", tt.name, got, holds)
		}
	}
}

func TestStandingStillIsFoundAndResolves(t *testing.T) {
	w := dress(t, "4.6")
	w.enqueue(t, "default", "LinkCrawlWorker", 10*time.Second)
	if o := w.tick(t); len(open(o)) > 0 {
		t.Fatalf("a first look has nothing to compare with: %+v", open(o))
	}
	m := recall(w.past)
	m.Moved = time.Now().Add(-6 * time.Minute)
	w.remember(t, m)
	w.found(t, w.tick(t), codeStill, "", checks.Critical, "Sidekiq stands still: 1 job waits, none was done for 6 min", "待機1件、6分間ひとつも処理していません")
	w.Do(t, "INCR", "stat:processed")
	if _, ok := checkstest.Find(w.tick(t), codeStill, ""); ok {
		t.Error("it has moved")
	}
	w.done(t, "default")
	w.well(t)
}

func TestWithoutJobsStandingStillIsRest(t *testing.T) {
	w := dress(t, "4.6")
	w.tick(t)
	m := recall(w.past)
	m.Moved = time.Now().Add(-6 * time.Minute)
	w.remember(t, m)
	w.well(t)
}

func TestWithoutRedisItIsNotSetUp(t *testing.T) {
	s, err := site.New(site.Config{Domain: "masto.test", Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	var missing *checks.NotSetUp
	if _, err := Kind(s).New(checkstest.Table("")); !errors.As(err, &missing) || missing.Setting != "[server] redis_url" {
		t.Errorf("error %v", err)
	}
}

func TestCommandsAreForThatHost(t *testing.T) {
	bare, compose := host{}, host{found: site.Found{Compose: "/opt/mastodon"}}
	for _, tt := range []struct{ got, want checks.Shell }{
		{bare.status(), checks.Sh("systemctl", "status", "--all", "mastodon-sidekiq*")},
		{bare.restart()[0], checks.Sh("sudo", "systemctl", "restart", "--all", "mastodon-sidekiq*")},
		{compose.status(), checks.Sh("sudo", "docker", "compose", "--project-directory", "/opt/mastodon", "ps", "sidekiq")},
		{compose.restart()[0], checks.Sh("sudo", "docker", "compose", "--project-directory", "/opt/mastodon", "restart", "sidekiq")},
		{compose.log(), checks.Sh("sudo", "docker", "compose", "--project-directory", "/opt/mastodon", "logs", "--tail", "50", "sidekiq")},
	} {
		if tt.got.String() != tt.want.String() {
			t.Errorf("%s, want %s", tt.got, tt.want)
		}
	}
}
