package latency

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Thresholds (defaults.md, but where it says own). A window is judged by what
// nine answers of ten stay within.
const (
	window  = 10 * time.Minute
	fewest  = 5 // samples that a window needs
	ninety  = 0.9
	holding = 2.0 / 3 // of a threshold: what is open stays open down to here (own)

	warnTimes, warnAbove         = 3.0, 800 * time.Millisecond
	criticalTimes, criticalAbove = 10.0, 2 * time.Second
	unbearable                   = 5 * time.Second
	// slowAtAll is for the days before anything is known to be normal.
	slowAtAll = time.Second
)

// A question is everything that the judgement of one side rests on.
type question struct {
	side    string
	now     time.Time
	samples []sample
	normal  time.Duration // 0 before there are seven days
	row     []sample      // of a look that was asked for by name
	watched bool          // there was a look before
	open    bool          // it has found this side slow, and not quick since
	waiting int           // requests that wait for puma now
	counted bool          // somebody told how many
}

// level is how slow one window was.
type level int

const (
	unknown level = iota
	fine
	between // the thresholds: opens nothing, keeps open what is open
	warning
	critical
)

// level judges what nine answers of ten stay within.
func (q question) level(ninth time.Duration) level {
	if q.normal == 0 {
		switch {
		case ninth > slowAtAll:
			return warning
		case ninth > times(slowAtAll, holding):
			return between
		}
		return fine
	}
	above := func(factor float64, least time.Duration) bool {
		return ninth > times(q.normal, factor) && ninth > least
	}
	switch {
	case ninth > unbearable, above(criticalTimes, criticalAbove):
		return critical
	case above(warnTimes, warnAbove):
		return warning
	case above(warnTimes*holding, times(warnAbove, holding)):
		return between
	}
	return fine
}

func times(d time.Duration, factor float64) time.Duration {
	return time.Duration(float64(d) * factor)
}

// inWindow is the samples of the nth window before now.
func (q question) inWindow(n int) []sample {
	var out []sample
	for _, s := range q.samples {
		if age := q.now.Sub(s.at); age >= time.Duration(n)*window && age < time.Duration(n+1)*window {
			out = append(out, s)
		}
	}
	return out
}

// was is the level of the nth window before now.
func (q question) was(n int) level {
	in := q.inWindow(n)
	if len(in) < fewest {
		return unknown
	}
	return q.level(quantile(in, ninety))
}

// A verdict is what the windows say together.
type verdict int

const (
	tooEarly verdict = iota // too few samples to say anything
	quick
	holds
	slowNow    // a warning
	muchSlower // critical
)

// verdict compares the windows. One is enough for critical, a warning takes
// two, or three while nothing is known to be normal; two that are fine end it.
func (q question) verdict() verdict {
	first, second, third := q.was(0), q.was(1), q.was(2)
	known := q.normal > 0
	switch {
	case first == unknown:
		return tooEarly
	case first == critical:
		return muchSlower
	case first >= warning && second >= warning && (known || third >= warning):
		return slowNow
	case first >= between || second >= between:
		return holds
	}
	return quick
}

// atOnce judges a row of samples alone, where there is no history: by its
// middle, since a row is short.
func (q question) atOnce() verdict {
	if len(q.row) == 0 {
		return tooEarly
	}
	switch mid := median(q.row).took; {
	case mid > unbearable:
		return muchSlower
	case q.normal > 0 && q.level(mid) >= warning, mid > slowAtAll && q.normal == 0:
		return slowNow
	}
	return quick
}

// A line is what the summary says of one side.
type line struct {
	side         string
	took, normal time.Duration
	early        bool // too few samples to judge, where there should be enough soon
}

// judge returns the side's part of the summary, what the windows say, and a
// finding where there is one.
func (q question) judge() (line, verdict, *checks.Finding) {
	recent, v := q.inWindow(0), q.verdict()
	now := v == tooEarly && len(q.row) > 0
	if now {
		recent = q.row
		if v = q.atOnce(); v == quick && q.open {
			v = tooEarly // a few quick answers end nothing
		}
	}
	l := line{side: q.side, took: median(recent).took, normal: q.normal, early: v == tooEarly && q.watched}
	if len(recent) < fewest {
		l.took = recent[len(recent)-1].took
	}
	f := checks.Finding{Code: slow, Subject: q.side, Severity: checks.Warning, Road: checks.Morning}
	switch v {
	case quick, tooEarly:
		return l, v, nil
	case holds:
		f.Holds = true
	case muchSlower:
		f.Severity, f.Road = checks.Critical, checks.Now
	}
	d := detail{
		side: q.side, half: median(recent).took, ninth: quantile(recent, ninety),
		normal: q.normal, app: appShare(recent), count: len(recent), atOnce: now,
		direct:  middle(recent, func(s sample) time.Duration { return s.direct }),
		queue:   middle(recent, func(s sample) time.Duration { return s.queue }),
		connect: middle(recent, func(s sample) time.Duration { return s.connect }),
		waiting: q.waiting, counted: q.counted,
	}
	f.Text, f.Advice = textSlow(d), adviceSlow(d)
	return l, v, &f
}

// appShare is the middle of what the application says that it took.
func appShare(row []sample) time.Duration {
	return middle(row, func(s sample) time.Duration { return s.app })
}

// middle is the middle of one of the times, of the samples that tell it; 0
// where none does.
func middle(row []sample, of func(sample) time.Duration) time.Duration {
	var told []sample
	for _, s := range row {
		if v := of(s); v > 0 {
			told = append(told, sample{took: v})
		}
	}
	if len(told) == 0 {
		return 0
	}
	return median(told).took
}

// A place is where most of the time goes.
type place int

const (
	nobodyKnows place = iota
	inMastodon        // its own work: memory or the database
	outside           // not there; nobody can tell more
	inQueue           // waiting for a free web process
	inWeb             // Mastodon or the waiting for it, and not what is before it
	inProxy           // the web server in front
	inNetwork         // or what stands in it
)

// place compares what the application says with what it takes past the proxy,
// and with what the making of a connection takes. The API's waiting for puma is
// that of a page, too.
func (d detail) place() place {
	most, told := d.inApp()
	rest := d.half - d.app
	switch {
	case most:
		return inMastodon
	case d.direct == 0 && !told:
		return nobodyKnows
	case d.direct == 0 && d.counted && d.waiting > 0:
		return inQueue
	case d.direct == 0:
		return outside
	case told && d.queue > rest/2:
		return inQueue
	case !told && d.direct > d.half/2:
		return inWeb
	case d.connect > rest/2:
		return inNetwork
	}
	return inProxy
}
