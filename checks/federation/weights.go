package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks/site"
)

const (
	// weightsKept bounds the domains that are remembered: those that most people
	// here follow (own).
	weightsKept = 4000
	// weightsFresh is for how long they are taken as they were: they are counted
	// once a day, also where a tick comes early (own).
	weightsFresh = 23 * time.Hour

	// What is read (own, so that it takes half a second at most): people here,
	// their follows, and the accounts that most of those lead to.
	localsRead  = 15_000
	followsRead = 100_000
	targetsRead = 20_000
)

// limits hold for what is not read every few minutes (own: it takes a tenth of
// that at most, or the database has other troubles).
var limits = site.Limits{Statement: 3 * time.Second, Lock: time.Second}

// weight is how many follows of people here lead to a domain.
type weight struct {
	Domain  string
	Follows int
	// Inbox is the host that deliveries go to, where it is another.
	Inbox string
}

// weights are the followed domains, the most followed first.
type weights struct {
	At    time.Time
	Total int // follows that lead to other servers
	List  []weight

	byDomain map[string]int
	byInbox  map[string]int
}

// index makes the list searchable.
func (w *weights) index() {
	w.byDomain, w.byInbox = map[string]int{}, map[string]int{}
	for i, one := range w.List {
		w.byDomain[one.Domain] = i
		if one.Inbox != "" {
			if _, taken := w.byInbox[one.Inbox]; !taken {
				w.byInbox[one.Inbox] = i
			}
		}
	}
}

func (w weights) follows(domain string) int {
	if i, ok := w.byDomain[domain]; ok {
		return w.List[i].Follows
	}
	return 0
}

// domainOf is the followed domain whose inbox lies at a host.
func (w weights) domainOf(host string) (string, bool) {
	if i, ok := w.byInbox[host]; ok {
		return w.List[i].Domain, true
	}
	if _, ok := w.byDomain[host]; ok {
		return host, true
	}
	return "", false
}

const (
	weightLeast = 5     // follows; defaults (own)
	weightShare = 0.005 // of all follows; defaults (own)
)

// heavy is the number of follows from which a domain is missed by many.
func (w weights) heavy() int {
	return max(weightLeast, int(weightShare*float64(w.Total)+0.999))
}

// top are the domains that most people follow.
func (w weights) top(n int) map[string]bool {
	out := map[string]bool{}
	for _, one := range w.List[:min(n, len(w.List))] {
		out[one.Domain] = true
	}
	return out
}

// The shared inbox belongs to a server and names nobody. OFFSET 0 keeps the
// inner questions what they are: one look-up by the key for each account.
const weightsSQL = `WITH t AS (
		SELECT target, count(*) AS n FROM (
			SELECT f.target_account_id AS target FROM (SELECT id FROM accounts WHERE domain IS NULL ORDER BY id LIMIT $1) l
			CROSS JOIN LATERAL (SELECT target_account_id FROM follows WHERE account_id = l.id OFFSET 0) f LIMIT $2) x
		GROUP BY 1 ORDER BY n DESC, target LIMIT $3)
	SELECT a.domain, sum(t.n)::bigint, max(split_part(a.shared_inbox_url, '/', 3)), (sum(sum(t.n)) OVER ())::bigint
	FROM t CROSS JOIN LATERAL (SELECT domain, shared_inbox_url FROM accounts WHERE id = t.target OFFSET 0) a
	WHERE a.domain IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $4`

// readWeights counts the follows that lead to each domain.
func readWeights(ctx context.Context, tx pgx.Tx, now time.Time) (weights, error) {
	w := weights{At: now}
	rows, err := tx.Query(ctx, weightsSQL, localsRead, followsRead, targetsRead, weightsKept)
	if err != nil {
		return w, err
	}
	var domain, inbox string
	var n, total int64
	_, err = pgx.ForEachRow(rows, []any{&domain, &n, &inbox, &total}, func() error {
		domain, inbox = strings.ToLower(domain), strings.ToLower(inbox)
		w.Total = int(total)
		if !hostName(domain) {
			return nil
		}
		if inbox == domain || !hostName(inbox) {
			inbox = ""
		}
		w.List = append(w.List, weight{domain, int(n), inbox})
		return nil
	})
	w.index()
	return w, err
}

// weightsStale is for how long they stand in while they cannot be counted (own).
const weightsStale = 7 * 24 * time.Hour

// weights are those of today, counted if that has not been done.
func (v *visit) weights(ctx context.Context) (weights, error) {
	if v.counted != nil {
		return *v.counted, nil
	}
	var w weights
	if raw, ok := v.past.Load(weightsKey); ok {
		if got, err := unpackWeights(raw); err == nil {
			w = got
		}
	}
	age := v.now.Sub(w.At)
	if age >= 0 && age < weightsFresh {
		v.counted = &w
		return w, nil
	}
	var fresh weights
	err := v.site.Database().ReadWithin(ctx, limits, func(ctx context.Context, tx pgx.Tx) (err error) {
		fresh, err = readWeights(ctx, tx, v.now)
		return err
	})
	switch {
	case err == nil:
		v.Remember[weightsKey] = fresh.pack()
		v.counted = &fresh
		return fresh, nil
	case age >= 0 && age < weightsStale:
		v.counted = &w
		return w, nil
	}
	return weights{}, err
}

// pack writes the weights: a line for each domain.
func (w weights) pack() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d\n", w.At.Unix(), w.Total)
	for _, one := range w.List {
		fmt.Fprintf(&b, "%s %d %s\n", one.Domain, one.Follows, one.Inbox)
	}
	return deflate([]byte(b.String()))
}

var errWeights = errors.New("weights: not as they were written")

func unpackWeights(raw []byte) (weights, error) {
	var w weights
	text, err := inflate(raw)
	if err != nil {
		return w, err
	}
	head, rest, ok := strings.Cut(string(text), "\n")
	var at int64
	if _, err := fmt.Sscanf(head, "%d %d", &at, &w.Total); err != nil || !ok {
		return weights{}, errWeights
	}
	w.At = time.Unix(at, 0)
	for line := range strings.SplitSeq(strings.TrimSuffix(rest, "\n"), "\n") {
		if line == "" {
			continue
		}
		words := strings.Split(line, " ")
		if len(words) != 3 || len(w.List) >= weightsKept {
			return weights{}, errWeights
		}
		n := 0
		if _, err := fmt.Sscanf(words[1], "%d", &n); err != nil {
			return weights{}, errWeights
		}
		w.List = append(w.List, weight{words[0], n, words[2]})
	}
	if !slices.IsSortedFunc(w.List, func(a, b weight) int { return b.Follows - a.Follows }) {
		return weights{}, errWeights
	}
	w.index()
	return w, nil
}
