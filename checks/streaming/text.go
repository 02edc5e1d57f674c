package streaming

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// nameLimit is how much of a name stands in a headline, in characters (own).
const nameLimit = 48

// postText is what the own post says; the mark makes it one of its kind.
func postText(mark string) string {
	return "sababan " + mark + ": a test of streaming, deleted at once / ストリーミングの動作確認です。すぐに削除されます。"
}

// harm is what people notice.
func harm() checks.Text {
	return checks.Text{
		En: "Timelines do not update by themselves; a reload shows what is new.",
		Ja: "タイムラインが自動で更新されません（再読み込みすれば見えます）。",
	}
}

// because is the reason of an outcome, as it stands in brackets.
func (o outcome) because(waited time.Duration) checks.Text {
	w := checks.Span(waited)
	switch o.why {
	case status:
		return checks.Same(api.StatusName(o.code))
	case otherApp:
		return checks.Text{En: "something else answers there", Ja: "別のものが応答"}
	case timeout:
		return checks.Text{En: "no answer within " + w.En, Ja: w.Ja + "待っても応答なし"}
	case refused:
		return checks.Text{En: "connection refused", Ja: "接続拒否"}
	}
	return checks.Text{En: "connection cut", Ja: "接続が切れる"}
}

// portList is "port 4000", "ports 4000, 4001".
func portList(all []process) checks.Text {
	var names []string
	for _, p := range all {
		if len(names) == 4 {
			names = append(names, "…")
			break
		}
		names = append(names, strconv.Itoa(p.port))
	}
	if len(names) == 1 {
		return checks.Text{En: "port " + names[0], Ja: "ポート" + names[0]}
	}
	return checks.Text{En: "ports " + strings.Join(names, ", "), Ja: "ポート" + strings.Join(names, "・")}
}

// where is the public name of streaming.
func (s sight) where() checks.Text { return checks.Named(s.base.host, nameLimit) }

// textDead says that no event can arrive, and at which level.
func textDead(s sight, at level, since time.Time) checks.Text {
	lines := []checks.Text{deadHeadline(s, at), harm()}
	switch at {
	case atPort:
		lines = append(lines, checks.Text{
			En: "Streaming does not answer under " + s.where().En + " either.",
			Ja: s.where().Ja + " 経由でも応答がありません。",
		})
	case atHealth:
		if s.someWell() {
			lines = append(lines, checks.Text{
				En: "On this machine " + portsWell(s.ports).En + ": the fault is in what stands between, the web server or a proxy.",
				Ja: "このマシンの" + portsWell(s.ports).Ja + "。途中のWebサーバーやプロキシ側の問題です。",
			})
		}
	case atOpen:
		if upgradeLost(s.socket) {
			lines = append(lines, checks.Text{
				En: "Its health address answers: probably the web server does not pass the WebSocket's Upgrade on.",
				Ja: "ヘルスチェックは正常です。WebサーバーがWebSocketのUpgradeを通していない可能性が高いです。",
			})
		}
	case atPing:
		lines = append(lines, checks.Text{
			En: "Its health address answers; Mastodon sends a ping every 30 s, so the process hangs, or something on the way holds it back.",
			Ja: "ヘルスチェックは正常です。本来は30秒ごとにpingが届くため、プロセスが固まっているか、途中で止められています。",
		})
	}
	if s.now.Sub(since) >= s.pace.dead {
		lines = append(lines, checks.Text{En: "It has been so for " + checks.Ago(since) + ".", Ja: "この状態が" + checks.Ago(since) + "続いています。"})
	}
	return checks.Lines(lines...)
}

func deadHeadline(s sight, at level) checks.Text {
	where := s.where()
	switch at {
	case atPort:
		list, because := portList(s.ports), s.ports[0].because(s.pace.near)
		verb := " does not answer ("
		if len(s.ports) > 1 {
			verb = " do not answer ("
		}
		return checks.Text{
			En: "streaming is down: " + list.En + verb + because.En + ")",
			Ja: "ストリーミングが止まっています（" + list.Ja + ": " + because.Ja + "）",
		}
	case atHealth:
		because := s.public.because(s.pace.answer)
		return checks.Text{
			En: "streaming does not answer under " + where.En + " (" + because.En + ")",
			Ja: "ストリーミングが応答しません（" + where.Ja + "、" + because.Ja + "）",
		}
	case atRoute:
		return checks.Text{
			En: "/api/v1/streaming of " + where.En + " does not lead to streaming (404 Not Found)",
			Ja: where.Ja + " の/api/v1/streamingがストリーミングにつながっていません（404 Not Found）",
		}
	case atOpen:
		because := s.socket.because(s.pace.answer)
		if s.socket.state == closed {
			because = checks.Text{En: "it is closed at once", Ja: "すぐに切断される"}
		}
		return checks.Text{
			En: "streaming's WebSocket does not open under " + where.En + " (" + because.En + ")",
			Ja: "ストリーミングのWebSocketがつながりません（" + where.Ja + "、" + because.Ja + "）",
		}
	}
	waited := checks.Span(s.socket.waited)
	return checks.Text{
		En: "streaming is mute: a WebSocket opens, but no ping came within " + waited.En,
		Ja: "ストリーミングが無反応です（WebSocketは開くが、" + waited.Ja + "待ってもpingが来ない）",
	}
}

// upgradeLost tells whether a handshake failed as it does where the upgrade is
// lost on the way: streaming takes it for an ordinary request.
func upgradeLost(s socket) bool { return s.why == status && s.code < http.StatusInternalServerError }

// portsWell is "port 4000 answers".
func portsWell(all []process) checks.Text {
	var some []process
	for _, p := range all {
		if p.state == well {
			some = append(some, p)
		}
	}
	list := portList(some)
	verb := " answers"
	if len(some) > 1 {
		verb = " answer"
	}
	return checks.Text{En: list.En + verb, Ja: list.Ja + "は正常です"}
}

func textPort(p process, all []process, pace pace) checks.Text {
	because := p.because(pace.near)
	number := strconv.Itoa(p.port)
	rest := checks.Text{En: "The others do not, either.", Ja: "ほかのポートも応答していません。"}
	if (sight{ports: all}).someWell() {
		rest = checks.Text{
			En: upper(portsWell(all).En) + ". Timelines do not update by themselves for those who are sent to " + number + ".",
			Ja: portsWell(all).Ja + "が、" + number + "に割り当てられた人のタイムラインは自動で更新されません。",
		}
	}
	if len(all) == 1 {
		rest = checks.Text{
			En: "Under its public name streaming answers: probably other processes serve it.",
			Ja: "公開側では応答があるため、別のプロセスが動いている可能性があります。",
		}
	}
	return checks.Lines(checks.Text{
		En: "streaming on port " + number + " does not answer (" + because.En + ")",
		Ja: "ポート" + number + "のストリーミングが応答しません（" + because.Ja + "）",
	}, rest)
}

func upper(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func textCut(i idleMemo) checks.Text {
	lived := checks.Span(i.Lived.Round(100 * time.Millisecond))
	return checks.Text{
		En: "an idle streaming connection is cut after " + lived.En + "\n" +
			"Something on the way closes it, probably the web server or a proxy. Apps connect again and again, and miss what happens in between.",
		Ja: "何も流れていないストリーミング接続が" + lived.Ja + "で切られます\n" +
			"途中のWebサーバーやプロキシが切断している可能性が高いです。アプリは再接続を繰り返し、その間の更新を取りこぼします。",
	}
}

func textDeaf(i idleMemo) checks.Text {
	lived := checks.Span(i.Lived.Round(100 * time.Millisecond))
	return checks.Text{
		En: "a streaming connection left idle for " + lived.En + " hears no events any more\n" +
			"A fresh one does. Timelines that stay open stop updating after a while; a reload helps for some time.",
		Ja: lived.Ja + "何も流れなかったストリーミング接続に、イベントが届かなくなります\n" +
			"新しい接続には届きます。開いたままのタイムラインが途中で更新されなくなり、再読み込みすると一時的に直ります。",
	}
}

func textRefused(r refusal) checks.Text {
	said := checks.Said(r.Said)
	return checks.Text{
		En: "public timelines cannot be followed live: streaming answers " + said.En + " (" + strconv.Itoa(r.Status) + ")\n" +
			"The local and the federated timeline do not update by themselves; home does.",
		Ja: "公開タイムラインをストリーミングで受信できません（" + strconv.Itoa(r.Status) + said.Ja + "）\n" +
			"ローカルと連合のタイムラインが自動で更新されません（ホームは更新されます）。",
	}
}

// textLevelUnseen says why it is not known whether streaming is alive.
func textLevelUnseen(s sight) checks.Text {
	switch {
	case s.public.state == unseen:
		return textUnseen(s.public)
	case s.public.state == guarded:
		return checks.Text{
			En: "streaming could not be seen behind a page for browsers (" + api.StatusName(s.public.code) + ")",
			Ja: "ブラウザ向けのページが返るため、ストリーミングを確認できません（" + api.StatusName(s.public.code) + "）",
		}
	case s.public.state == absent:
		return checks.Text{
			En: "this server has no health address for streaming (404); only a token would show more",
			Ja: "このサーバーにはストリーミングのヘルスチェックがありません（404）。これ以上の確認にはトークンが必要です",
		}
	}
	return checks.Text{
		En: "whether a WebSocket is alive could not be seen this time",
		Ja: "WebSocketが生きているかどうか、今回は確認できませんでした",
	}
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

func textIdleUnseen() checks.Text {
	return checks.Text{
		En: "whether idle connections live could not be seen this time",
		Ja: "何も流れていない接続が保たれるかどうか、今回は確認できませんでした",
	}
}

func textNoTime() checks.Text {
	return checks.Text{En: "no time left to look", Ja: "確認する時間がありませんでした"}
}
