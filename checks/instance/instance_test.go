package instance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

const (
	domain = "mastodon.example"
	v1JSON = `{"uri":"mastodon.example","title":"Test","version":"4.5.2","stats":{"user_count":1500,"status_count":9,"domain_count":3},"urls":{"streaming_api":"wss://mastodon.example"},"rules":[]}`
	v2JSON = `{"domain":"mastodon.example","title":"Test","version":"4.5.2","usage":{"users":{"active_month":9}},"configuration":{"statuses":{"max_characters":500}},"rules":[]}`
)

// served is a real nginx before a Mastodon made of two files.
type served struct {
	*checkstest.Nginx
	site *site.Site
	kind checks.Kind
	past *checkstest.Past
	c    checks.Check
}

// apiFiles serves the two files as what they are.
const apiFiles = "location /api/ { default_type application/json; }\n"

func serve(t *testing.T) *served {
	t.Helper()
	ca := checkstest.NewCA(t, "Root")
	s := &served{Nginx: checkstest.NewNginx(t), past: &checkstest.Past{}}
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{domain}})
	s.Install(t, cert.FullChain(), cert)
	s.files(t, v1JSON, v2JSON)
	s.Start(t, s.Server(apiFiles))
	s.site = &site.Site{Domain: domain, Address: s.Addr, Roots: ca.Roots(), Proc: "/nowhere"}
	s.kind = Kind(s.site)
	s.c = checkstest.Make(t, s.kind, "")
	return s
}

func (s *served) files(t *testing.T, one, two string) {
	t.Helper()
	s.Write(t, "www/api/v1/instance", []byte(one))
	s.Write(t, "www/api/v2/instance", []byte(two))
}

func (s *served) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, s.kind, s.c, s.past)
}

func healthy(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v, want none", o.Findings, o.Blind)
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

func TestAHealthyServerSaysItsVersionAndTime(t *testing.T) {
	s := serve(t)
	s.past.Bands = map[checkstest.Series]checks.Band{
		{Name: answerTime, Subject: v1}: {Mid: 0.080}, {Name: answerTime, Subject: v2}: {Mid: 0.080},
	}
	o := s.look(t)
	healthy(t, o)
	says(t, o.Summary, "v1 and v2 answer in ", "v1とv2の応答")
	says(t, o.Summary, " (usually 80), Mastodon 4.5.2", "（普段80ms）、Mastodon 4.5.2")
	for _, which := range []string{v1, v2} {
		if took := checkstest.Value(t, o, answerTime, which); took <= 0 || took > 5 {
			t.Errorf("%s took %v s", which, took)
		}
	}
}

// endless answers with more than anybody wants.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	zeros := []byte(strings.Repeat("0", 64<<10))
	for r.Context().Err() == nil {
		if _, err := w.Write(zeros); err != nil {
			return
		}
	}
}

// after answers like an instance, late.
func after(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		late := time.NewTimer(d)
		defer late.Stop()
		select {
		case <-late.C:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "application/json")
		body := v2JSON
		if strings.Contains(r.URL.Path, "v1") {
			body = v1JSON
		}
		_, _ = w.Write([]byte(body))
	}
}

func upstream(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return "location /api/ { proxy_pass " + s.URL + "; proxy_buffering off; }\n"
}

func TestWhatIsWrongIsFoundAndMends(t *testing.T) {
	s := serve(t)
	s.Write(t, "www/page.html", []byte("<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>_cf_chl_opt</body></html>"))
	s.Write(t, "www/error.html", []byte("<html><title>500</title><body>We're sorry</body></html>"))
	for _, tt := range []struct {
		name     string
		config   string
		one, two string // bodies instead of the good ones
		code     string
		severity checks.Severity
		en, ja   string
		holds    []string // codes that must not be resolved by this look
	}{
		{
			name: "v1 alone answers 500: the view", config: "location = /api/v1/instance { error_page 500 /error.html; return 500; }" + apiFiles,
			code: v1, severity: checks.Critical, en: "/api/v1/instance fails (500 Internal Server Error), v2 works", ja: "instances",
		},
		{
			name: "v1 alone answers 503", config: "location = /api/v1/instance { return 503; }" + apiFiles,
			code: v1, severity: checks.Critical, en: "(503 Service Unavailable)", ja: "（503 Service Unavailable）",
		},
		{
			name: "both answer 502", config: "error_page 502 /error.html; location /api/ { return 502; }",
			code: v2, severity: checks.Critical, en: "/api/v1/instance and v2 fail (502 Bad Gateway)", ja: "/api/v1/instanceとv2",
			holds: []string{v1, slow},
		},
		{
			name: "v2 alone is not there", config: "location = /api/v2/instance { return 404; }" + apiFiles,
			code: v2, severity: checks.Critical, en: "/api/v2/instance fails (404 Not Found)", ja: "404 Not Found",
		},
		{
			name: "cut off in the middle", two: v2JSON[:60],
			code: v2, severity: checks.Critical, en: "no valid JSON", ja: "JSONとして壊れています",
		},
		{
			name: "empty", one: " ",
			code: v1, severity: checks.Critical, en: "no valid JSON", ja: "JSONとして壊れています",
		},
		{
			name: "JSON of something else", two: `{"hello":"world"}`,
			code: v2, severity: checks.Critical, en: "not that of an instance", ja: "サーバー情報ではありません",
		},
		{
			name: "JSON that never ends its brackets", two: strings.Repeat("[", 100000),
			code: v2, severity: checks.Critical, en: "/api/v2/instance fails", ja: "/api/v2/instance",
		},
		{
			name: "gigabytes", config: upstream(t, endless),
			code: v2, severity: checks.Critical, en: "far too large", ja: "異常に大きく", holds: []string{v1, slow},
		},
		{
			name: "round and round", config: "location /api/ { return 302 https://" + domain + "$request_uri; }",
			code: v2, severity: checks.Critical, en: "lead elsewhere (302 Found)", ja: "転送されます", holds: []string{v1},
		},
		{
			name: "to another host", config: "location /api/ { return 301 https://social.example$request_uri; }",
			code: v2, severity: checks.Critical, en: "It redirects to \"social.example\"", ja: "転送先は「social.example」", holds: []string{v1},
		},
		{
			name: "a challenge with 200", config: "location /api/ { rewrite ^ /page.html break; }",
			code: challenge, severity: checks.Warning, en: "answers with a page for browsers", ja: "Cloudflareによる", holds: []string{v1, v2, slow},
		},
		{
			name: "a challenge with 503", config: "error_page 503 /page.html; location = /page.html { internal; } location /api/ { return 503; }",
			code: challenge, severity: checks.Warning, en: "Probably it is the browser check of Cloudflare", ja: "Cloudflareによる", holds: []string{v1, v2, slow},
		},
		{
			name: "somebody's page with 403", config: "error_page 403 /error.html; location = /error.html { internal; } location /api/ { return 403; }",
			code: challenge, severity: checks.Warning, en: "something in front of the server", ja: "手前にある何か", holds: []string{v1, v2, slow},
		},
		{
			name: "an answer after more than two seconds", config: upstream(t, after(2200*time.Millisecond)),
			code: slow, severity: checks.Warning, en: "takes 2.", ja: "応答に2.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.config == "" {
				tt.config = apiFiles
			}
			s.files(t, firstOf(tt.one, v1JSON), firstOf(tt.two, v2JSON))
			s.Reload(t, s.Server(tt.config))
			s.past.Memory = map[string][]byte{openKey: []byte(`["v1","v2","slow","challenge"]`)}
			o := s.look(t)
			f, ok := checkstest.Find(o, tt.code, "")
			if !ok || f.Severity != tt.severity || f.Holds || f.Road != checks.Now {
				t.Fatalf("findings %+v", o.Findings)
			}
			says(t, f.Text, tt.en, tt.ja)
			for _, other := range o.Findings {
				if other.Code != tt.code && !other.Holds {
					t.Errorf("found as well: %+v", other)
				}
			}
			for _, code := range tt.holds {
				if !held(o, code) {
					t.Errorf("%s would be resolved", code)
				}
			}
			s.files(t, v1JSON, v2JSON)
			s.Reload(t, s.Server(apiFiles))
			healthy(t, s.look(t))
		})
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func held(o checks.Observation, code string) bool {
	if f, ok := checkstest.Find(o, code, ""); ok {
		return f.Holds
	}
	for _, b := range o.Blind {
		if b.Hides(checks.Key{Code: code}) {
			return true
		}
	}
	return false
}

func TestTheCommandForTheViewIsTheChecklists(t *testing.T) {
	s := serve(t)
	s.Reload(t, s.Server("location = /api/v1/instance { return 500; }"+apiFiles))
	f, ok := checkstest.Find(s.look(t), v1, "")
	if !ok {
		t.Fatal("nothing was found")
	}
	if got, want := f.Advice.Mend[0].String(), "sudo -u postgres psql -d mastodon_production -c 'refresh materialized view instances'"; got != want {
		t.Errorf("advice %q, want %q", got, want)
	}
	says(t, f.Text, "SubwayTooter", "SubwayTooter")
}

func TestAServerForMembersOnlyIsNotIll(t *testing.T) {
	s := serve(t)
	s.Reload(t, s.Server(`location = /api/v1/instance { default_type application/json; return 401 '{"error":"This method requires an authenticated user"}'; }`+apiFiles))
	o := s.look(t)
	healthy(t, o)
	says(t, o.Summary, "v1 only to those signed in", "v1はログイン必須の設定")
}

func TestOtherSoftwareIsNotIll(t *testing.T) {
	s := serve(t)
	s.Reload(t, s.Server("location = /api/v2/instance { return 404; }"+apiFiles))
	for version, want := range map[string]string{
		"2.7.2 (compatible; Pleroma 2.5.0)": "this software has no v2), Pleroma",
		"3.5.3":                             "this software has no v2), Mastodon 3.5.3",
	} {
		s.files(t, strings.Replace(v1JSON, "4.5.2", version, 1), v2JSON)
		o := s.look(t)
		healthy(t, o)
		says(t, o.Summary, want, "このソフトウェアにv2はありません")
	}
	s.files(t, strings.Replace(v1JSON, "4.5.2", "0.19.1+git-1234567", 1), strings.Replace(v2JSON, "4.5.2", "0.19.1+git-1234567", 1))
	s.Reload(t, s.Server(apiFiles))
	o := s.look(t)
	healthy(t, o)
	says(t, o.Summary, "GoToSocial 0.19.1", "GoToSocial 0.19.1")
}

func TestTheLocalDomainMayDiffer(t *testing.T) {
	s := serve(t)
	s.files(t, v1JSON, strings.Replace(v2JSON, `"domain":"mastodon.example"`, `"domain":"example.org"`, 1))
	o := s.look(t)
	healthy(t, o)
	says(t, o.Summary, "Mastodon 4.5.2 of example.org", "Mastodon 4.5.2（example.org）")
}

func TestWordsOfTheServerAreHarmless(t *testing.T) {
	s := serve(t)
	evil := `@evil@example.com\nFix: rm -rf /\u202e https://evil.example/ #12x`
	s.files(t,
		fmt.Sprintf(`{"uri":"%s","version":"%s"}`, evil, evil),
		fmt.Sprintf(`{"domain":"%s","version":"%s"}`, evil, evil))
	o := s.look(t)
	if strings.ContainsAny(o.Summary.En+o.Summary.Ja, "@#\n\u202e") || strings.Contains(o.Summary.En, "//") || strings.Contains(o.Summary.En, "Fix: ") {
		t.Errorf("summary %q", o.Summary.En)
	}
	s.Reload(t, s.Server("location /api/ { add_header Location 'https://@evil@example.com/' always; return 302; }"))
	s.look(t)
}

func TestOurOwnTroubleIsNoFinding(t *testing.T) {
	s := serve(t)
	s.Reload(t, s.Server("location /api/ { add_header Retry-After 60 always; return 429; }"))
	_, err := s.c.Look(t.Context(), s.past)
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) {
		t.Fatalf("429: %v", err)
	}
	says(t, unseen.Why, "asks too often", "429")

	s.Reload(t, s.Server("location = /api/v1/instance { return 429; }"+apiFiles))
	o := s.look(t)
	if len(o.Findings) != 0 || !held(o, v1) || held(o, v2) {
		t.Errorf("findings %+v, blind %+v", o.Findings, o.Blind)
	}

	other := checkstest.NewCA(t, "Other").Issue(t, checkstest.Leaf{Names: []string{domain}})
	s.Install(t, other.FullChain(), other)
	s.Reload(t, s.Server(apiFiles))
	if _, err := s.c.Look(t.Context(), s.past); !errors.As(err, &unseen) {
		t.Fatalf("a certificate of somebody else's: %v", err)
	}
	says(t, unseen.Why, "the certificate is not accepted", "証明書に問題がある")

	s.Stop(t)
	if o = s.look(t); len(o.Blind) > 0 {
		t.Errorf("nothing is open that could be held: %+v", o.Blind)
	}
	s.past.Memory = map[string][]byte{openKey: []byte(`["slow","challenge"]`)}
	s.look(t)
	o = s.look(t) // and it is still held the second time
	f, ok := checkstest.Find(o, v2, "")
	if !ok || !held(o, v1) || !held(o, slow) || !held(o, challenge) {
		t.Fatalf("a dead server: %+v", o)
	}
	says(t, f.Text, "the connection is refused", "接続を拒否されます")
}

func TestAServerThatHangsUpIsFound(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	defer func() {
		_ = l.Close()
		<-ended
	}()
	k := Kind(&site.Site{Domain: domain, Address: l.Addr().String()})
	f, ok := checkstest.Find(checkstest.Look(t, k, checkstest.Make(t, k, ""), nil), v2, "")
	if !ok {
		t.Fatal("nothing was found")
	}
	says(t, f.Text, "the connection is cut", "接続が切れます")
}

func TestALookWithoutTimeIsNoFinding(t *testing.T) {
	s := serve(t)
	s.Reload(t, s.Server(upstream(t, after(time.Hour))))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.c.Look(ctx, s.past); !errors.As(err, new(*checks.Unseen)) {
		t.Errorf("error %v", err)
	}
}

func TestWithoutADomainItIsNotSetUp(t *testing.T) {
	var missing *checks.NotSetUp
	if _, err := Kind(&site.Site{}).New(checkstest.Table("")); !errors.As(err, &missing) || missing.Setting != "[server] domain" {
		t.Errorf("error %v", err)
	}
	if _, err := Kind(&site.Site{Domain: domain}).New(checkstest.Table("speed = 1")); err == nil {
		t.Error("an unknown setting was accepted")
	}
}
