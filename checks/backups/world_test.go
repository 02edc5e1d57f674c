package backups

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// lookVariable makes the test binary look once with a written table and print
// what it saw: as somebody else, without root's rights.
const lookVariable = "SABABAN_TEST_LOOK"

// withinVariable is how long that may take.
const withinVariable = "SABABAN_TEST_WITHIN"

// serversVariable names where that finds PostgreSQL's server programs instead.
const serversVariable = "SABABAN_TEST_SERVERS"

func serversOf(said string) []string {
	if said == "" {
		return usualServers()
	}
	return []string{said}
}

func TestMain(m *testing.M) {
	table, ok := os.LookupEnv(lookVariable)
	if !ok {
		os.Exit(m.Run())
	}
	c, err := Kind(&site.Site{Proc: "/proc"}, noServer(), WithServers(serversOf(os.Getenv(serversVariable))...)).New(checkstest.Table(table))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if within, err := time.ParseDuration(os.Getenv(withinVariable)); err == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	o, err := c.(checks.Thorough).LookThoroughly(ctx, checks.NoPast{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(o); err != nil {
		os.Exit(1)
	}
}

// nobody is the user that owns nothing.
const nobody = 65534

func noServer() Option { return WithFound(func(context.Context) site.Found { return site.Found{} }) }

func server(f site.Found) Option { return WithFound(func(context.Context) site.Found { return f }) }

// tool runs one of the tools that the tests need, or ends the test with what
// installs it.
func tool(t *testing.T, words ...string) []byte {
	t.Helper()
	return toolIn(t, "", nil, words...)
}

func toolIn(t *testing.T, dir string, env []string, words ...string) []byte {
	t.Helper()
	return toolAs(t, 0, dir, env, words...)
}

// toolAs runs it as somebody else, where the test is root.
func toolAs(t *testing.T, uid uint32, dir string, env []string, words ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(words[0]); err != nil {
		t.Fatalf("%s is missing: sudo apt-get install postgresql-15 postgresql-client-15 restic borgbackup pgbackrest zstd xz-utils bzip2 acl", words[0])
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if uid != 0 && os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(words, " "), err, out.String(), trouble.String())
	}
	return out.Bytes()
}

// bin is a tool of PostgreSQL.
func bin(t *testing.T, name string) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s is missing: sudo apt-get install postgresql-15", name)
	}
	return found[len(found)-1]
}

// A cluster is a real PostgreSQL that runs for one test, as nobody.
type cluster struct {
	t       *testing.T
	dir     string // of the socket, and below it the data
	started bool
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	// Sockets have short paths.
	dir, err := os.MkdirTemp("/tmp", "sababan-pg-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir}
	t.Cleanup(func() {
		c.stop()
		_ = os.RemoveAll(dir)
	})
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	c.as(bin(t, "initdb"), "-D", c.data(), "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
	c.start()
	c.sql("CREATE TABLE accounts (id bigint PRIMARY KEY, username text); INSERT INTO accounts SELECT n, md5(n::text) FROM generate_series(1, 20000) n")
	return c
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) as(words ...string) []byte {
	c.t.Helper()
	return toolAs(c.t, nobody, c.dir, nil, words...)
}

func (c *cluster) start() {
	c.t.Helper()
	c.as(bin(c.t, "pg_ctl"), "-D", c.data(), "-w", "-l", filepath.Join(c.dir, "log"), "-o",
		"-c listen_addresses='' -c fsync=off -c unix_socket_directories="+c.dir, "start")
	c.started = true
}

func (c *cluster) stop() {
	if !c.started {
		return
	}
	c.started = false
	cmd := exec.Command(bin(c.t, "pg_ctl"), "-D", c.data(), "-w", "-m", "immediate", "stop")
	cmd.Dir = c.dir
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	_ = cmd.Run() // the folder goes anyway
}

func (c *cluster) sql(text string) {
	c.t.Helper()
	c.as("psql", "-q", "-h", c.dir, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", text)
}

// dump makes a dump in one of pg_dump's formats.
func (c *cluster) dump(form string) []byte {
	c.t.Helper()
	return c.as(bin(c.t, "pg_dump"), "-h", c.dir, "-U", "postgres", "-F", form, "postgres")
}

// A place is a folder that backups are written to, and the check of it.
type place struct {
	t    *testing.T
	dir  string
	kind checks.Kind
	past *checkstest.Past
	c    checks.Check
}

// newPlace makes a check with one source, called database, of the files *.dump
// in a folder; more is what else is written in the tables.
func newPlace(t *testing.T, more string, opts ...Option) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), past: &checkstest.Past{}}
	p.kind = Kind(&site.Site{Proc: "/proc"}, append([]Option{noServer()}, opts...)...)
	p.c = checkstest.Make(t, p.kind, checkstest.Table(fmt.Sprintf("[[source]]\nname = 'database'\nglob = '%s/*.dump'\n%s", p.dir, more)))
	return p
}

// put writes a backup of so many hours ago.
func (p *place) put(name string, hours float64, content []byte) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		p.t.Fatal(err)
	}
	age(p.t, path, hours)
	return path
}

func age(t *testing.T, path string, hours float64) {
	t.Helper()
	at := time.Now().Add(-time.Duration(hours * float64(time.Hour)))
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// look looks thoroughly: at any hour.
func (p *place) look() checks.Observation {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	o, err := p.c.(checks.Thorough).LookThoroughly(ctx, p.past)
	if err != nil {
		p.t.Fatal(err)
	}
	checkstest.AssertObservation(p.t, p.kind, o)
	p.past.Record(o, time.Now())
	return o
}

// week puts a daily backup of one content, the newest so many hours old.
func (p *place) week(newest float64, content []byte) {
	p.t.Helper()
	for i := range 8 {
		p.put("day"+strconv.Itoa(i)+".dump", newest+float64(24*i), content)
	}
}

// only asserts that a look found one thing.
func only(t *testing.T, o checks.Observation, code, subject string, severity checks.Severity) checks.Finding {
	t.Helper()
	f, ok := checkstest.Find(o, code, subject)
	if !ok || len(o.Findings) != 1 {
		t.Fatalf("findings %+v, want only %s", o.Findings, code)
	}
	if f.Severity != severity {
		t.Errorf("%s is %v, want %v", code, f.Severity, severity)
	}
	return f
}

func well(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v, want none", o.Findings, o.Blind)
	}
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	r := checks.Reader{Now: time.Now()}
	if got := r.Write(text.En); !strings.Contains(got, en) {
		t.Errorf("English is %q, want it to say %q", got, en)
	}
	r.Lang = checks.Japanese
	if got := r.Write(text.Ja); !strings.Contains(got, ja) {
		t.Errorf("Japanese is %q, want it to say %q", got, ja)
	}
}

// plainDump is the outside of plain SQL as pg_dump 15.18 writes it.
func plainDump(size int) []byte {
	return []byte("--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n" + strings.Repeat("-- x\n", size/5) +
		"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n")
}
