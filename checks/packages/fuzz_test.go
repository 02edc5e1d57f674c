package packages

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

// FuzzManagers: what apt, dpkg and dnf say becomes lists that end, of words
// without spaces.
func FuzzManagers(f *testing.F) {
	for _, s := range []string{
		"Inst bash [5.2-1] (5.2-2 Debian:12.15/oldstable, Debian-Security:12/stable-security [amd64])\n", "kernel.x86_64  5.14.0-427.el9  baseos\nObsoleting Packages\n", "ALSA-2026:1 Important/Sec. kernel-5.14.0-427.el9.x86_64\n",
		"Package: a\nStatus: hold ok installed\n\nPackage: b\nStatus: install reinstreq half-configured\n", "APT::Periodic::Enable \"1\";\nAPT::Periodic::Unattended-Upgrade \"0\";\n",
		"2026-11-22 06:00:00,123 INFO Starting unattended upgrades script\n2026-11-22 06:00:01,123 ERROR @evil\n", "Package: " + strings.Repeat("x", 70<<10) + "\nStatus: install ok installed\n",
		"Listing...\nbash/oldstable,oldstable-security 5.2-2 i386 [upgradable from: 5.2-1]\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		listed, ok := parseUpgradable(text, suites{"oldstable": {true, true}}, "amd64\ni386\n")
		if !ok && len(listed) > 0 {
			t.Errorf("not understood, and %+v", listed)
		}
		for _, list := range [][]update{parseSimulation(text), parseCheckUpdate(text), listed} {
			if len(list) > updateLimit {
				t.Errorf("%d updates", len(list))
			}
			for _, u := range list {
				if u.Name == "" || u.Version == "" || strings.ContainsAny(u.Name+u.Version, " \n\t") {
					t.Errorf("%+v", u)
				}
			}
		}
		if n := len(parseAdvisories(text)); n > updateLimit {
			t.Errorf("%d advisories", n)
		}
		if b, err := parseBook(strings.NewReader(string(text))); err == nil && (len(b.Held) > updateLimit || len(b.Broken) > updateLimit || b.Installed > len(text)/8) {
			t.Errorf("%+v", b)
		}
		if r := parseRuns(string(text)); checks.Quote(r.Error) != r.Error || r.Error != "" && r.Began.IsZero() {
			t.Errorf("%+v", r)
		}
		parsePeriodic(string(text))
	})
}

// FuzzSupport: whatever a system calls itself, its end is a date out of the table
// or none.
func FuzzSupport(f *testing.F) {
	const table = "version,codename,series,created,release,eol,eol-lts,eol-elts\n12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-06-10,2028-06-30,2033-06-30\n"
	f.Add("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian\"\n", table, true)
	f.Add("ID=x\nSUPPORT_END=2030-01-01\n", "a,\"b\n", false)
	f.Add("=\n#\nVERSION_CODENAME='s'", "series,eol\ns,9999-12-31\n", false)
	f.Fuzz(func(t *testing.T, text, table string, extended bool) {
		r := judgeRelease(parseOSRelease(text), table, extended)
		if y := r.Ends.Year(); !r.Ends.IsZero() && (y < 0 || y > 10000) || r.Term != "" && r.Ends.IsZero() {
			t.Errorf("%+v", r)
		}
		for _, line := range strings.Split(text, "\n") {
			if at, ok := releaseDate(line, "Date: "); ok && at.Equal(time.Time{}.Add(-1)) {
				t.Errorf("%v", at)
			}
		}
	})
}
