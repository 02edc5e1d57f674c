package cacerts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sababan/sababan/checks/child"
)

const (
	// packageTimeout is how long one tool may take (own; apt-cache needs about
	// half a second).
	packageTimeout = 10 * time.Second
	// outputLimit is how much of its output is read (own).
	outputLimit = 64 << 10
)

// A pack is what the package manager knows of the package ca-certificates.
type pack struct {
	// installed and offered are versions; offered is "" where nothing newer is.
	installed, offered string
	err                error
}

var errNoManager = errors.New("neither dpkg nor rpm is here")

// askPackage asks the package manager; nothing is fetched and no lock taken.
func (c *check) askPackage(ctx context.Context) pack {
	run := func(words ...string) (child.Output, error) {
		return child.Run(ctx, child.Command{Words: words, Path: c.path, Env: c.env, Timeout: packageTimeout, Limit: outputLimit})
	}
	out, err := run("apt-cache", "policy", "ca-certificates")
	if err == nil {
		return parsePolicy(string(out.Out))
	}
	if !errors.Is(err, child.ErrMissing) {
		return pack{err: err}
	}
	out, err = run("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}\n", "ca-certificates")
	switch {
	case errors.Is(err, child.ErrMissing):
		return pack{err: errNoManager}
	case err != nil:
		return pack{err: err}
	case out.Code != 0:
		return pack{} // not installed
	}
	p := pack{installed: version(strings.TrimSpace(string(out.Out)))}
	for _, tool := range []string{"dnf", "yum"} {
		// Its status is 100 where there is something newer, 0 where not.
		out, err = run(tool, "-q", "-C", "check-update", "ca-certificates")
		if errors.Is(err, child.ErrMissing) {
			continue
		}
		if err != nil || out.Code != 0 && out.Code != 100 {
			p.err = errors.Join(err, errors.New(tool+": "+out.Trouble()))
			return p
		}
		p.offered = parseUpdate(string(out.Out))
		return p
	}
	p.err = child.ErrMissing
	return p
}

var policyLine = regexp.MustCompile(`(?m)^\s{2}(Installed|Candidate): (\S+)$`)

var errPolicy = errors.New("apt-cache policy does not know ca-certificates")

// parsePolicy reads what `apt-cache policy` says in the C locale. The
// candidate is what apt would install; it is another than the installed one
// only where that is to be replaced.
func parsePolicy(text string) pack {
	found := map[string]string{}
	for _, m := range policyLine.FindAllStringSubmatch(text, 2) {
		found[m[1]] = version(m[2])
	}
	if len(found) == 0 {
		return pack{err: errPolicy}
	}
	p := pack{installed: found["Installed"], offered: found["Candidate"]}
	if p.installed == p.offered {
		p.offered = ""
	}
	return p
}

var updateLine = regexp.MustCompile(`(?m)^ca-certificates(?:\.[a-z0-9_]+)?\s+(\S+)\s+\S+\s*$`)

// parseUpdate reads what `dnf check-update` says.
func parseUpdate(text string) string {
	if m := updateLine.FindStringSubmatch(text); m != nil {
		return version(m[1])
	}
	return ""
}

var versionText = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+~:^_-]{0,99}$`)

// version is "" for "(none)" and for all that is no version.
func version(s string) string {
	if versionText.MatchString(s) {
		return s
	}
	return ""
}

// tools are what is there to mend things with.
type tools struct{ apt, dnf bool }

func toolsOf(root string) tools {
	there := func(p string) bool {
		_, err := os.Stat(filepath.Join("/", root, p))
		return err == nil
	}
	return tools{apt: there("/usr/bin/apt-get"), dnf: there("/usr/bin/dnf")}
}
