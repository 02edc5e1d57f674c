package webui

import (
	"strconv"

	"github.com/sababan/sababan/checks"
)

func textNoTime() checks.Text {
	return checks.Text{En: "no time left to look", Ja: "確認する時間がありませんでした"}
}

// textUnseen says why nothing is known of the page.
func textUnseen(o outcome) checks.Text {
	switch o.why {
	case tooMany:
		return checks.Text{
			En: "the server says that this machine asks too often (429)",
			Ja: "このマシンからの問い合わせが多すぎると言われています（429）",
		}
	case noResolver:
		return checks.Text{
			En: "the resolver of this machine gives no address",
			Ja: "このマシンのDNSリゾルバーからアドレスが得られません",
		}
	case certificate:
		return checks.Text{
			En: "the certificate is not accepted, the check of certificates says why",
			Ja: "証明書に問題があるため確認できません（理由は証明書のチェックに出ます）",
		}
	case guarded:
		if o.guard != "" {
			return checks.Text{
				En: o.guard + " checks for browsers before it shows the page",
				Ja: o.guard + "のブラウザ確認（チャレンジ）があり、その先を確認できません",
			}
		}
		return checks.Text{
			En: "something checks for browsers before it shows the page",
			Ja: "ブラウザ確認（チャレンジ）があり、その先を確認できません",
		}
	case signIn:
		return checks.Text{
			En: "pages are shown only to those who are signed in",
			Ja: "ログインしないとページを見られない設定です",
		}
	case otherSoftware:
		return checks.Text{
			En: "this server is no Mastodon: its pages are not known here",
			Ja: "Mastodonではないサーバーのため、画面を確認できません",
		}
	}
	return checks.Text{
		En: "this machine has no way to the server",
		Ja: "このマシンからサーバーへの経路がありません",
	}
}

func textNoVisitor() checks.Text {
	return checks.Text{
		En: "the front page as visitors get it could not be seen",
		Ja: "キャッシュを通したトップページは確認できませんでした",
	}
}

func textNotMeasured() checks.Text {
	return checks.Text{En: "no page that could be measured", Ja: "計測できるページがありませんでした"}
}

func textNoPage() checks.Text {
	return checks.Text{
		En: "while the page is not well nobody knows which files it needs",
		Ja: "ページ自体が正常でないため、読み込むファイルを確認できません",
	}
}

func textOffline(host string) checks.Text {
	h := hostOf(host)
	return checks.Text{
		En: h.En + " is not asked (offline)",
		Ja: h.Ja + " には問い合わせていません（offline）",
	}
}

func textHidden(n int) checks.Text {
	return checks.Text{
		En: count(n, "file of the page", "files of the page") + " could not be looked at from this machine",
		Ja: "ページが読み込むファイルのうち" + strconv.Itoa(n) + "個を、このマシンから確認できませんでした",
	}
}

func textLate(n int) checks.Text {
	return checks.Text{
		En: "there was no time left for " + count(n, "file of the page", "files of the page"),
		Ja: "ページが読み込むファイルのうち" + strconv.Itoa(n) + "個は、時間内に確認できませんでした",
	}
}

func textOtherDisk() checks.Text {
	return checks.Text{
		En: "the files that are served do not come from this machine's disk",
		Ja: "表示に使われているファイルは、このマシンのディスクのものではありません",
	}
}

// textUnread says why the build on disk is not known.
func textUnread(b build) checks.Text {
	at := checks.Named(b.manifest, 100)
	if b.denied != "" {
		at = checks.Named(b.denied, 100)
		return checks.Text{
			En: "the built files on disk cannot be compared: " + at.En + " may not be read",
			Ja: "ディスク上のビルド済みファイルを照合できません（" + at.Ja + " を読む権限がありません）",
		}
	}
	said := checks.Said(reasonOf(b.err))
	return checks.Text{
		En: at.En + " could not be read (" + said.En + ")",
		Ja: at.Ja + " を読めませんでした（" + said.Ja + "）",
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
