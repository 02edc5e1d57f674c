package latency

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// A sample is how long one answer took.
type sample struct {
	at   time.Time
	took time.Duration
	app  time.Duration // of it in the application; 0 where it does not say

	// direct is how long the API took past the proxy, and queue how long of that
	// the question waited for puma; connect is how long the making of the
	// connection through the proxy took. 0 where they are not known.
	direct, queue, connect time.Duration
}

// A sample is remembered as seconds since 1970 and the times in ms; older ones
// have the first three numbers only.
func (s sample) MarshalJSON() ([]byte, error) {
	return json.Marshal([6]int64{
		s.at.Unix(), s.took.Milliseconds(), s.app.Milliseconds(),
		s.direct.Milliseconds(), s.queue.Milliseconds(), s.connect.Milliseconds(),
	})
}

func (s *sample) UnmarshalJSON(b []byte) error {
	var v [6]int64
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	*s = sample{at: time.Unix(v[0], 0), took: ms(v[1]), app: ms(v[2]), direct: ms(v[3]), queue: ms(v[4]), connect: ms(v[5])}
	return nil
}

// A memory is what one look leaves to the next.
type memory struct {
	Samples map[string][]sample `json:"samples"`
	// Open tells which sides were found slow, and not quick since.
	Open map[string]bool `json:"open"`
	// Hours are which minutes of the last hours were slow, and Hourly tells on
	// which sides that was found to come back.
	Hours  map[string][]hour `json:"hours"`
	Hourly map[string]bool   `json:"hourly"`
	// Puma tells that it answers past the proxy.
	Puma bool `json:"puma"`
	// Turn counts the looks, for the queries that pass caches.
	Turn int `json:"turn"`
	// apart keeps the queries of a look without memory from those of the one
	// before it, whose answers may still lie in a cache.
	apart int
	// Closed: the public timeline needs a sign-in, or is not there.
	Closed bool `json:"closed"`
}

const (
	memoryKey = "samples"
	// kept is how long samples are remembered: three windows.
	kept = 3 * window
	// most is how many are remembered of each side at most (own).
	most = 90
)

// remembered is what the last look has left, and whether there was one; what
// cannot be read is as if nothing had been.
func remembered(past checks.Past) (m memory, watched bool) {
	b, watched := past.Load(memoryKey)
	if watched {
		if json.Unmarshal(b, &m) != nil {
			m = memory{}
		}
	}
	if m.Samples == nil {
		m.Samples = map[string][]sample{}
	}
	if m.Open == nil {
		m.Open = map[string]bool{}
	}
	if m.Hours == nil {
		m.Hours = map[string][]hour{}
	}
	if m.Hourly == nil {
		m.Hourly = map[string]bool{}
	}
	other := func(side string) bool { return side != apiSide && side != page }
	maps.DeleteFunc(m.Samples, func(side string, _ []sample) bool { return other(side) })
	maps.DeleteFunc(m.Open, func(side string, _ bool) bool { return other(side) })
	maps.DeleteFunc(m.Hourly, func(side string, _ bool) bool { return other(side) })
	maps.DeleteFunc(m.Hours, func(side string, _ []hour) bool { return other(side) })
	m.Turn = max(m.Turn, 0) % turns
	return m, watched
}

// add remembers one more sample, and forgets those that are too old, or from
// a clock that went ahead.
func (m *memory) add(side string, now time.Time, s sample) {
	s.at = now
	all := slices.DeleteFunc(append(m.Samples[side], s), func(s sample) bool {
		return now.Sub(s.at) >= kept || s.at.After(now)
	})
	if len(all) > most {
		all = all[len(all)-most:]
	}
	m.Samples[side] = all
}

// turns is how many queries take turns. With one a minute each comes again
// after longer than Mastodon lets anything be cached (15 s, 300 s for the
// instance), so that the answer is always the application's; and a cache in
// front of it keeps no more than these, where random queries would fill it.
const turns = 16

// apartFor is for how long no query of looks without memory comes again (own:
// longer than anything above).
const apartFor = time.Hour

// The ways to ask. The timeline is made by the database; where it is closed,
// the instance still passes the web process.
const (
	timelinePath = "/api/v1/timelines/public"
	instancePath = "/api/v2/instance"
	pagePath     = "/about"
)

func query(turn int, more url.Values) url.Values {
	q := url.Values{"sababan": {strconv.Itoa(turn)}}
	for k, v := range more {
		q[k] = v
	}
	return q
}

// A round is what one question to each side gave.
type round struct {
	samples map[string]sample
	limited bool // the server says that we ask too often
	hung    bool // neither side answers, though both took the question
	err     error
}

// ask asks both sides at once, and puma past the proxy where its address is
// known. A time-out counts as its length where the other side answers; where
// nobody does there is no sample at all.
func (c *check) ask(ctx context.Context, m *memory, puma string) round {
	turn := m.apart + m.Turn
	m.Turn = (m.Turn + 1) % turns
	var forAPI, forPage reading
	var both sync.WaitGroup
	var direct reading
	if puma != "" {
		path, q := timelinePath, query(turn, url.Values{"limit": {"1"}})
		if m.Closed {
			path, q = instancePath, query(turn, nil)
		}
		both.Go(func() { direct = c.straight(ctx, puma, path, q) })
	}
	both.Go(func() { forPage = c.read(c.page.Probe(ctx, pagePath, query(turn, nil))) })
	both.Go(func() {
		if !m.Closed {
			forAPI = c.read(c.api.Probe(ctx, timelinePath, query(turn, url.Values{"limit": {"1"}})))
			m.Closed = forAPI.closed
		}
		if m.Closed {
			forAPI = c.read(c.api.Probe(ctx, instancePath, query(turn, nil)))
			// To be refused takes the application as long as to answer.
			forAPI.answered = forAPI.answered || forAPI.closed
		}
	})
	both.Wait()
	m.Puma = puma != "" && (m.Puma || direct.answered)
	// What hangs is puma, if it was puma before.
	there := direct.answered || direct.timeout && m.Puma
	r := round{
		samples: map[string]sample{}, limited: forAPI.limited || forPage.limited, hung: forAPI.timeout && forPage.timeout,
		err: errors.Join(forAPI.err, forPage.err),
	}
	answered := forAPI.answered || forPage.answered
	for side, one := range map[string]reading{apiSide: forAPI, page: forPage} {
		if one.answered || one.timeout && answered {
			if there {
				// At least a millisecond, for 0 means that it is not known.
				one.direct = max(direct.took, time.Millisecond)
				one.queue = max(direct.took-direct.app, time.Millisecond)
			}
			r.samples[side] = one.sample
		}
	}
	return r
}

// A reading is what one answer tells.
type reading struct {
	sample
	answered bool // by the application
	timeout  bool
	closed   bool // for those who are signed in, or not there
	limited  bool
	err      error
}

// read makes a reading of an answer. What a cache, a guard or a proxy answers
// in the application's place says nothing of its speed, nor does an error.
func (c *check) read(a api.Answer, err error) reading {
	r := reading{err: err}
	var limited *api.RateLimitError
	var transport *api.TransportError
	switch {
	case errors.As(err, &limited):
		r.limited = true
		return r
	case errors.As(err, &transport) && transport.Timeout() && transport.Wrote:
		r.timeout, r.took = true, c.timeout
		return r
	case err != nil:
		return r
	}
	var other *api.NotJSONError
	guarded := errors.As(a.Decode(nil), &other) && other.Challenge
	r.took = min(max(a.Total-a.Connect, 0), c.timeout)
	r.connect = a.Connect
	if app, ok := a.Runtime(); ok {
		r.app = min(app, r.took)
	}
	switch cached := strings.ToUpper(a.Header.Get("X-Cached")); {
	case guarded, cached == "STALE", cached == "HIT", cached == "UPDATING":
	case a.Code == http.StatusUnauthorized, a.Code == http.StatusForbidden, a.Code == http.StatusNotFound, a.Code == http.StatusUnprocessableEntity:
		r.closed = true
	default:
		r.answered = a.Code < http.StatusBadRequest
	}
	return r
}

// median is the middle one by its time.
func median(row []sample) sample {
	sorted := slices.SortedFunc(slices.Values(row), func(a, b sample) int { return cmp.Compare(a.took, b.took) })
	return sorted[(len(sorted)-1)/2]
}

// quantile is the time that a share of the samples stays within, by nearest
// rank.
func quantile(row []sample, share float64) time.Duration {
	took := make([]time.Duration, 0, len(row))
	for _, s := range row {
		took = append(took, s.took)
	}
	slices.Sort(took)
	return took[min(max(int(math.Ceil(share*float64(len(took))))-1, 0), len(took)-1)]
}
