package site

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// webServers are the programs that serve a Mastodon's port 443, by the name of
// their process; where several run, the first is taken.
var webServers = []string{"nginx", "caddy", "apache2", "httpd", "haproxy", "traefik"}

// Bounds of a walk through the processes (own).
const (
	processLimit = 20000
	commandLimit = 4096 // bytes of a command line
)

// A process is one that tells something about the installation.
type process struct {
	name string // as the kernel calls it
	data string // the data directory of a postgres
}

// processes are those with a name that tells something.
func (w *search) processes() []process {
	if w.proc == "" {
		return nil
	}
	dir, err := os.Open(w.proc)
	if err != nil {
		return nil
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(processLimit)
	if err != nil {
		return nil
	}
	var all []process
	for _, pid := range names {
		if pid == "" || pid[0] < '0' || pid[0] > '9' {
			continue
		}
		name := strings.TrimSpace(readSome(filepath.Join(w.proc, pid, "comm"), 64))
		switch {
		case slices.Contains(webServers, name):
			all = append(all, process{name: name})
		case name == "postgres" || name == "postmaster":
			command := readSome(filepath.Join(w.proc, pid, "cmdline"), commandLimit)
			all = append(all, process{name: name, data: dataOf(strings.Split(command, "\x00"))})
		}
	}
	slices.SortFunc(all, func(a, b process) int { return strings.Compare(a.name+a.data, b.name+b.data) })
	return all
}

// dataOf is what a postgres was started with: "-D DIR" or "-DDIR".
func dataOf(words []string) string {
	for i, word := range words {
		if dir, ok := strings.CutPrefix(word, "-D"); ok {
			if dir == "" && i+1 < len(words) {
				dir = words[i+1]
			}
			return dir
		}
	}
	return ""
}

// readSome is the beginning of a file; "" where it cannot be read.
func readSome(p string, limit int64) string {
	f, err := os.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return ""
	}
	return string(b)
}

// web finds the web server: the one that runs, else the one that would after a
// boot, else the only one that is installed.
func (w *search) web(running []process) {
	if w.found.WebServer != "" {
		return
	}
	for _, name := range webServers {
		if slices.ContainsFunc(running, func(p process) bool { return p.name == name }) {
			w.found.WebServer, w.found.Origins["WebServer"] = name, byProcess(name)
			return
		}
	}
	var installed []string
	for _, name := range webServers {
		service := name + ".service"
		if w.file(path.Join(unitFolders[0], "multi-user.target.wants", service)) == present {
			w.found.WebServer, w.found.Origins["WebServer"] = name, byEnabled(service)
			return
		}
		if slices.ContainsFunc(unitFolders, func(f string) bool { return w.file(path.Join(f, service)) == present }) {
			installed = append(installed, name)
		}
	}
	if len(installed) == 1 {
		w.found.WebServer, w.found.Origins["WebServer"] = installed[0], byUnit(installed[0]+".service")
	}
}
