package mail

import (
	"strings"

	"github.com/sababan/sababan/checks"
)

// textMethod tells what is the matter with SPF, DKIM or DMARC: what receivers
// say of it, and what stands in the DNS.
func textMethod(m method, domain string) checks.Text {
	d := shown(domain)
	record := textRecord(m)
	if len(m.against) == 0 {
		return checks.Lines(checks.Text{
			En: m.name + " of " + d.En + ": " + record.En,
			Ja: d.Ja + " の" + m.name + ": " + record.Ja,
		}, textMeans(m.code))
	}
	first := m.against[0]
	verdict := string(m.says(first.memo.Firm))
	by := shown(first.memo.Firm.By)
	head := checks.Text{
		En: m.name + " does not pass for mail from " + d.En + ": " + verdict + ", says " + by.En,
		Ja: d.Ja + " からのメールが" + m.name + "に通っていません（" + by.Ja + " の判定: " + verdict + "）",
	}
	lines := []checks.Text{head}
	if m.record.Is.bad() && (m.record.Is != omits || len(m.favour) == 0) {
		lines = append(lines, checks.Text{En: "In the DNS: " + record.En + ".", Ja: "DNS: " + record.Ja})
	} else if m.code == codeDKIM && len(first.memo.Last.Keys) == 0 {
		lines = append(lines, checks.Text{
			En: "The message bears no signature: whoever sends it does not sign.",
			Ja: "メールに署名がありません。送信側で署名されていません。",
		})
	} else if m.code == codeSPF && first.memo.Last.Hop != "" {
		lines = append(lines, checks.Text{
			En: "It was handed over by " + first.memo.Last.Hop + ".",
			Ja: "引き渡した送信元: " + first.memo.Last.Hop,
		})
	}
	return checks.Lines(append(lines, textMeans(m.code))...)
}

// textRecord is what is the matter with a record.
func textRecord(m method) checks.Text {
	name := shown(m.record.Name)
	switch m.record.Is {
	case absent:
		return checks.Text{En: "there is no record at " + name.En, Ja: name.Ja + " にレコードがありません"}
	case several:
		return checks.Text{En: "there is more than one record at " + name.En + "; none counts", Ja: name.Ja + " にレコードが複数あり、どれも無効になります"}
	case malformed:
		return checks.Text{En: "the record at " + name.En + " cannot be understood", Ja: name.Ja + " のレコードの書き方に誤りがあります"}
	case tooDeep:
		return checks.Text{En: "the record at " + name.En + " takes more than ten look-ups", Ja: name.Ja + " のレコードは、問い合わせが10回の上限を超えます"}
	case omits:
		en, ja := strings.Join(m.record.Detail, ", "), strings.Join(m.record.Detail, "、")
		return checks.Text{En: "the record at " + name.En + " does not allow " + en, Ja: name.Ja + " のレコードで " + ja + " が許可されていません"}
	case withdrawn:
		return checks.Text{En: "the key at " + name.En + " is withdrawn (empty)", Ja: name.Ja + " の鍵が取り消されています（空）"}
	case weak:
		return checks.Text{En: "the key at " + name.En + " is too short to count", Ja: name.Ja + " の鍵が短すぎて無効です"}
	}
	return checks.Text{En: "the record at " + name.En + " is as it should be", Ja: name.Ja + " のレコードに問題はありません"}
}

// textMeans is what follows for people.
func textMeans(code string) checks.Text {
	if code == codeDMARC {
		return checks.Text{
			En: "Large providers ask for DMARC; without it, mail is taken for junk, or refused.",
			Ja: "大手のメールサービスはDMARCを求めています。ないと、迷惑メール扱いや受信拒否になりがちです。",
		}
	}
	return checks.Text{
		En: "Such mail is taken for junk, or refused.",
		Ja: "迷惑メール扱いや受信拒否になりがちです。",
	}
}

func textUnanswered(name string) checks.Text {
	n := shown(name)
	return checks.Text{En: "the DNS gives no answer for " + n.En, Ja: "DNSから " + n.Ja + " の応答がありません"}
}

func textMX(r record) checks.Text {
	d := shown(r.Name)
	switch r.Is {
	case refusing:
		return checks.Lines(checks.Text{
			En: d.En + " says that it takes no mail (null MX), and Mastodon sends from it",
			Ja: d.Ja + " は「メールを受け取らない」設定（null MX）ですが、Mastodonの差出人になっています",
		}, checks.Text{
			En: "Many servers refuse mail from such a domain.",
			Ja: "このようなドメインからのメールは、多くのサーバーが受信を拒否します。",
		})
	case nowhere:
		h := shown(strings.Join(r.Detail, ", "))
		return checks.Text{
			En: "the mail server of " + d.En + " has no address (" + h.En + ")\nReplies and bounces to Mastodon's address are lost.",
			Ja: d.Ja + " のメールサーバーのアドレスが引けません（" + h.Ja + "）\nMastodonの差出人アドレスへの返信や不達通知が失われます。",
		}
	}
	return checks.Text{
		En: d.En + ", which Mastodon sends from, has no mail server (MX)\nReplies and bounces are lost, and some servers refuse mail from such a domain.",
		Ja: "Mastodonの差出人ドメイン " + d.Ja + " に、メールサーバー（MX）がありません\n返信や不達通知が失われます。受信を拒否するサーバーもあります。",
	}
}

func textReverse(r record) checks.Text {
	ip := shown(r.Name)
	means := checks.Text{
		En: "This server sends its mail itself; large providers refuse it from such an address.",
		Ja: "このサーバーは自分でメールを送信しています。大手のメールサービスに拒否されることがあります。",
	}
	if r.Is == astray {
		n := shown(strings.Join(r.Detail, ", "))
		return checks.Lines(checks.Text{
			En: "the reverse name of " + ip.En + " does not lead back to it (" + n.En + ")",
			Ja: ip.Ja + " の逆引き（" + n.Ja + "）が、元のアドレスに戻りません",
		}, means)
	}
	return checks.Lines(checks.Text{
		En: ip.En + ", which mail is sent from, has no reverse name",
		Ja: "メールの送信元 " + ip.Ja + " に逆引きがありません",
	}, means)
}

func textBlocked(r record) checks.Text {
	zone, ips := shown(r.Name), shown(strings.Join(r.Detail, ", "))
	return checks.Text{
		En: "the block list " + zone.En + " has " + ips.En + " on it\nThis server sends its mail from there; those who ask the list refuse it.",
		Ja: "ブロックリスト " + zone.Ja + " に " + ips.Ja + " が載っています\nこのサーバーのメールの送信元です。このリストを参照するサーバーに受信を拒否されます。",
	}
}

// textListMute says that a list's answer says nothing about us.
func textListMute(zone string) checks.Text {
	z := shown(zone)
	return checks.Text{
		En: "the block list " + z.En + " does not answer this server's resolver",
		Ja: "ブロックリスト " + z.Ja + " が、このサーバーのDNSリゾルバーからの問い合わせに答えません",
	}
}
