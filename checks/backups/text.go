package backups

import (
	"cmp"
	"fmt"

	"github.com/sababan/sababan/checks"
)

// usualGap is "usually every 24 h", "set to every 24 h", or nothing.
func usualGap(s seen) checks.Text {
	gap := checks.Span(s.Rhythm)
	switch s.How {
	case rhythmSet:
		return checks.Text{En: "set to every " + gap.En, Ja: "設定は" + gap.Ja + "おき"}
	case rhythmAssumed:
		return checks.Text{En: "taken to be every " + gap.En, Ja: gap.Ja + "おきと仮定"}
	case rhythmLearned:
		// "Usually" stands only where there is a week of it.
		if all := runs(s.Runs); all[len(all)-1].Time.Sub(all[0].Time) < 6*day {
			return checks.Text{En: "so far every " + gap.En, Ja: "これまでは" + gap.Ja + "おき"}
		}
		return checks.Text{En: "usually every " + gap.En, Ja: "普段は" + gap.Ja + "おき"}
	}
	return checks.Text{}
}

// inBrackets is a text in brackets behind another, or nothing.
func inBrackets(t checks.Text) checks.Text {
	if t.Empty() {
		return t
	}
	return checks.Text{En: " (" + t.En + ")", Ja: "（" + t.Ja + "）"}
}

func oldText(s seen, failed []job) checks.Text {
	ago := checks.Ago(s.Newest.Time)
	gap := usualGap(s)
	head := checks.Text{
		En: fmt.Sprintf("backup %s is %s old%s", s.Name.En, ago, inBrackets(gap).En),
		Ja: fmt.Sprintf("バックアップが古くなっています 最新は%s前%s: %s", ago, inBrackets(gap).Ja, s.Name.Ja),
	}
	copied := checks.Text{}
	if made := s.Newest.Header.Made; !made.IsZero() && made.Equal(s.Newest.Time) {
		copied = checks.Text{
			En: "The file is newer, but by its own header the dump in it was made then: an old one is being copied.",
			Ja: "ファイルの日付は新しいのですが、中のダンプ自体の作成日時がこの時刻です。古いダンプをコピーし続けている可能性があります。",
		}
	}
	return checks.Lines(head, newestLine(s), copied, failedLine(failed), checks.Text{
		En: "If the database were lost now, everything since then would be gone.",
		Ja: "いまデータベースが失われると、それ以降のデータは戻せません。",
	}, levelLine(s))
}

// newestLine names the newest backup.
func newestLine(s seen) checks.Text {
	at := checks.At(s.Newest.Time)
	size := checks.Text{}
	if s.Newest.Size >= 0 {
		n := checks.Size(float64(s.Newest.Size))
		size = checks.Text{En: ", " + n.En, Ja: "、" + n.Ja}
	}
	if s.Newest.Path == "" {
		return checks.Text{
			En: fmt.Sprintf("The newest that %s lists is from %s%s.", s.Status.Tool, at, size.En),
			Ja: fmt.Sprintf("%sの記録では、最新は%s%sです。", s.Status.Tool, at, size.Ja),
		}
	}
	f := fileOf(s.Newest.Path)
	return checks.Text{
		En: fmt.Sprintf("The newest is %s from %s%s.", f.En, at, size.En),
		Ja: fmt.Sprintf("最新は %s（%s%s）です。", f.Ja, at, size.Ja),
	}
}

// levelLine says how far a backup is proven.
func levelLine(s seen) checks.Text {
	said := map[level]checks.Text{
		levelNothing:  {En: "nothing is proven of it", Ja: "確認済みの項目なし"},
		levelRecent:   {En: "it is recent; nothing more is known", Ja: "新しさのみ確認"},
		levelSize:     {En: "recent and of its usual size", Ja: "新しさとサイズを確認"},
		levelComplete: {En: "recent, and readable to its end", Ja: "新しく、最後まで読める"},
		levelContents: {En: "readable to its end, and of the day inside", Ja: "最後まで読め、中身も当日のもの"},
		levelRestored: {En: "restored and counted", Ja: "復元して件数まで確認"},
	}[s.Level]
	return checks.Text{
		En: fmt.Sprintf("Level reached: %d of %d (%s).", s.Level, levels, said.En),
		Ja: fmt.Sprintf("確認できた段階: %d／%d（%s）", s.Level, levels, said.Ja),
	}
}

func missingText(s seen) checks.Text {
	where := nameOf(s.Glob + s.StatusFile)
	if len(s.Runs) == 0 {
		return checks.Lines(checks.Text{
			En: fmt.Sprintf("no backup %s has ever been there", s.Name.En),
			Ja: fmt.Sprintf("バックアップがまだ一度もありません: %s", s.Name.Ja),
		}, checks.Text{
			En: fmt.Sprintf("Nothing is at %s. Either the job has never run, or it writes elsewhere.", where.En),
			Ja: fmt.Sprintf("%s に当たるファイルがありません。バックアップが一度も動いていないか、別の場所に保存されています。", where.Ja),
		})
	}
	last := s.Runs[len(s.Runs)-1].Time
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("no backup %s is left", s.Name.En),
		Ja: fmt.Sprintf("バックアップがひとつも残っていません: %s", s.Name.Ja),
	}, checks.Text{
		En: fmt.Sprintf("Nothing is at %s any more; the last one was from %s.", where.En, checks.At(last)),
		Ja: fmt.Sprintf("%s に当たるファイルがなくなりました。最後にあったのは%sのものです。", where.Ja, checks.At(last)),
	}, checks.Text{
		En: "If the database were lost now, there would be nothing to restore it from.",
		Ja: "いまデータベースが失われると、復元するものがありません。",
	})
}

func sizeText(s seen, code string) checks.Text {
	now, usual := checks.Size(float64(s.Size)), usualSizeText(s)
	if s.Size == 0 {
		return checks.Lines(checks.Text{
			En: fmt.Sprintf("backup %s is empty", s.Name.En),
			Ja: fmt.Sprintf("バックアップが空です（0バイト）: %s", s.Name.Ja),
		}, newestLine(s), notAll(), levelLine(s))
	}
	if code == codeLarge {
		return checks.Lines(checks.Text{
			En: fmt.Sprintf("backup %s has grown to %s (%s)", s.Name.En, now.En, usual.En),
			Ja: fmt.Sprintf("バックアップが%sに増えています（%s）: %s", now.Ja, usual.Ja, s.Name.Ja),
		}, newestLine(s), checks.Text{
			En: "Either something in the database has grown that fast, or the backup now takes in more than it did.",
			Ja: "データベースの何かが急に増えたか、バックアップの対象が増えています。",
		}, levelLine(s))
	}
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("backup %s is only %s (%s)", s.Name.En, now.En, usual.En),
		Ja: fmt.Sprintf("バックアップが%sしかありません（%s）: %s", now.Ja, usual.Ja, s.Name.Ja),
	}, newestLine(s), notAll(), levelLine(s))
}

// usualSizeText is "usually 1.2 GB"; before there is a week of sizes none of
// them is usual yet.
func usualSizeText(s seen) checks.Text {
	u := checks.Size(float64(s.Usual))
	if sizeBand(s) {
		return checks.Text{En: "usually " + u.En, Ja: "普段" + u.Ja}
	}
	return checks.Text{En: "so far " + u.En, Ja: "これまで" + u.Ja}
}

func notAll() checks.Text {
	return checks.Text{
		En: "A restore from it would probably not bring everything back.",
		Ja: "これを使っても、すべては復元できない可能性が高いです。",
	}
}

func incompleteText(s seen) checks.Text {
	head := checks.Text{
		En: fmt.Sprintf("backup %s is damaged: it cannot be read to its end", s.Name.En),
		Ja: fmt.Sprintf("バックアップが壊れていて、最後まで読めません: %s", s.Name.Ja),
	}
	if s.Tested.Cut {
		head = checks.Text{
			En: fmt.Sprintf("backup %s is incomplete: its end is missing", s.Name.En),
			Ja: fmt.Sprintf("バックアップが途中で切れています: %s", s.Name.Ja),
		}
	}
	f, at := fileOf(s.Tested.Path), checks.At(s.Tested.Made)
	which := checks.Text{
		En: fmt.Sprintf("It is %s from %s.", f.En, at),
		Ja: fmt.Sprintf("対象は %s（%s）です。", f.Ja, at),
	}
	if s.Newest.ID != s.Tested.ID {
		n := checks.At(s.Newest.Time)
		which = checks.Text{
			En: fmt.Sprintf("It is %s from %s; the newer one from %s has not been read yet.", f.En, at, n),
			Ja: fmt.Sprintf("対象は %s（%s）です。その後の%sのものはまだ確認していません。", f.Ja, at, n),
		}
	}
	said := checks.Said(s.Tested.Said)
	if !said.Empty() {
		tool := checks.QuoteName(cmp.Or(s.Tested.Tool, "cat"))
		said = checks.Text{
			En: fmt.Sprintf("%s says: %s.", tool, said.En),
			Ja: fmt.Sprintf("%s の出力: %s", tool, said.Ja),
		}
	}
	return checks.Lines(head, which, said, checks.Text{
		En: "A restore from it would fail or leave data out.",
		Ja: "これで復元しても、失敗するか、データが欠けます。",
	}, levelLine(s))
}

func troubleText(s seen) checks.Text {
	said := checks.Said(s.Status.Trouble)
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("backup %s: %s reports an error", s.Name.En, s.Status.Tool),
		Ja: fmt.Sprintf("%sがバックアップのエラーを報告しています: %s", s.Status.Tool, s.Name.Ja),
	}, checks.Text{En: "It says: " + said.En + ".", Ja: "内容: " + said.Ja}, newestLine(s), levelLine(s))
}

func roomText(s seen, shared bool) checks.Text {
	free, need := checks.Size(float64(s.Free)), checks.Size(roomFactor*float64(max(s.Size, s.Newest.Size)))
	harm := checks.Text{
		En: "The next backup will probably fail.",
		Ja: "次回のバックアップは失敗する見込みです。",
	}
	if shared {
		harm = checks.Text{
			En: "It lies on the server's own file system: when the next backup fills it, the server stops as well.",
			Ja: "サーバーと同じファイルシステムにあるため、次回のバックアップで満杯になるとサーバーも止まります。",
		}
	}
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("no room for the next backup %s: %s free, about %s needed", s.Name.En, free.En, need.En),
		Ja: fmt.Sprintf("次回のバックアップの空き容量が足りません（空き%s、必要は約%s）: %s", free.Ja, need.Ja, s.Name.Ja),
	}, harm, levelLine(s))
}

func sameDiskText(where string) checks.Text {
	on := checks.Text{En: "as the database", Ja: "データベース"}
	if where == sharedSystem {
		on = checks.Text{En: "as the operating system", Ja: "OS"}
	}
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("all backups that I know are on the same file system %s", on.En),
		Ja: fmt.Sprintf("確認できるバックアップは、すべて%sと同じディスク上にあります", on.Ja),
	}, checks.Text{
		En: "They help against a slip of the hand; if the disk or the machine is lost, so are they.",
		Ja: "操作ミスの復旧には役立ちますが、ディスクやマシンごと失われると一緒になくなります。",
	})
}

func noEnvText() checks.Text {
	return checks.Lines(checks.Text{
		En: ".env.production is in no backup that I know",
		Ja: ".env.productionが、確認できるどのバックアップにも入っていません",
	}, checks.Text{
		En: "It holds the keys of the encrypted columns and of push notifications: a database restored without it is not whole (two-factor sign-in fails).",
		Ja: "暗号化カラムやプッシュ通知の鍵が入っています。これがないとデータベースを復元しても元どおりにならず、二段階認証のログインなどができません。",
	})
}

// summarise is the line for all: the worst first, then the oldest.
func (r *round) summarise() checks.Text {
	var parts []checks.Text
	found, unseen := 0, 0
	for worst := checks.Critical; worst >= checks.OK; worst-- {
		for i := range r.seen {
			s := &r.seen[i]
			if s.Illness != worst {
				continue
			}
			if s.Found {
				found++
			}
			if s.Newest == nil && s.Illness == checks.OK && !s.Writing {
				unseen++
				continue
			}
			parts = append(parts, oneLine(*s))
		}
	}
	const shown = 3
	if more := len(parts) - shown; more > 0 {
		parts = append(parts[:shown], checks.Text{En: fmt.Sprintf("%d more", more), Ja: fmt.Sprintf("ほか%d件", more)})
	}
	if unseen > 0 {
		parts = append(parts, checks.Text{
			En: fmt.Sprintf("%d could not be looked at", unseen),
			Ja: fmt.Sprintf("%d件は確認できず", unseen),
		})
	}
	for _, j := range r.failed {
		n := nameOf(j.Unit)
		parts = append(parts, checks.Text{En: "last run of " + n.En + " failed", Ja: "ジョブ " + n.Ja + " の前回の実行は失敗"})
	}
	if found > 0 {
		parts = append(parts, checks.Text{En: "found by itself, not set up", Ja: "自動で見つけたもの（設定なし）"})
	}
	return checks.Join(checks.Text{En: "; ", Ja: "。"}, parts...)
}

// oneLine is the number of one source.
func oneLine(s seen) checks.Text {
	switch {
	case s.Newest == nil && s.Writing:
		return checks.Text{En: s.Name.En + ": the first is being written", Ja: s.Name.Ja + " 最初のものを作成中"}
	case s.Newest == nil:
		return checks.Text{En: s.Name.En + ": none", Ja: s.Name.Ja + " なし"}
	}
	ago := checks.Ago(s.Newest.Time)
	t := checks.Text{
		En: fmt.Sprintf("%s: newest %s old%s", s.Name.En, ago, inBrackets(usualGap(s)).En),
		Ja: fmt.Sprintf("%s 最新は%s前%s", s.Name.Ja, ago, inBrackets(usualGap(s)).Ja),
	}
	if s.Size >= 0 {
		now, usual := checks.Size(float64(s.Size)), checks.Text{}
		if s.Usual > 0 && sizeBand(s) {
			usual = inBrackets(usualSizeText(s))
		}
		t = checks.Text{En: t.En + ", " + now.En + usual.En, Ja: t.Ja + "、" + now.Ja + usual.Ja}
	}
	proof := checks.Text{}
	switch {
	case s.Tested.Outcome == outcomeDamaged:
		proof = checks.Text{En: "damaged", Ja: "破損あり"}
	case s.Inside.found():
		proof = checks.Text{En: "old data inside", Ja: "中身が古い"}
	case s.Rebuilt.tried() && judgeOutcome(s.Rebuilt).found():
		proof = checks.Text{En: "cannot be restored without errors", Ja: "復元でエラーあり"}
	case s.Level == levelRestored:
		proof = restoredProof(s.Rebuilt)
	case s.Level == levelContents:
		proof = insideProof(s)
	case s.Level == levelComplete && s.Here && s.Tested.Inside.Holds == holdsOther:
		proof = checks.Text{En: "readable to its end, but without Mastodon's tables", Ja: "最後まで読めるがMastodonのテーブルなし"}
	case s.Level == levelComplete:
		proof = checks.Text{En: "readable to its end", Ja: "最後まで読める"}
	case s.Trial.Outcome == outcomeForeign:
		proof = checks.Text{En: "of a kind that cannot be read here", Ja: "中身はここでは読めない形式"}
	case s.StatusFile != "":
		proof = checks.Text{En: "as " + s.Status.Tool + " reports", Ja: s.Status.Tool + "の記録による"}
	default:
		proof = checks.Text{En: "not read to its end yet", Ja: "最後まで読めるかは未確認"}
	}
	n := fmt.Sprintf("%d", s.Level)
	return checks.Text{
		En: fmt.Sprintf("%s, %s (level %s of %d)", t.En, proof.En, n, levels),
		Ja: fmt.Sprintf("%s、%s（段階%s／%d）", t.Ja, proof.Ja, n, levels),
	}
}

// insideProof is "newest post inside of 03:09, 4,812 accounts".
func insideProof(s seen) checks.Text {
	at, n := checks.At(s.Tested.Inside.newest()), checks.Number(s.Tested.Inside.Accounts)
	t := checks.Text{
		En: fmt.Sprintf("newest post inside from %s, %s accounts", at, n.En),
		Ja: fmt.Sprintf("中の最新投稿は%s、アカウント%s件", at, n.Ja),
	}
	if s.Inside.Why == insideAlone {
		t = checks.Text{En: t.En + ", not compared with the running server", Ja: t.Ja + "、稼働中のサーバーとは未比較"}
	}
	return t
}

// sizeBand tells whether there is a week of sizes to call one usual.
func sizeBand(s seen) bool {
	all := runs(s.Runs)
	return len(all) > 1 && all[len(all)-1].Time.Sub(all[0].Time) >= 6*day
}
