package media

import (
	"path"

	"github.com/sababan/sababan/checks"
)

// textPutHere says that nothing can be stored where the media of this machine
// are.
func textPutHere(s step) checks.Text {
	w := checks.Text{En: "the file system reports a fault", Ja: "ファイルシステムのエラー"}
	switch s.why {
	case full:
		w = checks.Text{En: "its disk is full", Ja: "ディスクがいっぱい"}
	case mute:
		t := checks.Span(diskTime)
		w = checks.Text{En: "no answer within " + t.En, Ja: t.Ja + "待っても応答なし"}
	}
	return checks.Lines(checks.Text{
		En: "nothing can be stored in the folder of media (" + w.En + ")",
		Ja: "メディアのフォルダーに書き込めません（" + w.Ja + "）",
	}, checks.Text{
		En: "Posts with pictures probably fail, and pictures from other servers are not kept.",
		Ja: "画像つきの投稿が失敗し、他サーバーの画像も保存できていない可能性が高いです。",
	})
}

func advicePutHere(p place) checks.Advice {
	return checks.Advice{Look: checks.Sh("df", "-h", p.folder)}
}

// adviceFolder is how the bot comes to a folder of its own.
func adviceFolder(own string) checks.Advice {
	own = path.Clean(own)
	return checks.Advice{
		Text: checks.Text{
			En: "Its service may write only in folders that its unit names (ReadWritePaths=), and that were there when it started.",
			Ja: "サービスが書き込めるのは、ユニットのReadWritePaths=に書かれ、起動時に存在したフォルダーだけです。",
		},
		Look: checks.Sh("ls", "-ld", own),
		Mend: []checks.Shell{
			checks.Sh("sudo", "install", "-d", "-o", "sababan", "-m", "755", own),
			checks.Sh("sudo", "systemctl", "restart", "sababan"),
		},
	}
}

// adviceGone is for a folder that was there before.
func adviceGone(own string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "If that file system is not mounted, mount it before anything else is stored there.",
			Ja: "マウントが外れていたら、新しいファイルが保存される前にマウントし直してください。",
		},
		Look: checks.Sh("findmnt", "-T", path.Dir(path.Clean(own))),
		Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "restart", "sababan")},
	}
}

// textCached says that a file is shown after its end.
func textCached(host string) checks.Text {
	name := checks.Named(host, 40)
	return checks.Lines(checks.Text{
		En: "a file that was deleted is still shown at " + name.En,
		Ja: "削除したファイルが " + name.Ja + " でまだ表示されます",
	}, checks.Text{
		En: "A cache answers for it: what users or moderators delete stays public until it forgets.",
		Ja: "キャッシュが応答しています。利用者やモデレーターが削除した画像も、キャッシュが消えるまで公開されたままです。",
	})
}

func adviceCached() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Look for open_file_cache and proxy_cache in the web server, or for a CDN; Mastodon tells a cache what it deletes with CACHE_BUSTER_ENABLED=true.",
			Ja: "Webサーバーのopen_file_cacheやproxy_cache、CDNを確かめてください。MastodonはCACHE_BUSTER_ENABLED=trueで、削除をキャッシュに伝えられます。",
		},
		Look: checks.Sh("sudo", "nginx", "-T").Pipe("grep", "-nE", "open_file_cache|proxy_cache"),
	}
}

func textNoFolder() checks.Text {
	return checks.Text{
		En: "storing is not tried (no folder sababan/ there)",
		Ja: "保存の確認はなし（sababan/フォルダーが未作成）",
	}
}
