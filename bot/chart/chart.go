// Package chart draws a measure over time as a picture that can be read on a
// phone, and says the same in words for those who do not see it.
package chart

import (
	"errors"
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

// A Chart is one measure over a span of time, as it is shown and told. Whatever
// comes from outside in a text has been quoted before.
type Chart struct {
	// Title says of what, in one line: "disk: / used". It is cut where it is
	// wider than the picture, at about fifty Latin letters or twenty-five kanji.
	Title checks.Text
	// Unit is that of all values: [checks.Bytes], [checks.Seconds],
	// [checks.Ratio] or [checks.Count]. Sizes are written in powers of 1024.
	Unit string
	// Samples are the values, oldest first. Where they stop coming for longer
	// than two and a half times their own rhythm, and where a value is no finite
	// number, the line is broken. Those outside of the span are left out.
	Samples []checks.Sample
	// Normal is what was usual, oldest first; empty where that is not known.
	Normal []Usual
	// Thresholds are values at which something is told.
	Thresholds []Threshold
	// From and To are the span.
	From, To time.Time
	// Over says that the span is past, as in a summary: its last value is not
	// told as the present one, and the median is told instead.
	Over bool
	// Last tells the last value of such a span after all: that of a count which
	// goes back over a time before it.
	Last bool
}

// Usual is what was usual from an instant on, until the next one's. The first
// holds for the time before it, too, so that one is enough for a band that does
// not change.
type Usual struct {
	From time.Time
	checks.Band
}

// A Threshold is a value beyond which something is told.
type Threshold struct {
	Label    checks.Text // "warning", 「注意」
	Severity checks.Severity
	Value    float64
	Below    bool // the trouble is below it and not above
}

// A Page is how charts are drawn, and for whom.
type Page struct {
	// Reader has the language, the zone in which days begin, and the time at
	// which it is read.
	Reader checks.Reader
	Dark   bool
	// Japanese is a font with Japanese letters; nil: the picture is in English,
	// whatever the reader's language. The words beside it are in the reader's.
	Japanese *Font
}

// A Picture is what can be posted.
type Picture struct {
	PNG []byte // 1280 by 720 pixels, opaque
	Alt string // the same in words, in the reader's language
	// Lang is the language of the letters in the picture.
	Lang checks.Lang
}

var (
	errCharts = errors.New("chart: one or two charts make a picture")
	errSpan   = errors.New("chart: the span ends before it begins, or is longer than ten years")
)

// Draw draws one chart, or two small ones below each other.
func (p Page) Draw(charts ...Chart) (Picture, error) {
	if len(charts) < 1 || len(charts) > 2 {
		return Picture{}, errCharts
	}
	figures := make([]figure, len(charts))
	for i, c := range charts {
		if !c.From.Before(c.To) || c.To.After(c.From.AddDate(10, 0, 0)) {
			return Picture{}, errSpan
		}
		figures[i] = read(c)
	}
	if p.Reader.Zone == nil {
		p.Reader.Zone = time.UTC
	}
	alt := altOf(figures).Read(p.Reader)
	if p.Japanese == nil {
		p.Reader.Lang = checks.English
	}
	image, err := p.paint(figures)
	if err != nil {
		return Picture{}, fmt.Errorf("chart: %w", err)
	}
	return Picture{PNG: image, Alt: alt, Lang: p.Reader.Lang}, nil
}
