package bot

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

func TestWhichPostIsAttemptedNext(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	later := now.Add(time.Minute)
	alert := func(key string, s checks.Severity, created int64) queued {
		return queued{key: key, kind: kindAlert, severity: s, created: created}
	}
	below := func(q queued, parent string) queued { q.parent = parent; return q }
	held := func(q queued, until time.Time) queued { q.notBefore = until; return q }
	reply := func(key string, created int64) queued {
		return queued{key: key, kind: kindReply, parent: "question " + key, created: created}
	}
	for _, c := range []struct {
		name    string
		waiting []queued
		want    string
		next    time.Time
	}{
		{"nothing waits, and nobody knows when something will", nil, "", time.Time{}},
		{"the oldest goes first", []queued{alert("b", checks.Warning, 2), alert("a", checks.Warning, 1)}, "a", time.Time{}},
		{"the worst goes before the oldest", []queued{alert("a", checks.Warning, 1), alert("b", checks.Critical, 2)}, "b", time.Time{}},
		{"an answer goes before the worst", []queued{alert("a", checks.Critical, 1), reply("b", 2)}, "b", time.Time{}},
		{"the older answer goes first", []queued{reply("b", 2), reply("a", 1)}, "a", time.Time{}},
		{
			"what happened next waits for its opening, though it is worse",
			[]queued{alert("a", checks.Warning, 1), below(alert("b", checks.Critical, 2), "post:a")},
			"a",
			time.Time{},
		},
		{
			"in a thread the earlier goes first, though the later is worse",
			[]queued{below(alert("b", checks.Critical, 2), "post:gone"), below(alert("a", checks.Warning, 1), "post:gone")},
			"a",
			time.Time{},
		},
		{
			"what must wait holds up its own thread",
			[]queued{held(below(alert("a", checks.Warning, 1), "post:x"), later), below(alert("b", checks.Critical, 2), "post:x")},
			"", later,
		},
		{
			"what must wait holds up no other thread",
			[]queued{held(alert("a", checks.Critical, 1), later), alert("b", checks.Warning, 2)},
			"b",
			time.Time{},
		},
		{
			"two that must wait: the sooner says when",
			[]queued{held(alert("a", checks.Warning, 1), later.Add(time.Hour)), held(reply("b", 2), later)},
			"", later,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, next := pick(c.waiting, now)
			if key != c.want || !next.Equal(c.next) {
				t.Errorf("%q at %v, want %q at %v", key, next, c.want, c.next)
			}
		})
	}
}
