package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// unplain tells what is wrong with words that are to be quoted in one line.
func unplain(s string, most int) string {
	switch {
	case !utf8.ValidString(s):
		return "no text"
	case utf8.RuneCountInString(s) > most:
		return "too long"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }):
		return "characters that are not seen"
	}
	return ""
}

// FuzzFrame: a message of the stream is an event or a complaint or nothing, and
// never both; a complaint is one short line.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		`{"stream":["user:notification"],"event":"notification","payload":"{}"}`, `{"error":"Missing access token","status":401}`,
		`{"error":"a\u202eb\nc","status":"x"}`, `{"event":7}`, `[]`, `null`, strings.Repeat(`{"a":`, 100), `{"error":"` + strings.Repeat("é", 500) + `"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		event, problem := readFrame(data)
		if event != "" && problem != "" {
			t.Errorf("both %q and %q", event, problem)
		}
		if wrong := unplain(problem, maxWords+30); wrong != "" {
			t.Errorf("%q: %s", problem, wrong)
		}
		if (event != "" || problem != "") && Depth(data) > maxDepth {
			t.Error("it is read though it is too deep")
		}
	})
}

// FuzzInstance: an instance that is believed has a domain and a version and sane
// limits, and a refusal is told in one line of ordinary length.
func FuzzInstance(f *testing.F) {
	for _, s := range []string{
		`{"domain":"a.example","version":"4.5.2","title":"A","languages":["ja"],"rules":[{"id":"1","text":"x","translations":{"ja":{"text":"y"}}}],` +
			`"configuration":{"urls":{"streaming":"wss://s.example"},"statuses":{"max_characters":500,"characters_reserved_per_url":23}},"registrations":{"enabled":true,"approval_required":true},"api_versions":{"mastodon":7}}`,
		`{"uri":"https://a.example/","version":"2.7.2 (compatible; Pleroma 2.6)","max_toot_chars":5000,"urls":{"streaming_api":"wss://a.example"},"registrations":false}`,
		`{"domain":[],"version":4}`, `{"uri":"a","version":"x","rules":[7,{"id":1e300},{"id":2.5}]}`, `<html><title>Just a moment...</title>`, `{"error":"x\ny"}`, strings.Repeat("[", 70),
	} {
		f.Add([]byte(s), uint16(200), "application/json")
	}
	f.Add([]byte("<title>\u202e</title>"), uint16(503), "text/html; charset=utf-8")
	f.Add([]byte(`{"error_description":"no","error":"x"}`), uint16(401), "application/json")
	f.Fuzz(func(t *testing.T, body []byte, code uint16, kind string) {
		a := Answer{Method: "GET", Path: "/x", Code: int(code), ContentType: oneLine(kind, maxWords), Body: body}
		for _, read := range []func() (Instance, error){a.InstanceV2, a.InstanceV1} {
			in, err := read()
			if err != nil {
				if wrong := unplain(err.Error(), 4*maxWords); wrong != "" {
					t.Errorf("%q: %s", err, wrong)
				}
				continue
			}
			if in.Domain == "" || in.Version == "" || in.MaxCharacters < 0 || in.ReservedPerURL < 0 || in.DescriptionLimit < 0 || Depth(body) > maxDepth {
				t.Errorf("%+v", in)
			}
			if p := Software(in.Version); p.Name == "" || p.Version.Major < 0 || unplain(p.Fork, maxWords+1) != "" {
				t.Errorf("%q is %+v", in.Version, p)
			}
		}
		if again, err := json.Marshal(a.Header); err != nil || string(again) != "null" {
			t.Errorf("the answer was changed: %s", again)
		}
	})
}

// FuzzDepth: whatever the JSON library takes is nested as deeply as we say.
func FuzzDepth(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"]}"}]}`, `["\\"]`, `"[["`, strings.Repeat("[", 65) + strings.Repeat("]", 65)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if json.Unmarshal(data, &v) != nil {
			return
		}
		if got, want := Depth(data), deep(v); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	})
}

func deep(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			n = max(n, deep(one))
		}
	case map[string]any:
		for _, one := range v {
			n = max(n, deep(one))
		}
	default:
		return 0
	}
	return n + 1
}

// FuzzRateHeaders: whatever the headers say, it is asked again in a second at
// the soonest and in three hours at the latest.
func FuzzRateHeaders(f *testing.F) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f.Add("300", "0", "2026-11-22T10:05:00.000Z", "", now.Format(http.TimeFormat))
	f.Add("-1", "x", "1e308", "1763806800000", "")
	f.Add("300", "299", "", "Sun, 22 Nov 2026 10:00:05 GMT", "Sun, 22 Nov 1926 10:00:05 GMT")
	f.Add("9223372036854775808", "0", "NaN", "-0", "x")
	f.Add("1", "1", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, limit, remaining, reset, retry, date string) {
		h := http.Header{}
		for name, v := range map[string]string{"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset, "Retry-After": retry, "Date": date} {
			h.Set(name, v)
		}
		req, err := http.NewRequest(http.MethodGet, "https://a.example/api/v1/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		e := rateLimited(req, h, now)
		if e.Reset.Before(now.Add(resetSoonest)) || e.Reset.After(now.Add(resetLatest)) || e.Limit < 0 || e.Remaining < 0 {
			t.Errorf("%+v", e)
		}
		w := &Transport{budget: map[Bucket]Budget{}}
		w.remember(req, h, now)
		for _, b := range w.Budget() {
			if b.Limit < 0 || b.Remaining < 0 || !b.Reset.IsZero() && (b.Reset.Before(now) || b.Reset.After(now.Add(resetLatest))) {
				t.Errorf("%+v", b)
			}
		}
		if d, ok := (Answer{Header: http.Header{"X-Runtime": {reset}}}).Runtime(); ok && (d < 0 || d > time.Hour) {
			t.Errorf("runtime %v", d)
		}
	})
}

// FuzzStreamURL: wherever a server says that it streams, it is listened to at
// the one path, encrypted where the server is, and with nobody's name in it.
func FuzzStreamURL(f *testing.F) {
	for _, s := range []string{"wss://stream.example", "ws://a.example:4000/x", "https://u:p@evil.example/", "javascript:x", "//h", "wss://h/api/v1/streaming/", "http://[::1]:4000", "\x00"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, announced string, encrypted bool) {
		c, err := New("http://127.0.0.1:3000", checks.Secret{}, NewTransport(Options{}))
		if err != nil {
			t.Fatal(err)
		}
		server := c.Server()
		if encrypted {
			server.Scheme, server.Host = "https", "a.example"
		}
		to := streamURL(server, announced)
		if encrypted && !strings.HasPrefix(to, "wss://") || !encrypted && !strings.HasPrefix(to, "ws://") || !strings.HasSuffix(to, "/api/v1/streaming?stream=user%3Anotification") || strings.Contains(to, "@") && !strings.Contains(announced, "@") {
			t.Errorf("%q: %q", announced, to)
		}
	})
}
