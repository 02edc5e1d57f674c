package backups

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	// jobsPatience is how long systemd may take to tell of the jobs (own).
	jobsPatience = 5 * time.Second
	// jobsLimit bounds how many of them are looked at (own).
	jobsLimit = 20
	// journalLines is how much of a job's journal goes into a message (own).
	journalLines = 3
)

// jobName are services whose names say that they make backups.
var jobName = regexp.MustCompile(`(?i)backup|(^|[^a-z])(restic|borg|pgbackrest|pg[-_]?dump|barman|wal-g|duplicity|kopia|rsnapshot)`)

// systemJobs are services that only sound like ours.
var systemJobs = map[string]bool{"dpkg-db-backup.service": true}

// A job is a service that makes backups.
type job struct {
	Unit string
	// Result is systemd's word for how the last run ended, At when, Status its
	// exit status where it ended by itself.
	Result string
	At     time.Time
	Status int
	// Timed tells that a timer starts it: then the check of timers tells of its
	// failures.
	Timed bool
	// Said are the last lines of its journal.
	Said []string
}

func (j job) failed() bool {
	return j.Result != "" && j.Result != "success" && j.Result != "exec-condition"
}

// jobs asks systemd for the services that make backups; where there is none,
// there are none.
func (c *check) jobs(ctx context.Context) []job {
	ctx, cancel := context.WithTimeout(ctx, jobsPatience)
	defer cancel()
	m, err := c.host.Open(ctx)
	if err != nil {
		return nil // told by the checks of services and timers
	}
	defer m.Close()
	loaded, err := m.Units(ctx, "*.service")
	if err != nil {
		return nil
	}
	var names []string
	for _, u := range loaded {
		if jobName.MatchString(u.Name) && !systemJobs[u.Name] && len(names) < jobsLimit {
			names = append(names, u.Name)
		}
	}
	slices.Sort(names)
	units, err := m.Read(ctx, names...)
	if err != nil {
		return nil
	}
	var jobs []job
	for _, u := range units {
		j := job{Unit: u.Name, Result: u.Result, At: u.ExitAt}
		if j.At.IsZero() {
			j.At = u.ChangedAt
		}
		if u.ExitKind == 1 { // CLD_EXITED: not by a signal
			j.Status = u.ExitStatus
		}
		j.Timed = slices.ContainsFunc(u.TriggeredBy, func(by string) bool { return strings.HasSuffix(by, ".timer") })
		if j.failed() {
			j.Said = m.Journal(ctx, u.Name, time.Time{}, journalLines)
		}
		if u.Exists() {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// judgeJobs makes the findings of services that failed.
func (r *round) judgeJobs(jobs []job) {
	for _, j := range jobs {
		switch {
		case !j.failed():
		case j.Timed:
			r.failed = append(r.failed, j)
		default:
			r.failed = append(r.failed, j)
			f := r.finding(nil, codeJob, verdict{checks.Warning, "its last run failed"}, jobText(j), jobAdvice(j))
			f.Subject = checks.Subject(j.Unit)
		}
	}
}
