package federation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestManyDeliveriesFailingAtOnceAreSaidOnce(t *testing.T) {
	w := newWorld(t, "4.6")
	for i := range 15 {
		w.fail(t, fmt.Sprintf("dead%d.example", i), 1, 2, 3)
	}
	w.nothingFound(t, w.look(t, true))
	for i := range 25 {
		w.fail(t, fmt.Sprintf("new%d.example", i), 0)
	}
	w.fail(t, "server01.test", 0, 1, 2, 3, 4)
	w.now = w.now.Add(10 * time.Minute)
	w.nothingFound(t, w.look(t, false))
	w.now = w.now.Add(5 * time.Minute)
	o := w.look(t, false) // between: not another look
	if _, ok := checkstest.Find(o, codeUs, "*"); ok {
		t.Error("one look was counted twice")
	}
	w.now = w.now.Add(5 * time.Minute)
	f := w.found(t, w.look(t, false), codeUs, subjectDeliveries)
	if f.Severity != checks.Critical || f.Road != checks.Now {
		t.Errorf("%v %v", f.Severity, f.Road)
	}
	for range 4 { // three rounds that would each have told of server01.test alone
		o = w.round(t)
	}
	if len(o.Findings) != 1 {
		t.Errorf("said more than once: %+v", o.Findings)
	}
	// Held between, and resolved after two good looks.
	w.now = w.now.Add(5 * time.Minute)
	w.found(t, w.look(t, false), codeUs, subjectDeliveries)
	for i := range 25 {
		w.redis.Do(t, "DEL", fmt.Sprintf("exhausted_deliveries:new%d.example", i))
	}
	w.now = w.now.Add(10 * time.Minute)
	w.found(t, w.look(t, false), codeUs, subjectDeliveries)
	w.now = w.now.Add(10 * time.Minute)
	if _, ok := checkstest.Find(w.look(t, false), codeUs, subjectDeliveries); ok {
		t.Error("it is not resolved")
	}
}

func TestMidnightEndsNoFailure(t *testing.T) {
	w := newWorld(t, "4.6")
	evening := w.now.UTC().Truncate(24 * time.Hour).Add(48*time.Hour - 11*time.Minute) // 23:49
	look := func(now time.Time) checks.Observation {
		t.Helper()
		w.now = now
		w.post(t, now.Add(-time.Minute))
		return w.look(t, false)
	}
	fail := func() {
		for i := range 25 {
			w.fail(t, fmt.Sprintf("new%d.example", i), 0)
		}
	}
	w.now = evening
	for i := range 15 {
		w.fail(t, fmt.Sprintf("dead%d.example", i), 0, 1, 2)
	}
	fail()
	w.nothingFound(t, look(evening))
	// The second bad look is after midnight, and nothing was tried since.
	w.found(t, look(evening.Add(12*time.Minute)), codeUs, subjectDeliveries)
	for day := range 4 {
		now := evening.Add(time.Duration(day)*24*time.Hour + 10*time.Minute) // 23:59
		if day == 0 {
			now = now.Add(12 * time.Hour)
		}
		w.now = now
		fail()
		w.found(t, look(now), codeUs, subjectDeliveries)
		for _, later := range []time.Duration{10 * time.Minute, 20 * time.Minute} { // 00:09, 00:19
			w.found(t, look(now.Add(later)), codeUs, subjectDeliveries)
		}
	}
	for i := range 25 {
		w.redis.Do(t, "DEL", fmt.Sprintf("exhausted_deliveries:new%d.example", i))
	}
	w.found(t, look(w.now.Add(10*time.Minute)), codeUs, subjectDeliveries)
	w.nothingFound(t, look(w.now.Add(10*time.Minute)))
}

func TestDeliveriesThatFailForDaysAreToldAndStopped(t *testing.T) {
	w := newWorld(t, "4.6")
	w.other.serve("server02.test", nil, http.HandlerFunc(well))
	// Deliveries go to another host than the name of its people.
	w.db.Exec(t, "UPDATE accounts SET shared_inbox_url = 'https://inbox.server02.test/inbox' WHERE domain = 'server02.test'")
	w.fail(t, "inbox.server02.test", 0, 1, 2, 3, 4)
	w.fail(t, "nobody-follows.example", 0, 1, 2, 3, 4, 5, 6)
	for range missingOpen - 1 {
		w.nothingFound(t, w.round(t))
	}
	f := w.found(t, w.round(t), codeMissing, "server02.test")
	if !strings.Contains(f.Text.En, "on 5 of the last 7 days") || !strings.Contains(f.Text.En, "does not accept what is delivered") {
		t.Errorf("it says %q", f.Text.En)
	}
	w.redis.Do(t, "DEL", "exhausted_deliveries:inbox.server02.test")
	w.db.Exec(t, "INSERT INTO unavailable_domains (domain, created_at) VALUES ('inbox.server02.test', $1), ('server03.test', $2)",
		w.now.UTC(), w.now.AddDate(-1, 0, 0).UTC())
	o := w.round(t)
	f = w.found(t, o, codeMissing, "server02.test")
	if !strings.Contains(f.Text.En, "stopped delivering") {
		t.Errorf("it says %q", f.Text.En)
	}
	if _, ok := checkstest.Find(o, codeMissing, "server03.test"); ok {
		t.Error("what was stopped a year ago is news")
	}
	w.db.Exec(t, "DELETE FROM unavailable_domains WHERE domain = 'inbox.server02.test'")
	w.nothingFound(t, w.round(t))
}

func TestThreeOfTheTopThatRefuseAreAFindingOfTheirOwn(t *testing.T) {
	w := newWorld(t, "4.6")
	w.other.serve("server01.test", nil, status(403))
	w.other.serve("server02.test", nil, status(403))
	w.other.serve("server03.test", nil, http.HandlerFunc(well))
	for i := range 3 {
		w.fail(t, fmt.Sprintf("server%02d.test", i+1), 0)
	}
	w.nothingFound(t, w.round(t))
	f := w.found(t, w.round(t), codeRefused, "")
	if f.Severity != checks.Critical || f.Road != checks.Now {
		t.Errorf("%v %v", f.Severity, f.Road)
	}
	w.redis.Do(t, "DEL", "exhausted_deliveries:server03.test")
	w.nothingFound(t, w.round(t))
}

func TestWithoutRedisTheRestIsSeen(t *testing.T) {
	w := newWorld(t, "4.6")
	w.fail(t, "server02.test", 0, 1, 2, 3, 4)
	for range missingOpen {
		w.round(t)
	}
	w.found(t, w.look(t, false), codeMissing, "server02.test")
	w.redis.Freeze(t)
	began := time.Now()
	o := w.round(t)
	if took := time.Since(began); took > w.kind.Timeout/2 {
		t.Errorf("it took %v", took)
	}
	if len(o.Blind) != 1 || o.Blind[0].Code != codeUs || o.Blind[0].Subject != subjectDeliveries {
		t.Errorf("blind: %+v", o.Blind)
	}
	w.found(t, o, codeMissing, "server02.test") // what cannot be seen is not over
	checkstest.Value(t, o, newestAge, "")
	w.redis.Thaw(t)
	o = w.round(t)
	if len(o.Blind) > 0 {
		t.Errorf("blind: %+v", o.Blind)
	}
	w.found(t, o, codeMissing, "server02.test")
}

func TestKeysOfAnotherKindDisturbNobody(t *testing.T) {
	w := newWorld(t, "4.6")
	w.redis.Do(t, "SET", "exhausted_deliveries:odd.example", "text")
	w.fail(t, "a.example", 0)
	o := w.look(t, true)
	w.nothingFound(t, o)
	if n := checkstest.Value(t, o, hostsFailing, "all"); n != 1 {
		t.Errorf("%v hosts", n)
	}
}

func TestRedisIsWalkedInSlices(t *testing.T) {
	w := newWorld(t, "4.6")
	c := w.redis.Client()
	for i := range 60 {
		pipe := c.Pipeline()
		for j := range 100 {
			pipe.Set(t.Context(), fmt.Sprintf("feed:%d:%d", i, j), "", 0)
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.fail(t, fmt.Sprintf("h%d.example", i), i%3)
	}
	var got tally
	cursor, looks := uint64(0), 0
	for {
		var err error
		if cursor, err = walk(t.Context(), c, "", cursor, &got, weights{}, w.now, time.Time{}, 1); err != nil {
			t.Fatal(err)
		}
		if looks++; cursor == 0 {
			break
		}
	}
	if got.All != 60 || got.New != 40 || looks < 3 {
		t.Errorf("%+v after %d slices", got, looks)
	}
	// One that was begun in another look goes on.
	w.look(t, false)
	m := recall(w.past)
	m.Them.At, m.Them.Begun, m.Them.Cursor, m.Them.Part = w.now, w.now, 1, &tally{All: 1000}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	w.past.Memory[memoryKey] = raw
	if n := checkstest.Value(t, w.look(t, false), hostsFailing, "all"); n < 1000 {
		t.Errorf("%v hosts", n)
	}
}
