package api

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheInstanceIsRead(t *testing.T) {
	for _, tc := range []struct {
		name, path, body string
		want             Instance
	}{
		{
			"Mastodon 4.6, v2", "/api/v2/instance", `{
				"domain": "mastodon.example", "title": "Example", "version": "4.6.5", "languages": ["ja"],
				"configuration": {
					"urls": {"streaming": "wss://streaming.mastodon.example"},
					"statuses": {"max_characters": 500, "characters_reserved_per_url": 23},
					"media_attachments": {"description_limit": 10000}
				},
				"registrations": {"enabled": true, "approval_required": true, "message": null},
				"api_versions": {"mastodon": 11},
				"rules": [{"id": "1", "text": "Be kind", "hint": "", "translations": {"ja": {"text": "親切に", "hint": ""}}}]
			}`,
			Instance{
				Domain: "mastodon.example", Title: "Example", Version: "4.6.5", Languages: []string{"ja"},
				MaxCharacters: 500, ReservedPerURL: 23, DescriptionLimit: 10000, Streaming: "wss://streaming.mastodon.example",
				Registrations: Registrations{Open: true, Approval: true}, APIVersions: map[string]int{"mastodon": 11},
				Rules: []Rule{{ID: "1", Text: "Be kind", Translations: map[string]string{"ja": "親切に"}}},
			},
		},
		{
			"Mastodon 4.2, v1", "/api/v1/instance", `{
				"uri": "mastodon.example", "title": "Example", "version": "4.2.0", "urls": {"streaming_api": "wss://mastodon.example"},
				"languages": ["en"], "registrations": true, "approval_required": false,
				"configuration": {"statuses": {"max_characters": 500, "characters_reserved_per_url": 23}}, "rules": []
			}`,
			Instance{
				Domain: "mastodon.example", Title: "Example", Version: "4.2.0", Languages: []string{"en"},
				MaxCharacters: 500, ReservedPerURL: 23, Streaming: "wss://mastodon.example", Registrations: Registrations{Open: true},
			},
		},
		{
			"a fork with a limit of its own, v1", "/api/v1/instance",
			`{"uri": "https://fork.example/", "version": "4.3.0+glitch", "max_toot_chars": 5000}`,
			Instance{Domain: "fork.example", Version: "4.3.0+glitch", MaxCharacters: 5000},
		},
		{
			"what has another type is left out", "/api/v2/instance",
			`{"domain": "odd.example", "version": "2.7.2 (compatible; Akkoma 3.10.4)", "title": 7, "languages": null, "rules": [{"id": 3, "text": "x"}, "y"],
			  "configuration": {"statuses": {"max_characters": "many", "characters_reserved_per_url": -1}, "urls": []},
			  "registrations": true, "api_versions": {"x": "y"}}`,
			Instance{
				Domain: "odd.example", Version: "2.7.2 (compatible; Akkoma 3.10.4)",
				Rules: []Rule{{ID: "3", Text: "x"}, {}}, APIVersions: map[string]int{"x": 0},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := server(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != tc.path {
					t.Errorf("asked for %s", r.URL.Path)
				}
				says(200, "application/json; charset=utf-8", tc.body)(w, r)
			})
			c := client(t, s, Options{})
			read := c.InstanceV2
			if strings.Contains(tc.path, "v1") {
				read = c.InstanceV1
			}
			got, err := read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnInstanceOfTheWrongShapeIsNone(t *testing.T) {
	for _, tc := range []struct{ name, body string }{
		{"an empty object", `{}`},
		{"null", `null`},
		{"a list", `[]`},
		{"no version", `{"domain": "x.example", "uri": "x.example"}`},
		{"a version that is a number", `{"domain": "x.example", "uri": "x.example", "version": 4}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := client(t, server(t, says(200, "application/json", tc.body)), Options{})
			var shape *ShapeError
			if _, err := c.InstanceV2(t.Context()); !errors.As(err, &shape) {
				t.Errorf("v2: %v", err)
			}
			if _, err := c.InstanceV1(t.Context()); !errors.As(err, &shape) {
				t.Errorf("v1: %v", err)
			}
		})
	}
}

func TestAProbeTellsHowTheAnswerCame(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		h := w.Header()
		h.Set("Server", "nginx\x09x")
		h.Set("X-Cached", "STALE")
		h.Set("X-Runtime", "0.084213")
		h.Set("X-RateLimit-Remaining", "299")
		h.Set("Set-Cookie", "session=1")
		h.Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_ = http.NewResponseController(w).Flush()
		<-time.After(20 * time.Millisecond)
		_, _ = w.Write([]byte("<title>" + r.URL.Query().Get("q") + "</title>"))
	})
	c := client(t, s, Options{})
	a, err := c.Probe(t.Context(), "/x", url.Values{"q": {"y"}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Code != 502 || a.ContentType != "text/html" || string(a.Body) != "<title>y</title>" || !a.Fresh {
		t.Errorf("got %+v", a)
	}
	if a.Connect <= 0 || a.FirstByte < a.Connect || a.Total < a.FirstByte+15*time.Millisecond {
		t.Errorf("connect %v, first byte %v, total %v", a.Connect, a.FirstByte, a.Total)
	}
	want := http.Header{"Server": {"nginx x"}, "X-Cached": {"STALE"}, "X-Runtime": {"0.084213"}, "X-Ratelimit-Remaining": {"299"}}
	if diff := cmp.Diff(want, a.Header); diff != "" {
		t.Error(diff)
	}
	if took, ok := a.Runtime(); !ok || took != 84213*time.Microsecond {
		t.Errorf("runtime %v, %v", took, ok)
	}
	var status *StatusError
	if err := a.Decode(nil); !errors.As(err, &status) || status.Message != "y" {
		t.Errorf("decoded: %v", err)
	}

	a, err = c.Probe(t.Context(), "/moved", nil)
	if err != nil || a.Code != 302 || a.Header.Get("Location") != "/elsewhere" {
		t.Errorf("a redirect: %+v, %v", a, err)
	}
	if a.Fresh || a.Connect != 0 {
		t.Errorf("the second answer came over a new connection: %+v", a)
	}
}

func TestAProbeOfNothingStillTellsTheTime(t *testing.T) {
	c := client(t, server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), Options{Timeout: 30 * time.Millisecond})
	a, err := c.Probe(t.Context(), "/x", nil)
	if err == nil || a.Code != 0 || a.Total < 30*time.Millisecond || a.FirstByte != 0 || a.Path != "/x" {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestSoftwareIsToldByItsVersion(t *testing.T) {
	v := func(major, minor, patch int, pre string) Version { return Version{major, minor, patch, pre} }
	for _, tc := range []struct {
		version string
		want    Product
	}{
		{"4.6.5", Product{Mastodon, "", v(4, 6, 5, "")}},
		{"4.5.2+glitch", Product{Mastodon, "glitch", v(4, 5, 2, "")}},
		{"4.6.0-beta.1", Product{Mastodon, "", v(4, 6, 0, "beta.1")}},
		{"4.2.0rc1", Product{Mastodon, "", v(4, 2, 0, "rc1")}},
		{"4.5.0-nightly.2025-10-01", Product{Mastodon, "", v(4, 5, 0, "nightly.2025-10-01")}},
		{"4.3.0-alpha.1+glitch.chuckya", Product{Mastodon, "glitch.chuckya", v(4, 3, 0, "alpha.1")}},
		{"4.0.2+hometown-1.1.1", Product{Mastodon, "hometown-1.1.1", v(4, 0, 2, "")}},
		{"0.20.0+git-abc123", Product{GoToSocial, "", v(0, 20, 0, "")}},
		{"0.19.1 git-36aa685", Product{GoToSocial, "", v(0, 19, 1, "")}},
		{"3.5.3+0.15.0-git-abc", Product{GoToSocial, "", v(3, 5, 3, "")}},
		{"2.7.2 (compatible; Pleroma 2.5.0)", Product{Pleroma, "", v(2, 7, 2, "")}},
		{"2.7.2 (compatible; Akkoma 3.10.4-0-gdeadbeef)", Product{Akkoma, "", v(2, 7, 2, "")}},
		{"3.0.0 (compatible; Sharkey 2024.5.1)", Product{Misskey, "Sharkey", v(3, 0, 0, "")}},
		{"4.2.1 (compatible; Iceshrimp.NET/2024.1)", Product{Misskey, "Iceshrimp.NET", v(4, 2, 1, "")}},
		{"2024.11.0", Product{Misskey, "", v(2024, 11, 0, "")}},
		{"3.5.3 (compatible; Pixelfed 0.12.3)", Product{Unknown, "Pixelfed", v(3, 5, 3, "")}},
		{"takahe/0.11", Product{Unknown, "", Version{}}},
		{"", Product{Unknown, "", Version{}}},
		{"99999999999999999999.1", Product{Unknown, "", Version{}}},
	} {
		t.Run(tc.version, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Software(tc.version)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAVersionIsAtLeastAnother(t *testing.T) {
	for _, tc := range []struct {
		version      string
		major, minor int
		want         bool
	}{
		{"4.5.2+glitch", 4, 5, true},
		{"4.5.2+glitch", 4, 6, false},
		{"4.6.0-beta.1", 4, 6, true},
		{"4.2.0rc1", 4, 2, true},
		{"4.10.0", 4, 9, true},
		{"5.0.0", 4, 9, true},
		{"3.9.9", 4, 0, false},
		{"v4.3", 4, 3, true},
		{"nonsense", 0, 1, false},
	} {
		t.Run(tc.version, func(t *testing.T) {
			v, _ := ParseVersion(tc.version)
			if got := v.AtLeast(tc.major, tc.minor); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
