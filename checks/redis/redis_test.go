package redis

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	redistest "github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/site"
)

// A bench is one server and the check that looks at it.
type bench struct {
	*redistest.Server
	kind checks.Kind
	c    checks.Check
	past *checkstest.Past
}

func on(t *testing.T, r *redistest.Server, set site.Config) *bench {
	t.Helper()
	k := Kind(r.SiteWith(t, set))
	return &bench{r, k, checkstest.Make(t, k, ""), &checkstest.Past{}}
}

func start(t *testing.T, lines ...string) *bench {
	t.Helper()
	return on(t, redistest.Start(t, lines...), site.Config{})
}

func (b *bench) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, b.kind, b.c, b.past)
}

// well asserts that nothing is found and nothing hidden.
func (b *bench) well(t *testing.T) checks.Observation {
	t.Helper()
	o := b.look(t)
	if len(o.Findings)+len(o.Blind) > 0 {
		t.Fatalf("not well: %+v, %+v", o.Findings, o.Blind)
	}
	return o
}

// found asserts that a finding is there, and what it says.
func (b *bench) found(t *testing.T, code string, severity checks.Severity, en, ja string) checks.Finding {
	t.Helper()
	o := b.look(t)
	f, ok := checkstest.Find(o, code, "*")
	if !ok || f.Holds || f.Severity != severity {
		t.Fatalf("%s: found %v, %+v", code, ok, o.Findings)
	}
	says(t, f.Text, en, ja)
	t.Logf("\n%s\n%s\n%v %v\n%s\n%s", read(f.Text, checks.English), read(f.Advice.Text, checks.English), f.Advice.Look, f.Advice.Mend, read(f.Text, checks.Japanese), read(f.Advice.Text, checks.Japanese))
	return f
}

func read(text checks.Text, l checks.Lang) string {
	return text.Read(checks.Reader{Lang: l, Now: time.Now()})
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	if got := read(text, checks.English); !strings.Contains(got, en) {
		t.Errorf("%q does not say %q", got, en)
	}
	if got := read(text, checks.Japanese); !strings.Contains(got, ja) {
		t.Errorf("%q does not say %q", got, ja)
	}
}

// until looks at the server itself until it is so.
func (b *bench) until(t *testing.T, what string) {
	t.Helper()
	over := time.NewTimer(10 * time.Second)
	defer over.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		info, err := b.Client().Info(t.Context()).Result()
		if err == nil && strings.Contains(info, what) {
			return
		}
		select {
		case <-over.C:
			t.Fatalf("it never says %q: %v", what, err)
		case <-again.C:
		}
	}
}

func TestContract(t *testing.T) {
	r := redistest.Start(t)
	checkstest.Contract(t, Kind(r.Site(t)), "")
}

func TestAHealthyServerSaysItsNumbers(t *testing.T) {
	b := start(t)
	b.past.Bands = map[checkstest.Series]checks.Band{{Name: "used_bytes"}: {Low: 3e6, Mid: 3.1e6, High: 3.4e6, Days: 8}}
	o := b.well(t)
	says(t, o.Summary, "Redis ", "Redis ")
	says(t, o.Summary, "used (usually 2.9–3.2 MB), all of it saved", "（普段2.9〜3.2MB）、すべて保存済み")
	t.Log(read(o.Summary, checks.English))
	t.Log(read(o.Summary, checks.Japanese))
	if v := checkstest.Value(t, o, "used_bytes", ""); v < 1e5 || v > 1e9 {
		t.Errorf("used_bytes %v", v)
	}
	if v := checkstest.Value(t, o, "answer_time", ""); v <= 0 || v > 3 {
		t.Errorf("answer_time %v", v)
	}
	if v := checkstest.Value(t, o, "clients", ""); v < 1 {
		t.Errorf("clients %v", v)
	}
}

func TestTheRightsThatArePrintedSuffice(t *testing.T) {
	r := redistest.Start(t)
	var words []any
	for _, w := range site.RedisACL() {
		words = append(words, strings.Replace(w, "PASSWORD", "watching", 1))
	}
	r.Do(t, words...)
	b := on(t, r, site.Config{RedisURL: checks.NewSecret("redis://" + site.Role + ":watching@" + r.Addr + "/0")})
	b.well(t)
}

func TestWhatIsNotLetInNamesTheRight(t *testing.T) {
	r := redistest.Start(t, "requirepass secret")
	r.Do(t, "ACL", "SETUSER", "half", "on", ">half", "~*", "-@all", "+ping")
	for name, tt := range map[string]struct{ user, en, ja string }{
		"without a password":   {"", "does not let sababan in", "接続を拒否"},
		"with a wrong one":     {":wrong@", "does not let sababan in", "接続を拒否"},
		"without the right to": {"half:half@", "may not ask this", "権限がありません"},
	} {
		b := on(t, r, site.Config{RedisURL: checks.NewSecret("redis://" + tt.user + r.Addr + "/0")})
		_, err := b.c.Look(t.Context(), b.past)
		var unseen *checks.Unseen
		if !errors.As(err, &unseen) {
			t.Fatalf("%s: %v", name, err)
		}
		says(t, unseen.Why, tt.en, tt.ja)
		if got := unseen.Advice.Look.String(); got != "sudo sababan check --verbose" {
			t.Errorf("%s: look %q", name, got)
		}
	}
}

func TestAServerThatIsGoneIsFoundAndResolves(t *testing.T) {
	b := start(t)
	b.well(t)
	b.Stop(t)
	f := b.found(t, codeAnswer, checks.Critical, "Redis does not run", "Redisが動いていません")
	if f.Harm.IsZero() || len(f.Advice.Mend) == 0 {
		t.Errorf("%+v", f)
	}
	b.StartAgain(t)
	b.well(t)
}

func TestADefaultAddressThatNeverAnsweredIsNoOutage(t *testing.T) {
	for _, tt := range []struct {
		name, place string
		settings    map[string]string
		want        bool
	}{
		{"nothing says where it is", "localhost:6379", nil, true},
		{"Mastodon's settings say so", "localhost:6379", map[string]string{"REDIS_HOST": "localhost"}, false},
		{"it is written", "10.0.0.5:6379", nil, false},
	} {
		if got := guessed(tt.place, tt.settings); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestAFrozenServerIsFoundInTime(t *testing.T) {
	b := start(t)
	b.well(t)
	b.Freeze(t)
	begin := time.Now()
	if f := b.found(t, codeAnswer, checks.Critical, "Redis does not answer", "応答がありません"); len(f.Advice.Mend) > 0 {
		t.Errorf("one that hangs is to be restarted at once: %v", f.Advice.Mend)
	}
	if took := time.Since(begin); took > b.kind.Timeout {
		t.Errorf("took %v", took)
	}
	b.Thaw(t)
	b.well(t)
}

func TestALookWithoutTimeIsNoFinding(t *testing.T) {
	b := start(t)
	b.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := b.c.Look(ctx, b.past); !errors.As(err, new(*checks.Unseen)) {
		t.Errorf("error %v", err)
	}
}

func TestAFolderThatCannotBeWrittenStopsAllWrites(t *testing.T) {
	b := start(t, "save 3600 1")
	b.well(t)
	b.Do(t, "SET", "post", "1")
	if err := os.Chmod(b.Dir, 0o555); err != nil {
		t.Fatal(err)
	}
	b.Do(t, "BGSAVE")
	b.until(t, "rdb_last_bgsave_status:err")
	if err := b.Client().Set(t.Context(), "post", "2", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "MISCONF") {
		t.Fatalf("a write: %v", err)
	}
	f := b.found(t, codeWrites, checks.Critical, "Redis refuses all writes: it cannot save its data to disk", "書き込みを拒否しています")
	if f.Harm.IsZero() || f.Road != checks.Now {
		t.Errorf("%+v", f)
	}
	if o := b.look(t); !strings.Contains(read(o.Summary, checks.English), "saving fails") {
		t.Errorf("summary %q", o.Summary.En)
	}
	if err := os.Chmod(b.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b.Do(t, "BGSAVE")
	b.until(t, "rdb_last_bgsave_status:ok")
	b.well(t)
}

func TestAFailedSaveThatStopsNoWritesIsToldAsWell(t *testing.T) {
	b := start(t, "save 3600 1", "stop-writes-on-bgsave-error no")
	if err := os.Chmod(b.Dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(b.Dir, 0o755) }()
	b.Do(t, "BGSAVE")
	b.until(t, "rdb_last_bgsave_status:err")
	if f := b.found(t, codeWrites, checks.Critical, "could not save", "保存できませんでした"); !f.Harm.IsZero() {
		t.Errorf("harm %v", f.Harm)
	}
}

func TestWhatWaitsLongerThanADayIsFound(t *testing.T) {
	b := start(t)
	ask := func() reading {
		s := b.c.(*check).ask(t.Context(), b.c.(*check).site.Redis())
		if s.err != nil {
			t.Fatal(s.err)
		}
		return s.reading
	}
	in := func(r reading, later time.Duration) checks.Finding {
		return judgeSaved(r, machine{}, time.Now().Add(later))
	}
	if f := in(ask(), 25*time.Hour); f.Severity != checks.OK {
		t.Errorf("nothing has changed: %+v", f)
	}
	b.Do(t, "SET", "post", "1")
	if f := in(ask(), 20*time.Hour); f.Severity != checks.OK {
		t.Errorf("after 20 h: %+v", f)
	}
	if f := in(ask(), 23*time.Hour); !f.Holds {
		t.Errorf("after 23 h: %+v", f)
	}
	f := in(ask(), 75*time.Hour)
	if f.Severity != checks.Warning || f.Holds {
		t.Fatalf("after 75 h: %+v", f)
	}
	says(t, f.Text, "saved nothing to disk", "保存していません")
	says(t, f.Text, "in memory alone: 1.", "1件の変更")
	b.Do(t, "SAVE")
	if f := in(ask(), 25*time.Hour); f.Severity != checks.OK {
		t.Errorf("after a save: %+v", f)
	}
	b.Do(t, "SET", "post", "2")
	b.Do(t, "CONFIG", "SET", "appendonly", "yes")
	if f := in(ask(), 25*time.Hour); f.Severity != checks.OK {
		t.Errorf("with an append-only file: %+v", f)
	}
}

func TestAReplicaIsFoundAndResolves(t *testing.T) {
	b := start(t)
	b.well(t)
	b.Do(t, "REPLICAOF", "127.0.0.1", "1")
	b.found(t, codeRole, checks.Critical, "It copies 127.0.0.1:1, which it does not reach", "複製元は 127.0.0.1:1（接続できていません）")
	b.Do(t, "REPLICAOF", "NO", "ONE")
	b.well(t)
}

func TestAMemoryLimitThatIsReachedStopsAllWrites(t *testing.T) {
	b := start(t, "maxmemory 12mb")
	b.well(t)
	fill := func(key string, pieces int) error {
		for range pieces {
			if err := b.Client().RPush(t.Context(), key, strings.Repeat("x", 32<<10)).Err(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := fill("some", 232); err != nil { // of 40 kB each, as they lie in memory
		t.Fatal(err)
	}
	b.past.Bands = map[checkstest.Series]checks.Band{{Name: "used_bytes"}: {Low: 1 << 20, High: 2 << 20, Days: 8}}
	b.found(t, codeMemory, checks.Warning, "of the memory that it may (", "メモリ使用が上限の")
	if err := fill("more", 300); err == nil || !strings.HasPrefix(err.Error(), "OOM") {
		t.Fatalf("a write beyond the limit: %v", err)
	}
	b.found(t, codeMemory, checks.Critical, "has reached its memory limit (12 MB) and refuses writes", "上限（12MB）に達し")
	b.Do(t, "DEL", "some", "more")
	b.well(t)
}

func TestEvictionOfJobsIsFound(t *testing.T) {
	b := start(t, "maxmemory 4mb")
	b.well(t)
	b.Do(t, "CONFIG", "SET", "maxmemory-policy", "volatile-lru")
	b.found(t, codeEviction, checks.Warning, "may throw data away", "データを捨てる設定です（volatile-lru）")
	b.Do(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	b.found(t, codeEviction, checks.Warning, "whole queues can vanish", "キューごと消え")
	for i := range 8 {
		b.Do(t, "SET", "job"+string(rune('a'+i)), strings.Repeat("x", 1<<20))
	}
	b.found(t, codeEviction, checks.Critical, "throws data away for lack of memory", "データを捨てています")
	b.found(t, codeEviction, checks.Warning, "may throw data away", "データを捨てる設定です")
	b.Do(t, "CONFIG", "SET", "maxmemory-policy", "noeviction")
	b.Do(t, "FLUSHALL")
	b.well(t)
}

func TestASlowAnswerIsFound(t *testing.T) {
	b := start(t, "enable-debug-command yes")
	b.well(t)
	asleep := make(chan error, 1)
	before := time.Now()
	go func() { asleep <- b.Client().Do(context.WithoutCancel(t.Context()), "DEBUG", "SLEEP", "2.5").Err() }()
	for time.Since(before) < 200*time.Millisecond {
		// A question that takes long shows that it sleeps.
		c, err := net.DialTimeout("tcp", b.Addr, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(50 * time.Millisecond))
		_, _ = c.Write([]byte("PING\r\n"))
		_, err = c.Read(make([]byte, 16))
		_ = c.Close()
		if err != nil {
			break
		}
	}
	b.found(t, codeSlow, checks.Warning, "Redis takes ", "Redisの応答に")
	if err := <-asleep; err != nil {
		t.Fatal(err)
	}
	b.well(t)
}

func TestFewConnectionsLeftAreFound(t *testing.T) {
	b := start(t, "maxclients 20")
	b.well(t)
	var open []net.Conn
	for range 17 {
		c, err := net.Dial("tcp", b.Addr)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	b.until(t, "connected_clients:19")
	b.found(t, codeClients, checks.Warning, "19 of 20 connections", "（19／20）")
	more, err := net.Dial("tcp", b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	b.until(t, "connected_clients:20")
	other := on(t, b.Server, site.Config{}) // one that has no connection yet
	// Whether its last words are read before it hangs up is chance.
	other.found(t, codeAnswer, checks.Critical, "Redis ha", "Redis")
	_ = more.Close()
	for _, c := range open {
		_ = c.Close()
	}
	b.until(t, "connected_clients:2")
	b.well(t)
}

func TestAServerThatLoadsIsFound(t *testing.T) {
	b := start(t, "enable-debug-command yes", "loading-process-events-interval-bytes 1024")
	b.well(t)
	for i := range 40 {
		b.Do(t, "SET", "key"+string(rune('a'+i)), strings.Repeat("x", 2048))
	}
	b.Do(t, "CONFIG", "SET", "rdbcompression", "no", "key-load-delay", "50000")
	loaded := make(chan error, 1)
	go func() { loaded <- b.Client().Do(context.WithoutCancel(t.Context()), "DEBUG", "RELOAD").Err() }()
	b.until(t, "loading:1")
	b.found(t, codeAnswer, checks.Critical, "is still reading its data", "起動中です（データの読み込み中")
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	b.Do(t, "SAVE")
	b.well(t)
}

func TestTwoServersAreToldApart(t *testing.T) {
	base, jobs := redistest.Start(t), redistest.Start(t)
	b := on(t, base, site.Config{SidekiqRedisURL: checks.NewSecret(jobs.URL())})
	o := b.well(t)
	says(t, o.Summary, "the main Redis ", "Redis（本体） ")
	says(t, o.Summary, "Sidekiq's Redis ", "Redis（Sidekiq用） ")
	checkstest.Value(t, o, "used_bytes", baseSubject)
	checkstest.Value(t, o, "used_bytes", jobsSubject)

	jobs.Do(t, "REPLICAOF", "127.0.0.1", "1")
	b.found(t, codeRole, checks.Critical, "Sidekiq's Redis is a replica", "Redis（Sidekiq用）がレプリカ")
	jobs.Stop(t)
	if f := b.found(t, codeAnswer, checks.Critical, "Nobody can post", "投稿ができず"); f.Subject != jobsSubject {
		t.Errorf("subject %q", f.Subject)
	}
	if o = b.look(t); len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: codeRole, Subject: jobsSubject}) {
		t.Errorf("what is open about it is not held: %+v", o.Blind)
	}
	jobs.StartAgain(t)
	b.well(t)
	base.Do(t, "CONFIG", "SET", "maxmemory", "4mb", "maxmemory-policy", "allkeys-lru")
	b.well(t) // no job is there

	base.Do(t, "CONFIG", "SET", "maxmemory", "0")
	base.Do(t, "ACL", "SETUSER", "default", "-info")
	o = b.look(t)
	if len(o.Blind) != 1 || o.Blind[0].Subject != baseSubject {
		t.Errorf("blind %+v", o.Blind)
	}
}

func TestOneServerWithTwoAddressesIsLookedAtOnce(t *testing.T) {
	r := redistest.Start(t)
	b := on(t, r, site.Config{SidekiqRedisURL: checks.NewSecret(r.SocketURL())})
	b.well(t)
	r.Stop(t)
	if o := b.look(t); len(o.Findings) != 1 || o.Findings[0].Subject != "" {
		t.Errorf("%+v", o.Findings)
	}
	r.StartAgain(t)
	b.well(t)
}

func TestACommandIsForThatServer(t *testing.T) {
	for _, tt := range []struct {
		place string
		found site.Found
		want  string
	}{
		{"localhost:6379", site.Found{}, "redis-cli INFO"},
		{"/run/redis/redis.sock", site.Found{}, "redis-cli -s /run/redis/redis.sock INFO"},
		{"10.0.0.5:6380", site.Found{}, "redis-cli -h 10.0.0.5 -p 6380 INFO"},
		{"[::1]:6379", site.Found{}, "redis-cli -h ::1 -p 6379 INFO"},
		{"mymaster (10.0.0.5:26379, 10.0.0.6:26379)", site.Found{}, ""},
		{"localhost:6379", site.Found{Compose: "/opt/mastodon"}, "sudo docker compose --project-directory /opt/mastodon exec redis redis-cli INFO"},
	} {
		got := machine{found: tt.found}.cli(reading{place: tt.place}, "INFO").String()
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.place, got, tt.want)
		}
	}
}

func TestWhyASaveFails(t *testing.T) {
	folder := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		p := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("sys/vm/overcommit_memory", "0\n")
	put("meminfo", "MemTotal: 4000000 kB\nMemAvailable:     500000 kB\n")
	m := machine{proc: folder}
	r := reading{local: true, info: map[string]string{"used_memory": "2000000000"}}
	if c, _, room := m.cause(r); c != forkRefused || room != 512000000 {
		t.Errorf("%v, %v", c, room)
	}
	says(t, causeText(r, m), "vm.overcommit_memory is not 1", "vm.overcommit_memoryが1ではない")
	put("sys/vm/overcommit_memory", "1\n")
	if c, _, _ := m.cause(r); c != unknownCause {
		t.Errorf("with a kernel that promises everything: %v", c)
	}
	huge := reading{local: true, info: map[string]string{"used_memory": "9e18"}}
	m.found.RedisData = []string{folder}
	if c, _, _ := m.cause(huge); c != littleRoom {
		t.Errorf("with little room: %v", c)
	}
	says(t, causeText(huge, m), "free at ", "の空きが")
	huge.local = false
	if c, _, _ := m.cause(huge); c != unknownCause {
		t.Errorf("elsewhere: %v", c)
	}
}

func TestWhatIsLeftOutIsNotWell(t *testing.T) {
	r := reading{info: parse("# Server\r\nredis_version:7.0.15\r\nused_memory:1000\r\n")}
	o := judge(r, counters{}, checks.Band{}, machine{}, time.Now())
	for _, code := range []string{codeWrites, codeSaved, codeRole} {
		if !held(o, code) {
			t.Errorf("%s is not held", code)
		}
	}
	if held(o, codeMemory) {
		t.Error("the memory is told")
	}
}

func held(o checks.Observation, code string) bool {
	for _, b := range o.Blind {
		if b.Hides(checks.Key{Code: code}) {
			return true
		}
	}
	return false
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
