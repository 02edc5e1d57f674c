package sidekiq

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	h := host{domain: "example.social"}
	boxed := host{domain: "example.social", found: site.Found{Compose: "/opt/mastodon"}}
	worker := process{id: "web1:1204:8f3a", threads: 25, busy: 25, queues: []string{"default", "push", "ingress", "mailers", "pull", "scheduler"}, there: true}
	second := worker
	second.id, second.busy = "web1:1391:02cc", 18
	quiet := worker
	quiet.quiet = true
	waiting := queue{name: "default", length: 8210, oldest: ago(4 * time.Minute)}
	full := reading{used: true, retry: 1902, dead: 4120, deadHour: 310, processes: []process{worker, second}, queues: []queue{waiting, {name: "push", length: 12, oldest: ago(time.Second)}}}
	calm := reading{used: true, retry: 214, dead: 12, processes: []process{worker}, queues: []queue{{name: "default"}}}
	usualBand := checks.Band{Low: 0.1, Mid: 0.3, High: 0.8, Days: 20}
	hour := hourly{known: true, processed: 48210, failed: 9120, retries: 1410}
	failing := func(n int, class, failure, message string) sample {
		return slices.Repeat(sample{{class: class, failure: failure, message: message}}, n)
	}
	one := failing(10, "ActivityPub::DeliveryWorker", "HTTP::TimeoutError", "execution expired on https://other.example/inbox")
	mixed := append(failing(6, "ActivityPub::DeliveryWorker", "Mastodon::UnexpectedResponseError", "https://other.example/inbox returned code 503"), failing(4, "ActionMailer::MailDeliveryJob", "Net::SMTPAuthenticationError", "535")...)

	say := checkstest.Say
	said := []checkstest.Said{
		say("no process, nothing waits", textProcess(reading{}, 0, now), adviceProcess(reading{}, h)),
		say("no process, one job waits", textProcess(reading{queues: []queue{waiting}}, 1, now), adviceProcess(reading{}, boxed)),
		say("all quiet", textProcess(reading{processes: []process{quiet}, queues: []queue{waiting}}, 8210, now), adviceProcess(reading{processes: []process{quiet}}, h)),
		say("nobody serves scheduler", textScheduler(nil), adviceScheduler(nil, h)),
		say("two serve scheduler", textScheduler([]process{worker, second}), adviceScheduler([]process{worker, second}, h)),
		say("stands still", textStill(full, 8210, ago(12*time.Minute)), adviceStill(h)),
		say("late", textLatency(full, waiting, usualBand, now), adviceLatency(waiting, h)),
		say("late, no usual number, a queue of the admin's", textLatency(full, queue{name: "import nightly", length: 1, oldest: ago(40 * time.Minute)}, checks.Band{}, now), adviceLatency(queue{name: "import nightly"}, boxed)),
	}
	for _, name := range []string{"default", "push", "ingress", "mailers", "pull", "scheduler", "fasp", "mine"} {
		q := queue{name: name, length: 120, oldest: ago(9 * time.Minute)}
		said = append(said, say("unserved: "+name, textUnserved(q, now), adviceUnserved(q, h)), say("late: "+name, textLatency(full, q, usualBand, now)))
	}
	said = append(
		said,
		say("unserved, nothing waits", textUnserved(queue{name: "mailers"}, now), adviceUnserved(queue{name: "mailers"}, boxed)),
		say("many fail", textFailed(hour, one), adviceJobs(h, "retries")),
		say("many fail, no sample", textFailed(hour, nil), adviceJobs(h, "retries")),
		say("dead", textDead(full, hour, mixed), adviceJobs(h, "morgue")),
		say("retries", textRetries(full, hour, checks.Band{High: 300}, mixed), adviceJobs(h, "retries")),
		say("one server", textHost(full, group{"other.example", 6}, 0.61, mixed), adviceHost("other.example", h)),
		say("one server, all of a few", textHost(reading{retry: 10}, group{"other.example", 10}, 1, one)),
		say("a job runs for long", textRunning(run{class: "Scheduler::VacuumScheduler", queue: "scheduler", process: "web1:1204:8f3a", began: ago(5 * time.Hour)}), adviceRunning(h)),
		say("late by the clock", textLate(scheduled{name: "scheduled_statuses_scheduler", period: 5 * time.Minute, last: ago(3 * time.Hour)}, now), adviceLate(h)),
		say("late by the clock, a daily one", textLate(scheduled{name: "vacuum_scheduler", period: 24 * time.Hour, last: ago(51 * time.Hour)}, now), adviceLate(h)),
		say("never by the clock", textLate(scheduled{name: "trends_refresh_scheduler", period: 5 * time.Minute}, now), adviceLate(boxed)),
	)
	names := slices.Sorted(maps.Keys(consequences))
	var late []scheduled
	for _, n := range names {
		said = append(said, say("switched off: "+n, textOff(scheduled{name: n}), adviceOff(h)))
		late = append(late, scheduled{name: n, last: ago(26 * time.Hour)})
	}
	said = append(
		said,
		say("many late by the clock", textManyLate(late, now), adviceLate(h)),
		say("three late by the clock", textManyLate(late[:3], now), adviceLate(h)),
		say("planned posts", textOverdue(4, ago(2*time.Hour)), adviceLate(h)),
		say("a planned post", textOverdue(1, ago(2*time.Hour)), adviceLate(h)),
		say("the view of servers", textView(34), adviceView(h)),
		say("the view of servers, one", textView(1), adviceView(boxed)),
		say("updates", textUpdates("4.6.5"), adviceUpdates(h)),
		say("unseen: no time", textNoTime()),
		say("unseen: another Redis", textNoSidekiq(), adviceNoSidekiq()),
		say("unseen: no hour", textNoHour()),
		say("summary", summary(calm, func(string, string) (checks.Band, bool) { return usualBand, true }, textHour(hourly{processed: 48210, failed: 410}), now)),
		say("summary, late", summary(full, func(string, string) (checks.Band, bool) { return checks.Band{}, false }, textNoHour(), now)),
		say("summary, no process", summary(reading{}, nil, checks.Text{}, now)),
	)
	reasonsFor := func(failure string) checks.Text {
		return reasons(failing(10, "LinkCrawlWorker", failure, ""))
	}
	for _, c := range causes {
		said = append(said, say("summary of a sample: "+c.classes[0], reasonsFor(c.classes[0])))
	}
	said = append(
		said,
		say("summary of a sample: an answer", reasons(mixed)),
		say("summary of a sample: another class", reasonsFor("KeyError")),
		say("summary of a sample: none", reasons(failing(2, "", "", ""))),
	)
	for _, w := range works {
		said = append(said, say("summary of a job: "+w.prefix, jobText(w.prefix)))
	}
	checkstest.Texts(t, "sidekiq", said...)
}
