package bot_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// pigeon is a way in memory.
type pigeon struct {
	name string
	mu   sync.Mutex
	got  []bot.Message
	will func(bot.Message) bot.Receipt // what it answers; nil delivers
	find func(bot.Message) (string, bool, error)
	seen int
}

func (p *pigeon) Name() string            { return p.name }
func (p *pigeon) Title() checks.Text      { return checks.Text{En: p.name, Ja: p.name} }
func (p *pigeon) Limit() int              { return 0 }
func (p *pigeon) Patience() time.Duration { return 15 * time.Second }

func (p *pigeon) Send(_ context.Context, m bot.Message) bot.Receipt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.will != nil {
		r := p.will(m)
		if r.Outcome == bot.Delivered || r.ID != "" {
			p.got = append(p.got, m)
		}
		return r
	}
	p.got = append(p.got, m)
	return bot.Receipt{Outcome: bot.Delivered, ID: m.Key}
}

func (p *pigeon) Find(_ context.Context, m bot.Message) (string, bool, error) {
	if p.find != nil {
		return p.find(m)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.got {
		if one.Key == m.Key {
			return one.Key, true, nil
		}
	}
	return "", false, nil
}

// count is how many it has carried, all of which are seen now.
func (p *pigeon) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = len(p.got)
	return p.seen
}

func (p *pigeon) refuse(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.will = func(bot.Message) bot.Receipt { return bot.Receipt{Outcome: bot.Refused, Why: why} }
}

func (p *pigeon) work() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.will = nil
}

// carried asserts how what came since the last time begins.
func (w *world) carried(p *pigeon, begins ...string) []string {
	w.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var got []string
	for _, m := range p.got[p.seen:] {
		got = append(got, m.Text)
	}
	p.seen = len(p.got)
	ok := len(got) == len(begins)
	for i := range begins {
		ok = ok && i < len(got) && strings.HasPrefix(got[i], begins[i])
	}
	if !ok {
		w.t.Errorf("at %s %s carried\n  %s\nwant\n  %s\nlog:\n%s", time.Now().UTC().Format(time.DateTime), p.name, strings.Join(got, "\n  --\n  "), strings.Join(begins, "\n  --\n  "), w.tail())
	}
	return got
}

const testBegins = "[Note] A test, nothing is wrong: alarms of example.social reach you this way"

func TestTheFirstWayThatWorksTakesTheTestAndTheAlarm(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		first, second := &pigeon{name: "ntfy"}, &pigeon{name: "mail"}
		w.ways = []bot.Way{first, second}
		w.cron = "*/5 * * * *"
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.carried(first, testBegins)
		w.carried(second, testBegins)
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.pass(10 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #1 / is 96 % full")
		got := w.carried(first, "[Action needed] #1 / is 96 % full")
		if len(got) == 1 && (strings.Contains(got[0], "Reply:") || !strings.Contains(got[0], "Fix: sudo apt-get clean\nNoticed 12:05.\nAlso sent as a direct message")) {
			t.Errorf("%q", got[0])
		}
		w.carried(second)
		w.stop()
		w.start() // told once, over a restart too
		w.pass(time.Hour)
		w.expect(w.alice, &seen)
		w.carried(first)
		first.refuse("it answered 403")
		w.disk.set(well())
		w.pass(20 * time.Minute)
		w.expect(w.alice, &seen, "[Resolved] #1")
		w.carried(second, "[Resolved] #1")
		got = w.ask(w.alice, &seen, "status")
		if len(got) != 1 || !strings.Contains(got[0], "Alarms reach you here and by mail (tested 1 Jan).\nBy ntfy nothing has got through since 13:") {
			t.Errorf("%q", got)
		}
		first.work()
		w.until(10, 1)
		w.until(10, 1) // Monday, 3 January 2000: too soon
		w.carried(first)
		w.until(10, 1)
		for range 6 {
			w.until(10, 1)
		}
		w.carried(first, testBegins)
		w.carried(second, testBegins)
	})
}

func TestAnOutageOfTheHomeIsToldAnotherWayAndThenInOneMessage(t *testing.T) {
	for _, how := range []sandbox.Fault{{Kind: sandbox.CutBefore}, {Kind: sandbox.Answer, Status: 502}, {Kind: sandbox.Answer, Status: 429, Delay: time.Minute}} {
		t.Run(fmt.Sprint(how.Kind, " ", how.Status), func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				var seen int
				mail := &pigeon{name: "mail"}
				w.ways = []bot.Way{mail}
				gauges := map[string]*gauge{}
				for _, name := range []string{"certs", "timers", "webui"} {
					g := &gauge{seen: checks.Observation{Summary: checks.Same("fine")}}
					gauges[name] = g
					w.more = append(w.more, beside{checks.Kind{
						Name: name, Title: checks.Same(name), Timeout: time.Minute,
						Rules: map[string]checks.Rule{"full": {Warning: checks.Looks{Open: 1, Resolve: 1}, Critical: checks.Looks{Open: 1, Resolve: 1}}},
					}, g})
				}
				w.until(12, 0)
				w.start()
				w.pass(time.Minute)
				w.heard(w.alice, &seen)
				w.carried(mail, testBegins)
				down := w.server.Misbehave(how)
				gauges["webui"].set(ill(checks.Critical, checks.Now, "web UI: 502"))
				w.pass(80 * time.Second)
				w.carried(mail, "[Action needed] #1 web UI: 502") // at once
				gauges["certs"].set(ill(checks.Warning, checks.Now, "the certificate is old"))
				w.pass(time.Minute)
				w.carried(mail)
				w.pass(4 * time.Minute)
				got := w.carried(mail, "[Warning] #2 the certificate is old") // after two minutes
				if len(got) == 1 && !strings.Contains(got[0], "My own server has taken no messages since 12:01") {
					t.Errorf("%q", got)
				}
				gauges["timers"].set(ill(checks.Warning, checks.Now, "a timer is late"))
				w.pass(80 * time.Second)
				gauges["timers"].set(checks.Observation{Summary: checks.Same("fine")})
				gauges["webui"].set(checks.Observation{Summary: checks.Same("fine")})
				w.pass(3 * time.Minute)
				w.carried(mail, "[Resolved] #1")
				w.expect(w.alice, &seen)
				w.stop()
				w.start()
				w.pass(time.Minute)
				down.Stop()
				w.pass(15 * time.Minute)
				all := w.expect(w.alice, &seen, "While I could not reach you (since 12:01): 3 opened, 2 closed, 1 still open.\n[Warning] #2 the certificate is old\n  Fix: sudo apt-get clean\nOver again: #1, #3\nTold by mail meanwhile: #1, #2")
				if len(all) == 1 {
					t.Log(all[0])
				}
				w.carried(mail)
				gauges["certs"].set(checks.Observation{Summary: checks.Same("fine")})
				w.pass(3 * time.Minute)
				w.expect(w.alice, &seen, "[Resolved] #2")
				w.carried(mail, "[Resolved] #2")
			})
		})
	}
}

func TestADaemonThatIsStartedWhileItsHomeIsDeadTellsSoAnotherWay(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		mail := &pigeon{name: "mail"}
		w.ways = []bot.Way{mail}
		w.until(12, 0)
		down := w.server.Misbehave(sandbox.Fault{Kind: sandbox.CutBefore})
		w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
		w.start()
		w.pass(time.Minute)
		if n := mail.count(); n != 2 {
			w.t.Errorf("%d messages, want the test and the alarm", n)
		}
		w.pass(5 * time.Minute)
		w.carried(mail, "[Warning] I was started, but have not reached my own server since 12:00")
		w.stop()
		w.start()
		w.pass(10 * time.Minute)
		w.carried(mail)
		down.Stop()
		w.pass(10 * time.Minute)
		w.carried(mail, "[Resolved] I reach my own server again")
		w.expect(w.alice, &seen, "I watch example.social from now on.")
	})
}

func TestWhatNobodyTakesGoesAnotherWayOnceForAll(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen, bobs int
		mail := &pigeon{name: "mail"}
		w.ways = []bot.Way{mail}
		bob := w.withBob()
		g := &gauge{seen: checks.Observation{Summary: checks.Same("fine")}}
		w.more = []beside{{checks.Kind{Name: "certs", Title: checks.Same("certs"), Timeout: time.Minute}, g}}
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.heard(bob, &bobs)
		w.carried(mail, testBegins)
		g.set(ill(checks.Critical, checks.Now, "the certificate has expired"))
		w.pass(20 * time.Minute)
		w.expect(w.alice, &seen, "[Action needed] #1 the certificate has expired")
		w.expect(bob, &bobs, "【要対応】1番")
		w.carried(mail)
		w.pass(20 * time.Minute)
		w.expect(w.alice, &seen)
		got := w.carried(mail, "[Action needed] #1 still there after 30 min: the certificate has expired")
		if len(got) == 1 && !strings.Contains(got[0], "Nobody has taken it yet.\nNoticed 12:0") {
			t.Errorf("%q", got)
		}
		w.pass(4 * time.Hour)
		w.carried(mail)
		w.pass(3 * time.Hour)
		w.expect(w.alice, &seen, "[Action needed] #1 still there after 6 h")
		g.set(checks.Observation{Summary: checks.Same("fine")})
		w.pass(10 * time.Minute)
		w.expect(w.alice, &seen, "[Resolved] #1")
		w.carried(mail, "[Resolved] #1")
	})
}

func TestAMaintenanceIsToldAnotherWayToo(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		var seen int
		mail := &pigeon{name: "mail"}
		w.ways, w.update = []bot.Way{mail}, true
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		w.heard(w.alice, &seen)
		w.carried(mail, testBegins)
		w.ask(w.alice, &seen, "maintenance 1h kernel of @alice")
		got := w.carried(mail, "[Note] Maintenance until 13:01: only what needs action")
		if len(got) == 1 && strings.Contains(got[0], "alice") {
			t.Errorf("%q", got)
		}
		w.pass(70 * time.Minute)
		w.carried(mail, "[Resolved] after the maintenance: 1 check, all fine")
	})
}

func TestALostAnswerIsLookedForOrLeftToTheNextWay(t *testing.T) {
	lost := func(taken bool) func(bot.Message) bot.Receipt {
		return func(m bot.Message) bot.Receipt {
			id := ""
			if taken {
				id = "taken"
			}
			return bot.Receipt{Outcome: bot.Uncertain, Why: "no answer in time", ID: id}
		}
	}
	cannot := func(bot.Message) (string, bool, error) { return "", false, bot.ErrCannotTell }
	for _, c := range []struct {
		name          string
		taken         bool
		find          func(bot.Message) (string, bool, error)
		first, second int // how many alarms each has
	}{
		{"it is there and is found", true, nil, 1, 0},
		{"it is not there, nor when sent again, so the next takes it", false, nil, 0, 1},
		{"it is there and nobody can tell, so the next has it too", true, cannot, 1, 1},
		{"it is not there and nobody can tell, so the next takes it", false, cannot, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				first, second := &pigeon{name: "first"}, &pigeon{name: "second"}
				w.ways = []bot.Way{first, second}
				w.until(12, 0)
				w.start()
				w.pass(time.Minute)
				w.carried(first, testBegins)
				w.carried(second, testBegins)
				first.mu.Lock()
				first.will, first.find = lost(c.taken), c.find
				first.mu.Unlock()
				w.disk.set(ill(checks.Critical, checks.Now, "/ is 96 % full"))
				w.pass(30 * time.Minute)
				a, b := -first.seen, -second.seen
				a, b = a+first.count(), b+second.count()
				if a != c.first || b != c.second {
					t.Errorf("the first has %d, the second %d; want %d and %d\n%s", a, b, c.first, c.second, w.tail())
				}
			})
		})
	}
}
