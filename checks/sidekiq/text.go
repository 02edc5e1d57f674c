package sidekiq

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// queueName is a queue inside a sentence.
func queueName(name string) checks.Text { return checks.Named(name, 40) }

// noProgress is what users notice while no job is done.
func noProgress() checks.Text {
	return checks.Text{
		En: "Posts, notifications and mail wait: nothing is delivered, home timelines stand still.",
		Ja: "投稿の配送、通知、メールが止まり、ホームタイムラインも更新されません。",
	}
}

// waitingText is "1 job waits", "1,204 jobs wait", 「待機1,204件」.
func waitingText(n int64) checks.Text {
	k := checks.Number(n)
	en := k.En + " jobs wait"
	if n == 1 {
		en = "1 job waits"
	}
	return checks.Text{En: en, Ja: "待機" + k.Ja + "件"}
}

// purpose is what users notice when a queue is not worked off.
func purpose(queue string) checks.Text {
	switch queue {
	case "default":
		return checks.Text{
			En: "Home timelines and notifications are late.",
			Ja: "ホームタイムラインや通知が遅れます。",
		}
	case "push":
		return checks.Text{
			En: "Posts from here reach other servers late.",
			Ja: "ここからの投稿が他サーバーに届くのが遅れます。",
		}
	case "ingress":
		return checks.Text{
			En: "Posts from other servers arrive late.",
			Ja: "他サーバーの投稿が届くのが遅れます。",
		}
	case "mailers":
		return checks.Text{
			En: "Mail is late, confirmations and sign-in codes among it.",
			Ja: "確認メールやログイン用のコードなど、メールが遅れます。",
		}
	case "pull":
		return checks.Text{
			En: "Imports, threads and media from elsewhere, and deletions are late.",
			Ja: "インポート、他サーバーのスレッドやメディアの取得、削除処理が遅れます。",
		}
	case "scheduler":
		return checks.Text{
			En: "Scheduled work is late: scheduled posts, trends, cleaning up.",
			Ja: "予約投稿、トレンド、掃除などの定期処理が遅れます。",
		}
	case "fasp":
		return checks.Text{
			En: "Services for search and recommendations (FASP) get no answer.",
			Ja: "外部の検索・おすすめサービス（FASP）との連携が止まります。",
		}
	}
	return checks.Text{}
}

func textNoTime() checks.Text {
	return checks.Text{En: "there was no time left to ask Redis", Ja: "Redisに問い合わせる時間がありませんでした"}
}

func textNoSidekiq() checks.Text {
	return checks.Text{
		En: "Sidekiq has never been in this Redis: it is probably another one",
		Ja: "このRedisにはSidekiqのデータがありません（別のRedisを使っていると思われます）",
	}
}

func textProcess(r reading, waiting int64, now time.Time) checks.Text {
	head := checks.Text{En: "no Sidekiq process runs", Ja: "Sidekiqのプロセスが動いていません"}
	quiet := 0
	for _, p := range r.processes {
		if p.there && p.quiet {
			quiet++
		}
	}
	if quiet > 0 {
		head = checks.Text{
			En: "Sidekiq takes no jobs: every process is quiet, as before a stop",
			Ja: "Sidekiqが新しいジョブを受け付けていません（全プロセスが停止準備中）",
		}
	}
	line := waitingText(waiting)
	var oldest time.Time
	for _, q := range r.queues {
		if !q.oldest.IsZero() && (oldest.IsZero() || q.oldest.Before(oldest)) {
			oldest = q.oldest
		}
	}
	if waiting > 0 && !oldest.IsZero() && now.After(oldest) {
		line = checks.Text{
			En: line.En + ", the oldest for " + checks.Ago(oldest) + ".",
			Ja: line.Ja + "、最も古いものは" + checks.Ago(oldest) + "待っています。",
		}
	} else {
		line = checks.Text{En: line.En + ".", Ja: line.Ja + "です。"}
	}
	return checks.Lines(head, noProgress(), line)
}

func textScheduler(makers []process) checks.Text {
	if len(makers) == 0 {
		return checks.Lines(
			checks.Text{
				En: "no Sidekiq process serves the queue scheduler",
				Ja: "schedulerキューを担当するSidekiqプロセスがありません",
			},
			checks.Text{
				En: "No scheduled work is done: scheduled posts do not appear, trends stand still, old media are not deleted and fill the disk.",
				Ja: "定期処理がすべて止まります。予約投稿は出ず、トレンドは更新されず、古いメディアが消えないためディスクが埋まっていきます。",
			},
		)
	}
	var names []string
	for _, p := range makers[:min(len(makers), 4)] {
		names = append(names, checks.Shorten(checks.QuoteName(p.id), 40))
	}
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%d Sidekiq processes serve the queue scheduler; it must be one", len(makers)),
			Ja: fmt.Sprintf("schedulerキューを%d個のSidekiqプロセスが担当しています（1個だけにします）", len(makers)),
		},
		checks.Text{
			En: "Scheduled jobs can run twice at the same time. They are: " + strings.Join(names, ", ") + ".",
			Ja: "定期処理が二重に動くことがあります。担当: " + strings.Join(names, "、"),
		},
	)
}

func textStill(r reading, waiting int64, since time.Time) checks.Text {
	busy, threads := 0, 0
	for _, p := range r.living() {
		busy, threads = busy+p.busy, threads+p.threads
	}
	n := waitingText(waiting)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("Sidekiq stands still: %s, none was done for %s", n.En, checks.Ago(since)),
			Ja: fmt.Sprintf("Sidekiqが止まっています（%s、%s間ひとつも処理していません）", n.Ja, checks.Ago(since)),
		},
		noProgress(),
		checks.Text{
			En: fmt.Sprintf("Processes run: %d, threads busy: %d of %d.", len(r.living()), busy, threads),
			Ja: fmt.Sprintf("プロセスは%d個動いており、実行中のスレッドは%d／%dです。", len(r.living()), busy, threads),
		},
	)
}

func textUnserved(q queue, now time.Time) checks.Text {
	n := queueName(q.name)
	head := checks.Text{
		En: "no Sidekiq process serves the queue " + n.En,
		Ja: n.Ja + "キューを担当するSidekiqプロセスがありません",
	}
	if q.length == 0 {
		return checks.Lines(head, purposeNever(q.name))
	}
	k := waitingText(q.length)
	head = checks.Text{En: head.En + ": " + k.En, Ja: head.Ja + "（" + k.Ja + "）"}
	age := checks.Text{}
	if a := q.age(now); a > 0 {
		age = checks.Text{
			En: "The oldest has waited for " + checks.Ago(q.oldest) + ".",
			Ja: "最も古いものは" + checks.Ago(q.oldest) + "待っています。",
		}
	}
	return checks.Lines(head, purposeNever(q.name), age)
}

// purposeNever is what users notice when a queue is not served at all.
func purposeNever(queue string) checks.Text {
	switch queue {
	case "default":
		return checks.Text{En: "Home timelines and notifications stand still.", Ja: "ホームタイムラインや通知が止まります。"}
	case "push":
		return checks.Text{En: "Posts from here do not reach other servers.", Ja: "ここからの投稿が他サーバーに届きません。"}
	case "ingress":
		return checks.Text{En: "Posts from other servers do not arrive.", Ja: "他サーバーの投稿が届きません。"}
	case "mailers":
		return checks.Text{
			En: "No mail is sent: nobody can confirm an address or reset a password.",
			Ja: "メールが送られず、新規登録の確認もパスワードの再設定もできません。",
		}
	case "pull":
		return checks.Text{
			En: "Imports, threads and media from elsewhere, and deletions are not done.",
			Ja: "インポート、他サーバーのスレッドやメディアの取得、削除処理が行われません。",
		}
	}
	return purpose(queue)
}

func textLatency(r reading, q queue, normal checks.Band, now time.Time) checks.Text {
	n, age, k := queueName(q.name), checks.Span(q.age(now)), waitingText(q.length)
	u := checks.Text{}
	if normal.Days > 0 {
		u = ageText(normal.High)
		u = checks.Text{En: ", usually up to " + u.En, Ja: "、普段は" + u.Ja + "まで"}
	}
	lines := []checks.Text{
		{
			En: fmt.Sprintf("jobs in the queue %s wait for %s", n.En, age.En),
			Ja: fmt.Sprintf("%sキューが遅れています（%s待ち%s）", n.Ja, age.Ja, u.Ja),
		},
		purpose(q.name),
	}
	lines[0].En += u.En
	busy, threads := 0, 0
	for _, p := range r.servers(q.name) {
		busy, threads = busy+p.busy, threads+p.threads
	}
	return checks.Lines(append(lines, checks.Text{
		En: fmt.Sprintf("%s there; threads busy: %d of %d.", k.En, busy, threads),
		Ja: fmt.Sprintf("%s、実行中のスレッドは%d／%dです。", k.Ja, busy, threads),
	})...)
}

// ageText is an age as people say it of a queue; never below a second.
func ageText(s float64) checks.Text {
	if s < 1 {
		return checks.Text{En: "1 s", Ja: "1秒"}
	}
	return checks.Span(time.Duration(s * float64(time.Second)))
}

func textFailed(h hourly, s sample) checks.Text {
	share := checks.Percent(h.failedShare())
	f, p := checks.Number(int64(h.failed)), checks.Number(int64(h.processed))
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s of the jobs failed in the last hour (%s of %s)", share.En, f.En, p.En),
			Ja: fmt.Sprintf("この1時間でジョブの%sが失敗しています（%s／%s件）", share.Ja, f.Ja, p.Ja),
		},
		checks.Text{
			En: "Most are tried again later; each try takes time from the others.",
			Ja: "多くはあとで再試行されますが、その分ほかの処理が遅れます。",
		},
		reasons(s),
	)
}

func textDead(r reading, h hourly, s sample) checks.Text {
	n, p, all := checks.Number(r.deadHour), checks.Number(int64(h.processed)), checks.Number(r.dead)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s jobs were given up in the last hour", n.En),
			Ja: fmt.Sprintf("この1時間でジョブ%s件が再試行を打ち切られました（デッド）", n.Ja),
		},
		checks.Text{
			En: fmt.Sprintf("They are not tried again by themselves. %s were worked on in that time; %s lie dead in all.", p.En, all.En),
			Ja: fmt.Sprintf("自動では再試行されません。同じ時間に処理したのは%s件、デッドは合計%s件です。", p.Ja, all.Ja),
		},
		reasons(s),
	)
}

func textRetries(r reading, h hourly, usual checks.Band, s sample) checks.Text {
	n, all, u := checks.Number(int64(h.retries)), checks.Number(r.retry), checks.Number(int64(max(usual.High, 0)))
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s more jobs wait for another try than an hour ago (usually up to %s)", n.En, u.En),
			Ja: fmt.Sprintf("再試行待ちが1時間で%s件増えました（普段は%s件まで）", n.Ja, u.Ja),
		},
		checks.Text{
			En: all.En + " wait in all. What they were to do is late.",
			Ja: "合計" + all.Ja + "件です。その分の処理が遅れています。",
		},
		reasons(s),
	)
}

func textHost(r reading, g group, share float64, s sample) checks.Text {
	name := checks.Shorten(checks.QuoteName(g.name), 50)
	p, all := checks.Percent(share), checks.Number(r.retry)
	approximately := checks.Text{}
	if int64(len(s)) < r.retry {
		approximately = checks.Text{En: "about ", Ja: "約"}
	}
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s%s of the jobs that fail are for %s", approximately.En, p.En, name),
			Ja: fmt.Sprintf("再試行の%s%sが %s 宛てです", approximately.Ja, p.Ja, name),
		},
		checks.Text{
			En: fmt.Sprintf("Posts from here reach that server late or never. %s jobs wait for another try.", all.En),
			Ja: fmt.Sprintf("ここからの投稿がそのサーバーに届かないか、遅れます。再試行待ちは全部で%s件です。", all.Ja),
		},
		reasons(s.only(func(j job) bool { return j.host() == g.name })),
	)
}

func textRunning(x run) checks.Text {
	what, queue := jobText(x.class), queueName(x.queue)
	on := checks.Shorten(checks.QuoteName(x.process), 50)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("a job has been running for %s: %s", checks.Ago(x.began), what.En),
			Ja: fmt.Sprintf("ジョブが%sたっても終わりません: %s", checks.Ago(x.began), what.Ja),
		},
		checks.Text{
			En: fmt.Sprintf("It holds a thread that the queue %s lacks. It runs in %s.", queue.En, on),
			Ja: fmt.Sprintf("%sキューのスレッドを1本占有しています（プロセス %s）。", queue.Ja, on),
		},
	)
}

func textNoHour() checks.Text {
	return checks.Text{En: "there is no hour yet to compare with", Ja: "比較できる1時間分の記録がまだありません"}
}

func textHour(h hourly) checks.Text {
	p, f := checks.Number(int64(h.processed)), checks.Percent(h.failedShare())
	return checks.Text{En: p.En + " done in an hour, " + f.En + " failed", Ja: "1時間の処理" + p.Ja + "件（失敗" + f.Ja + "）"}
}

// summary is the one line.
func summary(r reading, usual usual, line checks.Text, now time.Time) checks.Text {
	living := r.living()
	if len(living) == 0 {
		return textProcess(r, 0, now).Headline()
	}
	var parts []checks.Text
	if w := worst(r, now); w.age(now) >= time.Second {
		n, a := queueName(w.name), checks.Span(w.age(now))
		parts = append(parts, checks.Text{En: "oldest job " + a.En + " in " + n.En + usually(usual, w.name).En, Ja: "最も古いジョブは" + n.Ja + "で" + a.Ja + usually(usual, w.name).Ja})
	} else {
		parts = append(parts, checks.Text{En: "jobs wait less than 1 s" + usually(usual, "default").En, Ja: "待ち時間1秒未満" + usually(usual, "default").Ja})
	}
	busy, threads := 0, 0
	for _, p := range living {
		busy, threads = busy+p.busy, threads+p.threads
	}
	procs := checks.Text{En: fmt.Sprintf("%d processes", len(living)), Ja: fmt.Sprintf("プロセス%d", len(living))}
	if len(living) == 1 {
		procs.En = "1 process"
	}
	parts = append(parts, procs, checks.Text{
		En: fmt.Sprintf("%d of %d threads busy", busy, threads),
		Ja: fmt.Sprintf("スレッド%d／%d使用中", busy, threads),
	})
	retry, dead := checks.Number(r.retry), checks.Number(r.dead)
	parts = append(parts, checks.Text{En: retry.En + " retries", Ja: "再試行" + retry.Ja}, checks.Text{En: dead.En + " dead", Ja: "デッド" + dead.Ja}, line)
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, parts...)
}

// worst is the queue whose oldest job has waited longest.
func worst(r reading, now time.Time) queue {
	var w queue
	for _, q := range r.queues {
		if q.age(now) > w.age(now) {
			w = q
		}
	}
	return w
}

func usually(usual usual, queue string) checks.Text {
	b, ok := usual("oldest_job", checks.Subject(queue))
	if !ok {
		return checks.Text{}
	}
	u := ageText(b.High)
	return checks.Text{En: " (usually up to " + u.En + ")", Ja: "（普段は" + u.Ja + "まで）"}
}
