package sandbox

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// A token lets a program act for an account, within its scopes.
type token struct {
	secret  string
	account *account
	scopes  []string
	revoked bool
}

// allows tells whether a scope is among those of the token: "read" includes
// "read:accounts", and "follow" is the old name for both scopes of following.
func (t *token) allows(scope string) bool {
	family, _, _ := strings.Cut(scope, ":")
	for _, has := range t.scopes {
		if has == scope || has == family {
			return true
		}
		if has == "follow" && (scope == "read:follows" || scope == "write:follows") {
			return true
		}
		if has == "profile" && scope == "read:accounts" {
			return true
		}
	}
	return false
}

// Token makes an access token for an account of this server. Without scopes it
// has "read", "write" and "follow". It panics for an account that is not of
// this server.
func (s *Server) Token(a Account, scopes ...string) string {
	if len(scopes) == 0 {
		scopes = []string{"read", "write", "follow"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &token{secret: rand.Text(), account: s.must(a), scopes: scopes}
	s.tokens[t.secret] = t
	return t.secret
}

// Revoke ends a token: requests are answered 401 from now on, and its streams
// are closed.
func (s *Server) Revoke(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[secret]
	if t == nil {
		return
	}
	t.revoked = true
	for st := range s.streams {
		if st.token == t {
			st.kick()
		}
	}
}

// tokenOf finds the token for its words; the error is a refusal.
func (s *Server) tokenOf(secret string) (*token, error) {
	t := s.tokens[secret]
	switch {
	case t == nil:
		return nil, refuse(http.StatusUnauthorized, "The access token is invalid")
	case t.revoked:
		return nil, refuse(http.StatusUnauthorized, "The access token was revoked")
	}
	return t, nil
}

func bearer(r *http.Request) string {
	if scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(secret)
	}
	return r.URL.Query().Get("access_token")
}
