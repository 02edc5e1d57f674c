package watch

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"sync"
	"time"
)

// A verdict is that a chain was good for a name. To verify it is two thirds of
// the cost of a look, so it is remembered until the chain that is presented or
// the roots change, or any certificate of it ends; the handshake itself, which
// proves that the server has the key, is made anew each time.
type verdict struct {
	sum   [sha256.Size]byte
	roots *x509.CertPool
	from  time.Time
	until time.Time
}

func (v verdict) holds(sum [sha256.Size]byte, roots *x509.CertPool, now time.Time) bool {
	return v.roots == roots && v.sum == sum && !now.Before(v.from) && now.Before(v.until)
}

// sumOf is of the whole chain as it was presented.
func sumOf(chain []*x509.Certificate) (sum [sha256.Size]byte) {
	h := sha256.New()
	var length [4]byte
	for _, c := range chain {
		n := len(c.Raw)
		length = [4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
		_, _ = h.Write(length[:]) // a hash never fails
		_, _ = h.Write(c.Raw)
	}
	h.Sum(sum[:0])
	return sum
}

// verify is why a chain is not good for a name; a nil pool takes the system's.
func (v *verdict) verify(name string, chain []*x509.Certificate, roots *x509.CertPool, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("no certificate was sent")
	}
	sum := sumOf(chain)
	if v.holds(sum, roots, now) {
		return nil
	}
	*v = verdict{}
	middle := x509.NewCertPool()
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	found, err := chain[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: middle, CurrentTime: now})
	if err != nil {
		return err
	}
	until := chain[0].NotAfter
	for _, path := range append(found[:1:1], chain) {
		for _, c := range path {
			// One that was sent along and is over already plays no part in it.
			if c.NotAfter.Before(until) && now.Before(c.NotAfter) {
				until = c.NotAfter
			}
		}
	}
	*v = verdict{sum: sum, roots: roots, from: now, until: until}
	return nil
}

// reasonOf names what is wrong with a chain.
func reasonOf(chain []*x509.Certificate, err error, now time.Time) reason {
	var name x509.HostnameError
	switch {
	case len(chain) == 0:
		return badTLS
	case now.After(chain[0].NotAfter):
		return certOver
	case now.Before(chain[0].NotBefore):
		return certEarly
	case errors.As(err, &name):
		return certName
	case string(chain[0].RawSubject) == string(chain[0].RawIssuer):
		return certSelf
	}
	return certUnknown
}

// middles keeps the intermediates that many servers send from being parsed anew
// for each: crypto/tls knows those that somebody still holds.
type middles struct {
	mu   sync.Mutex
	kept map[*x509.Certificate]bool
}

// middlesKept is many times what the usual authorities have (own).
const middlesKept = 256

func (m *middles) keep(chain []*x509.Certificate) {
	if len(chain) < 2 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) > middlesKept {
		m.kept = map[*x509.Certificate]bool{}
	}
	for _, c := range chain[1:] {
		m.kept[c] = true
	}
}
