package memory

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/mem"
)

const isLinux = true

// readNumbers reads meminfo below a process file system. gopsutil takes a file
// that cannot be read for a machine without memory, and one without the
// kernel's own estimate for one with an estimate of its own: both are refused
// here.
func readNumbers(ctx context.Context, proc string) (numbers, error) {
	text, err := readFile(filepath.Join(proc, "meminfo"))
	if err != nil {
		return numbers{}, err
	}
	for _, key := range []string{"MemTotal:", "MemAvailable:", "SwapTotal:", "SwapFree:"} {
		if !bytes.Contains(text, []byte(key)) {
			return numbers{}, errors.New("meminfo has no " + key[:len(key)-1])
		}
	}
	ctx = context.WithValue(ctx, common.EnvKey, common.EnvMap{common.HostProcEnvKey: proc})
	v, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return numbers{}, err
	}
	if v.Available > v.Total {
		return numbers{}, errors.New("meminfo has more available than there is")
	}
	return numbers{
		Total: v.Total, Available: v.Available,
		SwapTotal: v.SwapTotal, SwapUsed: v.SwapTotal - min(v.SwapFree, v.SwapTotal),
	}, nil
}
