package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// severityWord is the word in brackets that says how bad it is.
func severityWord(s checks.Severity) checks.Text {
	switch s {
	case checks.Critical:
		return checks.Text{En: "[Action needed]", Ja: "【要対応】"}
	case checks.Warning:
		return checks.Text{En: "[Warning]", Ja: "【注意】"}
	case checks.Unknown:
		return checks.Text{En: "[Unknown]", Ja: "【確認できず】"}
	}
	return checks.Text{En: "Fine", Ja: "正常"}
}

// counted is the first line of a report: where, when, and how many of each.
func counted(place string, now time.Time, looks []look) checks.Text {
	n := map[checks.Severity]int{}
	for _, l := range looks {
		if l.Check != nil {
			n[l.Result.Severity()]++
		}
	}
	var en, ja []string
	say := func(count int, one, many, japanese string) {
		if count == 1 {
			en = append(en, "1 "+one)
		} else if count > 0 {
			en = append(en, fmt.Sprintf("%d %s", count, many))
		}
		if count > 0 {
			ja = append(ja, fmt.Sprintf("%s%d", japanese, count))
		}
	}
	say(n[checks.Critical], "action needed", "actions needed", "要対応")
	say(n[checks.Warning], "warning", "warnings", "注意")
	say(n[checks.OK], "fine", "fine", "正常")
	say(n[checks.Unknown], "unknown", "unknown", "確認できず")
	if len(en) == 0 {
		en, ja = []string{"nothing was looked at"}, []string{"確認した項目はありません"}
	}
	t := checks.Text{
		En: place + " " + checks.At(now) + ". " + strings.Join(en, ", "),
		Ja: place + " " + checks.At(now) + " " + strings.Join(ja, "／"),
	}
	if n[checks.OK] > 0 && len(en) == 1 {
		t.Ja += "。ヨシ!"
	}
	return t
}

// notSetUp is the one line of what is not set up.
func notSetUp(names []string) checks.Text {
	return checks.Text{
		En: "Not set up: " + strings.Join(names, ", "),
		Ja: "未設定: " + strings.Join(names, "、"),
	}
}

// needs says of one check which setting would switch it on.
func needs(name, setting string) checks.Text {
	return checks.Text{
		En: fmt.Sprintf("Not set up: %s needs %s", name, setting),
		Ja: fmt.Sprintf("未設定: %s には %s が必要です", name, setting),
	}
}

// noMastodon says why most of the checklist has nothing to look at.
func noMastodon() checks.Text {
	return checks.Text{
		En: "No Mastodon was found on this machine. To watch one that runs elsewhere, write its name into [server] domain of the configuration.",
		Ja: "このマシンにMastodonは見つかりませんでした。別のマシンのMastodonを見るには、設定ファイルの [server] domain に名前を書いてください。",
	}
}

// byName is the one line of what takes long and was not asked for.
func byName(names []string) checks.Text {
	command := "sababan check " + strings.Join(names, " ")
	return checks.Text{
		En: "Takes long, so only by name: " + command,
		Ja: "時間がかかるため、名前を指定したときだけ: " + command,
	}
}

func lookLabel() checks.Text { return checks.Text{En: "Look: ", Ja: "確認: "} }

func mendLabel() checks.Text { return checks.Text{En: "Fix: ", Ja: "対処: "} }

// looking is the line that shows what is running.
func looking(names []string) checks.Text {
	return checks.Text{
		En: "Looking: " + strings.Join(names, ", "),
		Ja: "確認中: " + strings.Join(names, "、"),
	}
}

func stillLooking(after time.Duration) checks.Text {
	s := checks.Span(after)
	return checks.Text{
		En: "still looking after " + s.En,
		Ja: s.Ja + "たっても終わらず、まだ確認中です",
	}
}

func noTurn() checks.Text {
	return checks.Text{
		En: "had no turn in time; the checks before it are still looking",
		Ja: "ほかのチェックがまだ確認中のため、時間内に始められませんでした",
	}
}
