package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	// fileLimit is how much of a file is read; a chain of ten certificates has
	// about 20 kB (own).
	fileLimit = 64 << 10
	// linkLimit is how many links lead from a name to its file (own; certbot
	// makes one).
	linkLimit = 4
	// entryLimit is how many names of one folder are read (own).
	entryLimit = 20_000
)

// Why a file that should hold a certificate gives none.
var (
	errEmpty     = errors.New("the file is empty")
	errNoPEM     = errors.New("the file holds no certificate")
	errBroken    = errors.New("the certificate in the file is broken")
	errKey       = errors.New("the file holds a private key")
	errIrregular = errors.New("not an ordinary file")
	errTooLarge  = errors.New("the file is too large")
	errLeadsOut  = errors.New("the link leads somewhere else")
)

// certName matches the names that certificates go by. A link to a file that is
// called anything else is not followed.
var certName = regexp.MustCompile(`(?i)\.(pem|crt|cer|cert)$`)

// keyName matches the names that private keys go by.
var keyName = regexp.MustCompile(`(?i)(priv|\bkey\b|key[0-9]*\.pem$|\.key$)`)

// mayHold tells whether a file of that name can be a certificate, and is no
// private key by its name.
func mayHold(name string) bool { return certName.MatchString(name) && !keyName.MatchString(name) }

// A tree is one folder below which certificates lie: nothing outside it is
// opened, wherever its links lead.
type tree struct {
	root *os.Root
	// path is what the machine calls the folder.
	path string
}

// openTree opens a folder of the machine whose root is at root.
func openTree(root, folder string) (*tree, error) {
	whole := filepath.Join("/", root, folder)
	// Opening a pipe would wait for a writer.
	if info, err := os.Stat(whole); err == nil && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: whole, Err: syscall.ENOTDIR}
	}
	r, err := os.OpenRoot(whole)
	if err != nil {
		return nil, err
	}
	return &tree{root: r, path: folder}, nil
}

func (t *tree) close() { _ = t.root.Close() }

// list returns the names in a folder of the tree.
func (t *tree) list(folder string) ([]string, error) {
	f, err := t.root.OpenFile(folder, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(entryLimit)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return names, err
}

// follow goes from a name to the file that it stands for, link by link; each
// must be called as a certificate is.
func (t *tree) follow(name string) (string, fs.FileInfo, error) {
	for range linkLimit + 1 {
		info, err := t.root.Lstat(name)
		if err != nil {
			return name, nil, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return name, info, nil
		}
		to, err := t.root.Readlink(name)
		if err != nil {
			return name, nil, err
		}
		if path.IsAbs(to) {
			inside, ok := strings.CutPrefix(path.Clean(to), t.path+"/")
			if !ok {
				return name, nil, errLeadsOut
			}
			to = inside
		} else {
			to = path.Join(path.Dir(name), to)
		}
		if !filepath.IsLocal(to) || !mayHold(path.Base(to)) {
			return name, nil, errLeadsOut
		}
		name = to
	}
	return name, nil, errLeadsOut
}

// read reads the small ordinary file that a name stands for.
func (t *tree) read(name string) (data []byte, info fs.FileInfo, err error) {
	before, err := t.root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, nil, errIrregular
	}
	f, err := t.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }()
	return readSmall(f, before)
}

// readSmall reads an open file that must still be the one that was looked at.
func readSmall(f *os.File, before fs.FileInfo) ([]byte, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !info.Mode().IsRegular() || before != nil && !os.SameFile(before, info):
		return nil, nil, errIrregular
	case info.Size() > fileLimit:
		return nil, nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, fileLimit))
	return data, info, err
}

// readPath reads a small ordinary file by its path; it follows links and never
// waits for somebody to write into a pipe.
func readPath(name string) ([]byte, fs.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }()
	return readSmall(f, nil)
}

// chain reads the certificates of a file of the tree, and since when they lie
// there; file is where they really lie.
func (t *tree) chain(name string) (chain []*x509.Certificate, since time.Time, file string, err error) {
	file, _, err = t.follow(name)
	if err != nil {
		return nil, time.Time{}, file, err
	}
	data, info, err := t.read(file)
	if err != nil {
		return nil, time.Time{}, file, err
	}
	chain, err = parse(data)
	if err != nil {
		return nil, time.Time{}, file, err
	}
	return chain, lainSince(chain[0], info.ModTime()), file, nil
}

// lainSince is since when a certificate lies on disk: a copy may carry a date
// from before it was made.
func lainSince(leaf *x509.Certificate, changed time.Time) time.Time {
	if changed.Before(leaf.NotBefore) {
		return leaf.NotBefore
	}
	return changed
}

// parse reads the certificates of a PEM file. It stops at a private key.
func parse(data []byte) ([]*x509.Certificate, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errEmpty
	}
	var chain []*x509.Certificate
	for rest := data; len(chain) < chainLimit; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			clear(block.Bytes)
			clear(data)
			return nil, errKey
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBroken, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, errNoPEM
	}
	return chain, nil
}
