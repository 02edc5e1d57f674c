package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/state"
)

func newRunCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Runs the daemon: looks by the clock, tells the admins, answers them",
		Args:  noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			hup := make(chan os.Signal, 1)
			signal.Notify(hup, syscall.SIGHUP)
			defer signal.Stop(hup)
			return runDaemon(cmd.Context(), env, configPath(path, env.config), hup)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "the configuration (default "+env.config+")")
	return cmd
}

// Memory of the daemon: it watches machines that are short of it. The limit is
// soft; a quarter of what its unit allows.
const (
	gcPercent   = 40
	memoryLimit = 32 << 20
)

// runDaemon runs until ctx ends. A SIGHUP takes a new configuration, or keeps
// the old one and says why.
func runDaemon(ctx context.Context, env environment, path string, hup <-chan os.Signal) error {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	c, err := readyConfig(env, path)
	if err != nil {
		return err
	}
	log := newLog(env.stderr, env.getenv, c.Log)
	db, err := state.Open(ctx, c.State.Path, log)
	if err != nil {
		return fmt.Errorf("[state] path: %w", err)
	}
	defer func() { closeState(db, log) }()
	told := false
	for ctx.Err() == nil {
		home, err := newHome(c, env.pace, log)
		if err != nil {
			return err
		}
		away, err := newAway(c, env.pace, log)
		if err != nil {
			return err
		}
		d := newDaemon(c, outside{
			db: db, home: home, channel: home, away: away, log: log,
			spread: env.pace.spread, poll: env.pace.poll, wake: env.pace.wake, grouping: env.pace.grouping,
		})
		turnCtx, stop := context.WithCancel(ctx)
		var turn sync.WaitGroup
		var turnErr error
		turn.Go(func() {
			defer stop()
			turnErr = d.run(turnCtx)
		})
		first := !told
		turn.Go(func() { notify(turnCtx, d, log, first) })
		turn.Go(func() { serveMetrics(turnCtx, c.Metrics, d, home, log) })
		told = true
		next := awaitConfig(turnCtx, env, path, c, hup, log)
		stop()
		turn.Wait()
		home.Close()
		if turnErr != nil {
			return turnErr
		}
		if next == nil {
			break
		}
		if next.State.Path != c.State.Path {
			other, err := state.Open(ctx, next.State.Path, log)
			if err != nil {
				log.Error("the new state cannot be opened; the old one is kept", "err", err)
				next.State = c.State
			} else {
				closeState(db, log)
				db = other
			}
		}
		c = next
	}
	log.Info("stopped")
	return nil
}

func closeState(db *state.DB, log *slog.Logger) {
	if err := db.Close(); err != nil {
		log.Error("the state could not be closed", "err", err)
	}
}

// readyConfig reads a configuration that a daemon can run with.
func readyConfig(env environment, path string) (*Config, error) {
	c, err := loadConfig(path, env.checklist, env.getenv)
	if err != nil {
		return nil, err
	}
	if err := c.NeedBot(); err != nil {
		return nil, err
	}
	if err := c.openFallbacks(); err != nil {
		return nil, err
	}
	if !c.State.URL.Empty() {
		return nil, errors.New("[state] url: a state outside of this machine is not supported; use [state] path")
	}
	if env.pace.every > 0 {
		for i := range c.Checks {
			c.Checks[i].Timetable = schedule.Every(env.pace.every)
		}
	}
	return c, nil
}

func newHome(c *Config, p pace, log *slog.Logger) (*mastodon.Mastodon, error) {
	token, err := c.Token()
	if err != nil {
		return nil, err
	}
	home, err := mastodon.New(mastodon.Options{Server: c.Bot.Server, Token: token, UserAgent: userAgent(), Patience: p.patience, Log: log})
	if err != nil {
		return nil, fmt.Errorf("[bot] server: %w", err)
	}
	return home, nil
}

// awaitConfig waits for the end of ctx (nil) or for a new configuration that
// can be run with.
func awaitConfig(ctx context.Context, env environment, path string, old *Config, hup <-chan os.Signal, log *slog.Logger) *Config {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
		}
		next, err := readyConfig(env, path)
		if err == nil {
			_, err = newHome(next, env.pace, log)
		}
		if err == nil {
			_, err = newAway(next, env.pace, log)
		}
		if err != nil {
			log.Error("the new configuration is not taken; the old one goes on", "file", path, "err", err)
			continue
		}
		log.Info("the new configuration is taken", "file", path, "checks", len(next.Checks), "before", len(old.Checks))
		return next
	}
}

// staleBeat: a clock that has not turned for so long does not turn. It naps for
// fifteen seconds at most.
const staleBeat = 45 * time.Second

// notify tells systemd when the clock turns, and feeds its watchdog for as long
// as it really does.
func notify(ctx context.Context, d *daemon, log *slog.Logger, first bool) {
	select {
	case <-d.schedule.Ready():
	case <-ctx.Done():
		return
	}
	if first {
		log.Info("ready")
	}
	if _, err := systemd.SdNotify(false, systemd.SdNotifyReady); err != nil {
		log.Error("systemd could not be told", "err", err)
	}
	every, err := systemd.SdWatchdogEnabled(false)
	if err == nil && every > 0 {
		feed(ctx, d, every/4)
	}
}

func feed(ctx context.Context, d *daemon, every time.Duration) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		if time.Since(d.schedule.Beat()) < staleBeat {
			_, _ = systemd.SdNotify(false, systemd.SdNotifyWatchdog) // a lost one is followed by the next
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

var (
	_ bot.Home    = (*mastodon.Mastodon)(nil)
	_ bot.Channel = (*mastodon.Mastodon)(nil)
)
