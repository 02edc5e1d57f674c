package streaming

import (
	"context"
	"time"

	"github.com/sababan/sababan/checks"
)

// idleDue tells whether it is time to hold a connection without traffic: once a
// night, or again an hour after one was found wanting; only where all else is
// well and there is the time.
func (c *check) idleDue(ctx context.Context, s sight, m memory, thorough, known bool) bool {
	if thorough || !known || s.socket.state != alive || m.Token != noFault || !m.Event.Bad.IsZero() || c.config.Post && m.Event.State != arrived {
		return false
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < c.pace.hold+2*c.pace.brief {
		return false
	}
	return idleTime(time.Now(), m.Idle, c.pace)
}

// idleTime is the part of it that the clock decides.
func idleTime(now time.Time, last idleMemo, p pace) bool {
	age := now.Sub(last.At)
	night := now.Hour() >= p.nightBegins && now.Hour() < p.nightEnds
	switch {
	case last.At.IsZero() || age < 0:
		return night
	case last.Early:
		return false // every look sees it
	case last.State != idleWell:
		return age >= p.retest
	}
	return night && age >= 12*time.Hour
}

// hold keeps a connection without traffic, as a browser in the background does,
// and then looks whether it still hears. It ends at once when something else
// falls ill. It tells whether the levels should be looked at anew.
func (c *check) hold(ctx context.Context, s sight, m *memory) bool {
	token, err := c.token(ctx)
	if err != nil {
		return false
	}
	lived, state, event := c.holdOne(ctx, s, token, c.pace.hold, m)
	if state == idleCut {
		// A restart cuts everything once; what cuts twice is in the way.
		again, second, _ := c.holdOne(ctx, s, token, min(c.pace.short, lived+lived/2+c.pace.ping), m)
		if second != idleCut {
			state = idleWell
		}
		lived = max(lived, again)
	}
	switch {
	case lived <= 0:
		return true // given up: something else is wrong
	case state == idleDeaf:
		// A fresh connection shows whether it is the idle one alone.
		m.Idle = idleMemo{At: time.Now(), State: idleDeaf, Lived: lived}
		if l, _ := c.open(ctx, s.base, token); l != nil {
			fresh := c.cause(ctx, l, token, m)
			l.close()
			m.Event = m.Event.then(fresh)
			if fresh.State != arrived {
				m.Idle = idleMemo{At: m.Idle.At}
			}
		}
	case state == idleCut && lived < c.pace.short:
		m.Idle = idleMemo{At: time.Now(), State: idleCut, Lived: lived}
	default:
		m.Idle = idleMemo{At: time.Now(), Lived: lived}
		if event.State == arrived {
			m.Event = m.Event.then(event)
		}
	}
	return true
}

// holdOne holds one connection, and tells how long it lived; 0 where it was
// given up because the server fell ill.
func (c *check) holdOne(ctx context.Context, s sight, token checks.Secret, long time.Duration, m *memory) (time.Duration, idling, eventMemo) {
	l, _ := c.open(ctx, s.base, token)
	if l == nil {
		return 0, idleWell, eventMemo{}
	}
	defer l.close()
	enough := time.NewTimer(long)
	defer enough.Stop()
	beat := time.NewTicker(c.pace.beat)
	defer beat.Stop()
	for {
		select {
		case <-enough.C:
			if long < c.pace.hold || !c.config.Post {
				return time.Since(l.opened), idleWell, eventMemo{}
			}
			lived := time.Since(l.opened)
			e := c.cause(ctx, l, token, m)
			if e.State == missing {
				return lived, idleDeaf, e
			}
			return lived, idleWell, e
		case <-l.ended:
			if ctx.Err() != nil {
				return 0, idleWell, eventMemo{}
			}
			return l.endedAt.Sub(l.opened), idleCut, eventMemo{}
		case <-l.pinged:
			// Traffic that the server makes itself; people's browsers have it too.
		case <-beat.C:
			if o := c.askPublic(ctx, s.base); o.state == ill {
				return 0, idleWell, eventMemo{}
			}
			for _, p := range s.ports {
				if now := c.askPort(ctx, p.port); p.state == well && now.state == ill {
					return 0, idleWell, eventMemo{}
				}
			}
		case <-ctx.Done():
			return 0, idleWell, eventMemo{}
		}
	}
}
