package timers

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/guest"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/systemd"
)

func TestATimerWhoseServiceHangsIsOverdueAndSaysWhy(t *testing.T) {
	g := guest.Boot(t)
	g.Run(t, "mkfifo", "/run/never")
	const hangs = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo pg_dump; read line </run/never'\n"
	g.Units(t, map[string]string{
		"nightly.service": hangs,
		"nightly.timer":   "[Timer]\nOnCalendar=*:0/20\nOnActiveSec=10ms\nAccuracySec=1ms\n[Install]\nWantedBy=timers.target\n",
	})
	g.Run(t, "systemctl", "enable", "--now", "nightly.timer")
	g.Until(t, "the service hangs", func() bool {
		return g.Property(t, "nightly.service", "ActiveState") == "activating" && g.Property(t, "nightly.service", "MainPID") != "0"
	})
	host := systemd.Host{Root: g.Root, Enter: g.Enter()}
	// One look sees it as it is: under way, and not late yet.
	k := Kind(&site.Site{}, On(host))
	o := checkstest.Look(t, k, checkstest.Make(t, k, ""), nil)
	for _, f := range o.Findings {
		if f.Subject == "nightly.timer" {
			t.Errorf("%+v", f)
		}
	}
	read := func() job {
		m, err := host.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		units, err := m.Read(t.Context(), "nightly.timer", "nightly.service")
		if err != nil {
			t.Fatal(err)
		}
		return job{role: backup, timer: units[0], service: units[1], now: time.Now()}
	}
	j := read()
	if !j.busy() || judgeSchedule(j, false) != stateFine {
		t.Errorf("%+v", j)
	}
	// Three quarters of an hour later, and nothing has changed.
	j.now = j.now.Add(45 * time.Minute)
	if got := judgeSchedule(j, false); got != stateOverdue {
		t.Fatalf("it is %q", got)
	}
	if m := j.after(); m.Fails != 0 {
		t.Errorf("a run that has not ended counts as failed: %+v", m)
	}
	f := checks.Finding{Code: string(stateOverdue), Subject: "nightly.timer", Severity: checks.Warning, Text: scheduleText(j, stateOverdue), Advice: scheduleAdvice(j, stateOverdue)}
	checkstest.AssertObservation(t, k, checks.Observation{Summary: checks.Same("x"), Findings: []checks.Finding{f}})
	if en, ja := f.Text.En, f.Text.Ja; !strings.Contains(en, "nightly.service, which it starts, has not ended for ") || !strings.Contains(ja, "起動した nightly.service が") {
		t.Errorf("%s\n%s", en, ja)
	}
	// What hung is mended, and the advice makes it run.
	if got := f.Advice.Mend[0].String(); got != "sudo systemctl restart nightly.service" {
		t.Fatal(got)
	}
	g.Units(t, map[string]string{"nightly.service": strings.Replace(hangs, "read line </run/never", "true", 1)})
	g.Run(t, "systemctl", "restart", "nightly.service")
	j = read()
	if judgeSchedule(j, false) != stateFine || j.busy() || j.after().Fails != 0 {
		t.Errorf("%+v", j)
	}
}
