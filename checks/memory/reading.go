package memory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// A reading is what one look read, before anything is decided.
type reading struct {
	numbers
	// Pressure is nil where the kernel does not tell it; PressureErr says that
	// it ought to and could not be read.
	Pressure    *pressure
	PressureErr error
	// Counters is nil where there are none (not Linux); CountersErr as above.
	Counters    *counters
	CountersErr error
	// Boot identifies the boot, or is "".
	Boot      string
	Processes []process
	// All says that the processes of other users can be seen, too.
	All   bool
	Limit *limit
}

// numbers are the sizes of the machine's memory, in bytes.
type numbers struct{ Total, Available, SwapTotal, SwapUsed uint64 }

// pressure is the share of time in which some process waited for memory, over
// the last 10 s, minute and five minutes, 0 to 1.
type pressure struct{ Some10, Some60, Some300 float64 }

// counters count since boot.
type counters struct {
	SwapIn, SwapOut uint64 // bytes
	Kills           uint64
	// CountsKills is false on kernels before 4.13.
	CountsKills bool
}

// A limit is that of the container that this process lives in, in bytes.
type limit struct{ Max, Used uint64 }

// fileLimit bounds what is read of one file of /proc.
const fileLimit = 64 << 10

func read(ctx context.Context, proc, cgroups string) (reading, error) {
	var r reading
	var err error
	if r.numbers, err = readNumbers(ctx, proc); err != nil {
		return reading{}, fmt.Errorf("memory: %w", err)
	}
	if r.Total == 0 {
		return reading{}, errors.New("memory: the machine says that it has none")
	}
	r.Pressure, r.PressureErr = readPressure(filepath.Join(proc, "pressure", "memory"))
	r.Counters, r.CountersErr = readCounters(filepath.Join(proc, "vmstat"))
	r.Boot = strings.TrimSpace(string(head(filepath.Join(proc, "sys/kernel/random/boot_id"), 64)))
	r.Processes, r.All = readProcesses(ctx, proc)
	r.Limit = readLimit(cgroups, r.Total)
	return r, nil
}

func readPressure(path string) (*pressure, error) {
	b, err := readFile(path)
	switch {
	// Kernels without it have no file; those with psi=0 refuse to open it.
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EOPNOTSUPP):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("pressure: %w", err)
	}
	p, err := parsePressure(string(b))
	if err != nil {
		return nil, err
	}
	return &p, nil
}

var someLine = regexp.MustCompile(`(?m)^some avg10=([0-9.]+) avg60=([0-9.]+) avg300=([0-9.]+) total=`)

func parsePressure(text string) (pressure, error) {
	m := someLine.FindStringSubmatch(text)
	if m == nil {
		return pressure{}, errors.New("pressure: no line of averages")
	}
	var v [3]float64
	for i := range v {
		n, err := strconv.ParseFloat(m[i+1], 64)
		if err != nil || n > 100 {
			return pressure{}, errors.New("pressure: an average is no percentage")
		}
		v[i] = n / 100
	}
	return pressure{v[0], v[1], v[2]}, nil
}

func readCounters(path string) (*counters, error) {
	b, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !isLinux:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("vmstat: %w", err)
	}
	c, err := parseVmstat(string(b), uint64(os.Getpagesize()))
	if err != nil {
		return nil, err
	}
	return &c, nil
}

func parseVmstat(text string, page uint64) (counters, error) {
	values := map[string]uint64{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || key != "pswpin" && key != "pswpout" && key != "oom_kill" {
			continue
		}
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return counters{}, fmt.Errorf("vmstat: %s is no number", key)
		}
		values[key] = n
	}
	in, ok := values["pswpin"]
	out, ok2 := values["pswpout"]
	if !ok || !ok2 {
		return counters{}, errors.New("vmstat: no counters of swapping")
	}
	kills, counts := values["oom_kill"]
	return counters{SwapIn: in * page, SwapOut: out * page, Kills: kills, CountsKills: counts}, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, fileLimit)
	n := 0
	for n < len(b) {
		m, err := f.Read(b[n:])
		n += m
		if err != nil || m == 0 {
			if n > 0 || m == 0 && err == nil {
				break
			}
			return nil, err
		}
	}
	return b[:n], nil
}

// readLimit reads the limit of the container that this process lives in. Only
// the root of what can be seen is asked: the machine's own root has no limit,
// and a limit further down is that of our own service and nobody's business.
func readLimit(cgroups string, total uint64) *limit {
	for _, names := range [][2]string{
		{"memory.max", "memory.current"},
		{"memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"},
	} {
		m, err := strconv.ParseUint(strings.TrimSpace(string(head(filepath.Join(cgroups, names[0]), 64))), 10, 64)
		if err != nil || m == 0 || m >= total {
			continue
		}
		used, err := strconv.ParseUint(strings.TrimSpace(string(head(filepath.Join(cgroups, names[1]), 64))), 10, 64)
		if err != nil {
			continue
		}
		return &limit{Max: m, Used: used}
	}
	return nil
}
