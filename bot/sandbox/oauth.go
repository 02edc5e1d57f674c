package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// outOfBand is the redirect that shows the code to the person.
const outOfBand = "urn:ietf:wg:oauth:2.0:oob"

// codeLife is for how long a code can be redeemed (Doorkeeper's own: ten minutes).
const codeLife = 10 * time.Minute

// An app is a program that people may let act for them.
type app struct {
	id, secret string
	redirects  []string
	scopes     []string
}

// A permit is somebody's yes, as long as its code has not been redeemed.
type permit struct {
	app       *app
	account   *account
	scopes    []string
	redirect  string
	challenge string // PKCE, S256; "" where none was sent
	until     time.Time
}

func (s *Server) oauth(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/v1/apps", s.api(open(""), s.postApp))
	mux.HandleFunc("POST /oauth/token", s.api(open(""), s.postToken))
	mux.HandleFunc("GET /oauth/authorize", s.consent)
	mux.HandleFunc("POST /oauth/authorize", s.consent)
	mux.HandleFunc("POST /oauth/revoke", s.api(open(""), s.postRevoke))
}

func (s *Server) postApp(c *call) (any, error) {
	if c.text("client_name") == "" || c.text("redirect_uris") == "" {
		return nil, refuse(http.StatusUnprocessableEntity, "Validation failed: Application name can't be blank, Redirect URI can't be blank")
	}
	a := &app{id: rand.Text(), secret: rand.Text(), redirects: strings.Fields(c.text("redirect_uris")), scopes: strings.Fields(c.text("scopes"))}
	if len(a.scopes) == 0 {
		a.scopes = []string{"read"}
	}
	s.apps[a.id] = a
	return map[string]any{
		"id": "1", "name": c.text("client_name"), "website": c.text("website"), "redirect_uri": c.text("redirect_uris"),
		"client_id": a.id, "client_secret": a.secret, "scopes": a.scopes,
	}, nil
}

// Authorize is what a person does who opens the page of a permission, signed in
// as an account of this server, and says yes. It answers the code that the page
// shows, or the address that the browser is sent to.
func (s *Server) Authorize(a Account, page string) (string, error) {
	u, err := url.Parse(page)
	if err != nil {
		return "", err
	}
	q := u.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.apps[q.Get("client_id")]
	scopes := strings.Fields(q.Get("scope"))
	switch {
	case u.Path != "/oauth/authorize" || q.Get("response_type") != "code":
		return "", errors.New("this is no page that asks for a permission")
	case known == nil:
		return "", errors.New("client authentication failed due to unknown client")
	case !slices.Contains(known.redirects, q.Get("redirect_uri")):
		return "", errors.New("the redirect uri included is not valid")
	case slices.ContainsFunc(scopes, func(one string) bool { return !slices.Contains(known.scopes, one) }):
		return "", errors.New("the requested scope is invalid, unknown, or malformed")
	case q.Get("code_challenge") != "" && q.Get("code_challenge_method") != "S256":
		return "", errors.New("the code challenge method must be S256")
	}
	code := rand.Text()
	s.permits[code] = &permit{
		app: known, account: s.must(a), scopes: scopes, redirect: q.Get("redirect_uri"),
		challenge: q.Get("code_challenge"), until: time.Now().Add(codeLife),
	}
	if q.Get("redirect_uri") == outOfBand {
		return code, nil
	}
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		return "", err
	}
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	return back.String(), nil
}

func (s *Server) appOf(c *call) *app {
	a := s.apps[c.text("client_id")]
	if a == nil || subtle.ConstantTimeCompare([]byte(a.secret), []byte(c.text("client_secret"))) != 1 {
		return nil
	}
	return a
}

func (s *Server) postToken(c *call) (any, error) {
	a := s.appOf(c)
	if a == nil {
		return nil, refuse(http.StatusUnauthorized, "invalid_client")
	}
	p := s.permits[c.text("code")]
	sum := sha256.Sum256([]byte(c.text("code_verifier")))
	switch {
	case c.text("grant_type") != "authorization_code":
		return nil, refuse(http.StatusBadRequest, "unsupported_grant_type")
	case p == nil || p.app != a || p.redirect != c.text("redirect_uri") || time.Now().After(p.until),
		p.challenge != "" && p.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		return nil, refuse(http.StatusBadRequest, "invalid_grant")
	}
	delete(s.permits, c.text("code"))
	t := &token{secret: rand.Text(), account: p.account, scopes: p.scopes}
	s.tokens[t.secret] = t
	return map[string]any{
		"access_token": t.secret, "token_type": "Bearer", "scope": strings.Join(t.scopes, " "), "created_at": time.Now().Unix(),
	}, nil
}

func (s *Server) postRevoke(c *call) (any, error) {
	if s.appOf(c) == nil {
		return nil, refuse(http.StatusForbidden, "You are not authorized to revoke this token")
	}
	if t := s.tokens[c.text("token")]; t != nil {
		t.revoked = true
	}
	return map[string]any{}, nil
}
