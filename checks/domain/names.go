package domain

import (
	"net/mail"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/sababan/sababan/checks/registry"
)

// watched is one registered domain that the server stands on.
type watched struct {
	name   string // ASCII: "example.co.jp"
	suffix string // what its registry keeps: "co.jp"
	// hosts are the names below it that are spoken to by HTTPS.
	hosts []string
}

// watch lists the domains of a server, its own first: the local and the web
// domain, that of its media, that its mails come from, and those that are set.
// mine tells what became of the server's own name.
func watch(domain string, settings map[string]string, config Config) (list []watched, mine registry.Ownership) {
	var ignored []string
	for _, name := range config.Ignore {
		ignored = append(ignored, registry.PlainName(name))
	}
	add := func(name string, https bool) registry.Ownership {
		name = registry.PlainName(name)
		owned, whose := registry.Registrable(name)
		if owned == "" || slices.Contains(ignored, owned) || slices.Contains(ignored, name) {
			return whose
		}
		i := slices.IndexFunc(list, func(w watched) bool { return w.name == owned })
		if i < 0 {
			suffix, _ := publicsuffix.PublicSuffix(owned)
			list, i = append(list, watched{name: owned, suffix: suffix}), len(list)
		}
		if https && !slices.Contains(list[i].hosts, name) {
			list[i].hosts = append(list[i].hosts, name)
		}
		return whose
	}
	mine = add(domain, true)
	add(settings["LOCAL_DOMAIN"], true)
	add(settings["WEB_DOMAIN"], true)
	add(hostOf(settings["S3_ALIAS_HOST"]), true)
	add(hostOf(settings["S3_CLOUDFRONT_HOST"]), true)
	add(hostOf(settings["CDN_HOST"]), true)
	if shown := settings["PAPERCLIP_ROOT_URL"]; strings.Contains(shown, "://") {
		add(hostOf(shown), true)
	}
	add(senderDomain(settings["SMTP_FROM_ADDRESS"]), false)
	for _, r := range config.Registered {
		add(r.Name, false)
	}
	return list, mine
}

// hostOf is the host of a setting that may be an address of a page or have a
// folder behind it.
func hostOf(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "/")
	s, _, _ = strings.Cut(s, ":")
	return s
}

// senderDomain is the domain that mails come from.
func senderDomain(from string) string {
	if a, err := mail.ParseAddress(from); err == nil {
		from = a.Address
	}
	_, domain, ok := strings.Cut(from, "@")
	if !ok {
		return ""
	}
	return domain
}
