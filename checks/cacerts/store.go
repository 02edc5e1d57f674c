package cacerts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/sababan/sababan/checks"
)

// Bounds of what is read (own): a bundle has about 150 roots in 220 kB.
const (
	bundleLimit = 16 << 20
	rootLimit   = 5000
	folderLimit = 2000 // entries of a folder of certificates
)

// bundles are where systems keep the list in one file, as Go looks for it.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian
	"/etc/pki/tls/certs/ca-bundle.crt",                  // Red Hat
	"/etc/ssl/ca-bundle.pem",                            // SUSE
	"/etc/pki/tls/cacert.pem",                           // OpenELEC
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Red Hat
	"/etc/ssl/cert.pem",                                 // Alpine, macOS
}

// A store is a list of root certificates, read afresh.
type store struct {
	name string // its subject
	path string
	// pool holds the roots; Go keeps the system's for the life of a process and
	// would not notice a change.
	pool  *x509.CertPool
	roots int
	// bad are blocks that are no certificate.
	bad int
	// sum is what is in it.
	sum string
	err error
}

var (
	errNoBundle = errors.New("there is no list of root certificates in any of the usual places")
	errTooLarge = errors.New("it is larger than such a list ever is")
)

// readStore reads a file, or each file of a folder.
func readStore(name, shown string, places ...string) store {
	s := store{name: name, path: shown, pool: x509.NewCertPool()}
	seen := map[[32]byte]bool{}
	var errs []error
	read := 0
	for _, p := range places {
		if err := s.add(p, seen); err != nil {
			errs = append(errs, err)
			continue
		}
		read++
	}
	if read == 0 {
		s.err = errors.Join(errs...)
	}
	var all [][]byte
	for sum := range seen {
		all = append(all, sum[:])
	}
	slices.SortFunc(all, bytes.Compare)
	total := sha256.Sum256(bytes.Join(all, nil))
	s.roots, s.sum = len(seen), hex.EncodeToString(total[:8])
	return s
}

func (s *store) add(p string, seen map[[32]byte]bool) error {
	info, err := os.Stat(p)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return s.addFile(p, seen)
	}
	d, err := checks.OpenFolder(p)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(folderLimit)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, n := range names {
		// A link that leads nowhere is the trouble of that one root.
		_ = s.addFile(filepath.Join(p, n), seen)
	}
	return nil
}

func (s *store) addFile(p string, seen map[[32]byte]bool) error {
	f, err := checks.OpenFile(p)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, bundleLimit+1))
	if err != nil {
		return err
	}
	if len(text) > bundleLimit {
		return errTooLarge
	}
	for len(seen) < rootLimit {
		var block *pem.Block
		begins := bytes.Count(text, []byte("-----BEGIN CERTIFICATE-----"))
		block, rest := pem.Decode(text)
		if block == nil {
			s.bad += begins // what begins and is not read
			break
		}
		// A block that is damaged is passed over by the decoder.
		s.bad += max(begins-bytes.Count(rest, []byte("-----BEGIN CERTIFICATE-----"))-1, 0)
		text = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			s.bad++
			continue
		}
		if sum := sha256.Sum256(c.Raw); !seen[sum] {
			seen[sum] = true
			s.pool.AddCert(c)
		}
	}
	return nil
}

// stores are the system's, and that of Mastodon's own Ruby where it is another.
func (c *check) stores(ctx context.Context) []store {
	root := func(p string) string { return filepath.Join("/", c.site.Root, p) }
	system := store{name: systemStore, pool: x509.NewCertPool(), err: errNoBundle}
	candidates := bundles
	if c.config.Bundle != "" {
		candidates = []string{c.config.Bundle}
	}
	for _, p := range candidates {
		if _, err := os.Stat(root(p)); c.config.Bundle != "" || !errors.Is(err, fs.ErrNotExist) {
			system = readStore(systemStore, p, root(p))
			break
		}
	}
	all := []store{system}
	if p := c.config.RuntimeBundle; p != "" {
		all = append(all, readStore(runtimeStore, p, root(p)))
	} else if folder, closed := c.rubys(ctx); closed != "" {
		all = append(all, store{name: runtimeStore, path: closed, pool: x509.NewCertPool(), err: fs.ErrPermission})
	} else if folder != "" {
		// OpenSSL reads both, and either may be missing.
		all = append(all, readStore(runtimeStore, path.Join(folder, "cert.pem"), root(path.Join(folder, "cert.pem")), root(path.Join(folder, "certs"))))
	}
	if len(all) == 2 && all[1].err == nil && all[1].sum == system.sum {
		return all[:1] // a link to the system's
	}
	return all
}

// rubys is the folder in which the Ruby that Mastodon runs on looks for root
// certificates, where it was built with an OpenSSL of its own; "" where it
// uses the system's, or nothing is known of it. A place that hides the answer
// is named in closed.
func (c *check) rubys(ctx context.Context) (folder, closed string) {
	f := c.site.Find(ctx)
	if f.Live == "" {
		return "", ""
	}
	root := func(p string) string { return filepath.Join("/", c.site.Root, p) }
	file := path.Join(f.Live, ".ruby-version")
	wanted, err := firstLine(root(file))
	if errors.Is(err, fs.ErrPermission) {
		return "", file
	}
	if wanted == "" || strings.ContainsAny(wanted, "/\x00") || checks.Sh(wanted).String() == "" {
		return "", ""
	}
	homes := []string{path.Dir(f.Live)}
	if f.User != "" && path.Join("/home", f.User) != homes[0] {
		homes = append(homes, path.Join("/home", f.User))
	}
	for _, home := range homes {
		for _, version := range []string{wanted, "ruby-" + wanted} {
			folder := path.Join(home, ".rbenv/versions", version, "openssl/ssl")
			switch _, err := os.Stat(root(folder)); {
			case err == nil:
				return folder, ""
			case errors.Is(err, fs.ErrPermission):
				return "", folder
			}
		}
	}
	return "", ""
}

func firstLine(p string) (string, error) {
	f, err := os.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, 64))
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line), err
}

// trouble is why a store is of no use, or a damaged one; nil where it is well.
func (s store) trouble() error {
	switch {
	case s.err != nil:
		return s.err
	case s.roots == 0:
		return errEmpty
	case s.bad*10 > s.roots: // own: a tenth; Go refuses a few odd old ones
		return fmt.Errorf("%w: %d", errDamaged, s.bad)
	}
	return nil
}

var (
	errEmpty   = errors.New("it holds no certificate")
	errDamaged = errors.New("entries that are no certificate")
)
