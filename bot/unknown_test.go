package bot_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

func TestAQuestionOfAnAdminWhoseIDIsNotKnownYetIsAnsweredOnceItIs(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		dave := w.server.AddAccount(sandbox.Account{Username: "dave"})
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Status: http.StatusServiceUnavailable, PathPrefix: "/api/v1/accounts/lookup"})
		w.start()
		w.pass(2 * time.Second)
		for _, who := range []sandbox.Account{w.alice, dave} {
			if _, err := w.server.Say(who, "@saba help", sandbox.SayOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		var heard, strange int
		w.pass(10 * time.Second)
		w.expect(w.alice, &heard)
		w.server.Behave()
		w.pass(10 * time.Minute)
		got := w.heard(w.alice, &heard)
		slices.Sort(got)
		if len(got) != 2 || !strings.HasPrefix(got[0], "I watch example.social") || !strings.HasPrefix(got[1], "What I understand") {
			t.Errorf("heard %q", got)
		}
		w.expect(dave, &strange)
	})
}
