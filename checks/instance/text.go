package instance

import (
	"net/http"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// shorten keeps a name from filling a whole headline (own: 60 characters).
func shorten(name string) string {
	if r := []rune(name); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return name
}

// plain makes a version or the name of a host fit to stand in a sentence: only
// the letters that such things are written with, and no more than 60 of them.
func plain(s string) string {
	s = checks.QuoteName(s)
	return shorten(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".+-_", r) {
			return r
		}
		return -1
	}, s))
}

// software is what to call what answers, with its version where that is its
// own.
func software(version string) string {
	number, _, _ := strings.Cut(strings.TrimSpace(version), " ")
	switch api.Software(version).Name {
	case api.Mastodon:
		return "Mastodon " + plain(number)
	case api.GoToSocial:
		return "GoToSocial " + plain(number)
	case api.Pleroma:
		return "Pleroma"
	case api.Akkoma:
		return "Akkoma"
	case api.Misskey:
		return "Misskey"
	}
	return plain(number)
}

// places names what is meant.
func places(which string, both bool) checks.Text {
	if both {
		return checks.Text{En: "/api/v1/instance and v2", Ja: "/api/v1/instanceとv2"}
	}
	return checks.Same("/api/" + which + "/instance")
}

// textBroken says how a place fails.
func textBroken(which string, o outcome, both bool) checks.Text {
	p := places(which, both)
	verb := " fails"
	if both {
		verb = " fail"
	}
	waited := checks.Span(headerTimeout)
	var t checks.Text
	switch o.why {
	case status:
		s := api.StatusName(o.code)
		t = checks.Text{En: p.En + verb + " (" + s + ")", Ja: p.Ja + " エラーになっています（" + s + "）"}
	case redirected:
		leads := " leads"
		if both {
			leads = " lead"
		}
		t = checks.Text{En: p.En + leads + " elsewhere (" + api.StatusName(o.code) + ")", Ja: p.Ja + " 別の場所に転送されます（" + api.StatusName(o.code) + "）"}
		if o.to != "" {
			to := checks.Said(plain(o.to))
			t = checks.Lines(t, checks.Text{
				En: "It redirects to " + to.En + ". If your Mastodon is there, write that name into [server] domain.",
				Ja: "転送先は" + to.Ja + "です。Mastodonがそちらにあるなら、[server] domainにその名前を書いてください。",
			})
		}
	case notJSON:
		t = checks.Text{En: p.En + verb + ": the answer is no valid JSON", Ja: p.Ja + " 応答がJSONとして壊れています"}
	case shape:
		t = checks.Text{En: p.En + verb + ": the answer is not that of an instance", Ja: p.Ja + " 応答の中身がサーバー情報ではありません"}
	case tooLarge:
		t = checks.Text{En: p.En + verb + ": the answer is far too large", Ja: p.Ja + " 応答が異常に大きくなっています"}
	case timeout:
		t = checks.Text{En: p.En + verb + ": no answer within " + waited.En, Ja: p.Ja + " " + waited.Ja + "待っても応答がありません"}
	case refused:
		t = checks.Text{En: p.En + verb + ": the connection is refused", Ja: p.Ja + " 接続を拒否されます"}
	default:
		t = checks.Text{En: p.En + verb + ": the connection is cut", Ja: p.Ja + " 接続が切れます"}
	}
	if both && (o.why == timeout || o.why == refused || o.why == cut || o.why == status && o.code >= http.StatusInternalServerError) {
		return checks.Lines(t, checks.Text{
			En: "Apps cannot use the server; its pages are probably affected, too.",
			Ja: "アプリからは使えません。Web画面にも影響が出ている可能性があります。",
		})
	}
	return checks.Lines(t, textApps())
}

// textApps is what users notice.
func textApps() checks.Text {
	return checks.Text{
		En: "Apps do not recognise the server (SubwayTooter, for one); people may be unable to sign in with them.",
		Ja: "SubwayTooterなどのアプリがサーバーを認識できなくなり、ログインできないことがあります。",
	}
}

// textView says that v1 alone fails as it does without its view.
func textView(second outcome, known bool) checks.Text {
	cause := checks.Text{
		En: "Probably the materialized view instances in the database has never been filled, for example after a restore.",
		Ja: "データベースのマテリアライズドビュー「instances」が初期化されていない（リストア後など）可能性が高いです。",
	}
	if known {
		cause = checks.Text{
			En: "The database says why: the materialized view instances has never been filled, as after a restore.",
			Ja: "原因: データベースのマテリアライズドビュー「instances」が初期化されていません（リストア後など）。",
		}
	}
	t := checks.Lines(
		checks.Text{
			En: "/api/v1/instance fails (500 Internal Server Error), v2 works",
			Ja: "/api/v1/instance エラーになっています（500 Internal Server Error、v2は正常）",
		},
		textApps(),
		cause,
	)
	if v := api.Software(second.in.Version).Version; !v.AtLeast(4, 5) {
		t = checks.Lines(t, checks.Text{
			En: "This version of Mastodon does not fix it by itself.",
			Ja: "このバージョンのMastodonでは、自動では直りません。",
		})
	}
	return t
}

func textUpdated(before, now string) checks.Text {
	b, n := plain(before), plain(now)
	return checks.Text{En: "Mastodon was updated from " + b + " to " + n, Ja: "Mastodonが " + b + " から " + n + " に更新されました"}
}

func textGuarded(domain, guard string) checks.Text {
	headline := checks.Text{
		En: "the API of " + shorten(domain) + " answers with a page for browsers",
		Ja: "APIがブラウザ向けのページを返しています（" + shorten(domain) + "）",
	}
	by := checks.Text{
		En: "Probably something in front of the server runs a browser check.",
		Ja: "サーバーの手前にある何かが、ブラウザかどうかの確認を求めているようです。",
	}
	if guard != "" {
		by = checks.Text{
			En: "Probably it is the browser check of " + guard + ".",
			Ja: guard + "によるブラウザ確認（チャレンジ）の可能性が高いです。",
		}
	}
	return checks.Lines(headline, by, checks.Text{
		En: "Apps and other servers that get it cannot talk with this one. It may also be shown to this machine alone.",
		Ja: "これが返ると、アプリや他サーバーはこのサーバーと通信できません。このマシンからのアクセスだけが対象の場合もあります。",
	})
}

func textSlow(which string, took time.Duration) checks.Text {
	t := checks.Millis(took)
	return checks.Text{
		En: "/api/" + which + "/instance takes " + t.En + "\nApps ask it first, so they start slowly.",
		Ja: "/api/" + which + "/instance 応答に" + t.Ja + "かかっています\nアプリが最初に読むため、起動やログインが遅くなります。",
	}
}

// summary is the one line.
func summary(q question, o checks.Observation, first, second outcome) checks.Text {
	for _, f := range o.Findings {
		if !f.Holds {
			return f.Text.Headline()
		}
	}
	which, took := slower(first, second)
	if which == "" {
		return textNothingMeasured()
	}
	t := textTimes(first, second, took)
	if band, ok := q.usual(which); ok {
		t = textUsual(t, took, time.Duration(band.Mid*float64(time.Second)))
	}
	comma := checks.Text{En: ", ", Ja: "、"}
	one := second.in
	if second.state != well {
		one = first.in
	}
	if one.Version != "" {
		t = checks.Join(comma, t, checks.Same(software(one.Version)))
		if name := plain(one.Domain); !strings.EqualFold(name, q.domain) {
			t = checks.Join(checks.Text{En: " ", Ja: ""}, t, checks.Text{En: "of " + name, Ja: "（" + name + "）"})
		}
	}
	if first.stale || second.stale {
		t = checks.Join(comma, t, checks.Text{En: "out of the proxy's cache, since what is behind it fails", Ja: "ただし背後でエラーが起きていて、プロキシの古いキャッシュです"})
	}
	return t
}

// textTimes says who answers, and in what time.
func textTimes(first, second outcome, took time.Duration) checks.Text {
	t := checks.Millis(took)
	switch {
	case first.state == well && second.state == well:
		return checks.Text{En: "v1 and v2 answer in " + t.En, Ja: "v1とv2の応答" + t.Ja}
	case second.state == absent:
		return checks.Text{En: "v1 answers in " + t.En + " (this software has no v2)", Ja: "v1の応答" + t.Ja + "（このソフトウェアにv2はありません）"}
	case second.state == well && first.state == closed:
		return checks.Text{En: "v2 answers in " + t.En + " (v1 only to those signed in)", Ja: "v2の応答" + t.Ja + "（v1はログイン必須の設定）"}
	case first.state == well && second.state == closed:
		return checks.Text{En: "v1 answers in " + t.En + " (v2 only to those signed in)", Ja: "v1の応答" + t.Ja + "（v2はログイン必須の設定）"}
	case first.state == closed && second.state == closed:
		return checks.Text{En: "answers only to those signed in, in " + t.En, Ja: "応答" + t.Ja + "（ログイン必須の設定）"}
	case second.measured():
		return checks.Text{En: "v2 answers in " + t.En, Ja: "v2の応答" + t.Ja}
	}
	return checks.Text{En: "v1 answers in " + t.En, Ja: "v1の応答" + t.Ja}
}

// textUsual adds the usual number.
func textUsual(t checks.Text, took, mid time.Duration) checks.Text {
	now, usual := checks.Millis(took), checks.Millis(mid)
	en := usual.En
	if number, unit, ok := strings.Cut(en, " "); ok && strings.HasSuffix(now.En, " "+unit) {
		en = number
	}
	// What stands in brackets already takes the number in.
	if inside, ok := strings.CutSuffix(t.Ja, "）"); ok {
		ja := inside + "、普段" + usual.Ja + "）"
		if inside, ok := strings.CutSuffix(t.En, ")"); ok {
			return checks.Text{En: inside + "; usually " + en + ")", Ja: ja}
		}
		return checks.Text{En: t.En + " (usually " + en + ")", Ja: ja}
	}
	return checks.Text{En: t.En + " (usually " + en + ")", Ja: t.Ja + "（普段" + usual.Ja + "）"}
}

// textUnseen says why nothing is known of the server.
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
	}
	return checks.Text{
		En: "this machine has no way to the server",
		Ja: "このマシンからサーバーへの経路がありません",
	}
}

// textNotSeen says why one of the two is not known.
func textNotSeen(which string, o outcome) checks.Text {
	p := places(which, false)
	if o.state == guarded {
		return checks.Text{
			En: p.En + " could not be seen behind a page for browsers",
			Ja: p.Ja + " ブラウザ向けのページが返るため確認できません",
		}
	}
	u := textUnseen(o)
	return checks.Text{En: p.En + ": " + u.En, Ja: p.Ja + " " + u.Ja}
}

func textNothingMeasured() checks.Text {
	return checks.Text{En: "no answer that could be measured", Ja: "計測できる応答がありませんでした"}
}

func textNoTime() checks.Text {
	return checks.Text{En: "no time left to look", Ja: "確認する時間がありませんでした"}
}
