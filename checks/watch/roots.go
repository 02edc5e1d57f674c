package watch

import (
	"crypto/x509"
	"io"
	"os"
	"time"

	"github.com/sababan/sababan/checks"
)

// rootFiles are where the system's list of roots lies: Debian, Fedora, openSUSE,
// Alpine.
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// rootsLimit bounds a list, in bytes (own: they have some 220 kB).
const rootsLimit = 8 << 20

// A store is the system's list of roots, read again when it changes: the
// standard library reads it once in the life of a process.
type store struct {
	files []string
	pool  *x509.CertPool
	path  string
	size  int64
	at    time.Time
}

// now returns the list as it is now; nil leaves it to the standard library.
func (s *store) now() *x509.CertPool {
	for _, path := range s.files {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > rootsLimit {
			continue
		}
		if s.pool != nil && s.path == path && s.size == info.Size() && s.at.Equal(info.ModTime()) {
			return s.pool
		}
		f, err := checks.OpenFile(path)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(f, rootsLimit))
		_ = f.Close() // it was only read
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(text) {
			continue
		}
		s.pool, s.path, s.size, s.at = pool, path, info.Size(), info.ModTime()
		return pool
	}
	return s.pool
}
