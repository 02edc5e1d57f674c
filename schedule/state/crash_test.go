package state

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// writeForEver is what the child of the crash test does: it writes numbers, and
// tells of each when Write has reported it.
func writeForEver(path string) {
	db, err := Open(context.Background(), path, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		var n int
		err := db.Write(context.Background(), func(tx *sql.Tx) error {
			if err := tx.QueryRow("SELECT count(*) FROM mention").Scan(&n); err != nil {
				return err
			}
			// Something of a size, so that the log is written back now and then.
			for _, table := range []string{"mention", "cursor"} {
				columns, values := "name, value", "?, ?"
				if table == "mention" {
					columns, values = "id, text, status_id, account_id, received, state", "?, ?, '', '', 0, 'new'"
				}
				if _, err := tx.Exec("INSERT INTO "+table+" ("+columns+") VALUES ("+values+")", n, strings.Repeat("x", 3000)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(n)
	}
}

// openAndTell is what the child without rights does.
func openAndTell(path string) {
	db, err := Open(context.Background(), path, nil)
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	why, _, _ := db.Degraded()
	var kept string
	_ = db.Read(context.Background(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT value FROM meta WHERE key = 'kept'").Scan(&kept)
	})
	fmt.Println("why:", why, "kept:", kept)
}

// child runs this test program again, as one of the parts that TestMain knows.
func child(t testing.TB, part, path string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "SABABAN_TEST_CHILD="+part, "SABABAN_TEST_STATE="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestWhatWasReportedOutlivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	last := -1
	for range 12 {
		cmd := child(t, "write", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		// Killed somewhere in the middle of the writes that follow these.
		for range 20 + rand.IntN(60) {
			if !lines.Scan() {
				break
			}
			if last, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				last = n
			}
		}
		_ = cmd.Wait() // it was killed

		db, err := Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		mentions, cursors := one(t, db, "SELECT count(*) FROM mention"), one(t, db, "SELECT count(*) FROM cursor")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if mentions <= last {
			t.Fatalf("%d were reported, and %d are there", last+1, mentions)
		}
		if mentions != cursors {
			t.Fatalf("half a transaction: %d mentions, %d cursors", mentions, cursors)
		}
	}
	if last < 100 {
		t.Fatalf("only %d writes in twelve lives", last+1)
	}
}
