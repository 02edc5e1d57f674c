package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

const (
	startTimes = 20
	startGoal  = 100 // ms; the requirement
)

// measureStart starts the daemon with no state, and with that of a fortnight.
// The yardstick is the start of a bare Go program that says READY=1 to the same
// socket; the figure the worse median of the two.
func measureStart(ctx context.Context, w *workshop) ([]verdict, error) {
	binary, err := w.sababan(ctx)
	if err != nil {
		return nil, err
	}
	bare, err := w.floor(ctx, "ready")
	if err != nil {
		return nil, err
	}
	dir, err := w.folder()
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
	if err := settle(ctx, binary, s); err != nil {
		return nil, err
	}
	old := filepath.Join(dir, "old.db")
	if err := os.Rename(s.state, old); err != nil {
		return nil, err
	}
	var floor, first, again figures
	for range startTimes {
		p, took, err := startReady(ctx, s.dir, s.env(), bare)
		if err != nil {
			return nil, err
		}
		<-p.ended
		floor.add(took)
		if took, err = startOnce(ctx, binary, s); err != nil {
			return nil, err
		}
		first.add(took)
		if err := copyFile(old, s.state); err != nil {
			return nil, err
		}
		if took, err = startOnce(ctx, binary, s); err != nil {
			return nil, err
		}
		again.add(took)
	}
	w.say("   a bare program:            %s", floor)
	w.say("   without a state:           %s", first)
	w.say("   with %6d samples:       %s", samples, again)
	return []verdict{{"start", "ms (median)", max(first.median(), again.median()), floor.median(), startGoal}}, nil
}

// settle lets a daemon run until every check has looked, so that its state
// holds all that one in use holds.
func settle(ctx context.Context, binary string, s *stage) error {
	p, _, err := startDaemon(ctx, binary, s)
	if err != nil {
		return err
	}
	kinds := 0
	seen, err := lookOnce(ctx, binary, s)
	if err == nil {
		kinds = len(seen.Checks)
		_, err = awaitLooks(ctx, p, s.state, 500*time.Millisecond, func(l looks) bool { return l.checks >= kinds })
	}
	return errors.Join(err, p.end())
}

// startOnce starts the daemon, ends it, and removes its state.
func startOnce(ctx context.Context, binary string, s *stage) (time.Duration, error) {
	p, took, err := startDaemon(ctx, binary, s)
	if err != nil {
		return 0, err
	}
	if err := p.end(); err != nil {
		return 0, err
	}
	return took, s.forget()
}

// forget removes the state.
func (s *stage) forget() error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(s.state + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
