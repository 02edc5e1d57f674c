package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	usageTimes   = 7  // issue: the ratio of minima over seven alternating runs
	warmGoal     = 75 // % of du's time, issue
	coldGoal     = 65 // % of du's time, issue
	usageMemory  = 64 // MB, issue
	coldTimes    = 3
	usageFolders = 200_000
	usageFiles   = 5 // in each: a million
)

// measureUsage walks a tree of a million files in the shape of public/system,
// beside GNU du, which runs with the same niceness and I/O priority as our
// threads: what else this machine does takes from both alike. A cold cache is
// measured where it may be dropped.
func measureUsage(ctx context.Context, w *workshop) ([]verdict, error) {
	walk, err := w.build(ctx, "walk", "-trimpath", "-ldflags", "-s -w", "./.ci/measure/walk")
	if err != nil {
		return nil, err
	}
	tree := os.Getenv("SABABAN_BENCH_TREE") // one that is there already and stays
	if tree == "" {
		tree = filepath.Join(w.dir, "system")
		if err := growTree(ctx, tree); err != nil {
			return nil, err
		}
	}
	ours := []string{walk, tree}
	du := []string{"nice", "-n", "19", "ionice", "-c", "3", "du", "-s", "-B1", tree}
	if _, err := exec.LookPath("ionice"); err != nil {
		du = slices.Delete(du, 3, 6)
	}
	warm, peak, err := race(ctx, ours, du, usageTimes, func() error { return nil })
	if err != nil {
		return nil, err
	}
	w.say("   warm, walk: %s", warm[0])
	w.say("   warm, du:   %s", warm[1])
	w.say("   the same total to the byte, in each run")
	verdicts := []verdict{
		ratio("usage warm", warm, warmGoal),
		{"usage memory", "MB (peak)", peak, 2, usageMemory},
	}
	if dropCaches() != nil {
		w.say("   the cache may not be dropped here: nothing is said of a cold one")
		return verdicts, nil
	}
	cold, _, err := race(ctx, ours, du, coldTimes, dropCaches)
	if err != nil {
		return verdicts, err
	}
	w.say("   cold, walk: %s", cold[0])
	w.say("   cold, du:   %s", cold[1])
	return append(verdicts, ratio("usage cold", cold, coldGoal)), nil
}

func ratio(name string, of [2]figures, goal float64) verdict {
	return verdict{name, "% of du's wall time (minima)", 100 * of[0].quantile(0) / of[1].quantile(0), 100, goal}
}

// race runs two commands in turn, the first to begin alternating, after one
// run of each that does not count. It returns their times and the most memory
// that the first one took, in MB. Both must print the same number first.
func race(ctx context.Context, a, b []string, times int, before func() error) (took [2]figures, peak float64, err error) {
	total := ""
	for i := range times + 1 {
		order := []int{0, 1}
		if i%2 == 1 {
			order = []int{1, 0}
		}
		for _, side := range order {
			if err := before(); err != nil {
				return took, 0, err
			}
			words := [][]string{a, b}[side]
			cmd := exec.CommandContext(ctx, words[0], words[1:]...)
			cmd.Env = append(os.Environ(), "LC_ALL=C")
			began := time.Now()
			out, err := cmd.Output()
			wall := time.Since(began)
			if err != nil {
				return took, 0, fmt.Errorf("%s: %w", strings.Join(words, " "), err)
			}
			first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\t")
			if total == "" {
				total = first
			}
			if first != total {
				return took, 0, fmt.Errorf("%s says %s bytes, not %s", words[0], first, total)
			}
			if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && side == 0 {
				peak = max(peak, float64(usage.Maxrss)/1024)
			}
			if i > 0 {
				took[side].add(wall)
			}
		}
	}
	return took, peak, nil
}

// dropCaches makes the next walk a cold one, as far as this machine's own
// cache goes.
func dropCaches() error {
	syscall.Sync()
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3\n"), 0)
}

// growTree makes three levels of numbered folders with five small files in each
// of the last: what Paperclip makes of a million attachments.
func growTree(ctx context.Context, root string) error {
	var room syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(root), &room); err != nil {
		return err
	}
	const needed = usageFolders * (usageFiles + 1)
	if free := room.Bavail * uint64(room.Bsize); free < 4*needed*4096 || room.Files > 0 && room.Ffree < 4*needed {
		return errors.New("there is not room enough for a million files: set TMPDIR to a larger disk")
	}
	body := make([]byte, 100)
	parts := make(chan int)
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for part := range parts {
				if errs[i] == nil {
					errs[i] = growPart(ctx, root, part, body)
				}
			}
		})
	}
	for part := range usageFolders / 1000 {
		parts <- part
	}
	close(parts)
	all.Wait()
	return errors.Join(errs...)
}

func growPart(ctx context.Context, root string, part int, body []byte) error {
	for last := range 1000 {
		if err := ctx.Err(); err != nil {
			return err
		}
		dir := filepath.Join(root, fmt.Sprintf("%03d/%03d/%03d", part/100, part%100, last))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for f := range usageFiles {
			name := strconv.FormatUint(uint64(part*1000+last)*0x9E3779B97F4A7C15+uint64(f), 16) + ".png"
			if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
