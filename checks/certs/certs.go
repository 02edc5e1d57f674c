// Package certs looks at the certificate that the web server really serves,
// whatever lies on its disk, and names what is wrong with it.
package certs

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
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
}

// DefaultConfig is a quarter and a twelfth: 22 and 7 days of 90, 12 and 4 days
// of 47, 36 and 12 hours of six days (defaults.md).
func DefaultConfig() Config { return Config{WarningLife: 0.25, CriticalLife: 1.0 / 12} }

// Kind makes the check of a site's certificate.
func Kind(s *site.Site) checks.Kind {
	dates := checks.Looks{Open: 1, Resolve: 1}
	return checks.Kind{
		Name:  "certs",
		Title: checks.Text{En: "certificate", Ja: "証明書"},
		Words: checks.Words{
			En: []string{"cert", "certificate", "certificates", "tls", "ssl", "https"},
			Ja: []string{"証明書", "証明書の期限", "期限"},
		},
		Scope:   checks.Site,
		After:   []string{"domain"},
		Cron:    "*/15 * * * *",
		Timeout: 20 * time.Second,
		Rules: map[string]checks.Rule{ // defaults.md
			connect:     {Warning: checks.Looks{Open: 3, Resolve: 2}},
			expiring:    {Warning: dates},
			expired:     {Warning: dates},
			notYetValid: {Warning: dates},
			wrongName:   {Warning: dates},
			chainBroken: {Warning: dates},
			untrusted:   {Warning: dates},
		},
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

func (c Config) valid() error {
	if !(c.WarningLife > 0 && c.WarningLife < 1) {
		return errors.New("warning_life: must be a share between 0 and 1, such as 0.25")
	}
	if !(c.CriticalLife > 0 && c.CriticalLife <= c.WarningLife) {
		return errors.New("critical_life: must be a share between 0 and warning_life, such as 0.08")
	}
	return nil
}

type check struct {
	domain   string
	target   target
	roots    *x509.CertPool // nil takes the system's
	limits   Config
	proc     string
	resolver *net.Resolver
}

func newCheck(s *site.Site, c Config) *check {
	return &check{
		domain: s.Domain, target: targetOf(s.Domain, s.Address),
		roots: s.Roots, limits: c, proc: s.Proc, resolver: net.DefaultResolver,
	}
}

// memory is what one look leaves to the next.
type memory struct {
	// Ends is, per subject, the latest end of a certificate that was served, in
	// seconds since 1970.
	Ends map[string]int64 `json:"ends"`
	// IPv6 tells that something at an IPv6 address has answered before.
	IPv6 bool `json:"ipv6"`
	// Open is what was found and has not been seen well since.
	Open []checks.Key `json:"open"`
}

const memoryKey = "seen"

// Look opens a new connection to each address.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	roots, err := c.authorities()
	if err != nil {
		return checks.Observation{}, err
	}
	addrs, err := c.target.resolve(ctx, c.resolver)
	var nobody *noAddress
	if err != nil && !errors.As(err, &nobody) {
		return checks.Observation{}, &checks.Unseen{Why: textNoDNS(c.target.host), Advice: adviceNoDNS(c.target.host), Err: err}
	}
	var before memory
	if b, ok := past.Load(memoryKey); ok {
		// What cannot be read is as if nothing had been remembered.
		_ = json.Unmarshal(b, &before)
	}
	q := question{
		domain: c.domain, port: c.target.port, now: time.Now(), roots: roots, limits: c.limits,
		direct: c.target.set, ipv6Before: before.IPv6, open: before.Open, server: webServer(c.proc),
	}
	var views []view
	if nobody == nil {
		views = c.target.look(ctx, c.domain, addrs)
	}
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	if nobody == nil && nothingReached(views) {
		return checks.Observation{}, &checks.Unseen{
			Why: textNoNetwork(), Advice: adviceNoNetwork(), Err: views[0].err,
		}
	}
	o := q.judge(views)
	after := q.remember(before, views)
	after.Open = stillOpen(before.Open, o)
	o.Events = q.renewals(before, after)
	b, err := json.Marshal(after)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("certs: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

// authorities is who is trusted; an empty list of the system's is told as what
// it is, since against it every certificate would be bad.
func (c *check) authorities() (*x509.CertPool, error) {
	if c.roots != nil {
		return c.roots, nil
	}
	pool, err := x509.SystemCertPool()
	if err == nil && pool.Equal(x509.NewCertPool()) {
		err = errors.New("the system's list of authorities is empty")
	}
	if err != nil {
		return nil, &checks.Unseen{Why: textNoAuthorities(), Advice: adviceNoAuthorities(), Err: err}
	}
	return pool, nil
}
