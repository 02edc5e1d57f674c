//go:build !linux

package disk

import (
	"fmt"
	"slices"

	"github.com/shirou/gopsutil/v3/disk"
)

func readMounts(string) ([]Mount, error) {
	parts, err := disk.Partitions(true)
	if err != nil {
		return nil, fmt.Errorf("mount table: %w", err)
	}
	var mounts []Mount
	for _, p := range parts {
		if slices.Contains(p.Opts, "nobrowse") && p.Mountpoint != dataPoint {
			continue
		}
		mounts = append(mounts, Mount{
			Device: p.Device, Root: "/", Point: p.Mountpoint, Type: p.Fstype, Source: p.Device,
			Options: p.Opts, Super: p.Opts,
		})
	}
	if len(mounts) == 0 {
		return nil, fmt.Errorf("mount table: empty")
	}
	return mounts, nil
}

func statfs(path string) (Stat, error) {
	u, err := disk.Usage(path)
	if err != nil {
		return Stat{}, fmt.Errorf("statfs: %w", err)
	}
	return Stat{
		Size: u.Total, Free: u.Total - min(u.Used, u.Total), Available: u.Free,
		Inodes: u.InodesTotal, InodesFree: u.InodesFree,
	}, nil
}

func beIdle() {}
