package latency

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

const domain = "mastodon.example"

// served is a real nginx before an application whose speed the test sets.
type served struct {
	*checkstest.Nginx
	site     *site.Site
	kind     checks.Kind
	past     *checkstest.Past
	c        *check
	delay    atomic.Int64 // of the API, in nanoseconds
	hang     atomic.Bool  // the API does not answer
	hangPage atomic.Bool  // nor does the page
	shut     atomic.Int64 // the status of the public timeline, if not 200
	asked    atomic.Int64
}

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{Nginx: checkstest.NewNginx(t), past: &checkstest.Past{}}
	app := httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(app.Close)
	ca := checkstest.NewCA(t, "Root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{domain}})
	s.Install(t, cert.FullChain(), cert)
	s.Start(t, s.Server("location / { proxy_pass "+app.URL+"; }"))
	s.site = &site.Site{Domain: domain, Address: s.Addr, Roots: ca.Roots(), Proc: "/nowhere"}
	s.kind = Kind(s.site)
	c, err := newCheck(s.site, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	s.c = c
	return s
}

// answer is a Mastodon as far as it matters here.
func (s *served) answer(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	w.Header().Set("X-Runtime", "0.001234")
	if r.URL.Path == pagePath {
		if s.hangPage.Load() {
			<-r.Context().Done()
			return
		}
		if r.Header.Get("Accept") == "application/json" {
			http.Error(w, "not acceptable", http.StatusNotAcceptable)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!DOCTYPE html><title>about</title>"))
		return
	}
	late := time.NewTimer(time.Duration(s.delay.Load()))
	defer late.Stop()
	if s.hang.Load() {
		<-r.Context().Done()
		return
	}
	select {
	case <-late.C:
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if code := s.shut.Load(); code != 0 && r.URL.Path == timelinePath {
		w.WriteHeader(int(code))
		_, _ = w.Write([]byte(`{"error":"This method requires an authenticated user"}`))
		return
	}
	_, _ = w.Write([]byte("[]"))
}

func (s *served) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, s.kind, s.c, s.past)
}

// minutes puts samples of the last minutes into the past, as looks would have.
func (s *served) minutes(t *testing.T, n int, side string, took time.Duration) {
	t.Helper()
	m, _ := remembered(s.past)
	m.Samples[side] = nil
	for i := n; i > 0; i-- {
		m.Samples[side] = append(m.Samples[side], sample{at: time.Now().Add(-time.Duration(i) * time.Minute), took: took})
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	s.past.Memory = map[string][]byte{memoryKey: b}
}

func (s *served) usual(d time.Duration) {
	s.past.Bands = map[checkstest.Series]checks.Band{
		{Name: responseTime, Subject: apiSide}: {Mid: d.Seconds(), Days: 8},
		{Name: responseTime, Subject: page}:    {Mid: d.Seconds(), Days: 8},
	}
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	if !strings.Contains(text.En, en) {
		t.Errorf("English is %q, want it to say %q", text.En, en)
	}
	if !strings.Contains(text.Ja, ja) {
		t.Errorf("Japanese is %q, want it to say %q", text.Ja, ja)
	}
}

func TestContract(t *testing.T) {
	s := serve(t)
	checkstest.Contract(t, s.kind, "")
}

func TestALookSaysBothNumbersWithTwoRequests(t *testing.T) {
	s := serve(t)
	s.usual(80 * time.Millisecond)
	o := s.look(t)
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v", o.Findings, o.Blind)
	}
	says(t, o.Summary, " (usually 80), page ", "（普段80ms）、ページ")
	for _, side := range []string{apiSide, page} {
		took := checkstest.Value(t, o, responseTime, side)
		app := checkstest.Value(t, o, appTime, side)
		if took <= 0 || took > 2 || app > took || app <= 0 {
			t.Errorf("%s: took %v s, of it %v s in the application", side, took, app)
		}
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestSlowAnswersAreFoundByTheWindowsAndMend(t *testing.T) {
	s := serve(t)
	s.usual(80 * time.Millisecond)
	s.minutes(t, 21, apiSide, 30*time.Millisecond)
	if o := s.look(t); len(o.Findings) > 0 {
		t.Fatalf("all is well: %+v", o.Findings)
	}

	s.delay.Store(int64(900 * time.Millisecond))
	s.minutes(t, 21, apiSide, 900*time.Millisecond)
	f, ok := checkstest.Find(s.look(t), slow, apiSide)
	if !ok || f.Holds || f.Severity != checks.Warning || f.Road != checks.Morning {
		t.Fatalf("900 ms for twenty minutes: %+v", f)
	}
	says(t, f.Text, "API answers slowly: 90", "応答が遅くなっています")
	says(t, f.Text, "Mastodon itself takes only 1 ms", "Mastodonの処理は1msだけ")

	s.minutes(t, 21, apiSide, 3*time.Second)
	if f, ok = checkstest.Find(s.look(t), slow, apiSide); !ok || f.Severity != checks.Critical || f.Road != checks.Now {
		t.Errorf("3 s where 80 ms is usual: %+v", f)
	}

	s.minutes(t, 2, apiSide, 30*time.Millisecond) // after a pause of the watch
	s.delay.Store(0)
	if o := s.look(t); len(o.Findings) > 0 || len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: slow, Subject: apiSide}) {
		t.Errorf("two quick answers end nothing: %+v, %+v", o.Findings, o.Blind)
	}

	s.minutes(t, 21, apiSide, 30*time.Millisecond)
	if o := s.look(t); len(o.Findings) > 0 {
		t.Errorf("all is well again: %+v", o.Findings)
	}
}

func TestSamplesAreRememberedFromLookToLook(t *testing.T) {
	s := serve(t)
	for range 3 {
		s.look(t)
	}
	m, watched := remembered(s.past)
	if !watched || len(m.Samples[apiSide]) != 3 || len(m.Samples[page]) != 3 || m.Turn != 3 {
		t.Errorf("remembered %+v", m)
	}
}

func TestATimeOutCountsAsItsLengthWhereTheOtherSideAnswers(t *testing.T) {
	s := serve(t)
	s.hang.Store(true)
	o := s.look(t)
	if took := checkstest.Value(t, o, responseTime, apiSide); took != 2 {
		t.Errorf("a time-out of two seconds counts as %v s", took)
	}
}

func TestAClosedTimelineIsPassedByTheInstance(t *testing.T) {
	s := serve(t)
	s.shut.Store(http.StatusUnauthorized)
	o := s.look(t)
	checkstest.Value(t, o, responseTime, apiSide)
	if n := s.asked.Load(); n != 3 {
		t.Errorf("%d requests to find out, want 3", n)
	}
	s.look(t)
	if n := s.asked.Load(); n != 5 {
		t.Errorf("%d requests after two looks, want 5", n)
	}
}

func TestANamedLookTakesAFewSamplesThatCountAsOne(t *testing.T) {
	s := serve(t)
	s.delay.Store(int64(20 * time.Millisecond))
	o, err := s.c.LookThoroughly(t.Context(), s.past)
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, s.kind, o)
	s.past.Record(o, time.Now())
	if m, _ := remembered(s.past); len(m.Samples[apiSide]) != 1 {
		t.Errorf("remembered %+v", m)
	}
	if n := s.asked.Load(); n != 2*inARow {
		t.Errorf("%d requests, want %d", n, 2*inARow)
	}
	if len(o.Findings) > 0 {
		t.Errorf("findings %+v", o.Findings)
	}

	s.delay.Store(int64(1200 * time.Millisecond))
	o, err = s.c.LookThoroughly(t.Context(), checks.NoPast{})
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, s.kind, o)
	f, ok := checkstest.Find(o, slow, apiSide)
	if !ok || f.Severity != checks.Warning || f.Holds {
		t.Fatalf("1.2 s five times: %+v", o.Findings)
	}
	says(t, f.Text, "Of 5 answers just now, half took longer than 1.2 s", "いま5回試したところ")
}

func TestWhatIsNoAnswerOfTheApplicationsIsNoSample(t *testing.T) {
	s := serve(t)
	for name, config := range map[string]string{
		"a bad gateway":         "location / { return 502; }",
		"a challenge":           "location / { default_type text/html; return 200 '<html><title>Just a moment...</title>_cf_chl_opt</html>'; }",
		"a stale cache":         "location / { add_header X-Cached STALE always; return 200 '[]'; }",
		"too many requests":     "location / { return 429; }",
		"an answer without end": "location / { return 444; }",
	} {
		t.Run(name, func(t *testing.T) {
			s.Reload(t, s.Server(config))
			_, err := s.c.Look(t.Context(), s.past)
			var unseen *checks.Unseen
			if !errors.As(err, &unseen) {
				t.Fatalf("error %v", err)
			}
			if strings.Contains(name, "many") {
				says(t, unseen.Why, "429", "429")
			}
		})
	}
	s.Stop(t)
	if _, err := s.c.Look(t.Context(), s.past); !errors.As(err, new(*checks.Unseen)) {
		t.Errorf("a dead server: %v", err)
	}
}

func TestASideWithoutAnswerIsBlindAndTheOtherGoesOn(t *testing.T) {
	s := serve(t)
	s.Reload(t, s.Server("location /about { return 500; } location / { default_type application/json; return 200 '[]'; }"))
	o := s.look(t)
	if len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: slow, Subject: page}) {
		t.Errorf("blind %+v", o.Blind)
	}
	checkstest.Value(t, o, responseTime, apiSide)
}

func TestQueriesTakeTurnsSoThatCachesStaySmall(t *testing.T) {
	s := serve(t)
	m := memory{Samples: map[string][]sample{}}
	for range 2 * turns {
		s.c.ask(t.Context(), &m, "")
		if m.Turn < 0 || m.Turn >= turns {
			t.Fatalf("turn %d", m.Turn)
		}
	}
}

func TestAMemoryThatCannotBeReadIsNone(t *testing.T) {
	huge, err := json.Marshal(memory{Turn: -1 << 40, Samples: map[string][]sample{"other": {{at: time.Now()}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{nil, []byte("{"), []byte(`{"samples":3}`), []byte(`{"samples":{"api":[[1]]}}`), huge, bytes.Repeat([]byte("["), 10000)} {
		m, _ := remembered(&checkstest.Past{Memory: map[string][]byte{memoryKey: b}})
		if m.Turn != 0 || len(m.Samples["other"]) > 0 {
			t.Errorf("%.40q: %+v", b, m)
		}
		m.add(apiSide, time.Now(), sample{})
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := memory{Samples: map[string][]sample{}}
	now := time.Now()
	for i := range 1000 {
		m.add(apiSide, now.Add(time.Duration(i)*time.Second), sample{took: time.Hour, app: time.Hour})
	}
	m.add(page, now.Add(time.Hour), sample{}) // from a clock that went ahead
	m.add(page, now, sample{})
	if len(m.Samples[apiSide]) != most || len(m.Samples[page]) != 1 {
		t.Errorf("%d and %d samples", len(m.Samples[apiSide]), len(m.Samples[page]))
	}
	if b, err := json.Marshal(m); err != nil || len(b) > 8<<10 {
		t.Errorf("%d bytes, error %v", len(b), err)
	}
}

func TestALookWithoutTimeIsNoFinding(t *testing.T) {
	s := serve(t)
	s.delay.Store(int64(time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.c.Look(ctx, s.past); !errors.As(err, new(*checks.Unseen)) {
		t.Errorf("error %v", err)
	}
}

func TestWithoutADomainItIsNotSetUp(t *testing.T) {
	var missing *checks.NotSetUp
	if _, err := Kind(&site.Site{}).New(checkstest.Table("")); !errors.As(err, &missing) || missing.Setting != "[server] domain" {
		t.Errorf("error %v", err)
	}
}
