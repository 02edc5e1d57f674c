package timers_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/guest"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/systemd"
	"github.com/sababan/sababan/checks/timers"
)

const table = checkstest.Table(`watch = ["far*"]`)

func kind(t *testing.T, h systemd.Host) checks.Kind {
	t.Helper()
	s, err := site.New(site.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return timers.Kind(s, timers.On(h))
}

func hostOf(g *guest.Guest) systemd.Host { return systemd.Host{Root: g.Root, Enter: g.Enter()} }

// read writes a finding out as its reader sees it.
func read(f checks.Finding, l checks.Lang) string {
	return f.Text.Read(checks.Reader{Lang: l, Zone: time.UTC, Now: time.Now()})
}

func oneshot(command string) string {
	return "[Service]\nType=oneshot\nExecStart=/bin/sh -c '" + command + "'\n"
}

const (
	fails = `echo "asking @evil@example.com #12a"; printf "half \\342\\200\\256done\\n"; exit 1`
	often = "[Timer]\nOnCalendar=*-*-* 00,12:00:00\nRandomizedDelaySec=43200\nPersistent=true\n[Install]\nWantedBy=timers.target\n"
)

func TestTimersInARealSystemd(t *testing.T) {
	g := guest.Boot(t)
	k := kind(t, hostOf(g))
	g.Units(t, map[string]string{
		"certbot.service":               oneshot("echo renewed"),
		"certbot.timer":                 often,
		"far.service":                   oneshot("true"),
		"far.timer":                     "[Timer]\nOnCalendar=2099-01-01\n[Install]\nWantedBy=timers.target\n",
		"nightly.service":               oneshot("echo pg_dump -Fc mastodon_production"),
		"nightly.timer":                 "[Timer]\nOnCalendar=*-*-* 03:00\n[Install]\nWantedBy=timers.target\n",
		"mastodon-media-remove.timer":   "[Timer]\nOnCalendar=daily\nRandomizedDelaySec=12h\nPersistent=true\n[Install]\nWantedBy=timers.target\n",
		"mastodon-media-remove.service": oneshot("echo tootctl media remove"),
	})
	g.Write(t, "/etc/letsencrypt/renewal/masto.test.conf", "version = 2.1.0\n")
	g.Run(t, "systemctl", "enable", "--now", "certbot.timer", "nightly.timer")
	c, past := checkstest.Make(t, k, table), &checkstest.Past{}
	look := func(t *testing.T) checks.Observation {
		t.Helper()
		return checkstest.Look(t, k, c, past)
	}
	finds := func(t *testing.T, code, subject string) checks.Finding {
		t.Helper()
		o := look(t)
		f, ok := checkstest.Find(o, code, subject)
		if !ok {
			t.Fatalf("no finding %s %s; summary %s", code, subject, o.Summary.En)
		}
		t.Logf("%s\n%s\n%v", read(f, checks.English), read(f, checks.Japanese), f.Advice)
		return f
	}
	resolved := func(t *testing.T, code, subject string) {
		t.Helper()
		if f, ok := checkstest.Find(look(t), code, subject); ok {
			t.Errorf("still there: %s", read(f, checks.English))
		}
	}

	t.Run("what runs is well", func(t *testing.T) {
		o := look(t)
		for _, unit := range []string{"certbot.timer", "nightly.timer"} {
			for _, f := range o.Findings {
				if f.Subject == unit {
					t.Errorf("%s: %s", f.Code, f.Text.En)
				}
			}
		}
		for _, word := range []string{"certbot", "nightly", "next in"} {
			if s := o.Summary.Read(checks.Reader{Lang: checks.English, Now: time.Now()}); !strings.Contains(s, word) {
				t.Errorf("no %q in %q", word, s)
			}
		}
		if n := checkstest.Value(t, o, "timers", ""); n != 2 {
			t.Errorf("%v timers run", n)
		}
	})
	t.Run("a timer that was disabled", func(t *testing.T) {
		g.Run(t, "systemctl", "disable", "--now", "nightly.timer")
		if f := finds(t, "disabled", "nightly.timer"); !strings.Contains(f.Advice.Mend[0].String(), "enable --now nightly.timer") || f.Severity != checks.Warning {
			t.Errorf("%+v", f)
		}
		finds(t, "disabled", "nightly.timer")
		g.Run(t, "systemctl", "enable", "--now", "nightly.timer")
		resolved(t, "disabled", "nightly.timer")
	})
	t.Run("a timer that is enabled and stopped", func(t *testing.T) {
		g.Run(t, "systemctl", "stop", "nightly.timer")
		if f := finds(t, "disabled", "nightly.timer"); !strings.Contains(f.Text.En, "is stopped") {
			t.Error(f.Text.En)
		}
		g.Run(t, "systemctl", "start", "nightly.timer")
		resolved(t, "disabled", "nightly.timer")
	})
	t.Run("a timer that is masked", func(t *testing.T) {
		g.Run(t, "systemctl", "stop", "certbot.timer")
		g.Run(t, "mv", "/etc/systemd/system/certbot.timer", "/tmp/certbot.timer")
		g.Run(t, "systemctl", "mask", "certbot.timer")
		if f := finds(t, "disabled", "certbot.timer"); !strings.Contains(f.Text.En, "masked") || len(f.Advice.Mend) != 2 {
			t.Error(f.Text.En)
		}
		g.Run(t, "systemctl", "unmask", "certbot.timer")
		g.Run(t, "mv", "/tmp/certbot.timer", "/etc/systemd/system/certbot.timer")
		g.Run(t, "systemctl", "daemon-reload")
		g.Run(t, "systemctl", "enable", "--now", "certbot.timer")
		resolved(t, "disabled", "certbot.timer")
	})
	t.Run("a timer that never ran", func(t *testing.T) {
		g.Run(t, "systemctl", "enable", "--now", "far.timer")
		finds(t, "never-ran", "far.timer")
		g.Write(t, "/etc/systemd/system/far.timer", "[Timer]\nOnCalendar=*:*:0/1\nAccuracySec=1ms\n[Install]\nWantedBy=timers.target\n")
		g.Run(t, "systemctl", "daemon-reload")
		g.Run(t, "systemctl", "restart", "far.timer")
		g.Until(t, "the timer runs", func() bool { return g.Property(t, "far.timer", "LastTriggerUSec") != "" })
		resolved(t, "never-ran", "far.timer")
		g.Run(t, "systemctl", "stop", "far.timer")
	})
	t.Run("a timer that is overdue by its stamp", func(t *testing.T) {
		const unit = "mastodon-media-remove.timer"
		finds(t, "disabled", unit)
		stamp := g.Path("/var/lib/systemd/timers/stamp-" + unit)
		g.Write(t, "/var/lib/systemd/timers/stamp-"+unit, "")
		old := time.Now().AddDate(0, 0, -40)
		if err := os.Chtimes(stamp, old, old); err != nil {
			t.Fatal(err)
		}
		g.Run(t, "systemctl", "enable", "--now", unit)
		f := finds(t, "overdue", unit)
		if s := read(f, checks.English); !strings.Contains(s, "40 d ago") {
			t.Error(s)
		}
		if age := checkstest.Value(t, look(t), "timer_age", unit); age < 39*86400 {
			t.Errorf("age %v", age)
		}
		// What the advice says to do mends it.
		if got := f.Advice.Mend[0].String(); got != "sudo systemctl start mastodon-media-remove.service" {
			t.Error(got)
		}
		g.Run(t, "systemctl", "start", "mastodon-media-remove.service")
		resolved(t, "overdue", unit)
	})
	t.Run("a renewal whose runs fail", func(t *testing.T) {
		g.Units(t, map[string]string{"certbot.service": oneshot(fails)})
		run := func() { _, _ = g.Try("systemctl", "start", "certbot.service") } // it fails
		run()
		if f := finds(t, "failed", "certbot.timer"); !f.Holds {
			t.Error("one failed run opens an incident")
		}
		run()
		f := finds(t, "failed", "certbot.timer")
		if f.Holds || f.Severity != checks.Warning || f.Road != checks.Morning || !strings.Contains(f.Text.En, "asking (at)evil") {
			t.Errorf("%+v", f)
		}
		putCertificate(t, g, 10*24*time.Hour)
		if f := finds(t, "failed", "certbot.timer"); f.Severity != checks.Critical || f.Road != checks.Now || f.Harm.IsZero() {
			t.Errorf("%+v", f)
		}
		g.Units(t, map[string]string{"certbot.service": oneshot("true")})
		g.Run(t, "systemctl", "start", "certbot.service")
		resolved(t, "failed", "certbot.timer")
	})
	t.Run("a backup that fails", func(t *testing.T) {
		g.Units(t, map[string]string{"nightly.service": oneshot("echo pg_dump; exit 3")})
		_, _ = g.Try("systemctl", "start", "nightly.service") // it fails
		if f := finds(t, "failed", "nightly.timer"); f.Holds || f.Severity != checks.Warning {
			t.Errorf("%+v", f)
		}
		_, _ = g.Try("systemctl", "start", "nightly.service")
		if f := finds(t, "failed", "nightly.timer"); f.Severity != checks.Critical || !strings.Contains(f.Text.En, "exit status 3") {
			t.Errorf("%+v", f)
		}
		g.Units(t, map[string]string{"nightly.service": oneshot("echo pg_dump")})
		g.Run(t, "systemctl", "start", "nightly.service")
		resolved(t, "failed", "nightly.timer")
	})
	t.Run("a timer without its service", func(t *testing.T) {
		g.Run(t, "rm", "/etc/systemd/system/nightly.service")
		g.Run(t, "systemctl", "daemon-reload")
		g.Run(t, "sh", "-c", "systemctl restart nightly.timer || true")
		o := look(t)
		_, off := checkstest.Find(o, "disabled", "nightly.timer")
		_, failed := checkstest.Find(o, "failed", "nightly.timer")
		if !off && !failed {
			t.Errorf("%+v", o.Findings)
		}
		g.Units(t, map[string]string{"nightly.service": oneshot("echo pg_dump")})
		g.Run(t, "systemctl", "reset-failed")
		g.Run(t, "systemctl", "restart", "nightly.timer")
		resolved(t, "failed", "nightly.timer")
		resolved(t, "disabled", "nightly.timer")
	})
	t.Run("nothing that renews the certificate", func(t *testing.T) {
		g.Run(t, "systemctl", "disable", "--now", "certbot.timer")
		g.Run(t, "rm", "/etc/systemd/system/certbot.timer")
		g.Run(t, "sh", "-c", "ln -sf /dev/null /etc/systemd/system/certbot.timer; systemctl daemon-reload; rm /etc/systemd/system/certbot.timer; rm -f /lib/systemd/system/certbot.timer; systemctl daemon-reload")
		f := finds(t, "unscheduled", "renewal")
		if len(f.Advice.Mend) != 3 || f.Severity != checks.Critical {
			t.Errorf("%+v", f)
		}
		g.Write(t, "/etc/cron.d/certbot", "SHELL=/bin/sh\n0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && certbot -q renew\n")
		finds(t, "unscheduled", "renewal") // Debian's own does nothing where systemd runs
		g.Write(t, "/var/spool/cron/crontabs/root", "# m h\n17 3 * * * /usr/bin/certbot -q renew\n")
		resolved(t, "unscheduled", "renewal")
		g.Run(t, "rm", "/var/spool/cron/crontabs/root")
		// The commands of the advice, run as they stand, mend it.
		for _, command := range f.Advice.Mend {
			g.Run(t, "sh", "-c", strings.ReplaceAll(command.String(), "sudo ", ""))
		}
		resolved(t, "unscheduled", "renewal")
		if state := g.Property(t, "certbot-renewal.timer", "ActiveState"); state != "active" {
			t.Errorf("the timer of the advice is %s", state)
		}
	})
	t.Run("a watched timer that is not there", func(t *testing.T) {
		o := checkstest.Look(t, k, checkstest.Make(t, k, `watch = ["no-such"]`), nil)
		if f, ok := checkstest.Find(o, "disabled", "no-such.timer"); !ok || f.Text.En != "there is no timer no-such.timer" {
			t.Errorf("%+v", o.Findings)
		}
	})
	t.Run("without a bus systemctl is asked", func(t *testing.T) {
		g.Run(t, "mv", "/run/dbus/system_bus_socket", "/run/dbus/away")
		o := look(t)
		if !strings.Contains(o.Summary.En, "certbot-renewal") {
			t.Error(o.Summary.En)
		}
		g.Run(t, "mv", "/run/dbus/away", "/run/dbus/system_bus_socket")
	})
	t.Run("a bus that hangs is said so in time", func(t *testing.T) {
		pid := g.Property(t, "dbus.service", "MainPID")
		g.Run(t, "kill", "-STOP", pid)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.Look(ctx, past)
		var unseen *checks.Unseen
		if !errors.As(err, &unseen) || time.Since(start) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		g.Run(t, "kill", "-CONT", pid)
		look(t)
	})
	t.Run("the contract", func(t *testing.T) { checkstest.Contract(t, k, table) })
}

// putCertificate writes a certificate of 90 days with some of them left.
func putCertificate(t *testing.T, g *guest.Guest, left time.Duration) {
	t.Helper()
	leaf := checkstest.NewCA(t, "Test CA").Issue(t, checkstest.Lifetime(90*24*time.Hour, left, "masto.test"))
	g.Write(t, "/etc/letsencrypt/live/masto.test/cert.pem", string(leaf.Alone()))
}

func TestAMachineWithoutSystemdHasOnlyCron(t *testing.T) {
	root := t.TempDir()
	k := kind(t, systemd.Host{Root: root})
	c := checkstest.Make(t, k, "")
	o := checkstest.Look(t, k, c, nil)
	if len(o.Findings) != 0 || !strings.HasPrefix(o.Summary.En, "no systemd here") {
		t.Errorf("%+v", o)
	}
	write := func(path, text string) {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("etc/letsencrypt/renewal/masto.test.conf", "")
	if _, ok := checkstest.Find(checkstest.Look(t, k, c, nil), "unscheduled", "renewal"); !ok {
		t.Error("nobody misses the renewal")
	}
	write("etc/cron.daily/certbot", "#!/bin/sh\ncertbot renew\n")
	write("etc/cron.daily/backup\u202e@x", "#!/bin/sh\nrestic backup\n")
	o = checkstest.Look(t, k, c, nil)
	if len(o.Findings) != 0 || !strings.Contains(o.Summary.En, "cron: ") {
		t.Errorf("%+v", o)
	}
}
