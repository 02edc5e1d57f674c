package systemd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// toolLimit bounds the output of systemctl, in bytes: 200 units of 2 kB each,
// with room (own).
const toolLimit = 2 << 20

// tool asks by systemctl, whose output is for people: what it says is read in
// English and in UTC.
type tool struct{ host Host }

func (tool) close() {}

func (t tool) ask(ctx context.Context, words ...string) (string, error) {
	out, err := t.host.command(ctx, toolLimit, append([]string{"systemctl"}, words...)...)
	switch {
	case err != nil:
		return "", err
	case out.Code != 0:
		return "", fmt.Errorf("systemctl %s: exit status %d: %s", words[0], out.Code, checks.Quote(out.Trouble()))
	}
	return string(out.Out), nil
}

func (t tool) list(ctx context.Context, patterns []string) ([]Unit, error) {
	text, err := t.ask(ctx, append([]string{"list-units", "--all", "--plain", "--full", "--no-legend", "--no-pager", "--"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) >= 4 && len(units) < unitLimit {
			units = append(units, Unit{Name: f[0], Load: f[1], Active: f[2], Sub: f[3]})
		}
	}
	return units, nil
}

// shown are the properties that [fromTool] reads.
var shown = []string{
	"Id", "LoadState", "LoadError", "ActiveState", "SubState", "UnitFileState", "ActiveEnterTimestamp", "StateChangeTimestamp",
	"InactiveExitTimestamp", "InactiveEnterTimestamp", "ConditionTimestamp", "ConditionResult", "WantedBy", "RequiredBy",
	"UpheldBy", "TriggeredBy", "Result", "Type", "MainPID", "NRestarts", "ExecMainCode", "ExecMainStatus",
	"ExecMainStartTimestamp", "ExecMainExitTimestamp", "WorkingDirectory", "ExecStart", "Unit", "LastTriggerUSec",
	"NextElapseUSecRealtime", "RandomizedDelayUSec", "AccuracyUSec", "TimersCalendar", "TimersMonotonic",
}

func (t tool) read(ctx context.Context, names []string) ([]Unit, error) {
	names = names[:min(len(names), unitLimit)]
	words := append([]string{"show", "--no-pager", "-p", strings.Join(shown, ","), "--"}, names...)
	text, err := t.ask(ctx, words...)
	if err != nil {
		return nil, err
	}
	blocks := strings.Split(strings.TrimRight(text, "\n"), "\n\n")
	if len(blocks) != len(names) {
		return nil, fmt.Errorf("systemctl show: %d answers about %d units", len(blocks), len(names))
	}
	var units []Unit
	for i, block := range blocks {
		units = append(units, fromTool(names[i], block))
	}
	return units, nil
}

// fromTool reads one block of `systemctl show`.
func fromTool(name, block string) Unit {
	v := map[string][]string{}
	for line := range strings.Lines(block) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			v[key] = append(v[key], value)
		}
	}
	one := func(key string) string { return strings.Join(v[key], "") }
	at := func(key string) time.Time { return readInstant(one(key)) }
	number := func(key string) int {
		n, err := strconv.Atoi(one(key))
		if err != nil {
			return 0
		}
		return n
	}
	all := func(keys ...string) (names []string) {
		for _, key := range keys {
			names = append(names, strings.Fields(one(key))...)
		}
		return names
	}
	u := Unit{
		Name: name, Load: one("LoadState"), LoadError: afterBlank(one("LoadError")),
		Active: one("ActiveState"), Sub: one("SubState"), File: one("UnitFileState"),
		ActiveSince: at("ActiveEnterTimestamp"), ChangedAt: at("StateChangeTimestamp"),
		StartedAt: at("InactiveExitTimestamp"), StoppedAt: at("InactiveEnterTimestamp"),
		ConditionAt: at("ConditionTimestamp"), ConditionMet: one("ConditionResult") == "yes",
		WantedBy: all("WantedBy", "RequiredBy", "UpheldBy"), TriggeredBy: all("TriggeredBy"), Result: one("Result"),
	}
	switch {
	case strings.HasSuffix(name, ".service"):
		u.Service = Service{
			Type: one("Type"), PID: number("MainPID"), Restarts: number("NRestarts"),
			ExitKind: number("ExecMainCode"), ExitStatus: number("ExecMainStatus"),
			RanAt: at("ExecMainStartTimestamp"), ExitAt: at("ExecMainExitTimestamp"),
			Directory: strings.TrimPrefix(one("WorkingDirectory"), "!"),
		}
		if rows := v["ExecStart"]; len(rows) > 0 {
			u.Exec = strings.Fields(field(rows[0], "argv[]"))
		}
	case strings.HasSuffix(name, ".timer"):
		u.Timer = Timer{
			Activates: one("Unit"), Last: at("LastTriggerUSec"), Next: at("NextElapseUSecRealtime"),
			Delay: readSpan(one("RandomizedDelayUSec")), Accuracy: readSpan(one("AccuracyUSec")),
		}
		for _, row := range v["TimersCalendar"] {
			if s := field(row, "OnCalendar"); s != "" {
				u.Calendar = append(u.Calendar, s)
			}
		}
		for _, row := range v["TimersMonotonic"] {
			for _, base := range []string{"OnUnitActiveUSec", "OnUnitInactiveUSec"} {
				u.Repeats = shorter(u.Repeats, readSpan(field(row, base)))
			}
		}
	}
	return u
}

// field reads one field of "{ name=value ; name=value }".
func field(row, name string) string {
	row = strings.TrimSuffix(strings.TrimPrefix(row, "{ "), " }")
	for part := range strings.SplitSeq(row, " ; ") {
		if value, ok := strings.CutPrefix(part, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// afterBlank is the message of "name.of.the.error message".
func afterBlank(s string) string {
	_, message, _ := strings.Cut(s, " ")
	return strings.Trim(message, `"`)
}

// readInstant reads "Tue 2026-11-24 00:00:00 UTC"; "n/a" and "" are never.
func readInstant(s string) time.Time {
	t, err := time.Parse("Mon 2006-01-02 15:04:05 MST", s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// spanUnits are the units in which systemd writes a length of time; a month is
// a twelfth of a year of 365.25 days.
var spanUnits = []struct {
	name string
	size time.Duration
}{
	{"month", 2629800 * time.Second},
	{"min", time.Minute},
	{"ms", time.Millisecond},
	{"us", time.Microsecond},
	{"y", 31557600 * time.Second},
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"s", time.Second},
}

// longest is the longest time that is told apart from a longer one (own).
const longest = 200 * 366 * 24 * time.Hour

// readSpan reads "1d 12h", "1month 2d", "1.5s"; what it does not know is 0.
func readSpan(s string) time.Duration {
	var total time.Duration
	for word := range strings.FieldsSeq(s) {
		i := strings.IndexFunc(word, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i <= 0 {
			return 0
		}
		n, err := strconv.ParseFloat(word[:i], 64)
		if err != nil {
			return 0
		}
		unit := strings.TrimSuffix(word[i:], "s")
		if unit == "" || unit == "m" || unit == "u" { // "s", "ms", "us" have lost theirs
			unit = word[i:]
		}
		known := false
		for _, u := range spanUnits {
			if u.name == unit {
				if n*float64(u.size) > float64(longest-total) {
					return longest // "infinity", in as many words
				}
				total += time.Duration(n * float64(u.size))
				known = true
				break
			}
		}
		if !known {
			return 0
		}
	}
	return total
}
