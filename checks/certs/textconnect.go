package certs

import "github.com/sababan/sababan/checks"

// textConnect says why no certificate was shown at a port of the web server.
func textConnect(w checks.Text, q question, f fault, ipv6 bool) checks.Text {
	if q.service.mail() {
		return textMailConnect(w, q, f)
	}
	port := q.port
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
			En: w.En + " refuses TLS connections on port " + port + "\nThe web server says \"" + f.who + "\": it may have no certificate for this name.",
			Ja: "HTTPS TLS接続を拒否されます（" + w.Ja + "、" + port + "番）\nWebサーバーの応答は「" + f.who + "」です。この名前の証明書が設定されていない可能性があります。",
		}
	case notTLS:
		t = checks.Text{
			En: w.En + " answers on port " + port + ", but not in TLS\nProbably the web server speaks plain HTTP there (ssl is missing at its listen).",
			Ja: "HTTPS " + port + "番ポートがTLSになっていません（" + w.Ja + "）\n暗号化なしのHTTPで応答しているようです（listenにsslの指定がない、など）。",
		}
	case oldTLS:
		t = checks.Text{
			En: w.En + " offers only TLS versions that are no longer accepted\nBrowsers, apps and other servers ask for TLS 1.2 or later.",
			Ja: "HTTPS 古いTLSしか使えません（" + w.Ja + "）\nブラウザも他サーバーも、TLS 1.2以降を必要とします。",
		}
	case unfit:
		t = checks.Text{
			En: "TLS with " + w.En + " fails on port " + port + "\nThe reason: \"" + f.who + "\".",
			Ja: "HTTPS TLS接続に失敗します（" + w.Ja + "、" + port + "番）\n理由: 「" + f.who + "」",
		}
	case noHost:
		t = checks.Text{
			En: w.En + " cannot be reached on port " + port + "\nThe network says that there is no way to that machine: it may be off.",
			Ja: "HTTPS サーバーに到達できません（" + w.Ja + "、" + port + "番）\nネットワークから「到達不能」と返ってきます。サーバーが止まっている可能性があります。",
		}
	default:
		t = checks.Text{
			En: w.En + " does not answer on port " + port + "\nThere was no answer within " + waited.En + ": the machine may be down, or a firewall drops connections.",
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

// textMailConnect is the same of a port of mail.
func textMailConnect(w checks.Text, q question, f fault) checks.Text {
	t := checks.Text{
		En: w.En + " does not answer\nNo TLS connection to the mail server could be made at port " + q.port + ".",
		Ja: "メール " + q.port + "番ポートから応答がありません（" + w.Ja + "）\nメールサーバーの" + q.port + "番ポートでTLS接続ができません。",
	}
	switch {
	case f.trouble == refused:
		t = checks.Text{
			En: w.En + " refuses connections\nNo mail server listens at port " + q.port + ", or a firewall refuses.",
			Ja: "メール " + q.port + "番ポートで接続を拒否されます（" + w.Ja + "）\nメールサーバーが待ち受けていないか、ファイアウォールが拒否しています。",
		}
	case f.trouble == nameless:
		t = checks.Text{
			En: "the name " + w.En + " has no address\nDNS answers, but knows no address for it.",
			Ja: "DNS アドレスが見つかりません（" + w.Ja + "）\nDNSの応答はありますが、この名前のアドレスがありません。",
		}
	case f.trouble == noStartTLS && f.who == "":
		t = checks.Text{
			En: w.En + " offers no STARTTLS\nThe mail server has no certificate set up for port " + q.port + ".",
			Ja: "メール STARTTLSが使えません（" + w.Ja + "）\nメールサーバーの" + q.port + "番ポートに、証明書が設定されていません。",
		}
	case f.who != "":
		t = checks.Text{
			En: w.En + " refuses TLS\nThe mail server says \"" + f.who + "\".",
			Ja: "メール TLS接続を拒否されます（" + w.Ja + "）\nメールサーバーの応答は「" + f.who + "」です。",
		}
	}
	return checks.Lines(t, textRefusal(q.service))
}
