package webui

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// blamed tells whether the built files are the probable reason of a page that
// fails: it answers 500, and what needs none of them works; or there is no
// list of them on disk.
func (l *looked) blamed() bool {
	fresh := l.views.fresh
	if fresh.why != status || fresh.code != http.StatusInternalServerError {
		return false
	}
	return l.views.apiWell || l.build.state == noList || l.build.state == badList
}

// textPage says how the page fails.
func (l *looked) textPage() checks.Text {
	fresh := l.views.fresh
	switch fresh.why {
	case status:
		return l.textStatus()
	case redirected:
		to := hostOf(fresh.to)
		return checks.Lines(checks.Text{
			En: "web pages lead elsewhere (" + api.StatusName(fresh.code) + ")",
			Ja: "Web画面 別の場所に転送されます（" + api.StatusName(fresh.code) + "）",
		}, checks.Text{
			En: "They redirect to " + to.En + ". If your Mastodon is there, write that name into [server] domain.",
			Ja: "転送先は " + to.Ja + " です。Mastodonがそちらにあるなら、[server] domainにその名前を書いてください。",
		})
	case maintenance:
		return checks.Lines(checks.Text{
			En: "a notice of maintenance is shown instead of the web UI",
			Ja: "Web画面 メンテナンス表示になっています",
		}, checks.Text{
			En: "If the work is done, it was left behind (" + api.StatusName(fresh.code) + ").",
			Ja: "作業が終わっているなら、解除を忘れています（" + api.StatusName(fresh.code) + "）。",
		})
	case notPage:
		kind := checks.Named(fresh.kind, 40)
		if fresh.kind == "" {
			kind = checks.Text{En: "nothing said", Ja: "指定なし"}
		}
		return checks.Lines(checks.Text{
			En: "the front page is no HTML page (content type: " + kind.En + ")",
			Ja: "Web画面 トップページがHTMLではありません（Content-Type: " + kind.Ja + "）",
		}, l.textUsers())
	case noRoot:
		return checks.Lines(checks.Text{
			En: "the front page is not Mastodon's: the element with id mastodon is not in it",
			Ja: "Web画面 Mastodonの画面ではないページが返っています（id=mastodonの要素なし）",
		}, textTitle(fresh.page.title), l.textUsers())
	case noState:
		return checks.Lines(checks.Text{
			En: "the front page lacks its data (initial-state): the web UI does not start",
			Ja: "Web画面 初期データ（initial-state）がなく、画面が起動しません",
		}, l.textUsers())
	case tooLarge:
		return checks.Lines(checks.Text{
			En: "the front page is far too large",
			Ja: "Web画面 トップページが異常に大きくなっています",
		}, l.textUsers())
	case timeout:
		waited := checks.Span(l.waits)
		return checks.Lines(checks.Text{
			En: "web pages: no answer within " + waited.En,
			Ja: "Web画面 " + waited.Ja + "待っても応答がありません",
		}, l.textUsers())
	case refused:
		return checks.Lines(checks.Text{
			En: "web pages: the connection is refused",
			Ja: "Web画面 接続を拒否されます",
		}, textNobody())
	}
	return checks.Lines(checks.Text{
		En: "web pages: the connection is cut",
		Ja: "Web画面 接続が途中で切れます",
	}, l.textUsers())
}

// textStatus says what a status that is no success means.
func (l *looked) textStatus() checks.Text {
	fresh := l.views.fresh
	s := api.StatusName(fresh.code)
	switch {
	case l.blamed():
		return l.textBlamed()
	case fresh.code == http.StatusBadGateway || fresh.code == http.StatusGatewayTimeout:
		return checks.Lines(checks.Text{
			En: "web pages fail (" + s + "): the web process does not answer the web server",
			Ja: "Web画面 エラーになっています（" + s + "）: WebプロセスがWebサーバーに応答していません",
		}, l.textUsers())
	case unreachedBehind(fresh.code):
		return checks.Lines(checks.Text{
			En: "web pages fail (" + s + "): the CDN does not reach the web server",
			Ja: "Web画面 エラーになっています（" + s + "）: CDNからWebサーバーにつながりません",
		}, textNobody())
	case fresh.code >= 500:
		return checks.Lines(checks.Text{
			En: "web pages fail (" + s + ")",
			Ja: "Web画面 エラーになっています（" + s + "）",
		}, l.textUsers())
	case fresh.code == http.StatusForbidden:
		return checks.Lines(checks.Text{
			En: "web pages are refused (" + s + ")",
			Ja: "Web画面 アクセスが拒否されます（" + s + "）",
		}, checks.Text{
			En: "It may be this machine alone that is refused.",
			Ja: "拒否されているのはこのマシンだけの可能性もあります。",
		})
	}
	return checks.Lines(checks.Text{
		En: "the front page fails (" + s + ")",
		Ja: "Web画面 トップページがエラーになっています（" + s + "）",
	}, l.textUsers())
}

// textBlamed says that the built files are the reason, and how sure that is.
func (l *looked) textBlamed() checks.Text {
	const en, ja = "web pages fail (500)", "Web画面 エラーになっています（500"
	users := l.textUsers()
	switch l.build.state {
	case noList, badList, lacking:
		return checks.Lines(checks.Text{
			En: en + ": assets:precompile did not finish",
			Ja: ja + "）: assets:precompileが完了していません",
		}, users, textBuildDetail(l.build))
	case complete:
		return checks.Lines(checks.Text{
			En: en + " while the API works: the web process probably does not know the new build",
			Ja: ja + "、APIは正常）: Webプロセスが新しいビルドを読み込んでいないようです",
		}, users, checks.Text{
			En: "The build on disk is whole, made at " + checks.At(l.build.at) + ".",
			Ja: "ディスク上のビルド（" + checks.At(l.build.at) + "）は揃っています。",
		})
	}
	return checks.Lines(checks.Text{
		En: en + " while the API works: probably assets:precompile did not finish",
		Ja: ja + "、APIは正常）: assets:precompileが完了していないようです",
	}, users)
}

// textUsers is what users notice; what needs no page may still work.
func (l *looked) textUsers() checks.Text {
	if l.views.apiWell {
		return checks.Text{
			En: "Browsers cannot use the server; apps go on working.",
			Ja: "ブラウザからは使えません。アプリは使えます。",
		}
	}
	return checks.Text{
		En: "Browsers cannot use the server, and probably apps neither: the API does not answer well.",
		Ja: "ブラウザからは使えません。APIも正常に応答しておらず、アプリからも使えない可能性があります。",
	}
}

func textNobody() checks.Text {
	return checks.Text{
		En: "Neither browsers nor apps nor other servers can connect.",
		Ja: "ブラウザからもアプリからも他サーバーからも接続できません。",
	}
}

func textTitle(title string) checks.Text {
	if said := checks.Said(title); !said.Empty() {
		return checks.Text{En: "What is shown is titled " + said.En + ".", Ja: "表示されるページの題名は" + said.Ja + "です。"}
	}
	return checks.Text{}
}

// textStale says that a cache hides that nothing answers behind it.
func textStale(word string, hides bool) checks.Text {
	t := checks.Text{
		En: "the front page comes only out of the proxy's cache: nothing answers behind it",
		Ja: "Web画面 トップページは古いキャッシュの表示です。背後は応答していません",
	}
	if !hides {
		t = checks.Text{
			En: "the front page comes out of the proxy's cache again and again: probably nothing answers behind it",
			Ja: "Web画面 トップページが古いキャッシュのままです。背後が応答していないようです",
		}
	}
	return checks.Lines(t, checks.Text{
		En: "People who are not signed in do not notice, nor do monitors that ask for the front page (X-Cached: " + word + ").",
		Ja: "ログインしていない人や、トップページだけを見る監視では気づけません（X-Cached: " + word + "）。",
	})
}

// textCachedError says that a cache shows an error that is over.
func textCachedError(o outcome) checks.Text {
	s := api.StatusName(o.code)
	if o.code == http.StatusOK {
		return checks.Text{
			En: "visitors get another page out of a cache; past it Mastodon's front page is well",
			Ja: "Web画面 キャッシュ経由では、トップページが別のページになっています（本体は正常）",
		}
	}
	return checks.Lines(checks.Text{
		En: "visitors get an error (" + s + ") where past every cache the front page is well",
		Ja: "Web画面 キャッシュ経由ではトップページがエラーになります（" + s + "、本体は正常）",
	}, checks.Text{
		En: "Probably a proxy or CDN keeps the error of an earlier time.",
		Ja: "プロキシかCDNが、以前のエラーを保持している可能性があります。",
	})
}

func textSlow(took, normal time.Duration) checks.Text {
	t := checks.Millis(took)
	head := checks.Text{En: "the front page takes " + t.En, Ja: "Web画面 トップページの表示に" + t.Ja + "かかっています"}
	if normal > 0 {
		n := checks.Millis(normal)
		head = checks.Text{En: head.En + " (usually " + n.En + ")", Ja: head.Ja + "（普段" + n.Ja + "）"}
	}
	return checks.Lines(head, checks.Text{
		En: "That is the bare page, before any of its files.",
		Ja: "これはページ本体だけの時間で、画像などの読み込みは含みません。",
	})
}

func textVersion(from, to string) checks.Text {
	f, t := checks.Quote(from), checks.Quote(to)
	return checks.Text{En: "Mastodon " + f + " became " + t, Ja: "Mastodonが" + f + "から" + t + "になりました"}
}

func textRebuilt() checks.Text {
	return checks.Text{En: "the web UI was built anew", Ja: "Web画面のアセットが新しくなりました"}
}

// summary is the one line.
func (l *looked) summary(o checks.Observation) checks.Text {
	worst := checks.Result{Observation: o}
	if f, ok := worst.Worst(); ok {
		return f.Text.Headline()
	}
	fresh := l.views.fresh
	t := checks.Millis(fresh.took)
	parts := []checks.Text{textTook(t, l.normal)}
	if fresh.cached != "" {
		parts = []checks.Text{{En: "front page out of the proxy's cache", Ja: "トップページはプロキシのキャッシュから表示"}}
	}
	parts = append(parts, l.textWalked())
	for _, host := range slices.Sorted(maps.Keys(l.elsewhere)) {
		h, n := hostOf(host), strconv.Itoa(l.elsewhere[host])
		parts = append(parts, checks.Text{En: n + " on " + h.En + " not asked for (offline)", Ja: h.Ja + " の" + n + "個は未確認（offline）"})
	}
	if v := checks.Quote(l.after.Version); v != "" {
		parts = append(parts, checks.Same("Mastodon "+v))
	}
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, parts...)
}

// textTook says how long the page took, and the usual number.
func textTook(t checks.Text, normal time.Duration) checks.Text {
	said := checks.Text{En: "front page in " + t.En, Ja: "トップページ" + t.Ja}
	if normal == 0 {
		return said
	}
	usual := checks.Millis(normal)
	en := usual.En
	if number, unit, ok := strings.Cut(en, " "); ok && strings.HasSuffix(t.En, " "+unit) {
		en = number
	}
	return checks.Text{En: said.En + " (usually " + en + ")", Ja: said.Ja + "（普段" + usual.Ja + "）"}
}

// textWalked says how many files were looked at, and when.
func (l *looked) textWalked() checks.Text {
	m := l.after
	if m.Walked.IsZero() || len(m.Ill) > 0 || l.late > 0 {
		return checks.Text{}
	}
	n := strconv.Itoa(m.Count)
	t := checks.Text{En: "its " + n + " files are right", Ja: "読み込むファイル" + n + "個も正常"}
	switch {
	case m.Count == 0:
		return checks.Text{En: "it names no files", Ja: "読み込むファイルなし"}
	case m.More > 0:
		of := strconv.Itoa(m.Count + m.More)
		t = checks.Text{En: n + " of its " + of + " files are right (no more are asked for)", Ja: "読み込むファイル" + of + "個のうち、確認した" + n + "個は正常"}
	}
	if !l.walkedNow {
		t = checks.Text{En: t.En + " (" + checks.At(m.Walked) + ")", Ja: t.Ja + "（" + checks.At(m.Walked) + "）"}
	}
	return t
}
