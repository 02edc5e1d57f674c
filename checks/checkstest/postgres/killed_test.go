package postgres

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// toBeKilled makes the test's own program one that has a cluster and waits to
// be killed.
const toBeKilled = "SABABAN_POSTGRES_TO_BE_KILLED"

func TestMain(m *testing.M) {
	if os.Getenv(toBeKilled) != "" {
		c, err := shared()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(c.PID(), c.Socket)
		select {}
	}
	os.Exit(m.Run())
}

func TestAKilledTestLeavesNothing(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), toBeKilled+"=1")
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	pid, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
	before, shared := processesBelow(t, dir), sharedMemory(t, pid)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if len(before) < 3 || !shared {
		t.Errorf("before it was killed: processes %v, shared memory: %v", before, shared)
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := os.Stat(dir)
		left := processesBelow(t, dir)
		if errors.Is(err, fs.ErrNotExist) && len(left) == 0 && !sharedMemory(t, pid) {
			return
		}
		select {
		case <-over.C:
			t.Fatalf("left after %v: folder %s: %v, processes %v, shared memory: %v", patience, dir, err, left, sharedMemory(t, pid))
		case <-again.C:
		}
	}
}

// processesBelow are the processes that work in a folder.
func processesBelow(t *testing.T, dir string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, link := range links {
		if at, err := os.Readlink(link); err == nil && strings.HasPrefix(at, dir+"/") {
			all = append(all, strings.Split(link, "/")[2])
		}
	}
	return all
}

// sharedMemory tells whether a process has made a segment that is there still.
func sharedMemory(t *testing.T, pid string) bool {
	t.Helper()
	list, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	const maker = 4 // key, id, rights, size, its maker
	for line := range strings.Lines(string(list)) {
		if f := strings.Fields(line); len(f) > maker && f[maker] == pid {
			return true
		}
	}
	return false
}
