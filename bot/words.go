package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// label is a severity as a word in brackets.
func label(s checks.Severity, road checks.Road) checks.Text {
	switch {
	case s == checks.Critical:
		return checks.Text{En: "[Action needed]", Ja: "【要対応】"}
	case s == checks.Warning && road == checks.Week:
		return checks.Text{En: "[Note]", Ja: "【参考】"}
	case s == checks.Warning:
		return checks.Text{En: "[Warning]", Ja: "【注意】"}
	case s == checks.Unknown:
		return checks.Text{En: "[Unknown]", Ja: "【確認できず】"}
	}
	return checks.Text{En: "[Resolved]", Ja: "【解消】"}
}

// number is an incident's number; the English one never touches a letter, or
// Mastodon would make it a hashtag.
func number(n int64) checks.Text {
	return checks.Text{En: fmt.Sprintf("#%d", n), Ja: fmt.Sprintf("%d番", n)}
}

// head is "[Action needed] #12 ", 「【要対応】12番 」.
func head(s checks.Severity, road checks.Road, n int64) checks.Text {
	l, num := label(s, road), number(n)
	return checks.Text{En: l.En + " " + num.En + " ", Ja: l.Ja + num.Ja + " "}
}

func plus(texts ...checks.Text) checks.Text { return checks.Join(checks.Text{}, texts...) }

// news is an alert with what else is to be said of it.
type news struct {
	incident.Alert
	Reason Reason
	// Ack is who is on it, if anybody.
	Ack Hold
	// Effects are told with it, because of it; Explains are the numbers of those
	// that it explains and that were told before.
	Effects  []incident.Alert
	Explains []int64
	// Hidden means that nobody can see at the moment whether it is still so.
	Hidden bool
}

// alertText is one alert as a message of its own.
func alertText(n news) checks.Text {
	if n.Change == incident.ResolvedNow {
		return resolvedText(n.Alert)
	}
	lines := []checks.Text{plus(head(n.Severity, n.Road, n.Number), newsWord(n), n.Finding.Text.Headline())}
	if n.Change == incident.UnsteadyNow {
		lines = append(lines, unsteadyText(n.Alert))
	}
	lines = append(lines, n.Finding.Text.Body(), effectsText(n), adviceText(n.Finding.Advice), takenText(n), foot(n.Alert))
	return checks.Lines(lines...)
}

// alertLine is one alert among several.
func alertLine(n news) checks.Text {
	if n.Change == incident.ResolvedNow {
		return resolvedText(n.Alert)
	}
	line := plus(head(n.Severity, n.Road, n.Number), newsWord(n), n.Finding.Text.Headline())
	return checks.Lines(line, effectsText(n), firstFix(n.Finding.Advice))
}

// newsWord says what is new about it; nothing where it is the opening.
func newsWord(n news) checks.Text {
	if n.Hidden {
		return checks.Text{En: "not seen to be over, and cannot be checked now: ", Ja: "解消を確認できていません（現在確認できない状態です）: "}
	}
	switch n.Reason {
	case Again, ToldFallback:
		return checks.Text{En: "still there after " + checks.Ago(n.Noticed) + ": ", Ja: "検知から" + checks.Ago(n.Noticed) + "、続いています: "}
	case BackAgain:
		return checks.Text{En: "the snooze is over, still there: ", Ja: "保留の期限です。続いています: "}
	case Untaken:
		return checks.Text{En: "still there a week after it was taken: ", Ja: "対応開始から1週間、続いています: "}
	case Escalated:
		return checks.Text{En: "nobody has taken it: ", Ja: "まだ誰も対応していません: "}
	}
	return changeWord(n.Change)
}

func changeWord(c incident.Change) checks.Text {
	switch c {
	case incident.Worse:
		return checks.Text{En: "worse: ", Ja: "悪化: "}
	case incident.Eased:
		return checks.Text{En: "better, not over: ", Ja: "改善（継続中）: "}
	case incident.UnsteadyNow:
		return checks.Text{En: "comes and goes: ", Ja: "出たり消えたりしています: "}
	}
	return checks.Text{}
}

// unsteadyText says how often it changed, and what will be told of it.
func unsteadyText(a incident.Alert) checks.Text {
	return checks.Text{
		En: fmt.Sprintf("It changed %d times within a day. I speak of it again when it gets worse, or has been quiet for a day.", a.Turns),
		Ja: fmt.Sprintf("1日のうちに%d回変化しました。悪化したとき、または1日落ち着いたときにお知らせします。", a.Turns),
	}
}

// effectsText names what is so because of it.
func effectsText(n news) checks.Text {
	var lines []checks.Text
	for _, e := range n.Effects {
		num, h := number(e.Number), e.Finding.Text.Headline()
		because := number(n.Number)
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("%s because of %s: %s", num.En, because.En, h.En),
			Ja: fmt.Sprintf("%s（%sの影響）: %s", num.Ja, because.Ja, h.Ja),
		})
	}
	told := map[int64]bool{}
	for _, e := range n.Effects {
		told[e.Number] = true
	}
	var en, ja []string
	for _, one := range n.Explains {
		if !told[one] {
			num := number(one)
			en, ja = append(en, num.En), append(ja, num.Ja)
		}
	}
	if len(en) > 0 {
		lines = append(lines, checks.Text{
			En: "Probably the cause of " + strings.Join(en, ", ") + " too.",
			Ja: strings.Join(ja, "、") + "の原因もおそらくこれです。",
		})
	}
	return checks.Lines(lines...)
}

// takenText says who is on it, where that is known, or that nobody is.
func takenText(n news) checks.Text {
	switch {
	case n.Ack.By != "" && n.Reason == Untaken:
		at := checks.On(n.Ack.At)
		return checks.Text{En: "Taken by " + name(n.Ack.By) + " on " + at + ".", Ja: at + "に" + name(n.Ack.By) + "さんが対応を始めました。"}
	case n.Ack.By != "":
		return checks.Text{En: name(n.Ack.By) + " is on it.", Ja: name(n.Ack.By) + "さんが対応中です。"}
	case n.Reason == Again || n.Reason == ToldFallback:
		return checks.Text{En: "Nobody has taken it yet.", Ja: "まだ誰も対応に入っていません。"}
	}
	return checks.Text{}
}

// adviceText is what to do: words, one command to look, one to mend.
func adviceText(a checks.Advice) checks.Text {
	lines := []checks.Text{a.Text}
	if cmd := shellLine(a.Look); cmd != "" {
		lines = append(lines, checks.Text{En: "Look: " + cmd, Ja: "確認: " + cmd})
	}
	for _, sh := range a.Mend {
		if cmd := shellLine(sh); cmd != "" {
			lines = append(lines, checks.Text{En: "Fix: " + cmd, Ja: "対処: " + cmd})
		}
	}
	return checks.Lines(lines...)
}

// foot says since when it is known, and what to answer.
func foot(a incident.Alert) checks.Text {
	at := checks.At(a.Noticed)
	return checks.Text{
		En: fmt.Sprintf("Noticed %s. Reply: why %d / ack %d / snooze %d 1d", at, a.Number, a.Number, a.Number),
		Ja: fmt.Sprintf("%sに検知。返信: 詳しく%d／対応します%d／あとで%d 1日", at, a.Number, a.Number, a.Number),
	}
}

// resolvedText is the end of an incident, in one line.
func resolvedText(a incident.Alert) checks.Text {
	lasted := checks.Span(a.At.Sub(a.Noticed))
	l, num := label(checks.OK, checks.Now), number(a.Number)
	if !a.Unsteady.IsZero() {
		h := a.Finding.Text.Headline()
		return checks.Text{
			En: fmt.Sprintf("%s %s quiet for a day now: %s", l.En, num.En, h.En),
			Ja: fmt.Sprintf("%s%s 1日落ち着いています: %s", l.Ja, num.Ja, h.Ja),
		}
	}
	if a.Still > 0 || a.Summary.Empty() || a.Key.Code == incident.UnseenCode {
		h := a.Finding.Text.Headline()
		if a.Key.Code == incident.UnseenCode {
			h = checks.Text{En: a.Title.En + ": can be checked again", Ja: a.Title.Ja + " 再び確認できるようになりました"}
			return checks.Text{
				En: fmt.Sprintf("%s %s %s, after %s", l.En, num.En, h.En, lasted.En),
				Ja: fmt.Sprintf("%s%s %s（%sぶり）", l.Ja, num.Ja, h.Ja, lasted.Ja),
			}
		}
		return checks.Text{
			En: fmt.Sprintf("%s %s over, %s after it was noticed: %s", l.En, num.En, lasted.En, h.En),
			Ja: fmt.Sprintf("%s%s 収まりました（検知から%s）: %s", l.Ja, num.Ja, lasted.Ja, h.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%s %s %s: %s, %s after it was noticed", l.En, num.En, a.Title.En, a.Summary.En, lasted.En),
		Ja: fmt.Sprintf("%s%s %s %s（検知から%s）", l.Ja, num.Ja, a.Title.Ja, a.Summary.Ja, lasted.Ja),
	}
}

// groupText is several alerts in one message, worst first.
func groupText(all []news) checks.Text {
	if len(all) == 1 {
		return alertText(all[0])
	}
	lines := make([]checks.Text, 0, len(all)+1)
	opened := false
	for _, n := range all {
		lines = append(lines, alertLine(n))
		opened = opened || n.Change != incident.ResolvedNow
	}
	if opened {
		first := all[0]
		at := checks.At(first.Noticed)
		n := first.Number
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("First noticed %s. Reply: why %d / ack %d / snooze %d 1d", at, n, n, n),
			Ja: fmt.Sprintf("最初の検知 %s。返信: 詳しく%d／対応します%d／あとで%d 1日", at, n, n, n),
		})
	}
	return checks.Lines(lines...)
}

// write writes a text out for one reader, with nobody named in it.
func write(t checks.Text, r checks.Reader) string {
	return checks.Harmless(strings.TrimSpace(t.Read(r)))
}

// counted is how a count of things is said in English.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// lookedAgo says how old what is shown is, where it is not of now.
func lookedAgo(at, now time.Time) checks.Text {
	if now.Sub(at) < time.Hour {
		return checks.Text{}
	}
	return checks.Text{En: " (looked " + checks.Ago(at) + " ago)", Ja: "（" + checks.Ago(at) + "前に確認）"}
}
