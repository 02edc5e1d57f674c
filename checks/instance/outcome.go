package instance

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks/api"
)

// An outcome is what one place said, in the words that a judgement needs.
type outcome struct {
	state state
	why   why
	code  int           // of the HTTP answer; 0 without one
	took  time.Duration // of the answer, without the connection
	in    api.Instance
	stale bool   // the proxy has it from its cache, because what is behind does not answer
	guard string // who shows the challenge, or ""
	to    string // the host of a redirect, or ""
	err   error
}

// state is how a place is.
type state int

const (
	unseen  state = iota // nothing is known of the server
	well                 // as it should be
	closed               // it answers only to those who are signed in
	absent               // the server's software does not have it
	guarded              // a page for people where JSON should be
	ill                  // anything else
)

// why is the reason of an outcome that is not well.
type why int

const (
	noReason    why = iota
	tooMany         // our own doing: asked too often
	noResolver      // our resolver has no answer
	noRoute         // this machine has no way there
	certificate     // the certificate is not accepted; the check of it says why
	status          // an HTTP status that is no success
	redirected      // to another address
	notJSON         // cut off, empty, or something else
	shape           // JSON, but of something else
	tooLarge
	timeout
	refused
	cut
)

// read makes an outcome of an answer.
func read(a asked, parse func(api.Answer) (api.Instance, error)) outcome {
	o := outcome{code: a.answer.Code, took: max(a.answer.Total-a.answer.Connect, 0)}
	if a.err != nil {
		return failed(o, a.err)
	}
	o.stale = strings.EqualFold(a.answer.Header.Get("X-Cached"), "stale")
	in, err := parse(a.answer)
	if err == nil {
		o.state, o.in = well, in
		return o
	}
	o.err = err
	var page *api.NotJSONError
	var refusal *api.StatusError
	switch {
	case errors.As(err, &page) && (page.Challenge || isPage(a.answer)):
		o.state, o.guard = guarded, guardOf(a.answer)
	case errors.As(err, &page):
		o.state, o.why = ill, notJSON
	case errors.As(err, &refusal):
		return refusing(o, a.answer)
	default:
		o.state, o.why = ill, shape
	}
	return o
}

// refusing makes an outcome of a status that is no success.
func refusing(o outcome, a api.Answer) outcome {
	o.state, o.why = ill, status
	switch {
	case o.code == http.StatusUnauthorized && !isPage(a):
		o.state, o.why = closed, noReason
	case o.code == http.StatusForbidden && isPage(a):
		o.state, o.why, o.guard = guarded, noReason, guardOf(a)
	case o.code >= 300 && o.code < 400:
		o.why = redirected
		if to, err := url.Parse(a.Header.Get("Location")); err == nil {
			o.to = to.Hostname()
		}
	}
	return o
}

// failed makes an outcome of a request that got no whole answer.
func failed(o outcome, err error) outcome {
	o.err = err
	var (
		dns     *net.DNSError
		trust   *tls.CertificateVerificationError
		limited *api.RateLimitError
		large   *api.TooLargeError
		timed   *api.TransportError
	)
	switch {
	case errors.As(err, &limited):
		o.why = tooMany
	case errors.As(err, &dns):
		o.why = noResolver
	case errors.As(err, &trust):
		o.why = certificate
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL),
		errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		o.why = noRoute
	case errors.As(err, &large):
		o.state, o.why = ill, tooLarge
	case errors.As(err, &timed) && timed.Timeout():
		o.state, o.why = ill, timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		o.state, o.why = ill, refused
	default:
		o.state, o.why = ill, cut
	}
	return o
}

// isPage tells whether an answer is HTML, whatever it calls itself.
func isPage(a api.Answer) bool {
	return strings.HasPrefix(a.ContentType, "text/html") || strings.HasPrefix(strings.TrimSpace(string(a.Body[:min(len(a.Body), 64)])), "<")
}

// guards are what stands before a server and may want to see a browser, by a
// word in the Server header or in the page.
var guards = []struct{ header, page, name string }{
	{"cloudflare", "cf_chl", "Cloudflare"},
	{"ddos-guard", "ddos-guard", "DDoS-Guard"},
	{"akamai", "_sec/cp_challenge", "Akamai"},
	{"sucuri", "sucuri_cloudproxy", "Sucuri"},
	{"cloudfront", "awswaf", "AWS"},
	{"awselb", "awswaf", "AWS"},
	{"anubis", "anubis", "Anubis"},
	{"go-away", "go-away", "go-away"},
	{"vercel", "vercel", "Vercel"},
}

// pageLimit is how much of a page is searched for the name of a guard (own).
const pageLimit = 64 << 10

// guardOf names who shows a page instead of the answer; "" where it cannot be
// told.
func guardOf(a api.Answer) string {
	server := strings.ToLower(a.Header.Get("Server"))
	page := strings.ToLower(string(a.Body[:min(len(a.Body), pageLimit)]))
	for _, g := range guards {
		if strings.Contains(server, g.header) {
			return g.name
		}
	}
	for _, g := range guards {
		if strings.Contains(page, g.page) {
			return g.name
		}
	}
	return ""
}
