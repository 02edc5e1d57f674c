package page

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Local tells whether a request may come from a person or a program on this
// machine, and not from the web page of a stranger in a browser on it:
//
//   - it was sent to an address of this machine by number or as "localhost", at
//     the very port: a stranger's name that leads here (DNS rebinding) is not;
//   - no other page is behind it: neither in Origin nor in Sec-Fetch-Site, which
//     browsers set and pages cannot;
//   - it is not for a frame, an object or an embedding.
//
// Over TLS everything is let in: the certificate is one that no browser trusts.
func Local(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if !loopbackHost(r.Host, portOf(r)) {
		return false
	}
	for _, origin := range r.Header.Values("Origin") {
		if origin != "http://"+r.Host {
			return false
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return false
		}
	}
	return !slices.ContainsFunc(r.Header.Values("Sec-Fetch-Dest"), func(dest string) bool {
		return slices.Contains([]string{"iframe", "frame", "object", "embed", "fencedframe"}, dest)
	})
}

// portOf is the port that the request came in by, or 0.
func portOf(r *http.Request) int {
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// loopbackHost tells whether a Host header names this machine alone, at the port.
func loopbackHost(host string, port int) bool {
	name, number := host, "80"
	if h, n, err := net.SplitHostPort(host); err == nil {
		name, number = h, n
	}
	if number != strconv.Itoa(port) {
		return false
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	return err == nil && addr.IsLoopback() && addr.Zone() == ""
}

// fromPage tells whether a writing request comes from the page itself: a form
// of a stranger has another Origin, or none, and cannot send JSON.
func fromPage(r *http.Request) bool {
	return r.Header.Get("Origin") == "http://"+r.Host && r.Header.Get("Content-Type") == "application/json"
}

// harden says to the browser what it may do with an answer: nothing comes from
// or goes to elsewhere, nobody frames it, nothing is kept, no address leaks.
func harden(h http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Embedder-Policy": "require-corp",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
		"X-Robots-Tag":                 "noindex",
	} {
		h.Set(name, value)
	}
}
