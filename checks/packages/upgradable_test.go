package packages

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheListOfAptIsReadLikeItsSimulation(t *testing.T) {
	// As apt 2.0 to 3.0 write it; the same updates as in the simulation.
	const text = `Listing...
bash/oldstable 5.2.15-2+b13 amd64 [upgradable from: 5.2.15-2+b8]
jq/oldstable-security 1.6-2.1+deb12u1 amd64 [upgradable from: 1.6-2.1]
libc6/noble-updates,noble-security 2.39-0ubuntu8.4 amd64 [upgradable from: 2.39-0ubuntu8]
tmux/noble-updates 3.4-1ubuntu0.1 amd64 [upgradable from: 3.4-1]
nodejs/nodistro 20.9 amd64 [upgradable from: 20.1]
imagemagick/noble-apps-security 8:6.9+esm1 amd64 [upgradable from: 8:6.9]
`
	// The other lines of the simulation: a new package, one removed, one twice.
	got, ok := parseUpgradable([]byte(text), suites{}, "")
	if diff := cmp.Diff(parseSimulation([]byte(simulation)), got); diff != "" || !ok {
		t.Error(diff, ok)
	}
}

func TestAPackageOfAnotherArchitectureIsNamedWithIt(t *testing.T) {
	const text = "Listing...\nlibc6/stable 2 amd64 [upgradable from: 1]\nlibc6/stable 2 i386 [upgradable from: 1]\ntzdata/stable 2 all [upgradable from: 1]\n"
	for architectures, want := range map[string]string{"amd64\ni386\n": "libc6 libc6:i386 tzdata", "": "libc6 libc6 tzdata"} {
		list, ok := parseUpgradable([]byte(text), suites{}, architectures)
		var names []string
		for _, u := range list {
			names = append(names, u.Name)
		}
		if got := strings.Join(names, " "); got != want || !ok {
			t.Errorf("%q: %q %v, want %q", architectures, got, ok, want)
		}
	}
}

func TestAListThatIsNotUnderstoodToItsLastLineIsNone(t *testing.T) {
	const head, good = "Listing...\n", "bash/stable 2 amd64 [upgradable from: 1]\n"
	for name, c := range map[string]struct {
		text string
		n    int
		ok   bool
	}{
		"nothing waits":                    {head, 0, true},
		"one waits":                        {head + good, 1, true},
		"an archive that says no suite":    {head + "bash/unknown 2 amd64 [upgradable from: 1]\n", 1, true},
		"nothing at all":                   {"", 0, false},
		"no head":                          {good, 0, false},
		"a line of another form":           {head + good + "bash stable 2\n", 0, false},
		"an installed one":                 {head + "bash/stable,now 2 amd64 [installed]\n", 0, false},
		"coloured":                         {head + "\x1b[32mbash\x1b[0m/stable 2 amd64\n", 0, false},
		"its end is missing":               {head + good + "jq/stable 2 amd64 [upgr", 0, false},
		"a description below":              {head + good + "  the shell\n", 0, false},
		"a suite that may be for security": {head + good + "jq/oldstable 2 amd64 [upgradable from: 1]\n", 0, false},
	} {
		list, ok := parseUpgradable([]byte(c.text), suites{"oldstable": {security: true, others: true}}, "")
		if len(list) != c.n || ok != c.ok {
			t.Errorf("%s: %+v %v, want %d %v", name, list, ok, c.n, c.ok)
		}
	}
}

func TestWhetherASuiteIsForSecurityIsKnownByItsNameOrItsLabel(t *testing.T) {
	s := suites{}
	s.add("oldstable", securityLabel) // Debian 10 and before
	s.add("oldstable", "Debian")
	s.add("stable", "Debian")
	s.add("nodistro", ". nodistro")
	s.add("updates", securityLabel)
	s.add("", securityLabel)
	for suite, want := range map[string]struct{ security, known bool }{
		"oldstable":          {true, false},
		"stable":             {false, true},
		"stable-security":    {true, true},
		"jammy-esm-security": {true, true},
		"updates":            {true, true},
		"unknown":            {true, true},
		"nodistro":           {false, true},
		"never-seen":         {false, true},
	} {
		security, known := s.security(suite)
		if known != want.known || known && security != want.security {
			t.Errorf("%s: %v %v, want %+v", suite, security, known, want)
		}
	}
}
