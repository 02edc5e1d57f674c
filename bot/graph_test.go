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

func TestAGraphOfNothingIsASentence(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		w.until(12, 0)
		w.start()
		w.pass(2 * time.Minute)
		w.heard(w.alice, &seen)
		for ask, want := range map[string]string{
			"graph disk":     "nothing has been measured yet",
			"グラフ ディスク":       "まだ記録がない",
			"graph":          "A picture of what?",
			"グラフ":            "どの項目のグラフでしょうか",
			"graph mail":     "[checks.mail] smtp",
			"graph 99":       "There is no #99.",
			"help graph":     "at most 400 days",
			"graph nonesuch": "A picture of what?",
			"グラフって何ができるの？":   "グラフ ○○",
		} {
			if got := w.ask(w.alice, &seen, ask); len(got) != 1 || !strings.Contains(got[0], want) {
				t.Errorf("%s: %q, want %q", ask, got, want)
			}
		}
		w.stop()
	})
}

func TestPicturesArriveExactlyOnceOverAllThatAServerDoes(t *testing.T) {
	post, media := "/api/v1/statuses", "/api/v2/media"
	for name, c := range map[string]struct {
		faults  []sandbox.Fault
		wait    time.Duration
		inWords bool
	}{
		"the upload's answer is lost":    {[]sandbox.Fault{{Kind: sandbox.CutAfter, PathPrefix: media, Times: 3}}, time.Minute, false},
		"the upload hangs":               {[]sandbox.Fault{{Kind: sandbox.Hang, PathPrefix: media, Times: 2}}, 2 * time.Minute, false},
		"the file is worked on for long": {[]sandbox.Fault{{Kind: sandbox.SlowMedia, Delay: 30 * time.Second, PathPrefix: media}}, 3 * time.Minute, false},
		"the post's answer is lost":      {[]sandbox.Fault{{Kind: sandbox.CutAfter, PathPrefix: post, Method: "POST", Times: 1}}, time.Minute, false},
		"the post is stored late":        {[]sandbox.Fault{{Kind: sandbox.Late, Delay: 14 * time.Second, PathPrefix: post, Method: "POST", Times: 1}}, time.Minute, false},
		"the post is never stored":       {[]sandbox.Fault{{Kind: sandbox.FakeStatus, Times: 2}}, 2 * time.Minute, false},
		"both, and the server is gone":   {[]sandbox.Fault{{Kind: sandbox.CutAfter, PathPrefix: media, Times: 1}, {Kind: sandbox.CutAfter, PathPrefix: post, Method: "POST", Times: 1}, {Kind: sandbox.Answer, Status: 503, Times: 9}}, 10 * time.Minute, false},
		"the file is refused for good":   {[]sandbox.Fault{{Kind: sandbox.Answer, Status: 422, PathPrefix: media}}, time.Minute, true},
		"the storage stays away":         {[]sandbox.Fault{{Kind: sandbox.Answer, Status: 503, PathPrefix: media}}, 30 * time.Minute, true},
		"too many uploads":               {[]sandbox.Fault{{Kind: sandbox.Answer, Status: 429, Delay: 25 * time.Minute, PathPrefix: media}}, 15 * time.Minute, true},
		"a post with a file is refused":  {[]sandbox.Fault{{Kind: sandbox.Answer, Status: 422, PathPrefix: post, Method: "POST", Times: 1}}, time.Minute, true},
	} {
		for flavour, o := range flavours() {
			t.Run(name+"/"+flavour, func(t *testing.T) {
				inBubble(t, o, func(w *world) {
					var seen int
					seenNow := well()
					seenNow.Measures = diskMeasures()
					w.disk.set(seenNow)
					w.until(12, 0)
					w.start()
					w.pass(2 * time.Minute)
					w.heard(w.alice, &seen)
					for _, f := range c.faults {
						w.server.Misbehave(f)
					}
					w.ask(w.alice, &seen, "graph disk")
					w.pass(c.wait)
					// What is not about pictures must not have waited for them.
					w.server.Behave()
					if got := w.ask(w.alice, &seen, "status"); !strings.Contains(strings.Join(got, "\n"), "example.social") {
						t.Errorf("status: %q", got)
					}
					w.stop()
					w.start()
					w.pass(time.Hour)
					answers := 0
					for _, m := range w.server.Inbox(w.alice) {
						if !strings.Contains(m.Text, "disk: /srv used 42 %") {
							if len(m.Media) > 0 {
								t.Errorf("a picture at %q", m.Text)
							}
							continue
						}
						answers++
						if inWords := strings.Contains(m.Text, "could not be attached"); inWords != c.inWords || len(m.Media) == 0 != c.inWords {
							t.Errorf("%d pictures at %q", len(m.Media), m.Text)
						}
					}
					if answers != 1 || w.count("picture") != 0 {
						t.Errorf("%d answers, %d pictures kept", answers, w.count("picture"))
					}
				})
			})
		}
	}
}

func TestMorePicturesThanAPostHoldsAreNamed(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		seenNow := well()
		seenNow.Measures = diskMeasures()
		w.disk.set(seenNow)
		w.until(12, 0)
		w.start()
		w.pass(2 * time.Minute)
		w.heard(w.alice, &seen)
		got := w.ask(w.alice, &seen, strings.Repeat("graph disk\n", 5))
		all := w.server.Inbox(w.alice)
		n := 0
		for _, m := range all {
			n += len(m.Media)
		}
		if n != 4 || !strings.Contains(strings.Join(got, "\n"), "one answer holds 4 pictures") {
			t.Errorf("%d pictures, %q", n, got)
		}
		w.stop()
	})
}
