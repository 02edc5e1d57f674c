package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// trust tells why a chain leads to nobody who is trusted; nil where it does.
// Then end is when the first of its intermediates ends, and ends its name. The
// dates of the server's own certificate play no part in it.
func (q question) trust(chain []*x509.Certificate) (f *fault, end time.Time, ends string) {
	leaf := chain[0]
	at := q.now
	if !at.Before(leaf.NotAfter) {
		at = leaf.NotAfter.Add(-time.Second)
	}
	if at.Before(leaf.NotBefore) {
		at = leaf.NotBefore
	}
	middle := x509.NewCertPool()
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: q.roots, Intermediates: middle, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err == nil {
		end, ends = firstEnd(chains)
		return nil, end, ends
	}
	if q.direct && forCloudflare(leaf) {
		return nil, time.Time{}, "" // asked behind the proxy, which trusts it
	}
	f = &fault{severity: checks.Critical}
	f.code, f.kind, f.who, f.also, f.end = why(chain, at, err)
	return f, time.Time{}, ""
}

// firstEnd is when the intermediates of the best chain begin to end.
func firstEnd(chains [][]*x509.Certificate) (end time.Time, who string) {
	for _, chain := range chains {
		var first *x509.Certificate
		for _, c := range chain[1:max(len(chain)-1, 1)] {
			if first == nil || c.NotAfter.Before(first.NotAfter) {
				first = c
			}
		}
		if first == nil {
			return time.Time{}, ""
		}
		if first.NotAfter.After(end) {
			end, who = first.NotAfter, calls(first.Subject)
		}
	}
	return end, who
}

// why names the fault of a chain that does not verify, by what was sent alone:
// nothing is fetched.
func why(chain []*x509.Certificate, at time.Time, err error) (code string, k kind, who, also string, end time.Time) {
	leaf := chain[0]
	path := climb(chain)
	top := path[len(path)-1]
	var invalid x509.CertificateInvalidError
	ended := slices.IndexFunc(path[1:], func(c *x509.Certificate) bool { return at.After(c.NotAfter) })
	switch {
	case len(path) == 1 && selfIssued(leaf):
		return untrusted, selfSigned, calls(leaf.Subject), "", end
	case ended >= 0:
		c := path[1+ended]
		return chainBroken, intermediateEnded, calls(c.Subject), "", c.NotAfter
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return untrusted, wrongUsage, calls(leaf.Issuer), "", end
	case !errors.As(err, new(x509.UnknownAuthorityError)):
		return untrusted, unverifiable, plain(strings.TrimPrefix(err.Error(), "x509: ")), "", end
	case forCloudflare(leaf):
		return untrusted, originOnly, calls(leaf.Issuer), "", end
	case selfIssued(top):
		return untrusted, rootUnknown, calls(top.Subject), "", end
	case top != leaf:
		return untrusted, rootUnknown, calls(top.Issuer), "", end
	case len(chain) > 1:
		return chainBroken, intermediateMisfits, calls(leaf.Issuer), calls(chain[1].Subject), end
	}
	return chainBroken, intermediateMissing, calls(leaf.Issuer), "", end
}

// climb follows the issuers among what was sent, from the server's own
// certificate up as far as it goes.
func climb(chain []*x509.Certificate) []*x509.Certificate {
	path := chain[:1:1]
	for cur := chain[0]; !selfIssued(cur); {
		i := slices.IndexFunc(chain, func(c *x509.Certificate) bool {
			return !slices.Contains(path, c) && bytes.Equal(c.RawSubject, cur.RawIssuer) && signed(c, cur)
		})
		if i < 0 {
			break
		}
		cur = chain[i]
		path = append(path, cur)
	}
	return path
}

func selfIssued(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && signed(c, c)
}

// signed tells whether by's key has signed c, whatever by may be used for.
func signed(by, c *x509.Certificate) bool {
	return by.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// forCloudflare tells whether a certificate is of Cloudflare's Origin CA, which
// only Cloudflare's own proxies trust.
func forCloudflare(leaf *x509.Certificate) bool {
	return slices.Contains(leaf.Issuer.Organization, "CloudFlare, Inc.") &&
		slices.ContainsFunc(leaf.Issuer.OrganizationalUnit, func(unit string) bool {
			return strings.HasPrefix(unit, "CloudFlare Origin SSL")
		})
}
