package sidekiq

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bounds of what is read (own: a server of a hundred processes has a dozen
// queues).
const (
	queuesMost    = 100
	processesMost = 300
)

// beatOld is how old a sign of life may be: Sidekiq gives it every 10 s (5 s
// before 7.0), and lets it end after 60 s.
const beatOld = 60 * time.Second

// A reading is what lies in Redis at one moment.
type reading struct {
	// used tells that Sidekiq has ever been there.
	used              bool
	processed, failed float64
	retry, dead       int64
	deadHour          int64 // of the last hour
	processes         []process
	queues            []queue
	// expected are the queues that this version has.
	expected []string
	prefix   string
}

// A process is one that has entered itself.
type process struct {
	id       string
	started  time.Time
	version  string // "" before Sidekiq 7.0
	threads  int
	busy     int
	queues   []string
	quiet    bool
	there    bool // its hash exists
	beat     time.Time
	expires  time.Duration // of the hash; -1 where it does not
	expiring bool
}

// alive tells whether it has given a sign of life of late, by our clock or by
// that of Redis.
func (p process) alive(now time.Time) bool {
	if !p.there {
		return false
	}
	return now.Sub(p.beat) <= beatOld || p.expiring && p.expires > 0 && p.expires <= beatOld
}

// A queue is how much waits, and since when the oldest.
type queue struct {
	name   string
	length int64
	oldest time.Time // zero where nothing waits, or it cannot be told
}

func (q queue) age(now time.Time) time.Duration {
	if q.oldest.IsZero() {
		return 0
	}
	return max(now.Sub(q.oldest), 0)
}

// living are the processes that live and take new jobs.
func (r reading) living() []process {
	var out []process
	for _, p := range r.processes {
		if p.there && !p.quiet {
			out = append(out, p)
		}
	}
	return out
}

// servers are the living processes that serve a queue.
func (r reading) servers(queue string) []process {
	var out []process
	for _, p := range r.living() {
		if slices.Contains(p.queues, queue) {
			out = append(out, p)
		}
	}
	return out
}

// first is the first error of a pipeline that is more than an absent key. The
// error of the whole may be that of none: where the connection is refused in
// words, by a sentinel, no command has one.
func first(cmds []redis.Cmder, whole error) error {
	for _, c := range cmds {
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	if errors.Is(whole, redis.Nil) {
		return nil
	}
	return whole
}

// read takes two round trips, whatever the number of queues and processes.
func (c *check) read(ctx context.Context, disk version, now time.Time) (reading, error) {
	var r reading
	err := c.site.SidekiqRedis().Do(ctx, func(ctx context.Context, client *redis.Client, prefix string) error {
		r = reading{prefix: prefix}
		var queues, processes *redis.StringSliceCmd
		var processed, failed *redis.StringCmd
		var retry, dead, deadHour *redis.IntCmd
		cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			queues, processes = p.SMembers(ctx, prefix+"queues"), p.SMembers(ctx, prefix+"processes")
			processed, failed = p.Get(ctx, prefix+"stat:processed"), p.Get(ctx, prefix+"stat:failed")
			retry, dead = p.ZCard(ctx, prefix+"retry"), p.ZCard(ctx, prefix+"dead")
			deadHour = p.ZCount(ctx, prefix+"dead", strconv.FormatInt(now.Add(-time.Hour).Unix(), 10), "+inf")
			return nil
		})
		if err := first(cmds, err); err != nil {
			return err
		}
		r.used = len(queues.Val())+len(processes.Val()) > 0 || processed.Val() != ""
		r.processed, r.failed = count(processed.Val()), count(failed.Val())
		r.retry, r.dead, r.deadHour = retry.Val(), dead.Val(), deadHour.Val()
		return r.more(ctx, client, queues.Val(), processes.Val(), disk, now)
	})
	return r, err
}

// more is the second round trip: every queue and every process.
func (r *reading) more(ctx context.Context, client *redis.Client, queues, processes []string, disk version, now time.Time) error {
	names := slices.Concat(everyQueue, queues)
	slices.Sort(names)
	names = slices.Compact(names)
	names, processes = names[:min(len(names), queuesMost)], processes[:min(len(processes), processesMost)]
	slices.Sort(processes)
	lengths, oldest := make([]*redis.IntCmd, len(names)), make([]*redis.StringCmd, len(names))
	fields, expires := make([]*redis.SliceCmd, len(processes)), make([]*redis.DurationCmd, len(processes))
	cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range names {
			lengths[i], oldest[i] = p.LLen(ctx, r.prefix+"queue:"+name), p.LIndex(ctx, r.prefix+"queue:"+name, -1)
		}
		for i, id := range processes {
			fields[i] = p.HMGet(ctx, r.prefix+id, "info", "beat", "busy", "quiet", "concurrency")
			expires[i] = p.TTL(ctx, r.prefix+id)
		}
		return nil
	})
	if err := first(cmds, err); err != nil {
		return err
	}
	for i, id := range processes {
		p := readProcess(id, fields[i].Val(), expires[i].Val())
		p.there = p.alive(now)
		r.processes = append(r.processes, p)
	}
	r.expected = expected(disk, r.processes)
	for i, name := range names {
		q := queue{name: name, length: lengths[i].Val()}
		if q.length > 0 {
			q.oldest = readJob(oldest[i].Val()).waiting()
		}
		if q.length > 0 || slices.Contains(r.expected, name) {
			r.queues = append(r.queues, q)
		}
	}
	return nil
}

// threadsMost bounds what a process may say of its threads (own).
const threadsMost = 10_000

// readProcess reads the hash of a process: info, beat, busy, quiet,
// concurrency.
func readProcess(id string, fields []any, expires time.Duration) process {
	p := process{id: id, expires: expires, expiring: expires > 0}
	word := func(i int) string {
		if i < len(fields) {
			s, _ := fields[i].(string)
			return s
		}
		return ""
	}
	if word(0) == "" {
		return p
	}
	p.there = true
	p.beat = seconds(word(1))
	p.busy, p.quiet = int(min(count(word(2)), threadsMost)), word(3) == "true"
	var info struct {
		StartedAt   json.RawMessage `json:"started_at"`
		Version     string          `json:"version"`
		Concurrency int             `json:"concurrency"` // moved out in 8.1
		Queues      []string        `json:"queues"`
		Capsules    map[string]struct {
			Concurrency int            `json:"concurrency"`
			Weights     map[string]any `json:"weights"`
		} `json:"capsules"`
	}
	if json.Unmarshal([]byte(word(0)), &info) != nil {
		return p
	}
	p.started, p.version = seconds(string(info.StartedAt)), info.Version
	p.threads = int(min(count(word(4)), threadsMost))
	p.queues = info.Queues
	sum := 0
	for _, c := range info.Capsules {
		sum += min(max(c.Concurrency, 0), threadsMost)
		for q := range c.Weights {
			if !slices.Contains(p.queues, q) {
				p.queues = append(p.queues, q)
			}
		}
	}
	if p.threads == 0 {
		p.threads = min(max(info.Concurrency, sum), threadsMost)
	}
	return p
}

// count is a counter as Redis keeps it; 0 for anything else.
func count(s string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return 0
	}
	return v
}

// seconds is an instant in seconds since 1970, with a fraction.
func seconds(s string) time.Time {
	v := count(s)
	if v <= 0 || v > 1e11 {
		return time.Time{}
	}
	whole, fraction := math.Modf(v)
	return time.Unix(int64(whole), int64(fraction*1e9))
}
