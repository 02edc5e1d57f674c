package media

import (
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

func textNoTime() checks.Text {
	return checks.Text{En: "no time was left to look", Ja: "確認する時間が残っていませんでした"}
}

func textOffline() checks.Text {
	return checks.Text{En: "the storage is not asked (offline)", Ja: "ストレージには接続しません（offline）"}
}

func textOtherStorage() checks.Text {
	return checks.Text{
		En: "media are kept in Swift or Azure; set [checks.media] public to look at them from outside",
		Ja: "メディアはSwiftかAzureにあります。外から確認するには[checks.media] publicを設定してください",
	}
}

func textNoSettings() checks.Text {
	return checks.Text{
		En: "it is not known where media are kept: Mastodon's settings cannot be read; set [checks.media] public",
		Ja: "Mastodonの設定が読めず、メディアの場所がわかりません。[checks.media] publicを設定してください",
	}
}

func textNoExample() checks.Text {
	return checks.Text{En: "no uploaded file is known to ask for", Ja: "確認に使えるアップロード済みファイルが見つかりません"}
}

func textKeyHides() checks.Text {
	return checks.Text{En: "not tried: the bot's own key is refused", Ja: "ボット用のキーが拒否されたため未確認です"}
}

func textNotTried() checks.Text {
	return checks.Text{En: "not tried: nothing can be stored", Ja: "書き込めないため未確認です"}
}

// textUnseen says why a step says nothing of the storage.
func textUnseen(s step) checks.Text {
	switch s.why {
	case noBucket:
		return checks.Text{
			En: "it is not known where the bucket is; set [checks.media] endpoint, region and bucket",
			Ja: "バケットの場所がわかりません。[checks.media] endpoint、region、bucketを設定してください",
		}
	case noRight:
		return checks.Text{En: "the bot may not write in its own folder of media", Ja: "メディア内のボット用フォルダーに書き込めません（権限）"}
	case noFolder:
		return checks.Text{
			En: "the bot's own folder of media is gone (is that file system mounted?)",
			Ja: "メディア内のボット用フォルダーがなくなりました（マウントが外れていませんか）",
		}
	case noResolver:
		return checks.Text{En: "the resolver of this machine gives no answer", Ja: "このマシンのDNSリゾルバーから答えが得られません"}
	case tooMany:
		return checks.Text{En: "it was asked too often", Ja: "アクセス回数の制限にかかりました"}
	case noRoute:
		return checks.Text{En: "this machine has no way to the storage", Ja: "このマシンからストレージへの経路がありません"}
	}
	return checks.Text{En: "the storage gave no usable answer", Ja: "ストレージから確認できる応答がありません"}
}

// textNoSecret says why the bot's own key cannot be read.
func textNoSecret(file string, f site.SecretFault) checks.Text {
	name, because := checks.Named(file, 60), f.Text()
	return checks.Text{
		En: "the file with the bot's key cannot be used: " + name.En + " " + because.En,
		Ja: "ボット用のキーのファイルを使えません（" + name.Ja + ": " + because.Ja + "）",
	}
}

// why says how a step failed, in brackets.
func why(s step) checks.Text {
	told := api.StatusName(s.code)
	if s.word != "" {
		told = strconv.Itoa(s.code) + " " + s.word
	}
	switch s.why {
	case full:
		return checks.Text{En: "the storage is full, " + told, Ja: "容量不足、" + told}
	case busy:
		return checks.Text{En: "the storage is overloaded, " + told, Ja: "ストレージが過負荷、" + told}
	case noBucket:
		return checks.Text{En: "the bucket is gone, " + told, Ja: "バケットがありません、" + told}
	case otherThing:
		return checks.Text{En: "something else comes instead", Ja: "別の内容が返ります"}
	case redirected:
		return checks.Text{En: "it leads elsewhere, " + told, Ja: "別の場所に転送、" + told}
	case mute:
		t := checks.Span(stepTime)
		return checks.Text{En: "no answer within " + t.En, Ja: t.Ja + "待っても応答なし"}
	case refused:
		return checks.Text{En: "connections are refused", Ja: "接続を拒否されます"}
	case certificate:
		return checks.Text{En: "its certificate is not accepted", Ja: "証明書を検証できません"}
	case noName:
		return checks.Text{En: "its name does not exist", Ja: "名前が存在しません"}
	case cut:
		return checks.Text{En: "the connection is cut", Ja: "接続が切れます"}
	}
	return checks.Same(told)
}

func textPut(s step) checks.Text {
	w := why(s)
	t := checks.Lines(checks.Text{
		En: "nothing can be stored in the object storage (" + w.En + ")",
		Ja: "オブジェクトストレージに書き込めません（" + w.Ja + "）",
	}, checks.Text{
		En: "Posts with pictures probably fail, and pictures from other servers are not kept.",
		Ja: "画像つきの投稿が失敗し、他サーバーの画像も保存できていない可能性が高いです。",
	})
	if s.why == denied {
		t = checks.Lines(t, checks.Text{
			En: "The bot's key was accepted before; its rights were changed, or the whole account is blocked (an unpaid bill?).",
			Ja: "ボット用のキーは以前は使えていました。権限が変わったか、アカウントごと停止（未払いなど）されています。",
		})
	}
	return t
}

// textGet says that what is stored is not shown; probe tells that it was stored
// a moment ago.
func textGet(host string, s step, probe bool) checks.Text {
	w, name := why(s), checks.Named(host, 40)
	t := checks.Lines(checks.Text{
		En: "files are not shown at " + name.En + " (" + w.En + ")",
		Ja: name.Ja + " でファイルが表示できません（" + w.Ja + "）",
	}, checks.Text{
		En: "Pictures, videos, icons and custom emojis are missing, here and on other servers.",
		Ja: "画像、動画、アイコン、カスタム絵文字が、ここでも他サーバーでも表示されません。",
	})
	if probe {
		return checks.Lines(t, checks.Text{
			En: "Storing itself works: the fault is between the storage and the public name.",
			Ja: "保存自体はできています。ストレージから公開用の名前までの間に原因があります。",
		})
	}
	if s.why == notThere || s.why == denied {
		return checks.Lines(t, checks.Text{
			En: "It is the same with each of the newest uploads.",
			Ja: "最新のアップロードのどれもが、この状態です。",
		})
	}
	return t
}

func textDelete(s step) checks.Text {
	w := why(s)
	return checks.Lines(checks.Text{
		En: "nothing can be deleted in the object storage (" + w.En + ")",
		Ja: "オブジェクトストレージから削除できません（" + w.Ja + "）",
	}, checks.Text{
		En: "If Mastodon's own key is refused, too, deleted media stay public and the bucket only grows.",
		Ja: "Mastodon本体のキーも同じなら、削除したはずのメディアが公開されたまま残り、容量が増え続けます。",
	}, checks.Text{
		En: "One test file of the bot's (sababan/…) is left there.",
		Ja: "ボットのテストファイル（sababan/…）が1つ残っています。",
	})
}

func textKey(s step) checks.Text {
	if s.why == skewed {
		return checks.Lines(checks.Text{
			En: "the object storage refuses the bot: this machine's clock is wrong",
			Ja: "このマシンの時計がずれているため、オブジェクトストレージに拒否されます",
		}, checks.Text{
			En: "If Mastodon runs on the same machine, its uploads fail for the same reason.",
			Ja: "Mastodonが同じマシンにあれば、アップロードも同じ理由で失敗します。",
		})
	}
	w := why(s)
	return checks.Lines(checks.Text{
		En: "the bot's own key for the object storage is refused (" + w.En + ")",
		Ja: "ボット用のストレージのキーが拒否されました（" + w.Ja + "）",
	}, checks.Text{
		En: "This is the bot's setting, not Mastodon's: users notice nothing, but storing is not watched.",
		Ja: "Mastodonではなくボット側の設定の問題です。利用者に影響はありませんが、保存の確認ができません。",
	})
}

func textPrefix(host string, s step) checks.Text {
	w, name := why(s), checks.Named(host, 40)
	return checks.Lines(checks.Text{
		En: "the bot's test file is not shown at " + name.En + " (" + w.En + "), uploads are",
		Ja: "ボットのテストファイルだけ " + name.Ja + " で表示できません（" + w.Ja + "）",
	}, checks.Text{
		En: "Uploads are shown. Perhaps the public name does not lead to sababan/, or only Mastodon's files are made public.",
		Ja: "アップロードは表示できています。公開用の名前がsababan/を通さないか、Mastodonのファイルだけが公開されています。",
	})
}

func textSlow(put, got time.Duration) checks.Text {
	whole, p, g := checks.Millis(put+got), checks.Millis(put), checks.Millis(got)
	t := checks.Text{
		En: "the storage of media is slow: " + whole.En + " (stored in " + p.En + ", shown in " + g.En + ")",
		Ja: "メディアのストレージが遅くなっています: " + whole.Ja + "（保存" + p.Ja + "、表示" + g.Ja + "）",
	}
	if put == 0 {
		t = checks.Text{En: "media are shown slowly: a file takes " + g.En, Ja: "メディアの表示が遅くなっています: 1ファイルに" + g.Ja}
	}
	return checks.Lines(t, checks.Text{
		En: "Mastodon gives up an upload after 5 s; pictures appear late or not at all.",
		Ja: "Mastodonは5秒でアップロードを諦めます。画像の表示が遅れたり、出なかったりします。",
	})
}

func textListing(host string) checks.Text {
	name := checks.Named(host, 40)
	t := checks.Text{
		En: "anybody can list all media at " + name.En,
		Ja: name.Ja + " でメディアの一覧が誰にでも見えます",
	}
	return checks.Lines(t, checks.Text{
		En: "Pictures of private posts and direct messages can be found there: their address is their only protection.",
		Ja: "非公開投稿やDMの画像は、URLを知られないことだけで守られています。一覧が見えると、それも探し出せます。",
	})
}

func textHeaders(path string, nosniff, policy bool) checks.Text {
	lacks := "Content-Security-Policy"
	if !nosniff {
		lacks = "X-Content-Type-Options: nosniff"
		if !policy {
			lacks += ", Content-Security-Policy"
		}
	}
	p := checks.Named(path, 30)
	return checks.Lines(checks.Text{
		En: "uploads under " + p.En + " are sent without protecting headers",
		Ja: p.Ja + " のアップロードが、保護用のヘッダーなしで送られています",
	}, checks.Text{En: "Missing: " + lacks, Ja: "足りないヘッダー: " + strings.ReplaceAll(lacks, ", ", "、")}, checks.Text{
		En: "A file made for it could act as a page of this server in somebody's browser.",
		Ja: "細工されたファイルが、閲覧者のブラウザでこのサーバーのページとして動くおそれがあります。",
	})
}

func textMissing(n, of int, usual checks.Band, known bool) checks.Text {
	share := checks.Percent(float64(n) / float64(of))
	en, ja := "", ""
	if known {
		u := checks.Percent(usual.Mid)
		en, ja = " (usually "+u.En+")", "（普段"+u.Ja+"）"
	}
	a, b := checks.Number(int64(n)), checks.Number(int64(of))
	return checks.Lines(checks.Text{
		En: share.En + " of the new pictures from other servers have not arrived" + en,
		Ja: "他サーバーからの新しい画像の" + share.Ja + "が届いていません" + ja,
	}, checks.Text{
		En: a.En + " of " + b.En + " files; people see empty boxes in their timelines.",
		Ja: b.Ja + "件中" + a.Ja + "件です。タイムラインで画像が空欄に見えます。",
	}, checks.Text{
		En: "Perhaps storing fails, or Sidekiq cannot fetch from outside.",
		Ja: "保存の失敗か、Sidekiqが外部から取得できないことが考えられます。",
	})
}

func textStuck(t tally) checks.Text {
	if t.stuck >= stuckLeast {
		n, s := checks.Number(int64(t.stuck)), checks.Span(stuckAfter)
		return checks.Lines(checks.Text{
			En: n.En + " uploads have been waiting to be processed for more than " + s.En,
			Ja: n.Ja + "件のアップロードが" + s.Ja + "以上、変換待ちのままです",
		}, checks.Text{
			En: "Posts with videos or animations cannot be sent.",
			Ja: "動画やアニメーションつきの投稿ができません。",
		})
	}
	n, of := checks.Number(int64(t.failed)), checks.Number(int64(t.uploads))
	return checks.Lines(checks.Text{
		En: "the processing of " + n.En + " of " + of.En + " uploads failed within a day",
		Ja: "24時間以内のアップロード" + of.Ja + "件中" + n.Ja + "件が変換に失敗しました",
	}, checks.Text{
		En: "Videos and animations are affected first; perhaps ffmpeg is missing or too old.",
		Ja: "動画やアニメーションが使えません。ffmpegがないか、古い可能性があります。",
	})
}

func textKept(k kept) checks.Text {
	older, set := checks.Number(int64(k.Older)), checks.Number(int64(k.Days))
	return checks.Lines(checks.Text{
		En: "cached media are not deleted: some are over " + older.En + " d old (set: " + set.En + " d)",
		Ja: "メディアキャッシュが削除されていません。" + older.Ja + "日より古いものが残っています（設定は" + set.Ja + "日）",
	}, textSample(k), checks.Text{
		En: "Mastodon deletes them by night with its vacuum job (queue scheduler).",
		Ja: "Mastodonは夜間のvacuumジョブ（schedulerキュー）で削除します。",
	})
}

func textSample(k kept) checks.Text {
	n, of := checks.Number(int64(k.Still)), checks.Number(int64(k.Of))
	return checks.Text{
		En: "Of " + of.En + " files of that age that were looked at, " + n.En + " are still there.",
		Ja: "その古さのファイル" + of.Ja + "件を調べたところ、" + n.Ja + "件が残っていました。",
	}
}

func textNoRetention(k kept) checks.Text {
	older := checks.Number(int64(k.Older))
	return checks.Lines(checks.Text{
		En: "media from other servers are kept for ever: no retention period is set",
		Ja: "他サーバーのメディアが無期限に残ります（保存期間の設定がありません）",
	}, checks.Text{
		En: "Files from " + older.En + " d ago are still there; the storage only grows.",
		Ja: older.Ja + "日前のファイルも残っていて、容量が増え続けます。",
	}, textSample(k))
}

// summary is the one line.
func (v *visit) summary() checks.Text {
	if worst, ok := (checks.Result{Observation: v.Observation}).Worst(); ok {
		return worst.Text.Headline()
	}
	var parts []checks.Text
	switch t := v.trip; {
	case t.put.state == well && t.get.state == well:
		p, g := checks.Millis(t.put.took), checks.Millis(t.get.took)
		parts = append(parts, checks.Text{En: "stored in " + p.En + ", shown in " + g.En, Ja: "保存" + p.Ja + "、表示" + g.Ja})
	case v.file.state == well:
		g := checks.Millis(v.file.took)
		parts = append(parts, checks.Text{En: "a file is shown in " + g.En, Ja: "ファイルの表示" + g.Ja})
	default:
		parts = append(parts, checks.Text{En: "files could not be looked at", Ja: "ファイルの表示は確認できず"})
	}
	if t := v.day; t.seen && t.remote > 0 {
		n := checks.Number(int64(t.remote))
		parts = append(parts, checks.Text{
			En: "of " + n.En + " new files from other servers " + checks.Percent(1-float64(t.absent)/float64(t.remote)).En + " arrived",
			Ja: "他サーバーの新しいファイル" + n.Ja + "件の" + checks.Percent(1-float64(t.absent)/float64(t.remote)).Ja + "が到着",
		})
	}
	if v.place.kind == bucketKind && v.config.AccessKey == "" {
		parts = append(parts, checks.Text{
			En: "storing is not tried (no key of the bot's own is set)",
			Ja: "保存の確認はなし（ボット用のキーが未設定）",
		})
	}
	switch {
	case v.place.kind == localKind && v.trip.put.state == untried && v.place.public != nil:
		parts = append(parts, textNoFolder())
	case v.memory.Stock.Files > 0 && v.now.Sub(v.memory.Stock.Ended) <= stockFresh:
		parts = append(parts, textStock(v.memory.Stock))
	case !v.memory.Closed.IsZero():
		parts = append(parts, textNoList())
	}
	return checks.Join(checks.Text{En: "; ", Ja: "、"}, parts...)
}
