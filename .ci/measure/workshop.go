package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A workshop is what measurements share: a folder that is removed at the end,
// the programs that were built in it, and the state that a daemon has come to.
type workshop struct {
	dir   string
	out   io.Writer
	built map[string]string // what → path
}

func newWorkshop(dir string, out io.Writer) (*workshop, error) {
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "sababan-bench"); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return nil, errors.New("it runs in the folder of go.mod")
	}
	return &workshop{dir: dir, out: out, built: map[string]string{}}, nil
}

func (w *workshop) close() { _ = os.RemoveAll(w.dir) }

func (w *workshop) say(format string, args ...any) { fmt.Fprintf(w.out, format+"\n", args...) }

// sayMachine tells what else the figures depend on.
func (w *workshop) sayMachine() {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	one, err := w.syncTime()
	if err != nil {
		w.say("   load %s", strings.TrimSpace(string(load)))
		return
	}
	w.say("   load %s; a write of 4 kB to the disk: %s", strings.TrimSpace(string(load)), one)
}

// watchPressure tells, when it is called at the end, for which share of the time
// somebody on this machine waited for a processor or for the disk: figures of
// a busy machine tell more of the others than of what is measured.
func watchPressure() (tell func() string) {
	began, cpu, disk := time.Now(), waited("cpu"), waited("io")
	return func() string {
		whole := time.Since(began)
		share := func(d time.Duration) string { return fmt.Sprintf("%.0f %%", 100*d.Seconds()/whole.Seconds()) }
		return "meanwhile somebody waited for a processor " + share(waited("cpu")-cpu) + " of the time, for the disk " + share(waited("io")-disk)
	}
}

// waited is the kernel's count of such time so far; 0 where it does not count.
func waited(resource string) time.Duration {
	text, err := os.ReadFile("/proc/pressure/" + resource)
	if err != nil {
		return 0
	}
	for word := range strings.FieldsSeq(string(text)) {
		if total, ok := strings.CutPrefix(word, "total="); ok { // of the line "some", which comes first
			us, err := strconv.ParseInt(total, 10, 64)
			if err != nil {
				return 0
			}
			return time.Duration(us) * time.Microsecond
		}
	}
	return 0
}

// syncTime is how long this disk takes to make a small write last.
func (w *workshop) syncTime() (figures, error) {
	f, err := os.Create(filepath.Join(w.dir, "sync"))
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took figures
	for range 20 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took.add(time.Since(began))
	}
	return took, nil
}

// folder makes an empty one.
func (w *workshop) folder() (string, error) { return os.MkdirTemp(w.dir, "run") }

// sababan builds the program as a release is built.
func (w *workshop) sababan(ctx context.Context) (string, error) {
	return w.build(ctx, "sababan", "-trimpath", "-ldflags", "-s -w", "./cmd/sababan")
}

// floor builds one of the bare programs that are yardsticks.
func (w *workshop) floor(ctx context.Context, name string) (string, error) {
	return w.build(ctx, "floor-"+name, "-trimpath", "-ldflags", "-s -w", filepath.Join(".ci", "measure", "floor", name+".go"))
}

func (w *workshop) build(ctx context.Context, name string, args ...string) (string, error) {
	if path := w.built[name]; path != "" {
		return path, nil
	}
	path := filepath.Join(w.dir, name)
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", path}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	w.built[name] = path
	return path, nil
}
