package backups

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local)

// every makes runs of one size, so many hours before noon.
func every(size int64, hours ...float64) []point {
	var list []point
	for _, h := range hours {
		list = append(list, point{noon.Add(-time.Duration(h * float64(time.Hour))), size})
	}
	return list
}

func TestARhythmIsLearnedFromTheBackupsThemselves(t *testing.T) {
	for _, c := range []struct {
		situation  string
		every      time.Duration
		configured bool
		runs       []point
		want       time.Duration
		how        string
	}{
		{"what was set counts, whatever is there", 6 * time.Hour, true, every(1, 96, 72, 48, 24), 6 * time.Hour, rhythmSet},
		{"daily, with the minutes that a job takes more or less", 0, true, every(1, 97, 72.6, 48.2, 24), day, rhythmLearned},
		{"one missed run does not make it every two days", 0, true, every(1, 192, 168, 144, 96, 72, 48, 24), day, rhythmLearned},
		{"a backup in two parts is not hourly", 0, true, every(1, 73, 72, 49, 48, 25, 24, 1), 23 * time.Hour, rhythmLearned},
		{"hourly now, daily before", 0, true, every(1, 72, 48, 24, 8, 7, 6, 5, 4, 3, 2, 1), time.Hour, rhythmLearned},
		{"weekly", 0, false, every(1, 504, 336, 168), week, rhythmLearned},
		{"two of a source that was set up are taken to be daily", 0, true, every(1, 240, 24), day, rhythmAssumed},
		{"two that were found are no rhythm", 0, false, every(1, 240, 24), 0, rhythmUnknown},
		{"none", 0, false, nil, 0, rhythmUnknown},
	} {
		got, how := rhythm(c.every, c.configured, c.runs)
		// 23 h is near enough to a day to be one.
		if c.want == 23*time.Hour {
			c.want = day
		}
		if got != c.want || how != c.how {
			t.Errorf("%s: %v %s, want %v %s", c.situation, got, how, c.want, c.how)
		}
	}
}

func TestFilesMadeTogetherAreOneRun(t *testing.T) {
	got := runs([]point{
		{noon, 10},
		{noon.Add(5 * time.Minute), 20},
		{noon.Add(day), 15},
		{noon.Add(day + time.Minute), -1},
	})
	if len(got) != 2 || got[0].Size != 30 || !got[0].Time.Equal(noon.Add(5*time.Minute)) || got[1].Size != 15 {
		t.Errorf("%+v", got)
	}
}

func TestABackupIsOldByItsOwnRhythm(t *testing.T) {
	for _, c := range []struct {
		situation   string
		age, rhythm time.Duration
		want        verdict
	}{
		{"daily, 29 hours old", 29 * time.Hour, day, verdict{Why: "recent"}},
		{"daily, 31 hours old", 31 * time.Hour, day, verdict{checks.Warning, "late"}},
		{"daily, 60 hours old", 60 * time.Hour, day, verdict{checks.Warning, "late"}},
		{"daily, 61 hours old: two runs missed", 61 * time.Hour, day, verdict{checks.Critical, "two runs missed"}},
		{"weekly, 8 days old", 8 * day, week, verdict{Why: "recent"}},
		{"weekly, 9 days old", 9 * day, week, verdict{checks.Warning, "late"}},
		{"every 5 minutes, 10 minutes old: no job is that punctual", 10 * time.Minute, 5 * time.Minute, verdict{Why: "recent"}},
		{"hourly, 3 hours old", 3 * time.Hour, time.Hour, verdict{checks.Critical, "two runs missed"}},
		{"from the future", -time.Hour, day, verdict{Why: "recent"}},
		{"without a rhythm, a year old", 365 * day, 0, verdict{Why: "no rhythm is known"}},
	} {
		if got := judgeAge(c.age, c.rhythm); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.situation, got, c.want)
		}
	}
}

func TestASizeIsComparedWithTheSevenBefore(t *testing.T) {
	before := []point{{Size: 9}, {Size: 100}, {Size: 104}, {Size: 98}, {Size: 102}, {Size: 101}, {Size: 99}, {Size: 103}, {Size: 50}}
	if usual, ok := usualSize(before); !ok || usual != 101 {
		t.Errorf("usual %d, %v", usual, ok)
	}
	if _, ok := usualSize(every(5, 3, 2, 1)); ok {
		t.Error("two before are enough")
	}
	for _, c := range []struct {
		situation string
		size      int64
		want      verdict
	}{
		{"the usual", 100, verdict{Why: "usual"}},
		{"71 % of it", 71, verdict{Why: "usual"}},
		{"69 % of it", 69, verdict{checks.Warning, "small"}},
		{"24 % of it", 24, verdict{checks.Critical, "much too small"}},
		{"199 % of it", 199, verdict{Why: "usual"}},
		{"201 % of it", 201, verdict{checks.Warning, "large"}},
		{"nothing", 0, verdict{checks.Critical, "empty"}},
		{"unknown", -1, verdict{Why: "its size is not known"}},
	} {
		if got := judgeSize(c.size, 100); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.situation, got, c.want)
		}
	}
	if got := judgeSize(5, 0); got.found() {
		t.Errorf("without a usual size: %+v", got)
	}
}

func TestABackupIsReadToItsEndOnceAndAtNight(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 22, hour, 30, 0, 0, time.Local) }
	fresh, big := artefact{ID: "new", Size: 1 << 30}, artefact{ID: "new", Size: 6 << 30}
	whole := tested{ID: "old", Outcome: outcomeWhole, At: at(2).Add(-day)}
	for _, c := range []struct {
		situation string
		a         artefact
		last      tested
		named     bool
		now       time.Time
		want      bool
		why       string
	}{
		{"a new one at noon waits", fresh, whole, false, at(12), false, testWaits},
		{"a new one at half past six waits", fresh, whole, false, at(6), false, testWaits},
		{"a new one at night", fresh, whole, false, at(1), true, testNight},
		{"asked for at noon", fresh, whole, true, at(12), true, testNamed},
		{"tested already", fresh, tested{ID: "new", Outcome: outcomeWhole}, true, at(2), false, testDone},
		{"found damaged already", fresh, tested{ID: "new", Outcome: outcomeDamaged}, true, at(2), false, testDone},
		{"after a damaged one at once", fresh, tested{ID: "old", Outcome: outcomeDamaged}, false, at(12), true, testAgain},
		{"a big one after a damaged one waits for the night", big, tested{ID: "old", Outcome: outcomeDamaged}, false, at(12), false, testWaits},
		{"a big one a day after the last test", big, whole, false, at(2), false, testWeekly},
		{"a big one a week after the last test", big, tested{ID: "old", Outcome: outcomeWhole, At: at(2).Add(-week)}, false, at(2), true, testNight},
		{"one that took too long is not tried every hour", fresh, tested{ID: "new", Outcome: outcomeSlow}, false, at(2), false, testDone},
		{"but is when asked for", fresh, tested{ID: "new", Outcome: outcomeSlow}, true, at(12), true, testNamed},
		{"one that is being written is left alone", artefact{ID: "new", Growing: true}, whole, true, at(2), false, testUnready},
		{"after a tool was missing, the next night", fresh, tested{ID: "new", Outcome: outcomeNoTool}, false, at(2), true, testNight},
	} {
		if got, why := due(c.a, c.last, c.named, c.now); got != c.want || why != c.why {
			t.Errorf("%s: %v, %s; want %v, %s", c.situation, got, why, c.want, c.why)
		}
	}
}

func TestALevelIsReachedOnlyByWhatIsProven(t *testing.T) {
	good, late, lean := verdict{Why: "recent"}, verdict{checks.Warning, "late"}, verdict{checks.Warning, "small"}
	usual, unknown := verdict{Why: "usual"}, verdict{Why: "no usual size is known"}
	for _, c := range []struct {
		situation string
		age, size verdict
		whole     bool
		want      level
	}{
		{"an old one has none", late, usual, true, levelNothing},
		{"a small one is recent", good, lean, true, levelRecent},
		{"one without a usual size is recent", good, unknown, false, levelRecent},
		{"one of the usual size", good, usual, false, levelSize},
		{"one that was read", good, usual, true, levelComplete},
		{"one that was read, the first of its kind", good, unknown, true, levelComplete},
	} {
		if got := reached(c.age, c.size, c.whole); got != c.want {
			t.Errorf("%s: %d, want %d", c.situation, got, c.want)
		}
	}
}

func TestRoomForTheNext(t *testing.T) {
	if v := judgeRoom(100, 120, true); v.found() {
		t.Errorf("enough: %+v", v)
	}
	if v := judgeRoom(100, 119, true); v.Severity != checks.Critical {
		t.Errorf("on the server's own: %+v", v)
	}
	if v := judgeRoom(100, 119, false); v.Severity != checks.Warning {
		t.Errorf("elsewhere: %+v", v)
	}
	if v := judgeRoom(-1, 0, true); v.found() {
		t.Errorf("of unknown size: %+v", v)
	}
}

func TestARestoreIsOldAfterThreeMonths(t *testing.T) {
	for days, want := range map[int]bool{1: false, 89: false, 91: true} {
		if got := judgeRestore(noon.Add(-time.Duration(days)*day), noon).found(); got != want {
			t.Errorf("after %d days: %v", days, got)
		}
	}
	if judgeRestore(time.Time{}, noon).found() {
		t.Error("nobody wrote a day, and it is asked for")
	}
}

func TestWhatChangesFromRunToRunBecomesAStar(t *testing.T) {
	for name, want := range map[string]string{
		"mastodon_production-2026-11-22T03:00:01Z.dump": "mastodon_production-*.dump",
		"mastodon.20261122-0300.sql.gz":                 "mastodon.*.sql.gz",
		"pg15-2026-11-22.dump":                          "pg*.dump",
		"latest.sql.zst":                                "latest.sql.zst",
	} {
		if got := changing.ReplaceAllLiteralString(name, "*"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if !dumpName.MatchString(name) {
			t.Errorf("%s is not taken for a dump", name)
		}
	}
	for _, name := range []string{"dpkg.status.1.gz", "alternatives.tar.0", "apt.extended_states.0", "notes.txt", "photo.tar.gz"} {
		if dumpName.MatchString(name) {
			t.Errorf("%s is taken for a dump", name)
		}
	}
}
