package packages

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/child"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	one := []update{{Name: "openssl", Security: true}}
	var many []update
	for _, n := range []string{"openssl", "libssl3", "postgresql-15", "nginx", "imagemagick", "ffmpeg", "linux-image-amd64", "curl"} {
		many = append(many, update{Name: n, Security: true})
	}
	users := []user{{Name: "nginx", Unit: "nginx.service"}, {Name: "ruby", Unit: "mastodon-web.service"}, {Name: "postgres", Unit: "postgresql@15-main.service"}, {Name: "dbus-daemon", Unit: "dbus.service"}, {Name: "bash"}}
	debian := release{Name: "Debian GNU/Linux 12 (bookworm)", Ends: now.Add(40 * day), Term: "LTS"}
	ubuntu := release{Name: "Ubuntu 24.04.1 LTS", Ends: now.Add(9 * day)}
	old := release{Name: "Debian GNU/Linux 11 (bullseye)", Ends: ago(80 * day)}
	failed := run{Began: ago(9 * time.Hour), Error: "E: dpkg was interrupted"}
	said := &refused{tool: "apt-get", said: "E: The package cache file is corrupted"}
	line := func(auto string, set func(*round), updates ...update) checks.Text {
		r := &round{now: now, auto: auto, state: state{Updates: updates, Lists: lists{Proven: ago(9 * time.Hour)}, Release: debian}}
		if set != nil {
			set(r)
		}
		return r.summary()
	}

	say := checkstest.Say
	checkstest.Texts(
		t, "packages",
		say("a security update", securityText(one, now, ago(3*time.Hour), automaticUnknown), securityAdvice(automaticUnknown, false)),
		say("security updates, automatic", securityText(many, now, ago(3*time.Hour), automaticOn), securityAdvice(automaticOn, false)),
		say("a security update, long, automatic is off", securityText(one, now, ago(9*day), automaticOff), securityAdvice(automaticOff, false)),
		say("security updates, long, automatic fails", securityText(many, now, ago(9*day), automaticFailing), securityAdvice(automaticFailing, false)),
		say("security updates, long, automatic stopped, dnf", securityText(many[:2], now, ago(9*day), automaticStopped), securityAdvice(automaticUnknown, true)),
		say("held, one", heldText(one), heldAdvice(one)),
		say("held", heldText(many), heldAdvice(many)),
		say("lists are old", listsText(lists{Proven: ago(9 * day)}), listsAdvice()),
		say("no lists", listsText(lists{}), listsAdvice()),
		say("half installed, one", brokenText([]string{"postgresql-15"}), brokenAdvice()),
		say("half installed", brokenText([]string{"postgresql-15", "postgresql-common"}), brokenAdvice()),
		say("reboot", rebootText(ago(9*day), "linux-image-6.1.0-27-amd64\nlibc6\nlibc6\n"), rebootAdvice()),
		say("reboot, nobody says why", rebootText(ago(9*day), "")),
		say("old libraries, one process", librariesText(users[:1], ago(8*day)), librariesAdvice(users[:1])),
		say("old libraries", librariesText(users, ago(8*day)), librariesAdvice(users)),
		say("automatic fails", unattendedText(failed, automaticFailing), unattendedAdvice()),
		say("automatic stopped", unattendedText(run{Began: ago(11 * day)}, automaticStopped), unattendedAdvice()),
		say("support ends", supportText(debian, verdict{Severity: checks.Warning}), supportAdvice(debian)),
		say("support ends, soon", supportText(ubuntu, verdict{Severity: checks.Warning}), supportAdvice(ubuntu)),
		say("support has ended", supportText(old, verdict{Severity: checks.Critical}), supportAdvice(old)),
		say("unseen: nothing", nothingSeen()),
		say("unseen: no manager", noManager()),
		say("unseen: updates, the tool complains", blindUpdates(said), mendUpdates(said, false)),
		say("unseen: updates, dnf complains", blindUpdates(&refused{tool: "dnf", said: "Failed to download metadata"}), mendUpdates(said, true)),
		say("unseen: updates, no answer", blindUpdates(child.ErrDeadline)),
		say("unseen: updates, no tool", blindUpdates(child.ErrMissing)),
		say("unseen: updates", blindUpdates(errors.New("other"))),
		say("unseen: libraries, no time", blindScan(context.DeadlineExceeded)),
		say("unseen: libraries, no list", blindScan(errors.New("other"))),
		say("unseen: libraries, hidden", blindProcesses(), mendProcesses()),
		say("unseen: log", blindLog(), mendLog()),
		say("summary", line(automaticOn, nil)),
		say("summary, none for security", line(automaticOff, nil, update{Name: "curl"})),
		say("summary, some for security", line(automaticUnknown, func(r *round) {
			r.state.Book.Held, r.after.Reboot = []string{"nginx"}, ago(day)
		}, append(many, update{Name: "vim"})...)),
		say("summary, not asked", line(automaticUnknown, func(r *round) { r.unsure, r.state.Release = said, release{} })),
		say("summary, support without a term", line(automaticUnknown, func(r *round) { r.state.Release = ubuntu })),
		say("summary, asked lately", line(automaticUnknown, func(r *round) {
			r.state.Lists = lists{Proven: ago(9 * day), Until: now.Add(day), Asked: ago(2 * time.Hour)}
		})),
	)
}
