package media

import "github.com/sababan/sababan/checks"

// textOrphans says how much of the bucket belongs to nothing.
func textOrphans(w walk) checks.Text {
	lost, all := checks.Size(float64(w.LostBytes)), checks.Size(float64(w.Bytes))
	n, files := checks.Number(w.Lost), checks.Number(w.Files)
	t := checks.Lines(checks.Text{
		En: lost.En + " of the " + all.En + " in the object storage belong to nothing that Mastodon knows",
		Ja: "オブジェクトストレージ" + all.Ja + "のうち" + lost.Ja + "は、Mastodonに記録のないファイルです",
	}, checks.Text{
		En: "Users notice nothing, but it has to be paid for, and it grows.",
		Ja: "利用者に影響はありませんが、その分も課金され、増え続けます。",
	})
	if folder, size := w.most(); w.LostBytes > size || len(w.Areas) == 1 {
		name, most := checks.Named(folder, 60), checks.Size(float64(size))
		t = checks.Lines(t, checks.Text{
			En: "Most of it lies in " + name.En + " (" + most.En + ").",
			Ja: "最も多いのは " + name.Ja + " です（" + most.Ja + "）。",
		})
	}
	when := checks.Text{
		En: checks.On(w.Began) + " to " + checks.On(w.Ended),
		Ja: checks.On(w.Began) + "から" + checks.On(w.Ended) + "にかけて",
	}
	if w.Ended.Sub(w.Began) < dayLength {
		when = checks.Text{En: checks.On(w.Ended), Ja: checks.On(w.Ended) + "に"}
	}
	return checks.Lines(t, checks.Text{
		En: "Each of " + files.En + " files was compared with the database (" + when.En + "): " + n.En + " have no row there.",
		Ja: when.Ja + files.Ja + "ファイルをデータベースと照合し、" + n.Ja + "件に記録がありませんでした。",
	})
}

// adviceOrphans names Mastodon's own way, and what it costs.
func adviceOrphans(w walk) checks.Advice {
	lists := checks.Number((w.Files + pageKeys - 1) / pageKeys)
	return checks.Advice{Text: checks.Text{
		En: "See first what would go (as the mastodon user): RAILS_ENV=production bin/tootctl media remove-orphans --dry-run. " +
			"Each run takes hours and a list request per thousand files (about " + lists.En + "), which may cost money. Never do it after putting an older database back: newer files would go. " +
			"If the bill is for more than this: old versions, unfinished uploads.",
		Ja: "まず何が消えるか確かめます（mastodonユーザーで）: RAILS_ENV=production bin/tootctl media remove-orphans --dry-run。" +
			"1回ごとに数時間と、1,000ファイルにつき1回の一覧リクエスト（約" + lists.Ja + "回、有料の場合あり）がかかります。古いデータベースに戻した後は、新しいファイルまで消えるので実行しないでください。" +
			"請求がこの容量より多ければ、旧バージョンや未完了のアップロードが残っています。",
	}}
}

// textForeign says that bucket and database do not belong together.
func textForeign() checks.Text {
	return checks.Text{
		En: "the database knows no file of this bucket; they seem to belong to different servers",
		Ja: "バケットのファイルがデータベースに1つもなく、別のサーバーのもののようです",
	}
}

// textStock is what the last whole walk came to, in the one line.
func textStock(w walk) checks.Text {
	all, known := checks.Size(float64(w.Bytes)), checks.Percent(1-float64(w.LostBytes)/float64(max(w.Bytes, 1)))
	return checks.Text{
		En: "the bucket holds " + all.En + ", " + known.En + " of it known to Mastodon",
		Ja: "バケット" + all.Ja + "（" + known.Ja + "はMastodonに記録あり）",
	}
}

func textNoList() checks.Text {
	return checks.Text{
		En: "the bucket is not compared with the database (the key may not list)",
		Ja: "バケットとデータベースの照合はなし（キーに一覧の権限なし）",
	}
}

// textOldList is for a walk that has not come to its end since the last one.
func textOldList(w walk) checks.Text {
	on := checks.On(w.Ended)
	return checks.Text{
		En: "the bucket was last compared with the database on " + on + "; no later comparison has ended yet",
		Ja: "バケットとデータベースの照合は" + on + "が最後で、その後の照合はまだ終わっていません",
	}
}
