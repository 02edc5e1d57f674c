package backups

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
)

func TestWhatIsInsideIsJudgedByTheServerOfThatHour(t *testing.T) {
	in := func(hours float64, accounts int64) contents {
		return contents{Holds: holdsMastodon, Accounts: accounts, Newest: timeID(noon.Add(-time.Duration(hours * float64(time.Hour))))}
	}
	ago := func(hours float64) time.Time { return noon.Add(-time.Duration(hours * float64(time.Hour))) }
	for _, c := range []struct {
		situation string
		in        contents
		asked     bool
		newest    time.Time
		accounts  int64
		want      verdict
	}{
		{"of the hour", in(0.1, 100), true, ago(0.1), 100, verdict{Why: insideToday}},
		{"23 hours older than the server was", in(23.5, 100), true, ago(0.1), 100, verdict{Why: insideToday}},
		{"25 hours older", in(25.2, 100), true, ago(0.1), 100, verdict{checks.Critical, insideOld}},
		{"as old as the server's newest, on a quiet server", in(300, 100), true, ago(300), 100, verdict{Why: insideToday}},
		{"90 % of the accounts", in(1, 90), true, ago(0), 100, verdict{Why: insideToday}},
		{"89 % of the accounts", in(1, 89), true, ago(0), 100, verdict{checks.Critical, insideFew}},
		{"more accounts than now, after a clearing out", in(1, 200), true, ago(0), 100, verdict{Why: insideToday}},
		{"nobody has counted the server's accounts", in(1, 5), true, ago(0), 0, verdict{Why: insideToday}},
		{"no status, and the server has some", contents{Holds: holdsMastodon, Accounts: 100}, true, ago(0), 100, verdict{checks.Critical, insideEmpty}},
		{"no status, and the server had none", contents{Holds: holdsMastodon}, true, time.Time{}, 0, verdict{Why: insideToday}},
		{"alone, of the day", in(20, 100), false, time.Time{}, 0, verdict{Why: insideAlone}},
		{"alone, two days old", in(48, 100), false, time.Time{}, 0, verdict{checks.Warning, insideOld}},
		{"alone, eight days old", in(192, 100), false, time.Time{}, 0, verdict{checks.Critical, insideOld}},
		{"alone, without a status", contents{Holds: holdsMastodon}, false, time.Time{}, 0, verdict{checks.Critical, insideEmpty}},
		{"another database", contents{Holds: holdsOther}, true, ago(0), 100, verdict{Why: insideNone}},
	} {
		if got := judgeContents(c.in, noon, c.asked, c.newest, c.accounts); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.situation, got, c.want)
		}
	}
}

func TestHowManyAccountsTheServerHadThen(t *testing.T) {
	sample := func(hours, value float64) checks.Sample {
		return checks.Sample{At: noon.Add(time.Duration(hours * float64(time.Hour))), Value: value}
	}
	for _, c := range []struct {
		situation string
		now       int64
		samples   []checks.Sample
		want      int64
	}{
		{"no sample: as now", 100, nil, 100},
		{"the last before the dump", 100, []checks.Sample{sample(-3, 50), sample(-1, 60), sample(1, 90)}, 60},
		{"those after it say nothing", 100, []checks.Sample{sample(1, 90)}, 100},
		{"too old", 100, []checks.Sample{sample(-30, 50)}, 100},
		{"some were deleted since", 40, []checks.Sample{sample(-1, 60)}, 40},
	} {
		if got := accountsAt(noon, c.now, c.samples); got != c.want {
			t.Errorf("%s: %d, want %d", c.situation, got, c.want)
		}
	}
	for _, c := range []struct {
		situation              string
		planned, counted, want int64
	}{
		{"both agree", 1000, 1010, 1000},
		{"deleted since the vacuum", 1000, 850, 850},
		{"the counter began anew", 1000, 3, 1000},
		{"never analysed", -1, 12, 12},
		{"nothing is known", -1, 0, 0},
	} {
		if got := estimate(c.planned, c.counted); got != c.want {
			t.Errorf("%s: %d, want %d", c.situation, got, c.want)
		}
	}
}

func TestARestoreIsTriedOnceAWeekAtNight(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 22, hour, 30, 0, 0, time.Local) }
	read := tested{ID: "new", Outcome: outcomeWhole, Inside: contents{Holds: holdsMastodon}}
	tried := func(id, outcome string, ago time.Duration) rebuilt {
		return rebuilt{ID: id, Outcome: outcome, At: at(2).Add(-ago)}
	}
	for _, c := range []struct {
		situation string
		on        bool
		t         tested
		last      rebuilt
		named     bool
		now       time.Time
		want      bool
		why       string
	}{
		{"off", false, read, rebuilt{}, true, at(2), false, rebuildOff},
		{"the first, at night", true, read, rebuilt{}, false, at(2), true, rebuildNight},
		{"the first, at noon", true, read, rebuilt{}, false, at(12), false, rebuildWaits},
		{"asked for at noon", true, read, rebuilt{}, true, at(12), true, rebuildNamed},
		{"restored already", true, read, tried("new", outcomeWhole, 8*day), true, at(2), false, rebuildDone},
		{"not read yet", true, tested{ID: "old", Outcome: outcomeWhole, Inside: contents{Holds: holdsMastodon}}, rebuilt{}, true, at(2), false, rebuildUnread},
		{"damaged", true, tested{ID: "new", Outcome: outcomeDamaged}, rebuilt{}, true, at(2), false, rebuildUnread},
		{"another database", true, tested{ID: "new", Outcome: outcomeWhole, Inside: contents{Holds: holdsOther}}, rebuilt{}, true, at(2), false, rebuildUnread},
		{"with old data", true, tested{ID: "new", Outcome: outcomeWhole, Bad: true, Inside: contents{Holds: holdsMastodon}}, rebuilt{}, true, at(2), false, rebuildUnread},
		{"a day after the last", true, read, tried("old", outcomeWhole, day), false, at(2), false, rebuildWeekly},
		{"a week after the last", true, read, tried("old", outcomeWhole, week), false, at(2), true, rebuildNight},
		{"the night after one that failed", true, read, tried("old", outcomeDamaged, day), false, at(2), true, rebuildAgain},
		{"the night after one with errors", true, read, tried("old", outcomeFaulty, day), false, at(2), true, rebuildAgain},
		{"an hour after there was no room", true, read, tried("new", outcomeRoom, time.Hour), false, at(2), false, rebuildRetry},
		{"a night after there was no room", true, read, tried("new", outcomeRoom, day), false, at(2), true, rebuildNight},
	} {
		if got, why := dueRebuild(c.on, "new", c.t, c.last, c.named, c.now); got != c.want || why != c.why {
			t.Errorf("%s: %v, %s; want %v, %s", c.situation, got, why, c.want, c.why)
		}
	}
}

func TestARestoreIsJudgedByItsRows(t *testing.T) {
	inside := contents{Holds: holdsMastodon, Accounts: 100, Users: 10, Newest: 5}
	for _, c := range []struct {
		situation string
		got       contents
		in        contents
		faults    int
		first     string
		want      string
		said      string
	}{
		{"all there", inside, inside, 0, "", outcomeWhole, ""},
		{"all there, and an index failed", inside, inside, 1, "could not create unique index", outcomeFaulty, "could not create unique index"},
		{"accounts lost", contents{Accounts: 99, Users: 10, Newest: 5}, inside, 0, "", outcomeDamaged, "accounts: 99, in the dump 100"},
		{"users lost, with a reason", contents{Accounts: 100, Newest: 5}, inside, 2, "data that do not fit", outcomeDamaged, "data that do not fit"},
		{"statuses lost", contents{Accounts: 100, Users: 10}, inside, 0, "", outcomeDamaged, "newest status: 0, in the dump 5"},
		{"rows that could not be counted before", inside, contents{Holds: holdsInserts}, 0, "", outcomeWhole, ""},
		{"nothing of those", contents{}, contents{Holds: holdsInserts}, 0, "", outcomeDamaged, "accounts: 0, in the dump 0"},
	} {
		if got, said := judgeRebuilt(c.got, c.in, c.faults, c.first); got != c.want || said != c.said {
			t.Errorf("%s: %s, %q; want %s, %q", c.situation, got, said, c.want, c.said)
		}
	}
}

func TestRoomForARestoreIsEstimatedAndLearned(t *testing.T) {
	const gb = 1 << 30
	need, lasts := rebuilt{}.need(contents{Bytes: 10 * gb})
	if need < 22*gb || need > 23*gb || lasts < 40*time.Minute || lasts > 45*time.Minute {
		t.Errorf("need %d, %v", need, lasts)
	}
	if more, quicker := (rebuilt{Grows: 3, Speed: 32 << 20}).need(contents{Bytes: 10 * gb}); more < 33*gb || quicker > 12*time.Minute {
		t.Errorf("need %d, %v", more, quicker)
	}
	for _, c := range []struct {
		situation        string
		need, free, size int64
		want             bool
	}{
		{"2 GB stay free", 8 * gb, 10 * gb, 30 * gb, true},
		{"less than 2 GB would stay free", 9 * gb, 10 * gb, 30 * gb, false},
		{"less than 5 % would stay free", 95 * gb, 110 * gb, 400 * gb, false},
	} {
		if _, ok := judgePlace(c.need, uint64(c.free), uint64(c.size)); ok != c.want {
			t.Errorf("%s: %v", c.situation, ok)
		}
	}
}

func TestARestoreIsGivenUpWhenTheRoomRunsOut(t *testing.T) {
	dir := tmpfs(t, "4m")
	free, err := freeAt(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "growing"), make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	if used := watchRoom(ctx, dir, free, 2<<20, cancel); used < 3<<20 || !errors.Is(context.Cause(ctx), errRoom) {
		t.Errorf("used %d, %v", used, context.Cause(ctx))
	}
}

func TestTheHighestLevels(t *testing.T) {
	for _, c := range []struct {
		situation string
		l         level
		inside    verdict
		restored  bool
		want      level
	}{
		{"not read", levelSize, verdict{Why: insideToday}, true, levelSize},
		{"read, with old data", levelComplete, verdict{checks.Critical, insideOld}, true, levelComplete},
		{"read, and not compared for want of an answer", levelComplete, verdict{Why: insideUnasked}, true, levelComplete},
		{"read, another database", levelComplete, verdict{Why: insideNone}, false, levelComplete},
		{"of the day", levelComplete, verdict{Why: insideToday}, false, levelContents},
		{"of the day by its own dates", levelComplete, verdict{Why: insideAlone}, false, levelContents},
		{"restored", levelComplete, verdict{Why: insideToday}, true, levelRestored},
	} {
		if got := further(c.l, c.inside, c.restored); got != c.want {
			t.Errorf("%s: %d, want %d", c.situation, got, c.want)
		}
	}
}

func TestStatementsEndWhereTheyEnd(t *testing.T) {
	sql := `-- a comment;
SET standard_conforming_strings = on;
\restrict abc
CREATE FUNCTION f() RETURNS void AS $body$ BEGIN
  PERFORM ';'; -- '
END; $body$ LANGUAGE plpgsql;

COMMENT ON TABLE a IS 'it''s; here
goes on;
';
SELECT E'\'; still
', "odd;name" /* ; /* nested; */ ; */ ;
CREATE FUNCTION g() RETURNS int BEGIN ATOMIC
 SELECT 1;
END;
COPY public.a (id, t) FROM stdin;
1	x;
2	\\.
\.
SELECT 2; -- behind
INSERT INTO a VALUES (1, 'two
lines;
\connect x');
`
	s := newScript(strings.NewReader(sql), "")
	var got []string
	for {
		text, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if isCopy(text) {
			rows, err := io.ReadAll(s.rows())
			if err != nil {
				t.Fatal(err)
			}
			text += string(rows)
		}
		got = append(got, text)
	}
	want := []string{
		"SET standard_conforming_strings = on;\n",
		"CREATE FUNCTION f() RETURNS void AS $body$ BEGIN\n  PERFORM ';'; -- '\nEND; $body$ LANGUAGE plpgsql;\n",
		"COMMENT ON TABLE a IS 'it''s; here\ngoes on;\n';\n",
		"SELECT E'\\'; still\n', \"odd;name\" /* ; /* nested; */ ; */ ;\n",
		"CREATE FUNCTION g() RETURNS int BEGIN ATOMIC\n SELECT 1;\nEND;\n",
		"COPY public.a (id, t) FROM stdin;\n1\tx;\n2\t\\\\.\n",
		"SELECT 2; -- behind\n",
		"INSERT INTO a VALUES (1, 'two\nlines;\n\\connect x');\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := newScript(strings.NewReader("COPY public.a (id) FROM stdin;\n1\n"), "other").next(); err == nil {
		t.Error("rows without an end are taken")
	}
}

func TestOfSeveralDatabasesOneIsTaken(t *testing.T) {
	dump := func(name string, newest time.Duration) string {
		return "\\connect " + name + "\nCOPY public.accounts (id) FROM stdin;\n1\n\\.\nCOPY public.statuses (text, id) FROM stdin;\nx\t" +
			strconv.FormatInt(timeID(noon.Add(-newest)), 10) + "\n\\.\n"
	}
	future := dump("odd", -365*day)
	for _, c := range []struct{ situation, sql, want string }{
		{"the one of the settings", dump("staging", 0) + dump("mine", day) + dump("older", week), "mine"},
		{"else the newest", dump("older", week) + dump("staging", 0) + dump("oldest", 2*week), "staging"},
		{"an id of next year is no newest status", future + dump("staging", 0), "staging"},
	} {
		s := newScan(noon)
		if _, err := s.Write([]byte(c.sql)); err != nil {
			t.Fatal(err)
		}
		if got := s.result("mine"); got.Base != c.want || got.Statuses != 1 {
			t.Errorf("%s: %+v", c.situation, got)
		}
	}
}
