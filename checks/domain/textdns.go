package domain

import (
	"fmt"
	"strings"

	"github.com/sababan/sababan/checks"
)

func textNoNameServers(name string) checks.Text {
	n := nameOf(name)
	return checks.Text{
		En: "the name servers of " + n + " cannot be asked from here (port 53)",
		Ja: n + " のネームサーバーに、ここから問い合わせできません（53番ポート）",
	}
}

// textServers says in what the name servers do not agree.
func textServers(name string, all int, d difference) checks.Text {
	n := nameOf(name)
	bad := len(d.silent) + len(d.lame) + len(d.nowhere)
	var head checks.Text
	switch {
	case bad > 0:
		head = checks.Text{
			En: fmt.Sprintf("%d of %d name servers of %s do not serve it", bad, all, n),
			Ja: fmt.Sprintf("%s のネームサーバー%d台中%d台が正しく応答しません", n, all, bad),
		}
		if bad == 1 {
			head.En = fmt.Sprintf("1 of %d name servers of %s does not serve it", all, n)
		}
		if bad == all {
			head = checks.Text{
				En: fmt.Sprintf("none of the name servers of %s serves it", n),
				Ja: fmt.Sprintf("%s のネームサーバーがどれも正しく応答しません", n),
			}
		}
	case len(d.old) > 0:
		head = checks.Text{
			En: fmt.Sprintf("name servers of %s answer differently: some serve an old state", n),
			Ja: fmt.Sprintf("%s のネームサーバーの回答が食い違っています（一部が古い内容）", n),
		}
	default:
		head = checks.Text{
			En: fmt.Sprintf("registry and zone of %s name different name servers", n),
			Ja: fmt.Sprintf("%s のネームサーバーの一覧が、レジストリとゾーンで食い違っています", n),
		}
		if d.apart {
			head = checks.Text{
				En: fmt.Sprintf("name servers of %s answer differently: each has another list of them", n),
				Ja: fmt.Sprintf("%s のネームサーバーの回答が食い違っています（NSの一覧が異なる）", n),
			}
		}
	}
	lines := []checks.Text{head}
	add := func(names []string, en, ja string) {
		if len(names) > 0 {
			lines = append(lines, checks.Text{En: en + ": " + list(names, ", "), Ja: ja + ": " + list(names, "、")})
		}
	}
	switch {
	case bad > 0 && bad == all:
		lines = append(lines, checks.Text{
			En: "As caches run out, nobody finds the server any more.",
			Ja: "キャッシュが切れしだい、誰からもつながらなくなります。",
		})
	case bad > 0:
		lines = append(lines, checks.Text{
			En: "Looking up the name takes longer, and fails when the others are down.",
			Ja: "名前解決に時間がかかり、残りも止まるとつながらなくなります。",
		})
	}
	add(d.silent, "No answer", "応答なし")
	add(d.lame, "Does not know the domain", "ドメインを知らないと回答")
	add(d.nowhere, "Its name has no address", "ネームサーバー名が解決できない")
	add(d.old, "Serves an old state", "内容が古い")
	add(d.extra, "Named by the registry only", "レジストリにだけある")
	add(d.lacking, "Named by the zone only", "ゾーンにだけある")
	return checks.Lines(lines...)
}

func adviceServers(name string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "The list of name servers is kept at the registrar, the zone at the DNS provider; both should name the same, and all should answer.",
			Ja: "ネームサーバーの一覧は登録事業者、ゾーンはDNS事業者の管理画面にあります。両方を一致させ、応答しないものは外してください。",
		},
		Look: checks.Written("dig", "+nssearch", name),
	}
}

// reasonOf is why signatures are refused.
func reasonOf(p proof) checks.Text {
	switch p.verdict {
	case unkeyed:
		return checks.Text{
			En: "The registry says that it is signed (DS), but the zone has no keys.",
			Ja: "レジストリにはDSレコードがありますが、ゾーンに鍵（DNSKEY）がありません。",
		}
	case mismatch:
		return checks.Text{
			En: "None of the zone's keys is the one that the registry names (DS).",
			Ja: "ゾーンの鍵（DNSKEY）が、レジストリのDSレコードのどれとも一致しません。",
		}
	case expired:
		at := checks.At(p.until)
		return checks.Text{
			En: fmt.Sprintf("The signatures expired %s: nobody has signed again.", at),
			Ja: fmt.Sprintf("署名の有効期限が%sに切れたまま、再署名されていません。", at),
		}
	case early:
		return checks.Text{
			En: "The signatures are not valid yet: the clock of the signer is wrong, or this machine's.",
			Ja: "署名の開始日時が未来です。署名側かこのマシンの時計がずれています。",
		}
	}
	return checks.Text{
		En: "The signatures do not fit the records.",
		Ja: "署名がレコードと一致しません。",
	}
}

func textDNSSEC(name string, p proof) checks.Text {
	n := nameOf(name)
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("DNSSEC of %s is broken: many can no longer look up the name", n),
		Ja: fmt.Sprintf("%s のDNSSECが壊れています（多くの環境で名前解決に失敗）", n),
	}, checks.Text{
		En: "Everybody whose resolver verifies it (most large ones do) gets no address: for them the server is down.",
		Ja: "署名を検証するリゾルバー（大手の多く）を使う利用者や他サーバーからは、停止しているのと同じに見えます。",
	}, reasonOf(p))
}

func textDNSSECPartly(name string, bad []string, all int, p proof) checks.Text {
	n := nameOf(name)
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("DNSSEC of %s is broken at %d of %d name servers", n, len(bad), all),
		Ja: fmt.Sprintf("%s のネームサーバー%d台中%d台でDNSSECの署名が壊れています", n, all, len(bad)),
	}, checks.Text{
		En: "Resolvers that verify have to ask another one: looking up the name is slow, and fails now and then. It is: " + list(bad, ", "),
		Ja: "署名を検証するリゾルバーでは名前解決が遅くなり、ときどき失敗します。該当: " + list(bad, "、"),
	}, reasonOf(p))
}

func textDNSSECEnding(name string, p proof) checks.Text {
	n := nameOf(name)
	return checks.Text{
		En: fmt.Sprintf("DNSSEC signatures of %s end in %s and are not renewed\nAfter %s, nobody whose resolver verifies it can look up the name any more.", n, checks.Left(p.until), checks.At(p.until)),
		Ja: fmt.Sprintf("%s のDNSSEC署名が更新されないまま、期限まで%sです\n%sを過ぎると、署名を検証するリゾルバーから名前解決できなくなります。", n, checks.Left(p.until), checks.At(p.until)),
	}
}

func adviceDNSSEC(name string, v verdict) checks.Advice {
	a := checks.Advice{Look: checks.Written("dig", "+dnssec", "+multiline", "DNSKEY", name)}
	switch v {
	case unkeyed, mismatch:
		a.Text = checks.Text{
			En: "At the registrar, put in the DS of the key that is in use, or take the old DS out until it is.",
			Ja: "登録事業者の画面で、使用中の鍵のDSレコードに差し替えるか、いったん古いDSレコードを削除してください。",
		}
	default:
		a.Text = checks.Text{
			En: "Whoever signs the zone (your DNS provider, or your own name server) has to sign it again.",
			Ja: "ゾーンに署名している側（DNS事業者、または自前のネームサーバー）で再署名が必要です。",
		}
	}
	return a
}

func textUncheckable(name string) checks.Text {
	n := nameOf(name)
	return checks.Text{
		En: "the DNSSEC signatures of " + n + " are of a sort that cannot be checked here",
		Ja: n + " のDNSSEC署名は、ここでは検証できない方式です",
	}
}

func textNoCAA(host string) checks.Text {
	n := nameOf(host)
	return checks.Text{
		En: "the certificate of " + n + " or its CAA records could not be read",
		Ja: n + " の証明書かCAAレコードを読み取れません",
	}
}

// textCAA is a certificate that cannot be renewed where it came from.
func textCAA(p permission) checks.Text {
	n, who := nameOf(p.host), checks.Said(checks.Shorten(checks.Quote(p.issuer), 30))
	zone := checks.Shorten(checks.QuoteName(p.zone), 60)
	t := checks.Text{
		En: fmt.Sprintf("CAA forbids the renewal of the certificate of %s (from %s)", n, who.En),
		Ja: fmt.Sprintf("%s の証明書（発行元%s）は、CAAレコードのため次の更新ができません", n, who.Ja),
	}
	allowed := checks.Text{
		En: fmt.Sprintf("The records of %s let nobody issue.", zone),
		Ja: fmt.Sprintf("%s のCAAレコードは、どの認証局にも発行を許可していません。", zone),
	}
	if len(p.allowed) > 0 {
		allowed = checks.Text{
			En: fmt.Sprintf("The records of %s let only these issue: %s", zone, list(p.allowed, ", ")),
			Ja: fmt.Sprintf("%s のCAAレコードが許可しているのは次の認証局だけです: %s", zone, list(p.allowed, "、")),
		}
	}
	return checks.Lines(t, checks.Text{
		En: "It works until it expires, and its next renewal will be refused.",
		Ja: "今の証明書は期限まで使えますが、次の更新は拒否されます。",
	}, allowed)
}

func adviceCAA(p permission) checks.Advice {
	tag, name, _ := strings.Cut(p.want, " ")
	zone := checks.Shorten(checks.QuoteName(p.zone), 60)
	return checks.Advice{
		Text: checks.Text{
			En: fmt.Sprintf("Add to the zone: %s. CAA 0 %s %q", zone, tag, name),
			Ja: fmt.Sprintf("ゾーンに追加してください: %s. CAA 0 %s %q", zone, tag, name),
		},
		Look: checks.Written("dig", "+short", "CAA", p.zone),
	}
}
