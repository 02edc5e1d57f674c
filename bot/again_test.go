package bot_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// unanswer makes of the newest question what it is where the daemon is killed
// before its answer is frozen.
func (w *world) unanswer() {
	w.t.Helper()
	w.stop()
	err := w.db.Write(w.t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE mention SET state = 'new', post = NULL WHERE received = (SELECT MAX(received) FROM mention)`)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.start()
	w.pass(30 * time.Second)
}

func TestAQuestionThatIsHandledAgainIsAnsweredTheSameAndChangesNothing(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen, bobs int
		bob := w.withBob()
		g := &gauge{seen: checks.Observation{Summary: checks.Text{En: "nothing is due", Ja: "予定なし"}}}
		w.cron, w.more = "0 * * * *", []beside{bill(g)}
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.disk.set(ill(checks.Warning, checks.Now, "/ is 86 % full"))
		w.pass(3 * time.Hour)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		for _, c := range []struct {
			say  string
			told int // how many messages bob gets
		}{
			{"ack 1 ordering a disk", 1},
			{"unack 1", 1},
			{"snooze 1 2h", 1},
			{"unsnooze 1", 1},
			{"known 1", 1},
			{"maintenance 1h", 1},
			{"paid Server Plan A", 1},
		} {
			first := w.ask(w.alice, &seen, c.say)
			w.unanswer()
			again := w.heard(w.alice, &seen)
			if len(first) != 1 || len(again) != 1 || first[0] != again[0] {
				t.Errorf("%q is answered\n  %s\nand then\n  %s", c.say, strings.Join(first, "\n  --\n  "), strings.Join(again, "\n  --\n  "))
			}
			if told := w.heard(bob, &bobs); len(told) != c.told {
				t.Errorf("%q: bob heard %q", c.say, told)
			}
		}
	})
}
