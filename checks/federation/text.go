package federation

import (
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

// nameLimit keeps a domain from filling a headline (own).
const nameLimit = 45

func named(domain string) string { return checks.Shorten(checks.QuoteName(domain), nameLimit) }

func textNoTime() checks.Text {
	return checks.Text{En: "no time was left to look", Ja: "確認する時間が残っていませんでした"}
}

func textNotSetUp(setting string) checks.Text {
	return checks.Text{En: setting + " is not set", Ja: setting + " が設定されていません"}
}

// ageText is the age of the newest post, usually.
func usualAge(usual checks.Band) (en, ja string) {
	if usual.Days == 0 || usual.Mid <= 0 {
		return "", ""
	}
	s := checks.Span(time.Duration(usual.Mid * float64(time.Second)))
	return " (usually " + s.En + ")", "（普段" + s.Ja + "）"
}

// textDeaf says that nothing comes in, or that what comes is late.
func textDeaf(newest time.Time, usual checks.Band, late, least bool) checks.Text {
	en, ja := usualAge(usual)
	over, overJa := "", ""
	if least {
		over, overJa = "over ", "以上"
	}
	ago := checks.Ago(newest)
	if late {
		return checks.Lines(checks.Text{
			En: "posts from other servers come in late: the newest is " + over + ago + " old" + en,
			Ja: "他サーバーの投稿が遅れて届いています。最新のものが" + ago + overJa + "前です" + ja,
		}, checks.Text{
			En: "Timelines lag by that much, and so do replies and notifications from elsewhere.",
			Ja: "タイムラインも、他サーバーからの返信や通知も、その分遅れています。",
		}, checks.Text{
			En: "Something does arrive, so probably jobs of the queue ingress or default have to wait.",
			Ja: "届いてはいるので、おそらくingressかdefaultのキューが詰まっています。",
		})
	}
	t := checks.Lines(checks.Text{
		En: "nothing from other servers for " + over + ago + en,
		Ja: "他サーバーの投稿が" + ago + overJa + "届いていません" + ja,
	}, checks.Text{
		En: "Home and federated timelines stand still; replies and notifications from elsewhere do not arrive.",
		Ja: "ホームと連合のタイムラインが止まり、他サーバーからの返信や通知も届きません。",
	})
	if usual.Days == 0 {
		t = checks.Lines(t, checks.Text{
			En: "What is usual here is not known yet; where few are followed this may be nothing.",
			Ja: "普段の様子はまだわかりません。フォローが少ないサーバーでは異常でないこともあります。",
		})
	}
	return t
}

// textUs says that deliveries fail to many at once.
func textUs(t tally, usual checks.Band) checks.Text {
	n := checks.Number(int64(t.many()))
	en, ja := "", ""
	if usual.Days > 0 {
		u := checks.Number(int64(usual.Mid + 0.5))
		en, ja = " (usually "+u.En+")", "（普段"+u.Ja+"台）"
	}
	all := checks.Number(int64(t.All))
	return checks.Lines(checks.Text{
		En: "deliveries have begun to fail to " + n.En + " servers" + en + "; probably the fault is here",
		Ja: "新たに" + n.Ja + "台のサーバーに配送できなくなっています" + ja + "。こちら側の問題と思われます",
	}, checks.Text{
		En: "Posts from here do not reach them. Deliveries fail to " + all.En + " servers altogether.",
		Ja: "ここの投稿が届いていません。配送に失敗しているサーバーは全部で" + all.Ja + "台です。",
	}, checks.Text{
		En: "So many at once point to name resolution, the network, the clock or the root certificates of this server.",
		Ja: "一斉に起きているため、このサーバーの名前解決、ネットワーク、時計、ルート証明書が疑われます。",
	})
}

// textSilence says that many fell silent at once.
func textSilence(count, known int) checks.Text {
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("%d of %d often followed servers have fallen silent; probably the fault is here", count, known),
		Ja: fmt.Sprintf("よくフォローされている%d台のサーバーのうち%d台から投稿が届きません。こちら側の問題と思われます", known, count),
	}, checks.Text{
		En: "People here miss their posts, while others still arrive.",
		Ja: "ほかのサーバーの投稿は届いていますが、これらのサーバーの投稿が見えません。",
	}, checks.Text{
		En: "The web server may refuse some of what comes to /inbox (a filter, a block list, IPv6).",
		Ja: "/inboxへの受信の一部を、Webサーバーが拒否している可能性があります（フィルター、拒否リスト、IPv6など）。",
	})
}

// textTrust says that only this machine does not know an authority.
func textTrust(list []suspect) checks.Text {
	s := list[0]
	head := checks.Text{
		En: fmt.Sprintf("%d followed servers cannot be verified with this machine's root certificates", len(list)),
		Ja: fmt.Sprintf("フォロー先のサーバー%d台の証明書を、このマシンのルート証明書では検証できません", len(list)),
	}
	if len(list) == 1 {
		head.En = "a followed server cannot be verified with this machine's root certificates: " + named(s.Domain)
	}
	proof := checks.Text{
		En: "Another list on this machine verifies it, so the certificate itself is good.",
		Ja: "このマシンにある別の一覧では検証できるため、相手側の証明書は正常です。",
	}
	if s.Outcome.Kind != ourRoots {
		proof = checks.Text{
			En: "Servers of different owners have the same authority, so probably it is missing here: " + checks.Said(s.Outcome.Issuer).En + ".",
			Ja: "運営の異なるサーバーが同じ認証局を使っているため、こちらの一覧に欠けていると思われます: " + checks.Said(s.Outcome.Issuer).Ja,
		}
	}
	return checks.Lines(head, checks.Text{
		En: "Deliveries and fetches probably fail: " + some(list).En + ".",
		Ja: "配送も取得もできていない可能性があります: " + some(list).Ja + "。",
	}, proof)
}

// textRefused says that several large ones refuse us.
func textRefused(list []suspect) checks.Text {
	head := checks.Text{
		En: fmt.Sprintf("%d of the %d most followed servers do not accept deliveries from here", len(list), topDomains),
		Ja: fmt.Sprintf("フォローの多い上位%d台のうち%d台が、ここからの配送を受け付けていません", topDomains, len(list)),
	}
	return checks.Lines(head, checks.Text{
		En: "Posts from here do not reach their people: " + some(list).En + ".",
		Ja: "そのサーバーの人たちに、ここの投稿が届いていません: " + some(list).Ja + "。",
	}, checks.Text{
		En: "Their servers do answer. This server or its address may be on a block list; ask one of their admins.",
		Ja: "相手のサーバー自体は応答します。このサーバーかIPアドレスが拒否リストに載った可能性があります。相手の管理者に聞いてみてください。",
	})
}

// some names a few.
func some(list []suspect) checks.Text {
	var few []checks.Text
	for _, s := range list[:min(len(list), 3)] {
		few = append(few, checks.Same(named(s.Domain)))
	}
	t := checks.Join(checks.Text{En: ", ", Ja: "、"}, few...)
	if more := len(list) - len(few); more > 0 {
		t.En += fmt.Sprintf(" and %d more", more)
		t.Ja += fmt.Sprintf("、ほか%d台", more)
	}
	return t
}

// textFriend says that a friend no longer reacts.
func textFriend(domain string, last time.Time, usual time.Duration) checks.Text {
	u := longest(usual)
	return checks.Lines(checks.Text{
		En: "nobody of " + named(domain) + " has reacted for " + checks.Ago(last) + " (usually within " + u.En + ")",
		Ja: named(domain) + " の人たちからの反応が" + checks.Ago(last) + "途絶えています（普段は" + u.Ja + "以内）",
	}, checks.Text{
		En: "No favourite, boost, reply or follow from there; posts from here may no longer reach them.",
		Ja: "お気に入り、ブースト、返信、フォローのどれもありません。ここの投稿が届いていない可能性があります。",
	})
}

// longest is a usual gap, of at least an hour: rounds are that far apart.
func longest(d time.Duration) checks.Text { return checks.Span(max(d, time.Hour)) }

// summary is the one line.
func (v *visit) summary() checks.Text {
	var worst checks.Finding
	for _, f := range v.Findings {
		if !f.Holds && f.Severity > worst.Severity {
			worst = f
		}
	}
	if worst.Severity > checks.OK {
		return worst.Text.Headline()
	}
	var parts []checks.Text
	switch en, ja := usualAge(v.usual); {
	case v.newest.IsZero():
		parts = append(parts, checks.Text{En: "no post from other servers yet", Ja: "他サーバーの投稿はまだありません"})
	default:
		age := checks.Span(v.now.Sub(v.newest))
		parts = append(parts, checks.Text{
			En: "newest post from other servers " + age.En + " old" + en,
			Ja: "他サーバーの最新の投稿は" + age.Ja + "前" + ja,
		})
	}
	if m := v.memory.Rhythm; m.Of > 0 && len(m.Blind) == 0 {
		h, of := checks.Number(int64(m.Heard)), checks.Number(int64(m.Of))
		parts = append(parts, checks.Text{
			En: h.En + " of " + of.En + " followed servers heard within a day",
			Ja: "フォロー先" + of.Ja + "サーバーのうち" + h.Ja + "台から24時間以内に受信",
		})
	}
	if m := v.memory.Them; !m.At.IsZero() && len(m.Blind) == 0 {
		all, fresh := checks.Number(int64(m.Tally.All)), checks.Number(int64(m.Tally.New))
		t := checks.Text{
			En: "deliveries fail to " + all.En + " (" + fresh.En + " of them new)",
			Ja: "配送失敗" + all.Ja + "台（うち新規" + fresh.Ja + "台）",
		}
		if m.Tally.All == 0 {
			t = checks.Text{En: "no delivery fails", Ja: "配送の失敗なし"}
		}
		parts = append(parts, t)
	}
	return checks.Join(checks.Text{En: "; ", Ja: "、"}, parts...)
}
