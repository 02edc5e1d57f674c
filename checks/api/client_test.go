package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

func TestAServerThatCannotBeAskedIsNamed(t *testing.T) {
	for _, tc := range []struct{ name, server, wrong string }{
		{"empty", "", "empty"},
		{"no scheme", "mastodon.example", "no scheme"},
		{"no scheme but a port", "mastodon.example:443", "no scheme"},
		{"another scheme", "ftp://mastodon.example", "must be https"},
		{"plain http", "http://mastodon.example", "plain http"},
		{"a host that only looks like loopback", "http://127.0.0.1.example", "plain http"},
		{"no host", "https://", "no host"},
		{"a path", "https://mastodon.example/@bot", "goes on after the host"},
		{"a query", "https://mastodon.example?x=1", "goes on after the host"},
		{"a password", "https://bot:hunter2@mastodon.example", "user name"},
		{"nonsense", "https://mastodon.example:port", "not an address"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := New(tc.server, checks.Secret{}, nil)
			if err == nil || !strings.Contains(err.Error(), tc.wrong) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q", err)
			}
		})
	}
}

func TestAServerThatCanBeAsked(t *testing.T) {
	for _, tc := range []struct {
		name, server, want string
		opts               Options
	}{
		{"https", "https://mastodon.example", "https://mastodon.example", Options{}},
		{"a slash at the end", "https://mastodon.example/", "https://mastodon.example", Options{}},
		{"loopback by number", "http://127.0.0.1:3000", "http://127.0.0.1:3000", Options{}},
		{"loopback in IPv6", "http://[::1]:3000", "http://[::1]:3000", Options{}},
		{"loopback by name", "http://localhost:3000", "http://localhost:3000", Options{}},
		{"plain http when it is wanted", "http://mastodon.example", "http://mastodon.example", Options{PlainHTTP: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := New(tc.server, checks.Secret{}, NewTransport(tc.opts))
			if err != nil || c.Server().String() != tc.want {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}

func TestATokenThatCannotBeOneIsRefusedUnseen(t *testing.T) {
	_, err := New("https://mastodon.example", checks.NewSecret("hunter2\n"), nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestCallsCarryWhatTheyShould(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode([]string{
			r.Method, r.URL.EscapedPath(), r.URL.RawQuery, fmt.Sprint(r.Header.Get("Authorization") == "Bearer "+tokenWords), r.Header.Get("Content-Type"), string(body),
		})
	})
	c := client(t, s, Options{})
	form := url.Values{"status": {"a b"}, "allowed_mentions[]": {"1"}}
	const formType, encoded, bearer = "application/x-www-form-urlencoded", "allowed_mentions%5B%5D=1&status=a+b", "true"
	for _, tc := range []struct {
		name string
		call func(into any) error
		want []string
	}{
		{"a read has a query", func(into any) error {
			return c.Get(t.Context(), "/api/v1/accounts/"+url.PathEscape("a/b"), url.Values{"id[]": {"1", "2"}}, into)
		}, []string{"GET", "/api/v1/accounts/a%2Fb", "id%5B%5D=1&id%5B%5D=2", bearer, "", ""}},
		{"a post has a form", func(into any) error { return c.Post(t.Context(), "/p", form, into) }, []string{"POST", "/p", "", bearer, formType, encoded}},
		{"an empty post has no body", func(into any) error { return c.Post(t.Context(), "/p", nil, into) }, []string{"POST", "/p", "", bearer, "", ""}},
		{"a patch has a form", func(into any) error { return c.Patch(t.Context(), "/p", form, into) }, []string{"PATCH", "/p", "", bearer, formType, encoded}},
		{"a put has a form", func(into any) error { return c.Put(t.Context(), "/p", form, into) }, []string{"PUT", "/p", "", bearer, formType, encoded}},
		{"a deletion has none", func(into any) error { return c.Delete(t.Context(), "/p", nil, into) }, []string{"DELETE", "/p", "", bearer, "", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			if err := tc.call(&got); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAPathThatLeadsElsewhereIsNeverAsked(t *testing.T) {
	c := client(t, server(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) }), Options{})
	for _, path := range []string{
		"", "api", "//evil.example/x", "/api/../admin", "/api/%2e%2e/admin", "/api/%2E%2e%2Fadmin/x", "/x?y", "/x#y", "/x\\y", "/%zz", "https://evil.example/",
	} {
		if err := c.Get(t.Context(), path, nil, nil); err == nil || Sent(err) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestARefusalIsToldInTheServersWords(t *testing.T) {
	const bidi = "\u202eevil\u202c\u200b"
	for _, tc := range []struct {
		name, contentType, body, want string
		code                          int
	}{
		{"Mastodon's error", "application/json", `{"error":"Validation failed: Text is too long"}`, "Validation failed: Text is too long", 422},
		{"OAuth's description", "application/json", `{"error":"invalid_grant","error_description":"The grant is invalid"}`, "The grant is invalid", 400},
		{"an error of another shape", "application/json", `{"error":{"code":1},"message":"no"}`, "no", 400},
		{"a title of a page", "text/html", "<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>", "502 Bad Gateway", 502},
		{"plain text", "text/plain", "slow down\nplease", "slow down please", 503},
		{"nothing", "", "", "Service Unavailable", 503},
		{"a code that nobody knows", "", "", "no words", 599},
		{"hidden characters are dropped", "application/json", `{"error":"a\u0007b` + bidi + ` \n c"}`, "abevil c", 422},
		{"it is cut", "application/json", `{"error":"` + strings.Repeat("あ", 500) + `"}`, strings.Repeat("あ", 200) + "…", 422},
		{"media that is still worked on", "application/json", `{"id":"1"}`, "Partial Content", 206},
		{"a redirect without a way", "text/plain", "", "Not Modified", 304},
		{"a server that shows the request", "text/plain", "Authorization: Bearer " + tokenWords, "Authorization: Bearer ••••", 500},
		{"a page of Cloudflare's that is no challenge", "text/html", `<title>502</title><script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js">`, "502", 502},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := client(t, server(t, says(tc.code, tc.contentType, tc.body)), Options{}).Post(t.Context(), "/api/v1/statuses", nil, new(any))
			var status *StatusError
			if !errors.As(err, &status) {
				t.Fatalf("got %v", err)
			}
			if status.Message != tc.want || status.Code != tc.code || status.Method != "POST" || status.Path != "/api/v1/statuses" {
				t.Errorf("got %q from %+v", status.Message, status)
			}
			if !Sent(err) {
				t.Error("the server answered")
			}
		})
	}
}

func TestARefusalKeepsItsBodyBounded(t *testing.T) {
	body := `{"error":"x","unexpected_accounts":[{"id":"7"}],"pad":"` + strings.Repeat("x", 100<<10)
	err := client(t, server(t, says(422, "application/json", body)), Options{MaxBody: 8 << 10}).Get(t.Context(), "/x", nil, nil)
	var status *StatusError
	if !errors.As(err, &status) || len(status.Body) == 0 || len(status.Body) > 64<<10 || !bytes.Contains(status.Body, []byte(`"id":"7"`)) {
		t.Errorf("got %.200v", err)
	}
}

func TestWhatIsNotTheExpectedJSON(t *testing.T) {
	page := "<!DOCTYPE html><html><title>Welcome</title></html>"
	for _, tc := range []struct {
		name, contentType, body string
		code                    int
		header                  [2]string
		challenge               bool
	}{
		{"a page with 200", "text/html; charset=utf-8", page, 200, [2]string{}, false},
		{"a page that calls itself JSON", "application/json", page, 200, [2]string{}, false},
		{"JSON that is cut off", "application/json", `{"a":`, 200, [2]string{}, false},
		{"nothing at all", "application/json", "", 200, [2]string{}, false},
		{"Cloudflare's challenge", "text/html", "<title>Just a moment...</title><script>window._cf_chl_opt={}</script>", 403, [2]string{}, true},
		{"a challenge that the header names", "text/html", page, 403, [2]string{"cf-mitigated", "challenge"}, true},
		{"Anubis", "text/html", `<link href="/.within.website/x/cmd/anubis/static/x.css">`, 200, [2]string{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := server(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.header[0] != "" {
					w.Header().Set(tc.header[0], tc.header[1])
				}
				says(tc.code, tc.contentType, tc.body)(w, r)
			})
			err := client(t, s, Options{}).Get(t.Context(), "/x", nil, new(any))
			var notJSON *NotJSONError
			if !errors.As(err, &notJSON) || notJSON.Challenge != tc.challenge || notJSON.Code != tc.code || utf8.RuneCountInString(notJSON.Start) > 201 {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("a page is no success either where the answer does not matter", func(t *testing.T) {
		var notJSON *NotJSONError
		if err := client(t, server(t, says(200, "text/html", page)), Options{}).Post(t.Context(), "/x", nil, nil); !errors.As(err, &notJSON) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an empty answer is fine there", func(t *testing.T) {
		if err := client(t, server(t, says(200, "", "")), Options{}).Post(t.Context(), "/x", nil, nil); err != nil {
			t.Error(err)
		}
	})
	for _, tc := range []struct{ name, body string }{
		{"JSON of another type", `["x"]`},
		{"JSON that is nested too deep", `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`},
		{"brackets without end", strings.Repeat("[", 1<<20)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var shape *ShapeError
			err := client(t, server(t, says(200, "application/json", tc.body)), Options{}).Get(t.Context(), "/x", nil, &map[string]any{})
			if !errors.As(err, &shape) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("sixty-four deep is still read, and brackets in strings do not count", func(t *testing.T) {
		body := strings.Repeat("[", 64) + `"` + strings.Repeat("[", 99) + `\"["` + strings.Repeat("]", 64)
		if err := client(t, server(t, says(200, "application/json", body)), Options{}).Get(t.Context(), "/x", nil, new(any)); err != nil {
			t.Error(err)
		}
	})
}

// shows prints a value in every way that a log might.
func shows(t *testing.T, v any) string {
	t.Helper()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	asJSON, _ := json.Marshal(v)
	return fmt.Sprintf("%v %+v %#v %s %q %d %x %s %s", v, v, v, v, v, v, v, log.String(), asJSON)
}

func TestTheTokenIsNeverShown(t *testing.T) {
	echo := func(code int, contentType string) *httptest.Server {
		return server(t, func(w http.ResponseWriter, r *http.Request) {
			says(code, contentType, "<p>"+r.Header.Get("Authorization")+"</p>")(w, r)
		})
	}
	for _, tc := range []struct {
		name, server string
		opts         Options
	}{
		{"nobody listens", "http://127.0.0.1:1", Options{}},
		{"it hangs up", cutter(t), Options{}},
		{"an error page with the request in it", echo(500, "text/html").URL, Options{}},
		{"a page with the request in it", echo(200, "text/html").URL, Options{}},
		{"broken JSON with the request in it", echo(200, "application/json").URL, Options{}},
		{"too large", echo(200, "application/json").URL, Options{MaxBody: 4}},
		{"too many requests", echo(429, "application/json").URL, Options{}},
		{"a redirect without end", server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }).URL, Options{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := New(tc.server, checks.NewSecret(tokenWords), transport(t, tc.opts))
			if err != nil {
				t.Fatal(err)
			}
			err = c.Get(t.Context(), "/x", nil, new(any))
			if err == nil {
				t.Fatal("no error")
			}
			answer, probed := c.Probe(t.Context(), "/x", nil)
			for _, v := range []any{err, answer, probed, errors.Unwrap(err), c, *c.Server(), &Stream{Client: c}, struct{ C *Client }{c}, struct{ c *Client }{c}} {
				if got := shows(t, v); strings.Contains(got, tokenWords) || strings.Contains(got, fmt.Sprintf("%x", tokenWords)) {
					t.Errorf("%T shows it: %s", v, got)
				}
			}
		})
	}
}
