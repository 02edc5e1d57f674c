package timers

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/systemd"
)

const (
	// cronFiles and cronBytes bound what is read of the crontabs (own).
	cronFiles = 200
	cronBytes = 64 << 10
)

// A cronJob is a line or a script of cron's that does something of ours.
type cronJob struct {
	Role role
	// File is where it stands.
	File string
}

// crontabs are the folders of users' crontabs, on Debian and elsewhere.
var crontabs = []string{"/var/spool/cron/crontabs", "/var/spool/cron"}

// readCron reads every crontab; hidden are those that may not be read.
func readCron(host systemd.Host) (jobs []cronJob, hidden []string) {
	booted := host.Running()
	left := cronFiles
	seen := func(file string, r role) {
		for _, j := range jobs {
			if j.Role == r && j.File == file {
				return
			}
		}
		jobs = append(jobs, cronJob{r, file})
	}
	// read takes a file; a script has no times before its commands.
	read := func(file string, script bool) {
		if left--; left < 0 {
			return
		}
		lines, err := readLines(host.Path(file))
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				hidden = append(hidden, file)
			}
			return
		}
		if r := jobRole(filepath.Base(file)); script && r != none && len(lines) > 0 && !leavesToSystemd(lines, booted) {
			seen(file, r)
		}
		for _, line := range lines {
			if leavesToSystemd([]string{line}, booted) || (!script && !hasTimes(line)) {
				continue
			}
			if r := jobRole(line); r != none {
				seen(file, r)
			}
		}
	}
	read("/etc/crontab", false)
	for _, folder := range []struct {
		path   string
		script bool
	}{
		{"/etc/cron.d", false},
		{"/etc/cron.hourly", true},
		{"/etc/cron.daily", true},
		{"/etc/cron.weekly", true},
		{"/etc/cron.monthly", true},
		{crontabs[0], false},
		{crontabs[1], false},
	} {
		entries, err := os.ReadDir(host.Path(folder.path))
		if errors.Is(err, fs.ErrPermission) {
			hidden = append(hidden, folder.path)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") || e.IsDir() {
				continue
			}
			file := folder.path + "/" + e.Name()
			if info, err := e.Info(); folder.script && (err != nil || (info.Mode()&0o111 == 0 && info.Mode()&fs.ModeSymlink == 0)) {
				continue // cron does not run what is not executable
			}
			read(file, folder.script)
		}
	}
	return jobs, hidden
}

func readLines(path string) ([]string, error) {
	f, err := checks.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	var lines []string
	s := bufio.NewScanner(io.LimitReader(f, cronBytes))
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines, s.Err()
}

// hasTimes tells whether a line of a crontab is a job and not a setting.
func hasTimes(line string) bool { return strings.ContainsRune("*@0123456789", rune(line[0])) }

// leavesToSystemd tells whether a job does nothing where systemd runs: Debian's
// own crontab of certbot leaves the work to the timer then.
func leavesToSystemd(lines []string, booted bool) bool {
	if !booted {
		return false
	}
	for _, line := range lines {
		if strings.Contains(line, "-d /run/systemd/system") {
			return true
		}
	}
	return false
}
