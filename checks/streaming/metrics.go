package streaming

import (
	"bufio"
	"bytes"
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks/api"
)

// numbers are what a streaming process tells on /metrics (Mastodon 4.1 and
// later; never under the public name). What it does not tell is nil.
type numbers struct {
	clients, heard, lag *float64
}

// askNumbers reads them; a process that has none is well all the same.
func askNumbers(ctx context.Context, client *api.Client) numbers {
	a, err := client.Probe(ctx, "/metrics", nil)
	if err != nil || a.Code != 200 {
		return numbers{}
	}
	return readNumbers(a.Body)
}

// namePrefix is before each name where somebody's collector has added it; the
// manual writes it, the source of Mastodon 4.6 does not.
const namePrefix = "mastodon_streaming_"

// readNumbers reads the text form of Prometheus: name{labels} value.
func readNumbers(text []byte) numbers {
	var n numbers
	var lag, lag99 *float64
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, value, ok := sampleIn(lines.Text())
		if !ok {
			continue
		}
		switch strings.TrimPrefix(name, namePrefix) {
		case "connected_clients":
			add(&n.clients, value)
		case "redis_messages_received_total":
			add(&n.heard, value)
		case "nodejs_eventloop_lag_p99_seconds":
			lag99 = &value
		case "nodejs_eventloop_lag_seconds":
			lag = &value
		}
	}
	if n.lag = lag99; lag99 == nil {
		n.lag = lag
	}
	return n
}

func add(to **float64, value float64) {
	if *to == nil {
		*to = new(float64)
	}
	**to += value
}

// sampleIn takes one line apart.
func sampleIn(line string) (name string, value float64, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", 0, false
	}
	end := strings.IndexAny(line, "{ ")
	if end <= 0 {
		return "", 0, false
	}
	name, rest := line[:end], line[end:]
	if rest[0] == '{' {
		closing := strings.LastIndexByte(rest, '}')
		if closing < 0 {
			return "", 0, false
		}
		rest = rest[closing+1:]
	}
	words := strings.Fields(rest) // the value, perhaps a time
	if len(words) == 0 {
		return "", 0, false
	}
	v, err := strconv.ParseFloat(words[0], 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return "", 0, false
	}
	return name, v, true
}

// heard is how much all the processes on this machine had heard from Redis;
// false where one of them does not tell.
func heard(all []process) (float64, bool) {
	sum := 0.0
	for _, p := range all {
		if p.numbers.heard == nil {
			return 0, false
		}
		sum += *p.numbers.heard
	}
	return sum, len(all) > 0
}

// heardSince is how much they heard since then; nil where that is not told.
func (c *check) heardSince(ctx context.Context, all []process, before float64) *float64 {
	now := make([]process, len(all))
	for i, p := range all {
		now[i] = c.askPort(ctx, p.port)
	}
	after, told := heard(now)
	if !told || after < before { // restarted
		return nil
	}
	grown := after - before
	return &grown
}
