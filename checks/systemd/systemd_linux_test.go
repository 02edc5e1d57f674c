package systemd_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sababan/sababan/checks/checkstest/guest"
	"github.com/sababan/sababan/checks/systemd"
)

func hostOf(g *guest.Guest) systemd.Host { return systemd.Host{Root: g.Root, Enter: g.Enter()} }

func open(t *testing.T, h systemd.Host) *systemd.Manager {
	t.Helper()
	m, err := h.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func TestBusAndToolSayTheSame(t *testing.T) {
	g := guest.Boot(t)
	g.Units(t, map[string]string{
		"fine.service":   "[Service]\nExecStart=/bin/sleep 600\nWorkingDirectory=/usr\n[Install]\nWantedBy=multi-user.target\n",
		"fails.service":  "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo it went @wrong; exit 3'\n",
		"broken.service": "[Service]\nType=simple\n",
		"never.service":  "[Unit]\nConditionPathExists=/no/such/thing\n[Service]\nExecStart=/bin/sleep 600\n[Install]\nWantedBy=multi-user.target\n",
		"daily.service":  "[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"daily.timer":    "[Timer]\nOnCalendar=*-*-* 00,12:00:00\nOnCalendar=monthly\nRandomizedDelaySec=12h\nAccuracySec=90s\n[Install]\nWantedBy=timers.target\n",
		"often.service":  "[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"often.timer":    "[Timer]\nOnActiveSec=1ms\nOnUnitActiveSec=36h\nAccuracySec=1ms\n",
	})
	g.Run(t, "systemctl", "enable", "fine.service", "never.service", "daily.timer")
	g.Run(t, "systemctl", "start", "fine.service", "daily.timer", "never.service", "often.timer")
	_, _ = g.Try("systemctl", "start", "fails.service") // it fails
	g.Until(t, "the short timer has run", func() bool { return g.Property(t, "often.timer", "LastTriggerUSec") != "" })

	names := []string{
		"fine.service", "fails.service", "broken.service", "never.service", "daily.timer", "often.timer",
		"no-such.service", "no-such.timer", "often.service",
	}
	overBus := open(t, hostOf(g))
	byName := map[string]systemd.Unit{}
	units, err := overBus.Read(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range units {
		if u.Name != names[i] {
			t.Errorf("%s in the place of %s", u.Name, names[i])
		}
		byName[u.Name] = u
	}
	t.Run("what is asked is understood", func(t *testing.T) {
		fine, fails, daily := byName["fine.service"], byName["fails.service"], byName["daily.timer"]
		if !fine.IsActive() || fine.PID == 0 || fine.File != "enabled" || fine.Directory != "/usr" || fine.ActiveSince.IsZero() ||
			!slices.Contains(fine.WantedBy, "multi-user.target") || !slices.Equal(fine.Exec, []string{"/bin/sleep", "600"}) {
			t.Errorf("%+v", fine)
		}
		if fails.Active != "failed" || fails.Result != "exit-code" || fails.ExitKind != 1 || fails.ExitStatus != 3 || fails.ExitAt.IsZero() {
			t.Errorf("%+v", fails)
		}
		if u := byName["broken.service"]; u.Load != "bad-setting" || u.LoadError == "" {
			t.Errorf("%+v", u)
		}
		if u := byName["never.service"]; u.Active != "inactive" || u.ConditionMet || u.ConditionAt.IsZero() {
			t.Errorf("%+v", u)
		}
		if len(daily.Calendar) != 2 || daily.Delay != 12*time.Hour || daily.Accuracy != 90*time.Second || !daily.Last.IsZero() ||
			time.Until(daily.Next) < 0 || daily.Activates != "daily.service" {
			t.Errorf("%+v", daily)
		}
		if u := byName["often.timer"]; u.Repeats != 36*time.Hour || u.Last.IsZero() {
			t.Errorf("%+v", u)
		}
		if u := byName["no-such.timer"]; u.Exists() {
			t.Errorf("%+v", u)
		}
	})
	t.Run("the journal is read and made harmless", func(t *testing.T) {
		lines := overBus.Journal(t.Context(), "fails.service", byName["fails.service"].RanAt, 20)
		if !slices.Contains(lines, "it went (at)wrong") {
			t.Errorf("%q", lines)
		}
		if lines := overBus.Journal(t.Context(), "no-such.service", time.Time{}, 5); len(lines) != 0 {
			t.Errorf("%q", lines)
		}
	})
	lists := func(m *systemd.Manager) []systemd.Unit {
		loaded, err := m.Units(t.Context(), "fi*.service", "fails*", "*.timer")
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(loaded, func(a, b systemd.Unit) int { return strings.Compare(a.Name, b.Name) })
		return loaded
	}
	busLoaded := lists(overBus)
	if len(busLoaded) < 3 {
		t.Errorf("%v", busLoaded)
	}
	if files := hostOf(g).Installed(".timer"); !slices.Contains(files, "daily.timer") || slices.Contains(files, "daily.service") || !slices.IsSorted(files) {
		t.Errorf("%v", files)
	}

	if err := os.Remove(g.Path("/run/dbus/system_bus_socket")); err != nil {
		t.Fatal(err)
	}
	byTool := open(t, hostOf(g))
	again, err := byTool.Read(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	// People are told seconds.
	nearly := cmp.Comparer(func(a, b time.Time) bool {
		return a.IsZero() == b.IsZero() && a.Sub(b).Abs() < time.Second
	})
	empty := cmp.FilterValues(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())
	for i := range units { // systemctl parts the words of a command without quoting them
		units[i].Exec = strings.Fields(strings.Join(units[i].Exec, " "))
	}
	if diff := cmp.Diff(units, again, nearly, empty); diff != "" {
		t.Errorf("by the bus and by systemctl (+):\n%s", diff)
	}
	toolLoaded := lists(byTool)
	if diff := cmp.Diff(busLoaded, toolLoaded); diff != "" {
		t.Errorf("loaded units (+):\n%s", diff)
	}
}

func TestABusThatHangsEndsAtTheDeadline(t *testing.T) {
	g := guest.Boot(t)
	if m, err := hostOf(g).Open(t.Context()); err != nil {
		t.Fatal(err)
	} else {
		m.Close()
	}
	pid := g.Property(t, "dbus.service", "MainPID")
	g.Run(t, "kill", "-STOP", pid)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	m, err := hostOf(g).Open(ctx)
	if err == nil {
		m.Close()
		t.Fatal("a bus that hangs has answered")
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if why := systemd.Unseen(err).Why.En; why != "systemd did not answer in time" {
		t.Errorf("%q: %v", why, err)
	}
	g.Run(t, "kill", "-CONT", pid)
	open(t, hostOf(g))
}

func TestAMachineWithoutSystemdIsSaidSo(t *testing.T) {
	_, err := systemd.Host{Root: t.TempDir()}.Open(t.Context())
	if !errors.Is(err, systemd.ErrAbsent) {
		t.Errorf("error %v", err)
	}
}
