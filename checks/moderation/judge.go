package moderation

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// Config is the table [checks.moderation].
type Config struct {
	// Waiting is how long a confirmed sign-up, Report how long a report, Local
	// how long one by somebody of this server, Appeal how long an appeal may
	// wait.
	Waiting checks.Duration `toml:"waiting"`
	Report  checks.Duration `toml:"report"`
	Local   checks.Duration `toml:"local_report"`
	Appeal  checks.Duration `toml:"appeal"`
}

// defaults are the table's (defaults, moderation).
func defaults() Config {
	return Config{
		Waiting: checks.Duration(24 * time.Hour), Report: checks.Duration(24 * time.Hour),
		Local: checks.Duration(12 * time.Hour), Appeal: checks.Duration(3 * 24 * time.Hour),
	}
}

func (c Config) mistake() error {
	var errs []error
	for name, d := range map[string]checks.Duration{"waiting": c.Waiting, "report": c.Report, "local_report": c.Local, "appeal": c.Appeal} {
		if d.Std() < time.Minute {
			errs = append(errs, errors.New(name+": must be a minute or more"))
		}
	}
	return errors.Join(errs...)
}

// Thresholds (defaults, moderation).
const (
	reportCritical = 7 * 24 * time.Hour

	waveFew, waveTimes   = 10, 5  // sign-ups in an hour, times the usual
	waveMany, waveGreats = 50, 10 // the same, critical

	// unattendedAfter: Mastodon itself closes open registrations after a week
	// without a moderator.
	unattendedAfter = 5 * 24 * time.Hour
	flipAfter       = 7 * 24 * time.Hour
	// flipTold is for how long a flip is told (own).
	flipTold = 7 * 24 * time.Hour
)

// The modes of registrations.
const (
	modeOpen     = "open"
	modeApproved = "approved"
)

// modeOf reads the mode out of the YAML that Mastodon writes: "--- open\n".
func modeOf(yaml string) string {
	word := strings.Trim(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(yaml), "---")), `"'`)
	switch word {
	case modeOpen, modeApproved, "none":
		return word
	}
	return ""
}

// judge makes an observation of what was read.
func judge(c Config, domain string, st state, now time.Time) checks.Observation {
	var o checks.Observation
	add := func(f checks.Finding, bad bool) {
		if bad {
			o.Findings = append(o.Findings, f)
		}
	}
	age := func(q queue) time.Duration {
		if q.count == 0 || q.oldest.IsZero() {
			return 0
		}
		return now.Sub(q.oldest)
	}
	add(checks.Finding{
		Code: signups, Severity: checks.Warning, Road: checks.Morning, Text: textSignups(st, age(st.signups)), Advice: adviceSignups(domain),
	}, age(st.signups) > c.Waiting.Std())

	f := checks.Finding{Code: reports, Severity: checks.Warning, Road: checks.Morning, Text: textReports(st, age(st.reports), age(st.localReports)), Advice: adviceReports(domain)}
	if age(st.reports) > reportCritical {
		f.Severity = checks.Critical
	}
	add(f, age(st.reports) > c.Report.Std() || age(st.localReports) > c.Local.Std())

	add(checks.Finding{
		Code: appeals, Severity: checks.Warning, Road: checks.Morning, Text: textAppeals(st.appeals.count, age(st.appeals)), Advice: adviceAppeals(domain),
	}, age(st.appeals) > c.Appeal.Std())

	if severity, holds := waveOf(st); severity > checks.OK {
		f := checks.Finding{Code: burst, Severity: severity, Holds: holds, Road: checks.Now, Text: textBurst(st.hour, st.usual.Mid), Advice: adviceBurst(domain)}
		if severity == checks.Critical {
			f.Harm = now
		}
		add(f, true)
	}
	for _, t := range st.talkers {
		add(checks.Finding{
			Code: strangers, Subject: strconv.FormatInt(t.id, 10), Severity: checks.Warning, Road: checks.Now,
			Text: textTalker(t), Advice: adviceTalker(domain, t.id),
		}, true)
	}
	add(checks.Finding{
		Code: flipped, Severity: checks.Warning, Road: checks.Now, Text: textFlipped(st, now), Advice: adviceFlipped(domain),
	}, !st.flippedAt.IsZero())
	add(checks.Finding{
		Code: unattended, Severity: checks.Warning, Road: checks.Now, Text: textUnattended(st, now), Advice: adviceUnattended(),
		Harm: st.attended.Add(flipAfter),
	}, st.mode == modeOpen && st.moderators > 0 && !st.attended.IsZero() && now.Sub(st.attended) > unattendedAfter)

	o.Measures = []checks.Measure{
		{Name: "signups_waiting", Value: float64(st.signups.count), Unit: checks.Count},
		{Name: "reports_open", Value: float64(st.reports.count), Unit: checks.Count},
	}
	if !st.partial {
		o.Measures = append(o.Measures, checks.Measure{Name: signupRate, Value: float64(st.hour.count), Unit: checks.Count},
			checks.Measure{Name: "appeals_open", Value: float64(st.appeals.count), Unit: checks.Count})
	} else {
		o.Blind = append(o.Blind, checks.Blind{Code: appeals, Why: textPartial(), Mend: advicePartial()})
	}
	o.Summary = textSummary(st, now)
	return o
}

// usualRate is what waves are measured by, one sign-up an hour at least.
func usualRate(usual checks.Band) float64 { return max(usual.Mid, 1) }

// waveOf decides whether the last hour's sign-ups are a wave. Without a usual
// number nothing is one.
func waveOf(st state) (s checks.Severity, holds bool) {
	n, usual := float64(st.hour.count), usualRate(st.usual)
	switch {
	case !st.usualKnown || st.partial:
		return checks.OK, false
	case n >= waveMany && n > waveGreats*usual:
		return checks.Critical, false
	case n >= waveFew && n > waveTimes*usual:
		return checks.Warning, false
	case n >= waveFew/2 && n > waveTimes*usual/2:
		return checks.Warning, true
	}
	return checks.OK, false
}
