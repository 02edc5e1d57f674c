package dues

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

var weekdayJa = [...]string{"日", "月", "火", "水", "木", "金", "土"}

// textDay is a date as people say it: "Sun 27 Dec", 「12/27（日）」. It is a date on
// a bill, and the same in every reader's zone.
func textDay(day, today time.Time) checks.Text {
	en, ja := "Mon 2 Jan", "1/2"
	if day.Year() != today.Year() && daysUntil(today, day) > 182 {
		en, ja = "2 Jan 2006", "2006/1/2"
	}
	return checks.Text{En: day.Format(en), Ja: day.Format(ja) + "（" + weekdayJa[day.Weekday()] + "）"}
}

// textWhen is how far a day is: "in 7 d", "tomorrow", "3 d ago".
func textWhen(left int) checks.Text {
	switch {
	case left < -1:
		return checks.Text{En: fmt.Sprintf("%d d ago", -left), Ja: fmt.Sprintf("%d日前", -left)}
	case left == -1:
		return checks.Text{En: "yesterday", Ja: "昨日"}
	case left == 0:
		return checks.Text{En: "today", Ja: "今日"}
	case left == 1:
		return checks.Text{En: "tomorrow", Ja: "明日"}
	}
	return checks.Text{En: fmt.Sprintf("in %d d", left), Ja: fmt.Sprintf("あと%d日", left)}
}

// nameOf is a due's name inside a sentence.
func nameOf(s standing) checks.Text {
	n := checks.QuoteName(s.name)
	return checks.Text{En: n, Ja: "「" + n + "」"}
}

// textDue is a due that comes near, or is over.
func textDue(s standing, today time.Time) checks.Text {
	n, day, when := nameOf(s), textDay(s.day, today), textWhen(s.left)
	var head checks.Text
	switch {
	case s.rule.card && s.left < 0:
		head = checks.Text{
			En: fmt.Sprintf("%s: the card is no longer valid; it ended on %s, %s", n.En, day.En, when.En),
			Ja: fmt.Sprintf("カード%sの有効期限が切れています（%sまで、%s）", n.Ja, day.Ja, when.Ja),
		}
	case s.rule.card:
		head = checks.Text{
			En: fmt.Sprintf("%s: the card is valid only until %s (%s)", n.En, day.En, when.En),
			Ja: fmt.Sprintf("カード%sの有効期限は%sです（%s）", n.Ja, day.Ja, when.Ja),
		}
	case s.left < 0:
		late := -s.left
		head = checks.Text{
			En: fmt.Sprintf("%s: overdue for %d d; it was due on %s", n.En, late, day.En),
			Ja: fmt.Sprintf("%sの期限を%d日過ぎています（%sまで）", n.Ja, late, day.Ja),
		}
	case s.automatic:
		head = checks.Text{
			En: fmt.Sprintf("%s: is paid by itself %s, on %s", n.En, when.En, day.En),
			Ja: fmt.Sprintf("%sは%sに自動で支払われます（%s）", n.Ja, day.Ja, when.Ja),
		}
	default:
		head = checks.Text{
			En: fmt.Sprintf("%s: due %s, on %s", n.En, when.En, day.En),
			Ja: fmt.Sprintf("%sの期限は%sです（%s）", n.Ja, day.Ja, when.Ja),
		}
	}
	return checks.Lines(head, textEffect(s), textPays(s), textNote(s))
}

// textEffect is what happens otherwise, where that goes without knowing more.
func textEffect(s standing) checks.Text {
	switch {
	case s.rule.card && s.left < 0:
		return checks.Text{En: "Whatever is charged to it is refused from now on.", Ja: "このカードでの引き落としは、すべて失敗するようになります。"}
	case s.rule.card:
		return checks.Text{
			En: "After that, whatever is charged to it is refused. A new card often takes weeks.",
			Ja: "期限を過ぎると引き落としができなくなります。新しいカードが届くまで数週間かかることがあります。",
		}
	case s.left < 0:
		return checks.Text{En: "If it stays unpaid, it may be switched off or lost.", Ja: "このまま未払いが続くと、停止されたり失効したりするおそれがあります。"}
	}
	return checks.Text{}
}

func textPays(s standing) checks.Text {
	if s.pays == "" {
		return checks.Text{}
	}
	who := checks.Quote(s.pays)
	return checks.Text{En: "Who pays: " + who, Ja: "支払う人: " + who}
}

func textNote(s standing) checks.Text {
	if s.note == "" {
		return checks.Text{}
	}
	note := checks.Quote(s.note)
	return checks.Text{En: "Note: " + note, Ja: "メモ: " + note}
}

func advicePaid(s standing) checks.Advice {
	n := checks.QuoteName(s.name)
	switch {
	case s.rule.card:
		return checks.Advice{Text: checks.Text{
			En: fmt.Sprintf(`Once every bill knows the new card, reply with its expiry: "paid %s 08/31"`, n),
			Ja: fmt.Sprintf("新しいカードに切り替えたら、その有効期限を付けて返信してください: 支払い済み %s 08/31", n),
		}}
	case s.automatic:
		return checks.Advice{}
	}
	return checks.Advice{Text: checks.Text{
		En: fmt.Sprintf(`When it is paid, reply "paid %s".`, n),
		Ja: fmt.Sprintf("支払ったら「支払い済み %s」と返信してください。", n),
	}}
}

// textLine is one due in a list.
func textLine(s standing, today time.Time) checks.Text {
	n := checks.QuoteName(s.name)
	if s.done {
		return checks.Text{En: n + ": done", Ja: n + ": 済"}
	}
	day, when := textDay(s.day, today), textWhen(s.left)
	t := checks.Text{En: fmt.Sprintf("%s: %s, %s", n, day.En, when.En), Ja: fmt.Sprintf("%s: %s %s", n, day.Ja, when.Ja)}
	if s.left < 0 {
		t.En += ", overdue"
		t.Ja += "・期限切れ"
	}
	if s.automatic {
		t.En += ", paid by itself"
		t.Ja += "・自動払い"
	}
	if s.pays != "" {
		who := checks.Quote(s.pays)
		t.En += ", " + who + " pays"
		t.Ja += "（" + who + "）"
	}
	return t
}

// textSummary is the next of them, and how many there are.
func textSummary(all []standing, today time.Time) checks.Text {
	waiting := 0
	for _, s := range all {
		if !s.done {
			waiting++
		}
	}
	if waiting == 0 {
		return checks.Text{En: "nothing left to pay", Ja: "残っている支払いはありません"}
	}
	s := all[0] // the most pressing
	day, when := textDay(s.day, today), textWhen(s.left)
	n := checks.QuoteName(s.name)
	return checks.Text{
		En: fmt.Sprintf("next is %s on %s, %s; %d in all", n, day.En, when.En, waiting),
		Ja: fmt.Sprintf("次は「%s」%s、%s（全%d件）", n, day.Ja, when.Ja, waiting),
	}
}

// textPaid answers that one was moved on.
func textPaid(s standing, today time.Time) checks.Text {
	n := nameOf(s)
	if s.done {
		t := checks.Text{En: n.En + ": noted as done.", Ja: n.Ja + "を済みにしました。"}
		plain := checks.QuoteName(s.name)
		again := checks.Text{En: today.AddDate(1, 0, 0).Format(time.DateOnly)}
		if s.rule.card {
			again.En = "08/31"
		}
		t.En += fmt.Sprintf(` To be reminded of the next one: "paid %s %s", with its date.`, plain, again.En)
		t.Ja += fmt.Sprintf("次の期限もお知らせするには、日付を付けて返信してください: 支払い済み %s %s", plain, again.En)
		return t
	}
	day, when := textDay(s.day, today), textWhen(daysUntil(today, s.day))
	return checks.Text{
		En: fmt.Sprintf("%s: noted as paid. Next: %s, %s.", n.En, day.En, when.En),
		Ja: fmt.Sprintf("%sを支払い済みにしました。次は%s、%sです。", n.Ja, day.Ja, when.Ja),
	}
}

// textAlready answers that nothing was due.
func textAlready(s standing, today time.Time) checks.Text {
	n, day, when := nameOf(s), textDay(s.day, today), textWhen(s.left)
	plain := checks.QuoteName(s.name)
	// The day that the one after it would have, to be pasted.
	next := s.rule.after(s.day, today).Format(time.DateOnly)
	return checks.Text{
		En: fmt.Sprintf(`%s: nothing to pay before %s, %s, so nothing was changed. If that one is paid as well: "paid %s %s"`, n.En, day.En, when.En, plain, next),
		Ja: fmt.Sprintf("%sの次の期限は%s（%s）なので、変更していません。その分も支払い済みなら: 支払い済み %s %s", n.Ja, day.Ja, when.Ja, plain, next),
	}
}

func textDoneAlready(s standing) checks.Text {
	n := nameOf(s)
	return checks.Text{En: n.En + ": is done already; nothing was changed.", Ja: n.Ja + "は済みになっています。変更していません。"}
}

func textPast(s standing, until, today time.Time) checks.Text {
	n, day := nameOf(s), textDay(until, today)
	return checks.Text{
		En: fmt.Sprintf("%s: %s is over already, so nothing was changed. Give the next date that something is due.", n.En, day.En),
		Ja: fmt.Sprintf("%s: %sは過ぎた日付なので、変更していません。次の期限の日付を指定してください。", n.Ja, day.Ja),
	}
}

// textWhich asks which one is meant.
func textWhich(names []string, said string) checks.Text {
	shown := make([]string, 0, len(names))
	for _, n := range names {
		shown = append(shown, checks.QuoteName(n))
	}
	t := checks.Text{
		En: fmt.Sprintf(`Which one is paid? Reply "paid" and one of: %s`, strings.Join(shown, ", ")),
		Ja: "どれの支払いですか？ 「支払い済み」のあとに名前を付けて返信してください: " + strings.Join(shown, "、"),
	}
	if said != "" {
		q := checks.Said(said)
		t.En = "I know no due named " + q.En + ". " + t.En
		t.Ja = q.Ja + "という支払いは登録されていません。" + t.Ja
	}
	return t
}

func textHelpDues() checks.Text {
	return checks.Text{En: "what is to be paid or renewed, and when", Ja: "支払い・更新の期限の一覧"}
}

func textHelpPaid() checks.Text {
	return checks.Text{
		En: `paid NAME [DATE] – notes that it is paid; the next one is recalled in its time`,
		Ja: "支払い済み 名前［日付］で、支払い済みにして次の期限へ進めます",
	}
}
