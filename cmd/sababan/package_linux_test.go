package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

// offered is where the packages lie in the guest.
const offered = "/srv/offered"

// An installed is a host on which the package is the only sababan, with a
// Mastodon in memory for its bot.
type installed struct {
	*host
	server      *sandbox.Server
	saba, alice sandbox.Account
	address     string
	token       string
	before      string // what is called sababan on the machine itself
}

func TestThePackageInARealSystemd(t *testing.T) {
	p := newInstalled(t)
	t.Run("installed and not set up, it is no failed unit", p.unconfigured)
	t.Run("the sandbox hides nothing", p.hidesNothing)
	t.Run("it starts and answers a mention", p.starts)
	t.Run("what is mounted later is seen", p.seesLaterMounts)
	t.Run("a wrong configuration is not taken", p.keepsConfiguration)
	t.Run("killed, it comes back and has lost nothing", p.survives)
	t.Run("an upgrade keeps everything", p.upgrades)
	t.Run("a downgrade that would forget is refused", p.refusesDowngrade)
	t.Run("a downgrade that forgets nothing is made", p.downgrades)
	t.Run("what somebody has stopped stays stopped", p.staysStopped)
	t.Run("purged, nothing is left", p.leavesNothing)
}

func newInstalled(t *testing.T) *installed {
	t.Helper()
	dist := t.TempDir()
	for _, version := range []string{"1.0.0", "1.1.0"} {
		build := exec.Command("go", "run", "./package", "--version", version, "--arch", "amd64", "--format", "deb", "--out", dist)
		build.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1790000000")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("package: %v\n%s", err, out)
		}
	}
	p := &installed{host: mastodonHost(t)}
	p.sh(t, "rm /usr/local/bin/sababan; userdel sababan; rm -f /usr/sbin/policy-rc.d")
	p.before = p.traces(t)
	for _, version := range []string{"1.0.0", "1.1.0"} {
		p.copyIn(t, filepath.Join(dist, "sababan_"+version+"-1_amd64.deb"), offered+"/"+version, 0o644)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.copyIn(t, self, offered+"/"+stateCommand, 0o755)
	p.server = sandbox.New(sandbox.Options{NoLimits: true})
	p.saba = p.server.AddAccount(sandbox.Account{Username: "saba", Bot: true})
	p.alice = p.server.AddAccount(sandbox.Account{Username: "alice"})
	p.server.Follow(p.alice, p.saba)
	p.token = p.server.Token(p.saba)
	ln := p.Listen(t, "127.0.0.1:0")
	p.address = "http://" + ln.Addr().String()
	done := make(chan error, 1)
	go func() { done <- p.server.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		p.server.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

// traces are the files that are called sababan.
func (p *installed) traces(t *testing.T) string {
	t.Helper()
	return p.sh(t, "find /etc /usr /var /run /home -xdev -name '*sababan*' | sort; getent passwd sababan || true; getent group sababan || true")
}

func (p *installed) unconfigured(t *testing.T) {
	out := p.Run(t, "dpkg", "-i", offered+"/1.0.0")
	if !strings.Contains(out, "sababan is installed and does nothing yet.") {
		t.Error(out)
	}
	p.is(t, "inactive")
	if got := strings.TrimSpace(p.Run(t, "systemctl", "is-enabled", "sababan")); got != "enabled" {
		t.Error(got)
	}
	if s := strings.TrimSpace(p.Run(t, "systemctl", "--failed", "--no-legend")); s != "" {
		t.Error(s)
	}
	if got := p.run(t, "ordinary", "version").out; !strings.HasPrefix(got, "sababan 1.0.0 (") {
		t.Error(got)
	}
	for _, words := range [][]string{{"systemd-analyze", "security", "--no-pager", "sababan.service"}, {"systemd-analyze", "security", "--offline=true", "--no-pager", "/lib/systemd/system/sababan.service"}} {
		out := p.Run(t, words[0], words[1:]...)
		m := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
		if m == nil {
			t.Fatal(out)
		}
		if level, err := strconv.ParseFloat(m[1], 64); err != nil || level > 2.0 {
			t.Errorf("exposure %s\n%s", m[1], out)
		}
	}
	if out, err := p.Try("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/sababan.service"); err != nil || strings.TrimSpace(out) != "" {
		t.Errorf("%v %s", err, out)
	}
	p.sh(t, `bash -c '. /usr/share/bash-completion/completions/sababan; complete -p sababan'`)
}

// is asserts the unit's state.
func (p *installed) is(t *testing.T, want string) {
	t.Helper()
	if got := p.Property(t, "sababan.service", "ActiveState"); got != want {
		t.Fatalf("the unit is %s, want %s\n%s", got, want, p.journal(t))
	}
}

func (p *installed) journal(t *testing.T) string {
	t.Helper()
	return p.Run(t, "journalctl", "-u", "sababan", "-o", "cat", "-n", "40")
}

func (p *installed) starts(t *testing.T) {
	p.Run(t, "systemctl", "start", "sababan") // returns when it is READY
	p.is(t, "active")
	t.Logf("memory %s", p.sh(t, "grep VmRSS /proc/$(systemctl show -P MainPID sababan)/status"))
	p.answers(t)
	pid := p.Property(t, "sababan.service", "MainPID")
	if environ, err := os.ReadFile(p.Path("/proc/" + pid + "/environ")); err != nil || strings.Contains(string(environ), p.token) {
		t.Errorf("the token is in the environment, or %v", err)
	}
	if log := p.journal(t); strings.Contains(log, p.token) || !strings.Contains(log, "msg=ready") {
		t.Error(log)
	}
}

// ask asks for the status, as alice does.
func (p *installed) ask(t *testing.T) sandbox.Status {
	t.Helper()
	st, err := p.server.Say(p.alice, "@saba status", sandbox.SayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// answered are the answers to what was asked.
func (p *installed) answered(to sandbox.Status) []string {
	var all []string
	for _, m := range p.server.Inbox(p.alice) {
		if m.InReplyTo == to.ID {
			all = append(all, m.Text)
		}
	}
	return all
}

// answers asks, and waits for the one answer.
func (p *installed) answers(t *testing.T) {
	t.Helper()
	p.await(t, p.ask(t))
}

func (p *installed) await(t *testing.T, asked sandbox.Status) {
	t.Helper()
	began := time.Now()
	p.Until(t, "a mention is answered", func() bool { return len(p.answered(asked)) > 0 })
	all := p.answered(asked)
	if len(all) != 1 || !strings.HasPrefix(all[0], hostDomain+" ") {
		t.Errorf("%q", all)
	}
	t.Logf("answered in %v: %.60q", time.Since(began).Round(time.Millisecond), all[0])
}

func (p *installed) seesLaterMounts(t *testing.T) {
	p.sh(t, "mkdir -p /mnt/late && mount -t tmpfs -o size=50m late /mnt/late")
	pid := p.Property(t, "sababan.service", "MainPID")
	if got := p.sh(t, "df --output=target /proc/"+pid+"/root/mnt/late | tail -n 1"); !strings.HasSuffix(strings.TrimSpace(got), "/mnt/late") {
		t.Errorf("it is on %s", got)
	}
	p.sh(t, "umount /mnt/late")
}

func (p *installed) keepsConfiguration(t *testing.T) {
	right := p.sh(t, "cat /etc/sababan/config.toml")
	p.Write(t, "/etc/sababan/config.toml", right+"\n[chekcs.disk]\n")
	p.Run(t, "systemctl", "reload", "sababan")
	p.Until(t, "the journal says why", func() bool {
		return strings.Contains(p.journal(t), "the new configuration is not taken; the old one goes on")
	})
	errors := p.Run(t, "journalctl", "-u", "sababan", "-p", "err", "-o", "cat")
	if !strings.Contains(errors, "the new configuration is not taken") || strings.Contains(errors, "msg=ready") {
		t.Errorf("errors, as the journal knows them:\n%s", errors)
	}
	p.Write(t, "/etc/sababan/config.toml", right)
	p.answers(t)
}

// remembered asks the state for one value, or tells it something, beside the
// daemon.
func (p *installed) remembered(t *testing.T, query string) string {
	t.Helper()
	return strings.TrimSpace(p.Run(t, offered+"/"+stateCommand, query))
}

const identity = "SELECT value FROM meta WHERE key = 'state_id'"

func (p *installed) survives(t *testing.T) {
	id, before := p.remembered(t, identity), len(p.server.Inbox(p.alice))
	pid := p.Property(t, "sababan.service", "MainPID")
	first := p.ask(t) // in the middle of whatever it does with it
	p.Run(t, "systemctl", "kill", "--signal=KILL", "sababan")
	second := p.ask(t) // while nobody listens
	p.Until(t, "systemd has started it again", func() bool {
		now := p.Property(t, "sababan.service", "MainPID")
		return p.Property(t, "sababan.service", "ActiveState") == "active" && now != pid && now != "0"
	})
	p.await(t, first)
	p.await(t, second)
	if got := p.Property(t, "sababan.service", "NRestarts"); got != "1" {
		t.Errorf("%s restarts", got)
	}
	if got := p.remembered(t, identity); got != id {
		t.Error("the state is another one")
	}
	p.Run(t, "systemctl", "restart", "sababan")
	p.answers(t)
	// Nothing is told twice.
	seen := map[string]int{}
	for _, m := range p.server.Inbox(p.alice) {
		if seen[m.Text+m.InReplyTo]++; seen[m.Text+m.InReplyTo] > 1 {
			t.Errorf("told twice: %q", m.Text)
		}
	}
	if after := len(p.server.Inbox(p.alice)); after < before+3 {
		t.Errorf("%d messages before, %d after", before, after)
	}
}

func (p *installed) upgrades(t *testing.T) {
	id, config, pid := p.remembered(t, identity), p.sh(t, "stat -c '%a %U %i' /etc/sababan/* /etc/sababan; cat /etc/sababan/*"), p.Property(t, "sababan.service", "MainPID")
	out := p.Run(t, "dpkg", "-i", offered+"/1.1.0")
	if strings.Contains(out, "does nothing yet") {
		t.Error(out)
	}
	p.is(t, "active")
	if p.Property(t, "sababan.service", "MainPID") == pid {
		t.Error("the old program still runs")
	}
	if got := p.run(t, "root", "version").out; !strings.HasPrefix(got, "sababan 1.1.0 (") {
		t.Error(got)
	}
	if p.remembered(t, identity) != id {
		t.Error("the state is another one")
	}
	if now := p.sh(t, "stat -c '%a %U %i' /etc/sababan/* /etc/sababan; cat /etc/sababan/*"); now != config {
		t.Errorf("before:\n%s\nafter:\n%s", config, now)
	}
	p.answers(t)
}

func (p *installed) refusesDowngrade(t *testing.T) {
	knows := p.remembered(t, "PRAGMA user_version")
	refused := func() {
		t.Helper()
		out, err := p.Try("dpkg", "-i", offered+"/1.0.0")
		if err == nil {
			t.Fatal(out)
		}
		for _, want := range []string{
			"sababan 1.0.0 is older than the sababan that was here", "(/var/lib/sababan/state.db, version 1007; this one knows up to " + knows + ")",
			"Nothing has been changed.", "sudo mv /var/lib/sababan /var/lib/sababan.newer",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("lacks %q:\n%s", want, out)
			}
		}
		if got := p.sh(t, "dpkg-query -W -f '${Version} ${Status}' sababan"); got != "1.1.0-1 install ok installed" {
			t.Error(got)
		}
	}
	t.Run("while the newer one runs", func(*testing.T) {
		p.Write(t, "/usr/lib/sababan/state-version", "1007\n")
		refused()
		p.is(t, "active")
		p.answers(t)
		p.Write(t, "/usr/lib/sababan/state-version", knows+"\n")
	})
	t.Run("and by the program itself", func(*testing.T) {
		p.Run(t, "systemctl", "stop", "sababan")
		p.remembered(t, "PRAGMA user_version = 1007")
		refused()
		if out, err := p.Try("systemctl", "start", "sababan"); err == nil {
			t.Error(out)
		}
		p.is(t, "failed")
		if log := p.journal(t); !strings.Contains(log, "was written by a newer sababan (version 1007 of the state; this one knows up to "+knows+")") {
			t.Error(log)
		}
		if got := p.Property(t, "sababan.service", "ExecMainStatus") + " " + p.Property(t, "sababan.service", "SubState"); got != "3 failed" {
			t.Errorf("it tries again and again: %s", got)
		}
		p.remembered(t, "PRAGMA user_version = "+knows)
		p.Run(t, "systemctl", "start", "sababan")
	})
	p.answers(t)
}

func (p *installed) downgrades(t *testing.T) {
	id := p.remembered(t, identity)
	p.Run(t, "dpkg", "-i", offered+"/1.0.0")
	p.is(t, "active")
	p.answers(t)
	if p.remembered(t, identity) != id {
		t.Error("the state is another one")
	}
}

func (p *installed) staysStopped(t *testing.T) {
	p.Run(t, "systemctl", "stop", "sababan")
	p.Run(t, "dpkg", "-i", offered+"/1.1.0")
	p.is(t, "inactive")
	p.Run(t, "systemctl", "start", "sababan")
	p.answers(t)
}

func (p *installed) leavesNothing(t *testing.T) {
	uid := strings.TrimSpace(p.Run(t, "id", "-u", "sababan"))
	p.Run(t, "dpkg", "--remove", "sababan")
	if got := p.sh(t, "ls /etc/sababan/config.toml /var/lib/sababan/state.db; pgrep -u sababan || true"); got != "/etc/sababan/config.toml\n/var/lib/sababan/state.db\n" {
		t.Errorf("removed, not purged, it keeps: %s", got)
	}
	out := p.Run(t, "dpkg", "--purge", "sababan")
	for _, want := range []string{"DROP OWNED BY sababan", "ACL DELUSER sababan", "token:", "messages:"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if after := p.traces(t); after != p.before {
		t.Errorf("before:\n%s\nafter:\n%s", p.before, after)
	}
	if left := p.sh(t, fmt.Sprintf("find /etc /usr /var /home /srv -xdev \\( -uid %s -o -gid %[1]s \\); getfacl -Rcpns /etc/letsencrypt | grep :%[1]s: || true", uid)); left != "" {
		t.Errorf("still its own: %s", left)
	}
	if got, err := p.Try("systemctl", "status", "sababan"); err == nil || !strings.Contains(got, "could not be found") {
		t.Error(got)
	}
	// What it was given in the database goes by the line that is printed.
	command := out[strings.Index(out, "sudo -u postgres"):]
	command, _, _ = strings.Cut(command, "\n")
	p.sh(t, command)
	if got := p.sql(t, "SELECT count(*) FROM pg_roles WHERE rolname = 'sababan'"); got != "0" {
		t.Error("the role is still there")
	}
}
