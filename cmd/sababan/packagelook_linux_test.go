package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// granted are the checks that see less as the daemon's user than as root, each
// until one line of the documentation was followed: the ACL for certificates, and
// the settings (or site.env) for the others.
var granted = []string{"certs", "mail", "media"}

// hidesNothing compares what is seen inside of the unit with what the same user
// sees outside of it, and that with what root sees.
func (p *installed) hidesNothing(t *testing.T) {
	p.giveRights(t)
	p.Write(t, "/etc/sababan/config.toml", fmt.Sprintf("[bot]\nserver = %q\ntimezone = \"UTC\"\n[[bot.admin]]\naccount = \"alice\"\nquiet = \"none\"\n[server]\ndomain = %q\n", p.address, hostDomain))
	p.Write(t, "/etc/sababan/token", p.token+"\n")
	p.sh(t, "chmod 600 /etc/sababan/token")
	unit := p.sh(t, "cat /lib/systemd/system/sababan.service")
	unit = regexp.MustCompile(`(?m)^(Restart\w*|Watchdog\w*|NotifyAccess|Type|ExecStart|ExecReload)=.*\n`).ReplaceAllString(unit, "")
	for _, names := range []string{"", "usage backups services packages"} {
		look := "Type=oneshot\nEnvironment=LC_ALL=C.UTF-8\nExecStart=/usr/bin/sababan check --json --lang en " + names + "\nSuccessExitStatus=1 2 3\nStandardOutput=file:/srv/inside.json\n"
		p.Units(t, map[string]string{"inside.service": strings.Replace(unit, "[Service]\n", "[Service]\n"+look, 1)})
		inside := func() map[string]jsonCheck {
			p.sh(t, "rm -f /srv/inside.json; systemctl start inside")
			return ofReport(decodeReport(t, p.sh(t, "cat /srv/inside.json")))
		}
		in := inside()
		arguments := append([]string{"check", "--json", "--lang", "en"}, strings.Fields(names)...)
		out := ofReport(decodeReport(t, p.run(t, "sababan", arguments...).out))
		if diff := cmp.Diff(sights(out), sights(in)); diff != "" {
			t.Errorf("outside (-) and inside (+) of the sandbox:\n%s", diff)
		}
		if names != "" {
			continue
		}
		root, without := sights(ofReport(decodeReport(t, p.run(t, "root", arguments...).out))), sights(in)
		var less []string
		for _, name := range slices.Sorted(maps.Keys(root)) {
			if !cmp.Equal(root[name], without[name]) {
				less = append(less, name)
			}
		}
		if !slices.Equal(less, granted) {
			t.Errorf("root sees more of %q, the documentation says %q", less, granted)
			for _, name := range less {
				t.Log(cmp.Diff(root[name], without[name]))
			}
		}
		// The lines of the documentation, and that they help inside as well.
		p.sh(t, "setfacl -m u:sababan:rx /etc/letsencrypt/live /etc/letsencrypt/archive")
		p.sh(t, "printf '[checks.media]\npublic = \"https://"+hostDomain+"/system\"\n' >>/etc/sababan/config.toml")
		with := sights(inside())
		if !cmp.Equal(root["certs"], with["certs"]) {
			t.Error(cmp.Diff(root["certs"], with["certs"]))
		}
		t.Logf("media by root and by the unit, with its setting: %s", cmp.Diff(root["media"], with["media"]))
	}
	p.sh(t, "rm /etc/systemd/system/inside.service /srv/inside.json; systemctl daemon-reload")
}

func ofReport(r jsonReport) map[string]jsonCheck {
	all := map[string]jsonCheck{}
	for _, c := range r.Checks {
		all[c.Name] = c
	}
	return all
}

// A sight is what a look came to, without the numbers that move.
type sight struct {
	Severity, Summary, Error, Needs string
	Findings, Blind, Measures       []string
}

var (
	digits = regexp.MustCompile(`(under )?[0-9]+(\.[0-9]+)?( (B|kB|MB|GB|ms|s)\b)?`)
	// A unit with folders for temporary files of its own is one more that
	// others may not look into.
	ownFolders = regexp.MustCompile(`/(var/)?tmp/systemd[^,]*(sababan|inside)\.service-[A-Za-z0-9]+,? ?`)
	// What runs while it is looked at.
	passing = regexp.MustCompile(`, biggest: .*?[0-9] (k|M|G)B,|#? connections?,`)
)

func plain(s string) string {
	return strings.TrimRight(digits.ReplaceAllString(passing.ReplaceAllString(ownFolders.ReplaceAllString(s, ""), ""), "#"), ", ")
}

func sights(all map[string]jsonCheck) map[string]sight {
	seen := map[string]sight{}
	for name, c := range all {
		s := sight{Severity: c.Severity, Summary: plain(c.Summary), Error: plain(c.Error), Needs: c.Needs}
		for _, f := range c.Findings {
			s.Findings = append(s.Findings, strings.Join([]string{f.Code, f.Subject, f.Severity, plain(f.Text)}, " "))
		}
		for _, b := range c.Blind {
			s.Blind = append(s.Blind, strings.Join([]string{b.Code, b.Subject, plain(b.Why)}, " "))
		}
		for _, m := range c.Measures {
			s.Measures = append(s.Measures, m.Name+" "+m.Subject)
		}
		slices.Sort(s.Measures)
		seen[name] = s
	}
	return seen
}
