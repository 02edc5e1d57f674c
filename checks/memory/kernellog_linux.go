package memory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// logTime and logBytes bound the reading of the kernel's log (own; the log
	// itself is a ring of a megabyte or so).
	logTime  = 200 * time.Millisecond
	logBytes = 8 << 20
	// logRead is the length of one read: a record is never longer.
	logRead = 16 << 10
)

// readLog reads which processes the kernel killed, oldest first. It never
// waits for new records, and takes none away from anybody. Without permission
// the error is [fs.ErrPermission].
func readLog(ctx context.Context, path string) ([]kill, error) {
	// Not by package os: its poller would wait where there is nothing to read.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		return nil, errNoLog
	}
	if err != nil {
		return nil, fmt.Errorf("kernel log: %w", err)
	}
	defer unix.Close(fd)
	var text []byte
	record := make([]byte, logRead)
	for end := time.Now().Add(logTime); len(text) < logBytes && time.Now().Before(end) && ctx.Err() == nil; {
		n, err := unix.Read(fd, record)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EPIPE) { // EPIPE: overwritten meanwhile, the next one follows
			continue
		}
		if errors.Is(err, unix.EAGAIN) || n == 0 {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("kernel log: %w", err)
		}
		text = append(text, record[:n]...)
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &up); err != nil {
		return nil, fmt.Errorf("uptime: %w", err)
	}
	boot := time.Now().Add(-time.Duration(up.Nano()))
	kills := parseLog(string(text))
	for i := range kills {
		kills[i].At = boot.Add(time.Duration(kills[i].Stamp) * time.Microsecond)
	}
	return kills, nil
}
