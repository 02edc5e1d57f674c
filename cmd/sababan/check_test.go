package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func TestTheExitStatusIsTheWorstOfThoseThatLooked(t *testing.T) {
	for _, c := range []struct {
		situation string
		kinds     string
		args      string
		want      int
	}{
		{"all well", "fine", "", 0},
		{"a warning", "fine warning", "", 1},
		{"critical is worse than warning", "warning critical fine", "", 2},
		{"unknown counts where nothing is worse", "fine broken", "", 3},
		{"a warning is worse than unknown", "broken warning", "", 1},
		{"critical is worse than unknown", "broken critical", "", 2},
		{"a blind spot is unknown", "fine blind", "", 3},
		{"a check that panics is unknown", "fine panics", "", 3},
		{"a finding that merely holds is fine", "holds", "", 0},
		{"not set up is no fault", "fine needy", "", 0},
		{"not set up but named is unknown", "fine needy", "needy", 3},
		{"not set up but named beside a fine one", "fine needy", "needy fine", 3},
		{"not set up but named beside a warning", "warning needy", "needy warning", 1},
		{"nothing could look", "needy", "", 3},
		{"only the named ones count", "fine critical", "fine", 0},
		{"an unknown name", "fine critical", "fine critcal", 3},
		{"an unknown flag", "fine", "--jsn", 3},
		{"a language that is not spoken", "fine", "--lang fr", 3},
		{"a configuration that is not there", "fine", "--config /nowhere.toml", 3},
	} {
		t.Run(c.situation, func(t *testing.T) {
			args := append([]string{"check"}, strings.Fields(c.args)...)
			if got, out, err := typed(t, testKinds(strings.Fields(c.kinds)...), args...); got != c.want {
				t.Errorf("status %d, want %d\n%s%s", got, c.want, out, err)
			}
		})
	}
}

func TestACheckIsFoundByWhatPeopleType(t *testing.T) {
	for _, word := range []string{"fine", "FINE", "ｆｉｎｅ", "Disk", "ディスク", "ﾃﾞｨｽｸ", "storage", "空き容量", " fine "} {
		if status, out, err := typed(t, testKinds("fine", "critical"), "check", word); status != 0 || !strings.Contains(out, "Disk: 71 % used") {
			t.Errorf("%q: %d %s%s", word, status, out, err)
		}
	}
}

func TestAnUnknownNameRunsNothingAndOffersTheNearest(t *testing.T) {
	looked := false
	kinds := func(*site.Site) []checks.Kind {
		k := testKind("fine", nil)
		k.New = func(checks.Table) (checks.Check, error) {
			return lookFunc(func(context.Context, checks.Past) (checks.Observation, error) {
				looked = true
				return checks.Observation{Summary: fineSummary}, nil
			}), nil
		}
		return []checks.Kind{k}
	}
	for word, want := range map[string]string{
		"fien": `there is no check "fien"; did you mean "fine"?`, "strage": `there is no check "strage"; did you mean "fine"?`,
		"空容量": `there is no check "空容量"; did you mean "fine"?`, "sidekiq": `there is no check "sidekiq"; there are: fine`,
		"a\x1b[2J\nb": `there is no check "a [2J b"; there are: fine`,
	} {
		for _, args := range [][]string{{"check", "fine", word}, {"check", "--json", word}} {
			status, out, err := typed(t, kinds, args...)
			if status != 3 || out != "" || err != "sababan: "+want+"\n" {
				t.Errorf("%q: %d %q %q", word, status, out, err)
			}
		}
	}
	if looked {
		t.Error("a check ran")
	}
}

// look29 is `check` with its real patience, on the clock of a synctest bubble.
func look29(kinds []configured, named bool) []look {
	looks := make([]look, len(kinds))
	for i, c := range kinds {
		looks[i] = look{configured: c, Named: named}
	}
	lookAll(context.Background(), looks, "web1", time.Now().Add(29*time.Second), func([]string, *look) {})
	return looks
}

func TestWhateverHangsTheLookEndsWithin30Seconds(t *testing.T) {
	for _, c := range []struct {
		situation string
		timeout   time.Duration
		hanging   int
		want      time.Duration
	}{
		{"a check that hangs, with a short time-out", 10 * time.Second, 1, 10*time.Second + 250*time.Millisecond},
		{"a check that hangs, with a long time-out", 10 * time.Minute, 1, 29*time.Second + 250*time.Millisecond},
		{"very many that hang, most without a turn", 10 * time.Minute, 30, 29*time.Second + 250*time.Millisecond},
		{"very many that hang, in three turns", 10 * time.Second, 24, 29*time.Second + 250*time.Millisecond},
	} {
		t.Run(c.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				var list []configured
				for i := range c.hanging {
					k := kindOf(fmt.Sprintf("hangs%d", i), lookFunc(func(context.Context, checks.Past) (checks.Observation, error) {
						<-release // and not ctx
						return checks.Observation{}, nil
					}))
					check, err := k.New(&checkTable{})
					if err != nil {
						t.Fatal(err)
					}
					list = append(list, configured{Kind: k, Check: check, Timeout: c.timeout})
				}
				began := time.Now()
				looks := look29(list, false)
				if took := time.Since(began); took > c.want+time.Millisecond {
					t.Errorf("took %v, should be %v at most", took, c.want)
				}
				for _, l := range looks {
					if l.Result.Severity() != checks.Unknown || !l.Result.StillLooking {
						t.Errorf("%s: %+v", l.Kind.Name, l.Result)
					}
					why, _ := checks.Explain(l.Result.Err)
					if !strings.Contains(why.En, "still looking") {
						t.Error(why.En)
					}
				}
				close(release)
			})
		})
	}
}

func TestAHangingCheckDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		hangs := kindOf("hangs", lookFunc(func(context.Context, checks.Past) (checks.Observation, error) {
			<-release
			return checks.Observation{}, nil
		}))
		var list []configured
		for range atOnce - 1 {
			list = append(list, configured{Kind: hangs, Check: must(t, hangs), Timeout: time.Hour})
		}
		fine := testKind("fine", nil)
		for range 5 {
			list = append(list, configured{Kind: fine, Check: must(t, fine), Timeout: time.Second})
		}
		for _, l := range look29(list, false) {
			if l.Kind.Name == "fine" && (l.Result.Err != nil || l.Result.Took > time.Second) {
				t.Errorf("%+v", l.Result)
			}
		}
		close(release)
	})
}

func must(t *testing.T, k checks.Kind) checks.Check {
	t.Helper()
	c, err := k.New(&checkTable{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACheckThatObeysItsDeadlineIsStillLookingToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := testKind("slow", nil)
		looks := look29([]configured{{Kind: slow, Check: must(t, slow), Timeout: 20 * time.Second}}, false)
		if why, _ := checks.Explain(looks[0].Result.Err); why.En != "still looking after 20 s" {
			t.Error(why.En)
		}
	})
}

func TestLevelsThatTakeLongRunOnlyWhenNamed(t *testing.T) {
	_, out, _ := typed(t, testKinds("deep"), "check")
	if !strings.Contains(out, "looked at the top") {
		t.Error(out)
	}
	_, out, _ = typed(t, testKinds("deep"), "check", "deep")
	if !strings.Contains(out, "looked at everything") {
		t.Error(out)
	}
}

func TestACheckThatTakesLongIsLeftOutUnlessItIsNamed(t *testing.T) {
	status, out, _ := typed(t, testKinds("fine", "long"), "check")
	if status != 0 || strings.Contains(out, "walked over all") || !strings.Contains(out, "Takes long, so only by name: sababan check long\n") {
		t.Error(status, out)
	}
	_, out, _ = typed(t, testKinds("fine", "long"), "check", "long")
	if !strings.Contains(out, "walked over all") || strings.Contains(out, "Takes long") {
		t.Error(out)
	}
}

func TestADisabledCheckRunsOnlyWhenNamed(t *testing.T) {
	path := writeConfig(t, "[checks.critical]\nenabled = false")
	if status, out, _ := typed(t, testKinds("fine", "critical"), "check", "--config", path); status != 0 || strings.Contains(out, "critical") {
		t.Error(status, out)
	}
	if status, out, _ := typed(t, testKinds("fine", "critical"), "check", "--config", path, "critical"); status != 2 {
		t.Error(status, out)
	}
}

func TestTheLanguageIsTheOneGivenElseOfTheLocaleElseEnglish(t *testing.T) {
	for _, c := range []struct {
		situation string
		given     checks.Lang
		env       map[string]string
		want      checks.Lang
	}{
		{"given", checks.English, map[string]string{"LC_ALL": "ja_JP.UTF-8"}, checks.English},
		{"of LC_ALL", "", map[string]string{"LC_ALL": "ja_JP.UTF-8", "LC_MESSAGES": "C", "LANG": "de_DE"}, checks.Japanese},
		{"of LC_MESSAGES before LANG", "", map[string]string{"LC_MESSAGES": "ja", "LANG": "de_DE"}, checks.Japanese},
		{"the first that is set decides", "", map[string]string{"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, checks.English},
		{"of LANG", "", map[string]string{"LANG": "ja_JP.eucJP"}, checks.Japanese},
		{"a language that is not spoken", "", map[string]string{"LANG": "fr_FR.UTF-8"}, checks.English},
		{"none", "", nil, checks.English},
	} {
		t.Run(c.situation, func(t *testing.T) {
			flag := langFlag{c.given}
			if got := flag.or(func(name string) string { return c.env[name] }); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAHostsCheckCarriesTheHostAndASitesDoesNot(t *testing.T) {
	path := writeConfig(t, "[host]\nname = 'web1'\n[server]\ndomain = 'm.example'")
	_, out, err := typed(t, testKinds("fine", "needy"), "check", "--json", "--config", path)
	report := decodeReport(t, out)
	if report.Host != "web1" || report.Checks[0].Host != "web1" || report.Checks[1].Host != "" {
		t.Error(out, err)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestAReportThatCannotBeWrittenIsToldAndNotTakenForOK(t *testing.T) {
	var stderr bytes.Buffer
	env := environment{
		stdout: full{}, stderr: &stderr, getenv: os.Getenv, columns: func() (int, bool) { return 0, false },
		checklist: testKinds("fine"), config: "/nowhere", patience: time.Second,
	}
	if status := run(t.Context(), env, []string{"check"}); status != 3 || !strings.Contains(stderr.String(), "standard output: no space left on device") {
		t.Error(status, stderr.String())
	}
}

func TestCausesAreForStderrAndForThoseWhoAskForMore(t *testing.T) {
	_, out, err := typed(t, testKinds("broken", "panics"), "check")
	if strings.Contains(out+err, "/proc/x") || strings.Contains(out+err, "goroutine") {
		t.Error(out, err)
	}
	_, out, err = typed(t, testKinds("broken", "panics"), "check", "--verbose")
	if strings.Contains(out, "goroutine") || !strings.Contains(err, "broken: open /proc/x: permission denied") || !strings.Contains(err, "panics: panic: a fault\ngoroutine") {
		t.Error(out, err)
	}
}

func TestTheUsualConfigurationIsReadWhenItIsThere(t *testing.T) {
	usual := writeConfig(t, "")
	for _, c := range []struct{ situation, named, usual, want string }{
		{"one is named", "/a", usual, "/a"},
		{"none is named", "", usual, usual},
		{"none is named and none is there", "", usual + "x", ""},
	} {
		if got := configPath(c.named, c.usual); got != c.want {
			t.Errorf("%s: %q", c.situation, got)
		}
	}
}
