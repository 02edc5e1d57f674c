package usage

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func size(bytes int64) checks.Text { return checks.Size(float64(bytes)) }

// usualSize is "0.3 GB" or "0.3–0.6 GB", or nothing before seven days.
func usualSize(b checks.Band) checks.Text {
	if b.Days == 0 {
		return checks.Text{}
	}
	return checks.SizeRange(max(b.Low, 0), max(b.High, 0))
}

func growthText(g grown, now time.Time) checks.Text {
	n, s, u := name(g.Path), size(g.Bytes), usualSize(g.Usual)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s has grown to %s, usually %s", n.En, s.En, u.En),
			Ja: fmt.Sprintf("%s が%sに増えています（普段%s）", n.Ja, s.Ja, u.Ja),
		},
		lastDay(g), fullText(g, now),
	)
}

// lastDay is how much an area grew since yesterday, or nothing.
func lastDay(g grown) checks.Text {
	if !g.PaceOK || g.Pace.Last < megabyte {
		return checks.Text{}
	}
	s := checks.Size(g.Pace.Last)
	t := checks.Text{En: "In the last day it grew " + s.En, Ja: "この1日で" + s.Ja + "増えました"}
	if g.Pace.Usual >= megabyte {
		u := checks.Size(g.Pace.Usual)
		t.En, t.Ja = t.En+" (usually "+u.En+")", t.Ja+"（普段は1日"+u.Ja+"）"
	}
	return checks.Text{En: t.En + ".", Ja: t.Ja + "。"}
}

// fullText tells when the disk is full at the pace of one area, or nothing
// where that is not certain enough.
func fullText(g grown, now time.Time) checks.Text {
	if !g.LeftOK {
		return checks.Text{}
	}
	s, d := checks.Size(g.Trend.Growth), checks.On(now.Add(g.Left))
	return checks.Text{
		En: fmt.Sprintf("It has been growing %s a day for %d days; at this pace alone the disk is full around %s.", s.En, g.Trend.Days, d),
		Ja: fmt.Sprintf("この%d日間、1日約%sずつ増えており、このペースだと%sごろディスクが満杯になります。", g.Trend.Days, s.Ja, d),
	}
}

func growthAdvice(g grown, f site.Found) checks.Advice {
	a := checks.Advice{Look: lookInto(g.Path)}
	switch g.Of {
	case ofLogs, ofJournal:
		a.Text = checks.Text{
			En: "The newest lines usually say what fills it.",
			Ja: "たいてい、最新の行を見ると何が増やしているかわかります。",
		}
		if sh := checks.Written("sudo", "find", g.Path, "-xdev", "-type", "f", "-size", "+100M", "-exec", "ls", "-lh", "{}", "+"); sh != nil {
			a.Look = sh
		}
	case ofMedia, ofCached:
		return mediaAdvice(f)
	case ofDatabase:
		a.Text = checks.Text{
			En: "Never delete a file in PostgreSQL's folder by hand.",
			Ja: "PostgreSQLのフォルダー内のファイルは、絶対に手で削除しないでください。",
		}
	}
	return a
}

// lookInto is the one command to look: what is big there.
func lookInto(path string) checks.Shell {
	sh := checks.Written("sudo", "du", "-xhd1", path)
	if sh == nil {
		return nil
	}
	return sh.Pipe("sort", "-h")
}

func mediaText(g grown) checks.Text {
	n, grew, all := name(g.Path), checks.Size(g.Pace.Last), size(g.Bytes)
	u := checks.Size(max(g.Pace.Usual, 0))
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("cached media grew %s in a day, usually %s", grew.En, u.En),
			Ja: fmt.Sprintf("メディアキャッシュが1日で%s増えました（普段は%s）", grew.Ja, u.Ja),
		},
		checks.Text{
			En: fmt.Sprintf("%s is %s now. A relay that was added, or a wave of new follows, fills a small disk within days.", n.En, all.En),
			Ja: fmt.Sprintf("%s は今%sです。リレーの追加やフォローの急増があると、小さなディスクは数日で満杯になります。", n.Ja, all.Ja),
		},
	)
}

func mediaAdvice(f site.Found) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "See whether a relay was added (Administration → Relays) and what the retention of media is (Content retention). Media older than a week can be removed; they are fetched again when somebody looks at them.",
		Ja: "リレーを追加していないか（管理→リレー）、メディアの保持期間（コンテンツの保持）を確認してください。1週間より古いキャッシュは消しても、見るときに取得し直されます。",
	}}
	switch {
	case f.Live != "":
		a.Look = tootctl(f, "media", "usage")
		a.Mend = commands(tootctl(f, "media", "remove", "--days=7"))
	case f.Compose != "":
		a.Look = checks.Written("sudo", "docker", "compose", "--project-directory", f.Compose, "run", "--rm", "web", "tootctl", "media", "usage")
		a.Mend = commands(checks.Written("sudo", "docker", "compose", "--project-directory", f.Compose, "run", "--rm", "web", "tootctl", "media", "remove", "--days=7"))
	}
	return a
}

// tootctl is a call of it as Mastodon's own account, with rbenv where it is.
func tootctl(f site.Found, words ...string) checks.Shell {
	user := f.User
	if user == "" {
		user = "mastodon"
	}
	shims := filepath.Join(filepath.Dir(f.Live), ".rbenv/shims")
	return checks.Written(append([]string{
		"sudo", "-Hu", user, "env", "-C", f.Live, "PATH=" + shims + ":/usr/local/bin:/usr/bin:/bin", "RAILS_ENV=production", "bin/tootctl",
	}, words...)...)
}

func dumpText(folder string, list []dump, total float64) checks.Text {
	n, s := name(folder), checks.Size(total)
	oldest := list[0].At
	for _, d := range list {
		if d.At.Before(oldest) {
			oldest = d.At
		}
	}
	day := checks.On(oldest)
	head, en, ja := "a dump of "+s.En, "It is from "+day+". If this disk fails, it is", "日付は"+day
	helps := "it helps"
	if len(list) > 1 {
		head, helps = s.En+" of dumps", "they help"
		en = fmt.Sprintf("There are %d, the oldest from %s. If this disk fails, they are", len(list), day)
		ja = fmt.Sprintf("%d個あり、いちばん古いものは%s", len(list), day)
	}
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s in %s, on the database's own disk", head, n.En),
			Ja: fmt.Sprintf("DBと同じディスクに%sのダンプがあります（%s）", s.Ja, n.Ja),
		},
		checks.Text{
			En: en + " lost with the database: here " + helps + " only after a slip of the hand.",
			Ja: ja + "です。このディスクが壊れるとDBと一緒に失われるため、ここでは操作ミスからの復元にしか役立ちません。",
		},
	)
}

func dumpAdvice(folder string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Move them to another machine, and delete those that are no longer needed.",
			Ja: "別の場所へ移し、用が済んだものは削除してください。",
		},
		Look: checks.Written("sudo", "ls", "-lht", folder),
	}
}

func journalText(a sized) checks.Text {
	s := size(a.Bytes)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("the journal takes %s and no limit is set", s.En),
			Ja: fmt.Sprintf("journaldのログが%sあり、上限が未設定です", s.Ja),
		},
		checks.Text{
			En: "Without SystemMaxUse journald keeps up to a tenth of the disk, 4 GB at most.",
			Ja: "SystemMaxUseがないと、journaldはディスクの1割（最大4GB）まで使います。",
		},
	)
}

func journalAdvice() checks.Advice {
	const folder = "/etc/systemd/journald.conf.d"
	return checks.Advice{
		Text: checks.Text{
			En: "This limits it to 200 MB; take more where older lines are needed.",
			Ja: "次のコマンドで200MBに制限できます。古い行も必要なら値を増やしてください。",
		},
		Look: checks.Sh("journalctl", "--disk-usage"),
		Mend: []checks.Shell{
			checks.Sh("sudo", "mkdir", "-p", folder),
			checks.Sh("printf", `[Journal]\nSystemMaxUse=200M\n`).Pipe("sudo", "tee", folder+"/size.conf"),
			checks.Sh("sudo", "systemctl", "restart", "systemd-journald"),
		},
	}
}

func rubyText(version, wanted string, a sized) checks.Text {
	v, w, s := checks.Quote(version), checks.Quote(wanted), size(a.Bytes)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("Ruby %s is left over, %s", v, s.En),
			Ja: fmt.Sprintf("使っていないRuby %s が残っています（%s）", v, s.Ja),
		},
		checks.Text{
			En: fmt.Sprintf("It is not the one of Mastodon's .ruby-version, which is %s.", w),
			Ja: fmt.Sprintf("Mastodonの.ruby-versionは %s です。", w),
		},
	)
}

func rubyAdvice(version, path, user string) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "Make sure that Mastodon has been restarted since its update, and that nothing else uses it.",
		Ja: "更新後にMastodonを再起動してあり、ほかで使っていないことを確かめてから消してください。",
	}}
	rbenv := filepath.Join(filepath.Dir(filepath.Dir(path)), "bin/rbenv")
	if user == "" {
		user = "mastodon"
	}
	a.Look = checks.Written("sudo", "-Hu", user, rbenv, "versions")
	a.Mend = commands(checks.Written("sudo", "-Hu", user, rbenv, "uninstall", version))
	return a
}

func cacheText(a sized) checks.Text {
	n, s := name(a.Path), size(a.Bytes)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("the package cache %s takes %s", n.En, s.En),
			Ja: fmt.Sprintf("パッケージのキャッシュ %s が%sあります", n.Ja, s.Ja),
		},
		checks.Text{
			En: "Nothing is lost without it: yarn and bundler fetch what they need again.",
			Ja: "消しても、yarnやbundlerが必要なときに取得し直します。",
		},
	)
}

func cacheAdvice(a sized) checks.Advice {
	return checks.Advice{Look: lookInto(a.Path), Mend: commands(checks.Written("sudo", "rm", "-r", a.Path))}
}

func walText(a sized, s walSettings, why checks.Text) checks.Text {
	is, limit := size(a.Bytes), size(s.Max)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("pg_wal has grown to %s (max_wal_size is %s)", is.En, limit.En),
			Ja: fmt.Sprintf("pg_walが%sに増えています（max_wal_sizeは%s）", is.Ja, limit.Ja),
		},
		why,
		checks.Text{
			En: "When the disk is full, PostgreSQL stops. Never delete anything in pg_wal by hand: that destroys the database.",
			Ja: "ディスクが満杯になるとPostgreSQLが止まります。pg_walの中身は絶対に手で削除しないでください（DBが壊れます）。",
		},
	)
}

// walWhy is what can be seen of the cause.
func walWhy(s walSettings, c walCause) checks.Text {
	const many = 10 // segments of 16 MB; fewer wait at any moment (own)
	switch {
	case c.Waiting > many:
		n := checks.Number(int64(c.Waiting))
		return checks.Text{
			En: n.En + " segments wait to be archived: probably the archive_command fails.",
			Ja: n.Ja + "個のセグメントがアーカイブ待ちです。おそらくarchive_commandが失敗しています。",
		}
	case len(c.Slots) > 0:
		var names []string
		for _, n := range c.Slots[:min(len(c.Slots), 3)] {
			names = append(names, checks.Quote(n))
		}
		return checks.Text{
			En: "Probably because of a replication slot that nobody reads any more: " + strings.Join(names, ", ") + ".",
			Ja: "おそらく、読み手のいないレプリケーションスロットが原因です（" + strings.Join(names, "、") + "）。",
		}
	case s.Archive:
		return checks.Text{
			En: "The archive_command may be failing.",
			Ja: "archive_commandが失敗しているかもしれません。",
		}
	}
	return checks.Text{
		En: "The cause could not be seen from outside; a long transaction or a slow checkpoint may be it.",
		Ja: "原因は外からはわかりませんでした。長いトランザクションや遅いチェックポイントかもしれません。",
	}
}

func walAdvice() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "See which slot is inactive and whether archiving fails. Fix the archive_command, or drop a slot that is not needed: pg_drop_replication_slot('NAME'). PostgreSQL then clears up by itself.",
			Ja: "activeがfのスロットと、アーカイブの失敗を確認してください。archive_commandを直すか、不要なスロットをpg_drop_replication_slot('名前')で削除すれば、PostgreSQLが自動で片づけます。",
		},
		Look: checks.Sh("sudo", "-u", "postgres", "psql", "-x",
			"-c", "SELECT slot_name, active, restart_lsn FROM pg_replication_slots",
			"-c", "SELECT failed_count, last_failed_wal, last_failed_time, last_archived_time FROM pg_stat_archiver"),
	}
}

func deletedText(h holder) checks.Text {
	n, s, p := name(h.Name), size(h.Bytes), name(h.Path)
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s keeps deleted files open, %s", n.En, s.En),
			Ja: fmt.Sprintf("%s が削除済みファイルを開いたままです（%s）", n.Ja, s.Ja),
		},
		checks.Text{
			En: fmt.Sprintf("du does not see them; the room comes back when it closes them. The largest was %s.", p.En),
			Ja: fmt.Sprintf("duには表れず、閉じるまで容量は戻りません。最大のものは %s でした。", p.Ja),
		},
	)
}

func deletedAdvice(h holder) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "A restart of the program gives the room back.",
			Ja: "プログラムを再起動すると容量が戻ります。",
		},
		Look: checks.Sh("sudo", "lsof", "-nP", "+L1"),
	}
	if h.Unit != "" {
		a.Look = checks.Written("systemctl", "status", h.Unit)
		a.Mend = commands(checks.Written("sudo", "systemctl", "restart", h.Unit))
	}
	return a
}
