package sidekiq

import (
	"cmp"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A host is what the commands and addresses in an advice are made of.
type host struct {
	found  site.Found
	domain string
}

// units are Mastodon's own name for the unit, and what admins call theirs who
// split it. A pattern alone leaves out those that do not run, and systemctl says
// nothing of it: --all takes them in.
const units = "mastodon-sidekiq*"

// status shows the processes, restart starts them anew.
func (h host) status() checks.Shell {
	if h.found.Compose != "" {
		return h.compose("ps", "sidekiq")
	}
	return checks.Sh("systemctl", "status", "--all", units)
}

func (h host) restart() []checks.Shell {
	if h.found.Compose != "" {
		return []checks.Shell{h.compose("restart", "sidekiq")}
	}
	return []checks.Shell{checks.Sh("sudo", "systemctl", "restart", "--all", units)}
}

func (h host) log() checks.Shell {
	if h.found.Compose != "" {
		return h.compose("logs", "--tail", "50", "sidekiq")
	}
	return checks.Sh("sudo", "journalctl", "-u", units, "-n", "50", "--no-pager")
}

func (h host) compose(words ...string) checks.Shell {
	return checks.Written(append([]string{"sudo", "docker", "compose", "--project-directory", h.found.Compose}, words...)...)
}

func adviceNoSidekiq() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "If Sidekiq's Redis is another, set [server] sidekiq_redis_url; with Mastodon up to 4.3 and REDIS_NAMESPACE, redis_namespace.",
		Ja: "SidekiqのRedisが別にある場合は、[server] のsidekiq_redis_urlを設定してください。Mastodon 4.3以前でREDIS_NAMESPACEを使っている場合は、redis_namespaceを設定してください。",
	}}
}

func adviceProcess(r reading, h host) checks.Advice {
	a := checks.Advice{Look: h.status(), Mend: h.restart()}
	for _, p := range r.processes {
		if p.there && p.quiet {
			a.Text = checks.Text{
				En: "A quiet process never takes jobs again; it has to be restarted.",
				Ja: "停止準備（quiet）に入ったプロセスは元に戻りません。再起動が必要です。",
			}
		}
	}
	return a
}

func adviceUnserved(q queue, h host) checks.Advice {
	text := checks.Text{
		En: "Add it to a process: in ExecStart of its unit (or the command of its container) each queue is written as -q NAME.",
		Ja: "いずれかのプロセスに追加してください。ユニットのExecStart（コンテナならcommand）に「-q キュー名」で指定します。",
	}
	if q.name == "ingress" || q.name == "fasp" {
		since := map[string]string{"ingress": "4.0", "fasp": "4.4"}[q.name]
		text = checks.Text{
			En: text.En + " This queue came with Mastodon " + since + ".",
			Ja: text.Ja + "このキューはMastodon " + since + "で増えました。",
		}
	}
	if h.found.Compose != "" {
		return checks.Advice{Text: text, Look: h.compose("config")}
	}
	return checks.Advice{Text: text, Look: checks.Sh("systemctl", "cat", units)}
}

func adviceScheduler(makers []process, h host) checks.Advice {
	if len(makers) == 0 {
		return adviceUnserved(queue{name: "scheduler"}, h)
	}
	a := adviceUnserved(queue{name: "scheduler"}, h)
	a.Text = checks.Text{
		En: "Leave -q scheduler in the unit (or container) of one process alone.",
		Ja: "「-q scheduler」の指定は、1つのプロセスだけに残してください。",
	}
	return a
}

func adviceStill(h host) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "See what it waits for before you restart it: the database, Redis, or a job that hangs (" + h.adminPage("/sidekiq/busy") + ").",
			Ja: "再起動の前に、何を待っているか（データベース、Redis、終わらないジョブ）を確かめてください（" + h.adminPage("/sidekiq/busy") + "）。",
		},
		Look: h.log(), Mend: h.restart(),
	}
}

func adviceLatency(q queue, h host) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "What waits there: " + h.adminPage("/sidekiq/queues/"+plainQueue(q.name)) + ". See whether one kind of job or one server fills it; more threads help only while the database keeps up.",
			Ja: "待っているジョブ: " + h.adminPage("/sidekiq/queues/"+plainQueue(q.name)) + " 特定の種類や宛先が溜めていないか確かめてください。スレッドを増やしてよいのは、データベースに余力がある場合だけです。",
		},
		Look: h.status(),
	}
}

// plainQueue is the name of a queue in an address.
func plainQueue(name string) string {
	if jobName.MatchString(name) {
		return name
	}
	return ""
}

// adviceJobs leads to a page of Sidekiq's own.
func adviceJobs(h host, page string) checks.Advice {
	at := h.adminPage("/sidekiq/" + page)
	return checks.Advice{
		Text: checks.Text{En: "Each with its error: " + at, Ja: "エラーの一覧: " + at},
		Look: h.log(),
	}
}

func adviceHost(name string, h host) checks.Advice {
	at := h.adminPage("/admin/instances/" + name)
	return checks.Advice{Text: checks.Text{
		En: "They are tried again by themselves for about two days. If that server is gone, stop delivery to it: " + at,
		Ja: "約2日間は自動で再試行されます。相手のサーバーがなくなっている場合は、配送を停止してください: " + at,
	}}
}

func adviceRunning(h host) checks.Advice {
	at := h.adminPage("/sidekiq/busy")
	return checks.Advice{
		Text: checks.Text{
			En: "What runs: " + at + ". A restart breaks it off, and it begins anew.",
			Ja: "実行中のジョブ: " + at + " 再起動すると中断され、最初からやり直しになります。",
		},
		Look: h.log(), Mend: h.restart(),
	}
}

func adviceOff(h host) checks.Advice {
	at := h.adminPage("/sidekiq/recurring-jobs")
	return checks.Advice{Text: checks.Text{
		En: "It can be switched on again here: " + at,
		Ja: "ここで再び有効にできます: " + at,
	}}
}

func adviceLate(h host) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "If the log does not say why, a restart of the process that serves the queue scheduler begins all of them anew.",
			Ja: "ログに理由がなければ、schedulerキューを担当するプロセスを再起動してください。定期実行が最初から始まります。",
		},
		Look: h.log(), Mend: h.restart(),
	}
}

func adviceView(h host) checks.Advice {
	psql := func(sql string) checks.Shell {
		return checks.Sh("sudo", "-u", "postgres", "psql", "-d", cmp.Or(h.found.Settings["DB_NAME"], "mastodon_production"), "-c", sql)
	}
	if h.found.Compose != "" {
		return checks.Advice{Look: h.log()}
	}
	return checks.Advice{Look: h.log(), Mend: []checks.Shell{psql("refresh materialized view concurrently instances")}}
}

func adviceUpdates(h host) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Mastodon asks api.joinmastodon.org; see whether the server may reach it.",
			Ja: "Mastodonは api.joinmastodon.org に問い合わせます。サーバーから接続できるか確かめてください。",
		},
		Look: checks.Sh("curl", "-sSI", "https://api.joinmastodon.org/update-check"),
	}
}
