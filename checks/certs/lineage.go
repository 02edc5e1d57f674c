package certs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// lineageLimit is how many certificates on disk are read, those of the
	// site's own names first (own).
	lineageLimit = 300
	// olderLimit is how many replaced certificates of one are read (own).
	olderLimit = 6
	// homeLimit is how many home folders are looked into (own).
	homeLimit = 50
)

// A manager is who renews a certificate.
type manager string

const (
	byCertbot manager = "certbot"
	byAcmeSh  manager = "acme.sh"
	byCaddy   manager = "Caddy"
	byPath    manager = ""
)

// Where each of them keeps what it has, as the machine calls it.
const (
	certbotFolder = "/etc/letsencrypt"
	caddyFolder   = "/var/lib/caddy/.local/share/caddy/certificates"
)

// A lineage is a certificate on disk with those that it replaced.
type lineage struct {
	// name is what its manager calls it; the path where there is none.
	name string
	// path is the file that a server is given.
	path  string
	by    manager
	chain []*x509.Certificate
	// since is when the certificate came to lie there.
	since time.Time
	older []version
	// err is why it cannot be read, where not for want of permission.
	err error
	// reload is the command that acme.sh runs after a renewal.
	reload string
}

func (l lineage) leaf() *x509.Certificate { return l.chain[0] }

// A version is a certificate that has been replaced on disk.
type version struct {
	print string
	// replaced is when the one after it came.
	replaced time.Time
}

// A shelf is what lies on disk, as far as it could be read.
type shelf struct {
	lineages []lineage
	// denied are folders and files that are closed to us.
	denied []string
	// confs are certbot's notes of how each is renewed.
	confs []renewal
	// confsDenied: they are there, and closed to us.
	confsDenied bool
	// beyond is how many more there are than were read.
	beyond int
}

// fingerprint names one certificate.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:16])
}

// readShelf reads every certificate in the usual places and at the paths that
// are set. Those whose lineage is called after one of the names come first.
func readShelf(ctx context.Context, root string, paths, names []string) shelf {
	var s shelf
	s.certbot(ctx, root, names)
	s.caddy(ctx, root)
	s.acmeSh(ctx, root)
	for _, p := range paths {
		s.set(ctx, root, p)
	}
	return s
}

func (s *shelf) deny(name string) {
	if !slices.Contains(s.denied, name) {
		s.denied = append(s.denied, name)
	}
}

// room tells whether one more may be read.
func (s *shelf) room(ctx context.Context) bool {
	if len(s.lineages) >= lineageLimit || ctx.Err() != nil {
		s.beyond++
		return false
	}
	return true
}

func (s *shelf) certbot(ctx context.Context, root string, names []string) {
	t, err := openTree(root, certbotFolder)
	if errors.Is(err, fs.ErrPermission) {
		s.deny(certbotFolder)
	}
	if err != nil {
		return
	}
	defer t.close()
	s.confs, s.confsDenied = readRenewals(t)
	found, err := t.list("live")
	if errors.Is(err, fs.ErrPermission) {
		s.deny(certbotFolder + "/live")
		if _, err := t.list("archive"); errors.Is(err, fs.ErrPermission) {
			s.deny(certbotFolder + "/archive")
		}
		return
	}
	own := func(name string) int {
		if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(name, n) }) {
			return 0
		}
		return 1
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(own(a), own(b)), strings.Compare(a, b)) })
	for _, name := range found {
		if info, err := t.root.Lstat("live/" + name); err != nil || !info.IsDir() {
			continue // certbot's README, and what others left there
		}
		if s.room(ctx) {
			s.certbotLineage(t, name)
		}
	}
}

func (s *shelf) certbotLineage(t *tree, name string) {
	folder := "live/" + name
	for _, file := range []string{folder + "/fullchain.pem", folder + "/cert.pem"} {
		if _, err := t.root.Lstat(file); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		l := lineage{name: name, path: t.path + "/" + file, by: byCertbot}
		var at string
		l.chain, l.since, at, l.err = t.chain(file)
		if errors.Is(l.err, fs.ErrPermission) {
			s.denyFile(t, at)
			return
		}
		if l.err == nil {
			l.older = olderVersions(t, at, l.since)
		}
		s.lineages = append(s.lineages, l)
		return
	}
	// A folder without a certificate is what a half removal leaves.
}

// denyFile names the first folder on the way that is closed, else the file.
func (s *shelf) denyFile(t *tree, file string) {
	parts := strings.Split(file, "/")
	for i := 1; i < len(parts); i++ {
		folder := strings.Join(parts[:i], "/")
		if _, err := t.list(folder); errors.Is(err, fs.ErrPermission) {
			s.deny(t.path + "/" + folder)
			return
		}
	}
	s.deny(t.path + "/" + file)
}

// numbered is how certbot calls the versions in its archive.
var numbered = regexp.MustCompile(`^(cert|fullchain)([0-9]{1,9})\.pem$`)

// olderVersions reads the certificates that certbot has kept of before; file is
// the newest, fullchain12.pem, and came at an instant.
func olderVersions(t *tree, file string, came time.Time) []version {
	m := numbered.FindStringSubmatch(path.Base(file))
	if m == nil {
		return nil
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return nil
	}
	var list []version
	for i := n - 1; i >= max(n-olderLimit, 1); i-- {
		data, info, err := t.read(path.Join(path.Dir(file), m[1]+strconv.Itoa(i)+".pem"))
		if err != nil {
			return list
		}
		chain, err := parse(data)
		if err != nil {
			return list
		}
		list = append(list, version{print: fingerprint(chain[0]), replaced: came})
		came = lainSince(chain[0], info.ModTime())
	}
	return list
}

// caddy reads what Caddy keeps: AUTHORITY/NAME/NAME.crt. It renews and loads by
// itself, so that nothing is lost where its folder is closed.
func (s *shelf) caddy(ctx context.Context, root string) {
	t, err := openTree(root, caddyFolder)
	if err != nil {
		return
	}
	defer t.close()
	authorities, err := t.list(".")
	if err != nil {
		return
	}
	slices.Sort(authorities)
	for _, a := range authorities {
		names, err := t.list(a)
		if err != nil {
			continue
		}
		slices.Sort(names)
		for _, name := range names {
			file := a + "/" + name + "/" + name + ".crt"
			if _, err := t.root.Lstat(file); err != nil || !s.room(ctx) {
				continue
			}
			l := lineage{name: name, path: t.path + "/" + file, by: byCaddy}
			l.chain, l.since, _, l.err = t.chain(file)
			if !errors.Is(l.err, fs.ErrPermission) {
				s.lineages = append(s.lineages, l)
			}
		}
	}
}

// acmeSh reads what acme.sh keeps below the homes that are open to us:
// NAME/fullchain.cer, and NAME_ecc/fullchain.cer.
func (s *shelf) acmeSh(ctx context.Context, root string) {
	folders := []string{"/root/.acme.sh"}
	homes, _ := os.ReadDir(filepath.Join("/", root, "home")) // what is closed has nothing to offer
	for _, h := range homes[:min(len(homes), homeLimit)] {
		folders = append(folders, "/home/"+h.Name()+"/.acme.sh")
	}
	for _, folder := range folders {
		t, err := openTree(root, folder)
		if err != nil {
			continue
		}
		s.acmeShHome(ctx, t)
		t.close()
	}
}

func (s *shelf) acmeShHome(ctx context.Context, t *tree) {
	names, err := t.list(".")
	if err != nil {
		return
	}
	slices.Sort(names)
	for _, name := range names {
		file := name + "/fullchain.cer"
		if _, err := t.root.Lstat(file); err != nil || !s.room(ctx) {
			continue
		}
		plainName := strings.TrimSuffix(name, "_ecc")
		l := lineage{name: plainName, path: t.path + "/" + file, by: byAcmeSh}
		l.chain, l.since, _, l.err = t.chain(file)
		if conf, _, err := t.read(name + "/" + plainName + ".conf"); err == nil {
			l.reload = acmeShReload(string(conf))
		}
		if !errors.Is(l.err, fs.ErrPermission) {
			s.lineages = append(s.lineages, l)
		}
	}
}

// set reads the certificates at a path of the configuration; it may hold * for
// anything but a slash.
func (s *shelf) set(ctx context.Context, root, pattern string) {
	below := filepath.Join("/", root)
	found, err := filepath.Glob(filepath.Join(below, pattern))
	if err != nil {
		return // refused when the configuration was read
	}
	if len(found) == 0 && !strings.ContainsAny(pattern, "*?[") {
		if _, err := os.Lstat(filepath.Join(below, pattern)); errors.Is(err, fs.ErrPermission) {
			s.deny(pattern)
			return
		}
		s.lineages = append(s.lineages, lineage{name: pattern, path: pattern, err: fs.ErrNotExist})
		return
	}
	for _, file := range found {
		name := file
		if below != "/" {
			name = strings.TrimPrefix(file, below)
		}
		if s.known(name) || !s.room(ctx) {
			continue
		}
		l := lineage{name: name, path: name}
		l.chain, l.since, l.err = readSet(file)
		if errors.Is(l.err, fs.ErrPermission) {
			s.deny(name)
			continue
		}
		s.lineages = append(s.lineages, l)
	}
}

func (s *shelf) known(file string) bool {
	return slices.ContainsFunc(s.lineages, func(l lineage) bool { return l.path == file })
}

// readSet reads a file that the configuration names, and that may be a link,
// but not to a private key.
func readSet(file string) ([]*x509.Certificate, time.Time, error) {
	at, err := filepath.EvalSymlinks(file)
	if err != nil {
		return nil, time.Time{}, err
	}
	if keyName.MatchString(filepath.Base(at)) {
		return nil, time.Time{}, errKey
	}
	data, info, err := readPath(at)
	if err != nil {
		return nil, time.Time{}, err
	}
	chain, err := parse(data)
	if err != nil {
		return nil, time.Time{}, err
	}
	return chain, lainSince(chain[0], info.ModTime()), nil
}
