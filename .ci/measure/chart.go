package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"image/png"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"github.com/sababan/sababan/bot/chart"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/history"
	"github.com/sababan/sababan/schedule/state"
)

const (
	chartDays  = 400
	chartTimes = 20
	chartGoal  = 300 // ms; the requirement
)

// measureChart draws 400 days of one series out of 20 from a state, with what
// is usual and a threshold, as an admin's question for a picture does. The
// yardstick is image/png alone, writing the same picture.
func measureChart(ctx context.Context, w *workshop) ([]verdict, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	db, err := state.Open(ctx, filepath.Join(dir, "state.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	took, bare, err := drawOften(ctx, w, db, now)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	w.say("   chart:     %s", took)
	w.say("   image/png: %s", bare)
	return []verdict{{"chart", "ms (p95)", took.p95(), bare.p95(), chartGoal}}, nil
}

func drawOften(ctx context.Context, w *workshop, db *state.DB, now time.Time) (took, bare figures, err error) {
	book := history.NewBook(db)
	if err := fillYear(ctx, db, book, now); err != nil {
		return nil, nil, err
	}
	var picture chart.Picture
	for range chartTimes {
		began := time.Now()
		from := now.AddDate(0, 0, -chartDays)
		drawn, err := book.View("bench", "disk").Drawn("used", "/", from, now)
		if err != nil {
			return nil, nil, err
		}
		c := chart.Chart{
			Title: checks.Text{En: "disk: / used", Ja: "ディスク / の使用率"}, Unit: checks.Ratio, Samples: drawn.Samples, From: from, To: now,
			Thresholds: []chart.Threshold{{Label: checks.Text{En: "warning", Ja: "注意"}, Severity: checks.Warning, Value: 0.85}},
		}
		for _, u := range drawn.Normal {
			c.Normal = append(c.Normal, chart.Usual{From: u.From, Band: u.Band})
		}
		font, lang := chart.FindJapanese(), checks.Japanese
		if font == nil {
			lang = checks.English
		}
		page := chart.Page{Reader: checks.Reader{Lang: lang, Zone: time.UTC, Now: now}, Japanese: font}
		picture, err = page.Draw(c)
		if err := errors.Join(err, font.Close()); err != nil {
			return nil, nil, err
		}
		took.add(time.Since(began))
		if least := chartDays*24 - 24; len(drawn.Samples) < least {
			return nil, nil, fmt.Errorf("the state gave %d samples back and not %d", len(drawn.Samples), least)
		}
	}
	w.say("   %d kB of PNG, letters in %q", len(picture.PNG)/1000, picture.Lang)
	m, err := png.Decode(bytes.NewReader(picture.PNG))
	if err != nil {
		return nil, nil, err
	}
	for range chartTimes {
		began := time.Now()
		if err := png.Encode(new(bytes.Buffer), m); err != nil {
			return nil, nil, err
		}
		bare.add(time.Since(began))
	}
	return took, bare, nil
}

// fillYear gives the state the past of 20 series: by the hour, and every five
// minutes for the last fortnight.
func fillYear(ctx context.Context, db *state.DB, book *history.Book, now time.Time) error {
	at := now.AddDate(0, 0, -chartDays)
	for at.Before(now) {
		err := db.Write(ctx, func(tx *sql.Tx) error {
			for end := at.AddDate(0, 0, 10); at.Before(end) && at.Before(now); {
				days := float64(at.Unix()) / 86400
				measures := make([]checks.Measure, 20)
				for i := range measures {
					subject := "/"
					if i > 0 {
						subject = fmt.Sprintf("/srv/%d", i)
					}
					value := 0.6 + 0.1*math.Sin(days/30+float64(i)) + 0.01*math.Sin(2*math.Pi*days) + 0.002*math.Sin(days*97)
					measures[i] = checks.Measure{Name: "used", Subject: subject, Value: value, Unit: checks.Ratio}
				}
				if err := book.Append(tx, "bench", "disk", measures, at); err != nil {
					return err
				}
				if at = at.Add(time.Hour); now.Sub(at) < pastDays*24*time.Hour {
					at = at.Add(5*time.Minute - time.Hour)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("giving the state a past: %w", err)
		}
	}
	// Each call does a part of it.
	for range 20 {
		if err := book.Compact(ctx, now); err != nil {
			return err
		}
	}
	return nil
}
