package webui

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A page is what a browser finds in the HTML.
type page struct {
	// root and state tell that the element is there in which Mastodon's web UI
	// runs, and the data it begins with, which must be JSON.
	root, state bool
	// version is Mastodon's, as the data tell it; "" where they do not.
	version string
	title   string
	// assets are what the page loads, the most important first, at most
	// assetLimit; more is how many there are besides.
	assets []asset
	more   int
}

// Bounds of a page (own; Mastodon's has some 500 tags and 60 kB).
const (
	tokenLimit = 50_000
	urlLimit   = 2048
	titleLimit = 200
)

// parsePage reads HTML without building a tree, so that no nesting can be too
// deep. What stands in noscript and template elements is none of the page's.
func parsePage(body []byte, base *url.URL) page {
	var p page
	var all []asset
	z := html.NewTokenizer(bytes.NewReader(body))
	inert, inside := 0, "" // inside: the element whose text comes next
	rebased := false
	for range tokenLimit {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		switch kind {
		case html.TextToken:
			switch inside {
			case "title":
				p.title = string(bytes.TrimSpace(z.Text()))
				// Cut in the middle of a character, it is none.
				p.title = strings.ToValidUTF8(p.title[:min(len(p.title), titleLimit)], "")
			case "state":
				p.version, p.state = stateVersion(z.Text())
			}
			inside = ""
		case html.EndTagToken:
			inside = ""
			if name, _ := z.TagName(); string(name) == "noscript" || string(name) == "template" {
				inert = max(inert-1, 0)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if t.Data == "noscript" || t.Data == "template" {
				inert++
				continue
			}
			if inert > 0 {
				continue
			}
			id := attribute(t, "id")
			p.root = p.root || id == "mastodon"
			inside = ""
			switch t.Data {
			case "title":
				inside = "title"
			case "base":
				if u, err := base.Parse(attribute(t, "href")); err == nil && !rebased && attribute(t, "href") != "" {
					base, rebased = u, true
				}
			case "script":
				if id == "initial-state" {
					inside = "state"
				}
			}
			if a, ok := assetOf(t, base); ok {
				all = append(all, a)
			}
		}
	}
	p.assets, p.more = important(all)
	return p
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(t html.Token, name string) bool {
	return slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// stateVersion reads the data that the web UI begins with.
func stateVersion(data []byte) (version string, ok bool) {
	var state struct {
		Meta struct {
			Version any `json:"version"`
		} `json:"meta"`
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) || json.Unmarshal(data, &state) != nil {
		return "", false
	}
	version, _ = state.Meta.Version.(string)
	return plainVersion(version), true
}

// titleOf is the title of a page, or "".
func titleOf(body []byte) string { return parsePage(body, &url.URL{Scheme: "https"}).title }

// plainVersion keeps of a version only the letters that such things are
// written with, and no more than 40 of them.
func plainVersion(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".+-_", r) {
			return r
		}
		return -1
	}, s[:min(len(s), 200)])
	return s[:min(len(s), 40)]
}
