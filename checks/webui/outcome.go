package webui

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// An outcome is what asking for a page gave, in the words that a judgement
// needs.
type outcome struct {
	state state
	why   why
	code  int           // of the HTTP answer; 0 without one
	took  time.Duration // of the answer, without the connection
	// cached is the word of a cache that answered; "" where the application did.
	cached string
	kind   string // the content type
	guard  string // who shows a challenge, or ""
	to     string // the host of a redirect, or ""
	page   page
	err    error
}

// state is how a page is.
type state int

const (
	unseen state = iota // nothing is known of it
	well
	ill
)

// why is the reason of a state other than well.
type why int

const (
	noReason      why = iota
	tooMany           // asked too often
	noResolver        // our resolver has no answer
	noRoute           // this machine has no way there
	certificate       // it is not accepted; the check of it says why
	guarded           // a page that wants to see a browser
	signIn            // pages are for those who are signed in
	otherSoftware     // not a Mastodon
	status            // an HTTP status that is no success
	redirected        // to another address
	notPage           // no HTML
	noRoot            // a page, but not Mastodon's
	noState           // Mastodon's page without its data
	maintenance       // somebody's notice of work
	tooLarge
	timeout
	refused
	cut
)

// read makes an outcome of an answer; whether the page is Mastodon's is found
// out later.
func read(a api.Answer, err error) outcome {
	o := outcome{
		code: a.Code, took: max(a.Total-a.Connect, 0), cached: cachedBy(a),
		kind: strings.ToLower(strings.TrimSpace(before(a.ContentType, ";"))), err: err,
	}
	if err != nil {
		return failed(o, err)
	}
	var page *api.NotJSONError
	challenged := errors.As(a.Decode(nil), &page) && page.Challenge
	html := o.kind == "text/html" || o.kind == "application/xhtml+xml"
	switch {
	case challenged:
		o.why, o.guard = guarded, guardOf(a)
	case a.Code == http.StatusUnauthorized:
		o.why = signIn
	case a.Code >= 300 && a.Code < 400:
		o.state, o.why = ill, redirected
		if to, err := url.Parse(a.Header.Get("Location")); err == nil {
			o.to = to.Hostname()
		}
	case a.Code != http.StatusOK:
		o.state, o.why = ill, status
		if html && maintaining(titleOf(a.Body)) || a.Code == http.StatusServiceUnavailable && maintaining(firstWords(a.Body)) {
			o.why = maintenance
		}
	case !html:
		o.state, o.why = ill, notPage
	default:
		o.state = well
	}
	return o
}

func before(s, sep string) string {
	head, _, _ := strings.Cut(s, sep)
	return head
}

// failed makes an outcome of a request that got no whole answer.
func failed(o outcome, err error) outcome {
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

// down tells whether what is behind the web server does not answer it, or does
// not answer in time.
func (o outcome) down() bool {
	switch {
	case o.why == timeout, o.why == cut:
		return true
	case o.why != status:
		return false
	}
	return unreachedBehind(o.code) || o.code == http.StatusServiceUnavailable
}

// unreachedBehind are the statuses by which a web server, or Cloudflare, says
// that it does not reach what is behind it.
func unreachedBehind(code int) bool {
	return code == http.StatusBadGateway || code == http.StatusGatewayTimeout || code >= 520 && code <= 524
}

// guards are what stands before a server and may want to see a browser, by a
// word in the Server header.
var guards = []struct{ header, name string }{
	{"cloudflare", "Cloudflare"},
	{"ddos-guard", "DDoS-Guard"},
	{"akamai", "Akamai"},
	{"sucuri", "Sucuri"},
	{"cloudfront", "AWS"},
	{"awselb", "AWS"},
}

// guardOf names who shows a challenge; "" where it cannot be told.
func guardOf(a api.Answer) string {
	server := strings.ToLower(a.Header.Get("Server"))
	for _, g := range guards {
		if strings.Contains(server, g.header) {
			return g.name
		}
	}
	if strings.Contains(string(a.Body), "anubis") {
		return "Anubis"
	}
	return ""
}

// maintaining tells whether words speak of work that is being done on a
// server.
func maintaining(words string) bool {
	low := strings.ToLower(words)
	for _, w := range []string{"maintenance", "メンテナンス", "メンテ中", "wartung", "mantenimiento", "be right back"} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// firstWords are the beginning of a body.
func firstWords(body []byte) string { return string(body[:min(len(body), 2048)]) }

// adviceUnseen is what would let this machine see.
func adviceUnseen(o outcome, domain string) checks.Advice {
	switch o.why {
	case noResolver:
		return checks.Advice{
			Text: checks.Text{En: "See whether this machine resolves names at all.", Ja: "このマシンで名前解決ができるか確かめてください。"},
			Look: checks.Sh("getent", "ahosts", domain),
		}
	case noRoute:
		return checks.Advice{
			Text: checks.Text{En: "Look at the network of this machine.", Ja: "このマシンのネットワークを確かめてください。"},
			Look: checks.Sh("ip", "route"),
		}
	case guarded:
		return checks.Advice{Text: checks.Text{
			En: `If the web server is on this machine, set [server] address = "127.0.0.1": it is then asked directly, past what checks for browsers.`,
			Ja: `Webサーバーがこのマシンにあるなら、[server]にaddress = "127.0.0.1"と書くと、ブラウザ確認を通さず直接確認します。`,
		}}
	}
	return checks.Advice{}
}
