// Measure is what .ci/bench runs: every measurement of the project, each beside
// its yardstick in the same run, against the real program in processes of its
// own and a Mastodon in memory on loopback. Nothing outside of this machine is
// asked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Exit statuses.
const (
	exitOK      = 0
	exitShort   = 1 // or it could not be measured
	exitUnknown = 2 // there is no such measurement
)

// A measurement is one name that can be asked for.
type measurement struct {
	name, what string
	// limit bounds the whole of it.
	limit time.Duration
	run   func(ctx context.Context, w *workshop) ([]verdict, error)
}

// measurements lists all, in the order in which they run.
func measurements() []measurement {
	return []measurement{
		{"start", "exec of the daemon to READY=1", 5 * time.Minute, measureStart},
		{"check", "one full `sababan check`", 5 * time.Minute, measureCheck},
		{"answer", "an admin's mention to the whole answer", 10 * time.Minute, measureAnswer},
		{"memory", "VmRSS of the daemon 60 s after the last of 10,000 ticks", 20 * time.Minute, measureMemory},
		{"database", "the database's time for the checks' questions, ten million posts", 40 * time.Minute, measureDatabase},
		{"federation", "2,000 suspects looked at", 5 * time.Minute, measureFederation},
		{"watch", "2,000 servers looked at every minute, and 10,000 every five", 20 * time.Minute, measureWatch},
		{"host", "the checks of one machine together, beside Nagios' plugins", 10 * time.Minute, measureHost},
		{"usage", "the walk over a million files beside du", 20 * time.Minute, measureUsage},
		{"chart", "400 days of a series as a picture", 5 * time.Minute, measureChart},
		{"status", "a status with 26 checks and 50 open incidents; the same and a chart in the state of a year", 15 * time.Minute, measureStatus},
	}
}

// A verdict is the last word on one figure.
type verdict struct {
	name, unit              string
	figure, yardstick, goal float64
}

func (v verdict) short() bool { return v.figure > v.goal }

func (v verdict) String() string {
	word := "ok"
	if v.short() {
		word = "short"
	}
	return fmt.Sprintf("%s: %.1f %s, yardstick %.1f, goal %g, %s", v.name, v.figure, v.unit, v.yardstick, v.goal, word)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("measure", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("dir", "", "an empty folder to work in; it is removed at the end")
	if err := flags.Parse(args); err != nil {
		return exitUnknown
	}
	if *dir != "" {
		defer os.RemoveAll(*dir)
	}
	chosen, err := choose(measurements(), flags.Args())
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUnknown
	}
	w, err := newWorkshop(*dir, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitShort
	}
	defer w.close()
	status := exitOK
	for _, m := range chosen {
		w.say("== %s: %s", m.name, m.what)
		w.sayMachine()
		limited, cancel := context.WithTimeout(ctx, m.limit)
		crowded := watchPressure()
		verdicts, err := m.run(limited, w)
		cancel()
		w.say("   %s", crowded())
		for _, v := range verdicts {
			w.say("%s", v)
			if v.short() {
				status = exitShort
			}
		}
		if err != nil {
			fmt.Fprintf(stderr, "%s: could not be measured: %v\n", m.name, err)
			status = exitShort
		}
		if ctx.Err() != nil {
			return exitShort
		}
	}
	return status
}

// choose picks what was asked for; all when nothing was.
func choose(all []measurement, names []string) ([]measurement, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []measurement
	for _, name := range names {
		i := slices.IndexFunc(all, func(m measurement) bool { return m.name == name })
		if i < 0 {
			known := make([]string, len(all))
			for i, m := range all {
				known[i] = m.name
			}
			return nil, errors.New("bench: there is no measurement " + fmt.Sprintf("%q", name) + "; there are: " + strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
