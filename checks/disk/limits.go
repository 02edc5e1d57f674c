package disk

import (
	"sync"

	"github.com/sababan/sababan/checks"
)

// The measures that are drawn.
const (
	measureAvailable = "available_bytes"
	measureSize      = "size_bytes"
	measureUsed      = "used_ratio"
	measureInodes    = "inodes_available"
)

// limits are the shares in use at which each file system is spoken of, as it was
// seen last.
type limits struct {
	mu sync.Mutex
	of map[string][]checks.Limit // by subject
}

func (l *limits) set(seen map[string][]checks.Limit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of = seen
}

// Limits tells at which share in use a file system is spoken of.
func (c *check) Limits(_ checks.Past, measure, subject string) []checks.Limit {
	if measure != measureUsed {
		return nil
	}
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	return c.limits.of[subject]
}

// limitsOf are the shares in use from which [judgeBytes] speaks: a bound in
// bytes is a share of what users could have.
func limitsOf(s Stat, c Config, important, inMemory bool) []checks.Limit {
	warning, critical := c.Warning/100, c.Critical/100
	if inMemory {
		return []checks.Limit{{Severity: checks.Warning, Value: warning}}
	}
	room := Size(s.Size - min(s.Free, s.Size) + s.Available)
	if room == 0 {
		return nil
	}
	left := func(free Size) float64 { return 1 - float64(free/room) }
	warning = max(warning, left(c.WarningFree))
	if important && Size(s.Size) >= smallDisk {
		critical = min(critical, left(c.CriticalFree))
	}
	list := []checks.Limit{{Severity: checks.Critical, Value: critical}}
	if warning < critical {
		list = append([]checks.Limit{{Severity: checks.Warning, Value: warning}}, list...)
	}
	return list
}
