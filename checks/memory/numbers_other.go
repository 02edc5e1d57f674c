//go:build !linux

package memory

import (
	"context"

	"github.com/shirou/gopsutil/v3/mem"
)

const isLinux = false

func readNumbers(ctx context.Context, _ string) (numbers, error) {
	v, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return numbers{}, err
	}
	n := numbers{Total: v.Total, Available: min(v.Available, v.Total)}
	if s, err := mem.SwapMemoryWithContext(ctx); err == nil { // no swap is no fault
		n.SwapTotal, n.SwapUsed = s.Total, s.Used
	}
	return n, nil
}
