package federation

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestAServerThatFellSilentIsMissedAndItsFateIsTold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		make   func(w *world)
		en, ja string
	}{
		{"gone", func(*world) {}, "no longer exists in the DNS", "DNSにありません"},
		{"well", func(w *world) { w.other.serve("server05.test", nil, http.HandlerFunc(well)) }, "is there and answers", "応答します"},
		{"refusing", func(w *world) { w.other.serve("server05.test", nil, status(403)) }, "refuses this machine (403 Forbidden)", "拒否されています"},
		{"broken", func(w *world) { w.other.serve("server05.test", nil, status(502)) }, "an error (502 Bad Gateway)", "相手側の障害"},
		{"expired", func(w *world) {
			c := w.other.ca.Issue(w.other.t.(*testing.T), checkstest.Lifetime(90*24*time.Hour, -time.Hour, "server05.test"))
			w.other.serve("server05.test", &c, http.HandlerFunc(well))
		}, "certificate ended on", "期限が切れています"},
		{"offline", func(w *world) { w.site.Offline = true }, "was not looked at (offline)", "offline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, "4.6")
			tt.make(w)
			heard := all()
			heard["server05.test"] = 60 * time.Hour
			w.silence(t, "server05.test", 60*time.Hour)
			w.learned(t, rhythmKey, heard)
			for range missingOpen - 1 {
				w.hear(t, "server05.test")
				w.nothingFound(t, w.round(t))
			}
			w.hear(t, "server05.test")
			o := w.round(t)
			f := w.found(t, o, codeMissing, "server05.test")
			if f.Severity != checks.Warning || f.Road != checks.Morning || len(o.Findings) != 1 {
				t.Errorf("%v %v, %d findings", f.Severity, f.Road, len(o.Findings))
			}
			if !strings.Contains(f.Text.En, tt.en) || !strings.Contains(f.Text.Ja, tt.ja) {
				t.Errorf("it says %q, %q", f.Text.En, f.Text.Ja)
			}
			if n := w.other.asked["server05.test"]; n > 2 || tt.name == "offline" && n > 0 {
				t.Errorf("it was asked %d times in three rounds", n)
			}
			w.now = w.now.Add(5 * time.Minute)
			w.found(t, w.look(t, false), codeMissing, "server05.test") // held between
			w.hear(t)
			w.nothingFound(t, w.round(t))
		})
	}
}

func TestTheAccountsThemselvesAreAskedBeforeADomainIsCalledSilent(t *testing.T) {
	w := newWorld(t, "4.5")
	heard := all()
	heard["server07.test"] = 100 * time.Hour // sababan was off; it was heard meanwhile
	w.learned(t, rhythmKey, heard)
	w.hear(t, "server07.test")
	w.silence(t, "server07.test", 30*time.Hour)
	// So many others were heard since that it is not among the last ones.
	w.db.Exec(t, `INSERT INTO accounts (username, domain) SELECT 'u' || n, 'crowd.test' FROM generate_series(1, 10100) n`)
	w.db.Exec(t, `INSERT INTO account_stats (account_id, last_status_at) SELECT id, now() AT TIME ZONE 'UTC' FROM accounts WHERE domain = 'crowd.test'`)
	for range 4 {
		w.nothingFound(t, w.round(t))
	}
}

func TestASuspendedServerIsNotMissed(t *testing.T) {
	for _, blocked := range []string{"server05.test", "test"} {
		w := newWorld(t, "4.6")
		w.db.Exec(t, "INSERT INTO domain_blocks (domain, severity) VALUES ($1, 1)", blocked)
		heard := all()
		heard["server05.test"] = 60 * time.Hour
		w.silence(t, "server05.test", 60*time.Hour)
		w.learned(t, rhythmKey, heard)
		for range 4 {
			w.hear(t, "server05.test")
			w.nothingFound(t, w.round(t))
		}
		if n := w.other.asked["server05.test"]; n > 0 {
			t.Errorf("it was looked at %d times", n)
		}
	}
}

func TestRootsThatOnlyThisMachineLacksAreSaidOnce(t *testing.T) {
	w := newWorld(t, "4.6")
	public := checkstest.NewCA(t, "A new public root")
	heard := all()
	var quiet []string
	for i := range 2 {
		name := fmt.Sprintf("server%02d.test", i+1)
		c := public.Issue(t, checkstest.Leaf{Names: []string{name}})
		w.other.serve(name, &c, http.HandlerFunc(well))
		w.fail(t, name, 0, 1, 2, 3, 4)
		quiet = append(quiet, name)
	}
	w.learned(t, rhythmKey, heard)
	var o checks.Observation
	for range 3 {
		w.hear(t)
		o = w.round(t)
	}
	f := w.found(t, o, codeUs, subjectTrust)
	if len(o.Findings) != 1 || !strings.Contains(f.Text.En, "A new public root") {
		t.Errorf("%d findings, %q", len(o.Findings), f.Text.En)
	}
	for _, name := range quiet {
		w.redis.Do(t, "DEL", "exhausted_deliveries:"+name)
	}
	w.nothingFound(t, w.round(t))
}

func TestManySilentAtOnceAreSaidOnce(t *testing.T) {
	w := newWorld(t, "4.6")
	heard := all()
	var quiet []string
	for i := range 6 {
		name := fmt.Sprintf("server%02d.test", i+1)
		heard[name] = 60 * time.Hour
		w.silence(t, name, 60*time.Hour)
		quiet = append(quiet, name)
	}
	w.learned(t, rhythmKey, heard)
	var o checks.Observation
	for range 4 {
		w.hear(t, quiet...)
		o = w.round(t)
	}
	w.found(t, o, codeUs, subjectSilence)
	if len(o.Findings) != 1 {
		t.Errorf("said more than once: %d findings", len(o.Findings))
	}
	for range 2 {
		w.hear(t)
		o = w.round(t)
	}
	w.nothingFound(t, o)
}

func TestAFriendWhoNoLongerReactsIsTold(t *testing.T) {
	w := newWorld(t, "4.6", "server09.test")
	react := func(ago time.Duration) {
		w.db.Exec(t, "DELETE FROM notifications WHERE from_account_id IN (SELECT id FROM accounts WHERE domain = 'server09.test')")
		w.db.Exec(t, `INSERT INTO notifications (activity_id, activity_type, type, account_id, from_account_id, created_at)
			SELECT 1, 'Favourite', 'favourite', l.id, r.id, $1 FROM accounts l, accounts r
			WHERE l.username = 'aoi' AND r.domain = 'server09.test' AND r.username = 'user1'`, w.now.Add(-ago).UTC())
	}
	react(70 * time.Hour)
	w.learned(t, rhythmKey, all())
	w.learned(t, friendsKey, map[string]time.Duration{"server09.test": 70 * time.Hour})
	for range missingOpen - 1 {
		w.hear(t)
		w.nothingFound(t, w.round(t))
	}
	w.hear(t)
	w.found(t, w.round(t), codeFriend, "server09.test")
	react(time.Minute)
	w.hear(t)
	w.nothingFound(t, w.round(t))
}

func TestAskingAgainLooksAtNobodyTwice(t *testing.T) {
	w := newWorld(t, "4.6")
	w.fail(t, "server02.test", 0, 1, 2, 3, 4)
	w.look(t, true)
	w.fail(t, "server03.test", 0, 1, 2, 3, 4)
	w.now = w.now.Add(time.Minute)
	w.look(t, true)
	if n := w.other.asked["server02.test"]; n != 1 {
		t.Errorf("the first was asked %d times", n)
	}
	if n := w.other.asked["server03.test"]; n != 0 {
		t.Error("a second round within the hour")
	}
	w.round(t)
	if n := w.other.asked["server03.test"]; n != 1 {
		t.Errorf("the second was asked %d times", n)
	}
}

func TestARhythmIsLearnedByListeningAndThenMissed(t *testing.T) {
	for _, version := range []string{"4.5", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t, version)
			step := func(but ...string) checks.Observation {
				w.now = w.now.Add(time.Hour) // and another one in the round
				w.hear(t, but...)
				return w.round(t)
			}
			for range 8 * 12 { // eight days, every two hours
				w.nothingFound(t, step())
			}
			for range 24 { // two days of silence
				w.nothingFound(t, step("server05.test"))
			}
			var o checks.Observation
			for range missingOpen {
				o = step("server05.test")
			}
			f := w.found(t, o, codeMissing, "server05.test")
			if len(o.Findings) != 1 || !strings.Contains(f.Text.En, "usually within 2 h") {
				t.Errorf("%d findings, %q", len(o.Findings), f.Text.En)
			}
			w.nothingFound(t, step())
		})
	}
}
