package certs

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// An endpoint is one name at one port that is asked for its certificate.
type endpoint struct {
	target
	// name is what is asked for, and what the certificate must be for.
	name string
	// at stands behind the name in what it is called: ":587"; "" for the web
	// server's usual port.
	at string
	// optional: where nobody answers, nothing is missing.
	optional bool
	// lenient: whoever connects there takes any certificate, as mail servers do
	// among each other (RFC 7435).
	lenient bool
	// addrs are where to look.
	addrs []netip.Addr
}

const (
	// nameLimit is how many names besides the domain are asked for (own).
	nameLimit = 8
	// mailLimit is how many names of mail servers are (own).
	mailLimit = 3
)

// mailPorts are tried where this machine is known to take mail (defaults).
var mailPorts = []string{"25", "465", "587", "993"}

// siteNames are the other names under which Mastodon's settings say that the
// server is reached with a browser.
func siteNames(domain string, settings map[string]string) []string {
	var names []string
	for _, setting := range []string{"LOCAL_DOMAIN", "WEB_DOMAIN", "S3_ALIAS_HOST", "STREAMING_API_BASE_URL"} {
		if name := hostOf(settings[setting]); name != "" && name != domain && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names[:min(len(names), nameLimit)]
}

// hostOf takes the name out of a setting: "files.example",
// "files.example/bucket", "wss://streaming.example:443". Numbers are no names.
func hostOf(setting string) string {
	s := strings.TrimSpace(setting)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if _, err := netip.ParseAddr(name); err == nil || !hostName(name) || !strings.Contains(name, ".") || strings.Contains(name, "*") {
		return ""
	}
	return name
}

// around is what is known of this machine and of the domain's addresses.
type around struct {
	own    []netip.Addr
	domain []netip.Addr
}

// here tells whether an address is this machine's, or the domain's own.
func (a around) here(addr netip.Addr) bool {
	return a.mine(addr) || slices.Contains(a.domain, addr)
}

// mine tells whether an address is this machine's.
func (a around) mine(addr netip.Addr) bool {
	return addr.IsLoopback() || slices.Contains(a.own, addr)
}

func (a around) anyHere(addrs []netip.Addr) bool { return slices.ContainsFunc(addrs, a.here) }

// lookUp resolves several names at once.
func lookUp(ctx context.Context, r *net.Resolver, names []string) addresses {
	found := make([][]netip.Addr, len(names))
	errs := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { found[i], errs[i] = target{host: name}.resolve(ctx, r) })
	}
	all.Wait()
	a := addresses{of: map[string][]netip.Addr{}}
	for i, name := range names {
		if len(found[i]) > 0 {
			a.of[name] = found[i]
		}
		a.unsure = a.unsure || errs[i] != nil && !errors.As(errs[i], new(*noAddress))
	}
	return a
}

// addresses are those of several names.
type addresses struct {
	of map[string][]netip.Addr
	// unsure tells that there may be more: a resolver gave no answer.
	unsure bool
}

// mailNames are the names under which this machine is known to take mail. They
// are asked for only where Mastodon's settings say that mail is sent by this
// machine: by its name, or by localhost.
func mailNames(ctx context.Context, r *net.Resolver, a around, domain string, settings map[string]string) addresses {
	server := strings.TrimSpace(settings["SMTP_SERVER"])
	local := server == "localhost"
	if ip, err := netip.ParseAddr(server); err == nil {
		local = a.mine(ip.Unmap())
	}
	mail := addresses{of: map[string][]netip.Addr{}}
	if name := hostOf(server); name != "" {
		mail = a.only(lookUp(ctx, r, []string{name}))
		local = len(mail.of) > 0
	}
	if !local {
		return mail
	}
	if own := hostOf(settings["LOCAL_DOMAIN"]); own != "" {
		domain = own
	}
	list, err := r.LookupMX(ctx, domain)
	var dns *net.DNSError
	if err != nil {
		mail.unsure = mail.unsure || !errors.As(err, &dns) || !dns.IsNotFound
		return mail
	}
	var names []string
	for _, mx := range list[:min(len(list), mailLimit)] {
		if name := hostOf(mx.Host); name != "" && mail.of[name] == nil {
			names = append(names, name)
		}
	}
	more := a.only(lookUp(ctx, r, names))
	maps.Copy(mail.of, more.of)
	mail.unsure = mail.unsure || more.unsure
	return mail
}

// only keeps the names that lead to this machine.
func (a around) only(found addresses) addresses {
	maps.DeleteFunc(found.of, func(_ string, addrs []netip.Addr) bool { return !a.anyHere(addrs) })
	return found
}

// plan is what is looked at besides the domain's web server: other names, the
// ports that are set, and mail. All names lead to this machine.
func plan(main endpoint, ports []int, names, mail map[string][]netip.Addr, settings map[string]string) []endpoint {
	var list []endpoint
	add := func(e endpoint) {
		same := func(o endpoint) bool { return o.name == e.name && o.port == e.port }
		if len(e.addrs) > 0 && !same(main) && !slices.ContainsFunc(list, same) {
			list = append(list, e)
		}
	}
	for _, name := range sorted(names) {
		e := main
		e.name = name
		if !main.set {
			e.host, e.addrs = name, names[name]
		}
		add(e)
	}
	for _, p := range ports {
		port := strconv.Itoa(p)
		switch s := serviceAt(port); {
		case port == httpsPort:
			// The domain's own, which is looked at anyway.
		case s == web || len(mail) == 0:
			e := main
			e.port, e.at, e.service = port, ":"+port, s
			add(e)
		default:
			for _, name := range sorted(mail) {
				add(mailEndpoint(name, port, mail[name], false))
			}
		}
	}
	server := hostOf(settings["SMTP_SERVER"])
	if port := strings.TrimSpace(settings["SMTP_PORT"]); validPort(port) && len(mail[server]) > 0 {
		add(mailEndpoint(server, port, mail[server], true))
	}
	for _, name := range sorted(mail) {
		for _, port := range mailPorts {
			e := mailEndpoint(name, port, mail[name], true)
			e.lenient = port == "25"
			add(e)
		}
	}
	return list
}

func mailEndpoint(name, port string, addrs []netip.Addr, optional bool) endpoint {
	s := serviceAt(port)
	if s == web {
		s = smtp // a port of Mastodon's own choice
	}
	return endpoint{
		name: name, target: target{host: name, port: port, service: s}, at: ":" + port, optional: optional, addrs: addrs,
	}
}

func validPort(port string) bool {
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 65536
}

func sorted(m map[string][]netip.Addr) []string {
	return slices.Sorted(maps.Keys(m))
}
