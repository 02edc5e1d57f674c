package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sababan/sababan/checks"
)

// terminal is a real one, without anybody before it: what is typed, and where it
// is read.
func terminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

func shows(t *testing.T, screen *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func TestATokenIsNotShownAndTheTerminalIsAsBeforeWhereItIsBrokenOff(t *testing.T) {
	keyboard, screen := terminal(t)
	a := newAsker(environment{stdin: screen, stdout: io.Discard}, checks.English, false)
	ask := func(ctx context.Context, meanwhile func()) (checks.Secret, error) {
		type answer struct {
			secret checks.Secret
			err    error
		}
		answers := make(chan answer, 1)
		go func() {
			secret, err := a.secret(ctx, pasteQuestion(), "--token-file")
			answers <- answer{secret, err}
		}()
		look := time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
		for shows(t, screen) {
			<-look.C
		}
		meanwhile()
		got := <-answers
		return got.secret, got.err
	}
	secret, err := ask(t.Context(), func() { _, _ = keyboard.WriteString("hunter2\n") })
	if err != nil || secret.Reveal() != "hunter2" || !shows(t, screen) {
		t.Errorf("%q, %v; shows: %v", secret.Reveal(), err, shows(t, screen))
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := ask(ctx, cancel); err == nil || !shows(t, screen) {
		t.Errorf("broken off: %v; shows: %v", err, shows(t, screen))
	}
}
