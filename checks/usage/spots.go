package usage

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks/site"
)

// What lies in a spot.
const (
	ofDatabase = "PostgreSQL"
	ofLogs     = "logs"
	ofJournal  = "journal"
	ofMastodon = "Mastodon"
	ofMedia    = "media"
	ofCached   = "cached media"
	ofRuby     = "Ruby"
	ofPackages = "packages" // what yarn and bundler keep
	ofOthers   = ""
)

// A spot is a folder whose size is asked for.
type spot struct {
	// Path is how it is spoken of; where it is a link, what it leads to is
	// walked.
	Path string
	Of   string
	// Each makes an area of every folder in it.
	Each bool
	// Group names the area of a file in it.
	Group func(name string) string
}

// someLimit bounds the tablespaces and gem folders that are looked into (own).
const someLimit = 50

// spots lists what is looked at, in order of importance: what comes first is
// seen first where there is little time. root is "" for the machine itself.
func spots(root string, f site.Found, c Config) []spot {
	var list []spot
	add := func(s spot) {
		for _, ignored := range c.Ignore {
			if under(s.Path, ignored) {
				return
			}
		}
		if !slices.ContainsFunc(list, func(o spot) bool { return o.Path == s.Path }) {
			list = append(list, s)
		}
	}
	for _, data := range f.PostgresData {
		add(spot{Path: data, Of: ofDatabase, Each: true})
		add(spot{Path: filepath.Join(data, "pg_wal"), Of: ofDatabase})
		for _, t := range glob(filepath.Join(data, "pg_tblspc", "*")) {
			add(spot{Path: t, Of: ofDatabase})
		}
	}
	add(spot{Path: root + "/var/log", Of: ofLogs, Each: true, Group: logName})
	add(spot{Path: root + "/var/log/journal", Of: ofJournal})
	for _, live := range []string{f.Live, f.Compose} {
		if live == "" {
			continue
		}
		add(spot{Path: live, Of: ofMastodon, Each: true})
		add(spot{Path: filepath.Join(live, "public/system"), Of: ofMedia})
		add(spot{Path: filepath.Join(live, "public/system/cache"), Of: ofCached})
		for _, p := range append(glob(filepath.Join(live, "vendor/bundle/ruby/*/cache")), filepath.Join(live, "vendor/cache")) {
			add(spot{Path: p, Of: ofPackages})
		}
	}
	if home := homeOf(root, f); home != "" {
		add(spot{Path: home, Of: ofMastodon, Each: true})
		add(spot{Path: filepath.Join(home, ".rbenv/versions"), Of: ofRuby, Each: true})
		for _, p := range packageCaches {
			add(spot{Path: filepath.Join(home, p), Of: ofPackages})
		}
	}
	for _, data := range f.PostgresData {
		add(spot{Path: beside(data)})
	}
	for _, p := range []string{"/var/backups", "/root", "/home", "/tmp", "/var/tmp"} {
		add(spot{Path: root + p, Each: p == "/home"})
	}
	for _, p := range c.Also {
		add(spot{Path: p})
	}
	return list
}

// packageCaches are where yarn, npm and bundler keep what they have fetched.
var packageCaches = []string{".cache/yarn", ".yarn/berry", ".npm/_cacache", ".bundle/cache"}

func glob(pattern string) []string {
	found, err := filepath.Glob(pattern) // what cannot be listed is seen to by the walk
	if err != nil || len(found) > someLimit {
		return nil
	}
	return found
}

// homeOf is the home folder of the account that Mastodon runs as, or "".
func homeOf(root string, f site.Found) string {
	if f.Live == "" {
		return ""
	}
	up := filepath.Dir(f.Live)
	if f.User != "" && filepath.Base(up) == f.User {
		return up
	}
	if f.User != "" && f.User != "root" {
		if st, err := os.Stat(root + "/home/" + f.User); err == nil && st.IsDir() {
			return root + "/home/" + f.User
		}
	}
	if st, err := os.Stat(filepath.Join(up, ".rbenv")); err == nil && st.IsDir() {
		return up
	}
	return ""
}

var versionFolder = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// beside is the folder where people put dumps that they make as postgres.
func beside(data string) string {
	up := filepath.Dir(data)
	if versionFolder.MatchString(filepath.Base(up)) {
		up = filepath.Dir(up)
	}
	return up
}

// rotation is what logrotate and its like put behind a name.
var rotation = regexp.MustCompile(`([.-]([0-9]{8}([-.]?[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,4}))?(\.(gz|xz|zst|bz2|old))?$`)

// logName is the log that a file belongs to: itself without its rotation.
func logName(file string) string {
	name := rotation.ReplaceAllString(file, "")
	if name == "" {
		return file
	}
	return name
}

// under tells whether a path is a folder or lies below it.
func under(path, folder string) bool {
	return path == folder || folder == "/" || strings.HasPrefix(path, folder+"/")
}
