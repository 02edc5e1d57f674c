package latency

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// A detail is what a slow side is told by.
type detail struct {
	side        string
	half, ninth time.Duration // what half, and nine of ten answers stay within
	normal      time.Duration // 0 where it is not known
	app         time.Duration // the middle of what the application took; 0 where it does not say
	count       int
	atOnce      bool // the answers came one after the other, just now
}

func nameOf(side string) checks.Text {
	if side == apiSide {
		return checks.Same("API")
	}
	return checks.Text{En: "page", Ja: "ページ"}
}

// inApp tells where most of the time goes; told is false where the application
// does not say.
func (d detail) inApp() (most, told bool) { return d.app > d.half/2, d.app > 0 }

func textSlow(d detail) checks.Text {
	n, ninth := nameOf(d.side), checks.Millis(d.ninth)
	who := checks.Text{En: "API answers slowly", Ja: n.Ja + " 応答が遅くなっています"}
	if d.side == page {
		who.En = "pages come slowly"
	}
	t := checks.Text{En: who.En + ": " + ninth.En, Ja: who.Ja + "（" + ninth.Ja}
	if d.normal > 0 {
		usual := checks.Millis(d.normal)
		t.En += ", usually " + usual.En
		t.Ja += "、普段" + usual.Ja
	}
	t.Ja += "）"
	t = checks.Lines(t, textSpread(d))
	most, told := d.inApp()
	app := checks.Millis(d.app)
	switch {
	case !told:
		return t
	case most:
		return checks.Lines(t, checks.Text{
			En: "Mastodon itself takes " + app.En + " of it: memory or the database, probably.",
			Ja: "うちMastodonの処理が" + app.Ja + "です。メモリかデータベースが原因の可能性があります。",
		})
	}
	return checks.Lines(t, checks.Text{
		En: "Mastodon itself takes only " + app.En + " of it: the rest is waiting for a free web process, or the network.",
		Ja: "うちMastodonの処理は" + app.Ja + "だけで、残りはWebプロセスの空き待ちかネットワークです。",
	})
}

// textSpread says how the answers lie.
func textSpread(d detail) checks.Text {
	ninth, half := checks.Millis(d.ninth), checks.Millis(d.half)
	if d.atOnce {
		return checks.Text{
			En: fmt.Sprintf("Of %d answers just now, half took longer than %s.", d.count, half.En),
			Ja: fmt.Sprintf("いま%d回試したところ、半数が%s以上かかりました。", d.count, half.Ja),
		}
	}
	span := checks.Span(window)
	return checks.Text{
		En: fmt.Sprintf("Of %d answers in the last %s, half took longer than %s, one in ten longer than %s.", d.count, span.En, half.En, ninth.En),
		Ja: fmt.Sprintf("直近%sの%d回のうち、半数が%s以上、1割が%s以上かかっています。", span.Ja, d.count, half.Ja, ninth.Ja),
	}
}

// adviceSlow is the checklist's: look before restarting, then the database's
// statistics.
func adviceSlow(d detail) checks.Advice {
	look := checks.Sh("top", "-b", "-n", "1").Pipe("head", "-n", "20")
	if most, told := d.inApp(); told && !most {
		return checks.Advice{
			Text: checks.Text{
				En: "Look at load and memory before anything is restarted; if both are low, at the network or the CDN in between.",
				Ja: "再起動する前に、負荷とメモリを見ておいてください。どちらも低ければ、途中のネットワークやCDNを疑ってください。",
			},
			Look: look,
		}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Look at memory (free, top) before anything is restarted. If there is enough, the database's statistics may be off: renew them.",
			Ja: "再起動する前に、メモリの状況（free、top）を見ておいてください。余裕があれば、データベースの統計情報のずれが考えられるので更新してみてください。",
		},
		Look: look,
		Mend: []checks.Shell{checks.Sh("sudo", "-u", "postgres", "psql", "-d", "mastodon_production", "-c", "analyze")},
	}
}

// summary is the one line: both numbers, or the worst.
func summary(lines []line, findings []checks.Finding) checks.Text {
	var worst checks.Finding
	for _, f := range findings {
		if !f.Holds && f.Severity > worst.Severity {
			worst = f
		}
	}
	if worst.Severity > checks.OK {
		return worst.Text.Headline()
	}
	var parts []checks.Text
	for _, l := range lines {
		parts = append(parts, textLine(l))
	}
	if slices.ContainsFunc(lines, func(l line) bool { return l.early }) {
		parts = append(parts, checks.Text{En: "too few samples yet to judge", Ja: "判断に必要な回数を計測中"})
	}
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, parts...)
}

// textLine says one side: "API 84 ms (usually 80)".
func textLine(l line) checks.Text {
	n, now := nameOf(l.side), checks.Millis(l.took)
	t := checks.Text{En: n.En + " " + now.En, Ja: n.Ja + now.Ja}
	if l.side == apiSide {
		t.Ja = n.Ja + " " + now.Ja
	}
	if l.normal == 0 {
		return t
	}
	usual := checks.Millis(l.normal)
	en := usual.En
	if number, unit, ok := strings.Cut(en, " "); ok && strings.HasSuffix(now.En, " "+unit) {
		en = number
	}
	return checks.Text{En: t.En + " (usually " + en + ")", Ja: t.Ja + "（普段" + usual.Ja + "）"}
}

// textNoAnswer says why there is nothing to measure.
func textNoAnswer(r round) checks.Text {
	if r.limited {
		return checks.Text{
			En: "the server says that this machine asks too often (429)",
			Ja: "このマシンからの問い合わせが多すぎると言われています（429）",
		}
	}
	return checks.Text{
		En: "neither the API nor the page gave an answer to measure",
		Ja: "APIからもページからも、計測できる応答がありませんでした",
	}
}

func textSideSilent(side string) checks.Text {
	n := nameOf(side)
	return checks.Text{
		En: "the " + n.En + " gave no answer to measure",
		Ja: n.Ja + "から計測できる応答がありませんでした",
	}
}

func textTooEarly(side string) checks.Text {
	n := nameOf(side)
	return checks.Text{
		En: "too few samples of the " + n.En + " yet to judge",
		Ja: n.Ja + "の計測回数がまだ足りません",
	}
}
