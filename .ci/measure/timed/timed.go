// Timed runs commands again and again, in turn with each other, and prints how
// long they took by the clock and by the processor. It is a program of its own
// because it runs where they must run: in the guest. A plan is read from
// standard input, the figures go to standard output, both as JSON.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A plan is what to run, and how often.
type plan struct {
	Times int
	// NTP is where a server for check_ntp_time is wanted, host:port.
	NTP string
	// Runs are run in turn.
	Runs []run
}

// A run is commands that count as one, all at once.
type run struct {
	Name     string
	Env      []string
	Commands [][]string
}

// A took is what came of a run: each time in milliseconds, and what the
// commands said the last time.
type took struct {
	Wall, CPU []float64
	Said      []string
}

func main() {
	var p plan
	err := json.NewDecoder(os.Stdin).Decode(&p)
	if err == nil {
		err = p.do(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "timed:", err)
		os.Exit(1)
	}
}

func (p plan) do(ctx context.Context) error {
	if p.NTP != "" {
		conn, err := net.ListenPacket("udp", p.NTP)
		if err != nil {
			return err
		}
		var serving sync.WaitGroup
		serving.Go(func() { tellTime(conn) })
		defer serving.Wait()
		defer conn.Close()
	}
	all := map[string]*took{}
	for _, r := range p.Runs {
		all[r.Name] = &took{}
	}
	for i := range p.Times + 1 { // the first time does not count
		for _, r := range p.Runs {
			wall, cpu, said, err := r.once(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", r.Name, err)
			}
			t := all[r.Name]
			t.Said = said
			if i > 0 {
				t.Wall, t.CPU = append(t.Wall, millis(wall)), append(t.CPU, millis(cpu))
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// once runs all commands at once. What they found is not asked: an exit status
// that tells of it is no error, a signal is.
func (r run) once(ctx context.Context) (wall, cpu time.Duration, said []string, err error) {
	var all sync.WaitGroup
	used, errs := make([]time.Duration, len(r.Commands)), make([]error, len(r.Commands))
	said = make([]string, len(r.Commands))
	began := time.Now()
	for i, words := range r.Commands {
		all.Go(func() {
			cmd := exec.CommandContext(ctx, words[0], words[1:]...)
			cmd.Env = append(os.Environ(), r.Env...)
			out, err := cmd.CombinedOutput()
			var status *exec.ExitError
			if errors.As(err, &status) && status.Exited() {
				err = nil
			}
			said[i] = string(out)
			if err != nil {
				errs[i] = fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, out)
				return
			}
			// Of the process and of those that it has waited for.
			used[i] = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		})
	}
	all.Wait()
	wall = time.Since(began)
	for _, u := range used {
		cpu += u
	}
	return wall, cpu, said, errors.Join(errs...)
}

// tellTime answers as an NTP server does whose clock is this machine's (RFC
// 5905: 48 bytes, seconds since 1900 with a fraction), until it is closed.
func tellTime(conn net.PacketConn) {
	question := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(question)
		if err != nil {
			return
		}
		if n < 48 {
			continue
		}
		now := ntpTime(time.Now())
		answer := make([]byte, 48)
		answer[0] = 4<<3 | 4 // version 4, a server
		answer[1], answer[2], answer[3] = 1, 6, 0xec
		copy(answer[12:], "LOCL")
		binary.BigEndian.PutUint64(answer[16:], now)
		copy(answer[24:32], question[40:48])
		binary.BigEndian.PutUint64(answer[32:], now)
		binary.BigEndian.PutUint64(answer[40:], now)
		_, _ = conn.WriteTo(answer, from) // who did not get it asks again
	}
}

func ntpTime(t time.Time) uint64 {
	const from1900 = 2208988800 // seconds to 1970
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}
