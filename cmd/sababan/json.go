package main

import (
	"encoding/json"
	"io"
	"math"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// The object that `check --json` prints. Others build on it: names and meanings
// stay. Absent strings are "", lists are never null, times are RFC 3339.
type jsonReport struct {
	Time     string      `json:"time"`
	Host     string      `json:"host"`
	Version  string      `json:"version"`
	Severity string      `json:"severity"` // ok, unknown, warning, critical
	Checks   []jsonCheck `json:"checks"`
}

type jsonCheck struct {
	Name     string        `json:"name"`
	Title    string        `json:"title"`
	Host     string        `json:"host"`     // "" for a check of the whole Mastodon
	Severity string        `json:"severity"` // also not-set-up
	Summary  string        `json:"summary"`
	Error    string        `json:"error"` // why nothing at all was seen
	Started  string        `json:"started"`
	TookMS   int64         `json:"took_ms"`
	Measures []jsonMeasure `json:"measures"`
	Findings []jsonFinding `json:"findings"`
	Blind    []jsonBlind   `json:"blind"`
	Needs    string        `json:"needs"` // the setting that is missing
}

type jsonMeasure struct {
	Name    string  `json:"name"`
	Subject string  `json:"subject"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"` // B, s, ratio, count
}

type jsonFinding struct {
	Code     string `json:"code"`
	Subject  string `json:"subject"`
	Severity string `json:"severity"`
	Road     string `json:"road"` // now, morning, week
	Harm     string `json:"harm"` // when damage begins
	Text     string `json:"text"`
	Advice   string `json:"advice"` // words, then commands, a line each
}

type jsonBlind struct {
	Code    string `json:"code"`
	Subject string `json:"subject"`
	Why     string `json:"why"`
	Mend    string `json:"mend"`
}

// severityNotSetUp is the severity of a check that could not be made.
const severityNotSetUp = "not-set-up"

func writeJSON(w io.Writer, r checks.Reader, host string, looks []look) error {
	report := jsonReport{
		Time: stamp(r.Now, r.Zone), Host: host, Version: programVersion(),
		Severity: overall(looks).String(), Checks: []jsonCheck{},
	}
	for _, l := range looks {
		report.Checks = append(report.Checks, jsonOf(l, r))
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(report)
}

func jsonOf(l look, r checks.Reader) jsonCheck {
	say := func(t checks.Text) string { return printable(t.Read(r)) }
	c := jsonCheck{
		Name: l.Kind.Name, Title: say(l.Kind.Title),
		Measures: []jsonMeasure{}, Findings: []jsonFinding{}, Blind: []jsonBlind{},
	}
	if l.NotSetUp != nil {
		c.Severity, c.Needs = severityNotSetUp, l.NotSetUp.Setting
		return c
	}
	seen := l.Result
	c.Host, c.Severity, c.Summary = seen.Host, seen.Severity().String(), say(seen.Summary)
	c.Started, c.TookMS = stamp(seen.Started, r.Zone), seen.Took.Milliseconds()
	if why, advice := checks.Explain(seen.Err); !why.Empty() {
		c.Error = joinLines(say(why), adviceLines(advice, say))
	}
	for _, m := range seen.Measures {
		if !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) { // JSON has no such numbers
			c.Measures = append(c.Measures, jsonMeasure(m))
		}
	}
	// What holds opens nothing, and here nothing is open.
	for _, f := range bySeverity(seen.Findings) {
		j := jsonFinding{
			Code: f.Code, Subject: f.Subject, Severity: f.Severity.String(), Road: f.Road.String(),
			Text: say(f.Text), Advice: adviceLines(f.Advice, say),
		}
		if !f.Harm.IsZero() {
			j.Harm = stamp(f.Harm, r.Zone)
		}
		c.Findings = append(c.Findings, j)
	}
	for _, b := range seen.Blind {
		c.Blind = append(c.Blind, jsonBlind{
			Code: b.Code, Subject: b.Subject, Why: say(b.Why), Mend: adviceLines(b.Mend, say),
		})
	}
	return c
}

// adviceLines are the words and the commands, a line each.
func adviceLines(a checks.Advice, say func(checks.Text) string) string {
	lines := []string{say(a.Text), a.Look.String()}
	for _, m := range a.Mend {
		lines = append(lines, m.String())
	}
	return joinLines(lines...)
}

func joinLines(lines ...string) string {
	var kept []string
	for _, l := range lines {
		if l != "" {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

func stamp(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02T15:04:05.000Z07:00")
}
