package mastodon

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
)

func TestTwoEqualTextsAreToldApartByParentAndReader(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		one, two := w.deliver(w.message("opening one")), w.deliver(w.message("opening two"))
		send := func(parent string, to sandbox.Account) (bot.Message, string) {
			m := w.message("resolved")
			m.Key += "-" + parent + "-" + to.ID
			m.Parent, m.To = parent, bot.Recipient{ID: to.ID, Handle: to.Acct()}
			return m, w.deliver(m)
		}
		sent := map[string]bot.Message{}
		for _, parent := range []string{one, two, ""} {
			for _, to := range []sandbox.Account{w.alice, w.evil, w.afar} {
				m, id := send(parent, to)
				sent[id] = m
			}
		}
		for want, m := range sent {
			if id, found := w.find(m); !found || id != want {
				w.t.Errorf("found %v %q, want %q", found, id, want)
			}
			m.Except = []string{want}
			if id, found := w.find(m); found {
				w.t.Errorf("found %q, which is known to be another", id)
			}
		}
	})
}

func TestAnOlderMessageOfTheSameTextIsNotThisOne(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.deliver(w.message("disk is full"))
		w.pass(10 * time.Minute)
		if id, found := w.find(w.message("disk is full")); found {
			w.t.Errorf("found %q of ten minutes ago", id)
		}
	})
}

func TestAMessageIsFoundBehindManyOthersAndNotFoundWithoutEnd(t *testing.T) {
	inWorld(t, sandbox.Options{NoLimits: true}, func(w *world) {
		m := w.message("the lost one")
		want := w.deliver(m)
		for n := range 150 {
			w.say(w.saba, fmt.Sprintf("@alice number %d", n))
		}
		if id, found := w.find(m); !found || id != want {
			w.t.Errorf("found %v %q behind 150 others", found, id)
		}
		for n := range findPage * findPages {
			w.say(w.saba, fmt.Sprintf("@alice more %d", n))
		}
		if _, _, err := w.home.Find(w.t.Context(), m); err == nil {
			w.t.Error("no error, although not everything was looked through")
		}
	})
}

func TestWhatCannotBeLookedThroughIsAnErrorAndNeverNotFound(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		m := w.message("is it there?")
		w.deliver(m)
		for name, fault := range map[string]sandbox.Fault{
			"502": {Kind: sandbox.Answer, Status: 502}, "429": {Kind: sandbox.Answer, Status: 429},
			"404": {Kind: sandbox.Answer, Status: 404}, "401": {Kind: sandbox.Answer, Status: 401},
			"cut": {Kind: sandbox.CutBefore}, "broken": {Kind: sandbox.Garbage},
			"a page": {Kind: sandbox.Challenge}, "endless": {Kind: sandbox.Endless},
		} {
			fault.Method, fault.Times = http.MethodGet, 2 // net/http asks again after a cut
			force := w.server.Misbehave(fault)
			if id, found, err := w.home.Find(w.t.Context(), m); err == nil {
				w.t.Errorf("%s: found %v %q without an error", name, found, id)
			}
			force.Stop()
		}
		if _, found := w.find(m); !found {
			w.t.Error("not found when everything is well again")
		}
	})
}

func TestAServerThatGivesTheSamePageForEverEndsTheSearch(t *testing.T) {
	at := time.Now().Format(time.RFC3339)
	h := stranger(t, func(w http.ResponseWriter, r *http.Request) {
		body := `[{"id":"5","content":"<p>x</p>","created_at":"` + at + `","visibility":"direct","mentions":[]}]`
		if r.URL.Path == verifyAPI {
			body = `{"id":"1","acct":"saba"}`
		}
		says(200, "application/json", body)(w, r)
	})
	_, found, err := h.Find(t.Context(), bot.Message{Text: "y", Since: time.Now(), To: bot.Recipient{ID: "2"}})
	if err == nil || found {
		t.Errorf("found %v, %v: want an error", found, err)
	}
}
