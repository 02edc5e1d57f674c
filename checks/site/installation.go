package site

import (
	"bufio"
	"errors"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// liveFolders are where people put Mastodon's code; Mastodon's own guide says
// the first.
var liveFolders = []string{"/home/mastodon/live", "/var/www/mastodon", "/opt/mastodon", "/srv/mastodon"}

// composeFolders are where people put a docker-compose.yml; those below /home
// are added.
var composeFolders = []string{"/opt/mastodon", "/srv/mastodon", "/root/mastodon"}

// composeFiles are the names that Docker Compose looks for, in its order.
var composeFiles = []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}

// image is a line that names a container image of Mastodon's: tootsuite's,
// mastodon's own, glitch-soc's or another's.
var image = regexp.MustCompile(`(?m)^\s*image:\s*["']?(?:[a-z0-9][a-z0-9.:-]*/)*mastodon(?:-streaming)?(?:[:@][A-Za-z0-9_.:-]+)?["']?\s*(?:#.*)?\r?$`)

// installation finds the code, bare or in containers.
func (w *search) installation(units []unit) {
	for _, u := range units {
		switch {
		case u.directory == "" || w.folder(u.directory) == absent:
		case u.docker && w.found.Compose == "" && w.found.Live == "":
			w.found.Compose, w.found.Origins["Compose"] = u.directory, byUnit(u.name)
		case !u.docker && w.found.Live == "" && w.found.Compose == "":
			w.found.Live, w.found.Origins["Live"] = u.directory, byUnit(u.name)
		}
	}
	if w.found.Live != "" || w.found.Compose != "" {
		return
	}
	// A copy of the code holds an example of docker-compose.yml, too: without a
	// unit the folder says which of the two is meant.
	for _, folder := range append(composeFolders[:len(composeFolders):len(composeFolders)], w.homes()...) {
		if w.composes(folder) {
			w.found.Compose, w.found.Origins["Compose"] = folder, byImage()
			return
		}
	}
	for _, folder := range liveFolders {
		if w.code(folder) {
			w.found.Live, w.found.Origins["Live"] = folder, byCode()
			return
		}
	}
}

// homes are the folders named mastodon below /home.
func (w *search) homes() []string {
	var all []string
	for _, name := range w.names("/home") {
		if len(all) < homesLimit {
			all = append(all, path.Join("/home", name, "mastodon"))
		}
	}
	return all
}

func (w *search) composes(folder string) bool {
	switch w.folder(folder) {
	case absent:
		return false
	case unknown:
		if strings.HasPrefix(folder, "/home/") {
			folder = "/home/*/mastodon" // one line, however many homes are closed
		}
		w.hide(folder, errHidden)
		return false
	case present:
	}
	for _, name := range composeFiles {
		p := path.Join(folder, name)
		if w.file(p) != absent && image.MatchString(w.text(p)) {
			return true
		}
	}
	return false
}

// code tells whether Mastodon's code lies in a folder.
func (w *search) code(folder string) bool {
	mark := path.Join(folder, "lib/mastodon/version.rb")
	seen := w.file(mark)
	if seen == unknown {
		w.hide(folder, errHidden)
	}
	return seen == present
}

// owner finds the account that Mastodon runs as.
func (w *search) owner(units []unit) {
	for _, u := range units {
		if u.user != "" && u.directory == w.found.Live && u.directory != "" {
			w.found.User, w.found.Origins["User"] = u.user, byUnit(u.name)
			return
		}
	}
	if w.found.Live == "" {
		return
	}
	info, err := os.Stat(w.at(w.found.Live))
	if err != nil {
		return
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if name := w.account(strconv.FormatUint(uint64(st.Uid), 10)); name != "" {
			w.found.User, w.found.Origins["User"] = name, byOwner(w.found.Live)
		}
	}
}

// account is the name of a user id.
func (w *search) account(id string) string {
	lines := bufio.NewScanner(strings.NewReader(w.text("/etc/passwd")))
	for lines.Scan() {
		field := strings.Split(lines.Text(), ":")
		if len(field) > 2 && field[2] == id && userName.MatchString(field[0]) {
			return field[0]
		}
	}
	return ""
}

// errRelative is for folders that are written relative to one that is not
// known.
var errRelative = errors.New("it names a folder that is not a whole path")
