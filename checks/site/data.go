package site

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
)

// postgres finds the data directories of PostgreSQL: as its configuration, its
// processes, and the usual folders tell.
func (w *search) postgres(running []process) {
	if len(w.found.PostgresData) > 0 {
		return
	}
	var by []checks.Text
	add := func(p string, how checks.Text, proven bool) {
		if p = wholePath(p); p == "" || slices.Contains(w.found.PostgresData, p) || len(w.found.PostgresData) >= clusterLimit {
			return
		}
		switch w.folder(p) {
		case absent:
			return
		case present:
			// An empty folder is what a cluster that was removed leaves behind.
			if w.file(path.Join(p, "PG_VERSION")) == absent {
				return
			}
		case unknown:
			if !proven {
				w.hide(p, errHidden)
				return
			}
		}
		w.found.PostgresData = append(w.found.PostgresData, p)
		if !slices.Contains(by, how) {
			by = append(by, how)
		}
	}
	for _, version := range w.below("/etc/postgresql", "*") {
		for _, cluster := range w.below(version, "*") {
			p := path.Join(cluster, "postgresql.conf")
			if dir := postgresSetting(w.text(p), "data_directory"); dir != "" {
				add(dir, byFile(p), true)
			}
		}
	}
	for _, p := range running {
		if p.data != "" {
			add(p.data, byProcess("postgres"), true)
		}
	}
	// Debian's folders are named by version and cluster, and closed to all but
	// PostgreSQL; Red Hat's are called data.
	for _, version := range w.below("/var/lib/postgresql", "[0-9]*") {
		for _, cluster := range w.below(version, "*") {
			add(cluster, byFolder(), true)
		}
	}
	add("/var/lib/pgsql/data", byFolder(), false)
	for _, version := range w.below("/var/lib/pgsql", "[0-9]*") {
		add(path.Join(version, "data"), byFolder(), false)
	}
	for _, p := range w.volumes("/var/lib/postgresql", "/var/lib/postgresql/data") {
		add(p, byVolume(), true)
	}
	if len(by) > 0 {
		w.found.Origins["PostgresData"] = checks.Join(checks.Text{En: ", ", Ja: "、"}, by...)
	}
}

var postgresLine = regexp.MustCompile(`(?mi)^\s*([a-z_]+)(?:\s*=\s*|\s+)('(?:[^'\n\\]|''|\\.)*'|[^\s#']+)`)

// postgresSetting is the last value of a setting in postgresql.conf.
func postgresSetting(text, name string) string {
	value := ""
	for _, m := range postgresLine.FindAllStringSubmatch(text, -1) {
		if strings.EqualFold(m[1], name) {
			value = m[2]
		}
	}
	if inner, quoted := strings.CutPrefix(value, "'"); quoted {
		return strings.NewReplacer("''", "'", `\'`, "'", `\\`, `\`).Replace(strings.TrimSuffix(inner, "'"))
	}
	return value
}

// redisFolders are where packages let Redis and its heir write.
var redisFolders = []string{"/var/lib/redis", "/var/lib/valkey"}

// redis finds the folders that Redis writes to.
func (w *search) redis() {
	if len(w.found.RedisData) > 0 {
		return
	}
	var by []checks.Text
	add := func(p string, how checks.Text) {
		if slices.Contains(w.found.RedisData, p) || len(w.found.RedisData) >= clusterLimit || w.folder(p) == absent {
			return
		}
		w.found.RedisData = append(w.found.RedisData, p)
		if !slices.Contains(by, how) {
			by = append(by, how)
		}
	}
	configs := append(w.below("/etc/redis", "*.conf"), w.below("/etc/valkey", "*.conf")...)
	for _, p := range append(configs, "/etc/redis.conf") {
		dir := redisDir(w.text(p))
		if dir == "" {
			continue
		}
		if whole := wholePath(dir); whole != "" {
			add(whole, byFile(p))
		} else {
			w.hide(p, errRelative)
		}
	}
	for _, p := range w.volumes("/data") {
		add(p, byVolume())
	}
	// Where nothing says more (the configuration is for Redis' eyes alone on
	// Debian) the package's own folder is it.
	if len(w.found.RedisData) == 0 {
		for _, p := range redisFolders {
			add(p, byFolder())
		}
	}
	if len(by) > 0 {
		w.found.Origins["RedisData"] = checks.Join(checks.Text{En: ", ", Ja: "、"}, by...)
	}
}

var redisLine = regexp.MustCompile(`(?mi)^\s*dir\s+(?:"([^"\n]*)"|'([^'\n]*)'|(\S+))\s*$`)

// redisDir is the last "dir" in redis.conf.
func redisDir(text string) string {
	dir := ""
	for _, m := range redisLine.FindAllStringSubmatch(text, -1) {
		dir = m[1] + m[2] + m[3]
	}
	return dir
}

var volume = regexp.MustCompile(`(?m)^\s*-\s*["']?(\.{0,2}/[^:"'\n]*):(/[^:"'\s]*)(?::[a-zA-Z,]+)?["']?\s*\r?$`)

// volumes are the folders of this machine that docker-compose.yml puts at one
// of the given places inside a container.
func (w *search) volumes(inside ...string) []string {
	if w.found.Compose == "" {
		return nil
	}
	for _, name := range composeFiles {
		p := path.Join(w.found.Compose, name)
		if w.file(p) == absent {
			continue
		}
		var all []string
		for _, m := range volume.FindAllStringSubmatch(w.text(p), clusterLimit) {
			if !slices.Contains(inside, m[2]) {
				continue
			}
			host := m[1]
			if !path.IsAbs(host) {
				host = path.Join(w.found.Compose, host)
			}
			all = append(all, host)
		}
		return all
	}
	return nil
}
