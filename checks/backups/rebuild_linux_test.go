package backups

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// A nobodysLook is a check that looks as nobody, because PostgreSQL's server
// does not run as root.
type nobodysLook struct {
	t       *testing.T
	dumps   string // the folder of its source, *.dump
	in      string // where restores are tried
	program string
	env     []string
}

func newNobody(t *testing.T, in string) *nobodysLook {
	t.Helper()
	n := &nobodysLook{t: t, dumps: openPlace(t), in: in}
	n.program = filepath.Join(openPlace(t), "look")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *nobodysLook) put(name string, hours float64, dump []byte) {
	n.t.Helper()
	path := filepath.Join(n.dumps, name)
	if err := os.WriteFile(path, dump, 0o644); err != nil {
		n.t.Fatal(err)
	}
	age(n.t, path, hours)
}

func (n *nobodysLook) command(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, n.program)
	cmd.Dir = "/"
	cmd.Env = append(append(os.Environ(), n.env...),
		lookVariable+"=restore = true\nrestore_in = '"+n.in+"'\n[[source]]\nname = 'database'\nevery = '1d'\nglob = '"+n.dumps+"/*.dump'")
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

func (n *nobodysLook) look() checks.Observation {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := n.command(ctx)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		n.t.Fatalf("%v: %s%s", err, out.String(), trouble.String())
	}
	var o checks.Observation
	if err := json.Unmarshal(out.Bytes(), &o); err != nil {
		n.t.Fatalf("%v: %s", err, out.String())
	}
	checkstest.AssertObservation(n.t, Kind(&site.Site{Proc: "/proc"}), o)
	return o
}

// remembered is what a look wants to remember of its source.
func remembered(t *testing.T, o checks.Observation) known {
	t.Helper()
	var m memory
	if err := json.Unmarshal(o.Remember[memoryKey], &m); err != nil {
		t.Fatal(err)
	}
	return m.Sources["database"]
}

func TestADumpIsRestoredCountedAndRemoved(t *testing.T) {
	c := newCluster(t)
	m := c.mastodon("mastodon_production", 500, 1000, 6*time.Hour)
	folder := filepath.Join(c.dir, "folder")
	c.as(bin(t, "pg_dump"), "-h", c.dir, "-U", "postgres", "-F", "d", "-f", folder, m.name)
	// What only the server's superuser could restore is nobody's loss.
	m.sql("CREATE ROLE mastodon; ALTER TABLE statuses OWNER TO mastodon; GRANT SELECT ON users TO mastodon; CREATE EXTENSION pg_stat_statements")
	for name, dump := range map[string][]byte{
		"custom": m.dump("c"), "tar": m.dump("t"), "plain": m.dump("p"), "gzip": compressed(t, m.dump("p"), "gzip", "-c"),
		"inserts":       m.dump("p", "--inserts"),
		"all databases": c.as(bin(t, "pg_dumpall"), "-h", c.dir, "-U", "postgres"),
	} {
		t.Run(name, func(t *testing.T) {
			n := newNobody(t, ownedDir(t))
			n.put("a.dump", 5, dump)
			o := n.look()
			well(t, o)
			says(t, o.Summary, "restored ", "に")
			says(t, o.Summary, " (level 5 of 5)", "で復元できることを確認（段階5／5）")
			if left := entries(t, n.in); len(left) > 0 {
				t.Errorf("it leaves %v", left)
			}
			b := remembered(t, o).Rebuilt
			if b.Outcome != outcomeWhole || b.Counted.Accounts != 500 || b.Counted.Users != 25 || b.Proven.IsZero() || b.Faults != 0 {
				t.Errorf("%+v", b)
			}
			if took := checkstest.Value(t, o, "restore_time", "database"); took <= 0 || took > 60 {
				t.Errorf("took %v s", took)
			}
		})
	}

	t.Run("a folder", func(t *testing.T) {
		n := newNobody(t, ownedDir(t))
		made := filepath.Join(n.dumps, "a.dump")
		tool(t, "cp", "-r", folder, made)
		files, err := filepath.Glob(made + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(files, made) {
			if err := os.Chmod(file, 0o755); err != nil {
				t.Fatal(err)
			}
			age(t, file, 5)
		}
		says(t, n.look().Summary, "(level 5 of 5)", "段階5／5")
	})

	t.Run("views that the dump leaves empty are filled", func(t *testing.T) {
		n := newNobody(t, ownedDir(t))
		plain := m.dump("p")
		without := bytes.Replace(plain, []byte("REFRESH MATERIALIZED VIEW public.instances;"), nil, 1)
		if bytes.Equal(plain, without) {
			t.Fatal("the dump fills no view")
		}
		n.put("a.dump", 5, without)
		says(t, n.look().Summary, "(level 5 of 5)", "段階5／5")
		// One that cannot be filled is an error of the restore.
		n.put("b.dump", 4, bytes.Replace(without, []byte("count(*) AS accounts_count"), []byte("1 / (count(*) - count(*)) AS accounts_count"), 1))
		f := only(t, n.look(), codeUnrestorable, "database", checks.Warning)
		says(t, f.Text, "can be restored, but with errors (1)", "途中でエラーが出ます（1件）")
	})

	t.Run("duplicates end no restore, and are told", func(t *testing.T) {
		plain := m.dump("p")
		at := bytes.Index(plain, []byte("COPY public.statuses ("))
		row := at + bytes.IndexByte(plain[at:], '\n') + 1
		end := row + bytes.IndexByte(plain[row:], '\n') + 1
		double := slices.Concat(plain[:end], plain[row:])
		n := newNobody(t, ownedDir(t))
		n.put("a.dump", 5, double)
		f := only(t, n.look(), codeUnrestorable, "database", checks.Warning)
		if f.Road != checks.Morning {
			t.Errorf("road %v", f.Road)
		}
		says(t, f.Text, "The first error: \"could not create unique index", "最初のエラー: 「could not create unique index")
		if strings.Contains(f.Text.En, "host.example") {
			t.Errorf("somebody's data: %s", f.Text.En)
		}
		n.put("b.dump", 4, plain)
		well(t, n.look())
	})

	t.Run("a row that does not fit loses its table", func(t *testing.T) {
		plain := m.dump("p")
		at := bytes.Index(plain, []byte("COPY public.users ("))
		row := at + bytes.IndexByte(plain[at:], '\n') + 1
		bad := slices.Concat(plain[:row], []byte("secret"), plain[row:])
		n := newNobody(t, ownedDir(t))
		n.put("a.dump", 5, bad)
		f := only(t, n.look(), codeUnrestorable, "database", checks.Critical)
		if f.Road != checks.Now {
			t.Errorf("road %v", f.Road)
		}
		says(t, f.Text, "backup database cannot be restored whole", "バックアップを完全には復元できません: database")
		says(t, f.Text, "\"data that do not fit (SQLSTATE 22P02)\"", "「data that do not fit (SQLSTATE 22P02)」")
		if strings.Contains(f.Text.En, "secret") {
			t.Errorf("somebody's data: %s", f.Text.En)
		}
	})

	t.Run("what stands in a dump starts no program", func(t *testing.T) {
		mark := filepath.Join(openPlace(t), "mark")
		if err := os.Chmod(filepath.Dir(mark), 0o777); err != nil {
			t.Fatal(err)
		}
		evil := "\\! touch " + mark + "1\nCREATE TABLE x (t text);\nCOPY x FROM PROGRAM 'touch " + mark + "2';\nSELECT 1; \\! touch " + mark + "3\n"
		n := newNobody(t, ownedDir(t))
		plain := m.dump("p")
		n.put("a.dump", 5, bytes.Replace(plain, []byte("SET statement_timeout"), []byte(evil+"SET statement_timeout"), 1))
		n.look()
		if left := entries(t, filepath.Dir(mark)); len(left) > 0 {
			t.Errorf("it has started %v", left)
		}
	})

	t.Run("without room it is not begun, and what is missing is said", func(t *testing.T) {
		in := tmpfs(t, "200m")
		if err := os.Chown(in, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		n := newNobody(t, in)
		n.put("a.dump", 5, m.dump("c"))
		o := n.look()
		if len(o.Findings) > 0 || len(o.Blind) != 1 || o.Blind[0].Code != codeUnrestorable {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "it needs about 2.3 GB of room in "+in+", 200 MB is free", "ほどの空きが必要ですが、200MBしかありません")
		says(t, o.Blind[0].Mend.Text, "restore_in", "restore_in")
		if left := entries(t, in); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	})

	t.Run("a folder that may not be written to", func(t *testing.T) {
		n := newNobody(t, "/proc")
		n.put("a.dump", 5, m.dump("c"))
		o := n.look()
		if len(o.Blind) != 1 || remembered(t, o).Rebuilt.Outcome != outcomePlace {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "/proc cannot be used (\"", "/proc を使えません: 「")
	})

	t.Run("without PostgreSQL's server", func(t *testing.T) {
		n := newNobody(t, ownedDir(t))
		n.env = []string{serversVariable + "=/nowhere/*/bin"}
		n.put("a.dump", 5, m.dump("c"))
		o := n.look()
		if len(o.Blind) != 1 {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "it needs PostgreSQL 15 or newer on this machine", "PostgreSQL 15以降が必要です")
	})

	t.Run("a server that does not start", func(t *testing.T) {
		servers := openPlace(t)
		made := filepath.Join(servers, "15", "bin")
		if err := os.MkdirAll(made, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"initdb", "postgres", "pg_ctl"} {
			if err := os.WriteFile(filepath.Join(made, name), []byte("#!/bin/sh\necho 'libfoo.so is missing' >&2\nexit 127\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		n := newNobody(t, ownedDir(t))
		n.env = []string{serversVariable + "=" + servers + "/*/bin"}
		n.put("a.dump", 5, m.dump("c"))
		o := n.look()
		if len(o.Blind) != 1 {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "did not work (\"initdb: libfoo.so is missing\")", "動きません: 「initdb: libfoo.so is missing」")
		if left := entries(t, n.in); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
	})

	t.Run("root does not do it", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Fatal("the test needs root")
		}
		p := newPlace(t, "")
		p.c = checkstest.Make(t, p.kind, checkstest.Table("restore = true\nrestore_in = '"+ownedDir(t)+"'\n[[source]]\nname = 'database'\nglob = '"+p.dir+"/*.dump'"))
		p.put("a.dump", 5, m.dump("c"))
		o := p.look()
		if len(o.Blind) != 1 {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "PostgreSQL does not run as root; the daemon tries it", "rootでは動きません")
	})

	t.Run("without time it is not begun", func(t *testing.T) {
		n := newNobody(t, ownedDir(t))
		n.env = []string{withinVariable + "=45s"}
		n.put("a.dump", 5, m.dump("c"))
		o := n.look()
		if len(o.Blind) != 1 {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "it takes up to 1 min, more than the time there is", "最大1分ほどかかり、時間が足りません")
		says(t, o.Blind[0].Mend.Text, `timeout = "1h"`, `timeout = "1h"`)
	})

	larger := c.mastodon("larger", 5000, 60000, 6*time.Hour).dump("c")
	// underWay is a look in which a restore has begun.
	underWay := func(t *testing.T) (n *nobodysLook, cmd *exec.Cmd, data string) {
		t.Helper()
		n = newNobody(t, ownedDir(t))
		n.put("a.dump", 5, larger)
		cmd = n.command(t.Context())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "a cluster that runs", func() bool {
			_, err := os.Stat(filepath.Join(n.in, workName, ".s.PGSQL.5432"))
			return err == nil
		})
		return n, cmd, filepath.Join(n.in, workName, "data")
	}

	t.Run("a run that is told to end removes everything", func(t *testing.T) {
		n, cmd, data := underWay(t)
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if left, pids := entries(t, n.in), running(t, data); len(left)+len(pids) > 0 {
			t.Errorf("it leaves %v, %v", left, pids)
		}
	})

	t.Run("a run that was killed leaves nothing to the next", func(t *testing.T) {
		n, cmd, data := underWay(t)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		pids := running(t, data)
		if len(pids) == 0 || len(entries(t, n.in)) == 0 {
			t.Fatalf("nothing is left behind: %v, %v", pids, entries(t, n.in))
		}
		says(t, n.look().Summary, "(level 5 of 5)", "段階5／5")
		if left := entries(t, n.in); len(left) > 0 {
			t.Errorf("it leaves %v", left)
		}
		until(t, "the end of the old cluster", func() bool { return len(running(t, data)) == 0 })
	})

	t.Run("a folder of that name which is not ours is left alone", func(t *testing.T) {
		n := newNobody(t, ownedDir(t))
		theirs := filepath.Join(n.in, workName)
		for _, dir := range []string{theirs, filepath.Join(theirs, "photos"), filepath.Join(theirs, "more")} {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if os.Getuid() == 0 {
				if err := os.Chown(dir, nobody, nobody); err != nil {
					t.Fatal(err)
				}
			}
		}
		n.put("a.dump", 5, m.dump("c"))
		o := n.look()
		if len(o.Blind) != 1 || len(entries(t, theirs)) != 2 {
			t.Fatalf("%+v, %v", o, entries(t, theirs))
		}
	})
}

// running are the processes that have a word as an argument.
func running(t *testing.T, word string) []int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, file := range all {
		line, err := os.ReadFile(file)
		if err != nil || !slices.Contains(strings.Split(string(line), "\x00"), word) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// until waits for something.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !so(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("there is not %s", what)
		}
	}
}
