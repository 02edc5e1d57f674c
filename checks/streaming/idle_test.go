package streaming

import (
	"fmt"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// nightly is a pace at which it is always night, and a night is short.
func nightly() pace {
	p := quick()
	p.nightBegins, p.nightEnds = 0, 24
	p.hold, p.short, p.beat, p.retest = 900*time.Millisecond, 800*time.Millisecond, 100*time.Millisecond, 0
	p.ping, p.brief = 300*time.Millisecond, 10*time.Second
	return p
}

func TestAConnectionThatIsIdleForLongStillHears(t *testing.T) {
	t.Parallel()
	w := begin(t, nightly(), good, "")
	w.look(t)
	o := w.look(t)
	healthy(t, o)
	if lived := checkstest.Value(t, o, idleLife, ""); lived < 0.9 {
		t.Errorf("it was held for %v s", lived)
	}
	if w.count() != 2 || w.left() != 0 {
		t.Errorf("%d posts made, %d left; want one before and one after the rest", w.count(), w.left())
	}
	o = w.look(t)
	for _, m := range o.Measures {
		if m.Name == idleLife {
			t.Error("a connection was held twice in one night")
		}
	}
}

func TestAnIdleConnectionThatIsCutOrGoesDeafIsFoundAndMends(t *testing.T) {
	t.Parallel()
	w := begin(t, nightly(), good, "")
	for _, tt := range []struct {
		name   string
		habits habits
		en, ja string
	}{
		{"cut early", habits{life: 500 * time.Millisecond}, "is cut after 5", "5"},
		{"deaf after a while", habits{deafAfter: 600 * time.Millisecond}, "hears no events any more", "イベントが届かなくなります"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.past.Memory = nil
			w.be(habits{})
			w.look(t)
			w.be(tt.habits)
			for range 2 {
				o := w.look(t)
				f, ok := checkstest.Find(o, codeIdle, "")
				if !ok || f.Severity != checks.Warning || f.Road != checks.Now || len(o.Findings) != 1 {
					t.Fatalf("%+v %+v", o.Findings, o.Blind)
				}
				says(t, f.Text, tt.en, tt.ja)
				readAloud(t, o)
			}
			w.be(habits{})
			healthy(t, w.look(t))
			healthy(t, w.look(t))
		})
	}
}

func TestARestartThatCutsAConnectionOnceIsNoFault(t *testing.T) {
	t.Parallel()
	w := begin(t, nightly(), good, "")
	w.look(t)
	w.be(habits{life: 500 * time.Millisecond})
	well := time.AfterFunc(300*time.Millisecond, func() { w.be(habits{}) })
	defer well.Stop()
	if o := w.look(t); len(o.Findings) != 0 {
		t.Errorf("%+v", o.Findings)
	}
}

func TestAnIdleConnectionIsGivenUpWhenTheServerFallsIll(t *testing.T) {
	t.Parallel()
	p := nightly()
	p.hold = time.Hour
	w := begin(t, p, good, "")
	w.kind.Timeout = 2 * time.Hour
	w.look(t)
	fall := time.AfterFunc(400*time.Millisecond, func() { w.be(habits{health: "no"}) })
	defer fall.Stop()
	o := w.look(t)
	if _, ok := checkstest.Find(o, codeDead, ""); !ok {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
}

func TestAProxyThatCutsBeforeTheFirstPingIsSeenByEveryLook(t *testing.T) {
	t.Parallel()
	p := quick()
	p.ping = 4 * time.Second
	w := begin(t, p, good, "post = false")
	healthy(t, w.look(t))
	w.be(habits{noPing: true}) // the next one would come after the proxy's patience
	w.Reload(t, w.proxied(fmt.Sprintf(asMastodonSays, "proxy_read_timeout 1s;")))
	o := w.look(t)
	f, ok := checkstest.Find(o, codeIdle, "")
	if !ok || len(o.Findings) != 1 {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, f.Text, "is cut after 1", "何も流れていないストリーミング接続が1")
	says(t, f.Advice.Text, "proxy_read_timeout 1h; proxy_send_timeout 1h;", "proxy_read_timeout 1h;")
	readAloud(t, o)
	w.be(habits{})
	w.Reload(t, w.proxied(fmt.Sprintf(asMastodonSays, "")))
	healthy(t, w.look(t))
}

func TestWhenAConnectionIsHeld(t *testing.T) {
	t.Parallel()
	p := usualPace()
	night := time.Date(2026, 11, 22, 4, 0, 0, 0, time.Local)
	for _, tt := range []struct {
		name string
		now  time.Time
		last idleMemo
		want bool
	}{
		{"never before, at night", night, idleMemo{}, true},
		{"never before, by day", night.Add(8 * time.Hour), idleMemo{}, false},
		{"last night", night, idleMemo{At: night.Add(-24 * time.Hour)}, true},
		{"this night", night, idleMemo{At: night.Add(-30 * time.Minute)}, false},
		{"a clock that was set back", night, idleMemo{At: night.Add(time.Hour)}, true},
		{"cut half an hour ago", night.Add(8 * time.Hour), idleMemo{At: night.Add(7*time.Hour + 30*time.Minute), State: idleCut}, false},
		{"cut an hour ago, by day", night.Add(8 * time.Hour), idleMemo{At: night.Add(7 * time.Hour), State: idleCut}, true},
		{"cut, and every look sees it", night, idleMemo{At: night.Add(-24 * time.Hour), State: idleCut, Early: true}, false},
	} {
		if got := idleTime(tt.now, tt.last, p); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
