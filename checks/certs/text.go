package certs

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// who is the domain, and which side of it, in both languages.
func who(q question, ipv6 bool) checks.Text {
	name := shorten(q.domain)
	if ipv6 {
		return checks.Text{En: name + ipv6Mark, Ja: name + "、IPv6"}
	}
	return checks.Same(name)
}

// textOf is what a finding says.
func textOf(q question, f fault, ipv6 bool) checks.Text {
	w := who(q, ipv6)
	var t checks.Text
	switch f.kind {
	case leafEnds, intermediateEnds:
		t = textExpiring(w, f)
	case leafEnded:
		t = textExpired(w, f)
	case leafEarly:
		t = textNotYetValid(w, f, q.now)
	case nameDiffers:
		t = textWrongName(w, f)
	case intermediateMissing, intermediateMisfits, intermediateEnded:
		t = textChain(w, f)
	case noHandshake:
		t = textConnect(w, q.port, f, ipv6)
	default:
		t = textUntrusted(w, f)
	}
	return checks.Lines(t, textWhere(f))
}

func textExpiring(w checks.Text, f fault) checks.Text {
	t := checks.Text{
		En: "certificate of " + w.En + " expires in " + checks.Left(f.end) + "\n" +
			"It is valid to " + checks.At(f.end) + ". Probably the renewal fails, or the web server has not loaded the renewed one.",
		Ja: "証明書 期限まで" + checks.Left(f.end) + "（" + w.Ja + "）\n" +
			checks.At(f.end) + "まで有効です。自動更新が失敗しているか、更新後の証明書をWebサーバーが読み込んでいない可能性があります。",
	}
	if f.kind == intermediateEnds {
		t = checks.Text{
			En: "certificate of " + w.En + " fails in " + checks.Left(f.end) + ": its intermediate ends\n" +
				"The intermediate “" + f.who + "” that is sent along is valid to " + checks.At(f.end) + " only, less long than the certificate.",
			Ja: "証明書 中間証明書の期限まで" + checks.Left(f.end) + "（" + w.Ja + "）\n" +
				"一緒に送られている中間証明書「" + f.who + "」が" + checks.At(f.end) + "に切れます。サーバー証明書の期限より先です。",
		}
	}
	return checks.Lines(t, checks.Text{
		En: "After that, browsers and other servers can no longer connect.",
		Ja: "期限を過ぎると、ブラウザからも他サーバーからも接続できなくなります。",
	})
}

func textExpired(w checks.Text, f fault) checks.Text {
	return checks.Text{
		En: "certificate of " + w.En + " has expired\n" +
			"It was valid to " + checks.At(f.end) + ". Browsers, apps and other servers can no longer connect.",
		Ja: "証明書 期限切れです（" + w.Ja + "）\n" +
			checks.At(f.end) + "に期限が切れました。ブラウザからも他サーバーからも接続できなくなっています。",
	}
}

func textNotYetValid(w checks.Text, f fault, now time.Time) checks.Text {
	return checks.Text{
		En: "certificate of " + w.En + " is not valid yet\n" +
			"It begins at " + checks.At(f.end) + ". Either it was made with a date in the future, or the clock of this machine is slow: it said " + checks.At(now) + ".\n" +
			"Until then browsers, apps and other servers refuse it.",
		Ja: "証明書 有効期間がまだ始まっていません（" + w.Ja + "）\n" +
			checks.At(f.end) + "から有効です。未来の日付で作られたか、このマシンの時計が遅れています（確認時の時計は" + checks.At(now) + "）。\n" +
			"それまでは、ブラウザからも他サーバーからも接続できません。",
	}
}

func textWrongName(w checks.Text, f fault) checks.Text {
	return checks.Lines(
		checks.Text{
			En: "certificate served for " + w.En + " is for another name",
			Ja: "証明書 名前が一致しません（" + w.Ja + "）",
		},
		textNames(f),
		textRefusal(),
	)
}

// textNames says what a certificate is for.
func textNames(f fault) checks.Text {
	if len(f.names) == 0 {
		return checks.Text{En: "It names no server at all.", Ja: "証明書にはサーバー名が書かれていません。"}
	}
	list := textList(f.names, f.more)
	return checks.Text{En: "It is for " + list.En + ".", Ja: "証明書に書かれている名前は" + list.Ja + "です。"}
}

func textList(names []string, more int) checks.Text {
	en, ja := "“"+strings.Join(names, "”, “")+"”", "「"+strings.Join(names, "」「")+"」"
	if more > 0 {
		en += fmt.Sprintf(" and %d more", more)
		ja += fmt.Sprintf("ほか%d件", more)
	}
	return checks.Text{En: en, Ja: ja}
}

// textRefusal is what users notice of a certificate that nobody should trust.
func textRefusal() checks.Text {
	return checks.Text{
		En: "Browsers show a warning; apps and other servers refuse to connect.",
		Ja: "ブラウザには警告が出て、アプリや他サーバーからは接続できません。",
	}
}

// textHalf is what users notice of an incomplete chain: browsers know many
// intermediates by themselves.
func textHalf() checks.Text {
	return checks.Text{
		En: "Browsers may cope, other servers and apps will not.",
		Ja: "ブラウザでは見られることもありますが、他サーバーやアプリからは接続できません。",
	}
}

func textChain(w checks.Text, f fault) checks.Text {
	var t checks.Text
	switch f.kind {
	case intermediateEnded:
		t = checks.Text{
			En: "intermediate certificate of " + w.En + " has expired\n" +
				"“" + f.who + "”, which is sent along, was valid to " + checks.At(f.end) + ".",
			Ja: "証明書 中間証明書の期限切れです（" + w.Ja + "）\n" +
				"一緒に送られている「" + f.who + "」の期限が" + checks.At(f.end) + "に切れました。",
		}
	case intermediateMisfits:
		t = checks.Text{
			En: "certificate of " + w.En + " is sent with an intermediate that is not its own\n" +
				"It was signed by “" + f.who + "”, but what is sent along is “" + f.also + "”.",
			Ja: "証明書 中間証明書が合っていません（" + w.Ja + "）\n" +
				"発行元は「" + f.who + "」ですが、一緒に送られているのは「" + f.also + "」です。",
		}
	default:
		t = checks.Text{
			En: "certificate of " + w.En + " is sent without its intermediate\n" +
				"The certificate of “" + f.who + "”, which signed it, is missing.",
			Ja: "証明書 中間証明書が送られていません（" + w.Ja + "）\n" +
				"発行元「" + f.who + "」の証明書が付いていません。",
		}
	}
	return checks.Lines(t, textHalf())
}

func textUntrusted(w checks.Text, f fault) checks.Text {
	var t checks.Text
	switch f.kind {
	case selfSigned:
		t = checks.Text{
			En: "certificate of " + w.En + " is self-signed",
			Ja: "証明書 自己署名のものが使われています（" + w.Ja + "）",
		}
		if f.otherOwn {
			t = checks.Lines(t, textNames(f))
		}
	case originOnly:
		t = checks.Text{
			En: "certificate of " + w.En + " is trusted by Cloudflare alone\n" +
				"It is of Cloudflare's Origin CA, made for servers behind its proxy, and is served to everybody.",
			Ja: "証明書 Cloudflare専用のものが使われています（" + w.Ja + "）\n" +
				"CloudflareのOrigin CAの証明書（プロキシの内側専用）が、外にそのまま出ています。",
		}
	case wrongUsage:
		t = checks.Text{
			En: "certificate of " + w.En + " is not made for web servers\n" +
				"“" + f.who + "” has issued it for something else.",
			Ja: "証明書 Webサーバー用ではありません（" + w.Ja + "）\n" +
				"発行元「" + f.who + "」は、別の用途に発行しています。",
		}
	case unverifiable:
		t = checks.Text{
			En: "certificate of " + w.En + " cannot be verified\n" + "The reason: “" + f.who + "”.",
			Ja: "証明書 検証できません（" + w.Ja + "）\n" + "理由: 「" + f.who + "」",
		}
	default:
		t = checks.Text{
			En: "certificate of " + w.En + " is from an authority that is not trusted\n" +
				"It leads to “" + f.who + "”. Either that is no public authority, or the list of this machine (ca-certificates) is old.",
			Ja: "証明書 信頼されていない認証局のものです（" + w.Ja + "）\n" +
				"大もとの認証局は「" + f.who + "」です。公的な認証局ではないか、このマシンのca-certificatesが古くなっています。",
		}
	}
	return checks.Lines(t, textRefusal())
}

func textConnect(w checks.Text, port string, f fault, ipv6 bool) checks.Text {
	waited := checks.Span(connectTimeout)
	var t checks.Text
	switch f.trouble {
	case nameless:
		return checks.Text{
			En: "the name " + w.En + " has no address\nDNS answers, but knows no address for it. Browsers, apps and other servers cannot find the server.",
			Ja: "DNS アドレスが見つかりません（" + w.Ja + "）\nDNSの応答はありますが、この名前のアドレスがありません。ブラウザからもアプリからも他サーバーからも接続できません。",
		}
	case refused:
		t = checks.Text{
			En: w.En + " refuses connections on port " + port + "\nNothing listens there, or a firewall refuses.",
			Ja: "HTTPS " + port + "番ポートで接続を拒否されます（" + w.Ja + "）\n待ち受けているプログラムがないか、ファイアウォールが拒否しています。",
		}
	case mute:
		t = checks.Text{
			En: w.En + " takes connections on port " + port + " but does not answer\nAfter " + waited.En + " there was no TLS answer: the web server may hang, or is overloaded.",
			Ja: "HTTPS " + port + "番ポートにつながりますが、応答がありません（" + w.Ja + "）\n" + waited.Ja + "待ってもTLSの応答がありません。Webサーバーが固まっているか、過負荷です。",
		}
	case hungUp:
		t = checks.Text{
			En: w.En + " cuts connections on port " + port + " before TLS is set up\nThe web server, or something in front of it, hangs up.",
			Ja: "HTTPS TLSの途中で切断されます（" + w.Ja + "、" + port + "番）\nWebサーバーか、その手前の機器が切断しています。",
		}
	case alerted:
		t = checks.Text{
			En: w.En + " refuses TLS connections on port " + port + "\nThe web server says “" + f.who + "”: it may have no certificate for this name.",
			Ja: "HTTPS TLS接続を拒否されます（" + w.Ja + "、" + port + "番）\nWebサーバーの応答は「" + f.who + "」です。この名前の証明書が設定されていない可能性があります。",
		}
	case notTLS:
		t = checks.Text{
			En: w.En + " answers on port " + port + ", but not in TLS\nProbably the web server speaks plain HTTP there (“ssl” missing at its “listen”).",
			Ja: "HTTPS " + port + "番ポートがTLSになっていません（" + w.Ja + "）\n暗号化なしのHTTPで応答しているようです（listenにsslの指定がない、など）。",
		}
	case oldTLS:
		t = checks.Text{
			En: w.En + " offers only TLS versions that are no longer accepted\nBrowsers, apps and other servers ask for TLS 1.2 or later.",
			Ja: "HTTPS 古いTLSしか使えません（" + w.Ja + "）\nブラウザも他サーバーも、TLS 1.2以降を必要とします。",
		}
	case unfit:
		t = checks.Text{
			En: "TLS with " + w.En + " fails on port " + port + "\nThe reason: “" + f.who + "”.",
			Ja: "HTTPS TLS接続に失敗します（" + w.Ja + "、" + port + "番）\n理由: 「" + f.who + "」",
		}
	case noHost:
		t = checks.Text{
			En: w.En + " cannot be reached on port " + port + "\nThe network says that there is no way to that machine: it may be off.",
			Ja: "HTTPS サーバーに到達できません（" + w.Ja + "、" + port + "番）\nネットワークから「到達不能」と返ってきます。サーバーが止まっている可能性があります。",
		}
	default:
		t = checks.Text{
			En: w.En + " does not answer on port " + port + "\nThere was no answer within " + waited.En + ": the machine may be down, or a firewall swallows connections.",
			Ja: "HTTPS " + port + "番ポートから応答がありません（" + w.Ja + "）\n" + waited.Ja + "待っても応答がありません。サーバーが止まっているか、ファイアウォールに遮られています。",
		}
	}
	if ipv6 || len(f.addrs) > 0 {
		return checks.Lines(t, checks.Text{
			En: "Whoever is led there cannot connect, or only after a while.",
			Ja: "ここにつながった人は、接続できないか、表示までに時間がかかります。",
		})
	}
	return checks.Lines(t, checks.Text{
		En: "Browsers, apps and other servers cannot connect either.",
		Ja: "ブラウザからもアプリからも他サーバーからも接続できません。",
	})
}

// textWhere says at which of several addresses a fault was seen.
func textWhere(f fault) checks.Text {
	if len(f.addrs) == 0 {
		return checks.Text{}
	}
	list := strings.Join(f.addrs, ", ")
	return checks.Text{
		En: fmt.Sprintf("Seen at %s, %d of %d addresses.", list, len(f.addrs), f.of),
		Ja: fmt.Sprintf("該当: %s（%dアドレス中%d）", list, f.of, len(f.addrs)),
	}
}

// summary is the one line; the worst where something is wrong.
func (q question) summary(o checks.Observation, views []view) checks.Text {
	if len(o.Findings) > 0 {
		return o.Findings[0].Text.Headline()
	}
	var first *x509.Certificate
	skipped := false
	for _, v := range views {
		skipped = skipped || v.fault == noRoute && v.addr.Is6()
		if v.chain != nil && (first == nil || v.chain[0].NotAfter.Before(first.NotAfter)) {
			first = v.chain[0]
		}
	}
	if first == nil {
		return textBlind(q.domain)
	}
	names, more := covers(first)
	t := textValid(first.NotAfter, first.NotAfter.Sub(first.NotBefore), names, more)
	if q.direct && forCloudflare(first) {
		t = checks.Join(checks.Text{En: "; ", Ja: "。"}, t, checks.Text{
			En: "of Cloudflare's Origin CA, for its proxy only", Ja: "CloudflareのOrigin CA（プロキシの内側専用）",
		})
	}
	if skipped {
		t = checks.Join(checks.Text{En: "; ", Ja: "。"}, t, checks.Text{
			En: "IPv6 not looked at, this machine has no way there", Ja: "IPv6はこのマシンから届かないため未確認",
		})
	}
	return t
}

func textValid(end time.Time, life time.Duration, names []string, more int) checks.Text {
	whole, list := checks.Span(life), strings.Join(names, ", ")
	if more > 0 {
		return checks.Text{
			En: fmt.Sprintf("valid to %s, %s left (of %s); %s and %d more", checks.On(end), checks.Left(end), whole.En, list, more),
			Ja: fmt.Sprintf("%sまで有効、残り%s（有効期間%s）。対象: %sほか%d件", checks.On(end), checks.Left(end), whole.Ja, list, more),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("valid to %s, %s left (of %s); %s", checks.On(end), checks.Left(end), whole.En, list),
		Ja: fmt.Sprintf("%sまで有効、残り%s（有効期間%s）。対象: %s", checks.On(end), checks.Left(end), whole.Ja, list),
	}
}

func textRenewed(domain string, end time.Time) checks.Text {
	return checks.Text{
		En: "a newer certificate of " + shorten(domain) + " is served, valid to " + checks.On(end),
		Ja: shorten(domain) + "の証明書が新しくなりました（" + checks.On(end) + "まで）",
	}
}

func textBlind(subject string) checks.Text {
	name := shorten(subject)
	return checks.Text{
		En: "the certificate of " + name + " could not be seen: no TLS connection",
		Ja: name + "の証明書は、TLS接続ができないため確認できません",
	}
}

func textHidden(subject string) checks.Text {
	name := shorten(subject)
	return checks.Text{
		En: "the certificate of " + name + " could not be seen: another one is served",
		Ja: name + "の証明書は、別の証明書が出ているため確認できません",
	}
}

func textNoWay(subject string) checks.Text {
	name := shorten(subject)
	return checks.Text{
		En: "this machine has no way to " + name,
		Ja: "このマシンから" + name + "への経路がありません",
	}
}

func textNoNetwork() checks.Text {
	return checks.Text{
		En: "this machine has no network to look from",
		Ja: "このマシンからネットワークに出られません",
	}
}

func textNoDNS(host string) checks.Text {
	name := shorten(host)
	return checks.Text{
		En: "the resolver of this machine gives no answer for " + name,
		Ja: "このマシンのDNSリゾルバーから" + name + "の答えが得られません",
	}
}

func textNoTime() checks.Text {
	return checks.Text{En: "no time left to look", Ja: "確認する時間がありませんでした"}
}

func textNoAuthorities() checks.Text {
	return checks.Text{
		En: "this machine has no list of authorities to trust",
		Ja: "このマシンに信頼できる認証局の一覧がありません",
	}
}
