package clock

import (
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

// span is an offset as people say it; below ten seconds in whole ones, for the
// servers tell no more.
func span(d time.Duration) checks.Text { return checks.Span(d.Abs().Round(time.Second)) }

// within is the bound that is sure: "1 s".
func within(e estimate) checks.Text {
	bound := e.offset.Abs() + e.margin
	return checks.Span(max(bound.Truncate(time.Second)+time.Second, time.Second))
}

func servers(n int) checks.Text {
	if n == 1 {
		return checks.Text{En: "1 server", Ja: "1台のサーバー"}
	}
	return checks.Text{En: fmt.Sprintf("%d servers", n), Ja: fmt.Sprintf("%d台のサーバー", n)}
}

func summary(e estimate, n int, kernelKnown, unkept bool) checks.Text {
	var off checks.Text
	switch e.why {
	case reasonAgree:
		s := servers(n)
		if e.offset.Abs()-e.margin < 5*time.Second { // own: a few seconds harm nothing
			w := within(e)
			off = checks.Text{En: "within " + w.En + " of " + s.En, Ja: s.Ja + "との差は" + w.Ja + "以内"}
		} else {
			a := ahead(e)
			off = checks.Text{En: a.En + " (compared with " + s.En + ")", Ja: a.Ja + "（" + s.Ja + "と比較）"}
		}
	case reasonNobody:
		off = checks.Text{En: "not compared with others", Ja: "他のサーバーとは比較していません"}
	case reasonDisagree:
		off = checks.Text{En: "the servers that were asked do not agree", Ja: "問い合わせたサーバーの時刻がそろっていません"}
	default:
		off = checks.Text{En: "too few servers answered to compare", Ja: "比較できるサーバーが足りません"}
	}
	kept := checks.Text{En: "kept in sync", Ja: "同期しています"}
	switch {
	case !kernelKnown:
		kept = checks.Text{En: "whether it is kept in sync could not be seen", Ja: "同期しているかは確認できません"}
	case unkept:
		kept = checks.Text{En: "not kept in sync", Ja: "同期していません"}
	}
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, off, kept)
}

// ahead is "3 min ahead", 「3分進んでいます」.
func ahead(e estimate) checks.Text {
	s := span(e.offset)
	if e.offset < 0 {
		return checks.Text{En: s.En + " behind", Ja: s.Ja + "遅れています"}
	}
	return checks.Text{En: s.En + " ahead", Ja: s.Ja + "進んでいます"}
}

func textOffset(e estimate, n int, unkept bool) checks.Text {
	a, s := ahead(e), servers(n)
	head := checks.Text{
		En: "clock is " + a.En + " (compared with " + s.En + ")",
		Ja: "時計が" + a.Ja + "（" + s.Ja + "と比較）",
	}
	harm := checks.Text{
		En: "Sign-in codes of two-factor apps begin to fail; from a few minutes on, other servers refuse what this one sends.",
		Ja: "二段階認証のコードが合わなくなり、数分を超えると他サーバーがこのサーバーからの配送を拒否するようになります。",
	}
	var why checks.Text
	if unkept {
		why = checks.Text{
			En: "Nothing keeps it in sync at the moment.",
			Ja: "いまは時刻同期が働いていません。",
		}
	} else {
		why = checks.Text{
			En: "The system calls it synchronised; probably its source of time is wrong.",
			Ja: "システム上は同期中の扱いです。おそらく、参照している時刻の元が誤っています。",
		}
	}
	return checks.Lines(head, harm, why)
}

func textUnsync(e estimate) checks.Text {
	head := checks.Text{En: "clock is not kept in sync", Ja: "時計が同期していません"}
	now := checks.Text{
		En: "How far off it is could not be compared.",
		Ja: "どれだけずれているかは比較できませんでした。",
	}
	if e.known() {
		w := within(e)
		now = checks.Text{
			En: "It is still within " + w.En + " of other servers, and will drift.",
			Ja: "いまは他サーバーとの差が" + w.Ja + "以内ですが、これからずれていきます。",
		}
	}
	harm := checks.Text{
		En: "Once it is a few minutes off, other servers refuse what this one sends.",
		Ja: "数分ずれると、他サーバーがこのサーバーからの配送を拒否するようになります。",
	}
	return checks.Lines(head, now, harm)
}

func textUnknownOffset(why string, answers []answer, asked int) checks.Text {
	if why == reasonDisagree {
		n := names(answers)
		return checks.Text{
			En: "the servers that were asked for the time do not agree: " + n.En,
			Ja: "時刻を問い合わせたサーバーの答えがそろっていません: " + n.Ja,
		}
	}
	few := fmt.Sprintf("only %d", len(answers))
	if len(answers) == 0 {
		few = "none"
	}
	return checks.Text{
		En: fmt.Sprintf("%s of %d servers told the time; it takes two to compare", few, asked),
		Ja: fmt.Sprintf("時刻を答えたサーバーは%d台中%d台でした。比較には2台必要です", asked, len(answers)),
	}
}

func textUnknownKernel() checks.Text {
	return checks.Text{
		En: "the system does not say whether its clock is kept in sync",
		Ja: "時刻同期の状態をシステムから読み取れません",
	}
}

func textNothing(offline bool) checks.Text {
	if offline {
		return checks.Text{
			En: "the system does not say whether its clock is kept in sync, and nobody else may be asked (offline)",
			Ja: "時刻同期の状態をシステムから読み取れず、外部への問い合わせも止められています（offline）",
		}
	}
	return checks.Text{
		En: "neither the system nor two servers could be asked for the time",
		Ja: "システムからも2台以上のサーバーからも時刻を確認できませんでした",
	}
}
