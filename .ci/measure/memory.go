package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	memoryTicks = 10_000
	memoryGoal  = 30 // MB; the requirement
	memoryRest  = 60 * time.Second
	// tickEvery is the distance of two looks of the same check while the ticks
	// are made; a check that takes longer looks as often as it can.
	tickEvery = 20 * time.Millisecond
)

// measureMemory lets the daemon tick 10,000 times, far faster than a
// configuration can say, gives it back its usual times by a SIGHUP, and looks a
// minute later. The yardstick is a bare Go program that has asked the same
// server as often.
func measureMemory(ctx context.Context, w *workshop) ([]verdict, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	fast := filepath.Join(dir, "fast")
	binary, err := w.hurried(ctx, fast)
	if err != nil {
		return nil, err
	}
	bare, err := w.floor(ctx, "loop")
	if err != nil {
		return nil, err
	}
	s, err := newStage(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer s.close()
	samples, err := grow(ctx, binary, s)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(fast, nil, 0o600); err != nil {
		return nil, err
	}
	floor, err := begin(ctx, append(s.env(), "ADDRESS="+s.webAt, "NAME="+watched, "ROOTS="+s.roots, "TIMES="+strconv.Itoa(memoryTicks)), bare)
	if err != nil {
		return nil, err
	}
	defer floor.kill()
	began := time.Now()
	daemon, _, err := startDaemon(ctx, binary, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = daemon.end() }()
	at, err := daemon.footprint()
	if err != nil {
		return nil, err
	}
	w.say("   state with %d samples; ready: %s", samples, at)
	for quarter := range 4 {
		goal := memoryTicks * (quarter + 1) / 4
		l, err := awaitLooks(ctx, daemon, s.state, 250*time.Millisecond, func(l looks) bool { return l.times >= goal })
		if err != nil {
			return nil, err
		}
		if at, err = daemon.footprint(); err != nil {
			return nil, err
		}
		w.say("   after %5d ticks, %3.0f s: %s", l.times, time.Since(began).Seconds(), at)
	}
	if err := errors.Join(os.Remove(fast), daemon.cmd.Process.Signal(syscall.SIGHUP)); err != nil {
		return nil, err
	}
	for !strings.Contains(floor.log.String(), "done") {
		if !pause(ctx, 100*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
	if !pause(ctx, memoryRest) {
		return nil, ctx.Err()
	}
	if at, err = daemon.footprint(); err != nil {
		return nil, fmt.Errorf("%w; the daemon's last words:\n%s", err, daemon.log)
	}
	below, err := floor.footprint()
	if err != nil {
		return nil, err
	}
	w.say("   60 s later:               %s", at)
	w.say("   a bare program:           %s", below)
	return []verdict{{"memory", "MB", at.rss, below.rss, memoryGoal}}, nil
}

// Where the times of a check enter the daemon. The program that is measured is
// the one that is released but for this: while a file is there, it ticks fast.
const (
	timesIn     = "cmd/sababan/daemon.go"
	timesAre    = "Times: one.Timetable"
	timesBecome = "Times: hurried(one.Timetable)"
)

// hurried builds the program with an overlay of its source.
func (w *workshop) hurried(ctx context.Context, file string) (string, error) {
	source, err := os.ReadFile(timesIn)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), timesAre); n != 1 {
		return "", fmt.Errorf("%s has %q %d times and not once: this measurement must follow it", timesIn, timesAre, n)
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	changed, added, overlay := filepath.Join(w.dir, "daemon.go"), filepath.Join(w.dir, "hurried.go"), filepath.Join(w.dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(here, timesIn):                                   changed,
		filepath.Join(here, filepath.Dir(timesIn), "hurried_bench.go"): added,
	}})
	if err != nil {
		return "", err
	}
	err = errors.Join(
		os.WriteFile(changed, []byte(strings.Replace(string(source), timesAre, timesBecome, 1)), 0o600),
		os.WriteFile(added, fmt.Appendf(nil, `package main

import (
	"os"

	"github.com/sababan/sababan/schedule"
)

func hurried(usual schedule.Timetable) schedule.Timetable {
	if _, err := os.Stat(%q); err != nil {
		return usual
	}
	return schedule.Every(%d)
}
`, file, tickEvery), 0o600),
		os.WriteFile(overlay, list, 0o600),
	)
	if err != nil {
		return "", err
	}
	return w.build(ctx, "sababan-hurried", "-overlay", overlay, "-trimpath", "-ldflags", "-s -w", "./cmd/sababan")
}
