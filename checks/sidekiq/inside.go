package sidekiq

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bounds of what is looked into (own; a job is 1 to 20 kB).
const (
	sampleMost  = 200      // jobs of a set
	samplePiece = 20       // that lie side by side
	sampleBytes = 2 << 20  // of all of them
	jobBytes    = 64 << 10 // of one that is read at all
	runsMost    = 1000     // running jobs
)

// inside is what a look into the depth sees.
type inside struct {
	retries, dead sample
	running       []run
	schedules     schedules
}

// A run is a job that is being worked on.
type run struct {
	class, queue, process string
	began                 time.Time
}

// A sample is some of the jobs of a set.
type sample []job

// fresh are those that failed within the last hour.
func (s sample) fresh(now time.Time) sample {
	var out sample
	for _, j := range s {
		if now.Sub(j.failed) <= time.Hour {
			out = append(out, j)
		}
	}
	return out
}

// A group is how many of a sample have something in common.
type group struct {
	name string
	n    int
}

// by counts a sample by a property, the most frequent first.
func (s sample) by(what func(job) string) []group {
	n := map[string]int{}
	for _, j := range s {
		n[what(j)]++
	}
	var out []group
	for name, k := range n {
		out = append(out, group{name, k})
	}
	slices.SortFunc(out, func(a, b group) int { return cmp.Or(b.n-a.n, cmp.Compare(a.name, b.name)) })
	return out
}

// only are those with a property.
func (s sample) only(want func(job) bool) sample {
	var out sample
	for _, j := range s {
		if want(j) {
			out = append(out, j)
		}
	}
	return out
}

// inside reads samples of what failed, what runs, and the schedule.
func (c *check) inside(ctx context.Context, r reading) (inside, error) {
	var in inside
	err := c.site.SidekiqRedis().Do(ctx, func(ctx context.Context, client *redis.Client, prefix string) (err error) {
		in = inside{}
		if in.retries, err = draw(ctx, client, prefix+"retry", r.retry); err != nil {
			return err
		}
		// The newest dead are at the end.
		last := min(r.dead, sampleMost)
		if in.dead, err = drawFrom(ctx, client, prefix+"dead", pieces(r.dead-last, last)); err != nil {
			return err
		}
		if in.running, err = runs(ctx, client, prefix, r.processes); err != nil {
			return err
		}
		in.schedules, err = readSchedules(ctx, client, prefix)
		return err
	})
	return in, err
}

// draw takes pieces from all over a sorted set: jobs that failed at the same
// time lie side by side.
func draw(ctx context.Context, client *redis.Client, key string, size int64) (sample, error) {
	if size <= sampleMost {
		return drawFrom(ctx, client, key, pieces(0, size))
	}
	var at []int64
	const n = sampleMost / samplePiece
	for i := range int64(n) {
		at = append(at, i*(size-samplePiece)/(n-1))
	}
	return drawFrom(ctx, client, key, at)
}

// pieces are the beginnings of pieces that follow one another.
func pieces(from, n int64) []int64 {
	var at []int64
	for i := from; i < from+n; i += samplePiece {
		at = append(at, i)
	}
	return at
}

func drawFrom(ctx context.Context, client *redis.Client, key string, at []int64) (sample, error) {
	var s sample
	total := 0
	// A few pieces at a time, until it is enough.
	for piece := range slices.Chunk(at, 2) {
		var got []*redis.StringSliceCmd
		cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, from := range piece {
				got = append(got, p.ZRange(ctx, key, from, from+samplePiece-1))
			}
			return nil
		})
		if err := first(cmds, err); err != nil {
			return nil, err
		}
		for _, g := range got {
			for _, text := range g.Val() {
				if total += len(text); len(text) <= jobBytes {
					s = append(s, readJob(text))
				}
			}
		}
		if total > sampleBytes {
			break
		}
	}
	return s, nil
}

// runs are the jobs that living processes work on. The key is "work" from
// Sidekiq 6.5, "workers" before.
func runs(ctx context.Context, client *redis.Client, prefix string, processes []process) ([]run, error) {
	type asked struct {
		process string
		fields  *redis.MapStringStringCmd
	}
	var all []asked
	cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, one := range processes {
			if !one.there || one.busy == 0 || len(all) >= 2*processesMost {
				continue
			}
			for _, key := range []string{":work", ":workers"} {
				all = append(all, asked{one.id, p.HGetAll(ctx, prefix+one.id+key)})
			}
		}
		return nil
	})
	if err := first(cmds, err); err != nil {
		return nil, err
	}
	var out []run
	for _, a := range all {
		for _, text := range a.fields.Val() {
			if x := readRun(text); x.class != "" && len(out) < runsMost {
				x.process = a.process
				out = append(out, x)
			}
		}
	}
	return out, nil
}

// readRun reads one entry: the job is a text in it from Sidekiq 7, else a part
// of it.
func readRun(text string) run {
	var w struct {
		Queue   string          `json:"queue"`
		Payload json.RawMessage `json:"payload"`
		RunAt   json.RawMessage `json:"run_at"`
	}
	if len(text) > 4*jobBytes || json.Unmarshal([]byte(text), &w) != nil {
		return run{}
	}
	payload := string(w.Payload)
	var inner string
	if json.Unmarshal(w.Payload, &inner) == nil {
		payload = inner
	}
	return run{class: readJob(payload).class, queue: w.Queue, began: stamp(w.RunAt)}
}
