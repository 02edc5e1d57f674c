package federation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks/api"
)

// A verdict is what a look at one server came to.
type verdict string

// The verdicts.
const (
	there       verdict = "there"       // it answers as a server of the fediverse does
	gone        verdict = "gone"        // its name does not exist
	names       verdict = "names"       // no answer about its name
	private     verdict = "private"     // its name leads to no public address
	closedPort  verdict = "refused"     // nothing listens
	unreachable verdict = "unreachable" // no way to it
	silent      verdict = "silent"      // no answer in time
	cut         verdict = "cut"         // the connection is cut
	badTLS      verdict = "tls"         // no TLS that both know
	expired     verdict = "expired"     // its certificate is over, or not yet valid
	wrongName   verdict = "name"        // its certificate is for others
	selfMade    verdict = "self-made"   // its certificate vouches for itself
	unknownRoot verdict = "unknown"     // nobody that this machine knows vouches for it
	ourRoots    verdict = "our-roots"   // the same, and another list here knows them
	badChain    verdict = "chain"       // its certificate is bad in another way
	refusing    verdict = "refusing"    // it answers this machine with a refusal
	guarded     verdict = "guarded"     // it wants to see a browser
	broken      verdict = "broken"      // it answers with an error of its own
	nothing     verdict = "nothing"     // something answers, but no server of the fediverse
	odd         verdict = "odd"         // an answer that is none
	putOff      verdict = "put-off"     // its neighbours have been looked at
	here        verdict = "here"        // this machine has no network
)

// An outcome is a verdict with what is worth saying of it.
type outcome struct {
	Kind verdict `json:"kind"`
	Code int     `json:"code,omitempty"` // of the HTTP answer
	// Until is when its certificate ended, in seconds since 1970; 0 where it has
	// not begun.
	Until int64 `json:"until,omitempty"`
	// Issuer is who signed what is not known here.
	Issuer string `json:"issuer,omitempty"`
}

// read makes an outcome of an error; nil is an answer of another shape.
func (s *surveyor) read(err error, domain string) outcome {
	var (
		dns     *net.DNSError
		trust   *tls.CertificateVerificationError
		limited *api.RateLimitError
		large   *api.TooLargeError
		status  *api.StatusError
		page    *api.NotJSONError
		timed   *api.TransportError
	)
	switch {
	case err == nil:
		return outcome{Kind: nothing}
	case errors.Is(err, errCrowded):
		return outcome{Kind: putOff}
	case errors.Is(err, errPrivate), errors.Is(err, errPort):
		return outcome{Kind: private}
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return outcome{Kind: gone}
		}
		return outcome{Kind: names}
	case errors.As(err, &trust):
		return s.readChain(trust.UnverifiedCertificates, trust.Err)
	case errors.As(err, &limited):
		return outcome{Kind: refusing, Code: http.StatusTooManyRequests}
	case errors.As(err, &large):
		return outcome{Kind: odd}
	case errors.As(err, &page):
		if page.Challenge {
			return outcome{Kind: guarded, Code: page.Code}
		}
		return outcome{Kind: nothing, Code: page.Code}
	case errors.As(err, &status):
		return readStatus(status.Code)
	case errors.As(err, &timed):
		return outcome{Kind: readConnection(err, timed.Timeout())}
	}
	return outcome{Kind: odd} // redirects without end, JSON of another kind
}

func readStatus(code int) outcome {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusUnavailableForLegalReasons, http.StatusTooManyRequests:
		return outcome{Kind: refusing, Code: code}
	}
	if code >= http.StatusInternalServerError {
		return outcome{Kind: broken, Code: code}
	}
	return outcome{Kind: nothing, Code: code}
}

func readConnection(err error, timeout bool) verdict {
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return closedPort
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL),
		errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EAFNOSUPPORT):
		return here
	case errors.Is(err, syscall.EHOSTUNREACH):
		return unreachable
	case errors.As(err, &alert), errors.As(err, &record), strings.Contains(err.Error(), "tls: "):
		return badTLS
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return cut
	case timeout, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return silent
	}
	return odd
}

// readChain tells whose fault it is that a certificate was not accepted.
func (s *surveyor) readChain(chain []*x509.Certificate, err error) outcome {
	if len(chain) == 0 {
		return outcome{Kind: badChain}
	}
	leaf, now := chain[0], s.now()
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case now.After(leaf.NotAfter):
		return outcome{Kind: expired, Until: leaf.NotAfter.Unix()}
	case now.Before(leaf.NotBefore):
		return outcome{Kind: expired}
	case errors.As(err, &name):
		return outcome{Kind: wrongName}
	case vouchesForItself(leaf):
		return outcome{Kind: selfMade}
	case errors.As(err, &unknown), errors.As(err, &invalid) && invalid.Reason == x509.Expired:
	default:
		return outcome{Kind: badChain}
	}
	middle := x509.NewCertPool()
	top := leaf
	for _, c := range chain[1:] {
		middle.AddCert(c)
		if now.After(c.NotAfter) {
			return outcome{Kind: badChain} // an intermediate that is over
		}
		top = c
	}
	if pool := s.others(); pool != nil {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, Intermediates: middle, CurrentTime: now}); err == nil {
			return outcome{Kind: ourRoots, Issuer: issuer(top)}
		}
	}
	return outcome{Kind: unknownRoot, Issuer: issuer(top)}
}

func vouchesForItself(c *x509.Certificate) bool {
	return string(c.RawSubject) == string(c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// issuer names the authority above the last certificate that was sent.
func issuer(c *x509.Certificate) string {
	name := c.Issuer.CommonName
	if name == "" && len(c.Issuer.Organization) > 0 {
		name = c.Issuer.Organization[0]
	}
	return name
}

// fresh tells whether an outcome is told again; one that may tell only of this
// machine or of a moment is for one round (own).
func (o outcome) fresh(at, now time.Time) bool {
	age := now.Sub(at)
	switch {
	case o.Kind == "" || age < 0:
		return false
	case o.Kind == here || o.Kind == names:
		return age < surveyEvery
	}
	return age < 23*time.Hour
}
