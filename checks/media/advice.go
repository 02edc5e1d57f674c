package media

import (
	"path"

	"github.com/sababan/sababan/checks"
)

// sidekiqLog shows what Mastodon itself says of its storage.
func sidekiqLog(words string) checks.Shell {
	return checks.Sh("sudo", "journalctl", "-u", "mastodon-sidekiq", "-u", "mastodon-web", "--since", "-1h", "--no-pager").Pipe("grep", "-iE", words).Pipe("tail", "-n", "20")
}

func advicePut(s step) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Look at the status page and the bills of the storage's provider; tell your users.",
			Ja: "ストレージ事業者の障害情報と支払い状況を確かめ、利用者に知らせてください。",
		},
		Look: sidekiqLog("aws|s3|storage"),
	}
	if s.why == full {
		a.Text = checks.Text{
			En: "Raise the quota, or delete cached media of other servers.",
			Ja: "容量の上限を上げるか、他サーバーのメディアキャッシュを削除してください。",
		}
	}
	return a
}

func adviceKey(s step) checks.Advice {
	if s.why == skewed {
		return checks.Advice{Look: checks.Sh("timedatectl")}
	}
	return checks.Advice{Text: checks.Text{
		En: "Make a key that may put and delete in sababan/ of this bucket only, and write it into [checks.media] access_key and secret_key_file.",
		Ja: "このバケットのsababan/だけに書き込みと削除ができるキーを作り、[checks.media] access_keyとsecret_key_fileに設定してください。",
	}}
}

func adviceGet(p place, s step) checks.Advice {
	a := checks.Advice{Look: checks.Written("curl", "-sSI", "--max-time", "10", p.public.Scheme+"://"+p.public.Host+"/")}
	switch {
	case p.kind == localKind && s.why == denied:
		a.Text = checks.Text{
			En: "Often the web server may not enter one of the folders above the media: it needs the right to pass.",
			Ja: "メディアのフォルダーまでの途中に、Webサーバーが通過できないフォルダーがある場合によく起きます。通過権限が必要です。",
		}
		if p.folder != "" {
			a.Look = checks.Written("namei", "-l", p.folder)
		}
	case p.kind == localKind:
		a.Text = checks.Text{
			En: "See whether the folder of media is mounted, and look at the web server's block for /system.",
			Ja: "メディアのフォルダーがマウントされているか、Webサーバーの/systemの設定を確かめてください。",
		}
	default:
		a.Text = checks.Text{
			En: "Look at the proxy or CDN of this name, at its certificate, and whether the bucket's files are public.",
			Ja: "この名前のプロキシやCDN、証明書、バケットの公開設定を確かめてください。",
		}
	}
	return a
}

func adviceListing(p place) checks.Advice {
	if p.kind == localKind {
		return checks.Advice{
			Text: checks.Text{En: "Switch the web server's listing off (nginx: autoindex off).", Ja: "Webサーバーの一覧表示を切ってください（nginxならautoindex off）。"},
			Look: checks.Sh("sudo", "nginx", "-T").Pipe("grep", "-n", "autoindex"),
		}
	}
	return checks.Advice{Text: checks.Text{
		En: "Take the right to list (s3:ListBucket, READ of the bucket) away from everybody; the files themselves stay readable.",
		Ja: "一覧の権限（s3:ListBucket、バケットのREAD）を全員から外してください。ファイル自体の公開はそのままで構いません。",
	}}
}

func adviceHeaders(p place) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Compare the block for /system with the nginx.conf that Mastodon brings along (dist/nginx.conf).",
			Ja: "/systemの設定を、Mastodon付属のdist/nginx.confと見比べてください。",
		},
	}
	if p.live != "" {
		a.Look = checks.Written("grep", "-n", "-A8", "location ^~ /system/", path.Join(p.live, "dist/nginx.conf"))
	}
	return a
}

func adviceMissing() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "When the cause is fixed, fetch them again (as the mastodon user): RAILS_ENV=production bin/tootctl media refresh --days 1",
			Ja: "原因を直した後で取り直せます（mastodonユーザーで）: RAILS_ENV=production bin/tootctl media refresh --days 1",
		},
		Look: sidekiqLog("redownload|aws|s3|paperclip"),
	}
}

func adviceStuck() checks.Advice {
	return checks.Advice{Look: checks.Sh("sudo", "-u", "mastodon", "ffmpeg", "-version")}
}

func adviceKept() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "See whether the scheduler queue is served, then by hand (as the mastodon user): RAILS_ENV=production bin/tootctl media remove",
			Ja: "schedulerキューが処理されているか確かめ、手動なら（mastodonユーザーで）: RAILS_ENV=production bin/tootctl media remove",
		},
		Look: sidekiqLog("vacuum"),
	}
}

func adviceNoRetention() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Administration → Server settings → Content retention: 7 days are usual.",
		Ja: "管理 → サーバー設定 → コンテンツの保持 で設定できます（7日が一般的）。",
	}}
}
