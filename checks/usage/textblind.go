package usage

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// What could not be seen, and what mends that.

func mendOnce() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Root sees everything; once, by hand:",
			Ja: "rootならすべて確認できます。手動で一度だけ見るには:",
		},
		Look: checks.Sh("sudo", "sababan", "check", "usage"),
	}
}

func mendDatabase() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "PostgreSQL's folder stays closed, as it must. Its sizes can be asked for by SQL by a role with pg_monitor; or once, by hand, as root:",
			Ja: "PostgreSQLのフォルダーは閉じたままにしてください。サイズはpg_monitor権限のロールならSQLでわかります。手動で一度だけ見るには:",
		},
		Look: checks.Sh("sudo", "sababan", "check", "usage"),
	}
}

func mendTime() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "The daemon has 20 minutes for it; put what need not be measured into ignore in [checks.usage].",
		Ja: "デーモンは20分まで待ちます。見なくてよい場所は[checks.usage]のignoreに書いてください。",
	}}
}

func blindDenied(path string) checks.Text {
	n := name(path)
	return checks.Text{En: n.En + " may not be read", Ja: n.Ja + " を読む権限がありません"}
}

func blindTime(path string) checks.Text {
	n := name(path)
	return checks.Text{En: n.En + " could not be measured to its end in time", Ja: n.Ja + " は時間内に計測が終わりませんでした"}
}

func blindSilent(path string) checks.Text {
	n, l := name(path), checks.Span(answerLimit)
	return checks.Text{
		En: fmt.Sprintf("%s does not answer within %s: what it comes from may be dead", n.En, l.En),
		Ja: fmt.Sprintf("%s が%sたっても応答しません。接続先が止まっている可能性があります", n.Ja, l.Ja),
	}
}

func mendSilent(path string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "If what is behind it is gone for good, unmount it, or add it to ignore in [checks.usage].",
			Ja: "接続先がもうないなら、アンマウントするか、[checks.usage]のignoreに加えてください。",
		},
		Look: checks.Written("timeout", "-s", "KILL", "5", "df", "-h", path),
	}
}

func blindError(path string, err error) checks.Text {
	n := name(path)
	if err == nil {
		return checks.Text{En: n.En + " could not be looked at", Ja: n.Ja + " を確認できませんでした"}
	}
	said := checks.Said(err.Error())
	return checks.Text{
		En: fmt.Sprintf("%s could not be looked at (%s)", n.En, said.En),
		Ja: fmt.Sprintf("%s を確認できませんでした（%s）", n.Ja, said.Ja),
	}
}

// blindPart says what of an area could not be read, and how large it is at
// least.
func blindPart(a sized, some []unread) checks.Text {
	n, s := name(a.Path), size(a.Bytes)
	var names []checks.Text
	for _, u := range some[:min(len(some), 3)] {
		names = append(names, name(u.Path))
	}
	list := checks.Join(checks.Text{En: ", ", Ja: "、"}, names...)
	if more := a.Unread - len(names); more > 0 && len(names) > 0 {
		list.En += fmt.Sprintf(" and %d more", more)
		list.Ja += fmt.Sprintf("、ほか%d件", more)
	}
	if list.Empty() {
		list = checks.Text{En: fmt.Sprintf("%d folders", a.Unread), Ja: fmt.Sprintf("%d件", a.Unread)}
		if a.Unread == 1 {
			list.En = "1 folder"
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%s is at least %s; not readable: %s", n.En, s.En, list.En),
		Ja: fmt.Sprintf("%s は少なくとも%sです（読めない場所: %s）", n.Ja, s.Ja, list.Ja),
	}
}

func blindHeld(path string) checks.Text {
	n := name(path)
	return checks.Text{
		En: n.En + ", which I told you of, could not be looked at this time",
		Ja: "前回お知らせした " + n.Ja + " を、今回は確認できませんでした",
	}
}

func blindWAL(data string) checks.Text {
	n := name(data)
	return checks.Text{
		En: "the settings of PostgreSQL in " + n.En + " may not be read: how much pg_wal may hold is not known",
		Ja: "PostgreSQL（" + n.Ja + "）の設定を読めず、pg_walの上限がわかりません",
	}
}

func blindJournal() checks.Text {
	return checks.Text{En: "journald's settings could not be read", Ja: "journaldの設定を読めませんでした"}
}

func blindProcesses() checks.Text {
	return checks.Text{
		En: "which files processes have open cannot be told on this machine",
		Ja: "このマシンではプロセスの開いているファイルを確認できません",
	}
}

func blindOpen(hidden int) checks.Text {
	if hidden == 0 {
		return checks.Text{
			En: "there are too many open files to look at all of them",
			Ja: "開いているファイルが多すぎて、すべては確認できませんでした",
		}
	}
	n := checks.Number(int64(hidden))
	return checks.Text{
		En: "the open files of " + n.En + " processes may not be seen: deleted files may take room unseen",
		Ja: n.Ja + "個のプロセスの開いているファイルを見る権限がなく、削除済みファイルが容量を使っていてもわかりません",
	}
}

func noTime() checks.Text {
	return checks.Text{En: "the measurement did not end in time", Ja: "計測が時間内に終わりませんでした"}
}

func busy() checks.Text {
	return checks.Text{
		En: "another measurement of this machine's disks is under way; ask again later",
		Ja: "別の計測が進行中です。後でもう一度お試しください",
	}
}

func nothingSeen() checks.Text {
	return checks.Text{En: "no folder could be looked at", Ja: "確認できるフォルダーがありません"}
}

func dated(t checks.Text, at time.Time) checks.Text {
	when := checks.At(at)
	return checks.Text{En: t.En + " (as of " + when + ")", Ja: t.Ja + "（" + when + "時点）"}
}

// summary is the line with the numbers: the database, Mastodon, the logs, and
// whatever else is big; and what grows the fastest.
func (r *report) summary() checks.Text {
	var parts []checks.Text
	seen := map[string]bool{}
	add := func(a sized, title checks.Text) {
		if seen[a.Path] {
			return
		}
		seen[a.Path] = true
		parts = append(parts, r.oneSize(a, title))
	}
	for _, data := range r.found.PostgresData {
		switch a, ok := r.area(data); {
		case ok && a.Unread > 0:
			seen[data] = true
			parts = append(parts, checks.Text{En: "PostgreSQL not readable", Ja: "PostgreSQL 不明（権限なし）"})
		case ok:
			add(a, checks.Same("PostgreSQL"))
		}
	}
	for _, a := range r.Areas {
		if a.Path == r.found.Live || a.Path == r.found.Compose {
			add(a, checks.Same("Mastodon"))
		}
	}
	logs := r.root + "/var/log"
	if a, ok := r.area(logs); ok {
		add(a, checks.Same("/var/log"))
	}
	// The biggest of the others that hold none of these.
	n := 0
	for _, a := range r.biggest() {
		if n == 2 || len(parts) >= 5 {
			break
		}
		inside := false
		for p := range seen {
			inside = inside || under(a.Path, p) || under(p, a.Path)
		}
		if !inside && a.Parent == "" && a.Bytes >= megabyte {
			add(a, name(strings.TrimPrefix(a.Path, r.root)))
			n++
		}
	}
	if len(parts) == 0 {
		parts = append(parts, checks.Text{En: "nothing large", Ja: "大きなものはありません"})
	}
	line := checks.Join(checks.Text{En: ", ", Ja: "、"}, parts...)
	extra := []checks.Text{line}
	if g, ok := r.fastest(); ok {
		p, s, d := name(g.Path), checks.Size(g.Trend.Growth), checks.On(r.now.Add(g.Left))
		extra = append(extra, checks.Text{
			En: fmt.Sprintf("%s grows %s a day, which fills the disk around %s", p.En, s.En, d),
			Ja: fmt.Sprintf("%s が1日約%s増えていて、このペースだと%sごろ満杯", p.Ja, s.Ja, d),
		})
	}
	for _, tree := range r.Links {
		p := name(tree)
		extra = append(extra, checks.Text{
			En: "more than a million files with several names in " + p.En + ": those beyond count once for each name",
			Ja: p.Ja + " にはハードリンクが100万個を超えてあり、超えた分は重複して数えています",
		})
	}
	return checks.Join(checks.Text{En: "; ", Ja: "。"}, extra...)
}

// oneSize is "/var/log 609 MB (usually 590–610 MB)".
func (r *report) oneSize(a sized, title checks.Text) checks.Text {
	s := size(a.Bytes)
	if a.Unread > 0 {
		return checks.Text{En: title.En + " at least " + s.En, Ja: title.Ja + " " + s.Ja + "以上"}
	}
	t := checks.Text{En: title.En + " " + s.En, Ja: title.Ja + " " + s.Ja}
	for _, g := range r.grown {
		if u := usualSize(g.Usual); g.Path == a.Path && !u.Empty() {
			t.En, t.Ja = t.En+" (usually "+u.En+")", t.Ja+"（普段"+u.Ja+"）"
		}
	}
	return t
}

// fastest is the area whose growth fills its disk first, and of those that lie
// in one another the innermost that accounts for most of it.
func (r *report) fastest() (grown, bool) {
	var first grown
	found := false
	for _, g := range r.grown {
		if !g.LeftOK {
			continue
		}
		inner := found && under(g.Path, first.Path) && g.Path != first.Path && g.Trend.Growth > 0.8*first.Trend.Growth
		outer := found && under(first.Path, g.Path) && first.Trend.Growth > 0.8*g.Trend.Growth
		if !found || inner || !outer && g.Left < first.Left {
			first, found = g, true
		}
	}
	return first, found
}
