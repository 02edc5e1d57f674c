package sandbox

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const statusesPath = "/api/v1/statuses"

func TestHowAPostCanGoWrong(t *testing.T) {
	cases := []struct {
		name   string
		fault  Fault
		code   int // 0 is no answer
		body   string
		took   time.Duration
		stored int
	}{
		{"502 from a proxy", Fault{Kind: Answer, Status: 502}, 502, "<html>", 0, 0},
		{"503 from a proxy", Fault{Kind: Answer, Status: 503}, 503, "<html>", 0, 0},
		{"500 when nothing is said", Fault{Kind: Answer}, 500, "<html>", 0, 0},
		{"too many requests", Fault{Kind: Answer, Status: 429}, 429, `{"error"`, 0, 0},
		{"slow, but stored", Fault{Kind: Slow, Delay: 20 * time.Second}, 200, `{"id"`, 20 * time.Second, 1},
		{"slower than the client waits, but stored", Fault{Kind: Slow, Delay: 2 * time.Minute}, 0, "", time.Minute, 1},
		{"hanging until the client goes", Fault{Kind: Hang}, 0, "", time.Minute, 0},
		{"cut before anything happened", Fault{Kind: CutBefore}, 0, "", 0, 0},
		{"cut after everything happened", Fault{Kind: CutAfter}, 0, "", 0, 1},
		{"a status that never was", Fault{Kind: FakeStatus}, 200, `{"id"`, 0, 0},
		{"broken JSON", Fault{Kind: Garbage}, 200, `{"id"`, 0, 0},
		{"a page that wants a browser", Fault{Kind: Challenge}, 200, "<!DOCTYPE html>", 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{})
				w.http.Timeout = time.Minute
				c.fault.Method, c.fault.PathPrefix, c.fault.Times = "POST", statusesPath, 1
				m := w.Misbehave(c.fault)
				start := time.Now()
				got, err := w.try("POST", statusesPath, url.Values{"status": {"@admin x"}, "visibility": {"direct"}})
				if (err != nil) != (c.code == 0) || got.code != c.code || !strings.HasPrefix(got.body, c.body) {
					t.Errorf("%d %s %v", got.code, got.body, err)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("took %v", took)
				}
				synctest.Wait()
				if n := len(w.Inbox(w.admin)); n != c.stored {
					t.Errorf("%d stored", n)
				}
				if m.Count() != 1 {
					t.Errorf("struck %d times", m.Count())
				}
				if got := w.tell("@admin again"); got.code != 200 {
					t.Errorf("once over: %d", got.code)
				}
			})
		})
	}
}

func TestALateServerPostsWhenTheClientHasLongGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.http.Timeout = time.Minute
		w.Misbehave(Fault{Kind: Late, Method: "POST", Delay: 90 * time.Second, Times: 1})
		if _, err := w.try("POST", statusesPath, url.Values{"status": {"@admin x"}, "visibility": {"direct"}}); err == nil {
			t.Fatal("an answer came in time")
		}
		if n := len(w.Inbox(w.admin)); n != 0 {
			t.Errorf("%d stored at once", n)
		}
		pass(31 * time.Second)
		if n := len(w.Inbox(w.admin)); n != 1 {
			t.Errorf("%d stored in the end", n)
		}
	})
}

func TestAFakeStatusCannotBeReadBack(t *testing.T) {
	w := newWorld(t, Options{})
	w.Misbehave(Fault{Kind: FakeStatus, Times: 1})
	made := w.tell("@admin x", "Idempotency-Key: k").object(t)
	if len(made["mentions"].([]any)) != 1 {
		t.Errorf("it does not look right: %v", made)
	}
	if got := w.do("GET", statusesPath+"/"+made["id"].(string), nil); got.code != 404 {
		t.Errorf("it was read back: %d", got.code)
	}
	if again := w.tell("@admin x", "Idempotency-Key: k"); again.code != 200 || len(w.Inbox(w.admin)) != 1 {
		t.Errorf("the next try: %d", again.code)
	}
}

func TestABodyThatDoesNotEndGoesOnUntilTheClientGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Misbehave(Fault{Kind: Endless})
		res, err := w.http.Get(w.URL() + "/api/v2/instance")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, res.Body, 10<<20); n != 10<<20 {
			t.Errorf("%d bytes, %v", n, err)
		}
		res.Body.Close()
	})
}

func TestAnOversizeBodyIsTrueAndTooLarge(t *testing.T) {
	w := newWorld(t, Options{})
	w.Misbehave(Fault{Kind: Oversize, Bytes: 3 << 20})
	got := w.do("GET", "/api/v2/instance", nil)
	if len(got.body) != 3<<20 || got.object(t)["domain"] != "sandbox.example" {
		t.Errorf("%d bytes", len(got.body))
	}
}

func TestAFaultStrikesWhereItIsMeant(t *testing.T) {
	w := newWorld(t, Options{})
	m := w.Misbehave(Fault{Kind: Answer, Status: 503, Method: "GET", PathPrefix: "/api/v1/notifications"})
	if got := w.do("GET", "/api/v1/notifications?limit=1", nil); got.code != 503 {
		t.Errorf("there: %d", got.code)
	}
	if got := w.do("GET", "/api/v2/instance", nil); got.code != 200 {
		t.Errorf("elsewhere: %d", got.code)
	}
	m.Stop()
	if got := w.do("GET", "/api/v1/notifications", nil); got.code != 200 || m.Count() != 1 {
		t.Errorf("stopped: %d", got.code)
	}
	w.Misbehave(Fault{Kind: CutBefore})
	w.Behave()
	if got := w.do("GET", "/health", nil); got.code != 200 {
		t.Errorf("behaving: %d", got.code)
	}
}

func TestChanceIsTheSameInEachRun(t *testing.T) {
	run := func(dice *rand.Rand) (pattern string) {
		w := newWorld(t, Options{NoLimits: true})
		w.Misbehave(Fault{Kind: Answer, Status: 503, Probability: 0.3, Rand: dice})
		for range 100 {
			if w.do("GET", "/health", nil).code == 503 {
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return pattern
	}
	first := run(rand.New(rand.NewPCG(7, 7)))
	if first != run(rand.New(rand.NewPCG(7, 7))) {
		t.Error("two runs with the same seed differ")
	}
	if own := run(nil); own != run(nil) {
		t.Error("two runs with the server's own dice differ")
	}
	if n := strings.Count(first, "x"); n < 15 || n > 45 {
		t.Errorf("%d of 100 at a chance of 0.3", n)
	}
}

func TestClosingFreesWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Misbehave(Fault{Kind: Hang, PathPrefix: "/health"})
		w.Misbehave(Fault{Kind: Late, Delay: time.Hour, PathPrefix: "/api"})
		ended := make(chan error, 2)
		for _, path := range []string{"/health", "/api/v2/instance"} {
			go func() {
				_, err := w.try("GET", path, nil)
				ended <- err
			}()
		}
		synctest.Wait()
		w.Close()
		for range 2 {
			if err := <-ended; err == nil {
				t.Error("an answer came")
			}
		}
	})
}

func TestAStormEndsCleanly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{NoLimits: true})
		w.http.Timeout = 10 * time.Second
		dice := rand.New(rand.NewPCG(3, 4))
		for _, kind := range []Kind{Answer, Slow, Late, CutBefore, CutAfter, Hang, Garbage} {
			w.Misbehave(Fault{Kind: kind, Method: "POST", Probability: 0.1, Rand: dice, Delay: 15 * time.Second})
		}
		w.stream("user")
		w.stream("user:notification")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 50 {
					_, _ = w.try("POST", statusesPath, url.Values{"status": {"@admin x"}, "visibility": {"direct"}})
				}
			})
		}
		pass(5 * time.Second)
		w.FreezeStreams()
		pass(25 * time.Second)
		w.Close()
		all.Wait()
		if n := len(w.Inbox(w.admin)); n == 0 {
			t.Error("nothing was stored")
		}
	})
}

// net/http sends a request again by itself when a connection that it had used
// before breaks, if the request has an Idempotency-Key.
func TestNetHTTPRepeatsAPostWithAKeyOnItsOwn(t *testing.T) {
	cases := []struct {
		name   string
		opts   Options
		key    string
		again  bool // the body can be read again
		stored int
		err    bool
	}{
		{"without a key the cut is an error", Options{}, "", true, 1, true},
		{"with a key it is hidden, and one is stored", Options{}, "Idempotency-Key: k", true, 1, false},
		{"with a key that is ignored two are stored", Options{IgnoreIdempotency: true}, "Idempotency-Key: k", true, 2, false},
		{"a body that cannot be read again is not sent again", Options{IgnoreIdempotency: true}, "Idempotency-Key: k", false, 1, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.opts)
			w.do("GET", "/health", nil) // now there is a connection that was used before
			w.Misbehave(Fault{Kind: CutAfter, Times: 1})
			if c.key != "" {
				w.http.Transport = rereadable{w.http.Transport, c.again}
			}
			_, err := w.try("POST", statusesPath, url.Values{"status": {"@admin x"}, "visibility": {"direct"}}, header(c.key)...)
			if (err != nil) != c.err {
				t.Errorf("the error is %v", err)
			}
			if n := len(w.Inbox(w.admin)); n != c.stored {
				t.Errorf("%d stored", n)
			}
		})
	}
}

func header(line string) []string {
	if line == "" {
		return nil
	}
	return []string{line}
}

// rereadable takes away, unless again is set, what net/http would read a body
// again with.
type rereadable struct {
	http.RoundTripper
	again bool
}

func (k rereadable) RoundTrip(r *http.Request) (*http.Response, error) {
	if !k.again {
		r = r.Clone(r.Context())
		r.GetBody = nil
	}
	return k.RoundTripper.RoundTrip(r)
}

func TestAClientThatGivesUpEndsWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Misbehave(Fault{Kind: Hang})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", w.URL()+"/health", nil)
		if _, err := w.http.Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		w.life.mu.Lock()
		defer w.life.mu.Unlock()
		if w.life.inside != 2 { // the listener, and who waits for it
			t.Errorf("%d still inside", w.life.inside)
		}
	})
}
