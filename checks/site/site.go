// Package site is the Mastodon installation that is looked at: its names,
// addresses and folders, found or set, never guessed twice. Every kind of
// check is made from its own table and the site.
package site

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/sababan/sababan/checks"
	"golang.org/x/net/idna"
)

// Config is the table [server] as it is written.
type Config struct {
	// Domain is the public name of the Mastodon that is watched.
	Domain string `toml:"domain"`
	// Address, host or host:port, is asked instead of what the name resolves
	// to, as `curl --resolve` does.
	Address string `toml:"address"`
	// TokenFile holds a token of an account on the watched server.
	TokenFile string `toml:"token_file"`
	// DatabaseURL, RedisURL and SidekiqRedisURL may hold passwords.
	DatabaseURL     checks.Secret `toml:"database_url"`
	RedisURL        checks.Secret `toml:"redis_url"`
	SidekiqRedisURL checks.Secret `toml:"sidekiq_redis_url"`
	// RedisNamespace is before every key, where Mastodon is older than 4.4 and
	// REDIS_NAMESPACE is set.
	RedisNamespace string `toml:"redis_namespace"`
	// Live, Compose, PostgresData, RedisData and WebServer are taken instead of
	// what [Site.Find] would find.
	Live         string   `toml:"live"`
	Compose      string   `toml:"compose"`
	PostgresData []string `toml:"postgres_data"`
	RedisData    string   `toml:"redis_data"`
	WebServer    string   `toml:"web_server"`
	// Peek lets names, hosts and ports be read from Mastodon's .env.production;
	// the daemon leaves that file alone and reads /etc/sababan/site.env.
	Peek bool `toml:"-"`
	// Anew leaves an old copy of them unread: it is about to be made again.
	Anew bool `toml:"-"`
	// Root is the folder that stands for "/", "" for "/" itself.
	Root string `toml:"-"`
}

// A Site is what is known of the installation.
type Site struct {
	// Domain is the name in its ASCII form, without scheme or port; "" when no
	// Mastodon is known.
	Domain string
	// Address is host or host:port to connect to instead of Domain; or "".
	Address string
	// Roots are the certificate authorities to trust; nil takes the system's.
	Roots *x509.CertPool
	// Proc is where the kernel's process file system is mounted: "/proc".
	Proc string
	// Offline forbids everything that leaves this machine for somebody else's.
	Offline bool
	// Root is the folder that stands for "/" in all that is found, "" for "/"
	// itself.
	Root string
	// Credentials is the folder in which systemd keeps secrets for this
	// process, or "".
	Credentials string

	set    Config
	token  func() (checks.Secret, error) // of the watched server; nil where there is none
	finder finder

	links    sync.Once // makes the three below, which open nothing by themselves
	database *Database
	redis    *Redis
	jobs     *Redis
}

// New makes the site from what was written, and from what is found on this
// machine where the domain is not written. Errors begin with the setting.
func New(c Config) (*Site, error) {
	s := &Site{Proc: filepath.Join("/", c.Root, "proc"), Root: c.Root, set: c}
	errs := c.mistakes()
	if c.Domain != "" {
		name, err := domain(c.Domain)
		if err != nil {
			errs = append(errs, fmt.Errorf("[server] domain: %w", err))
		}
		s.Domain = name
	} else {
		s.Domain, _ = s.Find(context.Background()).domain()
	}
	if c.Address != "" {
		if err := address(c.Address); err != nil {
			errs = append(errs, fmt.Errorf("[server] address: %w", err))
		}
		if c.Domain == "" && s.Domain == "" {
			errs = append(errs, errors.New("[server] address: is of use only with [server] domain, the name to ask for there"))
		}
		s.Address = c.Address
	}
	errs = append(errs, c.addresses()...)
	return s, errors.Join(errs...)
}

// Close ends the connections; nothing may look any more.
func (s *Site) Close() {
	s.Database().close()
	s.Redis().close()
	s.SidekiqRedis().close()
}

// mistakes are what is wrong with the settings of what is found otherwise.
func (c Config) mistakes() []error {
	var errs []error
	folder := func(setting, path string) {
		if path != "" && (!strings.HasPrefix(path, "/") || !plainPath(path)) {
			errs = append(errs, fmt.Errorf("[server] %s: %q is not a whole path such as %q", setting, checks.Quote(path), "/home/mastodon/live"))
		}
	}
	folder("live", c.Live)
	folder("compose", c.Compose)
	for _, p := range c.PostgresData {
		folder("postgres_data", p)
	}
	folder("redis_data", c.RedisData)
	if c.TokenFile != "" && (!strings.HasPrefix(c.TokenFile, "/") || !plainPath(c.TokenFile)) {
		errs = append(errs, fmt.Errorf("[server] token_file: %q is not a whole path such as %q", checks.Quote(c.TokenFile), "/etc/sababan/server-token"))
	}
	if c.WebServer != "" && !slices.Contains(webServers, c.WebServer) {
		errs = append(errs, fmt.Errorf("[server] web_server: %q is none of %s", checks.Quote(c.WebServer), strings.Join(webServers, ", ")))
	}
	return errs
}

// URL is the web address of the site's front page.
func (s *Site) URL() *url.URL { return &url.URL{Scheme: "https", Host: s.Domain, Path: "/"} }

// NeedDomain is the error of a kind that cannot look without a domain.
func (s *Site) NeedDomain() error {
	if s.Domain == "" {
		return &checks.NotSetUp{Setting: "[server] domain"}
	}
	return nil
}

func domain(s string) (string, error) {
	given := checks.Quote(s)
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("%q is not a name such as \"mastodon.example\"", given)
		}
		return "", fmt.Errorf("%q is an address of a page; write only the name, %q", given, u.Hostname())
	}
	if strings.Contains(s, "@") {
		return "", fmt.Errorf("%q looks like an account; write only the server's name", given)
	}
	if _, _, err := net.SplitHostPort(s); err == nil {
		return "", fmt.Errorf("%q has a port; write the name alone and put the port into [server] address", given)
	}
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
	if err != nil || name == "" || strings.ContainsAny(name, "/ _") {
		return "", fmt.Errorf("%q is not a name such as \"mastodon.example\"", given)
	}
	return strings.ToLower(name), nil
}

// IsServer tells whether a text is a host or host:port that can be asked, and
// said.
func IsServer(name string) bool {
	return address(name) == nil && len(name) < 262 && checks.QuoteName(name) == name && !strings.ContainsAny(name, "?#")
}

func address(s string) error {
	host := s
	if h, port, err := net.SplitHostPort(s); err == nil {
		if n, err := net.LookupPort("tcp", port); err != nil || n == 0 {
			return fmt.Errorf("%q has a port that is none", checks.Quote(s))
		}
		host = h
	}
	if host == "" || strings.ContainsAny(host, "/ @") {
		return fmt.Errorf("%q is not a host or host:port such as \"127.0.0.1\"", checks.Quote(s))
	}
	return nil
}
