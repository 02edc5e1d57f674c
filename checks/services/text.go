package services

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/systemd"
)

// nameLimit is how much of a unit's name stands in a headline, in characters
// (own).
const nameLimit = 48

// unitName is a unit as people call it: without ".service".
func unitName(unit string) string {
	q := checks.QuoteName(strings.TrimSuffix(unit, ".service"))
	if utf8.RuneCountInString(q) > nameLimit {
		q = string([]rune(q)[:nameLimit-1]) + "…"
	}
	return q
}

// harm says what users notice while a service is away.
func (r role) harm() checks.Text {
	switch r {
	case web:
		return checks.Text{En: "Pages and apps get errors.", Ja: "ページもアプリもエラーになります。"}
	case sidekiq:
		return checks.Text{
			En: "Posts, notifications and mail wait and are not delivered.",
			Ja: "投稿の配送、通知、メールが止まります。",
		}
	case streaming:
		return checks.Text{
			En: "Timelines do not update by themselves; a reload shows what is new.",
			Ja: "タイムラインが自動で更新されなくなります（再読み込みすれば見えます）。",
		}
	case database:
		return checks.Text{
			En: "Without the database nothing works: pages, apps and delivery fail.",
			Ja: "データベースがないと、ページもアプリも配送もすべて止まります。",
		}
	case redis:
		return checks.Text{
			En: "Without Redis nothing works: pages fail and no job is done.",
			Ja: "Redisがないと、ページはエラーになり、ジョブも処理されません。",
		}
	case proxy:
		return checks.Text{En: "Nobody can connect.", Ja: "誰も接続できません。"}
	case search:
		return checks.Text{En: "Full-text search finds nothing.", Ja: "全文検索が使えません。"}
	}
	return checks.Text{}
}

func downHeadline(n string, s service, t trouble) checks.Text {
	u := s.unit
	switch t {
	case gone:
		if !s.before.Active {
			return checks.Text{En: "there is no unit " + n, Ja: n + " というユニットはありません"}
		}
		return checks.Text{En: n + " is gone: there is no such unit any more", Ja: n + " のユニットがなくなっています"}
	case masked:
		return checks.Text{En: n + " is masked and cannot start", Ja: n + " はマスクされていて起動できません"}
	case badFile:
		return checks.Text{En: n + " cannot start: its unit file has a mistake", Ja: n + " は設定ファイルに誤りがあり、起動できません"}
	case conditions:
		return checks.Text{En: n + " does not run: a condition of its unit file is not met", Ja: n + " は起動条件を満たさず、動いていません"}
	case starting:
		return checks.Text{
			En: fmt.Sprintf("%s has been starting for %s", n, checks.Ago(u.ChangedAt)),
			Ja: fmt.Sprintf("%s の起動が%sたっても終わりません", n, checks.Ago(u.ChangedAt)),
		}
	case stopping:
		return checks.Text{
			En: fmt.Sprintf("%s has been stopping for %s", n, checks.Ago(u.ChangedAt)),
			Ja: fmt.Sprintf("%s の停止が%sたっても終わりません", n, checks.Ago(u.ChangedAt)),
		}
	case looping:
		return checks.Text{En: n + " ends again and again right after its start", Ja: n + " が起動直後の終了を繰り返しています"}
	case failed:
		if u.Result == "oom-kill" {
			return checks.Text{En: n + " was killed for lack of memory", Ja: n + " がメモリ不足で強制終了されました"}
		}
		return checks.Text{En: n + " has failed and does not run", Ja: n + " がエラーで止まっています"}
	}
	return checks.Text{En: n + " does not run", Ja: n + " が動いていません"}
}

func downText(s service, t trouble, journal []string) checks.Text {
	return checks.Lines(downHeadline(unitName(s.unit.Name), s, t), s.role.harm(), whyLine(s, t), journalText(journal))
}

// whyLine says since when, and why, as far as systemd knows.
func whyLine(s service, t trouble) checks.Text {
	u := s.unit
	switch t {
	case badFile:
		if u.LoadError == "" {
			return checks.Text{}
		}
		q := checks.Said(u.LoadError)
		return checks.Text{En: "systemd says: " + q.En + ".", Ja: "systemdの表示: " + q.Ja}
	case failed, looping:
		how := ending(u)
		if how.Empty() {
			return checks.Text{}
		}
		at := u.ExitAt
		if at.IsZero() {
			at = u.StoppedAt
		}
		if at.IsZero() {
			return checks.Text{En: "It ended with " + how.En + ".", Ja: "終了しました（" + how.Ja + "）。"}
		}
		return checks.Text{
			En: fmt.Sprintf("It ended at %s with %s.", checks.At(at), how.En),
			Ja: fmt.Sprintf("%sに終了しました（%s）。", checks.At(at), how.Ja),
		}
	case stopped:
		if !u.StoppedAt.IsZero() {
			return checks.Text{
				En: fmt.Sprintf("It was stopped at %s.", checks.At(u.StoppedAt)),
				Ja: fmt.Sprintf("%sに停止されました。", checks.At(u.StoppedAt)),
			}
		}
		if !s.boots {
			return checks.Text{En: "It is not enabled either.", Ja: "自動起動も無効になっています。"}
		}
		return checks.Text{En: "Nobody has started it since the boot.", Ja: "マシンの起動後、一度も起動されていません。"}
	}
	return checks.Text{}
}

// exitWords are what systemd means by exit statuses of its own.
var exitWords = map[int]checks.Text{
	200: {En: "its working directory could not be entered", Ja: "作業ディレクトリに入れません"},
	203: {En: "its program could not be run", Ja: "プログラムを実行できません"},
	217: {En: "its user does not exist", Ja: "実行ユーザーが存在しません"},
}

// sigkill is the signal that no program survives.
const sigkill = 9

// ending says how the last run ended.
func ending(u systemd.Unit) checks.Text {
	switch {
	case u.Result == "timeout":
		return checks.Text{En: "a timeout", Ja: "時間切れ"}
	case u.Result == "watchdog":
		return checks.Text{En: "a watchdog that was not answered", Ja: "ウォッチドッグの応答なし"}
	case u.Result == "oom-kill":
		return checks.Text{En: "a kill for lack of memory", Ja: "メモリ不足による強制終了"}
	case u.ExitKind == 2 && u.ExitStatus == sigkill:
		// With the first version of control groups, and where a helper such as
		// earlyoom does it, systemd does not know why.
		return checks.Text{
			En: "signal 9: somebody killed it, most likely the kernel for lack of memory",
			Ja: "シグナル9: 強制終了。多くの場合はメモリ不足のため",
		}
	case u.ExitKind == 2 || u.ExitKind == 3:
		return checks.Text{En: fmt.Sprintf("signal %d", u.ExitStatus), Ja: fmt.Sprintf("シグナル%d", u.ExitStatus)}
	case u.ExitKind == 1 && u.ExitStatus != 0:
		t := checks.Text{En: fmt.Sprintf("exit status %d", u.ExitStatus), Ja: fmt.Sprintf("終了コード%d", u.ExitStatus)}
		if w, ok := exitWords[u.ExitStatus]; ok {
			return checks.Text{En: t.En + " (" + w.En + ")", Ja: t.Ja + ": " + w.Ja}
		}
		return t
	case u.Result != "" && u.Result != "success":
		return checks.Said(u.Result)
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

func downAdvice(s service, t trouble) checks.Advice {
	name := s.unit.Name
	a := checks.Advice{Look: checks.Sh("sudo", "journalctl", "-u", name, "-n", "50", "--no-pager")}
	switch t {
	case gone:
		a.Look = checks.Sh("systemctl", "list-units", "--all", "--type=service")
	case badFile, conditions:
		a.Look = checks.Sh("systemctl", "status", name)
	case masked:
		a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "unmask", name), checks.Sh("sudo", "systemctl", "enable", "--now", name)}
	case stopped:
		if !s.boots && s.unit.File == "disabled" {
			a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "enable", "--now", name)}
			return a
		}
		a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "start", name)}
	default:
		a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "restart", name)}
	}
	return a
}

// endedText tells of what ended by itself and runs again.
func endedText(code, n string, r role, restarts int, journal []string) checks.Text {
	head := checks.Text{
		En: fmt.Sprintf("%s ended by itself and was started again", n),
		Ja: fmt.Sprintf("%s が予期せず終了し、自動で再起動されました", n),
	}
	if code == codeRestarts {
		head = checks.Text{
			En: fmt.Sprintf("%s was started again %d times within an hour", n, restarts),
			Ja: fmt.Sprintf("%s が1時間に%d回、自動で再起動されています", n, restarts),
		}
	} else if restarts > 1 {
		head = checks.Text{
			En: fmt.Sprintf("%s ended by itself and was started again, %d times", n, restarts),
			Ja: fmt.Sprintf("%s が予期せず終了し、自動で再起動されました（%d回）", n, restarts),
		}
	}
	lost := checks.Text{}
	switch r {
	case sidekiq:
		lost = checks.Text{
			En: "A Sidekiq that crashes forgets the jobs it was doing: some posts may not have been delivered.",
			Ja: "Sidekiqが異常終了すると実行中だったジョブは失われ、届かない投稿が出ることがあります。",
		}
	case web:
		lost = checks.Text{En: "Requests that it was answering have failed.", Ja: "処理中だったリクエストはエラーになりました。"}
	case streaming:
		lost = checks.Text{En: "Everybody's timelines had to connect again.", Ja: "全員のタイムラインが一度切断されました。"}
	case database:
		lost = checks.Text{En: "All connections were lost, and pages failed meanwhile.", Ja: "全接続が切れ、その間ページはエラーになりました。"}
	case redis:
		lost = checks.Text{En: "What it had not yet saved is lost.", Ja: "未保存のデータ（ジョブなど）が失われた可能性があります。"}
	}
	alone := checks.Text{}
	if r.ofMastodon() {
		alone = checks.Text{
			En: "No update of the code explains it.",
			Ja: "コードの更新に伴うものではありません。",
		}
	}
	return checks.Lines(head, lost, alone, journalText(journal))
}

func endedAdvice(name string) checks.Advice {
	return checks.Advice{Look: checks.Sh("sudo", "journalctl", "-u", name, "--since", "-2h", "--no-pager")}
}

func restartedText(u systemd.Unit) checks.Text {
	return againText(unitName(u.Name))
}

func againText(name string) checks.Text {
	n := checks.QuoteName(name)
	return checks.Text{En: n + " was started again", Ja: n + " が再起動されました"}
}

func bootText(u systemd.Unit) checks.Text {
	n := unitName(u.Name)
	return checks.Lines(checks.Text{
		En: n + " runs, but would not come back after a reboot",
		Ja: n + " は動いていますが、マシンを再起動すると自動では起動しません",
	}, checks.Text{En: "It was started by hand and is not enabled.", Ja: "手動で起動されていて、自動起動が有効になっていません。"})
}

func bootAdvice(u systemd.Unit) checks.Advice {
	return checks.Advice{
		Look: checks.Sh("systemctl", "is-enabled", u.Name),
		Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "enable", u.Name)},
	}
}

func staleText(s service, old stale) checks.Text {
	n := unitName(s.unit.Name)
	switch {
	case old.Code:
		return checks.Lines(checks.Text{
			En: fmt.Sprintf("%s still runs the code from before the update %s ago", n, checks.Ago(old.Since)),
			Ja: fmt.Sprintf("%s が更新前のコードのまま動いています（更新は%s前）", n, checks.Ago(old.Since)),
		}, checks.Text{
			En: fmt.Sprintf("The code on disk is from %s, the service was started %s.", checks.At(old.Since), checks.At(s.unit.ActiveSince)),
			Ja: fmt.Sprintf("コードの更新は%s、サービスの起動は%sです。", checks.At(old.Since), checks.At(s.unit.ActiveSince)),
		}, checks.Text{
			En: "Old code on a new database gives errors that are hard to understand.",
			Ja: "古いコードのままだと、新しいデータベースとの食い違いでエラーになることがあります。",
		})
	case old.Library:
		return checks.Lines(checks.Text{
			En: fmt.Sprintf("%s still uses a library from before an update", n),
			Ja: fmt.Sprintf("%s が更新前のライブラリを使い続けています", n),
		}, pathLine(old.What))
	}
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("%s still runs the program from before an update", n),
		Ja: fmt.Sprintf("%s が更新前のプログラムのまま動いています", n),
	}, pathLine(old.What))
}

// pathRoom is how much of a path stands in a sentence, in characters (own).
const pathRoom = 80

func pathLine(path string) checks.Text {
	q := checks.Named(path, pathRoom)
	return checks.Text{
		En: q.En + " has been replaced since; security fixes work only after a restart.",
		Ja: q.Ja + " は入れ替えられています。セキュリティ修正は再起動するまで効きません。",
	}
}

func staleAdvice(s service) checks.Advice {
	return checks.Advice{
		Look: checks.Sh("systemctl", "status", s.unit.Name),
		Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "restart", s.unit.Name)},
	}
}

// What could not be seen.

func blindCode(live string) checks.Text {
	n := checks.Named(live, pathRoom)
	return checks.Text{
		En: "whether the services run the code that is on disk could not be told: I may not read " + n.En,
		Ja: "サービスがディスク上のコードで動いているか確認できませんでした（" + n.Ja + " を読む権限がありません）",
	}
}

func mendCode(live string) checks.Advice {
	home := live
	if i := strings.LastIndexByte(strings.TrimRight(live, "/"), '/'); i > 0 {
		home = live[:i]
	}
	return checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "setfacl", "-m", "u:sababan:x", home)}}
}
