package state

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// tmpfs mounts a small disk.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	folder := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size="+size, "none", folder).CombinedOutput(); err != nil {
		t.Fatalf("this test needs the right to mount a tmpfs (run it as root): %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return folder
}

func remount(t *testing.T, folder, mode string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "remount,"+mode, folder).CombinedOutput(); err != nil {
		t.Fatalf("remount: %v %s", err, out)
	}
}

// fill takes every byte of a disk, and returns how to free them.
func fill(t *testing.T, folder string) (free func()) {
	t.Helper()
	name := filepath.Join(folder, "ballast")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := file.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// inBubble opens a state where time can be made to pass.
func inBubble(t *testing.T, path string, do func(t *testing.T, db *DB, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log, text := logger(t)
		db, err := Open(t.Context(), path, log)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		do(t, db, text)
	})
}

// record writes what a busy daemon writes: a row of a table that is carried
// whole, with a child, and a sample.
func record(t testing.TB, db *DB, n int) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		for _, query := range []string{
			"INSERT INTO incident (number, host, check_name, code, subject, phase, severity, road, finding, noticed, last_seen, changed) VALUES (?1, '', 'disk', 'full', ?1, 'open', 3, 0, ?2, 0, 0, 0)",
			"INSERT INTO alert (incident, change, severity, road, finding, at) SELECT id, 'opened', 3, 0, ?2, 0 FROM incident WHERE number = ?1",
			"INSERT INTO sample (series, at, value) VALUES (1, ?1, length(?2))",
		} {
			if _, err := tx.Exec(query, n, strings.Repeat("x", 500)); err != nil {
				return fmt.Errorf("%d: %w", n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// complete makes sure that all of so many records are there.
func complete(t testing.TB, db *DB, want int) {
	t.Helper()
	for table, query := range map[string]string{
		"incident": "SELECT count(DISTINCT number) FROM incident",
		"alert":    "SELECT count(DISTINCT i.number) FROM alert a JOIN incident i ON i.id = a.incident",
		"sample":   "SELECT count(*) FROM sample",
	} {
		if got := one(t, db, query); got != want {
			t.Errorf("%s has %d of %d", table, got, want)
		}
	}
}

func TestAFullDiskLosesNothing(t *testing.T) {
	folder := tmpfs(t, "4m")
	path := filepath.Join(folder, "state.db")
	written := 0
	write := func(t *testing.T, db *DB, n int) {
		t.Helper()
		for range n {
			written++
			record(t, db, written)
		}
	}
	inBubble(t, path, func(t *testing.T, db *DB, log *bytes.Buffer) {
		write(t, db, 50)
		free := fill(t, folder)
		time.Sleep(time.Second)
		filled := time.Now()
		write(t, db, 100)
		why, since, yes := db.Degraded()
		if !yes || !strings.Contains(why, "no space left") || !strings.Contains(why, path) || !since.Equal(filled) {
			t.Fatalf("degraded is %v since %v: %q", yes, since, why)
		}
		if n := one(t, db, "SELECT count(*) FROM incident"); n != written {
			t.Fatalf("in memory there are %d of %d incidents", n, written)
		}
		for range 5 {
			time.Sleep(time.Minute)
			write(t, db, 1)
		}
		if _, _, yes := db.Degraded(); !yes {
			t.Fatal("it went back to a full disk")
		}
		if said := strings.Count(log.String(), "level=WARN"); said != 1 {
			t.Fatalf("the log has %d lines:\n%s", said, log)
		}

		free()
		write(t, db, 1)
		if _, _, yes := db.Degraded(); !yes {
			t.Fatal("it tried again before the minute was over")
		}
		time.Sleep(time.Minute)
		write(t, db, 1)
		if why, _, yes := db.Degraded(); yes {
			t.Fatalf("it did not go back: %s\n%s", why, log)
		}
		complete(t, db, written)
		write(t, db, 10)

		// And once more, over the same file.
		free = fill(t, folder)
		write(t, db, 100)
		if _, _, yes := db.Degraded(); !yes {
			t.Fatal("the disk was not full enough")
		}
		if err := db.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec("UPDATE incident SET phase = 'resolved' WHERE number <= 10; DELETE FROM alert WHERE incident IN (SELECT id FROM incident WHERE number > 10 AND number <= 20)")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		free()
		if said := strings.Count(log.String(), "level=WARN"); said != 2 {
			t.Fatalf("the log has %d warnings:\n%s", said, log)
		}
		// The end comes before the minute is over: Close carries it back.
	})
	db := mustOpen(t, path)
	if _, _, yes := db.Degraded(); yes {
		t.Fatal("still degraded")
	}
	if n := one(t, db, "SELECT count(*) FROM incident WHERE phase = 'resolved'"); n != 10 {
		t.Errorf("%d of 10 are resolved", n)
	}
	if n := one(t, db, "SELECT count(*) FROM alert"); n != written-10 {
		t.Errorf("there are %d alerts, should be %d", n, written-10)
	}
	if n := one(t, db, "SELECT count(*) FROM sample"); n != written {
		t.Errorf("there are %d of %d samples", n, written)
	}
	if _, err := os.Stat(path + ".room"); err == nil {
		t.Error("the file that looks for room was left behind")
	}
}

func TestADiskThatFillsInTheMiddleOfALargeTransaction(t *testing.T) {
	folder := tmpfs(t, "2m")
	inBubble(t, filepath.Join(folder, "state.db"), func(t *testing.T, db *DB, _ *bytes.Buffer) {
		calls := 0
		err := db.Write(t.Context(), func(tx *sql.Tx) error {
			calls++
			for i := range 1500 {
				if _, err := tx.Exec("INSERT INTO cursor (name, value) VALUES (?, ?)", i, strings.Repeat("x", 3000)); err != nil {
					return fmt.Errorf("cursor: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := one(t, db, "SELECT count(*) FROM cursor"); n != 1500 || calls != 2 {
			t.Fatalf("%d rows after %d calls", n, calls)
		}
		// It will not fit until somebody deletes some of it.
		time.Sleep(time.Minute)
		if err := put(t.Context(), db, "a", "b"); err != nil {
			t.Fatal(err)
		}
		if _, _, yes := db.Degraded(); !yes {
			t.Fatal("five megabytes are on a disk of two")
		}
		if err := db.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec("DELETE FROM cursor")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(folder); err != nil || len(entries) > 4 {
			t.Fatalf("litter on a full disk: %v %v", entries, err)
		}
	})
}

func TestADiskThatIsFullAtTheStart(t *testing.T) {
	for _, c := range []struct {
		name  string
		lives int // of a daemon, before
	}{{"with nothing there", 0}, {"with an older life there", 1}} {
		t.Run(c.name, func(t *testing.T) {
			folder := tmpfs(t, "1m")
			path := filepath.Join(folder, "state.db")
			if c.lives > 0 {
				older(t, path, 1)
			}
			free := fill(t, folder)
			inBubble(t, path, func(t *testing.T, db *DB, log *bytes.Buffer) {
				if why, _, yes := db.Degraded(); !yes || !strings.Contains(why, "no space left") {
					t.Fatalf("degraded is %v: %q", yes, why)
				}
				if got := get(t, db, "kept"); c.lives > 0 && got != "yes" {
					t.Fatal("what was there cannot be read")
				}
				record(t, db, 1)
				free()
				time.Sleep(time.Minute)
				record(t, db, 2)
				if why, _, yes := db.Degraded(); yes {
					t.Fatalf("it did not go back: %s\n%s", why, log)
				}
				complete(t, db, 2)
			})
			db := mustOpen(t, path)
			complete(t, db, 2)
			if got := get(t, db, "kept"); c.lives > 0 && got != "yes" {
				t.Fatal("what was there is gone")
			}
		})
	}
}

func TestAReadOnlyDiskIsReadAndGoneBackTo(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		kept string
	}{
		{"with nothing there", func(*testing.T, string) {}, ""},
		{"with a file that was closed well", func(t *testing.T, path string) { older(t, path, 2) }, "yes"},
		{
			"with a log that a crash left, and no shared memory",
			func(t *testing.T, path string) {
				cmd := child(t, "write", path)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if _, err := out.Read(make([]byte, 8)); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Process.Kill()
				_ = cmd.Wait() // it was killed
				if err := os.Remove(path + "-shm"); err != nil {
					t.Fatal(err)
				}
				if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
					t.Fatal("there is no log", err)
				}
			},
			"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := tmpfs(t, "8m")
			path := filepath.Join(folder, "deeper", "state.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			c.make(t, path)
			remount(t, folder, "ro")
			mentions := 0
			inBubble(t, path, func(t *testing.T, db *DB, log *bytes.Buffer) {
				if why, _, yes := db.Degraded(); !yes || !strings.Contains(why, "read-only") {
					t.Fatalf("degraded is %v: %q", yes, why)
				}
				if got := get(t, db, "kept"); got != c.kept {
					t.Fatalf("what was there is %q", got)
				}
				if mentions = one(t, db, "SELECT count(*) FROM mention"); mentions == 0 && strings.Contains(c.name, "log") {
					t.Fatal("the log was not read")
				}
				record(t, db, 1)
				time.Sleep(time.Minute)
				record(t, db, 2)
				remount(t, folder, "rw")
				time.Sleep(time.Minute)
				record(t, db, 3)
				if why, _, yes := db.Degraded(); yes {
					t.Fatalf("it did not go back: %s\n%s", why, log)
				}
			})
			db := mustOpen(t, path)
			complete(t, db, 3)
			if got := get(t, db, "kept"); got != c.kept {
				t.Fatalf("what was there is %q", got)
			}
			if n := one(t, db, "SELECT count(*) FROM mention"); n != mentions {
				t.Fatalf("there were %d mentions, and are %d", mentions, n)
			}
		})
	}
}

func TestAFileThatIsAnotherOneByThenIsLeftAsItIs(t *testing.T) {
	folder := tmpfs(t, "8m")
	path := filepath.Join(folder, "state.db")
	remount(t, folder, "ro")
	inBubble(t, path, func(t *testing.T, db *DB, log *bytes.Buffer) {
		record(t, db, 1)
		remount(t, folder, "rw")
		older(t, path, 2)
		for range 3 {
			time.Sleep(time.Minute)
			if err := put(t.Context(), db, "a", "b"); err != nil {
				t.Fatal(err)
			}
		}
		if why, _, yes := db.Degraded(); !yes || !strings.Contains(why, "is now another one") {
			t.Fatalf("degraded is %v: %s", yes, why)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 2 {
			t.Fatalf("that was said %d times:\n%s", n, log)
		}
	})
	if got := get(t, mustOpen(t, path), "kept"); got != "yes" {
		t.Fatal("it was overwritten")
	}
}

func TestAFolderWithoutTheRightToWrite(t *testing.T) {
	for _, c := range []struct {
		name               string
		folder, file, mine os.FileMode // mine 0: everything belongs to root
		says               string
	}{
		{"only the folder is read-only", 0o555, 0o600, 1, "why: there is no right to write the state file"},
		{"the file is read-only, too", 0o555, 0o644, 0, "why: there is no right to write the state file"},
		{"the file cannot even be read", 0o555, 0o600, 0, "error: state file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder, err := os.MkdirTemp("", "sababan-state-")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(folder)
			path := filepath.Join(folder, "state.db")
			older(t, path, 2)
			const nobody = 65534
			if c.mine != 0 {
				if err := os.Chown(path, nobody, nobody); err != nil {
					t.Fatalf("this test needs to run as root: %v", err)
				}
			}
			if err := os.Chmod(path, c.file); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(folder, c.folder); err != nil {
				t.Fatal(err)
			}
			cmd := child(t, "open", path)
			program, err := os.Open(cmd.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer program.Close()
			// The folder of the test program is closed to others; a descriptor is not.
			cmd.Path, cmd.ExtraFiles, cmd.Dir = "/proc/self/fd/3", []*os.File{program}, "/"
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			out, _ := cmd.Output()
			if !strings.Contains(string(out), c.says) || c.says[0] == 'w' && !strings.Contains(string(out), "kept: yes") {
				t.Fatalf("it says %q", out)
			}
		})
	}
}
