package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/fallback"
)

// away is what leaves the machine besides what goes to the bot's home.
type away struct {
	ways      []bot.Way
	heartbeat bot.Heartbeat // nil where there is none
	// beat, relay and catchUp are 0 for what is usual.
	beat, relay, catchUp time.Duration
}

// newAway makes the other ways out and the heartbeat; none where nothing may
// leave this machine.
func newAway(c *Config, p pace, log *slog.Logger) (away, error) {
	a := away{beat: p.beat, relay: p.relay, catchUp: p.catchUp}
	if c.Offline {
		return a, nil
	}
	o := fallback.Options{UserAgent: userAgent(), Host: c.Host, SecretFile: c.Site.SecretFile, Patience: p.patience, Log: log}
	for i, address := range c.Bot.Fallbacks {
		w, err := fallback.New(address, o)
		if err != nil {
			return away{}, fmt.Errorf("[[bot.fallback]] %d url: %w", i+1, err)
		}
		if fallback.InTheClear(address) {
			log.Warn("messages to this way can be read by whoever stands between", "way", w.Name())
		}
		a.ways = append(a.ways, w)
	}
	if !c.Bot.HeartbeatURL.Empty() {
		h, err := fallback.NewHeartbeat(c.Bot.HeartbeatURL, o)
		if err != nil {
			return away{}, fmt.Errorf("[bot] heartbeat_url: %w", err)
		}
		a.heartbeat = h
	}
	return a, nil
}

// homeWatched tells whether the bot's account lives on the server that is
// watched.
func homeWatched(c *Config) bool {
	u, err := url.Parse(c.Bot.Server)
	return err == nil && c.Site.Domain != "" && strings.EqualFold(u.Hostname(), c.Site.Domain)
}
