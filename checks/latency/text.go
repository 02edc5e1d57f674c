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

	// direct is the middle of the API's time past the proxy, queue of its
	// waiting for puma, connect of the making of a connection; 0 where they are
	// not known.
	direct, queue, connect time.Duration
	waiting                int  // requests that wait for puma now
	counted                bool // somebody told how many
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
	return checks.Lines(t, textSpread(d), textPlace(d), textWaiting(d))
}

// textPlace says where the time goes, as far as that can be told.
func textPlace(d detail) checks.Text {
	app, direct, connect := checks.Millis(d.app), checks.Millis(d.direct), checks.Millis(d.connect)
	only := checks.Text{
		En: "Mastodon itself takes only " + app.En + " of it",
		Ja: "うちMastodonの処理は" + app.Ja + "だけで、",
	}
	switch d.place() {
	case nobodyKnows:
		return checks.Text{}
	case inMastodon:
		return checks.Text{
			En: "Mastodon itself takes " + app.En + " of it: memory or the database, probably.",
			Ja: "うちMastodonの処理が" + app.Ja + "です。メモリかデータベースが原因の可能性があります。",
		}
	case outside:
		return checks.Text{
			En: only.En + ": the rest is waiting for a free web process, or the network.",
			Ja: only.Ja + "残りはWebプロセスの空き待ちかネットワークです。",
		}
	case inQueue:
		if d.direct == 0 {
			return checks.Text{
				En: only.En + ": the rest is waiting for a free web process (puma).",
				Ja: only.Ja + "残りはWebプロセス（puma）の空き待ちです。",
			}
		}
		return checks.Text{
			En: only.En + ", but straight to puma the API takes " + direct.En + ", too: requests wait for a free web process.",
			Ja: only.Ja + "pumaに直接つないでもAPIは" + direct.Ja + "かかります。Webプロセスの空き待ちです。",
		}
	case inWeb:
		return checks.Text{
			En: "Straight to puma the API takes " + direct.En + ", too: Mastodon is slow, not what is in front of it.",
			Ja: "pumaに直接つないでもAPIは" + direct.Ja + "かかります。遅いのは手前ではなくMastodonです。",
		}
	case inNetwork:
		return checks.Text{
			En: "Straight to puma the API takes " + direct.En + ", and making a connection alone takes " + connect.En + ": the network or a CDN in between is slow, probably.",
			Ja: "pumaに直接つなぐとAPIは" + direct.Ja + "で、接続の確立だけで" + connect.Ja + "かかっています。途中のネットワークかCDNが遅い可能性が高いです。",
		}
	case inProxy:
	}
	return checks.Text{
		En: "Straight to puma the API takes " + direct.En + ", and connections are made quickly: the web server in front of it is slow, probably.",
		Ja: "pumaに直接つなぐとAPIは" + direct.Ja + "で、接続の確立も速いため、手前のWebサーバーが遅い可能性が高いです。",
	}
}

// textWaiting says how many wait in line.
func textWaiting(d detail) checks.Text {
	switch {
	case !d.counted || d.waiting == 0:
		return checks.Text{}
	case d.waiting == 1:
		return checks.Text{En: "1 request waits in line for puma now.", Ja: "いまpumaの空きを1件が待っています。"}
	}
	n := checks.Number(int64(d.waiting))
	return checks.Text{En: n.En + " requests wait in line for puma now.", Ja: "いまpumaの空きを" + n.Ja + "件が待っています。"}
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
	switch d.place() {
	case outside:
		return checks.Advice{
			Text: checks.Text{
				En: "Look at load and memory before anything is restarted; if both are low, at the network or the CDN in between.",
				Ja: "再起動する前に、負荷とメモリを見ておいてください。どちらも低ければ、途中のネットワークやCDNを疑ってください。",
			},
			Look: look,
		}
	case inQueue:
		return checks.Advice{
			Text: checks.Text{
				En: "See what keeps puma busy before anything is restarted. More web processes or threads (WEB_CONCURRENCY, MAX_THREADS) help only where memory and the database's connections have room.",
				Ja: "再起動する前に、何がpumaをふさいでいるか見ておいてください。プロセスやスレッド（WEB_CONCURRENCY、MAX_THREADS）を増やすのは、メモリとデータベースの接続数に余裕がある場合だけ有効です。",
			},
			Look: look,
		}
	case inProxy:
		return checks.Advice{
			Text: checks.Text{
				En: "Look at the web server: its load, its log, and the disk of its cache.",
				Ja: "Webサーバーの負荷とログ、キャッシュを置いているディスクを見てください。",
			},
			Look: look,
		}
	case inNetwork:
		return checks.Advice{
			Text: checks.Text{
				En: "Look at the status pages of the provider and of the CDN, and whether the line is full.",
				Ja: "サーバー事業者とCDNの障害情報、回線が埋まっていないかを見てください。",
			},
			Look: checks.Sh("ss", "-s"),
		}
	case nobodyKnows, inMastodon, inWeb:
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

// textHourly says that the same minutes of every hour are slow.
func textHourly(side string, p pattern) checks.Text {
	n := nameOf(side)
	who := checks.Text{En: "the API is", Ja: n.Ja + " "}
	if side == page {
		who = checks.Text{En: "pages are", Ja: n.Ja + " "}
	}
	span := checks.Span(time.Duration(p.minutes) * time.Minute)
	return checks.Text{
		En: fmt.Sprintf("%s slow once an hour, always at the same minute\nIn %d of the last %d hours, for about %s, last at %s: something runs then, such as a backup, a snapshot of the disk or a cron job.",
			who.En, p.hits, p.of, span.En, checks.At(p.last)),
		Ja: fmt.Sprintf("%s毎時決まった分に遅くなっています\n直近%d時間のうち%d時間で、約%sずつ続いています（最後は%s）。その時刻に動くバックアップ、ディスクのスナップショット、cronなどが考えられます。",
			who.Ja, p.of, p.hits, span.Ja, checks.At(p.last)),
	}
}

func adviceHourly() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "See what starts at that minute, here and at the provider (snapshots); it may run at another time, or more gently.",
			Ja: "その分に何が始まるか、サーバー事業者のスナップショットも含めて確かめ、時刻をずらすか負荷を下げてください。",
		},
		Look: checks.Sh("systemctl", "list-timers", "--all"),
	}
}

// textHung is the summary while nobody answers.
func textHung(waited time.Duration) checks.Text {
	s := checks.Span(waited)
	return checks.Text{
		En: "neither the API nor the page answers within " + s.En,
		Ja: "APIもページも" + s.Ja + "以内に応答しません",
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
