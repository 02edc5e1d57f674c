package redis

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks/site"
)

// infoLimit is how much of INFO is read, in bytes (own: Redis 7.0 says 6 kB).
const infoLimit = 64 << 10

// A reading is what one server said of itself.
type reading struct {
	subject string
	// jobs tells that it holds Sidekiq's jobs.
	jobs  bool
	place string
	// local tells that it is on this machine.
	local bool
	took  time.Duration
	// refusal is what it says in place of PONG while it refuses writes: "MISCONF
	// Errors writing to the AOF file: No space left on device".
	refusal string
	run     string // another at each start
	info    map[string]string
}

// ask asks one server. The two questions go in one round trip; PING is refused
// with MISCONF while writes are, so that nothing need be written to know it.
func (c *check) ask(ctx context.Context, r *site.Redis) seen {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s := seen{}
	s.place = r.Place(ctx)
	s.local = here(s.place)
	s.err = r.Do(ctx, func(ctx context.Context, client *redis.Client, _ string) error {
		var pong *redis.StatusCmd
		var info *redis.StringCmd
		start := time.Now()
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			pong, info = p.Ping(ctx), p.Info(ctx)
			return nil
		})
		s.took = time.Since(start)
		var said redis.Error
		if pong.Err() != nil && errors.As(pong.Err(), &said) && info.Err() == nil {
			// The whole error is that of the first command.
			err = nil
			switch word, _, _ := strings.Cut(said.Error(), " "); word {
			case "MISCONF":
				s.refusal = said.Error()
			case "LOADING":
				// INFO says so, too, and how far it is.
			default:
				return pong.Err()
			}
		}
		if err != nil {
			return err
		}
		s.info = parse(info.Val())
		s.run = s.info["run_id"]
		return nil
	})
	return s
}

// here tells whether an address is of this machine.
func here(place string) bool {
	if strings.HasPrefix(place, "/") {
		return true
	}
	host, _, err := net.SplitHostPort(place)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// parse reads the lines of INFO.
func parse(text string) map[string]string {
	if len(text) > infoLimit {
		text = text[:infoLimit]
	}
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok && !strings.HasPrefix(name, "#") {
			m[name] = value
		}
	}
	return m
}

// number is a number of INFO; false where it is absent.
func (r reading) number(name string) (float64, bool) {
	v, err := strconv.ParseFloat(r.info[name], 64)
	return v, err == nil && v == v
}

// count is number, 0 where it is absent.
func (r reading) count(name string) float64 {
	v, _ := r.number(name)
	return v
}

// instant is a time of INFO, in seconds since 1970; zero where it is absent.
func (r reading) instant(name string) time.Time {
	if v, ok := r.number(name); ok && v > 0 && v < 1e11 { // until the year 5138
		return time.Unix(int64(v), 0)
	}
	return time.Time{}
}

// refusedFull is how many writes were refused for want of memory, which Redis
// counts since 6.2: "errorstat_OOM:count=3".
func (r reading) refusedFull() float64 {
	n, _ := strings.CutPrefix(r.info["errorstat_OOM"], "count=")
	v, err := strconv.ParseFloat(n, 64)
	if err != nil {
		return 0
	}
	return v
}

func (r reading) counters(now time.Time) counters {
	return counters{Run: r.run, At: now, Evicted: r.count("evicted_keys"), Full: r.refusedFull()}
}

// grown is by how much a counter has grown since the last look at the same run
// of the server.
func grown(r reading, before counters, was, is float64) float64 {
	if before.Run == "" || before.Run != r.run || is < was {
		return 0
	}
	return is - was
}

// loading tells that it still reads its data and serves nobody.
func (r reading) loading() bool { return r.info["loading"] == "1" }
