package webui

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// An asset is a file that a page loads.
type asset struct {
	URL  string
	Role role
	// Wants is what it must come as.
	Wants wants
	// Integrity is the attribute of that name: digests, one of which is right.
	Integrity string
	// CORS tells that a browser asks for it in the mode of that name, so that
	// another host has to allow its use.
	CORS bool
	// Cached tells that only the page out of a cache names it.
	Cached bool
}

// role is how a page names a file, the most important first.
type role int

const (
	script role = iota
	module      // preloaded for a script: imported before that runs
	style
	preload
)

type wants int

const (
	javascript wants = iota
	stylesheet
	anything
)

// entry tells whether the web UI cannot start without the asset: it is one of
// Mastodon's own scripts, or what these import before they run.
func (a asset) entry() bool {
	return a.Role == script && a.built() || a.Role == module
}

// built tells whether assets:precompile has made the file.
func (a asset) built() bool { return a.below() != "" }

// below is the file's path in public/packs; "" where it is not from there.
func (a asset) below() string {
	u, err := url.Parse(a.URL)
	if err != nil {
		return ""
	}
	_, p, found := strings.Cut(u.Path, "/packs/")
	if !found || p == "" || path.Clean("/"+p) != "/"+p {
		return ""
	}
	return p
}

func (a asset) host() string {
	u, err := url.Parse(a.URL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// name is the last part of the address.
func (a asset) name() string {
	u, err := url.Parse(a.URL)
	if err != nil || path.Base(u.Path) == "/" || path.Base(u.Path) == "." {
		return a.URL
	}
	return path.Base(u.Path)
}

// assetOf is what a tag makes a browser load.
func assetOf(t html.Token, base *url.URL) (asset, bool) {
	var a asset
	where := ""
	switch t.Data {
	case "script":
		kind := strings.ToLower(strings.TrimSpace(attribute(t, "type")))
		// Browsers that know modules leave out what is for those that do not.
		if has(t, "nomodule") || kind != "" && kind != "module" && !scriptTypes[kind] {
			return asset{}, false
		}
		where = attribute(t, "src")
		a = asset{Role: script, Wants: javascript, CORS: kind == "module" || has(t, "crossorigin")}
	case "link":
		rel := strings.Fields(strings.ToLower(attribute(t, "rel")))
		as := strings.ToLower(strings.TrimSpace(attribute(t, "as")))
		where = attribute(t, "href")
		a.CORS = has(t, "crossorigin")
		switch {
		case slices.Contains(rel, "stylesheet") && !slices.Contains(rel, "alternate") && !has(t, "disabled"):
			a.Role, a.Wants = style, stylesheet
		case slices.Contains(rel, "modulepreload"):
			a.Role, a.Wants, a.CORS = module, javascript, true
			if as != "" && as != "script" {
				a.Role, a.Wants = preload, anything
			}
		case slices.Contains(rel, "preload"):
			a.Role, a.Wants = preload, map[string]wants{"script": javascript, "style": stylesheet}[as]
			if as != "script" && as != "style" {
				a.Wants = anything
			}
		default:
			return asset{}, false
		}
	}
	u, err := base.Parse(strings.TrimSpace(where))
	if where == "" || err != nil || len(where) > urlLimit || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return asset{}, false // an address inside the page (data:), or none
	}
	u.Fragment, u.User = "", nil
	a.URL, a.Integrity = u.String(), strings.TrimSpace(attribute(t, "integrity"))
	if len(a.URL) > urlLimit { // a page's base may be as long as the page
		return asset{}, false
	}
	a.Integrity = a.Integrity[:min(len(a.Integrity), urlLimit)]
	return a, true
}

// important puts the most important assets first, each once, and leaves out
// what is beyond the limit.
func important(all []asset) (some []asset, more int) {
	at := map[string]int{}
	for _, a := range all {
		i, known := at[a.URL]
		if !known {
			at[a.URL] = len(some)
			some = append(some, a)
			continue
		}
		one := &some[i]
		if a.Role < one.Role {
			a.Integrity = cmp.Or(a.Integrity, one.Integrity)
			a.CORS = a.CORS || one.CORS
			*one = a
		}
		one.Integrity = cmp.Or(one.Integrity, a.Integrity)
	}
	slices.SortStableFunc(some, func(a, b asset) int { return cmp.Compare(a.Role, b.Role) })
	if len(some) > assetLimit {
		some, more = some[:assetLimit], len(some)-assetLimit
	}
	return some, more
}

// setOf is a sum over the addresses of what a build made and a page names.
func setOf(assets []asset) string {
	var urls []string
	for _, a := range assets {
		if a.built() && !a.Cached {
			urls = append(urls, a.URL)
		}
	}
	if len(urls) == 0 {
		return ""
	}
	slices.Sort(urls)
	sum := sha256.Sum256([]byte(strings.Join(urls, "\n")))
	return hex.EncodeToString(sum[:8])
}

// scriptTypes are the content types that browsers take for JavaScript (WHATWG
// MIME Sniffing).
var scriptTypes = map[string]bool{
	"text/javascript": true, "application/javascript": true, "application/x-javascript": true,
	"text/ecmascript": true, "application/ecmascript": true, "application/x-ecmascript": true,
	"text/x-javascript": true, "text/x-ecmascript": true, "text/jscript": true, "text/livescript": true,
}

// fits tells whether a file comes as what it must be.
func (w wants) fits(kind string) bool {
	switch w {
	case javascript:
		return scriptTypes[kind]
	case stylesheet:
		return kind == "text/css"
	}
	return true
}

// mediaType is a content type without its parameters.
func mediaType(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil {
		kind = before(header, ";")
	}
	return strings.ToLower(strings.TrimSpace(kind))
}
