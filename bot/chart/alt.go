package chart

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/sababan/sababan/checks"
)

// Alt says what the picture of these charts shows, for those who do not see it:
// of what, from when to when, the value now, the lowest and the highest, what is
// usual, when a threshold was crossed, and where nothing was measured.
func Alt(charts ...Chart) checks.Text {
	figures := make([]figure, len(charts))
	for i, c := range charts {
		figures[i] = read(c)
	}
	return altOf(figures)
}

func altOf(figures []figure) checks.Text {
	lines := make([]checks.Text, len(figures))
	for i := range figures {
		place := checks.Text{En: "Line chart", Ja: "折れ線グラフ"}
		switch {
		case len(figures) > 1 && i == 0:
			place = checks.Text{En: "Upper line chart", Ja: "上の折れ線グラフ"}
		case len(figures) > 1:
			place = checks.Text{En: "Lower line chart", Ja: "下の折れ線グラフ"}
		}
		lines[i] = figures[i].alt(place)
	}
	return checks.Lines(lines...)
}

func (f *figure) alt(what checks.Text) checks.Text {
	from, span := f.instant(f.From), spanOf(f.To.Sub(f.From))
	if f.Over {
		from = checks.On(f.From) // a summary is of whole days
	}
	begin := checks.Text{
		En: fmt.Sprintf("%s: %s, %s from %s.", what.En, oneLine(f.Title.En), span.En, from),
		Ja: fmt.Sprintf("%s: %s、%sから%s。", what.Ja, oneLine(f.Title.Ja), from, span.Ja),
	}
	if len(f.samples) == 0 {
		return sentences(begin, checks.Text{En: "Nothing was measured in this time.", Ja: "この期間の記録はありません。"})
	}
	all := []checks.Text{begin, f.altValues(), f.altUsual()}
	for _, t := range f.Thresholds {
		all = append(all, f.altThreshold(t))
	}
	return sentences(append(all, f.altGaps())...)
}

func (f *figure) altValues() checks.Text {
	if len(f.samples) == 1 {
		v, at := f.value(f.last.Value), f.instant(f.last.At)
		return checks.Text{
			En: fmt.Sprintf("A single value: %s, %s.", v.En, at),
			Ja: fmt.Sprintf("記録は1件だけです: %s（%s）。", v.Ja, at),
		}
	}
	k := f.key()
	if !f.current && !f.Over {
		k = checks.Text{En: k.En + ", nothing measured since", Ja: k.Ja + "、以後の記録はありません"}
	}
	if f.lowest.Value == f.highest.Value {
		return checks.Text{En: upper(k.En) + ". No change in all this time.", Ja: k.Ja + "。期間中の変化はありません。"}
	}
	low, high := f.value(f.lowest.Value), f.value(f.highest.Value)
	t := checks.Text{
		En: fmt.Sprintf("%s. Lowest %s (%s), highest %s (%s).", upper(k.En), low.En, f.instant(f.lowest.At), high.En, f.instant(f.highest.At)),
		Ja: fmt.Sprintf("%s。最低%s（%s）、最高%s（%s）。", k.Ja, low.Ja, f.instant(f.lowest.At), high.Ja, f.instant(f.highest.At)),
	}
	if f.scale.cut {
		t.En += " The highest goes beyond the top of the picture."
		t.Ja += "最高値は図の上端を超えています。"
	}
	return t
}

// key is the value that matters most, in words: "now 71 %".
func (f *figure) key() checks.Text {
	switch {
	case f.current:
		v := f.value(f.last.Value)
		return checks.Text{En: "now " + v.En, Ja: "現在" + v.Ja}
	case f.Over && f.Last:
		v := f.value(f.last.Value)
		return checks.Text{En: "in the end " + v.En, Ja: "最終" + v.Ja}
	case f.Over:
		v := f.value(f.median)
		return checks.Text{En: "median " + v.En, Ja: "中央値" + v.Ja}
	}
	v, at := f.value(f.last.Value), f.instant(f.last.At)
	return checks.Text{En: "last " + v.En + ", " + at, Ja: "最後の値" + v.Ja + "（" + at + "）"}
}

// usual is the range that is usual at the end of the span, in words.
func (f *figure) usual() checks.Text {
	low, high, known := f.usualRange()
	if !known {
		return checks.Text{}
	}
	t := f.between(low, high)
	return checks.Text{En: "usually " + t.En, Ja: "普段" + t.Ja}
}

func (f *figure) altUsual() checks.Text {
	t := f.usual()
	if t.Empty() {
		return t
	}
	if n := len(f.Normal); n > 1 && !f.Over && f.Normal[n-1].From.Sub(f.Normal[n-2].From) < 24*time.Hour {
		return checks.Text{En: upper(t.En) + " at this hour.", Ja: "この時間帯は" + t.Ja + "。"}
	}
	return checks.Text{En: upper(t.En) + ".", Ja: t.Ja + "。"}
}

func (f *figure) altThreshold(t Threshold) checks.Text {
	v := f.value(t.Value)
	side := checks.Text{En: "above", Ja: "超"}
	if t.Below {
		side = checks.Text{En: "below", Ja: "未満"}
	}
	begin := checks.Text{
		En: fmt.Sprintf("%s %s %s: ", upper(t.Label.En), side.En, v.En),
		Ja: fmt.Sprintf("%s（%s%s）: ", t.Label.Ja, v.Ja, side.Ja),
	}
	if len(f.samples) == 1 && t.beyond(f.last.Value) {
		yes := checks.Text{En: "yes.", Ja: "超えています。"}
		if t.Below {
			yes.Ja = "下回っています。"
		}
		return checks.Join(checks.Text{}, begin, yes)
	}
	return checks.Join(checks.Text{}, begin, f.altSpells(f.spells(t)))
}

func (f *figure) altSpells(list []spell) checks.Text {
	if len(list) == 0 {
		return checks.Text{En: "never.", Ja: "一度もありません。"}
	}
	last := list[len(list)-1]
	since, lasted := f.instant(last.from), checks.Span(last.to.Sub(last.from))
	first := last.from.Equal(f.samples[0].At)
	switch {
	case last.goesOn && first:
		return checks.Text{En: "all the time.", Ja: "期間中ずっと。"}
	case last.goesOn && len(list) == 1:
		return checks.Text{En: fmt.Sprintf("since %s.", since), Ja: fmt.Sprintf("%sから続いています。", since)}
	case last.goesOn:
		return checks.Text{
			En: fmt.Sprintf("%d times, now since %s.", len(list), since),
			Ja: fmt.Sprintf("%d回、今回は%sから続いています。", len(list), since),
		}
	case first:
		return checks.Text{En: fmt.Sprintf("until %s.", f.instant(last.to)), Ja: fmt.Sprintf("%sまで。", f.instant(last.to))}
	case len(list) == 1:
		return checks.Text{
			En: fmt.Sprintf("once, from %s for %s.", since, lasted.En),
			Ja: fmt.Sprintf("1回、%sから%s。", since, lasted.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%d times, last from %s for %s.", len(list), since, lasted.En),
		Ja: fmt.Sprintf("%d回、直近は%sから%s。", len(list), since, lasted.Ja),
	}
}

func (f *figure) altGaps() checks.Text {
	var late checks.Text
	if f.late {
		late = checks.Text{En: "Nothing measured before.", Ja: "それより前の記録はありません。"}
	} else if first := f.samples[0].At; first.Sub(f.From) > max(f.To.Sub(f.From)/10, patience(f.rhythm())) && len(f.samples) > 1 {
		at := f.instant(first)
		late = checks.Text{En: fmt.Sprintf("Measured since %s.", at), Ja: fmt.Sprintf("記録は%sからです。", at)}
	}
	if len(f.gaps) == 0 {
		return late
	}
	longest := f.gaps[0]
	for _, g := range f.gaps {
		if g.length() > longest.length() {
			longest = g
		}
	}
	at, lasted := f.instant(longest.from), checks.Span(longest.length())
	if len(f.gaps) == 1 {
		return sentences(late, checks.Text{
			En: fmt.Sprintf("Nothing measured for %s from %s.", lasted.En, at),
			Ja: fmt.Sprintf("%sから%sは記録がありません。", at, lasted.Ja),
		})
	}
	return sentences(late, checks.Text{
		En: fmt.Sprintf("Nothing measured %d times, longest for %s from %s.", len(f.gaps), lasted.En, at),
		Ja: fmt.Sprintf("記録の途切れが%d回、最長は%sから%s。", len(f.gaps), at, lasted.Ja),
	})
}

// instant is a mark for an instant: to the minute within a fortnight's picture,
// else the day.
func (f *figure) instant(t time.Time) string {
	if f.To.Sub(f.From) > 15*24*time.Hour {
		return checks.On(t)
	}
	return checks.At(t)
}

// spanOf is the length of a picture in words that can be read aloud; a day more
// or less an hour is a day.
func spanOf(d time.Duration) checks.Text {
	say := func(n float64, one, many, ja string) checks.Text {
		s := decimal(n, digits(n))
		if s == "1" {
			return checks.Text{En: s + " " + one, Ja: s + ja}
		}
		return checks.Text{En: s + " " + many, Ja: s + ja}
	}
	switch h := d.Hours(); {
	case h >= 46:
		return say(math.Round(h/24), "day", "days", "日間")
	case h >= 1:
		return say(math.Round(h), "hour", "hours", "時間")
	}
	return say(math.Round(d.Minutes()), "minute", "minutes", "分間")
}

func sentences(all ...checks.Text) checks.Text { return checks.Join(checks.Text{En: " "}, all...) }

// upper begins a sentence.
func upper(s string) string {
	for i, r := range s {
		return string(unicode.ToUpper(r)) + s[i+len(string(r)):]
	}
	return s
}

// oneLine is a text of which a picture or a sentence has one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
