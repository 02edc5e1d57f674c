package bot

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A Heartbeat is a service that calls somebody when it hears nothing any more.
type Heartbeat interface {
	// Beat tells it one thing. The error shows no address.
	Beat(ctx context.Context, p Pulse, body string) error
}

// A Pulse is what a [Heartbeat] is told.
type Pulse string

// The pulses, as healthchecks.io has them.
const (
	PulseStart   Pulse = "start"
	PulseSuccess Pulse = ""
	PulseFail    Pulse = "fail"
)

const (
	// heartbeatEvery is how often a pulse is given (defaults; the service should
	// wait 15 minutes).
	heartbeatEvery = 5 * time.Minute
	// beatPatience bounds one pulse, staleClock is how long ago the clock of the
	// checks may have turned (own; it naps for 15 s at most).
	beatPatience = 15 * time.Second
	staleClock   = 45 * time.Second
)

// runHeartbeat gives a pulse after each round, until ctx ends: that all looked
// that was due, and that what there is to say gets out. An ill server is no
// failure: alarms tell of that, and this is about whether there would be any.
func (b *Bot) runHeartbeat(ctx context.Context) {
	b.pulse(ctx, PulseStart, "")
	said := ""
	for {
		timer := time.NewTimer(b.o.HeartbeatEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		now := time.Now()
		behind, err := b.o.Schedule.Behind(ctx, now)
		if ctx.Err() != nil {
			return
		}
		p, body := pulseOf(pulse{
			behind: behind, unread: err != nil, clock: b.o.Schedule.Beat(), health: b.out.Health(), outage: b.homeState().Failing,
			after: b.o.RelayAfter, relayed: b.otherWayWorks(ctx),
		}, now)
		if body != said {
			b.log.Info("what the heartbeat says", "pulse", string(p), "body", body)
		}
		said = body
		b.pulse(ctx, p, body)
	}
}

func (b *Bot) pulse(ctx context.Context, p Pulse, body string) {
	ctx, cancel := context.WithTimeout(ctx, beatPatience)
	defer cancel()
	if err := b.o.Heartbeat.Beat(ctx, p, body); err != nil && ctx.Err() == nil {
		b.log.Warn("the heartbeat was not heard", "err", err)
	}
}

// otherWayWorks tells whether some other way out works.
func (b *Bot) otherWayWorks(ctx context.Context) bool {
	if b.relay == nil {
		return false
	}
	s := standing{now: time.Now()}
	if err := b.standingDeeds(ctx, &s); err != nil {
		return false
	}
	for _, w := range s.ways {
		if w.failed.IsZero() && !w.tested.IsZero() {
			return true
		}
	}
	return false
}

// pulse is what bears on whether the bot does its work.
type pulse struct {
	behind  []string // checks that should have looked and have not
	unread  bool     // that could not be read
	clock   time.Time
	health  Health
	outage  time.Time // since when the home takes nothing
	after   time.Duration
	relayed bool // another way works
}

// pulseOf decides what the heartbeat is told.
func pulseOf(p pulse, now time.Time) (Pulse, string) {
	var why []string
	if p.clock.IsZero() || now.Sub(p.clock) > staleClock {
		why = append(why, "the clock of the checks stands still")
	}
	if p.unread {
		why = append(why, "my state cannot be read")
	}
	if len(p.behind) > 0 {
		why = append(why, "not looked at in time: "+strings.Join(p.behind, ", "))
	}
	if !p.outage.IsZero() && now.Sub(p.outage) >= p.after && !p.relayed {
		why = append(why, fmt.Sprintf("messages do not get through since %s (%d wait), and no other way works", p.outage.UTC().Format("15:04 MST"), p.health.Waiting))
	}
	if len(why) > 0 {
		return PulseFail, strings.Join(why, "; ")
	}
	return PulseSuccess, ""
}
