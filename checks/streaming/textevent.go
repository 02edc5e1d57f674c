package streaming

import (
	"math"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// usually adds the usual number, where there is one.
func usually(s sight) checks.Text {
	if s.usual == nil {
		return checks.Text{}
	}
	band, ok := s.usual(eventDelay)
	if !ok {
		return checks.Text{}
	}
	mid := checks.Millis(time.Duration(band.Mid * float64(time.Second)))
	return checks.Text{En: "usually " + mid.En, Ja: "普段" + mid.Ja}
}

func textMissing(s sight, e eventMemo) checks.Text {
	waited := checks.Span(e.Delay)
	lines := []checks.Text{
		{
			En: "events do not arrive: a test post was not heard on the stream within " + waited.En,
			Ja: "イベントが流れてきません（テスト投稿が" + waited.Ja + "待っても届かない）",
		},
		harm(),
	}
	if u := usually(s); !u.Empty() {
		lines = append(lines, checks.Text{En: upper(u.En) + ".", Ja: "普段は" + strings.TrimPrefix(u.Ja, "普段") + "で届きます。"})
	}
	switch {
	case e.Heard != nil && *e.Heard == 0:
		lines = append(lines, checks.Text{
			En: "The WebSocket is open, but streaming heard nothing from Redis meanwhile: probably the two have lost each other, or Sidekiq stands still.",
			Ja: "WebSocketは開いていますが、その間ストリーミングはRedisから何も受け取っていません。Redisとの接続切れか、Sidekiqの停止の可能性が高いです。",
		})
	case e.Heard != nil:
		n := checks.Number(int64(math.Round(*e.Heard)))
		lines = append(lines, checks.Text{
			En: "Streaming did hear from Redis meanwhile (messages: " + n.En + "): probably Sidekiq has not come to it yet.",
			Ja: "その間もRedisからは受け取っています（" + n.Ja + "件）。Sidekiqの処理が遅れている可能性が高いです。",
		})
	default:
		lines = append(lines, checks.Text{
			En: "The WebSocket is open: either streaming and Redis have lost each other, or Sidekiq stands still.",
			Ja: "WebSocketは開いています。Redisとストリーミングの接続切れか、Sidekiqの停止が考えられます。",
		})
	}
	if s.now.Sub(e.Missing) >= s.pace.dead {
		lines = append(lines, checks.Text{En: "It has been so for " + checks.Ago(e.Missing) + ".", Ja: "この状態が" + checks.Ago(e.Missing) + "続いています。"})
	}
	return checks.Lines(lines...)
}

func textLate(s sight, e eventMemo) checks.Text {
	took := checks.Span(e.Behind)
	t := checks.Text{En: "events arrive late: a test post took " + took.En, Ja: "イベントの到着が遅れています（テスト投稿で" + took.Ja}
	if u := usually(s); !u.Empty() {
		t.En, t.Ja = t.En+" ("+u.En+")", t.Ja+"、"+u.Ja
	}
	return checks.Lines(
		checks.Text{En: t.En, Ja: t.Ja + "）"},
		checks.Text{
			En: "Timelines and notifications lag behind as much. Probably Sidekiq's queues are full, or streaming has too much to do.",
			Ja: "タイムラインや通知も同じだけ遅れて見えます。Sidekiqのキューの滞りか、ストリーミングの過負荷の可能性が高いです。",
		},
	)
}

// textToken says what is wrong with our own token.
func textToken(s sight, m memory) checks.Text {
	var t checks.Text
	switch m.Token {
	case revoked:
		t = checks.Text{
			En: "sababan's own token is not accepted any more, probably it was revoked (" + api.StatusName(s.socket.code) + ")",
			Ja: "sababan自身のトークンが使えません。無効化された可能性が高いです（" + api.StatusName(s.socket.code) + "）",
		}
	case noRead:
		t = checks.Text{
			En: "sababan's own token may not listen to streaming: the scope read:statuses is missing",
			Ja: "sababan自身のトークンではストリーミングを受信できません（read:statusesの権限不足）",
		}
	case noWrite:
		t = checks.Text{
			En: "sababan's own token may not make the test post: the scope write:statuses is missing",
			Ja: "sababan自身のトークンではテスト投稿ができません（write:statusesの権限不足）",
		}
	case forbidden:
		t = checks.Text{
			En: "sababan's own account may not make the test post (" + api.StatusName(m.Event.Code) + ")",
			Ja: "sababan自身のアカウントではテスト投稿ができません（" + api.StatusName(m.Event.Code) + "）",
		}
	default:
		t = checks.Text{
			En: "sababan's own token cannot be one: it holds a character that no token has",
			Ja: "sababan自身のトークンに、使えない文字が含まれています",
		}
	}
	return checks.Lines(t, checks.Text{
		En: "Nobody else is affected: only sababan cannot see whether events arrive.",
		Ja: "利用者への影響はありません。sababanが、イベントが届くかどうかを確認できないだけです。",
	})
}

func textNoToken(setting string) checks.Text {
	return checks.Text{
		En: "whether events arrive is not looked at: that needs a token of an account on this server, in " + setting,
		Ja: "イベントが実際に届くかは未確認です。このサーバーのアカウントのトークンが必要です（" + setting + "）",
	}
}

func textTokenUnread(why checks.Text) checks.Text {
	return checks.Text{
		En: "whether events arrive is not seen, the token could not be read: " + why.En,
		Ja: "トークンを読み込めないため、イベントが届くかを確認できません: " + why.Ja,
	}
}

func textEventUnseen() checks.Text {
	return checks.Text{
		En: "whether events arrive could not be seen this time",
		Ja: "イベントが届くかどうか、今回は確認できませんでした",
	}
}

func textUnposted(e eventMemo) checks.Text {
	because := checks.Same(api.StatusName(e.Code))
	switch e.Why {
	case status:
	case tooMany:
		because = checks.Text{En: "asked too often", Ja: "回数制限"}
	default:
		because = outcome{why: e.Why}.because(usualPace().post)
	}
	return checks.Text{
		En: "whether events arrive is not seen: the test post could not be made (" + because.En + ")",
		Ja: "テスト投稿ができないため、イベントが届くかを確認できません（" + because.Ja + "）",
	}
}

// summary is the one line.
func summary(s sight, m memory, o checks.Observation) checks.Text {
	for _, f := range o.Findings {
		if !f.Holds {
			return f.Text.Headline()
		}
	}
	var parts []checks.Text
	if e := m.Event; s.listening() && e.State == arrived && e.Bad.IsZero() && m.Token == noFault {
		parts = append(parts, heardPart(s, e))
	}
	if s.socket.state == alive {
		t := checks.Text{En: "WebSocket opens in " + checks.Millis(s.socket.took).En, Ja: "WebSocket接続" + checks.Millis(s.socket.took).Ja}
		if s.socket.pinged {
			t.En, t.Ja = t.En+" and pings", t.Ja+"（pingあり）"
		}
		parts = append(parts, t)
	}
	if s.public.state == well {
		took := checks.Millis(s.public.took)
		parts = append(parts, checks.Text{En: "health OK in " + took.En, Ja: "ヘルスチェック" + took.Ja})
	} else if s.public.state == absent {
		parts = append(parts, checks.Text{En: "this server has no health address", Ja: "ヘルスチェックのないサーバーです"})
	}
	if s.someWell() {
		list := portsWell(s.ports)
		parts = append(parts, checks.Text{En: list.En, Ja: strings.TrimSuffix(list.Ja, "です")})
	}
	if len(parts) == 0 {
		return textLevelUnseen(s)
	}
	t := checks.Join(checks.Text{En: ", ", Ja: "、"}, parts...)
	if setting := s.unset(); setting != "" {
		t.En += "; whether events arrive is not looked at: that needs " + setting
		t.Ja += "。イベントが届くかは未確認（" + setting + " が必要）"
	}
	return t
}

// heardPart says how the last own post came.
func heardPart(s sight, e eventMemo) checks.Text {
	took := checks.Millis(e.Delay)
	t := checks.Text{En: "test post heard after " + took.En, Ja: "テスト投稿は" + took.Ja + "で到着"}
	if !s.tested {
		t.En, t.Ja = "test post of "+checks.Ago(e.At)+" ago heard after "+took.En, checks.Ago(e.At)+"前のテスト投稿は"+took.Ja+"で到着"
	}
	if u := usually(s); !u.Empty() {
		t.En, t.Ja = t.En+" ("+u.En+")", t.Ja+"（"+u.Ja+"）"
	}
	return t
}
