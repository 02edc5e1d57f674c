package state

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("SABABAN_TEST_STATE"); path != "" {
		switch os.Getenv("SABABAN_TEST_CHILD") {
		case "write":
			writeForEver(path)
		case "open":
			openAndTell(path)
		}
		os.Exit(1)
	}
	checkstest.OwnMounts()
	goleak.VerifyTestMain(m)
}

func logger(t testing.TB) (*slog.Logger, *bytes.Buffer) {
	t.Helper()
	var text bytes.Buffer
	return slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})), &text
}

func mustOpen(t testing.TB, path string) *DB {
	t.Helper()
	log, _ := logger(t)
	db, err := Open(t.Context(), path, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func put(ctx context.Context, db *DB, key, value string) error {
	return db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
		return err
	})
}

func get(t testing.TB, db *DB, key string) (value string) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sql.Tx) error {
		err := tx.QueryRow("SELECT value FROM meta WHERE key = ?", key).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func one(t testing.TB, db *DB, query string) (n int) {
	t.Helper()
	if err := db.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow(query).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestANewStateIsMadeWithItsFolderForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "var", "lib", "state.db")
	db := mustOpen(t, path)
	if err := put(t.Context(), db, "a", "b"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{
		filepath.Dir(path): 0o700 | os.ModeDir, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, should be %v", name, info.Mode(), want)
		}
	}
	if _, _, yes := db.Degraded(); yes {
		t.Error("degraded for no reason")
	}
}

func TestAStateThatIsOpenToOthersIsClosedToThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
}

func TestTheConnectionIsSetAsItShouldBe(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "a #1 %41?.db"))
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000", "foreign_keys": "1", "cache_size": "-2048",
	} {
		var got string
		err := db.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow("PRAGMA " + pragma).Scan(&got) })
		if err != nil || got != want {
			t.Errorf("%s is %s (%v), should be %s", pragma, got, err, want)
		}
	}
	if _, err := os.Stat(db.path); err != nil {
		t.Error(err)
	}
}

func TestWhatWasWrittenIsThereAfterwards(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := mustOpen(t, path)
	if err := put(t.Context(), db, "greeting", "hello"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), db, "greeting", "goodbye"); !errors.Is(err, ErrClosed) {
		t.Fatalf("a closed state says %v", err)
	}
	if got := get(t, mustOpen(t, path), "greeting"); got != "hello" {
		t.Fatalf("it is %q", got)
	}
}

func TestATransactionIsAllOrNothing(t *testing.T) {
	for _, where := range []string{"file", "memory"} {
		t.Run(where, func(t *testing.T) {
			db, err := Memory(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if where == "file" {
				db = mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
			}
			boom := errors.New("boom")
			half := func(tx *sql.Tx, end func() error) error {
				if _, err := tx.Exec("INSERT INTO meta (key, value) VALUES ('half', 'done')"); err != nil {
					return err
				}
				return end()
			}
			if err := db.Write(t.Context(), func(tx *sql.Tx) error { return half(tx, func() error { return boom }) }); !errors.Is(err, boom) {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			err = db.Write(ctx, func(tx *sql.Tx) error { return half(tx, func() error { cancel(); return nil }) })
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if err := db.Write(ctx, func(*sql.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			func() {
				defer func() {
					if recover() != "boom" {
						t.Error("the panic was lost")
					}
				}()
				_ = db.Write(t.Context(), func(tx *sql.Tx) error { return half(tx, func() error { panic("boom") }) })
			}()
			if got := get(t, db, "half"); got != "" {
				t.Fatalf("half a transaction is %q", got)
			}
			if err := put(t.Context(), db, "next", "fine"); err != nil {
				t.Fatalf("afterwards: %v", err)
			}
		})
	}
}

func TestAnInterruptedQueryLosesNothingThatIsInMemory(t *testing.T) {
	db, err := Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := put(t.Context(), db, "a", "b"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = db.Write(ctx, func(tx *sql.Tx) error {
		var wg sync.WaitGroup
		wg.Go(cancel)
		defer wg.Wait()
		_, err := tx.ExecContext(ctx, "INSERT INTO meta WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 100000000) SELECT n, n FROM c")
		return err
	})
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	if got := get(t, db, "a"); got != "b" {
		t.Fatalf("a is %q", got)
	}
	if n := one(t, db, "SELECT count(*) FROM meta"); n != 2 { // with the identity
		t.Fatalf("there are %d rows", n)
	}
}

func TestReadChangesNothing(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	err := db.Read(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO meta (key, value) VALUES ('a', 'b')")
		return err
	})
	if err == nil {
		t.Fatal("a reader wrote")
	}
	if _, _, yes := db.Degraded(); yes {
		t.Fatal("and the disk was blamed")
	}
	if err := put(t.Context(), db, "a", "c"); err != nil {
		t.Fatal(err)
	}
}

func TestEightWritersLoseNothing(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	if err := put(t.Context(), db, "sum", "0"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				err := db.Write(t.Context(), func(tx *sql.Tx) error {
					var n int
					if err := tx.QueryRow("SELECT value FROM meta WHERE key = 'sum'").Scan(&n); err != nil {
						return err
					}
					_, err := tx.Exec("UPDATE meta SET value = ? WHERE key = 'sum'", n+1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				_ = db.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow("SELECT 1").Scan(new(int)) })
				db.Degraded()
			}
		})
	}
	wg.Wait()
	if got := get(t, db, "sum"); got != "200" {
		t.Fatalf("eight writers made %s of 200", got)
	}
}

func TestMigrationsLeadFromEveryOlderVersion(t *testing.T) {
	list, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	shape := func(db *DB) string {
		var all []string
		err := db.Read(t.Context(), func(tx *sql.Tx) error {
			rows, err := tx.Query("SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var kind, name, text string
				if err := rows.Scan(&kind, &name, &text); err != nil {
					return err
				}
				all = append(all, kind+" "+name+" "+text)
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(all, "\n")
	}
	memory, err := Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	want := shape(memory)
	for version := range len(list) + 1 {
		t.Run(fmt.Sprintf("from version %d", version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			older(t, path, version)
			db := mustOpen(t, path)
			if got := shape(db); got != want {
				t.Fatalf("it became\n%s\nshould be\n%s", got, want)
			}
			if got := get(t, db, "kept"); version > 0 && got != "yes" {
				t.Fatal("what was there is gone")
			}
		})
	}
}

// older makes a state file of an earlier version.
func older(t testing.TB, path string, version int) {
	t.Helper()
	s, err := open(t.Context(), uri(path, pragmas+"&_pragma=journal_mode(WAL)"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := migrate(t.Context(), s.conn, version); err != nil {
		t.Fatal(err)
	}
	if version > 0 {
		if _, err := s.conn.ExecContext(t.Context(), "INSERT INTO meta (key, value) VALUES ('kept', 'yes')"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileThatIsNotOursToUseIsOneSentenceAndStaysAsItIs(t *testing.T) {
	sqlite := func(statements ...string) func(testing.TB, string) {
		return func(t testing.TB, path string) {
			older(t, path, 2)
			s, err := open(t.Context(), uri(path, pragmas))
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			for _, text := range statements {
				if _, err := s.conn.ExecContext(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	file := func(content string) func(testing.TB, string) {
		return func(t testing.TB, path string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name string
		make func(testing.TB, string)
		says []string
	}{
		{
			"of a newer version", sqlite("PRAGMA user_version = 1007"),
			[]string{"was written by a newer sababan", "version 1007", fmt.Sprintf("up to %d", latest(t)), "run the newer sababan again", "move it away"},
		},
		{"of another program", sqlite("PRAGMA application_id = 5"), []string{"SQLite file of another program", "name another path"}},
		{
			"of another program that never said its name",
			func(t testing.TB, path string) {
				s, err := open(t.Context(), uri(path, ""))
				if err != nil {
					t.Fatal(err)
				}
				defer s.close()
				if _, err := s.conn.ExecContext(t.Context(), "CREATE TABLE songs (title TEXT)"); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"SQLite file of another program"},
		},
		{"a letter", file(strings.Repeat("Dear admin, ", 1000)), []string{"is not an SQLite file", "move it away"}},
		{"a short letter", file("Dear admin"), []string{"is not an SQLite file", "move it away"}},
		{
			"cut off in the middle",
			func(t testing.TB, path string) {
				older(t, path, 2)
				if err := os.Truncate(path, 20000); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"is damaged", "move it away", "-wal"},
		},
		{
			"overwritten in the middle",
			func(t testing.TB, path string) {
				older(t, path, 2)
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if _, err := f.WriteAt(bytes.Repeat([]byte("junk"), 20000), 4096); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"is damaged", "move it away"},
		},
		{
			"a folder",
			func(t testing.TB, path string) {
				if err := os.Mkdir(path, 0o700); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"is a directory"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			log, _ := logger(t)
			db, err := Open(t.Context(), path, log)
			if err == nil {
				db.Close()
				t.Fatal("it was taken")
			}
			for _, part := range append(c.says, path) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q\ndoes not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than a sentence", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestDamageThatIsMetLaterIsTheSameSentence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := mustOpen(t, path)
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO sample WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 20000) SELECT 1, n, n FROM c")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var page int
	if err := db.Read(t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = 'sample'").Scan(&page)
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte("junk"), 1024), int64(page-1)*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	db = mustOpen(t, path)
	err = db.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow("SELECT sum(value) FROM sample").Scan(new(float64)) })
	var said *FileError
	if !errors.As(err, &said) || !strings.Contains(err.Error(), "is damaged") {
		t.Fatal(err)
	}
}

func TestASecondDaemonIsKeptFromTheSameState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	first, err := Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var said *FileError
	if _, err := Open(t.Context(), path, nil); !errors.As(err, &said) || !strings.Contains(err.Error(), "in use by another sababan") {
		t.Errorf("the second one: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// latest is the number of the newest migration.
func latest(t testing.TB) int {
	t.Helper()
	list, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
