package services

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks/systemd"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

func TestWhatAUnitIsFor(t *testing.T) {
	oneshot := systemd.Service{Type: "oneshot"}
	for name, c := range map[string]struct {
		unit  systemd.Unit
		watch []string
		want  role
	}{
		"puma":                               {unit: systemd.Unit{Name: "mastodon-web.service"}, want: web},
		"one Sidekiq of several":             {unit: systemd.Unit{Name: "mastodon-sidekiq-default@25.service"}, want: sidekiq},
		"a Sidekiq of another name":          {unit: systemd.Unit{Name: "sidekiq-push.service"}, want: sidekiq},
		"a port of streaming":                {unit: systemd.Unit{Name: "mastodon-streaming@4001.service"}, want: streaming},
		"streaming before Mastodon 4.2":      {unit: systemd.Unit{Name: "mastodon-streaming.service", Service: systemd.Service{Type: "simple"}}, want: streaming},
		"the shim since Mastodon 4.2":        {unit: systemd.Unit{Name: "mastodon-streaming.service", Service: oneshot}},
		"Debian's shim of PostgreSQL":        {unit: systemd.Unit{Name: "postgresql.service", Service: oneshot}},
		"a cluster of PostgreSQL":            {unit: systemd.Unit{Name: "postgresql@15-main.service"}, want: database},
		"PostgreSQL of PGDG on Red Hat":      {unit: systemd.Unit{Name: "postgresql-16.service"}, want: database},
		"Debian's Redis":                     {unit: systemd.Unit{Name: "redis-server.service"}, want: redis},
		"Valkey":                             {unit: systemd.Unit{Name: "valkey-server.service"}, want: redis},
		"something that only begins like it": {unit: systemd.Unit{Name: "nginxd.service"}},
		"a chore that a timer starts":        {unit: systemd.Unit{Name: "mastodon-media-remove.service", TriggeredBy: []string{"mastodon-media-remove.timer"}}},
		"the exporter is not needed to live": {unit: systemd.Unit{Name: "mastodon-prometheus-exporter.service"}, want: other},
		"a stranger":                         {unit: systemd.Unit{Name: "ssh.service"}},
		"a stranger who is named":            {unit: systemd.Unit{Name: "ssh.service"}, watch: []string{"ssh"}, want: other},
		"one of ours who is named":           {unit: systemd.Unit{Name: "mastodon-web.service"}, watch: []string{"mastodon*"}, want: web},
	} {
		if got := unitRole(c.unit, c.watch); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhetherAUnitMustRun(t *testing.T) {
	unit := func(load, active, file string) systemd.Unit {
		return systemd.Unit{Name: "mastodon-web.service", Load: load, Active: active, File: file, Result: "success"}
	}
	was := memo{Active: true, Boots: true}
	for name, c := range map[string]struct {
		s          service
		runs, idle bool
		want       bool
	}{
		"what is enabled must":                                    {s: service{unit: unit("loaded", "inactive", "enabled"), boots: true}, want: true},
		"what is disabled and was never seen to run must not":     {s: service{role: proxy, unit: unit("loaded", "inactive", "disabled")}},
		"what has failed must":                                    {s: service{role: proxy, unit: unit("loaded", "failed", "disabled")}, want: true},
		"what ran and no boot would start must":                   {s: service{role: proxy, unit: unit("loaded", "inactive", "disabled"), before: memo{Active: true}}, want: true},
		"what somebody has disabled must not":                     {s: service{role: proxy, unit: unit("loaded", "inactive", "disabled"), before: was}},
		"the last Sidekiq must not when somebody has disabled it": {s: service{role: sidekiq, unit: unit("loaded", "inactive", "disabled"), before: was}},
		"one Sidekiq of two must not when it was disabled":        {s: service{role: sidekiq, unit: unit("loaded", "inactive", "disabled"), before: was}, runs: true},
		"what is all there is of Mastodon must":                   {s: service{role: web, unit: unit("loaded", "inactive", "disabled")}, idle: true, want: true},
		"what is only installed must not":                         {s: service{role: web, unit: unit("loaded", "inactive", "disabled")}},
		"what was renamed must not":                               {s: service{role: sidekiq, unit: unit("not-found", "inactive", ""), before: was}, runs: true},
		"what was taken away and has no other must":               {s: service{role: redis, unit: unit("not-found", "inactive", ""), before: was}, want: true},
		"what was masked and has no other must":                   {s: service{role: redis, unit: unit("masked", "inactive", "masked"), before: was}, want: true},
	} {
		if got := needed(c.s, c.runs, c.idle); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhetherABootStartsAUnit(t *testing.T) {
	shim := map[string]systemd.Unit{
		"on.service":  {Name: "on.service", File: "enabled", WantedBy: []string{"multi-user.target"}},
		"off.service": {Name: "off.service", File: "disabled"},
	}
	for name, c := range map[string]struct {
		unit systemd.Unit
		want bool
	}{
		"enabled":                            {systemd.Unit{File: "enabled"}, true},
		"made by a generator":                {systemd.Unit{File: "generated"}, true},
		"disabled":                           {systemd.Unit{File: "disabled"}, false},
		"made by systemd-run":                {systemd.Unit{File: "transient"}, false},
		"disabled and wanted by a shim":      {systemd.Unit{File: "disabled", WantedBy: []string{"on.service"}}, true},
		"wanted by a shim that is disabled":  {systemd.Unit{File: "disabled", WantedBy: []string{"off.service"}}, false},
		"disabled and started by its socket": {systemd.Unit{File: "disabled", TriggeredBy: []string{"x.socket"}}, true},
	} {
		if got := boots(c.unit, shim); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRestartsAreCountedWithinAnHour(t *testing.T) {
	var m memo
	known := false
	for i, step := range []struct {
		after   time.Duration
		counter int
		want    int
	}{
		{0, 7, 0}, // what was before we looked is nobody's news
		{2 * time.Minute, 8, 1},
		{4 * time.Minute, 10, 3},
		{6 * time.Minute, 0, 3}, // somebody has started it by hand
		{8 * time.Minute, 1, 4},
		{63 * time.Minute, 1, 3},
		{2 * time.Hour, 1, 0},
	} {
		m = memo{}.seen(m, known, step.counter, noon.Add(step.after))
		known = true
		if got := m.restarts(); got != step.want {
			t.Errorf("step %d: %d restarts, want %d", i, got, step.want)
		}
	}
}

func TestHowARunEnded(t *testing.T) {
	for want, u := range map[string]systemd.Unit{
		"a kill for lack of memory":        {Result: "oom-kill", Service: systemd.Service{ExitKind: 2, ExitStatus: 9}},
		"a timeout":                        {Result: "timeout", Service: systemd.Service{ExitKind: 2, ExitStatus: 15}},
		"a watchdog that was not answered": {Result: "watchdog", Service: systemd.Service{ExitKind: 2, ExitStatus: 6}},
		"signal 11":                        {Result: "signal", Service: systemd.Service{ExitKind: 2, ExitStatus: 11}},
		"signal 9: somebody killed it, most likely the kernel for lack of memory": {Result: "signal", Service: systemd.Service{ExitKind: 2, ExitStatus: 9}},
		"exit status 1": {Result: "exit-code", Service: systemd.Service{ExitKind: 1, ExitStatus: 1}},
		"exit status 200 (its working directory could not be entered)": {Result: "exit-code", Service: systemd.Service{ExitKind: 1, ExitStatus: 200}},
		`"start-limit-hit"`: {Result: "start-limit-hit"},
		"":                  {Result: "success"},
	} {
		if got := ending(u).En; got != want {
			t.Errorf("%+v: %q, want %q", u, got, want)
		}
	}
	killed := service{role: sidekiq, unit: systemd.Unit{Name: "mastodon-sidekiq.service", Load: "loaded", Active: "failed", Result: "oom-kill"}}
	if text := downText(killed, failed, nil).Headline(); text.En != "mastodon-sidekiq was killed for lack of memory" || text.Ja != "mastodon-sidekiq がメモリ不足で強制終了されました" {
		t.Errorf("%+v", text)
	}
}

func TestWhatACodeChangeExplains(t *testing.T) {
	if !deployed(ago(10*time.Minute), noon) || deployed(ago(time.Hour), noon) || deployed(time.Time{}, noon) {
		t.Error("a restart belongs to an update for half an hour")
	}
}
