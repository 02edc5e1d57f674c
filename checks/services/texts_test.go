package services

import (
	"errors"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/systemd"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	unit := func(r role, name string, set ...func(*service)) service {
		s := service{role: r, boots: true, unit: systemd.Unit{Name: name + ".service", Load: "loaded", File: "enabled", ChangedAt: ago(12 * time.Minute), ActiveSince: ago(31 * 24 * time.Hour)}}
		for _, f := range set {
			f(&s)
		}
		return s
	}
	ended := func(result string, kind, status int) func(*service) {
		return func(s *service) {
			s.unit.Result, s.unit.ExitKind, s.unit.ExitStatus, s.unit.ExitAt = result, kind, status, ago(4*time.Minute)
		}
	}
	log := []string{"bundler: failed to load command: sidekiq", `connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed`}
	was := func(s *service) { s.before.Active = true }
	wrong := func(s *service) { s.unit.LoadError = "Unit file has no ExecStart= setting" }
	stoppedThen := func(s *service) { s.unit.StoppedAt = ago(25 * time.Minute) }
	disabled := func(s *service) { s.boots, s.unit.File = false, "disabled" }

	var said []checkstest.Said
	down := func(what string, s service, tr trouble, journal ...string) {
		said = append(said, checkstest.Say(what, downText(s, tr, journal), downAdvice(s, tr)))
	}
	down("no unit of a name from the settings", unit(other, "mastodon-web"), gone)
	down("gone", unit(web, "mastodon-web", was), gone)
	down("masked", unit(streaming, "mastodon-streaming"), masked)
	down("a mistake in the file", unit(sidekiq, "mastodon-sidekiq", wrong), badFile)
	down("a condition", unit(search, "elasticsearch"), conditions)
	down("starting", unit(database, "postgresql@15-main"), starting)
	down("stopping", unit(redis, "redis-server"), stopping)
	down("looping", unit(sidekiq, "mastodon-sidekiq", ended("exit-code", 1, 203)), looping, log...)
	down("failed", unit(sidekiq, "mastodon-sidekiq", ended("exit-code", 1, 1)), failed, log...)
	down("failed, its folder is gone", unit(web, "mastodon-web", ended("exit-code", 1, 200)), failed)
	down("failed, its user is gone", unit(web, "mastodon-web", ended("exit-code", 1, 217)), failed)
	down("killed for memory", unit(web, "mastodon-web", ended("oom-kill", 2, 9)), failed)
	down("killed", unit(proxy, "nginx", ended("signal", 2, 9)), failed)
	down("ended by a signal", unit(proxy, "nginx", ended("core-dump", 3, 11)), failed)
	down("timeout", unit(redis, "redis-server", ended("timeout", 2, 15)), failed)
	down("watchdog", unit(database, "postgresql@15-main", ended("watchdog", 2, 6)), failed)
	down("ended in a way of its own", unit(proxy, "nginx", ended("start-limit-hit", 0, 0)), failed)
	down("stopped by somebody", unit(sidekiq, "mastodon-sidekiq", stoppedThen), stopped)
	down("stopped and not enabled", unit(streaming, "mastodon-streaming", disabled), stopped)
	down("not started since the boot", unit(web, "mastodon-web"), stopped)

	say := checkstest.Say
	runsFor := unit(web, "mastodon-web")
	said = append(
		said,
		say("ended once, Sidekiq", endedText(codeCrashed, "mastodon-sidekiq", sidekiq, 1, log), endedAdvice("mastodon-sidekiq.service")),
		say("ended twice, web", endedText(codeCrashed, "mastodon-web", web, 2, nil), endedAdvice("mastodon-web.service")),
		say("ended once, streaming", endedText(codeCrashed, "mastodon-streaming", streaming, 1, nil)),
		say("ended once, the database", endedText(codeCrashed, "postgresql@15-main", database, 1, nil)),
		say("ended once, Redis", endedText(codeCrashed, "redis-server", redis, 1, nil)),
		say("ended again and again", endedText(codeRestarts, "nginx", proxy, 7, nil), endedAdvice("nginx.service")),
		say("not enabled", bootText(runsFor.unit), bootAdvice(runsFor.unit)),
		say("old code", staleText(runsFor, stale{What: "4.6.5", Code: true, Since: ago(3 * time.Hour)}), staleAdvice(runsFor)),
		say("an old library", staleText(unit(proxy, "nginx"), stale{What: "/usr/lib/x86_64-linux-gnu/libssl.so.3", Library: true}), staleAdvice(unit(proxy, "nginx"))),
		say("an old program", staleText(unit(database, "postgresql@15-main"), stale{What: "/usr/lib/postgresql/15/bin/postgres"}), staleAdvice(unit(database, "postgresql@15-main"))),
		say("event: restarted", restartedText(runsFor.unit)),
	)
	contain := func(name string, r role, set func(*container)) box {
		b := box{role: r, container: container{Name: name, Service: "sidekiq", Project: "/opt/mastodon", Status: "exited", Started: ago(12 * time.Minute), Ended: ago(4 * time.Minute), ExitCode: 1}}
		if set != nil {
			set(&b.container)
		}
		return b
	}
	dead := contain("mastodon-sidekiq-1", sidekiq, nil)
	killed := contain("mastodon-sidekiq-1", sidekiq, func(c *container) { c.OOMKilled, c.ExitCode = true, 137 })
	running := contain("mastodon-web-1", web, func(c *container) { c.Service, c.Status, c.Health = "web", "running", "unhealthy" })
	alone := contain("redis", redis, func(c *container) { c.Service, c.Project = "", "" })
	said = append(
		said,
		say("container: unwell", boxText(running, unwell), boxAdvice(running)),
		say("container: starting", boxText(running, starting), boxAdvice(running)),
		say("container: looping", boxText(dead, looping), boxAdvice(dead)),
		say("container: failed", boxText(dead, failed), boxAdvice(dead)),
		say("container: killed", boxText(killed, failed), boxAdvice(killed)),
		say("container: stopped, of no compose file", boxText(alone, stopped), boxAdvice(alone)),
		say("container: not enabled", boxBootText(alone), boxBootAdvice(alone)),
		say("unseen: the code", blindCode("/home/mastodon/live"), mendCode("/home/mastodon/live")),
		say("unseen: Docker", blindDocker(), mendDocker()),
		say("unseen: Docker refuses", refusedDocker(&refused{403}), refusedAdvice(&refused{403})),
		say("unseen: Docker does not answer", refusedDocker(errors.New("refused")), refusedAdvice(errors.New("refused"))),
	)
	names := []string{"mastodon-web", "mastodon-sidekiq", "mastodon-streaming", "postgresql@15-main", "redis-server", "nginx", "elasticsearch", "mastodon-sidekiq-pull", "mastodon-sidekiq-push"}
	all := &look{}
	for _, n := range names {
		all.services = append(all.services, unit(other, n))
	}
	some := &look{services: all.services[:6], down: []string{"mastodon-sidekiq.service"}}
	said = append(
		said,
		say("summary", summary(&look{services: all.services[:6]})),
		say("summary, many", summary(all)),
		say("summary, one", summary(&look{services: all.services[:1]})),
		say("summary, one is down", summary(some)),
		say("summary, none", summary(&look{})),
	)
	checkstest.Texts(t, "services", said...)
}
