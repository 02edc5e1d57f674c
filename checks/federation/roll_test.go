package federation

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
)

func TestServersThatWereHeardAreCounted(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 35, 0, 0, time.UTC)
	day := 24 * time.Hour
	r := roll{}
	long := map[string]time.Time{"a.test": now.Add(-400 * day), "b.test": now.Add(-400 * day)}
	hear := func(at time.Time, known map[string]time.Time, domains ...string) []string {
		recent := map[string]time.Time{}
		for _, d := range domains {
			recent[d] = at.Add(-10 * time.Minute)
		}
		unknown := r.turn(recent, at)
		r.add(known, recent, at)
		return unknown
	}
	if diff := cmp.Diff([]string{"a.test", "b.test"}, hear(now, long, "a.test", "b.test", "no server")); diff != "" {
		t.Error(diff)
	}
	if n, fresh, ok := r.counts(now); n != 2 || fresh != 0 || ok {
		t.Errorf("%d, %d, %v before a week was listened to", n, fresh, ok)
	}
	at := now.Add(3 * day)
	if diff := cmp.Diff([]string{"new.test"}, hear(at, map[string]time.Time{"new.test": at.Add(-time.Hour)}, "a.test", "new.test")); diff != "" {
		t.Error(diff)
	}
	if n, fresh, ok := r.counts(now.Add(7 * day)); n != 3 || fresh != 1 || !ok {
		t.Errorf("%d, %d, %v after a week", n, fresh, ok)
	}
	// Two were silent for more than a week; the new one is new no more.
	hear(now.Add(9*day), nil, "new.test")
	at = now.Add(10*day + 2*time.Hour)
	hear(at, nil, "new.test")
	if n, fresh, _ := r.counts(at); n != 1 || fresh != 0 {
		t.Errorf("%d, %d after ten days: %+v", n, fresh, r.List)
	}
	// One is back, and not a new one.
	if diff := cmp.Diff([]string{"b.test"}, hear(at, map[string]time.Time{"b.test": long["b.test"]}, "b.test")); diff != "" {
		t.Error(diff)
	}
	if n, fresh, _ := r.counts(at); n != 2 || fresh != 0 {
		t.Errorf("%d, %d: %+v", n, fresh, r.List)
	}
	back, err := unpackRoll(r.pack())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
}

func TestARollIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 35, 0, 0, time.UTC)
	r := roll{}
	for round := range 30 {
		recent := map[string]time.Time{}
		for i := range 2 * rollAsked {
			recent[fmt.Sprintf("server%d-%d.example.test", round, i)] = now
		}
		known := map[string]time.Time{}
		for _, d := range r.turn(recent, now) {
			known[d] = now
		}
		if len(known) > rollAsked {
			t.Fatalf("%d were asked about", len(known))
		}
		r.add(known, recent, now)
	}
	if len(r.List) != rollKept {
		t.Errorf("there are %d", len(r.List))
	}
	raw := r.pack()
	t.Logf("%d servers are %d kB", len(r.List), len(raw)/1024)
	back, err := unpackRoll(raw)
	if err != nil || !maps.Equal(r.List, back.List) {
		t.Errorf("%v", err)
	}
}

func FuzzWhatARollRemembers(f *testing.F) {
	f.Add([]byte("495000\na.test 3 495001\n"))
	f.Add([]byte("1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _ = unpackRoll(raw)
		if r, err := unpackRoll(deflate(raw)); err == nil && len(r.List) > rollKept {
			t.Error("there are too many")
		}
	})
}

func TestAWeekOfServersIsMeasured(t *testing.T) {
	w := newWorld(t, "4.6")
	w.hear(t)
	o := w.round(t)
	if _, ok := measured(o, serversWeek); ok {
		t.Error("a week is counted that was not listened to")
	}
	for day := range 7 {
		w.now = w.now.Add(23 * time.Hour)
		w.hear(t)
		if day == 5 { // a server that was never heard of before
			w.db.Exec(t, `INSERT INTO accounts (id, username, domain, uri) VALUES ($1, 'new', 'brandnew.test', 'https://brandnew.test/users/new')`, postgres.ID(w.now.Add(-time.Minute)))
			w.db.Exec(t, `INSERT INTO account_stats (account_id, last_status_at) VALUES ($1, $2)`, postgres.ID(w.now.Add(-time.Minute)), w.now.Add(-time.Minute).UTC())
		}
		o = w.round(t)
	}
	if n := checkstest.Value(t, o, serversWeek, ""); n != 13 {
		t.Errorf("%v servers were heard from", n)
	}
	if n := checkstest.Value(t, o, serversNew, ""); n != 1 {
		t.Errorf("%v of them are new", n)
	}
}

func measured(o checks.Observation, name string) (float64, bool) {
	for _, m := range o.Measures {
		if m.Name == name {
			return m.Value, true
		}
	}
	return 0, false
}
