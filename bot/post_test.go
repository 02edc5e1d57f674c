package bot

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

func TestNobodyIsNamedByAccident(t *testing.T) {
	for in, want := range map[string]string{
		"@evil@example.com":                     "@\u2060evil@example.com",
		" @evil":                                " @\u2060evil",
		"(@evil)":                               "(@\u2060evil)",
		"@a@b @c":                               "@\u2060a@b @\u2060c",
		"@a,@b":                                 "@\u2060a,@\u2060b",
		"＠evil":                                 "＠\u2060evil",
		"、@evil":                                "、@\u2060evil",
		"mail@example.com":                      "mail@example.com",
		"mastodon-streaming@4000":               "mastodon-streaming@4000",
		"https://example.com/@alice":            "https://example.com/@alice",
		"a=@b":                                  "a=@b",
		"@ alone":                               "@ alone",
		"日本@evil":                               "日本@evil",
		"sudo systemctl restart postgresql@15-": "sudo systemctl restart postgresql@15-",
	} {
		if got := checks.Harmless(in); got != want {
			t.Errorf("Harmless(%q) = %q, want %q", in, got, want)
		}
		if checks.Live(checks.Harmless(in)) {
			t.Errorf("%q is still live", in)
		}
	}
}

func TestACommandThatWouldNameSomebodyIsLeftOut(t *testing.T) {
	a := incident.Alert{Change: incident.OpenedNow, Severity: checks.Critical, Number: 1, Notice: incident.Notice{
		Finding: checks.Finding{
			Text: checks.Same("headline"),
			Advice: checks.Advice{Mend: []checks.Shell{
				checks.Sh("rm", "@evil@example.com"), checks.Sh("sudo", "systemctl", "restart", "mastodon-streaming@4000"),
			}},
		},
	}}
	text := alertText(news{Alert: a}).En
	if strings.Contains(text, "evil") || !strings.Contains(text, "Fix: sudo systemctl restart mastodon-streaming@4000") {
		t.Errorf("got %s", text)
	}
}

func TestALongTextBecomesAThreadThatFits(t *testing.T) {
	line := strings.Repeat("word ", 30)
	for name, text := range map[string]string{
		"many lines":             strings.Repeat("a line of text\n", 100),
		"one very long line":     strings.Repeat("word ", 400),
		"no spaces":              strings.Repeat("字", 1500),
		"lines longer than post": line + line + line + line + "\n" + line,
		"far too long":           strings.Repeat("x\n", 20000),
	} {
		parts := Split(text, 500, 20)
		if len(parts) < 2 || len(parts) > mostParts {
			t.Errorf("%s: %d parts", name, len(parts))
		}
		for i, p := range parts {
			if n := utf8.RuneCountInString(p); n > 480 {
				t.Errorf("%s: part %d has %d characters", name, i, n)
			}
			if !strings.HasSuffix(p, ")") {
				t.Errorf("%s: part %d does not say which it is: %q", name, i, p)
			}
		}
	}
	if parts := Split("short\n", 500, 20); len(parts) != 1 || parts[0] != "short" {
		t.Errorf("short: %q", parts)
	}
}

func FuzzSplitLosesNoWord(f *testing.F) {
	f.Add("a b c", 100)
	f.Add(strings.Repeat("ある日 の こと ", 60), 120)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 80 || limit > 5000 || !utf8.ValidString(s) || len(s) > 4*limit {
			return
		}
		var joined strings.Builder
		parts := Split(s, limit, 10)
		for i, p := range parts {
			if len(parts) > 1 {
				p = p[:strings.LastIndex(p, "\n")]
			}
			if utf8.RuneCountInString(parts[i]) > limit {
				t.Errorf("part %d of %d is too long for %d", i, len(parts), limit)
			}
			joined.WriteString(p)
		}
		if len(parts) < mostParts && strings.Join(strings.Fields(joined.String()), "") != strings.Join(strings.Fields(s), "") {
			t.Errorf("words are lost: %q from %q", joined.String(), s)
		}
	})
}
