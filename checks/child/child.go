// Package child runs the tools of the system for the checks: a fixed
// environment, bounded output, a process group of its own, and an end for all
// of it at the deadline.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var (
	// ErrMissing says that there is no such tool on this machine.
	ErrMissing = errors.New("no such tool on this machine")
	// ErrDeadline says that the tool was killed because its time was over.
	ErrDeadline = errors.New("killed: its time was over")
	// ErrKilled says that the tool ended by a signal that was not ours.
	ErrKilled = errors.New("ended by a signal")
)

// Path is where tools are looked for: Debian's default for root.
func Path() []string {
	return []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
}

const (
	// outputLimit is how much of the standard output is kept by default, in
	// bytes (own).
	outputLimit = 1 << 20
	// errorLimit is how much of the standard error is kept, in bytes (own).
	errorLimit = 16 << 10
	// lastWords is how long open pipes are waited for after the end (own).
	lastWords = 250 * time.Millisecond
)

// A Command is one call of a tool.
type Command struct {
	// Words are the tool, as a name or as a whole path, and its arguments.
	Words []string
	// Path is where a name is looked for; nil takes [Path]. The child gets the
	// same.
	Path []string
	// Env is put after the fixed environment: "NAME=value".
	Env []string
	// Limit is how many bytes of the standard output are kept; 0 takes 1 MB.
	// What is beyond is read and thrown away.
	Limit int
	// Sink takes the standard output instead; it is called by one goroutine,
	// which has ended when [Run] returns.
	Sink io.Writer
	// Timeout is how long it may take; 0 leaves it to the context.
	Timeout time.Duration
	// Idle lets its disk accesses and its computing wait for everybody else's,
	// where the system knows such a thing.
	Idle bool
}

// An Output is what a tool said.
type Output struct {
	Out []byte // the first Limit bytes
	Cut bool   // there was more
	Err []byte // the first 16 kB of the standard error
	// Code is the exit status; -1 where it did not end by itself.
	Code int
	Took time.Duration
}

// Trouble is the last line of the standard error, where tools say what was
// wrong; it is text from outside.
func (o Output) Trouble() string {
	lines := strings.Split(strings.TrimSpace(string(o.Err)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// Find returns the whole path of a tool.
func Find(path []string, name string) (string, error) {
	if strings.ContainsRune(name, '/') {
		path, name = []string{filepath.Dir(name)}, filepath.Base(name)
	}
	if path == nil {
		path = Path()
	}
	for _, dir := range path {
		if full := filepath.Join(dir, name); unix.Access(full, unix.X_OK) == nil && isFile(full) {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, ErrMissing)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// Run runs a tool to its end. It returns no error when the tool ended by
// itself, whatever its status; [ErrMissing], [ErrDeadline] or [ErrKilled] when
// it did not.
func Run(ctx context.Context, c Command) (Output, error) {
	began := time.Now()
	none := Output{Code: -1}
	if len(c.Words) == 0 {
		return none, errors.New("child: no words")
	}
	if c.Path == nil {
		c.Path = Path()
	}
	full, err := Find(c.Path, c.Words[0])
	if err != nil {
		return none, err
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("%s: %w", c.Words[0], over(ctx))
	}
	out, trouble := &keep{limit: c.Limit}, &keep{limit: errorLimit}
	if out.limit <= 0 {
		out.limit = outputLimit
	}
	cmd := exec.CommandContext(ctx, full, c.Words[1:]...)
	cmd.Args[0] = c.Words[0]
	cmd.Env = append(environment(c.Path), c.Env...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, trouble
	if c.Sink != nil {
		cmd.Stdout = c.Sink
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = lastWords
	if err := start(cmd, c.Idle); err != nil {
		return none, fmt.Errorf("%s: %w", c.Words[0], err)
	}
	err = cmd.Wait()
	o := Output{Out: out.kept, Cut: out.cut, Err: trouble.kept, Code: cmd.ProcessState.ExitCode(), Took: time.Since(began)}
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil && (err != nil || o.Code != 0):
		o.Code = -1
		return o, fmt.Errorf("%s: %w", c.Words[0], over(ctx))
	case errors.Is(err, exec.ErrWaitDelay):
		// It left somebody behind who holds its output: the group is not empty,
		// so that its number is still its own.
		_ = killGroup(cmd.Process.Pid)
		return o, nil
	case errors.As(err, &ended):
		if !ended.Exited() {
			return o, fmt.Errorf("%s: %w: %s", c.Words[0], ErrKilled, ended.String())
		}
		return o, nil
	case err != nil:
		return o, fmt.Errorf("%s: %w", c.Words[0], err)
	}
	return o, nil
}

// over is why a context ended.
func over(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrDeadline, ctx.Err())
	}
	return ctx.Err()
}

// environment is all that a child inherits: nothing of ours, but where it may
// write what it throws away; a sandbox may have left it no other place.
func environment(path []string) []string {
	return []string{"PATH=" + strings.Join(path, ":"), "LC_ALL=C", "LANGUAGE=", "HOME=/nonexistent", "TERM=dumb", "TMPDIR=" + os.TempDir()}
}

func killGroup(leader int) error {
	err := syscall.Kill(-leader, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// keep keeps the beginning of what is written to it.
type keep struct {
	kept  []byte
	limit int
	cut   bool
}

func (k *keep) Write(b []byte) (int, error) {
	room := k.limit - len(k.kept)
	if room < len(b) {
		k.cut = true
	}
	k.kept = append(k.kept, b[:min(max(room, 0), len(b))]...)
	return len(b), nil
}
