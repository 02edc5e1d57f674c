package webui

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestWhenAllFilesAreAskedFor(t *testing.T) {
	at := func(clock string) time.Time {
		day, err := time.Parse("2006-01-02 15:04:05", "2026-11-22 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return day
	}
	for _, tt := range []struct {
		name string
		m    moment
		want scope
		why  reason
	}{
		{"somebody asks by name", moment{now: at("10:30:00"), last: at("10:29:00"), asked: true}, all, byName},
		{"they never were", moment{now: at("10:30:00")}, all, first},
		{"the page names others", moment{now: at("10:30:00"), last: at("10:29:00"), changed: true}, all, isNew},
		{"the page is back", moment{now: at("10:30:00"), last: at("10:29:00"), back: true}, all, isBack},
		{"a minute after they were", moment{now: at("10:18:00"), last: at("10:17:03")}, none, stands},
		{"just before the mark", moment{now: at("11:16:59"), last: at("10:17:03")}, none, stands},
		{"at the mark", moment{now: at("11:17:00"), last: at("10:17:03")}, all, hourly},
		{"at the mark though some were wrong", moment{now: at("11:17:08"), last: at("11:16:50"), ill: true}, all, hourly},
		{"some were wrong", moment{now: at("11:20:00"), last: at("11:17:00"), ill: true}, suspects, still},
		{"over midnight, before the mark", moment{now: at("00:05:00"), last: at("00:05:00").Add(-40 * time.Minute)}, none, stands},
		{"the clock went back", moment{now: at("09:20:00"), last: at("10:30:00")}, all, clock},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, why := due(tt.m); got != tt.want || why != tt.why {
				t.Errorf("%v because %q, want %v because %q", got, why, tt.want, tt.why)
			}
		})
	}
}

func TestBetweenTwoRoundsNoFileIsAskedFor(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	w.remember(t, func(m *memory) { m.Walked = time.Now() })
	const before = 7
	w.requested(t, "GET /packs/", before)
	for range 3 {
		healthy(t, w.look(t))
	}
	if n := w.requests(t, "GET /packs/"); n != before {
		t.Errorf("%d files were asked for in between", n-before)
	}
	// An hour passes.
	w.remember(t, func(m *memory) { m.Walked = m.Walked.Add(-time.Hour) })
	healthy(t, w.look(t))
	w.requested(t, "GET /packs/", 2*before)
}

// requested waits until nginx was asked so often: it writes a line when it has
// done with a request.
func (w *world) requested(t *testing.T, word string, want int) {
	t.Helper()
	patience := time.NewTimer(5 * time.Second)
	defer patience.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for n := w.requests(t, word); n != want; n = w.requests(t, word) {
		select {
		case <-patience.C:
			t.Fatalf("%d requests for %s, want %d", n, word, want)
		case <-again.C:
		}
	}
}

// remember changes what the last look has left.
func (w *world) remember(t *testing.T, change func(*memory)) {
	t.Helper()
	m := remembered(w.past)
	change(&m)
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	w.past.Memory[memoryKey] = b
}

func TestWhatWasFoundStandsUntilItIsSeenWell(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	w.remove(t, "packs/assets/default-A1b2.css")
	finds(t, w.lookAll(t), "asset", "(manifest)")
	w.remember(t, func(m *memory) { m.Walked = time.Now() })
	const before = 14 // twice seven
	w.requested(t, "GET /packs/", before)
	finds(t, w.look(t), "asset", "(manifest)")
	w.requested(t, "GET /packs/", before+1) // the one that was wrong
	// While the page is ill nobody knows.
	w.puma.set(w.puma.failing(500, errorPage))
	w.clearCache(t)
	o := w.look(t)
	finds(t, o, "page", "(manifest)")
	if len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: codeAsset}) {
		t.Errorf("blind %+v", o.Blind)
	}
	w.puma.set(nil)
	finds(t, w.look(t), "asset", "(manifest)")
	// Nothing at all is seen, and nothing is forgotten.
	w.configure(t, "location = / { return 429; }")
	if _, err := w.check.Look(t.Context(), w.past); !errors.As(err, new(*checks.Unseen)) {
		t.Errorf("error %v", err)
	}
	w.configure(t, "")
	finds(t, w.look(t), "asset", "(manifest)")
	w.buildAll(t, "4.5.2", "A1b2")
	healthy(t, w.look(t))
}

func TestFilesThatCannotBeSeenAreNotTakenForWell(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.configure(t, "location /packs/ { return 429; }")
	for range 2 {
		o := w.look(t)
		if len(o.Findings) > 0 || len(o.Blind) != 2 {
			t.Fatalf("findings %+v, blind %+v", o.Findings, o.Blind)
		}
		says(t, o.Blind[0].Why, "7 files of the page could not be looked at", "7個")
	}
	w.configure(t, "")
	healthy(t, w.look(t))
}

func TestWhatThereWasNoTimeForIsSaid(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	w.through(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 1800*time.Millisecond+judgeTime)
	defer cancel()
	o, err := w.check.LookThoroughly(ctx, w.past)
	if err != nil {
		t.Fatal(err)
	}
	w.past.Record(o, time.Now())
	checkstest.AssertObservation(t, w.kind, o)
	f := finds(t, o, "asset")
	says(t, f.Text, "files are not there within", "待っても届きません")
	if len(o.Blind) != 1 || o.Blind[0].Code != codeIntegrity {
		t.Fatalf("blind %+v", o.Blind)
	}
	says(t, o.Blind[0].Why, "there was no time left for ", "時間内に確認できませんでした")
	w.configure(t, "")
	o = w.look(t)
	healthy(t, o)
	says(t, o.Summary, "its 8 files are right", "8個も正常")
}

func TestAnUpdateIsAnEventAndEverythingIsAskedForAtOnce(t *testing.T) {
	w := newWorld(t, "4.5.2")
	if o := w.look(t); len(o.Events) > 0 {
		t.Errorf("events at the first look: %+v", o.Events)
	}
	for _, tt := range []struct{ version, hash, code, en, ja string }{
		{"4.5.3", "C3d4", EventVersion, "Mastodon 4.5.2 became 4.5.3", "Mastodonが4.5.2から4.5.3になりました"},
		{"4.5.3", "E5f6", EventAssets, "the web UI was built anew", "アセットが新しく"},
	} {
		w.remember(t, func(m *memory) { m.Walked = time.Now() })
		w.buildAll(t, tt.version, tt.hash)
		w.clearCache(t)
		o := w.look(t)
		healthy(t, o)
		if len(o.Events) != 1 || o.Events[0].Code != tt.code {
			t.Fatalf("events %+v", o.Events)
		}
		says(t, o.Events[0].Text, tt.en, tt.ja)
		w.requested(t, "common-"+tt.hash+".js", 1)
		if o := w.look(t); len(o.Events) > 0 {
			t.Errorf("the same event again: %+v", o.Events)
		}
	}
}

func TestMachinesThatTakeTurnsAreOneEvent(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	old := w.puma.tags
	fresh := w.vite(t, "C3d4")
	events := 0
	for i := range 6 {
		w.puma.mu.Lock()
		w.puma.tags = [][]string{fresh, old}[i%2]
		w.puma.mu.Unlock()
		o := w.look(t)
		healthy(t, o)
		events += len(o.Events)
	}
	if events != 1 {
		t.Errorf("%d events", events)
	}
}

func TestAMemoryThatCannotBeReadIsNone(t *testing.T) {
	for _, b := range []string{"", "{", `{"ill":3}`, `{"walked":"x"}`, "[]"} {
		m := remembered(&checkstest.Past{Memory: map[string][]byte{memoryKey: []byte(b)}})
		if !m.Walked.IsZero() || len(m.Ill) > 0 {
			t.Errorf("%q: %+v", b, m)
		}
		m.clone().Ill["x"] = fault{}
	}
}
