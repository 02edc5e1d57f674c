package bot

import (
	"fmt"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// relayText is what goes another way: the news, worst first, and why it comes
// this way. Nobody can answer there, and nobody is named.
func relayText(all []news, why ...checks.Text) checks.Text {
	var lines []checks.Text
	if len(all) == 1 {
		lines = append(lines, relayedAlone(all[0]))
	} else {
		opened := false
		for _, n := range all {
			lines = append(lines, alertLine(n))
			opened = opened || n.Change != incident.ResolvedNow
		}
		if opened {
			at := checks.At(all[0].Noticed)
			lines = append(lines, checks.Text{En: "First noticed " + at + ".", Ja: "最初の検知 " + at})
		}
	}
	return checks.Lines(append(lines, why...)...)
}

func relayedAlone(n news) checks.Text {
	if n.Change == incident.ResolvedNow {
		return resolvedText(n.Alert)
	}
	lines := []checks.Text{plus(head(n.Severity, n.Road, n.Number), newsWord(n), n.Finding.Text.Headline())}
	if n.Change == incident.UnsteadyNow {
		lines = append(lines, unsteadyText(n.Alert))
	}
	at := checks.At(n.Noticed)
	lines = append(lines, n.Finding.Text.Body(), effectsText(n), adviceText(n.Finding.Advice), takenText(n),
		checks.Text{En: "Noticed " + at + ".", Ja: at + "に検知。"})
	return checks.Lines(lines...)
}

// failingText says why news comes another way, where that is to be said.
func failingText(h homeState, reasons map[Reason]bool) checks.Text {
	switch {
	case !h.Failing.IsZero():
		at, why := checks.At(h.Failing), checks.Quote(h.Why)
		return checks.Text{
			En: fmt.Sprintf("My own server has taken no messages since %s (%s), so this comes another way.", at, why),
			Ja: fmt.Sprintf("%sから自分のサーバーに送信できないため（%s）、別の経路でお知らせしています。", at, why),
		}
	case reasons[RelayRefused]:
		return checks.Text{
			En: "My own server refused this message, so it comes another way.",
			Ja: "自分のサーバーがこのメッセージを受け付けなかったため、別の経路でお知らせしています。",
		}
	case reasons[RelayAtOnce] || reasons[RelayMuffled]:
		return checks.Text{
			En: "Also sent as a direct message, which may be late.",
			Ja: "DMでもお知らせしていますが、届くのが遅れることがあります。",
		}
	}
	return checks.Text{}
}

// silenceText says that the bot was started and does not reach its home.
func silenceText(h homeState) checks.Text {
	at, why := checks.At(h.Failing), checks.Quote(h.Why)
	return checks.Text{
		En: fmt.Sprintf("[Warning] I was started, but have not reached my own server since %s (%s). Until it answers, what needs action comes this way; replies do not reach me.", at, why),
		Ja: fmt.Sprintf("【注意】起動しましたが、%sから自分のサーバーに接続できません（%s）。つながるまで、対応が必要なものはこちらでお知らせします。返信は届きません。", at, why),
	}
}

// metText is the end of that.
func metText() checks.Text {
	return checks.Text{
		En: "[Resolved] I reach my own server again; messages come from there.",
		Ja: "【解消】自分のサーバーに再びつながりました。今後のお知らせはそちらからお送りします。",
	}
}

// testText is the weekly message that proves a way.
func testText(site string) checks.Text {
	return checks.Text{
		En: fmt.Sprintf("[Note] A test, nothing is wrong: alarms of %s reach you this way when the bot's own server does not take them. The next test comes in a week.", site),
		Ja: fmt.Sprintf("【参考】テストです。異常はありません。ボットのサーバーから送れないとき、%s の警報はこの経路で届きます。次のテストは1週間後です。", site),
	}
}

// maintenanceRelay tells of an announced maintenance, without a name.
func maintenanceRelay(d deed) checks.Text {
	at := checks.At(d.Until)
	return checks.Text{
		En: fmt.Sprintf("[Note] Maintenance until %s: only what needs action and was not to be expected is told until then.", at),
		Ja: fmt.Sprintf("【参考】%sまでメンテナンス中です。終わるまでは、想定外の重大な異常だけをお知らせします。", at),
	}
}

// waysText says by which ways alarms reach people, and which of them do not
// work. here is whether the bot's home does.
func waysText(ways []wayState, here bool) []checks.Text {
	var lines, good []checks.Text
	for _, w := range ways {
		switch {
		case !w.failed.IsZero():
			at, why := checks.At(w.failed), checks.Quote(w.why)
			lines = append(lines, checks.Text{
				En: fmt.Sprintf("By %s nothing has got through since %s (%s).", w.title.En, at, why),
				Ja: fmt.Sprintf("%sでは%sから送信できていません（%s）。", w.title.Ja, at, why),
			})
		case w.why != "":
			good = append(good, w.title)
			why := checks.Quote(w.why)
			lines = append(lines, checks.Text{
				En: fmt.Sprintf("By %s not everybody gets them (%s).", w.title.En, why),
				Ja: fmt.Sprintf("%sでは一部の宛先に届いていません（%s）。", w.title.Ja, why),
			})
		case w.tested.IsZero():
			good = append(good, checks.Text{En: w.title.En + " (not tested yet)", Ja: w.title.Ja + "（未確認）"})
		default:
			on := checks.On(w.tested)
			good = append(good, checks.Text{En: w.title.En + " (tested " + on + ")", Ja: w.title.Ja + "（" + on + "に確認済み）"})
		}
	}
	by := checks.Join(checks.Text{En: ", ", Ja: "、"}, good...)
	switch {
	case here && len(good) > 0:
		lines = append([]checks.Text{{En: "Alarms reach you here and by " + by.En + ".", Ja: "警報はここと、" + by.Ja + "に届きます。"}}, lines...)
	case here:
		lines = append([]checks.Text{{En: "Alarms reach you here.", Ja: "警報はここに届きます。"}}, lines...)
	case len(good) > 0:
		lines = append(lines, checks.Text{En: "Alarms reach you by " + by.En + ".", Ja: "警報は" + by.Ja + "に届きます。"})
	}
	return lines
}
