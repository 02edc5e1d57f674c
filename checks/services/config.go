package services

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// Config is the table [checks.services] as it is written.
type Config struct {
	// Watch are names of units that must run besides those that are known by
	// themselves; * stands for anything.
	Watch []string `toml:"watch"`
	// Ignore are names of units and containers that are left alone.
	Ignore []string `toml:"ignore"`
	// Starting is how long a unit may take to start before it counts as down.
	Starting checks.Duration `toml:"starting"`
	// OldCode is how long after an update the old program may still run.
	OldCode checks.Duration `toml:"old_code"`
	// Docker is the address of a read-only proxy of Docker's socket.
	Docker string `toml:"docker"`
}

// defaultConfig holds the defaults: five minutes, an hour.
func defaultConfig() Config {
	return Config{Starting: checks.Duration(5 * time.Minute), OldCode: checks.Duration(time.Hour)}
}

func (c Config) validate() error {
	var errs []error
	for _, list := range []struct {
		name     string
		patterns []string
	}{{"watch", c.Watch}, {"ignore", c.Ignore}} {
		for _, p := range list.patterns {
			if _, err := path.Match(p, ""); err != nil || p == "" || strings.ContainsAny(p, "/ ") {
				errs = append(errs, fmt.Errorf(`%s: "%s" is not the name of a unit such as "pgbouncer.service" or a pattern such as "pgbouncer*"`, list.name, checks.Quote(p)))
			}
		}
	}
	if c.Docker != "" {
		u, err := url.Parse(c.Docker)
		switch {
		case err == nil && u.Scheme == "unix", strings.HasPrefix(c.Docker, "/"):
			errs = append(errs, errors.New(`docker: whoever may use Docker's socket is root; name a read-only proxy of it such as "http://127.0.0.1:2375"`))
		case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.RawQuery != "":
			errs = append(errs, fmt.Errorf(`docker: "%s" is not an address such as "http://127.0.0.1:2375"`, checks.Quote(c.Docker)))
		}
	}
	return errors.Join(errs...)
}

// listed tells whether a unit's name, with or without what it ends with,
// matches one of the patterns.
func listed(patterns []string, name string) bool {
	for _, p := range patterns {
		for _, n := range []string{name, strings.TrimSuffix(name, ".service")} {
			if ok, err := path.Match(p, n); ok && err == nil {
				return true
			}
		}
	}
	return false
}

// named tells whether a unit is written in a list by its own name, and not
// only matched.
func named(patterns []string, name string) bool {
	for _, p := range patterns {
		if !strings.ContainsAny(p, `*?[\\`) && (p == name || p+".service" == name) {
			return true
		}
	}
	return false
}
