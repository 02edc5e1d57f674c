package watch

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/sababan/sababan/checks"
)

// Config is the table [checks.watch].
type Config struct {
	// Every is how soon after it fails a server is known to; each is looked at a
	// minute more often than that, and every minute while it is not well.
	Every   checks.Duration `toml:"every"`
	Domains []Domain        `toml:"domain"`
}

// A Domain is one [[checks.watch.domain]].
type Domain struct {
	// Name is the server's.
	Name string `toml:"name"`
	// Own tells that it is the admin's own, seen from elsewhere: it is told at
	// once when it does not answer.
	Own bool `toml:"own"`
	// Bot is the account of the sababan that watches over there, as name@server:
	// it is told when that one falls silent.
	Bot string `toml:"bot"`
}

const (
	// shortestEvery leaves a minute to look in (own).
	shortestEvery = 2 * time.Minute
	longestEvery  = 24 * time.Hour
	// domainsLimit is how many fit into the memory of a small machine (measured:
	// ten thousand take a fifth of 100 MB).
	domainsLimit = 20_000
)

// defaults: a look every five minutes (defaults).
func defaults() Config { return Config{Every: checks.Duration(5 * time.Minute)} }

func (c *Config) valid() error {
	var errs []error
	if e := c.Every.Std(); e < shortestEvery || e > longestEvery {
		errs = append(errs, fmt.Errorf("every: %s is not between %s and %s", c.Every, checks.Duration(shortestEvery), checks.Duration(longestEvery)))
	}
	if len(c.Domains) > domainsLimit {
		return fmt.Errorf("domain: %d are too many; %d at most", len(c.Domains), domainsLimit)
	}
	known := make(map[string]bool, len(c.Domains))
	for i := range c.Domains {
		d := &c.Domains[i]
		ascii, ok := hostName(d.Name)
		switch {
		case d.Name == "":
			errs = append(errs, errors.New("domain: one has no name"))
		case !ok:
			errs = append(errs, fmt.Errorf("domain: name: %q is not a name such as %q", checks.Quote(d.Name), "example.social"))
		case known[ascii]:
			errs = append(errs, fmt.Errorf("domain: name: %q is there twice", checks.Quote(d.Name)))
		}
		d.Name, known[ascii] = ascii, true
		if d.Bot == "" {
			continue
		}
		name, home, ok := account(d.Bot)
		if !ok {
			errs = append(errs, fmt.Errorf("domain: bot: %q is not an account such as %q", checks.Quote(d.Bot), "saba@example.social"))
			continue
		}
		d.Bot = name + "@" + home
	}
	return errors.Join(errs...)
}

var accountName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,58}[A-Za-z0-9_])?$`)

// account parts name@server.
func account(written string) (name, home string, ok bool) {
	name, home, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(written), "@"), "@")
	home, ok = hostName(home)
	return name, home, ok && accountName.MatchString(name)
}

// hostName is a domain name with a dot in it, and no address, in ASCII: only
// such are ever looked at.
func hostName(written string) (string, bool) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.TrimSpace(written), "."))
	ascii = strings.ToLower(ascii)
	if err != nil || len(ascii) > 253 || !strings.Contains(ascii, ".") || net.ParseIP(ascii) != nil {
		return "", false
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return "", false
		}
	}
	return ascii, true
}
