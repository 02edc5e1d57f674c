package packages

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// shown is how many names a message lists (own: two lines on a phone).
const shown = 6

// listed is "bash, curl and 4 more"; the names are text from outside.
func listed(names []string) checks.Text {
	more := len(names) - shown
	var said []string
	for _, n := range names[:min(len(names), shown)] {
		said = append(said, checks.Quote(n))
	}
	t := checks.Text{En: strings.Join(said, ", "), Ja: strings.Join(said, "、")}
	if more > 0 {
		t.En += fmt.Sprintf(" and %d more", more)
		t.Ja += fmt.Sprintf("、ほか%d件", more)
	}
	return t
}

func namesOf(updates []update) []string {
	var names []string
	for _, u := range updates {
		names = append(names, u.Name)
	}
	return names
}

// plural is "1 update", "3 updates".
func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func securityText(updates []update, now, oldest time.Time, auto string) checks.Text {
	n, names := len(updates), listed(namesOf(updates))
	head := checks.Text{
		En: plural(n, "security update", "security updates") + " waiting",
		Ja: fmt.Sprintf("セキュリティ更新が%d件あります", n),
	}
	if now.Sub(oldest) >= securityPatience {
		head = checks.Text{
			En: plural(n, "security update has", "security updates have") + " been waiting, the longest for " + checks.Ago(oldest),
			Ja: fmt.Sprintf("セキュリティ更新%d件が未適用のままです（最長%s）", n, checks.Ago(oldest)),
		}
		if n == 1 {
			head = checks.Text{
				En: "1 security update has been waiting for " + checks.Ago(oldest),
				Ja: "セキュリティ更新1件が未適用のままです（" + checks.Ago(oldest) + "）",
			}
		}
	}
	return checks.Lines(head,
		checks.Text{En: "Packages: " + names.En + ".", Ja: "対象: " + names.Ja},
		autoLine(auto),
	)
}

// autoLine says why nothing installs them.
func autoLine(auto string) checks.Text {
	switch auto {
	case automaticOff:
		return checks.Text{
			En: "Nothing installs them by itself: unattended-upgrades is off.",
			Ja: "自動更新（unattended-upgrades）は無効なので、手動で適用する必要があります。",
		}
	case automaticFailing:
		return checks.Text{
			En: "unattended-upgrades is on, but its last run failed.",
			Ja: "自動更新（unattended-upgrades）は有効ですが、前回の実行が失敗しています。",
		}
	case automaticStopped:
		return checks.Text{
			En: "unattended-upgrades is on, but has not run for days.",
			Ja: "自動更新（unattended-upgrades）は有効ですが、しばらく実行されていません。",
		}
	case automaticOn:
		return checks.Text{
			En: "unattended-upgrades is on and leaves them alone; its log says why.",
			Ja: "自動更新（unattended-upgrades）は有効ですが、これらは適用されていません（理由はログにあります）。",
		}
	}
	return checks.Text{}
}

func securityAdvice(auto string, dnf bool) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "Some restart services: choose a quiet hour.",
		Ja: "サービスが再起動することがあります。利用の少ない時間帯にどうぞ。",
	}}
	switch {
	case dnf:
		a.Look = checks.Sh("dnf", "updateinfo", "list", "--security")
		a.Mend = []checks.Shell{checks.Sh("sudo", "dnf", "upgrade", "--security")}
		return a
	case auto == automaticOn || auto == automaticFailing || auto == automaticStopped:
		a.Look = logShell()
	default:
		a.Look = checks.Sh("apt", "list", "--upgradable")
	}
	a.Mend = []checks.Shell{checks.Sh("sudo", "apt", "upgrade")}
	return a
}

func logShell() checks.Shell {
	return checks.Sh("sudo", "tail", "-n", "30", "/var/log/unattended-upgrades/unattended-upgrades.log")
}

func heldText(held []update) checks.Text {
	names := listed(namesOf(held))
	return checks.Lines(checks.Text{
		En: plural(len(held), "security update is", "security updates are") + " kept back by a hold",
		Ja: fmt.Sprintf("セキュリティ更新%d件が、hold指定のため適用されません", len(held)),
	}, checks.Text{
		En: "Held: " + names.En + ". Somebody has set this by apt-mark hold.",
		Ja: "対象: " + names.Ja + "（apt-mark holdで固定されています）",
	})
}

func heldAdvice(held []update) checks.Advice {
	a := checks.Advice{Look: checks.Sh("apt-mark", "showhold")}
	if sh := checks.Sh("sudo", "apt-mark", "unhold", held[0].Name); len(held) == 1 && sh.String() != "" {
		a.Mend = []checks.Shell{sh}
	}
	return a
}

func listsText(l lists) checks.Text {
	if l.Proven.IsZero() {
		return checks.Lines(checks.Text{
			En: "there are no lists of packages: nobody knows of updates",
			Ja: "パッケージ一覧がありません。更新の有無がわからない状態です",
		}, checks.Text{
			En: "apt-get update has never run here, or its lists were deleted.",
			Ja: "apt-get updateが一度も実行されていないか、一覧が削除されています。",
		})
	}
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("the lists of packages are %s old", checks.Ago(l.Proven)),
		Ja: fmt.Sprintf("パッケージ一覧が%s前のままです", checks.Ago(l.Proven)),
	}, checks.Text{
		En: "Security updates that have come out since then are not known here, and nothing installs them.",
		Ja: "それ以降に出たセキュリティ更新は、検知も適用もされません。",
	})
}

func listsAdvice() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "If they stay old, see whether apt-daily.timer runs and what apt-get update complains of.",
			Ja: "古いままなら、apt-daily.timerが動いているか、apt-get updateのエラーを確認してください。",
		},
		Look: checks.Sh("systemctl", "list-timers", "--all", "apt-daily*"),
		Mend: []checks.Shell{checks.Sh("sudo", "apt", "update")},
	}
}

func brokenText(broken []string) checks.Text {
	names := listed(broken)
	return checks.Lines(checks.Text{
		En: plural(len(broken), "package is", "packages are") + " only half installed",
		Ja: fmt.Sprintf("インストールが途中のパッケージが%d件あります", len(broken)),
	}, checks.Text{
		En: "Until that is fixed, no update can be installed: " + names.En + ".",
		Ja: "直すまで、ほかの更新も適用できません。対象: " + names.Ja,
	})
}

func brokenAdvice() checks.Advice {
	return checks.Advice{
		Look: checks.Sh("dpkg", "--audit"),
		Mend: []checks.Shell{checks.Sh("sudo", "dpkg", "--configure", "-a"), checks.Sh("sudo", "apt-get", "-f", "install")},
	}
}

func rebootText(since time.Time, by string) checks.Text {
	lines := strings.Fields(by)
	slices.Sort(lines)
	lines = slices.Compact(lines)
	t := checks.Text{
		En: fmt.Sprintf("a reboot has been due for %s", checks.Ago(since)),
		Ja: fmt.Sprintf("再起動待ちのまま%sたっています", checks.Ago(since)),
	}
	if len(lines) == 0 {
		return checks.Lines(t, rebootHarm())
	}
	names := listed(lines)
	return checks.Lines(t, checks.Text{En: "Wanted by: " + names.En + ".", Ja: "必要としているもの: " + names.Ja}, rebootHarm())
}

func rebootHarm() checks.Text {
	return checks.Text{
		En: "Until then the old kernel or libraries run on, with the holes that the updates closed.",
		Ja: "再起動するまで、修正前のカーネルやライブラリが動き続けます。",
	}
}

func rebootAdvice() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Announce it, see that all services come back after it, and that there is a backup of today.",
			Ja: "事前に告知し、今日のバックアップがあることと、再起動後に全サービスが戻ることを確認してください。",
		},
		Look: checks.Sh("cat", wantedBy),
		Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "reboot")},
	}
}

// programs are the services of processes, or else their names, each once.
func programs(users []user) []string {
	var list []string
	for _, u := range users {
		name := u.Unit
		if name == "" {
			name = u.Name
		}
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func librariesText(users []user, oldest time.Time) checks.Text {
	names := listed(programs(users))
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("%s with libraries from before an update, for %s", plural(len(users), "process runs", "processes run"), checks.Ago(oldest)),
		Ja: fmt.Sprintf("更新前のライブラリのまま動いているプロセスが%d個あります（%s）", len(users), checks.Ago(oldest)),
	}, checks.Text{
		En: "The fixes take effect after a restart of: " + names.En + ".",
		Ja: "再起動するまで修正は反映されません。対象: " + names.Ja,
	})
}

// untouchable are services whose restart throws people out or stops the
// machine: they are left to a reboot.
var untouchable = []string{"dbus.service", "systemd-logind.service", "dbus-broker.service", "init.scope"}

func librariesAdvice(users []user) checks.Advice {
	var a checks.Advice
	rest := false
	for _, name := range programs(users) {
		sh := checks.Sh("sudo", "systemctl", "restart", name)
		switch {
		case !strings.HasSuffix(name, ".service") || slices.Contains(untouchable, name) || strings.HasPrefix(name, "user@"):
			rest = true
		case len(a.Mend) < 3 && sh.String() != "":
			a.Mend = append(a.Mend, sh)
		}
	}
	if rest {
		a.Text = checks.Text{
			En: "Those that are no service of their own are best restarted by a reboot.",
			Ja: "サービスでないものは、マシンの再起動が確実です。",
		}
	}
	return a
}

func unattendedText(last run, auto string) checks.Text {
	if auto == automaticStopped {
		return checks.Lines(checks.Text{
			En: fmt.Sprintf("unattended-upgrades is on but has not run for %s", checks.Ago(last.Began)),
			Ja: fmt.Sprintf("自動更新（unattended-upgrades）が有効なのに、%s実行されていません", checks.Ago(last.Began)),
		}, checks.Text{
			En: "Security updates are no longer installed by themselves.",
			Ja: "セキュリティ更新が自動で適用されなくなっています。",
		})
	}
	said := checks.Said(last.Error)
	return checks.Lines(checks.Text{
		En: "unattended-upgrades failed in its last run",
		Ja: "自動更新（unattended-upgrades）の前回の実行が失敗しています",
	}, checks.Text{
		En: fmt.Sprintf("At %s it said: %s.", checks.At(last.Began), said.En),
		Ja: fmt.Sprintf("%sの実行でのエラー: %s", checks.At(last.Began), said.Ja),
	})
}

func unattendedAdvice() checks.Advice {
	return checks.Advice{
		Look: logShell(),
		Mend: []checks.Shell{checks.Sh("sudo", "unattended-upgrade", "-v")},
	}
}

// systemNameLimit is how much of a distribution's name is shown (own).
const systemNameLimit = 40

func systemName(r release) string {
	name := []rune(checks.Quote(r.Name))
	return string(name[:min(len(name), systemNameLimit)])
}

func supportText(r release, v verdict) checks.Text {
	name, term := systemName(r), checks.Text{Ja: r.Term}
	if r.Term != "" {
		term.En = " (" + r.Term + ")"
	}
	harm := checks.Text{
		En: "After that nobody fixes its security holes any more.",
		Ja: "それ以降はセキュリティ修正が出なくなります。",
	}
	if v.Severity == checks.Critical {
		return checks.Lines(checks.Text{
			En: fmt.Sprintf("%s is no longer supported%s", name, term.En),
			Ja: fmt.Sprintf("%s の%sサポートは終了しています", name, term.Ja),
		}, checks.Text{
			En: fmt.Sprintf("It ended on %s: nobody fixes its security holes any more.", checks.On(r.Ends.Add(-day))),
			Ja: fmt.Sprintf("%sに終了し、セキュリティ修正はもう出ません。", checks.On(r.Ends.Add(-day))),
		})
	}
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("support of %s ends on %s, in %s%s", name, checks.On(r.Ends.Add(-day)), checks.Left(r.Ends), term.En),
		Ja: fmt.Sprintf("%s の%sサポートが%sで終わります（あと%s）", name, term.Ja, checks.On(r.Ends.Add(-day)), checks.Left(r.Ends)),
	}, harm)
}

func supportAdvice(r release) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "Plan the upgrade to the next release; before it, a backup that has been restored once. After it PostgreSQL's text indexes must be rebuilt.",
		Ja: "次のリリースへの移行を計画してください。作業前に復元を確かめたバックアップを取り、作業後はPostgreSQLのテキストのインデックスを作り直す必要があります。",
	}}
	if strings.HasPrefix(r.Name, "Debian") {
		a.Look = checks.Sh("cat", "/etc/os-release")
	}
	return a
}

// summary is the line for all.
func (r *round) summary() checks.Text {
	var parts []checks.Text
	n, s := len(r.state.Updates), 0
	for _, u := range r.state.Updates {
		if u.Security {
			s++
		}
	}
	switch {
	case r.unsure != nil:
		parts = append(parts, checks.Text{En: "which updates wait could not be asked", Ja: "更新の有無は確認できず"})
	case n == 0:
		parts = append(parts, checks.Text{En: "no updates waiting", Ja: "未適用の更新なし"})
	case s == 0:
		parts = append(parts, checks.Text{
			En: plural(n, "update", "updates") + " waiting, none for security",
			Ja: fmt.Sprintf("未適用の更新%d件（セキュリティ更新なし）", n),
		})
	default:
		parts = append(parts, checks.Text{
			En: fmt.Sprintf("%s waiting, %d for security", plural(n, "update", "updates"), s),
			Ja: fmt.Sprintf("未適用の更新%d件（うちセキュリティ更新%d件）", n, s),
		})
	}
	if l := r.state.Lists; !r.dnf && !l.Proven.IsZero() {
		at := checks.Ago(l.Proven)
		t := checks.Text{En: "lists " + at + " old", Ja: "一覧は" + at + "前のもの"}
		if judgeLists(l, r.now).Why == "asked lately" {
			at = checks.Ago(l.Asked)
			t = checks.Text{En: "asked " + at + " ago", Ja: at + "前に確認済み"}
		}
		parts = append(parts, t)
	}
	switch r.auto {
	case automaticOn:
		parts = append(parts, checks.Text{En: "security updates install themselves", Ja: "セキュリティ更新は自動適用"})
	case automaticOff:
		parts = append(parts, checks.Text{En: "automatic updates off", Ja: "自動更新は無効"})
	}
	if h := len(r.state.Book.Held); h > 0 {
		parts = append(parts, checks.Text{En: fmt.Sprintf("%d held", h), Ja: fmt.Sprintf("hold %d件", h)})
	}
	if !r.after.Reboot.IsZero() {
		parts = append(parts, checks.Text{En: "reboot due", Ja: "再起動待ち"})
	}
	if rel := r.state.Release; !rel.Ends.IsZero() && r.now.Before(rel.Ends) {
		name, on := systemName(rel), checks.On(rel.Ends.Add(-day))
		parts = append(parts, checks.Text{
			En: fmt.Sprintf("%s has %s to %s", name, strings.TrimSpace(rel.Term+" support"), on),
			Ja: fmt.Sprintf("%s の%sサポートは%sまで", name, rel.Term, on),
		})
	}
	return checks.Join(checks.Text{En: "; ", Ja: "、"}, parts...)
}
