package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// bill is a check of one bill, which "paid" settles.
func bill(g *gauge) beside {
	kind := checks.Kind{
		Name: "dues", Title: checks.Text{En: "dues", Ja: "支払い"}, Timeout: time.Minute, Scope: checks.Site, Cron: "30 6 * * *",
		Commands: []checks.Command{{
			Name: "paid", Help: checks.Text{En: "paid NAME", Ja: "paid 名前"},
			Answer: func(_ context.Context, past checks.Past, rest string) (checks.Text, map[string][]byte, error) {
				if was, ok := past.Load("paid"); ok {
					return checks.Same("paid before: " + string(was)), nil, nil
				}
				if rest != "Server Plan A" {
					return checks.Same("which one? " + checks.Quote(rest)), nil, nil
				}
				g.set(checks.Observation{Summary: checks.Text{En: "nothing is due", Ja: "予定なし"}})
				return checks.Same("paid, next in a month"), map[string][]byte{"paid": []byte(rest)}, nil
			},
		}},
	}
	return beside{kind: kind, gauge: g}
}

func due(days string, again time.Time) checks.Observation {
	o := ill(checks.Warning, checks.Morning, "server: due in "+days)
	o.Findings[0].Code, o.Findings[0].Subject, o.Findings[0].Again = "due", "server", again
	return o
}

func TestABillIsRecalledStepByStepUntilItIsPaid(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		g := &gauge{seen: checks.Observation{Summary: checks.Text{En: "nothing is due", Ja: "予定なし"}}}
		w.cron, w.poll, w.more = "0 * * * *", time.Hour, []beside{bill(g)}
		w.pass(72 * time.Hour) // to a Tuesday: on Mondays the digest tells it
		w.until(5, 0)
		w.start()
		w.pass(10 * time.Minute)
		w.heard(w.alice, &seen)
		midnight := func() time.Time { return time.Now().UTC().Truncate(24 * time.Hour) }
		first := midnight()
		g.set(due("3 d", first))
		w.until(9, 0)
		w.expect(w.alice, &seen, "[Warning] #1 server: due in 3 d")
		// A day of the same step.
		g.set(due("2 d", first))
		w.until(9, 0)
		w.expect(w.alice, &seen)
		// The next step: once, in the morning, and not as something that is still there.
		g.set(due("1 d", midnight().AddDate(0, 0, 1)))
		w.until(7, 59)
		w.expect(w.alice, &seen)
		w.until(9, 0)
		got := w.expect(w.alice, &seen, "[Warning] #1 server: due in 1 d")
		if len(got) == 1 && strings.Contains(got[0], "Nobody has taken it") {
			t.Errorf("a reminder reproaches: %s", got[0])
		}
		w.until(23, 0)
		w.expect(w.alice, &seen)
		if got := w.ask(w.alice, &seen, "paid serv er"); len(got) != 1 || got[0] != "which one? serv er\n@alice" {
			t.Errorf("%q", got)
		}
		// What is settled is looked at at once.
		got = w.ask(w.alice, &seen, "PAID Server Plan A")
		if len(got) == 0 || got[0] != "paid, next in a month\n#1 fixed, 2 d 16 h after it was noticed.\n@alice" {
			t.Errorf("%q", got)
		}
		w.pass(12 * time.Hour)
		w.heard(w.alice, &seen)
		if got := w.ask(w.alice, &seen, "paid"); len(got) != 1 || !strings.HasPrefix(got[0], "paid before: Server Plan A") {
			t.Errorf("%q", got)
		}
	})
}
