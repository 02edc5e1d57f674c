package webui

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzPage: a page is taken apart into a few short addresses to ask, and into
// words that are plain.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		`<!doctype html><title>A &amp; B</title><base href="https://cdn.example/"><script type="module" src="/packs/application-1.js" integrity="sha256-x" crossorigin></script><link rel="stylesheet" href="packs/a.css"><div id="mastodon"></div><script id="initial-state" type="application/json">{"meta":{"version":"4.5.2+x"}}</script>`,
		`<script src="javascript:x"><script src="file:///etc/passwd"><script src="http://10.0.0.1/"><link rel=modulepreload href="//a.example:6379/">`,
		"<title>" + strings.Repeat("鯖", 100), `<noscript><template><script src=x></noscript>`, `<base href=":"><base href="data:,"><link rel="preload stylesheet" as=script href=y>`,
		`<script id="initial-state">` + strings.Repeat(`{"meta":`, 200), "\xff<\x00title",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := parsePage(body, &url.URL{Scheme: "https", Host: "a.example", Path: "/"})
		if len(p.assets) > assetLimit || p.more < 0 {
			t.Errorf("%d assets, %d more", len(p.assets), p.more)
		}
		for _, a := range p.assets {
			u, err := url.Parse(a.URL)
			if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(a.URL) > urlLimit {
				t.Errorf("%q", a.URL)
			}
			if below := a.below(); below != "" && (path.Clean("/"+below) != "/"+below || strings.HasPrefix(below, "..")) {
				t.Errorf("%q lies at %q", a.URL, below)
			}
		}
		if len(p.title) > titleLimit || utf8.Valid(body) && !utf8.ValidString(p.title) || plainVersion(p.version) != p.version {
			t.Errorf("%q %q", p.title, p.version)
		}
	})
}

// FuzzManifest: a list of a build's files never leads out of its folder.
func FuzzManifest(f *testing.F) {
	for _, s := range []string{
		`{"entrypoints/application.ts":{"file":"assets/a.js","isEntry":true,"css":["b.css"],"assets":["c.woff2",7]}}`, `{"x":{"file":"../../.env.production"},"y":{"file":"/etc/passwd"}}`,
		`{"application.js":"/packs/js/a.js","entrypoints":{"application":{"assets":{"js":["/packs/js/a.js","https://cdn.example/packs/b.js?x"]}}}}`, `{"a":"/packs/../../x","b":["/packs//y"]}`, `{"a":` + strings.Repeat("[", 100),
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, vite bool) {
		var list map[string]any
		if json.Unmarshal(text, &list) != nil {
			return
		}
		b := build{vite: vite, files: map[string]bool{}}
		_ = b.name(list) // too many is a mistake of the list
		for file := range b.files {
			if file == "" || path.Clean("/"+file) != "/"+file || strings.HasPrefix(file, "/") || strings.Contains(file, "\x00") {
				t.Errorf("%q", file)
			}
		}
	})
}
