package timers

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/sababan/sababan/checks/systemd"
	"golang.org/x/sys/unix"
)

func TestCrontabsAreRead(t *testing.T) {
	root := t.TempDir()
	put := func(path, text string, mode os.FileMode) {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	put("etc/crontab", "SHELL=/bin/sh\nBACKUP=/srv/backup\n17 * * * * root run-parts /etc/cron.hourly\n", 0o644)
	put("etc/cron.d/mastodon", "# @daily mastodon certbot\n@daily mastodon cd live && bin/tootctl media remove\n", 0o644)
	put("etc/cron.d/.placeholder", "0 0 * * * root certbot renew\n", 0o644)
	put("etc/cron.daily/pgbackup", "#!/bin/sh\nexec /usr/local/sbin/dump\n", 0o755)
	put("etc/cron.weekly/certbot", "#!/bin/sh\ncertbot renew\n", 0o644) // not executable: cron does not run it
	put("var/spool/cron/crontabs/root", "3 3 * * * \"/root/.acme.sh\"/acme.sh --cron --home \"/root/.acme.sh\" > /dev/null\n", 0o600)
	for _, path := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	jobs, hidden := readCron(systemd.Host{Root: root})
	want := []cronJob{
		{mastodon, "/etc/cron.d/mastodon"}, {backup, "/etc/cron.daily/pgbackup"}, {renewal, "/var/spool/cron/crontabs/root"},
	}
	if !slices.Equal(jobs, want) || len(hidden) != 0 {
		t.Errorf("%+v, hidden %q", jobs, hidden)
	}

	// Users' crontabs are closed to everybody but root.
	if err := os.Chmod(filepath.Join(root, "var/spool/cron/crontabs"), 0o700); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		jobs, hidden = readCron(systemd.Host{Root: root})
	}()
	<-ended
	if len(jobs) != 2 || !slices.Equal(hidden, []string{"/var/spool/cron/crontabs"}) {
		t.Errorf("as nobody: %+v, hidden %q", jobs, hidden)
	}

	// What could not be read is no schedule, and no lack of one.
	l := &look{lineages: lineages{Need: true}, hidden: hidden}
	l.unplanned(systemd.Host{Root: root})
	if len(l.Findings) != 0 || len(l.Blind) != 1 || l.Blind[0].Code != "unscheduled" {
		t.Errorf("%+v, %+v", l.Findings, l.Blind)
	}
}
