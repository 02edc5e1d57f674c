package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSpanSaysTwoUnitsAtMost(t *testing.T) {
	for d, want := range map[time.Duration]Text{
		-time.Hour:                         {"0 ms", "0ms"},
		84 * time.Millisecond:              {"84 ms", "84ms"},
		1250 * time.Millisecond:            {"1.2 s", "1.2秒"},
		40 * time.Second:                   {"40 s", "40秒"},
		35 * time.Minute:                   {"35 min", "35分"},
		130 * time.Minute:                  {"2 h 10 min", "2時間10分"},
		31 * time.Hour:                     {"31 h", "31時間"},
		76 * time.Hour:                     {"3 d 4 h", "3日4時間"},
		72 * time.Hour:                     {"3 d", "3日"},
		36*24*time.Hour + 3*time.Hour:      {"36 d", "36日"},
		9*time.Hour + 59*time.Minute + 1e9: {"9 h 59 min", "9時間59分"},
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %+v, want %+v", d, got, want)
		}
	}
}

func TestMarksAreWrittenOutForTheReader(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 1, 5, 0, 0, time.UTC) // 10:05 in Tokyo
	end := time.Date(2026, 11, 25, 4, 20, 0, 0, time.UTC)
	text := Text{
		En: "expires in " + Left(end) + " (" + At(end) + "), valid to " + On(end.AddDate(0, 3, 0)) + ", noticed " + At(now) + ", " + Ago(now.Add(-31*time.Hour)) + " old",
		Ja: "期限まで" + Left(end) + "（" + At(end) + "まで）、" + On(end.AddDate(2, 0, 0)) + "まで、" + At(now) + "に検知",
	}
	en := text.Read(Reader{English, tokyo, now})
	if want := "expires in 3 d 3 h (25 Nov 13:20), valid to 25 Feb, noticed 10:05, 31 h old"; en != want {
		t.Errorf("English\n got %s\nwant %s", en, want)
	}
	ja := text.Read(Reader{Japanese, tokyo, now})
	if want := "期限まで3日3時間（11/25（水）13:20まで）、2028/11/25まで、10:05に検知"; ja != want {
		t.Errorf("Japanese\n got %s\nwant %s", ja, want)
	}
}

func TestABrokenMarkNeverReachesThePage(t *testing.T) {
	for _, s := range []string{"a\uE000", "a\uE000l12", "a\uE000x\uE001", "a\uE000lxx\uE001"} {
		if got := (Reader{Lang: English}).Write(s); strings.ContainsAny(got, "\uE000\uE001") || !strings.HasPrefix(got, "a") {
			t.Errorf("Write(%q) = %q", s, got)
		}
	}
}

func TestSizesAreThoseOfDf(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 7.2 * (1 << 30): "7.2 GB", 25 << 30: "25 GB",
		999.6 * (1 << 20): "1.0 GB", 80 << 30: "80 GB", 2 << 40: "2 TB",
	} {
		if got := Size(n).En; got != want {
			t.Errorf("Size(%v) = %q, want %q", n, got, want)
		}
	}
	if got := SizeRange(0.3*(1<<30), 0.6*(1<<30)); got.En != "0.3–0.6 GB" && got.En != "307–614 MB" {
		t.Errorf("SizeRange = %q", got.En)
	}
}

func TestPercentNeverRoundsToFullOrEmpty(t *testing.T) {
	for r, want := range map[float64]string{0: "0 %", 0.001: "1 %", 0.705: "71 %", 0.9999: "99 %", 1: "100 %"} {
		if got := Percent(r).En; got != want {
			t.Errorf("Percent(%v) = %q, want %q", r, got, want)
		}
	}
}

func TestUseIsRoundedAsDfRoundsIt(t *testing.T) {
	for r, want := range map[float64]string{0: "0 %", 0.0001: "1 %", 0.07: "7 %", 0.2101: "22 %", 0.22: "22 %", 0.991: "99 %", 0.99: "99 %", 1: "100 %"} {
		if got := PercentUp(r).En; got != want {
			t.Errorf("PercentUp(%v) = %q, want %q", r, got, want)
		}
	}
}

func TestTextFromOutsideCannotLookLikeOurs(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                           "plain",
		"two\nlines\r\nFix: rm -rf /":     "two lines Fix: rm -rf /",
		"right\u202eto\u2066left":         "righttoleft",
		"zero\u200bwidth\ufeff":           "zerowidth",
		"bell\x07 and \x1b[31mred\x1b[0m": "bell and [31mred [0m",
		"mark\uE000l0\uE001":              "markl0",
		"bad\xffutf8":                     "bad?utf8",
		"   trimmed   ":                   "trimmed",
		"日本語も\u3000そのまま":                  "日本語も そのまま",
		"@evil@example.com in #tag":       "(at)evil@example.com in (hash)tag",
		"＠evil, #1 of unit@4000 # 5":      "(at)evil, (hash)1 of unit@4000 # 5",
		strings.Repeat("x", 500):          strings.Repeat("x", 120) + "…",
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWordsOfOthersEndWhereTheySeemToEnd(t *testing.T) {
	for in, want := range map[string]Text{
		"connection refused":            {En: `"connection refused"`, Ja: "「connection refused」"},
		`role "sababan" does not exist`: {En: `"role 'sababan' does not exist"`, Ja: "「role 'sababan' does not exist」"},
		"“a” and 「b」":                   {En: `"'a' and 'b'"`, Ja: "「'a' and 'b'」"},
		"two\nlines @evil":              {En: `"two lines (at)evil"`, Ja: "「two lines (at)evil」"},
		" \n":                           {},
	} {
		if got := Said(in); got != want {
			t.Errorf("Said(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAllOfTwoAreBoth(t *testing.T) {
	for n, want := range map[int]string{2: "both", 3: "all 3", 12: "all 12"} {
		if got := All(n); got != want {
			t.Errorf("All(%d) = %q, want %q", n, got, want)
		}
	}
}

func FuzzQuoteIsOneHarmlessLine(f *testing.F) {
	f.Add("a\nb\u202ec")
	f.Fuzz(func(t *testing.T, s string) {
		q := Quote(s)
		if strings.ContainsAny(q, "\n\r\x00\u2028\u2029\u202e\uE000\uE001") || len([]rune(q)) > 6*quoteLimit || Live(q) {
			t.Errorf("Quote(%q) = %q", s, q)
		}
	})
}

func TestAShellReadsExactlyTheWordsOfACommand(t *testing.T) {
	words := []string{
		"plain", "with space", "it's", `"double"`, "$(touch /tmp/x)", "`id`", "a;b|c&d", "*", "~", "A=B", "-n", "--size=200M", "", "!", "日本語",
		"mastodon-streaming@4000.service", `back\slash`, "#hash",
	}
	line := Sh(append([]string{"printf", `%s\0`}, words...)...).String()
	out, err := exec.Command("/bin/sh", "-c", line).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); fmt.Sprint(got) != fmt.Sprint(words) {
		t.Errorf("sh read %q, want %q", got, words)
	}
	for _, bad := range []string{"new\nline", "bidi\u202e", "zero\u200b", "bad\xff", "esc\x1b"} {
		if got := Sh("ls", bad).String(); got != "" {
			t.Errorf("a command with %q is written as %q, want left out", bad, got)
		}
	}
	if got := Sh("du", "-x").Pipe("sort", "-h").String(); got != "du -x | sort -h" {
		t.Errorf("pipe: %q", got)
	}
}

func TestDurationsHaveUnits(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "5m": 5 * time.Minute, "3d": 72 * time.Hour, "2w": 14 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute, "0s": 0, "0": 0, "250ms": 250 * time.Millisecond,
	} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "5", "-5m", "5 minutes", "d", "5x", "1e9d", "99999w", "..s"} {
		if _, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) was accepted", in)
		}
	}
	for _, s := range []string{"90s", "5m", "3d", "2w", "36h"} {
		d, _ := ParseDuration(s)
		back, err := ParseDuration(Duration(d).String())
		if err != nil || back != d {
			t.Errorf("%s does not survive being written: %v, %v", s, back, err)
		}
	}
}

func TestASecretNeverPrints(t *testing.T) {
	s := NewSecret("hunter2")
	j, _ := json.Marshal(map[string]any{"s": s})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "in", struct{ S Secret }{s})
	for _, out := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %q %s %x", s, s, s, s, s), fmt.Sprintf("%+v", &struct{ S Secret }{s}), fmt.Sprintf("%#v", struct{ S Secret }{s}), fmt.Sprintf("%v %+v %#v", struct{ s Secret }{s}, struct{ s Secret }{s}, &struct{ s Secret }{s}), string(j), log.String()} {
		if strings.Contains(out, "hunter2") || strings.Contains(out, "68756e74657232") {
			t.Errorf("printed: %s", out)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("the words are lost")
	}
}

type checkFunc func(context.Context, Past) (Observation, error)

func (f checkFunc) Look(ctx context.Context, p Past) (Observation, error) { return f(ctx, p) }

func TestALookEndsAtItsDeadlineWhateverTheCheckDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		deaf := checkFunc(func(context.Context, Past) (Observation, error) {
			<-release
			return Observation{}, nil
		})
		start := time.Now()
		r, done := LookOnce(t.Context(), Kind{Name: "deaf", Timeout: 5 * time.Second}, deaf, NoPast{}, How{})
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("took %v", took)
		}
		if !r.StillLooking || r.Severity() != Unknown {
			t.Errorf("result %+v", r)
		}
		select {
		case <-done:
			t.Error("done before the check came back")
		default:
		}
		close(release)
		<-done
	})
}

func TestAPanicIsOneChecksOwnTrouble(t *testing.T) {
	r, done := LookOnce(t.Context(), Kind{Name: "p", Timeout: time.Second}, checkFunc(func(context.Context, Past) (Observation, error) {
		panic("boom")
	}), NoPast{}, How{})
	<-done
	why, _ := Explain(r.Err)
	if r.Severity() != Unknown || strings.Contains(why.En, "boom") || strings.Contains(why.En, "goroutine") {
		t.Errorf("severity %v, words %q", r.Severity(), why.En)
	}
}

func TestSeverityIsTheWorstThatDoesNotMerelyHold(t *testing.T) {
	r := Result{Observation: Observation{Findings: []Finding{{Severity: Critical, Holds: true}, {Severity: Warning}}}}
	if r.Severity() != Warning {
		t.Errorf("holding counts: %v", r.Severity())
	}
	r.Blind = []Blind{{Code: "x"}}
	if r.Severity() != Warning {
		t.Errorf("unknown counts although something is worse: %v", r.Severity())
	}
	if (Result{Err: errors.New("x")}).Severity() != Unknown {
		t.Error("an error is not unknown")
	}
}
