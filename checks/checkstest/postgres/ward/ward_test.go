package ward

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// toBeKilled makes the test's own program a process that keeps a service and
// waits to be killed.
const toBeKilled = "SABABAN_WARD_TO_BE_KILLED"

func TestMain(m *testing.M) {
	if how := os.Getenv(toBeKilled); how != "" {
		if err := waitToBeKilled(how); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func waitToBeKilled(how string) error {
	as, err := Unprivileged("nobody")
	if err != nil {
		return err
	}
	w, err := family(as)
	if err != nil {
		return err
	}
	switch how {
	case "frozen":
		err = w.Freeze()
	case "with a closed folder":
		err = os.Chmod(w.Dir, 0)
	}
	if err != nil {
		return err
	}
	fmt.Println(w.PID(), w.Dir)
	select {}
}

// family keeps a service that has two children.
func family(as *syscall.Credential) (*Ward, error) {
	dir, err := Folder("sababan-ward-", as)
	if err != nil {
		return nil, err
	}
	w, err := Keep(dir, as, "TERM", "/bin/sh", "-c", `trap 'kill $(cat "$1"); exit' TERM; sleep 600 & echo $! >"$1"; sleep 600 & echo $! >>"$1"; echo ready; wait`, "sh", dir+"/children")
	if err != nil {
		return nil, err
	}
	if err := w.Start(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if !soon(func() bool { return strings.Contains(w.Output(), "ready") }) {
		return nil, errors.Join(errors.New("it does not get ready"), w.Close())
	}
	return w, nil
}

func soon(so func() bool) bool {
	over := time.NewTimer(20 * time.Second)
	defer over.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-over.C:
			return false
		case <-again.C:
		}
	}
	return true
}

func gone(pid int) bool {
	s, err := state(pid)
	return errors.Is(err, fs.ErrNotExist) || s == 'Z'
}

func TestAKilledTestLeavesNothing(t *testing.T) {
	for _, how := range []string{"running", "frozen", "with a closed folder"} {
		t.Run(how, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), toBeKilled+"="+how)
			said, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(said).ReadString('\n')
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if err != nil {
				t.Fatal(err)
			}
			word, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatalf("it said %q", line)
			}
			if !soon(func() bool { _, err := os.Stat(dir); return gone(pid) && errors.Is(err, fs.ErrNotExist) }) {
				t.Errorf("process %d gone: %v; left in %s", pid, gone(pid), dir)
			}
		})
	}
}

func TestClosingEndsTheServiceAndItsFolder(t *testing.T) {
	as, err := Unprivileged("nobody")
	if err != nil {
		t.Fatal(err)
	}
	w, err := family(as)
	if err != nil {
		t.Fatal(err)
	}
	pid := w.PID()
	list, err := children(pid)
	if err != nil || len(list) != 2 {
		t.Errorf("children %v, %v", list, err)
	}
	if err := w.Freeze(); err != nil {
		t.Error(err)
	}
	for _, p := range append(list, pid) {
		if s, err := state(p); s != 'T' || err != nil {
			t.Errorf("process %d: state %c, %v", p, s, err)
		}
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if !gone(pid) {
		t.Error("it runs")
	}
	if _, err := os.Stat(w.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder: %v", err)
	}
}

func TestAServiceStopsAndStartsAgain(t *testing.T) {
	w, err := family(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	first := w.PID()
	if err := w.Start(); err == nil {
		t.Error("it was started twice")
	}
	if err := w.Stop("TERM"); err != nil || !gone(first) || w.Alive() {
		t.Errorf("stopped: %v, gone %v", err, gone(first))
	}
	if err := w.Stop("TERM"); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
	if err := w.Start(); err != nil || !w.Alive() || w.PID() == first {
		t.Errorf("started again: %v", err)
	}
	if !soon(func() bool { return strings.Count(w.Output(), "ready") == 2 }) {
		t.Error("it does not get ready again")
	}
}

func TestAServiceThatEndsByItselfIsNotAlive(t *testing.T) {
	dir, err := Folder("sababan-ward-", nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Keep(dir, nil, "TERM", "/bin/sh", "-c", "echo I have had enough; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	if !soon(func() bool { return !w.Alive() }) {
		t.Error("it lives")
	}
	if got := w.Output(); got != "I have had enough\n" {
		t.Errorf("it said %q", got)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
