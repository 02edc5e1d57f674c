package federation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

const (
	// rollKept bounds the servers that a week remembers; where there are more,
	// the count stops there (own: the largest servers hear of as many).
	rollKept = 20_000
	// rollAsked is how many servers that are not on the roll are asked about in
	// one round; the others are for the next (own).
	rollAsked = 1000
	// rollSpan is for how long a server stays on it.
	rollSpan = 7 * 24 * time.Hour
)

// A roll is which servers were heard from within a week. It is made of what the
// rounds read anyway, so that counting costs next to nothing.
type roll struct {
	// Began is when listening began, in hours since 1970.
	Began int64
	List  map[string]entry
}

// entry is one server: when it was heard last, and when the first of its accounts
// became known here, in hours since 1970.
type entry struct{ Heard, Known int64 }

func hours(t time.Time) int64 { return t.Unix() / 3600 }

// turn forgets who was not heard for a week, and takes in what was heard of those
// on the roll. It returns the others, who are to be asked about.
func (r *roll) turn(recent map[string]time.Time, now time.Time) (unknown []string) {
	if r.Began == 0 || r.Began > hours(now) {
		r.Began, r.List = hours(now), map[string]entry{}
	}
	since := now.Add(-rollSpan)
	maps.DeleteFunc(r.List, func(_ string, e entry) bool { return e.Heard < hours(since) })
	for domain, at := range recent {
		if at.After(now) {
			at = now
		}
		e, listed := r.List[domain]
		switch {
		case listed:
			e.Heard = max(e.Heard, hours(at))
			r.List[domain] = e
		case at.After(since) && hostName(domain):
			unknown = append(unknown, domain)
		}
	}
	slices.Sort(unknown)
	return unknown[:min(len(unknown), rollAsked, rollKept-len(r.List))]
}

// add takes servers that were asked about onto the roll.
func (r *roll) add(known, recent map[string]time.Time, now time.Time) {
	for domain, at := range known {
		heard := recent[domain]
		if heard.After(now) {
			heard = now
		}
		r.List[domain] = entry{Heard: hours(heard), Known: hours(at)}
	}
}

// counts are how many servers were heard within a week, and how many of them were
// not known before it; false before a week of listening.
func (r *roll) counts(now time.Time) (heard, fresh int, ok bool) {
	since := hours(now.Add(-rollSpan))
	for _, e := range r.List {
		if e.Known >= since {
			fresh++
		}
	}
	return len(r.List), fresh, r.Began > 0 && r.Began <= since
}

// knownSQL is the oldest account of each domain: its id tells when it was stored.
const knownSQL = `SELECT d.domain, a.id FROM unnest($1::text[]) d(domain)
	CROSS JOIN LATERAL (SELECT id FROM accounts WHERE domain = d.domain ORDER BY id LIMIT 1) a`

// readKnown returns when each of some domains became known here.
func readKnown(ctx context.Context, tx pgx.Tx, domains []string) (map[string]time.Time, error) {
	rows, err := tx.Query(ctx, knownSQL, domains)
	if err != nil {
		return nil, err
	}
	all := map[string]time.Time{}
	var domain string
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&domain, &id}, func() error {
		all[strings.ToLower(domain)] = idTime(id)
		return nil
	})
	return all, err
}

// enroll counts the servers that were heard within a week. What cannot be asked
// now is asked by the next round.
func (v *visit) enroll(ctx context.Context, recent map[string]time.Time) {
	r := roll{}
	if raw, ok := v.past.Load(rollKey); ok {
		if got, err := unpackRoll(raw); err == nil {
			r = got
		}
	}
	if unknown := r.turn(recent, v.now); len(unknown) > 0 {
		err := v.site.Database().ReadWithin(ctx, limits, func(ctx context.Context, tx pgx.Tx) error {
			known, err := readKnown(ctx, tx, unknown)
			if err == nil {
				r.add(known, recent, v.now)
			}
			return err
		})
		if err != nil {
			return
		}
	}
	v.Remember[rollKey] = r.pack()
	if heard, fresh, ok := r.counts(v.now); ok {
		v.measure(serversWeek, "", float64(heard), checks.Count)
		v.measure(serversNew, "", float64(fresh), checks.Count)
	}
}

// pack writes the roll: a line for each server.
func (r roll) pack() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", r.Began)
	for _, domain := range slices.Sorted(maps.Keys(r.List)) {
		e := r.List[domain]
		// As they lie together, they pack well.
		fmt.Fprintf(&b, "%s %d %d\n", domain, e.Heard-r.Began, e.Known)
	}
	return deflate([]byte(b.String()))
}

var errRoll = errors.New("roll: not as it was written")

func unpackRoll(raw []byte) (roll, error) {
	text, err := inflate(raw)
	if err != nil {
		return roll{}, err
	}
	head, rest, ok := strings.Cut(string(text), "\n")
	r := roll{List: map[string]entry{}}
	if _, err := fmt.Sscanf(head, "%d", &r.Began); err != nil || !ok {
		return roll{}, errRoll
	}
	for line := range strings.Lines(rest) {
		var domain string
		var e entry
		if _, err := fmt.Sscanf(line, "%s %d %d\n", &domain, &e.Heard, &e.Known); err != nil || len(r.List) >= rollKept || len(domain) > 253 {
			return roll{}, errRoll
		}
		e.Heard += r.Began
		r.List[domain] = e
	}
	return r, nil
}
