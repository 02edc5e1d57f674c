package backups

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
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

// flipped is a copy with some bytes in the middle turned over.
func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	for i := range 64 {
		b[len(b)/2+i*7] ^= 0xff
	}
	return b
}

func compressed(t *testing.T, content []byte, words ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return tool(t, append(words, file)...)
}

func TestARealDumpThatIsCutOrFlippedIsFoundAndHealed(t *testing.T) {
	t.Setenv("LC_ALL", "ja_JP.UTF-8")
	c := newCluster(t)
	custom, plain := c.dump("c"), c.dump("p")
	all := c.as(bin(t, "pg_dumpall"), "-h", c.dir, "-U", "postgres")
	gz, zst := compressed(t, plain, "gzip", "-c"), compressed(t, plain, "zstd", "-q", "-c")
	xz, bz2 := compressed(t, plain, "xz", "-c"), compressed(t, plain, "bzip2", "-c")
	cut := func(b []byte) []byte { return b[:len(b)*6/10] }
	shortSQL := plain[:len(plain)*6/10]

	// The trap that this level exists for: the list of contents passes.
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, cut(custom), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, bin(t, "pg_restore"), "--list", broken)

	for _, f := range []struct {
		name        string
		good, bad   []byte
		en, ja, cmd string
	}{
		{"a custom dump cut at 60 %", custom, cut(custom), "is damaged: it cannot be read to its end", "壊れていて、最後まで読めません", "sudo pg_restore -f /dev/null "},
		{"a custom dump with flipped bytes", custom, flipped(custom), "pg_restore says: \"", "pg_restore の出力: 「", "sudo pg_restore -f /dev/null "},
		{"a custom dump cut to its first bytes", custom, custom[:40], "is damaged", "壊れていて", "sudo pg_restore "},
		{"plain SQL cut at 60 %", plain, cut(plain), "is incomplete: its end is missing", "途中で切れています", "sudo tail -n 5 "},
		{"all databases cut before the last line", all, all[:len(all)-100], "its end is missing", "途中で切れています", "sudo tail -n 5 "},
		{"gzip cut at 60 %", gz, cut(gz), "is damaged", "壊れていて", "sudo gzip -t "},
		{"gzip with flipped bytes", gz, flipped(gz), "is damaged", "壊れていて", "sudo gzip -t "},
		{"whole gzip of SQL that was cut", gz, compressed(t, shortSQL, "gzip", "-c"), "its end is missing", "途中で切れています", "sudo gzip -dc "},
		{"zstd cut at 60 %", zst, cut(zst), "is damaged", "壊れていて", "sudo zstd -t "},
		{"zstd with flipped bytes", zst, flipped(zst), "is damaged", "壊れていて", "sudo zstd -t "},
		{"whole zstd of SQL that was cut", zst, compressed(t, shortSQL, "zstd", "-q", "-c"), "its end is missing", "途中で切れています", "sudo zstd -dc "},
		{"xz cut at 60 %", xz, cut(xz), "is damaged", "壊れていて", "sudo xz -t "},
		{"bzip2 with flipped bytes", bz2, flipped(bz2), "is damaged", "壊れていて", "sudo bzip2 -t "},
	} {
		t.Run(f.name, func(t *testing.T) {
			p := newPlace(t, "")
			p.put("a.dump", 29, f.good)
			o := p.look()
			well(t, o)
			says(t, o.Summary, "readable to its end (level 3 of 5)", "最後まで読める（段階3／5）")

			path := p.put("b.dump", 5, f.bad)
			found := only(t, p.look(), codeIncomplete, "database", checks.Critical)
			if found.Road != checks.Now {
				t.Errorf("road %v", found.Road)
			}
			says(t, found.Text, f.en, f.ja)
			if cmd := found.Advice.Look.String(); !strings.HasPrefix(cmd, f.cmd) || !strings.Contains(cmd, path) {
				t.Errorf("command %q, want %q", cmd, f.cmd+path)
			}
			p.put("c.dump", 1, f.good)
			well(t, p.look())
		})
	}

	t.Run("a folder dump", func(t *testing.T) {
		dir := t.TempDir()
		folder := filepath.Join(dir, "a.dump")
		made := filepath.Join(c.dir, "folder")
		c.as(bin(t, "pg_dump"), "-h", c.dir, "-U", "postgres", "-F", "d", "-f", made, "postgres")
		tool(t, "cp", "-r", made, folder)
		p := newPlace(t, "[[source]]\nname = 'folder'\nglob = '"+folder+"'")
		p.put("a.dump", 5, custom)
		back := func() {
			files, err := filepath.Glob(folder + "/*")
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range append(files, folder) {
				age(t, file, 5)
			}
		}
		back()
		well(t, p.look())
		files, err := filepath.Glob(folder + "/*.dat.gz")
		if err != nil || len(files) == 0 {
			t.Fatalf("%v %v", files, err)
		}
		if err := os.Truncate(files[0], 1000); err != nil {
			t.Fatal(err)
		}
		back()
		only(t, p.look(), codeIncomplete, "folder", checks.Critical)
	})

	t.Run("a copy of an old dump is as old as the dump", func(t *testing.T) {
		h := headerOf(custom, "a.dump")
		if h.Form != formCustom || h.Database != "postgres" || time.Since(h.Made).Abs() > 5*time.Minute {
			t.Fatalf("header %+v", h)
		}
		p := newPlace(t, "")
		old := backdated(t, custom)
		for i := range 5 {
			p.put("copy"+strconv.Itoa(i)+".dump", float64(5+24*i), old)
		}
		f := only(t, p.look(), codeOld, "database", checks.Critical)
		says(t, f.Text, "by its own header the dump in it was made then", "古いダンプをコピーし続けている可能性")
	})

	t.Run("what is not asked for is read at night only", func(t *testing.T) {
		p := newPlace(t, "")
		p.put("a.dump", 5, cut(custom))
		before := time.Now().Hour()
		o := checkstest.Look(t, p.kind, p.c, p.past)
		switch night, after := before >= testFrom && before < testUntil, time.Now().Hour(); {
		case before != after: // the hour struck
		case night:
			only(t, o, codeIncomplete, "database", checks.Critical)
		default:
			well(t, o)
			says(t, o.Summary, "not read to its end yet (level 1 of 5)", "最後まで読めるかは未確認（段階1／5）")
		}
		only(t, p.look(), codeIncomplete, "database", checks.Critical)
		p.put("b.dump", 1, custom)
		well(t, checkstest.Look(t, p.kind, p.c, p.past))
	})

	t.Run("without pg_restore nothing is proven and nothing is green", func(t *testing.T) {
		p := newPlace(t, "", WithTools(t.TempDir()))
		p.put("a.dump", 5, custom)
		o := p.look()
		if len(o.Findings) > 0 || len(o.Blind) != 1 || o.Blind[0].Code != codeIncomplete {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "pg_restore is not on this machine", "pg_restore がありません")
		if cmd := o.Blind[0].Mend.Mend[0].String(); cmd != "sudo apt-get install postgresql-client" {
			t.Errorf("command %q", cmd)
		}
	})

	t.Run("a dump of a newer PostgreSQL is not called damaged", func(t *testing.T) {
		newer := bytes.Clone(custom)
		newer[6] = 99 // the minor version of the format
		p := newPlace(t, "")
		p.put("a.dump", 5, newer)
		o := p.look()
		if len(o.Findings) > 0 || len(o.Blind) != 1 {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "pg_restore cannot read it (\"", "pg_restore の出力: 「")
	})

	t.Run("a pg_restore that hangs is killed with its children", func(t *testing.T) {
		tools := t.TempDir()
		note := filepath.Join(tools, "pid")
		script := "#!/bin/sh\n/bin/sleep 600 &\necho $! > " + note + "\nwait\n"
		if err := os.WriteFile(filepath.Join(tools, "pg_restore"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		p := newPlace(t, "", WithTools(tools))
		p.put("a.dump", 5, custom)
		ctx, cancel := context.WithTimeout(t.Context(), reserve+time.Second)
		defer cancel()
		o, err := p.c.(checks.Thorough).LookThoroughly(ctx, p.past)
		if err != nil || ctx.Err() != nil {
			t.Fatalf("%v, %v", err, ctx.Err())
		}
		checkstest.AssertObservation(t, p.kind, o)
		if len(o.Findings) > 0 || len(o.Blind) != 1 {
			t.Fatalf("%+v", o)
		}
		says(t, o.Blind[0].Why, "could not be read to its end in the time there was", "時間内に最後まで読めませんでした")
		text, err := os.ReadFile(note)
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(5 * time.Second); ; <-time.After(10 * time.Millisecond) {
			stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(text)) + "/stat")
			if err != nil || strings.Contains(string(stat), ") Z ") {
				break
			}
			if time.Now().After(end) {
				t.Fatal("its child lives on")
			}
		}
	})
}

// backdated is a dump whose header says that it was made a year earlier.
func backdated(t *testing.T, dump []byte) []byte {
	t.Helper()
	dump = bytes.Clone(dump)
	year := make([]byte, 4)
	binary.LittleEndian.PutUint32(year, uint32(time.Now().Year()-1900))
	at := bytes.Index(dump[:80], append([]byte{0}, year...))
	if at < 0 {
		t.Fatalf("no year in % x", dump[:80])
	}
	dump[at+1]--
	return dump
}

// status writes a status file and returns a check of it.
func statusFile(t *testing.T, text []byte, found site.Found) (*place, string) {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), past: &checkstest.Past{}}
	file := filepath.Join(p.dir, "status.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	p.kind = Kind(&site.Site{Proc: "/proc"}, server(found))
	p.c = checkstest.Make(t, p.kind, checkstest.Table("[[source]]\nname = 'repository'\nstatus_file = '"+file+"'"))
	return p, file
}

func rewrite(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestARealResticRepository(t *testing.T) {
	dir := t.TempDir()
	live := filepath.Join(dir, "live")
	if err := os.MkdirAll(live, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(live, envFile), []byte("SECRET_KEY_BASE=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dump := filepath.Join(dir, "mastodon.dump")
	if err := os.WriteFile(dump, plainDump(1000), 0o600); err != nil {
		t.Fatal(err)
	}
	restic := func(words ...string) []byte {
		t.Helper()
		return toolIn(t, dir, []string{"RESTIC_PASSWORD=x", "RESTIC_REPOSITORY=" + dir + "/repository", "HOME=" + dir}, append([]string{"restic"}, words...)...)
	}
	ago := func(hours int) string {
		return time.Now().Add(-time.Duration(hours) * time.Hour).Format("2006-01-02 15:04:05")
	}
	restic("init", "-q")
	p, file := statusFile(t, restic("snapshots", "--json"), site.Found{Live: live})
	only(t, p.look(), codeMissing, "repository", checks.Warning)

	for _, hours := range []int{101, 77, 53} {
		restic("backup", "-q", "--time", ago(hours), dump)
	}
	rewrite(t, file, restic("snapshots", "--json"))
	o := p.look()
	f, ok := checkstest.Find(o, codeOld, "repository")
	if !ok || f.Severity != checks.Warning {
		t.Fatalf("%+v", o.Findings)
	}
	says(t, f.Text, "backup repository is 2 d 5 h old (so far every 24 h)\nThe newest that restic lists is from ", "resticの記録では、最新は")
	f, ok = checkstest.Find(o, codeNoEnv, "")
	if !ok || f.Road != checks.Week || len(o.Findings) != 2 {
		t.Fatalf("%+v", o.Findings)
	}
	says(t, f.Text, ".env.production is in no backup that I know", "どのバックアップにも入っていません")

	restic("backup", "-q", "--time", ago(2), dump, live)
	rewrite(t, file, restic("snapshots", "--json"))
	o = p.look()
	well(t, o)
	says(t, o.Summary, "as restic reports (level 1 of 5)", "resticの記録による（段階1／5）")

	rewrite(t, file, []byte("repository is locked by PID 12\n"))
	o = p.look()
	if len(o.Findings) > 0 || len(o.Blind) != 1 {
		t.Fatalf("%+v", o)
	}
	says(t, o.Blind[0].Why, "is not what restic, borg or pgBackRest write", "形式ではありません")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	only(t, p.look(), codeMissing, "repository", checks.Critical)
}

func TestARealBorgRepository(t *testing.T) {
	dir := t.TempDir()
	live := filepath.Join(dir, "live")
	if err := os.MkdirAll(live, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(live, envFile), bytes.Repeat([]byte("x"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	borg := func(words ...string) []byte {
		t.Helper()
		return toolIn(t, dir, []string{"BORG_REPO=" + dir + "/repository", "BORG_BASE_DIR=" + dir, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes"}, append([]string{"borg"}, words...)...)
	}
	borg("init", "-e", "none")
	for _, hours := range []int{50, 26, 2} {
		// borg takes the instant in UTC and lists it in the local time.
		at := time.Now().Add(-time.Duration(hours) * time.Hour).UTC().Format("2006-01-02T15:04:05")
		borg("create", "--timestamp", at, "::a"+strconv.Itoa(hours), live)
	}
	p, file := statusFile(t, borg("list", "--json"), site.Found{Live: live})
	o := p.look()
	if age := checkstest.Value(t, o, "age", "repository"); age < 7100 || age > 7400 {
		t.Errorf("age %v s", age)
	}
	if len(o.Blind) != 1 || o.Blind[0].Code != codeNoEnv {
		t.Errorf("blind %+v", o.Blind)
	}
	// The repository lies beside the server.
	only(t, o, codeSameDisk, "", checks.Warning)

	rewrite(t, file, borg("info", "--json", "--last", "30"))
	o = p.look()
	only(t, o, codeSameDisk, "", checks.Warning)
	if len(o.Blind) > 0 {
		t.Errorf("blind %+v", o.Blind)
	}
	if size := checkstest.Value(t, o, "size_bytes", "repository"); size != 5000 {
		t.Errorf("size %v", size)
	}
}

func TestARealPgBackRestRepository(t *testing.T) {
	c := newCluster(t)
	c.stop()
	conf := filepath.Join(c.dir, "pgbackrest.conf")
	text := fmt.Sprintf("[global]\nrepo1-path=%[1]s/repository\nlog-path=%[1]s/log-path\nlock-path=%[1]s/lock\nspool-path=%[1]s/spool\nlog-level-file=off\n[masto]\npg1-path=%[1]s/data\npg1-socket-path=%[1]s\npg1-user=postgres\n", c.dir)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(words ...string) []byte {
		t.Helper()
		return c.as(append([]string{"pgbackrest", "--config=" + conf}, words...)...)
	}
	p, file := statusFile(t, run("--stanza=masto", "info", "--output=json"), site.Found{})
	only(t, p.look(), codeMissing, "repository", checks.Warning)
	run("--stanza=masto", "--no-online", "stanza-create")
	run("--stanza=masto", "--no-online", "--type=full", "backup")
	good := run("--stanza=masto", "info", "--output=json")
	rewrite(t, file, good)
	o := p.look()
	well(t, o)
	if size := checkstest.Value(t, o, "size_bytes", "repository"); size < 1e6 {
		t.Errorf("size %v of %s", size, good)
	}
	bad := bytes.Replace(good, []byte(`"error":false`), []byte(`"error":true`), 1)
	if bytes.Equal(bad, good) {
		t.Fatalf("no error flag in %s", good)
	}
	rewrite(t, file, bad)
	f := only(t, p.look(), codeIncomplete, "repository", checks.Critical)
	says(t, f.Text, "pgBackRest reports an error", "pgBackRestがバックアップのエラーを報告しています")
	rewrite(t, file, good)
	well(t, p.look())
}

func TestEnvProductionInATar(t *testing.T) {
	dir := t.TempDir()
	live := filepath.Join(dir, "live")
	if err := os.MkdirAll(filepath.Join(live, "public"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{envFile, "public/a.png"} {
		if err := os.WriteFile(filepath.Join(live, name), bytes.Repeat([]byte("xyz"), 40000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &place{t: t, dir: t.TempDir(), past: &checkstest.Past{}}
	p.kind = Kind(&site.Site{Proc: "/proc"}, server(site.Found{Live: live}))
	p.c = checkstest.Make(t, p.kind, checkstest.Table("[[source]]\nname = 'files'\nevery = '1d'\nelsewhere = true\nglob = '"+p.dir+"/*'"))

	put := func(name string, hours float64, words ...string) {
		t.Helper()
		path := filepath.Join(p.dir, name)
		toolIn(t, dir, nil, append([]string{"tar", "-caf", path}, words...)...)
		age(t, path, hours)
	}
	put("a.tar.gz", 29, "--exclude=.env.production", "live")
	only(t, p.look(), codeNoEnv, "", checks.Warning)
	put("b.tar.zst", 5, "live")
	well(t, p.look())
	put("c.tar", 4, "live/public")
	only(t, p.look(), codeNoEnv, "", checks.Warning)

	whole, err := os.ReadFile(filepath.Join(p.dir, "b.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	p.put("d.tar.zst", 3, whole[:len(whole)*6/10])
	o := p.look()
	if f, ok := checkstest.Find(o, codeIncomplete, "files"); !ok || !strings.Contains(f.Advice.Look.String(), "sudo tar -tf ") {
		t.Errorf("%+v", o.Findings)
	}
	p.put("e.tar.zst", 2, whole)
	well(t, p.look())
}

// tmpfs mounts a file system of its own.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := openPlace(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount tmpfs: %v (the test needs root)", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func TestTheOnlyBackupsBesideTheDatabase(t *testing.T) {
	p := newPlace(t, "", server(site.Found{PostgresData: []string{t.TempDir()}}))
	p.week(5, plainDump(20000))
	f := only(t, p.look(), codeSameDisk, "", checks.Warning)
	if f.Road != checks.Week {
		t.Errorf("road %v", f.Road)
	}
	says(t, f.Text, "on the same file system as the database", "すべてデータベースと同じディスク上")

	other := tmpfs(t, "4m")
	table := "[[source]]\nname = 'database'\nglob = '" + p.dir + "/*.dump'\n[[source]]\nname = 'copy'\nglob = '" + other + "/*.dump'"
	p.c = checkstest.Make(t, p.kind, checkstest.Table(table))
	copied := filepath.Join(other, "a.dump")
	if err := os.WriteFile(copied, plainDump(1000), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, copied, 5)
	well(t, p.look())
}

func TestThereIsRoomForTheNext(t *testing.T) {
	dir := tmpfs(t, "1m")
	p := newPlace(t, "")
	p.c = checkstest.Make(t, p.kind, checkstest.Table("[[source]]\nname = 'database'\nevery = '1d'\nglob = '"+dir+"/*.dump'"))
	path := filepath.Join(dir, "a.dump")
	if err := os.WriteFile(path, plainDump(600_000), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, path, 5)
	f := only(t, p.look(), codeNoRoom, "database", checks.Warning)
	says(t, f.Text, "no room for the next backup database: ", "次回のバックアップの空き容量が足りません")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, plainDump(300_000), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, path, 4)
	well(t, p.look())

	// Where the database lies on it, too, the server stops with it.
	p = newPlace(t, "", server(site.Found{PostgresData: []string{dir}}))
	p.c = checkstest.Make(t, p.kind, checkstest.Table("[[source]]\nname = 'database'\nevery = '1d'\nelsewhere = true\nglob = '"+dir+"/*.dump'"))
	if err := os.WriteFile(path, plainDump(600_000), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, path, 5)
	f = only(t, p.look(), codeNoRoom, "database", checks.Critical)
	if left := time.Until(f.Harm); f.Road != checks.Now || left < 18*time.Hour || left > 20*time.Hour {
		t.Errorf("road %v, harm in %v", f.Road, left)
	}
	says(t, f.Text, "the server stops as well", "サーバーも止まります")
}
