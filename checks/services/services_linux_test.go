package services_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/guest"
	"github.com/sababan/sababan/checks/services"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/systemd"
)

const (
	live   = "/home/mastodon/live"
	always = "[Install]\nWantedBy=multi-user.target\n"
)

func daemon(command, more string) string {
	return "[Service]\nType=simple\nExecStart=" + command + "\n" + more + always
}

// mastodon are the units of a small Mastodon, as its own files have them, with
// programs that only wait.
func mastodon() map[string]string {
	const sleep = "/bin/sleep 100000"
	inLive := "WorkingDirectory=" + live + "\n"
	return map[string]string{
		"mastodon-web.service":              daemon(sleep, inLive+"Restart=always\nRestartSec=50ms\n"),
		"mastodon-sidekiq-default@.service": daemon(sleep, inLive+"Restart=always\nRestartSec=50ms\n"),
		"mastodon-streaming.service":        "[Unit]\nWants=mastodon-streaming@4000.service\n[Service]\nType=oneshot\nExecStart=/bin/echo \"mastodon-streaming exists only to collectively start and stop mastodon-streaming@ instances\"\nRemainAfterExit=yes\n" + always,
		"mastodon-streaming@.service":       "[Unit]\nPartOf=mastodon-streaming.service\n[Service]\nExecStart=" + sleep + "\nWorkingDirectory=" + live + "\n[Install]\nWantedBy=multi-user.target mastodon-streaming.service\n",
		"mastodon-media-remove.service":     "[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"postgresql.service":                "[Unit]\nWants=postgresql@15-main.service\n[Service]\nType=oneshot\nExecStart=/bin/true\nRemainAfterExit=yes\n" + always,
		"postgresql@.service":               "[Service]\nExecStart=" + sleep + "\n",
		"redis-server.service":              daemon(sleep, ""),
		"nginx.service":                     daemon("/opt/nginx 100000", ""),
		"pgbouncer.service":                 daemon(sleep, "Environment=LD_PRELOAD=/usr/lib/libsample.so.1\n"),
		"apache2.service":                   daemon(sleep, ""),
	}
}

// A stage is a guest dressed as a Mastodon host, and a check that looks at it.
type stage struct {
	*guest.Guest
	kind  checks.Kind
	check checks.Check
	past  *checkstest.Past
}

const table = checkstest.Table("starting = \"1s\"\nold_code = \"0s\"\n")

func newStage(t *testing.T) *stage {
	t.Helper()
	g := guest.Boot(t)
	s, err := site.New(site.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.Proc = g.Path("/proc")
	found := func(context.Context) site.Found { return site.Found{Live: live, Streaming: []int{4000}} }
	st := &stage{Guest: g, past: &checkstest.Past{}}
	st.kind = services.Kind(s, services.On(systemd.Host{Root: g.Root, Enter: g.Enter()}), services.WithFound(found))
	st.check = checkstest.Make(t, st.kind, table)
	g.Run(t, "mkdir", "-p", live+"/lib/mastodon", "/opt")
	g.Write(t, live+"/lib/mastodon/version.rb", "module Mastodon\nend\n")
	st.age(t, 48*time.Hour)
	g.Run(t, "cp", "/bin/sleep", "/opt/nginx")
	g.Run(t, "sh", "-c", "cp /usr/lib/*-linux-gnu/libz.so.1 /usr/lib/libsample.so.1")
	g.Units(t, mastodon())
	g.Run(t, "systemctl", append([]string{"enable", "--now"}, running()...)...)
	return st
}

func running() []string {
	return []string{
		"mastodon-web", "mastodon-sidekiq-default@1", "mastodon-sidekiq-default@2", "mastodon-streaming",
		"postgresql", "redis-server", "nginx", "pgbouncer",
	}
}

// age gives the code on disk a date.
func (s *stage) age(t *testing.T, ago time.Duration) {
	t.Helper()
	at := time.Now().Add(-ago)
	if err := os.Chtimes(s.Path(live+"/lib/mastodon/version.rb"), at, at); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, s.kind, s.check, s.past)
}

func (s *stage) finds(t *testing.T, code, subject string) checks.Finding {
	t.Helper()
	o := s.look(t)
	f, ok := checkstest.Find(o, code, subject)
	if !ok {
		t.Fatalf("no finding %s %s; %s", code, subject, o.Summary.En)
	}
	t.Logf("%s\n%s\n%v\n%s\n%s", read(f.Text, checks.English), read(f.Text, checks.Japanese), f.Advice, read(o.Summary, checks.English), read(o.Summary, checks.Japanese))
	return f
}

// isDown asserts that a unit is found down, and how.
func (s *stage) isDown(t *testing.T, unit, words string) checks.Finding {
	t.Helper()
	f := s.finds(t, "down", unit)
	if f.Severity != checks.Critical || f.Road != checks.Now || f.Harm.IsZero() || !strings.Contains(f.Text.En, words) {
		t.Errorf("%+v", f)
	}
	return f
}

// isWell asserts that nothing is the matter with a unit.
func (s *stage) isWell(t *testing.T, code, unit string) {
	t.Helper()
	for _, f := range s.look(t).Findings {
		if f.Subject == unit && (code == "" || f.Code == code) {
			t.Errorf("%s: %s", f.Code, read(f.Text, checks.English))
		}
	}
}

// with makes a unit another for the length of a test.
func (s *stage) with(t *testing.T, unit, text string, do func()) {
	t.Helper()
	s.Units(t, map[string]string{unit: text})
	do()
	s.Units(t, map[string]string{unit: mastodon()[unit]})
	_, _ = s.Try("systemctl", "reset-failed", unit) // it may not have failed
	s.Run(t, "systemctl", "restart", unit)
	s.isWell(t, "down", unit)
}

func TestServicesInARealSystemd(t *testing.T) {
	s := newStage(t)
	const web, side = "mastodon-web.service", "mastodon-sidekiq-default@1.service"

	t.Run("what runs is well", func(t *testing.T) {
		o := s.look(t)
		if len(o.Findings) != 0 || len(o.Blind) != 0 {
			t.Errorf("%+v\n%+v", o.Findings, o.Blind)
		}
		for _, word := range []string{"all 8 services run", "streaming@4000", "postgresql@15-main", "sidekiq-default@2"} {
			if !strings.Contains(o.Summary.En, word) {
				t.Errorf("no %q in %q", word, o.Summary.En)
			}
		}
	})
	t.Run("a unit that was stopped", func(t *testing.T) {
		s.Run(t, "systemctl", "stop", web)
		if f := s.isDown(t, web, "does not run"); f.Advice.Mend[0].String() != "sudo systemctl start mastodon-web.service" {
			t.Error(f.Advice)
		}
		s.Run(t, "systemctl", "start", web)
		s.isWell(t, "", web)
	})
	t.Run("one port of streaming, behind a shim that is active", func(t *testing.T) {
		const port = "mastodon-streaming@4000.service"
		s.Run(t, "systemctl", "stop", port)
		if state := s.Property(t, "mastodon-streaming.service", "ActiveState"); state != "active" {
			t.Errorf("the shim is %s", state)
		}
		s.isDown(t, port, "mastodon-streaming@4000 does not run")
		s.Run(t, "systemctl", "start", port)
		s.isWell(t, "", port)
	})
	t.Run("a cluster of PostgreSQL, behind a shim that is active", func(t *testing.T) {
		s.Run(t, "systemctl", "stop", "postgresql@15-main")
		s.isDown(t, "postgresql@15-main.service", "does not run")
		s.Run(t, "systemctl", "start", "postgresql@15-main")
		s.isWell(t, "", "postgresql@15-main.service")
	})
	t.Run("a unit that fails with a status", func(t *testing.T) {
		s.with(t, web, daemon(`/bin/sh -c 'echo "could not connect @admin@example.com"; exit 3'`, ""), func() {
			_, _ = s.Try("systemctl", "restart", web) // it fails
			s.Until(t, "it has failed", func() bool { return s.Property(t, web, "ActiveState") == "failed" })
			s.isDown(t, web, "exit status 3")
		})
	})
	t.Run("a unit that a signal ends", func(t *testing.T) {
		s.with(t, web, daemon(`/bin/sh -c 'kill -SEGV $$$$'`, ""), func() {
			_, _ = s.Try("systemctl", "restart", web) // it fails
			s.Until(t, "it has failed", func() bool { return s.Property(t, web, "ActiveState") == "failed" })
			s.isDown(t, web, "signal 11")
		})
	})
	t.Run("a program that is not there", func(t *testing.T) {
		s.with(t, web, daemon("/nonexistent/bin", ""), func() {
			_, _ = s.Try("systemctl", "restart", web) // it fails
			s.Until(t, "it has failed", func() bool { return s.Property(t, web, "ActiveState") == "failed" })
			s.isDown(t, web, "could not be run")
		})
	})
	t.Run("a unit whose file has a mistake", func(t *testing.T) {
		s.Run(t, "systemctl", "stop", web)
		s.with(t, web, "[Service]\nType=simple\n"+always, func() { s.isDown(t, web, "mistake") })
	})
	t.Run("a unit whose condition does not hold", func(t *testing.T) {
		s.with(t, web, "[Unit]\nConditionPathExists=/no/such/thing\n"+daemon("/bin/sleep 100000", ""), func() {
			s.Run(t, "systemctl", "restart", web)
			s.isDown(t, web, "condition")
		})
	})
	t.Run("a unit that starts for too long", func(t *testing.T) {
		s.with(t, web, "[Service]\nType=notify\nTimeoutStartSec=infinity\nExecStart=/bin/sleep 100000\n"+always, func() {
			s.Run(t, "systemctl", "restart", "--no-block", web)
			s.Until(t, "it starts", func() bool { return s.Property(t, web, "ActiveState") == "activating" })
			s.Until(t, "it starts for more than a second", func() bool {
				_, ok := checkstest.Find(s.look(t), "down", web)
				return ok
			})
			s.isDown(t, web, "has been starting for")
		})
	})
	t.Run("a unit that ends right after each start", func(t *testing.T) {
		s.with(t, web, "[Unit]\nStartLimitIntervalSec=0\n"+daemon("/bin/false", "Restart=always\nRestartSec=100ms\n"), func() {
			s.look(t)
			_, _ = s.Try("systemctl", "restart", web) // it fails
			s.Until(t, "it was restarted often", func() bool {
				n := s.Property(t, web, "NRestarts")
				return len(n) > 1 || n >= "4"
			})
			s.isDown(t, web, "again and again")
		})
		// It runs now, and the last hour is not forgotten.
		if f := s.finds(t, "restarts", web); f.Road != checks.Morning || f.Severity != checks.Warning {
			t.Errorf("%+v", f)
		}
		s.past = &checkstest.Past{} // an hour later
		s.isWell(t, "", web)
	})
	t.Run("a Sidekiq that was killed and came back", func(t *testing.T) {
		s.look(t)
		s.Run(t, "systemctl", "kill", "-s", "KILL", side)
		s.Until(t, "it runs again", func() bool {
			return s.Property(t, side, "NRestarts") == "1" && s.Property(t, side, "ActiveState") == "active"
		})
		o := s.look(t)
		if f, ok := checkstest.Find(o, "crashed", side); !ok || !strings.Contains(f.Text.En, "forgets the jobs") {
			t.Errorf("%+v", o.Findings)
		}
		if len(o.Events) != 1 || o.Events[0].Subject != side {
			t.Errorf("%+v", o.Events)
		}
		s.age(t, time.Minute) // it belonged to an update
		s.isWell(t, "crashed", side)
		s.age(t, 48*time.Hour)
		s.past = &checkstest.Past{}
		s.isWell(t, "", side)
	})
	t.Run("a unit that no boot would start", func(t *testing.T) {
		s.Run(t, "systemctl", "disable", "redis-server")
		if f := s.finds(t, "boot", "redis-server.service"); f.Advice.Mend[0].String() != "sudo systemctl enable redis-server.service" {
			t.Error(f.Advice)
		}
		s.Run(t, "systemctl", "enable", "redis-server")
		s.isWell(t, "", "redis-server.service")
	})
	t.Run("a unit that somebody has put away", func(t *testing.T) {
		s.look(t)
		s.Run(t, "systemctl", "disable", "--now", "mastodon-sidekiq-default@2")
		s.isWell(t, "", "mastodon-sidekiq-default@2.service")
		s.Run(t, "systemctl", "enable", "--now", "mastodon-sidekiq-default@2")
	})
	t.Run("a Mastodon of which nothing runs is missed, enabled or not", func(t *testing.T) {
		s.past = &checkstest.Past{}
		all := []string{"mastodon-web", "mastodon-sidekiq-default@1", "mastodon-sidekiq-default@2", "mastodon-streaming"}
		s.Run(t, "systemctl", append([]string{"disable", "--now"}, all...)...)
		if f := s.isDown(t, web, "does not run"); f.Advice.Mend[0].String() != "sudo systemctl enable --now mastodon-web.service" {
			t.Error(f.Advice)
		}
		// Sidekiq alone may be all that this machine is there for.
		s.past = &checkstest.Past{}
		s.Run(t, "systemctl", "enable", "--now", "mastodon-sidekiq-default@1")
		s.isWell(t, "", web)
		s.Run(t, "systemctl", append([]string{"enable", "--now"}, all...)...)
		s.isWell(t, "", web)
	})
	t.Run("code that is older than what is on disk", func(t *testing.T) {
		s.age(t, 0)
		for _, unit := range []string{web, side, "mastodon-streaming@4000.service"} {
			if f := s.finds(t, "stale", unit); f.Road != checks.Morning || !strings.Contains(f.Text.En, "code from before the update") {
				t.Errorf("%+v", f)
			}
		}
		s.Run(t, "systemctl", "restart", web, "mastodon-sidekiq-default@1", "mastodon-sidekiq-default@2", "mastodon-streaming@4000")
		s.isWell(t, "stale", web)
		s.isWell(t, "stale", side)
		s.age(t, 48*time.Hour)
	})
	t.Run("a program that was replaced", func(t *testing.T) {
		s.Run(t, "sh", "-c", "cp /bin/sleep /opt/new && mv /opt/new /opt/nginx")
		if f := s.finds(t, "stale", "nginx.service"); !strings.Contains(f.Text.En, "/opt/nginx") {
			t.Error(f.Text.En)
		}
		s.Run(t, "systemctl", "restart", "nginx")
		s.isWell(t, "", "nginx.service")
	})
	t.Run("a library that was replaced", func(t *testing.T) {
		s.Run(t, "sh", "-c", "cp /usr/lib/libsample.so.1 /usr/lib/new && mv /usr/lib/new /usr/lib/libsample.so.1")
		if f := s.finds(t, "stale", "pgbouncer.service"); !strings.Contains(f.Text.En, "libsample.so.1") {
			t.Error(f.Text.En)
		}
		s.Run(t, "systemctl", "restart", "pgbouncer")
		s.isWell(t, "", "pgbouncer.service")
	})
	t.Run("a unit that is masked", func(t *testing.T) {
		s.look(t)
		s.Run(t, "systemctl", "stop", "nginx")
		s.Run(t, "mv", "/etc/systemd/system/nginx.service", "/tmp/nginx.service")
		s.Run(t, "systemctl", "mask", "nginx")
		s.isDown(t, "nginx.service", "masked")
		s.Run(t, "systemctl", "unmask", "nginx")
		s.Run(t, "mv", "/tmp/nginx.service", "/etc/systemd/system/nginx.service")
		s.Run(t, "systemctl", "daemon-reload")
		s.Run(t, "systemctl", "enable", "--now", "nginx")
		s.isWell(t, "", "nginx.service")
	})
	t.Run("a unit whose file is gone", func(t *testing.T) {
		s.look(t)
		s.Run(t, "systemctl", "disable", "--now", "redis-server")
		s.Run(t, "mv", "/etc/systemd/system/redis-server.service", "/tmp/redis-server.service")
		s.Run(t, "sh", "-c", "rm -f /lib/systemd/system/redis-server.service; systemctl daemon-reload")
		s.isDown(t, "redis-server.service", "is gone")
		s.Run(t, "mv", "/tmp/redis-server.service", "/etc/systemd/system/redis-server.service")
		s.Run(t, "systemctl", "enable", "--now", "redis-server")
		s.isWell(t, "", "redis-server.service")
	})
	t.Run("a watched unit that is not there", func(t *testing.T) {
		o := checkstest.Look(t, s.kind, checkstest.Make(t, s.kind, `watch = ["no-such"]`), nil)
		if f, ok := checkstest.Find(o, "down", "no-such.service"); !ok || f.Text.En != "there is no unit no-such" || f.Severity != checks.Warning {
			t.Errorf("%+v", o.Findings)
		}
	})
	t.Run("without a bus systemctl is asked", func(t *testing.T) {
		s.Run(t, "mv", "/run/dbus/system_bus_socket", "/run/dbus/away")
		if o := s.look(t); !strings.Contains(o.Summary.En, "all 8 services run") || len(o.Findings) != 0 {
			t.Errorf("%s %+v", o.Summary.En, o.Findings)
		}
		s.Run(t, "mv", "/run/dbus/away", "/run/dbus/system_bus_socket")
	})
	t.Run("a bus that hangs is said so in time", func(t *testing.T) {
		pid := s.Property(t, "dbus.service", "MainPID")
		s.Run(t, "kill", "-STOP", pid)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := s.check.Look(ctx, s.past)
		var unseen *checks.Unseen
		if !errors.As(err, &unseen) || time.Since(start) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		s.Run(t, "kill", "-CONT", pid)
		s.isWell(t, "", web)
	})
	t.Run("the contract", func(t *testing.T) { checkstest.Contract(t, s.kind, table) })
}
