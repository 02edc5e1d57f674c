package memory

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

func expectVerdict(t *testing.T, v verdict, severity checks.Severity, holds bool) {
	t.Helper()
	if v.Severity != severity || v.Holds != holds {
		t.Errorf("got %v, holds %v (%s), want %v, %v", v.Severity, v.Holds, v.Why, severity, holds)
	}
}

func TestTheMemoryThatIsLeft(t *testing.T) {
	for _, c := range []struct {
		sentence         string
		available, total uint64
		severity         checks.Severity
		holds            bool
	}{
		{"a third of 8 GB is fine", 2700 * megabyte, 8 * gigabyte, checks.OK, false},
		{"thirteen per cent is fine", 130 * gigabyte, 1000 * gigabyte, checks.OK, false},
		{"between ten and twelve per cent it only holds", 900 * megabyte, 8 * gigabyte, checks.Warning, true},
		{"nine per cent is a warning", 9 * gigabyte, 100 * gigabyte, checks.Warning, false},
		{"four per cent is critical", 4 * gigabyte, 100 * gigabyte, checks.Critical, false},
		{"99 MB are critical although they are a fifth", 99 * megabyte, 500 * megabyte, checks.Critical, false},
		{"110 MB that are a fifth only hold", 110 * megabyte, 500 * megabyte, checks.Warning, true},
		{"nothing is critical", 0, 8 * gigabyte, checks.Critical, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			expectVerdict(t, judgeAvailable(numbers{Available: c.available, Total: c.total}), c.severity, c.holds)
		})
	}
}

func TestHowLongProcessesWait(t *testing.T) {
	for _, c := range []struct {
		sentence string
		pressure *pressure
		severity checks.Severity
		holds    bool
	}{
		{"a kernel that does not tell is fine", nil, checks.OK, false},
		{"no waiting is fine", &pressure{}, checks.OK, false},
		{"a short burst is fine", &pressure{Some10: 0.9, Some60: 0.3, Some300: 0.07}, checks.OK, false},
		{"nine per cent only hold", &pressure{Some300: 0.09}, checks.Warning, true},
		{"eleven per cent are a warning", &pressure{Some300: 0.11}, checks.Warning, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			expectVerdict(t, judgePressure(c.pressure), c.severity, c.holds)
		})
	}
}

func TestWhatGoesToAndFromTheSwap(t *testing.T) {
	waiting, quiet := &pressure{Some300: 0.06}, &pressure{Some300: 0.01}
	for _, c := range []struct {
		sentence string
		rates    rates
		pressure *pressure
		severity checks.Severity
		holds    bool
	}{
		{"before the second look nothing is known", rates{In: 1e9, Out: 1e9}, waiting, checks.OK, false},
		{"nothing moves", rates{Known: true}, waiting, checks.OK, false},
		{"what is put away for good is no swapping", rates{Out: 50 * megabyte, Known: true}, waiting, checks.OK, false},
		{"what comes back for good is no swapping", rates{In: 50 * megabyte, Known: true}, waiting, checks.OK, false},
		{"to and fro while nobody waits is fine", rates{In: 50 * megabyte, Out: 50 * megabyte, Known: true}, quiet, checks.OK, false},
		{"to and fro while processes wait is a warning", rates{In: megabyte, Out: megabyte, Known: true}, waiting, checks.Warning, false},
		{"half of that only holds", rates{In: 400e3, Out: 200e3, Known: true}, waiting, checks.Warning, true},
		{"a page now and then is fine", rates{In: 4096, Out: 4096, Known: true}, waiting, checks.OK, false},
		{"without knowing the pressure it takes more", rates{In: megabyte, Out: megabyte, Known: true}, nil, checks.OK, false},
		{"without knowing the pressure much is a warning", rates{In: 3 * megabyte, Out: 3 * megabyte, Known: true}, nil, checks.Warning, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			expectVerdict(t, judgeSwapping(c.rates, c.pressure), c.severity, c.holds)
		})
	}
}

func TestTheRateOfTwoLooks(t *testing.T) {
	now := time.Now()
	before := memory{Boot: "a", At: now.Add(-100 * time.Second), SwapIn: 1000, SwapOut: 2000, Rates: rates{1, 2, true}}
	for _, c := range []struct {
		sentence string
		before   memory
		counters *counters
		boot     string
		now      time.Time
		want     rates
		fresh    bool
	}{
		{"a hundred seconds apart", before, &counters{SwapIn: 2000, SwapOut: 2500}, "a", now, rates{10, 5, true}, true},
		{"the first look", memory{}, &counters{SwapIn: 2000}, "a", now, rates{}, true},
		{"after a reboot", before, &counters{SwapIn: 2000, SwapOut: 9000}, "b", now, rates{}, true},
		{"counters that ran backwards", before, &counters{SwapIn: 10, SwapOut: 9000}, "a", now, rates{}, true},
		{"too soon after the last look", before, &counters{SwapIn: 2000, SwapOut: 2500}, "a", before.At.Add(time.Second), rates{1, 2, true}, false},
		{"a clock that was set back", before, &counters{SwapIn: 2000, SwapOut: 2500}, "a", before.At.Add(-time.Hour), rates{}, true},
		{"no counters", before, nil, "a", now, rates{}, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if got, fresh := rate(c.before, c.counters, c.boot, c.now); got != c.want || fresh != c.fresh {
				t.Errorf("got %+v, %v, want %+v, %v", got, fresh, c.want, c.fresh)
			}
		})
	}
}

func TestHowManyWereKilledSinceTheLastLook(t *testing.T) {
	before := memory{Boot: "a", Kills: 3, Counted: true}
	for _, c := range []struct {
		sentence string
		before   memory
		counters *counters
		boot     string
		want     uint64
		first    bool
	}{
		{"none", before, &counters{Kills: 3, CountsKills: true}, "a", 0, false},
		{"two more", before, &counters{Kills: 5, CountsKills: true}, "a", 2, false},
		{"one since a reboot", before, &counters{Kills: 1, CountsKills: true}, "b", 1, false},
		{"none since a reboot", before, &counters{Kills: 0, CountsKills: true}, "b", 0, false},
		{"as many since a reboot as before it", before, &counters{Kills: 3, CountsKills: true}, "b", 3, false},
		{"the first look counts since boot", memory{}, &counters{Kills: 3, CountsKills: true}, "a", 3, true},
		{"a counter that ran backwards is no news", before, &counters{Kills: 1, CountsKills: true}, "a", 0, false},
		{"a kernel that does not count", before, &counters{}, "a", 0, false},
		{"no counters", before, nil, "a", 0, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if got, first := newKills(c.before, c.counters, c.boot); got != c.want || first != c.first {
				t.Errorf("got %d, %v, want %d, %v", got, first, c.want, c.first)
			}
		})
	}
}

func TestWhoWasKilled(t *testing.T) {
	one := func(name string) kill { return kill{Name: name} }
	for _, c := range []struct {
		sentence      string
		fresh, recent []kill
		severity      checks.Severity
	}{
		{"nobody", nil, []kill{one("python3")}, checks.OK},
		{"anybody once is a warning", []kill{one("python3")}, []kill{one("python3")}, checks.Warning},
		{"somebody unknown once is a warning", []kill{{}}, []kill{{}}, checks.Warning},
		{"anybody again within a day is critical", []kill{one("python3")}, []kill{one("apt"), one("python3")}, checks.Critical},
		{"puma is critical", []kill{one("puma: cluster w")}, nil, checks.Critical},
		{"ruby is critical", []kill{one("ruby3.3")}, nil, checks.Critical},
		{"postgres is critical", []kill{one("postgres")}, nil, checks.Critical},
		{"redis is critical", []kill{one("redis-server")}, nil, checks.Critical},
		{"node is critical", []kill{one("node")}, nil, checks.Critical},
		{"whatever Mastodon's service ran is critical", []kill{{Name: "ffmpeg", Unit: "mastodon-sidekiq.service"}}, nil, checks.Critical},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			expectVerdict(t, judgeKills(c.fresh, c.recent), c.severity, false)
		})
	}
}

func TestTheLogIsComparedWithTheCounter(t *testing.T) {
	now := time.Now()
	at := func(minutes int, name string) kill {
		return kill{At: now.Add(-time.Duration(minutes) * time.Minute), Name: name, Stamp: int64(1000 - minutes)}
	}
	log := []kill{at(600, "old"), at(5, "told"), at(3, "ruby"), at(1, "apt")}
	names := func(kills []kill) string {
		var s []string
		for _, k := range kills {
			s = append(s, k.Name)
		}
		return strings.Join(s, ",")
	}
	since := now.Add(-6 * time.Minute)
	for _, c := range []struct {
		n    uint64
		told []kill
		want string
	}{
		{1, nil, "apt"},
		{2, nil, "ruby,apt"},
		{4, nil, ",told,ruby,apt"},
		{3, []kill{at(5, "told")}, ",ruby,apt"},
	} {
		if got := names(attribute(log, c.n, since, now, c.told)); got != c.want {
			t.Errorf("%d killed: %q, want %q", c.n, got, c.want)
		}
	}
	if got := attribute(nil, 1<<40, since, now, nil); len(got) != killsKept {
		t.Errorf("%d are kept", len(got))
	}
}

func TestAWorkerThatHasOutgrownItself(t *testing.T) {
	for _, c := range []struct {
		sentence        string
		resident, usual float64
		severity        checks.Severity
		holds           bool
	}{
		{"twice its size and over a gigabyte is a warning", 1.2 * gigabyte, 0.5 * gigabyte, checks.Warning, false},
		{"twice its size and small is fine", 0.6 * gigabyte, 0.2 * gigabyte, checks.OK, false},
		{"large as ever is fine", 3 * gigabyte, 2.9 * gigabyte, checks.OK, false},
		{"nearly twice its size only holds", 1.9 * gigabyte, gigabyte, checks.Warning, true},
		{"without a usual size nothing is said", 9 * gigabyte, 0, checks.OK, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			expectVerdict(t, judgeWorker(c.resident, c.usual), c.severity, c.holds)
		})
	}
}

func TestTheUsualSizeTakesAWeek(t *testing.T) {
	now := time.Now()
	if got := usualSize([]checks.Sample{{At: now.Add(-5 * day), Value: 3}}, now); got != 0 {
		t.Errorf("after five days %v is usual", got)
	}
	week := []checks.Sample{{At: now.Add(-6*day - time.Hour), Value: 9}, {At: now.Add(-day), Value: 1}, {At: now, Value: 2}}
	if got := usualSize(week, now); got != 2 {
		t.Errorf("the median is %v", got)
	}
	if got := usualSize(nil, now); got != 0 {
		t.Errorf("of nothing %v is usual", got)
	}
}
