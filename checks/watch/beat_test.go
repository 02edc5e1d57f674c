package watch

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

const withBot = one + "bot = \"saba@bots.test\"\n"

func field(name, value string) string { return `{"name":"` + name + `","value":"` + value + `"}` }

func TestABotThatFallsSilentForTwoRoundsIsNoticed(t *testing.T) {
	w := newWorld(t)
	w.serve("friend.test")
	home := w.serve("bots.test")
	home.field = field("Owner", "somebody") + "," + field("Sababan", "<p>"+Beat(w.now)+"</p>")
	w.watch(withBot)
	w.nothing(w.lookNow())

	for range 2*60 + 12 { // two hours and a little
		w.now = w.now.Add(time.Minute)
	}
	f := w.find(w.round(), silent, "saba@bots.test", "silent for")
	if f.Severity != checks.Critical || f.Road != checks.Now || !f.Harm.IsZero() {
		t.Errorf("%v %v %v", f.Severity, f.Road, f.Harm)
	}

	home.mu.Lock()
	home.field = field("sababan", Beat(w.now))
	home.mu.Unlock()
	w.now = w.now.Add(20 * time.Minute)
	w.nothing(w.round())
}

func TestAProfileThatTellsNothingIsUnknownAndNotSilence(t *testing.T) {
	for name, c := range map[string]struct {
		ill  func(m *mastodon)
		want string
	}{
		"no field":          {func(m *mastodon) { m.field = field("Owner", "x") }, "does not write"},
		"not a time":        {func(m *mastodon) { m.field = field(BeatField, "yesterday") }, "does not write"},
		"a time to come":    {func(m *mastodon) { m.field = field(BeatField, "2999-01-01T00:00Z") }, "does not write"},
		"no such account":   {func(m *mastodon) { m.answer(lookupPath, code(404)) }, "there is no account"},
		"a token is wanted": {func(m *mastodon) { m.answer(lookupPath, code(401)) }, "without a token"},
		"its server is ill": {func(m *mastodon) { m.answer(lookupPath, code(500)) }, "cannot be read"},
		"no JSON":           {func(m *mastodon) { m.answer(lookupPath, says("text/html", "<html>")) }, "cannot be read"},
		"JSON without end":  {func(m *mastodon) { m.answer(lookupPath, says("application/json", strings.Repeat("[", 1<<20))) }, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve("friend.test")
			m := w.serve("bots.test")
			c.ill(m)
			w.watch(withBot)
			o := w.lookNow()
			if len(o.Findings) > 0 || len(o.Blind) != 1 || !strings.Contains(o.Blind[0].Why.En, c.want) ||
				!o.Blind[0].Hides(checks.Key{Code: silent, Subject: "saba@bots.test"}) {
				t.Errorf("%+v", o)
			}
			t.Log(o.Blind[0].Why)
		})
	}
}

func TestASilenceIsHeldOverARestart(t *testing.T) {
	w := newWorld(t)
	w.serve("friend.test")
	home := w.serve("bots.test")
	home.field = field(BeatField, Beat(w.now.Add(-3*time.Hour)))
	w.watch(withBot)
	w.find(w.lookNow(), silent, "saba@bots.test", "silent for")
	w.watch(withBot)
	recall(w.past, w.c.all)
	o, err := w.c.judge(w.time())
	if err != nil || len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: silent, Subject: "saba@bots.test"}) {
		t.Errorf("%+v %v", o, err)
	}
	if _, ok := checkstest.Find(w.look(), silent, "saba@bots.test"); !ok {
		t.Error("over, and nobody has heard of it")
	}
}
