package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// calmFile is the setting of the storm by which a test ends it: while a file of
// this name exists, all is well.
const calmFile = "CALM_FILE"

// stormPace makes a daemon live fast enough for something to happen between two
// kills.
func stormPace() pace {
	return pace{
		every: 80 * time.Millisecond, spread: 10 * time.Millisecond, poll: 300 * time.Millisecond, wake: 50 * time.Millisecond,
		grouping: 250 * time.Millisecond, patience: 1500 * time.Millisecond,
	}
}

// storm is a checklist of kinds whose findings come and go by the clock.
func storm(calm string) func(*site.Site) []checks.Kind {
	return func(*site.Site) []checks.Kind {
		var kinds []checks.Kind
		for _, name := range []string{"gale", "flood"} {
			kinds = append(kinds, checks.Kind{
				Name: name, Title: checks.Text{En: name, Ja: name}, Cron: "* * * * *", Timeout: 5 * time.Second,
				Graphs: []checks.Graph{{Measure: "speed", Title: checks.Text{En: "speed", Ja: "速さ"}}},
				Rules: map[string]checks.Rule{
					"gust": {Warning: checks.Looks{Open: 1, Resolve: 1}},
					"wave": {Warning: checks.Looks{Open: 2, Resolve: 2}, Critical: checks.Looks{Open: 1, Resolve: 2}},
				},
				New: func(checks.Table) (checks.Check, error) { return &weather{name, calm}, nil },
			})
		}
		return kinds
	}
}

type weather struct{ name, calm string }

// at is a number below 100 that holds for one period of the clock and looks
// like chance.
func (w *weather) at(now time.Time, period time.Duration, what string) int {
	h := fnv.New64a()
	fmt.Fprintln(h, w.name, what, now.UnixNano()/int64(period))
	return int(h.Sum64() >> 11 % 100)
}

func (w *weather) Look(context.Context, checks.Past) (checks.Observation, error) {
	seen := checks.Observation{
		Summary:  checks.Same("no more than a breeze"),
		Measures: []checks.Measure{{Name: "speed", Value: 12, Unit: checks.Count}},
	}
	switch _, err := os.Stat(w.calm); {
	case err == nil:
		return seen, nil
	case !errors.Is(err, os.ErrNotExist):
		return seen, err
	}
	now := time.Now()
	switch n := w.at(now, 200*time.Millisecond, "sight"); {
	case n < 6:
		return checks.Observation{}, errors.New("spray on the glass")
	case n < 9:
		panic("the mast fell")
	case n < 14:
		seen.Blind = []checks.Blind{{Code: "wave", Why: checks.Same("fog lies on the sea")}}
	}
	for i, subject := range []string{"north", "east of @mallory", "south", "west"} {
		for _, code := range []string{"gust", "wave"} {
			if len(seen.Blind) > 0 && code == "wave" {
				continue
			}
			period := time.Duration(1300+500*i) * time.Millisecond
			n := w.at(now, period, code+subject)
			f := checks.Finding{Code: code, Subject: subject, Severity: checks.Warning, Text: w.text(code, subject)}
			switch {
			case n < 55:
				continue
			case n < 63:
				f.Holds = true
			case n > 80:
				f.Severity = checks.Critical
			}
			seen.Findings = append(seen.Findings, f)
		}
	}
	return seen, nil
}

// text is long enough for some messages to be threads.
func (w *weather) text(code, subject string) checks.Text {
	return checks.Same(fmt.Sprintf("%s: a %s from the %s\n%s", w.name, code, subject,
		strings.Repeat("The masts bend, and what is not tied down goes overboard. ", 6)))
}
