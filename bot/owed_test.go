package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// TestEveryAlertThatWasDeliveredGetsItsEnd: through everything that an admin may
// say about it, and through restarts, once; and none for what nobody was told.
func TestEveryAlertThatWasDeliveredGetsItsEnd(t *testing.T) {
	say := func(text string) func(*world) {
		return func(w *world) {
			if _, err := w.server.Say(w.alice, "@saba "+text, sandbox.SayOptions{}); err != nil {
				w.t.Fatal(err)
			}
			w.pass(12 * time.Second)
		}
	}
	restart := func(w *world) {
		w.stop()
		w.pass(time.Minute)
		w.start()
		w.pass(10 * time.Second)
	}
	for _, c := range []struct {
		name     string
		severity checks.Severity
		// before happens before it is so, between while it is so and told, or would be.
		before, between []func(*world)
		at              int // the hour in which it begins
		lasts           time.Duration
		told            bool
	}{
		{name: "told, and over", severity: checks.Critical, at: 12, lasts: time.Hour, told: true},
		{name: "taken", severity: checks.Critical, between: []func(*world){say("ack 1")}, at: 12, lasts: time.Hour, told: true},
		{name: "taken, given back, taken", severity: checks.Critical, between: []func(*world){say("ack 1"), say("unack 1"), say("ack 1")}, at: 12, lasts: time.Hour, told: true},
		{name: "snoozed", severity: checks.Critical, between: []func(*world){say("snooze 1 20h")}, at: 12, lasts: time.Hour, told: true},
		{name: "snoozed as a check", severity: checks.Critical, between: []func(*world){say("snooze disk 20h")}, at: 12, lasts: time.Hour, told: true},
		{name: "known", severity: checks.Critical, between: []func(*world){say("known 1")}, at: 12, lasts: time.Hour, told: true},
		{name: "in a maintenance that began later", severity: checks.Critical, between: []func(*world){say("maintenance 2h")}, at: 12, lasts: time.Hour, told: true},
		{name: "over a restart", severity: checks.Critical, between: []func(*world){restart}, at: 12, lasts: time.Hour, told: true},
		{name: "over everything at once", severity: checks.Critical, between: []func(*world){say("ack 1"), restart, say("snooze 1 5h"), say("maintenance 1h"), restart}, at: 12, lasts: 40 * time.Minute, told: true},
		{name: "a warning of the morning", severity: checks.Warning, between: []func(*world){say("snooze 1 5d")}, at: 7, lasts: 5 * time.Hour, told: true},

		{name: "over before the morning in which it would be told", severity: checks.Warning, at: 12, lasts: time.Hour},
		{name: "the same over a restart", severity: checks.Warning, between: []func(*world){restart}, at: 12, lasts: time.Hour},
		{name: "snoozed before it was told", severity: checks.Warning, before: []func(*world){say("snooze disk 5d")}, at: 12, lasts: 30 * time.Hour},
		{name: "snoozed while it waited", severity: checks.Warning, between: []func(*world){say("snooze 1 5d")}, at: 12, lasts: 30 * time.Hour},
		{name: "known while it waited", severity: checks.Warning, between: []func(*world){say("known 1")}, at: 12, lasts: 30 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				w.until(c.at-1, 50)
				w.start()
				w.pass(time.Minute)
				for _, do := range c.before {
					do(w)
				}
				road := checks.Now
				if c.severity == checks.Warning {
					road = checks.Morning
				}
				w.disk.set(ill(c.severity, road, "/ is full"))
				if c.severity == checks.Warning && c.told {
					w.until(8, 5)
				} else {
					w.pass(3 * time.Minute)
				}
				for _, do := range c.between {
					do(w)
				}
				w.pass(c.lasts)
				w.disk.set(well())
				w.pass(4 * time.Hour)
				told, over := 0, 0
				for _, m := range w.server.Inbox(w.alice) {
					switch {
					case m.Author.ID != w.bot.ID:
					case strings.HasPrefix(m.Text, "[Resolved] #1 "):
						over++
						if told == 0 {
							t.Error("the end comes before the beginning")
						}
					case strings.HasPrefix(m.Text, "[Action needed] #1 / is full"), strings.HasPrefix(m.Text, "[Warning] #1 / is full"):
						told++
					}
				}
				want := 0
				if c.told {
					want = 1
				}
				if told != want || over != want {
					t.Errorf("told %d times, over %d times, want %d of each", told, over, want)
					for _, m := range w.server.Inbox(w.alice) {
						t.Log(m.CreatedAt.Format("02 15:04 ") + m.Text)
					}
				}
			})
		})
	}
}
