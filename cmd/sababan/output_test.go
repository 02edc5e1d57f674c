package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// shown is a printer that stands still at a quarter past ten.
func shown(lang checks.Lang, colour bool) (*printer, *bytes.Buffer) {
	var out bytes.Buffer
	return &printer{
		out: &out, place: "example.social", paint: newPaint(colour),
		reader: checks.Reader{Lang: lang, Zone: time.UTC, Now: time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC)},
	}, &out
}

// looked lets test kinds look.
func looked(t *testing.T, names ...string) []look {
	t.Helper()
	c, err := loadConfig("", testKinds(names...), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return look29(c.Checks, false)
}

func TestAReportInAPipe(t *testing.T) {
	looks := looked(t, "fine", "blind", "warning", "needy", "broken", "critical")
	p, out := shown(checks.English, false)
	p.report(looks)
	want := `example.social 10:15. 1 action needed, 1 warning, 1 fine, 2 unknown
[Action needed] critical: 97 % used
[Warning] warning: 88 % used
[Unknown] blind: 2 of 3 seen
[Unknown] broken: no permission
Fine Disk: 71 % used, 7.2 GB free

[Action needed] the disk / is 97 % full
  Posts with pictures will soon fail.
  The journal can go first.
  Look: df -h / | tail -1
  Fix: sudo journalctl --vacuum-size=200M

[Warning] the disk / is 97 % full
  Posts with pictures will soon fail.
  The journal can go first.
  Look: df -h / | tail -1
  Fix: sudo journalctl --vacuum-size=200M

[Unknown] blind (/mnt/far): the server does not answer
  Look: mount

[Unknown] broken: no permission
  Fix: sudo usermod -aG adm sababan

Not set up: needy
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestAReportInJapanese(t *testing.T) {
	looks := looked(t, "fine", "needy", "critical", "broken")
	p, out := shown(checks.Japanese, false)
	p.report(looks)
	want := `example.social 10:15 要対応1／正常1／確認できず1
【要対応】critical: 使用97%
【確認できず】broken: 権限がありません
正常 ディスク: 使用71%、空き7.2GB

【要対応】ディスク / が残りわずかです（使用97%）
  まもなく画像つきの投稿ができなくなります。
  まずジャーナルを減らせます。
  確認: df -h / | tail -1
  対処: sudo journalctl --vacuum-size=200M

【確認できず】broken: 権限がありません
  対処: sudo usermod -aG adm sababan

未設定: needy
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestAReportWhereAllIsWell(t *testing.T) {
	for lang, want := range map[checks.Lang]string{
		checks.English:  "example.social 10:15. 1 fine\nFine Disk: 71 % used, 7.2 GB free\n",
		checks.Japanese: "example.social 10:15 正常1。ヨシ!\n正常 ディスク: 使用71%、空き7.2GB\n",
	} {
		p, out := shown(lang, false)
		p.report(looked(t, "fine"))
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatIsNotSetUpIsOneLineAndOneEachForThoseWhoAskForMore(t *testing.T) {
	looks := looked(t, "fine", "needy")
	p, out := shown(checks.English, false)
	p.verbose = true
	p.missing(looks)
	looks[1].Named = true
	p.verbose = false
	p.missing(looks)
	want := "Not set up: needy needs [server] domain\n"
	if out.String() != want+want {
		t.Error(out.String())
	}
}

func TestWhatOneCauseHidesIsToldOnce(t *testing.T) {
	looks := looked(t, "blind")
	again := looks[0].Result.Blind[0]
	again.Code = "inodes"
	looks[0].Result.Blind = append(looks[0].Result.Blind, again)
	p, out := shown(checks.English, false)
	p.report(looks)
	if n := strings.Count(out.String(), "the server does not answer"); n != 1 {
		t.Errorf("told %d times:\n%s", n, out)
	}
}

func TestOnATerminalEachCheckShowsThatItIsRunningAndThenItsLine(t *testing.T) {
	looks := looked(t, "fine", "critical")
	p, out := shown(checks.English, true)
	p.progress(40, []string{"fine", "critical"}, nil)
	p.progress(40, []string{"fine"}, &looks[1])
	p.progress(40, nil, &looks[0])
	p.afterwards(looks)
	want := "Looking: fine, critical" +
		"\r\x1b[K\x1b[31;1m[Action needed]\x1b[0;22m critical: 97 % used\nLooking: fine" +
		"\r\x1b[K\x1b[32mFine\x1b[0m Disk: 71 % used, 7.2 GB free\n" +
		"\n\x1b[31;1m[Action needed]\x1b[0;22m the disk / is 97 % full\n  Posts with pictures will soon fail.\n  The journal can go first.\n" +
		"  Look: df -h / | tail -1\n  Fix: sudo journalctl --vacuum-size=200M\n" +
		"\nexample.social 10:15. 1 action needed, 1 fine\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTheLineOfWhatIsLookingNeverWraps(t *testing.T) {
	for _, lang := range []checks.Lang{checks.English, checks.Japanese} {
		for columns := 4; columns < 40; columns++ {
			p, out := shown(lang, false)
			p.progress(columns, []string{"disk", "memory", "証明書", "latency"}, nil)
			if got := cells(out.String()); got >= columns {
				t.Errorf("%d columns: %q takes %d", columns, out.String(), got)
			}
		}
	}
}

func TestCuttingCountsWideCharactersAsTwo(t *testing.T) {
	for _, c := range []struct {
		line    string
		columns int
		want    string
	}{
		{"disk", 4, "disk"},
		{"disks", 4, "dis…"},
		{"証明書", 6, "証明書"},
		{"証明書", 5, "証明…"},
		{"証明書", 4, "証…"},
		{"ﾃﾞｨｽｸ", 5, "ﾃﾞｨｽｸ"},
		{"が", 2, "が"}, // with a combining mark
		{"", 0, ""},
	} {
		if got := cut(c.line, c.columns); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.line, c.columns, got, c.want)
		}
	}
}

func TestNothingThatIsPrintedSteersATerminal(t *testing.T) {
	evil := "\x1b[2J\x1b]0;x\x07a\u202eb\u200bc\td\r"
	l := looked(t, "fine")[0]
	l.Result.Summary = checks.Same(evil)
	l.Result.Findings = []checks.Finding{{Severity: checks.Warning, Text: checks.Same(evil)}}
	l.Result.Blind = []checks.Blind{{Subject: evil, Why: checks.Same(evil)}}
	p, out := shown(checks.English, false)
	p.report([]look{l})
	if strings.ContainsAny(out.String(), "\x1b\x07\r\u202e\u200b") {
		t.Errorf("%q", out.String())
	}
}

func TestALineSaysItsTitleOnce(t *testing.T) {
	for _, c := range []struct{ title, line, want string }{
		{"disk", "71 % used", "disk: 71 % used"},
		{"web UI", "web UI: a script is missing", "web UI: a script is missing"},
		{"Redis", "Redis 7.0.15, answers in 2 ms", "Redis 7.0.15, answers in 2 ms"},
		{"rule", "rules are written", "rule: rules are written"},
		{"Sidekiq", "Sidekiqのプロセスが動いていません", "Sidekiqのプロセスが動いていません"},
		{"rules", "rules", "rules: rules"},
	} {
		if got := titled(c.title, c.line); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestACauseThatHidesThingsFromSeveralChecksIsToldOnce(t *testing.T) {
	kinds := func(s *site.Site) []checks.Kind {
		again := testKind("broken", s)
		again.Name, again.Title = "again", checks.Same("again")
		return []checks.Kind{testKind("broken", s), testKind("fine", s), again, testKind("blind", s)}
	}
	_, out, _ := typed(t, kinds, "check")
	if strings.Count(out, "\n[Unknown] broken, again: no permission\n  Fix: sudo usermod -aG adm sababan\n") != 1 || strings.Count(out, "  Fix: ") != 1 ||
		!strings.Contains(out, "\n[Unknown] blind (/mnt/far): the server does not answer\n") {
		t.Error(out)
	}
}

func TestWithoutAMastodonItIsSaidWhyMostIsNotSetUp(t *testing.T) {
	const en = "No Mastodon was found on this machine. To watch one that runs elsewhere, write its name into [server] domain of the configuration.\n"
	elsewhere := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(elsewhere, []byte("[server]\ndomain = 'example.social'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want bool
	}{{nil, true}, {[]string{"fine"}, false}, {[]string{"--config", elsewhere}, false}} {
		var out bytes.Buffer
		env := environment{
			stdin: strings.NewReader(""), stdout: &out, stderr: &out, getenv: func(string) string { return "" }, columns: func() (int, bool) { return 0, false },
			checklist: testKinds("fine", "needy"), config: filepath.Join(t.TempDir(), "none"), root: t.TempDir(), patience: time.Minute,
		}
		run(t.Context(), env, append([]string{"check"}, c.args...))
		if got := strings.Contains(out.String(), en); got != c.want {
			t.Errorf("%q: %s", c.args, out.String())
		}
	}
}
