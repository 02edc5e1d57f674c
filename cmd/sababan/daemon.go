package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/watch"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/state"
)

// A daemon is the schedule and the bot over one state: everything that runs
// between two readings of the configuration.
type daemon struct {
	schedule *schedule.Schedule
	bot      *bot.Bot
	site     *site.Site
}

// outside is what a daemon needs besides its configuration.
type outside struct {
	db      *state.DB
	home    bot.Home
	channel bot.Channel
	away    away
	log     *slog.Logger
	// spread, poll, wake and grouping are 0 for what is usual.
	spread, poll, wake, grouping time.Duration
}

func newDaemon(c *Config, o outside) *daemon {
	var jobs []schedule.Job
	var missing, off []checks.Kind
	needs := map[string]string{}
	for _, one := range c.Checks {
		switch {
		case !one.Enabled:
			off = append(off, one.Kind)
		case one.NotSetUp != nil:
			missing = append(missing, one.Kind)
			needs[one.Kind.Name] = one.NotSetUp.Setting
		default:
			jobs = append(jobs, schedule.Job{Kind: one.Kind, Check: one.Check, Times: one.Timetable, Timeout: one.Timeout})
		}
	}
	d := &daemon{site: c.Site}
	d.schedule = schedule.New(schedule.Options{
		Host: c.Host, Jobs: jobs, DB: o.db, Log: o.log, Spread: o.spread,
		News: func() { d.bot.News() },
	})
	d.bot = bot.New(bot.Options{
		Site: placeName(c), Home: o.home, Channel: o.channel, Schedule: d.schedule, DB: o.db, Log: o.log,
		Admins: c.Bot.Admins, NotSetUp: missing, Needs: needs, Off: off, PollEvery: o.poll, WakeEvery: o.wake,
		Grouping: o.grouping, Beat: beatOf(c), Summary: summaryOptions(c),
		Ways: o.away.ways, WaysLang: c.Bot.Language, WaysZone: c.Bot.Zone, HomeWatched: homeWatched(c),
		Heartbeat: o.away.heartbeat, HeartbeatEvery: o.away.beat, RelayAfter: o.away.relay, CatchUpAfter: o.away.catchUp,
	})
	return d
}

// beatOf is what friends read of this bot; nil where that is not wanted.
func beatOf(c *Config) *bot.Beat {
	if !c.Bot.HeartbeatField {
		return nil
	}
	return &bot.Beat{Field: watch.BeatField, Form: watch.Beat, Every: watch.BeatEvery}
}

// run ends when ctx does, or when the bot cannot work as it is set up.
func (d *daemon) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var both sync.WaitGroup
	var errs [2]error
	both.Go(func() {
		defer stop()
		errs[0] = d.schedule.Run(ctx)
	})
	both.Go(func() {
		defer stop()
		errs[1] = d.bot.Run(ctx)
	})
	both.Wait()
	d.site.Close()
	return errors.Join(errs[:]...)
}
