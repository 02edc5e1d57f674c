package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	databaseTick       = 50  // ms of database time, issue
	databaseFederation = 500 // ms of database time, issue
	// sqlShown is how much of a statement is shown.
	sqlShown = 110
)

// federationWhole is the look that does everything that is due at some time at
// once, as the guest names it.
const federationWhole = "federation, everything"

// databaseTook is what the looks at the large database took, in milliseconds,
// one figure for each round.
type databaseTook struct {
	Told   []string
	Checks []struct {
		Name       string
		Calls      int
		Time       figures
		Processor  figures
		Statements []struct {
			SQL   string
			Calls int
			Time  figures
		}
	}
	ByHand  map[string]figures
	Scanned []string
	Scans   int
	ByHands int
}

// measureDatabase lets the checks that read Mastodon's database look at one of
// ten million posts, two million accounts and a thousand servers, which stays
// on disk between runs. Everything that is read is in memory, so that the
// database's time is what its processes use of a processor: that is judged, for
// by the clock it depends on what else this machine does. Each statement's is
// by the clock, as pg_stat_statements has it, planning included. The yardsticks
// are what an admin asks by hand: what the dashboard counts; and when each server
// was heard, and who follows where.
func measureDatabase(ctx context.Context, w *workshop) ([]verdict, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	test := filepath.Join(dir, "database.test")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", test, "./.ci/measure/database").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the looks: %w\n%s", err, out)
	}
	file := filepath.Join(dir, "out.json")
	cmd := exec.CommandContext(ctx, test, "-test.run=^TestMeasure$", "-test.timeout=29m")
	cmd.Env = append(os.Environ(), "SABABAN_BENCH_OUT="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the looks: %w\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var took databaseTook
	if err := json.Unmarshal(text, &took); err != nil {
		return nil, err
	}
	return w.databaseVerdicts(took), nil
}

func (w *workshop) databaseVerdicts(took databaseTook) []verdict {
	for _, line := range took.Told {
		w.say("   %s", line)
	}
	var tick, federation figures
	for _, c := range took.Checks {
		w.say("   %s: %d statements", c.Name, c.Calls)
		w.say("      processor:  %s", c.Processor)
		w.say("      statements: %s", c.Time)
		for _, s := range c.Statements {
			w.say("      %8.2f ms (least %.2f), %dx %s", s.Time.median(), s.Time.quantile(0), s.Calls, shortSQL(s.SQL))
		}
		switch {
		case c.Name == federationWhole:
			federation = c.Processor
		case !strings.HasPrefix(c.Name, "federation"):
			for i, t := range c.Processor {
				if i == len(tick) {
					tick = append(tick, 0)
				}
				tick[i] += t
			}
		}
	}
	w.say("   one tick of sidekiq, moderation, instance, mastodon (rules reads no database): %s", tick)
	w.say("   by hand, the dashboard's counts: %s", took.ByHand["tick"])
	w.say("   by hand, when each server was heard and who follows where: %s; %d large tables read from end to end", took.ByHand["federation"], took.ByHands)
	for _, plan := range took.Scanned {
		w.say("   read from end to end: %s", plan)
	}
	return []verdict{
		{"database", "ms of the database's processor time (median, one tick)", tick.median(), took.ByHand["tick"].median(), databaseTick},
		{"database federation", "ms of the database's processor time (median, all levels)", federation.median(), took.ByHand["federation"].median(), databaseFederation},
		{"database scans", "large tables read from end to end", float64(took.Scans + len(took.Scanned)), float64(took.ByHands), 0},
	}
}

// shortSQL is the part of a statement that tells it from others.
func shortSQL(sql string) string {
	if r := []rune(sql); len(r) > sqlShown {
		return string(r[:sqlShown]) + "…"
	}
	return sql
}
