package federation

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Bounds of what is read (own): a list has about 150 roots in 220 kB.
const (
	rootsBytes = 4 << 20
	rootsFiles = 2000
)

// otherLists are where a second list of root certificates may lie that is not
// made from the system's: what the package brings before update-ca-certificates
// has chosen from it (Debian), and those of programming languages.
var otherLists = []string{
	"usr/share/ca-certificates/mozilla", "usr/share/pki/ca-trust-source", "usr/lib/python3/dist-packages/certifi/cacert.pem",
}

// otherRoots reads the first second list that has anything in it; nil where
// there is none.
func otherRoots(root string) *x509.CertPool {
	for _, p := range otherLists {
		pool, left := x509.NewCertPool(), int64(rootsBytes)
		if addRoots(pool, filepath.Join("/", root, p), &left, true) > 0 {
			return pool
		}
	}
	return nil
}

// addRoots adds the certificates of a file, or of the files of a folder, and
// returns of how many files.
func addRoots(pool *x509.CertPool, p string, left *int64, folders bool) int {
	f, err := os.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	if info.IsDir() && folders {
		entries, err := f.Readdirnames(rootsFiles)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0
		}
		n := 0
		for _, e := range entries {
			n += addRoots(pool, filepath.Join(p, e), left, false)
		}
		return n
	}
	if !info.Mode().IsRegular() || info.Size() > *left {
		return 0
	}
	*left -= info.Size()
	text, err := io.ReadAll(io.LimitReader(f, info.Size()))
	if err != nil || !bytes.Contains(text, []byte("-----BEGIN CERTIFICATE-----")) || !pool.AppendCertsFromPEM(text) {
		return 0
	}
	return 1
}
