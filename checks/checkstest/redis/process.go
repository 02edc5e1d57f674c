package redis

import (
	"fmt"
	"testing"
	"time"
)

// A Process is one process of Sidekiq; what is not set is as usual.
type Process struct {
	// Queues are those that it serves: all of the version's.
	Queues []string
	// Started is when it started, three hours ago; Beat when it was heard last,
	// now.
	Started, Beat time.Time
	// Quiet: it takes no new jobs.
	Quiet bool
	// Concurrency is its number of threads, 25; Busy how many work.
	Concurrency, Busy int
	// Host and PID are the machine's name and the process's number.
	Host string
	PID  int
	// Tag is the name of the folder that it was started in: "live".
	Tag string
	// RSS is its memory in KiB: 512 MiB.
	RSS int64
}

// lifetime is how long the fixture's processes stay without another beat; real
// ones stay for 60 s, which a slow test may need to itself.
const lifetime = time.Hour

// Process writes a process that runs and returns its identity.
func (q *Sidekiq) Process(t testing.TB, p Process) string {
	t.Helper()
	p = q.usual(p)
	identity := fmt.Sprintf("%s:%d:%s", p.Host, p.PID, nonce())
	info := map[string]any{
		"hostname": p.Host, "started_at": seconds(p.Started), "pid": p.PID, "tag": p.Tag,
		"queues": p.Queues, "labels": []string{}, "identity": identity,
	}
	weights := map[string]int{}
	for _, queue := range p.Queues {
		weights[queue] = weight(queue)
	}
	if q.Version < "4.6" {
		info["concurrency"] = p.Concurrency
	}
	if q.Version >= "4.4" { // Sidekiq 7
		info["version"], info["embedded"] = release(q.Version), false
		info["weights"] = []map[string]int{weights}
	}
	if q.Version >= "4.5" { // Sidekiq 8.0.9
		info["capsules"] = map[string]any{"default": map[string]any{"concurrency": p.Concurrency, "mode": "weighted", "weights": weights}}
	}
	words := []any{
		"HSET", q.key(identity), "info", text(t, info), "busy", p.Busy, "beat", seconds(p.Beat),
		"quiet", fmt.Sprint(p.Quiet), "rss", p.RSS, "rtt_us", 140,
	}
	if q.Version >= "4.6" { // Sidekiq 8.1
		words = append(words, "concurrency", p.Concurrency)
	}
	q.do(t, "SADD", q.key("processes"), identity)
	q.do(t, words...)
	q.do(t, "EXPIRE", q.key(identity), int(lifetime/time.Second))
	return identity
}

func (q *Sidekiq) usual(p Process) Process {
	if p.Queues == nil {
		p.Queues = Queues(q.Version)
	}
	if p.Started.IsZero() {
		p.Started = q.Now.Add(-3 * time.Hour)
	}
	if p.Beat.IsZero() {
		p.Beat = q.Now
	}
	if p.Concurrency == 0 {
		p.Concurrency = 25
	}
	if p.Host == "" {
		p.Host = "web1"
	}
	if p.PID == 0 {
		p.PID = 1234
	}
	if p.Tag == "" {
		p.Tag = "live"
	}
	if p.RSS == 0 {
		p.RSS = 512 << 10
	}
	return p
}

// Beat writes that a process was heard at an instant.
func (q *Sidekiq) Beat(t testing.TB, identity string, at time.Time) {
	t.Helper()
	q.do(t, "HSET", q.key(identity), "beat", seconds(at))
}

// Quiet writes whether a process takes new jobs.
func (q *Sidekiq) Quiet(t testing.TB, identity string, quiet bool) {
	t.Helper()
	q.do(t, "HSET", q.key(identity), "quiet", fmt.Sprint(quiet))
}

// Kill leaves what is there a minute after a process was killed: its name
// among the processes, and nothing behind it.
func (q *Sidekiq) Kill(t testing.TB, identity string) {
	t.Helper()
	q.do(t, "DEL", q.key(identity), q.key(identity+":work"))
}

// End leaves what is there after a process has ended well: nothing of it.
func (q *Sidekiq) End(t testing.TB, identity string) {
	t.Helper()
	q.Kill(t, identity)
	q.do(t, "SREM", q.key("processes"), identity)
}

// Work writes that a thread of a process works on a job since an instant.
func (q *Sidekiq) Work(t testing.TB, identity, queue, class string, since time.Time, args ...any) {
	t.Helper()
	job := q.job(queue, class, since, args)
	job["enqueued_at"] = q.moment(since)
	work := map[string]any{"queue": queue, "run_at": since.Unix(), "payload": text(t, job)}
	q.do(t, "HSET", q.key(identity+":work"), fmt.Sprintf("t%d", q.jobs), text(t, work))
	q.do(t, "HINCRBY", q.key(identity), "busy", 1)
}
