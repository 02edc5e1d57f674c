package mastodon

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func TestVersionsAreOrderedAsMastodonMeansThem(t *testing.T) {
	ascending := []string{
		"3.5.19", "4.2.0rc1", "4.2.0", "4.2.10+hometown-1.1.1", "4.3.0-alpha.1", "4.3.0-beta.2", "4.3.0-nightly.2024-09-01", "4.3.0-nightly.2024-09-02-security",
		"4.3.0-rc.1", "4.3.0", "4.3.9", "4.3.10", "4.10.0", "5.0.0",
	}
	for i := range ascending[1:] {
		a, b := versionOf(ascending[i]), versionOf(ascending[i+1])
		if !a.known() || !b.known() || a.compare(b) >= 0 {
			t.Errorf("%s is not before %s", ascending[i], ascending[i+1])
		}
	}
	if versionOf("4.5.3+glitch").compare(versionOf("4.5.3")) != 0 {
		t.Error("what a fork adds orders something")
	}
	for _, none := range []string{"", "x", "4", "v", strings.Repeat("9", 90)} {
		if versionOf(none).known() {
			t.Errorf("%q is a version", none)
		}
	}
}

func TestOnlyWholeVersionsAreOffered(t *testing.T) {
	for in, want := range map[string]string{
		"4.5.6": "4.5.6", "v4.5.6": "4.5.6", " 4.5.6 ": "4.5.6", "4.6.0-rc.1": "4.6.0-rc.1", "4.5.6+glitch.1": "4.5.6",
		"4.5": "", "4.5.6 (mine)": "", "04.5.6": "", "latest": "", "": "", "4.5.6\n@you": "", "4.5.6-" + strings.Repeat("a", 90): "",
	} {
		if got := offered(in).String(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestABranchIsReadHoweverItIsWritten(t *testing.T) {
	for in, want := range map[string]string{"4.5": "4.5", "v4.5": "4.5", "4.5.x": "4.5", "4.5.2": "4.5", "main": "", "": "", "4": ""} {
		if got := branchOf(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if compareBranches("4.9", "4.10") >= 0 {
		t.Error("4.9 is not before 4.10")
	}
}

func TestTheVersionOnDiskIsReadInEveryStyle(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"as since 4.3":    {versionRB("4.5.3"), "4.5.3"},
		"a pre-release":   {versionRB("4.7.0-alpha.2"), "4.7.0-alpha.2"},
		"flags up to 4.2": {"def major\n 4\nend\ndef minor\n 2\nend\ndef patch\n 0\nend\ndef flags\n 'rc1'\nend\ndef suffix\n '+glitch'\nend\n", "4.2.0-rc1"},
		"flags with a hyphen": {
			"def major\n 4\nend\ndef minor\n 3\nend\ndef patch\n 0\nend\ndef flags\n \"-beta.1\"\nend\n", "4.3.0-beta.1",
		},
		"an environment before the default": {
			"def major\n 4\nend\ndef minor\n 4\nend\ndef patch\n 2\nend\ndef default_prerelease\n ''\nend\ndef prerelease\n ENV['X'].presence || default_prerelease\nend\n", "4.4.2",
		},
		"in one line":          {"def self.major = 4\ndef self.minor = 6\ndef self.patch = 1\n", "4.6.1"},
		"with return":          {"def major\n return 4\nend\ndef minor\n return 6\nend\ndef patch\n return 1\nend\n", "4.6.1"},
		"with comments":        {"def major\n # the first\n 4\nend\ndef minor\n 6\nend\ndef patch\n 1 # last\nend\n", "4.6.1"},
		"line ends of Windows": {strings.ReplaceAll(versionRB("4.5.3"), "\n", "\r\n"), "4.5.3"},
		"something else":       {"puts 'hello'", ""},
		"empty":                {"", ""},
		"numbers that are none": {
			"def major\n Integer(ENV['M'])\nend\ndef minor\n 6\nend\n", "",
		},
	} {
		if got := diskVersion([]byte(c.text)).String(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatRunsIsComparedWithTheDisk(t *testing.T) {
	for _, c := range []struct {
		runs, disk string
		same       bool
	}{
		{"4.5.3", "4.5.3", true},
		{"4.5.3+glitch", "4.5.3", true},
		{"4.5.3", "4.5.4", false},
		{"4.7.0-alpha.1", "4.7.0-alpha.2", false},
		{"4.7.0-nightly.2026-11-20", "4.7.0-alpha.2", true}, // its date comes from the environment
		{"4.7.0-nightly.2026-11-20", "4.8.0-alpha.1", false},
	} {
		if got := (code{version: versionOf(c.disk)}).same(versionOf(c.runs)); got != c.same {
			t.Errorf("%s and %s: %v", c.runs, c.disk, got)
		}
	}
}

func TestWhatTheDatabaseLacks(t *testing.T) {
	c := code{there: true, before: []string{"1", "20240101000000", "20250101000000"}, after: []string{"20240601000000"}}
	for _, tt := range []struct {
		name string
		run  []string
		want lacks
	}{
		{"nothing is known of the database", nil, lacks{}},
		{"all were run", []string{"1", "20240101000000", "20240601000000", "20250101000000"}, lacks{}},
		{"an old one that has gone from the code", []string{"1", "20240101000000", "20240102000000", "20240601000000", "20250101000000"}, lacks{}},
		{"one is missing", []string{"1", "20240601000000", "20250101000000"}, lacks{pending: 1, firstPending: "20240101000000"}},
		{"the one for later is missing", []string{"1", "20240101000000", "20250101000000"}, lacks{post: 1, firstPost: "20240601000000"}},
		{"two too many", []string{"1", "20240101000000", "20240601000000", "20250101000000", "20260301000000", "20260201000000"}, lacks{ahead: 2, firstAhead: "20260201000000"}},
		{"a number with zeros before it", []string{"0001", "20240101000000", "20240601000000", "20250101000000"}, lacks{}},
	} {
		if got := c.lacked(tt.run); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if got := (code{}).lacked([]string{"5"}); got != (lacks{}) {
		t.Errorf("without code: %+v", got)
	}
}

func TestWhichSourceIsDue(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ago := func(h time.Duration) int64 { return now.Add(-h * time.Hour).Unix() }
	open := plan{now: now, updates: defaultUpdates, releases: defaultReleases}
	noService, noList, offline, ahead := open, open, open, open
	noService.updates, noList.releases, offline.offline = "", off, true
	ahead.now = now.Add(-100 * 24 * time.Hour) // the clock was set back
	for _, c := range []struct {
		name              string
		service, list     source
		plan              plan
		dueService, dueIt bool
	}{
		{"never asked", source{}, source{}, open, true, true},
		{"asked five hours ago", source{Asked: ago(5), Answered: ago(5)}, source{}, open, false, false},
		{"asked six hours ago", source{Asked: ago(6), Answered: ago(6)}, source{}, open, true, false},
		{"asked an hour ago, answered a day ago", source{Asked: ago(1), Answered: ago(25)}, source{}, open, false, true},
		{"the list was asked today", source{Asked: ago(1), Answered: ago(25)}, source{Asked: ago(23)}, open, false, false},
		{"the list was asked yesterday", source{Asked: ago(1)}, source{Asked: ago(24)}, open, false, true},
		{"the service is switched off", source{}, source{}, noService, false, true},
		{"the list is switched off", source{}, source{}, noList, true, false},
		{"offline", source{}, source{}, offline, false, false},
		{"asked in the future", source{Asked: ago(1), Answered: ago(1)}, source{Asked: ago(1)}, ahead, true, true},
	} {
		if got := serviceDue(c.service, c.plan); got != c.dueService {
			t.Errorf("%s: the service is due: %v", c.name, got)
		}
		if got := releasesDue(c.list, c.service, c.plan); got != c.dueIt {
			t.Errorf("%s: the list is due: %v", c.name, got)
		}
	}
}

func TestWhatIsKnownOfTheEndOfSupport(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		version string
		want    checks.Severity
	}{
		{"4.2.29", checks.Critical},
		{"4.3.23", checks.Critical},
		{"4.4.22", checks.Warning}, // to 17 December
		{"4.5.15", checks.OK},
		{"4.9.0", checks.OK},
	} {
		q := question{now: now, running: running{version: versionOf(c.version)}}
		f, _ := q.support()
		if f.Severity != c.want {
			t.Errorf("%s: %v, want %v", c.version, f.Severity, c.want)
		}
	}
	q := question{now: time.Date(2026, 12, 17, 23, 0, 0, 0, time.UTC), running: running{version: versionOf("4.4.22")}}
	if f, _ := q.support(); f.Severity != checks.Warning {
		t.Errorf("on the last day: %v", f.Severity)
	}
}

func TestAnUpdateSaysWhichPostgreSQLItNeeds(t *testing.T) {
	q := question{now: time.Now(), running: running{version: versionOf("4.3.9")}, table: table{postgres: 130012}}
	text := q.textUpdate(offer{Version: "4.5.6"}, false, nil)
	says(t, text, "It needs PostgreSQL 14 or newer first; here is 13.", "先にPostgreSQLを14以上にする必要があります（現在13）。")
	if text := q.textUpdate(offer{Version: "4.4.1"}, false, nil); strings.Contains(text.En, "PostgreSQL") {
		t.Errorf("%s", text.En)
	}
}

func TestANewBranchIsPressingWhereTheOwnOneEnds(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for version, want := range map[string][2]string{
		"4.5.3": {"there is no hurry while 4.5 is supported", "急ぎません"},
		"4.4.3": {"will not be supported for long", "まもなくサポートが終了します"},
		"4.3.3": {"is no longer supported", "サポートが終了しています"},
	} {
		q := question{now: now, running: running{version: versionOf(version)}}
		says(t, q.textUpdate(offer{Version: "4.6.1"}, false, nil), want[0], want[1])
	}
}

func TestOnlyPlainAddressesAreSaid(t *testing.T) {
	for in, well := range map[string]bool{
		"https://github.com/mastodon/mastodon/releases/tag/v4.5.6": true,
		"https://codeberg.org/a/b~c":                               true,
		"http://github.com/x":                                      false,
		"https://user@example.com/":                                false,
		"https://example.com/?q=1":                                 false,
		"https://example.com/#x":                                   false,
		"https://example.com/ @all":                                false,
		"javascript:alert(1)":                                      false,
		"https://example.com/" + strings.Repeat("a", 300):          false,
		"": false,
	} {
		if got := link(in) != ""; got != well {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestCommandsAreLeftOutWhereTheFolderIsNotKnown(t *testing.T) {
	q := question{}
	if sh := q.rails(false, "db:migrate"); sh != nil {
		t.Errorf("%s", sh)
	}
	q.found = site.Found{Live: "/srv/live\u202e", User: "mastodon"}
	if sh := q.rails(false, "db:migrate"); sh != nil {
		t.Errorf("%s", sh)
	}
}
