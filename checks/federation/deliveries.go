package federation

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks"
)

const (
	// failuresKey is before the name of each inbox's host to which a delivery
	// failed and none has succeeded since; the set holds days as YYYYMMDD, UTC.
	failuresKey = "exhausted_deliveries:"

	// Redis is asked in slices, so that it serves others between them; what a
	// look does not come to is for the next one (own).
	scanSlice  = 1000
	scanSlices = 500
	scanTime   = 3 * time.Second

	// failingKept bounds the followed hosts that are remembered (own).
	failingKept = 500

	usHosts = 20   // failing at all; defaults
	usShare = 0.30 // of them newly; defaults
	// usTimes is how many times the usual number of new ones it must be, and
	// usAlone the number where none is known to be usual (own).
	usTimes = 3
	usAlone = 20
	// usOpen and usResolve are looks (defaults).
	usOpen, usResolve = 2, 2
)

// failing is one host that people here follow and to which deliveries fail.
type failing struct {
	Domain string `json:"d"`
	// Days is how many of the last seven days have a failure.
	Days int `json:"n"`
	// Lately: today or yesterday, UTC.
	Lately bool `json:"t,omitempty"`
}

// tally counts the hosts to which deliveries fail.
type tally struct {
	All int `json:"all"`
	// New are those whose first failure is of today or yesterday, UTC: only days
	// are known, and the last 24 hours lie in these two.
	New int `json:"new"`
	// Still are those that were new when that was found, and fail yet.
	Still int `json:"still,omitempty"`
	// Some are a few of both, to be named.
	Some []string `json:"some,omitempty"`
	// Failing are those that people here follow.
	Failing []failing `json:"failing,omitempty"`
}

// themMemory is what a look tells the next.
type themMemory struct {
	At     time.Time `json:"at"`
	Tally  tally     `json:"tally"`
	Streak streak    `json:"streak"`
	// Since is when so many were new; zero while they are not.
	Since time.Time `json:"since,omitzero"`
	held
	// Cursor, Part and Begun are of a walk that is not over.
	Cursor uint64    `json:"cursor,omitempty"`
	Part   *tally    `json:"part,omitempty"`
	Begun  time.Time `json:"begun,omitzero"`
}

// dayOf is the day of an instant as Mastodon writes it.
func dayOf(t time.Time) string { return t.UTC().Format("20060102") }

// dayBefore is the day before it.
func dayBefore(t time.Time) string { return dayOf(t.UTC().AddDate(0, 0, -1)) }

// days are what one set says: on how many days a delivery failed within the last
// seven, which touch eight dates as today is not over, and the first and the last
// of all; "" where there is none.
func days(members []string, now time.Time) (n int, first, last string) {
	seen := map[string]bool{}
	for _, m := range members {
		m = m[:min(len(m), 8)]
		if _, err := time.Parse("20060102", m); err != nil || seen[m] {
			continue
		}
		seen[m] = true
		if first == "" || m < first {
			first = m
		}
		last = max(last, m)
	}
	for i := range 8 {
		if seen[dayOf(now.UTC().AddDate(0, 0, -i))] {
			n++
		}
	}
	return min(n, 7), first, last
}

// newAt tells whether a first day is that of an instant or the one before it.
func newAt(first string, at time.Time) bool {
	return first >= dayBefore(at) && first <= dayOf(at)
}

// add counts one host; since is when so many were new that it was found.
func (t *tally) add(host string, members []string, w weights, now, since time.Time) {
	if len(members) == 0 {
		return
	}
	n, first, last := days(members, now)
	t.All++
	lately := last >= dayBefore(now)
	fresh, still := newAt(first, now), lately && !since.IsZero() && newAt(first, since)
	if fresh {
		t.New++
	}
	if still {
		t.Still++
	}
	if (fresh || still) && len(t.Some) < 3 && hostName(host) {
		t.Some = append(t.Some, host)
	}
	if domain, ok := w.domainOf(host); ok && n > 0 {
		t.Failing = append(t.Failing, failing{Domain: domain, Days: n, Lately: lately})
	}
}

// many is how many fail that did not before.
func (t tally) many() int { return max(t.New, t.Still) }

// trim keeps those that most people follow.
func (t *tally) trim(w weights) {
	slices.SortFunc(t.Failing, func(a, b failing) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(b.Days, a.Days))
	})
	t.Failing = slices.CompactFunc(t.Failing, func(a, b failing) bool { return a.Domain == b.Domain })
	slices.SortStableFunc(t.Failing, func(a, b failing) int {
		return cmp.Compare(w.follows(b.Domain), w.follows(a.Domain))
	})
	t.Failing = t.Failing[:min(len(t.Failing), failingKept)]
}

// walkLife is for how long the parts of one walk belong together (own).
const walkLife = time.Hour

// walk goes on through Redis' keys from a cursor, for so many slices at most; the
// answer is 0 when all have been seen.
func walk(ctx context.Context, c *redis.Client, prefix string, from uint64, t *tally, w weights, now, since time.Time, most int) (uint64, error) {
	began := time.Now()
	seen := map[string]bool{} // Redis may give a key twice
	cursor := from
	for range most {
		keys, next, err := c.Scan(ctx, cursor, globPlain(prefix)+failuresKey+"*", scanSlice).Result()
		if err != nil {
			return from, err
		}
		keys = slices.DeleteFunc(keys, func(k string) bool { return seen[k] })
		if err := members(ctx, c, prefix, keys, t, w, now, since); err != nil {
			return from, err
		}
		for _, k := range keys {
			seen[k] = true
		}
		if cursor = next; cursor == 0 || time.Since(began) > scanTime {
			break
		}
	}
	t.trim(w)
	return cursor, nil
}

func members(ctx context.Context, c *redis.Client, prefix string, keys []string, t *tally, w weights, now, since time.Time) error {
	if len(keys) == 0 {
		return nil
	}
	pipe := c.Pipeline()
	sets := make([]*redis.StringSliceCmd, len(keys))
	for i, k := range keys {
		sets[i] = pipe.SRandMemberN(ctx, k, 16) // seven at most, whatever lies there
	}
	if _, err := pipe.Exec(ctx); err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return err
	}
	for i, k := range keys {
		t.add(strings.ToLower(strings.TrimPrefix(k, prefix+failuresKey)), sets[i].Val(), w, now, since)
	}
	return nil
}

// globPlain takes its meaning from what stands for something in a pattern.
func globPlain(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// them looks to whom deliveries fail.
func (v *visit) them(ctx context.Context) {
	m := &v.memory.Them
	w, unweighed := v.weights(ctx)
	t := tally{}
	if age := v.now.Sub(m.Begun); m.Part == nil || m.Cursor == 0 || age < 0 || age > walkLife {
		m.Cursor, m.Part, m.Begun = 0, nil, v.now
	} else {
		t = *m.Part
	}
	from := m.Cursor
	var cursor uint64
	err := v.site.Redis().Do(ctx, func(ctx context.Context, c *redis.Client, prefix string) (err error) {
		cursor, err = walk(ctx, c, prefix, from, &t, w, v.now, m.Since, scanSlices)
		return err
	})
	if err != nil {
		// Nothing is known of them: what was found stays as it is.
		m.Cursor, m.Part, m.held = 0, nil, held{Findings: m.Findings}
		m.held.Blind = []checks.Blind{v.blind(codeUs, subjectDeliveries, err)}
		m.At = v.now
		return
	}
	if cursor != 0 {
		m.Cursor, m.Part = cursor, &t
		v.holdThem()
		return
	}
	if unweighed != nil { // who of them is followed is not known now
		t.Failing = m.Tally.Failing
	}
	before := m.Findings
	m.At, m.Cursor, m.Part, m.Tally, m.held = v.now, 0, nil, t, held{}
	v.measure(hostsFailing, "all", float64(t.All), checks.Count)
	v.measure(hostsFailing, "new", float64(t.New), checks.Count)
	usual, _ := v.past.Normal(hostsFailing, "new", v.now)
	bad := judgeUs(t, usual)
	m.Streak = m.Streak.next(bad, usOpen, usResolve)
	switch {
	case bad && t.New > t.Still: // at first Still is none
		m.Since = v.now
	case !bad && !m.Streak.Open:
		m.Since = time.Time{}
	}
	_, once := v.past.(checks.NoPast) // one look is all there is
	switch {
	case m.Streak.Open && !bad:
		m.Findings = before // until another look agrees that it is over
	case m.Streak.Open, once && bad:
		m.Findings = []checks.Finding{{
			Code: codeUs, Subject: subjectDeliveries, Severity: checks.Critical, Road: checks.Now, Harm: v.now,
			Text: textUs(t, usual), Advice: adviceUs(t),
		}}
	}
	v.holdThem()
}

// holdThem says again what the last look at deliveries found.
func (v *visit) holdThem() {
	if len(v.memory.Them.Blind) > 0 { // it holds what is open
		v.Blind = append(v.Blind, v.memory.Them.Blind...)
		return
	}
	v.Findings = append(v.Findings, v.memory.Them.Findings...)
}

// judgeUs decides whether so many fail at once that the fault is here: hosts
// that fail for days are theirs, and a few begin every day.
func judgeUs(t tally, usual checks.Band) bool {
	return t.All >= usHosts && float64(t.many()) > usLimit(float64(t.All), usual)
}

// usLimit is how many hosts may begin to fail on one day, of all that do.
func usLimit(all float64, usual checks.Band) float64 {
	share := math.Ceil(usShare*all) - 1 // the share itself is enough
	if usual.Days == 0 {
		return max(share, usAlone-1)
	}
	return max(share, usTimes*usual.Mid, usual.High)
}
