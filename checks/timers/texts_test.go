package timers

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/systemd"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	base := func(r role, name string, set ...func(*job)) job {
		j := job{role: r, now: now}
		j.timer = systemd.Unit{Name: name + ".timer", Load: "loaded", File: "enabled", Active: "active", ActiveSince: ago(40 * day)}
		j.timer.Calendar, j.timer.Delay, j.timer.Last, j.timer.Next = []string{twice}, 12*time.Hour, ago(3*day), now.Add(7*time.Hour)
		j.service = systemd.Unit{Name: name + ".service", Load: "loaded", Active: "inactive"}
		for _, f := range set {
			f(&j)
		}
		return j
	}
	off := func(load, file, active string) func(*job) {
		return func(j *job) { j.timer.Load, j.timer.File, j.timer.Active = load, file, active }
	}
	never := func(j *job) { j.timer.Last = time.Time{} }
	endless := func(j *job) { j.service.Active, j.service.StartedAt = "activating", ago(2*day) }
	steady := func(j *job) { j.timer.Delay, j.timer.Next = 0, time.Time{} }

	var said []checkstest.Said
	schedule := func(what string, j job, s state) {
		said = append(said, checkstest.Say(what, scheduleText(j, s), scheduleAdvice(j, s)))
	}
	schedule("no timer", base(watched, "mastodon-media", off("not-found", "", "inactive")), stateOff)
	schedule("masked", base(packages, "apt-daily", off("masked", "masked", "inactive")), stateOff)
	schedule("a mistake in the file", base(backup, "pg-backup", off("bad-setting", "", "inactive")), stateOff)
	schedule("failed timer", base(renewal, "certbot", off("loaded", "enabled", "failed")), stateOff)
	schedule("stopped", base(mastodon, "mastodon-media-remove", off("loaded", "enabled", "inactive")), stateOff)
	schedule("disabled, never ran", base(renewal, "certbot", off("loaded", "disabled", "inactive"), never), stateOff)
	schedule("never ran", base(backup, "pg-backup", never), stateNever)
	schedule("never ran, no next", base(backup, "pg-backup", never, steady), stateNever)
	schedule("overdue", base(renewal, "certbot"), stateOverdue)
	schedule("overdue, no delay, no next", base(backup, "pg-backup", steady), stateOverdue)
	schedule("overdue, the last run has not ended", base(backup, "pg-backup", endless), stateOverdue)

	log := []string{"Failed to renew certificate example.social with error: Some challenges have failed."}
	run := func(fails int, result string, kind, status int) memo {
		return memo{Run: ago(5 * time.Hour), Fails: fails, How: outcome{Result: result, Kind: kind, Status: status}}
	}
	fails := func(what string, j job, m memo, journal ...string) {
		said = append(said, checkstest.Say(what, failedText(j, m, journal), failedAdvice(j)))
	}
	missing := func(j *job) { j.service.Load = "not-found" }
	wrong := func(j *job) { j.service.Load = "bad-setting" }
	fails("failed once", base(renewal, "certbot"), run(1, "exit-code", 1, 1), log...)
	fails("failed several times", base(backup, "pg-backup"), run(3, "exit-code", 1, 2))
	fails("failed, a timeout", base(mastodon, "mastodon-media-remove"), run(1, "timeout", 2, 15))
	fails("failed, killed for memory", base(mastodon, "mastodon-media-remove"), run(1, "oom-kill", 2, 9))
	fails("failed, a signal", base(packages, "apt-daily"), run(1, "signal", 2, 15))
	fails("failed, in a way of its own", base(packages, "apt-daily"), run(1, "resources", 0, 0))
	fails("failed, there is no service", base(backup, "pg-backup", missing), run(1, "not-found", 0, 0))
	fails("failed, a mistake in the file", base(backup, "pg-backup", wrong), run(1, "bad-setting", 0, 0))

	say := checkstest.Say
	known := lineages{Need: true, Tool: "certbot", Program: "/usr/bin/certbot", Known: true, Ends: now.Add(17 * day)}
	certbot, backups := base(renewal, "certbot"), base(backup, "pg-backup", never)
	busy := base(mastodon, "mastodon-media-remove", endless)
	all := &look{now: now, manager: &systemd.Manager{}, jobs: []job{certbot, backups, busy}, next: map[string]memo{"certbot.timer": {Fails: 1}}, cron: []cronJob{{File: "/etc/cron.d/mastodon"}}}
	many := &look{now: now, manager: &systemd.Manager{}, jobs: []job{certbot, certbot, certbot, certbot, certbot, certbot}}
	said = append(
		said,
		say("nothing renews", unplannedText(lineages{}), unplannedAdvice(lineages{}, true)),
		say("nothing renews, and it is known when it ends", unplannedText(known), unplannedAdvice(known, false)),
		say("nothing renews, acme.sh", unplannedText(known), unplannedAdvice(lineages{Tool: "acme.sh", Program: "/root/.acme.sh/acme.sh"}, true)),
		say("unseen: crontabs", hiddenText(), hiddenAdvice()),
		say("summary", summary(all)),
		say("summary, many", summary(many)),
		say("summary, nothing without systemd", summary(&look{})),
		say("summary, nothing", summary(&look{manager: &systemd.Manager{}})),
	)
	checkstest.Texts(t, "timers", said...)
}
