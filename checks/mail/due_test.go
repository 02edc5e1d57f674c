package mail

import (
	"testing"
	"time"
)

func TestWhenAMailboxGetsAMessage(t *testing.T) {
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) }
	p := usualPace()
	rows := func(code string, n int) map[string]int { return map[string]int{code: n} }
	for _, tt := range []struct {
		name string
		b    box
		o    occasion
		want bool
	}{
		{"not at the first look of all, which may be one on the command line", box{}, occasion{now: at(2, 6, 30)}, false},
		{"at the next, whatever the hour", box{}, occasion{now: at(2, 15, 0), known: true}, true},
		{"not before half past six", box{Sent: at(1, 6, 30)}, occasion{now: at(2, 6, 20), known: true}, false},
		{"at half past six", box{Sent: at(1, 6, 30)}, occasion{now: at(2, 6, 30), known: true}, true},
		{"no second time on one day", box{Sent: at(2, 6, 31)}, occasion{now: at(2, 20, 0), known: true}, false},
		{"after a night in which it slept", box{Sent: at(1, 6, 30)}, occasion{now: at(2, 9, 0), known: true}, true},
		{"not while one is under way", box{Sent: at(1, 6, 30), Probes: []probe{{Sent: at(1, 6, 30)}}}, occasion{now: at(2, 6, 30), known: true}, false},
		{"though one that was given up may still come", box{Sent: at(1, 6, 30), Probes: []probe{{Sent: at(1, 6, 30), Lost: true}}}, occasion{now: at(2, 6, 30), known: true}, true},
		{"not to a mailbox that cannot be opened", box{Sent: at(1, 6, 30), VisitRow: 1}, occasion{now: at(2, 6, 30), known: true}, false},
		{"half an hour after one that was lost", box{Sent: at(2, 6, 30), Last: verdict{At: at(2, 7, 30)}, Rows: rows(codeLost, 1)}, occasion{now: at(2, 8, 0), known: true}, true},
		{"not sooner", box{Sent: at(2, 6, 30), Last: verdict{At: at(2, 7, 30)}, Rows: rows(codeLost, 1)}, occasion{now: at(2, 7, 50), known: true}, false},
		{"again and again while none arrives", box{Sent: at(2, 8, 0), Last: verdict{At: at(2, 9, 0)}, Rows: rows(codeLost, 7)}, occasion{now: at(2, 9, 30), known: true}, true},
		{"once more after one among junk", box{Sent: at(2, 6, 30), Last: verdict{At: at(2, 6, 31)}, Rows: rows(codeJunk, 1)}, occasion{now: at(2, 7, 1), known: true}, true},
		{"and then daily, for that changes only by hand", box{Sent: at(2, 7, 1), Last: verdict{At: at(2, 7, 2)}, Rows: rows(codeJunk, 2)}, occasion{now: at(2, 20, 0), known: true}, false},
		{"when somebody asks", box{Sent: at(2, 6, 30)}, occasion{now: at(2, 12, 0), known: true, thorough: true}, true},
		{"and not each time that somebody asks", box{Sent: at(2, 11, 55)}, occasion{now: at(2, 12, 0), known: true, thorough: true}, false},
		{"when the clock was set back", box{Sent: at(9, 6, 30)}, occasion{now: at(2, 12, 0), known: true}, true},
	} {
		if got := sendDue(tt.b, tt.o, p); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestWhenALevelIsDue(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		ago  time.Duration
		row  int
		want bool
	}{
		{"a good one after six hours", 6 * time.Hour, 0, true},
		{"and by the tick that is a little early", 6*time.Hour - 20*time.Second, 0, true},
		{"not before", 5*time.Hour + 50*time.Minute, 0, false},
		{"after a bad one at the next look", 10 * time.Minute, 1, true},
		{"then after half an hour", 30 * time.Minute, 2, true},
		{"not before that", 20 * time.Minute, 9, false},
		{"when the clock was set back", -time.Hour, 0, true},
	} {
		if got := rowDue(now, now.Add(-tt.ago), tt.row, 6*time.Hour, 30*time.Minute); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestWhatIsDueFollowsFromWhatIsSetAndKnown(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	p := usualPace()
	a := about{server: &server{host: "a.test", port: "587", set: true}, from: sender{address: "n@a.test", domain: "a.test"}, set: settings{boxes: []mailbox{{address: "x@b.test"}}}}
	if d := plan(memory{}, a, occasion{now: now, offline: true, thorough: true}, p); d.talk || d.records || len(d.send) > 0 || d.visit["x@b.test"] {
		t.Errorf("offline: %+v", d)
	}
	if d := plan(memory{}, a, occasion{now: now}, p); !d.talk || !d.records || len(d.send) > 0 || !d.visit["x@b.test"] {
		t.Errorf("the first look: %+v", d)
	}
	well := memory{Talk: talk{At: now.Add(-time.Hour), Place: "a.test:587"}, Records: records{At: now.Add(-time.Hour)}, Boxes: map[string]box{"x@b.test": {Sent: now.Add(-26 * time.Hour), Visit: visit{At: now.Add(-time.Hour)}}}}
	if d := plan(well, a, occasion{now: now, known: true}, p); !d.talk || d.records || len(d.send) != 1 || d.visit["x@b.test"] {
		t.Errorf("a message is due: %+v", d)
	}
	// A server that refused twice is not tried before its time, with a message either.
	well.TalkRow = 2
	well.Talk.At = now.Add(-10 * time.Minute)
	if d := plan(well, a, occasion{now: now, known: true}, p); d.talk || len(d.send) > 0 {
		t.Errorf("refused: %+v", d)
	}
	// Mastodon's own server, where we have no credential, gets no message.
	a.server = &server{host: "a.test", port: "587"}
	well.TalkRow = 0
	if d := plan(well, a, occasion{now: now, known: true, thorough: true}, p); !d.talk || len(d.send) > 0 {
		t.Errorf("without a credential: %+v", d)
	}
}

func TestWhatBecomesOfAMessage(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	p := usualPace()
	m := mailbox{address: "x@b.test", server: server{host: "imap.b.test"}}
	sent := now.Add(-70 * time.Minute)
	b := box{Probes: []probe{{ID: "<1@a.test>", Sent: sent}}}
	if got := b.visited(visit{At: now, Fault: silent}, m, now, p); got.Rows[codeLost] != 0 || !got.pending() || got.VisitRow != 1 {
		t.Errorf("a mailbox that does not answer: %+v", got)
	}
	if got := b.visited(visit{At: now, Fault: full}, m, now, p); got.Rows[codeLost] != 0 {
		t.Errorf("a full mailbox: %+v", got)
	}
	lost := b.visited(visit{At: now}, m, now, p)
	if lost.Rows[codeLost] != 1 || lost.pending() || !lost.Last.Lost || len(lost.Probes) != 1 {
		t.Errorf("lost: %+v", lost)
	}
	// It comes after all: late, and no longer lost.
	come := lost.visited(visit{At: now.Add(time.Hour), seen: []sight{{id: "<1@a.test>", at: now.Add(50 * time.Minute)}}}, m, now.Add(time.Hour), p)
	if come.Rows[codeLost] != 0 || come.Rows[codeLate] != 1 || come.Last.Delay != 2*time.Hour || len(come.Probes) != 0 {
		t.Errorf("come at last: %+v", come)
	}
	// One that comes after a newer one has come changes nothing.
	both := box{Probes: []probe{{ID: "<1@a.test>", Sent: sent, Lost: true}, {ID: "<2@a.test>", Sent: now}}}
	newer := both.visited(visit{At: now.Add(time.Minute), seen: []sight{{id: "<2@a.test>", at: now}}}, m, now.Add(time.Minute), p)
	older := newer.visited(visit{At: now.Add(2 * time.Minute), seen: []sight{{id: "<1@a.test>", at: now}}}, m, now.Add(2*time.Minute), p)
	if older.Rows[codeLate] != 0 || older.Last.Sent != now || len(older.Probes) != 0 {
		t.Errorf("out of turn: %+v", older)
	}
	for _, tt := range []struct {
		name        string
		taken, seen time.Duration
		want        time.Duration
	}{
		{"by the mailbox's clock", 40 * time.Second, 10 * time.Minute, 40 * time.Second},
		{"which runs ahead", time.Hour, 10 * time.Minute, 10 * time.Minute},
		{"or behind", -time.Minute, 10 * time.Minute, time.Second},
		{"and counts whole seconds", 0, 300 * time.Millisecond, 300 * time.Millisecond},
	} {
		if got := delay(now, now.Add(tt.taken), now.Add(tt.seen)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if got := delay(now, time.Time{}, now.Add(time.Minute)); got != time.Minute {
		t.Errorf("without a clock of its own: %v", got)
	}
}
