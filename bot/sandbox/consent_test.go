package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser asks the way a browser does, and follows nothing.
func browser(t *testing.T, s *Server, method, target string, form url.Values) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Header(), string(text)
}

func TestSomebodyWhoIsSignedInSaysYesOnAPage(t *testing.T) {
	s := New(Options{})
	t.Cleanup(s.Close)
	saba := s.AddAccount(Account{Username: "saba"})
	_, _, text := browser(t, s, http.MethodPost, "/api/v1/apps", url.Values{
		"client_name": {"sababan"}, "redirect_uris": {outOfBand + " http://127.0.0.1:5/"}, "scopes": {"read:accounts"},
	})
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatal(err, text)
	}
	page := func(redirect, id string) string {
		return "/oauth/authorize?" + url.Values{
			"response_type": {"code"}, "client_id": {id}, "redirect_uri": {redirect}, "scope": {"read:accounts"}, "state": {`"><script>`},
		}.Encode()
	}
	if code, _, _ := browser(t, s, http.MethodGet, page(outOfBand, made.ID), nil); code != http.StatusNotFound {
		t.Errorf("nobody is signed in: %d", code)
	}
	s.SignIn(saba)
	code, _, text := browser(t, s, http.MethodGet, page(outOfBand, made.ID), nil)
	if code != http.StatusOK || !strings.Contains(text, "act as @saba?") || strings.Contains(text, "<script>") || len(s.permits) != 0 {
		t.Errorf("%d %s", code, text)
	}
	code, _, text = browser(t, s, http.MethodPost, page(outOfBand, made.ID), nil)
	word := regexp.MustCompile(`<code>(\w+)</code>`).FindStringSubmatch(text)
	if code != http.StatusOK || word == nil {
		t.Fatalf("%d %s", code, text)
	}
	_, _, text = browser(t, s, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {made.ID}, "client_secret": {made.Secret}, "redirect_uri": {outOfBand}, "code": {word[1]},
	})
	if !strings.Contains(text, `"access_token"`) {
		t.Error(text)
	}
	code, header, _ := browser(t, s, http.MethodPost, page("http://127.0.0.1:5/", made.ID), nil)
	if at := header.Get("Location"); code != http.StatusSeeOther || !strings.HasPrefix(at, "http://127.0.0.1:5/?code=") {
		t.Errorf("%d %s", code, at)
	}
	if code, _, text := browser(t, s, http.MethodPost, page("https://stranger.example/", made.ID), nil); code != http.StatusUnprocessableEntity {
		t.Errorf("an address that the program did not name: %d %s", code, text)
	}
}
