package certs

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
	"golang.org/x/net/dns/dnsmessage"
)

func TestTheNameInASetting(t *testing.T) {
	for setting, want := range map[string]string{
		"files.example":                     "files.example",
		"files.example/bucket":              "files.example",
		"Files.Example.":                    "files.example",
		"wss://streaming.example:443":       "streaming.example",
		"https://streaming.example/api":     "streaming.example",
		" files.example ":                   "files.example",
		"localhost":                         "",
		"127.0.0.1":                         "",
		"[::1]:25":                          "",
		"*.example":                         "",
		"$(reboot).example":                 "",
		"a b.example":                       "",
		"":                                  "",
		"https://user:secret@files.example": "files.example",
	} {
		if got := hostOf(setting); got != want {
			t.Errorf("%q: %q, want %q", setting, got, want)
		}
	}
}

func TestWhatIsLookedAtBesidesTheDomain(t *testing.T) {
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	at := func(names ...string) map[string][]netip.Addr {
		m := map[string][]netip.Addr{}
		for _, n := range names {
			m[n] = []netip.Addr{two}
		}
		return m
	}
	for _, tt := range []struct {
		name        string
		address     string
		ports       []int
		names, mail map[string][]netip.Addr
		settings    map[string]string
		want        []string
	}{
		{"nothing", "", []int{443}, nil, nil, nil, nil},
		{"a name of its own", "", []int{443}, at("files.example"), nil, nil, []string{"files.example at 192.0.2.2:443"}},
		{"a name of its own, asked at the address that is set", "127.0.0.1:8443", []int{443}, at("files.example"), nil, nil, []string{"files.example at 192.0.2.1:8443"}},
		{"another port of the web server", "", []int{443, 8443}, nil, nil, nil, []string{"mastodon.example:8443 at 192.0.2.1:8443"}},
		{"a port of mail that is set must answer", "", []int{443, 993}, nil, nil, nil, []string{"mastodon.example:993 at 192.0.2.1:993"}},
		{
			"a mail server of this machine's: its ports may answer", "",
			[]int{443},
			nil, at("mail.example"), nil,
			[]string{"mail.example:25 at 192.0.2.2:25?", "mail.example:465 at 192.0.2.2:465?", "mail.example:587 at 192.0.2.2:587?", "mail.example:993 at 192.0.2.2:993?"},
		},
		{
			"one of them is set, so it must", "",
			[]int{587},
			nil, at("mail.example"), nil,
			[]string{"mail.example:587 at 192.0.2.2:587", "mail.example:25 at 192.0.2.2:25?", "mail.example:465 at 192.0.2.2:465?", "mail.example:993 at 192.0.2.2:993?"},
		},
		{
			"Mastodon sends by another port", "", nil, nil, at("mail.example"),
			map[string]string{"SMTP_SERVER": "mail.example", "SMTP_PORT": "2525"},
			[]string{"mail.example:2525 at 192.0.2.2:2525?", "mail.example:25 at 192.0.2.2:25?", "mail.example:465 at 192.0.2.2:465?", "mail.example:587 at 192.0.2.2:587?", "mail.example:993 at 192.0.2.2:993?"},
		},
		{
			"a port that is none", "", nil, nil, at("mail.example"),
			map[string]string{"SMTP_SERVER": "mail.example", "SMTP_PORT": "70000"},
			[]string{"mail.example:25 at 192.0.2.2:25?", "mail.example:465 at 192.0.2.2:465?", "mail.example:587 at 192.0.2.2:587?", "mail.example:993 at 192.0.2.2:993?"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			main := endpoint{name: domain, target: targetOf(domain, tt.address), addrs: []netip.Addr{one}}
			var got []string
			for _, e := range plan(main, tt.ports, tt.names, tt.mail, tt.settings) {
				s := e.name + e.at + " at " + e.addrs[0].String() + ":" + e.port
				if e.optional {
					s += "?"
				}
				got = append(got, s)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestANameThatIsServedElsewhereIsNotMissed(t *testing.T) {
	const files, web = "files.example", "social.mastodon.example"
	k := keep(t, checkstest.Lifetime(90*d, 60*d, domain, web))
	c := k.c.(*check)
	known := map[string][]netip.Addr{domain: {loopback}, web: {loopback}, files: {netip.MustParseAddr("198.51.100.7")}}
	c.resolver = records(t, known, "")
	c.find = func(context.Context) site.Found {
		return site.Found{Settings: map[string]string{"LOCAL_DOMAIN": domain, "WEB_DOMAIN": web, "S3_ALIAS_HOST": files}}
	}
	o := k.look(t)
	well(t, o)
	says(t, o.Summary, "; also well: "+web, "。ほかも正常: "+web)

	// Now it leads here, and the certificate lacks it.
	c.resolver = records(t, map[string][]netip.Addr{domain: {loopback}, web: {loopback}, files: {loopback}}, "")
	wantCodes(t, k.look(t), "wrong-name "+files)
}

func TestADeadResolverHidesTheServersAndNotTheDisk(t *testing.T) {
	h := host{t.TempDir()}
	h.wellKept(t)
	h.archive(t, domain, 1, checkstest.NewCA(t, "Root").Issue(t, checkstest.Lifetime(90*d, 10*d, domain)), time.Now().Add(-80*d))
	h.conf(t, domain, "")
	s := &site.Site{Domain: domain, Roots: checkstest.NewCA(t, "Root").Roots(), Proc: "/nowhere", Root: h.root}
	c := newCheck(s, DefaultConfig())
	c.resolver, c.find = nameServer(t, dnsmessage.RCodeServerFailure), foundNginx
	past := &checkstest.Past{Memory: map[string][]byte{memoryKey: []byte(`{"ends":{"mastodon.example":1},"open":[{"Code":"chain","Subject":"mastodon.example"}]}`)}}
	o := checkstest.Look(t, Kind(s), c, past)
	wantCodes(t, o, "renewal-overdue mastodon.example")
	if !slices.ContainsFunc(o.Blind, func(b checks.Blind) bool {
		return b.Hides(checks.Key{Code: chainBroken, Subject: domain})
	}) {
		t.Errorf("blind %+v", o.Blind)
	}
}

func TestTheAddressesOfThisMachineAreItsOwn(t *testing.T) {
	a := around{own: ownAddresses(), domain: []netip.Addr{v4}}
	for addr, want := range map[string][2]bool{ // this machine's; here
		"127.0.0.1": {true, true}, "::1": {true, true}, "192.0.2.1": {false, true}, "198.51.100.1": {false, false},
	} {
		if ip := netip.MustParseAddr(addr); a.mine(ip) != want[0] || a.here(ip) != want[1] {
			t.Errorf("%s: %v, %v", addr, a.mine(ip), a.here(ip))
		}
	}
}

func TestEveryNetOfACDNIsWrittenRight(t *testing.T) {
	for name, nets := range cdnNets {
		for _, n := range nets {
			p, err := netip.ParsePrefix(n)
			if err != nil || p != p.Masked() || cdnOf(p.Addr()) != name {
				t.Errorf("%s of %s: %v", n, name, err)
			}
		}
	}
	if got := cdnOf(v4); got != "" {
		t.Errorf("%q", got)
	}
}
