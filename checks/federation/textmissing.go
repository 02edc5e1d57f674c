package federation

import (
	"fmt"
	"net/http"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// textMissing says that a server is missing, and what a look at it came to.
func textMissing(s suspect, offline bool) checks.Text {
	name := named(s.Domain)
	var head, more checks.Text
	switch {
	case s.Last > 0:
		u := longest(time.Duration(s.Usual) * time.Minute)
		ago := checks.Ago(time.Unix(s.Last, 0))
		head = checks.Text{
			En: "nothing from " + name + " for " + ago + " (usually within " + u.En + ")",
			Ja: name + " から" + ago + "何も届いていません（普段は" + u.Ja + "以内）",
		}
		if s.Stopped > 0 || s.Days >= failDays {
			more = checks.Text{En: "Deliveries to it fail, too.", Ja: "こちらからの配送も失敗しています。"}
		}
	case s.Stopped > 0:
		head = checks.Text{
			En: "Mastodon stopped delivering to " + name + " on " + checks.On(time.Unix(s.Stopped, 0)),
			Ja: name + " への配送が" + checks.On(time.Unix(s.Stopped, 0)) + "に停止されました",
		}
		more = checks.Text{
			En: "Mastodon does that after failures on seven days. It begins again by itself once something arrives from there.",
			Ja: "7日分の失敗でMastodonが止めたものです。相手から何か届けば自動で再開します。",
		}
	default:
		head = checks.Text{
			En: fmt.Sprintf("deliveries to %s fail: on %d of the last 7 days", name, s.Days),
			Ja: fmt.Sprintf("%s への配送が失敗しています（この7日のうち%d日）", name, s.Days),
		}
		more = checks.Text{
			En: "After seven such days Mastodon stops delivering there.",
			Ja: "失敗が7日分になると、Mastodonは配送を止めます。",
		}
	}
	n := checks.Number(int64(s.Follows))
	people := checks.Text{En: n.En + " follows of people here lead there.", Ja: "このサーバーからのフォローは" + n.Ja + "件です。"}
	if s.Follows == 1 {
		people.En = "One follow of somebody here leads there."
	}
	if s.Follows == 0 {
		people = checks.Text{}
	}
	return checks.Lines(head, people, more, textOutcome(s, offline))
}

// textOutcome says what a look at a server came to, as sure as it is.
func textOutcome(s suspect, offline bool) checks.Text {
	o := s.Outcome
	switch o.Kind {
	case there:
		if s.Stopped > 0 || s.Days > 0 || s.Lately {
			return checks.Text{
				En: "Their server is there and answers, but does not accept what is delivered: it may have blocked this one.",
				Ja: "相手のサーバーは応答しますが、配送を受け付けません。このサーバーがブロックされている可能性があります。",
			}
		}
		return checks.Text{
			En: "Their server is there and answers. It may no longer deliver to here, or its people are quiet.",
			Ja: "相手のサーバーは応答します。こちらへの配送が止まっているか、投稿が途絶えているだけかもしれません。",
		}
	case gone:
		return checks.Text{
			En: "Their name no longer exists in the DNS: the server is gone, or its domain was not renewed.",
			Ja: "ドメイン名がDNSにありません。閉鎖されたか、ドメインが失効しています。",
		}
	case names:
		return checks.Text{
			En: "The DNS gives no answer about their name: probably their name servers are down.",
			Ja: "DNSから応答が得られません。おそらく相手側のネームサーバーが停止しています。",
		}
	case private:
		return checks.Text{
			En: "Their name leads to no public web address any more; it was not looked at further.",
			Ja: "ドメイン名が公開のアドレスを指していないため、それ以上は確認していません。",
		}
	case closedPort:
		return checks.Text{En: "Their server refuses connections: no web server runs there.", Ja: "接続を拒否されます。相手のWebサーバーが動いていません。"}
	case unreachable, silent:
		return checks.Text{
			En: "Their server does not answer in time: it is down, or drops what comes from this address.",
			Ja: "相手のサーバーから応答がありません。停止しているか、このサーバーのIPアドレスからの通信を捨てています。",
		}
	case cut:
		return checks.Text{
			En: "The connection is cut before an answer: a fault there, or a block of this address. From here that cannot be told apart.",
			Ja: "応答の前に接続が切られます。相手側の障害か、このIPアドレスの遮断かは、ここからは区別できません。",
		}
	}
	if t := textCertificate(o); !t.Empty() {
		return t
	}
	return textAnswer(o, offline)
}

// textCertificate is for what is wrong with TLS.
func textCertificate(o outcome) checks.Text {
	switch o.Kind {
	case badTLS:
		return checks.Text{En: "No TLS connection can be made with their server.", Ja: "相手のサーバーとTLSで接続できません。"}
	case expired:
		if o.Until == 0 {
			return checks.Text{
				En: "Their certificate is not valid yet by this server's clock: the fault is probably theirs.",
				Ja: "相手の証明書は、このサーバーの時計ではまだ有効期間に入っていません。おそらく相手側の問題です。",
			}
		}
		on := checks.On(time.Unix(o.Until, 0))
		return checks.Text{
			En: "Their certificate ended on " + on + ": the fault is theirs.",
			Ja: "相手の証明書は" + on + "に期限が切れています。相手側の問題です。",
		}
	case wrongName:
		return checks.Text{En: "Their certificate is for another name: the fault is theirs.", Ja: "相手の証明書の名前が違います。相手側の問題です。"}
	case selfMade:
		return checks.Text{En: "Their certificate vouches only for itself: the fault is theirs.", Ja: "相手の証明書が自己署名です。相手側の問題です。"}
	case badChain:
		return checks.Text{En: "Their chain of certificates is bad: the fault is theirs.", Ja: "相手の証明書チェーンに問題があります。相手側の問題です。"}
	case unknownRoot:
		return checks.Text{
			En: "Nobody known here vouches for their certificate (issuer " + checks.Said(o.Issuer).En + "). Probably their chain is incomplete.",
			Ja: "相手の証明書の認証局が不明です（発行者" + checks.Said(o.Issuer).Ja + "）。おそらく中間証明書の不足です。",
		}
	case ourRoots:
		return checks.Text{
			En: "Their certificate is good, but this machine's list of root certificates lacks its authority.",
			Ja: "相手の証明書は正常ですが、このマシンのルート証明書に認証局がありません。",
		}
	}
	return checks.Text{}
}

// textAnswer is for servers that answered something.
func textAnswer(o outcome, offline bool) checks.Text {
	status := api.StatusName(o.Code)
	switch o.Kind {
	case refusing:
		if o.Code == http.StatusTooManyRequests {
			return checks.Text{
				En: "Their server says that this machine asks too often (" + status + "): it limits this address.",
				Ja: "相手のサーバーが、このマシンからの要求が多すぎると答えています（" + status + "）。IPアドレス単位の制限と思われます。",
			}
		}
		return checks.Text{
			En: "Their server refuses this machine (" + status + "): probably it blocks this address, or programs in general.",
			Ja: "相手のサーバーに拒否されています（" + status + "）。このIPアドレスか、プログラム全般が遮断されているようです。",
		}
	case guarded:
		return checks.Text{
			En: "A browser check stands in front of their server; other servers cannot pass it.",
			Ja: "相手のサーバーの手前にブラウザ確認があり、他のサーバーは通過できません。",
		}
	case broken:
		return checks.Text{
			En: "Their server answers with an error (" + status + "): it is broken there.",
			Ja: "相手のサーバーがエラーを返しています（" + status + "）。相手側の障害です。",
		}
	case nothing:
		if o.Code == http.StatusGone {
			return checks.Text{En: "Their server says that it is gone for good (" + status + ").", Ja: "相手のサーバーは閉鎖を宣言しています（" + status + "）。"}
		}
		return checks.Text{
			En: "Something answers there, but no server of the fediverse any more.",
			Ja: "Webサイトは応答しますが、連合のサーバーではなくなっているようです。",
		}
	case odd:
		return checks.Text{En: "Their server answers with nothing that makes sense.", Ja: "相手のサーバーの応答が正常な形ではありません。"}
	case here:
		return checks.Text{En: "This machine found no way there; its own network may be at fault.", Ja: "このマシンから接続できませんでした。こちらのネットワークの問題かもしれません。"}
	}
	if offline {
		return checks.Text{En: "It was not looked at (offline).", Ja: "相手の様子は確認していません（offline）。"}
	}
	return checks.Text{En: "It has not been looked at yet.", Ja: "相手の様子はまだ確認していません。"}
}
