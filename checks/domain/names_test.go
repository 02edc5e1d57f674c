package domain

import (
	"errors"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/registry"
	"github.com/sababan/sababan/checks/site"
)

func TestWhoseDomainsAreWatched(t *testing.T) {
	for _, c := range []struct {
		name, domain string
		settings     map[string]string
		config       Config
		want         string
		whose        registry.Ownership
	}{
		{name: "one", domain: "mastodon.example.com", want: "example.com(mastodon.example.com)"},
		{name: "of .co.jp", domain: "mstdn.example.co.jp", want: "example.co.jp(mstdn.example.co.jp)"},
		{name: "local and web below one", domain: "social.example.com", settings: map[string]string{"LOCAL_DOMAIN": "example.com", "WEB_DOMAIN": "social.example.com"}, want: "example.com(social.example.com example.com)"},
		{
			name: "media and mail elsewhere", domain: "example.com",
			settings: map[string]string{"S3_ALIAS_HOST": "files.example.net/bucket", "SMTP_FROM_ADDRESS": `"A. <b>" <notifications@mail.example.org>`, "CDN_HOST": "https://cdn.example.net"},
			want:     "example.com(example.com) example.net(files.example.net cdn.example.net) example.org()",
		},
		{
			name: "media by their other settings", domain: "example.com",
			settings: map[string]string{"S3_CLOUDFRONT_HOST": "media.example.net", "PAPERCLIP_ROOT_URL": "https://files.example.org/system"},
			want:     "example.com(example.com) example.net(media.example.net) example.org(files.example.org)",
		},
		{name: "a path of its own is no other domain", domain: "example.com", settings: map[string]string{"PAPERCLIP_ROOT_URL": "/system"}, want: "example.com(example.com)"},
		{name: "a provider's names are the provider's", domain: "example.com", settings: map[string]string{"CDN_HOST": "https://d123.cloudfront.net"}, want: "example.com(example.com)"},
		{name: "a name of a dynamic DNS", domain: "mstdn.duckdns.org", whose: registry.Rented},
		{name: "a name of nobody", domain: "mastodon.internal", whose: registry.Nobodies},
		{name: "an address", domain: "192.0.2.1", whose: registry.Nobodies},
		{name: "in letters of its own", domain: "xn--eckwd4c7cu47r2wf.jp", want: "xn--eckwd4c7cu47r2wf.jp(xn--eckwd4c7cu47r2wf.jp)"},
		{name: "what is ignored, and what is added", domain: "example.com", settings: map[string]string{"CDN_HOST": "https://x.example.net"}, config: Config{Ignore: []string{"example.net"}, Registered: []Registered{{Name: "Example.DE"}}}, want: "example.com(example.com) example.de()"},
		{name: "a sender without a domain", domain: "example.com", settings: map[string]string{"SMTP_FROM_ADDRESS": "notifications"}, want: "example.com(example.com)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, whose := watch(c.domain, c.settings, c.config)
			var got []string
			for _, w := range list {
				got = append(got, w.name+"("+strings.Join(w.hosts, " ")+")")
			}
			if strings.Join(got, " ") != c.want || whose != c.whose {
				t.Errorf("%v, %v", got, whose)
			}
		})
	}
}

func TestWhatCannotBeLookedAtIsSaid(t *testing.T) {
	for domain, want := range map[string]string{"mstdn.duckdns.org": "is the provider's", "mastodon.internal": "not a name of the public"} {
		w := newWorld(t)
		c := checkstest.Make(t, kind(siteOf(t, domain, ""), w.ends()), "")
		_, err := c.Look(t.Context(), &checkstest.Past{})
		var unseen *checks.Unseen
		if !errors.As(err, &unseen) || !strings.Contains(unseen.Why.En, want) || unseen.Why.Ja == "" {
			t.Errorf("%s: %v", domain, err)
		}
	}
	var missing *checks.NotSetUp
	if _, err := Kind(&site.Site{}).New(checkstest.Table("")); !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestWhatIsWrittenWrongIsSaid(t *testing.T) {
	for table, want := range map[string]string{
		"warning = '3d'":                                  "warning: must not be shorter than critical",
		"auto_renew_warning = '3d'":                       "auto_renew_warning: must not be shorter than critical",
		"ignore = ['a b']":                                `ignore: "a b" is not a domain`,
		"[[registered]]\nname = 'www.example.com'":        `registered 1: name: "www.example.com" is not a registered domain`,
		"[[registered]]\nexpires = 2027-03-31":            `registered 1: name: "" is not`,
		"critical = '0s'":                                 "warning: must not",
		"[[registered]]\nname = 'com'\nauto_renew = true": "registered 1",
	} {
		_, err := Kind(&site.Site{Domain: "example.com"}).New(checkstest.Table(table))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", table, err)
		}
	}
}
