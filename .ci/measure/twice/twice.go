// Twice lets the check "packages" look with no past, and then again and again
// with what it remembered while nothing has changed, and prints how long the
// later looks took, in milliseconds, as JSON: what a look costs in the daemon,
// which has started long ago. With 0 it looks only once, with no past.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/packages"
	"github.com/sababan/sababan/checks/site"
)

// kept is a past that holds only what was remembered.
type kept struct {
	checks.NoPast
	memory map[string][]byte
}

// Load gives it back.
func (k kept) Load(key string) ([]byte, bool) {
	b, ok := k.memory[key]
	return b, ok
}

// A table is one in which nothing is written.
type table struct{}

// Decode leaves the defaults.
func (table) Decode(any) error { return nil }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "twice:", err)
		os.Exit(1)
	}
}

func run() error {
	times := 1
	if len(os.Args) > 1 {
		var err error
		if times, err = strconv.Atoi(os.Args[1]); err != nil {
			return err
		}
	}
	c, err := packages.Kind(&site.Site{Proc: "/proc"}).New(table{})
	if err != nil {
		return err
	}
	ctx, past := context.Background(), kept{memory: map[string][]byte{}}
	var wall, cpu []float64
	for i := range times + 1 {
		before, began := processor(), time.Now()
		o, err := c.Look(ctx, past)
		took, used := time.Since(began), processor()-before
		if err != nil {
			return err
		}
		if len(o.Remember) == 0 {
			return errors.New("nothing is remembered")
		}
		past.memory = o.Remember
		if i > 0 {
			wall, cpu = append(wall, millis(took)), append(cpu, millis(used))
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string][]float64{"Wall": wall, "CPU": cpu})
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// processor is what this process and its children have used.
func processor() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}
