package mastodon

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
)

// read takes pages until there are no more.
func (w *world) read(cursor string) (all []bot.Mention, next string) {
	w.t.Helper()
	for {
		page, next, err := w.home.Mentions(w.t.Context(), cursor)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(page) == 0 {
			return all, next
		}
		all, cursor = append(all, page...), next
	}
}

func (w *world) begin() string {
	w.t.Helper()
	page, cursor, err := w.home.Mentions(w.t.Context(), "")
	if err != nil || len(page) != 0 || cursor == "" {
		w.t.Fatalf("the beginning is %d mentions, cursor %q, %v", len(page), cursor, err)
	}
	return cursor
}

func texts(all []bot.Mention) []string {
	var out []string
	for _, m := range all {
		out = append(out, m.Text)
	}
	return out
}

func TestNothingThatWasSaidBeforeTheBotCameIsAnswered(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.say(w.alice, "@saba long ago")
		cursor := w.begin()
		w.say(w.alice, "@saba status")
		all, _ := w.read(cursor)
		if got := texts(all); !slices.Equal(got, []string{"status"}) {
			w.t.Errorf("read %q", got)
		}
	})
}

func TestTheFirstMentionOfAllIsNotMissed(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		cursor := w.begin()
		w.say(w.alice, "@saba help")
		all, next := w.read(cursor)
		if len(all) != 1 {
			w.t.Fatalf("read %q", texts(all))
		}
		m := all[0]
		if m.Text != "help" || m.Visibility != "direct" || m.StatusID == "" || m.At.IsZero() ||
			m.From.ID != w.alice.ID || m.From.Handle != "alice" || m.From.Bot {
			w.t.Errorf("the mention is %+v", m)
		}
		if again, _ := w.read(next); len(again) != 0 {
			w.t.Errorf("read twice: %q", texts(again))
		}
	})
}

func TestAHundredMentionsWithFaultsBetweenThePagesAreEachReadOnce(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		cursor := w.begin()
		if _, err := w.home.Me(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		var want []string
		dice := rand.New(rand.NewPCG(7, 7))
		for _, kind := range []sandbox.Fault{
			{Kind: sandbox.Answer, Status: 503},
			{Kind: sandbox.Answer, Status: 429},
			{Kind: sandbox.CutAfter},
			{Kind: sandbox.Garbage},
			{Kind: sandbox.Challenge},
		} {
			kind.PathPrefix, kind.Probability, kind.Rand = notificationsAPI, 0.3, rand.New(rand.NewPCG(3, uint64(kind.Kind)))
			w.server.Misbehave(kind)
		}
		var got []string
		failures := 0
		for n := 0; n < 100 || len(got) < 100; {
			for range min(dice.IntN(60), 100-n) {
				text := fmt.Sprintf("command %d", n)
				w.say(w.alice, "@saba "+text)
				want = append(want, text)
				n++
			}
			page, next, err := w.home.Mentions(w.t.Context(), cursor)
			if err != nil {
				if failures++; failures > 1000 {
					w.t.Fatal(err)
				}
				if next != cursor || len(page) > 0 {
					w.t.Fatalf("an error beside %d mentions and the cursor %q", len(page), next)
				}
				w.pass(3 * time.Second)
				continue
			}
			got, cursor = append(got, texts(page)...), next
		}
		if failures == 0 {
			w.t.Error("nothing failed")
		}
		if !slices.Equal(got, want) {
			w.t.Errorf("read %q", got)
		}
	})
}

func TestFilteredMentionsAreSeen(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		cursor := w.begin()
		w.say(w.alice, "@saba status")
		w.say(w.afar, "@saba@sandbox.example status please")
		all, _ := w.read(cursor)
		if got := texts(all); !slices.Equal(got, []string{"status", "status please"}) {
			w.t.Fatalf("read %q", got)
		}
		if got := all[1].From.Handle; got != "bob@afar.example" {
			w.t.Errorf("from %q", got)
		}
	})
}

func TestOtherNotificationsNeitherShowNorStopTheReading(t *testing.T) {
	numbered := func(first, last int, kind, account string) string {
		var all []string
		for n := last; n >= first; n-- {
			all = append(all, fmt.Sprintf(`{"id":"%d","type":%q,"created_at":"2026-11-22T10:00:00.000Z","account":{"id":%q,"acct":"x"},
				"status":{"id":"1%d","content":"<p>said %d</p>","visibility":"Direct","mentions":[]}}`, n, kind, account, n, n))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	asked := 0
	h := stranger(t, func(w http.ResponseWriter, r *http.Request) {
		body := "[]"
		switch q := r.URL.Query(); {
		case r.URL.Path == verifyAPI:
			body = `{"id":"1","acct":"saba"}`
		case q.Get("types[]") != "mention" || q.Get("include_filtered") != "true" || q.Get("since_id") != "" || q.Get("max_id") != "":
			body = "{}"
		case q.Get("min_id") == "9":
			asked++
			body = numbered(10, 49, "reblog", "2") // a server that does not know types[]
		case q.Get("min_id") == "49":
			asked++
			body = numbered(50, 89, "mention", "1") // the bot's own
		case q.Get("min_id") == "89":
			asked++
			body = `[{"id":"92","type":"mention","account":{"id":"2"},"status":{"id":7,"content":{}}},
				{"id":"91","type":"mention","account":{"id":"2"},"status":null},
				{"type":"mention"}, 5,` + numbered(90, 90, "mention", "2")[1:]
		}
		says(200, "application/json", body)(w, r)
	})
	page, cursor, err := h.Mentions(t.Context(), "9")
	if err != nil || len(page) != 1 || cursor != "92" || asked != 3 {
		t.Fatalf("%d mentions, cursor %q, %d pages, %v", len(page), cursor, asked, err)
	}
	if page[0].Text != "said 90" || page[0].ID != "90" || page[0].StatusID != "190" || page[0].Visibility != "direct" {
		t.Errorf("the mention is %+v", page[0])
	}
	if page, cursor, err = h.Mentions(t.Context(), cursor); err != nil || len(page) != 0 || cursor != "92" {
		t.Errorf("after the end: %d mentions, cursor %q, %v", len(page), cursor, err)
	}
}

func TestAServerThatIgnoresTheCursorRepeatsNothing(t *testing.T) {
	h := stranger(t, func(w http.ResponseWriter, r *http.Request) {
		body := `[{"id":"10","type":"mention","account":{"id":"2","acct":"x"},"status":{"id":"7","content":"<p>old</p>"}}]`
		if r.URL.Path == verifyAPI {
			body = `{"id":"1","acct":"saba"}`
		}
		says(200, "application/json", body)(w, r)
	})
	page, cursor, err := h.Mentions(t.Context(), "10")
	if err != nil || len(page) != 0 || cursor != "10" {
		t.Errorf("%d mentions, cursor %q, %v", len(page), cursor, err)
	}
}

func TestAMissingScopeForMentionsIsNamed(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.home = w.client(w.server.Token(w.saba, "read:accounts"))
		if _, _, err := w.home.Mentions(w.t.Context(), ""); err == nil || !strings.Contains(err.Error(), "read:notifications") {
			w.t.Errorf("the error is %v", err)
		}
		w.home = w.client(w.token)
		cursor := w.begin()
		w.server.Revoke(w.token)
		if _, next, err := w.home.Mentions(w.t.Context(), cursor); !errors.Is(err, bot.ErrToken) || next != cursor {
			w.t.Errorf("cursor %q, the error is %v", next, err)
		}
	})
}

func TestIDsAreOrderedByAgeAndNeverTakenForNumbers(t *testing.T) {
	for kind, inOrder := range map[string][]string{
		"numbers": {beginning, "9", "10", "99", "113000000000000001", "113000000000000002", "99999999999999999999999999"},
		"ULIDs":   {beginning, "01JCZZZZZZZZZZZZZZZZZZZZZZ", "01JD0000000000000000000000", "01JD0000000000000000000001"},
	} {
		for n := 1; n < len(inOrder); n++ {
			if compareIDs(inOrder[n-1], inOrder[n]) >= 0 {
				t.Errorf("%s: %q does not come before %q", kind, inOrder[n-1], inOrder[n])
			}
		}
	}
}
