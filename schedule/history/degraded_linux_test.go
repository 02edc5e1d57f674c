package history

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/schedule/state"
)

func TestSixteenDaysOnAFullDiskLoseNoSample(t *testing.T) {
	folder := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=8m", "none", folder).CombinedOutput(); err != nil {
		t.Fatalf("this test needs the right to mount a tmpfs (run it as root): %v %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		db, err := state.Open(t.Context(), filepath.Join(folder, "state.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		b := NewBook(db)
		written := 0
		// goOn measures every half hour, and compacts twice a day.
		goOn := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(30 * time.Minute) {
				add(t, b, time.Now(), p90(float64(written)))
				if written++; written%24 == 0 {
					compact(t, b, time.Now())
				}
			}
		}
		goOn(36*time.Hour + 25*time.Minute) // the trouble begins in the middle of an hour

		ballast := filepath.Join(folder, "ballast")
		file, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		for block := make([]byte, 64<<10); len(block) > 0; {
			if _, err := file.Write(block); err != nil {
				block = block[:len(block)/2]
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		// What is small may fit into what is left of a page.
		for _, _, yes := db.Degraded(); !yes; _, _, yes = db.Degraded() {
			goOn(30 * time.Minute)
		}
		goOn(16 * 24 * time.Hour)
		if n := count(t, db, "SELECT count(*) FROM hourly"); n < 24 || n > 2*24 {
			t.Errorf("of sixteen days in memory %d hours are compacted", n)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		goOn(time.Hour)
		if why, _, yes := db.Degraded(); yes {
			t.Fatalf("it is degraded still: %s", why)
		}
		compact(t, b, time.Now())
		if n := count(t, db, "SELECT (SELECT count(*) FROM sample) + (SELECT sum(n) FROM hourly)"); n != written {
			t.Errorf("of %d samples there are %d", written, n)
		}
		if n := count(t, db, "SELECT count(*) FROM hourly WHERE n <> 2"); n != 0 {
			t.Errorf("%d hours are in pieces", n)
		}
		err = db.Read(t.Context(), func(tx *sql.Tx) error {
			var sum, want float64
			for i := range written {
				want += float64(i)
			}
			if err := tx.QueryRow("SELECT (SELECT sum(value) FROM sample) + (SELECT sum(mid * n) FROM hourly)").Scan(&sum); err != nil {
				return err
			}
			if sum != want {
				t.Errorf("the values come to %v, and should to %v", sum, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
