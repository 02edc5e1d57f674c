package bot

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

// mostNormal bounds the numbers of one check (own: a thread of two posts).
const mostNormal = 16

// normal tells the numbers of a check, and what is usual for them.
func (b *Bot) normal(ctx context.Context, q question) checks.Text {
	names := b.named(ctx, q)
	if len(names) == 0 {
		return b.which(q, checks.Text{En: "Whose numbers?", Ja: "どの項目の数値でしょうか？"})
	}
	var answers []checks.Text
	for _, check := range names {
		if t, not := b.notLooking(check); not {
			answers = append(answers, t)
			continue
		}
		figures, err := b.o.Schedule.Numbers(ctx, check, mostNormal, q.now.In(q.who.zone()))
		if err != nil {
			return b.unreadable("normal", err)
		}
		title := b.titleOf(check)
		if len(figures) == 0 {
			answers = append(answers, checks.Text{En: title.En + ": it takes no measures", Ja: title.Ja + ": 記録している数値はありません"})
			continue
		}
		known := false
		for _, f := range figures {
			known = known || f.Known
		}
		answers = append(answers, checks.Text{En: title.En + ":", Ja: title.Ja + ":"}, figuresText(figures, checks.Same("\n"), true))
		if !known {
			answers = append(answers, checks.Text{En: "What is usual I can tell after seven days of measures.", Ja: "普段の範囲は、7日分の記録がたまるとわかります。"})
		}
	}
	return checks.Lines(answers...)
}

// figuresText is some numbers with what is usual for them: "available 1.2 GB
// (usually 0.3–0.6 GB)".
func figuresText(all []schedule.Number, sep checks.Text, subjects bool) checks.Text {
	var texts []checks.Text
	for _, f := range all {
		what := measureText(f.Name)
		if own, known := measured[f.Name+" "+f.Subject]; known {
			what = own
		} else if subjects && f.Subject != "" {
			subject := checks.QuoteName(f.Subject) + " "
			what = checks.Text{En: subject + what.En, Ja: subject + what.Ja}
		}
		value := figure(f.Unit, f.Last.Value)
		t := checks.Text{En: what.En + " " + value.En, Ja: what.Ja + " " + value.Ja}
		if f.Known {
			usual := figureRange(f.Unit, f.Usual.Low, f.Usual.High)
			t.En, t.Ja = t.En+" (usually "+usual.En+")", t.Ja+"（普段"+usual.Ja+"）"
		}
		texts = append(texts, t)
	}
	return checks.Join(sep, texts...)
}

func figure(unit string, v float64) checks.Text {
	switch unit {
	case checks.Bytes:
		return checks.Size(v)
	case checks.Seconds:
		t := checks.Millis(time.Duration(math.Abs(v) * float64(time.Second)))
		if v < 0 { // a clock that is behind
			t.En, t.Ja = "−"+t.En, "−"+t.Ja
		}
		return t
	case checks.Ratio:
		return checks.Percent(v)
	}
	return checks.Number(int64(v + 0.5))
}

func figureRange(unit string, low, high float64) checks.Text {
	switch unit {
	case checks.Bytes:
		return checks.SizeRange(low, high)
	case checks.Ratio:
		return checks.PercentRange(low, high)
	}
	l, h := figure(unit, low), figure(unit, high)
	if l == h {
		return l
	}
	return checks.Text{En: l.En + "–" + h.En, Ja: l.Ja + "〜" + h.Ja}
}

// named are the checks that a question names, by name or by an incident's number.
func (b *Bot) named(ctx context.Context, q question) []string {
	names := q.kinds
	for _, n := range q.numbers {
		if i, err := b.o.Schedule.Incidents().Get(ctx, n); err == nil {
			names = append(names, i.Key.Check)
		}
	}
	if q.all {
		for _, k := range b.kinds {
			names = append(names, k.Name)
		}
	}
	return names
}

// which asks for the name of a check.
func (b *Bot) which(q question, ask checks.Text) checks.Text {
	var en []string
	for _, k := range b.o.Schedule.Kinds() {
		en = append(en, k.Name)
	}
	list := strings.Join(en, ", ")
	return checks.Text{
		En: ask.En + " For example \"" + q.command + " " + first(en) + "\". There are: " + list,
		Ja: ask.Ja + " 例:「" + jaWord(b, q.command) + " " + first(en) + "」。項目: " + strings.ReplaceAll(list, ", ", "、"),
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
