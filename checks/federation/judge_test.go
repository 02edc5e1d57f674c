package federation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestThePulseIsJudgedByItsHour(t *testing.T) {
	busy := checks.Band{Low: 5, Mid: 20, High: 60, Days: 20}
	night := checks.Band{Low: 300, Mid: 1500, High: 4800, Days: 20} // a small server's
	for _, tt := range []struct {
		name  string
		age   time.Duration
		usual checks.Band
		want  checks.Severity
	}{
		{"a busy server is deaf after a quarter of an hour", 16 * time.Minute, busy, checks.Critical},
		{"a quarter of an hour is the least", 14 * time.Minute, busy, checks.OK},
		{"a quiet night of a small server is none", 4 * time.Hour, night, checks.OK},
		{"nor is what comes once a month", 6 * time.Hour, night, checks.OK},
		{"but a whole night is", 7 * time.Hour, night, checks.Critical},
		{"without a normal half a day says nothing", 12 * time.Hour, checks.Band{}, checks.OK},
		{"without a normal a day is a warning", 25 * time.Hour, checks.Band{}, checks.Warning},
	} {
		if got, _ := judgePulse(tt.age, tt.usual); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestEachLevelHasItsOwnClock(t *testing.T) {
	for _, tt := range []struct {
		name      string
		now, last string
		want      bool
	}{
		{"the round was at 10:36, it is 11:30", "2026-11-22 11:30", "2026-11-22 10:36", false},
		{"it is 11:35", "2026-11-22 11:35", "2026-11-22 10:36", true},
		{"it was at 11:35 already", "2026-11-22 11:40", "2026-11-22 11:35", false},
		{"asked for at 11:20, and due at 11:35 all the same", "2026-11-22 11:36", "2026-11-22 11:20", true},
		{"asleep for a day: once", "2026-11-23 02:10", "2026-11-22 11:35", true},
		{"the clock was set back", "2026-11-22 10:10", "2026-11-22 11:35", true},
	} {
		if got := dueRhythm(at(tt.now), at(tt.last)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	now := at("2026-11-22 11:30")
	for after, want := range map[time.Duration]bool{4 * time.Minute: false, 8 * time.Minute: false, 9 * time.Minute: true, 10 * time.Minute: true, -time.Minute: true} {
		if got := dueThem(now, now.Add(-after)); got != want {
			t.Errorf("deliveries after %v: %v", after, got)
		}
	}
	if dueAgain(now, now.Add(-5*time.Minute)) || !dueAgain(now, now.Add(-25*time.Minute)) || !dueAgain(now, now.Add(time.Minute)) {
		t.Error("a round that failed is tried again after twenty minutes")
	}
}

func TestAStreakOpensAndClosesByItsOwnLooks(t *testing.T) {
	var s streak
	said := ""
	for _, bad := range []bool{true, false, true, true, false, true, false, false, false} {
		s = s.next(bad, 2, 2)
		said += map[bool]string{true: "o", false: "."}[s.Open]
	}
	if said != "...oooo.." {
		t.Errorf("open: %s", said)
	}
}

func TestManyAtOnceIsUs(t *testing.T) {
	usual := checks.Band{Low: 1, Mid: 4, High: 9, Days: 20}
	for _, tt := range []struct {
		name  string
		t     tally
		usual checks.Band
		want  bool
	}{
		{"a handful is theirs", tally{All: 12, New: 9}, usual, false},
		{"old failures are theirs", tally{All: 100, New: 8}, usual, false},
		{"a third of late, three times the usual", tally{All: 30, New: 13}, usual, true},
		{"a third of late, as on any day", tally{All: 24, New: 8}, usual, false},
		{"those that were new and fail yet count on", tally{All: 30, New: 2, Still: 13}, usual, true},
		{"where nothing is known to be usual, twenty", tally{All: 60, New: 20}, checks.Band{}, true},
		{"and not ten", tally{All: 30, New: 10}, checks.Band{}, false},
	} {
		if got := judgeUs(tt.t, tt.usual); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestASetOfDaysIsRead(t *testing.T) {
	now := at("2026-11-22 00:30").In(time.FixedZone("JST", 9*3600))
	for _, tt := range []struct {
		members []string
		want    string
	}{
		{[]string{"20261122"}, "1 20261122 20261122"},
		{[]string{"20261122", "20261121"}, "2 20261121 20261122"},
		{[]string{"20261116", "20261117", "20261118", "20261119", "20261120"}, "5 20261116 20261120"},
		{[]string{"20261115"}, "1 20261115 20261115"}, // half an hour of it is within seven days
		{[]string{"20261114"}, "0 20261114 20261114"},
		{[]string{"20261115", "20261116", "20261117", "20261118", "20261119", "20261120", "20261121", "20261122"}, "7 20261115 20261122"},
		{[]string{"202611220015", "202611220016"}, "1 20261122 20261122"},
		{[]string{"nonsense", "", "20261122"}, "1 20261122 20261122"},
		{nil, "0  "},
	} {
		n, first, last := days(tt.members, now)
		if got := fmt.Sprintf("%d %s %s", n, first, last); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.members, got, tt.want)
		}
	}
}

func TestADomainIsSilentByItsOwnRhythm(t *testing.T) {
	now := at("2026-11-22 12:00")
	for _, tt := range []struct {
		name  string
		every time.Duration
		quiet time.Duration
		want  bool
	}{
		{"a busy one after a day is not", time.Hour, 24 * time.Hour, false},
		{"a busy one after two days is", time.Hour, 49 * time.Hour, true},
		{"one that is heard daily after two days is not", 24 * time.Hour, 60 * time.Hour, false},
		{"one that is heard daily after three is", 24 * time.Hour, 74 * time.Hour, true},
		{"one that is heard weekly after a fortnight is not", 7 * 24 * time.Hour, 14 * 24 * time.Hour, false},
		{"one that is heard weekly after a month is", 7 * 24 * time.Hour, 30 * 24 * time.Hour, true},
	} {
		var b beat
		last := now.Add(-tt.quiet)
		for i := 8; i >= 0; i-- {
			came := last.Add(-time.Duration(i) * tt.every)
			b = b.heard(came, came.Add(30*time.Minute), true)
		}
		b.First = min(b.First, minutes(now.Add(-8*24*time.Hour)))
		if got, silent := b.silence(now); silent != tt.want || got.Round(time.Hour) != tt.quiet {
			t.Errorf("%s: %v for %v (usual %v)", tt.name, silent, got, b.usual())
		}
	}
}

func TestARhythmIsLearnedOnlyWhileSomebodyListens(t *testing.T) {
	now := at("2026-11-22 12:00")
	var b beat
	for i := range 200 {
		came := now.Add(time.Duration(i-200) * time.Hour)
		b = b.heard(came, came.Add(20*time.Minute), i != 150)
		if i == 149 {
			now = now.Add(72 * time.Hour) // sababan was off
		}
	}
	if b.usual() != time.Hour || b.Times < 190 {
		t.Errorf("usual %v after %d times", b.usual(), b.Times)
	}
	// One long absence of theirs is not yet usual; two are.
	back := now.Add(10 * 24 * time.Hour)
	b = b.heard(back, back, true)
	if b.usual() != time.Hour {
		t.Errorf("after one absence usual is %v", b.usual())
	}
	back = back.Add(9 * 24 * time.Hour)
	b = b.heard(back, back, true)
	if b.usual().Round(24*time.Hour) != 9*24*time.Hour {
		t.Errorf("after two absences usual is %v", b.usual())
	}
	if b = b.turn().turn(); b.usual() != 0 {
		t.Errorf("after two periods usual is %v", b.usual())
	}
}

// Mastodon up to 4.5 dates an account by when its post came here, from 4.6 by
// when it was written.
func TestWhatComesLateCounts(t *testing.T) {
	now := at("2026-11-22 12:00")
	learned := beat{First: minutes(now.Add(-30 * 24 * time.Hour)), Times: 100, Gaps: [4]int{180, 120}}
	learned.Last = minutes(now.Add(-60 * time.Hour))
	learned.Heard = learned.Last
	if _, silent := learned.silence(now); !silent {
		t.Fatal("it is not silent before")
	}
	came45 := learned.heard(now.Add(-10*time.Minute), now, true)
	if _, silent := came45.silence(now); silent {
		t.Error("4.5: a post came ten minutes ago")
	}
	came46 := learned.heard(now.Add(-55*time.Hour), now, true) // written then, delivered now
	if lasts, silent := came46.silence(now); silent || lasts > time.Hour {
		t.Errorf("4.6: a post from two days ago came just now, silent for %v", lasts)
	}
	if _, silent := came46.silence(now.Add(60 * time.Hour)); !silent {
		t.Error("4.6: and nothing since")
	}
	if first := (beat{}).heard(now.Add(-55*time.Hour), now, true); !first.last().Equal(now.Add(-55 * time.Hour)) {
		t.Errorf("what is met for the first time did not come just now: %v", first.last())
	}
	if ahead := (beat{}).heard(now.Add(5*time.Hour), now, true); ahead.last().After(now) {
		t.Errorf("a post from the future: %v", ahead.last())
	}
}

func many(n int) (weights, map[string]beat) {
	w := weights{At: at("2026-11-22 12:00"), Total: 150_000}
	beats := map[string]beat{}
	for i := range n {
		name := fmt.Sprintf("%s%d.%s", []string{"mastodon", "social", "misskey", "don"}[i%4], i, []string{"example", "social", "example.jp"}[i%3])
		w.List = append(w.List, weight{Domain: name, Follows: 5000 - i, Inbox: map[bool]string{true: "inbox." + name}[i%10 == 0]})
		m := minutes(w.At) - int64(i)
		beats[name] = beat{Last: m, Heard: m + int64(i%2), First: m - 20000, Times: i % 900, Gaps: [4]int{i, i / 2, 70, 60}}
	}
	w.index()
	return w, beats
}

func TestWhatIsRememberedIsSmallAndWhole(t *testing.T) {
	w, beats := many(weightsKept)
	packed := w.pack()
	got, err := unpackWeights(packed)
	if err != nil || got.Total != w.Total || !got.At.Equal(w.At) || len(got.List) != len(w.List) || got.List[10] != w.List[10] {
		t.Fatalf("weights: %v %v", err, got.Total)
	}
	b := packBeats(beats)
	back, err := unpackBeats(b)
	if err != nil || len(back) != len(beats) {
		t.Fatalf("beats: %v", err)
	}
	for name, one := range beats {
		if back[name] != one {
			t.Fatalf("%s: %+v, want %+v", name, back[name], one)
		}
	}
	t.Logf("%d domains: weights %d bytes, rhythm %d bytes", len(beats), len(packed), len(b))
	if len(packed) > 100<<10 || len(b) > 100<<10 {
		t.Error("that is too large to be written every hour")
	}
}

func FuzzWhatIsRemembered(f *testing.F) {
	w, beats := many(20)
	f.Add(w.pack())
	f.Add(packBeats(beats))
	f.Add(deflate([]byte("1 1\na.b 1\n")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if w, err := unpackWeights(raw); err == nil && len(w.List) > weightsKept {
			t.Error("too many weights")
		}
		if b, err := unpackBeats(raw); err == nil && len(b) > beatsKept {
			t.Error("too many beats")
		}
		_, _ = unpackBeats(deflate(raw))
		_, _ = unpackWeights(deflate(raw))
	})
}

func TestFewAreChosenAndNobodyTwice(t *testing.T) {
	var waiting []string
	for i := range 30 {
		waiting = append(waiting, fmt.Sprintf("a%d.masto.host", i), fmt.Sprintf("b%d.example.co.jp", i), fmt.Sprintf("c%d.example", i))
	}
	chosen := choose(waiting, surveyLimit)
	if len(chosen) != surveyLimit {
		t.Errorf("chosen %d", len(chosen))
	}
	n := map[string]int{}
	for _, d := range chosen {
		n[ownerOf(d)]++
	}
	if n["example.co.jp"] != 2 || n["c0.example"] != 1 {
		t.Errorf("owners: %v", n)
	}
	now := at("2026-11-22 12:00")
	order := turns([]suspect{
		{Domain: "fresh.example", Looked: now.Add(-time.Hour).Unix(), Outcome: outcome{Kind: gone}},
		{Domain: "old.example", Looked: now.Add(-30 * time.Hour).Unix(), Outcome: outcome{Kind: gone}},
		{Domain: "never.example"},
		{Domain: "unsure.example", Looked: now.Add(-2 * time.Hour).Unix(), Outcome: outcome{Kind: here}},
		{Domain: "own.example"},
	}, "own.example", now)
	if got := strings.Join(order, " "); got != "never.example old.example unsure.example" {
		t.Errorf("order: %s", got)
	}
}

func TestAddressesOfOneNetworkAreNeighbours(t *testing.T) {
	if neighbours(addr(t, "5.9.1.1")) != neighbours(addr(t, "5.9.1.200")) || neighbours(addr(t, "2a01:4f8::1")) != neighbours(addr(t, "2a01:4f8::ffff:1")) {
		t.Error("neighbours are not known as such")
	}
}

func TestOnlyNamesAreLookedAt(t *testing.T) {
	for name, want := range map[string]bool{
		"example.social": true, "xn--n8jl8kwa.jp": true, "a_b.example": true, "localhost": false, "127.0.0.1": false, "::1": false,
		"a..b": false, "": false, "-a.example": false, "a.example/x": false, "a.example:80": false, "a@b.example": false, "A.example": false,
		strings.Repeat("a", 64) + ".example": false, strings.Repeat("a.", 130) + "example": false,
	} {
		if hostName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
