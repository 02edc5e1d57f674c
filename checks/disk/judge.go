package disk

import (
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
)

// A Stat is what a file system says about itself: bytes, and inodes where it
// has a fixed number of them (0 where not). Free counts what is reserved for
// root, Available does not.
type Stat struct {
	Size, Free, Available uint64
	Inodes, InodesFree    uint64
}

// Used is the share in use as df counts it: of what users could have.
func (s Stat) Used() float64 {
	used := s.Size - min(s.Free, s.Size)
	if used+s.Available == 0 {
		return 0
	}
	return float64(used) / float64(used+s.Available)
}

// UsedInodes is the share of inodes in use; 0 where there is no fixed number.
func (s Stat) UsedInodes() float64 {
	if s.Inodes == 0 {
		return 0
	}
	return float64(s.Inodes-min(s.InodesFree, s.Inodes)) / float64(s.Inodes)
}

// A verdict is the outcome of one rule, and which branch of it was taken.
type verdict struct {
	Severity checks.Severity
	Holds    bool
	Why      string
}

func (v verdict) found() bool { return v.Severity > checks.OK }

const (
	// smallDisk: below it an absolute bound says nothing (own: a quarter of
	// eight gigabytes is not "nearly full").
	smallDisk = 8 * gigabyte
	// slack keeps an absolute bound from opening and closing at every look
	// (own).
	slack = 1.1
)

// judgeBytes decides on the room of one file system. important are those
// without which the server stops; inMemory are tmpfs.
func judgeBytes(s Stat, c Config, important, inMemory bool) verdict {
	used, free := s.Used()*100, Size(s.Available)
	counted := important && Size(s.Size) >= smallDisk
	switch {
	case inMemory && used >= c.Warning:
		return verdict{checks.Warning, false, "memory filling"}
	case inMemory && used >= c.Clear:
		return verdict{checks.Warning, true, "between"}
	case inMemory:
		return verdict{Why: "fine"}
	case used >= c.Critical:
		return verdict{checks.Critical, false, "full"}
	case counted && free < c.CriticalFree:
		return verdict{checks.Critical, false, "little left"}
	case used >= c.Warning && free < c.WarningFree:
		return verdict{checks.Warning, false, "filling"}
	case used >= c.Clear && free < c.WarningFree*slack,
		counted && free < c.CriticalFree*slack:
		return verdict{checks.Warning, true, "between"}
	}
	return verdict{Why: "fine"}
}

// judgeInodes decides on the inodes of one file system.
func judgeInodes(s Stat, c Config, inMemory bool) verdict {
	used := s.UsedInodes() * 100
	switch {
	case s.Inodes == 0:
		return verdict{Why: "no fixed number"}
	case used >= c.Critical && !inMemory:
		return verdict{checks.Critical, false, "full"}
	case used >= c.Warning:
		return verdict{checks.Warning, false, "filling"}
	case used >= c.Clear:
		return verdict{checks.Warning, true, "between"}
	}
	return verdict{Why: "fine"}
}

// How a file system came to be read-only.
const (
	writable      = "writable"
	meant         = "meant to be read only"
	stoppedError  = "the kernel stopped writing after an error"
	stoppedBefore = "it could be written before"
)

// judgeReadOnly tells whether a file system that ought to be written to cannot
// be. It goes by the file system's own options, never by the mount's: a
// sandboxed service sees every mount read-only. wasWritable is what the last
// look saw.
func judgeReadOnly(m Mount, wasWritable bool) string {
	ro := slices.Contains(m.Super, "ro")
	switch {
	case !writableTypes[m.Type]:
		if ro {
			return meant
		}
		return writable
	// ext4 since Linux 6.14 says so here and stays "rw".
	case slices.Contains(m.Super, "emergency_ro"), slices.Contains(m.Super, "shutdown"):
		return stoppedError
	case !ro:
		return writable
	// Only the kernel itself leaves the mount writable; mount(8) turns both.
	case slices.Contains(m.Options, "rw"):
		return stoppedError
	case wasWritable:
		return stoppedBefore
	case slices.Contains(m.Super, "errors=remount-ro") && !strings.HasPrefix(m.Source, "/dev/loop"):
		return stoppedError
	}
	return meant
}
