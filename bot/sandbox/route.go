package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// A Refusal is the server's "no": a status code and the text of {"error": …}.
type Refusal struct {
	Code       int    // HTTP status
	Reason     string // for people
	unexpected []accountJSON
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d: %s", r.Code, r.Reason) }

func refuse(code int, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...)}
}

func notFound() error { return refuse(http.StatusNotFound, "Record not found") }

// A call is one request on its way through an endpoint.
type call struct {
	r      *http.Request
	params url.Values
	files  map[string]upload
	token  *token      // nil without one
	me     *account    // nil without a token
	header http.Header // of the answer
	code   int         // of the answer
	fake   bool        // answer as if a status had been stored
}

// base is the address under which this client reaches the server.
func (c *call) base() string { return baseOf(c.r, "http") }

// baseOf is an address with a scheme that is "http" or "ws", or the safe one of
// the two where the client came safely.
func baseOf(r *http.Request, scheme string) string {
	if r.TLS != nil {
		scheme += "s"
	}
	return scheme + "://" + r.Host
}

// An endpoint answers a call with something to be written as JSON. It runs
// with the server locked.
type endpoint func(c *call) (any, error)

// A need is what an endpoint asks of its caller.
type need struct {
	scope string
	open  bool // also without a token; a token that is there must still be good
}

func needs(scope string) need { return need{scope: scope} }
func open(scope string) need  { return need{scope: scope, open: true} }

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	api := func(pattern string, n need, h endpoint) { mux.HandleFunc(pattern, s.api(n, h)) }

	api("GET /api/v1/accounts/verify_credentials", needs("read:accounts"), s.verifyCredentials)
	api("PATCH /api/v1/accounts/update_credentials", needs("write:accounts"), s.updateCredentials)
	api("GET /api/v1/accounts/lookup", open("read:accounts"), s.lookup)
	api("GET /api/v1/accounts/search", needs("read:accounts"), s.searchAccounts)
	api("GET /api/v1/accounts/relationships", needs("read:follows"), s.relationships)
	api("GET /api/v1/accounts/{id}", open("read:accounts"), s.showAccount)
	api("GET /api/v1/accounts/{id}/statuses", open("read:statuses"), s.accountStatuses)
	api("POST /api/v1/accounts/{id}/follow", needs("write:follows"), s.postFollow)
	api("POST /api/v1/accounts/{id}/unfollow", needs("write:follows"), s.postUnfollow)
	api("GET /api/v2/search", open("read:search"), s.search)

	api("POST /api/v1/statuses", needs("write:statuses"), s.postStatus)
	api("GET /api/v1/statuses/{id}", open("read:statuses"), s.showStatus)
	api("DELETE /api/v1/statuses/{id}", needs("write:statuses"), s.deleteStatus)
	api("GET /api/v1/statuses/{id}/context", open("read:statuses"), s.statusContext)
	api("GET /api/v1/statuses/{id}/source", needs("read:statuses"), s.statusSource)

	api("GET /api/v1/timelines/public", open("read:statuses"), s.publicTimeline)

	api("POST /api/v2/media", needs("write:media"), s.postMedia)
	api("GET /api/v1/media/{id}", needs("write:media"), s.showMedia)

	api("GET /api/v1/notifications", needs("read:notifications"), s.listNotifications)
	api("GET /api/v1/notifications/{id}", needs("read:notifications"), s.showNotification)
	if s.traits.policy {
		api("GET /api/v2/notifications/policy", needs("read:notifications"), s.showPolicy)
		api("PATCH /api/v2/notifications/policy", needs("write:notifications"), s.changePolicy)
		api("GET /api/v1/notifications/requests", needs("read:notifications"), s.listRequests)
		api("GET /api/v1/notifications/requests/merged", needs("read:notifications"), s.requestsMerged)
		api("POST /api/v1/notifications/requests/accept", needs("write:notifications"), s.acceptRequests)
		api("GET /api/v1/notifications/requests/{id}", needs("read:notifications"), s.showRequest)
		api("POST /api/v1/notifications/requests/{id}/accept", needs("write:notifications"), s.acceptRequests)
	} else {
		api("GET /api/v1/notifications/requests", open(""), s.nothingHere) // not an id
	}

	api("GET /api/v1/instance", open(""), s.instanceV1)
	api("GET /api/v2/instance", open(""), s.instanceV2)
	api("GET /api/v1/instance/rules", open(""), s.instanceRules)
	api("/api/", open(""), s.nothingHere)

	mux.HandleFunc("GET /api/v1/streaming", s.serveWebSocket)
	if s.traits.sse {
		mux.HandleFunc("GET /api/v1/streaming/user", s.serveEvents)
		mux.HandleFunc("GET /api/v1/streaming/user/notification", s.serveEvents)
	}
	s.oauth(mux)
	s.pages(mux)
	return mux
}

func (s *Server) nothingHere(*call) (any, error) { return nil, notFound() }

// api reads the parameters, counts the request against the limits, checks the
// token, and answers in JSON.
func (s *Server) api(n need, h endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r, header: w.Header(), code: http.StatusOK, fake: r.Context().Value(fakeKey{}) != nil}
		answer, err := s.answer(c, n, h)
		var no *Refusal
		switch {
		case errors.As(err, &no):
			c.code = no.Code
			answer = struct {
				Error      string        `json:"error"`
				Unexpected []accountJSON `json:"unexpected_accounts,omitempty"`
			}{no.Reason, no.unexpected}
		case err != nil:
			c.code, answer = http.StatusInternalServerError, map[string]string{"error": err.Error()}
		}
		writeJSON(w, c.code, answer)
	}
}

func (s *Server) answer(c *call, n need, h endpoint) (any, error) {
	paramsErr := c.readParams()
	s.mu.Lock()
	defer s.mu.Unlock()
	token, authErr := s.tokenOf(bearer(c.r))
	if err := s.limit(c, token); err != nil {
		return nil, err
	}
	if paramsErr != nil {
		return nil, paramsErr
	}
	if authErr != nil && (!n.open || n.scope != "" && bearer(c.r) != "") {
		c.header.Set("WWW-Authenticate", `Bearer realm="sandbox", error="invalid_token"`)
		return nil, authErr
	}
	if token != nil {
		if n.scope != "" && !token.allows(n.scope) {
			return nil, refuse(http.StatusForbidden, "This action is outside the authorized scopes")
		}
		c.token, c.me = token, token.account
	}
	if c.me != nil && c.me.Suspended {
		return nil, refuse(http.StatusForbidden, "Your login is currently disabled")
	}
	return h(c)
}

func writeJSON(w http.ResponseWriter, code int, answer any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		code = http.StatusInternalServerError
		body.Reset()
		body.WriteString(`{"error":"this cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(body.Bytes()) // the client may be gone
}

// millis is how Mastodon writes an instant: UTC with milliseconds.
func millis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
