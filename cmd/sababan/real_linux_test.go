package main

import (
	"math"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// A machine that runs tests writes while it is measured: what moves may differ
// by this much between our look and that of the tool beside it.
const (
	diskMoves   = 512 << 20
	memoryMoves = 512 << 20
)

// numbers runs a tool and returns the whole numbers of one line of its output.
func numbers(t *testing.T, line string, command ...string) []float64 {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", command, err)
	}
	var found []float64
	for _, l := range strings.Split(string(out), "\n") {
		if !strings.HasPrefix(l, line) {
			continue
		}
		for _, word := range strings.Fields(strings.TrimPrefix(l, line)) {
			if n, err := strconv.ParseFloat(strings.TrimSuffix(word, "%"), 64); err == nil {
				found = append(found, n)
			}
		}
	}
	return found
}

func measured(t *testing.T, c jsonCheck, name, subject string) jsonMeasure {
	t.Helper()
	for _, m := range c.Measures {
		if m.Name == name && m.Subject == subject {
			return m
		}
	}
	t.Fatalf("%s has no measure %s of %q", c.Name, name, subject)
	return jsonMeasure{}
}

// lookOf is one check of this very machine, as `check --json` shows it.
func lookOf(t *testing.T, name string) jsonCheck {
	t.Helper()
	_, out, stderr := typed(t, checklist, "check", "--json", name)
	r := decodeReport(t, out)
	if len(r.Checks) != 1 || r.Checks[0].Error != "" {
		t.Fatal(out, stderr)
	}
	return r.Checks[0]
}

func near(t *testing.T, what string, got, want, slack float64) {
	t.Helper()
	if math.Abs(got-want) > slack {
		t.Errorf("%s: %.0f, the tool says %.0f", what, got, want)
	}
}

func TestDiskAgreesWithDf(t *testing.T) {
	disk := lookOf(t, "disk")
	measured(t, disk, "available_bytes", "/") // the least there is
	for _, m := range disk.Measures {
		if m.Name != "available_bytes" {
			continue
		}
		if m.Unit != "B" || measured(t, disk, "size_bytes", m.Subject).Unit != "B" || measured(t, disk, "used_ratio", m.Subject).Unit != "ratio" {
			t.Errorf("units of %s", m.Subject)
		}
		df := numbers(t, "", "df", "-B1", "--output=size,avail,pcent", m.Subject)
		if len(df) != 3 {
			continue // a test beside this one has unmounted it
		}
		near(t, m.Subject+" size", measured(t, disk, "size_bytes", m.Subject).Value, df[0], 0)
		near(t, m.Subject+" avail", m.Value, df[1], diskMoves)
		// df rounds up.
		ratio := measured(t, disk, "used_ratio", m.Subject).Value
		if got := math.Ceil(ratio * 100); math.Abs(got-df[2]) > 1+100*diskMoves/df[0] {
			t.Errorf("%s: used %v, df says %v %%", m.Subject, ratio, df[2])
		}
	}
	if df := numbers(t, "", "df", "--output=iavail", "/"); len(df) == 1 && df[0] > 0 {
		m := measured(t, disk, "inodes_available", "/")
		if m.Unit != "count" {
			t.Error(m.Unit)
		}
		near(t, "/ inodes", m.Value, df[0], 50_000)
	}
}

func TestMemoryAgreesWithFree(t *testing.T) {
	memory := lookOf(t, "memory")
	mem, swap := numbers(t, "Mem:", "free", "-b"), numbers(t, "Swap:", "free", "-b")
	if len(mem) < 6 || len(swap) < 2 {
		t.Fatal(mem, swap)
	}
	for name, unit := range map[string]string{"total_bytes": "B", "available_bytes": "B", "swap_used_bytes": "B"} {
		if got := measured(t, memory, name, "").Unit; got != unit {
			t.Errorf("%s is in %q", name, got)
		}
	}
	near(t, "total", measured(t, memory, "total_bytes", "").Value, mem[0], 0)
	near(t, "available", measured(t, memory, "available_bytes", "").Value, mem[5], memoryMoves)
	near(t, "swap used", measured(t, memory, "swap_used_bytes", "").Value, swap[1], memoryMoves)
}
