package bot

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// queued is a post that waits for its turn, as far as that is decided by it.
type queued struct {
	key, kind string
	parent    string // a status id, or parentPost and a key, or ""
	severity  checks.Severity
	created   int64 // Unix milliseconds
	notBefore time.Time
	attemptAt time.Time // of an attempt whose outcome is unknown
	attempts  int
}

// pick chooses what to attempt: answers before news, the worst first, the
// oldest first; never a reply to a post that is not there yet, and within a
// thread never the later before the earlier. Where nothing may go now it
// returns "" and when the next may; the zero time where that is not known.
func pick(waiting []queued, now time.Time) (key string, next time.Time) {
	type thread struct{ kind, parent string }
	byAge := func(a, b queued) int { return cmp.Or(cmp.Compare(a.created, b.created), strings.Compare(a.key, b.key)) }
	slices.SortFunc(waiting, byAge)
	keys, first := map[string]bool{}, map[thread]string{}
	for _, q := range waiting {
		keys[q.key] = true
		if t := (thread{q.kind, q.parent}); first[t] == "" {
			first[t] = q.key
		}
	}
	var best *queued
	for i, q := range waiting {
		head, unsent := strings.CutPrefix(q.parent, parentPost)
		switch {
		case unsent && keys[head], q.parent != "" && first[thread{q.kind, q.parent}] != q.key:
		case q.notBefore.After(now):
			if next.IsZero() || q.notBefore.Before(next) {
				next = q.notBefore
			}
		case best == nil || q.before(*best):
			best = &waiting[i]
		}
	}
	if best == nil {
		return "", next
	}
	return best.key, time.Time{}
}

// before tells whether a post goes before an older one.
func (q queued) before(older queued) bool {
	if reply := q.kind == kindReply; reply != (older.kind == kindReply) {
		return reply
	}
	return q.severity > older.severity
}
