package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

func TestWhoAsksHowOneThingIsHearsOfThatAlone(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		w.start()
		w.pass(2 * time.Minute)
		seen := 0
		w.heard(w.alice, &seen)
		for _, text := range []string{"is the disk ok?", "ディスク 大丈夫ですか", "what's up with the disk?"} {
			got := w.ask(w.alice, &seen, text)
			if len(got) != 1 || !strings.Contains(strings.ToLower(got[0]), "disk") && !strings.Contains(got[0], "ディスク") || strings.Contains(got[0], "Fine:") || strings.Contains(got[0], "正常:") {
				t.Errorf("%s: %q", text, got)
			}
		}
		if got := w.ask(w.alice, &seen, "is all ok?"); len(got) == 0 || !strings.HasPrefix(got[0], "mastodon.example") && !strings.Contains(got[0], "fine") {
			t.Errorf("of everything: %q", got)
		}
	})
}
