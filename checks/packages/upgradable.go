package packages

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/sababan/sababan/checks/child"
)

// Archives of security updates are known by their label (Debian, whose suite is
// called otherwise every two years) or by their suite (Debian since 11, Ubuntu
// and its extended maintenance).
const securityLabel, securitySuffix = "Debian-Security", "-security"

// suites are who publishes under the name of each suite. Debian up to 10 called
// its security updates and all the rest by one name.
type suites map[string]publishers

type publishers struct{ security, others bool }

func (s suites) add(suite, label string) {
	p := s[suite]
	if label == securityLabel {
		p.security = true
	} else {
		p.others = true
	}
	s[suite] = p
}

// security tells whether what a suite offers is for security; it is not known
// where security updates share its name with something else.
func (s suites) security(suite string) (security, known bool) {
	if strings.HasSuffix(suite, securitySuffix) {
		return true, true
	}
	if suite == "unknown" { // apt's word where the archive does not say
		suite = ""
	}
	p := s[suite]
	return p.security, !p.security || !p.others
}

// aptUpdates asks apt which updates wait. Its list costs from a quarter (of 145
// updates) to three quarters (of none) of a simulated upgrade, which goes
// through all packages that exist for each step of it. But apt promises the
// form of its list to nobody: the simulation is asked wherever the list is not
// understood to its last line, and it is the one to name the trouble.
func (c *check) aptUpdates(ctx context.Context, published suites) ([]update, error) {
	o, err := child.Run(ctx, child.Command{
		Words: []string{"apt", "list", "--upgradable"},
		Path:  c.path, Env: c.aptEnvironment(), Limit: answerLimit, Timeout: answerTime, Idle: true,
	})
	if errors.Is(err, child.ErrDeadline) || ctx.Err() != nil {
		return nil, err
	}
	if err == nil && o.Code == 0 && !o.Cut {
		native, _ := c.readSmall("/var/lib/dpkg/arch") // it is not there where only one is in use
		if list, ok := parseUpgradable(o.Out, published, native); ok {
			return list, nil
		}
	}
	return c.simulated(ctx)
}

// upgradable is one line of that list:
// "bash/oldstable-security,oldstable 5.2-2 amd64 [upgradable from: 5.2-1]".
var upgradable = regexp.MustCompile(`^([^\s/]+)/(\S+) (\S+) (\S+) \[upgradable from: [^\]]*\]$`)

// parseUpgradable reads what `apt list --upgradable` says in the C locale; ok
// is that every line was understood, from the first, by which it says that it
// is that list. The first of architectures, one in a line, is the machine's
// own; a package of another is named with it.
func parseUpgradable(out []byte, published suites, architectures string) (list []update, ok bool) {
	native, _, _ := strings.Cut(architectures, "\n")
	out, ok = bytes.CutPrefix(out, []byte("Listing...\n"))
	if !ok {
		return nil, false
	}
	for line := range bytes.Lines(out) {
		text := strings.TrimRight(string(line), "\n")
		m := upgradable.FindStringSubmatch(text)
		if m == nil {
			return nil, false
		}
		u := update{Name: m[1], Version: m[3]}
		if arch := m[4]; native != "" && arch != native && arch != "all" {
			u.Name += ":" + arch
		}
		sure := true
		for suite := range strings.SplitSeq(m[2], ",") {
			security, known := published.security(suite)
			if known {
				u.Security = u.Security || security
			}
			sure = sure && known
		}
		if !sure && !u.Security {
			return nil, false
		}
		if len(list) < updateLimit {
			list = append(list, u)
		}
	}
	return list, true
}
