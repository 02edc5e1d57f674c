package disk

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/trend"
)

// A seen is one file system as the texts speak of it.
type seen struct {
	volume
	Stat
	Name     checks.Text
	Subject  string
	Holds    []string // "PostgreSQL", "Redis"
	InMemory bool
	Usual    checks.Band // of used_ratio; Days is 0 where it is not known
	Trend    trend.Trend
	Free     []freeable
}

// keepers names the programs that keep their data on the file system, as the
// beginning of a sentence: "PostgreSQL and Redis keep their data here", and
// how the sentence goes on about them: "they".
func (s seen) keepers() (names checks.Text, they string) {
	names = checks.Text{En: strings.Join(s.Holds, " and "), Ja: strings.Join(s.Holds, "と")}
	if len(s.Holds) == 1 {
		names.En, they = names.En+" keeps its data here", "it"
	} else {
		names.En, they = names.En+" keep their data here", "they"
	}
	names.Ja += "のデータがここにあり"
	return names, they
}

// usualText is "usually 70–72 %", or nothing before seven days.
func (s seen) usualText() checks.Text {
	if s.Usual.Days == 0 {
		return checks.Text{}
	}
	return checks.PercentRange(clamp(s.Usual.Low), clamp(s.Usual.High))
}

func clamp(ratio float64) float64 { return min(max(ratio, 0), 1) }

func (s seen) available() checks.Text { return checks.Size(float64(s.Available)) }

// fullHeadline is "/ is 97 % full, 1.8 GB free".
func fullHeadline(s seen) checks.Text {
	used, free := checks.PercentUp(s.Used()), s.available()
	if s.Available == 0 {
		return checks.Text{
			En: s.Name.En + " is full: nothing is free",
			Ja: s.Name.Ja + " 満杯です（空きなし）",
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%s is %s full, %s free", s.Name.En, used.En, free.En),
		Ja: fmt.Sprintf("%s 使用%s、空き%s", s.Name.Ja, used.Ja, free.Ja),
	}
}

func fullText(s seen) checks.Text {
	return checks.Lines(fullHeadline(s), fullHarm(s), usualLine(s), growthLine(s))
}

func fullHarm(s seen) checks.Text {
	names, they := s.keepers()
	switch {
	case s.InMemory:
		return checks.Text{
			En: "It lies in memory (tmpfs): what it holds is taken from RAM, and programs that need it fail when it is full.",
			Ja: "メモリ上の領域（tmpfs）です。入っている分だけメモリを使い、満杯になるとここを使う処理が失敗します。",
		}
	case len(s.Holds) > 0 && s.Available == 0:
		return checks.Text{
			En: names.En + " and can no longer write: posting and signing in fail.",
			Ja: names.Ja + "、もう書き込めません。投稿もログインもできなくなります。",
		}
	case len(s.Holds) > 0:
		return checks.Text{
			En: names.En + ": when nothing is left, " + they + " stop" + third(they) + " and nobody can post.",
			Ja: names.Ja + "、満杯になると止まって投稿できなくなります。",
		}
	}
	return checks.Text{
		En: "When nothing is left, whatever writes there fails: uploads, logs, updates.",
		Ja: "満杯になると、ここへの書き込み（アップロード、ログ、更新など）が失敗します。",
	}
}

// third is the ending of a verb.
func third(they string) string {
	if they == "it" {
		return "s"
	}
	return ""
}

func usualLine(s seen) checks.Text {
	u := s.usualText()
	if u.Empty() {
		return checks.Text{}
	}
	return checks.Text{En: "Usually " + u.En + " is in use.", Ja: "普段は" + u.Ja + "です。"}
}

// growthLine is what the trend says, or nothing.
func growthLine(s seen) checks.Text {
	left, ok := s.Trend.Left(float64(s.Available))
	if !ok || !s.Trend.Confident || s.Available == 0 {
		return checks.Text{}
	}
	a, r := checks.Size(s.Trend.Growth), roomText(left)
	return checks.Text{
		En: fmt.Sprintf("It grows %s a day; at this pace there is room for %s.", a.En, r.En),
		Ja: fmt.Sprintf("1日約%s増えており、このペースだとあと%sです。", a.Ja, r.Ja),
	}
}

// roomText is a length of time as it is said of a guess: "about 2 months".
func roomText(left time.Duration) checks.Text {
	days := left.Hours() / 24
	switch {
	case days < 1:
		return checks.Text{En: "less than a day", Ja: "1日未満"}
	case days < 1.5:
		return checks.Text{En: "about a day", Ja: "約1日"}
	case days < 21:
		n := math.Round(days)
		return checks.Text{En: fmt.Sprintf("about %.0f days", n), Ja: fmt.Sprintf("約%.0f日", n)}
	case days < 50:
		n := math.Round(days / 7)
		return checks.Text{En: fmt.Sprintf("about %.0f weeks", n), Ja: fmt.Sprintf("約%.0f週間", n)}
	case days < 700:
		n := math.Round(days / 30.4)
		return checks.Text{En: fmt.Sprintf("about %.0f months", n), Ja: fmt.Sprintf("約%.0fか月", n)}
	}
	n := math.Round(days / 365)
	return checks.Text{En: fmt.Sprintf("about %.0f years", n), Ja: fmt.Sprintf("約%.0f年", n)}
}

// lookInto is the one command to look: what is big there.
func lookInto(point string) checks.Shell {
	sh := checks.Written("sudo", "du", "-xhd1", point)
	if sh == nil {
		return nil
	}
	return sh.Pipe("sort", "-h")
}

func fullAdvice(s seen, critical bool) checks.Advice {
	a := checks.Advice{Look: lookInto(s.Point)}
	if !critical {
		return a
	}
	if len(s.Free) == 0 {
		a.Text = checks.Text{
			En: "Nothing was found that can be freed at once in the usual places that I may read; the command shows what is big.",
			Ja: "いつもの場所（読める範囲）には、すぐ消せるものが見つかりませんでした。次のコマンドで大きいものを探してください。",
		}
		return a
	}
	var named []checks.Text
	var after checks.Text
	for _, f := range s.Free {
		named = append(named, freeText(f))
		after = checks.Join(checks.Text{En: " "}, after, comesBack(f))
		a.Mend = append(a.Mend, freeCommands(f)...)
	}
	list := checks.Join(checks.Text{En: ", ", Ja: "、"}, named...)
	a.Text = checks.Join(checks.Text{En: " "}, checks.Text{
		En: "Can be freed at once: " + list.En + ".",
		Ja: "すぐ空けられるもの: " + list.Ja + "。",
	}, after)
	return a
}

// freeText names something that can be freed, with its size.
func freeText(f freeable) checks.Text {
	size := checks.Size(float64(f.Bytes))
	if f.AtLeast {
		size = checks.Text{En: "at least " + size.En, Ja: size.Ja + "以上"}
	}
	with := func(en, ja string) checks.Text { return checks.Text{En: en + " " + size.En, Ja: ja + size.Ja} }
	switch f.Kind {
	case freeApt:
		return with("packages that apt has kept", "aptのキャッシュ")
	case freeJournal:
		return with("journal (keeping 200 MB)", "journal（200MBを残して）")
	case freeLogs:
		return with("rotated logs in /var/log", "/var/logの古いログ")
	case freeYarn:
		p := name(f.Paths[0])
		return with("yarn's cache "+p.En, "yarnのキャッシュ（"+p.Ja+"）")
	case freeModules:
		p := name(liveOf(f.Paths[0]))
		return with("node_modules and vendor of "+p.En, p.Ja+" のnode_modulesとvendor ")
	case freePacks:
		p := name(f.Paths[0])
		return with("the compiled pages "+p.En, p.Ja+"（ビルド済みアセット）")
	case freeDumps:
		p := name(f.Paths[0])
		return with("dumps in "+p.En, p.Ja+" のダンプ ")
	}
	return checks.Text{En: "unused Docker images (size not measured)", Ja: "使っていないDockerイメージ（サイズ未測定）"}
}

func liveOf(path string) string {
	return strings.TrimSuffix(path[:strings.LastIndexByte(path, '/')], "/")
}

// comesBack says what must be known before something is deleted.
func comesBack(f freeable) checks.Text {
	switch f.Kind {
	case freeModules:
		return checks.Text{
			En: "Stop Mastodon before deleting node_modules and vendor; bundle install and yarn install bring them back.",
			Ja: "node_modulesとvendorはMastodonを止めてから削除してください。あとで bundle install と yarn install で復活します。",
		}
	case freePacks:
		return checks.Text{
			En: "Without the compiled pages the web interface is down until RAILS_ENV=production bundle exec rails assets:precompile has run.",
			Ja: "ビルド済みアセットを消すとWeb画面が表示できません。RAILS_ENV=production bundle exec rails assets:precompile で復活します。",
		}
	case freeDumps:
		return checks.Text{
			En: "Move dumps elsewhere before deleting them: they may be the only backup.",
			Ja: "ダンプは唯一のバックアップかもしれません。別の場所へ移してから削除してください。",
		}
	}
	return checks.Text{}
}

func freeCommands(f freeable) []checks.Shell {
	var list []checks.Shell
	add := func(words ...string) {
		if sh := checks.Written(words...); sh != nil {
			list = append(list, sh)
		}
	}
	switch f.Kind {
	case freeApt:
		add("sudo", "apt-get", "clean")
	case freeJournal:
		add("sudo", "journalctl", "--vacuum-size=200M")
	case freeLogs:
		add("sudo", "find", f.Paths[0], "-xdev", "-type", "f",
			"(", "-name", "*.gz", "-o", "-name", "*.[0-9]", "-o", "-name", "*.old", ")", "-delete")
	case freeYarn, freePacks:
		add(append([]string{"sudo", "rm", "-r"}, f.Paths...)...)
	case freeModules:
		add("sudo", "systemctl", "stop", "mastodon-*")
		add(append([]string{"sudo", "rm", "-r"}, f.Paths...)...)
	case freeDumps:
		add("ls", "-lh", f.Paths[0])
	case freeDocker:
		add("sudo", "docker", "image", "prune")
	}
	return list
}

func inodesText(s seen) checks.Text {
	used, left, free := checks.PercentUp(s.UsedInodes()), checks.Number(int64(s.InodesFree)), s.available()
	head := checks.Text{
		En: fmt.Sprintf("%s has used %s of its inodes, %s are left", s.Name.En, used.En, left.En),
		Ja: fmt.Sprintf("%s inode使用%s、残り%s", s.Name.Ja, used.Ja, left.Ja),
	}
	if s.InodesFree == 0 {
		head = checks.Text{
			En: s.Name.En + " has no inode left: no file can be created",
			Ja: s.Name.Ja + " inodeが残っておらず、ファイルを作れません",
		}
	}
	return checks.Lines(head, checks.Text{
		En: fmt.Sprintf("Without inodes no file can be created, although %s is free: it fails like a full disk.", free.En),
		Ja: fmt.Sprintf("容量が%s空いていても、inodeが尽きると新しいファイルを作れず、ディスク満杯と同じ症状になります。", free.Ja),
	})
}

func inodesAdvice(s seen) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "Usual causes: very many small files in a cache, in sessions or in a mail queue. The command shows which folders have the most.",
		Ja: "キャッシュ、セッション、メールキューなどの小さなファイルが大量にあることが多いです。次のコマンドで多いフォルダーがわかります。",
	}}
	if sh := checks.Written("sudo", "du", "--inodes", "-xS", s.Point); sh != nil {
		a.Look = sh.Pipe("sort", "-n").Pipe("tail", "-n", "20")
	}
	return a
}

// forecastText tells when it will be full, without pretending to know the hour.
func forecastText(s seen, now time.Time, left time.Duration) checks.Text {
	grow, free, room, full := checks.Size(s.Trend.Growth), s.available(), roomText(left), checks.On(now.Add(left))
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s will be full around %s, in %s", s.Name.En, full, room.En),
			Ja: fmt.Sprintf("%s このままでは%sごろ満杯（あと%s）", s.Name.Ja, full, room.Ja),
		},
		checks.Text{
			En: fmt.Sprintf("It has been growing %s a day for %d days and has %s left.", grow.En, s.Trend.Days, free.En),
			Ja: fmt.Sprintf("この%d日間、1日約%sずつ増えています。空きは%sです。", s.Trend.Days, grow.Ja, free.Ja),
		},
		fullHarm(s),
	)
}

func readOnlyText(s seen, how string) checks.Text {
	head := checks.Text{
		En: s.Name.En + " cannot be written: the kernel made it read-only after an error",
		Ja: s.Name.Ja + " 書き込めません（エラーのためカーネルが読み取り専用にしました）",
	}
	if how == stoppedBefore {
		head = checks.Text{
			En: s.Name.En + " cannot be written: it has become read-only",
			Ja: s.Name.Ja + " 書き込めません（読み取り専用になりました）",
		}
	}
	names, _ := s.keepers()
	harm := checks.Text{
		En: "Everything that writes there has stopped.",
		Ja: "ここへの書き込みはすべて止まっています。",
	}
	if len(s.Holds) > 0 {
		harm = checks.Text{
			En: names.En + ": posting and signing in fail.",
			Ja: names.Ja + "ます。投稿もログインもできません。",
		}
	}
	return checks.Lines(head, harm)
}

func readOnlyAdvice(s seen, how string) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Read the kernel's messages first: the disk may be dying. Make sure of a backup elsewhere before fsck or a restart.",
			Ja: "まずカーネルのメッセージを確認してください。ディスクの故障かもしれません。fsckや再起動の前に、別の場所のバックアップを確かめてください。",
		},
		Look: checks.Sh("sudo", "dmesg", "-T", "--level=err,crit,alert,emerg"),
	}
	if how == stoppedBefore {
		a.Text = checks.Text{
			En: a.Text.En + " If somebody did this on purpose, add it to ignore in [checks.disk].",
			Ja: a.Text.Ja + "意図したものなら、[checks.disk]のignoreに加えてください。",
		}
		if sh := checks.Written("sudo", "mount", "-o", "remount,rw", s.Point); sh != nil {
			a.Mend = []checks.Shell{sh}
		}
	}
	return a
}

// Why a file system could not be looked at.

func blindSlow(m Mount, limit time.Duration) checks.Text {
	n, l := name(m.Point), checks.Span(limit)
	if networkTypes[m.Type] || strings.HasPrefix(m.Type, "fuse.") {
		src := name(m.Source)
		return checks.Text{
			En: fmt.Sprintf("%s does not answer within %s; it comes from %s over %s", n.En, l.En, src.En, checks.QuoteName(m.Type)),
			Ja: fmt.Sprintf("%s が%sたっても応答しません（%s、接続先 %s）", n.Ja, l.Ja, checks.QuoteName(m.Type), src.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%s does not answer within %s", n.En, l.En),
		Ja: fmt.Sprintf("%s が%sたっても応答しません", n.Ja, l.Ja),
	}
}

func mendSlow(m Mount) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "If what is behind it is gone for good, unmount it, or add it to ignore in [checks.disk].",
			Ja: "接続先がもうないなら、アンマウントするか、[checks.disk]のignoreに加えてください。",
		},
		Look: checks.Written("timeout", "-s", "KILL", "5", "df", "-h", m.Point),
	}
	if sh := checks.Written("sudo", "umount", "-l", m.Point); sh != nil && networkTypes[m.Type] {
		a.Mend = []checks.Shell{sh}
	}
	return a
}

func blindError(m Mount, err error, denied bool) checks.Text {
	n := name(m.Point)
	if denied {
		return checks.Text{
			En: n.En + " may not be looked at: no permission",
			Ja: n.Ja + " を確認する権限がありません",
		}
	}
	said := checks.Said(err.Error())
	return checks.Text{
		En: fmt.Sprintf("%s cannot be looked at (%s)", n.En, said.En),
		Ja: fmt.Sprintf("%s を確認できません（%s）", n.Ja, said.Ja),
	}
}

func mendError() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "If it is not needed, unmount it, or add it to ignore in [checks.disk].",
		Ja: "不要ならアンマウントするか、[checks.disk]のignoreに加えてください。",
	}}
}

func blindPast(s seen) checks.Text {
	return checks.Text{
		En: "how " + s.Name.En + " has been growing could not be read from the history",
		Ja: s.Name.Ja + " の推移を履歴から読めませんでした",
	}
}

func noTable() checks.Text {
	return checks.Text{
		En: "the list of mounted file systems could not be read",
		Ja: "マウントの一覧を読めませんでした",
	}
}

func nothingSeen() checks.Text {
	return checks.Text{En: "no file system could be looked at", Ja: "確認できるファイルシステムがありません"}
}

// oneLine is the number of one file system: "/ 13 % used (usually 12–14), 80 GB free".
func oneLine(s seen) checks.Text {
	used, free, u := checks.PercentUp(s.Used()), s.available(), s.usualText()
	if !u.Empty() {
		u = checks.Text{
			En: " (usually " + strings.TrimSuffix(u.En, " %") + ")",
			Ja: "（普段" + u.Ja + "）",
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%s %s used%s, %s free", s.Name.En, used.En, u.En, free.En),
		Ja: fmt.Sprintf("%s 使用%s%s、空き%s", s.Name.Ja, used.Ja, u.Ja, free.Ja),
	}
}

// summary is the line for all: first is the file system that matters most,
// ill the others that are not fine, fine how many are, unseen how many could
// not be looked at.
func summary(first seen, ill []seen, fine, unseen int) checks.Text {
	parts := []checks.Text{oneLine(first)}
	if left, ok := first.Trend.Left(float64(first.Available)); ok && first.Trend.Confident {
		a, r := checks.Size(first.Trend.Growth), roomText(left)
		parts = append(parts, checks.Text{
			En: fmt.Sprintf("grows %s a day, room for %s", a.En, r.En),
			Ja: fmt.Sprintf("1日約%s増、このペースで%sもちます", a.Ja, r.Ja),
		})
	}
	for i, s := range ill {
		if i == 2 {
			n := len(ill) - i
			parts = append(parts, checks.Text{En: fmt.Sprintf("%d more not well", n), Ja: fmt.Sprintf("ほか%d件も要確認", n)})
			break
		}
		parts = append(parts, oneLine(s))
	}
	switch {
	case fine == 1:
		parts = append(parts, checks.Text{En: "1 other file system fine", Ja: "ほか1件は正常"})
	case fine > 1:
		parts = append(parts, checks.Text{En: fmt.Sprintf("%d other file systems fine", fine), Ja: fmt.Sprintf("ほか%d件は正常", fine)})
	}
	if unseen > 0 {
		parts = append(parts, checks.Text{En: fmt.Sprintf("%d could not be looked at", unseen), Ja: fmt.Sprintf("%d件は確認できず", unseen)})
	}
	return checks.Join(checks.Text{En: "; ", Ja: "。"}, parts...)
}
