package bot

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sababan/sababan/bot/chart"
	"github.com/sababan/sababan/checks"
)

const (
	// noteGap is from when it is said that a part of the week was not watched, and
	// dayGap from when that is said in days (own: an update is no gap).
	noteGap = time.Hour
	dayGap  = 12 * time.Hour
)

// publicText is the weekly post in some languages, the first before the others,
// within so many characters: what says least goes first, then languages.
func publicText(w PublicWeek, langs []checks.Lang, room int) string {
	lines := publicLines(w)
	for say := len(langs); say > 0; say-- {
		for keep := len(lines); keep >= min(2, len(lines)); keep-- {
			if text := publicIn(lines[:keep], langs[:say]); utf8.RuneCountInString(text) <= room {
				return text
			}
		}
	}
	return publicIn(lines[:1], langs[:1])
}

func publicIn(lines []checks.Text, langs []checks.Lang) string {
	text := ""
	for i, l := range langs {
		if i > 0 {
			text += "\n\n"
		}
		text += checks.Lines(lines...).In(l)
	}
	return text
}

// publicLines are the lines of the post, the most important first.
func publicLines(w PublicWeek) []checks.Text {
	site := checks.QuoteName(w.Site)
	days, which := weekDays(w)
	lines := []checks.Text{{En: site + ", " + days.En, Ja: site + " " + which + "のまとめ（" + days.Ja + "）"}}
	up, answers := availability(w), answersText(w)
	if len(w.Interruptions) == 0 && len(w.Maintenance) == 0 && !answers.Empty() {
		lines = append(lines, checks.Text{En: up.En + "; " + answers.En + ".", Ja: up.Ja + "、" + answers.Ja + "。"})
		answers = checks.Text{}
	} else {
		lines = append(lines, checks.Text{En: up.En + ".", Ja: up.Ja + "。"})
	}
	if gap := gapText(w); !gap.Empty() {
		// It belongs to the line before it: nobody may read that without it.
		last := &lines[len(lines)-1]
		last.En, last.Ja = last.En+" "+gap.En, last.Ja+gap.Ja
	}
	if !answers.Empty() {
		lines = append(lines, checks.Text{En: upperFirst(answers.En) + ".", Ja: answers.Ja + "。"})
	}
	if t := serversText(w); !t.Empty() {
		lines = append(lines, t)
	}
	return lines
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// weekDays are the week's days, seven of them: a week that ends before noon ends
// with the day before. which is the week as people call it on its last day.
func weekDays(w PublicWeek) (days checks.Text, which string) {
	last, which := w.To, "この1週間"
	if w.To.Hour() < 12 {
		last = w.To.AddDate(0, 0, -1)
	}
	switch {
	case last.Weekday() != time.Sunday:
	case w.To.Weekday() == time.Sunday:
		which = "今週"
	default:
		which = "先週"
	}
	first := last.AddDate(0, 0, -6)
	const full, short = "2 January 2006", "2 January"
	switch {
	case first.Year() != last.Year():
		days = checks.Text{En: first.Format(full) + " – " + last.Format(full), Ja: first.Format("2006/1/2") + "〜" + last.Format("2006/1/2")}
	case first.Month() != last.Month():
		days = checks.Text{En: first.Format(short) + " – " + last.Format(short), Ja: first.Format("1/2") + "〜" + last.Format("1/2")}
	default:
		days = checks.Text{En: first.Format("2") + "–" + last.Format(short), Ja: first.Format("1/2") + "〜" + last.Format("1/2")}
	}
	return days, which
}

// availability says whether the server could be used, without a point at its end.
func availability(w PublicWeek) checks.Text {
	down, planned := longOf(w.Interruptions), checks.Span(longOf(w.Maintenance))
	blind := w.unwatched() >= noteGap
	switch n := len(w.Interruptions); {
	case n == 0 && len(w.Maintenance) > 0:
		return checks.Text{
			En: "No interruption but " + planned.En + " of announced maintenance",
			Ja: "メンテナンスによる" + planned.Ja + "のほかに停止なし",
		}
	case n == 0 && blind:
		return checks.Text{En: "No interruption was seen", Ja: "確認できた範囲で停止なし"}
	case n == 0:
		return checks.Text{En: "No interruption", Ja: "停止なし"}
	default:
		long, up := checks.Span(down), uptime(w)
		t := checks.Text{}
		switch one := w.Interruptions[0]; n {
		case 1:
			day, in := one.From.In(w.To.Location()), "に"
			if one.To.In(w.To.Location()).YearDay() != day.YearDay() {
				in = "から"
			}
			t = checks.Text{
				En: "Interrupted once, on " + day.Format("Monday 2 January") + " for " + long.En,
				Ja: "停止1回（" + day.Format("1/2") + in + long.Ja + "）",
			}
		default:
			longest := checks.Span(longestOf(w.Interruptions))
			t = checks.Text{
				En: fmt.Sprintf("Interrupted %s, %s in all, %s at the longest", times(n), long.En, longest.En),
				Ja: fmt.Sprintf("停止%d回（合計%s、最長%s）", n, long.Ja, longest.Ja),
			}
		}
		t.En, t.Ja = t.En+"; reachable "+up.En+" of the time", t.Ja+"、稼働率"+up.Ja
		if len(w.Maintenance) > 0 {
			t.En, t.Ja = t.En+", besides "+planned.En+" of announced maintenance", t.Ja+"（ほかにメンテナンス"+planned.Ja+"）"
		}
		return t
	}
}

func times(n int) string {
	if n == 2 {
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

func longestOf(all []Stretch) (most time.Duration) {
	for _, s := range all {
		most = max(most, s.Long())
	}
	return most
}

// uptime is the share of the time in which the server could be used, of what was
// watched and no maintenance; rounded down, so that 100 % means all of it.
func uptime(w PublicWeek) checks.Text {
	of := w.Watched - longOf(w.Maintenance)
	if of <= 0 {
		return checks.Percent(0)
	}
	share := 1 - float64(longOf(w.Interruptions))/float64(of)
	hundredths := math.Floor(share*10000 + 1e-6)
	if len(w.Interruptions) > 0 {
		hundredths = min(hundredths, 9999)
	}
	n := strconv.FormatFloat(max(hundredths, 0)/100, 'f', -1, 64)
	return checks.Text{En: n + " %", Ja: n + "%"}
}

func (w PublicWeek) unwatched() time.Duration { return w.To.Sub(w.From) - w.Watched }

// gapText says how much of the week nobody watched; empty where that is little.
func gapText(w PublicWeek) checks.Text {
	switch gap := w.unwatched(); {
	case gap < noteGap:
		return checks.Text{}
	case gap < dayGap:
		long := checks.Span(gap.Truncate(time.Hour))
		return checks.Text{En: "Not watched for " + long.En + ".", Ja: "うち" + long.Ja + "は見守りが止まっていました。"}
	}
	days := min(int(math.Round(w.Watched.Hours()/24)), 6)
	return checks.Text{
		En: fmt.Sprintf("Watched for %d of 7 days.", days),
		Ja: fmt.Sprintf("見守っていたのは7日のうち%d日分です。", days),
	}
}

// answersText says how long pages took, without a point at its end.
func answersText(w PublicWeek) checks.Text {
	if w.Answer <= 0 {
		return checks.Text{}
	}
	took, usual := checks.Millis(w.Answer), checks.Millis(w.Usual)
	t := checks.Text{En: "pages were answered in " + took.En, Ja: "ページの応答は" + took.Ja}
	same := w.Usual > 0 && w.Answer >= w.UsualLow && w.Answer <= w.UsualHigh
	if w.Usual > 0 && !same {
		t.En, t.Ja = t.En+" (usually "+usual.En+")", t.Ja+"（普段"+usual.Ja+"）"
	}
	switch {
	case w.Slow >= slowForPeople && w.Slow >= slowTimes*w.Answer:
		slow := checks.Millis(w.Slow)
		return checks.Text{En: t.En + ", but one in 20 took " + slow.En + " or longer", Ja: t.Ja + "でしたが、20回に1回は" + slow.Ja + "以上かかりました"}
	case same:
		return checks.Text{En: t.En + ", as usual", Ja: t.Ja + "で普段どおりでした"}
	}
	return checks.Text{En: t.En, Ja: t.Ja + "でした"}
}

// What one page of twenty took is told from so much on, and where it is so many
// times what half of them took: then most people met it, and the middle alone
// would hide it (own; a second is when the check of response times speaks
// before it knows what is usual).
const (
	slowForPeople = time.Second
	slowTimes     = 2
)

// serversText says how many servers were heard from; empty where they are few.
func serversText(w PublicWeek) checks.Text {
	if w.Servers < fewestServers {
		return checks.Text{}
	}
	n, fresh := checks.Number(int64(w.Servers)), checks.Number(int64(w.New))
	t := checks.Text{En: "Heard from " + n.En + " servers", Ja: n.Ja + "サーバーから投稿が届きました"}
	if w.New >= fewestServers {
		t.En, t.Ja = t.En+", "+fresh.En+" of them new", t.Ja+"（うち新規"+fresh.Ja+"）"
	}
	return checks.Text{En: t.En + ".", Ja: t.Ja + "。"}
}

// publicChart is how long pages took through the week; false where nothing was measured.
func publicChart(w PublicWeek) (chart.Chart, bool) {
	if len(w.Answers) < fewestAnswers {
		return chart.Chart{}, false
	}
	c := chart.Chart{
		Title: checks.Text{En: "response time", Ja: "応答時間"}, Unit: checks.Seconds,
		Samples: w.Answers, From: w.From, To: w.To, Over: true,
	}
	for i, band := range w.Band {
		c.Normal = append(c.Normal, chart.Usual{From: w.BandFrom[i], Band: band})
	}
	return c, true
}

// fewestAnswers is how many values make a picture (own: two hours of them).
const fewestAnswers = 24

// heardChart is how many servers were heard from through the week; false where
// that was counted on too few days, or of so few that it would be of people.
func heardChart(w PublicWeek) (chart.Chart, bool) {
	few := slices.ContainsFunc(w.Heard, func(s checks.Sample) bool { return s.Value < fewestServers })
	if len(w.Heard) < fewestDays || w.Servers < fewestServers || few {
		return chart.Chart{}, false
	}
	return chart.Chart{
		Title: checks.Text{En: "servers heard from", Ja: "投稿が届いたサーバー"}, Unit: checks.Count,
		Samples: w.Heard, From: w.From, To: w.To, Over: true, Last: true,
	}, true
}

const (
	// fewestDays make a picture (own: fewer say less than the number).
	fewestDays = 4
	// fewestServers are counted and drawn, and as many new ones counted (own: of
	// fewer, each is somebody's, and none is somebody who is away).
	fewestServers = 10
)

// publicCharts are the charts of the week, the most important first.
func publicCharts(w PublicWeek) (charts []chart.Chart) {
	for _, of := range []func(PublicWeek) (chart.Chart, bool){publicChart, heardChart} {
		if c, drawn := of(w); drawn {
			charts = append(charts, c)
		}
	}
	return charts
}

// publicPicture draws them in the first language, and describes them in all.
func publicPicture(w PublicWeek, langs []checks.Lang, japanese *chart.Font) (png []byte, alt string, err error) {
	charts := publicCharts(w)
	if len(charts) == 0 {
		return nil, "", nil
	}
	// It is read later than it is written: no day goes without saying.
	read := w.To.AddDate(0, 0, 1)
	reader := func(l checks.Lang) checks.Reader { return checks.Reader{Lang: l, Zone: w.To.Location(), Now: read} }
	page := chart.Page{Reader: reader(langs[0])}
	if langs[0] == checks.Japanese {
		page.Japanese = japanese
	}
	p, err := page.Draw(charts...)
	if err != nil {
		return nil, "", err
	}
	alt = p.Alt
	for _, l := range langs[1:] {
		alt += "\n" + chart.Alt(charts...).Read(reader(l))
	}
	return p.PNG, alt, nil
}
