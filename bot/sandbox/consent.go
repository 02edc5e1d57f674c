package sandbox

import (
	"fmt"
	"html"
	"net/http"
)

// SignIn signs an account in for every browser that may ask: its pages of
// permission can then be opened, and answered with a yes. Without it there are
// none.
func (s *Server) SignIn(a Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsing = s.must(a)
}

// consent is the page on which somebody lets a program act for them: a GET asks,
// a POST says yes.
func (s *Server) consent(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	signed := s.browsing != nil
	var who Account
	if signed {
		who = s.browsing.Account
	}
	s.mu.Unlock()
	if !signed {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	name := html.EscapeString(who.Username)
	const head = "<!doctype html><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>sandbox</title>"
	if r.Method != http.MethodPost {
		fmt.Fprintf(w, "%s<form method=post action=\"%s\"><p>Let this program act as @%s? ／ @%s としての操作を許可しますか？</p><button>Allow ／ 許可</button></form>",
			head, html.EscapeString(r.URL.RequestURI()), name, name)
		return
	}
	code, err := s.Authorize(who, r.URL.RequestURI())
	switch {
	case err != nil:
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, "%s<p>%s", head, html.EscapeString(err.Error()))
	case r.URL.Query().Get("redirect_uri") == outOfBand:
		fmt.Fprintf(w, "%s<p>Paste this where you were asked ／ 元の画面に貼り付けてください: <code>%s</code>", head, html.EscapeString(code))
	default:
		http.Redirect(w, r, code, http.StatusSeeOther)
	}
}
