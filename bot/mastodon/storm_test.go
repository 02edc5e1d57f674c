package mastodon

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
)

// deliverSomehow does what whoever sends must do: after an attempt of unknown
// outcome it waits until the server can no longer be about to store it, looks
// for it, and only then sends again.
func (w *world) deliverSomehow(m bot.Message) string {
	w.t.Helper()
	look := false
	for range 200 {
		if look {
			id, found, err := w.home.Find(w.t.Context(), m)
			if found {
				return id
			}
			if err != nil {
				w.pass(2 * time.Second)
				continue
			}
		}
		began := time.Now()
		r := w.home.Send(w.t.Context(), m)
		switch {
		case r.Outcome == bot.Delivered:
			return r.ID
		case r.Outcome == bot.Uncertain:
			look = true
			w.pass(time.Until(began.Add(w.home.Patience() + 2*time.Second)))
		case r.Final:
			w.t.Fatalf("given up: %+v", r)
		default:
			look = false
			w.pass(max(2*time.Second, time.Until(r.NotBefore)))
		}
	}
	w.t.Fatalf("%q was never delivered", m.Text)
	return ""
}

func TestInAStormOfFaultsEveryMessageArrivesExactlyOnce(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		if _, err := w.home.Me(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		seed := uint64(0)
		for _, fault := range []sandbox.Fault{
			{Kind: sandbox.CutBefore},
			{Kind: sandbox.CutAfter},
			{Kind: sandbox.Slow, Delay: 14 * time.Second},
			{Kind: sandbox.Late, Delay: 12 * time.Second},
			{Kind: sandbox.Hang},
			{Kind: sandbox.Answer, Status: 503},
			{Kind: sandbox.Answer, Status: 429, Delay: 20 * time.Second},
			{Kind: sandbox.Garbage},
			{Kind: sandbox.Challenge},
			{Kind: sandbox.FakeStatus},
		} {
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				seed++
				fault.Method, fault.Probability, fault.Rand = method, 0.06, rand.New(rand.NewPCG(seed, 42))
				w.server.Misbehave(fault)
			}
		}
		const messages = 60
		parent := ""
		var ids []string
		for n := range messages {
			m := w.message(fmt.Sprintf("#%d disk: it is full", n%7)) // equal texts, told apart by their place
			m.Key = fmt.Sprintf("message-%d", n)
			m.Parent, m.Except = parent, ids
			parent = w.deliverSomehow(m)
			ids = append(ids, parent)
		}
		for n, got := range w.inbox(messages) {
			if got.ID != ids[n] || n > 0 && got.InReplyTo != ids[n-1] {
				w.t.Errorf("message %d is %q and answers %q", n, got.ID, got.InReplyTo)
			}
		}
		if all := w.server.Statuses(); len(all) != messages {
			w.t.Errorf("%d posts are stored, want %d", len(all), messages)
		}
	})
}
