package child

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func sh(script string) []string { return []string{"sh", "-c", script} }

func TestAToolSaysItsOutputAndStatus(t *testing.T) {
	o, err := Run(t.Context(), Command{Words: sh("echo out; echo first >&2; echo second >&2; exit 7")})
	if err != nil || string(o.Out) != "out\n" || o.Code != 7 || o.Trouble() != "second" || o.Cut {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestTheEnvironmentIsFixed(t *testing.T) {
	t.Setenv("LC_ALL", "ja_JP.UTF-8")
	t.Setenv("SECRET_KEY_BASE", "words")
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/sababan.service")
	t.Setenv("SABABAN_TOKEN", "words")
	t.Setenv("TMPDIR", "/run/sababan")
	o, err := Run(t.Context(), Command{Words: []string{"env"}, Env: []string{"MORE=1"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "PATH=" + strings.Join(Path(), ":") + "\nLC_ALL=C\nLANGUAGE=\nHOME=/nonexistent\nTERM=dumb\nTMPDIR=/run/sababan\nMORE=1\n"
	if string(o.Out) != want {
		t.Errorf("%q, want %q", o.Out, want)
	}
}

func TestOutputWithoutEndIsCut(t *testing.T) {
	o, err := Run(t.Context(), Command{Words: sh("head -c 3000000 /dev/zero"), Limit: 1000})
	if err != nil || len(o.Out) != 1000 || !o.Cut || o.Code != 0 {
		t.Errorf("%d bytes, cut %v, code %d, %v", len(o.Out), o.Cut, o.Code, err)
	}
	var sink bytes.Buffer
	if _, err := Run(t.Context(), Command{Words: sh("head -c 3000 /dev/zero"), Sink: &sink}); err != nil || sink.Len() != 3000 {
		t.Errorf("%d bytes, %v", sink.Len(), err)
	}
}

// gone tells whether a process is no more, but for its parent's reading of it.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestAtTheDeadlineItIsKilledWithItsChildren(t *testing.T) {
	note := filepath.Join(t.TempDir(), "pid")
	began := time.Now()
	_, err := Run(t.Context(), Command{
		Words:   sh("trap '' TERM; sleep 600 & echo $! > " + note + "; while :; do wait; done"),
		Timeout: 500 * time.Millisecond,
	})
	if !errors.Is(err, ErrDeadline) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); !gone(pid); {
		if time.Now().After(end) {
			t.Fatal("its child lives on")
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestWhoStaysBehindWithItsOutputIsNotWaitedFor(t *testing.T) {
	began := time.Now()
	o, err := Run(t.Context(), Command{Words: sh("sleep 600 & echo $!")})
	if err != nil || o.Code != 0 || time.Since(began) > 5*time.Second {
		t.Fatalf("%+v, %v after %v", o, err, time.Since(began))
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(o.Out)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); !gone(pid); {
		if time.Now().After(end) {
			t.Fatal("it lives on")
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestAToolThatIsNotThereIsMissing(t *testing.T) {
	if _, err := Run(t.Context(), Command{Words: []string{"no-such-tool"}}); !errors.Is(err, ErrMissing) {
		t.Errorf("error %v", err)
	}
	if _, err := Run(t.Context(), Command{Words: []string{"sh"}, Path: []string{t.TempDir()}}); !errors.Is(err, ErrMissing) {
		t.Errorf("error %v", err)
	}
	if _, err := Run(t.Context(), Command{Words: []string{"/etc/passwd"}}); !errors.Is(err, ErrMissing) {
		t.Errorf("a file that is no program: %v", err)
	}
	if _, err := Run(t.Context(), Command{}); err == nil {
		t.Error("no words, and no error")
	}
}

func TestASignalThatWasNotOursIsTold(t *testing.T) {
	o, err := Run(t.Context(), Command{Words: sh("kill -SEGV $$")})
	if !errors.Is(err, ErrKilled) || o.Code != -1 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestATimeThatIsOverStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Command{Words: sh("exit 0")}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAnIdleToolYieldsToEverybodyAndNobodyElseDoes(t *testing.T) {
	o, err := Run(t.Context(), Command{Words: []string{"nice"}, Idle: true})
	if err != nil || strings.TrimSpace(string(o.Out)) != "19" {
		t.Errorf("nice says %q, %v", o.Out, err)
	}
	o, err = Run(t.Context(), Command{Words: []string{"ionice"}, Idle: true})
	if err != nil || strings.TrimSpace(string(o.Out)) != "idle" {
		t.Errorf("ionice says %q, %v", o.Out, err)
	}
	own, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	o, err = Run(t.Context(), Command{Words: []string{"nice"}})
	if err != nil || strings.TrimSpace(string(o.Out)) != strconv.Itoa(20-own) {
		t.Errorf("nice says %q, ours is %d, %v", o.Out, 20-own, err)
	}
}
