package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process is one that was started here, and is ended here.
type process struct {
	cmd   *exec.Cmd
	log   *tail
	ended chan struct{} // closed when it is gone
	err   error         // how, after ended
}

// begin starts a process that dies with this one, and with ctx.
func begin(ctx context.Context, env []string, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, path, args...), log: &tail{}, ended: make(chan struct{})}
	p.cmd.Env = env
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// patience is how long a process may take to end (the daemon: ten seconds).
const patience = 12 * time.Second

// end asks the process to end and waits for it; it is killed when it does not.
func (p *process) end() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timer.C:
		p.kill()
		return fmt.Errorf("%s did not end within %v", p.cmd.Path, patience)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// gone is the error of a process that ended before its time.
func (p *process) gone() error {
	return fmt.Errorf("%s ended (%v); its last words:\n%s", filepath.Base(p.cmd.Path), p.err, p.log)
}

// startDaemon executes `sababan run` and waits until it is ready. took is from
// just before the exec to the arrival of READY=1.
func startDaemon(ctx context.Context, binary string, s *stage) (p *process, took time.Duration, err error) {
	return startReady(ctx, s.dir, s.env(), binary, "run", "--config", s.config)
}

func startReady(ctx context.Context, dir string, env []string, binary string, args ...string) (p *process, took time.Duration, err error) {
	socket := &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", socket)
	if err != nil {
		return nil, 0, err
	}
	defer os.Remove(socket.Name)
	defer conn.Close()
	began := time.Now()
	p, err = begin(ctx, append(env, "NOTIFY_SOCKET="+socket.Name), binary, args...)
	if err != nil {
		return nil, 0, err
	}
	ready := make(chan error, 1)
	go func() { ready <- awaitReady(conn) }()
	select {
	case err = <-ready:
		took = time.Since(began)
	case <-p.ended:
		// What was sent before the end is there already.
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if err = <-ready; err != nil {
			return nil, 0, p.gone()
		}
		took = time.Since(began)
	}
	if err != nil {
		p.kill()
		return nil, 0, fmt.Errorf("waiting for READY=1: %w", err)
	}
	return p, took, nil
}

// readyWithin bounds the wait for a start.
const readyWithin = 30 * time.Second

func awaitReady(conn *net.UnixConn) error {
	if err := conn.SetReadDeadline(time.Now().Add(readyWithin)); err != nil {
		return err
	}
	message := make([]byte, 4096)
	for {
		n, err := conn.Read(message)
		if err != nil {
			return err
		}
		for line := range strings.SplitSeq(string(message[:n]), "\n") {
			if line == "READY=1" {
				return nil
			}
		}
	}
}

// A footprint is what the kernel says of a process's memory, in MB as the
// project writes them (powers of 1024).
type footprint struct{ rss, anon, file, peak float64 }

func (f footprint) String() string {
	return fmt.Sprintf("VmRSS %.1f MB (RssAnon %.1f, RssFile %.1f), peak VmHWM %.1f MB", f.rss, f.anon, f.file, f.peak)
}

func (p *process) footprint() (f footprint, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return f, err
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) != 3 || words[2] != "kB" {
			continue
		}
		kb, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			return f, err
		}
		switch words[0] {
		case "VmRSS:":
			f.rss = kb / 1024
		case "RssAnon:":
			f.anon = kb / 1024
		case "RssFile:":
			f.file = kb / 1024
		case "VmHWM:":
			f.peak = kb / 1024
		}
	}
	if f.rss == 0 {
		return f, errors.New("the kernel does not tell the process's memory")
	}
	return f, nil
}

// tail keeps the end of what was written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if extra := len(t.text) - 8<<10; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
