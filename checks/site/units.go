package site

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// unitFolders are where unit files lie, the one that wins first.
var unitFolders = []string{
	"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system",
}

// unitLimit is how many units of Mastodon's are read (own).
const unitLimit = 50

// A unit is what a service's files say.
type unit struct {
	name      string
	directory string
	user      string
	port      int
	docker    bool // it starts containers
}

// mastodonUnits reads every service whose name begins with mastodon: the web
// process first, then Sidekiq's.
func (w *search) mastodonUnits() []unit {
	paths := map[string]string{}
	for _, folder := range unitFolders {
		for _, p := range w.below(folder, "mastodon*.service") {
			if _, ok := paths[path.Base(p)]; !ok && len(paths) < unitLimit {
				paths[path.Base(p)] = p
			}
		}
	}
	var all []unit
	for name, p := range paths {
		u := unit{name: name}
		u.read(w.text(p))
		for _, folder := range unitFolders {
			for _, extra := range w.below(path.Join(folder, name+".d"), "*.conf") {
				u.read(w.text(extra))
			}
		}
		all = append(all, u)
	}
	rank := func(u unit) int {
		switch {
		case u.name == "mastodon-web.service":
			return 0
		case strings.HasPrefix(u.name, "mastodon-sidekiq"):
			return 1
		}
		return 2
	}
	slices.SortFunc(all, func(a, b unit) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a.name, b.name)
	})
	return all
}

// read takes what a unit file, or a part of one, says.
func (u *unit) read(text string) {
	section := ""
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\\\n", " ")
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			section = line
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section != "[Service]" {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "WorkingDirectory":
			u.directory = wholePath(strings.TrimPrefix(value, "-"))
		case "User":
			u.user = ""
			if userName.MatchString(value) {
				u.user = value
			}
		case "Environment":
			if m := portOf.FindStringSubmatch(value); m != nil {
				u.port = portNumber(m[1])
			}
		case "ExecStart":
			u.docker = u.docker || docker.MatchString(value)
		}
	}
}

var (
	userName  = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,31}$`)
	portOf    = regexp.MustCompile(`(?:^|[\s"'])PORT=([0-9]{1,5})(?:$|[\s"'])`)
	docker    = regexp.MustCompile(`(?:^|[/\s])(?:docker|docker-compose|podman|podman-compose)\s`)
	streaming = regexp.MustCompile(`^mastodon-streaming@([0-9]{1,5})\.service$`)
)

// portNumber is 0 for what is no port.
func portNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 {
		return 0
	}
	return n
}

// streaming finds the ports of the streaming processes that are switched on.
// Since Mastodon 4.2 the unit without a port does nothing and stands for the
// others; before, it was the only one.
func (w *search) streaming(units []unit) {
	seen := map[int]bool{}
	for _, pattern := range []string{"*.wants", "*.requires"} {
		for _, folder := range w.below(unitFolders[0], pattern) {
			for _, name := range w.names(folder) {
				if m := streaming.FindStringSubmatch(name); m != nil {
					if n := portNumber(m[1]); n > 0 && !seen[n] && len(seen) < unitLimit {
						seen[n] = true
						w.found.Streaming = append(w.found.Streaming, n)
						w.found.Origins["Streaming"] = byEnabled("mastodon-streaming@")
					}
				}
			}
		}
	}
	slices.Sort(w.found.Streaming)
	for _, u := range units {
		if u.name == "mastodon-streaming.service" && u.port > 0 && len(seen) == 0 {
			w.found.Streaming, w.found.Origins["Streaming"] = []int{u.port}, byUnit(u.name)
		}
	}
}
