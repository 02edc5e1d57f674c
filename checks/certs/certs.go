// Package certs looks at the certificates that the servers really serve, at
// those on the disk, and at whether the one becomes the other; it names what is
// wrong with them.
package certs

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings.
const (
	expiring    = "expiring"
	expired     = "expired"
	notYetValid = "not-yet-valid"
	wrongName   = "wrong-name"
	chainBroken = "chain"
	untrusted   = "untrusted"
	connect     = "connect"
	// notLoaded: a newer one lies on disk.
	notLoaded = "not-loaded"
	// namesMissing: a newer one lies on disk, and is not for the name.
	namesMissing = "names-missing"
)

// httpsPort is where a Mastodon is served; [server] address may name another.
const httpsPort = "443"

// Config is the table [checks.certs].
type Config struct {
	// WarningLife is the share of a certificate's life below which what is left
	// of it is a warning, 0 to 1.
	WarningLife float64 `toml:"warning_life"`
	// CriticalLife is the same for critical.
	CriticalLife float64 `toml:"critical_life"`
	// Ports are where a certificate must be served: 25, 143 and 587 are asked
	// with STARTTLS. 443 is asked in any case.
	Ports []int `toml:"ports"`
	// Paths are certificate files besides those of certbot, acme.sh and Caddy;
	// * stands for anything but a slash.
	Paths []string `toml:"paths"`
}

// DefaultConfig is a quarter and a twelfth: 22 and 7 days of 90, 12 and 4 days
// of 47, 36 and 12 hours of six days (defaults.md).
func DefaultConfig() Config {
	return Config{WarningLife: 0.25, CriticalLife: 1.0 / 12, Ports: []int{443}}
}

// Kind makes the check of a site's certificates: those that are served, and
// those on this machine's disk.
//
// Measures: life_left and life_left_ratio of what is served, and handshake,
// each with the name, "name:port" or "name (IPv6)" as subject; disk_life_left
// with the name that certbot calls a certificate by.
func Kind(s *site.Site) checks.Kind {
	dates := checks.Looks{Open: 1, Resolve: 1}
	rules := map[string]checks.Rule{connect: {Warning: checks.Looks{Open: 3, Resolve: 2}}} // defaults.md
	for _, code := range []string{
		expiring, expired, notYetValid, wrongName, chainBroken, untrusted,
		notLoaded, namesMissing, overdue, brokenFile, noHook, noRenewal,
	} {
		rules[code] = checks.Rule{Warning: dates} // defaults.md
	}
	return checks.Kind{
		Name:  "certs",
		Title: checks.Text{En: "certificate", Ja: "証明書"},
		Graphs: []checks.Graph{
			{Measure: "life_left", Title: checks.Text{En: "time left", Ja: "残り期間"}, Least: true},
			{Measure: "handshake", Title: checks.Text{En: "handshake", Ja: "接続時間"}},
		},
		Words: checks.Words{
			En: []string{"cert", "certificate", "certificates", "tls", "ssl", "https", "certbot"},
			Ja: []string{"証明書", "証明書の期限", "期限", "証明書の更新"},
		},
		Scope:    checks.Site,
		After:    []string{"domain"},
		Cron:     "*/15 * * * *",
		Timeout:  20 * time.Second,
		Rules:    rules,
		Settings: func() any { c := DefaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := DefaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.valid(); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			return newCheck(s, c), nil
		},
	}
}

// portLimit and pathLimit are how many may be set (own).
const (
	portLimit = 16
	pathLimit = 50
)

func (c Config) valid() error {
	if !(c.WarningLife > 0 && c.WarningLife < 1) {
		return errors.New("warning_life: must be a share between 0 and 1, such as 0.25")
	}
	if !(c.CriticalLife > 0 && c.CriticalLife <= c.WarningLife) {
		return errors.New("critical_life: must be a share between 0 and warning_life, such as 0.08")
	}
	if len(c.Ports) > portLimit {
		return fmt.Errorf("ports: more than %d", portLimit)
	}
	for _, p := range c.Ports {
		if p < 1 || p > 65535 {
			return fmt.Errorf("ports: %d is no port", p)
		}
	}
	if len(c.Paths) > pathLimit {
		return fmt.Errorf("paths: more than %d", pathLimit)
	}
	for _, p := range c.Paths {
		if _, err := filepath.Match(p, ""); err != nil || !filepath.IsAbs(p) {
			return fmt.Errorf("paths: %q is not a path such as \"/etc/ssl/mastodon.pem\"", checks.Quote(p))
		}
		if keyName.MatchString(filepath.Base(p)) {
			return fmt.Errorf("paths: %q looks like a private key; name the certificate", checks.Quote(p))
		}
	}
	return nil
}
