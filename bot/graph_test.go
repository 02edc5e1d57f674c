package bot_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// diskMeasures are those of two file systems, and one that is hardly there.
func diskMeasures() []checks.Measure {
	var list []checks.Measure
	for subject, m := range map[string]struct{ used, size float64 }{"/": {0.71, 100 << 30}, "/srv": {0.42, 400 << 30}, "/dev/shm": {0, 64 << 20}} {
		list = append(list,
			checks.Measure{Name: "used_ratio", Subject: subject, Value: m.used, Unit: checks.Ratio},
			checks.Measure{Name: "size_bytes", Subject: subject, Value: m.size, Unit: checks.Bytes},
			checks.Measure{Name: "available_bytes", Subject: subject, Value: m.size * (1 - m.used), Unit: checks.Bytes})
	}
	return list
}

// withPast gives the disk a past of so many days: raw for a fortnight, by the
// hour before.
func (w *world) withPast(days int) {
	w.t.Helper()
	now := time.Now()
	err := w.db.Write(w.t.Context(), func(tx *sql.Tx) error {
		for n, subject := range []string{"/", "/srv"} {
			id := 1000 + n
			if _, err := tx.Exec(`INSERT INTO series (id, host, check_name, name, subject, unit) VALUES (?, 'web1', 'disk', 'used_ratio', ?, 'ratio')`, id, subject); err != nil {
				return err
			}
			value := func(at time.Time) float64 {
				h := float64(at.Hour()) + float64(at.Minute())/60
				return 0.70 - 0.28*float64(n) - 0.0004*now.Sub(at).Hours()/24 + 0.01*math.Sin(h/24*2*math.Pi)
			}
			for at := now.AddDate(0, 0, -days).Truncate(time.Hour); at.Before(now.AddDate(0, 0, -14)); at = at.Add(time.Hour) {
				v := value(at)
				if _, err := tx.Exec(`INSERT INTO hourly (series, hour, n, low, mid, high) VALUES (?, ?, 12, ?, ?, ?)`, id, at.UnixMilli(), v-0.005, v, v+0.02); err != nil {
					return err
				}
			}
			for at := now.AddDate(0, 0, -min(days, 14)); at.Before(now); at = at.Add(5 * time.Minute) {
				if _, err := tx.Exec(`INSERT INTO sample (series, at, value) VALUES (?, ?, ?)`, id, at.UnixMilli(), value(at)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// picture is the one picture of the newest message to alice; it is kept where
// KEEP_PICTURES says, to be looked at.
func (w *world) picture(name string) sandbox.Media {
	w.t.Helper()
	inbox := w.server.Inbox(w.alice)
	all := inbox[len(inbox)-1].Media
	if len(all) != 1 {
		w.t.Fatalf("%s: %d pictures: %q", name, len(all), inbox[len(inbox)-1].Text)
	}
	if _, err := png.Decode(bytes.NewReader(all[0].Data)); err != nil {
		w.t.Fatal(err)
	}
	if dir := os.Getenv("KEEP_PICTURES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), all[0].Data, 0o600); err != nil {
			w.t.Fatal(err)
		}
		fmt.Println(name+":", all[0].Description)
	}
	return all[0]
}

func TestAPictureIsAnsweredInTheLanguageOfTheQuestion(t *testing.T) {
	for name, o := range flavours() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, o, func(w *world) {
				var seen int
				seenNow := well()
				seenNow.Measures = diskMeasures()
				w.disk.set(seenNow)
				w.until(12, 0)
				w.withPast(60)
				w.start()
				w.pass(2 * time.Minute)
				w.heard(w.alice, &seen)
				for _, c := range []struct{ ask, text, alt string }{
					{"graph disk", "disk: /srv used 42 % (usually", "Upper line chart: disk: /srv used, 7 days"},
					{"graph disk 30d", "disk: / used 71 % (usually", "30 days"},
					{"graph space / 60 days", "disk: / used 71 %", "Line chart: disk: / used, 60 days"},
					{"graph disk available", "disk: /srv available 232 GB", "available"},
					{"ディスクのグラフを30日分見せてください", "ディスク / の使用率 71%（普段", "上の折れ線グラフ: ディスク /srv の使用率、"},
					{"グラフ　ディスク　/srv　４００日", "ディスク /srv の使用率 42%", "60日間"},
					{"chart disk for a month", "disk: / used 71 %", "30 days"},
					{"グラフ ディスク 1年", "ディスク / の使用率", "60日間"},
				} {
					got := w.ask(w.alice, &seen, c.ask)
					if len(got) != 1 || !strings.Contains(got[0], c.text) {
						t.Errorf("%s: %q, want %q", c.ask, got, c.text)
						continue
					}
					if alt := w.picture(strings.NewReplacer("/", "_", " ", "-", "　", "-").Replace(c.ask)).Description; !strings.Contains(alt, c.alt) {
						t.Errorf("%s: alt %q, want %q", c.ask, alt, c.alt)
					}
				}
				if n := w.count("picture"); n != 0 {
					t.Errorf("%d pictures are kept", n)
				}
				w.stop()
			})
		})
	}
}
