package backups

import (
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

// Restores: what is tried by itself, and what people should practise.

func unrestorableText(s seen) checks.Text {
	b := s.Rebuilt
	head := checks.Text{
		En: fmt.Sprintf("backup %s cannot be restored whole", s.Name.En),
		Ja: fmt.Sprintf("バックアップを完全には復元できません: %s", s.Name.Ja),
	}
	harm := checks.Text{
		En: "I restored it into an empty PostgreSQL and counted: rows are missing.",
		Ja: "空のPostgreSQLに復元して数えたところ、データが欠けていました。",
	}
	if b.Outcome == outcomeFaulty {
		head = checks.Text{
			En: fmt.Sprintf("backup %s can be restored, but with errors (%d)", s.Name.En, b.Faults),
			Ja: fmt.Sprintf("バックアップは復元できますが、途中でエラーが出ます（%d件）: %s", b.Faults, s.Name.Ja),
		}
		harm = checks.Text{
			En: "I restored it into an empty PostgreSQL: all accounts and posts are there, but an index, a view or a constraint may be missing afterwards.",
			Ja: "空のPostgreSQLに復元したところ、アカウントと投稿はそろっていますが、インデックスやビュー、制約が欠ける可能性があります。",
		}
	}
	at, said := checks.At(b.Made), checks.Said(b.Said)
	return checks.Lines(head, harm, checks.Text{
		En: fmt.Sprintf("The backup is from %s. The first error: %s.", at, said.En),
		Ja: fmt.Sprintf("対象は%sのバックアップです。最初のエラー: %s", at, said.Ja),
	}, levelLine(s))
}

func unrestorableAdvice(s seen) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Keep the older ones. An index that cannot be made usually means duplicates in the running database; then a new backup has them, too.",
			Ja: "古いバックアップは消さないでください。インデックスが作れない場合は、たいてい稼働中のデータベースに重複があります。その場合は取り直しても同じです。",
		},
		Look: listing(s),
	}
}

// saidRoom is how much of PostgreSQL's own words stands in a headline, in
// characters (own).
const saidRoom = 40

func blindRebuild(s seen, folder string) checks.Text {
	b, where := s.Rebuilt, nameOf(folder)
	why := checks.Text{}
	switch b.Outcome {
	case outcomeRoot:
		why = checks.Text{En: "PostgreSQL does not run as root; the daemon tries it", Ja: "PostgreSQLはrootでは動きません。デーモンが試します"}
	case outcomeNoTool:
		why = checks.Text{
			En: fmt.Sprintf("it needs PostgreSQL %d or newer on this machine", b.Version),
			Ja: fmt.Sprintf("このマシンにPostgreSQL %d以降が必要です", b.Version),
		}
	case outcomeSlow:
		took := checks.Span(b.Took)
		why = checks.Text{
			En: fmt.Sprintf("it takes up to %s, more than the time there is", took.En),
			Ja: fmt.Sprintf("最大%sほどかかり、時間が足りません", took.Ja),
		}
		if b.Said != "" {
			why = checks.Text{
				En: fmt.Sprintf("it had not ended after %s, when the time was over", took.En),
				Ja: fmt.Sprintf("%sたっても終わらず、時間切れになりました", took.Ja),
			}
		}
	case outcomeRoom:
		need, free := checks.Size(float64(b.Need)), checks.Size(float64(b.Free))
		why = checks.Text{
			En: fmt.Sprintf("it needs about %s of room in %s, %s is free", need.En, where.En, free.En),
			Ja: fmt.Sprintf("%s に%sほどの空きが必要ですが、%sしかありません", where.Ja, need.Ja, free.Ja),
		}
	case outcomePlace:
		said := checks.Said(b.Said)
		why = checks.Text{
			En: fmt.Sprintf("%s cannot be used (%s)", where.En, said.En),
			Ja: fmt.Sprintf("%s を使えません: %s", where.Ja, said.Ja),
		}
	default:
		said := checks.Said(checks.Shorten(b.Said, saidRoom))
		why = checks.Text{
			En: fmt.Sprintf("the PostgreSQL for it did not work (%s)", said.En),
			Ja: fmt.Sprintf("確認用のPostgreSQLが動きません: %s", said.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("whether backup %s can be restored: %s", s.Name.En, why.En),
		Ja: fmt.Sprintf("バックアップ %s を復元できるか確認できません（%s）", s.Name.Ja, why.Ja),
	}
}

func mendRebuild(s seen, folder string) checks.Advice {
	switch s.Rebuilt.Outcome {
	case outcomeSlow:
		return checks.Advice{Text: checks.Text{
			En: `Give it up to an hour: timeout = "1h" in [checks.backups].`,
			Ja: `[checks.backups]にtimeout = "1h"と書くと、1時間まで延ばせます。`,
		}}
	case outcomeRoom:
		return checks.Advice{
			Text: checks.Text{
				En: "Name a folder on a larger disk as restore_in in [checks.backups].",
				Ja: "[checks.backups]のrestore_inに、空きの大きいディスクのフォルダーを書いてください。",
			},
			Look: checks.Written("df", "-h", folder),
		}
	case outcomePlace:
		return checks.Advice{
			Text: checks.Text{
				En: "restore_in in [checks.backups] must be a folder in which I may write.",
				Ja: "[checks.backups]のrestore_inには、このボットが書き込めるフォルダーを指定してください。",
			},
			Look: checks.Written("ls", "-ld", folder),
		}
	case outcomeNoTool:
		return checks.Advice{Text: checks.Text{
			En: "Debian's package postgresql has it, but starts a cluster of its own; or leave restore switched off here and restore by hand elsewhere.",
			Ja: "Debianではpostgresqlパッケージに入っていますが、入れると別のクラスタも起動します。ここではrestoreを使わず、別のマシンで手で復元する方法もあります。",
		}}
	}
	return checks.Advice{}
}

// restoredProof is "restored 15 Nov in 14 min".
func restoredProof(b rebuilt) checks.Text {
	took := checks.Span(b.Lasted)
	return checks.Text{
		En: fmt.Sprintf("restored %s in %s", checks.On(b.Proven), took.En),
		Ja: fmt.Sprintf("%sに%sで復元できることを確認", checks.On(b.Proven), took.Ja),
	}
}

func unrestoredText(on time.Time) checks.Text {
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("no backup has been restored for %s", checks.Ago(on)),
		Ja: fmt.Sprintf("復元を試してから%sたっています", checks.Ago(on)),
	}, checks.Text{
		En: fmt.Sprintf("The last time was on %s. Only a restore proves a backup, and only practice makes it quick.", checks.On(on)),
		Ja: fmt.Sprintf("前回は%sです。復元してみないとバックアップの良し悪しはわからず、慣れていないと時間もかかります。", checks.On(on)),
	})
}

// neverRestoredText is for a restore that was switched on and never succeeded.
func neverRestoredText(since time.Time) checks.Text {
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("no restore has succeeded in the %s since I began to try", checks.Ago(since)),
		Ja: fmt.Sprintf("復元の確認を始めて%s、まだ一度も成功していません", checks.Ago(since)),
	}, checks.Text{
		En: "Only a restore proves a backup.",
		Ja: "復元してみないとバックアップの良し悪しはわかりません。",
	})
}

// rehearseText recalls the rehearsal; the zero time is that no day is written.
func rehearseText(last time.Time) checks.Text {
	head := checks.Text{
		En: "restoring a backup by hand: time to rehearse it",
		Ja: "バックアップからの復元を、手で練習する時期です",
	}
	when := checks.Text{
		En: "No rehearsal is on record.",
		Ja: "練習の記録がありません。",
	}
	if !last.IsZero() {
		when = checks.Text{
			En: fmt.Sprintf("The last time was on %s.", checks.On(last)),
			Ja: fmt.Sprintf("前回は%sです。", checks.On(last)),
		}
	}
	return checks.Lines(head, when, checks.Text{
		En: "Whoever has done it once does it faster and calmer when it counts; write down the steps on the way.",
		Ja: "一度やっておくと、いざというときに落ち着いて手際よくできます。手順も書き残しておきましょう。",
	})
}

func secondText(last time.Time) checks.Text {
	head := checks.Text{
		En: "who else could restore the server if you could not?",
		Ja: "あなたが動けないとき、サーバーを復元できる人はほかにいますか？",
	}
	when := checks.Text{}
	if !last.IsZero() {
		when = checks.Text{
			En: fmt.Sprintf("This was last made sure of on %s.", checks.On(last)),
			Ja: fmt.Sprintf("前回の確認は%sです。", checks.On(last)),
		}
	}
	return checks.Lines(head, when, checks.Text{
		En: "A second person needs the steps, a place to restore to, and access to the backups and to .env.production.",
		Ja: "もうひとりが、手順書、復元先、バックアップと.env.productionへのアクセスを持っている必要があります。",
	})
}

func secondAdvice() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Let somebody else rehearse the restore by your notes, and write the day into second_person in [checks.backups].",
		Ja: "手順書だけを頼りに、ほかの人に復元を試してもらってください。済んだら[checks.backups]のsecond_personにその日を書いてください。",
	}}
}
