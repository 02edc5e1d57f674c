package memory

import (
	"fmt"
	"strings"

	"github.com/sababan/sababan/checks"
)

func size(bytes uint64) checks.Text { return checks.Size(float64(bytes)) }

func availableText(a after, began onset) checks.Text {
	left, total, share := size(a.Available), size(a.Total), checks.Percent(float64(a.Available)/float64(a.Total))
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("only %s of memory available, %s of %s", left.En, share.En, total.En),
			Ja: fmt.Sprintf("使えるメモリが残り%s（全%sの%s）", left.Ja, total.Ja, share.Ja),
		},
		checks.Text{
			En: "When it runs out, the kernel kills a process, often PostgreSQL, puma or Sidekiq.",
			Ja: "なくなると、カーネルがプロセスを強制終了します（PostgreSQL、puma、Sidekiqなどが選ばれがちです）。",
		},
		usualLine(a), swapLine(a), topLine(began),
	)
}

func pressureText(a after, began onset) checks.Text {
	share := checks.Percent(a.Pressure.Some300)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("processes wait for memory %s of the time (5 min mean)", share.En),
			Ja: fmt.Sprintf("メモリ待ちの時間が%s（5分平均）", share.Ja),
		},
		slowLine(), nowLine(a), swapLine(a), topLine(began),
	)
}

func swappingText(a after, began onset) checks.Text {
	in, out := checks.Size(a.rates.In), checks.Size(a.rates.Out)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("swapping all the time: %s/s in, %s/s out", in.En, out.En),
			Ja: fmt.Sprintf("スワップの読み書きが続いています（読み%s/秒、書き%s/秒）", in.Ja, out.Ja),
		},
		slowLine(), nowLine(a), swapLine(a), topLine(began),
	)
}

func slowLine() checks.Text {
	return checks.Text{
		En: "Pages and timelines load slowly, and jobs take longer.",
		Ja: "ページやタイムラインの表示が遅くなり、ジョブの処理にも時間がかかります。",
	}
}

// nowLine is the available memory where the headline does not have it.
func nowLine(a after) checks.Text {
	left, total := size(a.Available), size(a.Total)
	of := checks.Text{En: total.En, Ja: "全" + total.Ja}
	if u := usualRange(a); !u.Empty() {
		of = checks.Text{En: of.En + ", usually " + u.En, Ja: of.Ja + "、普段" + u.Ja}
	}
	return checks.Text{
		En: fmt.Sprintf("Available now: %s of %s.", left.En, of.En),
		Ja: fmt.Sprintf("使えるメモリは%s（%s）です。", left.Ja, of.Ja),
	}
}

// usualRange is "2.9–3.3 GB", or nothing before seven days.
func usualRange(a after) checks.Text {
	if a.usual.Days == 0 {
		return checks.Text{}
	}
	return checks.SizeRange(max(a.usual.Low, 0), max(a.usual.High, 0))
}

func usualLine(a after) checks.Text {
	u := usualRange(a)
	if u.Empty() {
		return checks.Text{}
	}
	return checks.Text{En: "Usually " + u.En + " is available.", Ja: "普段は" + u.Ja + "残っています。"}
}

func swapLine(a after) checks.Text {
	if a.SwapTotal == 0 {
		return checks.Text{En: "There is no swap.", Ja: "スワップはありません。"}
	}
	used, total := size(a.SwapUsed), size(a.SwapTotal)
	return checks.Text{
		En: fmt.Sprintf("Swap: %s of %s in use.", used.En, total.En),
		Ja: fmt.Sprintf("スワップは%s中%sを使用しています。", total.Ja, used.Ja),
	}
}

// topLine names the biggest when a finding began: a restart destroys this.
func topLine(began onset) checks.Text {
	if len(began.Top) == 0 {
		return checks.Text{
			En: "Which processes are biggest could not be told: those of other users are hidden from me.",
			Ja: "ほかのユーザーのプロセスが見えないため、どれが大きいかは確認できませんでした。",
		}
	}
	list := groupsText(began.Top)
	return checks.Text{
		En: fmt.Sprintf("Biggest at %s: %s (RSS, shared memory counted once).", checks.At(began.At), list.En),
		Ja: fmt.Sprintf("%s時点で大きいもの: %s（RSS、共有メモリは1回だけ計上）", checks.At(began.At), list.Ja),
	}
}

func groupsText(groups []group) checks.Text {
	var list []checks.Text
	for _, g := range groups {
		list = append(list, groupText(g))
	}
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, list...)
}

// groupText is "postgres ×24 1.1 GB".
func groupText(g group) checks.Text {
	n, s := name(g.Name), checks.Size(float64(g.Bytes))
	times := ""
	if g.Count > 1 {
		times = fmt.Sprintf(" ×%d", g.Count)
	}
	return checks.Text{En: n.En + times + " " + s.En, Ja: n.Ja + times + " " + s.Ja}
}

// roomAdvice is to look before anything is restarted.
func roomAdvice(top []group) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Look before you restart anything: afterwards the cause can no longer be seen.",
			Ja: "再起動の前に様子を見ておいてください。再起動すると原因がわからなくなります。",
		},
		Look: checks.Sh("ps", "aux", "--sort", "-rss").Pipe("head", "-n", "15"),
	}
	// Only Mastodon's own services come with a unit.
	for _, g := range top {
		if g.Unit != "" {
			a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "restart", g.Unit)}
			break
		}
	}
	return a
}

// killName names a killed process: "ruby (mastodon-sidekiq.service)".
func killName(k kill) checks.Text {
	n := name(k.Name)
	if k.Unit == "" {
		return n
	}
	u := name(k.Unit)
	return checks.Text{En: n.En + " (" + u.En + ")", Ja: n.Ja + "（" + u.Ja + "）"}
}

// killsText tells of the processes killed since the last look, newest last;
// denied says that the kernel's log may not be read.
func killsText(a after, fresh []kill, denied bool) checks.Text {
	var head checks.Text
	newest := fresh[len(fresh)-1]
	switch {
	case len(fresh) > 1:
		head = checks.Text{
			En: fmt.Sprintf("the kernel killed %d processes for lack of memory", len(fresh)),
			Ja: fmt.Sprintf("メモリ不足のため、カーネルがプロセスを%d個強制終了しました", len(fresh)),
		}
	case newest.Name == "":
		head = checks.Text{
			En: "the kernel killed a process for lack of memory",
			Ja: "メモリ不足のため、カーネルがプロセスを強制終了しました",
		}
	default:
		n := killName(newest)
		head = checks.Text{
			En: fmt.Sprintf("the kernel killed %s for lack of memory at %s", n.En, checks.At(newest.At)),
			Ja: fmt.Sprintf("メモリ不足のため、カーネルが%sを強制終了しました（%s）", n.Ja, checks.At(newest.At)),
		}
	}
	lines := []checks.Text{head}
	if len(fresh) > 1 {
		lines = append(lines, killList(fresh))
	}
	lines = append(lines, killHarm(fresh))
	if n := len(a.next.Recent); n > len(fresh) {
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("That makes %d in the last 24 h.", n),
			Ja: fmt.Sprintf("この24時間で%d回目です。", n),
		})
	}
	if fresh[0].Name == "" {
		lines = append(lines, unknownKill(denied, newest.Name != ""))
	}
	if newest.Own {
		lines = append(lines, checks.Text{
			En: "It had reached the limit of its own service (MemoryMax), not that of the machine.",
			Ja: "マシン全体ではなく、サービス自身の上限（MemoryMax）に達したためです。",
		})
	}
	lines = append(lines, nowLine(a))
	if len(a.top) > 0 {
		lines = append(lines, topLine(onset{a.now, a.top}))
	}
	return checks.Lines(lines...)
}

// killList names the killed, the last five.
func killList(fresh []kill) checks.Text {
	var list []checks.Text
	for _, k := range fresh[max(0, len(fresh)-5):] {
		if k.Name != "" {
			n := killName(k)
			list = append(list, checks.Text{En: n.En + " at " + checks.At(k.At), Ja: n.Ja + " " + checks.At(k.At)})
		}
	}
	if len(list) == 0 {
		return checks.Text{}
	}
	all := checks.Join(checks.Text{En: ", ", Ja: "、"}, list...)
	return checks.Text{En: "Killed: " + all.En + ".", Ja: "対象: " + all.Ja}
}

// unknownKill says why a killed process has no name; others says that some
// have one.
func unknownKill(denied, others bool) checks.Text {
	if others {
		return checks.Text{
			En: "Not all of them could be told: the kernel log does not have the rest.",
			Ja: "一部は確認できませんでした（カーネルログに記録が見つかりません）。",
		}
	}
	if denied {
		return checks.Text{
			En: "Which process could not be told: no permission for the kernel log.",
			Ja: "どのプロセスかは確認できませんでした（カーネルログを読む権限がありません）。",
		}
	}
	return checks.Text{
		En: "Which process could not be told: the kernel log does not have it.",
		Ja: "どのプロセスかは確認できませんでした（カーネルログに記録が見つかりません）。",
	}
}

// killHarm says what users notice.
func killHarm(fresh []kill) checks.Text {
	var lines []checks.Text
	has := func(programs, units []string) bool {
		for _, k := range fresh {
			for _, p := range programs {
				if strings.HasPrefix(k.Name, p) {
					return true
				}
			}
			for _, u := range units {
				if strings.HasPrefix(k.Unit, u) {
					return true
				}
			}
		}
		return false
	}
	if has([]string{"sidekiq"}, []string{"mastodon-sidekiq"}) {
		lines = append(lines, checks.Text{
			En: "A killed Sidekiq forgets the jobs it was running: some posts may not have been delivered.",
			Ja: "Sidekiqが強制終了されると実行中だったジョブは失われ、届かない投稿が出ることがあります。",
		})
	}
	if has([]string{"postgres"}, []string{"postgresql"}) {
		lines = append(lines, checks.Text{
			En: "PostgreSQL drops all its connections and recovers; pages fail meanwhile.",
			Ja: "PostgreSQLは全接続を切って復旧処理に入り、その間ページはエラーになります。",
		})
	}
	if has([]string{"redis", "valkey"}, []string{"redis", "valkey"}) {
		lines = append(lines, checks.Text{
			En: "Redis loses what it had not yet saved: jobs and home timelines among it.",
			Ja: "Redisの未保存のデータ（ジョブやホームタイムラインなど）が失われます。",
		})
	}
	if has([]string{"puma"}, []string{"mastodon-web"}) {
		lines = append(lines, checks.Text{
			En: "Requests that puma was answering have failed.",
			Ja: "pumaが処理中だったリクエストはエラーになりました。",
		})
	}
	return checks.Lines(lines...)
}

func killsAdvice(fresh []kill) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "See that what was killed runs again, and what took the memory.",
			Ja: "終了したプロセスが動き直しているか、何がメモリを使ったかを確認してください。",
		},
		Look: checks.Sh("sudo", "journalctl", "-k", "-g", "Out of memory"),
	}
	if u := fresh[len(fresh)-1].Unit; u != "" {
		a.Look = checks.Sh("systemctl", "status", u)
	}
	return a
}

func workerText(p process, usual float64) checks.Text {
	n, now, u := name(p.Worker), checks.Size(float64(p.Resident)), checks.Size(usual)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s has grown to %s (usually %s)", n.En, now.En, u.En),
			Ja: fmt.Sprintf("%s のメモリ使用が%sに増えています（普段%s）", n.Ja, now.Ja, u.Ja),
		},
		checks.Text{
			En: "Users notice nothing yet; it takes memory from everything else until it is restarted.",
			Ja: "利用者への影響はまだありませんが、再起動するまでほかの処理のメモリを圧迫します。",
		},
	)
}

func workerAdvice(p process) checks.Advice {
	unit := p.Unit
	if unit == "" {
		return checks.Advice{}
	}
	return checks.Advice{
		Look: checks.Sh("systemctl", "status", unit),
		Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "restart", unit)},
	}
}

// Why something could not be seen.

func nothingSeen() checks.Text {
	return checks.Text{En: "the memory could not be looked at", Ja: "メモリの状態を読めませんでした"}
}

func blindPressure() checks.Text {
	return checks.Text{
		En: "how long processes wait for memory could not be read",
		Ja: "メモリ待ちの割合（PSI）を読めませんでした",
	}
}

func blindCounters() checks.Text {
	return checks.Text{
		En: "the kernel's counters of swapping and killed processes could not be read",
		Ja: "スワップと強制終了のカウンターを読めませんでした",
	}
}

func blindProcesses() checks.Text {
	return checks.Text{
		En: "the processes of other users are hidden from me",
		Ja: "ほかのユーザーのプロセスが見えません",
	}
}

func mendProcesses() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "sababan's service needs ProtectProc=default, and /proc must not be mounted with hidepid.",
		Ja: "sababanのサービスの設定をProtectProc=defaultにし、/procのhidepidを外す必要があります。",
	}}
}

func blindPast(worker string) checks.Text {
	n := name(worker)
	return checks.Text{
		En: "how large " + n.En + " usually is could not be read from the history",
		Ja: n.Ja + " の普段の大きさを履歴から読めませんでした",
	}
}

// summary is the line for all.
func summary(a after) checks.Text {
	left, total, u := size(a.Available), size(a.Total), usualRange(a)
	if !u.Empty() {
		u = checks.Text{En: " (usually " + u.En + ")", Ja: "（普段" + u.Ja + "）"}
	}
	parts := []checks.Text{{
		En: fmt.Sprintf("%s of %s available%s", left.En, total.En, u.En),
		Ja: fmt.Sprintf("空き%s／全%s%s", left.Ja, total.Ja, u.Ja),
	}}
	if a.SwapTotal == 0 {
		parts = append(parts, checks.Text{En: "no swap", Ja: "スワップなし"})
	} else {
		used := size(a.SwapUsed)
		parts = append(parts, checks.Text{En: used.En + " of swap used", Ja: "スワップ使用" + used.Ja})
	}
	if a.Pressure != nil && a.Pressure.Some300 >= 0.01 {
		p := checks.Percent(a.Pressure.Some300)
		parts = append(parts, checks.Text{En: "waiting for memory " + p.En + " of the time", Ja: "メモリ待ち" + p.Ja})
	}
	if len(a.top) > 0 {
		g := groupText(a.top[0])
		parts = append(parts, checks.Text{En: "biggest: " + g.En, Ja: "最大は" + g.Ja})
	}
	if n := len(a.next.Recent); n > 0 {
		parts = append(parts, checks.Text{
			En: fmt.Sprintf("%d killed for lack of memory in 24 h", n),
			Ja: fmt.Sprintf("24時間以内にメモリ不足による強制終了%d件", n),
		})
	} else if a.older > 0 {
		parts = append(parts, checks.Text{
			En: fmt.Sprintf("%d killed for lack of memory since boot", a.older),
			Ja: fmt.Sprintf("起動以来のメモリ不足による強制終了%d件", a.older),
		})
	}
	if a.Limit != nil {
		m, used := size(a.Limit.Max), size(a.Limit.Used)
		parts = append(parts, checks.Text{
			En: fmt.Sprintf("this container may have %s and uses %s", m.En, used.En),
			Ja: fmt.Sprintf("このコンテナの上限は%s、使用%s", m.Ja, used.Ja),
		})
	}
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, parts...)
}
