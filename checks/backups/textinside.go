package backups

import (
	"fmt"

	"github.com/sababan/sababan/checks"
)

// What is inside a dump, and what is in no backup.

func contentsText(s seen) checks.Text {
	t := s.Tested
	at, accounts := checks.At(t.Inside.newest()), checks.Number(t.Inside.Accounts)
	var head checks.Text
	switch s.Inside.Why {
	case insideEmpty:
		head = checks.Text{
			En: fmt.Sprintf("backup %s holds no posts at all", s.Name.En),
			Ja: fmt.Sprintf("バックアップの中に投稿が1件もありません: %s", s.Name.Ja),
		}
	case insideFew:
		now := checks.Number(s.Accounts)
		head = checks.Text{
			En: fmt.Sprintf("backup %s holds only %s accounts of about %s", s.Name.En, accounts.En, now.En),
			Ja: fmt.Sprintf("バックアップ内のアカウントが%s件しかありません（稼働中は約%s件）: %s", accounts.Ja, now.Ja, s.Name.Ja),
		}
	default:
		head = checks.Text{
			En: fmt.Sprintf("backup %s holds old data: its newest post is %s old", s.Name.En, checks.Ago(t.Inside.newest())),
			Ja: fmt.Sprintf("バックアップの中身が古いままです 最新の投稿は%s前: %s", checks.Ago(t.Inside.newest()), s.Name.Ja),
		}
	}
	f, made := fileOf(t.Path), checks.At(t.Made)
	which := checks.Text{
		En: fmt.Sprintf("It is %s from %s; the newest post in it is from %s, and it has %s accounts.", f.En, made, at, accounts.En),
		Ja: fmt.Sprintf("対象は %s（%s）です。中の最新の投稿は%s、アカウントは%s件です。", f.Ja, made, at, accounts.Ja),
	}
	if t.Inside.Newest == 0 {
		which = checks.Text{
			En: fmt.Sprintf("It is %s from %s; it has %s accounts.", f.En, made, accounts.En),
			Ja: fmt.Sprintf("対象は %s（%s）です。アカウントは%s件です。", f.Ja, made, accounts.Ja),
		}
	}
	harm := checks.Text{
		En: "It is probably of another database, such as the one from before a move: a restore would bring back that one.",
		Ja: "移転前など、別のデータベースを取り続けている可能性があります。復元しても、いまのサーバーには戻りません。",
	}
	if s.Inside.Why == insideFew {
		harm = checks.Text{
			En: "Either a part is left out, or it is of another database: a restore would not bring everybody back.",
			Ja: "一部が抜けているか、別のデータベースを取っている可能性があります。復元しても、全員分は戻りません。",
		}
	}
	return checks.Lines(head, which, newerUnread(s), harm, ownDates(s), levelLine(s))
}

// newerUnread tells that a newer one has come since.
func newerUnread(s seen) checks.Text {
	if s.Newest.ID == s.Tested.ID {
		return checks.Text{}
	}
	n := checks.At(s.Newest.Time)
	return checks.Text{
		En: fmt.Sprintf("The newer one from %s has not been read yet.", n),
		Ja: fmt.Sprintf("その後の%sのものはまだ確認していません。", n),
	}
}

// ownDates tells that there was nothing to compare with.
func ownDates(s seen) checks.Text {
	if s.Compared {
		return checks.Text{}
	}
	return checks.Text{
		En: "Without access to the database I could not compare it with the running server.",
		Ja: "データベースに接続できないため、稼働中のサーバーとは比べていません。",
	}
}

func contentsAdvice(s seen) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "See which host and database the backup job connects to, and make a new backup now.",
			Ja: "バックアップのジョブがどのホストのどのデータベースに接続しているかを確認し、いますぐ取り直してください。",
		},
		Look: listing(s),
	}
}

func blindLive(s seen, why checks.Text) checks.Text {
	return checks.Text{
		En: fmt.Sprintf("whether backup %s holds today's data: %s", s.Name.En, why.En),
		Ja: fmt.Sprintf("バックアップ %s の中身が最新か確認できません（%s）", s.Name.Ja, why.Ja),
	}
}

func noMediaText() checks.Text {
	return checks.Lines(checks.Text{
		En: "the media (public/system) are in no backup that I know",
		Ja: "メディア（public/system）が、確認できるどのバックアップにも入っていません",
	}, checks.Text{
		En: "If the disk were lost, every picture and video that was posted here would be gone; no other server has the originals.",
		Ja: "ディスクが失われると、このサーバーで投稿された画像や動画はすべてなくなります。元のファイルは他のサーバーにはありません。",
	})
}

func noMediaAdvice(folder string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Add public/system to a backup; its folder cache can be left out, most of it can be fetched again. If something that I cannot see backs it up, write media_kept = true into [checks.backups].",
			Ja: "public/systemをバックアップに加えてください（その下のcacheはおおむね取り直せるので不要です）。見えないところでバックアップしているなら、[checks.backups]にmedia_kept = trueと書いてください。",
		},
		Look: checks.Written("sudo", "du", "-sh", folder),
	}
}

func blindMedia() checks.Text {
	return checks.Text{
		En: "whether the media are in a backup: I do not know whether this server keeps them in object storage",
		Ja: "メディアがバックアップされているか確認できません（オブジェクトストレージを使っているかどうかがわかりません）",
	}
}

func mendMedia() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Write LOCAL_DOMAIN, and S3_ENABLED=true if there is object storage, into /etc/sababan/site.env; or media_kept = true into [checks.backups].",
		Ja: "/etc/sababan/site.envにLOCAL_DOMAINと（オブジェクトストレージを使っていれば）S3_ENABLED=trueを書くか、[checks.backups]にmedia_kept = trueと書いてください。",
	}}
}
