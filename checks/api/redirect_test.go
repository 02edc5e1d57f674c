package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzRedirect: wherever a server sends to, the way is followed only by the
// scheme it began with, three times, and with the token only where it has never
// left the host.
func FuzzRedirect(f *testing.F) {
	for _, to := range []string{
		"/end", "http://a.example/", "//b.example/x", "https://a.example:444/", "HTTPS://A.EXAMPLE/", "ftp://a.example/", "file:///etc/passwd",
		"https://evil@a.example/", "gopher:x", "?q", "https://a.example\\@b.example/", "javascript:alert(1)",
	} {
		f.Add(to, uint8(1))
	}
	f.Add("https://b.example/", uint8(9))
	f.Fuzz(func(t *testing.T, to string, steps uint8) {
		begin := &url.URL{Scheme: "https", Host: "a.example", Path: "/"}
		next, err := begin.Parse(to)
		if err != nil {
			return
		}
		first := &http.Request{Method: http.MethodGet, URL: begin, Header: http.Header{}}
		var via []*http.Request
		for range 1 + steps%6 {
			via = append(via, first)
		}
		req := &http.Request{Method: http.MethodGet, URL: next, Header: http.Header{"Authorization": {"Bearer x"}, "Cookie": {"y"}}}
		followed := SameSite(req, via) == nil
		if followed && (next.Scheme != "https" || len(via) > maxRedirects) {
			t.Errorf("%q is followed as the %dth", to, len(via))
		}
		if followed && !strings.EqualFold(next.Host, begin.Host) && len(req.Header) > 0 {
			t.Errorf("%q is followed with the token", to)
		}
	})
}
