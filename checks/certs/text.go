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
	name := shorten(q.about())
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
		t = textExpiring(w, q, f)
	case leafEnded:
		t = textExpired(w, q, f)
	case leafEarly:
		t = textNotYetValid(w, f, q.now)
	case nameDiffers:
		t = textWrongName(w, q, f)
	case intermediateMissing, intermediateMisfits, intermediateEnded:
		t = textChain(w, q, f)
	case behindDisk:
		t = textNotLoaded(w, q, f)
	case nameLost:
		t = textNameLost(w, f)
	case noHandshake:
		t = textConnect(w, q, f, ipv6)
	default:
		t = textUntrusted(w, q, f)
	}
	return checks.Lines(t, textWhere(f))
}

func textExpiring(w checks.Text, q question, f fault) checks.Text {
	cause := textCause(q, f)
	t := checks.Text{
		En: "certificate of " + w.En + " expires in " + checks.Left(f.end) + "\n" +
			"It is valid to " + checks.At(f.end) + ". " + cause.En,
		Ja: "証明書 期限まで" + checks.Left(f.end) + "（" + w.Ja + "）\n" +
			checks.At(f.end) + "まで有効です。" + cause.Ja,
	}
	if f.kind == intermediateEnds {
		t = checks.Text{
			En: "certificate of " + w.En + " fails in " + checks.Left(f.end) + ": its intermediate ends\n" +
				"The intermediate \"" + f.who + "\" that is sent along is valid to " + checks.At(f.end) + " only: it ends before the certificate does.",
			Ja: "証明書 中間証明書の期限まで" + checks.Left(f.end) + "（" + w.Ja + "）\n" +
				"一緒に送られている中間証明書「" + f.who + "」が" + checks.At(f.end) + "に切れます。サーバー証明書の期限より先です。",
		}
	}
	return checks.Lines(t, textAfter(q.service))
}

func textExpired(w checks.Text, q question, f fault) checks.Text {
	ended := textEnded(q.service)
	return checks.Text{
		En: "certificate of " + w.En + " has expired\n" +
			"It was valid to " + checks.At(f.end) + ". " + ended.En,
		Ja: "証明書 期限切れです（" + w.Ja + "）\n" +
			checks.At(f.end) + "に期限が切れました。" + ended.Ja,
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

func textWrongName(w checks.Text, q question, f fault) checks.Text {
	return checks.Lines(
		checks.Text{
			En: "certificate served for " + w.En + " is for another name",
			Ja: "証明書 名前が一致しません（" + w.Ja + "）",
		},
		textNames(f),
		textRefusal(q.service),
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
	en, ja := "\""+strings.Join(names, "\", \"")+"\"", "「"+strings.Join(names, "」「")+"」"
	if more > 0 {
		en += fmt.Sprintf(" and %d more", more)
		ja += fmt.Sprintf("ほか%d件", more)
	}
	return checks.Text{En: en, Ja: ja}
}

func textChain(w checks.Text, q question, f fault) checks.Text {
	var t checks.Text
	switch f.kind {
	case intermediateEnded:
		t = checks.Text{
			En: "intermediate certificate of " + w.En + " has expired\n" +
				"\"" + f.who + "\", which is sent along, was valid to " + checks.At(f.end) + ".",
			Ja: "証明書 中間証明書の期限切れです（" + w.Ja + "）\n" +
				"一緒に送られている「" + f.who + "」の期限が" + checks.At(f.end) + "に切れました。",
		}
	case intermediateMisfits:
		t = checks.Text{
			En: "certificate of " + w.En + " is sent with an intermediate that is not its own\n" +
				"It was signed by \"" + f.who + "\", but what is sent along is \"" + f.also + "\".",
			Ja: "証明書 中間証明書が合っていません（" + w.Ja + "）\n" +
				"発行元は「" + f.who + "」ですが、一緒に送られているのは「" + f.also + "」です。",
		}
	default:
		t = checks.Text{
			En: "certificate of " + w.En + " is sent without its intermediate\n" +
				"The certificate of \"" + f.who + "\", which signed it, is missing.",
			Ja: "証明書 中間証明書が送られていません（" + w.Ja + "）\n" +
				"発行元「" + f.who + "」の証明書が付いていません。",
		}
	}
	return checks.Lines(t, textHalf(q.service))
}

func textUntrusted(w checks.Text, q question, f fault) checks.Text {
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
				"It is from Cloudflare's Origin CA, made for servers behind its proxy, and is served to everybody.",
			Ja: "証明書 Cloudflare専用のものが使われています（" + w.Ja + "）\n" +
				"CloudflareのOrigin CAの証明書（プロキシの内側専用）が、外にそのまま出ています。",
		}
	case wrongUsage:
		t = checks.Text{
			En: "certificate of " + w.En + " is not made for web servers\n" +
				"\"" + f.who + "\" has issued it for something else.",
			Ja: "証明書 Webサーバー用ではありません（" + w.Ja + "）\n" +
				"発行元「" + f.who + "」は、別の用途に発行しています。",
		}
	case unverifiable:
		t = checks.Text{
			En: "certificate of " + w.En + " cannot be verified\n" + "The reason: \"" + f.who + "\".",
			Ja: "証明書 検証できません（" + w.Ja + "）\n" + "理由: 「" + f.who + "」",
		}
	default:
		t = checks.Text{
			En: "certificate of " + w.En + " is from an authority that is not trusted\n" +
				"It leads to \"" + f.who + "\". Either that is no public authority, or the list of this machine (ca-certificates) is old.",
			Ja: "証明書 信頼されていない認証局のものです（" + w.Ja + "）\n" +
				"大もとの認証局は「" + f.who + "」です。公的な認証局ではないか、このマシンのca-certificatesが古くなっています。",
		}
	}
	return checks.Lines(t, textRefusal(q.service))
}

// textWhere says at which of several addresses a fault was seen.
func textWhere(f fault) checks.Text {
	if len(f.addrs) == 0 {
		return checks.Text{}
	}
	return checks.Text{
		En: fmt.Sprintf("Seen at %s, %d of %d addresses.", strings.Join(f.addrs, ", "), len(f.addrs), f.of),
		Ja: fmt.Sprintf("該当: %s（%dアドレス中%d）", strings.Join(f.addrs, "、"), f.of, len(f.addrs)),
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
		return textBlind(q.about())
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
	whole, list, ja := checks.Span(life), strings.Join(names, ", "), strings.Join(names, "、")
	if more > 0 {
		return checks.Text{
			En: fmt.Sprintf("valid to %s, %s left (of %s); %s and %d more", checks.On(end), checks.Left(end), whole.En, list, more),
			Ja: fmt.Sprintf("%sまで有効、残り%s（有効期間%s）。対象: %s、ほか%d件", checks.On(end), checks.Left(end), whole.Ja, ja, more),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("valid to %s, %s left (of %s); %s", checks.On(end), checks.Left(end), whole.En, list),
		Ja: fmt.Sprintf("%sまで有効、残り%s（有効期間%s）。対象: %s", checks.On(end), checks.Left(end), whole.Ja, ja),
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
