package database

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

// A world is a database with what looks at it.
type world struct {
	t     *testing.T
	db    *postgres.DB
	site  *site.Site
	kind  checks.Kind
	check checks.Check
	past  *checkstest.Past
}

// shared is a world in the cluster that all tests share.
func shared(t *testing.T, opts ...option) *world {
	return newWorld(t, postgres.Start(t).Mastodon(t, "4.6"), opts...)
}

// calm takes the machine's own load, which other tests make, for none.
func calm(c *check) { c.limits.busyLoad, c.limits.busy = 1e9, 1<<30 }

func newWorld(t *testing.T, db *postgres.DB, opts ...option) *world {
	t.Helper()
	return inSite(t, db, db.SiteWith(t, site.Config{Root: t.TempDir()}, reads()...), opts...)
}

func inSite(t *testing.T, db *postgres.DB, s *site.Site, opts ...option) *world {
	t.Helper()
	w := &world{t: t, db: db, site: s, past: &checkstest.Past{}}
	w.kind = kind(s, append([]option{calm}, opts...)...)
	w.check = checkstest.Make(t, w.kind, "")
	return w
}

func (w *world) look() checks.Observation {
	w.t.Helper()
	return w.aloud(checkstest.Look(w.t, w.kind, w.check, w.past))
}

// thorough looks as somebody who asks by name.
func (w *world) thorough() checks.Observation {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), w.kind.Timeout)
	defer cancel()
	o, err := w.check.(checks.Thorough).LookThoroughly(ctx, w.past)
	if err != nil {
		w.t.Fatal(err)
	}
	checkstest.AssertObservation(w.t, w.kind, o)
	w.past.Record(o, time.Now())
	return w.aloud(o)
}

// aloud writes what is said to the test's log.
func (w *world) aloud(o checks.Observation) checks.Observation {
	w.t.Helper()
	for _, lang := range []checks.Lang{checks.English, checks.Japanese} {
		r := checks.Reader{Lang: lang, Now: time.Now()}
		w.t.Log(o.Summary.Read(r))
		for _, f := range o.Findings {
			w.t.Logf("%s %s %s holds=%v\n%s\n%s", f.Severity, f.Code, f.Subject, f.Holds, f.Text.Read(r), advice(f.Advice, r))
		}
		for _, b := range o.Blind {
			w.t.Logf("blind %s %s: %s\n%s", b.Code, b.Subject, b.Why.Read(r), advice(b.Mend, r))
		}
	}
	return o
}

func advice(a checks.Advice, r checks.Reader) string {
	lines := []string{a.Text.Read(r), "  look: " + a.Look.String()}
	for _, m := range a.Mend {
		lines = append(lines, "  mend: "+m.String())
	}
	return strings.Join(lines, "\n")
}

// expect asserts that a finding is there, or that it is not.
func (w *world) expect(o checks.Observation, code, subject string, want checks.Severity) checks.Finding {
	w.t.Helper()
	f, ok := checkstest.Find(o, code, subject)
	if got := f.Severity; ok != (want != checks.OK) || got != want {
		w.t.Errorf("%s %q: %v, want %v: %+v", code, subject, got, want, o.Findings)
	}
	return f
}

func (w *world) quiet(o checks.Observation) {
	w.t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		w.t.Errorf("it is well, and this is said: %+v %+v", o.Findings, o.Blind)
	}
}

func (w *world) says(f checks.Finding, en, ja string) {
	w.t.Helper()
	now := time.Now()
	if got := f.Text.Read(checks.Reader{Lang: checks.English, Now: now}); !strings.Contains(got, en) {
		w.t.Errorf("%q does not say %q", got, en)
	}
	if got := f.Text.Read(checks.Reader{Lang: checks.Japanese, Now: now}); !strings.Contains(got, ja) {
		w.t.Errorf("%q does not say %q", got, ja)
	}
}

// mend runs what is advised, as the superuser.
func (w *world) mend(a checks.Advice) {
	w.t.Helper()
	for _, sh := range a.Mend {
		words := sh[0]
		for i, word := range words {
			if word == "-u" {
				w.db.Cluster.Run(w.t, words[i+2], words[i+3:]...)
				break
			}
		}
	}
}

// tomorrow lets the daily level be due again.
func (w *world) tomorrow() {
	w.t.Helper()
	w.change(memoryKey, func(m *memory) { m.Day.At = time.Time{} })
}

// change changes what is remembered.
func (w *world) change(key string, to any) {
	w.t.Helper()
	var v any
	switch to := to.(type) {
	case func(*memory):
		m := recall[memory](w.past, key)
		to(&m)
		v = m
	case func(*night):
		n := recall[night](w.past, key)
		to(&n)
		v = n
	}
	raw, err := json.Marshal(v)
	if err != nil {
		w.t.Fatal(err)
	}
	w.past.Memory[key] = raw
}

// damage overwrites bytes of a relation's file while the cluster is stopped.
func damage(t *testing.T, c *postgres.Cluster, file string, at int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(c.DataDir, file), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(with, at); err != nil {
		t.Fatal(err)
	}
}

// sleepOver holds a lock on a table as reading it does, for long.
func sleepOver(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "select name from tags limit 1"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "select pg_sleep(25)")
	return err
}
