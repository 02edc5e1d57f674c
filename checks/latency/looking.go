package latency

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// looking is one look on its way from samples to an observation.
type looking struct {
	memory  memory
	past    checks.Past
	now     time.Time
	began   time.Time // before the first question
	watched bool      // there was a look before
	named   bool      // it was asked for by name
	waiting int       // requests that wait for puma
	counted bool      // somebody told
	lines   []line
	seen    checks.Observation
}

func (l *looking) measure(name, subject string, value float64, unit string) {
	l.seen.Measures = append(l.seen.Measures, checks.Measure{Name: name, Subject: subject, Value: value, Unit: unit})
}

// usual is what is normal for a side; 0 before there are seven days.
func (l *looking) usual(side string) time.Duration {
	band, ok := l.past.Normal(responseTime, side, l.now)
	if !ok || band.Mid <= 0 {
		return 0
	}
	return time.Duration(band.Mid * float64(time.Second))
}

// side judges the samples of one side.
func (l *looking) side(side string, row []sample) {
	one := median(row)
	normal := l.usual(side)
	l.markMinute(side, one.took, normal)
	l.memory.add(side, l.now, one)
	q := question{
		side: side, now: l.now, samples: l.memory.Samples[side], normal: normal, watched: l.watched, open: l.memory.Open[side],
		waiting: l.waiting, counted: l.counted,
	}
	if l.named {
		q.row = row
	}
	line, v, f := q.judge()
	l.lines = append(l.lines, line)
	if f != nil {
		l.seen.Findings = append(l.seen.Findings, *f)
	}
	switch {
	case v == slowNow || v == muchSlower:
		l.memory.Open[side] = true
	case v == quick:
		delete(l.memory.Open, side)
	case v == tooEarly && l.memory.Open[side]:
		l.seen.Blind = append(l.seen.Blind, checks.Blind{Code: slow, Subject: side, Why: textTooEarly(side)})
	}
	l.measure(responseTime, side, one.took.Seconds(), checks.Seconds)
	if one.app > 0 {
		l.measure(appTime, side, one.app.Seconds(), checks.Seconds)
	}
	if one.direct > 0 && side == apiSide {
		l.measure(directTime, side, one.direct.Seconds(), checks.Seconds)
	}
}

// hung notes that nobody answers at all: how slow that is cannot be said, but
// the minute counts as slow.
func (l *looking) hung(side string) {
	l.memory.Hours[side] = mark(l.memory.Hours[side], l.began, true)
	l.seen.Blind = append(l.seen.Blind, checks.Blind{Code: slow, Subject: side, Why: textSideSilent(side)})
}

// markMinute notes whether this minute is a slow one, against what is normal,
// or against the last half hour while nothing is known to be.
func (l *looking) markMinute(side string, took, normal time.Duration) {
	if before := l.memory.Samples[side]; normal == 0 && len(before) >= fewest {
		normal = median(before).took
	}
	if isSlow, known := slowMinute(took, normal); known {
		l.memory.Hours[side] = mark(l.memory.Hours[side], l.began, isSlow)
	}
}

// everyHour finds that the same minutes of every hour are slow.
func (l *looking) everyHour(side string) {
	whole := watchedHours(l.memory.Hours[side], l.now)
	p, ok := recurring(whole)
	switch {
	case ok:
		l.memory.Hourly[side] = true
		l.seen.Findings = append(l.seen.Findings, checks.Finding{
			Code: hourly, Subject: side, Severity: checks.Warning, Road: checks.Morning,
			Text: textHourly(side, p), Advice: adviceHourly(),
		})
	case len(whole) >= fewHours:
		delete(l.memory.Hourly, side)
	case l.memory.Hourly[side]:
		l.seen.Blind = append(l.seen.Blind, checks.Blind{Code: hourly, Subject: side, Why: textTooEarly(side)})
	}
}
