package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	checkTimes = 20
	// checkGoal is in ms of wall clock (own: apt alone takes a second of CPU, three
	// where its list is not understood, everything else 150 ms).
	checkGoal = 6000
)

// measureCheck runs the whole checklist once, against this machine and a server
// behind TLS. The yardstick is what there is without sababan: the Nagios
// plugins for disk, swap, load and HTTPS, all at once; where they are not
// installed df, free and openssl one after another, which judge nothing.
func measureCheck(ctx context.Context, w *workshop) ([]verdict, error) {
	binary, err := w.sababan(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	s, err := newStage(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer s.close()
	seen, err := lookOnce(ctx, binary, s)
	if err != nil {
		return nil, err
	}
	other, err := commonTools(s)
	if err != nil {
		return nil, err
	}
	var wall, cpu, floorWall, floorCPU figures
	for range checkTimes {
		took, used, err := timed(ctx, s, [][]string{{binary, "check", "--config", s.config}}, false)
		if err != nil {
			return nil, err
		}
		wall.add(took)
		cpu.add(used)
		if took, used, err = timed(ctx, s, other.commands, other.together); err != nil {
			return nil, err
		}
		floorWall.add(took)
		floorCPU.add(used)
	}
	w.say("   %d checks, this machine is %s", len(seen.Checks), seen.Severity)
	w.say("   sababan, wall:  %s", wall)
	w.say("   sababan, CPU:   %s", cpu)
	w.say("   yardstick: %s", other.name)
	w.say("   yardstick, wall: %s", floorWall)
	w.say("   yardstick, CPU:  %s", floorCPU)
	return []verdict{{"check", "ms (median)", wall.median(), floorWall.median(), checkGoal}}, nil
}

// tools are commands that see about the same.
type tools struct {
	name     string
	commands [][]string
	together bool
}

// plugins is where Debian's monitoring-plugins-basic puts them.
const plugins = "/usr/lib/nagios/plugins"

func commonTools(s *stage) (tools, error) {
	host, port, err := net.SplitHostPort(s.webAt)
	if err != nil {
		return tools{}, err
	}
	nagios := [][]string{
		{filepath.Join(plugins, "check_disk"), "-w", "15%", "-c", "5%"},
		{filepath.Join(plugins, "check_swap"), "-w", "20%", "-c", "10%"},
		{filepath.Join(plugins, "check_load"), "-w", "10,10,10", "-c", "20,20,20"},
		{filepath.Join(plugins, "check_http"), "-S", "--sni", "-H", watched, "-I", host, "-p", port, "-u", "/api/v2/instance"},
	}
	if installed(nagios) {
		return tools{"Nagios plugins disk, swap, load, http -S, all at once", nagios, true}, nil
	}
	bare := [][]string{
		{"df", "-B1"},
		{"free", "-b"},
		{"openssl", "s_client", "-connect", s.webAt, "-servername", watched, "-CAfile", s.roots, "-brief"},
	}
	if installed(bare) {
		return tools{"df, free and openssl s_client, one after another", bare, false}, nil
	}
	return tools{}, errors.New("neither the Nagios plugins nor df, free and openssl are installed")
}

func installed(commands [][]string) bool {
	for _, c := range commands {
		if _, err := exec.LookPath(c[0]); err != nil {
			return false
		}
	}
	return true
}

// timed runs commands, all at once or one after another, and returns how long
// they took by the clock and by the processor. What they found is not asked:
// an exit status that tells of it is no error, a signal is.
func timed(ctx context.Context, s *stage, commands [][]string, together bool) (wall, cpu time.Duration, err error) {
	var all sync.WaitGroup
	used := make([]time.Duration, len(commands))
	errs := make([]error, len(commands))
	began := time.Now()
	for i, words := range commands {
		one := func() { used[i], errs[i] = processorTime(ctx, s, words) }
		if together {
			all.Go(one)
		} else {
			one()
		}
	}
	all.Wait()
	wall = time.Since(began)
	for _, u := range used {
		cpu += u
	}
	return wall, cpu, errors.Join(errs...)
}

func processorTime(ctx context.Context, s *stage, words []string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = s.env()
	out, err := cmd.CombinedOutput()
	var status *exec.ExitError
	if errors.As(err, &status) && status.Exited() {
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
