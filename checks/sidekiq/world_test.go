package sidekiq

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	redistest "github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/site"
)

// sidekiqOf are the versions of Sidekiq by those of Mastodon.
var sidekiqOf = map[string]string{"4.2": "6.5.12", "4.3": "6.5.12", "4.4": "7.3.9", "4.5": "8.0.9", "4.6": "8.1.6"}

// A world is a Redis with what a Mastodon of a version leaves in it.
type world struct {
	*redistest.Server
	version string
	prefix  string
	live    string // folder of the code
	// withCode tells that the code is known; then a database is looked for, too.
	withCode bool

	kind checks.Kind
	c    checks.Check
	past *checkstest.Past
}

// dress makes a healthy world; Mastodon 4.2 has a namespace.
func dress(t *testing.T, version string) *world {
	t.Helper()
	w := bare(t, version)
	w.process(t, "web1:100:aaa", everyOf(version)...)
	w.Do(t, "SET", w.prefix+"stat:processed", 100000)
	w.Do(t, "SET", w.prefix+"stat:failed", 2000)
	for _, q := range everyOf(version) {
		w.Do(t, "SADD", w.prefix+"queues", q)
	}
	for name, entry := range scheduleOf(version) {
		w.Do(t, "HSET", w.prefix+"schedules", name, entry)
		w.pushed(t, name, time.Minute)
	}
	w.on(t, w.SiteWith(t, w.config()))
	return w
}

func bare(t *testing.T, version string) *world {
	t.Helper()
	w := &world{Server: redistest.Start(t), version: version, past: &checkstest.Past{}, live: t.TempDir()}
	if version == "4.2" {
		w.prefix = "masto:"
	}
	w.code(t, version+".3")
	return w
}

// code writes the file that says which version of Mastodon lies on disk.
func (w *world) code(t *testing.T, number string) {
	t.Helper()
	n := strings.Split(number, ".")
	text := fmt.Sprintf("module Mastodon\n  module Version\n    module_function\n\n    def major\n      %s\n    end\n\n    def minor\n      %s\n    end\n\n    def patch\n      %s\n    end\n\n    def default_prerelease\n      ''\n    end\n", n[0], n[1], n[2])
	p := filepath.Join(w.live, "lib/mastodon/version.rb")
	if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) config() site.Config {
	set := site.Config{Domain: "masto.test", RedisURL: checks.NewSecret(w.URL()), RedisNamespace: strings.TrimSuffix(w.prefix, ":")}
	if w.withCode {
		set.Live = w.live
	}
	return set
}

func (w *world) on(t *testing.T, s *site.Site) {
	t.Helper()
	w.kind = Kind(s)
	w.c = checkstest.Make(t, w.kind, "")
}

// database gives the world Mastodon's database, read with exactly the rights
// that are declared.
func (w *world) database(t *testing.T) *postgres.DB {
	t.Helper()
	w.withCode = true
	db := postgres.Start(t).Mastodon(t, w.version)
	w.on(t, db.SiteWith(t, w.config(), Kind(nil).Reads...))
	return db
}

func everyOf(version string) []string {
	q := []string{"default", "push", "ingress", "mailers", "pull", "scheduler"}
	if version >= "4.4" {
		q = append(q, "fasp")
	}
	return q
}

// scheduleOf is what sidekiq-scheduler keeps of Mastodon's own list.
func scheduleOf(version string) map[string]string {
	all := map[string]string{
		"scheduled_statuses_scheduler":    `{"every":"5m","class":"Scheduler::ScheduledStatusesScheduler","queue":"scheduler"}`,
		"indexing_scheduler":              `{"interval":"1 minute","class":"Scheduler::IndexingScheduler","queue":"scheduler"}`,
		"trends_refresh_scheduler":        `{"every":"5m","class":"Scheduler::Trends::RefreshScheduler","queue":"scheduler"}`,
		"software_update_check_scheduler": `{"interval":"30 minutes","class":"Scheduler::SoftwareUpdateCheckScheduler","queue":"scheduler"}`,
		"instance_refresh_scheduler":      `{"cron":"0 * * * *","class":"Scheduler::InstanceRefreshScheduler","queue":"scheduler"}`,
		"vacuum_scheduler":                `{"cron":"23 4 * * *","class":"Scheduler::VacuumScheduler","queue":"scheduler"}`,
		"pghero_scheduler":                `{"cron":"0 0 * * *","class":"Scheduler::PgheroScheduler","queue":"scheduler"}`,
	}
	if version >= "4.6" {
		all["trends_refresh_scheduler"] = `{"every":["5m",{"first_in":"4m"}],"class":"Scheduler::Trends::RefreshScheduler","queue":"scheduler"}`
	}
	return all
}

// pushed says that a job by the clock was enqueued so long ago.
func (w *world) pushed(t *testing.T, name string, ago time.Duration) {
	t.Helper()
	at := time.Now().Add(-ago)
	w.Do(t, "DEL", w.prefix+"sidekiq-scheduler:pushed:"+name)
	w.Do(t, "HSET", w.prefix+"sidekiq-scheduler:last_times", name, at.Format("2006-01-02 15:04:05 -0700"))
	if ago < 24*time.Hour {
		w.Do(t, "ZADD", w.prefix+"sidekiq-scheduler:pushed:"+name, at.Unix(), at.Unix())
	}
}

// process enters a process that started two days ago.
func (w *world) process(t *testing.T, id string, queues ...string) {
	t.Helper()
	w.processSince(t, id, 48*time.Hour, queues...)
}

func (w *world) processSince(t *testing.T, id string, up time.Duration, queues ...string) {
	t.Helper()
	now := time.Now()
	info := map[string]any{
		"hostname": "web1", "started_at": seconds64(now.Add(-up)), "pid": 100, "tag": "live", "queues": queues, "labels": []string{}, "identity": id,
	}
	fields := []any{"HSET", w.prefix + id, "busy", 3, "beat", fmt.Sprintf("%.6f", seconds64(now)), "quiet", "false", "rss", 400000, "rtt_us", 140}
	switch v := sidekiqOf[w.version]; {
	case strings.HasPrefix(v, "8.1"):
		info["version"] = v
		weights := map[string]int{}
		for _, q := range queues {
			weights[q] = 1
		}
		info["capsules"] = map[string]any{"default": map[string]any{"concurrency": 25, "mode": "weighted", "weights": weights}}
		fields = append(fields, "concurrency", 25)
	case strings.HasPrefix(v, "6"):
		info["concurrency"] = 25
	default:
		info["version"], info["concurrency"] = v, 25
	}
	text, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	w.Do(t, "SADD", w.prefix+"processes", id)
	w.Do(t, append(fields, "info", string(text))...)
	w.Do(t, "EXPIRE", w.prefix+id, 60)
}

func seconds64(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// stamp writes an instant as that version of Sidekiq does.
func (w *world) stamp(at time.Time) any {
	if sidekiqOf[w.version] >= "8" {
		return at.UnixMilli()
	}
	return seconds64(at)
}

func (w *world) job(t *testing.T, queue, class string, at time.Time, more map[string]any) string {
	t.Helper()
	j := map[string]any{
		"retry": 3, "queue": queue, "class": class, "args": []any{"secret words of a post", 1}, "jid": fmt.Sprint(time.Now().UnixNano()),
		"created_at": w.stamp(at), "enqueued_at": w.stamp(at),
	}
	for k, v := range more {
		j[k] = v
	}
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// enqueue pushes a job that has waited for so long.
func (w *world) enqueue(t *testing.T, queue, class string, waited time.Duration) {
	t.Helper()
	w.Do(t, "SADD", w.prefix+"queues", queue)
	w.Do(t, "LPUSH", w.prefix+"queue:"+queue, w.job(t, queue, class, time.Now().Add(-waited), nil))
}

// done works off a queue.
func (w *world) done(t *testing.T, queue string) {
	t.Helper()
	w.Do(t, "DEL", w.prefix+"queue:"+queue)
	w.Do(t, "INCRBY", w.prefix+"stat:processed", 10)
}

// fail puts jobs into a set: "retry" or "dead".
func (w *world) fail(t *testing.T, set string, n int, class, failure, message string) {
	t.Helper()
	now := time.Now()
	for i := range n {
		score := now.Add(time.Duration(i) * time.Second)
		if set == "dead" {
			score = now.Add(-time.Duration(i) * time.Second)
		}
		w.Do(t, "ZADD", w.prefix+set, fmt.Sprintf("%.3f", seconds64(score)), w.job(t, "push", class, now.Add(-time.Minute), map[string]any{
			"error_class": failure, "error_message": message, "failed_at": w.stamp(now.Add(-time.Minute)), "retry_count": 2,
		}))
	}
}

// hourAgo says what the counters were an hour ago.
func (w *world) hourAgo(t *testing.T, processed, failed, retry float64) {
	t.Helper()
	m := recall(w.past)
	m.Marks = []mark{{At: time.Now().Add(-time.Hour), Processed: processed, Failed: failed, Retry: retry}}
	w.remember(t, m)
}

func (w *world) remember(t *testing.T, m memory) {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if w.past.Memory == nil {
		w.past.Memory = map[string][]byte{}
	}
	w.past.Memory[memoryKey] = b
}

// tick is the look of every minute.
func (w *world) tick(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, w.kind, w.c, w.past)
}

// deep is the look of every quarter of an hour.
func (w *world) deep(t *testing.T) checks.Observation {
	t.Helper()
	o, err := w.c.(checks.Thorough).LookThoroughly(t.Context(), w.past)
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, w.kind, o)
	w.past.Record(o, time.Now())
	return o
}

// well asserts that nothing is found and nothing hidden.
func (w *world) well(t *testing.T) checks.Observation {
	t.Helper()
	o := w.deep(t)
	if n := len(open(o)); n+len(o.Blind) > 0 {
		for _, f := range o.Findings {
			t.Logf("%s %q: %s", f.Code, f.Subject, read(f.Text, checks.English))
		}
		t.Fatalf("not well: %d found, blind %+v", n, o.Blind)
	}
	return o
}

// open are the findings that do not merely hold.
func open(o checks.Observation) []checks.Finding {
	return slices.DeleteFunc(slices.Clone(o.Findings), func(f checks.Finding) bool { return f.Holds })
}

// found asserts that a finding is there, and what it says.
func (w *world) found(t *testing.T, o checks.Observation, code, subject string, severity checks.Severity, en, ja string) checks.Finding {
	t.Helper()
	f, ok := checkstest.Find(o, code, subject)
	if !ok || f.Holds || f.Severity != severity {
		for _, f := range o.Findings {
			t.Logf("%s %q %v holds %v: %s", f.Code, f.Subject, f.Severity, f.Holds, read(f.Text, checks.English))
		}
		t.Fatalf("%s %q is not found as %v", code, subject, severity)
	}
	says(t, f.Text, en, ja)
	for _, text := range []string{f.Text.En, f.Text.Ja, f.Advice.Text.En} {
		if strings.Contains(text, "secret") {
			t.Errorf("arguments of a job are told: %q", text)
		}
	}
	t.Logf("\n%s\n%s\n%v %v\n%s\n%s", read(f.Text, checks.English), read(f.Advice.Text, checks.English), f.Advice.Look, f.Advice.Mend, read(f.Text, checks.Japanese), read(f.Advice.Text, checks.Japanese))
	return f
}

func read(text checks.Text, l checks.Lang) string {
	return text.Read(checks.Reader{Lang: l, Now: time.Now()})
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	if got := read(text, checks.English); !strings.Contains(got, en) {
		t.Errorf("%q does not say %q", got, en)
	}
	if got := read(text, checks.Japanese); !strings.Contains(got, ja) {
		t.Errorf("%q does not say %q", got, ja)
	}
}
