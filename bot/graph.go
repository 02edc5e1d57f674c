package bot

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/bot/chart"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

const (
	// usualGraph is the span where nothing is said, longestGraph what is kept of
	// measures (the requirement), shortestGraph what still is a picture (own).
	usualGraph    = 7 * 24 * time.Hour
	longestGraph  = 400 * 24 * time.Hour
	shortestGraph = time.Hour
	// mostSeries bounds the measures of one check that are chosen from (own).
	mostSeries = 400
	// mostCharts stand in one picture, mostElse are named besides (own: that is
	// what a phone shows, and what one line holds).
	mostCharts = 2
	mostElse   = 4
	// tiny is how often a small subject goes into the first (own).
	tiny = 20
)

// A graphed is a measure that is drawn, or could be.
type graphed struct {
	schedule.Number
	graph checks.Graph
	// word asks for it: "graph disk WORD".
	word checks.Text
	// weight is what puts the subjects in order.
	weight float64
}

// graph answers with a picture of a check's most telling measures, or of those
// that are named.
func (b *Bot) graph(ctx context.Context, q question) checks.Text {
	t := b.vocabulary().take(q)
	if t.unsure != "" {
		q.request.unsure, q.between = t.unsure, t.between
		return b.whichOf(q)
	}
	name, wish := "", wishOf(t.note)
	switch {
	case len(t.kinds) > 0:
		name = t.kinds[0]
	case len(t.numbers) > 0:
		i, err := b.o.Schedule.Incidents().Get(ctx, t.numbers[0])
		if err != nil {
			num := number(t.numbers[0])
			return checks.Text{En: "There is no " + num.En + ".", Ja: num.Ja + "はありません。"}
		}
		name = i.Key.Check
	default:
		return b.which(q, checks.Text{En: "A picture of what?", Ja: "どの項目のグラフでしょうか？"})
	}
	if text, not := b.notLooking(name); not {
		return text
	}
	span := graphSpan(t.period)
	to := q.now.In(q.who.zone())
	from := to.Add(-span)
	series, err := b.o.Schedule.Latest(ctx, name, mostSeries)
	if err != nil {
		return b.unreadable("graph", err)
	}
	kind := b.kindOf(name)
	drawn, others, why := chooseGraphs(kind.Graphs, series, wish, from)
	switch why {
	case nothingMeasured:
		return checks.Text{
			En: kind.Title.En + ": nothing has been measured yet, so there is no picture. It begins with the next look.",
			Ja: kind.Title.Ja + ": まだ記録がないため、グラフを描けません。次の確認から記録が始まります。",
		}
	case nothingOfLate:
		return checks.Text{
			En: fmt.Sprintf("%s: nothing was measured in the last %s.", kind.Title.En, checks.Span(span).En),
			Ja: fmt.Sprintf("%s: 直近%sの記録はありません。", kind.Title.Ja, checks.Span(span).Ja),
		}
	case nothingSuch:
		word := checks.Said(strings.Join(wish, " "))
		list := elseText(kind, others)
		return checks.Text{
			En: fmt.Sprintf("%s: I measure nothing called %s. There are: %s", kind.Title.En, word.En, list.En),
			Ja: fmt.Sprintf("%s: %sという記録はありません。あるのは: %s", kind.Title.Ja, word.Ja, list.Ja),
		}
	}
	charts := make([]chart.Chart, len(drawn))
	for i, g := range drawn {
		d, err := b.o.Schedule.Drawn(name, g.Name, g.Subject, from, to)
		if err != nil {
			return b.unreadable("graph", err)
		}
		charts[i] = chartOf(kind, g, d, from, to)
	}
	picture, err := b.draw(ctx, q, charts)
	if err != nil {
		b.log.Error("a picture could not be drawn", "check", name, "err", err)
		return checks.Text{En: kind.Title.En + ": the picture could not be drawn; the log says why.", Ja: kind.Title.Ja + ": グラフを描けませんでした（詳細はログ）。"}
	}
	if q.attach == nil || !q.attach(picture) {
		return checks.Text{
			En: fmt.Sprintf("%s: one answer holds %d pictures; please ask again.", kind.Title.En, MostPictures),
			Ja: fmt.Sprintf("%s: 画像は1回の返信に%d枚までです。もう一度送ってください。", kind.Title.Ja, MostPictures),
		}
	}
	return graphText(kind, drawn, charts, others, t.period)
}

// wishOf are the words that name what of a check is wanted.
func wishOf(note string) (words []string) {
	for _, w := range strings.Fields(lowered(note)) {
		if !slices.Contains(fillers, w) {
			words = append(words, w)
		}
	}
	return words
}

func (b *Bot) kindOf(name string) checks.Kind {
	for _, k := range b.kinds {
		if k.Name == name {
			return k
		}
	}
	return checks.Kind{Name: name, Title: checks.Same(name)}
}

// graphSpan is the span that an admin wants, within bounds.
func graphSpan(p period) time.Duration {
	if p.For <= 0 {
		return usualGraph
	}
	return min(max(p.For, shortestGraph), longestGraph)
}

// A choice says why these measures are drawn, or none.
type choice string

const (
	mostTelling     choice = "the most telling ones"
	asWished        choice = "as they were named"
	nothingMeasured choice = "nothing was ever measured"
	nothingOfLate   choice = "nothing was measured in the span"
	nothingSuch     choice = "nothing is called so"
)

// chooseGraphs picks what is drawn of a check's measures: those that all words
// name, or else those of the kind's most telling graph; of the subjects the
// first ones in the graph's order. Others are what could be asked for besides.
func chooseGraphs(graphs []checks.Graph, series []schedule.Number, wish []string, from time.Time) (drawn, others []graphed, why choice) {
	if len(series) == 0 {
		return nil, nil, nothingMeasured
	}
	var late []schedule.Number
	for _, n := range series {
		if !n.Last.At.Before(from) {
			late = append(late, n)
		}
	}
	if len(late) == 0 {
		return nil, nil, nothingOfLate
	}
	all := ordered(graphs, late)
	if len(all) == 0 { // measures that no graph tells of any more
		all = ordered(nil, late)
	}
	why = mostTelling
	drawn = leading(all)
	// Japanese words that no measure has are how one asks, not what for.
	wish = slices.DeleteFunc(slices.Clone(wish), func(w string) bool {
		return ideographic(w) && !slices.ContainsFunc(all, func(g graphed) bool { return g.called(w, false) })
	})
	if len(wish) > 0 {
		why = asWished
		if drawn = wished(all, wish); len(drawn) == 0 {
			drawn = wished(ordered(nil, late), wish)
		}
		if len(drawn) == 0 {
			return nil, named(all, nil), nothingSuch
		}
	}
	return drawn, named(all, drawn), why
}

// leading are the first charts of the first graph. Where the subjects have a
// size of their own, one that is small beside the first is not worth a chart.
func leading(all []graphed) (list []graphed) {
	for _, g := range all {
		small := g.graph.By != "" && g.weight < all[0].weight/tiny
		if g.Name == all[0].Name && !small && len(list) < mostCharts {
			list = append(list, g)
		}
	}
	return list
}

// ordered are the series that graphs tell of, graph by graph; all of them where
// there are no graphs.
func ordered(graphs []checks.Graph, series []schedule.Number) (list []graphed) {
	if len(graphs) == 0 {
		for _, n := range series {
			if !slices.ContainsFunc(graphs, func(g checks.Graph) bool { return g.Measure == n.Name }) {
				graphs = append(graphs, checks.Graph{Measure: n.Name, Title: checks.Same(spoken(n.Name))})
			}
		}
	}
	for _, g := range graphs {
		weight := map[string]float64{}
		for _, n := range series {
			if n.Name == cmp.Or(g.By, g.Measure) {
				weight[n.Subject] = n.Last.Value
			}
		}
		var own []graphed
		for _, n := range series {
			if n.Name == g.Measure {
				own = append(own, graphed{Number: n, graph: g, weight: weight[n.Subject]})
			}
		}
		slices.SortStableFunc(own, func(a, b graphed) int {
			order := cmp.Compare(b.weight, a.weight)
			if g.Least {
				order = -order
			}
			return cmp.Or(order, strings.Compare(a.Subject, b.Subject))
		})
		list = append(list, own...)
	}
	for i, g := range list {
		// What tells it from the first: its subject, else its measure.
		switch {
		case g.Name == list[0].Name && g.Subject != "":
			list[i].word = checks.Same(checks.QuoteName(g.Subject))
		case g.graph.Title.Empty():
			list[i].word = checks.Same(spoken(g.Name))
		default:
			list[i].word = g.graph.Title
		}
	}
	return list
}

// wished are the charts of one measure that all words name: exactly, else in
// part.
func wished(all []graphed, wish []string) (list []graphed) {
	for _, exact := range []bool{true, false} {
		for _, g := range all {
			named := !slices.ContainsFunc(wish, func(w string) bool { return !g.called(w, exact) })
			if named && len(list) < mostCharts && (len(list) == 0 || list[0].Name == g.Name) {
				list = append(list, g)
			}
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// called tells whether a word, in lower case, names the subject or the measure.
func (g graphed) called(word string, exact bool) bool {
	names := append(strings.Fields(lowered(g.graph.Title.En)), lowered(g.graph.Title.Ja), g.Subject, g.Name)
	names = append(names, strings.Split(g.Name, "_")...)
	return slices.ContainsFunc(names, func(n string) bool {
		n = normal(n)
		return n != "" && (n == word || !exact && strings.Contains(n, word))
	})
}

// named are charts that are not drawn, each word once: other measures first, then
// other subjects.
func named(all, drawn []graphed) (list []graphed) {
	for _, other := range []bool{true, false} {
		for _, g := range all {
			same := func(o graphed) bool { return o.word == g.word }
			if (g.Name != all[0].Name) == other && len(list) < mostElse && !slices.ContainsFunc(drawn, same) && !slices.ContainsFunc(list, same) {
				list = append(list, g)
			}
		}
	}
	return list
}

// chartOf is a measure as it is drawn.
func chartOf(kind checks.Kind, g graphed, d schedule.Drawing, from, to time.Time) chart.Chart {
	c := chart.Chart{Title: graphTitle(kind.Title, g), Unit: g.Unit, Samples: d.Samples, From: from, To: to}
	for _, u := range d.Normal {
		c.Normal = append(c.Normal, chart.Usual{From: u.From, Band: u.Band})
	}
	for _, l := range d.Limits {
		label := checks.Text{En: "warning", Ja: "注意"}
		if l.Severity == checks.Critical {
			label = checks.Text{En: "action needed", Ja: "要対応"}
		}
		c.Thresholds = append(c.Thresholds, chart.Threshold{Label: label, Severity: l.Severity, Value: l.Value, Below: l.Below})
	}
	return c
}

// graphTitle is "disk: / used", 「ディスク / の使用率」.
func graphTitle(kind checks.Text, g graphed) checks.Text {
	subject := checks.QuoteName(g.Subject)
	en, ja := kind.En, kind.Ja
	switch {
	case subject != "" && !g.graph.Title.Empty():
		return checks.Text{En: en + ": " + subject + " " + g.graph.Title.En, Ja: ja + " " + subject + " の" + g.graph.Title.Ja}
	case subject != "":
		return checks.Text{En: en + ": " + subject, Ja: ja + " " + subject}
	case !g.graph.Title.Empty():
		return checks.Text{En: en + ": " + g.graph.Title.En, Ja: ja + "の" + g.graph.Title.Ja}
	}
	return kind
}

// drawn calls draw with what it may need, one picture at a time: what is drawn
// on takes megabytes.
func (b *Bot) drawn(ctx context.Context, draw func(japanese *chart.Font) error) error {
	select {
	case b.drawing <- struct{}{}:
		defer func() { <-b.drawing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// A daemon that is asked once a week would keep the memory until it is asked
	// again.
	defer debug.FreeOSMemory()
	japanese := chart.FindJapanese()
	defer japanese.Close()
	return draw(japanese)
}

// draw draws charts for one who asks.
func (b *Bot) draw(ctx context.Context, q question, charts []chart.Chart) (p Picture, err error) {
	err = b.drawn(ctx, func(japanese *chart.Font) error {
		// Dark as Mastodon's own pages are by default.
		page := chart.Page{Reader: q.who.Reader(q.answerIn, q.now), Dark: true, Japanese: japanese}
		d, err := page.Draw(charts...)
		if err != nil {
			return err
		}
		p = Picture{PNG: d.PNG, Alt: d.Alt}
		return nil
	})
	return p, err
}

// graphText is the line beside the picture, and what else could be asked for.
func graphText(kind checks.Kind, drawn []graphed, charts []chart.Chart, others []graphed, asked period) checks.Text {
	var lines []checks.Text
	for i, g := range drawn {
		title, v := charts[i].Title, figure(g.Unit, g.Last.Value)
		line := checks.Text{En: title.En + " " + v.En, Ja: title.Ja + " " + v.Ja}
		if n := len(charts[i].Normal); n > 0 && !math.IsNaN(charts[i].Normal[n-1].Low) {
			u := figureRange(g.Unit, charts[i].Normal[n-1].Low, charts[i].Normal[n-1].High)
			line.En, line.Ja = line.En+" (usually "+u.En+")", line.Ja+"（普段"+u.Ja+"）"
		}
		lines = append(lines, line)
	}
	if asked.For > longestGraph {
		lines = append(lines, checks.Text{En: "I keep measures for 400 days.", Ja: "記録は400日分までです。"})
	}
	if len(others) > 0 {
		list := elseText(kind, others)
		lines = append(lines, checks.Text{En: "Also: " + list.En, Ja: "ほかに: " + list.Ja})
	}
	return checks.Lines(lines...)
}

// elseText is "graph disk /srv", 「グラフ ディスク /srv」.
func elseText(kind checks.Kind, others []graphed) checks.Text {
	ja := kind.Name
	if slices.Contains(kind.Words.Ja, kind.Title.Ja) {
		ja = kind.Title.Ja
	}
	var list checks.Text
	for i, g := range others {
		if i > 0 {
			list.En += ", "
		}
		list.En += fmt.Sprintf("\"graph %s %s\"", kind.Name, g.word.En)
		list.Ja += fmt.Sprintf("「グラフ %s %s」", ja, g.word.Ja)
	}
	return list
}
