package backups

import (
	"cmp"
	"context"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks/site"
)

// usualPlaces are folders in which people keep dumps.
func usualPlaces() []string {
	return []string{
		"/var/backups", "/var/backups/*", "/var/lib/postgresql/backup*", "/home/*", "/home/*/backup*", "/home/*/dump*",
		"/srv/backup*", "/srv/backup*/*", "/backup*", "/backup*/*", "/opt/backup*", "/mnt/backup*", "/mnt/*/backup*", "/root",
	}
}

// usualServers are the folders of PostgreSQL's server programs: Debian's, and
// those of the packages for Red Hat.
func usualServers() []string { return []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} }

// dumpName is what dumps of databases are called.
var dumpName = regexp.MustCompile(`(?i)\.(pg_?dump|dump|backup|sql)(\.(gz|zst|xz|bz2))?$|mastodon[^/]*\.(tar(\.(gz|zst|xz|bz2))?|tgz)$`)

// changing is the part of a name that differs from run to run: a date, a time,
// a number.
var changing = regexp.MustCompile(`[0-9](?:[0-9TZ_:.+-]*[0-9])?Z?`)

// A stray is a file that looks like a backup and has come too seldom to be one.
type stray struct {
	Path    string
	Time    time.Time
	Pattern string
	Runs    []point
}

// sources returns what is looked at: what was set, else what is found. Strays
// are dumps that somebody left, newest first.
func (c *check) sources(ctx context.Context, before memory, installed site.Found, now time.Time) ([]source, []stray, error) {
	var list []source
	if len(c.config.Sources) > 0 {
		for _, s := range c.config.Sources {
			list = append(list, source{Source: s})
		}
		return list, nil, nil
	}
	found, err := within(ctx, c, "", func(ctx context.Context) map[string][]artefact { return c.search(ctx, installed, now) })
	if err != nil {
		return nil, nil, err
	}
	var strays []stray
	for pattern, files := range found {
		s := source{Source{Glob: pattern}, true}
		probe := seen{known: before.Sources[pattern]}
		probe.take(files)
		_, how := rhythm(0, false, runs(probe.Runs))
		switch {
		case how == rhythmLearned:
			list = append(list, s)
		case probe.Newest != nil:
			strays = append(strays, stray{probe.Newest.Path, probe.Newest.Time, pattern, probe.Runs})
		}
	}
	// What was found before and has gone is missed.
	for name, k := range before.Sources {
		_, still := found[name]
		if _, how := rhythm(0, false, runs(k.Runs)); !still && k.FoundAt != "" && how == rhythmLearned {
			list = append(list, source{Source{Glob: k.FoundAt}, true})
		}
	}
	slices.SortFunc(list, func(a, b source) int { return strings.Compare(a.Glob, b.Glob) })
	slices.SortFunc(strays, func(a, b stray) int { return cmp.Or(b.Time.Compare(a.Time), strings.Compare(a.Path, b.Path)) })
	return list[:min(len(list), sourceLimit)], strays[:min(len(strays), sourceLimit)], nil
}

// search groups what looks like a dump by where it lies and what it is called.
func (c *check) search(ctx context.Context, installed site.Found, now time.Time) map[string][]artefact {
	found := map[string][]artefact{}
	seen := map[string]bool{}
	places := c.places
	if installed.Live != "" {
		home := escape(filepath.Dir(installed.Live))
		places = append(slices.Clone(places), home, home+"/backup*", escape(installed.Live))
	}
	for _, place := range places {
		m, err := expand(ctx, path.Join(place, "*"))
		if err != nil {
			continue // told by nobody: it is only one of many places
		}
		for _, p := range m.Paths {
			name := filepath.Base(p)
			if !dumpName.MatchString(name) || seen[p] || len(found) > 10*sourceLimit {
				continue
			}
			seen[p] = true
			a, ok := look(p, now)
			if !ok {
				continue
			}
			pattern := filepath.Join(escape(filepath.Dir(p)), changing.ReplaceAllLiteralString(escape(name), "*"))
			found[pattern] = append(found[pattern], a)
		}
	}
	for _, files := range found {
		slices.SortFunc(files, func(a, b artefact) int { return a.Time.Compare(b.Time) })
	}
	return found
}

// escape makes a path a pattern that matches it alone.
func escape(p string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(p)
}
