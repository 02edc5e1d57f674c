package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// pages adds what is not of the API: health, the front page, files, nodeinfo.
func (s *Server) pages(mux *http.ServeMux) {
	ok := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "OK")
	}
	if s.traits.gotosocial {
		mux.HandleFunc("GET /livez", ok)
		mux.HandleFunc("GET /readyz", ok)
	} else {
		mux.HandleFunc("GET /health", ok)
		mux.HandleFunc("GET "+streamingPath+"/health", ok)
	}
	mux.HandleFunc("GET /{$}", s.frontPage)
	mux.HandleFunc("GET /about", s.frontPage)
	mux.HandleFunc("GET /system/media_attachments/{id}/original/{name}", s.serveFile)
	mux.HandleFunc("GET /.well-known/nodeinfo", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"links": []map[string]string{{
			"rel":  "http://nodeinfo.diaspora.software/ns/schema/2.0",
			"href": baseOf(r, "http") + "/nodeinfo/2.0",
		}}})
	})
	mux.HandleFunc("GET /nodeinfo/2.0", s.nodeinfo)
}

func (s *Server) frontPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=30, stale-if-error=86400")
	id := "mastodon"
	if s.traits.gotosocial {
		id = "gotosocial"
	}
	_, _ = fmt.Fprintf(w, `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>%s</title></head>
<body><div id=%q></div><script id="initial-state" type="application/json">{}</script></body>
</html>
`, escape(s.opts.Title), id)
}

func (s *Server) nodeinfo(w http.ResponseWriter, _ *http.Request) {
	software := "mastodon"
	if s.traits.gotosocial {
		software = "gotosocial"
	}
	users, posts := s.counts()
	writeJSON(w, http.StatusOK, map[string]any{
		"version":           "2.0",
		"software":          map[string]string{"name": software, "version": s.opts.Version},
		"protocols":         []string{"activitypub"},
		"services":          map[string][]string{"outbound": {}, "inbound": {}},
		"usage":             map[string]any{"users": map[string]int{"total": users}, "localPosts": posts},
		"openRegistrations": false,
		"metadata":          map[string]string{},
	})
}

func (s *Server) counts() (users, posts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.countLocked()
}

func (s *Server) countLocked() (users, posts int) {
	for _, a := range s.accounts {
		if a.Domain == "" {
			users++
			posts += a.posts
		}
	}
	return users, posts
}

func (s *Server) configuration() map[string]any {
	return map[string]any{
		"accounts": map[string]any{"max_featured_tags": 10, "max_pinned_statuses": 5},
		"statuses": map[string]any{
			"max_characters":              s.opts.MaxCharacters,
			"max_media_attachments":       maxAttachments,
			"characters_reserved_per_url": linkLength,
		},
		"media_attachments": map[string]any{
			"description_limit":      maxDescription,
			"supported_mime_types":   []string{"image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "audio/mpeg"},
			"image_size_limit":       maxUpload,
			"image_matrix_limit":     33177600,
			"video_size_limit":       maxUpload,
			"video_frame_rate_limit": 120,
			"video_matrix_limit":     8294400,
		},
		"polls": map[string]any{
			"max_options": 4, "max_characters_per_option": 50,
			"min_expiration": 300, "max_expiration": 2629746,
		},
	}
}

type ruleJSON struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Hint string `json:"hint"`
}

func (s *Server) rules() []ruleJSON {
	all := []ruleJSON{}
	for n, text := range s.opts.Rules {
		all = append(all, ruleJSON{ID: strconv.Itoa(n + 1), Text: text})
	}
	return all
}

func (s *Server) instanceRules(*call) (any, error) { return s.rules(), nil }

func (s *Server) instanceV1(c *call) (any, error) {
	users, posts := s.countLocked()
	domains := map[string]bool{}
	for _, a := range s.accounts {
		if a.Domain != "" && !a.Unseen {
			domains[a.Domain] = true
		}
	}
	return map[string]any{
		"uri": s.opts.Domain, "title": s.opts.Title, "version": s.opts.Version,
		"short_description": "A small server in memory.", "description": "A small server in memory.",
		"email":     "admin@" + s.opts.Domain,
		"urls":      map[string]string{"streaming_api": baseOf(c.r, "ws")},
		"stats":     map[string]int{"user_count": users, "status_count": posts, "domain_count": len(domains)},
		"thumbnail": c.base() + "/thumbnail.png", "languages": []string{"en"},
		"registrations": false, "approval_required": false, "invites_enabled": false,
		"configuration": s.configuration(), "contact_account": nil, "rules": s.rules(),
	}, nil
}

func (s *Server) instanceV2(c *call) (any, error) {
	users, _ := s.countLocked()
	configuration := s.configuration()
	configuration["urls"] = map[string]any{
		"streaming": baseOf(c.r, "ws"), "status": nil, "about": c.base() + "/about",
	}
	configuration["vapid"] = map[string]string{"public_key": ""}
	configuration["translation"] = map[string]bool{"enabled": false}
	view := map[string]any{
		"domain": s.opts.Domain, "title": s.opts.Title, "version": s.opts.Version,
		"source_url": "https://github.com/mastodon/mastodon", "description": "A small server in memory.",
		"usage":         map[string]any{"users": map[string]int{"active_month": users}},
		"thumbnail":     map[string]any{"url": c.base() + "/thumbnail.png"},
		"icon":          []any{},
		"languages":     []string{"en"},
		"configuration": configuration,
		"registrations": map[string]any{"enabled": false, "approval_required": false, "message": nil, "url": nil},
		"contact":       map[string]any{"email": "admin@" + s.opts.Domain, "account": nil},
		"rules":         s.rules(),
	}
	switch s.opts.Flavour {
	case Mastodon45:
		view["api_versions"] = map[string]int{"mastodon": 7}
	case GoToSocial:
		view["source_url"] = "https://codeberg.org/superseriousbusiness/gotosocial"
	}
	return view, nil
}
