package timers

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// nameLimit is how much of a unit's name stands in a headline, in characters
// (own).
const nameLimit = 48

func name(unit string) string {
	q := checks.QuoteName(unit)
	if utf8.RuneCountInString(q) > nameLimit {
		q = string([]rune(q)[:nameLimit-1]) + "…"
	}
	return q
}

// harm says what comes of it when a job of this role does not run.
func (r role) harm() checks.Text {
	switch r {
	case renewal:
		return checks.Text{
			En: "When the certificate ends, browsers, apps and other servers can no longer connect.",
			Ja: "証明書の期限が切れると、ブラウザからも他サーバーからも接続できなくなります。",
		}
	case backup:
		return checks.Text{
			En: "What has been posted since the last backup would be lost with the disk.",
			Ja: "ディスクが壊れると、最後のバックアップ以降の投稿が失われます。",
		}
	case packages:
		return checks.Text{
			En: "Security updates are not noticed.",
			Ja: "セキュリティ更新に気づけません。",
		}
	case mastodon:
		return checks.Text{
			En: "The chores of the server are not done; the disk may fill.",
			Ja: "サーバーの定期作業が行われず、ディスクが埋まっていくことがあります。",
		}
	}
	return checks.Text{}
}

// lastLine says when the job last ran.
func lastLine(j job) checks.Text {
	last := j.last()
	if last.IsZero() {
		return checks.Text{En: "It has never run, as far as systemd knows.", Ja: "systemdの記録では、一度も実行されていません。"}
	}
	return checks.Text{
		En: fmt.Sprintf("It last ran %s ago (%s).", checks.Ago(last), checks.At(last)),
		Ja: fmt.Sprintf("最後の実行は%s前（%s）です。", checks.Ago(last), checks.At(last)),
	}
}

func scheduleText(j job, s state) checks.Text {
	n := name(j.timer.Name)
	switch s {
	case stateOff:
		if !j.timer.Exists() {
			return offHeadline(j, n)
		}
		return checks.Lines(offHeadline(j, n), j.role.harm(), lastLine(j))
	case stateNever:
		return checks.Lines(checks.Text{
			En: n + " has never run",
			Ja: n + " は一度も実行されていません",
		}, j.role.harm(), neverLine(j))
	}
	last := j.last()
	head := checks.Text{
		En: fmt.Sprintf("%s is overdue: last run %s ago", n, checks.Ago(last)),
		Ja: fmt.Sprintf("%s の実行が遅れています（最後は%s前）", n, checks.Ago(last)),
	}
	return checks.Lines(head, j.role.harm(), overdueLine(j))
}

func offHeadline(j job, n string) checks.Text {
	switch {
	case !j.timer.Exists():
		return checks.Text{En: "there is no timer " + n, Ja: n + " というタイマーはありません"}
	case j.timer.Load == "masked":
		return checks.Text{En: n + " is masked and cannot run", Ja: n + " はマスクされていて実行されません"}
	case j.timer.Load == "bad-setting" || j.timer.Load == "error":
		return checks.Text{En: n + " has a mistake in its unit file and does not run", Ja: n + " は設定ファイルに誤りがあり、実行されません"}
	case j.timer.Active == "failed":
		return checks.Text{En: n + " has failed and does not run any more", Ja: n + " はエラーで止まっていて、実行されません"}
	case j.timer.File == "enabled" || j.timer.File == "static":
		return checks.Text{En: n + " is stopped and does not run", Ja: n + " は停止していて、実行されません"}
	}
	return checks.Text{En: n + " is disabled and does not run", Ja: n + " は無効になっていて、実行されません"}
}

func neverLine(j job) checks.Text {
	if j.timer.Next.IsZero() {
		return checks.Text{
			En: fmt.Sprintf("It has waited for %s.", checks.Ago(j.timer.ActiveSince)),
			Ja: fmt.Sprintf("有効にしてから%sたっています。", checks.Ago(j.timer.ActiveSince)),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("It has waited for %s; the next run is on %s.", checks.Ago(j.timer.ActiveSince), checks.On(j.timer.Next)),
		Ja: fmt.Sprintf("有効にしてから%sたっています。次回の予定は%sです。", checks.Ago(j.timer.ActiveSince), checks.On(j.timer.Next)),
	}
}

func overdueLine(j job) checks.Text {
	if (j.busy() || j.service.IsActive()) && !j.service.StartedAt.IsZero() {
		s := name(j.service.Name)
		return checks.Text{
			En: fmt.Sprintf("%s, which it starts, has not ended for %s; it cannot be started again before.", s, checks.Ago(j.service.StartedAt)),
			Ja: fmt.Sprintf("起動した %s が%s終わっていません。終わるまで次は実行されません。", s, checks.Ago(j.service.StartedAt)),
		}
	}
	p := period{j.last()}.of(j.timer)
	every := checks.Span(p)
	line := checks.Text{En: fmt.Sprintf("It should run every %s", every.En), Ja: fmt.Sprintf("本来は%sおき", every.Ja)}
	if j.timer.Delay > 0 {
		d := checks.Span(j.timer.Delay)
		line = checks.Text{En: line.En + ", at most " + d.En + " later", Ja: line.Ja + "（最大" + d.Ja + "のばらつきあり）"}
	}
	line = checks.Text{En: line.En + ".", Ja: line.Ja + "に実行されるはずです。"}
	if j.timer.Next.After(j.now) {
		line = checks.Text{
			En: line.En + fmt.Sprintf(" The next run is at %s.", checks.At(j.timer.Next)),
			Ja: line.Ja + fmt.Sprintf("次回の予定は%sです。", checks.At(j.timer.Next)),
		}
	}
	return line
}

// scheduleAdvice names the commands that look and mend.
func scheduleAdvice(j job, s state) checks.Advice {
	a := checks.Advice{Look: checks.Sh("systemctl", "list-timers", "--all", j.timer.Name)}
	switch {
	case s != stateOff && (j.busy() || j.service.IsActive()):
		a.Look = checks.Sh("systemctl", "status", j.service.Name)
		a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "restart", j.service.Name)}
	case s != stateOff:
		a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "start", j.service.Name)}
	case !j.timer.Exists():
		a.Look = checks.Sh("systemctl", "list-timers", "--all")
	case j.timer.Load == "bad-setting", j.timer.Load == "error":
		a.Look = checks.Sh("systemctl", "status", j.timer.Name)
	case j.timer.Load == "masked":
		a.Mend = []checks.Shell{
			checks.Sh("sudo", "systemctl", "unmask", j.timer.Name), checks.Sh("sudo", "systemctl", "enable", "--now", j.timer.Name),
		}
	case j.timer.File == "enabled", j.timer.File == "static":
		a.Look = checks.Sh("systemctl", "status", j.timer.Name)
		a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "start", j.timer.Name)}
	default:
		a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "enable", "--now", j.timer.Name)}
	}
	return a
}

func failedText(j job, m memo, journal []string) checks.Text {
	n := name(j.service.Name)
	head := checks.Text{
		En: fmt.Sprintf("the last run of %s failed", n),
		Ja: n + " の前回の実行が失敗しました",
	}
	if m.Fails > 1 {
		head = checks.Text{
			En: fmt.Sprintf("the last %d runs of %s failed", m.Fails, n),
			Ja: fmt.Sprintf("%s の実行が%d回続けて失敗しています", n, m.Fails),
		}
	}
	switch {
	case m.How.Result == "not-found":
		head = checks.Text{
			En: fmt.Sprintf("%s cannot run: there is no %s", name(j.timer.Name), n),
			Ja: fmt.Sprintf("%s が起動する %s がありません", name(j.timer.Name), n),
		}
	case m.How.Result == "bad-setting":
		head = checks.Text{
			En: n + " cannot run: its unit file has a mistake",
			Ja: n + " は設定ファイルに誤りがあり、実行できません",
		}
	}
	why := m.How.text()
	if !why.Empty() && !m.Run.IsZero() {
		why = checks.Text{
			En: fmt.Sprintf("It ended at %s with %s.", checks.At(m.Run), why.En),
			Ja: fmt.Sprintf("%sに終了しました（%s）。", checks.At(m.Run), why.Ja),
		}
	} else {
		why = checks.Text{}
	}
	return checks.Lines(head, j.role.harm(), why, journalText(journal))
}

// text says how a run ended, in the words of systemd.
func (o outcome) text() checks.Text {
	switch {
	case o.Result == "timeout":
		return checks.Text{En: "a timeout", Ja: "時間切れ"}
	case o.Result == "oom-kill":
		return checks.Text{En: "a kill for lack of memory", Ja: "メモリ不足による強制終了"}
	case o.Kind == 2 || o.Kind == 3:
		return checks.Text{En: fmt.Sprintf("signal %d", o.Status), Ja: fmt.Sprintf("シグナル%d", o.Status)}
	case o.Kind == 1:
		return checks.Text{En: fmt.Sprintf("exit status %d", o.Status), Ja: fmt.Sprintf("終了コード%d", o.Status)}
	case o.Result != "" && o.Result != "not-found" && o.Result != "bad-setting":
		return checks.Said(o.Result)
	}
	return checks.Text{}
}

func journalText(lines []string) checks.Text {
	if len(lines) == 0 {
		return checks.Text{}
	}
	var en, ja []string
	for _, l := range lines {
		q := checks.Said(l)
		en, ja = append(en, q.En), append(ja, q.Ja)
	}
	return checks.Text{
		En: "The end of its log: " + strings.Join(en, " ") + ".",
		Ja: "ログの末尾: " + strings.Join(ja, ""),
	}
}

func failedAdvice(j job) checks.Advice {
	if !j.service.Exists() || j.service.Load == "bad-setting" {
		return checks.Advice{Look: checks.Sh("systemctl", "status", j.timer.Name, j.service.Name)}
	}
	a := checks.Advice{
		Look: checks.Sh("sudo", "journalctl", "-u", j.service.Name, "-n", "50", "--no-pager"),
		Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "start", j.service.Name)},
	}
	if j.role == renewal && strings.Contains(strings.Join(append(j.service.Exec, j.service.Name), " "), "certbot") {
		a.Look = checks.Sh("sudo", "certbot", "renew", "--dry-run")
	}
	return a
}

func unplannedText(l lineages) checks.Text {
	head := checks.Text{
		En: "nothing renews the certificate: no timer and no cron job",
		Ja: "証明書の更新が予約されていません（タイマーもcronもなし）",
	}
	if l.Known {
		head = checks.Text{
			En: fmt.Sprintf("nothing renews the certificate, which expires in %s", checks.Left(l.Ends)),
			Ja: fmt.Sprintf("証明書の更新が予約されていません（期限まで%s）", checks.Left(l.Ends)),
		}
	}
	return checks.Lines(head, renewal.harm(), checks.Text{
		En: "Neither a timer of systemd's nor a cron job runs certbot, acme.sh or the like.",
		Ja: "certbotやacme.shなどを動かすsystemdのタイマーもcronも見つかりません。",
	})
}

// unplannedAdvice prints a service and a timer, ready to paste; the times are
// the checklist's: twice a day, with a random delay.
func unplannedAdvice(l lineages, booted bool) checks.Advice {
	if l.Tool == "acme.sh" {
		return checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", l.Program, "--install-cronjob")}}
	}
	program := l.Program
	if program == "" {
		program = "/usr/bin/certbot"
	}
	if !booted {
		return checks.Advice{Mend: []checks.Shell{
			checks.Sh("echo", "17 3,15 * * * root "+program+" -q renew").Pipe("sudo", "tee", "/etc/cron.d/certbot-renewal"),
		}}
	}
	file := func(path string, lines ...string) checks.Shell {
		return checks.Sh(append([]string{"printf", `%s\n`}, lines...)...).Pipe("sudo", "tee", path)
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Check that a deploy hook reloads the web server, too.",
			Ja: "更新後にWebサーバーをリロードするdeploy hookもあわせて確認してください。",
		},
		Look: checks.Sh("systemctl", "list-timers", "--all"),
		Mend: []checks.Shell{
			file("/etc/systemd/system/certbot-renewal.service", "[Unit]", "Description=Renew certificates", "[Service]", "Type=oneshot", "ExecStart="+program+" -q renew --no-random-sleep-on-renew"),
			file("/etc/systemd/system/certbot-renewal.timer", "[Timer]", "OnCalendar=*-*-* 00,12:00:00", "RandomizedDelaySec=12h", "Persistent=true", "[Install]", "WantedBy=timers.target"),
			checks.Sh("sudo", "systemctl", "enable", "--now", "certbot-renewal.timer"),
		},
	}
}

func hiddenText() checks.Text {
	return checks.Text{
		En: "whether a cron job renews the certificate could not be told: I may not read the users' crontabs",
		Ja: "cronで証明書を更新しているかどうかは、crontabを読む権限がないため確認できませんでした",
	}
}

func hiddenAdvice() checks.Advice {
	return checks.Advice{Look: checks.Sh("sudo", "crontab", "-l")}
}

// shownTimers is how many timers the line for all names (own).
const shownTimers = 4

// summary is the line for all.
func summary(l *look) checks.Text {
	var parts []checks.Text
	more := 0
	for _, j := range l.jobs {
		if !j.timer.IsActive() && l.next[j.timer.Name].Fails == 0 {
			continue
		}
		if len(parts) == shownTimers {
			more++
			continue
		}
		parts = append(parts, jobText(j, l.next[j.timer.Name]))
	}
	if more > 0 {
		parts = append(parts, checks.Text{En: fmt.Sprintf("%d more", more), Ja: fmt.Sprintf("ほか%d件", more)})
	}
	if n := len(l.cron); n > 0 {
		files := make([]string, 0, n)
		for _, c := range l.cron[:min(n, shownTimers)] {
			files = append(files, name(c.File))
		}
		parts = append(parts, checks.Text{En: "cron: " + strings.Join(files, ", "), Ja: "cron: " + strings.Join(files, "、")})
	}
	if len(parts) == 0 {
		if l.manager == nil {
			return checks.Text{
				En: "no systemd here, and no cron job for certificates, backups or Mastodon",
				Ja: "systemdは動いておらず、証明書・バックアップ・Mastodon関係のcronもありません",
			}
		}
		return checks.Text{
			En: "no timer or cron job for certificates, backups or Mastodon is on",
			Ja: "証明書・バックアップ・Mastodon関係のタイマーもcronも有効になっていません",
		}
	}
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, parts...)
}

// jobText is "certbot.timer ran 5 h ago, next in 7 h".
func jobText(j job, m memo) checks.Text {
	n := strings.TrimSuffix(name(j.timer.Name), ".timer")
	t := checks.Text{En: n + " not run yet", Ja: n + " 未実行"}
	if last := j.last(); !last.IsZero() {
		t = checks.Text{En: fmt.Sprintf("%s %s ago", n, checks.Ago(last)), Ja: fmt.Sprintf("%s %s前", n, checks.Ago(last))}
	}
	var more []checks.Text
	if m.Fails > 0 {
		more = append(more, checks.Text{En: "failed", Ja: "失敗"})
	}
	if j.busy() {
		more = append(more, checks.Text{En: "running now", Ja: "実行中"})
	}
	if j.timer.Next.After(j.now) {
		more = append(more, checks.Text{
			En: "next in " + checks.Left(j.timer.Next),
			Ja: "次は" + checks.Left(j.timer.Next) + "後",
		})
	}
	if len(more) == 0 {
		return t
	}
	inside := checks.Join(checks.Text{En: ", ", Ja: "、"}, more...)
	return checks.Text{En: t.En + " (" + inside.En + ")", Ja: t.Ja + "（" + inside.Ja + "）"}
}
