package packages

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
)

var now = time.Date(2026, 11, 22, 7, 15, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

func TestSecurityUpdatesMayWaitThreeDays(t *testing.T) {
	for _, c := range []struct {
		situation   string
		n           int
		oldest      time.Time
		auto        string
		waits, late checks.Severity
		holds       bool
	}{
		{"none", 0, now, automaticOff, checks.OK, checks.OK, false},
		{"since yesterday, by hand", 2, ago(day), automaticOff, checks.Warning, checks.OK, false},
		{"since yesterday, and they install themselves", 2, ago(day), automaticOn, checks.OK, checks.OK, false},
		{"since yesterday, and what installs them fails", 2, ago(day), automaticFailing, checks.Warning, checks.OK, false},
		{"for three days, by hand", 2, ago(3 * day), automaticOff, checks.Warning, checks.Warning, true},
		{"for three days, although they install themselves", 2, ago(3 * day), automaticOn, checks.Warning, checks.Warning, true},
		{"for three days, and nobody knows how", 2, ago(4 * day), automaticUnknown, checks.Warning, checks.Warning, true},
	} {
		waits, late := judgeSecurity(c.n, c.oldest, c.auto, now)
		if waits.Severity != c.waits || late.Severity != c.late || waits.Holds != c.holds {
			t.Errorf("%s: %+v, %+v", c.situation, waits, late)
		}
	}
}

func TestListsAreOldAfterTwoDays(t *testing.T) {
	for _, c := range []struct {
		situation string
		l         lists
		why       string
	}{
		{"none at all", lists{}, "there are none"},
		{"of this morning", lists{Proven: ago(2 * time.Hour)}, "fresh"},
		{"three days old, nobody asked", lists{Proven: ago(3 * day)}, "old"},
		{"three days old, asked an hour ago", lists{Proven: ago(3 * day), Asked: ago(time.Hour), Until: now.Add(4 * day)}, "asked lately"},
		{"asked every day, and for a week nothing new came: the servers are not reached", lists{Proven: ago(8 * day), Asked: ago(time.Hour), Until: ago(day)}, "old"},
	} {
		if got := judgeLists(c.l, now); got.Why != c.why {
			t.Errorf("%s: %+v", c.situation, got)
		}
	}
}

func TestAPackageThatIsJustBeingInstalledIsNotBroken(t *testing.T) {
	if v := judgeBroken(1, ago(time.Minute), now); !v.Holds {
		t.Errorf("a minute: %+v", v)
	}
	if v := judgeBroken(1, ago(time.Hour), now); v.Holds || !v.found() {
		t.Errorf("an hour: %+v", v)
	}
	if v := judgeBroken(0, ago(time.Hour), now); v.found() {
		t.Errorf("none: %+v", v)
	}
}

// As apt writes it; the last comes from two archives, the new one has no old
// version, and Conf lines repeat what Inst said.
const simulation = `NOTE: This is only a simulation!
Reading package lists...
The following packages will be upgraded:
  bash jq libc6
Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.15/oldstable [amd64])
Inst jq [1.6-2.1] (1.6-2.1+deb12u1 Debian-Security:12/oldstable-security [amd64]) []
Inst linux-image-6.1.0-50-amd64 (6.1.200-1 Debian-Security:12/oldstable-security [amd64])
Inst libc6 [2.39-0ubuntu8] (2.39-0ubuntu8.4 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64])
Inst tmux [3.4-1] (3.4-1ubuntu0.1 Ubuntu:24.04/noble-updates [amd64])
Inst nodejs [20.1] (20.9 . nodistro:nodistro [amd64])
Inst imagemagick [8:6.9] (8:6.9+esm1 UbuntuESMApps:24.04/noble-apps-security [amd64])
Remv old [1.0]
Conf jq (1.6-2.1+deb12u1 Debian-Security:12/oldstable-security [amd64])
`

func TestASimulatedUpgradeIsRead(t *testing.T) {
	want := []update{
		{Name: "bash", Version: "5.2.15-2+b13"},
		{Name: "jq", Version: "1.6-2.1+deb12u1", Security: true},
		{Name: "libc6", Version: "2.39-0ubuntu8.4", Security: true},
		{Name: "tmux", Version: "3.4-1ubuntu0.1"},
		{Name: "nodejs", Version: "20.9"},
		{Name: "imagemagick", Version: "8:6.9+esm1", Security: true},
	}
	if diff := cmp.Diff(want, parseSimulation([]byte(simulation))); diff != "" {
		t.Error(diff)
	}
}

func TestDpkgsBookIsRead(t *testing.T) {
	text := `Package: bash
Status: install ok installed
Description: shell
 Package: not one
 Status: hold ok half-installed

Package: nodejs
Status: hold ok installed

Package: mail
Status: install ok half-configured

Package: torn
Status: install reinstreq installed

Package: gone
Status: deinstall ok config-files

Package: pending
Status: install ok triggers-pending

Package: unattended-upgrades
Status: install ok installed
` + "Description: " + strings.Repeat("long ", 40000) + "\n"
	got, err := parseBook(strings.NewReader(text))
	want := book{Held: []string{"nodejs"}, Broken: []string{"mail", "torn"}, Automatic: true, Installed: 4}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestWhetherUpdatesInstallThemselvesIsRead(t *testing.T) {
	for dump, want := range map[string]bool{
		"": false,
		"APT::Periodic \"\";\nAPT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n": true,
		"APT::Periodic::Unattended-Upgrade \"0\";\n":                                                                  false,
		"APT::Periodic::Unattended-Upgrade \"always\";\n":                                                             true,
		"APT::Periodic::Enable \"0\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n":                                    false,
		"APT::Periodic::Update-Package-Lists \"1\";\n":                                                                false,
	} {
		if got := parsePeriodic(dump); got != want {
			t.Errorf("%q: %v", dump, got)
		}
	}
}

const goodRun = `2026-11-21 06:11:02,123 INFO Starting unattended upgrades script
2026-11-21 06:11:02,124 INFO Allowed origins are: origin=Debian,codename=bookworm,label=Debian
2026-11-21 06:11:09,001 INFO No packages found that can be upgraded unattended and no pending auto-removals
`

const badRun = `2026-11-22 06:11:02,123 INFO Starting unattended upgrades script
2026-11-22 06:11:09,001 ERROR Cache has broken packages, exiting
2026-11-22 06:11:09,002 ERROR Cache has broken packages, exiting twice
Traceback (most recent call last):
`

func TestTheLastUnattendedRunCounts(t *testing.T) {
	if r := parseRuns(goodRun); r.Error != "" || r.Began.Format("15:04:05") != "06:11:02" {
		t.Errorf("%+v", r)
	}
	if r := parseRuns(goodRun + badRun); r.Error != "Cache has broken packages, exiting" {
		t.Errorf("%+v", r)
	}
	if r := parseRuns(badRun + goodRun); r.Error != "" {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct {
		situation     string
		installed, on bool
		last          run
		want          string
	}{
		{"not installed", false, true, run{}, automaticOff},
		{"switched off", true, false, run{}, automaticOff},
		{"on, and its log says nothing", true, true, run{}, automaticOn},
		{"ran yesterday", true, true, run{Began: ago(day)}, automaticOn},
		{"ran five days ago", true, true, run{Began: ago(5 * day)}, automaticStopped},
		{"failed", true, true, run{Began: ago(day), Error: "x"}, automaticFailing},
	} {
		if got := judgeAutomatic(c.installed, c.on, c.last, now); got != c.want {
			t.Errorf("%s: %s", c.situation, got)
		}
	}
}

const debianTable = `version,codename,series,created,release,eol,eol-lts,eol-elts
11,Bullseye,bullseye,2019-07-06,2021-08-14,2024-08-14,2026-08-31,2031-06-30
12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30
14,Forky,forky,2025-08-09
`

const ubuntuTable = `version,codename,series,created,release,eol,eol-server,eol-esm,eol-legacy
22.04 LTS,Jammy Jellyfish,jammy,2021-10-14,2022-04-21,2027-06-01,2027-06-01,2032-04-21,2034-04-25
`

func TestTheEndOfTheSupportThatIsOn(t *testing.T) {
	for _, c := range []struct {
		situation, os, table string
		extended             bool
		ends, term           string
	}{
		{"Debian 12 after its regular support has its LTS", "ID=debian\nVERSION_CODENAME=bookworm", debianTable, false, "2028-06-30", "LTS"},
		{"with ELTS set up it has that", "ID=debian\nVERSION_CODENAME=bullseye", debianTable, true, "2031-06-30", "ELTS"},
		{"without the table what is built in counts", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm", "", false, "2028-06-30", "LTS"},
		{"testing has no end", "ID=debian\nVERSION_CODENAME=forky", debianTable, false, "", ""},
		{"Ubuntu without ESM", "ID=ubuntu\nVERSION_CODENAME=jammy", ubuntuTable, false, "2027-06-01", ""},
		{"Ubuntu with ESM", "ID=ubuntu\nVERSION_CODENAME=jammy", ubuntuTable, true, "2032-04-21", "ESM"},
		{"one that says it itself", "ID=\"almalinux\"\nVERSION_ID=\"9.6\"\nSUPPORT_END=2032-06-01", "", false, "2032-06-01", ""},
		{"one that does not", "ID=\"rocky\"\nVERSION_ID=\"9.6\"", "", false, "2032-05-31", ""},
		{"one that nobody knows", "ID=haiku", "", false, "", ""},
		{"a table of nonsense", "ID=debian\nVERSION_CODENAME=bookworm", "\"", false, "", ""},
	} {
		r := judgeRelease(parseOSRelease(c.os), c.table, c.extended)
		got := ""
		if !r.Ends.IsZero() {
			got = r.Ends.Add(-day).Format(time.DateOnly)
		}
		if got != c.ends || r.Term != c.term {
			t.Errorf("%s: %s %s, want %s %s", c.situation, got, r.Term, c.ends, c.term)
		}
	}
	end, _ := endOf("2028-06-30")
	for at, want := range map[string]checks.Severity{"2026-11-22": checks.OK, "2028-05-01": checks.Warning, "2028-06-30": checks.Warning, "2028-07-01": checks.Critical} {
		day, err := time.Parse(time.DateOnly, at)
		if err != nil {
			t.Fatal(err)
		}
		if v := judgeSupport(end, day.Add(time.Hour)); v.Severity != want {
			t.Errorf("on %s: %+v", at, v)
		}
	}
}

// After dnf(8): packages, and what they would replace.
const checkUpdate = `
kernel.x86_64                     5.14.0-427.el9_4            baseos
openssl-libs.x86_64               1:3.0.7-28.el9_4            baseos
nginx.x86_64                      2:1.22.1-8.module+el9       appstream
Obsoleting Packages
old-thing.noarch                  1.0-1.el9                   baseos
    older-thing.noarch            0.9-1.el9                   @baseos
`

const advisories4 = `ALSA-2026:3501 Important/Sec. kernel-5.14.0-427.el9_4.x86_64
ALSA-2026:2447 Moderate/Sec.  openssl-libs-1:3.0.7-28.el9_4.x86_64
ALBA-2026:2000 bugfix         nginx-2:1.22.1-8.module+el9.x86_64
`

const advisories5 = `Name                   Type     Severity                       Package              Issued
FEDORA-2026-1a2b3c4d5e security Important  openssl-libs-1:3.0.7-28.fc41.x86_64 2026-11-01 01:02:03
FEDORA-2026-2b3c4d5e6f bugfix   None                       nginx-2:1.22.1-8.fc41.x86_64 2026-11-02 01:02:03
`

func TestDnfIsRead(t *testing.T) {
	want := []update{
		{Name: "kernel", Version: "5.14.0-427.el9_4"},
		{Name: "openssl-libs", Version: "1:3.0.7-28.el9_4"},
		{Name: "nginx", Version: "2:1.22.1-8.module+el9"},
	}
	if diff := cmp.Diff(want, parseCheckUpdate([]byte(checkUpdate))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]bool{"kernel": true, "openssl-libs": true}, parseAdvisories([]byte(advisories4))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]bool{"openssl-libs": true}, parseAdvisories([]byte(advisories5))); diff != "" {
		t.Error(diff)
	}
}

func TestTheServiceOfAProcess(t *testing.T) {
	for group, want := range map[string]string{
		"0::/system.slice/nginx.service\n":                                              "nginx.service",
		"0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n":         "postgresql@15-main.service",
		"12:pids:/system.slice/ssh.service\n1:name=systemd:/system.slice/ssh.service\n": "ssh.service",
		"0::/user.slice/user-1000.slice/session-3.scope\n":                              "",
		"": "",
	} {
		if got := unitOf(group); got != want {
			t.Errorf("%q: %q", group, got)
		}
	}
	if !contained("0::/system.slice/docker-0a1b2c.scope\n") || contained("0::/system.slice/nginx.service\n") {
		t.Error("a container is not told from a service")
	}
}
