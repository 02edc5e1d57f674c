package checkstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// A CA is a certificate authority that one test has made for itself.
type CA struct {
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// above are the certificates between this one and the root, which a server
	// has to send along; the nearest first, this one included, the root not.
	above []*x509.Certificate
	root  *x509.Certificate
}

// A Leaf is what a certificate for a server says. Zero dates mean 90 days of
// which 60 are left.
type Leaf struct {
	Names               []string // DNS names, or IP addresses
	NotBefore, NotAfter time.Time
	Subject             pkix.Name // the common name is the first name if empty
	// Usage is what it is for; nil means servers.
	Usage []x509.ExtKeyUsage
}

// A Certificate is a server's certificate with its key, and the intermediates
// that belong to it.
type Certificate struct {
	Leaf  *x509.Certificate
	Above []*x509.Certificate
	Key   *ecdsa.PrivateKey
}

const day = 24 * time.Hour

// Lifetime is a leaf with a life of the given length of which left is left.
func Lifetime(life, left time.Duration, names ...string) Leaf {
	end := time.Now().Add(left)
	return Leaf{Names: names, NotBefore: end.Add(-life), NotAfter: end}
}

// NewCA makes a root.
func NewCA(t testing.TB, name string) *CA {
	t.Helper()
	return newCA(t, pkix.Name{CommonName: name}, nil, time.Now().Add(-365*day), time.Now().Add(3650*day))
}

// Intermediate makes an authority below this one.
func (ca *CA) Intermediate(t testing.TB, name string) *CA {
	t.Helper()
	return ca.IntermediateUntil(t, pkix.Name{CommonName: name}, time.Now().Add(1000*day))
}

// IntermediateUntil makes an authority below this one that ends at an instant.
func (ca *CA) IntermediateUntil(t testing.TB, name pkix.Name, end time.Time) *CA {
	t.Helper()
	return newCA(t, name, ca, time.Now().Add(-365*day), end)
}

func newCA(t testing.TB, name pkix.Name, parent *CA, from, to time.Time) *CA {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: name, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	ca := &CA{key: key}
	if parent == nil {
		ca.Cert = sign(t, template, template, &key.PublicKey, key)
		ca.root = ca.Cert
		return ca
	}
	ca.Cert = sign(t, template, parent.Cert, &key.PublicKey, parent.key)
	ca.above = append([]*x509.Certificate{ca.Cert}, parent.above...)
	ca.root = parent.root
	return ca
}

// Roots is the store of somebody who trusts this authority's root, and no
// other.
func (ca *CA) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.root)
	return pool
}

// Issue makes a server's certificate.
func (ca *CA) Issue(t testing.TB, l Leaf) Certificate {
	t.Helper()
	key := newKey(t)
	return Certificate{Leaf: sign(t, l.template(t), ca.Cert, &key.PublicKey, ca.key), Above: ca.above, Key: key}
}

// SelfSigned makes a certificate that vouches for itself.
func SelfSigned(t testing.TB, l Leaf) Certificate {
	t.Helper()
	key := newKey(t)
	template := l.template(t)
	return Certificate{Leaf: sign(t, template, template, &key.PublicKey, key), Key: key}
}

func (l Leaf) template(t testing.TB) *x509.Certificate {
	t.Helper()
	if l.NotAfter.IsZero() {
		l.NotAfter = time.Now().Add(60 * day)
	}
	if l.NotBefore.IsZero() {
		l.NotBefore = l.NotAfter.Add(-90 * day)
	}
	if l.Subject.CommonName == "" && len(l.Names) > 0 {
		l.Subject.CommonName = l.Names[0]
	}
	if l.Usage == nil {
		l.Usage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: l.Subject, NotBefore: l.NotBefore, NotAfter: l.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: l.Usage,
	}
	for _, name := range l.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	return template
}

// FullChain is what a server should send: the certificate, then what stands
// between it and the root, as PEM.
func (c Certificate) FullChain() []byte {
	out := c.Alone()
	for _, a := range c.Above {
		out = append(out, pemOf(a)...)
	}
	return out
}

// Alone is the certificate without its intermediates, as PEM.
func (c Certificate) Alone() []byte { return pemOf(c.Leaf) }

// KeyPEM is the private key as PEM.
func (c Certificate) KeyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// TLS is the certificate with its chain, for a server written in Go.
func (c Certificate) TLS() tls.Certificate {
	out := tls.Certificate{PrivateKey: c.Key, Leaf: c.Leaf, Certificate: [][]byte{c.Leaf.Raw}}
	for _, a := range c.Above {
		out.Certificate = append(out.Certificate, a.Raw)
	}
	return out
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func serial(t testing.TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func sign(t testing.TB, template, parent *x509.Certificate, key *ecdsa.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
