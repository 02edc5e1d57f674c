package federation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/site"
)

// A world is a small Mastodon, its Redis, and the servers of others.
type world struct {
	db    *postgres.DB
	redis *redis.Server
	site  *site.Site
	kind  checks.Kind
	check *check
	past  *checkstest.Past
	other *fediverse
	now   time.Time
	posts int64
}

func newWorld(t *testing.T, version string, friends ...string) *world {
	t.Helper()
	w := &world{
		db: postgres.Start(t).Mastodon(t, version), redis: redis.Start(t), past: &checkstest.Past{},
		other: newFediverse(t), now: time.Now(),
	}
	reads := Kind(&site.Site{}).Reads
	w.site = w.db.SiteWith(t, site.Config{RedisURL: checks.NewSecret(w.redis.URL())}, reads...)
	w.site.Roots = w.other.ca.Roots()
	w.kind = Kind(w.site, WithNetwork(w.other))
	table := checkstest.Table("")
	if len(friends) > 0 {
		table = checkstest.Table(fmt.Sprintf("friends = [%q]", strings.Join(friends, `", "`)))
	}
	w.check = checkstest.Make(t, w.kind, table).(*check)
	return w
}

// usual says what is normal for the age of the newest post.
func (w *world) usual(mid, high float64) {
	w.past.Bands = map[checkstest.Series]checks.Band{{Name: newestAge}: {Low: mid / 4, Mid: mid, High: high, Days: 30}}
}

// look looks at the world's time and keeps what was seen, as the daemon does.
func (w *world) look(t *testing.T, all bool) checks.Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), w.kind.Timeout)
	defer cancel()
	o, err := w.check.look(ctx, w.past, w.now, all)
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, w.kind, o)
	w.past.Record(o, w.now)
	return o
}

// post writes a post from outside, made at an instant.
func (w *world) post(t *testing.T, made time.Time) {
	t.Helper()
	w.posts++
	w.db.Exec(t, `INSERT INTO statuses (id, account_id, uri, local, text)
		SELECT $1, id, uri || '/more/' || $2, false, '' FROM accounts WHERE domain = 'server01.test' ORDER BY id LIMIT 1`,
		postgres.ID(made)+w.posts, fmt.Sprint(w.posts))
}

// round lets an hour pass with posts from outside, and looks at everything.
func (w *world) round(t *testing.T) checks.Observation {
	t.Helper()
	w.now = w.now.Add(time.Hour)
	w.post(t, w.now.Add(-time.Minute))
	return w.look(t, true)
}

// learned makes the rhythm of every server of the fixture known: heard at the
// given age, every hour before.
func (w *world) learned(t *testing.T, key string, heard map[string]time.Duration) {
	t.Helper()
	beats := map[string]beat{}
	for domain, ago := range heard {
		last := minutes(w.now.Add(-ago))
		beats[domain] = beat{Last: last, Heard: last, First: minutes(w.now.Add(-40 * 24 * time.Hour)), Times: 500, Gaps: [4]int{120, 100, 120, 100}}
	}
	var m memory
	if raw, ok := w.past.Load(memoryKey); ok {
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
	}
	m.Rhythm.At, m.Rhythm.Turned = w.now.Add(-30*time.Minute), w.now.Add(-10*24*time.Hour)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if w.past.Memory == nil {
		w.past.Memory = map[string][]byte{}
	}
	w.past.Memory[memoryKey], w.past.Memory[key] = raw, packBeats(beats)
}

// silence makes the accounts of a domain have been heard last at an instant.
func (w *world) silence(t *testing.T, domain string, ago time.Duration) {
	t.Helper()
	w.db.Exec(t, `UPDATE account_stats SET last_status_at = $1 WHERE account_id IN (SELECT id FROM accounts WHERE domain = $2)`,
		w.now.Add(-ago).UTC(), domain)
}

// hear makes everybody but some have been heard a while ago.
func (w *world) hear(t *testing.T, but ...string) {
	t.Helper()
	w.db.Exec(t, `UPDATE account_stats SET last_status_at = $1 WHERE account_id IN (SELECT id FROM accounts WHERE domain <> ALL ($2))`,
		w.now.Add(-20*time.Minute).UTC(), append([]string{""}, but...))
}

// fail writes failures of deliveries on the last so many days.
func (w *world) fail(t *testing.T, host string, daysAgo ...int) {
	t.Helper()
	for _, d := range daysAgo {
		w.redis.Do(t, "SADD", "exhausted_deliveries:"+host, w.now.UTC().AddDate(0, 0, -d).Format("20060102"))
	}
}

func all() map[string]time.Duration {
	heard := map[string]time.Duration{}
	for i := range 12 {
		heard[fmt.Sprintf("server%02d.test", i+1)] = time.Hour
	}
	return heard
}

func (w *world) found(t *testing.T, o checks.Observation, code, subject string) checks.Finding {
	t.Helper()
	f, ok := checkstest.Find(o, code, subject)
	if !ok {
		t.Fatalf("no %s %q among %+v, blind %+v", code, subject, o.Findings, o.Blind)
	}
	w.read(t, f)
	return f
}

// read prints a finding as it is read, in both languages.
func (w *world) read(t *testing.T, f checks.Finding) {
	t.Helper()
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		r := checks.Reader{Lang: l, Now: w.now, Zone: time.UTC}
		said := f.Text.Read(r)
		if !f.Advice.Text.Empty() {
			said += "\n→ " + f.Advice.Text.Read(r)
		}
		for _, sh := range append([]checks.Shell{f.Advice.Look}, f.Advice.Mend...) {
			if s := sh.String(); s != "" {
				said += "\n$ " + s
			}
		}
		t.Logf("%s %v %v\n%s", f.Code, f.Severity, f.Road, said)
	}
}

func (w *world) nothingFound(t *testing.T, o checks.Observation) {
	t.Helper()
	for _, f := range o.Findings {
		if !f.Holds {
			w.read(t, f)
			t.Errorf("found %s %q", f.Code, f.Subject)
		}
	}
	for _, b := range o.Blind {
		t.Errorf("blind %s %q: %s", b.Code, b.Subject, b.Why.En)
	}
}
