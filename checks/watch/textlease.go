package watch

import (
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/registry"
)

// textRegistered is a domain whose registration ends soon, or has.
func textRegistered(l *lease, now time.Time) checks.Text {
	n, end := named(l.name), l.end()
	head := checks.Text{
		En: "domain " + n + " expires in " + checks.Left(end) + " (" + checks.On(end) + ")",
		Ja: "ドメイン " + n + " の有効期限まで" + checks.Left(end) + "（" + checks.On(end) + "まで）",
	}
	if !end.After(now) {
		head = checks.Text{
			En: "domain " + n + " has expired (" + checks.On(end) + ")",
			Ja: "ドメイン " + n + " の有効期限が切れています（" + checks.On(end) + "まで）",
		}
	}
	asked := checks.At(time.Unix(l.Dated, 0))
	return checks.Lines(head, checks.Text{
		En: "Most are renewed by themselves; this one has not been yet. Without its domain nobody finds that server.",
		Ja: "自動更新が普通ですが、まだ更新されていません。失効すると、誰からもそのサーバーにつながらなくなります。",
	}, checks.Text{
		En: "The registry says so (asked " + asked + ").",
		Ja: "レジストリへの照会による日付です（" + asked + "に照会）。",
	})
}

// textHeld is a domain that is taken off the net, or about to be given away.
func textHeld(l *lease) checks.Text {
	n := named(l.name)
	head := checks.Text{
		En: "domain " + n + " is about to be deleted and free for anybody",
		Ja: "ドメイン " + n + " はまもなく削除され、誰でも取得できるようになります",
	}
	switch l.Held[0] {
	case registry.HeldByRegistrar:
		head = checks.Text{En: "domain " + n + " is taken off the net by its registrar", Ja: "ドメイン " + n + " は登録事業者に停止されています"}
	case registry.HeldByRegistry:
		head = checks.Text{En: "domain " + n + " is taken off the net by its registry", Ja: "ドメイン " + n + " はレジストリに停止されています"}
	case registry.HeldSuspended:
		head = checks.Text{En: "domain " + n + " is suspended, says its registry", Ja: "ドメイン " + n + " は停止中とレジストリに登録されています"}
	case registry.InRedemption:
		head = checks.Text{En: "domain " + n + " was not renewed; it can still be recovered", Ja: "ドメイン " + n + " は更新されていません（まだ取り戻せます）"}
	}
	words := make([]string, len(l.Held))
	for i, h := range l.Held {
		words[i] = string(h)
	}
	asked := checks.At(time.Unix(l.Told, 0))
	return checks.Lines(head, checks.Text{
		En: "As caches run out, nobody finds that server any more: browsers, apps, other servers, mail.",
		Ja: "キャッシュが切れしだい、ブラウザやアプリからも他サーバーからもつながらなくなり、メールも届きません。",
	}, checks.Text{
		En: "State: " + strings.Join(words, ", ") + " (asked " + asked + ").",
		Ja: "状態: " + strings.Join(words, "、") + "（" + asked + "に照会）",
	})
}

func adviceRegistered(l *lease) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Tell their admin, in a way that does not go through that server.",
			Ja: "そのサーバーを通らない方法で、相手の管理者に知らせてください。",
		},
		Look: checks.Written("whois", l.name),
	}
	if l.own {
		a.Text = checks.Text{
			En: "See at the registrar whether it is paid for, and look into the mailbox that the domain is registered with.",
			Ja: "ドメインの登録事業者で支払い状況を確かめ、登録者メールアドレスに届いたメールも確認してください。",
		}
	}
	return a
}

// textNoRegistry says why nothing is known of a domain any more.
func textNoRegistry(l *lease) checks.Text {
	n := named(l.name)
	return checks.Text{
		En: "the registry has not answered about " + n + " for a week",
		Ja: "レジストリから " + n + " についての回答が1週間得られていません",
	}
}

// textLeases is the domain that ends first, in the one line.
func textLeases(l *leases, now time.Time) checks.Text {
	first, silent := l.first()
	if first == nil || !first.end().After(now) {
		return checks.Text{}
	}
	left := checks.Span(first.end().Sub(now))
	t := checks.Text{En: "domains are registered for " + left.En + " at least", Ja: "ドメイン登録は残り" + left.Ja + "以上"}
	if len(l.all) == 1 {
		t = checks.Text{En: "its domain is registered for " + left.En, Ja: "ドメイン登録は残り" + left.Ja}
	}
	if silent > 0 {
		n := checks.Number(int64(silent))
		t = checks.Text{En: t.En + " (no date is told for " + n.En + ")", Ja: t.Ja + "（期限非公開" + n.Ja + "）"}
	}
	return t
}
