package redis

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Sidekiq is what the Sidekiq of one Mastodon keeps in Redis. Its methods write
// there what Sidekiq itself would, in the shape and the units of its release.
type Sidekiq struct {
	// Version is Mastodon's, "4.6"; Now the time at which all is well.
	Version string
	Now     time.Time
	// Prefix is before every key: "", or "mastodon:".
	Prefix string
	// Milliseconds tells the unit of times in jobs: whole milliseconds from
	// Sidekiq 8 on, seconds with a fraction before. During an update both are
	// there: a test may change it between two jobs.
	Milliseconds bool
	// Identity is the process that serves every queue.
	Identity string

	client *goredis.Client
	jobs   int
}

// Sidekiq writes the keys of a healthy Sidekiq: one process that serves every
// queue, nothing waiting, every job by the clock run when it was due.
func (s *Server) Sidekiq(t testing.TB, version string, now time.Time) *Sidekiq {
	t.Helper()
	return s.SidekiqBelow(t, "", version, now)
}

// SidekiqBelow is Sidekiq below a namespace, which Mastodon knows up to 4.3.
func (s *Server) SidekiqBelow(t testing.TB, namespace, version string, now time.Time) *Sidekiq {
	t.Helper()
	q := &Sidekiq{Version: version, Now: now, Milliseconds: version >= "4.5", client: s.client}
	if namespace != "" {
		q.Prefix = namespace + ":"
	}
	for _, queue := range Queues(version) {
		q.do(t, "SADD", q.key("queues"), queue)
	}
	q.Count(t, 1_000_000, 20_000)
	q.Identity = q.Process(t, Process{})
	for _, schedule := range Schedules(version) {
		form := map[string]any{"class": schedule.Class, "queue": "scheduler"}
		if schedule.Cron != "" {
			form["cron"] = schedule.Cron
		} else {
			form["every"] = fmt.Sprintf("%dm", schedule.Every/time.Minute)
		}
		q.do(t, "HSET", q.key("schedules"), schedule.Name, text(t, form))
		last := lastRun(schedule, now)
		for at := last; at.After(now.Add(-24 * time.Hour)); at = at.Add(-schedule.Every) {
			q.do(t, "ZADD", q.key("sidekiq-scheduler:pushed:"+schedule.Name), at.Unix(), at.Unix())
		}
		q.Ran(t, schedule.Name, last)
	}
	return q
}

// lastRun is when a job was due last; those without a time of the day count
// from the start of the process.
func lastRun(s Schedule, now time.Time) time.Time {
	now = now.UTC()
	var minute, hour int
	if n, _ := fmt.Sscanf(s.Cron, "%d %d", &minute, &hour); n == 2 {
		at := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, time.UTC)
		if at.After(now) {
			at = at.AddDate(0, 0, -1)
		}
		return at
	}
	return now.Truncate(s.Every)
}

// Count sets the counters of jobs, of all time; a thousandth of them are
// today's.
func (q *Sidekiq) Count(t testing.TB, processed, failed int64) {
	t.Helper()
	today := q.Now.UTC().Format(time.DateOnly)
	q.do(t, "SET", q.key("stat:processed"), processed)
	q.do(t, "SET", q.key("stat:failed"), failed)
	q.do(t, "SET", q.key("stat:processed:"+today), processed/1000)
	q.do(t, "SET", q.key("stat:failed:"+today), failed/1000)
}

// Ran writes that a job by the clock ran last at an instant.
func (q *Sidekiq) Ran(t testing.TB, schedule string, at time.Time) {
	t.Helper()
	for _, s := range Schedules(q.Version) {
		if s.Name == schedule {
			q.do(t, "HSET", q.key("sidekiq-scheduler:last_times"), schedule, rubyTime(at))
			q.do(t, "HSET", q.key("sidekiq-scheduler:next_times"), schedule, rubyTime(at.Add(s.Every)))
			q.do(t, "ZADD", q.key("sidekiq-scheduler:pushed:"+schedule), at.Unix(), at.Unix())
			q.do(t, "ZREMRANGEBYSCORE", q.key("sidekiq-scheduler:pushed:"+schedule), fmt.Sprintf("(%d", at.Unix()), "+inf")
			q.do(t, "EXPIRE", q.key("sidekiq-scheduler:pushed:"+schedule), 86400)
			return
		}
	}
	t.Fatalf("Mastodon %s has no %s", q.Version, schedule)
}

// Never takes away that a job by the clock ever ran.
func (q *Sidekiq) Never(t testing.TB, schedule string) {
	t.Helper()
	q.do(t, "HDEL", q.key("sidekiq-scheduler:last_times"), schedule)
	q.do(t, "DEL", q.key("sidekiq-scheduler:pushed:"+schedule))
}

// rubyTime is an instant as Ruby writes it.
func rubyTime(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 -0700") }

// Push puts a job into a queue, as the newest: push the oldest first.
func (q *Sidekiq) Push(t testing.TB, queue, class string, enqueued time.Time, args ...any) {
	t.Helper()
	job := q.job(queue, class, enqueued, args)
	job["enqueued_at"] = q.moment(enqueued)
	q.do(t, "SADD", q.key("queues"), queue)
	q.do(t, "LPUSH", q.key("queue:"+queue), text(t, job))
}

// Plan puts a job into the set of those that run later.
func (q *Sidekiq) Plan(t testing.TB, queue, class string, at time.Time, args ...any) {
	t.Helper()
	q.do(t, "ZADD", q.key("schedule"), seconds(at), text(t, q.job(queue, class, q.Now, args)))
}

// A Failure is a job that has failed.
type Failure struct {
	// Queue and Class are "push" and "ActivityPub::DeliveryWorker" unless set.
	Queue, Class string
	// Error is the class of the error, Message its words.
	Error, Message string
	// Created, Failed and Retried are when it was made, failed first and failed
	// last; an hour before Now unless set.
	Created, Failed, Retried time.Time
	// Count is how often it was tried again.
	Count int
	Args  []any
}

// Retry puts a failed job into the set of those that are tried again.
func (q *Sidekiq) Retry(t testing.TB, f Failure, next time.Time) {
	t.Helper()
	q.do(t, "ZADD", q.key("retry"), seconds(next), text(t, q.failed(f)))
}

// Bury puts a failed job into the set of the dead.
func (q *Sidekiq) Bury(t testing.TB, f Failure, died time.Time) {
	t.Helper()
	q.do(t, "ZADD", q.key("dead"), seconds(died), text(t, q.failed(f)))
}

func (q *Sidekiq) failed(f Failure) map[string]any {
	or := func(at time.Time) time.Time {
		if at.IsZero() {
			return q.Now.Add(-time.Hour)
		}
		return at
	}
	if f.Class == "" {
		f.Class = "ActivityPub::DeliveryWorker"
	}
	if f.Queue == "" {
		f.Queue = "push"
	}
	job := q.job(f.Queue, f.Class, or(f.Created), f.Args)
	job["enqueued_at"] = q.moment(or(f.Retried))
	job["error_class"], job["error_message"] = f.Error, f.Message
	job["failed_at"], job["retry_count"] = q.moment(or(f.Failed)), f.Count
	if f.Count > 0 {
		job["retried_at"] = q.moment(or(f.Retried))
	}
	return job
}

func (q *Sidekiq) job(queue, class string, created time.Time, args []any) map[string]any {
	if args == nil {
		args = []any{}
	}
	q.jobs++
	return map[string]any{
		"retry": true, "queue": queue, "class": class, "args": args,
		"jid": fmt.Sprintf("%024x", q.jobs), "created_at": q.moment(created),
	}
}

// moment is an instant as this Sidekiq writes it into jobs.
func (q *Sidekiq) moment(at time.Time) any {
	if q.Milliseconds {
		return at.UnixMilli()
	}
	return seconds(at)
}

// seconds is an instant in seconds, always with a point.
func seconds(at time.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000))
}

func (q *Sidekiq) key(name string) string { return q.Prefix + name }

func (q *Sidekiq) do(t testing.TB, words ...any) {
	t.Helper()
	for i, w := range words {
		if n, ok := w.(json.Number); ok {
			words[i] = n.String()
		}
	}
	if err := q.client.Do(t.Context(), words...).Err(); err != nil {
		t.Fatalf("redis: %v: %v", words, err)
	}
}

func text(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func nonce() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}
