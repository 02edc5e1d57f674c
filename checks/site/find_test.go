package site

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
)

// A host is a folder that is dressed as a machine.
type host struct {
	t    *testing.T
	root string
}

func newHost(t *testing.T) host {
	t.Helper()
	h := host{t, t.TempDir()}
	h.folder("/proc")
	return h
}

func (h host) write(p, text string) {
	h.t.Helper()
	h.folder(filepath.Dir(p))
	if err := os.WriteFile(filepath.Join(h.root, p), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h host) folder(p string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Join(h.root, p), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

// process pretends that one runs.
func (h host) process(pid int, name string, words ...string) {
	dir := fmt.Sprintf("/proc/%d", pid)
	h.write(dir+"/comm", name+"\n")
	h.write(dir+"/cmdline", strings.Join(words, "\x00")+"\x00")
}

func (h host) site(c Config) *Site {
	h.t.Helper()
	c.Root = h.root
	s, err := New(c)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h host) find(c Config) Found {
	h.t.Helper()
	return h.site(c).Find(h.t.Context())
}

const webUnit = `[Unit]
Description=mastodon-web
After=network.target

[Service]
Type=simple
User=masto
WorkingDirectory=/srv/social/live
Environment="RAILS_ENV=production" "PORT=3000"
ExecStart=/home/mastodon/.rbenv/shims/bundle exec puma -C config/puma.rb
`

const envProduction = "# Federation\nLOCAL_DOMAIN=example.social\r\nexport WEB_DOMAIN='social.example.social'\nSECRET_KEY_BASE=0123456789abcdef\n" +
	"DB_HOST=/var/run/postgresql\nDB_USER=mastodon\nDB_PASS=\"hunter2\"\nDB_PORT=5432\nSMTP_FROM_ADDRESS='Mastodon <notifications@example.social>'\n"

// dressed is a machine on which Mastodon's own guide was followed, but for the
// folder of the code.
func dressed(t *testing.T) host {
	h := newHost(t)
	h.write("/etc/systemd/system/mastodon-web.service", webUnit)
	h.write("/etc/systemd/system/mastodon-sidekiq.service", "[Service]\nUser=masto\nWorkingDirectory=/srv/social/live\n")
	h.write("/etc/systemd/system/mastodon-streaming@.service", "[Service]\nEnvironment=\"PORT=%i\"\n")
	h.write("/etc/systemd/system/mastodon-streaming.service", "[Service]\nExecStart=/bin/echo x\n")
	h.write("/etc/systemd/system/mastodon-streaming.service.wants/mastodon-streaming@4001.service", "")
	h.write("/etc/systemd/system/multi-user.target.wants/mastodon-streaming@4000.service", "")
	h.write("/etc/systemd/system/multi-user.target.wants/mastodon-streaming@99999.service", "")
	h.write("/srv/social/live/.env.production", envProduction)
	h.write("/etc/postgresql/15/main/postgresql.conf", "# data_directory = '/nowhere'\ndata_directory = '/data/pg'\t\t# use data in another directory\n")
	h.write("/data/pg/PG_VERSION", "15\n")
	h.write("/var/lib/postgresql/13/main/PG_VERSION", "13\n")
	h.folder("/var/lib/postgresql/12/main")
	h.write("/etc/redis/redis.conf", "bind 127.0.0.1\ndir /data/redis\n")
	h.folder("/data/redis")
	h.process(10, "nginx", "nginx: master process /usr/sbin/nginx")
	h.process(11, "bash", "bash")
	return h
}

func TestAHostWhereTheGuideWasFollowedIsFoundWithoutConfiguration(t *testing.T) {
	h := dressed(t)
	s := h.site(Config{Peek: true})
	if s.Domain != "social.example.social" {
		t.Errorf("domain %q", s.Domain)
	}
	got := s.Find(t.Context())
	want := Found{
		Live: "/srv/social/live", User: "masto",
		Settings: map[string]string{
			"LOCAL_DOMAIN": "example.social", "WEB_DOMAIN": "social.example.social",
			"DB_HOST": "/var/run/postgresql", "DB_USER": "mastodon", "DB_PORT": "5432",
			"SMTP_FROM_ADDRESS": "Mastodon <notifications@example.social>",
		},
		PostgresData: []string{"/data/pg", "/var/lib/postgresql/13/main"},
		RedisData:    []string{"/data/redis"},
		WebServer:    "nginx", Streaming: []int{4000, 4001},
		Origins: got.Origins,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for field, want := range map[string]string{
		"Domain": "by /srv/social/live/.env.production", "Live": "by mastodon-web.service", "User": "by mastodon-web.service",
		"PostgresData": "by /etc/postgresql/15/main/postgresql.conf, by its usual folder",
		"RedisData":    "by /etc/redis/redis.conf", "WebServer": "by its process nginx",
	} {
		if got.Origins[field].En != want {
			t.Errorf("%s: %q, want %q", field, got.Origins[field].En, want)
		}
	}
}

func TestNoSecretIsInWhatIsFound(t *testing.T) {
	f := dressed(t).find(Config{Peek: true})
	if all := fmt.Sprintf("%#v %+v", f, f.Lines("x.example")); strings.Contains(all, "hunter2") || strings.Contains(all, "0123456789abcdef") {
		t.Error(all)
	}
}

func TestTheDaemonLeavesMastodonsFileAloneAndTakesTheCopy(t *testing.T) {
	h := dressed(t)
	s := h.site(Config{})
	if s.Domain != "" || len(s.Find(t.Context()).Settings) > 0 {
		t.Errorf("%q %v", s.Domain, s.Find(t.Context()).Settings)
	}
	h.write("/etc/sababan/site.env", "LOCAL_DOMAIN=copy.example\nDB_NAME=mastodon_production\nDB_PASS=hunter2\n")
	s = h.site(Config{})
	if diff := cmp.Diff(map[string]string{"LOCAL_DOMAIN": "copy.example", "DB_NAME": "mastodon_production"}, s.Find(t.Context()).Settings); diff != "" || s.Domain != "copy.example" {
		t.Error(s.Domain, diff)
	}
}

func TestTheCopyWinsOverNothingElse(t *testing.T) {
	h := dressed(t)
	h.write("/etc/sababan/site.env", "LOCAL_DOMAIN=copy.example\nDB_NAME=mastodon_production\n")
	f := h.find(Config{Peek: true})
	if f.Settings["LOCAL_DOMAIN"] != "example.social" || f.Settings["DB_NAME"] != "mastodon_production" {
		t.Error(f.Settings)
	}
	if s := h.site(Config{Peek: true, Domain: "set.example"}); s.Domain != "set.example" {
		t.Error(s.Domain)
	}
}

func TestWhatIsSetWinsOverWhatIsFound(t *testing.T) {
	h := dressed(t)
	c := Config{
		Live: "/my/live", PostgresData: []string{"/my/pg"}, RedisData: "/my/redis", WebServer: "caddy",
		Domain: "set.example",
	}
	f := h.find(c)
	if f.Live != "/my/live" || f.WebServer != "caddy" || !cmp.Equal(f.PostgresData, []string{"/my/pg"}) || !cmp.Equal(f.RedisData, []string{"/my/redis"}) {
		t.Errorf("%+v", f)
	}
	for _, field := range []string{"Live", "PostgresData", "RedisData", "WebServer", "Domain"} {
		if !strings.HasPrefix(f.Origins[field].En, "set in [server] ") {
			t.Errorf("%s: %q", field, f.Origins[field].En)
		}
	}
}

func TestASettingThatIsNoPathIsNamed(t *testing.T) {
	for setting, c := range map[string]Config{
		"live": {Live: "live"}, "compose": {Compose: "./x"}, "postgres_data": {PostgresData: []string{"/a", "b\n"}},
		"redis_data": {RedisData: "/a\u202eb"}, "web_server": {WebServer: "nginxx"},
	} {
		c.Root = t.TempDir()
		if _, err := New(c); err == nil || !strings.HasPrefix(err.Error(), "[server] "+setting+": ") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func TestWithoutUnitsTheCodeIsFoundByItself(t *testing.T) {
	h := newHost(t)
	h.write("/home/mastodon/live/lib/mastodon/version.rb", "")
	h.write("/home/mastodon/live/docker-compose.yml", "services:\n  web:\n    image: ghcr.io/mastodon/mastodon:v4.5.2\n")
	f := h.find(Config{Peek: true})
	if f.Live != "/home/mastodon/live" || f.Compose != "" {
		t.Errorf("%+v", f)
	}
}

func TestADropInChangesWhatAUnitSays(t *testing.T) {
	h := dressed(t)
	h.folder("/mnt/live")
	h.write("/etc/systemd/system/mastodon-web.service.d/override.conf", "[Service]\nWorkingDirectory=/mnt/live\nUser=other\n")
	if f := h.find(Config{}); f.Live != "/mnt/live" || f.User != "other" {
		t.Errorf("%q %q", f.Live, f.User)
	}
}

func TestComposeFoldersAreFoundByTheImage(t *testing.T) {
	for image, want := range map[string]bool{
		"image: tootsuite/mastodon:v4.2.0":                            true,
		"image: 'ghcr.io/glitch-soc/mastodon:latest' # ours":          true,
		"image: ghcr.io/mastodon/mastodon-streaming:v4.3":             true,
		"image: registry.example:5000/team/mastodon@sha256:0123":      true,
		"# image: tootsuite/mastodon":                                 false,
		"image: postgres:14-alpine":                                   false,
		"image: example/notmastodon":                                  false,
		"image: example/mastodon-bot-for-cats; rm -rf /":              false,
		"command: echo image: tootsuite/mastodon":                     false,
		"image: \"tootsuite/mastodon:v4.2.0\"\r":                      true,
		"image: ${IMAGE:-tootsuite/mastodon}":                         false,
		"container_name: mastodon\n    image: tootsuite/mastodon\n\n": true,
	} {
		h := newHost(t)
		h.write("/home/alice/mastodon/compose.yml", "services:\n  web:\n    "+image+"\n    volumes:\n      - ./postgres14:/var/lib/postgresql/data\n      - \"/mnt/redis:/data:rw\"\n      - ./gone:/var/lib/postgresql/data\n")
		h.write("/home/alice/mastodon/.env.production", "LOCAL_DOMAIN=compose.example\n")
		h.write("/home/alice/mastodon/postgres14/PG_VERSION", "14\n")
		h.folder("/mnt/redis")
		f := h.find(Config{Peek: true})
		if (f.Compose == "/home/alice/mastodon") != want {
			t.Errorf("%q: %q", image, f.Compose)
		}
		if want && (f.Settings["LOCAL_DOMAIN"] != "compose.example" || !cmp.Equal(f.PostgresData, []string{"/home/alice/mastodon/postgres14"}) || !cmp.Equal(f.RedisData, []string{"/mnt/redis"})) {
			t.Errorf("%q: %+v", image, f)
		}
	}
}

func TestAUnitThatStartsContainersIsCompose(t *testing.T) {
	h := newHost(t)
	h.write("/etc/systemd/system/mastodon.service", "[Service]\nWorkingDirectory=/opt/mine\nExecStart=/usr/bin/docker compose up\n")
	h.folder("/opt/mine")
	if f := h.find(Config{}); f.Compose != "/opt/mine" || f.Live != "" {
		t.Errorf("%+v", f)
	}
}

func TestAUnitThatWasLeftBehindFindsNothing(t *testing.T) {
	h := newHost(t)
	h.write("/etc/systemd/system/mastodon-web.service", webUnit)
	if f := h.find(Config{}); f.Live != "" {
		t.Error(f.Live)
	}
}

func TestTheStreamingUnitOfOldHasAPortOfItsOwn(t *testing.T) {
	h := newHost(t)
	h.write("/lib/systemd/system/mastodon-streaming.service", "[Service]\nEnvironment=\"NODE_ENV=production\" \\\n  \"PORT=4000\"\n")
	if f := h.find(Config{}); !cmp.Equal(f.Streaming, []int{4000}) {
		t.Error(f.Streaming)
	}
}

func TestPostgresIsFoundByItsProcess(t *testing.T) {
	h := newHost(t)
	h.write("/mnt/pg/PG_VERSION", "16")
	h.process(7, "postgres", "/usr/lib/postgresql/16/bin/postgres", "-D", "/mnt/pg")
	h.process(8, "postgres", "postgres: checkpointer")
	h.process(9, "postgres", "postgres", "-D/in/a/container")
	if f := h.find(Config{}); !cmp.Equal(f.PostgresData, []string{"/mnt/pg"}) {
		t.Error(f.PostgresData)
	}
}

func TestAWebServerIsFoundByItsUnitWhereNoneRuns(t *testing.T) {
	h := newHost(t)
	h.write("/lib/systemd/system/nginx.service", "")
	h.write("/lib/systemd/system/caddy.service", "")
	if f := h.find(Config{}); f.WebServer != "" {
		t.Error("two are installed, and one is taken:", f.WebServer)
	}
	h.write("/etc/systemd/system/multi-user.target.wants/caddy.service", "")
	if f := h.find(Config{}); f.WebServer != "caddy" {
		t.Error(f.WebServer)
	}
}

func TestHostileFilesAreToldAndHarmNothing(t *testing.T) {
	h := dressed(t)
	env := filepath.Join(h.root, "/srv/social/live/.env.production")
	if err := os.Remove(env); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(env, 0o644); err != nil {
		t.Fatal(err)
	}
	h.write("/etc/postgresql/15/main/postgresql.conf", strings.Repeat("x", fileLimit+1))
	h.write("/etc/redis/redis.conf", "dir ./here\n")
	h.write("/etc/systemd/system/mastodon-web.service.d/x.conf", "[Service]\nWorkingDirectory=/tmp/$(reboot)\u202e\nUser=root; reboot\n")
	began := time.Now()
	f := h.find(Config{Peek: true})
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
	if f.User != "masto" || f.Live != "/srv/social/live" { // Sidekiq's unit says so
		t.Errorf("%q %q", f.User, f.Live)
	}
	var hidden []string
	for _, one := range f.Hidden {
		hidden = append(hidden, one.Path+": "+one.Err.Error())
	}
	want := []string{
		"/srv/social/live/.env.production: it is no ordinary file",
		"/etc/postgresql/15/main/postgresql.conf: it is larger than such a file ever is",
		"/etc/redis/redis.conf: it names a folder that is not a whole path",
	}
	if diff := cmp.Diff(want, hidden); diff != "" {
		t.Error(diff)
	}
}

func TestADomainThatIsNoneIsNotTaken(t *testing.T) {
	for _, value := range []string{"https://x.example", "localhost:3000", "a b", "@evil@example.com", "x\u202ey.example"} {
		h := newHost(t)
		h.write("/etc/sababan/site.env", "LOCAL_DOMAIN="+value+"\n")
		if s := h.site(Config{}); s.Domain != "" {
			t.Errorf("%q: %q", value, s.Domain)
		}
	}
}

func TestWhatWasFoundIsKeptForAWhileAndGivenAsACopy(t *testing.T) {
	h := dressed(t)
	s := h.site(Config{Peek: true})
	first := s.Find(t.Context())
	first.Settings["LOCAL_DOMAIN"], first.PostgresData[0] = "spoilt", "spoilt"
	h.write("/etc/redis/redis.conf", "dir /elsewhere\n")
	h.folder("/elsewhere")
	second := s.Find(t.Context())
	if second.Settings["LOCAL_DOMAIN"] != "example.social" || second.PostgresData[0] != "/data/pg" || second.RedisData[0] != "/data/redis" {
		t.Errorf("%+v", second)
	}
	s.finder.mu.Lock()
	s.finder.at = time.Now().Add(-2 * foundFresh)
	s.finder.mu.Unlock()
	if third := s.Find(t.Context()); third.RedisData[0] != "/elsewhere" {
		t.Error(third.RedisData)
	}
}

func TestManyMayAskAtOnce(t *testing.T) {
	s := dressed(t).site(Config{Domain: "x.example", Peek: true})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if f := s.Find(t.Context()); f.Live == "" {
				t.Error("nothing found")
			}
		})
	}
	all.Wait()
}

func TestWhoeverCannotWaitGetsWhatWasSet(t *testing.T) {
	h := dressed(t)
	s := &Site{Root: h.root, set: Config{Live: "/my/live"}}
	s.finder.done = make(chan struct{}) // a search that does not come back
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := s.Find(ctx)
	if f.Live != "/my/live" || len(f.Hidden) != 1 || !errors.Is(f.Hidden[0].Err, context.Canceled) {
		t.Errorf("%+v", f)
	}
}

func TestThisMachineIsSearchedWithoutHarm(t *testing.T) {
	s := &Site{Proc: "/proc"}
	for _, line := range s.Find(t.Context()).Lines("") {
		t.Log(line.En, "/", line.Ja)
	}
}

func TestAnEmptyMachineSaysSo(t *testing.T) {
	lines := newHost(t).find(Config{Peek: true}).Lines("")
	if diff := cmp.Diff([]checks.Text{{En: "Found: nothing of a Mastodon on this machine", Ja: "検出: このマシンにMastodonは見つかりません"}}, lines); diff != "" {
		t.Error(diff)
	}
}
