package webui

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"syscall"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// A fault is what is wrong with an asset, or why it could not be seen.
type fault struct {
	URL    string `json:"url"`
	Entry  bool   `json:"entry,omitempty"`
	Role   role   `json:"role,omitempty"`
	What   what   `json:"what"`
	Code   int    `json:"code,omitempty"`
	Kind   string `json:"kind,omitempty"` // the content type it came with
	Cached bool   `json:"cached,omitempty"`
	// Disk is what lies on the disk of this machine in its place.
	Disk place `json:"disk,omitempty"`
}

// what is wrong with an asset.
type what string

const (
	fine        what = ""
	hidden      what = "hidden" // it could not be looked at
	missing     what = "missing"
	forbidden   what = "forbidden"
	failing     what = "failing" // any other status
	isPage      what = "page"    // HTML where a script or style should be
	wrongType   what = "type"
	empty       what = "empty"
	garbled     what = "garbled"
	changed     what = "changed" // the digest is another
	notAllowed  what = "cors"
	plainHTTP   what = "http"
	tooSlow     what = "slow"
	unreachable what = "unreachable"
	cutOff      what = "cut"
	huge        what = "huge"
)

// code is the code of the finding that the fault belongs to.
func (f fault) code() string {
	switch {
	case f.Cached:
		return codeStale
	case f.What == changed:
		return codeIntegrity
	}
	return codeAsset
}

// severity: without its entry scripts the web UI does not start, and neither
// script nor style is taken by a browser when its digest is wrong
// (defaults.md).
func (f fault) severity() checks.Severity {
	if f.Entry || f.What == changed && f.Role != preload {
		return checks.Critical
	}
	return checks.Warning
}

// faultOf judges what was fetched of an asset.
func faultOf(a asset, f fetched, domain string) fault {
	bad := fault{URL: a.URL, Entry: a.entry(), Role: a.Role, Code: f.code, Kind: f.kind, Cached: a.Cached}
	bad.What = whatIs(a, f, domain)
	return bad
}

func whatIs(a asset, f fetched, domain string) what {
	switch {
	case f.guarded:
		return hidden
	case f.err != nil && !f.garbled:
		return failure(f.err)
	case f.code == http.StatusNotFound || f.code == http.StatusGone:
		return missing
	case f.code == http.StatusForbidden || f.code == http.StatusUnauthorized:
		return forbidden
	case f.code != http.StatusOK:
		return failing
	case f.garbled:
		return garbled
	case f.html || f.kind == "text/html":
		return isPage
	// Mastodon's own style of the admin's may be empty.
	case f.bytes == 0 && a.built():
		return empty
	case a.CORS && a.host() != domain && f.allows != "*" && f.allows != "https://"+domain:
		return notAllowed
	}
	if d, ok := promised(a.Integrity); ok && !d.keeps(f.sum) {
		return changed
	}
	if !a.Wants.fits(f.kind) {
		return wrongType
	}
	return fine
}

// failure is what no whole answer means. What is this machine's own doing is
// not the asset's fault.
func failure(err error) what {
	var (
		dns     *net.DNSError
		trust   *tls.CertificateVerificationError
		limited *api.RateLimitError
		large   *api.TooLargeError
		timed   *api.TransportError
	)
	switch {
	case errors.As(err, &limited), errors.Is(err, errTooMuch):
		return hidden
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return unreachable
		}
		return hidden
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL),
		errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return hidden
	case errors.As(err, &large), errors.Is(err, errUnpacked):
		return huge
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timed) && timed.Timeout():
		return tooSlow
	case errors.As(err, &trust), errors.Is(err, syscall.ECONNREFUSED):
		return unreachable
	}
	return cutOff
}
