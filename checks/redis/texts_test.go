package redis

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestTexts(t *testing.T) {
	const gb = float64(1 << 30)
	now := checkstest.TextsNow
	stamp := func(d time.Duration) string { return fmt.Sprint(now.Add(-d).Unix()) }
	with := func(subject string, info ...string) reading {
		r := reading{subject: subject, jobs: subject != baseSubject, place: "127.0.0.1:6379", local: true, took: 300 * time.Microsecond, info: map[string]string{
			"used_memory": fmt.Sprint(1.2 * gb), "redis_version": "7.0.15", "rdb_last_save_time": stamp(4 * time.Minute),
			"rdb_changes_since_last_save": "48120", "maxmemory": fmt.Sprint(1.5 * gb), "maxmemory_policy": "allkeys-lru",
		}}
		for i := 0; i+1 < len(info); i += 2 {
			r.info[info[i]] = info[i+1]
		}
		return r
	}
	only, base, jobs := with(""), with(baseSubject), with(jobsSubject)
	m := machine{proc: t.TempDir(), root: t.TempDir()}
	boxed := machine{found: site.Found{Compose: "/opt/mastodon"}, proc: m.proc, root: m.root}
	refusing := with("")
	refusing.refusal = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."
	full := with(baseSubject)
	full.refusal = "MISCONF Errors writing to the AOF file: No space left on device"
	denied := with(jobsSubject)
	denied.refusal = "MISCONF Errors writing to the AOF file: Permission denied"
	remote := with("")
	remote.local, remote.place = false, "10.0.0.7:6379"
	slow := with("")
	slow.took = 340 * time.Millisecond
	loading := with("", "loading", "1", "loading_loaded_perc", "42.5", "loading_eta_seconds", "95")
	fresh := with("", "loading", "1")
	replica := with("", "master_host", "203.0.113.9", "master_port", "6379", "master_link_status", "down")
	fed := with(jobsSubject, "master_host", "10.0.0.7", "master_port", "6379", "master_link_status", "up")
	usual := checks.Band{Low: 0.8 * gb, Mid: 0.9 * gb, High: gb, Days: 20}
	past := &checkstest.Past{Bands: map[checkstest.Series]checks.Band{{Name: "used_bytes"}: usual}}

	say := checkstest.Say
	checkstest.Texts(
		t, "redis",
		say("does not run", textSilent(only, site.NotThere, false), adviceSilent(only, site.NotThere, m)),
		say("does not run, in containers", textSilent(only, site.NotThere, false), adviceSilent(only, site.NotThere, boxed)),
		say("the base one does not answer", textSilent(base, site.Silent, false), adviceSilent(base, site.Silent, m)),
		say("Sidekiq's has no connection left", textSilent(jobs, site.Full, false), adviceSilent(jobs, site.Full, m)),
		say("hangs up, elsewhere", textSilent(remote, site.Odd, true), adviceSilent(remote, site.Odd, m)),
		say("is starting", textSilent(only, site.Starting, false)),
		say("loading", textLoading(loading, now), adviceLog(m, true)),
		say("loading, no numbers", textLoading(fresh, now), adviceLog(boxed, true)),
		say("refuses writes", textWrites(refusing, m, false), adviceWrites(refusing, m, false)),
		say("refuses writes, the disk is full", textWrites(full, m, true), adviceWrites(full, m, true)),
		say("refuses writes, for another reason", textWrites(denied, m, true), adviceWrites(denied, m, true)),
		say("could not save", textWrites(jobs, m, false), adviceWrites(jobs, m, false)),
		say("could not shorten its file", textRewrite(with("", "aof_current_size", fmt.Sprint(9*gb))), adviceRewrite(only, m)),
		say("nothing saved", textSaved(only, now.Add(-7*time.Hour)), adviceSaved(only, m)),
		say("a replica of an unknown one", textRole(replica), adviceRole(replica, m)),
		say("a replica", textRole(fed), adviceRole(fed, m)),
		say("memory: full", textMemory(only, 1.5*gb, 1.5*gb, true, true, usual), adviceMemory(only, m, true)),
		say("memory: near its own limit", textMemory(jobs, 1.4*gb, 1.5*gb, true, false, usual), adviceMemory(jobs, m, true)),
		say("memory: of the machine", textMemory(only, 2.6*gb, 3.8*gb, false, false, checks.Band{}), adviceMemory(only, m, false)),
		say("throws data away", textEviction(only, true, 4812, now.Add(-26*time.Hour)), adviceEviction(only, m)),
		say("may throw data away, some keys", textEviction(with(jobsSubject, "maxmemory_policy", "volatile-lru"), false, 0, now), adviceEviction(jobs, m)),
		say("may throw data away, the base one", textEviction(base, true, 0, now), adviceEviction(base, boxed)),
		say("slow", textSlow(slow), adviceSlow(slow, m)),
		say("connections", textClients(only, 9600, 10000), adviceClients(only, m)),
		say("unseen: left out", textUnsaid(only)),
		say("unseen: no time", textNoTime()),
		say("summary, one", summary([]seen{{reading: only}}, past, now)),
		say("summary, two", summary([]seen{{reading: base}, {reading: with(jobsSubject, "aof_enabled", "1")}}, &checkstest.Past{}, now)),
		say("summary, saving fails", summary([]seen{{reading: refusing}}, past, now)),
		say("summary, all saved", summary([]seen{{reading: with("", "rdb_changes_since_last_save", "0")}}, past, now)),
		say("summary, loading", summary([]seen{{reading: loading}}, past, now)),
		say("summary, no answer", summary([]seen{{reading: only, err: &checks.Unseen{Why: checks.Text{En: "Redis at 127.0.0.1:6379 does not answer in time", Ja: "Redis（127.0.0.1:6379）から時間内に応答がありません"}, Err: errors.New("timeout")}}}, past, now)),
	)
}
