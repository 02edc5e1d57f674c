package packages

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"strings"

	"github.com/sababan/sababan/checks/child"
)

// rpmBooks are where rpm keeps its book, by distribution.
var rpmBooks = []string{
	"/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages", "/var/lib/rpm/Packages.db",
}

// rpmFingerprint is what the answer of dnf depends on; "" where there is no
// rpm.
func (c *check) rpmFingerprint() string {
	sum, found := fnv.New64a(), false
	for _, file := range append(rpmBooks, "/var/cache/dnf", "/var/cache/libdnf5") {
		info, err := os.Stat(c.at(file))
		if err != nil {
			continue
		}
		found = found || !info.IsDir()
		fmt.Fprintf(sum, "%s %d %d\n", file, info.Size(), info.ModTime().UnixNano())
	}
	if !found {
		return ""
	}
	return fmt.Sprintf("%x", sum.Sum64())
}

// updatesWait is dnf's exit status when there are updates.
const updatesWait = 100

// dnfUpdates asks dnf from what it has stored; nothing is fetched.
func (c *check) dnfUpdates(ctx context.Context) ([]update, error) {
	ask := func(words ...string) (child.Output, error) {
		o, err := child.Run(ctx, child.Command{
			Words: append([]string{"dnf", "-q", "-C"}, words...), Path: c.path,
			Limit: answerLimit, Timeout: answerTime, Idle: true,
		})
		if err == nil && o.Code != 0 && o.Code != updatesWait {
			err = &refused{"dnf", o.Trouble()}
		}
		return o, err
	}
	all, err := ask("check-update")
	if err != nil {
		return nil, err
	}
	if all.Code == 0 {
		return nil, nil
	}
	list := parseCheckUpdate(all.Out)
	advisories, err := ask("updateinfo", "list", "--security")
	if err != nil {
		return nil, err
	}
	security := parseAdvisories(advisories.Out)
	for i := range list {
		list[i].Security = security[list[i].Name]
	}
	return list, nil
}

// offered is a line of check-update: "kernel.x86_64  5.14.0-427.el9  baseos".
var offered = regexp.MustCompile(`^(\S+)\.(\w+)\s+(\S+)\s+\S+$`)

// parseCheckUpdate reads `dnf check-update`; what it lists below "Obsoleting
// Packages" are no updates.
func parseCheckUpdate(out []byte) []update {
	var list []update
	seen := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() && len(list) < updateLimit {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "Obsoleting") {
			break
		}
		if m := offered.FindStringSubmatch(line); m != nil && !seen[m[1]] {
			seen[m[1]] = true
			list = append(list, update{Name: m[1], Version: m[3]})
		}
	}
	return list
}

// nevra is name-[epoch:]version-release.arch.
var nevra = regexp.MustCompile(`^(.+)-[^-]+-[^-]+\.\w+$`)

// parseAdvisories reads `dnf updateinfo list --security`, of dnf 4
// ("ALSA-2026:1 Important/Sec. kernel-5.14.0-427.el9.x86_64") and of dnf 5
// ("ALSA-2026:1 security Important kernel-… 2026-11-01").
func parseAdvisories(out []byte) map[string]bool {
	security := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() && len(security) < updateLimit {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			continue
		}
		kind := strings.ToLower(strings.Join(fields[1:3], " "))
		if !strings.Contains(kind, "sec") {
			continue
		}
		for _, f := range fields[2:] {
			if m := nevra.FindStringSubmatch(f); m != nil {
				security[m[1]] = true
				break
			}
		}
	}
	return security
}
