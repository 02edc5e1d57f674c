package services

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/systemd"
)

// A role is what a service does for Mastodon.
type role string

const (
	none      role = ""
	web       role = "web"
	sidekiq   role = "sidekiq"
	streaming role = "streaming"
	database  role = "database"
	redis     role = "redis"
	proxy     role = "proxy"
	search    role = "search"
	other     role = "other" // of Mastodon's, or named in the settings
)

// vital tells whether the server is down for its users without it (defaults).
func (r role) vital() bool { return r != search && r != other && r != none }

// ofMastodon tells whether it runs Mastodon's own code.
func (r role) ofMastodon() bool { return r == web || r == sidekiq || r == streaming }

// part is what an event of its calls it.
func (r role) part() string {
	switch r {
	case web:
		return checks.PartWeb
	case sidekiq:
		return checks.PartSidekiq
	}
	return ""
}

// patterns are the units that are looked for. Admins rename and split those of
// Sidekiq.
var patterns = []string{
	"mastodon*.service", "*sidekiq*.service", "*puma*.service", "postgresql*.service", "pgbouncer*.service", "redis*.service",
	"valkey*.service", "nginx*.service", "haproxy*.service", "traefik*.service", "caddy*.service", "apache2*.service", "httpd*.service", "elasticsearch*.service", "opensearch*.service",
}

// byPrefix are the names of the programs that Mastodon needs, as distributions
// call their units.
var byPrefix = []struct {
	prefix string
	role   role
}{
	{"postgresql", database},
	{"pgbouncer", database},
	{"redis", redis},
	{"valkey", redis},
	{"nginx", proxy},
	{"caddy", proxy},
	{"apache2", proxy},
	{"haproxy", proxy},
	{"traefik", proxy},
	{"httpd", proxy},
	{"elasticsearch", search},
	{"opensearch", search},
}

// unitRole tells what a unit is for; none is one that need not run all the
// time: a shim (mastodon-streaming.service of Mastodon 4.2 and later and
// Debian's postgresql.service are always active and say nothing), or a chore
// that a timer starts.
func unitRole(u systemd.Unit, watch []string) role {
	if u.Type == "oneshot" || slices.ContainsFunc(u.TriggeredBy, func(s string) bool { return strings.HasSuffix(s, ".timer") }) {
		return none
	}
	name := strings.TrimSuffix(u.Name, ".service")
	if listed(watch, u.Name) {
		return cmp.Or(nameRole(name), other)
	}
	return nameRole(name)
}

func nameRole(name string) role {
	switch {
	case strings.HasPrefix(name, "mastodon-streaming"):
		return streaming
	case strings.Contains(name, "sidekiq"):
		return sidekiq
	case strings.HasPrefix(name, "mastodon-web"), strings.Contains(name, "puma"):
		return web
	case strings.HasPrefix(name, "mastodon"):
		return other
	}
	for _, p := range byPrefix {
		// "redis-server", "postgresql@15-main" and "nginx", but not "nginxd".
		if rest, ok := strings.CutPrefix(name, p.prefix); ok && (rest == "" || strings.ContainsRune("-@0123456789", rune(rest[0]))) {
			return p.role
		}
	}
	return none
}
