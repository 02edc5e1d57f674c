package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

// calls counts what is asked of the server, by method and path without ids.
type calls struct {
	mu  sync.Mutex
	all map[string]int
}

func (c *calls) admit(r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	words := strings.Split(r.URL.Path, "/")
	for i, w := range words {
		if len(w) > 8 && strings.Trim(w, "0123456789") == "" {
			words[i] = "ID"
		}
	}
	c.all[r.Method+" "+strings.Join(words, "/")]++
	return true
}

// take returns what was counted since the last call, and the sum.
func (c *calls) take() (all map[string]int, sum int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, c.all = c.all, map[string]int{}
	for _, n := range all {
		sum += n
	}
	return all, sum
}

func TestAFloodOfMentionsCostsABoundedNumberOfCalls(t *testing.T) {
	counted := &calls{all: map[string]int{}}
	inBubble(t, sandbox.Options{Admit: counted.admit}, func(w *world) {
		var seen int
		w.until(12, 0)
		w.start()
		w.pass(10 * time.Minute)
		w.heard(w.alice, &seen)
		counted.take()
		w.pass(time.Hour)
		_, idle := counted.take()

		// A thousand words of strangers: they are read, a page at a time, and
		// nothing else is asked or said because of them.
		var strangers []sandbox.Account
		for i := range 50 {
			strangers = append(strangers, w.server.AddAccount(sandbox.Account{Username: fmt.Sprintf("mallory%d", i)}))
		}
		for i := range 1000 {
			if _, err := w.server.Say(strangers[i%len(strangers)], fmt.Sprintf("@saba status %d", i), sandbox.SayOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(time.Hour)
		all, sum := counted.take()
		t.Logf("an idle hour %d calls, with 1,000 mentions of strangers %d: %v", idle, sum, all)
		if most := idle + 1000/40 + 20; sum > most {
			t.Errorf("%d calls, want at most %d", sum, most)
		}
		for call := range all {
			if !strings.HasPrefix(call, http.MethodGet) {
				t.Errorf("because of strangers: %s", call)
			}
		}
		for i := range strangers {
			none := 0
			w.expect(strangers[i], &none)
		}

		// Trickling, one every three seconds, they cost no more than a look every
		// five.
		for i := range 200 {
			if _, err := w.server.Say(strangers[i%len(strangers)], fmt.Sprintf("@saba again %d", i), sandbox.SayOptions{}); err != nil {
				t.Fatal(err)
			}
			w.pass(3 * time.Second)
		}
		all, sum = counted.take()
		t.Logf("200 in ten minutes: %d calls: %v", sum, all)
		if most := 2*(600/5) + 20; sum > most {
			t.Errorf("%d calls, want at most %d", sum, most)
		}

		// Two hundred questions of an admin: each is answered once, within what
		// the server allows.
		for i := range 200 {
			if _, err := w.server.Say(w.alice, fmt.Sprintf("@saba status %d", i), sandbox.SayOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(3 * time.Hour)
		all, sum = counted.take()
		answers := len(w.heard(w.alice, &seen))
		t.Logf("200 questions of an admin: %d answers, %d calls: %v", answers, sum, all)
		if most := 3*idle + 1000/40 + 200*4; sum > most || answers > 200*2 || answers < 200 {
			t.Errorf("%d answers, %d calls, want 200 and at most %d", answers, sum, most)
		}
		if posts := all["POST /api/v1/statuses"]; posts > 300 {
			t.Errorf("%d posts in three hours; the server allows 300", posts)
		}
	})
}
