package timers

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/systemd"
)

// lineages is what can be seen of the certificates that somebody must renew.
type lineages struct {
	// Need tells that there is something to renew, or a tool for it and no way
	// to tell.
	Need bool
	// Tool is "certbot" or "acme.sh".
	Tool string
	// Program is where the tool is.
	Program string
	// Share is the least share of its life that a certificate has left, and
	// Ends when that one ends; Known is false where none may be read.
	Known bool
	Share float64
	Ends  time.Time
}

// programs are where the tools are installed; acme.sh lives at root's home.
var programs = []struct{ tool, path string }{
	{"certbot", "/usr/bin/certbot"},
	{"certbot", "/usr/local/bin/certbot"},
	{"certbot", "/snap/bin/certbot"},
	{"acme.sh", "/root/.acme.sh/acme.sh"},
}

const (
	// lineageLimit bounds how many certificates are read (own).
	lineageLimit = 50
	// certificateBytes bounds the size of one (own; a chain has some 6 kB).
	certificateBytes = 64 << 10
)

func readLineages(host systemd.Host, now time.Time) lineages {
	var l lineages
	for _, p := range programs {
		if _, err := os.Stat(host.Path(p.path)); err == nil {
			l.Tool, l.Program = p.tool, p.path
			break
		}
	}
	// Everybody may read the folder of renewals, few the certificates.
	entries, err := os.ReadDir(host.Path("/etc/letsencrypt/renewal"))
	switch {
	case err == nil:
		for _, e := range entries {
			l.Need = l.Need || filepath.Ext(e.Name()) == ".conf"
		}
	case errors.Is(err, fs.ErrPermission):
		l.Need = l.Tool == "certbot"
	}
	l.Need = l.Need || l.Tool == "acme.sh"
	files, _ := filepath.Glob(host.Path("/etc/letsencrypt/live/*/cert.pem"))
	for _, file := range files[:min(len(files), lineageLimit)] {
		begins, ends, ok := lifeOf(file)
		if !ok || !ends.After(begins) {
			continue
		}
		share := float64(ends.Sub(now)) / float64(ends.Sub(begins))
		if !l.Known || share < l.Share {
			l.Known, l.Share, l.Ends = true, share, ends
		}
	}
	return l
}

// lifeOf reads the dates of a certificate.
func lifeOf(file string) (begins, ends time.Time, ok bool) {
	f, err := checks.OpenFile(file)
	if err != nil {
		return begins, ends, false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, certificateBytes))
	if err != nil {
		return begins, ends, false
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return begins, ends, false
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return begins, ends, false
	}
	return c.NotBefore, c.NotAfter, true
}
