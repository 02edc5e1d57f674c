package certs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// A rota is what starts the renewals of one manager by itself.
type rota struct {
	// runs tells that a timer or a line of cron does.
	runs bool
	// off are timers that would, if they were switched on.
	off []string
	// masked are those of them that are barred from being switched on.
	masked []string
	// hidden tells that there may be a line of cron that is closed to us.
	hidden bool
	// program is where the manager lies; "" where it is not found.
	program string
	// reloads tells that what starts it, or another line, also makes the web
	// server load its certificates.
	reloads bool
}

// unitFolders are where systemd looks for units, the first comes first.
var unitFolders = []string{
	"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	"/lib/systemd/system", "/usr/lib/systemd/system",
}

// managerWords matches what starts each of them.
var managerWords = map[manager]*regexp.Regexp{
	byCertbot: regexp.MustCompile(`certbot|letsencrypt|le-renew`),
	byAcmeSh:  regexp.MustCompile(`acme\.sh|acme-renew|acme_renew`),
}

// certbotPrograms are where certbot lies when it is installed by apt, pip, snap,
// or as its own pages say for pip.
var certbotPrograms = []string{"/usr/bin/certbot", "/usr/local/bin/certbot", "/snap/bin/certbot", "/opt/certbot/bin/certbot", "/bin/certbot"}

// readRota looks for what starts the renewals: unit files and files of cron,
// by their paths alone.
func readRota(root string, by manager) rota {
	var r rota
	root = filepath.Join("/", root)
	if by == byCertbot {
		for _, p := range certbotPrograms {
			if _, err := os.Stat(filepath.Join(root, p)); err == nil {
				r.program = p
				break
			}
		}
	}
	r.timers(root, managerWords[by])
	r.cron(root, managerWords[by])
	return r
}

// units are the unit files of a machine.
type units struct {
	root    string
	timers  []string
	enabled []string
}

func readUnits(root string) units {
	u := units{root: root}
	for _, folder := range unitFolders {
		for _, name := range namesIn(filepath.Join(root, folder)) {
			switch filepath.Ext(name) {
			case ".timer":
				u.timers = append(u.timers, name)
			case ".wants", ".requires":
				for _, link := range namesIn(filepath.Join(root, folder, name)) {
					if filepath.Ext(link) == ".timer" {
						u.enabled = append(u.enabled, link)
					}
				}
			}
		}
	}
	u.timers = append(u.timers, u.enabled...)
	slices.Sort(u.timers)
	u.timers = slices.Compact(u.timers)
	return u
}

// namesIn returns the names in a folder, in order; none where it is closed.
func namesIn(folder string) []string {
	names, _ := folderNames(folder)
	return names
}

func folderNames(folder string) ([]string, error) {
	f, err := os.OpenFile(folder, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	names, _ := f.Readdirnames(entryLimit) // an end before the limit is no error that matters
	slices.Sort(names)
	return names, nil
}

// text reads a unit and what is put over it; masked tells that it is barred.
func (u units) text(name string) (text string, masked bool) {
	template := name
	if before, after, ok := strings.Cut(name, "@"); ok {
		template = before + "@" + filepath.Ext(after)
	}
	for _, candidate := range slices.Compact([]string{name, template}) {
		for _, folder := range unitFolders {
			file := filepath.Join(u.root, folder, candidate)
			info, err := os.Lstat(file)
			if err != nil {
				continue
			}
			if to, err := os.Readlink(file); err == nil && to == os.DevNull || info.Mode().IsRegular() && info.Size() == 0 {
				return "", true
			}
			data, _, _ := readPath(file) // what is closed has told its name at least
			return string(data) + u.over(candidate), false
		}
	}
	return "", false
}

// over reads the drop-ins of a unit.
func (u units) over(name string) string {
	var b strings.Builder
	for _, folder := range unitFolders {
		dir := filepath.Join(u.root, folder, name+".d")
		for _, file := range namesIn(dir) {
			if data, _, err := readPath(filepath.Join(dir, file)); err == nil && filepath.Ext(file) == ".conf" {
				b.WriteString("\n" + string(data))
			}
		}
	}
	return b.String()
}

// service is what a timer starts.
func (u units) service(timer, text string) string {
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Unit="); ok {
			return filepath.Base(name)
		}
	}
	return strings.TrimSuffix(timer, ".timer") + ".service"
}

func (r *rota) timers(root string, words *regexp.Regexp) {
	u := readUnits(root)
	for _, timer := range u.timers {
		text, masked := u.text(timer)
		service, _ := u.text(u.service(timer, text))
		service = withoutComments(service)
		on := slices.Contains(u.enabled, timer) && !masked
		if on && plainlyReloadsWeb(service) {
			r.reloads = true
		}
		switch concerns := words.MatchString(timer) || words.MatchString(service); {
		case concerns && on:
			r.runs = true
		case concerns && masked:
			r.masked = append(r.masked, timer)
		case concerns:
			r.off = append(r.off, timer)
		}
	}
}

// underSystemd matches the test by which Debian's line of cron leaves the work
// to the timer.
var underSystemd = regexp.MustCompile(`!\s+-d\s+/run/systemd/system`)

func (r *rota) cron(root string, words *regexp.Regexp) {
	_, err := os.Stat(filepath.Join(root, "/run/systemd/system"))
	systemd := err == nil
	look := func(text string) {
		for line := range strings.Lines(withoutComments(text)) {
			if systemd && underSystemd.MatchString(line) {
				continue
			}
			if words.MatchString(line) {
				r.runs = true
			}
			if plainlyReloadsWeb(line) {
				r.reloads = true
			}
		}
	}
	read := func(file string) {
		data, _, err := readPath(file)
		if errors.Is(err, fs.ErrPermission) {
			r.hidden = true
		}
		if err == nil {
			look(string(data))
		}
	}
	read(filepath.Join(root, "/etc/crontab"))
	read(filepath.Join(root, "/etc/anacrontab"))
	for _, folder := range []string{"/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron/crontabs", "/var/spool/cron", "/etc/periodic/daily"} {
		dir := filepath.Join(root, folder)
		names, err := folderNames(dir)
		if errors.Is(err, fs.ErrPermission) {
			r.hidden = true
		}
		for _, name := range names {
			file := filepath.Join(dir, name)
			info, err := os.Stat(file)
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			if strings.Contains(folder, "/cron.") && folder != "/etc/cron.d" && info.Mode().Perm()&0o111 == 0 {
				continue // run-parts passes over what is not executable
			}
			read(file)
		}
	}
}
