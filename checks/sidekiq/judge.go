package sidekiq

import (
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// usual asks for what is normal for a measure now.
type usual func(name, subject string) (checks.Band, bool)

// bounds are how long the oldest job of a queue may wait.
type bounds struct{ warning, critical time.Duration }

// boundsOf are the defaults: what people wait for, what goes to other servers,
// and what nobody waits for. Queues that an admin made, scheduler and fasp are
// like pull (own).
func boundsOf(queue string) bounds {
	switch queue {
	case "default", "ingress", "mailers":
		return bounds{30 * time.Second, 2 * time.Minute}
	case "push":
		return bounds{10 * time.Minute, 30 * time.Minute}
	}
	return bounds{30 * time.Minute, 2 * time.Hour}
}

// stillAfter is how long the counter must have stood for its standing to mean
// anything (own: looks are a minute apart, and may be asked for in between).
const stillAfter = 50 * time.Second

// judge makes an observation of one reading. since is when the counter of what
// was processed last moved.
func judge(r reading, since time.Time, usual usual, h host, now time.Time) checks.Observation {
	var o checks.Observation
	waiting, busy := int64(0), 0
	for _, q := range r.queues {
		waiting += q.length
		o.Measures = append(o.Measures, checks.Measure{Name: "oldest_job", Subject: checks.Subject(q.name), Value: q.age(now).Seconds(), Unit: checks.Seconds})
	}
	living := r.living()
	for _, p := range living {
		busy += p.busy
	}
	for name, v := range map[string]float64{
		"waiting": float64(waiting), "retries": float64(r.retry), "dead": float64(r.dead),
		"processes": float64(len(living)), "busy": float64(busy),
	} {
		o.Measures = append(o.Measures, checks.Measure{Name: name, Value: v, Unit: checks.Count})
	}
	if len(living) == 0 {
		f := checks.Finding{
			Code: codeProcess, Severity: checks.Critical, Road: checks.Now, Harm: now,
			Text: textProcess(r, waiting, now), Advice: adviceProcess(r, h),
		}
		o.Findings = append(o.Findings, f)
		for _, code := range []string{codeScheduler, codeStill} {
			o.Findings = append(o.Findings, held(code, "", f.Text))
		}
	} else {
		o.Findings = append(o.Findings, judgeScheduler(r, h)...)
		o.Findings = append(o.Findings, judgeStill(r, since, h, now)...)
	}
	for _, q := range r.queues {
		o.Findings = append(o.Findings, judgeQueue(r, q, len(living) > 0, usual, h, now)...)
	}
	return o
}

// held keeps what may be open as it is, for a reason that is told elsewhere.
func held(code, subject string, why checks.Text) checks.Finding {
	return checks.Finding{Code: code, Subject: subject, Severity: checks.Warning, Holds: true, Text: why.Headline()}
}

// judgeScheduler finds that the jobs by the clock are made by none, or twice.
func judgeScheduler(r reading, h host) []checks.Finding {
	n := r.servers("scheduler")
	if len(n) == 1 {
		return nil
	}
	return []checks.Finding{{
		Code: codeScheduler, Severity: checks.Critical, Road: checks.Now,
		Text: textScheduler(n), Advice: adviceScheduler(n, h),
	}}
}

// judgeStill finds that jobs wait and none is done, although processes live.
// What waits in queues that nobody serves is told by itself.
func judgeStill(r reading, since time.Time, h host, now time.Time) []checks.Finding {
	waiting := int64(0)
	for _, q := range r.queues {
		if len(r.servers(q.name)) > 0 {
			waiting += q.length
		}
	}
	if waiting == 0 || now.Sub(since) < stillAfter {
		return nil
	}
	return []checks.Finding{{
		Code: codeStill, Severity: checks.Critical, Road: checks.Now, Harm: now,
		Text: textStill(r, waiting, since), Advice: adviceStill(h),
	}}
}

// judgeQueue finds a queue that nobody serves, or whose oldest job waits too
// long.
func judgeQueue(r reading, q queue, anyLives bool, usual usual, h host, now time.Time) []checks.Finding {
	var out []checks.Finding
	subject := checks.Subject(q.name)
	served := len(r.servers(q.name)) > 0
	switch {
	case served:
	case !anyLives, q.name == "scheduler":
		// Told already: no process lives, or not exactly one makes those jobs.
		out = append(out, held(codeUnserved, subject, textUnserved(q, now)))
	default:
		f := checks.Finding{
			Code: codeUnserved, Subject: subject, Severity: checks.Critical, Road: checks.Now, Harm: now,
			Text: textUnserved(q, now), Advice: adviceUnserved(q, h),
		}
		if q.length == 0 { // nobody waits yet (own)
			f.Severity, f.Road, f.Harm = checks.Warning, checks.Morning, time.Time{}
		}
		out = append(out, f)
	}
	band, known := usual("oldest_job", subject)
	if !known {
		band = checks.Band{}
	}
	severity, holds := judgeAge(q.age(now), boundsOf(q.name), band)
	if severity == checks.OK {
		return out
	}
	f := checks.Finding{
		Code: codeLatency, Subject: subject, Severity: severity, Holds: holds || !served, Road: checks.Morning,
		Text: textLatency(r, q, band, now), Advice: adviceLatency(q, h),
	}
	if severity == checks.Critical {
		f.Road, f.Harm = checks.Now, now
	}
	return append(out, f)
}

// judgeAge decides on how long the oldest job waits. Where waiting is usual,
// the lower bound is three times the usual, but never above the upper one; half
// a bound holds (own).
func judgeAge(age time.Duration, b bounds, normal checks.Band) (s checks.Severity, holds bool) {
	warning := min(max(b.warning, time.Duration(3*normal.High*float64(time.Second))), b.critical)
	switch {
	case age > b.critical:
		return checks.Critical, false
	case age > warning:
		return checks.Warning, false
	case age > warning/2:
		return checks.Warning, true
	}
	return checks.OK, false
}

const (
	failedAbove = 0.10 // of what was worked on in an hour (defaults)
	failedHolds = 0.08 // own
	failedLeast = 100  // jobs in an hour that a share needs (own)
	deadAbove   = 0.01 // of what was worked on in an hour (defaults)
	deadLeast   = 10   // own: one broken picture is no event
	hostAbove   = 0.30 // of the retries (defaults)
	hostHolds   = 0.20 // own
	hostLeast   = 100  // retries that a share needs (own)
	growthLeast = 500  // retries more in an hour (own)
	growthTimes = 3    // times the usual growth (own)
)

// judgeInside judges what waits for another try, what was given up and what
// runs.
func judgeInside(r reading, in inside, marks []mark, usual usual, h host, now time.Time) []checks.Finding {
	var out []checks.Finding
	hr := lastHour(marks, r, now)
	if !hr.known {
		for _, code := range []string{codeFailed, codeDead, codeRetries} {
			out = append(out, held(code, "", textNoHour()))
		}
	}
	if share := hr.failedShare(); hr.known && hr.processed >= failedLeast && share > failedHolds {
		out = append(out, checks.Finding{
			Code: codeFailed, Severity: checks.Warning, Holds: share <= failedAbove, Road: checks.Morning,
			Text: textFailed(hr, in.retries.fresh(now)), Advice: adviceJobs(h, "retries"),
		})
	}
	if n := float64(r.deadHour); hr.known && n >= deadLeast && n > deadAbove*hr.processed {
		out = append(out, checks.Finding{
			Code: codeDead, Severity: checks.Warning, Road: checks.Morning,
			Text: textDead(r, hr, in.dead.fresh(now)), Advice: adviceJobs(h, "morgue"),
		})
	}
	if band, ok := usual("retry_growth", ""); ok && hr.known && hr.retries > growthLeast && hr.retries > growthTimes*band.High {
		out = append(out, checks.Finding{
			Code: codeRetries, Severity: checks.Warning, Road: checks.Morning,
			Text: textRetries(r, hr, band, in.retries.fresh(now)), Advice: adviceJobs(h, "retries"),
		})
	}
	if r.retry >= hostLeast {
		for _, g := range in.retries.by(job.host) {
			share := float64(g.n) / float64(len(in.retries))
			if g.name == "" || share <= hostHolds {
				continue
			}
			out = append(out, checks.Finding{
				Code: codeHost, Subject: g.name, Severity: checks.Warning, Holds: share <= hostAbove, Road: checks.Morning,
				Text: textHost(r, g, share, in.retries), Advice: adviceHost(g.name, h),
			})
		}
	}
	return append(out, judgeRunning(in.running, h, now)...)
}

// Jobs that run longer than this (defaults; the longest belong to pull, and the
// nightly cleaning deletes many thousands of files: own).
const (
	runningLong    = 30 * time.Minute
	runningLongest = 6 * time.Hour
)

func judgeRunning(running []run, h host, now time.Time) []checks.Finding {
	oldest := map[string]run{}
	var classes []string
	for _, x := range running {
		bound := runningLongest
		if slices.Contains(everyQueue, x.queue) && x.queue != "pull" && x.class != "Scheduler::VacuumScheduler" {
			bound = runningLong
		}
		if x.began.IsZero() || now.Sub(x.began) <= bound {
			continue
		}
		if o, ok := oldest[x.class]; !ok {
			classes = append(classes, x.class)
			oldest[x.class] = x
		} else if x.began.Before(o.began) {
			oldest[x.class] = x
		}
	}
	slices.Sort(classes)
	var out []checks.Finding
	for _, class := range classes[:min(len(classes), 5)] {
		x := oldest[class]
		out = append(out, checks.Finding{
			Code: codeRunning, Subject: class, Severity: checks.Warning, Road: checks.Morning,
			Text: textRunning(x), Advice: adviceRunning(h),
		})
	}
	return out
}
