package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sababan/sababan/checks"
)

// journal is a file that stands for the journal's socket, and the environment
// that systemd gives to who writes there.
func journal(t *testing.T) (*os.File, func(string) string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	stream := fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
	return f, func(name string) string {
		if name == "JOURNAL_STREAM" {
			return stream
		}
		return ""
	}
}

func contents(t *testing.T, f *os.File) string {
	t.Helper()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func speak(log *slog.Logger) {
	log.Debug("unheard")
	log.Info("ready")
	log.With("way", "mail").Warn("two\nlines", "token", checks.NewSecret("hunter2"))
	log.WithGroup("g").Error("broken", "err", errors.New("no room"))
}

func TestTheJournalGetsASeverityAndNoTime(t *testing.T) {
	f, getenv := journal(t)
	speak(newLog(f, getenv, textLog))
	want := "<6>msg=ready\n<4>msg=\"two\\nlines\" way=mail token=" + fmt.Sprint(checks.NewSecret("hunter2")) + "\n<3>msg=broken g.err=\"no room\"\n"
	if got := contents(t, f); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestAFileIsNotTheJournalThoughTheVariableIsInherited(t *testing.T) {
	_, getenv := journal(t)
	other, _ := journal(t)
	speak(newLog(other, getenv, textLog))
	got := contents(t, other)
	if strings.Contains(got, "<") || !strings.Contains(got, "time=") || !strings.Contains(got, "level=ERROR msg=broken") {
		t.Errorf("got\n%s", got)
	}
}

func TestTheLogIsJSONWhereThatIsWritten(t *testing.T) {
	c, err := loadConfig(writeConfig(t, "[log]\nformat = 'json'"), testKinds(), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	speak(newLog(&out, func(string) string { return "" }, c.Log))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || strings.Contains(out.String(), "hunter2") {
		t.Fatalf("got\n%s", out.String())
	}
	for i, level := range []string{"INFO", "WARN", "ERROR"} {
		var line struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil || line.Level != level || line.Time == "" || line.Msg == "" {
			t.Errorf("%v: %s", err, lines[i])
		}
	}
	if got := wrong(t, "[log]\nformat = 'yaml'"); len(got) != 1 || !strings.HasPrefix(got[0], `[log] format: "yaml" is not known; there are: text, json`) {
		t.Errorf("%q", got)
	}
}

func TestWhatTheDaemonEndsWithIsAnErrorInTheJournal(t *testing.T) {
	f, getenv := journal(t)
	tellError(environment{stderr: f, getenv: getenv}, errors.New("two things are wrong:\n  this\n  that"))
	if got, want := contents(t, f), "<3>sababan: two things are wrong:\n<3>  this\n<3>  that\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
