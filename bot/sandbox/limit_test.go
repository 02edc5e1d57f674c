package sandbox

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimitsAreMastodons(t *testing.T) {
	cases := []struct {
		name   string
		method string
		path   string
		limit  int
		period time.Duration
	}{
		{"requests of one token", "GET", "/api/v1/accounts/verify_credentials", 300, 5 * time.Minute},
		{"deleting", "DELETE", statusesPath + "/1", 30, 30 * time.Minute},
		{"uploading", "POST", "/api/v2/media", 30, 30 * time.Minute},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // a bubble begins at midnight
				w := newWorld(t, Options{})
				pass(time.Minute + 1500*time.Microsecond)
				for n := range c.limit {
					got := w.do(c.method, c.path, nil)
					if got.code == http.StatusTooManyRequests {
						t.Fatalf("refused at %d", n)
					}
				}
				got := w.do(c.method, c.path, nil)
				if got.code != http.StatusTooManyRequests || got.header.Get("Retry-After") != "" {
					t.Fatalf("%d %v", got.code, got.header)
				}
				reset := time.Date(2000, 1, 1, 0, 0, 0, 1500*1000, time.UTC).Add(c.period)
				if at := got.header.Get("X-RateLimit-Reset"); at != reset.Format("2006-01-02T15:04:05.000000Z") {
					t.Errorf("reset is %s", at)
				}
				if got.header.Get("X-RateLimit-Remaining") != "0" || got.object(t)["error"] == nil {
					t.Errorf("%v", got.header)
				}
				pass(time.Until(reset))
				if got := w.do(c.method, c.path, nil); got.code == http.StatusTooManyRequests {
					t.Error("still refused after the reset")
				}
			})
		})
	}
}

func TestPagingHasALimitOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for n := range 301 {
			if n == 150 || n == 300 {
				pass(5 * time.Minute) // the limit of the token is not met
			}
			got := w.do("GET", "/api/v1/notifications?min_id=1", nil)
			if (got.code == 429) != (n == 300) {
				t.Fatalf("%d at request %d", got.code, n)
			}
		}
		if got := w.do("GET", "/api/v1/notifications", nil); got.code != 200 {
			t.Errorf("without a cursor: %d", got.code)
		}
	})
}

func TestThreeHundredPostsInThreeHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		for n := range 300 {
			if n%100 == 0 {
				pass(5 * time.Minute)
			}
			got := w.tell("@admin x")
			if got.code != 200 {
				t.Fatalf("%d at post %d", got.code, n)
			}
			if n == 299 && got.header.Get("X-RateLimit-Remaining") != "0" {
				t.Errorf("%v", got.header)
			}
		}
		if got := w.tell("@admin x"); got.code != 429 || got.header.Get("X-RateLimit-Limit") != "300" {
			t.Errorf("%d %v", got.code, got.header)
		}
		pass(2*time.Hour + 45*time.Minute)
		if got := w.tell("@admin x"); got.code != 200 {
			t.Errorf("after three hours: %d", got.code)
		}
	})
}

func TestLimitsCanBeScaledAndSwitchedOff(t *testing.T) {
	w := newWorld(t, Options{LimitFactor: 0.01})
	codes := []int{}
	for range 4 {
		codes = append(codes, w.do("GET", "/api/v2/instance", nil).code)
	}
	if codes[2] != 200 || codes[3] != 429 {
		t.Errorf("%v", codes)
	}
	for _, opts := range []Options{{NoLimits: true}, {Flavour: GoToSocial}} {
		w = newWorld(t, opts)
		if got := w.do("GET", "/api/v2/instance", nil); got.header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("%v", got.header)
		}
	}
}

func TestA429OnRequestTellsItsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Misbehave(Fault{Kind: Answer, Status: 429, Delay: 90 * time.Second})
		got := w.do("GET", "/api/v2/instance", nil)
		if at := got.header.Get("X-RateLimit-Reset"); at != "2000-01-01T00:01:30.000000Z" {
			t.Errorf("reset is %q", at)
		}
		if !json.Valid([]byte(got.body)) || got.code != 429 {
			t.Errorf("%d %s", got.code, got.body)
		}
	})
}
