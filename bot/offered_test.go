package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

func TestACheckAnswersItsOwnCommands(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		due := &gauge{seen: ill(checks.Warning, checks.Now, "the server is to be paid today")}
		paid := 0
		kind := checks.Kind{
			Name: "dues", Title: checks.Text{En: "dues", Ja: "支払い"}, Words: checks.Words{Ja: []string{"支払い"}}, Timeout: time.Minute,
			Commands: []checks.Command{
				{Name: "dues", Words: checks.Words{Ja: []string{"支払い"}}, Help: checks.Text{En: "what is due", Ja: "支払いの一覧"}, Answer: func(_ context.Context, past checks.Past, _ string) (checks.Text, map[string][]byte, error) {
					if last, known := past.Load("paid"); known {
						return checks.Same("paid: " + string(last)), nil, nil
					}
					return checks.Same("server: today"), nil, nil
				}},
				{Name: "paid", Words: checks.Words{Ja: []string{"支払いました"}}, Help: checks.Text{En: "paid NAME – notes it", Ja: "支払い済みにします"}, Answer: func(_ context.Context, _ checks.Past, rest string) (checks.Text, map[string][]byte, error) {
					if rest == "" {
						return checks.Same("which one?"), nil, nil
					}
					paid++
					due.set(well())
					return checks.Same("paid: " + rest), map[string][]byte{"paid": []byte(rest)}, nil
				}},
			},
		}
		w.more = append(w.more, beside{kind, due})
		var seen, bobs int
		bob := w.withBob()
		w.until(12, 0)
		w.start()
		w.pass(5 * time.Minute)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		for _, c := range []struct{ say, want, bob string }{
			{"dues", "server: today", ""},
			{"paid", "which one?", ""},
			{"Server Berlin 支払いました", "paid: Server Berlin", "aliceさん: 「Server Berlin 支払いました」"},
			{"支払い", "paid: Server Berlin", ""},
			{"history dues", "12:05 alice said: \"Server Berlin 支払いました\"", "【解消】1番 支払い"},
			{"help paid", "paid NAME – notes it", ""},
		} {
			got := strings.Join(w.ask(w.alice, &seen, c.say), "\n")
			if !strings.Contains("\n"+got, "\n"+c.want) {
				t.Errorf("%q is answered\n%s\nwant a line\n%s", c.say, got, c.want)
			}
			if told := strings.Join(w.heard(bob, &bobs), "\n"); c.bob == "" && told != "" || !strings.HasPrefix(told, c.bob) {
				t.Errorf("%q: bob heard %q, want %q", c.say, told, c.bob)
			}
		}
		if paid != 1 {
			t.Errorf("paid %d times", paid)
		}
	})
}
