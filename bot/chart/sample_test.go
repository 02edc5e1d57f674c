package chart_test

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/sababan/sababan/bot/chart"
	"github.com/sababan/sababan/checks"
)

// tokyo has no summer time, and is where most readers of the Japanese are.
var tokyo = time.FixedZone("Asia/Tokyo", 9*60*60)

// end is when all samples end.
var end = time.Date(2026, 11, 22, 10, 15, 0, 0, tokyo)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
	gb     = 1 << 30
)

// every makes samples up to the end, oldest first.
func every(step, back time.Duration, value func(at time.Time, noise *rand.Rand) float64) (list []checks.Sample) {
	noise := rand.New(rand.NewPCG(1, 2))
	for at := end.Add(-back); !at.After(end); at = at.Add(step) {
		list = append(list, checks.Sample{At: at, Value: value(at, noise)})
	}
	return list
}

// without leaves a time out.
func without(list []checks.Sample, from, to time.Time) (rest []checks.Sample) {
	for _, s := range list {
		if s.At.Before(from) || s.At.After(to) {
			rest = append(rest, s)
		}
	}
	return rest
}

// ofDay goes from -1 in the morning to 1 in the evening.
func ofDay(at time.Time) float64 {
	at = at.In(tokyo)
	return -math.Cos(2 * math.Pi * (float64(at.Hour()) + float64(at.Minute())/60 - 4) / 24)
}

func usual(low, high float64) []chart.Usual {
	return []chart.Usual{{Band: checks.Band{Low: low, Mid: (low + high) / 2, High: high, Days: 50}}}
}

func warning(value float64) chart.Threshold {
	return chart.Threshold{Label: checks.Text{En: "warning", Ja: "注意"}, Severity: checks.Warning, Value: value}
}

func critical(value float64) chart.Threshold {
	return chart.Threshold{Label: checks.Text{En: "action needed", Ja: "要対応"}, Severity: checks.Critical, Value: value}
}

var (
	diskTitle    = checks.Text{En: "disk: / used", Ja: "ディスク / の使用率"}
	answerTitle  = checks.Text{En: "response time", Ja: "応答時間"}
	serversTitle = checks.Text{En: "servers heard from", Ja: "やりとりしたサーバー"}
)

// disk fills slowly, over a threshold at the end.
func disk() chart.Chart {
	return chart.Chart{
		Title: diskTitle, Unit: checks.Ratio, From: end.Add(-30 * day), To: end,
		Samples: every(hour, 30*day, func(at time.Time, noise *rand.Rand) float64 {
			return 0.862 - 0.004*end.Sub(at).Hours()/24 + 0.004*ofDay(at) + 0.001*noise.NormFloat64()
		}),
		Normal: usual(0.74, 0.78), Thresholds: []chart.Threshold{warning(0.85), critical(0.95)},
	}
}

// answers are a week of response times as they are on a healthy server.
func answers() chart.Chart {
	list := every(5*minute, 7*day, func(at time.Time, noise *rand.Rand) float64 {
		return 0.084 * (1 + 0.2*ofDay(at)) * math.Exp(0.12*noise.NormFloat64())
	})
	var band []chart.Usual
	for at := end.Add(-7 * day).Truncate(hour); at.Before(end); at = at.Add(hour) {
		mid := 0.084 * (1 + 0.2*ofDay(at))
		band = append(band, chart.Usual{From: at, Band: checks.Band{Low: mid * 0.82, Mid: mid, High: mid * 1.2, Days: 50}})
	}
	return chart.Chart{
		Title: answerTitle, Unit: checks.Seconds, From: end.Add(-7 * day), To: end, Samples: list, Normal: band,
		Thresholds: []chart.Threshold{warning(0.8), critical(2)},
	}
}

// servers are seven days, each counted once.
func servers() chart.Chart {
	days := []float64{4655, 4702, 4688, 4751, 4720, 4590, 4812}
	c := chart.Chart{Title: serversTitle, Unit: checks.Count, From: end.Add(-7 * day), To: end, Normal: usual(4600, 4780), Over: true}
	for i, v := range days {
		c.Samples = append(c.Samples, checks.Sample{At: end.Add(-time.Duration(7-i)*day + 12*hour), Value: v})
	}
	return c
}

// spiked is one answer of half a minute in a week.
func spiked() chart.Chart {
	c := answers()
	c.Samples[900].Value, c.Samples[901].Value = 30, 12.5
	return c
}

// gappy lost a night and a few hours, and a value that was no number.
func gappy() chart.Chart {
	c := answers()
	c.Samples = without(c.Samples, end.Add(-6*day), end.Add(-5*day-8*hour))
	c.Samples = without(c.Samples, end.Add(-44*hour), end.Add(-40*hour-minute))
	c.Samples = without(c.Samples, end.Add(-40*hour+minute), end.Add(-37*hour))
	c.Samples[500].Value = math.NaN()
	return c
}

// young is a server that was set up two days ago: no usual numbers yet.
func young() chart.Chart {
	c := disk()
	c.Samples, c.Normal = c.Samples[len(c.Samples)-48:], nil
	return c
}

func lone() chart.Chart {
	c := disk()
	c.Samples, c.Normal = c.Samples[len(c.Samples)-1:], nil
	return c
}

func flat() chart.Chart {
	c := disk()
	for i := range c.Samples {
		c.Samples[i].Value = 0.71
	}
	c.Normal = usual(0.71, 0.71)
	return c
}

// year is 400 days of a table that grows, with a clean-up, and a threshold from
// below for the free space.
func year() chart.Chart {
	return chart.Chart{
		Title: checks.Text{En: "disk: free on /srv/mastodon", Ja: "ディスク /srv/mastodon の空き"}, Unit: checks.Bytes,
		From: end.Add(-400 * day), To: end,
		Samples: every(hour, 400*day, func(at time.Time, noise *rand.Rand) float64 {
			days := end.Sub(at).Hours() / 24
			free := 20 + 0.25*days
			if days > 150 {
				free -= 38
			}
			return (free + 2.5*ofDay(at) + noise.NormFloat64()) * gb
		}),
		Normal:     usual(22*gb, 34*gb),
		Thresholds: []chart.Threshold{{Label: checks.Text{En: "warning", Ja: "注意"}, Severity: checks.Warning, Value: 20 * gb, Below: true}},
	}
}

// clock is off by some milliseconds to both sides.
func clock() chart.Chart {
	return chart.Chart{
		Title: checks.Text{En: "clock: offset", Ja: "時計のずれ"}, Unit: checks.Seconds, From: end.Add(-day), To: end,
		Samples: every(5*minute, day, func(at time.Time, noise *rand.Rand) float64 {
			return 0.004*ofDay(at) + 0.0006*noise.NormFloat64()
		}),
		Normal: usual(-0.003, 0.003), Thresholds: []chart.Threshold{warning(0.5)},
	}
}

// idle is a queue with nothing in it.
func idle() chart.Chart {
	return chart.Chart{
		Title: checks.Text{En: "Sidekiq: waiting in default", Ja: "Sidekiq defaultの待機"}, Unit: checks.Count, From: end.Add(-6 * hour), To: end,
		Samples:    every(minute, 6*hour, func(time.Time, *rand.Rand) float64 { return 0 }),
		Thresholds: []chart.Threshold{warning(5000)},
	}
}

func nothing() chart.Chart {
	c := disk()
	c.Samples = nil
	return c
}

// outage is a lost night before, and a curve that ends three hours ago.
func outage() chart.Chart {
	c := answers()
	c.Samples = without(c.Samples, end.Add(-3*hour), end)
	return c
}

// summary is a chart as the weekly summary has it: whole days, over.
func summary() chart.Chart {
	c := answers()
	shift := -10*hour - 15*minute
	for i := range c.Samples {
		c.Samples[i].At = c.Samples[i].At.Add(shift)
	}
	for i := range c.Normal {
		c.Normal[i].From = c.Normal[i].From.Add(shift)
	}
	c.From, c.To, c.Over, c.Thresholds = c.From.Add(shift), c.To.Add(shift), true, nil
	return c
}

// heard is the other one.
func heard() chart.Chart {
	c := servers()
	shift := -10*hour - 15*minute
	for i := range c.Samples {
		c.Samples[i].At = c.Samples[i].At.Add(shift)
	}
	c.From, c.To = c.From.Add(shift), c.To.Add(shift)
	return c
}

// wordy has longer names than there is room for.
func wordy() chart.Chart {
	c := spiked()
	c.Title = checks.Text{
		En: "response time of the web server that is asked on this machine itself",
		Ja: "このサーバー自身から見たウェブサーバーの応答時間（ローカルポート経由）",
	}
	c.Thresholds = append(c.Thresholds, chart.Threshold{
		Label: checks.Text{En: "a limit that was set by hand", Ja: "手動で設定した上限"}, Severity: checks.Warning, Value: 0.12,
	})
	return c
}
