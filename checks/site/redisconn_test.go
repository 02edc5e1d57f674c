package site_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// illRedis is something that speaks, more or less, as Redis does. To greetings
// it answers as an old one, or as to all else: begin once, then again and again
// the same until nobody listens, one piece at each beat where there is one.
type illRedis struct {
	begin, again string
	greets       bool
	beat         time.Duration
}

// serve returns where it listens.
func (ill illRedis) serve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer context.AfterFunc(ctx, func() { _ = c.Close() })()
				defer func() { _ = c.Close() }()
				ill.answer(ctx, c)
			})
		}
	})
	t.Cleanup(func() {
		stop()
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

func (ill illRedis) answer(ctx context.Context, c net.Conn) {
	in := bufio.NewReader(c)
	for {
		words, err := command(in)
		if err != nil {
			return
		}
		if ill.greets && strings.EqualFold(words[0], "hello") {
			if _, err := io.WriteString(c, "-ERR unknown command 'HELLO'\r\n"); err != nil {
				return
			}
			continue
		}
		break
	}
	if _, err := io.WriteString(c, ill.begin); err != nil || ill.again == "" {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	if ill.beat == 0 {
		ill.again = strings.Repeat(ill.again, 1+(64<<10)/len(ill.again))
	}
	for {
		if ill.beat > 0 {
			select {
			case <-time.After(ill.beat):
			case <-ctx.Done():
				return
			}
		}
		if _, err := io.WriteString(c, ill.again); err != nil {
			return
		}
	}
}

// command reads one question of a client.
func command(in *bufio.Reader) ([]string, error) {
	line := func() (int, error) {
		text, err := in.ReadString('\n')
		if err != nil || len(text) < 3 {
			return 0, errors.Join(err, io.ErrUnexpectedEOF)
		}
		return strconv.Atoi(text[1 : len(text)-2])
	}
	n, err := line()
	if err != nil {
		return nil, err
	}
	words := make([]string, n)
	for i := range words {
		length, err := line()
		if err != nil {
			return nil, err
		}
		word := make([]byte, length+2)
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, err
		}
		words[i] = string(word[:length])
	}
	return words, nil
}

func TestWhateverARedisSendsIsBounded(t *testing.T) {
	const (
		most    = 120 << 20 // bytes of memory that one look may take in all; the limits allow 32 MB, read and then built up
		soon    = 5 * time.Second
		tooMuch = "far more than was asked for"
	)
	for _, c := range []struct {
		name string
		ill  illRedis
		want string
	}{
		{"a string of four gigabytes", illRedis{begin: "$4294967296\r\n", again: "x"}, tooMuch},
		{"a string whose length is no number", illRedis{begin: "$99999999999999999999999999\r\n", again: "x"}, "is not Redis"},
		{"an error without an end", illRedis{begin: "-ERR ", again: "x"}, tooMuch},
		{"a state without an end", illRedis{begin: "+", again: "OK"}, tooMuch},
		{"a number without an end", illRedis{begin: ":", again: "1"}, tooMuch},
		{"an array of a thousand million", illRedis{begin: "*1000000000\r\n", again: ":1\r\n"}, tooMuch},
		{"arrays inside one another without an end", illRedis{again: "*1\r\n"}, tooMuch},
		{"arrays inside one another, each of which wants room", illRedis{again: "*100000\r\n"}, tooMuch},
		{"large strings without an end", illRedis{begin: "*100000\r\n", again: "$1048576\r\n" + strings.Repeat("x", 1<<20) + "\r\n"}, tooMuch},
		{"attributes of a later protocol without an end", illRedis{again: "|1\r\n"}, "is not Redis"},
		{"a web server", illRedis{begin: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"}, "is not Redis"},
		{"a mail server", illRedis{begin: "220 mail.example ESMTP\r\n"}, "is not Redis"},
		{"a server that wants TLS", illRedis{begin: "\x15\x03\x01\x00\x02\x02\x32"}, "is not Redis"},
		{"noise", illRedis{again: "\x00\xff\r\n"}, "is not Redis"},
		{"nothing", illRedis{}, "does not answer in time"},
		{"a byte now and then", illRedis{begin: "+", again: "x", beat: 20 * time.Millisecond}, "does not answer in time"},
	} {
		for when, greets := range map[string]bool{"at once": false, "after an honest greeting": true} {
			for asked, ask := range map[string]func(context.Context, *goredis.Client) error{
				"anything": func(ctx context.Context, c *goredis.Client) error { return c.Do(ctx, "ANY").Err() },
				"a list":   func(ctx context.Context, c *goredis.Client) error { return c.LRange(ctx, "queue:default", 0, 9).Err() },
				"a hash":   func(ctx context.Context, c *goredis.Client) error { return c.HGetAll(ctx, "work").Err() },
				"a score": func(ctx context.Context, c *goredis.Client) error {
					return c.ZRangeWithScores(ctx, "retry", 0, 9).Err()
				},
				"its state": func(ctx context.Context, c *goredis.Client) error {
					_, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
						p.Ping(ctx)
						p.Info(ctx)
						return nil
					})
					return err
				},
			} {
				if when == "at once" && asked != "anything" {
					continue // none of them is asked
				}
				t.Run(c.name+" "+when+" to "+asked, func(t *testing.T) {
					c.ill.greets = greets
					s, err := site.New(site.Config{Domain: "masto.test", RedisURL: checks.NewSecret("redis://" + c.ill.serve(t) + "/0")})
					if err != nil {
						t.Fatal(err)
					}
					defer s.Close()
					// What is silent takes the time there is; all else ends by itself.
					patience := soon
					if strings.Contains(c.want, "time") {
						patience = 200 * time.Millisecond
					}
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					start := time.Now()
					err = s.Redis().Do(ctx, func(ctx context.Context, c *goredis.Client, _ string) error { return ask(ctx, c) })
					took := time.Since(start)
					runtime.ReadMemStats(&after)
					if took >= soon {
						t.Errorf("it took %v", took)
					}
					if used := after.TotalAlloc - before.TotalAlloc; used > most {
						t.Errorf("it took %d MB", used>>20)
					}
					if err == nil {
						t.Fatal("it was believed")
					}
					if why, _ := checks.Explain(err); !strings.Contains(why.En, c.want) && (asked == "anything" || !strings.Contains(why.En, "could not look")) {
						t.Errorf("got %q, want one with %q", why.En, c.want)
					}
				})
			}
		}
	}
}

func TestASentinelThatIsIllIsBoundedAsWell(t *testing.T) {
	for name, ill := range map[string]illRedis{
		"arrays inside one another without an end": {again: "*1\r\n"},
		"a string of four gigabytes":               {begin: "*2\r\n$4294967296\r\n", again: "x"},
		"a web server":                             {begin: "HTTP/1.1 400 Bad Request\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := site.New(site.Config{Domain: "masto.test", RedisURL: checks.NewSecret("redis-sentinel://" + ill.serve(t) + "/mymaster/0")})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err = s.Redis().Do(ctx, func(ctx context.Context, c *goredis.Client, _ string) error { return c.Ping(ctx).Err() })
			if err == nil || ctx.Err() != nil {
				t.Fatalf("%v, and %v", err, ctx.Err())
			}
			why, _ := checks.Explain(err)
			t.Log(why.En)
		})
	}
}
