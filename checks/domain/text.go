package domain

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/registry"
)

// nameOf is a domain inside a headline.
func nameOf(name string) string { return checks.Shorten(checks.QuoteName(name), 50) }

func textNoDomain(domain string, whose registry.Ownership) checks.Text {
	n := nameOf(domain)
	if whose == registry.Rented {
		return checks.Text{
			En: n + " is a name below a provider's; its registration is the provider's",
			Ja: n + " は事業者のドメインの下の名前なので、登録の状態は事業者の管理です",
		}
	}
	return checks.Text{
		En: n + " is not a name of the public domain system",
		Ja: n + " は公開のドメイン名ではありません",
	}
}

func textNoTime() checks.Text {
	return checks.Text{En: "there was no time to look", Ja: "確認する時間がありませんでした"}
}

func textOffline() checks.Text {
	return checks.Text{
		En: "nobody outside is asked (offline = true)",
		Ja: "外部には問い合わせない設定です（offline = true）",
	}
}

// A summary is what the one line tells of a domain.
type summary struct {
	name    string
	end     time.Time
	zone    zone
	offline bool
}

// textSummary is the domain that ends first, and how the name servers are.
func textSummary(all []summary, now time.Time) checks.Text {
	var first, unknown *summary
	for i := range all {
		s := &all[i]
		switch {
		case s.end.IsZero():
			if unknown == nil {
				unknown = s
			}
		case first == nil || s.end.Before(first.end):
			first = s
		}
	}
	var parts []checks.Text
	if first != nil {
		n, on := nameOf(first.name), checks.On(first.end)
		t := checks.Text{
			En: fmt.Sprintf("%s is registered until %s (%s left)", n, on, checks.Left(first.end)),
			Ja: fmt.Sprintf("%s は%sまで登録（残り%s）", n, on, checks.Left(first.end)),
		}
		if !first.end.After(now) {
			t = checks.Text{En: fmt.Sprintf("%s was registered until %s", n, on), Ja: fmt.Sprintf("%s の登録期限は%sでした", n, on)}
		}
		parts = append(parts, t)
	}
	if unknown != nil {
		n := nameOf(unknown.name)
		parts = append(parts, checks.Text{En: "no date known for " + n, Ja: n + " の期限は不明"})
	}
	if t := textServed(all); !t.Empty() {
		parts = append(parts, t)
	}
	return checks.Join(checks.Text{En: "; ", Ja: "、"}, parts...)
}

// textServed says how many name servers answer, and whether all is signed.
func textServed(all []summary) checks.Text {
	servers, answering, signed := 0, 0, 0
	for _, s := range all {
		if s.zone.err != nil || s.offline || s.zone.gone {
			return checks.Text{}
		}
		for _, ns := range s.zone.servers {
			servers++
			if ns.fault == "" {
				answering++
			}
		}
		if s.zone.signed {
			signed++
		}
	}
	t := checks.Text{
		En: fmt.Sprintf("%d of %d name servers answer", answering, servers),
		Ja: fmt.Sprintf("ネームサーバー%d台中%d台が応答", servers, answering),
	}
	if answering == servers {
		t = checks.Text{En: checks.All(servers) + " name servers answer", Ja: fmt.Sprintf("ネームサーバー%d台すべて応答", servers)}
	}
	if servers == 1 && answering == 1 {
		t = checks.Text{En: "its name server answers", Ja: "ネームサーバー1台が応答"}
	}
	if signed == len(all) {
		t.En += ", DNSSEC"
		t.Ja += "、DNSSEC署名あり"
	}
	return t
}

// textExpiry is a registration that ends soon, or has.
func textExpiry(name string, e end, r Registered, now time.Time) checks.Text {
	n, on := nameOf(name), checks.On(e.at)
	head := checks.Text{
		En: fmt.Sprintf("domain %s expires in %s (%s)", n, checks.Left(e.at), on),
		Ja: fmt.Sprintf("ドメイン %s の有効期限まで%s（%sまで）", n, checks.Left(e.at), on),
	}
	effect := checks.Text{
		En: "After that nobody finds the server any more: browsers, apps, other servers, mail. Whoever registers it next gets its name.",
		Ja: "期限を過ぎると、ブラウザやアプリからも他サーバーからもつながらなくなり、メールも届きません。他人に取得されるおそれもあります。",
	}
	if !e.at.After(now) {
		head = checks.Text{
			En: fmt.Sprintf("domain %s has expired (%s)", n, on),
			Ja: fmt.Sprintf("ドメイン %s の有効期限が切れています（%sまで）", n, on),
		}
		effect = checks.Text{
			En: "Any day now, nobody will find the server any more: browsers, apps, other servers, mail.",
			Ja: "いつつながらなくなってもおかしくありません（ブラウザ、アプリ、他サーバー、メールすべて）。",
		}
	}
	renews := checks.Text{}
	if r.AutoRenew {
		renews = checks.Text{
			En: "It is set to renew by itself (auto_renew), and has not done so yet.",
			Ja: "自動更新の設定（auto_renew）ですが、まだ更新されていません。",
		}
	}
	return checks.Lines(head, effect, renews, textSource(e))
}

// textSource is where the date comes from.
func textSource(e end) checks.Text {
	if e.set {
		return checks.Text{En: "The date is the one written in the configuration.", Ja: "期限は設定ファイルに書かれた日付です。"}
	}
	at := checks.At(e.told)
	return checks.Text{
		En: fmt.Sprintf("The registry says so (%s, asked %s).", e.by, at),
		Ja: fmt.Sprintf("レジストリへの照会による日付です（%s、%sに照会）。", e.by, at),
	}
}

func adviceExpiry(name string, said registry.Registration, e end, r Registered) checks.Advice {
	a := checks.Advice{Look: checks.Written("whois", name)}
	at := atRegistrar(said)
	switch {
	case e.set:
		a.Text = checks.Text{
			En: fmt.Sprintf("Renew it%s. If that is done: change expires under [[checks.domain.registered]].", at.En),
			Ja: fmt.Sprintf("%s更新してください。更新済みなら、[[checks.domain.registered]] の expires を書き換えてください。", at.Ja),
		}
	case r.AutoRenew:
		a.Text = checks.Text{
			En: fmt.Sprintf("See%s whether the renewal failed: an expired card is the usual reason.", at.En),
			Ja: fmt.Sprintf("%s自動更新が失敗していないか確認してください。カードの期限切れがよくある原因です。", at.Ja),
		}
	default:
		a.Text = checks.Text{
			En: fmt.Sprintf("Renew it%s. If it renews by itself, say so: auto_renew = true under [[checks.domain.registered]].", at.En),
			Ja: fmt.Sprintf("%s更新してください。自動更新なら、[[checks.domain.registered]] に auto_renew = true と書いてください。", at.Ja),
		}
	}
	return a
}

// atRegistrar is where a domain is renewed, with its name where that is known.
func atRegistrar(said registry.Registration) checks.Text {
	if said.Registrar == "" {
		return checks.Text{En: " at the registrar", Ja: "ドメインの登録事業者で"}
	}
	n := checks.Said(said.Registrar)
	return checks.Text{En: " at the registrar (" + n.En + ")", Ja: "ドメインの登録事業者（" + n.Ja + "）で"}
}

// textHeld is a domain that is taken off the net, or about to be given away.
func textHeld(name string, said registry.Registration, e end) checks.Text {
	n := nameOf(name)
	var head, effect checks.Text
	switch said.Held[0] {
	case registry.HeldByRegistrar:
		head = checks.Text{
			En: fmt.Sprintf("domain %s is taken off the net by its registrar", n),
			Ja: fmt.Sprintf("ドメイン %s は登録事業者に停止されています", n),
		}
		effect = checks.Text{
			En: "Usually because of an unpaid bill, an address of the owner that was never confirmed, or a complaint. As caches run out, nobody finds the server any more.",
			Ja: "料金の未払い、登録者メールアドレスの未確認、苦情などが主な理由です。キャッシュが切れしだい、誰からもつながらなくなります。",
		}
	case registry.HeldByRegistry:
		head = checks.Text{
			En: fmt.Sprintf("domain %s is taken off the net by its registry", n),
			Ja: fmt.Sprintf("ドメイン %s はレジストリに停止されています", n),
		}
		effect = checks.Text{
			En: "Registries do that for disputes, courts, abuse or their own rules. As caches run out, nobody finds the server any more.",
			Ja: "紛争、裁判所の命令、不正利用、登録規則などが理由です。キャッシュが切れしだい、誰からもつながらなくなります。",
		}
	case registry.HeldSuspended:
		head = checks.Text{
			En: fmt.Sprintf("domain %s is suspended, says its registry", n),
			Ja: fmt.Sprintf("ドメイン %s は停止中とレジストリに登録されています", n),
		}
		effect = checks.Text{
			En: "As caches run out, nobody finds the server any more.",
			Ja: "キャッシュが切れしだい、誰からもつながらなくなります。",
		}
	case registry.InRedemption:
		head = checks.Text{
			En: fmt.Sprintf("domain %s was not renewed and is being deleted; it can still be recovered", n),
			Ja: fmt.Sprintf("ドメイン %s は更新されず、削除の手続きに入っています（まだ取り戻せます）", n),
		}
		effect = checks.Text{
			En: "Most registries give about 30 days for that, at a higher price. Nobody finds the server meanwhile.",
			Ja: "多くのレジストリでは30日ほどの間、割高な料金で復旧できます。それまで誰からもつながりません。",
		}
	default:
		head = checks.Text{
			En: fmt.Sprintf("domain %s is about to be deleted and free for anybody", n),
			Ja: fmt.Sprintf("ドメイン %s はまもなく削除され、誰でも取得できるようになります", n),
		}
		effect = checks.Text{
			En: "That usually takes about five days, and can no longer be stopped with most registries. Everything that trusts the name will trust its next owner.",
			Ja: "通常5日ほどで削除され、多くのレジストリではもう止められません。次の取得者が、このドメインを名乗れるようになります。",
		}
	}
	words := make([]string, len(said.Held))
	for i, h := range said.Held {
		words[i] = string(h)
	}
	state := checks.Text{
		En: fmt.Sprintf("State: %s (%s).", strings.Join(words, ", "), said.By),
		Ja: fmt.Sprintf("状態: %s（%s）", strings.Join(words, "、"), said.By),
	}
	if !e.at.IsZero() && !e.set {
		state.En += fmt.Sprintf(" Registered until %s.", checks.On(e.at))
		state.Ja += fmt.Sprintf("、登録期限 %s", checks.On(e.at))
	}
	return checks.Lines(head, effect, state)
}

func adviceHeld(name string, said registry.Registration) checks.Advice {
	at := checks.Text{En: "the registrar", Ja: "ドメインの登録事業者"}
	if said.Registrar != "" {
		n := checks.Said(said.Registrar)
		at = checks.Text{En: "the registrar (" + n.En + ")", Ja: "ドメインの登録事業者（" + n.Ja + "）"}
	}
	return checks.Advice{
		Text: checks.Text{
			En: fmt.Sprintf("Ask %s today what is missing, and look into the mailbox that the domain is registered with.", at.En),
			Ja: fmt.Sprintf("今日のうちに%sに理由を問い合わせ、登録者メールアドレスに届いたメールも確認してください。", at.Ja),
		},
		Look: checks.Written("whois", name),
	}
}

// textUndelegated is a domain that the registry's servers know nothing of.
func textUndelegated(name string, said registry.Registration, known bool) checks.Text {
	n := nameOf(name)
	t := checks.Text{
		En: fmt.Sprintf("domain %s is gone from the name servers of its registry\nAs caches run out, nobody finds the server any more: browsers, apps, other servers, mail.", n),
		Ja: fmt.Sprintf("ドメイン %s がレジストリのネームサーバーから消えています\nキャッシュが切れしだい、ブラウザやアプリからも他サーバーからもつながらなくなり、メールも届かなくなります。", n),
	}
	if known && said.Missing {
		t.En += fmt.Sprintf("\nThe registry says that nobody has registered it (%s).", said.By)
		t.Ja += fmt.Sprintf("\nレジストリでは未登録になっています（%s）。", said.By)
	}
	return t
}

// textOffNet says why the rest was not looked at.
func textOffNet(name string) checks.Text {
	n := nameOf(name)
	return checks.Text{
		En: n + " has no name servers at its registry",
		Ja: n + " はレジストリにネームサーバーが登録されていません",
	}
}

func textNoRegistry(name, suffix string) checks.Text {
	n, s := nameOf(name), checks.QuoteName(suffix)
	return checks.Text{
		En: fmt.Sprintf("the registry of .%s gives no answer that can be read about %s", s, n),
		Ja: fmt.Sprintf(".%s のレジストリから %s について読み取れる回答がありません", s, n),
	}
}

func textMissing(name, suffix string) checks.Text {
	n, s := nameOf(name), checks.QuoteName(suffix)
	return checks.Text{
		En: fmt.Sprintf("the registry of .%s says that it does not know %s, but serves it", s, n),
		Ja: fmt.Sprintf(".%s のレジストリは %s を未登録と回答していますが、DNSには登録があります", s, n),
	}
}

func textNoDate(name, suffix string) checks.Text {
	n, s := nameOf(name), checks.QuoteName(suffix)
	return checks.Text{
		En: fmt.Sprintf("nobody tells until when %s is registered\nThe registry of .%s publishes no date, so I cannot warn before it expires.", n, s),
		Ja: fmt.Sprintf("ドメイン %s の有効期限がわかりません\n.%s のレジストリは期限を公開していないため、期限切れの前にお知らせできません。", n, s),
	}
}

func adviceSet(name string) checks.Advice {
	n := nameOf(name)
	return checks.Advice{Text: checks.Text{
		En: fmt.Sprintf("Write the date that your registrar shows into the configuration, under [[checks.domain.registered]]: name = %q, expires = 2027-03-31", n),
		Ja: fmt.Sprintf("登録事業者の画面で期限を確認し、設定ファイルの [[checks.domain.registered]] に書いてください（例: name = %q、expires = 2027-03-31）。", n),
	}}
}
