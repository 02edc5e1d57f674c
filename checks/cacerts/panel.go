package cacerts

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	askTimeout  = 8 * time.Second // for one server (own)
	headerLimit = 64 << 10        // of an answer (own)
	chainLimit  = 10              // certificates of an answer (own)
)

// A view is what one server of the panel showed.
type view struct {
	name  string
	chain []*x509.Certificate // the server's own first; nil where it was not reached
	err   error
}

// ask asks all servers at once, by HEAD.
func ask(ctx context.Context, panel []string) []view {
	views := make([]view, len(panel))
	var all sync.WaitGroup
	for i, name := range panel {
		all.Go(func() { views[i] = askOne(ctx, name) })
	}
	all.Wait()
	return views
}

func askOne(ctx context.Context, server string) view {
	name, addr := server, net.JoinHostPort(strings.Trim(server, "[]"), "443")
	if host, port, err := net.SplitHostPort(server); err == nil {
		name, addr = host, net.JoinHostPort(host, port)
	}
	v := view{name: name}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	dialer := net.Dialer{}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, addr)
		},
		DisableKeepAlives: true, MaxResponseHeaderBytes: headerLimit,
		// Verified by hand, with each store, so that the fault can be named.
		TLSClientConfig: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true},
	}
	defer transport.CloseIdleConnections()
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://"+server+"/", nil)
	if err != nil {
		v.err = err
		return v
	}
	r.Header.Set("User-Agent", "sababan")
	response, err := client.Do(r)
	if err != nil {
		v.err = err
		return v
	}
	v.err = response.Body.Close()
	if response.TLS != nil {
		chain := response.TLS.PeerCertificates
		v.chain = chain[:min(len(chain), chainLimit)]
	}
	return v
}

// trust says what came of verifying a server's certificate with one store.
type trust int

const (
	trusted trust = iota
	// unknown: nothing in the store vouches for it.
	unknown
	// outOfDate: it is not valid by this machine's clock.
	outOfDate
	// theirs: it is bad whatever the store: another name, vouching for itself,
	// an intermediate that has ended.
	theirs
)

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// verify verifies a chain with a store. The dates of the server's own
// certificate are told apart from whether anybody vouches for it.
func verify(v view, pool *x509.CertPool, now time.Time) trust {
	leaf := v.chain[0]
	if leaf.VerifyHostname(v.name) != nil || selfSigned(leaf) {
		return theirs
	}
	at, dated := now, trusted
	if now.After(leaf.NotAfter) {
		at, dated = leaf.NotAfter.Add(-time.Second), outOfDate
	}
	if now.Before(leaf.NotBefore) {
		at, dated = leaf.NotBefore, outOfDate
	}
	middle := x509.NewCertPool()
	ended := false
	for _, c := range v.chain[1:] {
		middle.AddCert(c)
		ended = ended || at.After(c.NotAfter)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: pool, Intermediates: middle, CurrentTime: at})
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return dated
	case errors.As(err, &x509.UnknownAuthorityError{}):
		return unknown
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && !ended:
		return unknown // the root that the store has for it is over
	}
	return theirs
}
