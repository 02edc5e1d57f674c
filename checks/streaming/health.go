package streaming

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// healthPath answers "OK" wherever streaming runs, without a token. It touches
// neither Redis nor the database.
const healthPath = "/api/v1/streaming/health"

// state is how a place is.
type state int

const (
	unasked state = iota
	unseen        // nothing is known of the server
	well          // it says OK
	absent        // there is no such address
	guarded       // a page for people
	ill           // anything else
)

// reason is why a place is not well.
type reason string

const (
	noReason    reason = ""
	tooMany     reason = "too-many"    // our own doing: asked too often
	noResolver  reason = "no-resolver" // our resolver has no answer
	noRoute     reason = "no-route"    // this machine has no way there
	certificate reason = "certificate" // it is not accepted; the check of it says why
	status      reason = "status"      // an HTTP status that is no success
	otherApp    reason = "other-app"   // a success that is not streaming's
	timeout     reason = "timeout"
	refused     reason = "refused"
	cut         reason = "cut"
)

// An outcome is what one place said.
type outcome struct {
	state state
	why   reason
	code  int           // of the HTTP answer; 0 without one
	took  time.Duration // of the answer, without the connection
	err   error
}

// A process is one mastodon-streaming@PORT and what it tells of itself.
type process struct {
	outcome
	port    int
	numbers numbers
}

// base is where streaming is reached from outside.
type base struct {
	host string // as in a URL
	path string // before /api/v1/streaming, mostly ""
	own  bool   // it is the site's own name
}

// baseOf reads the address that an instance announces; what is not one, or
// would listen in the clear, is as if none were announced.
func baseOf(domain, announced string) base {
	none := base{host: domain, own: true}
	u, err := url.Parse(announced)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "wss" && u.Scheme != "https" {
		return none
	}
	path := strings.TrimSuffix(strings.TrimSuffix(u.EscapedPath(), "/"), "/api/v1/streaming")
	if strings.EqualFold(u.Host, domain) || strings.EqualFold(u.Host, net.JoinHostPort(domain, "443")) {
		return base{host: domain, path: path, own: true}
	}
	return base{host: u.Host, path: path}
}

// client asks the streaming server under its public name.
func (c *check) client(b base, token checks.Secret) (*api.Client, error) {
	if b.own {
		return api.New("https://"+b.host, token, c.wire)
	}
	return api.New("https://"+b.host, token, c.away)
}

// askPublic asks for the health under the public name.
func (c *check) askPublic(ctx context.Context, b base) outcome {
	client, err := c.client(b, checks.Secret{})
	if err != nil {
		return outcome{state: unseen, why: noResolver, err: err}
	}
	a, err := client.Probe(ctx, b.path+healthPath, nil)
	if ctx.Err() != nil {
		return outcome{err: ctx.Err()} // our time was over, not the server's
	}
	return read(a, err)
}

// askPort asks a process on this machine for its health and its numbers.
func (c *check) askPort(ctx context.Context, port int) process {
	p := process{port: port}
	client, err := api.New("http://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), checks.Secret{}, c.near)
	if err != nil {
		p.outcome = outcome{state: unseen, why: noRoute, err: err}
		return p
	}
	a, err := client.Probe(ctx, healthPath, nil)
	if ctx.Err() != nil {
		p.err = ctx.Err()
		return p
	}
	p.outcome = read(a, err)
	switch p.state {
	case well:
		p.numbers = askNumbers(ctx, client)
	case absent, guarded:
		p.state, p.why = ill, otherApp // nothing stands between, and streaming answers everybody
	}
	return p
}

// read makes an outcome of an answer.
func read(a api.Answer, err error) outcome {
	o := outcome{code: a.Code, took: max(a.Total-a.Connect, 0)}
	if err != nil {
		return failed(o, err)
	}
	o.err = a.Decode(nil)
	var page *api.NotJSONError
	switch {
	case errors.As(o.err, &page) && page.Challenge:
		o.state = guarded
	case o.code == http.StatusNotFound:
		o.state = absent
	case o.code == http.StatusForbidden, o.code == http.StatusUnauthorized:
		o.state = guarded
	case o.code >= 200 && o.code < 300 && strings.TrimSpace(string(a.Body)) == "OK":
		o.state = well
	case o.code >= 200 && o.code < 300:
		o.state, o.why = ill, otherApp
	default:
		o.state, o.why = ill, status
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
		timed   *api.TransportError
		large   *api.TooLargeError
	)
	o.state = unseen
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
		o.state, o.why = ill, otherApp
	case errors.As(err, &timed) && timed.Timeout(), errors.Is(err, context.DeadlineExceeded):
		o.state, o.why = ill, timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		o.state, o.why = ill, refused
	default:
		o.state, o.why = ill, cut
	}
	return o
}

// about is what the server says of itself, and when it said so.
type about struct {
	At        time.Time `json:"at,omitzero"`
	Version   string    `json:"version,omitempty"`
	Streaming string    `json:"streaming,omitempty"`
	// Live is who may read the public timelines as they grow: "public",
	// "authenticated", "disabled"; "" where that is not told (before 4.5).
	Live string `json:"live,omitempty"`
}

// aboutFresh is how long it is believed (own).
const aboutFresh = time.Hour

// about asks the server what it is and where it streams; where it does not say,
// what it said last stands.
func (c *check) about(ctx context.Context, last about) about {
	if age := time.Since(last.At); age >= 0 && age < aboutFresh {
		return last
	}
	client, err := api.New("https://"+c.site.Domain, checks.Secret{}, c.wire)
	if err != nil {
		return last
	}
	ctx, cancel := context.WithTimeout(ctx, c.pace.answer/2)
	defer cancel()
	a, err := client.Probe(ctx, "/api/v2/instance", nil)
	if err != nil {
		return last
	}
	in, err := a.InstanceV2()
	if err != nil {
		return last
	}
	var more struct {
		Configuration struct {
			Access struct {
				Live struct {
					Local string `json:"local"`
				} `json:"live_feeds"`
			} `json:"timelines_access"`
		} `json:"configuration"`
	}
	if a.Decode(&more) != nil { // another shape: not told
		more.Configuration.Access.Live.Local = ""
	}
	return about{At: time.Now(), Version: in.Version, Streaming: in.Streaming, Live: more.Configuration.Access.Live.Local}
}

// mastodon tells whether the server is one of Mastodon's family for certain.
func (a about) mastodon() bool { return api.Software(a.Version).Name == api.Mastodon }
