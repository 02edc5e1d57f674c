package mail

import (
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

// summary is one line: how far the server lets us, what has arrived, what waits.
func (v view) summary() checks.Text {
	between := checks.Text{En: "; ", Ja: "。"}
	line := checks.Join(between, v.lineTalk(), v.lineArrival(), v.lineMethods(), v.lineQueue(), v.lineSignups())
	switch {
	case line.Empty():
		return line // nothing was seen
	case v.offline:
		return checks.Join(between, line, checks.Text{En: "offline: nothing is sent", Ja: "offlineのため送信はしていません"})
	}
	return checks.Join(between, line, v.lineMissing())
}

func (v view) lineTalk() checks.Text {
	t := v.memory.Talk
	if v.server == nil || t.Place == "" || v.offline {
		return checks.Text{}
	}
	place, took := shown(t.Place), checks.Millis(t.Took)
	switch {
	case t.Fault == wrong:
		return checks.Text{En: "sababan's own password for " + place.En + " is refused", Ja: place.Ja + " 用のsababan自身のパスワードが拒否されました"}
	case t.Fault == unread:
		return checks.Text{En: "sababan's own password for " + place.En + " cannot be read", Ja: place.Ja + " 用のsababan自身のパスワードを読めません"}
	case t.Fault == limited:
		return checks.Text{En: place.En + " has reached its sending limit", Ja: place.Ja + " は送信上限に達しています"}
	case t.Fault != "" && t.Fault != full:
		return checks.Text{En: place.En + " takes no mail", Ja: place.Ja + " はメールを受け付けません"}
	case t.Step >= recipient:
		return checks.Text{En: place.En + " accepts mail up to RCPT TO in " + took.En, Ja: place.Ja + " はRCPT TOまで受け付け（" + took.Ja + "）"}
	case t.Step >= encrypted:
		return checks.Text{En: place.En + " answers, encrypted, in " + took.En, Ja: place.Ja + " は暗号化つきで応答（" + took.Ja + "）"}
	}
	return checks.Text{En: place.En + " answers in " + took.En, Ja: place.Ja + " は応答あり（" + took.Ja + "）"}
}

func (v view) lineArrival() checks.Text {
	if v.offline {
		return checks.Text{}
	}
	if !v.missing().Empty() {
		return checks.Text{}
	}
	all := v.arrivals()
	if len(all) == 0 {
		return v.lineUnderWay()
	}
	arrived := 0
	var slowest arrival
	for _, a := range all {
		if a.memo.Last.Lost {
			continue
		}
		if arrived == 0 || a.memo.Last.Delay > slowest.memo.Last.Delay {
			slowest = a
		}
		arrived++
	}
	if arrived == 0 {
		return checks.Text{En: "the last test message has not arrived", Ja: "最後のテストメールは届いていません"}
	}
	took := checks.Span(slowest.memo.Last.Delay)
	usual := checks.Text{}
	if u, ok := v.usual(roundTrip, slowest.box.address); ok {
		s := checks.Span(time.Duration(u.Mid * float64(time.Second)))
		usual = checks.Text{En: " (usually " + s.En + ")", Ja: "（普段" + s.Ja + "）"}
	}
	if len(v.set.boxes) == 1 {
		return checks.Text{En: "the last test message arrived after " + took.En + usual.En, Ja: "最後のテストメールは" + took.Ja + "で到着" + usual.Ja}
	}
	return checks.Text{
		En: fmt.Sprintf("the last test message arrived in %d of %d mailboxes, after %s at most%s", arrived, len(v.set.boxes), took.En, usual.En),
		Ja: fmt.Sprintf("最後のテストメールはメールボックス%d個中%d個に到着（最長%s）%s", len(v.set.boxes), arrived, took.Ja, usual.Ja),
	}
}

// lineMissing tells which settings would show whether mail arrives.
func (v view) lineMissing() checks.Text {
	missing := v.missing()
	if missing.Empty() {
		return checks.Text{}
	}
	return checks.Text{En: "whether mail arrives is not checked: that needs " + missing.En, Ja: "届くかどうかは未確認（" + missing.Ja + " が必要）"}
}

// missing are the settings without which no message can be sent and seen.
func (v view) missing() checks.Text {
	var all []checks.Text
	if v.server == nil || !v.server.set {
		all = append(all, checks.Same("[checks.mail] smtp"))
	}
	if len(v.set.boxes) == 0 {
		all = append(all, checks.Same("[[checks.mail.mailbox]]"))
	}
	if v.from.address == "" {
		all = append(all, checks.Same("[checks.mail] from"))
	}
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, all...)
}

func (v view) lineUnderWay() checks.Text {
	for _, b := range v.set.boxes {
		if sent := v.memory.Boxes[b.address].Sent; !sent.IsZero() {
			return checks.Text{En: "a test message has been under way since " + checks.At(sent), Ja: checks.At(sent) + "に送ったテストメールの到着待ち"}
		}
	}
	return checks.Text{En: "no test message sent yet", Ja: "テストメールはまだ送っていません"}
}

// lineMethods is what is said of the methods where all is well with them.
func (v view) lineMethods() checks.Text {
	if v.offline || v.from.domain == "" {
		return checks.Text{}
	}
	var passed, there []checks.Text
	for _, m := range v.methods() {
		switch {
		case len(m.against) > 0:
		case len(m.favour) > 0:
			passed = append(passed, checks.Same(m.name))
		case m.record.Is == "" && m.record.Name != "":
			there = append(there, checks.Same(m.name))
		}
	}
	list := checks.Text{En: ", ", Ja: "・"}
	p, r := checks.Join(list, passed...), checks.Join(list, there...)
	switch {
	case !p.Empty():
		return checks.Text{En: p.En + " pass", Ja: p.Ja + "は合格"}
	case !r.Empty():
		return checks.Text{En: r.En + " in the DNS", Ja: r.Ja + "はDNSにあり"}
	case v.memory.Records.SPF.Is == unanswer && v.memory.Records.DMARC.Is == unanswer:
		return checks.Text{En: "the DNS gives no answer for " + v.from.domain, Ja: v.from.domain + " についてDNSの応答なし"}
	}
	return checks.Text{}
}

func (v view) lineQueue() checks.Text {
	w := v.inside.queue
	switch {
	case w == nil:
		return checks.Text{}
	case w.mails > 0:
		n := mails(w.mails)
		return checks.Text{En: n.En + " waiting inside Mastodon", Ja: "Mastodon内で送信待ち" + n.Ja}
	case w.total() > 0:
		n := mails(int64(w.total()))
		return checks.Text{En: "no mail waits inside Mastodon, " + n.En + " failed in the last hour", Ja: "Mastodon内の送信待ちなし、この1時間の失敗" + n.Ja}
	}
	return checks.Text{En: "no mail waits inside Mastodon", Ja: "Mastodon内の送信待ちなし"}
}

func (v view) lineSignups() checks.Text {
	j := v.memory.Joined
	if v.inside.joinErr != nil || j.Count == 0 {
		return checks.Text{}
	}
	return checks.Text{
		En: fmt.Sprintf("%d of the last %d sign-ups not confirmed", j.Open, j.Count),
		Ja: fmt.Sprintf("直近の登録%d件のうちメール未確認%d件", j.Count, j.Open),
	}
}
