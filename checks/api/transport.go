// Package api is how a Mastodon is spoken to: a transport with time-outs,
// limits and rate headers, typed reads, and the stream that says when
// something is worth reading. Everything that a server answers is bounded in
// bytes, time and depth, and every way of failing has a type of its own.
package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of every request (own).
const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	headerTimeout    = 10 * time.Second
	wholeTimeout     = 2 * time.Minute
	idleTimeout      = 60 * time.Second
	maxHeaderBytes   = 64 << 10
	maxBody          = 4 << 20
	idleConnections  = 2
)

// Options say how the server is reached; the zero value is good for most.
// Proxies named by the environment are not used.
type Options struct {
	// UserAgent is sent with every request when it is not empty.
	UserAgent string
	// Dial opens the connections; nil is a [net.Dialer]. Either has 5 s.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Address, a host or host:port, is where every connection goes, while
	// the Host header and the name asked for in TLS stay those of the URL,
	// as with curl --resolve. A host alone keeps the URL's port.
	Address string
	// Roots are the authorities that are believed; nil is the system's.
	Roots *x509.CertPool
	// MaxBody bounds every answer, in bytes; 0 is 4 MiB.
	MaxBody int64
	// HeaderTimeout bounds the wait for the answer's first line once the
	// request is written; 0 is 10 s.
	HeaderTimeout time.Duration
	// Timeout bounds a whole request, its answer's body included, also
	// where the caller's context has no deadline; 0 is 2 minutes. It ends
	// with the handshake of a WebSocket.
	Timeout time.Duration
	// Fresh makes every request use a new connection.
	Fresh bool
	// Brief is for who calls [Transport.CloseIdle] after a few requests: then
	// no ping finds out whether an idle connection is still alive. The timer of
	// that would keep a closed connection, some 10 kB, in memory for 15 s more.
	Brief bool
	// PlainHTTP lets [New] take http:// for a host that is not loopback.
	PlainHTTP bool
}

// A Transport is an [http.RoundTripper] that gives up in time, reads no more
// than it was allowed to, answers 429 with a [*RateLimitError], and wraps its
// failures in a [*TransportError] that knows whether the request may have
// reached the server.
type Transport struct {
	opts Options
	base *http.Transport

	mu     sync.Mutex
	budget map[Bucket]Budget
}

// NewTransport makes a transport; nothing is dialled yet.
func NewTransport(opts Options) *Transport {
	opts.MaxBody = min(cmp.Or(opts.MaxBody, maxBody), 1<<40)
	opts.HeaderTimeout = cmp.Or(opts.HeaderTimeout, headerTimeout)
	opts.Timeout = cmp.Or(opts.Timeout, wholeTimeout)
	if opts.Dial == nil {
		opts.Dial = new(net.Dialer).DialContext
	}
	t := &Transport{opts: opts, budget: map[Bucket]Budget{}}
	t.base = &http.Transport{
		DialContext:            t.dial,
		TLSClientConfig:        &tls.Config{RootCAs: opts.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  opts.HeaderTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           idleConnections,
		MaxIdleConnsPerHost:    idleConnections,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableKeepAlives:      opts.Fresh,
		// A small answer may unpack to any size; none of ours is big enough to gain by it.
		DisableCompression: true,
		ForceAttemptHTTP2:  true,
	}
	if !opts.Fresh && !opts.Brief {
		// A half-open HTTP/2 connection would otherwise swallow one request after another.
		t.base.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}
	}
	return t
}

func (t *Transport) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return t.opts.Dial(ctx, network, target(addr, t.opts.Address))
}

// target is where a connection meant for addr really goes.
func target(addr, override string) string {
	if override == "" {
		return addr
	}
	if _, _, err := net.SplitHostPort(override); err == nil {
		return override
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	host := strings.TrimSuffix(strings.TrimPrefix(override, "["), "]")
	return net.JoinHostPort(host, port)
}

// RoundTrip does one request. The answer's body fails with a
// [*TooLargeError] past Options.MaxBody.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.opts.Timeout)
	var wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// From here on bytes may be under way. The later hooks run before the
		// buffer is flushed, so they prove no more than this one.
		GotConn: func(httptrace.GotConnInfo) { wrote.Store(true) },
	})
	out := req.Clone(ctx)
	t.dress(out)

	resp, err := t.base.RoundTrip(out)
	if err != nil {
		cancel()
		return nil, &TransportError{Err: err, Wrote: wrote.Load()}
	}
	t.remember(req, resp.Header, time.Now())
	if resp.StatusCode == http.StatusTooManyRequests {
		_ = resp.Body.Close()
		cancel()
		return nil, rateLimited(req, resp.Header, time.Now())
	}
	resp.Request = req
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// The connection is the caller's now, and its body must stay writable.
		cancel()
		return resp, nil
	}
	resp.Body = &boundedBody{
		body: resp.Body, left: t.opts.MaxBody, limit: t.opts.MaxBody,
		method: req.Method, path: req.URL.Path, done: cancel,
	}
	return resp, nil
}

// idempotencyHeader is spelled as HTTP/2 spells it, on purpose. Under its
// canonical name net/http takes it as leave to send a POST a second time when
// a kept connection ends before the answer; a server that does not honour the
// key (GoToSocial), or honours it without a lock (Mastodon before 4.6), would
// then post twice. Servers fold the case of header names.
const idempotencyHeader = "idempotency-key"

func (t *Transport) dress(req *http.Request) {
	if t.opts.UserAgent != "" {
		req.Header.Set("User-Agent", t.opts.UserAgent)
	}
	if key, ok := req.Context().Value(idempotencyKey{}).(string); ok && key != "" && req.Method == http.MethodPost {
		req.Header.Del("Idempotency-Key")
		req.Header[idempotencyHeader] = []string{key}
	}
}

type idempotencyKey struct{}

// WithIdempotencyKey makes POST requests under this context carry the key.
// Mastodon answers the same key with the first post for an hour; others
// ignore it.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// CloseIdle closes the connections that wait for another request.
func (t *Transport) CloseIdle() { t.base.CloseIdleConnections() }
