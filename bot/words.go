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

// alertText is one alert as a message of its own.
func alertText(a incident.Alert) checks.Text {
	if a.Change == incident.ResolvedNow {
		return resolvedText(a)
	}
	return checks.Lines(
		plus(head(a.Severity, a.Road, a.Number), changeWord(a.Change), a.Finding.Text.Headline()),
		a.Finding.Text.Body(),
		adviceText(a.Finding.Advice),
		foot(a),
	)
}

// alertLine is one alert among several.
func alertLine(a incident.Alert) checks.Text {
	if a.Change == incident.ResolvedNow {
		return resolvedText(a)
	}
	line := plus(head(a.Severity, a.Road, a.Number), changeWord(a.Change), a.Finding.Text.Headline())
	for _, sh := range a.Finding.Advice.Mend {
		if cmd := shellLine(sh); cmd != "" {
			return checks.Lines(line, checks.Text{En: "  Fix: " + cmd, Ja: "  対処: " + cmd})
		}
	}
	return line
}

func changeWord(c incident.Change) checks.Text {
	switch c {
	case incident.Worse:
		return checks.Text{En: "worse: ", Ja: "悪化: "}
	case incident.Eased:
		return checks.Text{En: "better, not over: ", Ja: "改善（継続中）: "}
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
		En: fmt.Sprintf("Noticed %s. Reply: check %s", at, a.Key.Check),
		Ja: fmt.Sprintf("%sに検知。返信: 確認 %s", at, a.Key.Check),
	}
}

// resolvedText is the end of an incident, in one line.
func resolvedText(a incident.Alert) checks.Text {
	lasted := checks.Span(a.At.Sub(a.Noticed))
	l, num := label(checks.OK, checks.Now), number(a.Number)
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
func groupText(alerts []incident.Alert) checks.Text {
	if len(alerts) == 1 {
		return alertText(alerts[0])
	}
	lines := make([]checks.Text, 0, len(alerts)+1)
	opened := false
	for _, a := range alerts {
		lines = append(lines, alertLine(a))
		opened = opened || a.Change != incident.ResolvedNow
	}
	if opened {
		first := alerts[0]
		at := checks.At(first.Noticed)
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("First noticed %s. Reply: check %s", at, first.Key.Check),
			Ja: fmt.Sprintf("最初の検知 %s。返信: 確認 %s", at, first.Key.Check),
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
