package timers

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/systemd"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// waiting is a timer that waits for its next run.
func waiting(last time.Time, calendar string) systemd.Unit {
	u := systemd.Unit{Name: "x.timer", Load: "loaded", Active: "active", Sub: "waiting", File: "enabled", ActiveSince: ago(90 * 24 * time.Hour)}
	u.Calendar, u.Last, u.Next = []string{calendar}, last, noon.Add(time.Hour)
	return u
}

const (
	twice = "*-*-* 00,12:00:00"
	day   = 24 * time.Hour
)

func TestWhatIsTheMatterWithATimer(t *testing.T) {
	certbot := func(last time.Time) systemd.Unit {
		u := waiting(last, twice)
		u.Delay, u.Accuracy = 12*time.Hour, time.Minute
		return u
	}
	off := func(file string) systemd.Unit {
		return systemd.Unit{Name: "x.timer", Load: "loaded", Active: "inactive", Sub: "dead", File: file}
	}
	monotonic := systemd.Unit{Name: "x.timer", Load: "loaded", Active: "active", ActiveSince: ago(day)}
	monotonic.Repeats = time.Hour
	future := waiting(time.Time{}, "2099-01-01 00:00:00")
	future.Next = noon.AddDate(73, 0, 0)
	for name, c := range map[string]struct {
		job    job
		others bool
		want   state
	}{
		"a renewal that ran 29 hours ago is in time":          {job: job{timer: certbot(ago(29 * time.Hour))}},
		"a renewal that ran 31 hours ago is overdue":          {job: job{timer: certbot(ago(31 * time.Hour))}, want: stateOverdue},
		"a daily job that ran 35 hours ago is in time":        {job: job{timer: waiting(ago(35*time.Hour), "*-*-* 01:00:00")}},
		"a daily job that ran 37 hours ago is overdue":        {job: job{timer: waiting(ago(37*time.Hour), "*-*-* 01:00:00")}, want: stateOverdue},
		"a job of working days is not overdue on a Sunday":    {job: job{timer: waiting(ago(2*day+9*time.Hour), "Mon..Fri *-*-* 03:00:00")}},
		"a monthly job that ran 6 weeks ago is in time":       {job: job{timer: waiting(ago(42*day), "*-*-01 00:00:00")}},
		"a job by the minute is not overdue after 100 s":      {job: job{timer: waiting(ago(80*time.Second), "*-*-* *:*:00")}},
		"a job nobody knows the period of is never overdue":   {job: job{timer: waiting(ago(900*day), "something new")}},
		"a timer that is off is said so":                      {job: job{timer: off("disabled")}, want: stateOff},
		"a timer that another has replaced is fine":           {job: job{timer: off("disabled"), role: renewal}, others: true},
		"a replaced renewal that once waited is fine":         {job: job{timer: off("disabled"), role: renewal, before: memo{Active: true}}, others: true},
		"one of two backups that once waited is missed":       {job: job{timer: off("disabled"), role: backup, before: memo{Active: true}}, others: true, want: stateOff},
		"a watched timer is missed whatever else there is":    {job: job{timer: off("disabled"), role: watched}, others: true, want: stateOff},
		"an enabled timer that was stopped is missed":         {job: job{timer: off("enabled"), role: renewal}, others: true, want: stateOff},
		"a daily timer that has waited for 90 days never ran": {job: job{timer: waiting(time.Time{}, "*-*-* 01:00:00")}, want: stateNever},
		"one that ran before the boot has run":                {job: job{timer: waiting(time.Time{}, "*-*-* 01:00:00"), before: memo{Last: ago(time.Hour)}}},
		"one whose service was run by hand has run": {job: job{
			timer:   waiting(ago(900*time.Hour), "*-*-* 01:00:00"),
			service: systemd.Unit{Service: systemd.Service{RanAt: ago(time.Hour)}},
		}},
		"one that will run in 73 years has never run":      {job: job{timer: future}, want: stateNever},
		"an hourly monotonic timer that never ran is told": {job: job{timer: monotonic}, want: stateNever},
	} {
		t.Run(name, func(t *testing.T) {
			c.job.now = noon
			if got := judgeSchedule(c.job, c.others); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestRunsAreCountedAndNotLooks(t *testing.T) {
	service := func(active, result string, ended time.Time) systemd.Unit {
		u := systemd.Unit{Name: "x.service", Load: "loaded", Active: active, Result: result}
		u.ExitAt, u.ExitKind, u.ExitStatus = ended, 1, 1
		return u
	}
	j := job{role: renewal, timer: waiting(ago(time.Hour), twice), now: noon}
	for i, step := range []struct {
		service systemd.Unit
		fails   int
	}{
		{service("inactive", "success", ago(50*time.Hour)), 0},
		{service("failed", "exit-code", ago(30*time.Hour)), 1},
		{service("failed", "exit-code", ago(30*time.Hour)), 1},
		{service("activating", "success", time.Time{}), 1},
		{service("failed", "exit-code", ago(20*time.Hour)), 2},
		{service("activating", "success", time.Time{}), 2},
		{service("failed", "timeout", ago(10*time.Hour)), 3},
		{service("inactive", "success", ago(time.Hour)), 0},
		{systemd.Unit{Name: "x.service", Load: "not-found"}, 2},
	} {
		j.service = step.service
		j.before = j.after()
		if j.before.Fails != step.fails {
			t.Errorf("step %d: %d failed runs, want %d", i, j.before.Fails, step.fails)
		}
	}
}

func TestHowLoudlyItIsSaid(t *testing.T) {
	low := lineages{Known: true, Share: 0.2, Ends: noon.Add(18 * day)}
	high := lineages{Known: true, Share: 0.3, Ends: noon.Add(27 * day)}
	for name, c := range map[string]struct {
		got  verdict
		want verdict
	}{
		"one failed renewal opens nothing":                    {judgeFailed(renewal, 1, high, noon), verdict{Severity: checks.Warning, Road: checks.Morning, Harm: high.Ends, Holds: true}},
		"two failed renewals can wait for the morning":        {judgeFailed(renewal, 2, high, noon), verdict{Severity: checks.Warning, Road: checks.Morning, Harm: high.Ends}},
		"with a certificate below a quarter they cannot":      {judgeFailed(renewal, 2, low, noon), verdict{Severity: checks.Critical, Road: checks.Now, Harm: low.Ends}},
		"one failed backup is told in the morning":            {judgeFailed(backup, 1, lineages{}, noon), verdict{Severity: checks.Warning, Road: checks.Morning}},
		"two failed backups are told now":                     {judgeFailed(backup, 2, lineages{}, noon), verdict{Severity: checks.Critical, Road: checks.Now}},
		"two failed runs of another job open nothing":         {judgeFailed(watched, 2, lineages{}, noon), verdict{Severity: checks.Warning, Road: checks.Morning, Holds: true}},
		"three failed runs of another job do":                 {judgeFailed(mastodon, 3, lineages{}, noon), verdict{Severity: checks.Warning, Road: checks.Morning}},
		"lists of packages can wait for a week":               {judgeFailed(packages, 3, lineages{}, noon), verdict{Severity: checks.Warning, Road: checks.Week}},
		"runs that went well are nothing":                     {judgeFailed(renewal, 0, low, noon), verdict{}},
		"an overdue renewal with a low certificate is urgent": {loudness(renewal, low, noon), verdict{Severity: checks.Critical, Road: checks.Now, Harm: low.Ends}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v", name, c.got)
		}
	}
}

func TestWhatAJobIsFor(t *testing.T) {
	for command, want := range map[string]role{
		"certbot.timer certbot.service":                     renewal,
		"snap.certbot.renew.timer":                          renewal,
		"/root/.acme.sh/acme.sh --cron":                     renewal,
		"certbot-renewal.timer":                             renewal,
		"/usr/local/bin/pgbackup.sh":                        backup,
		"mastodon-backup.timer":                             backup,
		"pg_dump -Fc mastodon_production":                   backup,
		"mastodon-media-remove.timer":                       mastodon,
		"cd live && bin/tootctl media remove":               mastodon,
		"allegory.timer":                                    none,
		"logrotate.timer logrotate.service /sbin/logrotate": none,
		"nightly.timer nightly.service restic forget":       backup,
	} {
		if got := jobRole(command); got != want {
			t.Errorf("%q: %q, want %q", command, got, want)
		}
	}
	dpkg := systemd.Unit{Name: "dpkg-db-backup.timer"}
	if got := timerRole(dpkg, systemd.Unit{}, nil); got != none {
		t.Errorf("dpkg's own: %q", got)
	}
	if got := timerRole(dpkg, systemd.Unit{}, []string{"dpkg*"}); got != watched {
		t.Errorf("dpkg's own, watched: %q", got)
	}
	if got := timerRole(systemd.Unit{Name: "apt-daily-upgrade.timer"}, systemd.Unit{}, nil); got != packages {
		t.Errorf("apt: %q", got)
	}
}
